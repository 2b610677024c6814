"""The worked numbers of mockaa's docs/crypto.md."""

import base64
import json
import os
import pathlib

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pytest_mockaa import SessionKey, SignatureError, SigningKey, read_jwks, verify
from pytest_mockaa.crypto import decode_base64url, encode_base64url, open_compact

# Outside of the repository, a copy of the file is named.
FILE = os.environ.get("KNOWN_ANSWERS") or pathlib.Path(__file__).parents[3] / "tests/fixtures/known-answers.json"
VECTORS = {vector["id"]: vector for vector in json.loads(pathlib.Path(FILE).read_text())["vectors"]}


def test_the_data_of_the_recipe_decrypts():
    vector = VECTORS["x25519-1"]
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(vector["fiu_private_hex"]))
    key = SessionKey(private, base64.b64decode(vector["fiu_nonce_b64"]))
    material = key.key_material("2026-02-01T06:00:00.000Z")
    assert material["DHPublicKey"]["KeyValue"] == vector["fiu_public_der_b64"]
    theirs = {"DHPublicKey": {"KeyValue": vector["fip_public_pem"]}, "Nonce": vector["fip_nonce_b64"]}
    assert key.decrypt(theirs, vector["encryptedFI_b64"]).decode() == vector["plaintext_utf8"]


def test_a_key_in_the_other_form_is_named():
    vector = VECTORS["weierstrass-full-2"]
    theirs = {"DHPublicKey": {"KeyValue": vector["fip_public_pem_single_line"]}, "Nonce": vector["fip_nonce_b64"]}
    with pytest.raises(ValueError, match="not on X25519"):
        SessionKey().decrypt(theirs, vector["encryptedFI_b64"])


def test_a_nonce_of_another_length_is_refused():
    vector = VECTORS["x25519-1"]
    theirs = {"DHPublicKey": {"KeyValue": vector["fip_public_pem"]}, "Nonce": "AAAA"}
    with pytest.raises(ValueError, match="3 bytes, not 32"):
        SessionKey().decrypt(theirs, vector["encryptedFI_b64"])


def test_the_signature_of_the_recipe_is_valid():
    vector = VECTORS["detached-fiu-1"]
    keys = read_jwks({"keys": [vector["jwk"]]})
    body = vector["body_utf8"].encode()
    verify(vector["x_jws_signature"], body, keys)
    with pytest.raises(SignatureError, match="does not match"):
        verify(vector["x_jws_signature"], body + b" ", keys)
    with pytest.raises(SignatureError, match="no key has the kid"):
        verify(vector["x_jws_signature"], body, {})


@pytest.mark.parametrize(
    ("jws", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        ("a.b", "detached"),
        ("a.b.c", "detached"),
        ("!..c", "base64url"),
        (f"{encode_base64url(b'{}')}..", "not RS256"),
        (f"{encode_base64url(b'[]')}..", "not RS256"),
        (f"{encode_base64url(json.dumps({'alg': 'none'}).encode())}..", "not RS256"),
        (f"{encode_base64url(json.dumps({'alg': 'HS256', 'kid': 'k'}).encode())}..c2ln", "not RS256"),
        *((f"{encode_base64url(json.dumps({'alg': 'RS256', 'kid': 'k', 'crit': crit}).encode())}..", "critical")
          for crit in (["exp"], None, 5, [], [["b64"]])),
        (f"{encode_base64url(json.dumps({'alg': 'RS256', 'kid': ['k']}).encode())}..", "no key has the kid"),
    ],
)
def test_what_is_no_signature_is_refused(jws, reason):
    with pytest.raises(SignatureError, match=reason):
        verify(jws, b"{}", {})


def test_what_a_key_signs_it_verifies():
    key = SigningKey("own")
    keys = read_jwks({"keys": [key.public_jwk()]})
    verify(key.sign(b"body"), b"body", keys)
    header, _, signature = key.sign(b'{"a":1}').split(".")
    # With b64=false the signature is over the text itself, so that it is no compact JWS of the same text.
    payload = encode_base64url(b'{"a":1}')
    with pytest.raises(SignatureError, match="b64"):
        open_compact(f"{header}.{payload}.{signature}", keys)
    with pytest.raises(SignatureError):
        verify(key.sign(b"body")[:-4] + "!!\n ", b"body", keys)
    assert decode_base64url(encode_base64url(b"\x00\xff")) == b"\x00\xff"
