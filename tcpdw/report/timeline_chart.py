"""The timeline's lanes as a chart of Vega-Lite.

What is in view is between the parameters `x0` and `x1`, ns since the timeline's origin; `step` is
the time of the step that is pointed at, below 0 parts of its own where none is. The page's script
sets them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

from tcpdw.report.chart_scales import either
from tcpdw.report.timeline_lanes import CLASSES, Layout
from tcpdw.report.timeline_marks import ladder, losses, steps, wakes
from tcpdw.report.timeline_scales import BEGINS, CHARACTER, PIXELS, VISIBLE, tips, x, y
from tcpdw.report.wording import MICRO

GUTTER = 128
"""The width of the lanes' labels, pixels."""

NO_STEP = -(10**17)
"""The value of `step` where none is pointed at: before any time."""

FIT = {"type": "fit-x", "contains": "padding"}
"""The height of a chart is that of its lanes; the axis comes below them."""

# The unit follows what is in view; the digits follow the ticks.
_TIME_LABEL = (
    "abs(x1 - x0) >= 2e9 ? format(datum.value / 1e9, ',.3~f') + ' s' : "
    "abs(x1 - x0) >= 2e5 ? format(datum.value / 1e6, ',.3~f') + ' ms' : "
    f"abs(x1 - x0) >= 2e3 ? format(datum.value / 1e3, ',.3~f') + ' {MICRO}' : "
    "format(datum.value, ',.0f') + ' ns'"
)


def lanes_chart(
    layout: Layout, view: tuple[int, int], mark: int, origin_name: str, *, width: int | None = None
) -> dict[str, Any]:
    """Give the specification of the lanes; `width` in pixels, else that of the page.

    `view`: what is in view at first, and `mark` a time that is pointed at, both in ns since the
    origin. Its data are `layout.data`, by name.
    """
    import altair as alt

    x0, x1 = (alt.param(name=n, value=v) for n, v in zip(("x0", "x1"), view, strict=True))
    step = alt.param(name="step", value=mark)
    layers = [
        _lane_grounds(alt),
        losses(alt),
        *_slices(alt, layout.kinds if width is not None else ()),
        *ladder(alt),
        *wakes(alt),
        *steps(alt),
        *_labels(alt),
    ]
    chart = (
        alt.layer(*layers)
        .add_params(x0, x1, step)
        .properties(width=width or "container", height=layout.height)
        .configure_view(clip=False)
    )
    spec = chart.to_dict()
    spec |= {"padding": {"left": 0, "right": 12, "top": 4, "bottom": 4}, "autosize": FIT}
    return _with_axis(spec, f"time since the {origin_name}" if origin_name else "time")


def _with_axis(spec: dict[str, Any], title: str) -> dict[str, Any]:
    """Give every layer the same axes: pixels from the top, and time below."""
    axis = {
        "title": title,
        "labelExpr": _TIME_LABEL,
        "tickCount": {"expr": "max(2, floor(width / 120))"},
        "gridOpacity": 0.8,
        "labelFlush": True,
        "labelOverlap": "greedy",
        "zindex": 0,
    }
    for layer in cast("list[dict[str, Any]]", spec["layer"]):
        encoding = cast("dict[str, Any]", layer["encoding"])
        if "field" in encoding.get("x", {}):
            encoding["x"]["axis"] = axis
        if "field" in encoding.get("y", {}):
            height = spec["height"]
            encoding["y"]["scale"] = {"domain": [0, height], "reverse": True, "nice": False}
    return spec


def _lane_grounds(alt: Any) -> Any:
    return (
        alt.Chart(alt.NamedData("lanes"))
        .mark_rect(color="var(--panel)", stroke="var(--grid)", strokeWidth=0.5)
        .encode(x=alt.value(0), x2=alt.value("width"), y=y(alt, "y0"), y2="y1:Q")
    )


def _labels(alt: Any) -> list[Any]:
    lanes = alt.Chart(alt.NamedData("lanes"))
    text: dict[str, Any] = {"baseline": "middle", "fontSize": 11}
    names = lanes.mark_text(align="right", dx=-8, limit=GUTTER - 50, color="var(--muted)", **text)
    alone = lanes.transform_filter("datum.y1 - datum.y0 != 16").mark_text(
        align="right", dx=-8, limit=GUTTER - 12, color="var(--ink)", fontWeight=600, **text
    )
    heads = lanes.mark_text(
        align="left", dx=-GUTTER, limit=GUTTER - 52, fontWeight=600, color="var(--ink)", **text
    )
    # It makes room for the labels, so that all charts begin at one place.
    margin = lanes.mark_rule(opacity=0).encode(
        x=alt.value(-GUTTER), x2=alt.value(0), y=alt.value(0)
    )
    place: dict[str, Any] = {"x": alt.value(0), "y": y(alt, "y")}
    return [
        margin,
        names.transform_filter("datum.y1 - datum.y0 == 16").encode(text="label:N", **place),
        alone.encode(text="label:N", **place),
        heads.encode(text="head:N", **place),
    ]


def _slices(alt: Any, named: Collection[str]) -> list[Any]:
    """Draw the slices and what they are called; `named`: the classes that the legend tells."""
    seen = (
        alt.Chart(alt.NamedData("slices"))
        .transform_filter(VISIBLE)
        # A browser cannot draw what is millions of pixels wide.
        .transform_calculate(left="max(datum.a, 2 * x0 - x1)")
        .transform_calculate(right="min(datum.b, 2 * x1 - x0)")
    )
    colours = alt.Scale(
        domain=list(CLASSES), range=[f"var(--{colour})" for colour in CLASSES.values()]
    )
    key = (
        alt.Legend(
            title=None,
            orient="bottom",
            columns=4,
            symbolType="square",
            labelLimit=260,
            values=[kind for kind in CLASSES if kind in named],
        )
        if named
        else None
    )
    colour = alt.Color("kind:N", scale=colours, legend=key)
    faint = "datum.kind == 'asleep' || !datum.certain"
    boxes = (
        seen.transform_calculate(start=BEGINS)
        .mark_rect(clip=True, strokeWidth=1)
        .encode(
            x=x(alt, "left"),
            x2="right:Q",
            # What a loss may have changed is faint, as what is not doing anything.
            fillOpacity=either(alt.FillOpacityValue, faint, 0.1, 0.32),
            strokeOpacity=either(alt.StrokeOpacityValue, faint, 0.5, 1),
            y=y(alt, "y0"),
            y2="y1:Q",
            color=colour,
            stroke=alt.Stroke("kind:N", scale=colours, legend=None),
            tooltip=tips(alt, what="title", start="begins", took="took", where="where"),
        )
    )
    words = (
        seen.transform_filter("datum.text != ''")
        .transform_calculate(from_="max(datum.a, x0)")
        .transform_filter(
            f"(min(datum.b, x1) - datum.from_) {PIXELS} > length(datum.text) * {CHARACTER} + 6"
        )
        .transform_calculate(middle="(datum.y0 + datum.y1) / 2")
        .mark_text(align="left", baseline="middle", dx=4, fontSize=11, color="var(--ink)")
        .encode(x=x(alt, "from_"), y=y(alt, "middle"), text="text:N")
    )
    return [boxes, words]
