"""`tcpdw fd`: what a descriptor of a process was."""

from __future__ import annotations

import click

from tcpdw.cli import shared
from tcpdw.errors import UsageError


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option(
    "--at",
    metavar="TIME",
    help="What it was at a time: ns since the epoch, +1.5s from the run's start, or ISO 8601 "
    "(UTC where it names no zone).",
)
@click.argument("run")
@click.argument("process", metavar="PID")
@click.argument("fd", type=click.IntRange(0, 2**31 - 1))
def fd(run: str, process: str, fd: int, at: str | None) -> None:
    """Show what a process's descriptor was: each meaning in turn, or the one at a time.

    RUN is a run's name or number; PID the number of a process or thread, or a name that one process
    alone has. Times are from the run's first event.
    """
    from tcpdw import availability, descriptors, moments, query

    with query.opened(shared.warehouse_path()) as connection:
        named = availability.run_named(connection, run)
        span = descriptors.span(connection, named)
        when = None if at is None else moments.parsed(at, span.first)
        if when is not None and not span.first <= when <= span.last:
            length = moments.relative(span.last, span.first)
            raise UsageError(
                f"the trace of run {named.name} does not cover {at}",
                hint=f"it goes from +0s to {length}",
            )
        pid = descriptors.process(connection, named, process, when)
        found = descriptors.meanings(connection, named, pid, fd, when)
        if not found:
            raise UsageError(
                f"fd {fd} of process {pid} was not open at {at}",
                hint=f"`tcpdw fd {named.run_id} {pid} {fd}` shows when it was",
            )
        if not shared.is_for_people():
            shared.show(descriptors.as_data(found))
            return
        shared.heading(f"fd {fd} of process {pid} in {named.name}")
        for meaning in found:
            for number, line in enumerate(descriptors.story(meaning, span.first)):
                shared.paragraph(line, indent="  " if number else "")
