"""The intervals of a metric, from the warehouse to samples by group of runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tcpdw import query
from tcpdw.compare.grouping import Groups
from tcpdw.compare.model import Exemplar
from tcpdw.stats import Sample

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from tcpdw.sql_object import SqlObject


_MANY = 300
"""From so many runs on, two threads draw."""

_BITS = 62
"""A number for a run and a length has so many bits; only a hostile length needs more."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a metric has in one group: its certain intervals, and how many are uncertain.

    `run_ids` gives the run of each index that stands in `sample.runs`; `longest` is in ns, None
    where there is no interval.
    """

    sample: Sample
    run_ids: NDArray[np.int64]
    uncertain: int
    longest: int | None

    @property
    def intervals(self) -> int:
        """Give how many certain intervals there are."""
        return self.sample.intervals


def source(metric: SqlObject) -> str:
    """Name the view that gives the metric's intervals with the least work, as `latency` does."""
    return metric.keys.get("intervals", metric.name)


def draw_each(
    connection: duckdb.DuckDBPyConnection, metrics: Sequence[SqlObject], groups: Groups
) -> Iterator[tuple[SqlObject, tuple[Drawn, ...]]]:
    """Draw one metric after the other, the next while the caller works on the last.

    Of many runs, two threads draw a part of the groups each.
    """
    with ExitStack() as stack:
        hands = [
            _Hand(
                stack.enter_context(ThreadPoolExecutor(1)),
                stack.enter_context(connection.cursor()),
                part,
                Groups(groups.by, tuple(groups.members[number] for number in part)),
            )
            for part in _parts(groups)
        ]
        # What tells intervals needs it, and takes a third of a second to import.
        hands[-1].pool.submit(import_module, "scipy.special")
        try:
            coming = [hand.draw(metrics[0]) for hand in hands]
            for metric, following in zip(metrics, (*metrics[1:], None), strict=True):
                drawn: dict[int, Drawn] = {}
                for hand, future in zip(hands, coming, strict=True):
                    drawn.update(zip(hand.numbers, future.result(), strict=True))
                if following is not None:
                    coming = [hand.draw(following) for hand in hands]
                yield metric, tuple(drawn[number] for number in range(len(groups.members)))
        except BaseException:
            for hand in hands:
                hand.cursor.interrupt()
            raise


@dataclass(frozen=True, slots=True)
class _Hand:
    """A thread with a connection of its own, that draws the groups of these numbers."""

    pool: ThreadPoolExecutor
    cursor: duckdb.DuckDBPyConnection
    numbers: tuple[int, ...]
    groups: Groups

    def draw(self, metric: SqlObject) -> Future[tuple[Drawn, ...]]:
        return self.pool.submit(draw, self.cursor, metric, self.groups)


def _parts(groups: Groups) -> list[tuple[int, ...]]:
    """Part the groups' numbers in two, of about as many runs each, where there are many runs."""
    sizes = [len(group.run_ids) for group in groups.members]
    if sum(sizes) < _MANY or len(sizes) < 2:
        return [tuple(range(len(sizes)))]
    parts: tuple[list[int], list[int]] = ([], [])
    totals = [0, 0]
    for number in sorted(range(len(sizes)), key=lambda number: -sizes[number]):
        side = 0 if totals[0] <= totals[1] else 1
        parts[side].append(number)
        totals[side] += sizes[number]
    return [tuple(sorted(part)) for part in parts]


def draw(
    connection: duckdb.DuckDBPyConnection, metric: SqlObject, groups: Groups
) -> tuple[Drawn, ...]:
    """Read a metric's intervals, once, and give them by group, in the groups' order."""
    where, values = restriction(connection, groups)
    rows = query.arrays(
        connection, f"SELECT run_id, dur FROM {source(metric)} WHERE certain{where}", values
    )
    lost = query.arrays(
        connection,
        f"SELECT run_id, COUNT(*) AS n FROM {source(metric)} WHERE NOT certain{where} "
        "GROUP BY run_id",
        values,
    )
    number_of = group_of(groups)
    there = np.zeros(len(number_of), bool)
    there[rows["run_id"]] = True
    runs = [np.flatnonzero(there & (number_of == number)) for number in range(len(groups.members))]
    of_lost = number_of[lost["run_id"]]
    uncertain = [int(lost["n"][of_lost == number].sum()) for number in range(len(runs))]
    samples = _samples(rows["run_id"], rows["dur"], runs)
    return tuple(
        Drawn(sample, run_ids, lost, sample.at(sample.intervals - 1) if sample.intervals else None)
        for sample, run_ids, lost in zip(samples, runs, uncertain, strict=True)
    )


def _samples(
    runs: NDArray[Any], durations: NDArray[Any], by_group: Sequence[NDArray[np.int64]]
) -> list[Sample]:
    """Part the intervals by group; `by_group` gives each group's runs that have one, in order."""
    chosen = np.concatenate(by_group)
    if not len(durations) or not len(chosen):
        return [Sample(np.empty(0, np.int32), np.empty(0, np.int64), 0) for _ in by_group]
    place = np.zeros(int(runs.max()) + 1, np.int64)
    place[chosen] = np.arange(len(chosen))
    firsts = np.cumsum([0, *(len(group) for group in by_group)])
    least = int(durations.min())
    shift = max((int(durations.max()) - least).bit_length(), 1)
    if shift + len(chosen).bit_length() > _BITS:
        places = place[runs]
        each = [(places >= first) & (places < last) for first, last in pairwise(firsts)]
        return [
            Sample((places[mine] - first).astype(np.int32), durations[mine], len(group))
            for mine, first, group in zip(each, firsts, by_group, strict=False)
        ]
    # One number each, to sort by which is many times quicker than by two.
    keys = place[runs]
    keys <<= shift
    keys += durations
    keys -= least
    keys.sort()
    ends = np.searchsorted(keys, firsts << shift)
    found: list[Sample] = []
    for group, first, (start, end) in zip(by_group, firsts, pairwise(ends), strict=False):
        mine = keys[start:end]
        index = (mine >> shift) - first
        mine &= (1 << shift) - 1
        mine += least
        found.append(Sample(index.astype(np.int32), mine, len(group)))
    return found


def group_of(groups: Groups) -> NDArray[np.int32]:
    """Give the group's number by run_id; -1 for the runs of none."""
    last = max(max(group.run_ids) for group in groups.members)
    found = np.full(last + 1, -1, np.int32)
    for number, group in enumerate(groups.members):
        found[list(group.run_ids)] = number
    return found


def restriction(
    connection: duckdb.DuckDBPyConnection, groups: Groups
) -> tuple[str, list[list[int]]]:
    """Give the condition, with its values, that leaves the groups' runs alone; none for all."""
    chosen = sorted(run for group in groups.members for run in group.run_ids)
    [row] = query.execute(connection, "SELECT COUNT(*) FROM runs").rows
    if len(chosen) == row[0]:
        return "", []
    return " AND run_id IN (SELECT UNNEST(?))", [chosen]


def left_out(
    connection: duckdb.DuckDBPyConnection, groups: Groups
) -> dict[tuple[str, int], tuple[tuple[str, int], ...]]:
    """Count what metrics have no interval for, by metric and group's number: most first."""
    rows = query.execute(
        connection,
        "SELECT m.metric, g.number, m.reason, CAST(SUM(m.n) AS BIGINT) AS n "
        "FROM metric_counts AS m "
        "INNER JOIN (SELECT UNNEST(?) AS run_id, UNNEST(?) AS number) AS g USING (run_id) "
        "GROUP BY ALL ORDER BY n DESC, m.reason",
        [
            [run for group in groups.members for run in group.run_ids],
            [number for number, group in enumerate(groups.members) for _ in group.run_ids],
        ],
    ).rows
    found: dict[tuple[str, int], tuple[tuple[str, int], ...]] = {}
    for metric, number, reason, n in rows:
        key = (str(metric), int(str(number)))
        found[key] = (*found.get(key, ()), (str(reason), int(str(n))))
    return found


def exemplars(
    connection: duckdb.DuckDBPyConnection,
    metric: SqlObject,
    run_ids: Sequence[int],
    durations: Sequence[int],
) -> dict[int, Exemplar]:
    """Give, for each of the observed durations (ns), the first certain interval of that length."""
    rows = query.execute(
        connection,
        "SELECT i.run_id, r.name, i.ts, i.dur "
        f"FROM {source(metric)} AS i INNER JOIN runs AS r ON i.run_id = r.run_id "
        "WHERE i.certain AND i.run_id IN (SELECT UNNEST(?)) AND i.dur IN (SELECT UNNEST(?)) "
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY i.dur ORDER BY i.run_id, i.ts) = 1",
        [list(run_ids), sorted(set(durations))],
    ).rows
    found = (
        Exemplar(int(str(run_id)), str(name), int(str(ts)), int(str(dur)))
        for run_id, name, ts, dur in rows
    )
    return {exemplar.dur: exemplar for exemplar in found}
