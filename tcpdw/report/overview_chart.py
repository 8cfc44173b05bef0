"""The overview: how much the median of each metric differs from the base's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tcpdw.report import theme
from tcpdw.report.chart_scales import Series, colour, either, names_axis, specification
from tcpdw.report.page import Rows
from tcpdw.report.wording import change, changes


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
                change(one.relative),
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
        axis=names_axis(alt, 150, 145),
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
    strength = either(alt.OpacityValue, "datum.shown", 1, 0.45)
    line = data.mark_rule(strokeWidth=2.2, clip=True).encode(
        x=x("low"),
        x2="high",
        y=y,
        yOffset=offset,
        opacity=strength,
        tooltip=told,
        color=colour(alt, known)["color"],
    )
    dots = data.mark_point(size=62, strokeWidth=1.8, filled=False).encode(
        x=x("ratio"),
        y=y,
        yOffset=offset,
        **colour(alt, known),
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


def _ratio(relative: float | None, otherwise: float, domain: Sequence[float]) -> float:
    if relative is None or not math.isfinite(relative):
        return otherwise
    return round(min(max(1 + relative, domain[0]), domain[1]), 5)
