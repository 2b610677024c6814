"""An FIU that knows only the OpenAPI files of ReBIT's AA APIs 1.1.2 (aa-1.1.2.yaml, fiu-1.1.2.yaml).
It takes consents and their data the whole way against mockaa. Bodies come from the files' examples.

Run it as `python3 tests/clients/rebit_1_1_2.py [PATH_TO_MOCKAA]`; without an argument it uses $MOCKAA,
else `mockaa` on the PATH. It needs Python 3 and the package `cryptography`.
Exit code 0: every check passed; 1: at least one failed.
"""

import base64
import json
import os
import queue
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import uuid
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MOCKAA = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MOCKAA", "mockaa")
# Settings of the developer's environment must not change the test.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MOCKAA_")}
WAIT_S = 20
FIU_ID, API_KEY, KID = "FIU-1", "mockaa-dev-fiu-1-api-key", "client-1"
CUSTOMER = "9876543210@mockaa"
UNKNOWN_ID = "654024c8-29c8-11e8-8868-0289437bf331"  # the example of a consent id
# The required fields of the definitions.
HEARTBEAT = "ver timestamp Status"
CREATED = "ver timestamp txnid Customer ConsentHandle"
CONSENT_STATUS = "ver timestamp txnid ConsentHandle ConsentStatus"
ARTEFACT = "ver txnid consentId createTimestamp signedConsent ConsentUse status"
CONSENT_DETAIL = ("consentStart consentExpiry consentMode fetchType consentTypes fiTypes DataConsumer DataProvider "
                  "Customer Purpose FIDataRange DataLife Frequency Accounts")
SESSION = "ver timestamp txnid consentId sessionId"
FETCHED = "ver timestamp txnid FI"
ERROR = "ver timestamp txnid errorCode errorMsg"
CONSENT_NOTIFICATION = "ver timestamp txnid Notifier ConsentStatusNotification"
FI_NOTIFICATION = "ver timestamp txnid Notifier FIStatusNotification"
failures = []


def check_equal(label, actual, expected):
    print(f"ok    {label}" if actual == expected else f"FAIL  {label}: {actual!r}, expected {expected!r}")
    failures.extend([label] if actual != expected else [])


def check_message(label, message, required):
    """Checks the required fields and the version, which is "1.0" in each example."""
    check_equal(f"{label}: the missing fields", sorted(set(required.split()) - set(message)), [])
    # differs: an answer that no message of ours preceded has a version of the sandbox's choice.
    if required not in (HEARTBEAT, ERROR):
        check_equal(f"{label}: ver", message.get("ver"), "1.0")


def decode_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode_base64url(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def format_time(days=0):
    """Returns the time in some days, formatted as the example 2018-12-06T11:39:57.153Z."""
    time = datetime.now(timezone.utc) + timedelta(days=days)
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03}Z"


class Signer:
    """The FIU's key for signatures, and the AA's keys."""

    def __init__(self):
        self.key, self.aa_keys = rsa.generate_private_key(public_exponent=65537, key_size=2048), {}

    def build_public_jwk(self):
        numbers = self.key.public_key().public_numbers()
        return {"kty": "RSA", "kid": KID, "n": encode_base64url(numbers.n.to_bytes(256, "big")), "e": "AQAB"}

    def load_aa_keys(self, key_set):
        for jwk in key_set["keys"]:
            n, e = (int.from_bytes(decode_base64url(jwk[name]), "big") for name in ("n", "e"))
            self.aa_keys[jwk["kid"]] = rsa.RSAPublicNumbers(e, n).public_key()

    def sign_detached(self, message):
        """Returns a detached JWS whose header is that of the example of signedConsent."""
        fields = {"alg": "RS256", "kid": KID, "b64": False, "crit": ["b64"]}
        header = encode_base64url(json.dumps(fields, separators=(",", ":")).encode())
        signature = self.key.sign(header.encode() + b"." + message, padding.PKCS1v15(), SHA256())
        return f"{header}..{encode_base64url(signature)}"

    def is_valid(self, jws, message=None):
        """Verifies a JWS of the AA. `message` is the payload of a detached one."""
        try:
            header, payload, signature = (jws or "").split(".")
            fields = json.loads(decode_base64url(header))
            if (payload == "") != (message is not None) or fields["alg"] != "RS256":
                return False
            octets = message if message is not None else decode_base64url(payload)
            signed = octets if fields.get("b64") is False else encode_base64url(octets).encode()
            key = self.aa_keys[fields["kid"]]
            key.verify(decode_base64url(signature), header.encode() + b"." + signed, padding.PKCS1v15(), SHA256())
            return True
        except (ValueError, KeyError, InvalidSignature):
            return False


class SessionKey:
    """A key pair and a nonce for one data session."""

    def __init__(self):
        # differs: the example of Nonce is a UUID, which the sandbox refuses.
        self.key, self.nonce = x25519.X25519PrivateKey.generate(), base64.b64encode(os.urandom(32)).decode()

    def build_key_material(self):
        info = serialization.PublicFormat.SubjectPublicKeyInfo
        public_key = self.key.public_key().public_bytes(serialization.Encoding.DER, info)
        public = {"expiry": format_time(days=1), "KeyValue": base64.b64encode(public_key).decode()}
        return {"cryptoAlg": "ECDH", "curve": "Curve25519", "DHPublicKey": public, "Nonce": self.nonce}

    def decrypt(self, material, encrypted):
        """Decrypts account data as Sahamati's rahasya does."""
        # differs: the answer's key is a PEM file although the request's was the base64 in it; the YAML names no form.
        lines = material["DHPublicKey"]["KeyValue"].splitlines()
        base64_key = "".join(line for line in lines if not line.startswith("-----"))
        public_key = serialization.load_der_public_key(base64.b64decode(base64_key))
        nonces = [base64.b64decode(nonce) for nonce in (self.nonce, material["Nonce"])]
        mixed = bytes(own ^ other for own, other in zip(*nonces))
        key = HKDF(SHA256(), 32, salt=mixed[:20], info=b"").derive(self.key.exchange(public_key))
        return AESGCM(key).decrypt(mixed[-12:], base64.b64decode(encrypted), None)


class Receiver:
    """The FIU's server, which queues the notifications that it receives."""

    def __init__(self, signer):
        self.received, receiver = queue.Queue(), self

        class Inbox(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                # A NotificationResponse; its example has another form of time, 2018-09-22T06:13:30.967+0000.
                time, txnid = format_time().replace("Z", "+0000"), json.loads(body)["txnid"]
                answer = json.dumps({"ver": "1.0", "timestamp": time, "txnid": txnid, "response": "OK"}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.send_header("x-jws-signature", signer.sign_detached(answer))
                self.end_headers()
                self.wfile.write(answer)
                is_valid = signer.is_valid(self.headers["x-jws-signature"], body)
                receiver.received.put((self.path, is_valid, bool(self.headers["aa_api_key"]), json.loads(body)))

            log_message = lambda *_: None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take_notification(self, label, path, required):
        """Waits for the next notification and checks what all have in common."""
        *envelope, message = self.received.get(timeout=WAIT_S)
        check_equal(f"{label}: its path, valid signature, aa_api_key", envelope, [path, True, True])
        check_message(label, message, required)
        check_equal(f"{label}: the notifier", message["Notifier"]["type"], "AA")
        return message


class Aggregator:
    """A `mockaa serve` process on a free port."""

    def __init__(self, fiu_url, signer):
        command = [MOCKAA, "serve", "--port", "0", "--fiu-url", fiu_url]
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.base_url, self.signer = json.loads(self.process.stdout.readline())["base_url"], signer

    def send(self, method, path, data, headers):
        """Returns the status, the headers and the body of an answer."""
        request = urllib.request.Request(self.base_url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def control(self, method, path, body=None):
        """Calls the sandbox itself, in place of the Central Registry and the customer."""
        data = None if body is None else json.dumps(body).encode()
        status, _, answer = self.send(method, path, data, {"content-type": "application/json"} if data else {})
        assert status == 200, f"{method} {path} returned {status}: {answer}"
        return json.loads(answer)

    def call(self, label, method, path, body=None):
        """Calls a ReBIT API with a signature: of the body, or of the URI, which is without the query.
        Returns the status and the JSON of the answer, whose signature it checks."""
        data = None if body is None else json.dumps(body).encode()
        signed = path.split("?")[0].encode() if data is None else data
        headers = {"client_api_key": API_KEY, "x-jws-signature": self.signer.sign_detached(signed)}
        headers.update({"content-type": "application/json"} if data else {})
        status, answer_headers, answer = self.send(method, path, data, headers)
        is_valid = self.signer.is_valid(answer_headers["x-jws-signature"], answer)
        check_equal(f"{label}: the answer's signature is valid", is_valid, True)
        return status, json.loads(answer)

    def read(self, label, path, required):
        """Gets a message, which must be the answer 200."""
        status, answer = self.call(label, "GET", path)
        check_equal(f"{label}: the status", status, 200)
        check_message(label, answer, required)
        return answer

    def post(self, label, path, content, required):
        """Posts a message, which must be answered with 200 and the same txnid."""
        message = {"ver": "1.0", "timestamp": format_time(), "txnid": str(uuid.uuid4()), **content}
        status, answer = self.call(label, "POST", path, message)
        check_equal(f"{label}: the status, the txnid", (status, answer.get("txnid")), (200, message["txnid"]))
        check_message(label, answer, required)
        return answer


def build_consent_detail(fi_types, filters):
    """Returns the example values of ConsentDetail; those without one are from the example of signedConsent."""
    purpose = {"code": "101", "refUri": "https://api.rebit.org.in/aa/purpose/101.xml",
               "text": "Wealth management service", "Category": {"type": "purposeCategoryType"}}
    return {"consentStart": format_time(), "consentExpiry": format_time(days=365), "consentMode": "VIEW",
            "fetchType": "ONETIME", "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": fi_types,
            "DataConsumer": {"id": FIU_ID}, "Customer": {"id": CUSTOMER}, "Purpose": purpose,
            "FIDataRange": {"from": format_time(days=-365), "to": format_time()},
            "DataLife": {"unit": "MONTH", "value": 4}, "Frequency": {"unit": "HOUR", "value": 4}, "DataFilter": filters}


def read_consent(aggregator, consent_id, requested):
    """Returns the consent's signature and its accounts' link numbers for each FIP."""
    artefact = aggregator.read("the artefact", f"/Consent/{consent_id}", ARTEFACT)
    check_equal("the artefact: id, status", (artefact["consentId"], artefact["status"]), (consent_id, "ACTIVE"))
    check_equal("the artefact: its use", artefact["ConsentUse"]["count"], 0)
    is_valid = aggregator.signer.is_valid(artefact["signedConsent"])
    check_equal("the signed consent: its signature is valid", is_valid, True)
    _, payload, signature = artefact["signedConsent"].split(".")
    detail = json.loads(decode_base64url(payload))
    check_equal("the signed consent: the missing fields", sorted(set(CONSENT_DETAIL.split()) - set(detail)), [])
    # The artefact has a type of the DataConsumer, unlike the request.
    expected = {**requested, "DataConsumer": {"id": FIU_ID, "type": "FIU"}}
    changed = [name for name, value in expected.items() if detail.get(name) != value]
    check_equal("the signed consent: the fields that differ from the request", changed, [])
    check_equal("the signed consent: its provider", detail["DataProvider"]["type"], "AA")
    links = {}
    for account in detail["Accounts"]:
        links.setdefault(account["fipId"], []).append(account["linkRefNumber"])
    return signature, links


def take_ready_accounts(receiver, session_id, links):
    """Waits until each account is READY; there may be a notification for each FIP."""
    ready = {}
    while ready != {fip_id: sorted(numbers) for fip_id, numbers in links.items()}:
        message = receiver.take_notification("the FI notification", "/FI/Notification", FI_NOTIFICATION)
        status = message["FIStatusNotification"]
        check_equal("the FI notification: its session", status["sessionId"], session_id)
        check_equal("the FI notification: its status", status["sessionStatus"] in ("ACTIVE", "COMPLETED"), True)
        for response in status["FIStatusResponse"]:
            numbers = [item["linkRefNumber"] for item in response["Accounts"] if item["FIStatus"] == "READY"]
            ready[response["fipID"]] = sorted(numbers)


def check_account(label, octets, least_amount):
    """Checks that data is the XML of an account and that its transactions have passed the filter, if there is one."""
    root = ElementTree.fromstring(octets)
    transactions = [item for item in root.iter() if item.tag.endswith("}Transaction")]
    is_account = root.tag.endswith("}Account")
    check_equal(f"{label}: an account with transactions", (is_account, bool(transactions)), (True, True))
    if least_amount is not None:
        small = [item.get("amount") for item in transactions if float(item.get("amount")) < least_amount]
        check_equal(f"{label}: amounts below {least_amount}", small, [])


def fetch_data(aggregator, path, session_key, least_amount):
    """Decrypts each account of each FIP; returns their link numbers for each FIP."""
    links = {}
    for entry in aggregator.read("the data", path, FETCHED)["FI"]:
        material = entry["KeyMaterial"]
        names = material["cryptoAlg"], material["curve"]
        check_equal(f"the data of {entry['fipID']}: cryptoAlg, curve", names, ("ECDH", "Curve25519"))
        for account in entry["data"]:
            octets = session_key.decrypt(material, account["encryptedFI"])
            check_account(f"account {account['maskedAccNumber']} of {entry['fipID']}", octets, least_amount)
            links.setdefault(entry["fipID"], []).append(account["linkRefNumber"])
    return links


def raise_consent(aggregator, detail):
    """Returns the handle of a new consent request, and its txnid."""
    created = aggregator.post("the consent request", "/Consent", {"ConsentDetail": detail}, CREATED)
    check_equal("the consent request: its customer", created["Customer"], {"id": CUSTOMER})
    return created["ConsentHandle"], created["txnid"]


def check_consent_status(aggregator, handle, expected):
    """Checks the status of a consent request; returns the consent's id, if it has one."""
    answer = aggregator.read(f"the handle when {expected}", f"/Consent/handle/{handle}", CONSENT_STATUS)
    actual = answer["ConsentHandle"], answer["ConsentStatus"]["status"]
    check_equal(f"the handle when {expected}: handle, status", actual, (handle, expected))
    return answer["ConsentStatus"].get("id")


def take_consent_notification(receiver, handle, txnid, expected):
    """Waits for the notification of a consent's status; returns the consent's id, if it has one."""
    label = f"the notification of {expected}"
    message = receiver.take_notification(label, "/Consent/Notification", CONSENT_NOTIFICATION)
    status = message["ConsentStatusNotification"]
    actual = status.get("consentHandle"), status["consentStatus"]
    check_equal(f"{label}: its handle, status", actual, (handle, expected))
    # differs: the description of ConsentsRequest.txnid says that the AA should use it in notifications too.
    check_equal(f"{label}: a txnid of its own", message["txnid"] != txnid, True)
    return status.get("consentId")


def play_approval(aggregator, receiver, detail, least_amount, by_fip):
    """Takes a consent from the request to its data, which is fetched at once or for each FIP."""
    handle, txnid = raise_consent(aggregator, detail)
    check_consent_status(aggregator, handle, "PENDING")
    aggregator.control("POST", f"/_mockaa/v1/consents/{handle}/approve")
    notified_id = take_consent_notification(receiver, handle, txnid, "ACTIVE")
    consent_id = check_consent_status(aggregator, handle, "READY")
    check_equal("the notification has the consent's id", notified_id, consent_id)
    signature, links = read_consent(aggregator, consent_id, detail)
    session_key = SessionKey()
    session = aggregator.post("the data request", "/FI/request", {
        "FIDataRange": detail["FIDataRange"], "Consent": {"id": consent_id, "digitalSignature": signature},
        "KeyMaterial": session_key.build_key_material()}, SESSION)
    check_equal("the data request: its consent", session["consentId"], consent_id)
    take_ready_accounts(receiver, session["sessionId"], links)
    path, fetched = f"/FI/fetch/{session['sessionId']}", {}
    queries = ["?" + "&".join([f"fipId={fip_id}"] + [f"linkRefNumber={number}" for number in numbers])
               for fip_id, numbers in links.items()]
    for query in queries if by_fip else [""]:
        fetched.update(fetch_data(aggregator, path + query, session_key, least_amount))
    check_equal("the data: its accounts", fetched, links)
    return links


def play_rejection(aggregator, receiver, detail):
    """Raises a consent that the customer rejects."""
    handle, txnid = raise_consent(aggregator, detail)
    aggregator.control("POST", f"/_mockaa/v1/consents/{handle}/reject")
    take_consent_notification(receiver, handle, txnid, "REJECTED")
    check_consent_status(aggregator, handle, "FAILED")


def check_unknown_consent(aggregator):
    status, answer = aggregator.call("an unknown consent", "GET", f"/Consent/{UNKNOWN_ID}")
    check_message("an unknown consent", answer, ERROR)
    check_equal("an unknown consent: status, errorCode", (status, answer["errorCode"]), (400, "InvalidConsentId"))


def main():
    signer = Signer()
    receiver = Receiver(signer)
    aggregator = Aggregator(receiver.url, signer)
    try:
        aggregator.control("PUT", f"/_mockaa/v1/config/fiu/{FIU_ID}", {"publicKeys": [signer.build_public_jwk()]})
        signer.load_aa_keys(aggregator.control("GET", "/.well-known/jwks.json"))
        print("-- the heartbeat")
        check_equal("the heartbeat: Status", aggregator.read("the heartbeat", "/Heartbeat", HEARTBEAT)["Status"], "UP")
        print("-- a consent for one FIP, with a filter")
        # The example of the filter's value is a number, though its type is string.
        detail = build_consent_detail(["DEPOSIT"], [{"type": "TRANSACTIONAMOUNT", "operator": ">=", "value": 20000}])
        play_approval(aggregator, receiver, detail, least_amount=20000, by_fip=False)
        print("-- a consent for several FIPs and accounts")
        several = build_consent_detail(["DEPOSIT", "TERM_DEPOSIT", "MUTUAL_FUNDS", "EQUITIES"], [])
        links = play_approval(aggregator, receiver, several, least_amount=None, by_fip=True)
        counts = sorted(len(numbers) for numbers in links.values())
        check_equal("several FIPs with several accounts", len(counts) > 1 and counts[-1] > 1, True)
        print("-- a consent that the customer rejects")
        play_rejection(aggregator, receiver, detail)
        print("-- an error")
        check_unknown_consent(aggregator)
        # The default mode lets some wrong messages pass; the report names them.
        outcomes = {rule["rule"]: rule["outcome"] for rule in aggregator.control("GET", "/_mockaa/v1/report")["rules"]}
        for rule in ("signs-requests", "dates-requests", "acknowledges-webhooks", "acknowledges-in-format"):
            check_equal(f"the sandbox's report on {rule}", outcomes[rule], "pass")
        check_equal("notifications that nothing explains", receiver.received.qsize(), 0)
    finally:
        aggregator.process.terminate()
        check_equal("the exit code of the sandbox", aggregator.process.wait(WAIT_S), 0)
        receiver.server.shutdown()
    print(f"{len(failures)} checks failed" if failures else "all checks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
