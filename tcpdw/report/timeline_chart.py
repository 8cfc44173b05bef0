"""The timeline's lanes as a chart of Vega-Lite.

What is in view is between the parameters `x0` and `x1`, ns since the timeline's origin; `step` is
the time of the step that is pointed at, below 0 parts of its own where none is. The page's script
sets them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, cast

from tcpdw.report.timeline_lanes import CLASSES, INTERFACE, PEER, STACK, Layout

if TYPE_CHECKING:
    pass

GUTTER = 128
"""The width of the lanes' labels, pixels."""

NO_STEP = -(10**17)
"""The value of `step` where none is pointed at: before any time."""

_CHARACTER = 6.3
"""The width of a character of the labels, pixels, about."""

_BOLD = 7.4
"""The width of a bold one."""

FIT = {"type": "fit-x", "contains": "padding"}
"""The height of a chart is that of its lanes; the axis comes below them."""

# The unit follows what is in view; the digits follow the ticks.
_TIME_LABEL = (
    "abs(x1 - x0) >= 2e9 ? format(datum.value / 1e9, ',.3~f') + ' s' : "
    "abs(x1 - x0) >= 2e5 ? format(datum.value / 1e6, ',.3~f') + ' ms' : "
    "abs(x1 - x0) >= 2e3 ? format(datum.value / 1e3, ',.3~f') + ' us' : "
    "format(datum.value, ',.0f') + ' ns'"
)
_VISIBLE = "datum.b >= x0 && datum.a <= x1"
_PIXELS = "/ (x1 - x0) * width"


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
        _lane_grounds(alt, layout.height),
        _losses(alt),
        *_slices(alt, layout.kinds if width is not None else ()),
        *_ladder(alt),
        *_wakes(alt),
        *_steps(alt),
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


def _x(alt: Any, field: str) -> Any:
    domain = [alt.ExprRef("x0"), alt.ExprRef("x1")]
    return alt.X(f"{field}:Q", scale=alt.Scale(domain=domain, nice=False, zero=False))


def _y(alt: Any, field: str) -> Any:
    return alt.Y(f"{field}:Q", axis=None)


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


def _lane_grounds(alt: Any, height: int) -> Any:
    del height
    return (
        alt.Chart(alt.NamedData("lanes"))
        .mark_rect(color="var(--panel)", stroke="var(--grid)", strokeWidth=0.5)
        .encode(x=alt.value(0), x2=alt.value("width"), y=_y(alt, "y0"), y2="y1:Q")
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
    place: dict[str, Any] = {"x": alt.value(0), "y": _y(alt, "y")}
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
        .transform_filter(_VISIBLE)
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
        seen.transform_calculate(start="format(datum.a, '+,') + ' ns'")
        .mark_rect(clip=True, strokeWidth=1)
        .encode(
            x=_x(alt, "left"),
            x2="right:Q",
            # What a loss may have changed is faint, as what is not doing anything.
            fillOpacity=_either(alt, faint, 0.1, 0.32),
            strokeOpacity=_either(alt, faint, 0.5, 1),
            y=_y(alt, "y0"),
            y2="y1:Q",
            color=colour,
            stroke=alt.Stroke("kind:N", scale=colours, legend=None),
            tooltip=_tips(alt, what="title", start="begins", took="took", where="where"),
        )
    )
    words = (
        seen.transform_filter("datum.text != ''")
        .transform_calculate(from_="max(datum.a, x0)")
        .transform_filter(
            f"(min(datum.b, x1) - datum.from_) {_PIXELS} > length(datum.text) * {_CHARACTER} + 6"
        )
        .transform_calculate(middle="(datum.y0 + datum.y1) / 2")
        .mark_text(align="left", baseline="middle", dx=4, fontSize=11, color="var(--ink)")
        .encode(x=_x(alt, "from_"), y=_y(alt, "middle"), text="text:N")
    )
    return [boxes, words]


def _either(alt: Any, test: str, one: object, other: object) -> Any:
    return alt.condition(test, alt.value(one), alt.value(other))


def _tips(alt: Any, **titles: str) -> list[Any]:
    return [alt.Tooltip(f"{field}:N", title=title) for field, title in titles.items()]


def _ladder(alt: Any) -> list[Any]:
    around = "datum.b >= x0 && datum.a <= x1"
    seen = (
        alt.Chart(alt.NamedData("segments"))
        .transform_calculate(a="min(datum.t, datum.w)")
        .transform_calculate(b="max(datum.t, datum.w)")
        .transform_filter(around)
    )
    tips = _tips(alt, words="title", kernel="kernel", capture="capture", arrives="at the interface")
    way = {"peer": str(PEER), "wire": str(INTERFACE), "stack": str(STACK)}
    seen = seen.transform_calculate(**way).transform_calculate(
        arrives="format(datum.w, '+,') + ' ns'"
    )
    beyond = seen.mark_rule(clip=True, strokeDash=[3, 2], color="var(--ink)", strokeWidth=1.5)
    inside = seen.transform_filter(f"datum.ys == {STACK}").mark_rule(
        clip=True, color="var(--ink)", strokeWidth=1.75
    )
    head: dict[str, Any] = {"clip": True, "filled": True, "color": "var(--ink)", "opacity": 1}
    up = seen.transform_filter("datum.up").mark_point(
        shape="triangle-up", size=60, yOffset=4, **head
    )
    down = seen.transform_filter("!datum.up").mark_point(
        shape="triangle-down", size=60, yOffset=-4, **head
    )
    caught = seen.transform_filter("isValid(datum.c)").mark_point(
        shape="diamond", size=70, clip=True, filled=True, color="var(--s2)", opacity=1,
        stroke="var(--paper)", strokeWidth=1,
    )  # fmt: skip
    room = f"(min(datum.w + datum.room, x1) - datum.w) {_PIXELS}"
    words = (
        seen.transform_filter("datum.w >= x0")
        .transform_calculate(
            shown=f"{room} > length(datum.words) * {_BOLD} + 14 ? datum.words : "
            f"{room} > length(datum.text) * {_BOLD} + 14 ? datum.text : ''"
        )
        .transform_calculate(middle=str((PEER + INTERFACE) / 2))
        .mark_text(align="left", baseline="middle", dx=6, fontSize=11.5, fontWeight=600)
    )
    return [
        beyond.encode(x=_x(alt, "w"), y=_y(alt, "peer"), y2="wire:Q", tooltip=tips),
        inside.encode(x=_x(alt, "w"), x2="t:Q", y=_y(alt, "wire"), y2="stack:Q", tooltip=tips),
        up.encode(x=_x(alt, "w"), y=_y(alt, "peer"), tooltip=tips),
        down.encode(x=_x(alt, "t"), y=_y(alt, "ys"), tooltip=tips),
        caught.encode(x=_x(alt, "c"), y=_y(alt, "yc"), tooltip=tips),
        words.encode(x=_x(alt, "w"), y=_y(alt, "middle"), text="shown:N", tooltip=tips),
    ]


def _wakes(alt: Any) -> list[Any]:
    seen = (
        alt.Chart(alt.NamedData("wakes"))
        .transform_filter("datum.t >= x0 && datum.t <= x1")
        .transform_calculate(start="format(datum.t, '+,') + ' ns'")
    )
    tips = _tips(alt, what="title", start="at", cause="cause", ran="comes to a cpu")
    line = seen.transform_filter(f"datum.room {_PIXELS} > 16").mark_rule(
        color="var(--s4)", strokeWidth=1.75, clip=True
    )
    head = seen.mark_point(
        shape="triangle-down", size=70, yOffset=-4, filled=True, color="var(--s4)", opacity=1,
        clip=True,
    )  # fmt: skip
    return [
        line.encode(x=_x(alt, "t"), y=_y(alt, "y0"), y2="y1:Q", tooltip=tips),
        head.encode(x=_x(alt, "t"), y=_y(alt, "y1"), tooltip=tips),
    ]


def _steps(alt: Any) -> list[Any]:
    seen = (
        alt.Chart(alt.NamedData("steps"))
        .transform_filter("datum.t >= x0 && datum.t <= x1")
        .transform_calculate(start="format(datum.t, '+,') + ' ns'")
        .transform_calculate(
            label=f"min(datum.room, x1 - datum.t) {_PIXELS} "
            f"> length(datum.text) * {_CHARACTER} + 8 ? datum.text : "
            f"min(datum.room, x1 - datum.t) {_PIXELS} "
            f"> length(datum.number) * {_CHARACTER} + 6 ? datum.number : ''"
        )
    )
    tips = _tips(alt, text="title", start="at", shown="shown by", who="thread")
    pins = seen.mark_point(
        shape="triangle-down", size=45, filled=True, color="var(--s8)", opacity=1, clip=True
    )
    words = seen.mark_text(align="left", baseline="middle", dx=5, fontSize=10.5)
    chosen = (
        alt.Chart(alt.Data(values=[{"one": 1}]))
        .transform_calculate(t="step")
        .transform_filter("datum.t >= x0 && datum.t <= x1")
        .mark_rule(color="var(--s8)", strokeWidth=1.5, strokeDash=[5, 3])
    )
    return [
        chosen.encode(x=_x(alt, "t"), y=alt.value(0), y2=alt.value("height")),
        pins.encode(x=_x(alt, "t"), y=_y(alt, "y"), tooltip=tips),
        words.encode(x=_x(alt, "t"), y=_y(alt, "y"), text="label:N", tooltip=tips),
    ]


def _losses(alt: Any) -> Any:
    # Lines aslant, at their distance on the screen: Vega has no pattern to fill with.
    return (
        alt.Chart(alt.NamedData("losses"))
        .transform_filter(_VISIBLE)
        .transform_calculate(
            at="sequence(max(datum.a, x0), max(datum.a, x0) + (min(datum.b, x1) - "
            "max(datum.a, x0)) * 1.0001 + 1, (x1 - x0) / width * 9)"
        )
        .transform_flatten(["at"])
        .transform_calculate(to="datum.at + (x1 - x0) / width * 9")
        .transform_calculate(
            what="datum.events > 0 ? 'events lost here: ' + format(datum.events, ',') "
            ": 'events may be lost here'"
        )
        .transform_calculate(start="format(datum.a, '+,') + ' ns'")
        .transform_calculate(end="format(datum.b, '+,') + ' ns'")
        .mark_rule(color="var(--slower)", strokeWidth=1, opacity=0.7, clip=True)
        .encode(
            x=_x(alt, "at"),
            x2="to:Q",
            y=_y(alt, "y1"),
            y2="y0:Q",
            tooltip=_tips(alt, what="title", start="from", end="to"),
        )
    )
