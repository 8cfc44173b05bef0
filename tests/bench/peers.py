"""The programs that tcpdw is measured beside, and tcpdw itself, as commands."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import probe
from bench.processes import CommandError, Ran, run

_TSHARK_FIELDS = (
    *("frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst"),
    *("tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags", "tcp.len"),
    *("tcp.window_size_value", "tcp.options.mss_val", "tcp.options.wscale.shift"),
    *("tcp.options.sack_perm", "tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr"),
)


@dataclass(frozen=True, slots=True)
class Probed:
    """A reading in a process of its own: its seconds and items, and the whole process."""

    seconds: float
    count: int
    process: Ran


def babeltrace2(trace: Path, *, watch: bool = False) -> Ran:
    """Read a trace with `babeltrace2 -o dummy`, which decodes every event and prints none."""
    return run(["babeltrace2", "-o", "dummy", trace], watch=watch)


def babeltrace2_count(trace: Path) -> int:
    """Count the events that babeltrace2 reads of a trace."""
    text = run(["babeltrace2", trace, "-c", "sink.utils.counter"]).output
    counts = re.findall(r"(\d+) Event messages?$", text, re.MULTILINE)
    if not counts:
        raise CommandError(f"{trace}: babeltrace2 counts no events")
    return int(counts[-1])


def tshark_fields(capture: Path) -> Ran:
    """Dissect a capture with tshark and print the fields that the packets' columns come from."""
    fields = [word for name in _TSHARK_FIELDS for word in ("-e", name)]
    return run(["tshark", "-n", "-r", capture, "-T", "fields", *fields], quiet=True)


def tshark_lines(capture: Path) -> Ran:
    """Dissect a capture with tshark and print its line a packet."""
    return run(["tshark", "-n", "-r", capture], quiet=True)


def probed(reader: str, path: Path, number: int = 0) -> Probed:
    """Have a reader of `bench.probe` read `path`."""
    if reader not in probe.PROBES:
        raise KeyError(reader)
    tests = str(Path(__file__).parents[1])
    search = os.pathsep.join(filter(None, (tests, os.environ.get("PYTHONPATH"))))
    ran = run(
        [sys.executable, "-P", "-m", "bench.probe", reader, path, str(number)],
        env={**os.environ, "PYTHONPATH": search},
    )
    answer = json.loads(ran.output.splitlines()[-1])
    return Probed(answer["seconds"], answer["count"], ran)


def ingest(paths: list[Path], warehouse: Path, scratch: Path, *, watch: bool = False) -> Ran:
    """Ingest runs by the installed `tcpdw`, into a warehouse that is new."""
    remove(warehouse)
    program = Path(sys.executable).with_name("tcpdw")
    command = [program, "ingest", *paths, "--warehouse", warehouse]
    return run(command, env=_environment(scratch), watch=watch)


def loaded(warehouse: Path) -> Mapping[str, int]:
    """Count what a warehouse holds: runs, events and packets, and runs that failed."""
    import duckdb

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        row = connection.execute(
            "SELECT COUNT(*) FILTER (status <> 'failed'), COUNT(*) FILTER (status = 'failed'),"
            " (SELECT COUNT(*) FROM events), (SELECT COUNT(*) FROM packets) FROM runs"
        ).fetchone()
    assert row is not None
    return dict(zip(("runs", "failed", "events", "packets"), row, strict=True))


def warehouse_size(warehouse: Path) -> int:
    """Return the bytes of a warehouse, with a log that is left beside it."""
    return sum(file.stat().st_size for file in warehouse.parent.glob(f"{warehouse.name}*"))


def compare(warehouse: Path, metrics: Sequence[str], scratch: Path) -> Ran:
    """Compare metrics (none: all) between machines with the `tcpdw` beside this Python."""
    program = Path(sys.executable).with_name("tcpdw")
    command = [program, "--warehouse", warehouse, "compare", *metrics]
    return run(command, env=_environment(scratch), quiet=True)


def report(warehouse: Path, scratch: Path) -> Ran:
    """Write the report with the `tcpdw` beside this Python."""
    program = Path(sys.executable).with_name("tcpdw")
    command = [program, "--warehouse", warehouse, "report", "--out", scratch / "report.html"]
    return run(command, env=_environment(scratch), quiet=True)


def remove(warehouse: Path) -> None:
    """Remove a warehouse, if it is there."""
    for file in warehouse.parent.glob(f"{warehouse.name}*"):
        file.unlink()


def _environment(scratch: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TCPDW_")}
    return {**kept, "TMPDIR": str(scratch)}
