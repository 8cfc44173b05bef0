"""The charts, each from few numbers: Vega-Lite by Altair, in the page's colours.

Groups are told apart by colour, by the shape of their marks and by the dashes of their lines.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from tcpdw.report import theme
from tcpdw.report.distributions import Distribution
from tcpdw.report.page import Rows
from tcpdw.report.wording import LABEL, changes, duration, short

if TYPE_CHECKING:
    import altair as alt

    from tcpdw.compare import Group

MARGIN = 104
"""Left of the plots, pixels: charts below each other have their axes below each other."""

FLUSH = 18
"""Labels nearer to the ends of an axis than this, pixels, stay within its plot."""

MOST_POINTS = 60
"""A group of more runs than these has their medians counted in bins."""

MOST_CORNERS = 60
"""Of a curve with more corners than these some can be left out where there are many groups."""

BINS = 120
"""So many bins over the axis."""

FEW_GROUPS = 4
"""With more groups each has fewer points: the page stays small."""

_HOVERED = frozenset(n / 40 for n in range(41)) - {0.5, 0.9}
_FEW_HOVERED = frozenset(n / 10 for n in range(11)) - {0.5, 0.9}


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


def _either(channel: Any, test: str, then: object, otherwise: object) -> Any:
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


def _parameters(on: Axis) -> dict[str, Any]:
    """Give the axis as parameters: the specification around them serves for every metric."""
    values = {"low": on.low, "high": on.high, "ticks": list(on.ticks)}
    return {"params": [{"name": name, "value": value} for name, value in values.items()]}


def _x(alt_: Any, *, labels: bool, field: str = "dur") -> alt.X:
    return alt_.X(
        field,
        type="quantitative",
        scale=alt_.Scale(
            type="log", domain=[alt_.ExprRef("low"), alt_.ExprRef("high")], nice=False, clamp=True
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


def _colour(alt_: Any, known: Sequence[Series], *, legend: bool = False) -> dict[str, Any]:
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


def _dash(alt_: Any, known: Sequence[Series]) -> alt.StrokeDash:
    """Dash the lines of groups, beside their colours."""
    names = [one.name for one in known]
    dashes = [list(theme.DASHES[one.number % len(theme.DASHES)]) for one in known]
    return alt_.StrokeDash(
        "group", type="nominal", scale=alt_.Scale(domain=names, range=dashes), legend=None
    )


def ecdf(
    known: Sequence[Series],
    distributions: Sequence[Distribution],
    groups: Sequence[Group],
    on: Axis,
    *,
    height: int = 220,
    labels: bool = False,
    legend: bool = False,
    margin: int | None = MARGIN,
    is_small: bool = True,
) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Draw the share of intervals that are no longer than the axis' duration, a line a group.

    Marks are at p50, p90 and p99; `is_small`: with many groups each has fewer points. Gives the
    specification and its data.
    """
    curve: list[tuple[object, ...]] = []
    marks: list[tuple[object, ...]] = []
    for one, distribution, group in zip(known, distributions, groups, strict=True):
        points = _points(distribution, on, 2 if is_small and len(known) > FEW_GROUPS else 1)
        curve += [(one.name, dur, share) for dur, share in points]
        for quantile in group.quantiles:
            if quantile.value is not None:
                marks.append(_mark(one.name, quantile.q, quantile.value, on, _interval(quantile)))
        for q, value in distribution.quantiles:
            # Places to point at, between the marks.
            if q in _HOVERED and (q in _FEW_HOVERED or len(known) <= FEW_GROUPS or not is_small):
                marks.append(_mark(one.name, q, value, on, None))
    spec = _ecdf(tuple(known), height, labels=labels, legend=legend, margin=margin)
    return {**spec, **_parameters(on)}, {
        "curve": Rows(("group", "dur", "share"), curve),
        "marks": Rows(
            ("group", "dur", "share", "quantile", "duration", "interval", "marked"), marks
        ),
    }


@cache
def _ecdf(
    known: tuple[Series, ...], height: int, *, labels: bool, legend: bool, margin: int | None
) -> dict[str, Any]:
    import altair as alt

    told = [
        alt.Tooltip("group", type="nominal", title="group"),
        alt.Tooltip("quantile", type="nominal"),
        alt.Tooltip("duration", type="nominal"),
        alt.Tooltip("interval", type="nominal", title="95 % interval"),
    ]
    extent: dict[str, Any] = {} if margin is None else {"minExtent": margin, "maxExtent": margin}
    y = alt.Y(
        "share",
        type="quantitative",
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(
            title=None if margin is not None else "share of intervals",
            format=".0%",
            values=[0, 0.25, 0.5, 0.75, 0.9, 1],
            **extent,
        ),
    )
    base = alt.Chart(alt.NamedData("curve"))
    line = base.mark_line(interpolate="step-after", strokeWidth=1.8, clip=True).encode(
        x=_x(alt, labels=labels),
        y=y,
        color=_colour(alt, known, legend=legend)["color"],
        strokeDash=_dash(alt, known),
        order=alt.Order("share", type="quantitative"),
    )
    points = (
        alt.Chart(alt.NamedData("marks"))
        .mark_point(filled=True, size=70)
        .encode(
            x=_x(alt, labels=labels),
            y=y,
            **_colour(alt, known, legend=legend),
            opacity=_either(alt.OpacityValue, "datum.marked", 1, 0),
            tooltip=told,
        )
    )
    return specification(alt.layer(line, points), height)


def _points(distribution: Distribution, on: Axis, every: int) -> list[tuple[float, float]]:
    """Give the corners of the curve: it rises at each duration to the share that is no longer."""
    known = distribution.quantiles
    if len(known) > MOST_CORNERS:
        known = (known[0], *known[1:-1:every], known[-1])
    points = [(max(value, on.low), q) for q, value in known]
    return [(on.low, 0.0), *points, (on.high, 1.0)]


def _mark(name: str, q: float, value: int, on: Axis, interval: str | None) -> tuple[object, ...]:
    quantile = f"p{q * 100:g}" if 0 < q < 1 else "shortest" if q == 0 else "longest"
    shown = interval if interval is not None else "-"
    return (name, max(value, on.low), q, quantile, duration(value), shown, interval is not None)


def _interval(quantile: Any) -> str:
    low, high = (
        "?" if bound is None else duration(bound) for bound in (quantile.low, quantile.high)
    )
    return f"{low} to {high}"


def medians(
    known: Sequence[Series],
    groups: Sequence[Group],
    on: Axis,
    *,
    margin: int | None = MARGIN,
) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Draw each run's median as a point, a line a group, with p50 of all and its interval.

    Of many runs those of about the same median are one point, the larger the more there are.
    """
    points: list[tuple[object, ...]] = []
    bars: list[tuple[object, ...]] = []
    for one, group in zip(known, groups, strict=True):
        points += _median_points(one.name, group, on)
        middle = group.quantiles[0]
        if middle.value is not None:
            low, high = middle.low, middle.high
            if low is None and high is None:
                # Nothing is known of the interval: there is no bar.
                low = high = middle.value
            low = on.low if low is None else max(low, on.low)
            high = on.high if high is None else max(high, on.low)
            text = duration(middle.value)
            bars.append((one.name, max(middle.value, on.low), low, high, text, _interval(middle)))
    return {**_medians(tuple(known), margin), **_parameters(on)}, {
        "points": Rows(("group", "dur", "median", "run", "intervals", "runs"), points),
        "bars": Rows(("group", "dur", "low", "high", "p50", "interval"), bars),
    }


@cache
def _medians(known: tuple[Series, ...], margin: int | None) -> dict[str, Any]:
    import altair as alt

    names = [one.name for one in known]
    extent: dict[str, Any] = {} if margin is None else {"minExtent": margin, "maxExtent": margin}
    y = alt.Y(
        "group",
        type="nominal",
        scale=alt.Scale(domain=names),
        axis=alt.Axis(
            title=None,
            grid=False,
            ticks=False,
            domain=False,
            labelLimit=(margin or 190) - 10,
            labelColor="var(--ink)",
            **extent,
        ),
    )
    told = [
        alt.Tooltip("group", type="nominal"),
        alt.Tooltip("median", type="nominal", title="median of a run"),
        alt.Tooltip("run", type="nominal"),
        alt.Tooltip("intervals", type="quantitative", format=","),
    ]
    dots = (
        alt.Chart(alt.NamedData("points"))
        .mark_point(filled=True, opacity=0.7)
        .encode(
            x=_x(alt, labels=True),
            y=y,
            **_colour(alt, known),
            size=alt.Size("runs", type="quantitative", scale=None, legend=None),
            tooltip=told,
        )
    )
    bar = alt.Chart(alt.NamedData("bars"))
    whole = [
        alt.Tooltip("group", type="nominal"),
        alt.Tooltip("p50", type="nominal", title="p50 of all"),
        alt.Tooltip("interval", type="nominal", title="95 % interval"),
    ]
    line = bar.mark_rule(strokeWidth=1.5, color="var(--muted)", clip=True).encode(
        x=_x(alt, labels=True, field="low"), x2="high", y=y, tooltip=whole
    )
    tick = bar.mark_tick(thickness=2.5, size=18, color="var(--ink)").encode(
        x=_x(alt, labels=True), y=y, tooltip=whole
    )
    return specification(alt.layer(line, tick, dots), max(1, len(names)) * 26)


def _median_points(name: str, group: Group, on: Axis) -> list[tuple[object, ...]]:
    if len(group.run_medians) <= MOST_POINTS:
        return [
            (name, max(one.median, on.low), duration(one.median), one.run, one.intervals, 45)
            for one in group.run_medians
        ]
    width = math.log(on.high / on.low) / BINS
    bins: dict[int, list[Any]] = {}
    for one in group.run_medians:
        place = math.floor(math.log(max(one.median, on.low) / on.low) / width)
        bins.setdefault(place, []).append(one)
    largest = max(len(members) for members in bins.values())
    found: list[tuple[object, ...]] = []
    for place, members in sorted(bins.items()):
        values = [one.median for one in members]
        low, high = min(values), max(values)
        text = duration(low) if low == high else f"{duration(low)} to {duration(high)}"
        run = members[0].run if len(members) == 1 else f"{len(members):,} runs"
        size = 12 + 180 * len(members) / largest
        middle = on.low * math.exp((place + 0.5) * width)
        intervals = sum(one.intervals for one in members)
        found.append((name, round(middle, 1), text, run, intervals, round(size)))
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of the overview: a metric's p50 in a group, relative to the base's."""

    metric: str
    group: Series
    relative: float
    low: float | None
    high: float | None
    shown: bool
    p: str


def overview(
    differences: Sequence[Difference], known: Sequence[Series], metrics: Sequence[str], base: str
) -> tuple[dict[str, Any], dict[str, Rows]]:
    """Draw how much longer or shorter each metric's median is than the base's, with its interval.

    Full marks are differences that the runs show, hollow ones are not shown.
    """
    import altair as alt

    ratios = [
        1 + value
        for one in differences
        for value in (one.relative, one.low, one.high)
        if value is not None and math.isfinite(value) and value > -1
    ]
    high = min(max(1.3, *ratios, 1 / max(min(ratios), 0.01)) if ratios else 1.3, 16.0)
    domain = [1 / high, high]
    rows: list[tuple[object, ...]] = []
    for one in differences:
        low, top = (
            _ratio(bound, end, domain)
            for bound, end in ((one.low, domain[0]), (one.high, domain[1]))
        )
        rows.append(
            (
                one.metric,
                one.group.name,
                _ratio(one.relative, 1.0, domain),
                low,
                top,
                one.shown,
                changes_text(one),
                changes(one.low, one.high),
                one.p,
                "shown" if one.shown else "not shown",
            )
        )
    ticks = [0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5]
    if high >= 1.6:
        ticks = [1 / 16, 1 / 4, 1, 4, 16] if high > 6 else [1 / 4, 1 / 2, 1, 2, 4]
    ticks = [tick for tick in ticks if domain[0] <= tick <= domain[1]]

    def x(field: str) -> Any:
        return alt.X(
            field,
            type="quantitative",
            scale=alt.Scale(type="log", domain=domain, nice=False, clamp=True),
            axis=alt.Axis(
                title=None,
                values=ticks,
                orient="top",
                domain=False,
                ticks=False,
                labelExpr="datum.value == 1 ? 'same' : datum.value < 1 ? "
                "'\N{MINUS SIGN}' + format(1 - datum.value, '.0%') : datum.value >= 2 ? "
                "'×' + format(datum.value, '~g') : '+' + format(datum.value - 1, '.0%')",
                labelOverlap="greedy",
            ),
        )

    y = alt.Y(
        "metric",
        type="nominal",
        scale=alt.Scale(domain=list(metrics), paddingInner=0.25, paddingOuter=0.1),
        axis=alt.Axis(
            title=None,
            domain=False,
            ticks=False,
            labelColor="var(--ink)",
            grid=False,
            minExtent=150,
            maxExtent=150,
            labelLimit=145,
        ),
    )
    names = [one.name for one in known]
    offset = alt.YOffset("group", type="nominal", scale=alt.Scale(domain=names))
    told = [
        alt.Tooltip("metric", type="nominal"),
        alt.Tooltip("group", type="nominal"),
        alt.Tooltip("change", type="nominal", title=f"p50 beside {base}"),
        alt.Tooltip("interval", type="nominal", title="95 % interval"),
        alt.Tooltip("p", type="nominal"),
        alt.Tooltip("verdict", type="nominal", title="difference"),
    ]
    data = alt.Chart(alt.NamedData("differences"))
    zero = (
        alt.Chart(alt.NamedData("same"))
        .mark_rule(color="var(--muted)", strokeWidth=1)
        .encode(x=x("ratio"))
    )
    strength = _either(alt.OpacityValue, "datum.shown", 1, 0.45)
    line = data.mark_rule(strokeWidth=2.2, clip=True).encode(
        x=x("low"),
        x2="high",
        y=y,
        yOffset=offset,
        opacity=strength,
        tooltip=told,
        color=_colour(alt, known)["color"],
    )
    dots = data.mark_point(size=62, strokeWidth=1.8, filled=False).encode(
        x=x("ratio"),
        y=y,
        yOffset=offset,
        **_colour(alt, known),
        fill=alt.condition(
            "datum.shown",
            alt.Color(
                "group",
                type="nominal",
                scale=alt.Scale(
                    domain=names,
                    range=[theme.SERIES[one.number % len(theme.SERIES)] for one in known],
                ),
                legend=None,
            ),
            alt.value("var(--paper)"),
        ),
        tooltip=told,
    )
    height = max(1, len(metrics)) * (12 + 14 * max(1, len(names)))
    spec = specification(alt.layer(zero, line, dots), height)
    columns = (
        "metric",
        "group",
        "ratio",
        "low",
        "high",
        "shown",
        "change",
        "interval",
        "p",
        "verdict",
    )
    return spec, {"differences": Rows(columns, rows), "same": Rows(("ratio",), [(1,)])}


def changes_text(one: Difference) -> str:
    """Write the difference itself."""
    from tcpdw.report.wording import change

    return change(one.relative)


def _ratio(relative: float | None, otherwise: float, domain: Sequence[float]) -> float:
    if relative is None or not math.isfinite(relative):
        return otherwise
    return round(min(max(1 + relative, domain[0]), domain[1]), 5)
