"""`tcpdw serve`: what lies in an inbox, taken in on a schedule, compared, reported and gated."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from tcpdw.cli import shared
from tcpdw.errors import UsageError
from tcpdw.printable import printable

_PROGRAM = "flows.serve"


@click.command()
@shared.with_warehouse
@click.option(
    "--inbox",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where runs are copied to; they move to its done/ and failed/.",
)
@click.option("--cron", metavar="EXPR", help='When, as in "0 2 * * *": at two every night.')
@click.option("--timezone", default="UTC", show_default=True, help="The time zone of --cron.")
@click.option("--once", is_flag=True, help="Do one turn now, without a schedule.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write a report of each turn there.",
)
@click.option(
    "--gate",
    "gates",
    metavar="METRIC:QUANTILE:LIMIT",
    multiple=True,
    help="Fail where a metric got worse than it may: syn_to_wake:p50:5%; may be given often.",
)
@click.option("--runs", metavar="COND", help="Compare only the runs that meet this condition.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=7,
    show_default=True,
    help="Compare so many days with as many before.",
)
@click.option(
    "--settle",
    metavar="SECONDS",
    type=click.FloatRange(0, 86400),
    default=30.0,
    show_default=True,
    help="How long nothing may have changed in a run for it to be whole.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Read so many runs side by side (default: one a cpu).",
)
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(0, 86400),
    default=600.0,
    show_default=True,
    help="How long to wait for a warehouse that another process has open.",
)
@click.option("--tolerate", is_flag=True, help="Do not fail for runs that cannot be read.")
@click.option(
    "--name", default="nightly", show_default=True, help="The name of Prefect's deployment."
)
@click.option(
    "--work-pool",
    metavar="POOL",
    help="Leave the turns to Prefect's workers of this pool, and return.",
)
def serve(
    inbox: Path,
    cron: str | None,
    timezone: str,
    once: bool,
    out: Path | None,
    gates: tuple[str, ...],
    runs: str | None,
    days: int,
    settle: float,
    jobs: int | None,
    wait: float,
    tolerate: bool,
    name: str,
    work_pool: str | None,
) -> None:
    """Take in what lies in an inbox on a schedule, with Prefect.

    Each turn ingests the runs that lie whole in the inbox and moves them, compares the last days
    with those before (each machine, role and experiment with itself), writes the report on the runs
    of both and judges the gates. It fails, with the words
    why, where a run could not be taken in or a gate says regression. docs/schedule.md shows it with
    Prefect's own server and with workers. With --once the exit status is 0, or 1 where it failed.
    """
    from tcpdw.inbox_files import Inbox
    from tcpdw.periods import parse_gate

    if once == (cron is not None):
        raise UsageError("one of --cron and --once is needed", hint='as in --cron "0 2 * * *"')
    if once and work_pool is not None:
        raise UsageError("--work-pool needs --cron")
    for gate in gates:
        parse_gate(gate)
    warehouse = shared.warehouse_path()
    # What is wrong is better said now than at two in the night.
    box = Inbox(inbox)
    box.check_outside(warehouse, "the warehouse")
    if out is not None:
        box.check_outside(out, "--out")
    parameters = {
        "inbox": _absolute(inbox),
        "warehouse": _absolute(warehouse),
        "out": None if out is None else _absolute(out),
        "gates": list(gates),
        "runs": runs,
        "days": days,
        "settle": settle,
        "workers": jobs,
        "wait": wait,
        "fail_on_bad_run": not tolerate,
    }
    asked = {
        "parameters": parameters,
        "cron": cron,
        "timezone": timezone,
        "name": name,
        "work_pool": work_pool,
    }
    _become(json.dumps(asked))


def _absolute(path: Path) -> str:
    # A served flow runs in a process, and maybe a directory, of its own.
    text = str(path.absolute())
    if not text.isprintable():
        raise UsageError(
            "Prefect takes no name with control characters or in another encoding than UTF-8",
            path=printable(str(path)),
            hint="give another one",
        )
    return text


def _become(text: str) -> None:
    """Go on as the program that Prefect is imported in: the CLI starts without it."""
    # The flows lie beside tcpdw, in the repository as in an installation.
    beside = str(Path(__file__).resolve().parents[2])
    paths = [beside, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, "-P", "-m", _PROGRAM, text], environment)
