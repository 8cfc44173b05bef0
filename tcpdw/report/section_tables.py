"""The tables of a metric in a report: what its charts show, and what to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tcpdw.compare import Change, Delta, Group, MetricComparison
from tcpdw.compare.words import short
from tcpdw.report.chart_scales import Series
from tcpdw.report.distributions import SLOWEST, Distribution
from tcpdw.report.page import Cell, Table
from tcpdw.report.wording import bounds, change, changes, duration, unit

LISTED_RUNS = 24
"""The medians of so many runs a group are listed one by one; of more, in five numbers."""

_SPREAD = (0.0, 0.25, 0.5, 0.75, 1.0)
_TOLD = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)

Full = Sequence[tuple[Series, Group, Distribution]]
"""The groups that have a certain interval."""


def tables(
    metric: MetricComparison, known: Sequence[Series], full: Full
) -> list[tuple[str, Table]]:
    """Give the tables of a metric with their names: differences, numbers, the longest, left out."""
    found: list[tuple[str, Table]] = []
    if metric.deltas:
        found.append(("Differences, in full", _differences(metric, known)))
    if full:
        found.append(("Numbers of the charts: quantiles", _quantile_table(metric, full)))
        found.append(("Numbers of the charts: medians of runs", _median_table(full)))
        found.append((f"The {SLOWEST} longest of each group", _slowest(full)))
    reasons = [
        (Cell(one.name, mark=one.number), reason, Cell(f"{n:,}", n))
        for one, group in zip(known, metric.groups, strict=True)
        for reason, n in (
            *((("uncertain", group.uncertain),) if group.uncertain else ()),
            *group.left_out,
        )
    ]
    if reasons:
        total = sum(int(n.value or 0) for _, _, n in reasons)
        caption = (
            "What has no interval, or one that the tracer's losses could have touched (uncertain), "
            "by reason; none of it is in the figures."
        )
        columns = ("group", "reason", "left out")
        table = Table(caption, columns, reasons, frozenset({"left out"}))
        found.append((f"Left out: {total:,}", table))
    return found


def _differences(metric: MetricComparison, known: Sequence[Series]) -> Table:
    number = {group.label: one for one, group in zip(known, metric.groups, strict=True)}
    rows: list[tuple[Cell | str, ...]] = []
    for delta in metric.deltas:
        one = number[delta.group]
        rows += [
            (Cell(one.name, mark=one.number), f"p{c.q * 100:g}", *_difference(c, delta))
            for c in delta.changes
        ]
    base = short(metric.deltas[0].base)
    caption = (
        f"Each group beside {base}. p is the rank test's over the runs' medians, Holm's over all "
        "tests of this part of the report; a difference is shown where it is below 0.05 and the "
        "interval of the quantile's difference excludes zero. ? is a bound that the runs cannot "
        "tell."
    )
    columns = (
        "group",
        "quantile",
        "difference",
        "95 % interval",
        "relative",
        "95 % interval of it",
        "p",
        "p, Holm",
        "shown",
    )
    return Table(caption, columns, rows, frozenset({"difference", "relative", "p", "p, Holm"}))


def _difference(one: Change, delta: Delta) -> tuple[Cell | str, ...]:
    known = [bound for bound in (one.absolute.low, one.absolute.high) if bound is not None]
    of = unit([round(one.absolute.value), *map(round, known)])
    relative: tuple[Cell | str, ...] = ("-", "-")
    if one.relative is not None:
        relative = (
            Cell(change(one.relative.value), one.relative.value),
            changes(one.relative.low, one.relative.high),
        )
    ps = (
        "-" if p is None else Cell("< 0.001" if p < 0.001 else f"{p:.3f}", p)
        for p in (delta.p, delta.p_corrected)
    )
    return (
        Cell(of.signed(one.absolute.value), one.absolute.value),
        f"{bounds(one.absolute.low, one.absolute.high, of)} {of.name}",
        *relative,
        *ps,
        "yes" if one.shown else "~",
    )


def _slowest(full: Full) -> Table:
    rows: list[tuple[Cell | str, ...]] = []
    for one, _, distribution in full:
        for slow in distribution.slowest:
            at = "" if slow.after is None else f" --at +{slow.after / 1e9:.6f}s"
            rows.append(
                (
                    Cell(one.name, mark=one.number),
                    Cell(duration(slow.dur), slow.dur),
                    short(slow.run),
                    Cell(f"tcpdw timeline {slow.word}{at}", kind="code"),
                )
            )
    caption = "The longest certain intervals, with the command that shows the run around each."
    return Table(caption, ("group", "duration", "run", "look"), rows, frozenset({"duration"}))


def _quantile_table(metric: MetricComparison, full: Full) -> Table:
    columns = ("group", *(f"p{q * 100:g}" for q in _TOLD[:-1]), "max")
    rows: list[tuple[Cell | str, ...]] = []
    for one, _, distribution in full:
        values = [distribution.at(q) for q in _TOLD]
        cells = (Cell(duration(value), value) for value in values)
        rows.append((Cell(one.name, mark=one.number), *cells))
    return Table(f"Quantiles of {metric.metric}", columns, rows, frozenset(columns[1:]))


def _median_table(full: Full) -> Table:
    if any(len(group.run_medians) > LISTED_RUNS for _, group, _ in full):
        columns = (
            "group",
            "runs",
            "lowest",
            "lower quartile",
            "middle",
            "upper quartile",
            "highest",
        )
        rows: list[tuple[Cell | str, ...]] = []
        for one, group, _ in full:
            ordered = sorted(group.run_medians.medians)
            spread = [ordered[max(0, math.ceil(len(ordered) * q) - 1)] for q in _SPREAD]
            cells = (Cell(duration(value), value) for value in spread)
            size = Cell(f"{len(ordered):,}", len(ordered))
            rows.append((Cell(one.name, mark=one.number), size, *cells))
        return Table("The medians of the runs", columns, rows, frozenset(columns[1:]))
    columns = ("group", "run", "median", "intervals")
    rows = [
        (
            Cell(one.name, mark=one.number),
            short(run.run),
            Cell(duration(run.median), run.median),
            Cell(f"{run.intervals:,}", run.intervals),
        )
        for one, group, _ in full
        for run in group.run_medians
    ]
    return Table("The median of each run", columns, rows, frozenset({"median", "intervals"}))
