"""Signatures and encryption of ReBIT's AA APIs, made of the package `cryptography`.

`docs/crypto.md` of mockaa explains each step with numbers.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, field
from typing import Any, Mapping, Union

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Json = Any
"""A value of JSON."""


class SignatureError(ValueError):
    """A signature that is not valid; the text says why."""


class UnknownKeyError(SignatureError):
    """A signature by a key that is not in the set: the AA may have a new one."""


def decode_base64url(text: str) -> bytes:
    """Decodes base64url without padding (RFC 7515, section 2). Raises `ValueError` for other characters."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def encode_base64url(octets: bytes) -> str:
    """Encodes base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def read_jwks(key_set: Mapping[str, Json]) -> dict[str, rsa.RSAPublicKey]:
    """Returns the RSA keys of a JWK set (RFC 7517) by their `kid`."""
    keys = {}
    for jwk in key_set["keys"]:
        if jwk.get("kty") == "RSA":
            n, e = (int.from_bytes(decode_base64url(jwk[name]), "big") for name in ("n", "e"))
            keys[jwk["kid"]] = rsa.RSAPublicNumbers(e, n).public_key()
    return keys


class SigningKey:
    """An RSA key with which an FIU signs."""

    def __init__(self, kid: str, key: Union[rsa.RSAPrivateKey, None] = None) -> None:
        self.kid = kid
        self._key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def public_jwk(self) -> dict[str, str]:
        """Returns the public key as a JWK, for the registry or for mockaa."""
        numbers = self._key.public_key().public_numbers()
        n = encode_base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))
        e = encode_base64url(numbers.e.to_bytes((numbers.e.bit_length() + 7) // 8, "big"))
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": n, "e": e}

    def sign(self, message: bytes) -> str:
        """Returns a detached JWS, `header..signature`, over the bytes as they are sent (RFC 7797, b64=false)."""
        fields = {"alg": "RS256", "kid": self.kid, "b64": False, "crit": ["b64"]}
        header = encode_base64url(json.dumps(fields, separators=(",", ":")).encode())
        signature = self._key.sign(header.encode() + b"." + message, padding.PKCS1v15(), SHA256())
        return f"{header}..{encode_base64url(signature)}"


def verify(jws: Union[str, None], message: bytes, keys: Mapping[str, rsa.RSAPublicKey]) -> None:
    """Verifies a detached JWS over the received bytes. Raises `SignatureError`."""
    if not jws:
        raise SignatureError("the header x-jws-signature is missing")
    parts = jws.split(".")
    if len(parts) != 3 or parts[1]:
        raise SignatureError("x-jws-signature is not a detached JWS, which has the form header..signature")
    try:
        header, signature = json.loads(decode_base64url(parts[0])), decode_base64url(parts[2])
    except ValueError as error:
        raise SignatureError(f"x-jws-signature is not base64url of JSON and of a signature: {error}") from None
    # The sender does not choose the algorithm (RFC 8725, section 3.1).
    if not isinstance(header, dict) or header.get("alg") != "RS256":
        raise SignatureError(f"the algorithm is not RS256: {header}")
    if "crit" in header and header["crit"] != ["b64"]:
        raise SignatureError(f"unknown critical fields: {header['crit']}")
    kid = header.get("kid")
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise UnknownKeyError(f"no key has the kid {kid!r}")
    payload = message if header.get("b64") is False else encode_base64url(message).encode()
    try:
        key.verify(signature, parts[0].encode() + b"." + payload, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        raise SignatureError("the signature does not match the body and the key") from None


def open_compact(jws: str, keys: Mapping[str, rsa.RSAPublicKey]) -> Json:
    """Verifies a compact JWS, such as `signedConsent`, and returns its content. Raises `SignatureError`."""
    parts = jws.split(".")
    if len(parts) != 3:
        raise SignatureError("it is no compact JWS, which has the form header.payload.signature")
    try:
        header, payload = json.loads(decode_base64url(parts[0])), decode_base64url(parts[1])
    except ValueError as error:
        raise SignatureError(f"it is not base64url of JSON: {error}") from None
    # What was signed without base64url is no signature over this text.
    if isinstance(header, dict) and "b64" in header:
        raise SignatureError("a compact JWS has its payload in base64url; its header says b64")
    verify(f"{parts[0]}..{parts[2]}", payload, keys)
    return json.loads(payload)


@dataclass
class SessionKey:
    """A key pair on X25519 and a nonce, for one data session. They are never used again."""

    private: x25519.X25519PrivateKey = field(default_factory=x25519.X25519PrivateKey.generate)
    nonce: bytes = field(default_factory=lambda: os.urandom(32))

    def key_material(self, expiry: str) -> dict[str, Json]:
        """Returns `KeyMaterial` of ReBIT. `expiry` is a timestamp."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public = self.private.public_key().public_bytes(serialization.Encoding.DER, form)
        value = {"expiry": expiry, "Parameters": "", "KeyValue": base64.b64encode(public).decode()}
        nonce = base64.b64encode(self.nonce).decode()
        return {"cryptoAlg": "ECDH", "curve": "Curve25519", "params": "", "DHPublicKey": value, "Nonce": nonce}

    def _cipher(self, material: Mapping[str, Json]) -> tuple[AESGCM, bytes]:
        lines = material["DHPublicKey"]["KeyValue"].split("-----")
        # PEM has its base64 between two labels; without labels all of it is base64.
        encoded = lines[2] if len(lines) > 2 else lines[0]
        try:
            public = serialization.load_der_public_key(base64.b64decode("".join(encoded.split())))
        except (UnsupportedAlgorithm, ValueError):
            public = None
        if not isinstance(public, x25519.X25519PublicKey):
            raise ValueError("the other side's key is not on X25519; both sides use the same form of Curve25519")
        nonce = base64.b64decode(material["Nonce"])
        if len(nonce) != 32:
            raise ValueError(f"the nonce has {len(nonce)} bytes, not 32")
        mixed = bytes(ours ^ theirs for ours, theirs in zip(self.nonce, nonce))
        key = HKDF(SHA256(), 32, salt=mixed[:20], info=None).derive(self.private.exchange(public))
        return AESGCM(key), mixed[-12:]

    def decrypt(self, material: Mapping[str, Json], encrypted: str) -> bytes:
        """Decrypts `encryptedFI` with the `KeyMaterial` that came beside it. Raises `ValueError`."""
        cipher, iv = self._cipher(material)
        try:
            return cipher.decrypt(iv, base64.b64decode(encrypted), None)
        except InvalidTag:
            raise ValueError("the data does not decrypt: a key or a nonce is not the one of this session") from None
