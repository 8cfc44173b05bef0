"""`tcpdw timeline`: a run's own picture."""

from __future__ import annotations

from pathlib import Path

import click

from tcpdw.cli import shared


@click.command()
@shared.with_warehouse
@click.option(
    "-o",
    "--output",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The page to write, .html, or .svg or .png for a picture of what is in view at first "
    "(default: RUN.html).",
)
@click.option(
    "--connection",
    "number",
    metavar="N",
    type=click.IntRange(min=1),
    help="Which connection of several, `connections.connection_id`; else the one at the time that "
    "--at names, else the first that has a story.",
)
@click.option(
    "--at",
    metavar="TIME",
    help="Look at this time first: ns since the epoch, +1.5s from the run's start, or ISO 8601 "
    "(UTC where it names no zone).",
)
@click.option(
    "--around",
    metavar="LENGTH",
    help="With --at: show only so much before it and after, such as 500us.",
)
@click.argument("run")
def timeline(
    run: str, number: int | None, at: str | None, around: str | None, output: Path | None
) -> None:
    """Draw what happened in a run: a page with the packets, the interrupts, the threads.

    RUN is a run's name or number. The page is one file that opens offline. It shows one connection:
    its segments between client and server, each cpu's interrupts and softirqs, the threads with
    their system calls and sleep, the steps of the experiment, and what the tracer lost.
    """
    from tcpdw import availability, query
    from tcpdw.report import timeline as drawing

    path = output or shared.output_path()
    drawing.check_ending(path)
    with query.opened(shared.warehouse_path()) as connection:
        named = availability.run_named(connection, run)
        line = drawing.read(connection, named, number, at, around)
    path = path or drawing.default_path(named.name)
    drawing.write(line, path)
    shared.say(f"wrote {path}")
