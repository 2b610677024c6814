"""An FIU that uses ReBIT's AA API 2.0.0: it signs what it sends, verifies what it receives, and decrypts."""

from __future__ import annotations

import json
import uuid
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Mapping, Optional, Sequence

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .crypto import SessionKey, SignatureError, SigningKey, open_compact, verify
from .http import send
from .timestamps import format_time, is_current, parse_time
from .world import World


@dataclass(frozen=True)
class Account:
    """The data of one account, decrypted."""

    fip_id: str
    link_number: str
    masked_number: str
    xml: str
    """The document of the account, by the FI schemas of ReBIT."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the document as a dict: attributes by name, elements as dicts, `Transaction` as a list."""
        return _to_dict(ElementTree.fromstring(self.xml))

    @property
    def transactions(self) -> list[dict[str, Any]]:
        """The transactions; amounts and dates are texts, as in the document."""
        return list(self.to_dict().get("Transactions", {}).get("Transaction", []))


# Elements that may occur several times, whatever their number in a document.
_LISTS = {"Transaction", "Holder", "Holding", "Nominee"}


def _to_dict(element: ElementTree.Element) -> dict[str, Any]:
    content: dict[str, Any] = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
    for child in element:
        name, value = child.tag.rpartition("}")[2], _to_dict(child)
        if name in _LISTS:
            content.setdefault(name, []).append(value)
        elif name in content:
            content[name] = content[name] + [value] if isinstance(content[name], list) else [content[name], value]
        else:
            content[name] = value
    return content


@dataclass(frozen=True)
class Artefact:
    """A signed consent: what the customer has agreed to."""

    consent_id: str
    detail: Mapping[str, Any]
    """`ConsentDetail`, from the signed bytes."""
    signature: str
    status: str


class Fiu:
    """An FIU in a world, with a signing key of its own that the world knows."""

    def __init__(self, world: World, key: SigningKey, aa_keys: Mapping[str, RSAPublicKey], fiu_id: str = "FIU-1") -> None:
        self.world = world
        self.id = fiu_id
        self._key = key
        self._aa_keys = aa_keys
        # The keys of the FIU under test, which may be the same one, stay valid.
        known = world.control("GET", f"config/fiu/{fiu_id}")
        keys = [jwk for jwk in known["publicKeys"] if jwk.get("kid") != key.kid]
        world.control("PUT", f"config/fiu/{fiu_id}", {"publicKeys": [*keys, key.public_jwk()]})
        self._api_key = known["apiKey"]

    def post(self, path: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """Signs and sends a message, such as `/Consent`; adds `ver`, `timestamp` and `txnid`.

        Verifies the signature of the answer. Raises `ApiError` for an error of the AA.
        """
        message = {"ver": "2.0.0", "timestamp": self.world.now, "txnid": str(uuid.uuid4()), **content}
        body = json.dumps(message).encode()
        headers = {"content-type": "application/json", "client_api_key": self._api_key, "x-jws-signature": self._key.sign(body)}
        answer_headers, answer = send("POST", self.world.base_url + path, body, headers)
        verify(answer_headers.get("x-jws-signature"), answer, self._aa_keys)
        result = json.loads(answer)
        if result.get("txnid") != message["txnid"]:
            raise SignatureError(f"the answer to {path} has the txnid of another message, {result.get('txnid')}")
        # An artefact has no timestamp of its own.
        if "timestamp" in result:
            sent = result["timestamp"]
            try:
                is_misdated = not is_current(parse_time(sent), parse_time(self.world.now))
            except ValueError as error:
                raise SignatureError(f"the answer to {path}: {error}") from None
            if is_misdated:
                raise SignatureError(f"the answer to {path} is of {sent}, more than 15 minutes off")
        return result  # type: ignore[no-any-return]

    def raise_consent(self, customer: str = "9876543210", **changes: Any) -> str:
        """Raises a consent for a mobile number or an address of an AA; returns its handle.

        It is for twelve months of deposits. `changes` replace fields of `ConsentDetail`, such as `fiTypes=["EQUITIES"]`.
        """
        now = parse_time(self.world.now)
        # Within fair use for the purpose 101: once a day, for a year, with the data of a year.
        detail = {
            "consentStart": format_time(now),
            "consentExpiry": format_time(now + timedelta(days=364)),
            "consentMode": "STORE",
            "fetchType": "PERIODIC",
            "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"],
            "fiTypes": ["DEPOSIT"],
            "DataConsumer": {"id": self.id, "type": "FIU"},
            "Customer": {"id": customer if "@" in customer else f"{customer}@mockaa"},
            "Purpose": {
                "code": "101",
                "refUri": "https://api.rebit.org.in/aa/purpose/101.xml",
                "text": "Wealth management service",
                "Category": {"type": "Personal Finance"},
            },
            "FIDataRange": {"from": format_time(now - timedelta(days=365)), "to": format_time(now)},
            "DataLife": {"unit": "MONTH", "value": 1},
            "Frequency": {"unit": "DAY", "value": 1},
            **changes,
        }
        return str(self.post("/Consent", {"ConsentDetail": detail})["ConsentHandle"])

    def consent_status(self, handle: str) -> dict[str, Any]:
        """Returns `ConsentStatus`: the status, and the `id` of the consent once it is approved."""
        return self.post("/Consent/handle", {"ConsentHandle": handle})["ConsentStatus"]  # type: ignore[no-any-return]

    def artefact(self, handle: str) -> Artefact:
        """Fetches the signed consent, and verifies its signature."""
        status = self.consent_status(handle)
        if not status.get("id"):
            raise AssertionError(f"the consent {handle} is {status['status']}, and has no artefact yet")
        answer = self.post("/Consent/fetch", {"consentId": status["id"]})
        signed = answer["signedConsent"]
        return Artefact(status["id"], open_compact(signed, self._aa_keys), signed.rpartition(".")[2], answer["status"])

    def request_data(self, handle: str, key: SessionKey, start: Optional[str] = None, end: Optional[str] = None) -> str:
        """Requests the data of a consent, by default of its whole range; returns the id of the session."""
        artefact = self.artefact(handle)
        granted = artefact.detail["FIDataRange"]
        expiry = format_time(parse_time(self.world.now) + timedelta(hours=1))
        answer = self.post("/FI/request", {
            "FIDataRange": {"from": start or granted["from"], "to": end or granted["to"]},
            "Consent": {"id": artefact.consent_id, "digitalSignature": artefact.signature},
            "KeyMaterial": key.key_material(expiry),
        })
        return str(answer["sessionId"])

    def fetch_session(self, session_id: str, key: SessionKey) -> list[Account]:
        """Fetches the data of a session, and decrypts it."""
        accounts = []
        for entry in self.post("/FI/fetch", {"sessionId": session_id})["FI"]:
            for item in entry["data"]:
                document = key.decrypt(entry["KeyMaterial"], item["encryptedFI"]).decode()
                accounts.append(Account(entry["fipID"], item["linkRefNumber"], item["maskedAccNumber"], document))
        return accounts

    def fetch_data(self, handle: str, start: Optional[str] = None, end: Optional[str] = None) -> Sequence[Account]:
        """Requests and fetches the data of a consent. The banks of the sandbox have answered when they are asked."""
        key = SessionKey()
        return self.fetch_session(self.request_data(handle, key, start, end), key)
