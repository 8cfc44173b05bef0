"""What charts share: groups told apart by colour, shape and dashes, and axes of durations."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcpdw.compare.words import short
from tcpdw.report import theme
from tcpdw.report.distributions import Distribution
from tcpdw.report.wording import LABEL

if TYPE_CHECKING:
    import altair as alt

MARGIN = 104
"""Left of the plots, pixels: charts below each other have their axes below each other."""

FLUSH = 18
"""Labels nearer to the ends of an axis than this, pixels, stay within its plot."""


@dataclass(frozen=True, slots=True)
class Series:
    """A group as charts show it: its name, unlike any other's, and its number for the mark."""

    name: str
    number: int


def series(names: Sequence[str]) -> list[Series]:
    """Give each group a name of its own, as charts tell them apart by these."""
    from tcpdw.output import clean

    seen: dict[str, int] = {}
    found: list[Series] = []
    for number, text in enumerate(names):
        name = short(clean(text)) or "(empty)"
        seen[name] = seen.get(name, 0) + 1
        found.append(Series(name if seen[name] == 1 else f"{name} ({seen[name]})", number))
    return found


def either(channel: Any, test: str, then: object, otherwise: object) -> Any:
    """Give one value where a test of the datum holds, else the other."""
    return channel(otherwise, condition={"test": test, "value": then})


def specification(chart: Any, height: int) -> dict[str, Any]:
    """Give a chart as wide as its place on the page."""
    return chart.properties(width="container", height=height).to_dict(validate=_is_checked())


@contextmanager
def unchecked() -> Generator[None]:
    """Let Altair take what it is given: to hold many charts to its schema takes seconds.

    The tests make the same charts checked.
    """
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):
        yield


def _is_checked() -> bool:
    from altair.utils import schemapi

    return bool(schemapi.DEBUG_MODE)


@dataclass(frozen=True, slots=True)
class Axis:
    """A log axis of durations, ns: its ends and where it has ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]


def axis(distributions: Sequence[Distribution]) -> Axis:
    """Give the axis on which all the distributions stand; what is 0 or less is at its low end."""
    values = [value for one in distributions for _, value in one.quantiles if value > 0]
    low, high = (min(values), max(values)) if values else (1, 1000)
    if high < low * 1.5:
        low, high = low / 1.25, high * 1.25
    room = (high / low) ** 0.02
    low, high = _rounded(low / room), _rounded(high * room)
    return Axis(low, high, _ticks(low, high))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _ticks(low: float, high: float) -> tuple[float, ...]:
    decades = math.log10(high / low)
    if decades < 0.7:
        step = 10 ** math.floor(math.log10((high - low) / 3))
        step *= next(one for one in (1, 2, 5, 10) if (high - low) / (step * one) <= 7)
        first = math.ceil(low / step)
        return tuple(round(n * step, 6) for n in range(first, math.floor(high / step) + 1))
    steps = (1, 2, 5) if decades < 2.5 else (1,)
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    every = [step * 10.0**exponent for exponent in exponents for step in steps]
    return tuple(one for one in every if low <= one <= high)


def parameters(on: Axis) -> dict[str, Any]:
    """Give the axis as parameters: the specification around them serves for every metric."""
    values = {"low": on.low, "high": on.high, "ticks": list(on.ticks)}
    return {"params": [{"name": name, "value": value} for name, value in values.items()]}


def duration_axis(alt_: Any, *, labels: bool, field: str = "dur") -> alt.X:
    """Give the log axis of durations, its ends and ticks as parameters."""
    return alt_.X(
        field,
        type="quantitative",
        scale=alt_.Scale(
            type="log", domain=[alt_.ExprRef("low"), alt_.ExprRef("high")], nice=False
        ),
        axis=alt_.Axis(
            title=None,
            values=alt_.ExprRef("ticks"),
            labelExpr=LABEL,
            labels=labels,
            ticks=labels,
            labelOverlap="greedy",
            labelFlush=FLUSH,
            grid=True,
        ),
    )


def names_axis(alt_: Any, extent: int | None, limit: int) -> alt.Axis:
    """Give the axis of names at the left of rows: `extent` and the longest label, in pixels."""
    ends = {} if extent is None else {"minExtent": extent, "maxExtent": extent}
    return alt_.Axis(
        title=None,
        grid=False,
        ticks=False,
        domain=False,
        labelColor="var(--ink)",
        labelLimit=limit,
        **ends,
    )


def colour(alt_: Any, known: Sequence[Series], *, legend: bool = False) -> dict[str, Any]:
    """Give the encodings that tell groups apart."""
    names = [one.name for one in known]

    def scale(values: Sequence[Any]) -> Any:
        chosen = [values[one.number % len(values)] for one in known]
        return alt_.Scale(domain=names, range=chosen)

    shown = (
        alt_.Legend(title=None, orient="top", columns=min(4, len(names)), symbolSize=70)
        if legend
        else None
    )
    return {
        "color": alt_.Color("group", type="nominal", scale=scale(theme.SERIES), legend=shown),
        "shape": alt_.Shape("group", type="nominal", scale=scale(theme.SHAPES), legend=shown),
    }


def dash(alt_: Any, known: Sequence[Series]) -> alt.StrokeDash:
    """Dash the lines of groups, beside their colours."""
    names = [one.name for one in known]
    dashes = [list(theme.DASHES[one.number % len(theme.DASHES)]) for one in known]
    return alt_.StrokeDash(
        "group", type="nominal", scale=alt_.Scale(domain=names, range=dashes), legend=None
    )
