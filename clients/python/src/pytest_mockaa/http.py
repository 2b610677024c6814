"""Calls over HTTP with the standard library, without proxies."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Mapping, Optional

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# An advance of the clock goes on as long as its timers run.
_TIMEOUT_S = 330


class ApiError(AssertionError):
    """An answer with an error status. The text has the status and what the answer says."""

    def __init__(self, status: int, request: str, text: str) -> None:
        super().__init__(f"{request} was answered with {status}: {text}")
        self.status = status
        self.text = text

    @property
    def body(self) -> Any:
        """The answer as JSON."""
        return json.loads(self.text)


def send(
    method: str, url: str, body: Optional[bytes], headers: Mapping[str, str]
) -> tuple[Mapping[str, str], bytes]:
    """Sends a request; returns the headers, whose names are in lower case, and the body. Raises `ApiError`."""
    request = urllib.request.Request(url, body, dict(headers), method=method)
    try:
        with _OPENER.open(request, timeout=_TIMEOUT_S) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as error:
        raise ApiError(error.code, f"{method} {url}", error.read().decode(errors="replace")) from None
    except urllib.error.URLError as error:
        raise ConnectionError(f"no mockaa answers at {url}: {error.reason}") from None


def call(method: str, url: str, body: Any = None, headers: Optional[Mapping[str, str]] = None) -> Any:
    """Sends JSON, or a text as it is; returns the JSON of the answer. Raises `ApiError`."""
    sent = dict(headers or {})
    data: Optional[bytes] = None
    if isinstance(body, str):
        data = body.encode()
        sent.setdefault("content-type", "application/yaml")
    elif body is not None:
        data = json.dumps(body).encode()
        sent["content-type"] = "application/json"
    _, answer = send(method, url, data, sent)
    return json.loads(answer) if answer else None
