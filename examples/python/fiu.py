"""A small Financial Information User (FIU) for ReBIT's AA API 2.0.0, to copy and to extend.

It raises consents, receives webhooks, and requests, fetches and decrypts the data of the accounts. A webhook about a consent is only a
hint: what is true is what the AA answers. One about data says when to fetch. `../README.md` explains the parts and the settings, and
says what a real FIU needs besides.
"""

import base64
import http.client
import json
import os
import queue
import re
import threading
import time
import urllib.request
import uuid
import xml.etree.ElementTree as ElementTree
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

AA_URL = os.environ.get("AA_URL", "http://127.0.0.1:8080")
AA_ID = os.environ.get("AA_ID", "mockaa")
FIU_ID = os.environ.get("FIU_ID", "FIU-1")
API_KEY = os.environ.get("API_KEY", "mockaa-dev-fiu-1-api-key")
KEY_FILE = os.environ.get("KEY_FILE", "fixtures/keys/fiu-1.pem")
KEY_ID = os.environ.get("KEY_ID", "fiu-1-dev-1")
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "9000"))
CHECK_SECONDS = float(os.environ.get("CHECK_SECONDS", "60"))

TOLERANCE = timedelta(minutes=15)
WEBHOOK_BYTES_MAX = 1_000_000
ATTEMPTS = 4
WAIT_MAX_S = 10
RETRY_AFTER_MAX_S = 3600
CALL_TIMEOUT_S = 30
SESSIONS_MAX = 3
ENDED = ("REJECTED", "FAILED", "REVOKED", "EXPIRED")
SESSION_ENDED = ("COMPLETED", "FAILED", "EXPIRED")
# Calls that make something: they are repeated only if the AA says that it has failed.
MAKING = ("/Consent", "/FI/request")

# The fields of each answer on which this FIU relies, with their types.
TIMED = {"ver": str, "timestamp": str, "txnid": str}
CREATED = {**TIMED, "ConsentHandle": str}
SIGNED_CONSENT = {"Customer": {"id": str}, "DataConsumer": {"id": str}, "FIDataRange": {"from": str, "to": str}}
CONSENT_STATUS = {**TIMED, "ConsentHandle": str, "ConsentStatus": {"status": str}}
ARTEFACT = {"ver": str, "txnid": str, "consentId": str, "createTimestamp": str, "signedConsent": str, "status": str,
            "ConsentUse": {"logUri": str, "count": int, "lastUseDateTime": str}}
SESSION = {**TIMED, "consentId": str, "sessionId": str}
KEY_MATERIAL = {"DHPublicKey": {"KeyValue": str}, "Nonce": str}
FETCHED = {**TIMED, "FI": [{"fipID": str, "KeyMaterial": KEY_MATERIAL,
                            "data": [{"linkRefNumber": str, "maskedAccNumber": str, "encryptedFI": str}]}]}
NOTIFIED = {**TIMED, "Notifier": {"type": str, "id": str}}
FI_STATUS = {**NOTIFIED, "FIStatusNotification": {"sessionId": str, "sessionStatus": str}}
NOTIFICATIONS = {
    "/Consent/Notification": {**NOTIFIED, "ConsentStatusNotification": {"consentHandle": str, "consentStatus": str}},
    "/FI/Notification": FI_STATUS,
    "/FI/Data": FI_STATUS,  # mockaa's extension, which pushes the data; this FIU fetches it instead
}


class Answers(urllib.request.HTTPErrorProcessor):
    """Returns every answer as it is: the API key goes to no other address, and an error has a body."""

    def http_response(self, request, response):
        return response

    https_response = http_response


OPENER = urllib.request.build_opener(Answers)


class Invalid(ValueError):
    """A message that must not be believed; the text says why."""


class Refused(Exception):
    """The AA's refusal of a call, a status of 3xx or 4xx. The same call would be refused again."""

    def __init__(self, status, text):
        super().__init__(f"the AA answers {status}: {text}")
        self.status = status


class Unavailable(Exception):
    """No answer of the AA, or none that arrived whole."""

    def __init__(self, text, has_failed=False):
        super().__init__(text)
        self.has_failed = has_failed  # the AA says so; else it may have done what it was asked


def decode_base64url(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def encode_base64url(octets):
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def format_time(at):
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def now():
    return datetime.now(timezone.utc)


def check_time(text):
    """Refuses a timestamp that is more than 15 minutes off."""
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        is_near = abs(now() - at) <= TOLERANCE
    except (ValueError, TypeError, AttributeError):
        raise Invalid(f"{text} is no timestamp with an offset") from None
    if not is_near:
        raise Invalid(f"{text} is more than 15 minutes off")


def parse_json(octets):
    try:
        return json.loads(octets)
    except (ValueError, RecursionError):
        raise Invalid("it is no JSON") from None


def parse_length(text, base):
    """Parses the length of a body, or of a part of it."""
    if not re.fullmatch("[0-9]+" if base == 10 else "[0-9a-fA-F]+", text):
        raise Invalid(f"{text!r} is no length")
    return int(text, base)


def check_shape(value, shape, name="the message"):
    """Refuses a value that lacks a field, or has one of another type. Further fields are allowed."""
    expected = shape if isinstance(shape, type) else type(shape)
    if type(value) is not expected:
        raise Invalid(f"{name} is no {expected.__name__}")
    if isinstance(shape, dict):
        for field, inner in shape.items():
            check_shape(value.get(field), inner, field)
    elif isinstance(shape, list):
        for item in value:
            check_shape(item, shape[0], f"an entry of {name}")


class AaKeys:
    """The AA's public keys. A key that is not known is looked up again, once a minute at most: the AA may have a new one."""

    def __init__(self):
        self.keys, self.read_again_at, self.lock = {}, float("-inf"), threading.Lock()

    def find(self, kid):
        with self.lock:
            if kid not in self.keys and time.monotonic() - self.read_again_at >= 60:
                if self.keys:
                    self.read_again_at = time.monotonic()
                self.keys = self.read()
            return self.keys.get(kid)

    def load(self):
        """Reads the keys if there are none yet, so that an answer can be verified."""
        with self.lock:
            self.keys = self.keys or self.read()

    @staticmethod
    def read():
        try:
            with OPENER.open(f"{AA_URL}/.well-known/jwks.json", timeout=CALL_TIMEOUT_S) as answer:
                key_set = json.load(answer)
            keys = {}
            for jwk in key_set["keys"]:
                if jwk["kty"] == "RSA":
                    n, e = (int.from_bytes(decode_base64url(jwk[name]), "big") for name in ("n", "e"))
                    keys[jwk["kid"]] = rsa.RSAPublicNumbers(e, n).public_key()
            return keys
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"the AA's keys cannot be read: {error}") from None

    def verify(self, jws, message):
        """Refuses a detached JWS, `header..signature`, that is not the AA's over these bytes."""
        try:
            header, payload, signature = jws.split(".")
            fields, signature = parse_json(decode_base64url(header)), decode_base64url(signature)
            # The sender chooses neither the algorithm nor extensions of JWS.
            if payload or fields["alg"] != "RS256" or fields.get("crit", ["b64"]) != ["b64"]:
                raise Invalid("it is no detached JWS with RS256")
            key = self.find(fields["kid"])
            if key is None:
                raise Invalid(f"the AA has no key {fields['kid']!r}")
            payload = message if fields.get("b64") is False else encode_base64url(message).encode()
            key.verify(signature, header.encode() + b"." + payload, padding.PKCS1v15(), SHA256())
        except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature) as error:
            raise Invalid(f"the signature is not valid: {error or type(error).__name__}") from None

    def open(self, jws):
        """Returns the content of a compact JWS, `header.payload.signature`, of the AA."""
        try:
            header, payload, signature = jws.split(".")
            content = decode_base64url(payload)
            has_plain_payload = "b64" in parse_json(decode_base64url(header))
        except (ValueError, TypeError, AttributeError):
            raise Invalid("it is no compact JWS") from None
        if has_plain_payload:
            raise Invalid("a compact JWS has its payload in base64url")
        self.verify(f"{header}..{signature}", content)
        return parse_json(content)


class SessionKey:
    """A key pair and a nonce. Each data session has its own."""

    def __init__(self):
        self.private, self.nonce = x25519.X25519PrivateKey.generate(), os.urandom(32)

    def key_material(self):
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public = self.private.public_key().public_bytes(serialization.Encoding.DER, form)
        return {"cryptoAlg": "ECDH", "curve": "Curve25519", "params": "", "Nonce": base64.b64encode(self.nonce).decode(),
                "DHPublicKey": {"expiry": format_time(now() + timedelta(days=1)), "Parameters": "",
                                "KeyValue": base64.b64encode(public).decode()}}

    def decrypt(self, material, encrypted):
        """Decrypts the document of an account with the key material of its FIP."""
        try:
            text = material["DHPublicKey"]["KeyValue"]
            # PEM has its base64 between two labels.
            der = base64.b64decode("".join((text.split("-----")[2] if "-----" in text else text).split()))
            nonce = base64.b64decode(material["Nonce"])
            mixed = bytes(ours ^ theirs for ours, theirs in zip(self.nonce, nonce, strict=True))
            shared = self.private.exchange(serialization.load_der_public_key(der))
            key = HKDF(SHA256(), 32, salt=mixed[:20], info=None).derive(shared)
            return AESGCM(key).decrypt(mixed[-12:], base64.b64decode(encrypted), None)
        except (ValueError, TypeError, IndexError, InvalidTag, UnsupportedAlgorithm) as error:
            raise Invalid(f"the data does not decrypt: {error or type(error).__name__}") from None


class Aggregator:
    """The AA, as this FIU calls it: signed requests, verified answers, and repetition of what broke."""

    def __init__(self):
        self.keys, self.free_at, self.lock = AaKeys(), 0.0, threading.Lock()
        with open(KEY_FILE, "rb") as file:
            self.key = serialization.load_pem_private_key(file.read(), password=None)

    def sign(self, message):
        header = encode_base64url(json.dumps({"alg": "RS256", "kid": KEY_ID, "b64": False, "crit": ["b64"]}).encode())
        signature = self.key.sign(header.encode() + b"." + message, padding.PKCS1v15(), SHA256())
        return f"{header}..{encode_base64url(signature)}"

    def call(self, path, content, shape):
        """Sends a message, and again if the AA fails. Returns an answer that may be believed."""
        self.keys.load()
        for attempt in range(ATTEMPTS):
            wait = self.free_at - time.monotonic()
            if wait > WAIT_MAX_S:
                raise Unavailable(f"the AA asked to wait for {wait:.0f} s more")
            time.sleep(max(0.0, wait))
            try:
                return self.send(path, content, shape)
            except Unavailable as error:
                print(f"{path}: {error}", flush=True)
                self.wait(0.1 * 2**attempt)
                if path in MAKING and not error.has_failed:
                    raise
        raise Unavailable(f"{path} has failed {ATTEMPTS} times")

    def wait(self, seconds):
        """Lets the calls that follow wait, unless they wait longer already."""
        with self.lock:
            self.free_at = max(self.free_at, time.monotonic() + seconds)

    def send(self, path, content, shape):
        message = {"ver": "2.0.0", "timestamp": format_time(now()), "txnid": str(uuid.uuid4()), **content}
        body = json.dumps(message).encode()
        headers = {"content-type": "application/json", "client_api_key": API_KEY, "x-jws-signature": self.sign(body)}
        request = urllib.request.Request(AA_URL + path, body, headers, method="POST")
        try:
            with OPENER.open(request, timeout=CALL_TIMEOUT_S) as response:
                status, received, answer = response.status, response.headers, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"no whole answer: {error}") from None
        if status == 429 or status >= 500:
            seconds = received.get("retry-after") or "0"
            self.wait(min(int(seconds), RETRY_AFTER_MAX_S) if seconds.isdigit() else WAIT_MAX_S)
            raise Unavailable(f"the AA answers {status}", has_failed=True)
        if status >= 300:
            raise Refused(status, answer.decode(errors="replace"))
        signature = received["x-jws-signature"]
        try:
            self.keys.verify(signature, answer)
        except Unavailable as error:
            raise Invalid(str(error)) from None
        result = parse_json(answer)
        check_shape(result, shape)
        if (result["ver"], result["txnid"]) != (message["ver"], message["txnid"]):
            raise Invalid("it answers another message, or in another version")
        if "timestamp" in result:
            check_time(result["timestamp"])
        return result


class Application:
    """A customer's application, and what this FIU has learned from the AA about it."""

    def __init__(self, customer, handle):
        self.customer, self.handle, self.status = customer, handle, "PENDING"
        self.session_id, self.session_key, self.session_status, self.sessions = None, None, None, 0
        self.has_new_data = False
        self.documents = {}  # XML by the reference of the account


class Fiu:
    """All applications. One thread works on them, so that no two calls about one application run at a time."""

    def __init__(self):
        self.aggregator, self.lock = Aggregator(), threading.Lock()
        self.applications, self.seen_txnids, self.early_handles = {}, set(), set()
        self.jobs = queue.Queue()
        threading.Thread(target=self.work, daemon=True).start()
        threading.Thread(target=self.check_regularly, daemon=True).start()

    def apply(self, customer):
        """Raises a consent for the deposits of a customer: once, for the data of a year."""
        at = now()
        detail = {
            "consentStart": format_time(at), "consentExpiry": format_time(at + timedelta(days=364)), "consentMode": "STORE",
            "fetchType": "PERIODIC", "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
            "DataConsumer": {"id": FIU_ID, "type": "FIU"}, "Customer": {"id": customer},
            "Purpose": {"code": "101", "refUri": "https://api.rebit.org.in/aa/purpose/101.xml",
                        "text": "Wealth management service", "Category": {"type": "Personal Finance"}},
            "FIDataRange": {"from": format_time(at - timedelta(days=365)), "to": format_time(at)},
            "DataLife": {"unit": "MONTH", "value": 1}, "Frequency": {"unit": "DAY", "value": 1}}
        try:
            handle = self.aggregator.call("/Consent", {"ConsentDetail": detail}, CREATED)["ConsentHandle"]
        except Invalid as error:
            raise Unavailable(f"the AA's answer is not valid: {error}") from None
        application = Application(customer, handle)
        with self.lock:
            self.applications[handle] = application
            is_early = handle in self.early_handles
            self.early_handles.discard(handle)
        if is_early:
            self.jobs.put(application)
        return application

    def receive(self, path, headers, body):
        """Verifies a webhook, and notes what is to be checked. Returns the message."""
        self.aggregator.keys.verify(headers["x-jws-signature"], body)
        message = parse_json(body)
        check_shape(message, NOTIFICATIONS[path])
        token = self.aggregator.keys.open(headers["aa_api_key"] or "")
        check_shape(token, {"azp": str, "exp": int}, "aa_api_key")
        if token["azp"] != AA_ID or message["Notifier"]["id"] != AA_ID or token["exp"] < time.time():
            raise Invalid(f"it is not from {AA_ID}")
        check_time(message["timestamp"])
        with self.lock:
            # A repetition has the txnid of the first, whatever the id of its delivery.
            if message["txnid"] in self.seen_txnids:
                return message
            self.seen_txnids.add(message["txnid"])
            if NOTIFICATIONS[path] is FI_STATUS:
                news = message["FIStatusNotification"]
                application = next((it for it in self.applications.values() if it.session_id == news["sessionId"]), None)
                if application:
                    application.has_new_data = True
                    if news["sessionStatus"] in SESSION_ENDED:
                        application.session_status = news["sessionStatus"]
            else:
                handle = message["ConsentStatusNotification"]["consentHandle"]
                application = self.applications.get(handle)
                if application is None:
                    # It can come before the answer that names the handle.
                    self.early_handles.add(handle)
        if application:
            self.jobs.put(application)
        return message

    def work(self):
        while True:
            application = self.jobs.get()
            try:
                self.check(application)
            except Exception as error:  # whatever it is, the next application has its turn
                print(f"application {application.handle}: {error!r}; it will be checked again", flush=True)
            finally:
                self.jobs.task_done()

    def check_regularly(self):
        """Finds what a lost webhook would have said."""
        while True:
            time.sleep(CHECK_SECONDS)
            self.check_all()

    def check_all(self):
        with self.lock:
            waiting = [it for it in self.applications.values() if it.status not in ENDED]
        for application in waiting:
            self.jobs.put(application)
        self.jobs.join()

    def check(self, application):
        """Asks the AA for the state of a consent, and takes the steps that it allows."""
        call = self.aggregator.call
        current = call("/Consent/handle", {"ConsentHandle": application.handle}, CONSENT_STATUS)
        if current["ConsentHandle"] != application.handle:
            raise Invalid("it is the status of another consent")
        answer = current["ConsentStatus"]
        application.status = answer["status"]
        if application.status in ENDED or "id" not in answer:
            return
        artefact = call("/Consent/fetch", {"consentId": answer["id"]}, ARTEFACT)
        if artefact["consentId"] != answer["id"]:
            raise Invalid("it is the artefact of another consent")
        application.status = artefact["status"]
        # What the customer has signed counts, not what surrounds it.
        consent = self.aggregator.keys.open(artefact["signedConsent"])
        check_shape(consent, SIGNED_CONSENT, "signedConsent")
        if (consent["Customer"]["id"], consent["DataConsumer"]["id"]) != (application.customer, FIU_ID):
            raise Invalid("it is signed for another customer or FIU")
        if application.status != "ACTIVE":
            return
        if application.session_id is None and application.sessions < SESSIONS_MAX:
            key = SessionKey()
            signature = artefact["signedConsent"].split(".")[2]
            session = call("/FI/request", {
                "FIDataRange": consent["FIDataRange"], "KeyMaterial": key.key_material(),
                "Consent": {"id": answer["id"], "digitalSignature": signature}}, SESSION)
            if session["consentId"] != answer["id"]:
                raise Invalid("it is the session of another consent")
            application.session_id, application.session_key, application.session_status = session["sessionId"], key, "ACTIVE"
            application.sessions += 1
        elif application.session_id and (
                application.has_new_data or application.session_status == "ACTIVE" and not application.documents):
            self.fetch(application)
            if application.session_status == "FAILED" and not application.documents:
                # The banks get another chance at the next check.
                application.session_id = None

    def fetch(self, application):
        """Fetches the data that is there, and decrypts it."""
        application.has_new_data = False
        documents = {}
        try:
            fetched = self.aggregator.call("/FI/fetch", {"sessionId": application.session_id}, FETCHED)
            for entry in fetched["FI"]:
                for item in entry["data"]:
                    document = application.session_key.decrypt(entry["KeyMaterial"], item["encryptedFI"])
                    documents[item["linkRefNumber"]] = ElementTree.fromstring(document)
        except Refused as error:
            # 404: there is no data yet, or the banks gave none.
            if error.status != 404:
                raise
        except (Invalid, Unavailable, ElementTree.ParseError):
            application.has_new_data = True
            raise
        application.documents.update(documents)

    def summarize(self):
        """Returns what is known of each application."""
        with self.lock:
            applications = list(self.applications.values())
        return [self.summarize_one(it) for it in applications]

    @staticmethod
    def summarize_one(application):
        transactions = sum(len(it.findall(".//{*}Transaction")) for it in list(application.documents.values()))
        return {"handle": application.handle, "customer": application.customer, "status": application.status,
                "accounts": len(application.documents), "transactions": transactions}


class Server(ThreadingHTTPServer):
    request_queue_size = 256  # webhooks can come in bursts
    daemon_threads = True


class Handler(BaseHTTPRequestHandler):
    """`/Consent/Notification` and `/FI/Notification` are the AA's. `/applications` is the lender's own: a real one has a log-in, and is
    not reachable from where the webhooks come."""

    protocol_version = "HTTP/1.1"
    timeout = CALL_TIMEOUT_S
    fiu = None

    def do_GET(self):
        if self.path == "/applications":
            self.answer(200, self.fiu.summarize())
        else:
            self.answer(404, {"error": f"{self.path} is not known"})

    def do_POST(self):
        try:
            body = self.read_body()
            if self.path in NOTIFICATIONS:
                message = self.fiu.receive(self.path, self.headers, body)
                self.answer(200, {**{name: message[name] for name in TIMED}, "response": "OK"})
            elif self.path == "/applications":
                request = parse_json(body)
                check_shape(request, {"customer": str})
                self.answer(201, self.fiu.summarize_one(self.fiu.apply(request["customer"])))
            elif self.path == "/applications/check":
                self.fiu.check_all()
                self.answer(200, self.fiu.summarize())
            else:
                self.answer(404, {"error": f"{self.path} is not known"})
        except OverflowError:
            self.answer(413, {"error": f"more than {WEBHOOK_BYTES_MAX} bytes"})
        except Invalid as error:
            self.close_connection = True
            print(f"{self.path!r} is refused: {error}", flush=True)
            self.answer(401 if self.path in NOTIFICATIONS else 400, {"error": str(error)})
        except (Refused, Unavailable) as error:
            self.answer(502, {"error": str(error)})
        except ConnectionError:
            # The sender has gone.
            self.close_connection = True
        except Exception as error:  # whatever it is, the sender gets an answer
            print(f"{self.path}: {error!r}", flush=True)
            self.answer(500, {"error": "unforeseen"})

    def read_body(self):
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.read_exactly(parse_length(self.headers.get("content-length", "0"), 10), 0)
        body = b""
        while size := parse_length(self.read_line().split(b";")[0].strip().decode(errors="replace"), 16):
            body += self.read_exactly(size, len(body))
            self.read_line()
        self.read_line()
        return body

    def read_line(self):
        """Reads a line of the chunked transfer coding."""
        line = self.rfile.readline(100)
        if not line.endswith(b"\n"):
            raise Invalid("the body is not chunked as HTTP has it")
        return line

    def read_exactly(self, size, before):
        if before + size > WEBHOOK_BYTES_MAX:
            # A sender that is cut off while it writes does not see the answer.
            self.rfile.read(min(size, 10 * WEBHOOK_BYTES_MAX))
            self.close_connection = True
            raise OverflowError
        return self.rfile.read(size)

    def answer(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            # Else the sender uses the connection again.
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    Handler.fiu = Fiu()
    server = Server((HOST, PORT), Handler)
    print(f"listening on {HOST}:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
