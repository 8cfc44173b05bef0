"""`tcpdw demo`: the recorded runs in one command, and where to go on from there."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

import click

from tcpdw.cli import shared
from tcpdw.cli.ingest import load
from tcpdw.errors import UsageError

DEFAULT_WAREHOUSE = "demo.duckdb"

METRICS = ("syn_to_wake", "hardirq_to_softirq", "sendto_to_xmit")

QUERIES = (
    (
        "The slowest connections, and where their time went (us):",
        "SELECT r.name, s.dur / 1e3 AS us, s.syn_to_synack / 1e3 AS synack_us, "
        "s.synack_to_ack / 1e3 AS ack_us, s.ack_to_wake / 1e3 AS wake_us "
        "FROM syn_to_wake AS s JOIN runs AS r USING (run_id) ORDER BY s.dur DESC LIMIT 5",
    ),
    (
        "How long each kind of softirq takes, by machine (us):",
        "SELECT r.machine, s.vec_name, COUNT(*) AS softirqs, MEDIAN(s.dur) / 1e3 AS p50_us, "
        "MAX(s.dur) / 1e3 AS max_us FROM softirq_duration AS s JOIN runs AS r USING (run_id) "
        "WHERE s.certain GROUP BY ALL ORDER BY ALL",
    ),
    (
        "A run's story, step by step, with the event that shows each (and see `tcpdw steps`):",
        "SELECT number, step, since / 1e3 AS us, event, fields, status FROM experiment_steps("
        "(SELECT MIN(run_id) FROM runs WHERE role = 'server' AND experiment = 'handshake'))",
    ),
)
"""What to try next, each with what it shows."""


_A_SERVER = """
    SELECT name FROM runs WHERE status <> 'failed' AND role = 'server' AND experiment = 'handshake'
    ORDER BY run_id LIMIT 1
"""


@click.command()
@shared.with_warehouse
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
def demo(path: Path | None) -> int:
    """Load the recorded runs of data/ (or PATH) and show their latencies by machine.

    The warehouse is ./demo.duckdb unless --warehouse or TCPDW_WAREHOUSE names another. Run again,
    it skips what is loaded.
    """
    from tcpdw import availability, query, summary
    from tcpdw.cli.summary import tell
    from tcpdw.output import clean, print_line
    from tcpdw.pipeline import Options

    warehouse = shared.given_warehouse() or Path(DEFAULT_WAREHOUSE)
    print_line(f"Loading {clean(str(path or _recorded()))} into {clean(str(warehouse))}")
    status = load([path or _recorded()], warehouse, Options())
    print_line()
    with query.opened(warehouse) as connection:
        runs = availability.loaded_runs(connection)
        if not runs:
            return status
        metrics = [summary.metric_named(name) for name in METRICS]
        tell(connection, metrics, ("machine",), runs, stages=True)
        named = query.execute(connection, _A_SERVER).rows
    print_line("\nThree queries to try next:")
    start = clean(f"{program()} --warehouse {shlex.quote(str(warehouse))}")
    for what, text in QUERIES:
        # Between double quotes: the shell finds nothing to replace in these queries.
        print_line(f'\n# {what}\n{start} sql "{text}"')
    print_line("\nAnd to look at:")
    print_line(f"\n# What differs between the machines, on one page:\n{start} report")
    for [name] in named:
        run = clean(shlex.quote(str(name)))
        print_line(f"\n# A run's own picture:\n{start} timeline {run} -o run.html")
    return status


def program() -> str:
    """Give how to call tcpdw from the shell: as `./run` says, or by name where that is found."""
    if command := os.environ.get("TCPDW_COMMAND"):
        return command
    own = Path(sys.argv[0])
    if shutil.which("tcpdw") or own.name != "tcpdw":
        return "tcpdw"
    return shlex.quote(os.path.relpath(own))


def _recorded() -> Path:
    """Give the recorded runs, which stand in the repository beside the package."""
    from tcpdw import catalog

    folder = catalog.sql_root().parent / "data"
    if not folder.is_dir():
        raise UsageError(
            "the recorded runs are not here", hint="give their folder, as in `tcpdw demo data/`"
        )
    return folder
