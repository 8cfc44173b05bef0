"""What a reader must know before believing a difference."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import comb
from typing import TYPE_CHECKING

from tcpdw import query
from tcpdw.compare.grouping import Groups, Members
from tcpdw.compare.model import Group, MetricComparison, Warning
from tcpdw.compare.words import first_few, recorded_on, short

if TYPE_CHECKING:
    import duckdb

CIRCUMSTANCES = (
    "machine",
    "role",
    "experiment",
    "kernel",
    "cpus",
    "cpu_model",
    "driver",
    "tracer",
)
"""The columns of `runs` that must be alike in two groups, unless they are what is compared."""

ALIKE = 0.05
"""Two groups are alike in a column where at most this share of the one's runs would have to have
another value for the shares of all values to be the same (the total variation distance)."""

MOST = 0.5
"""A run that has more than this share of its group's intervals is said to prevail in it."""

MOST_TOLD = 6
"""At most so many groups or values stand one by one in a warning."""

Facts = Mapping[int, Mapping[str, object]]
"""What warnings need to know of runs, by run_id and column."""


def doubts(
    groups: Groups, facts: Facts, compared: Sequence[MetricComparison], alpha: float
) -> tuple[Warning, ...]:
    """List the warnings: what differs besides the compared, too few runs, losses, and the like."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in compared:
        for kind, text in (*_empty(one), *_prevailing(one)):
            found.setdefault((kind, text), []).append(one.metric)
    warnings = [
        *_unlike(groups, compared, facts),
        *_too_few(compared, alpha),
        *(Warning(kind, text, _of(metrics, compared)) for (kind, text), metrics in found.items()),
    ]
    order = ("unlike", "few", "none", "prevails")
    warnings.sort(key=lambda warning: (order.index(warning.kind), len(warning.metrics) > 0))
    return (*warnings, *_losses(groups, compared, facts), *_outside(groups))


def _of(metrics: Sequence[str], compared: Sequence[MetricComparison]) -> tuple[str, ...]:
    """Give the metrics that a warning is of; none where it is of all that are compared."""
    return () if len(metrics) == len(compared) else tuple(metrics)


def facts_of(connection: duckdb.DuckDBPyConnection, groups: Groups) -> Facts:
    """Read what warnings need to know of the groups' runs."""
    names = ("run_id", "name", "status", "events_discarded", *CIRCUMSTANCES)
    rows = query.execute(
        connection,
        f"SELECT {', '.join(names)} FROM runs WHERE run_id IN (SELECT UNNEST(?))",
        [[run for members in groups.members for run in members.run_ids]],
    ).rows
    return {int(str(row[0])): dict(zip(names, row, strict=True)) for row in rows}


def _unlike(
    groups: Groups, compared: Sequence[MetricComparison], facts: Facts
) -> Iterator[Warning]:
    """Tell in which columns the runs that have intervals of the metrics differ by group.

    A column is told once, with the shares that most of the metrics have.
    """
    chosen = set(groups.by) or _named_by_all(group.label for group in compared[0].groups)
    for column in CIRCUMSTANCES:
        if column in chosen:
            continue
        # Most metrics have intervals in the same runs.
        known: dict[tuple[int, ...], dict[object, float]] = {}
        for runs in (group.run_medians.run_ids for one in compared for group in one.groups):
            if runs and runs not in known:
                known[runs] = _shares(facts[run][column] for run in runs)
        by_metric = {one.metric: _unlike_in(one, known) for one in compared}
        metrics = [metric for metric, told in by_metric.items() if told is not None]
        if not metrics:
            continue
        [(most, times), *_] = Counter(by_metric[metric] for metric in metrics).most_common(1)
        other = len(metrics) - times
        more = f"; other shares in {other} of the metrics" if other else ""
        text = f"the groups differ in {column} too ({most}{more})"
        yield Warning("unlike", text, _of(metrics, compared))


def _unlike_in(
    one: MetricComparison, known: Mapping[tuple[int, ...], dict[object, float]]
) -> str | None:
    """Tell what the groups of a metric have in a column; None where they are alike in it.

    `known` has the shares of the column's values by the runs of a group.
    """
    shares = {group.label: known[group.run_medians.run_ids] for group in one.groups if group.runs}
    first = shares.get(one.groups[0].label)
    if first is None or all(_apart(first, mix) <= ALIKE for mix in shares.values()):
        return None
    by_mix: dict[str, list[str]] = {}
    for label, mix in shares.items():
        by_mix.setdefault(_mix(mix), []).append(short(label))
    told = [f"{first_few(labels, MOST_TOLD)}: {mix}" for mix, labels in by_mix.items()]
    return first_few(told, MOST_TOLD, "; ")


def _named_by_all(conditions: Iterable[str]) -> set[str]:
    """Give the columns that stand in each of the conditions: those are what is compared."""
    found: set[str] = set(CIRCUMSTANCES)
    for condition in conditions:
        found.intersection_update(re.findall(r"\w+", condition.lower()))
    return found


def _shares(values: Iterable[object]) -> dict[object, float]:
    counts = Counter(values)
    return {value: n / counts.total() for value, n in counts.items()}


def _apart(one: Mapping[object, float], other: Mapping[object, float]) -> float:
    return sum(abs(one.get(v, 0.0) - other.get(v, 0.0)) for v in {*one, *other}) / 2


def _mix(shares: Mapping[object, float]) -> str:
    ordered = sorted(shares.items(), key=lambda item: (-item[1], str(item[0])))
    if len(ordered) == 1:
        return recorded_on(ordered[0][0])
    told = [f"{recorded_on(value)} {share:.0%}" for value, share in ordered]
    return first_few(told, MOST_TOLD)


def _empty(one: MetricComparison) -> Iterable[tuple[str, str]]:
    base, *others = one.groups
    if not base.intervals:
        text = f"the base, {short(base.label)}, has no certain interval: no difference can be shown"
        yield "none", text
        return
    for group in others:
        if not group.intervals:
            yield "none", f"{short(group.label)} has no certain interval"


def _too_few(compared: Sequence[MetricComparison], alpha: float) -> Iterator[Warning]:
    """Tell of each group once that its runs, or the base's, are too few in some metrics."""
    tests = sum(delta.p is not None for one in compared for delta in one.deltas)
    found: dict[str, list[tuple[str, int, int, float]]] = {}
    for one in compared:
        base, *others = one.groups
        for group in others:
            if not (base.intervals and group.intervals):
                continue
            # With all of the one's medians beyond all of the other's: two of so many orders.
            least = min(1.0, 2 / comb(base.runs + group.runs, group.runs))
            if least * tests >= alpha:
                few = (one.metric, group.runs, base.runs, least)
                found.setdefault(group.label, []).append(few)
    for label, several in found.items():
        least = max(p for *_, p in several)
        up_to = "up to " if len({p for *_, p in several}) > 1 else ""
        corrected = f", {min(1.0, least * tests):.2g} over {tests} tests" if tests > 1 else ""
        runs = _from_to([n for _, n, _, _ in several])
        base_runs = _from_to([n for _, _, n, _ in several])
        yield Warning(
            "few",
            f"too few runs to show a difference: {short(label)} {runs}, "
            f"{short(compared[0].groups[0].label)} {base_runs}; the least p they can give is "
            f"{up_to}{least:.2g}{corrected}",
            _of([metric for metric, *_ in several], compared),
        )


def _from_to(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return str(low) if low == high else f"{low} to {high}"


def _prevailing(one: MetricComparison) -> Iterable[tuple[str, str]]:
    for group in one.groups:
        if group.runs < 3:
            continue
        intervals = group.run_medians.intervals
        run = group.run_medians[intervals.index(max(intervals))]
        if run.intervals > MOST * group.intervals:
            yield (
                "prevails",
                f"{run.intervals / group.intervals:.0%} of the intervals of {short(group.label)} "
                f"are of one of its {group.runs} runs, {short(run.run)}: the quantiles are mostly "
                "that run's",
            )


def _losses(
    groups: Groups, compared: Sequence[MetricComparison], facts: Facts
) -> Iterable[Warning]:
    for members in groups.members:
        runs = [facts[run] for run in members.run_ids]
        lossy = [int(str(run["events_discarded"])) for run in runs if run["events_discarded"]]
        shown: list[Group] = [
            group for one in compared for group in one.groups if group.label == members.label
        ]
        uncertain = sum(group.uncertain for group in shown)
        if lossy:
            text = (
                f"the tracer discarded {sum(lossy):,} events in {_share(len(lossy), members)}: "
                f"{uncertain:,} uncertain intervals are left out"
            )
            yield Warning("lost", text)
        partial = sum(run["status"] == "partial" for run in runs)
        if partial:
            text = (
                f"{_share(partial, members)} {'was' if partial == 1 else 'were'} damaged and "
                "read in part"
            )
            yield Warning("partial", text)


def _share(some: int, members: Members) -> str:
    runs = len(members.run_ids)
    which = f"{some:,} of the {runs:,} runs" if runs > 1 else "the run"
    return f"{which} of {short(members.label)}"


def _outside(groups: Groups) -> Iterable[Warning]:
    if groups.outside:
        runs = "1 run lies" if groups.outside == 1 else f"{groups.outside:,} runs lie"
        yield Warning("outside", f"{runs} in none of the ranges")
