"""A receiver of webhooks, which verifies each one."""

from __future__ import annotations

import json
import threading
import time
import traceback
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Mapping, Optional

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .crypto import SignatureError, UnknownKeyError, open_compact, verify
from .timestamps import is_current, parse_time

KeySet = Mapping[str, RSAPublicKey]
# What a notification has besides who sends it, and when.
_NOTIFICATIONS = {"ConsentStatusNotification", "FIStatusNotification"}


@dataclass(frozen=True)
class Webhook:
    """A webhook as it was received."""

    path: str
    headers: Mapping[str, str]
    """Names are in lower case."""
    body: bytes
    problem: Optional[str]
    """Why it is not valid: its signature, its `aa_api_key` or its age; `None` if it is."""

    @property
    def is_valid(self) -> bool:
        """Whether an FIU accepts it: it is signed by a key of the AA over these bytes, by this AA, and not too old."""
        return self.problem is None

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def status(self) -> Optional[str]:
        """The status of the consent or of the session that it reports, such as ACTIVE."""
        message = self.json
        of_consent = message.get("ConsentStatusNotification")
        if of_consent is not None:
            return of_consent.get("consentStatus")  # type: ignore[no-any-return]
        of_data = message.get("FIStatusNotification")
        return None if of_data is None else of_data.get("sessionStatus")

    @property
    def consent_handle(self) -> Optional[str]:
        """The handle of its consent, where it names one."""
        message = self.json
        content = message.get("ConsentStatusNotification", message)
        return content.get("consentHandle")  # type: ignore[no-any-return]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A burst of webhooks arrives at once.
    request_queue_size = 256


class Inbox:
    """A server that receives webhooks, and accepts those that are valid, as ReBIT describes."""

    def __init__(self, read_keys: Callable[[], KeySet], read_time: Callable[[], datetime]) -> None:
        """`read_keys` reads the keys of the AA, and `read_time` the time of its messages."""
        self.received: list[Webhook] = []
        """All webhooks, in the order of their arrival."""
        self.answer: Optional[Callable[[Webhook], int]] = None
        """Chooses the status of the answer, in place of 200 for valid webhooks and 401 for others."""
        self._read_keys, self._read_time = read_keys, read_time
        self._keys = read_keys()
        self._unknown: set[str] = set()
        self._reading = threading.Lock()
        self._arrival = threading.Condition()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self._read_body()
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = inbox._receive(self.path, headers, body)
                answer = _acknowledge(body, status)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                # A connection that is kept would outlast the test.
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write(answer)

            def _read_body(self) -> bytes:
                if self.headers.get("transfer-encoding", "").lower() != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                body = b""
                while True:
                    size = int(self.rfile.readline().split(b";")[0], 16)
                    body += self.rfile.read(size)
                    self.rfile.readline()
                    if size == 0:
                        return body

            def log_message(self, *_: Any) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def _receive(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        webhook = Webhook(path, headers, body, self._find_problem(headers, body))
        with self._arrival:
            self.received.append(webhook)
            self._arrival.notify_all()
        if self.answer is not None:
            try:
                return self.answer(webhook)
            except Exception:
                traceback.print_exc()
                return 500
        return 200 if webhook.is_valid else 401

    def _find_problem(self, headers: Mapping[str, str], body: bytes) -> Optional[str]:
        try:
            return self._check(headers, body)
        except UnknownKeyError as error:
            # The AA may have a new key. The set is read once for each name of a key, and others wait for it.
            with self._reading:
                if str(error) not in self._unknown:
                    self._keys = self._read_keys()
                    self._unknown.add(str(error))
        except ValueError as error:
            # An invalid signature, or a timestamp that is none.
            return str(error)
        try:
            return self._check(headers, body)
        except ValueError as error:
            return str(error)

    def _check(self, headers: Mapping[str, str], body: bytes) -> Optional[str]:
        verify(headers.get("x-jws-signature"), body, self._keys)
        try:
            message = json.loads(body)
        except ValueError:
            message = None
        if not isinstance(message, dict) or not _NOTIFICATIONS & message.keys():
            # What is signed is not older than its signature.
            return None
        notifier = message.get("Notifier")
        sender = notifier.get("id") if isinstance(notifier, dict) else None
        if not isinstance(sender, str):
            return "Notifier has no id"
        token = headers.get("aa_api_key", "")
        if token.count(".") == 2:
            # The AA's token names it. An API key is agreed, and cannot be verified here.
            try:
                claims = open_compact(token, self._keys)
            except UnknownKeyError:
                raise
            except SignatureError as error:
                return f"aa_api_key is no valid token: {error}"
            if claims.get("azp") != sender:
                return f"aa_api_key is a token of {claims.get('azp')}, and the message is from {sender}"
        elif not token:
            return "the header aa_api_key is missing"
        sent = message.get("timestamp")
        if not is_current(parse_time(sent), self._read_time()):
            return f"the message is of {sent}, more than 15 minutes off"
        return None

    def wait(
        self,
        *,
        status: Optional[str] = None,
        path: Optional[str] = None,
        valid: Optional[bool] = True,
        count: int = 1,
        timeout: float = 10,
    ) -> Webhook:
        """Waits for a webhook, and returns it; with `count`, the last of so many.

        `status` is such as ACTIVE, `path` such as /FI/Notification; `valid=None` takes those with a bad signature too.
        Raises an `AssertionError` that lists what has arrived.
        """

        def fits(webhook: Webhook) -> bool:
            if valid is not None and webhook.is_valid != valid:
                return False
            # The body of a webhook that is not valid may be anything.
            return (path is None or webhook.path == path) and (status is None or _read_status(webhook) == status)

        deadline = time.monotonic() + timeout
        with self._arrival:
            while True:
                found = [webhook for webhook in self.received if fits(webhook)]
                if len(found) >= count:
                    return found[count - 1]
                if not self._arrival.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise AssertionError(f"no such webhook within {timeout} s; received: {self.describe()}")

    def describe(self) -> str:
        """Returns a line for each webhook."""
        lines = [f"\n  {it.path} {_read_status(it)}{'' if it.is_valid else f' (invalid: {it.problem})'}" for it in self.received]
        return "".join(lines) or "nothing"

    def close(self) -> None:
        """Stops the server."""
        self._server.shutdown()
        self._server.server_close()


def _read_status(webhook: Webhook) -> Optional[str]:
    try:
        return webhook.status
    except (ValueError, AttributeError):
        return None


def _acknowledge(body: bytes, status: int) -> bytes:
    """Returns ReBIT's NotificationResponse where the body is a message of ReBIT, else an empty object."""
    try:
        message = json.loads(body)
        fields = {name: message[name] for name in ("ver", "timestamp", "txnid")}
    except (ValueError, KeyError, TypeError):
        return b"{}"
    return json.dumps({**fields, "response": "OK" if status < 300 else "ERROR"}).encode()
