"""A small lender (FIU) that takes a consent through its lifecycle against mockaa.
It uses public interfaces only, and runs twice: as a careful FIU and as a careless one.

Run it as `python3 tests/clients/lender.py [PATH_TO_MOCKAA]`; without an argument it uses $MOCKAA,
else `mockaa` on the PATH. It needs only Python 3.
Exit code 0: every check passed; 1: at least one failed.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOCKAA = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("MOCKAA", "mockaa")
# Settings of the developer's environment must not change the test.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MOCKAA_")}
WAIT_S = 20
# The first ACTIVE is sent twice; the first attempt of PAUSED has an invalid signature.
FAULTS = {"webhooks": [
    {"where": {"event": "consent.status", "status": "ACTIVE", "nth": 1}, "fault": {"duplicate": {"copies": 2}}},
    {"where": {"event": "consent.status", "status": "PAUSED", "attempts": 1}, "fault": {"corrupt_signature": "flip_bit"}}]}
failures = []


def check_equal(label, actual, expected):
    print(f"ok    {label}" if actual == expected else f"FAIL  {label}: {actual!r}, expected {expected!r}")
    failures.extend([label] if actual != expected else [])


def decode_base64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def is_valid_rs256(key, message, signature):
    """Verifies RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2).
    The whole padded message is rebuilt and compared."""
    modulus, exponent = (int.from_bytes(decode_base64(key[name]), "big") for name in ("n", "e"))
    length = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != length or number >= modulus:
        return False
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    expected = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    return pow(number, exponent, modulus).to_bytes(length, "big") == expected


def is_valid_detached_jws(keys, jws, body):
    """Verifies a detached JWS, `header..signature`, over the received bytes.
    RFC 7515 appendix F, RFC 7797."""
    try:
        header, payload, signature = (jws or "").split(".")
        header_fields = json.loads(decode_base64(header))
        key = next(key for key in keys if key["kid"] == header_fields["kid"])
        has_expected_header = (header_fields["alg"], header_fields["b64"], header_fields["crit"], payload) == ("RS256", False, ["b64"], "")
        return has_expected_header and is_valid_rs256(key, header.encode() + b"." + body, decode_base64(signature))
    except (ValueError, KeyError, TypeError, StopIteration):
        return False


def build_acknowledgement(notification):
    """Returns ReBIT's NotificationResponse."""
    return {**{name: notification[name] for name in ("ver", "timestamp", "txnid")}, "response": "OK"}


class Aggregator:
    """A `mockaa serve` process on a free port, and one of its worlds."""

    def __init__(self, fiu_url, world):
        command = [MOCKAA, "serve", "--port", "0", "--fiu-url", fiu_url]
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.base_url, self.world = json.loads(self.process.stdout.readline())["base_url"], world

    def send_request(self, method, path, body=None):
        """Returns the status and the JSON of a response."""
        headers = {"x-mockaa-world": self.world, "client_api_key": "mockaa-dev-fiu-1-api-key", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        if data and not path.startswith("/_mockaa/"):
            command = [MOCKAA, "jws", "sign", "--as", "FIU-1"]
            headers["x-jws-signature"] = subprocess.check_output(command, input=data, env=ENVIRONMENT).decode().strip()
        request = urllib.request.Request(self.base_url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def call_control_api(self, method, path, body=None):
        """Calls the control API; the call must succeed."""
        status, answer = self.send_request(method, f"/_mockaa/v1/{path}", body)
        assert status == 200, f"{method} {path} returned {status}: {answer}"
        return answer

    def post_message(self, path, content):
        """Posts a ReBIT 2.0.0 message with the world's time."""
        now = self.call_control_api("GET", "clock")["now"]
        return self.send_request("POST", path, {"ver": "2.0.0", "timestamp": now, "txnid": str(uuid.uuid4()), **content})

    def advance_clock(self, by):
        """Advances the clock, which waits for the webhooks that are due.
        Returns the state of the last delivery."""
        assert self.call_control_api("POST", "clock/advance", {"by": by})["stopped"] == "target"
        return self.call_control_api("GET", "webhooks")["items"][0]["state"]


class Lender:
    """An FIU that receives webhooks and requests data when a consent becomes active.
    The careless one accepts every webhook and requests data after each notification."""

    def __init__(self, careful):
        self.careful, self.aggregator, self.keys = careful, None, []
        self.received, self.seen_ids, self.jobs = [], set(), []
        self.lock, lender = threading.Lock(), self

        class Inbox(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = lender.handle_webhook(self.headers, body)
                answer = json.dumps(build_acknowledgement(json.loads(body))).encode() if status == 200 else b""
                self.send_response(status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            log_message = lambda *_: None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def handle_webhook(self, headers, body):
        """Returns the status that answers a webhook.
        Adds the data request that it causes to `jobs`."""
        is_valid = is_valid_detached_jws(self.keys, headers["x-jws-signature"], body)
        answer = 200 if is_valid or not self.careful else 401
        notification = json.loads(body).get("ConsentStatusNotification")
        status = notification["consentStatus"] if notification else "data"
        with self.lock:
            is_duplicate = headers["webhook-id"] in self.seen_ids
            self.received.append((status, is_valid, is_duplicate, answer))
            if answer == 200:
                self.seen_ids.add(headers["webhook-id"])
                if notification and (not self.careful or status == "ACTIVE" and not is_duplicate):
                    self.jobs.append(status)
        return answer

    def build_key_material(self):
        """Makes a key pair and a nonce for one data session."""
        with tempfile.TemporaryDirectory() as folder:
            command = [MOCKAA, "fi", "keys", "--private", os.path.join(folder, "private.json")]
            return json.loads(subprocess.check_output(command, env=ENVIRONMENT))

    def request_pending_data(self, consent_id, artefact):
        """Requests data once for each job; returns the statuses of the responses."""
        jobs, self.jobs = self.jobs, []
        request = {
            "FIDataRange": {"from": "2024-04-01T00:00:00.000Z", "to": "2024-04-30T23:59:59.000Z"},
            "Consent": {"id": consent_id, "digitalSignature": artefact["signedConsent"].split(".")[2]}}
        return [self.aggregator.post_message("/FI/request", {**request, "KeyMaterial": self.build_key_material()})[0] for _ in jobs]


def build_consent_request(now):
    return {"ConsentDetail": {
        "consentStart": now, "consentExpiry": "2035-01-01T00:00:00.000Z", "consentMode": "STORE", "fetchType": "PERIODIC",
        "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
        "DataConsumer": {"id": "FIU-1", "type": "FIU"}, "Customer": {"id": "9876543210@mockaa"}, "Purpose": {"code": "101"},
        "FIDataRange": {"from": "2024-01-01T00:00:00.000Z", "to": "2024-12-31T23:59:59.000Z"},
        "DataLife": {"unit": "MONTH", "value": 1}, "Frequency": {"unit": "DAY", "value": 10}}}


def play_journey(lender, aggregator):
    """Approves, pauses, resumes and revokes a consent.
    Returns the statuses of the lender's data requests after each of them."""
    aggregator.call_control_api("POST", "clock/freeze")
    lender.keys = aggregator.send_request("GET", "/.well-known/jwks.json")[1]["keys"]
    aggregator.call_control_api("PUT", "faults/rough-day", FAULTS)
    status, created = aggregator.post_message("/Consent", build_consent_request(aggregator.call_control_api("GET", "clock")["now"]))
    handle, answers = created["ConsentHandle"], []
    check_equal("the consent is raised", (status, aggregator.call_control_api("GET", f"consents/{handle}")["state"]), (200, "PENDING"))
    for verb, event, state in [("approve", "active", "ACTIVE"), ("pause", "paused", "PAUSED"),
                               ("resume", "resumed", "ACTIVE"), ("revoke", "revoked", "REVOKED")]:
        consent = aggregator.call_control_api("POST", f"consents/{handle}/{verb}")
        journal_page = aggregator.call_control_api("GET", f"journal/wait?kind=consent.{event}&consentHandle={handle}&within={WAIT_S}s")
        check_equal(f"{verb}: the journal has consent.{event}, once", len(journal_page["items"]), 1)
        outcome = "waiting" if lender.careful and verb == "pause" else "delivered"
        check_equal(f"{verb}: the webhook is {outcome}", aggregator.advance_clock("0s"), outcome)
        check_equal(f"{verb}: a second later it is delivered", aggregator.advance_clock("1s"), "delivered")
        _, artefact = aggregator.post_message("/Consent/fetch", {"consentId": consent["consentId"]})
        check_equal(f"{verb}: the consent is {state}", (consent["state"], artefact["status"]), (state, state))
        answers.append(lender.request_pending_data(consent["consentId"], artefact))
    return answers


# For each webhook: status, valid signature, id already seen, the lender's answer.
# FIRST is also the ACTIVE after the resume, which has a new webhook id.
FIRST, REPEATED = ("ACTIVE", True, False, 200), ("ACTIVE", True, True, 200)
DATA, REVOKED = ("data", True, False, 200), ("REVOKED", True, False, 200)
REJECTED, RETRIED, FORGED = ("PAUSED", False, False, 401), ("PAUSED", True, False, 200), ("PAUSED", False, False, 200)
# The received webhooks, the statuses of data requests after each step, and the failed rules with
# their evidence.
CAREFUL = [FIRST, REPEATED, DATA, REJECTED, RETRIED, FIRST, DATA, REVOKED], [[200], [], [200], []], {}
CARELESS = [FIRST, REPEATED, DATA, DATA, FORGED, FIRST, DATA, REVOKED], [[200, 200], [400], [200], [400]], {
    "rejects-invalid-signatures": "with corrupt_signature was answered with 200",
    "deduplicates-webhooks": "data was requested 2 times",
    "no-requests-while-paused": "fi.request after the FIU was notified of PAUSED",
    "no-requests-after-end": "fi.request after the FIU was notified of REVOKED",
}
TESTED = {*CARELESS[2], "accepts-unusual-messages", "acknowledges-webhooks", "acknowledges-in-time", "acknowledges-in-format",
          "calls-known-paths", "signs-requests", "dates-requests", "raises-requests-once", "limits-polling", "renews-key-material",
          "requests-within-range"}


def main():
    for name, (webhooks, answers, broken) in [("careful", CAREFUL), ("careless", CARELESS)]:
        print(f"-- a {name} lender")
        tested = TESTED | ({"no-retry-after-4xx"} if [400] in answers else set())
        lender = Lender(careful=name == "careful")
        lender.aggregator = Aggregator(lender.url, f"{name}-lender")
        try:
            check_equal("the responses to data requests", play_journey(lender, lender.aggregator), answers)
            check_equal("the received webhooks", lender.received, webhooks)
            report = lender.aggregator.call_control_api("GET", "report")
            check_equal("the report's verdict", report["passed"], not broken)
            for rule in report["rules"]:
                evidence_text = " ".join(evidence["text"] for evidence in rule["evidence"])
                mark = "fail" if rule["rule"] in broken else "pass" if rule["rule"] in tested else "not-tested"
                check_equal(f"the report on {rule['rule']}", (rule["outcome"], broken.get(rule["rule"], "") in evidence_text), (mark, True))
        finally:
            lender.aggregator.process.terminate()
            check_equal("the exit code of the sandbox", lender.aggregator.process.wait(WAIT_S), 0)
            lender.server.shutdown()
    print(f"{len(failures)} checks failed" if failures else "all checks passed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
