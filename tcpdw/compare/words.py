"""How a comparison writes its figures for people, and what its signs mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tcpdw.stats import Estimate

UNKNOWN = "?"
"""Stands for the end of an interval that the runs do not bound."""

NOT_SHOWN = "~"
"""Stands where the runs show no difference."""

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
