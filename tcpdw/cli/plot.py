"""`tcpdw plot`: one metric's distribution, as a picture or on the terminal."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tcpdw.cli import shared

if TYPE_CHECKING:
    import duckdb

    from tcpdw.report.plot import Plot

_COLOURS = ("blue", "yellow", "green", "magenta", "cyan", "red")
_PIPE = (100, 40)


@click.command()
@shared.with_warehouse
@click.option(
    "-o",
    "--output",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The picture to write: .svg, .png or .html. (Default: on the terminal.)",
)
@click.option(
    "--by",
    metavar="COLUMN",
    multiple=True,
    help="Group by a column of `runs`: machine, kernel, driver, ...; several with commas; ranges "
    "as repetition:1-4,5-8. (Default: machine.)",
)
@click.option(
    "--runs",
    metavar="COND",
    help="Only runs that meet this SQL condition. (Default: the experiment that most share.)",
)
@click.argument("metric")
def plot(metric: str, output: Path | None, by: tuple[str, ...], runs: str | None) -> None:
    """Draw how a metric's intervals are distributed, by machine or what you name.

    A picture has the share of intervals that are no longer than each duration, and the median of
    each run; on the terminal each group has a histogram. Axes of durations are logarithmic. Where
    servers and clients both have intervals they are kept apart.
    """
    from tcpdw import query
    from tcpdw.report import page
    from tcpdw.report import plot as drawing

    path = output or shared.output_path()
    kind = None if path is None else drawing.ending(path)
    with query.opened(shared.warehouse_path()) as connection:
        found = drawing.gather(connection, metric, by=by, runs=runs)
        if path is None:
            _show(connection, found)
        elif kind is not None:
            page.write(path, drawing.picture(found, kind))


def _show(connection: duckdb.DuckDBPyConnection, found: Plot) -> None:
    from tcpdw.output import print_line
    from tcpdw.report import plot_text

    is_terminal = sys.stdout.isatty()
    has_colours = is_terminal and not os.environ.get("NO_COLOR")
    columns, rows = shutil.get_terminal_size(_PIPE) if is_terminal else _PIPE

    def paint(text: str, number: int) -> str:
        colour = _COLOURS[number % len(_COLOURS)]
        return click.style(text, fg=colour) if has_colours and text else text

    shared.heading(f"{found.metric.metric}: {found.subtitle}")
    for line in plot_text.lines(
        connection, found, columns=columns, rows=rows, paint=paint, blocks=_shows_blocks()
    ):
        print_line(line)
    if found.choice:
        print_line()
        shared.paragraph(f"{found.choice}; --runs chooses others")


def _shows_blocks() -> bool:
    try:
        "█─".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
