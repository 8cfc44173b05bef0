"""The intervals of a metric, from the warehouse to samples by group of runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from queue import SimpleQueue
from typing import TYPE_CHECKING

import numpy as np

from tcpdw import availability, query
from tcpdw.compare.grouping import Groups
from tcpdw.compare.model import Exemplar
from tcpdw.stats import Gathered, Runs, Sample

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from tcpdw.sql_object import SqlObject


_THREADS = 2
"""So many metrics are read at a time."""

_AHEAD = 6
"""So many metrics are read, or waited for, before the first of them is worked on."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a metric has in one group: its certain intervals, and how many are uncertain.

    `run_ids` gives the runs that have some, as `sample.sizes` does; `longest` is in ns, None
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


@contextmanager
def drawing(
    connection: duckdb.DuckDBPyConnection, metrics: Sequence[SqlObject], groups: Groups
) -> Generator[Iterator[tuple[SqlObject, tuple[Drawn, ...]]]]:
    """Begin to read metrics, and yield what gives them in turn, each with a Drawn by group.

    The next ones are read while the caller works on the last, or on something else. Raises
    WarehouseError where the database refuses; leaving by an error stops the reading.
    """
    where = restriction(connection, groups)
    waiting = deque(metrics)
    coming: deque[tuple[SqlObject, Future[list[_Read]]]] = deque()
    with ExitStack() as stack:
        cursors = [stack.enter_context(connection.cursor()) for _ in range(_THREADS)]
        free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for cursor in cursors:
            free.put(cursor)
        pool = stack.enter_context(ThreadPoolExecutor(_THREADS))

        def read(metric: SqlObject) -> list[_Read]:
            cursor = free.get()
            try:
                return _read(cursor, metric, groups, where)
            finally:
                free.put(cursor)

        def begin() -> None:
            while waiting and len(coming) < _AHEAD:
                metric = waiting.popleft()
                coming.append((metric, pool.submit(read, metric)))

        def drawn() -> Iterator[tuple[SqlObject, tuple[Drawn, ...]]]:
            # What tells intervals needs it, and it takes a while to import.
            import_module("scipy.special")
            while coming:
                metric, found = coming.popleft()
                yield metric, tuple(pool.map(_drawn, found.result()))
                begin()

        try:
            begin()
            yield drawn()
        except BaseException:
            for _, future in coming:
                future.cancel()
            for cursor in cursors:
                cursor.interrupt()
            raise


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a metric in one group: of all its runs, in order."""

    runs: Runs
    run_ids: NDArray[np.int64]
    uncertain: int


def _read(
    connection: duckdb.DuckDBPyConnection,
    metric: SqlObject,
    groups: Groups,
    where: tuple[str, list[list[int]]],
) -> list[_Read]:
    """Read a metric's intervals, once, and part them by group, in the groups' order."""
    condition, values = where
    gathered = Gathered()
    intervals = f"FROM {source(metric)} WHERE {condition}"
    for rows in query.batches(connection, f"SELECT run_id, dur {intervals} AND certain", values):
        gathered.add(rows["run_id"], rows["dur"])
    # Of what has no loss the database knows that without a look at each row.
    lost = query.execute(
        connection, f"SELECT run_id, COUNT(*) {intervals} AND NOT certain GROUP BY run_id", values
    )
    uncertain = {int(str(run_id)): int(str(n)) for run_id, n in lost.rows}
    run_ids = [np.array(group.run_ids, np.int64) for group in groups.members]
    every = gathered.runs(np.concatenate(run_ids))
    last = np.cumsum([len(runs) for runs in run_ids]).tolist()
    return [
        _Read(
            every.part(slice(end - len(mine), end)),
            mine,
            sum(uncertain.get(run, 0) for run in group.run_ids),
        )
        for mine, end, group in zip(run_ids, last, groups.members, strict=True)
    ]


def _drawn(group: _Read) -> Drawn:
    there = group.runs.sizes > 0
    sample = Sample(group.runs.part(there))
    longest = sample.at(sample.intervals - 1) if sample.intervals else None
    return Drawn(sample, group.run_ids[there], group.uncertain, longest)


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
    """Give the condition, with its values, under which rows are of the groups' runs."""
    chosen = sorted(run for group in groups.members for run in group.run_ids)
    [row] = query.execute(connection, "SELECT COUNT(*) FROM runs").rows
    if len(chosen) == row[0]:
        return "true", []
    return "run_id IN (SELECT UNNEST(?))", [chosen]


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
    words = availability.run_words(connection)
    found = (
        Exemplar(run_id, str(name), words[run_id], int(str(ts)), int(str(dur)))
        for run_id, name, ts, dur in ((int(str(row[0])), *row[1:]) for row in rows)
    )
    return {exemplar.dur: exemplar for exemplar in found}
