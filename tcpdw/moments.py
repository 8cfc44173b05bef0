"""Points in time as people give and read them: since the epoch, or since a run's start."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tcpdw.errors import UsageError

_UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_RELATIVE = re.compile(r"([+-])(\d{1,12})(?:\.(\d{1,9}))?\s*(s|ms|us|ns)?", re.ASCII)
_ISO = re.compile(r"(.+[T ]\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_INT64_MAX = 2**63 - 1

HINT = "give ns since the epoch, +1.5s from the run's start, or 2026-11-22T10:00:00.5Z"


def parsed(text: str, start: int) -> int:
    """Give the time (ns since the epoch) that `text` names; `start` is the run's, ns.

    Understands whole ns since the epoch, a signed offset from `start` (s where no unit follows),
    and ISO 8601, UTC where it names no zone. Raises UsageError where it is none of these.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        value = int(text)
    elif relative := _RELATIVE.fullmatch(text):
        sign, whole, fraction, unit = relative.groups()
        length = _UNITS[unit or "s"]
        offset = int(whole) * length + int((fraction or "").ljust(9, "0")) * length // 10**9
        value = start + (offset if sign == "+" else -offset)
    else:
        value = _iso(text)
    if not 0 <= value <= _INT64_MAX:
        raise UsageError(f"no time: {text!r} is beyond 64 bits of ns", hint=HINT)
    return value


def length(text: str) -> int:
    """Give the length of time (ns) that `text` names: a number, and a unit (s where none follows).

    Raises UsageError where it is none, or none above 0.
    """
    found = _RELATIVE.fullmatch(f"+{text.strip()}")
    if found is None:
        raise UsageError(f"no length of time: {text!r}", hint="give one as 500us or 2.5ms")
    _, whole, fraction, unit = found.groups()
    one = _UNITS[unit or "s"]
    value = int(whole) * one + int((fraction or "").ljust(9, "0")) * one // 10**9
    if not 0 < value <= _INT64_MAX:
        raise UsageError(f"no length of time: {text!r}", hint="give one as 500us or 2.5ms")
    return value


def relative(ts: int, start: int) -> str:
    """Write a time as its distance from `start`, in s with all its ns."""
    sign, distance = ("-", start - ts) if ts < start else ("+", ts - start)
    return f"{sign}{distance // 10**9}.{distance % 10**9:09d}s"


def _iso(text: str) -> int:
    # Python's own parser keeps microseconds alone.
    found = _ISO.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        at, fraction, zone = found.groups()
        parsed_at = datetime.fromisoformat(at + (zone or ""))
    except ValueError:
        raise UsageError(f"no time: {text!r}", hint=HINT) from None
    if parsed_at.tzinfo is None:
        parsed_at = parsed_at.replace(tzinfo=UTC)
    since = parsed_at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 10**9 + int((fraction or "").ljust(9, "0"))
