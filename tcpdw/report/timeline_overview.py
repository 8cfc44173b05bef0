"""The whole time of a timeline in small, with a window around what the lanes show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tcpdw.report.page import Rows
from tcpdw.report.timeline_chart import FIT, GUTTER
from tcpdw.report.timeline_lanes import Layout
from tcpdw.report.timeline_window import Span
from tcpdw.report.wording import MICRO

_HEIGHT = 44


def overview_chart(
    span: tuple[int, int], view: tuple[int, int], moments: Sequence[tuple[str, Span]], origin: int
) -> tuple[dict[str, Any], Mapping[str, Rows]]:
    """Give the specification of the whole time in small, with the window in view, and its data."""
    import altair as alt

    x0, x1 = (alt.param(name=n, value=v) for n, v in zip(("x0", "x1"), view, strict=True))
    scale = alt.Scale(domain=list(span), nice=False, zero=False)
    y = alt.Scale(domain=[0, _HEIGHT], reverse=True, nice=False)
    length = span[1] - span[0]
    unit, per = next(
        ((u, p) for u, p in (("s", 1e9), ("ms", 1e6), (MICRO, 1e3)) if length >= 2 * p), ("ns", 1)
    )
    axis = alt.Axis(
        title=None,
        tickCount=alt.ExprRef("max(2, floor(width / 110))"),
        labelExpr=f"format(datum.value / {per}, ',.3~f') + ' {unit}'",
        grid=False,
    )
    x = alt.X("t:Q", scale=scale, axis=axis)
    ticks = (
        alt.Chart(alt.NamedData("ticks"))
        .mark_rule(strokeWidth=1, opacity=0.75)
        .encode(
            x=x,
            y=alt.Y("y0:Q", scale=y, axis=None),
            y2="y1:Q",
            color=alt.Color("colour:N", scale=None),
        )
    )
    bands = (
        alt.Chart(alt.NamedData("moments"))
        .mark_rect(fillOpacity=0.14, stroke="var(--s5)", strokeOpacity=0.6, color="var(--s5)")
        .encode(
            x=alt.X("a:Q", scale=scale, axis=axis), x2="b:Q", y=alt.value(0),
            y2=alt.value(_HEIGHT),
        )
    )  # fmt: skip
    window = (
        alt.Chart(alt.Data(values=[{"one": 1}]))
        .transform_calculate(a=f"clamp(x0, {span[0]}, {span[1]})")
        .transform_calculate(b=f"clamp(x1, {span[0]}, {span[1]})")
        .mark_rect(fillOpacity=0.12, color="var(--ink)", stroke="var(--ink)", strokeWidth=1.5)
        .encode(
            x=alt.X("a:Q", scale=scale, axis=axis), x2="b:Q", y=alt.value(0),
            y2=alt.value(_HEIGHT),
        )
    )  # fmt: skip
    chart = (
        alt.layer(bands, ticks, window)
        .add_params(x0, x1)
        .properties(width="container", height=_HEIGHT)
    )
    spec = chart.to_dict()
    spec |= {"padding": {"left": GUTTER, "right": 12, "top": 2, "bottom": 2}, "autosize": FIT}
    rows = [(name, s.first - origin, s.last - origin) for name, s in moments]
    return spec, {"moments": Rows(("name", "a", "b"), rows)}


def overview_ticks(layout: Layout) -> Rows:
    """Give the ticks of the overview: the steps above, the segments below."""
    steps, segments = layout.data["steps"], layout.data["segments"]
    rows: list[tuple[object, ...]] = [(row[0], 4, 18, "var(--s8)") for row in steps.rows]
    rows += [(row[0], 24, 40, "var(--ink)") for row in segments.rows]
    return Rows(("t", "y0", "y1", "colour"), rows)
