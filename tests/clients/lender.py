"""A tiny lender (FIU) plays a consent's life against mockaa, by public interfaces alone: once with care, once without.

Run it as `python3 tests/clients/lender.py [PATH_TO_MOCKAA]`; without an argument it takes $MOCKAA, else `mockaa` on the PATH.
It needs Python 3 and nothing else. Exit code 0: every check held; 1: one did not.
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
# A developer's own settings are not this test's.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("MOCKAA_")}
WAIT_S = 20
# The first ACTIVE comes twice; the first attempt to tell PAUSED is badly signed.
FAULTS = {"webhooks": [
    {"where": {"event": "consent.status", "status": "ACTIVE", "nth": 1}, "fault": {"duplicate": {"copies": 2}}},
    {"where": {"event": "consent.status", "status": "PAUSED", "attempts": 1}, "fault": {"corrupt_signature": "flip_bit"}}]}
failures = []


def check(what, actual, expected):
    print(f"ok    {what}" if actual == expected else f"FAIL  {what}: {actual!r}, expected {expected!r}")
    failures.extend([what] if actual != expected else [])


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def rs256_verifies(key, message, signature):
    """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2.2): the padding is built anew and compared whole."""
    modulus, exponent = (int.from_bytes(unbase64(key[name]), "big") for name in ("n", "e"))
    length = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature, "big")
    if len(signature) != length or number >= modulus:
        return False
    digest = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()
    expected = b"\x00\x01" + b"\xff" * (length - len(digest) - 3) + b"\x00" + digest
    return pow(number, exponent, modulus).to_bytes(length, "big") == expected


def detached_jws_verifies(keys, jws, body):
    """A detached JWS over the bytes as they came (RFC 7515 appendix F, RFC 7797): `header..signature`."""
    try:
        header, payload, signature = (jws or "").split(".")
        said = json.loads(unbase64(header))
        key = next(key for key in keys if key["kid"] == said["kid"])
        as_agreed = (said["alg"], said["b64"], said["crit"], payload) == ("RS256", False, ["b64"], "")
        return as_agreed and rs256_verifies(key, header.encode() + b"." + body, unbase64(signature))
    except (ValueError, KeyError, TypeError, StopIteration):
        return False


class Aggregator:
    """`mockaa serve` on a free port, and one world of it."""

    def __init__(self, fiu_url, world):
        command = [MOCKAA, "serve", "--port", "0", "--fiu-url", fiu_url]
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.base_url, self.world = json.loads(self.process.stdout.readline())["base_url"], world

    def call(self, method, path, body=None):
        """The status and the JSON of an answer."""
        headers = {"x-mockaa-world": self.world, "client_api_key": "mockaa-dev-fiu-1-api-key", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read() or b"null")

    def control(self, method, path, body=None):
        """A call of the control API, which has to succeed."""
        status, answer = self.call(method, f"/_mockaa/v1/{path}", body)
        assert status == 200, f"{method} {path} was answered with {status}: {answer}"
        return answer

    def message(self, path, content):
        """A ReBIT 2.0.0 message at the world's time."""
        now = self.control("GET", "clock")["now"]
        return self.call("POST", path, {"ver": "2.0.0", "timestamp": now, "txnid": str(uuid.uuid4()), **content})

    def advance(self, by):
        """Moves the clock; all webhooks that were due have been answered. Gives the state of the last one."""
        assert self.control("POST", "clock/advance", {"by": by})["stopped"] == "target"
        return self.control("GET", "webhooks")["items"][-1]["state"]


class Lender:
    """Receives webhooks, and asks for data when a consent comes into force. A careless one takes and does everything."""

    def __init__(self, careful):
        self.careful, self.aggregator, self.keys = careful, None, []
        self.received, self.seen_ids, self.jobs = [], set(), []
        self.lock, lender = threading.Lock(), self
        with tempfile.TemporaryDirectory() as folder:
            command = [MOCKAA, "fi", "keys", "--private", os.path.join(folder, "private.json")]
            self.key_material = json.loads(subprocess.check_output(command, env=ENVIRONMENT))

        class Inbox(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(lender.receive(self.headers, body))
                self.send_header("content-length", "0")
                self.end_headers()

            log_message = lambda *_: None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def receive(self, headers, body):
        """Answers a webhook. What there is to do waits in `jobs`, each webhook id once."""
        right = detached_jws_verifies(self.keys, headers["x-jws-signature"], body)
        answer = 200 if right or not self.careful else 401
        news = json.loads(body).get("ConsentStatusNotification")
        status = news["consentStatus"] if news else "data"
        with self.lock:
            known = headers["webhook-id"] in self.seen_ids
            self.received.append((status, right, known, answer))
            if answer == 200:
                self.seen_ids.add(headers["webhook-id"])
                if news and (not self.careful or status == "ACTIVE" and not known):
                    self.jobs.append(status)
        return answer

    def work(self, consent_id, artefact):
        """Asks for data, once for each job. Gives the statuses of the answers."""
        jobs, self.jobs = self.jobs, []
        request = {
            "FIDataRange": {"from": "2024-04-01T00:00:00.000Z", "to": "2024-04-30T23:59:59.000Z"},
            "Consent": {"id": consent_id, "digitalSignature": artefact["signedConsent"].split(".")[2]},
            "KeyMaterial": self.key_material}
        return [self.aggregator.message("/FI/request", request)[0] for _ in jobs]


def terms(now):
    return {"ConsentDetail": {
        "consentStart": now, "consentExpiry": "2035-01-01T00:00:00.000Z", "consentMode": "STORE", "fetchType": "PERIODIC",
        "consentTypes": ["PROFILE", "SUMMARY", "TRANSACTIONS"], "fiTypes": ["DEPOSIT"],
        "DataConsumer": {"id": "FIU-1", "type": "FIU"}, "Customer": {"id": "9876543210@mockaa"}, "Purpose": {"code": "101"},
        "FIDataRange": {"from": "2024-01-01T00:00:00.000Z", "to": "2024-12-31T23:59:59.000Z"},
        "DataLife": {"unit": "MONTH", "value": 1}, "Frequency": {"unit": "DAY", "value": 10}}}


def play(lender, aggregator):
    """Approve, pause, resume, revoke. Gives what the lender's requests for data were answered after each."""
    aggregator.control("POST", "clock/freeze")
    lender.keys = aggregator.call("GET", "/.well-known/jwks.json")[1]["keys"]
    aggregator.control("PUT", "faults/rough-day", FAULTS)
    status, raised = aggregator.message("/Consent", terms(aggregator.control("GET", "clock")["now"]))
    handle, answers = raised["ConsentHandle"], []
    check("the consent is raised", (status, aggregator.control("GET", f"consents/{handle}")["state"]), (200, "PENDING"))
    for verb, event, state in [("approve", "active", "ACTIVE"), ("pause", "paused", "PAUSED"),
                               ("resume", "resumed", "ACTIVE"), ("revoke", "revoked", "REVOKED")]:
        consent = aggregator.control("POST", f"consents/{handle}/{verb}")
        waited = aggregator.control("GET", f"journal/wait?kind=consent.{event}&consentHandle={handle}&within={WAIT_S}s")
        check(f"{verb}: the journal has consent.{event}, once", len(waited["items"]), 1)
        outcome = "waiting" if lender.careful and verb == "pause" else "delivered"
        check(f"{verb}: the webhook is {outcome}", aggregator.advance("0s"), outcome)
        check(f"{verb}: a second later it is delivered", aggregator.advance("1s"), "delivered")
        _, artefact = aggregator.message("/Consent/fetch", {"consentId": consent["consentId"]})
        check(f"{verb}: the consent is {state}", (consent["state"], artefact["status"]), (state, state))
        answers.append(lender.work(consent["consentId"], artefact))
    return answers


# Of each webhook: what it tells, whether its signature is right, whether its id is known, the lender's answer.
FIRST, AGAIN = ("ACTIVE", True, False, 200), ("ACTIVE", True, True, 200)
DATA, REVOKED = ("data", True, False, 200), ("REVOKED", True, False, 200)
REFUSED, TAKEN, FORGED = ("PAUSED", False, False, 401), ("PAUSED", True, False, 200), ("PAUSED", False, False, 200)
# The webhooks that came, what requests for data were answered after each step, and the evidence against the lender.
CAREFUL = [FIRST, AGAIN, DATA, REFUSED, TAKEN, FIRST, DATA, REVOKED], [[200], [], [200], []], {}
CARELESS = [FIRST, AGAIN, DATA, DATA, FORGED, FIRST, DATA, REVOKED], [[200, 200], [400], [200], [400]], {
    "rejects-invalid-signatures": "with corrupt_signature was answered with 200",
    "deduplicates-webhooks": "data was requested 2 times",
    "no-requests-while-paused": "fi.request after the FIU was notified of PAUSED",
    "no-requests-after-end": "fi.request after the FIU was notified of REVOKED",
}
TESTED = {*CARELESS[2], "accepts-unusual-messages", "acknowledges-webhooks", "acknowledges-in-time", "calls-known-paths"}


def main():
    for name, (webhooks, answers, broken) in [("careful", CAREFUL), ("careless", CARELESS)]:
        print(f"-- a {name} lender")
        tested = TESTED | ({"no-retry-after-4xx"} if [400] in answers else set())
        lender = Lender(careful=name == "careful")
        lender.aggregator = Aggregator(lender.url, f"{name}-lender")
        try:
            check("the answers to requests for data", play(lender, lender.aggregator), answers)
            check("the webhooks that came", lender.received, webhooks)
            report = lender.aggregator.control("GET", "report")
            check("the report's verdict", report["passed"], not broken)
            for rule in report["rules"]:
                told = " ".join(evidence["text"] for evidence in rule["evidence"])
                mark = "fail" if rule["rule"] in broken else "pass" if rule["rule"] in tested else "not-tested"
                check(f"the report on {rule['rule']}", (rule["outcome"], broken.get(rule["rule"], "") in told), (mark, True))
        finally:
            lender.aggregator.process.terminate()
            check("the sandbox ends well", lender.aggregator.process.wait(WAIT_S), 0)
            lender.server.shutdown()
    print(f"{len(failures)} checks failed" if failures else "all checks held")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
