"""`tcpdw export`: a run in the format of another tool."""

from __future__ import annotations

from pathlib import Path

import click

from tcpdw.cli import shared


@click.group()
def export() -> None:
    """Write a run in the format of another tool."""


@export.command()
@shared.with_warehouse
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, such as run.pftrace.",
)
@click.argument("run")
def perfetto(run: str, output: Path) -> None:
    """Write a run as a trace that ui.perfetto.dev opens.

    RUN is a run's name or number. The trace has each cpu with what ran on it, the threads with
    their states and system calls, interrupts and softirqs, wakes as arrows from the waker to the
    thread, packets at the kernel and in the capture, the connections with their steps, and when the
    tracer lost events. Drop the file on https://ui.perfetto.dev: it stays in the browser.
    """
    from tcpdw import availability, query
    from tcpdw.export import perfetto as perfetto_format

    with query.opened(shared.warehouse_path()) as connection:
        named = availability.run_named(connection, run)
        size = perfetto_format.export(connection, named.run_id, output)
    shared.say(f"wrote {output}, {size / 1e6:.1f} MB; open it in https://ui.perfetto.dev")
