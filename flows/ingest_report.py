"""What an ingest did, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from flows.markdown import escaped, shortened, table
from tcpdw.pipeline import IngestSummary
from tcpdw.warehouse import LoadedRun

MAX_ROWS = 100
"""At most so many runs are named in a table; the warehouse has them all."""


def reason(run: LoadedRun) -> str:
    """Give why a run failed, in one line."""
    return shortened(run.warnings[0]) if run.warnings else "no reason was given"


def markdown(summary: IngestSummary, warehouse: str) -> str:
    """Write up an ingest: what was loaded, in how long, what failed and why, what was damaged."""
    seconds = summary.seconds
    rate = f"{summary.events / seconds:,.0f}" if seconds > 0 else ""
    damaged = [run for run in summary.loaded if run.warnings]
    rows = [
        ("Runs loaded", f"{len(summary.loaded):,}"),
        ("Runs failed", f"{len(summary.failed):,}"),
        ("Skipped: in the warehouse already", f"{summary.skipped:,}"),
        ("Events", f"{summary.events:,}"),
        ("Packets", f"{summary.packets:,}"),
        ("Seconds", f"{seconds:,.1f}"),
        ("Events per second", rate),
    ]
    lines = [f"# Ingest into {escaped(warehouse)}", "", "| | |", "|:--|--:|"]
    lines += [f"| {name} | {value} |" for name, value in rows]
    lines += _table("Failed", "Reason", [(run.name, reason(run)) for run in summary.failed])
    lines += _table(
        "Loaded with warnings", "First warning", [(run.name, run.warnings[0]) for run in damaged]
    )
    return "\n".join(lines) + "\n"


def _table(title: str, heading: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    if not rows:
        return []
    lines = ["", f"## {title}", "", *table(("Run", heading), rows[:MAX_ROWS])]
    if len(rows) > MAX_ROWS:
        lines += ["", f"And {len(rows) - MAX_ROWS:,} more: the table `runs` has them."]
    return lines
