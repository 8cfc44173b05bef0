"""Metrics by group of runs, each group beside the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tcpdw import availability, catalog, query, stats, summary
from tcpdw.compare import doubts, grouping, sampling, stages
from tcpdw.compare.grouping import Groups, Members
from tcpdw.compare.model import (
    QUANTILES,
    Change,
    Comparison,
    Delta,
    Exemplar,
    Group,
    MetricComparison,
    Quantile,
    RunMedians,
)
from tcpdw.compare.sampling import Drawn

if TYPE_CHECKING:
    import duckdb

    from tcpdw.sql_object import SqlObject

LEVEL = 0.95
"""The intervals hold the truth so often."""

ALPHA = 0.05
"""A corrected p below this lets a difference be shown."""


@dataclass(frozen=True, slots=True)
class _About:
    """What is asked besides the intervals: groups, runs' names, what metrics leave out."""

    members: tuple[Members, ...]
    names: Mapping[int, str]
    left_out: Mapping[tuple[str, int], tuple[tuple[str, int], ...]]
    qs: tuple[float, ...]


def compare(
    connection: duckdb.DuckDBPyConnection,
    metrics: Sequence[str],
    by: grouping.Grouping,
    *,
    runs: str | None = None,
    qs: Sequence[float] = QUANTILES,
    with_stages: bool = False,
    with_examples: bool = False,
    alone: bool = False,
) -> Comparison:
    """Compare metrics (without a name: all that the base and another group have) between groups.

    `runs` is an SQL condition on the columns of the table `runs`; `qs` are the quantiles. They,
    their intervals and the tests are those of `tcpdw.stats`; a difference at a quantile is shown
    where the rank test's p, after Holm's correction over all tests of this call, is below ALPHA and
    the interval of the quantile's difference excludes zero. With `alone` a group may stand alone,
    and without a name every metric is there that any group has, if any. Raises UsageError where a
    metric, a column or a run does not exist, MissingEventsError where no run can support any of the
    metrics.
    """
    found = [summary.metric_named(name) for name in dict.fromkeys(metrics)]
    groups = grouping.groups(connection, by, runs, alone=alone)
    compared: list[MetricComparison] = []
    with sampling.drawing(connection, found or catalog.load().metrics, groups) as drawing:
        left_out, names = sampling.left_out(connection, groups), _run_names(connection)
        about = _About(groups.members, names, left_out, tuple(qs))
        facts = doubts.facts_of(connection, groups)
        for metric, drawn in drawing:
            if not found and not _is_there(drawn, alone=alone):
                continue
            one = _metric(metric, drawn, about)
            if with_examples:
                one = _with_examples(connection, metric, groups, one)
            compared.append(one)
    if not alone and not any(group.intervals for one in compared for group in one.groups):
        raise _nothing(connection, found, groups)
    compared = _corrected(compared)
    if with_stages:
        compared = [_with_stages(connection, groups, one) for one in compared]
    return Comparison(
        groups.by,
        groups.members[0].label,
        tuple(qs),
        LEVEL,
        ALPHA,
        tuple(compared),
        doubts.doubts(groups, facts, compared, ALPHA),
    )


def _with_stages(
    connection: duckdb.DuckDBPyConnection, groups: Groups, one: MetricComparison
) -> MetricComparison:
    metric = catalog.load().by_name[one.metric]
    if not metric.stages:
        return one
    drawn = stages.draw(connection, metric, groups)
    breakdowns, splits = stages.splits(metric, one.groups, one.deltas, drawn)
    return replace(one, breakdowns=breakdowns, splits=splits)


def _is_there(drawn: Sequence[Drawn], *, alone: bool) -> bool:
    if alone:
        return any(one.intervals or one.uncertain for one in drawn)
    return bool(drawn[0].intervals) and any(one.intervals for one in drawn[1:])


def _run_names(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    rows = query.execute(connection, "SELECT run_id, name FROM runs").rows
    return {int(str(run_id)): str(name) for run_id, name in rows}


def _metric(metric: SqlObject, drawn: Sequence[Drawn], about: _About) -> MetricComparison:
    groups = [
        _group(members, one, about, about.left_out.get((metric.name, number), ()))
        for number, (members, one) in enumerate(zip(about.members, drawn, strict=True))
    ]
    deltas = [
        _delta(groups[0], group, drawn[0], one, about.qs)
        for group, one in zip(groups[1:], drawn[1:], strict=True)
        if group.intervals and groups[0].intervals
    ]
    return MetricComparison(metric.name, tuple(groups), tuple(deltas))


def _group(
    members: Members, drawn: Drawn, about: _About, left_out: tuple[tuple[str, int], ...]
) -> Group:
    sample = drawn.sample
    if drawn.intervals:
        estimates = stats.quantiles(sample, about.qs, level=LEVEL)
        quantiles = tuple(
            Quantile(q, round(one.value), _whole(one.low), _whole(one.high))
            for q, one in zip(about.qs, estimates, strict=True)
        )
        medians = stats.run_medians(sample)
    else:
        quantiles = tuple(Quantile(q, None, None, None) for q in about.qs)
        medians = sample.sizes
    run_medians = RunMedians(
        tuple(drawn.run_ids.tolist()),
        tuple(medians.tolist()),
        tuple(sample.sizes.tolist()),
        about.names,
    )
    return Group(
        members.label,
        members.by,
        len(members.run_ids),
        sample.n_runs,
        drawn.intervals,
        drawn.uncertain,
        quantiles,
        drawn.longest,
        None,
        run_medians,
        left_out,
    )


def _whole(bound: float | None) -> int | None:
    return None if bound is None else round(bound)


def _with_examples(
    connection: duckdb.DuckDBPyConnection,
    metric: SqlObject,
    groups: Groups,
    one: MetricComparison,
) -> MetricComparison:
    found: list[Group] = []
    for members, group in zip(groups.members, one.groups, strict=True):
        wanted = [quantile.value for quantile in group.quantiles if quantile.value is not None]
        if group.longest is not None:
            known: dict[int, Exemplar] = sampling.exemplars(
                connection, metric, members.run_ids, [*wanted, group.longest]
            )
            quantiles = tuple(
                quantile
                if quantile.value is None
                else replace(quantile, exemplar=known.get(quantile.value))
                for quantile in group.quantiles
            )
            longest = known.get(group.longest)
            found.append(replace(group, quantiles=quantiles, longest_exemplar=longest))
        else:
            found.append(group)
    return replace(one, groups=tuple(found))


def _delta(
    base: Group, group: Group, base_drawn: Drawn, drawn: Drawn, qs: Sequence[float]
) -> Delta:
    differences = stats.differences(base_drawn.sample, drawn.sample, qs, level=LEVEL)
    changes = tuple(
        Change(q, one.absolute, one.relative, False) for q, one in zip(qs, differences, strict=True)
    )
    p = stats.rank_test(base.run_medians.medians, group.run_medians.medians)
    return Delta(base.label, group.label, changes, p, None)


def _corrected(compared: Sequence[MetricComparison]) -> list[MetricComparison]:
    """Correct the tests' p for their number, and say which differences are shown."""
    deltas = [delta for one in compared for delta in one.deltas]
    corrected = iter(stats.holm([delta.p for delta in deltas]))
    found: list[MetricComparison] = []
    for one in compared:
        judged: list[Delta] = []
        for delta in one.deltas:
            p = next(corrected)
            changes = tuple(
                replace(change, shown=p is not None and p < ALPHA and _excludes_zero(change))
                for change in delta.changes
            )
            judged.append(replace(delta, p_corrected=p, changes=changes))
        found.append(replace(one, deltas=tuple(judged)))
    return found


def _excludes_zero(change: Change) -> bool:
    low, high = change.absolute.low, change.absolute.high
    return (low is not None and low > 0) or (high is not None and high < 0)


def _nothing(
    connection: duckdb.DuckDBPyConnection, metrics: Sequence[SqlObject], groups: Groups
) -> Exception:
    """Make the error for no interval at all: the missing events, where that is the reason."""
    from tcpdw.errors import UsageError

    runs = [run for members in groups.members for run in members.run_ids]
    for metric in metrics:
        classes = availability.classes_of_runs(connection, [metric])
        lacks = [availability.missing(metric, classes.get(run, set())) for run in runs]
        if all(lacks):
            return availability.missing_events(
                connection, metric.name, "each of these runs", runs, min(lacks, key=len)
            )
    names = " or ".join(metric.name for metric in metrics) or "any metric"
    return UsageError(
        f"there is no certain interval of {names} in these runs",
        hint="`tcpdw metrics` says which runs can support a metric",
    )
