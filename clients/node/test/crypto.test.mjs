// The worked numbers of mockaa's docs/crypto.md.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openCompact, readJwks, SessionKey, SignatureError, SigningKey, verify } from "@mockaa/testing";

// Outside of the repository, a copy of the file is named.
const FILE = process.env.KNOWN_ANSWERS ?? new URL("../../../tests/fixtures/known-answers.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(FILE, "utf8"));
const find = (id) => vectors.find((vector) => vector.id === id);
const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("the data of the recipe decrypts", () => {
  const vector = find("x25519-1");
  const key = SessionKey.fromBytes(Buffer.from(vector.fiu_private_hex, "hex"), Buffer.from(vector.fiu_nonce_b64, "base64"));
  assert.equal(key.keyMaterial("2026-02-01T06:00:00.000Z").DHPublicKey.KeyValue, vector.fiu_public_der_b64);
  const theirs = { DHPublicKey: { KeyValue: vector.fip_public_pem }, Nonce: vector.fip_nonce_b64 };
  assert.equal(key.decrypt(theirs, vector.encryptedFI_b64), vector.plaintext_utf8);
});

test("a key in the other form is named", () => {
  const vector = find("weierstrass-full-2");
  const theirs = { DHPublicKey: { KeyValue: vector.fip_public_pem_single_line }, Nonce: vector.fip_nonce_b64 };
  assert.throws(() => new SessionKey().decrypt(theirs, vector.encryptedFI_b64), /not on X25519/);
});

test("a nonce or a tag of another length is refused", () => {
  const { fip_public_pem: KeyValue, fip_nonce_b64: Nonce } = find("x25519-1");
  assert.throws(() => new SessionKey().decrypt({ DHPublicKey: { KeyValue }, Nonce: "AAAA" }, "AAAA"), /3 bytes, not 32/);
  assert.throws(() => new SessionKey().decrypt({ DHPublicKey: { KeyValue }, Nonce }, "AAAAAA=="), /does not decrypt/);
});

test("the signature of the recipe is valid", () => {
  const vector = find("detached-fiu-1");
  const keys = readJwks({ keys: [vector.jwk] });
  const body = Buffer.from(vector.body_utf8);
  verify(vector.x_jws_signature, body, keys);
  assert.throws(() => verify(vector.x_jws_signature, Buffer.concat([body, Buffer.from(" ")]), keys), /does not match/);
  assert.throws(() => verify(vector.x_jws_signature, body, new Map()), /no key has the kid/);
});

for (const [jws, reason] of [
  [undefined, /missing/],
  ["", /missing/],
  ["a.b", /detached/],
  ["a.b.c", /detached/],
  ["!..c", /base64url/],
  [`${encode({})}..`, /not RS256/],
  [`${encode(null)}..`, /not RS256/],
  [`${encode({ alg: "none" })}..`, /not RS256/],
  [`${encode({ alg: "HS256", kid: "k" })}..c2ln`, /not RS256/],
  ...[["exp"], null, 5, [], [["b64"]]].map((crit) => [`${encode({ alg: "RS256", kid: "k", crit })}..c2ln`, /critical/]),
  [`${encode({ alg: "RS256", kid: ["k"] })}..c2ln`, /no key has the kid/],
]) {
  test(`${jws} is no signature`, () => {
    assert.throws(() => verify(jws, Buffer.from("{}"), new Map()), (error) => error instanceof SignatureError && reason.test(error.message));
  });
}

test("what a key signs, it verifies", () => {
  const key = new SigningKey("own");
  const keys = readJwks({ keys: [key.publicJwk()] });
  verify(key.sign("body"), Buffer.from("body"), keys);
  const [header, , signature] = key.sign('{"a":1}').split(".");
  assert.throws(() => openCompact(`${header}.${encode({ a: 1 })}.${signature}`, keys), /b64/);
  assert.throws(() => verify(`${key.sign("body").slice(0, -4)}!!\n `, Buffer.from("body"), keys), SignatureError);
  // Twelve characters are nine octets; Node ignores a thirteenth.
  const longer = `${encode({ alg: "RS256", kid: "own" })}.${encode({ abc: 1 })}A.c2ln`;
  assert.throws(() => openCompact(longer, keys), /payload is not base64url/);
});
