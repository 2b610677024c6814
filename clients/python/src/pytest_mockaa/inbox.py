"""A receiver of webhooks, which verifies each one."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Mapping, Optional

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from .crypto import SignatureError, verify


@dataclass(frozen=True)
class Webhook:
    """A webhook as it was received."""

    path: str
    headers: Mapping[str, str]
    """Names are in lower case."""
    body: bytes
    problem: Optional[str]
    """Why its signature is not valid; `None` if it is."""

    @property
    def is_valid(self) -> bool:
        """Whether it is signed by a key of the AA over these bytes."""
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


class Inbox:
    """A server that receives webhooks, and accepts those that are valid, as ReBIT describes."""

    def __init__(self, keys: Mapping[str, RSAPublicKey]) -> None:
        self.received: list[Webhook] = []
        """All webhooks, in the order of their arrival."""
        self.answer: Optional[Callable[[Webhook], int]] = None
        """Chooses the status of the answer, in place of 200 for valid webhooks and 401 for others."""
        self._keys = keys
        self._arrival = threading.Condition()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = inbox._receive(self.path, headers, body)
                answer = _acknowledge(body, status)
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _receive(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        problem = None
        try:
            verify(headers.get("x-jws-signature"), body, self._keys)
        except SignatureError as error:
            problem = str(error)
        webhook = Webhook(path, headers, body, problem)
        with self._arrival:
            self.received.append(webhook)
            self._arrival.notify_all()
        if self.answer is not None:
            return self.answer(webhook)
        return 200 if webhook.is_valid else 401

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
