"""How the intervals of a metric are distributed in groups of runs, in few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from tcpdw import availability, query

if TYPE_CHECKING:
    import duckdb

STEPS = 200
"""The distribution is drawn by so many quantiles, evenly spaced, beside those of TAIL."""

TAIL = (0.001, 0.999, 0.9999)

SLOWEST = 5
"""So many of the longest intervals are told of each group."""

_Run = tuple[str, str, int | None]
"""A run's name, what names it on a command line, and the time of its first event, ns."""


@dataclass(frozen=True, slots=True)
class Slow:
    """A long interval: its run, its start (ns since the Unix epoch) and its length, ns."""

    run_id: int
    run: str
    word: str
    """What names the run on a command line."""
    ts: int
    dur: int
    after: int | None
    """From the run's first event to the interval's start, ns; None where it has none."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """The certain intervals of one group.

    `quantiles`: (q, ns), rising, the longest last: each duration once, with the largest q that it
    is the quantile of (`quantile_disc`); `not_positive`: how many are 0 or less, which a log
    axis cannot show; `slowest`: longest first.
    """

    intervals: int
    quantiles: tuple[tuple[float, int], ...]
    not_positive: int
    slowest: tuple[Slow, ...]

    @property
    def longest(self) -> int:
        """Give the longest interval, ns."""
        return self.quantiles[-1][1]

    def at(self, q: float) -> int:
        """Give the quantile at one of the probabilities that were asked for, ns."""
        return next(value for largest, value in self.quantiles if largest >= q)


def probabilities() -> list[float]:
    """Give the probabilities whose quantiles are asked for, rising."""
    return sorted({*(step / STEPS for step in range(STEPS + 1)), *TAIL})


def distributions(
    connection: duckdb.DuckDBPyConnection, metric: str, groups: Sequence[Sequence[int]]
) -> list[Distribution | None]:
    """Give the distribution of a metric in each group of runs; None where no interval is certain.

    One pass over the metric's intervals serves all groups, in which a run is at most once.
    """
    asked = probabilities()
    runs = [run for group in groups for run in group]
    parts = [part for part, group in enumerate(groups) for _ in group]
    rows = query.execute(
        connection,
        "WITH members AS (SELECT UNNEST(?::INTEGER[]) AS run_id, UNNEST(?::INTEGER[]) AS part) "
        "SELECT m.part, COUNT(*), QUANTILE_DISC(l.dur, ?::DOUBLE[]), "
        "COUNT(*) FILTER (WHERE l.dur <= 0), "
        "MAX({'dur': l.dur, 'run_id': l.run_id, 'ts': l.ts}, ?) "
        "FROM latency AS l INNER JOIN members AS m ON l.run_id = m.run_id "
        "WHERE l.metric = ? AND l.certain GROUP BY m.part",
        [runs, parts, asked, SLOWEST, metric],
    ).rows
    found: list[Distribution | None] = [None] * len(groups)
    names = _names(connection, runs) if rows else {}
    for part, intervals, values, not_positive, slowest in rows:
        found[int(str(part))] = Distribution(
            int(str(intervals)),
            _distinct(asked, cast("Sequence[int]", values)),
            int(str(not_positive)),
            tuple(_slow(item, names) for item in cast("Sequence[dict[str, int]]", slowest)),
        )
    return found


def _distinct(asked: Sequence[float], values: Sequence[int]) -> tuple[tuple[float, int], ...]:
    last = {value: q for q, value in zip(asked, values, strict=True)}
    return tuple((q, value) for value, q in last.items())


def _names(connection: duckdb.DuckDBPyConnection, runs: Sequence[int]) -> dict[int, _Run]:
    words = availability.run_words(connection)
    rows = query.execute(
        connection,
        "SELECT run_id, name, first_ts FROM runs WHERE run_id IN (SELECT UNNEST(?::INTEGER[]))",
        [list(runs)],
    ).rows
    return {
        run_id: (str(name), words[run_id], cast("Any", first))
        for run_id, name, first in ((int(str(row[0])), row[1], row[2]) for row in rows)
    }


def _slow(item: dict[str, int], names: dict[int, _Run]) -> Slow:
    name, word, first = names[item["run_id"]]
    after = None if first is None else item["ts"] - first
    return Slow(item["run_id"], name, word, item["ts"], item["dur"], after)
