"""Why a metric differs: the difference of a quantile, split over the metric's stages.

Quantiles of stages do not sum to the quantile of the whole, but means do. So the intervals near the
quantile are looked at, those whose rank is within a window around it: their mean length is the sum
of the means of their stages. What the difference of these means lacks to that of the quantiles is
told apart, and is small where the window is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from tcpdw import query
from tcpdw.compare import sampling
from tcpdw.compare.grouping import Groups
from tcpdw.compare.model import SPLIT_QUANTILES, Breakdown, Delta, Group, Part, Split
from tcpdw.stats import Estimate
from tcpdw.stats.sample import position

if TYPE_CHECKING:
    import duckdb
    from numpy.typing import NDArray

    from tcpdw.sql_object import SqlObject

WINDOW = 0.05
"""The window reaches so far to both sides of the quantile's own interval, as a fraction of all, or
halfway from the quantile to the end if that is less."""

LEAST = 1.5
"""It reaches over so many intervals to both sides at least, but never farther to one side than the
other: where the quantile is the longest interval, that alone is looked at."""

FEWEST_RUNS = 5
"""From fewer runs no interval of a part is given."""

DRAWS = 1000
"""How often the runs are drawn for the intervals of the parts; less often if they are many."""

_WORK = 2_000_000
_CELLS = 160


@dataclass(frozen=True, slots=True)
class Staged:
    """The certain intervals of one group by length, shortest first.

    `runs`: the index of each one's run, int32; `durations`: ns; `parts`: one row a stage within the
    interval and a last one for the rest, ns, float64; `later`: one row a stage after it, NaN where
    it is not known.
    """

    runs: NDArray[np.int32]
    durations: NDArray[np.int64]
    parts: NDArray[np.float64]
    later: NDArray[np.float64]

    @property
    def n_runs(self) -> int:
        """Give how many runs have an interval."""
        return int(self.runs.max()) + 1 if len(self.runs) else 0


def inner(metric: SqlObject) -> tuple[str, ...]:
    """Name the stages of which the metric's interval consists."""
    return tuple(name for name in metric.stages if name not in metric.later_stages)


def draw(
    connection: duckdb.DuckDBPyConnection, metric: SqlObject, groups: Groups
) -> tuple[Staged, ...]:
    """Read a metric's intervals with their stages, by group."""
    where, values = sampling.restriction(connection, groups)
    within, later = inner(metric), metric.later_stages
    columns = [f"CAST({name} AS DOUBLE) AS {name}" for name in within]
    columns += [
        f"CAST(CASE WHEN certain_to_end THEN {name} END AS DOUBLE) AS {name}" for name in later
    ]
    rows = query.arrays(
        connection,
        f"SELECT run_id, dur, {', '.join(columns)} FROM {metric.name} WHERE certain AND {where} "
        "ORDER BY dur, run_id, ts",
        values,
    )
    group_of = sampling.group_of(groups)[rows["run_id"]]
    durations = rows["dur"].astype(np.int64)
    known = _stacked([_filled(rows[name], 0.0) for name in within], len(durations))
    parts = np.vstack([known, durations - known.sum(axis=0)])
    after = _stacked([_filled(rows[name], math.nan) for name in later], len(durations))
    found: list[Staged] = []
    for number in range(len(groups.members)):
        mine = group_of == number
        _, index = np.unique(rows["run_id"][mine], return_inverse=True)
        found.append(
            Staged(index.astype(np.int32), durations[mine], parts[:, mine], after[:, mine])
        )
    return tuple(found)


def _stacked(rows: Sequence[NDArray[np.float64]], length: int) -> NDArray[np.float64]:
    return np.stack(rows) if rows else np.empty((0, length))


def _filled(column: NDArray[np.float64], value: float) -> NDArray[np.float64]:
    return np.where(np.isnan(column), value, column)


def window(q: float, intervals: int) -> tuple[float, float]:
    """Give the ranks around a quantile, as fractions, whose intervals are looked at."""
    middle = (position(q, intervals) + 0.5) / intervals
    half = min(max(min(WINDOW, (1 - q) / 2), LEAST / intervals), middle, 1 - middle)
    return middle - half, middle + half


def breakdown(metric: SqlObject, group: str, staged: Staged, q: float) -> Breakdown:
    """Tell what a group's intervals near a quantile are made of; the group must have one."""
    n = len(staged.durations)
    ranks = window(q, n)
    edges = np.arange(n + 1) / n
    weights = np.clip(np.minimum(edges[1:], ranks[1]) - np.maximum(edges[:-1], ranks[0]), 0, None)
    weights /= weights.sum()
    names: tuple[str | None, ...] = (*inner(metric), None)
    parts = zip(names, (staged.parts @ weights).tolist(), strict=True)
    later: list[tuple[str, float | None]] = []
    for name, values in zip(metric.later_stages, staged.later, strict=True):
        known = weights * ~np.isnan(values)
        total = float(known.sum())
        mean = float(np.nansum(values * known)) / total if total else None
        later.append((name, mean))
    return Breakdown(
        q,
        group,
        ranks,
        int((weights > 0).sum()),
        float(staged.durations @ weights),
        tuple(parts),
        tuple(later),
    )


def splits(
    metric: SqlObject, groups: Sequence[Group], deltas: Sequence[Delta], drawn: Sequence[Staged]
) -> tuple[tuple[Breakdown, ...], tuple[Split, ...]]:
    """Break the groups' intervals down, and split each group's differences from the first one."""
    breakdowns = {
        (group.label, q): breakdown(metric, group.label, staged, q)
        for group, staged in zip(groups, drawn, strict=True)
        for q in SPLIT_QUANTILES
        if len(staged.durations)
    }
    by_label = {group.label: number for number, group in enumerate(groups)}
    found: list[Split] = []
    for delta in deltas:
        staged = drawn[by_label[delta.group]]
        for change in delta.changes:
            if change.q not in SPLIT_QUANTILES:
                continue
            old, new = breakdowns[delta.base, change.q], breakdowns[delta.group, change.q]
            # Where the runs do not bound the whole, they do not bound its parts.
            is_open = change.absolute.low is None or change.absolute.high is None
            ends = _unbounded(staged) if is_open else _ends(drawn[0], staged, change.q)
            parts = tuple(
                Part(name, before, after, Estimate(after - before, *pair))
                for (name, before), (_, after), pair in zip(old.parts, new.parts, ends, strict=True)
            )
            later = tuple(
                Part(name, before, after, Estimate(after - before, None, None))
                for (name, before), (_, after) in zip(old.later, new.later, strict=True)
                if before is not None and after is not None
            )
            beyond = change.absolute.value - (new.mean - old.mean)
            found.append(
                Split(
                    change.q,
                    delta.base,
                    delta.group,
                    parts,
                    later,
                    beyond,
                    change.absolute.value,
                    change.shown,
                )
            )
    return tuple(breakdowns.values()), tuple(found)


def _ends(base: Staged, new: Staged, q: float) -> list[tuple[float | None, float | None]]:
    """Give the interval of each part's difference, by drawing runs with replacement.

    The percentile interval, widened for few runs as a t is against a normal (Hesterberg 2015, The
    American Statistician 69, 5.3).
    """
    runs = min(base.n_runs, new.n_runs)
    if runs < FEWEST_RUNS:
        return _unbounded(base)
    from scipy import special

    t = float(special.stdtrit(runs - 1, 0.975))
    tail = NormalDist().cdf(-math.sqrt(runs / (runs - 1)) * t)
    random = np.random.default_rng(0)
    difference = _means(new, q, random) - _means(base, q, random)
    low, high = np.quantile(difference, [tail, 1 - tail], axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _unbounded(staged: Staged) -> list[tuple[float | None, float | None]]:
    return [(None, None)] * len(staged.parts)


def _means(staged: Staged, q: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Give each part's mean near the quantile in each drawing of runs: float64, draws x parts.

    The intervals are put into cells by length, narrow ones near the quantile; each drawing of runs
    has its own window, which takes a share of the cells at its ends.
    """
    runs, n = staged.n_runs, len(staged.durations)
    low, high = window(q, n)
    near = np.linspace(max(0.0, low - 2 * (high - low)), min(1.0, high + 2 * (high - low)), _CELLS)
    ranks = np.unique(np.concatenate([np.linspace(0, 1, _CELLS), near]) * n // 1).astype(np.int64)
    cell = np.searchsorted(ranks[1:], np.arange(n), side="right").clip(max=len(ranks) - 2)
    cells = len(ranks) - 1
    key = staged.runs.astype(np.int64) * cells + cell
    shape = (runs, cells)
    counts = np.bincount(key, minlength=runs * cells).reshape(shape).astype(np.float64)
    sums = [np.bincount(key, part, minlength=runs * cells).reshape(shape) for part in staged.parts]
    draws = int(min(DRAWS, max(200, _WORK // runs)))
    weights = random.multinomial(runs, np.full(runs, 1 / runs), size=draws).astype(np.float64)
    mass = weights @ counts
    upper = np.cumsum(mass, axis=1)
    total = upper[:, -1:]
    overlap = np.clip(
        np.minimum(upper, high * total) - np.maximum(upper - mass, low * total), 0, None
    )
    share = np.divide(overlap, mass, out=np.zeros_like(mass), where=mass > 0)
    within = overlap.sum(axis=1)
    return np.stack([((weights @ part) * share).sum(axis=1) / within for part in sums], axis=1)
