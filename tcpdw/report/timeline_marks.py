"""What stands over the timeline's lanes: segments, wakes, steps and losses."""

from __future__ import annotations

from typing import Any

from tcpdw.report.timeline_lanes import INTERFACE, PEER, STACK
from tcpdw.report.timeline_scales import (
    AT,
    BEGINS,
    BOLD,
    CHARACTER,
    INSIDE,
    PIXELS,
    VISIBLE,
    tips,
    x,
    y,
)


def ladder(alt: Any) -> list[Any]:
    """Draw the segments between peer, interface and stack, and where the capture has them."""
    seen = (
        alt.Chart(alt.NamedData("segments"))
        .transform_calculate(a="min(datum.t, datum.w)")
        .transform_calculate(b="max(datum.t, datum.w)")
        .transform_filter(VISIBLE)
    )
    told = tips(alt, words="title", kernel="kernel", capture="capture", arrives="at the interface")
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
    room = f"(min(datum.w + datum.room, x1) - datum.w) {PIXELS}"
    words = (
        seen.transform_filter("datum.w >= x0")
        .transform_calculate(
            shown=f"{room} > length(datum.words) * {BOLD} + 14 ? datum.words : "
            f"{room} > length(datum.text) * {BOLD} + 14 ? datum.text : ''"
        )
        .transform_calculate(middle=str((PEER + INTERFACE) / 2))
        .mark_text(align="left", baseline="middle", dx=6, fontSize=11.5, fontWeight=600)
    )
    return [
        beyond.encode(x=x(alt, "w"), y=y(alt, "peer"), y2="wire:Q", tooltip=told),
        inside.encode(x=x(alt, "w"), x2="t:Q", y=y(alt, "wire"), y2="stack:Q", tooltip=told),
        up.encode(x=x(alt, "w"), y=y(alt, "peer"), tooltip=told),
        down.encode(x=x(alt, "t"), y=y(alt, "ys"), tooltip=told),
        caught.encode(x=x(alt, "c"), y=y(alt, "yc"), tooltip=told),
        words.encode(x=x(alt, "w"), y=y(alt, "middle"), text="shown:N", tooltip=told),
    ]


def wakes(alt: Any) -> list[Any]:
    """Draw each wake from what caused it to the thread that it wakes."""
    seen = alt.Chart(alt.NamedData("wakes")).transform_filter(INSIDE).transform_calculate(start=AT)
    told = tips(alt, what="title", start="at", cause="cause", ran="comes to a cpu")
    line = seen.transform_filter(f"datum.room {PIXELS} > 16").mark_rule(
        color="var(--s4)", strokeWidth=1.75, clip=True
    )
    head = seen.mark_point(
        shape="triangle-down", size=70, yOffset=-4, filled=True, color="var(--s4)", opacity=1,
        clip=True,
    )  # fmt: skip
    return [
        line.encode(x=x(alt, "t"), y=y(alt, "y0"), y2="y1:Q", tooltip=told),
        head.encode(x=x(alt, "t"), y=y(alt, "y1"), tooltip=told),
    ]


def steps(alt: Any) -> list[Any]:
    """Draw the steps of the experiment, and a line at the one that is pointed at."""
    seen = (
        alt.Chart(alt.NamedData("steps"))
        .transform_filter(INSIDE)
        .transform_calculate(start=AT)
        .transform_calculate(
            label=f"min(datum.room, x1 - datum.t) {PIXELS} "
            f"> length(datum.text) * {CHARACTER} + 8 ? datum.text : "
            f"min(datum.room, x1 - datum.t) {PIXELS} "
            f"> length(datum.number) * {CHARACTER} + 6 ? datum.number : ''"
        )
    )
    told = tips(alt, text="title", start="at", shown="shown by", who="thread")
    pins = seen.mark_point(
        shape="triangle-down", size=45, filled=True, color="var(--s8)", opacity=1, clip=True
    )
    words = seen.mark_text(align="left", baseline="middle", dx=5, fontSize=10.5)
    chosen = (
        alt.Chart(alt.Data(values=[{"one": 1}]))
        .transform_calculate(t="step")
        .transform_filter(INSIDE)
        .mark_rule(color="var(--s8)", strokeWidth=1.5, strokeDash=[5, 3])
    )
    return [
        chosen.encode(x=x(alt, "t"), y=alt.value(0), y2=alt.value("height")),
        pins.encode(x=x(alt, "t"), y=y(alt, "y"), tooltip=told),
        words.encode(x=x(alt, "t"), y=y(alt, "y"), text="label:N", tooltip=told),
    ]


def losses(alt: Any) -> Any:
    """Hatch the times in which the tracer lost events."""
    # Lines aslant, at their distance on the screen: Vega has no pattern to fill with.
    return (
        alt.Chart(alt.NamedData("losses"))
        .transform_filter(VISIBLE)
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
        .transform_calculate(start=BEGINS)
        .transform_calculate(end="format(datum.b, '+,') + ' ns'")
        .mark_rule(color="var(--slower)", strokeWidth=1, opacity=0.7, clip=True)
        .encode(
            x=x(alt, "at"),
            x2="to:Q",
            y=y(alt, "y1"),
            y2="y0:Q",
            tooltip=tips(alt, what="title", start="from", end="to"),
        )
    )
