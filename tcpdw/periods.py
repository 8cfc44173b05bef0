"""The runs of the last days beside those of as many days before, like with like.

Machines, roles and experiments are not mixed: what there is more of in one period would look like a
change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from tcpdw import query, summary
from tcpdw.compare import Between, Comparison, compare, gate
from tcpdw.compare.gate import Judgement, Limit, Verdict
from tcpdw.compare.words import name
from tcpdw.errors import MissingEventsError, UsageError
from tcpdw.warehouse_schema import quoted

if TYPE_CHECKING:
    import duckdb

DAYS = 7


@dataclass(frozen=True, slots=True)
class Periods:
    """The `days` up to a time, and the days before them, by when the runs started."""

    until: datetime
    days: int = DAYS

    @property
    def base(self) -> str:
        """Give the earlier period as an SQL condition on `runs`."""
        return self._between(2, 1)

    @property
    def new(self) -> str:
        """Give the later period as an SQL condition on `runs`."""
        return self._between(1, 0)

    @property
    def both(self) -> str:
        """Give both periods as an SQL condition on `runs`."""
        return self._between(2, 0)

    @property
    def sides(self) -> Between:
        """Give both periods as the sides of a comparison, the earlier one as the base."""
        names = (f"the {self.days} days before", f"the last {self.days} days")
        return Between(self.base, self.new, names)

    def named(self, text: str) -> str:
        """Give a text with the periods' names in place of their conditions."""
        before, last = self.sides.labels or (self.base, self.new)
        return text.replace(self.base, before).replace(self.new, last)

    def told(self) -> str:
        """Say which days these are."""
        days = [self.until - timedelta(days=self.days * back) for back in (2, 1, 0)]
        first, middle, last = (f"{day.astimezone(UTC):%Y-%m-%d %H:%M}" for day in days)
        return f"{middle} to {last} UTC beside {first} to {middle}"

    def _between(self, first: int, last: int) -> str:
        start, end = (_ns(self.until - timedelta(days=self.days * back)) for back in (first, last))
        return f"started_at >= {start} AND started_at < {end}"


@dataclass(frozen=True, slots=True)
class Gate:
    """A metric's quantile, and how much longer it may have become."""

    metric: str
    q: float
    limit: Limit

    def __str__(self) -> str:
        return f"{self.metric} {name(self.q)} {self.limit.text}"


@dataclass(frozen=True, slots=True)
class Series:
    """A machine's runs of an experiment in one role, in the two periods."""

    label: str
    run_ids: tuple[int, ...]
    base_runs: int
    new_runs: int

    @property
    def condition(self) -> str:
        """Give the runs as an SQL condition on `runs`."""
        return f"run_id IN ({', '.join(map(str, self.run_ids))})"

    def lacks(self, days: int) -> str | None:
        """Say why the periods cannot be compared, None where they can."""
        if self.base_runs and self.new_runs:
            return None
        return f"no run in the {days} days" + (" before" if self.new_runs else "")


@dataclass(frozen=True, slots=True)
class Judged:
    """What a gate says of a series; without `judgement` the runs cannot tell, for the reason."""

    series: str
    gate: Gate
    verdict: Verdict
    reason: str
    judgement: Judgement | None = None


def parse_gate(text: str) -> Gate:
    """Understand METRIC:QUANTILE:LIMIT, such as `syn_to_wake:p50:5%`; without QUANTILE it is p50.

    Raises UsageError where there is no such metric, quantile or limit.
    """
    metric, *rest = text.split(":")
    if len(rest) not in (1, 2):
        raise UsageError(f"not a gate: {text!r}", hint="give one as syn_to_wake:p50:5%")
    q = gate.quantile(rest[0]) if len(rest) == 2 else 0.5
    return Gate(summary.metric_named(metric).name, q, gate.limit(rest[-1]))


def series(
    connection: duckdb.DuckDBPyConnection, periods: Periods, runs: str | None = None
) -> list[Series]:
    """List the series with runs in either period, by machine, role and experiment.

    `runs` is a condition on the columns of `runs`; WarehouseError where DuckDB refuses it.
    """
    chosen = query.run_ids(connection, runs)
    rows = query.execute(
        connection,
        "SELECT machine, role, experiment, LIST(run_id ORDER BY run_id), "
        f"COUNT(*) FILTER ({periods.base}), COUNT(*) FILTER ({periods.new}) FROM runs "
        f"WHERE {periods.both} AND status <> 'failed' AND run_id IN (SELECT UNNEST(?)) "
        "GROUP BY machine, role, experiment ORDER BY ALL",
        [chosen],
    ).rows
    found: list[Series] = []
    for *names, run_ids, base, new in rows:
        label = " ".join("-" if name is None else str(name) for name in names)
        numbers = tuple(int(str(run_id)) for run_id in cast("list[object]", run_ids))
        found.append(Series(label, numbers, int(str(base)), int(str(new))))
    return found


def compared(
    connection: duckdb.DuckDBPyConnection, periods: Periods, one: Series
) -> Comparison | None:
    """Compare a series' periods in all metrics that both have; None where there is none."""
    if one.lacks(periods.days) is not None:
        return None
    try:
        return compare(connection, (), periods.sides, runs=one.condition)
    except (MissingEventsError, UsageError):
        return None


def judged(
    connection: duckdb.DuckDBPyConnection,
    periods: Periods,
    every: Sequence[Series],
    gates: Sequence[Gate],
) -> list[Judged]:
    """Judge each series that has later runs, and a gate's metric in either period.

    A gate that so judges none cannot tell of any.
    """
    found: list[Judged] = []
    for one in gates:
        asked = [it for it in every if it.new_runs and _has(connection, it, one.metric)]
        found += [_judged(connection, periods, it, one) for it in asked]
        if not asked:
            reason = f"no series that has it has a run in the last {periods.days} days"
            found.append(Judged("all runs", one, Verdict.UNKNOWN, reason))
    return found


def _judged(
    connection: duckdb.DuckDBPyConnection, periods: Periods, it: Series, one: Gate
) -> Judged:
    if (lack := it.lacks(periods.days)) is not None:
        return Judged(it.label, one, Verdict.UNKNOWN, lack)
    try:
        result = gate.judge(
            connection, one.metric, periods.sides, one.limit, q=one.q, runs=it.condition
        )
    except (MissingEventsError, UsageError) as error:
        return Judged(it.label, one, Verdict.UNKNOWN, periods.named(error.message))
    return Judged(it.label, one, result.verdict, result.reason, result)


def _has(connection: duckdb.DuckDBPyConnection, it: Series, metric: str) -> bool:
    text = f"SELECT 1 FROM {quoted(metric)} WHERE certain AND {it.condition} LIMIT 1"
    return bool(query.execute(connection, text).rows)


def _ns(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)) * 1000
