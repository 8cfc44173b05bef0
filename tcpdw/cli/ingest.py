"""`tcpdw ingest`: runs into the warehouse, with a progress bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from tcpdw.cli import shared
from tcpdw.errors import UsageError

if TYPE_CHECKING:
    from tcpdw.pipeline import IngestSummary, Options, Watcher


@click.command()
@shared.with_warehouse
@click.option("--replace", is_flag=True, help="Load again what is there already.")
@click.option("--machine", help="The machine, whatever the runs say; so for the options below.")
@click.option("--role", help="Such as server or client.")
@click.option("--experiment", help="The experiment's name.")
@click.option("--repetition", type=click.IntRange(0, 2**31 - 1), help="Which repetition it is.")
@click.option("--kernel", help="The kernel's release, as `uname -r` prints it.")
@click.option("--cpus", type=click.IntRange(1, 2**31 - 1), help="How many cpus it has.")
@click.option("--cpu-model", help="The cpu's model name.")
@click.option("--interface", help="The network interface.")
@click.option("--driver", help="The network interface's driver.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Read so many runs side by side (default: one a cpu).",
)
@click.option(
    "--reader",
    "readers",
    type=click.Choice(["native", "bt2", "pyshark"]),
    multiple=True,
    help="Read traces with bt2, captures with pyshark (may be given twice; default: native).",
)
@click.option(
    "--wait",
    type=click.FloatRange(0, 10**9),
    default=600,
    metavar="SECONDS",
    help="Wait so long for a warehouse that another process has open (default: 600).",
)
@click.option("-v", "--verbose", is_flag=True, help="Write one line a run on standard error.")
@click.option("-q", "--quiet", is_flag=True, help="Write nothing but what went wrong.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    help="Log each run, and the whole, on standard error: in words, or in JSON.",
)
@click.argument(
    "paths",
    metavar="PATH...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
def ingest(
    paths: tuple[Path, ...],
    replace: bool,
    jobs: int | None,
    readers: tuple[str, ...],
    wait: float,
    verbose: bool,
    quiet: bool,
    log_format: Literal["text", "json"] | None,
    machine: str | None,
    role: str | None,
    experiment: str | None,
    repetition: int | None,
    kernel: str | None,
    cpus: int | None,
    cpu_model: str | None,
    interface: str | None,
    driver: str | None,
) -> int:
    """Load runs: directories, archives, traces or captures, or folders of such.

    What is in the warehouse already is skipped. A run that cannot be read is recorded with the
    reason, the others are loaded, and the exit status is 1.
    """
    if quiet and (verbose or log_format):
        raise UsageError("-q goes with neither -v nor --log-format", hint="leave one out")
    from tcpdw.inputs import asked_for, cores
    from tcpdw.pipeline import Options
    from tcpdw.runs import Identity

    identity = Identity(
        machine=machine,
        role=role,
        experiment=experiment,
        repetition=repetition,
        kernel=kernel,
        cpus=cpus,
        cpu_model=cpu_model,
        interface=interface,
        driver=driver,
    )
    trace_reader, capture_reader = asked_for(readers)
    options = Options(
        replace=replace,
        wait=wait,
        identity=identity,
        workers=jobs or cores(),
        trace_reader=trace_reader,
        capture_reader=capture_reader,
    )
    log = log_format or ("text" if verbose else None)
    return load(paths, shared.warehouse_path(), options, log=log, quiet=quiet)


def load(
    paths: Sequence[Path],
    warehouse: Path,
    options: Options,
    *,
    log: Literal["text", "json"] | None = None,
    quiet: bool = False,
) -> int:
    """Ingest, print what was done, and give the exit status.

    With `log`, each run is a line on standard error; else a terminal has a progress bar, and
    elsewhere many runs are told of by the batch. With `quiet` there is only what went wrong.
    """
    from tcpdw import inputs, pipeline
    from tcpdw.output import print_line

    if options.trace_reader == "native" and (reason := inputs.missing_native()) is not None:
        shared.say(f"note: {reason}")
    with _watcher(log, quiet) as watcher:
        summary = pipeline.ingest(paths, warehouse, options, watcher)
    if log is not None:
        # The runs have had their lines.
        if log == "text":
            print_line(closing_line(summary))
        return 1 if summary.failed else 0
    for run in summary.failed:
        # What made a run fail stands first.
        shared.say(f"failed: {run.name}: {'; '.join(run.warnings[:1])}")
    if quiet:
        return 1 if summary.failed else 0
    for run in summary.loaded:
        if run.warnings:
            first, *others = run.warnings
            more = f" (and {len(others)} more)" if others else ""
            shared.say(f"warning: {run.name}: {first}{more}")
    print_line(closing_line(summary))
    return 1 if summary.failed else 0


def closing_line(summary: IngestSummary) -> str:
    """Say in one line what an ingest did."""
    seconds = summary.seconds
    rate = summary.events / seconds if seconds > 0 else 0.0
    runs = len(summary.loaded)
    return (
        f"{runs:,} {'run' if runs == 1 else 'runs'}, {summary.events:,} events, "
        f"{summary.packets:,} packets in {seconds:.1f} s ({rate:,.0f} events/s); "
        f"{summary.skipped:,} skipped, {len(summary.failed):,} failed"
    )


@contextmanager
def _watcher(log: Literal["text", "json"] | None, quiet: bool) -> Generator[Watcher]:
    from tcpdw.cli.ingest_lines import BatchWatcher, LogWatcher
    from tcpdw.pipeline import Watcher

    if quiet or log is not None or not sys.stderr.isatty():
        yield Watcher() if quiet else BatchWatcher() if log is None else LogWatcher(log)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    from tcpdw.cli.progress import BarWatcher

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[events]:,} events", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield BarWatcher(progress)
