"""Durations, differences and counts as people read them: three digits, a unit, a sign."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tcpdw import summary

MICRO = "\N{GREEK SMALL LETTER MU}s"
MINUS = "\N{MINUS SIGN}"
UNKNOWN = "?"
"""Stands for a bound that the runs cannot tell."""

LABEL = (
    "datum.value == 0 ? '0' : abs(datum.value) >= 1e9 ? format(datum.value / 1e9, '~g') + ' s' : "
    "abs(datum.value) >= 1e6 ? format(datum.value / 1e6, '~g') + ' ms' : "
    f"abs(datum.value) >= 1e3 ? format(datum.value / 1e3, '~g') + ' {MICRO}' : "
    "format(datum.value, '~g') + ' ns'"
)
"""Vega's expression for a label on an axis of ns."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit for durations: its name, and its length in ns."""

    name: str
    length: int

    def bare(self, ns: float) -> str:
        """Write a duration without the unit, to three significant digits."""
        text = summary.digits(round(ns), self.length)
        return text.replace("-", MINUS)

    def write(self, ns: float) -> str:
        """Write a duration with the unit."""
        return f"{self.bare(ns)} {self.name}"

    def signed(self, ns: float) -> str:
        """Write a difference with its sign and the unit."""
        return f"{'+' if ns > 0 else ''}{self.write(ns)}"


def unit(durations: Iterable[int | None]) -> Unit:
    """Give the unit that fits the durations, ns."""
    name, length = summary.fitting(durations)
    return Unit(MICRO if name == "us" else name, length)


def duration(ns: float) -> str:
    """Write a duration in the unit that fits it best."""
    return unit([round(ns)]).write(ns)


def bounds(low: float | None, high: float | None, of: Unit) -> str:
    """Write an interval without its unit; what cannot be told as UNKNOWN."""
    if low is None and high is None:
        return UNKNOWN
    return f"{_or_unknown(low, of)} to {_or_unknown(high, of)}"


def _or_unknown(value: float | None, of: Unit) -> str:
    return UNKNOWN if value is None else of.bare(value)


def change(relative: float) -> str:
    """Write a relative difference: in percent, from tenfold on as a factor."""
    if not math.isfinite(relative):
        return UNKNOWN
    if relative >= 9:
        factor = 1 + relative
        return f"×{factor:.1f}" if factor < 99.5 else f"×{factor:,.0f}"
    percent = relative * 100
    text = f"{abs(percent):.1f}" if abs(percent) < 9.95 else f"{abs(percent):.0f}"
    sign = "" if not float(text) else "+" if percent > 0 else MINUS
    return f"{sign}{text} %"


def changes(low: float | None, high: float | None) -> str:
    """Write the interval of a relative difference."""
    first, second = (UNKNOWN if one is None else change(one) for one in (low, high))
    return f"{first} to {second}"


def probability(p: float) -> str:
    """Write a p, never as zero."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def count(number: int, what: str, several: str | None = None) -> str:
    """Write a number of things."""
    return f"{number:,} {what if number == 1 else several or what + 's'}"


def listed(texts: Sequence[str]) -> str:
    """Join texts as a sentence does."""
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
