"""What a reader must know before believing a difference."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import comb
from typing import TYPE_CHECKING

from tcpdw import query
from tcpdw.compare.grouping import Groups
from tcpdw.compare.model import Group, MetricComparison, Warning

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

_Facts = Mapping[int, Mapping[str, object]]


def doubts(
    connection: duckdb.DuckDBPyConnection,
    groups: Groups,
    compared: Sequence[MetricComparison],
    alpha: float,
) -> tuple[Warning, ...]:
    """List the warnings: what differs besides the compared, too few runs, losses, and the like."""
    facts = _facts(connection, groups)
    found: dict[tuple[str, str], list[str]] = {}
    tests = sum(delta.p is not None for one in compared for delta in one.deltas)
    for one in compared:
        for kind, text in (
            *_unlike(groups, one, facts),
            *_too_few(one, tests, alpha),
            *_prevailing(one),
        ):
            found.setdefault((kind, text), []).append(one.metric)
    every = len(compared)
    warnings = [
        Warning(kind, text, () if len(metrics) == every else tuple(metrics))
        for (kind, text), metrics in found.items()
    ]
    order = ("unlike", "few", "none", "prevails")
    warnings.sort(key=lambda warning: (order.index(warning.kind), len(warning.metrics) > 0))
    return (*warnings, *_losses(groups, compared, facts), *_outside(groups))


def _facts(connection: duckdb.DuckDBPyConnection, groups: Groups) -> _Facts:
    names = ("run_id", "name", "status", "events_discarded", *CIRCUMSTANCES)
    rows = query.execute(
        connection,
        f"SELECT {', '.join(names)} FROM runs WHERE run_id IN (SELECT UNNEST(?))",
        [[run for members in groups.members for run in members.run_ids]],
    ).rows
    return {int(str(row[0])): dict(zip(names, row, strict=True)) for row in rows}


def _unlike(groups: Groups, one: MetricComparison, facts: _Facts) -> Iterable[tuple[str, str]]:
    """Tell in which columns the runs that have intervals of the metric differ by group."""
    compared = set(groups.by) or _named_by_all(group.label for group in one.groups)
    base, *others = one.groups
    for column in CIRCUMSTANCES:
        if column in compared:
            continue
        shares = {
            group.label: _shares(facts[run.run_id][column] for run in group.run_medians)
            for group in (base, *others)
            if group.runs
        }
        first = shares.get(base.label)
        if first is None or all(_apart(first, mix) <= ALIKE for mix in shares.values()):
            continue
        by_mix: dict[str, list[str]] = {}
        for label, mix in shares.items():
            by_mix.setdefault(_mix(mix), []).append(label)
        told = "; ".join(f"{', '.join(labels)}: {mix}" for mix, labels in by_mix.items())
        yield "unlike", f"the groups differ in {column} too ({told})"


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
    names = ["unknown" if value is None else str(value) for value, _ in ordered]
    if len(ordered) == 1:
        return names[0]
    return ", ".join(f"{name} {share:.0%}" for name, (_, share) in zip(names, ordered, strict=True))


def _too_few(one: MetricComparison, tests: int, alpha: float) -> Iterable[tuple[str, str]]:
    base, *others = one.groups
    if not base.intervals:
        yield "none", f"the base, {base.label}, has no certain interval: no difference can be shown"
        return
    for group in others:
        if not group.intervals:
            yield "none", f"{group.label} has no certain interval"
            continue
        # With all of the one's medians beyond all of the other's: two of so many orders.
        least = min(1.0, 2 / comb(base.runs + group.runs, group.runs))
        if least * tests >= alpha:
            corrected = f", {min(1.0, least * tests):.2g} over {tests} tests" if tests > 1 else ""
            yield (
                "few",
                f"too few runs to show a difference: {group.label} {group.runs}, "
                f"{base.label} {base.runs}; the least p they can give is {least:.2g}{corrected}",
            )


def _prevailing(one: MetricComparison) -> Iterable[tuple[str, str]]:
    for group in one.groups:
        if group.runs < 3:
            continue
        run = max(group.run_medians, key=lambda median: median.intervals)
        if run.intervals > MOST * group.intervals:
            yield (
                "prevails",
                f"{run.intervals / group.intervals:.0%} of the intervals of {group.label} are of "
                f"one of its {group.runs} runs, {run.run}: the quantiles are mostly that run's",
            )


def _losses(
    groups: Groups, compared: Sequence[MetricComparison], facts: _Facts
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
                f"the tracer discarded {sum(lossy):,} events in {len(lossy)} of the {len(runs)} "
                f"runs of {members.label}: {uncertain:,} uncertain intervals are left out"
            )
            yield Warning("lost", text)
        partial = sum(run["status"] == "partial" for run in runs)
        if partial:
            text = (
                f"{partial} of the {len(runs)} runs of {members.label} "
                f"{'was' if partial == 1 else 'were'} damaged and read in part"
            )
            yield Warning("partial", text)


def _outside(groups: Groups) -> Iterable[Warning]:
    if groups.outside:
        runs = "1 run lies" if groups.outside == 1 else f"{groups.outside:,} runs lie"
        yield Warning("outside", f"{runs} in none of the ranges")
