"""The fixtures of the kit, against a running mockaa."""

import pytest

from pytest_mockaa import ApiError, SessionKey, SignatureError


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


@pytest.mark.parametrize("scenario", ["webhook-chunked", "webhook-rotated-key", "webhook-late", "webhook-huge", "webhook-burst"])
def test_unusual_webhooks_are_accepted(aa_world, aa_inbox, fiu, aa_report, scenario):
    aa_world.use_scenario(scenario)
    fiu.raise_consent()
    aa_world.advance("2h")
    assert aa_inbox.wait(status="ACTIVE").is_valid


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("webhook-altered-api-key", "aa_api_key is no valid token"),
        ("webhook-foreign-api-key", "aa_api_key is a token of"),
        ("webhook-without-api-key", "aa_api_key is missing"),
        ("webhook-stale", "15 minutes off"),
        ("webhook-future-timestamp", "15 minutes off"),
        ("webhook-unknown-kid", "no key has the kid"),
        ("webhook-alg-none", "not RS256"),
        ("webhook-tampered", "does not match"),
    ],
)
def test_invalid_webhooks_are_refused(aa_world, aa_inbox, fiu, aa_report, scenario, reason):
    aa_world.use_scenario(scenario)
    fiu.raise_consent()
    aa_world.advance("1m")
    assert reason in aa_inbox.wait(valid=False).problem


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("set_field: { field: timestamp, value: 5 }", "no date-time"),
        ("set_field: { field: timestamp, value: null }", "no date-time"),
        ('set_field: { field: timestamp, value: "" }', "no date-time"),
        ('set_field: { field: timestamp, value: "2026-01-31" }', "no date-time"),
        ("alter_field: { field: timestamp, change: shorter }", "no date-time"),
        ("missing_field: timestamp", "no date-time"),
        ("missing_field: Notifier", "Notifier has no id"),
        ("missing_field: Notifier.id", "Notifier has no id"),
        ("set_field: { field: Notifier, value: mockaa }", "Notifier has no id"),
    ],
)
def test_webhooks_with_invalid_fields_are_refused(aa_world, aa_inbox, fiu, fault, reason):
    aa_world.put_faults(f"webhooks: [{{ where: {{ attempts: 1 }}, fault: {{ {fault} }} }}]")
    fiu.raise_consent("9999999001")
    assert reason in aa_inbox.wait(valid=False).problem


@pytest.mark.parametrize("value", ["5", "null", '"2026-01-31"'])
def test_answers_without_a_date_are_refused(aa_world, fiu, value):
    aa_world.put_faults(f"api_faults: [{{ fault: {{ set_field: {{ field: timestamp, value: {value} }} }} }}]")
    with pytest.raises(SignatureError, match="no date-time"):
        fiu.raise_consent()


@pytest.mark.clock("2026-01-31T06:00:00Z")
def test_messages_may_have_the_time_of_the_machine(aa_world, aa_inbox, fiu):
    aa_world.control("PUT", "config/fiu/FIU-1", {"messageTime": "wall"})
    handle = fiu.raise_consent("9999999001")
    assert aa_inbox.wait(status="ACTIVE").consent_handle == handle


@pytest.mark.scenario("version: 1\nname: many\nsteps: [approve: {}]\nwebhooks: [{ fault: { rotated_key: {} } }, { fault: { burst: { copies: 50 } } }]\n")
def test_many_webhooks_with_a_new_key_are_accepted(aa_world, aa_inbox, fiu):
    fiu.raise_consent()
    aa_world.advance("1m")
    aa_inbox.wait(status="ACTIVE", count=50)
    assert all(webhook.is_valid for webhook in aa_inbox.received)


@pytest.mark.parametrize("scenario", ["api-stale", "api-future", "api-other-txnid", "api-badly-signed"])
def test_wrong_answers_are_refused(aa_world, fiu, aa_report, scenario):
    aa_world.use_scenario(scenario)
    with pytest.raises(SignatureError):
        handle = fiu.raise_consent()
        aa_world.advance("1m")
        fiu.fetch_data(handle)


def test_the_keys_of_the_fiu_under_test_stay_valid(aa_world, fiu):
    kids = [jwk["kid"] for jwk in aa_world.control("GET", "config/fiu/FIU-1")["publicKeys"]]
    assert kids == ["fiu-1-dev-1", "pytest-mockaa"]


@pytest.mark.parametrize("name", ["forged", '"forged"', "'forged' # a note"])
def test_the_name_of_a_scenario_is_read_as_yaml_has_it(aa_world, name):
    assert aa_world.use_scenario(f"version: 1\nname: {name}\nsteps: [approve: {{}}]\n") == "forged"
    with pytest.raises(ValueError, match="has no name"):
        aa_world.use_scenario("version: 1\nsteps: [approve: {}]\n")


def test_a_report_waits_for_what_is_under_way(aa_world, aa_inbox, fiu, aa_report):
    fiu.raise_consent("9999999001")
    aa_inbox.wait(status="ACTIVE")
    aa_report().check("acknowledges-webhooks")


def test_an_answer_that_cannot_be_chosen_is_500(aa_world, aa_inbox, fiu):
    aa_inbox.answer = lambda webhook: 1 // 0
    fiu.raise_consent("9999999001")
    aa_world.advance("0s")
    (delivery, *_) = aa_world.control("GET", "webhooks?after=0")["items"]
    assert delivery["attempts"][0]["status"] == 500


def test_a_timestamp_that_is_none_is_a_problem_and_is_answered(aa_world, aa_inbox, fiu):
    handle = fiu.raise_consent("9999999001")
    first = aa_inbox.wait(status="ACTIVE")
    body = {**first.json, "timestamp": "yesterday"}
    aa_world.control("POST", f"consents/{handle}/play", {"notify": {"body": body}})
    aa_world.advance("1s")
    assert "yesterday" in aa_inbox.wait(valid=False).problem
