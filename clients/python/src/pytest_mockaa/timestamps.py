"""Timestamps of messages."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

_TOLERANCE = timedelta(minutes=15)


def parse_time(value: Any) -> datetime:
    """Parses an ISO 8601 date-time with an offset. Raises `ValueError` for anything else."""
    try:
        at = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (ValueError, AttributeError):
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(f"the timestamp {value!r} is no date-time with an offset")
    return at


def format_time(at: datetime) -> str:
    """Formats a time of UTC with milliseconds, as ReBIT's messages have it."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def is_current(at: datetime, world_time: datetime) -> bool:
    """Returns whether a time is within 15 minutes of the world's clock or of the machine's.

    The AA dates its messages by the one or the other (`message_time`).
    """
    clocks = (world_time, datetime.now(timezone.utc))
    return min(abs(at - clock) for clock in clocks) <= _TOLERANCE
