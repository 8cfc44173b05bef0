"""How a comparison writes its figures for people, and what its signs mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpdw.stats import Estimate

UNKNOWN = "?"
"""Stands for the end of an interval that the runs do not bound."""

NOT_SHOWN = "~"
"""Stands where the runs show no difference."""

LONGEST_NAME = 42

Style = str
Paint = Callable[[str, Style], str]
"""Gives a text in a style: `head`, `slower`, `faster` or `faint`."""


def name(q: float) -> str:
    """Name a quantile: p50, p99, p99.9."""
    return f"p{100 * q:g}"


def interval(relative: Estimate) -> str:
    """Write the interval of a relative difference, in percent."""
    ends = (
        UNKNOWN if bound is None else percent(bound).rstrip("%")
        for bound in (relative.low, relative.high)
    )
    return f"[{', '.join(ends)}]%"


def percent(fraction: float) -> str:
    """Write a fraction in percent, with its sign and two or three digits."""
    value = 100 * fraction
    return f"{value:+.0f}%" if abs(value) >= 99.95 else f"{value:+.1f}%"


def short(text: str) -> str:
    """Cut a name that is too long to be read in its middle; its ends tell more."""
    if len(text) <= LONGEST_NAME:
        return text
    end = LONGEST_NAME // 3
    return f"{text[: LONGEST_NAME - end - 1]}\N{HORIZONTAL ELLIPSIS}{text[-end:]}"


def recorded_on(value: object) -> str:
    """Write what a run was recorded on; of LTTng's own name the version is enough."""
    if value is None:
        return "unknown"
    text = str(value)
    lttng = re.fullmatch(r"(lttng) \(.*\) (\S+) - .*", text)
    return " ".join(lttng.groups()) if lttng else short(text)


def first_few(texts: Sequence[str], most: int, between: str = ", ") -> str:
    """Join texts; of more than `most` the first, and how many more there are."""
    if len(texts) <= most:
        return between.join(texts)
    return f"{between.join(texts[: most - 1])} and {len(texts) - most + 1:,} more"
