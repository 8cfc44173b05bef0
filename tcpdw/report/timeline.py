"""A run's timeline: a page that stands alone, and a picture of its key moment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tcpdw import moments, new_file
from tcpdw.errors import UsageError
from tcpdw.report import (
    page,
    timeline_chart,
    timeline_lanes,
    timeline_overview,
    timeline_page,
    timeline_read,
)
from tcpdw.report.page import Chart
from tcpdw.report.timeline_data import Timeline
from tcpdw.report.timeline_window import Span

if TYPE_CHECKING:
    import duckdb

    from tcpdw.availability import RunName

ENDINGS = (".html", ".svg", ".png")

PICTURE_WIDTH = 1000
"""The width of a picture, pixels."""


_PADDING = {"left": 16, "right": 20, "top": 14, "bottom": 12}
_SCALE = 1.5
"""A PNG has so many pixels a pixel of the chart."""


def check_ending(path: Path | None) -> None:
    """Raise UsageError where nothing is written in the format that the file's ending names."""
    if path is not None and path.suffix.lower() not in ENDINGS:
        raise UsageError(
            f"a timeline is not written as {path.suffix or path.name!r}",
            hint="end the file's name in .html, .svg or .png",
        )


def default_path(name: str) -> Path:
    """Give the file for a run's page in the current directory; the run's name may be anything."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".-")
    return Path(f"{plain[:100] or 'timeline'}.html")


def read(
    connection: duckdb.DuckDBPyConnection,
    run: RunName,
    number: int | None = None,
    at: str | None = None,
    around: str | None = None,
) -> Timeline:
    """Read the timeline of a connection of the run; `at` and `around` as people give them.

    Raises UsageError where there is no such connection, time or length of time.
    """
    length = None if around is None else moments.length(around)
    if at is None:
        if length is not None:
            raise UsageError("--around is of no use without --at", hint="give the time as well")
        return timeline_read.read(connection, run, number)
    time = moments.parsed(at, timeline_read.start_of(connection, run))
    return timeline_read.read(connection, run, number, time, length)


def write(line: Timeline, path: Path) -> None:
    """Write the page, or a picture, as the file's ending says; TcpdwError where that fails."""
    check_ending(path)
    ending = path.suffix.lower()
    if ending == ".html":
        whole = html(line).encode()
    else:
        import vl_convert

        spec = picture(line)
        if ending == ".svg":
            whole = vl_convert.vegalite_to_svg(spec).encode()
        else:
            whole = vl_convert.vegalite_to_png(spec, scale=_SCALE)
    with new_file.replacing(path) as file:
        file.write(whole)


def key_view(line: Timeline) -> Span:
    """Give what is in view at first.

    It is what was asked for, else the moment that holds the origin, the first, or all.
    """
    if line.focus is not None:
        return line.focus
    for moment in line.moments:
        if moment.span.holds(line.origin):
            return moment.span
    return line.moments[0].span if line.moments else line.span


def html(line: Timeline) -> str:
    """Give the page."""
    layout = timeline_lanes.laid_out(line)
    view = _since(line, key_view(line))
    whole = _since(line, line.span)
    lanes = Chart(
        "lanes",
        "Lanes over time: the segments between client and server, each cpu's interrupts, softirqs "
        "and threads, and the system calls and states of the connection's threads. The steps are "
        "in the table below.",
        timeline_chart.lanes_chart(layout, view, _mark(line), line.origin_name),
        layout.data,
    )
    spec, data = timeline_overview.overview_chart(
        whole, view, [(moment.name, moment.span) for moment in line.moments], line.origin
    )
    overview = Chart(
        "overview",
        "The whole time in small: the steps above, the segments below, the moments shaded, and a "
        "window around what the lanes show.",
        spec,
        {**data, "ticks": timeline_overview.overview_ticks(layout)},
    )
    moments = [(m.name, _since(line, m.span)) for m in line.moments]
    kinds = layout.kinds
    origin = timeline_page.origin_words(line)
    return page.render(
        "timeline.html",
        title=line.run.name,
        scripts=["plots.js", "timeline.js"],
        subtitle=timeline_page.subtitle(line),
        connection=timeline_page.connection_words(line),
        facts=timeline_page.facts(line),
        notes=line.notes,
        whole=whole,
        view=view,
        mark=_mark(line),
        moments=[{"name": name, "first": a, "last": b} for name, (a, b) in moments],
        lanes=lanes,
        overview=overview,
        classes=[item for item in timeline_lanes.CLASSES.items() if item[0] in kinds],
        origin=origin,
        caption=f"Times are in ms: since {origin}, and after the step before. Sequence numbers "
        "count from 0.",
        steps=timeline_page.rows(line),
        footer=f"tcpdw timeline, run {line.run.name}.",
    )


def picture(line: Timeline, *, dark: bool = False) -> dict[str, Any]:
    """Give the key moment as a Vega-Lite specification that stands alone."""
    layout = timeline_lanes.laid_out(line)
    view = _since(line, key_view(line))
    spec = timeline_chart.lanes_chart(
        layout, view, _mark(line), line.origin_name, width=PICTURE_WIDTH
    )
    title = {"text": line.run.name, "subtitle": timeline_page.connection_words(line)}
    spec |= {"title": title, "padding": _PADDING}
    chart = Chart("picture", "", spec, layout.data)
    return chart.standing_alone(dark=dark)


def _mark(line: Timeline) -> int:
    return timeline_chart.NO_STEP if line.at is None else line.at - line.origin


def _since(line: Timeline, span: Span) -> tuple[int, int]:
    return (span.first - line.origin, span.last - line.origin)
