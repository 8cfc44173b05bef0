"""Quantiles of the metrics' intervals by what the runs have in common, from the table `latency`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import TYPE_CHECKING, cast

from tcpdw import catalog, query
from tcpdw.errors import UsageError
from tcpdw.names import closest
from tcpdw.output import Result
from tcpdw.sql_object import SqlObject
from tcpdw.warehouse_schema import quoted

if TYPE_CHECKING:
    import duckdb

UNITS: tuple[tuple[str, int], ...] = (("s", 10**9), ("ms", 10**6), ("us", 10**3), ("ns", 1))
"""The units for people, largest first, with their length in ns."""

STATISTICS = ("p50", "p90", "p99", "max")
"""The columns of durations, ns.

A quantile is an interval that was observed: the shortest one that at least this share of the
group's certain intervals does not exceed (the inverse of the empirical distribution, DuckDB's
`quantile_disc`, type 1 of Hyndman and Fan 1996).
"""


@dataclass(frozen=True, slots=True)
class Group:
    """One row: the certain intervals of a metric, or of a stage of it, in one group of runs.

    `by`: the group's values; `runs`: how many runs have a certain interval; `uncertain`: how many
    intervals were left out; `durations`: as STATISTICS, ns, None where there is no interval.
    """

    metric: str
    stage: str | None
    by: tuple[object, ...]
    runs: int
    intervals: int
    uncertain: int
    durations: tuple[int | None, ...]


def metric_named(name: str) -> SqlObject:
    """Give the metric of this name. Raises UsageError, naming the closest, where there is none."""
    metrics = {metric.name: metric for metric in catalog.load().metrics}
    if name not in metrics:
        near = closest(name, metrics)
        raise UsageError(
            f"there is no metric {name!r}",
            hint=f"did you mean {near[0]}?" if near else "`tcpdw metrics` lists them",
        )
    return metrics[name]


def by_columns(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> tuple[str, ...]:
    """Give the columns of `runs` to group by. Raises UsageError where one is not a column."""
    known = {str(row[0]): str(row[1]) for row in query.execute(connection, "DESCRIBE runs").rows}
    found: list[str] = []
    for name in names:
        column = name.strip().lower()
        if column not in known or known[column].endswith("]"):
            near = closest(column, known) or ("machine", "kernel", "driver")
            raise UsageError(
                f"runs have no column {name!r} to group by", hint=f"try --by {near[0]}"
            )
        if column not in found:
            found.append(column)
    return tuple(found)


def summarize(
    connection: duckdb.DuckDBPyConnection,
    metric: SqlObject,
    by: Sequence[str],
    runs: Sequence[int],
    *,
    with_stages: bool = False,
) -> list[Group]:
    """Summarize a metric over `runs`, by columns of the table `runs`; stages in their order."""
    groups = _groups(connection, metric.name, None, by, runs)
    for stage in metric.stages if with_stages else ():
        groups += _groups(connection, metric.name, stage, by, runs)
    return groups


def left_out(
    connection: duckdb.DuckDBPyConnection, metric: str, runs: Sequence[int]
) -> list[tuple[str, int]]:
    """Count what a metric has no interval for in `runs`, by reason, most first."""
    rows = query.execute(
        connection,
        "SELECT reason, CAST(SUM(n) AS BIGINT) AS n FROM metric_counts WHERE metric = ? "
        "AND run_id IN (SELECT UNNEST(?)) GROUP BY reason ORDER BY n DESC, reason",
        [metric, list(runs)],
    ).rows
    return [(str(reason), int(str(n))) for reason, n in rows]


def as_data(groups: Sequence[Group], by: Sequence[str]) -> Result:
    """Give the groups for programs: durations in ns."""
    columns = ("metric", "stage", *by, "runs", "intervals", "uncertain", *STATISTICS)
    rows = [
        (g.metric, g.stage, *g.by, g.runs, g.intervals, g.uncertain, *g.durations) for g in groups
    ]
    return Result(columns, rows)


def as_table(groups: Sequence[Group], by: Sequence[str]) -> Result:
    """Give one metric's groups for people: a unit for each stage, three significant digits."""
    units = _units(groups)
    has_stages = any(group.stage is not None for group in groups)
    rows: list[tuple[object, ...]] = []
    for group in groups:
        unit, length = units[group.stage]
        durations = [None if d is None else digits(d, length) for d in group.durations]
        first = (group.stage or group.metric,) if has_stages else ()
        shown = tuple("-" if value is None else value for value in group.by)
        numbers = (group.runs, group.intervals, group.uncertain)
        rows.append((*first, *shown, *numbers, *durations, unit))
    columns = (*(("interval",) if has_stages else ()), *by, "runs", "intervals", "uncertain")
    return Result((*columns, *STATISTICS, "unit"), rows, right=frozenset(STATISTICS))


def digits(duration: int, length: int) -> str:
    """Write a duration (ns) in a unit of `length` ns, to three significant digits.

    What has no more than three digits in whole ns is exact.
    """
    if duration == 0 or (length == 1 and abs(duration) < 1000):
        return str(duration // length)
    value = duration / length
    after = 2 - math.floor(math.log10(abs(value)))
    value = round(value, after)
    after = 2 - math.floor(math.log10(abs(value)))
    if length > 1:
        # A whole number of ns has no digits beyond these.
        after = min(after, round(math.log10(length)))
    return f"{value:.{max(0, after)}f}" if length > 1 else f"{value:.0f}"


def fitting(durations: Iterable[int | None]) -> tuple[str, int]:
    """Give the unit in which the middle one of the durations (ns) is at least 1."""
    known = [abs(duration) for duration in durations if duration]
    middle = median_low(known) if known else 0
    return next((unit for unit in UNITS if middle >= unit[1]), UNITS[-1])


def _units(groups: Sequence[Group]) -> Mapping[str | None, tuple[str, int]]:
    medians: dict[str | None, list[int | None]] = {}
    for group in groups:
        medians.setdefault(group.stage, []).append(group.durations[0])
    return {stage: fitting(durations) for stage, durations in medians.items()}


def _groups(
    connection: duckdb.DuckDBPyConnection,
    metric: str,
    stage: str | None,
    by: Sequence[str],
    runs: Sequence[int],
) -> list[Group]:
    table = "latency" if stage is None else "latency_stages"
    only = "" if stage is None else "AND l.stage = ?"
    names = "".join(f"r.{quoted(name)}, " for name in by)
    order = ", ".join(str(number + 1) for number in range(len(by)))
    rows = query.execute(
        connection,
        f"SELECT {names}"
        "COUNT(DISTINCT l.run_id) FILTER (WHERE l.certain), "
        "COUNT(*) FILTER (WHERE l.certain), COUNT(*) FILTER (WHERE NOT l.certain), "
        "QUANTILE_DISC(l.dur, [0.5, 0.9, 0.99]) FILTER (WHERE l.certain), "
        "MAX(l.dur) FILTER (WHERE l.certain) "
        f"FROM {table} AS l INNER JOIN runs AS r ON l.run_id = r.run_id "
        f"WHERE l.metric = ? {only} AND l.run_id IN (SELECT UNNEST(?)) "
        f"{f'GROUP BY {order} ORDER BY {order}' if by else 'HAVING COUNT(*) > 0'}",
        [metric, *([] if stage is None else [stage]), list(runs)],
    ).rows
    groups: list[Group] = []
    for row in rows:
        n_runs, intervals, uncertain, quantiles, longest = row[len(by) :]
        # Where no interval is certain there is no quantile.
        some = cast("Sequence[int | None]", quantiles or (None, None, None))
        durations = (*some, cast("int | None", longest))
        counts = (int(str(n_runs)), int(str(intervals)), int(str(uncertain)))
        groups.append(Group(metric, stage, tuple(row[: len(by)]), *counts, durations))
    return groups
