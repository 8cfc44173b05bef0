"""How long `tcpdw compare` takes from start to exit, over a thousand runs and ten thousand."""

from __future__ import annotations

import shutil
import statistics

import duckdb

from bench import peers
from bench.inputs import Inputs, say
from bench.table import Row, seconds
from bench.views import multiply

TARGETS = {1_000: 1.0, 10_000: 3.0}
"""Seconds that a comparison may take, by the number of runs."""

REPORT_TARGET = 15.0
"""Seconds that the report over the fewer of these runs may take."""


def _metrics(connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """Name the metric with the fewest intervals and the one with the most."""
    rows = connection.execute(
        "SELECT metric FROM latency GROUP BY metric ORDER BY COUNT(*), metric"
    ).fetchall()
    return rows[0][0], rows[-1][0]


def compare(inputs: Inputs) -> list[Row]:
    """Measure comparisons by machine of the smallest metric, of the largest, and of all at once.

    And the report, over the fewer runs.
    """
    few, many = inputs.work / "few.duckdb", inputs.work / "many.duckdb"
    peers.ingest(inputs.archives, few, inputs.scratch())
    with duckdb.connect(str(few), read_only=True) as connection:
        least, most = _metrics(connection)
    rows: list[Row] = []
    for runs in (inputs.scale.runs, inputs.scale.most_runs):
        say(f"copying {len(inputs.archives)} runs to {runs:,}")
        shutil.copy(few, many)
        with duckdb.connect(str(many)) as connection:
            multiply(connection, runs)
        for metrics in ([least], [most], []):
            words = " ".join(["tcpdw compare", *metrics])
            name = f"`{words}`{'' if metrics else ', all metrics,'} over {runs:,} runs"
            samples = [
                peers.compare(many, metrics, inputs.scratch()).seconds
                for _ in range(inputs.scale.repeat)
            ]
            rows.append(_row(name, samples, TARGETS.get(runs)))
        if runs == inputs.scale.runs:
            samples = [
                peers.report(many, inputs.scratch()).seconds for _ in range(inputs.scale.repeat)
            ]
            rows.append(_row(f"`tcpdw report` over {runs:,} runs", samples, REPORT_TARGET))
        peers.remove(many)
    peers.remove(few)
    return rows


def _row(name: str, samples: list[float], target: float | None) -> Row:
    took = statistics.median(samples)
    return Row(
        f"{name}, start to exit",
        seconds(took),
        target=seconds(target) if target else "",
        met=took <= target if target else None,
        samples={name: samples},
    )
