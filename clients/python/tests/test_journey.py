"""The fixtures of the kit, against a running mockaa."""

import pytest

from pytest_mockaa import ApiError, SessionKey


def test_a_customer_approves_and_the_data_is_fetched(aa_world, aa_inbox, fiu, aa_report):
    handle = fiu.raise_consent("9999999001")
    webhook = aa_inbox.wait(status="ACTIVE")
    assert webhook.consent_handle == handle
    assert aa_world.state(handle) == "ACTIVE"
    accounts = fiu.fetch_data(handle)
    assert accounts and all(account.transactions for account in accounts)
    assert accounts[0].xml.startswith("<")
    aa_report().check("signs-requests", "acknowledges-webhooks", "acknowledges-in-format")


def test_a_customer_rejects(aa_world, aa_inbox, fiu):
    handle = fiu.raise_consent("9999999002")
    aa_world.advance("1m")
    assert aa_inbox.wait(status="REJECTED").consent_handle == handle
    with pytest.raises(AssertionError, match="has no artefact"):
        fiu.artefact(handle)


@pytest.mark.scenario("webhook-duplicate")
def test_a_scenario_is_named_by_a_marker(aa_world, aa_inbox, fiu):
    fiu.raise_consent()
    aa_world.advance("1m")
    first, second = aa_inbox.wait(status="ACTIVE"), aa_inbox.wait(status="ACTIVE", count=2)
    assert first.body == second.body


@pytest.mark.scenario("version: 1\nname: forged\nsteps: [approve: {}]\nwebhooks: [fault: { wrong_key: {} }]\n")
def test_a_scenario_is_written_in_the_test(aa_world, aa_inbox, fiu, aa_report):
    fiu.raise_consent()
    aa_world.advance("1s")
    forged = aa_inbox.wait(valid=False)
    assert "does not match" in forged.problem
    aa_report().check("rejects-invalid-signatures")


@pytest.mark.clock("2026-01-31T06:00:00Z")
def test_the_clock_is_frozen_at_the_time_of_a_marker(aa_world, fiu):
    assert aa_world.now == "2026-01-31T06:00:00.000Z"
    handle = fiu.raise_consent()
    aa_world.approve(handle)
    aa_world.advance(to="2027-01-31T06:00:00Z")
    assert aa_world.state(handle) == "EXPIRED"


def test_an_error_has_its_status_and_text(aa_world, fiu):
    with pytest.raises(ApiError, match="404|400") as raised:
        fiu.post("/Consent/handle", {"ConsentHandle": "00000000-0000-4000-8000-000000000000"})
    assert raised.value.body["errorCode"]


def test_unaport(aa_world, aa_inbox, unaport):
    handle = unaport.raise_consent("9999999001")["ConsentHandle"]
    aa_inbox.wait(status="ACTIVE")
    assert unaport.consent(handle)
    aa_inbox.wait(path="/FI/Notification")
    assert unaport.fetch_data(handle)


def test_expectations(aa_world, fiu):
    fiu.raise_consent()
    aa_world.expect("expect: [{ state: { is: PENDING } }]")
    with pytest.raises(AssertionError, match="at least 1 consent that is REVOKED"):
        aa_world.expect("expect: [{ state: { is: REVOKED } }]")


def test_a_wait_says_what_has_arrived(aa_inbox, fiu):
    fiu.raise_consent("9999999001")
    aa_inbox.wait(status="ACTIVE")
    with pytest.raises(AssertionError, match="/Consent/Notification ACTIVE"):
        aa_inbox.wait(status="PAUSED", timeout=0.01)


def test_a_key_is_not_that_of_the_session(aa_world, fiu):
    handle = fiu.raise_consent("9999999001")
    session = fiu.request_data(handle, SessionKey())
    with pytest.raises(ValueError, match="does not decrypt"):
        fiu.fetch_session(session, SessionKey())
