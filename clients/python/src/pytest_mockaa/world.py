"""A world: an isolated part of the sandbox, with its own consents, clock and journal."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any, Mapping, Optional, Union

from .http import ApiError, call
from .report import Report


class World:
    """The control API of one world. It plays everyone but the FIU: the customer, the banks, and time."""

    def __init__(self, sandbox_url: str, name: str) -> None:
        self.name = name
        self.sandbox_url = sandbox_url
        self.base_url = f"{sandbox_url}/w/{urllib.parse.quote(name)}"
        """The address of the Account Aggregator for the FIU under test."""

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Calls the control API of the world, `/_mockaa/v1/…`; a text is sent as YAML."""
        return call(method, f"{self.base_url}/_mockaa/v1/{path}", body)

    # The customer

    def consent(self, handle: str) -> dict[str, Any]:
        """Returns a consent: its `state`, terms and history."""
        return self.control("GET", f"consents/{handle}")  # type: ignore[no-any-return]

    def state(self, handle: str) -> str:
        """Returns the state of a consent, such as ACTIVE."""
        return str(self.consent(handle)["state"])

    def act(self, handle: str, action: str, **details: Any) -> dict[str, Any]:
        """Does approve, reject, pause, resume, revoke, fail, expire or activate with a consent."""
        return self.control("POST", f"consents/{handle}/{action}", details or None)  # type: ignore[no-any-return]

    def approve(self, handle: str, accounts: Optional[list[str]] = None) -> dict[str, Any]:
        """Approves for the customer; `accounts` are the link numbers of the chosen accounts, by default all."""
        return self.act(handle, "approve", **({} if accounts is None else {"accounts": accounts}))

    def reject(self, handle: str) -> dict[str, Any]:
        """Rejects for the customer."""
        return self.act(handle, "reject")

    def pause(self, handle: str) -> dict[str, Any]:
        """Pauses an active consent."""
        return self.act(handle, "pause")

    def resume(self, handle: str) -> dict[str, Any]:
        """Resumes a paused consent."""
        return self.act(handle, "resume")

    def revoke(self, handle: str) -> dict[str, Any]:
        """Revokes a consent for the customer."""
        return self.act(handle, "revoke")

    # Time

    @property
    def now(self) -> str:
        """The world's time, such as 2026-01-31T06:00:00.000Z."""
        return str(self.control("GET", "clock")["now"])

    def advance(self, by: Optional[str] = None, *, to: Optional[str] = None, until: Any = None) -> dict[str, Any]:
        """Advances the clock, `by` a duration such as 2s or P30D, `to` an instant, or `until` "idle".

        Everything that is due happens in order, and the webhooks are answered when this returns.
        """
        target = {"by": by, "to": to, "until": until}
        return self.control("POST", "clock/advance", {k: v for k, v in target.items() if v is not None})  # type: ignore[no-any-return]

    def set_clock(self, now: str) -> None:
        """Sets the world's time, and freezes the clock there. Later is possible at any time, earlier in a new world."""
        self.control("POST", "clock/freeze")
        self.control("POST", "clock/set", {"to": now})

    # Scenarios and faults

    def use_scenario(self, scenario: str) -> str:
        """Lets a scenario drive every consent: the name of a shipped one, or the text of one in YAML. Returns its name."""
        name = scenario
        if "\n" in scenario or ":" in scenario:
            found = re.search(r"^name:\s*[\"']?([\w.-]+)", scenario, re.MULTILINE)
            if found is None:
                raise ValueError("the scenario has no name; begin it with `version: 1` and `name: …`")
            name = found[1]
            self.control("PUT", f"scenarios/{urllib.parse.quote(name)}", scenario)
        self.control("PUT", "scenarios/default", {"name": name})
        return name

    def put_faults(self, faults: Union[str, Mapping[str, Any]], name: str = "test") -> None:
        """Injects faults into webhooks and answers, as YAML or a dict with `webhooks` and `api_faults`."""
        self.control("PUT", f"faults/{name}", faults)

    # Results

    def journal(self, **filters: str) -> list[dict[str, Any]]:
        """Returns the journal: every call, event and webhook. `kind="call"` and others select entries."""
        entries: list[dict[str, Any]] = []
        page: dict[str, Any] = {"next": None}
        while True:
            query = {**filters, **({"after": str(page["next"])} if page["next"] is not None else {})}
            page = self.control("GET", "journal?" + urllib.parse.urlencode(query))
            entries += page["items"]
            if page["next"] is None:
                return entries

    def report(self) -> Report:
        """Returns the contract report, which grades how the FIU has behaved in this world."""
        self._settle()
        return Report(self.control("GET", "report"))

    def expect(self, expectations: str) -> None:
        """Checks expectations in the format of scenario files; raises an `AssertionError` that says what differs."""
        result = self.control("POST", "assert", expectations)
        if not result["passed"]:
            raise AssertionError(f"expectations of world {self.name} are not met:\n{_describe(result)}")

    def describe_journal(self) -> str:
        """Returns the journal as text, a line for each entry."""
        self._settle()
        return "\n".join(_describe_entry(entry) for entry in self.journal(light="true"))

    def _settle(self) -> None:
        """Waits until the webhooks that are due have been answered, and this is on record."""
        try:
            self.advance("0s")
        except ApiError as error:
            # Another advance is under way, which waits for them too.
            if error.status != 409:
                raise

    def delete(self) -> None:
        """Deletes the world."""
        try:
            call("DELETE", f"{self.sandbox_url}/_mockaa/v1/worlds/{urllib.parse.quote(self.name)}")
        except ApiError as error:
            # It was never used, or has been deleted.
            if error.status != 404:
                raise


def _describe(result: Mapping[str, Any]) -> str:
    lines = []
    for item in result["results"]:
        if item["outcome"] != "met":
            lines.append(f"{item['location']}: {item['outcome']}, expected {item['expected']}")
            lines += [f"    {line}" for line in item.get("explanation", [])]
    return "\n".join(lines)


def _describe_entry(entry: Mapping[str, Any]) -> str:
    parts = [f"{entry['seq']:>4}  {entry['at']}  {entry['kind']}"]
    if "call" in entry:
        call_ = entry["call"]
        parts.append(f"{call_['method']} {call_['path']} → {call_['status']} ({call_['op']})")
    if "webhook" in entry:
        webhook = entry["webhook"]
        parts.append(f"{webhook['event']} {webhook['status']} → {webhook['outcome']}")
    if entry.get("text"):
        parts.append(entry["text"])
    if entry.get("cause"):
        parts.append(f"by {entry['cause']['kind']}: {entry['cause']['origin']}")
    return "  ".join(parts)
