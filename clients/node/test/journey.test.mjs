// The kit with node:test, against a running mockaa.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, openMockaa, SessionKey, SignatureError, withMockaa } from "@mockaa/testing";

test("a customer approves and the data is fetched", withMockaa(async ({ world, inbox, fiu, report }) => {
  const handle = await fiu.raiseConsent("9999999001");
  const webhook = await inbox.wait({ status: "ACTIVE" });
  assert.equal(webhook.consentHandle, handle);
  assert.equal((await world.consent(handle)).state, "ACTIVE");
  const accounts = await fiu.fetchData(handle);
  assert.ok(accounts.length > 0 && accounts.every(({ transactions }) => transactions.length > 0));
  assert.match(accounts[0].transactions[0].amount, /^\d+\.\d\d$/);
  (await report()).check("signs-requests", "acknowledges-webhooks", "acknowledges-in-format");
}));

test("a customer rejects", withMockaa(async ({ world, inbox, fiu }) => {
  const handle = await fiu.raiseConsent("9999999002");
  await world.advance("1m");
  assert.equal((await inbox.wait({ status: "REJECTED" })).consentHandle, handle);
  await assert.rejects(fiu.artefact(handle), /has no artefact/);
}));

test("a scenario is named", withMockaa(async ({ world, inbox, fiu }) => {
  await fiu.raiseConsent();
  await world.advance("1m");
  const [first, second] = [await inbox.wait({ status: "ACTIVE" }), await inbox.wait({ status: "ACTIVE", count: 2 })];
  assert.deepEqual(first.body, second.body);
}, { scenario: "webhook-duplicate" }));

const FORGED = "version: 1\nname: forged\nsteps: [approve: {}]\nwebhooks: [fault: { wrong_key: {} }]\n";

test("a scenario is written in the test", withMockaa(async ({ world, inbox, fiu, report }) => {
  await fiu.raiseConsent();
  await world.advance("1s");
  assert.match((await inbox.wait({ valid: false })).problem, /does not match/);
  (await report()).check("rejects-invalid-signatures");
}, { scenario: FORGED }));

test("the clock is frozen at a time", withMockaa(async ({ world, fiu }) => {
  assert.equal(await world.now(), "2026-01-31T06:00:00.000Z");
  const handle = await fiu.raiseConsent();
  await world.approve(handle);
  await world.advance({ to: "2027-01-31T06:00:00Z" });
  assert.equal((await world.consent(handle)).state, "EXPIRED");
}, { clock: "2026-01-31T06:00:00Z" }));

test("an error has its status and text", withMockaa(async ({ fiu }) => {
  const unknown = fiu.post("/Consent/handle", { ConsentHandle: "00000000-0000-4000-8000-000000000000" });
  await assert.rejects(unknown, (error) => error instanceof ApiError && error.body.errorCode !== undefined);
}));

test("Unaport", withMockaa(async ({ inbox, unaport }) => {
  const backend = await unaport();
  const { ConsentHandle } = await backend.raiseConsent("9999999001");
  await inbox.wait({ status: "ACTIVE" });
  assert.ok(await backend.consent(ConsentHandle));
  await inbox.wait({ path: "/FI/Notification" });
  assert.ok(await backend.fetchData(ConsentHandle));
}));

test("expectations", withMockaa(async ({ world, fiu }) => {
  await fiu.raiseConsent();
  await world.expect("expect: [{ state: { is: PENDING } }]");
  await assert.rejects(world.expect("expect: [{ state: { is: REVOKED } }]"), /at least 1 consent that is REVOKED/);
}));

test("a wait says what has arrived", withMockaa(async ({ inbox, fiu }) => {
  await fiu.raiseConsent("9999999001");
  await inbox.wait({ status: "ACTIVE" });
  await assert.rejects(inbox.wait({ status: "PAUSED", timeout: 10 }), /\/Consent\/Notification ACTIVE/);
}));

test("a key is not that of the session", withMockaa(async ({ fiu }) => {
  const handle = await fiu.raiseConsent("9999999001");
  const session = await fiu.requestData(handle, new SessionKey());
  await assert.rejects(fiu.fetchSession(session, new SessionKey()), /does not decrypt/);
}));

test("a failure carries the journal of its world", async () => {
  const failing = withMockaa(async ({ fiu }) => {
    await fiu.raiseConsent();
    throw new Error("as expected");
  });
  const hasJournal = (text) => /as expected\n\njournal of the mockaa world failing-[^]*consent\.raised/.test(text);
  await assert.rejects(failing({ name: "failing" }), ({ message, stack }) => hasJournal(message) && hasJournal(stack));
});

for (const scenario of ["webhook-chunked", "webhook-rotated-key", "webhook-late", "webhook-huge", "webhook-burst"]) {
  test(`${scenario} is accepted`, withMockaa(async ({ world, inbox, fiu, report }) => {
    await fiu.raiseConsent();
    await world.advance("2h");
    assert.ok((await inbox.wait({ status: "ACTIVE" })).isValid);
    (await report()).check();
  }, { scenario }));
}

for (const [scenario, reason] of [
  ["webhook-altered-api-key", /aa_api_key is no valid token/],
  ["webhook-foreign-api-key", /aa_api_key is a token of/],
  ["webhook-without-api-key", /aa_api_key is missing/],
  ["webhook-stale", /within 15 minutes/],
  ["webhook-future-timestamp", /within 15 minutes/],
  ["webhook-unknown-kid", /no key has the kid/],
  ["webhook-alg-none", /not RS256/],
  ["webhook-tampered", /does not match/],
]) {
  test(`${scenario} is refused`, withMockaa(async ({ world, inbox, fiu, report }) => {
    await fiu.raiseConsent();
    await world.advance("1m");
    assert.match((await inbox.wait({ valid: false })).problem, reason);
    (await report()).check();
  }, { scenario }));
}

for (const [fault, reason] of [
  ["set_field: { field: timestamp, value: 5 }", /no date-time/],
  ["set_field: { field: timestamp, value: null }", /no date-time/],
  ['set_field: { field: timestamp, value: "" }', /no date-time/],
  ['set_field: { field: timestamp, value: "2026-01-31" }', /no date-time/],
  ["alter_field: { field: timestamp, change: shorter }", /no date-time/],
  ["missing_field: timestamp", /no date-time/],
  ["missing_field: Notifier", /Notifier has no id/],
  ["missing_field: Notifier.id", /Notifier has no id/],
  ["set_field: { field: Notifier, value: mockaa }", /Notifier has no id/],
]) {
  test(`a webhook with ${fault} is refused`, withMockaa(async ({ world, inbox, fiu }) => {
    await world.putFaults(`webhooks: [{ where: { attempts: 1 }, fault: { ${fault} } }]`);
    await fiu.raiseConsent("9999999001");
    assert.match((await inbox.wait({ valid: false })).problem, reason);
  }));
}

for (const value of ["5", "null", '"2026-01-31"']) {
  test(`an answer of ${value} is refused`, withMockaa(async ({ world, fiu }) => {
    await world.putFaults(`api_faults: [{ fault: { set_field: { field: timestamp, value: ${value} } } }]`);
    await assert.rejects(fiu.raiseConsent(), SignatureError);
  }));
}

test("messages may have the time of the machine", withMockaa(async ({ world, inbox, fiu }) => {
  await world.control("PUT", "config/fiu/FIU-1", { messageTime: "wall" });
  const handle = await fiu.raiseConsent("9999999001");
  assert.equal((await inbox.wait({ status: "ACTIVE" })).consentHandle, handle);
}, { clock: "2026-01-31T06:00:00Z" }));

const manyWithNewKey = "version: 1\nname: many\nsteps: [approve: {}]\nwebhooks: [{ fault: { rotated_key: {} } }, { fault: { burst: { copies: 50 } } }]\n";
test("many webhooks with a new key are accepted", withMockaa(async ({ world, inbox, fiu }) => {
  await fiu.raiseConsent();
  await world.advance("1m");
  await inbox.wait({ status: "ACTIVE", count: 50 });
  assert.ok(inbox.received.every((webhook) => webhook.isValid));
}, { scenario: manyWithNewKey }));

test("a webhook in UTF-16 is read", withMockaa(async ({ world, inbox, fiu }) => {
  const handle = await fiu.raiseConsent();
  await world.advance("1m");
  assert.equal((await inbox.wait({ status: "ACTIVE", valid: "any" })).consentHandle, handle);
}, { scenario: "webhook-utf-16" }));

for (const scenario of ["api-stale", "api-future", "api-other-txnid", "api-badly-signed"]) {
  test(`the answers of ${scenario} are refused`, withMockaa(async ({ world, fiu, report }) => {
    await assert.rejects(async () => {
      const handle = await fiu.raiseConsent();
      await world.advance("1m");
      await fiu.fetchData(handle);
    }, SignatureError);
    (await report()).check();
  }, { scenario }));
}

test("the keys of the FIU under test stay valid", withMockaa(async ({ world }) => {
  const { publicKeys } = await world.control("GET", "config/fiu/FIU-1");
  assert.deepEqual(publicKeys.map(({ kid }) => kid), ["fiu-1-dev-1", "mockaa-testing"]);
}));

test("the name of a scenario is read as YAML has it", withMockaa(async ({ world }) => {
  for (const name of ["forged", '"forged"', "'forged' # a note"]) {
    assert.equal(await world.useScenario(`version: 1\nname: ${name}\nsteps: [approve: {}]\n`), "forged");
  }
  await assert.rejects(world.useScenario("version: 1\nsteps: [approve: {}]\n"), /has no name/);
}));

test("a report waits for what is under way", withMockaa(async ({ inbox, fiu, report }) => {
  await fiu.raiseConsent("9999999001");
  await inbox.wait({ status: "ACTIVE" });
  (await report()).check("acknowledges-webhooks");
}));

test("an answer that cannot be chosen is 500", withMockaa(async ({ world, inbox, fiu }) => {
  inbox.answer = () => {
    throw new Error("as expected");
  };
  await fiu.raiseConsent("9999999001");
  await world.advance("0s");
  const { items } = await world.control("GET", "webhooks?after=0");
  assert.equal(items[0].attempts[0].status, 500);
}));

test("tests of one name have worlds of their own", async () => {
  const opened = await Promise.all([1, 2, 3].map(() => openMockaa("the same")));
  assert.equal(new Set(opened.map(({ world }) => world.name)).size, 3);
  await Promise.all(opened.map((each) => each.close()));
});

test("a timestamp that is none is a problem, and is answered", withMockaa(async ({ world, inbox, fiu }) => {
  const handle = await fiu.raiseConsent("9999999001");
  const body = { ...(await inbox.wait({ status: "ACTIVE" })).json(), timestamp: "yesterday" };
  await world.control("POST", `consents/${handle}/play`, { notify: { body } });
  await world.advance("1s");
  assert.match((await inbox.wait({ valid: false })).problem, /yesterday/);
}));
