"""The charts of a metric, each from few numbers: its distributions, and the medians of the runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

from tcpdw.compare import Group
from tcpdw.report.chart_scales import (
    MARGIN,
    Axis,
    Series,
    colour,
    dash,
    duration_axis,
    either,
    names_axis,
    parameters,
    specification,
)
from tcpdw.report.distributions import Distribution
from tcpdw.report.page import Rows
from tcpdw.report.wording import duration

MOST_POINTS = 60
"""A group of more runs than these has their medians counted in bins."""

MOST_CORNERS = 60
"""Of a curve with more corners than these some can be left out where there are many groups."""

BINS = 120
"""So many bins over the axis."""

IN_VIEW = "datum.dur >= low && datum.dur <= high"
"""What the axis shows: a reader can zoom it."""

FEW_GROUPS = 4
"""With more groups each has fewer points: the page stays small."""

_HOVERED = frozenset(n / 40 for n in range(41)) - {0.5, 0.9}
_FEW_HOVERED = frozenset(n / 10 for n in range(11)) - {0.5, 0.9}


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
    return {**spec, **parameters(on)}, {
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
        x=duration_axis(alt, labels=labels),
        y=y,
        color=colour(alt, known, legend=legend)["color"],
        strokeDash=dash(alt, known),
        order=alt.Order("share", type="quantitative"),
    )
    points = (
        alt.Chart(alt.NamedData("marks"))
        .transform_filter(IN_VIEW)
        .mark_point(filled=True, size=70)
        .encode(
            x=duration_axis(alt, labels=labels),
            y=y,
            **colour(alt, known, legend=legend),
            opacity=either(alt.OpacityValue, "datum.marked", 1, 0),
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
    return {**_medians(tuple(known), margin), **parameters(on)}, {
        "points": Rows(("group", "dur", "median", "run", "intervals", "runs"), points),
        "bars": Rows(("group", "dur", "low", "high", "p50", "interval"), bars),
    }


@cache
def _medians(known: tuple[Series, ...], margin: int | None) -> dict[str, Any]:
    import altair as alt

    names = [one.name for one in known]
    y = alt.Y(
        "group",
        type="nominal",
        scale=alt.Scale(domain=names),
        axis=names_axis(alt, margin, (margin or 190) - 10),
    )
    told = [
        alt.Tooltip("group", type="nominal"),
        alt.Tooltip("median", type="nominal", title="median of a run"),
        alt.Tooltip("run", type="nominal"),
        alt.Tooltip("intervals", type="quantitative", format=","),
    ]
    dots = (
        alt.Chart(alt.NamedData("points"))
        .transform_filter(IN_VIEW)
        .mark_point(filled=True, opacity=0.7)
        .encode(
            x=duration_axis(alt, labels=True),
            y=y,
            **colour(alt, known),
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
        x=duration_axis(alt, labels=True, field="low"), x2="high", y=y, tooltip=whole
    )
    tick = (
        bar.transform_filter(IN_VIEW)
        .mark_tick(thickness=2.5, size=18, color="var(--ink)")
        .encode(x=duration_axis(alt, labels=True), y=y, tooltip=whole)
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
