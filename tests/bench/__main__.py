"""The command: `./run bench`."""

from __future__ import annotations

import argparse
import dataclasses
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import decoding, machine
from bench.comparing import compare
from bench.ingesting import Ingests
from bench.inputs import FULL, QUICK, Inputs, say
from bench.processes import CommandError
from bench.table import Row, as_json, markdown
from bench.traces import UnsuitedError
from bench.views import views

NAMES = (
    "decode",
    "threads",
    "ingest",
    "handshake",
    "capture",
    "size",
    "memory",
    "views",
    "compare",
)
DATA = Path(__file__).parents[2] / "data"


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Understand the command line."""
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description="Measure tcpdw beside babeltrace2, bt2, tshark and pyshark; medians.",
    )
    parser.add_argument("--repeat", type=_positive, metavar="N", help="times each (default: 5)")
    parser.add_argument("--quick", action="store_true", help="once, on small inputs: a trial")
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--work", type=Path, metavar="DIR", help="for 7 GB of temporary files")
    return parser.parse_args(words)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _end(number: int, frame: object) -> None:
    sys.exit(128 + number)


def measure(names: Sequence[str], inputs: Inputs) -> list[Row]:
    """Measure the figures of these names, in the order of `NAMES`."""
    ingests = Ingests(inputs)
    figures: dict[str, Callable[[], list[Row]]] = {
        "decode": lambda: decoding.decode(inputs),
        "threads": lambda: decoding.threads(inputs),
        "ingest": ingests.data,
        "handshake": ingests.handshake,
        "capture": lambda: decoding.capture(inputs),
        "size": ingests.size,
        "memory": ingests.memory,
        "views": lambda: views(inputs),
        "compare": lambda: compare(inputs),
    }
    return [row for name in NAMES if name in names for row in figures[name]()]


def main(words: Sequence[str]) -> int:
    """Measure, and print the table; returns the exit status."""
    chosen = arguments(words)
    scale = QUICK if chosen.quick else FULL
    if chosen.repeat:
        scale = dataclasses.replace(scale, repeat=chosen.repeat)
    # The temporary files go even if the bench is told to end.
    signal.signal(signal.SIGTERM, _end)
    try:
        facts = machine.facts()
        with tempfile.TemporaryDirectory(prefix="tcpdw-bench-", dir=chosen.work) as work:
            rows = measure(chosen.only or NAMES, Inputs(DATA, Path(work), scale))
    except (CommandError, UnsuitedError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    if chosen.quick:
        # The targets are for the full inputs.
        rows = [dataclasses.replace(row, met=None) for row in rows]
    facts["medians of"] = str(scale.repeat) + (", small inputs" if chosen.quick else "")
    sys.stdout.write(markdown(facts, rows))
    if chosen.json:
        chosen.json.write_text(as_json(facts, rows) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
