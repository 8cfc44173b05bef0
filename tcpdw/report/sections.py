"""The parts of a report on one metric: charts, the table of the comparison, what to look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcpdw import browse
from tcpdw.compare import Change, Comparison, Delta, Group, MetricComparison, Quantile
from tcpdw.report import charts, findings, stage_charts, wording
from tcpdw.report.charts import Axis, Series
from tcpdw.report.distributions import SLOWEST, Distribution
from tcpdw.report.page import Cell, Chart, Table
from tcpdw.report.wording import Unit, bounds, change, changes, duration, short, unit

if TYPE_CHECKING:
    from tcpdw.sql_object import SqlObject

LISTED_RUNS = 24
"""The medians of so many runs a group are listed one by one; of more, in five numbers."""

_SPREAD = (0.0, 0.25, 0.5, 0.75, 1.0)
_TOLD = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """One cell of the comparison: a quantile, its interval, and the change from the base."""

    value: Cell
    interval: str
    change: Cell | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One group in the table of the comparison."""

    name: Cell
    counts: tuple[Cell, ...]
    uncertain: Cell | None
    quantiles: tuple[Quantiles, ...]
    longest: Cell


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a group's comparison with the base shows, in a sentence; `kind` as in `Finding`."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Part:
    """A metric in one panel of runs."""

    label: str | None
    verdicts: tuple[Verdict, ...]
    charts: tuple[Chart, ...]
    caption: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    stages: tuple[Chart, ...]
    tables: tuple[tuple[str, Table], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """All of one metric."""

    name: str
    title: str
    doc: str
    ends: tuple[str, str]
    parts: tuple[Part, ...]


def section(metric: SqlObject, parts: Sequence[Part]) -> Section:
    """Make a metric's section with its own words from the catalogue."""
    ends = (metric.keys.get("from", ""), metric.keys.get("to", ""))
    return Section(metric.name, browse.one_line(metric), metric.doc, ends, tuple(parts))


def common_axis(distributions: Sequence[Sequence[Distribution | None]]) -> Axis:
    """Give the axis that all panels of a metric share."""
    return charts.axis([one for panel in distributions for one in panel if one is not None])


def part(
    place: str,
    label: str | None,
    comparison: Comparison,
    metric: MetricComparison,
    known: Sequence[Series],
    distributions: Sequence[Distribution | None],
    on: Axis,
) -> Part:
    """Make a metric's part of a section; `place` starts the ids, `known` are the panel's groups."""
    full = [
        (one, group, distribution)
        for one, group, distribution in zip(known, metric.groups, distributions, strict=True)
        if distribution is not None
    ]
    drawn = _drawn(place, label, metric, full, on)
    verdicts = tuple(Verdict(*findings.verdict(metric, delta)) for delta in metric.deltas)
    notes = tuple(
        warning.text for warning in comparison.warnings if metric.metric in warning.metrics
    )
    return Part(
        label,
        verdicts,
        drawn,
        _caption(metric, full),
        _rows(metric, known),
        notes,
        stage_charts.stages(place, metric, known),
        tuple(_tables(metric, known, full)),
    )


_Full = Sequence[tuple[Series, Group, Distribution]]


def _drawn(
    place: str, label: str | None, metric: MetricComparison, full: _Full, on: Axis
) -> tuple[Chart, ...]:
    if not full:
        return ()
    known = [one for one, _, _ in full]
    groups = [group for _, group, _ in full]
    of = metric.metric if label is None else f"{metric.metric}, {label}"
    middles = "; ".join(
        f"{one.name}: p50 {_value(group.quantiles[0])}, p99 {_value(group.quantiles[-1])}"
        for one, group, _ in full
    )
    first = Chart(
        f"{place}-ecdf",
        f"Distribution of {of}: the share of intervals that are no longer than a duration. "
        f"{middles}.",
        *charts.ecdf(known, [one for _, _, one in full], groups, on),
        kind="joined",
    )
    second = Chart(
        f"{place}-medians",
        f"The median of {of} in each run, with p50 of all runs and its 95 % interval.",
        *charts.medians(known, groups, on),
    )
    return (first, second)


def _value(quantile: Quantile) -> str:
    return "unknown" if quantile.value is None else duration(quantile.value)


def _caption(metric: MetricComparison, full: _Full) -> str:
    if not full:
        return "No interval is certain in these runs."
    text = ""
    if any(len(group.run_medians) > charts.MOST_POINTS for group in metric.groups):
        text += "Larger points stand for more runs."
    low = [(one, distribution) for one, _, distribution in full if distribution.not_positive]
    if low:
        told = ", ".join(f"{d.not_positive:,} of {d.intervals:,} of {s.name}" for s, d in low)
        text += f" Intervals of 0 or less stand at the left end: {told}."
    return text


def _rows(metric: MetricComparison, known: Sequence[Series]) -> tuple[Row, ...]:
    deltas = {delta.group: delta for delta in metric.deltas}
    units = [
        unit(group.quantiles[place].value for group in metric.groups)
        for place in range(len(metric.groups[0].quantiles))
    ]
    longest = unit(group.longest for group in metric.groups)
    rows: list[Row] = []
    for one, group in zip(known, metric.groups, strict=True):
        delta = deltas.get(group.label)
        cells = tuple(
            _quantile(quantile, of, delta.changes[place] if delta else None)
            for place, (quantile, of) in enumerate(zip(group.quantiles, units, strict=True))
        )
        counts = tuple(Cell(f"{number:,}", number) for number in (group.runs, group.intervals))
        uncertain = Cell(f"{group.uncertain:,} uncertain", group.uncertain)
        most = "-" if group.longest is None else longest.write(group.longest)
        rows.append(
            Row(
                Cell(one.name, mark=one.number),
                counts,
                uncertain if group.uncertain else None,
                cells,
                Cell(most, group.longest),
            )
        )
    return tuple(rows)


def _quantile(quantile: Quantile, of: Unit, one: Change | None) -> Quantiles:
    if quantile.value is None:
        return Quantiles(Cell("-"), "")
    value = Cell(of.write(quantile.value), quantile.value)
    interval = bounds(quantile.low, quantile.high, of)
    if one is None:
        return Quantiles(value, interval)
    return Quantiles(value, interval, _change(one))


def _change(one: Change) -> Cell:
    if one.relative is None:
        text, interval = wording.duration(one.absolute.value), ""
    else:
        text = change(one.relative.value)
        interval = f", 95 % interval {changes(one.relative.low, one.relative.high)}"
    if not one.shown:
        return Cell("~", kind="same", title=f"no difference shown: {text}{interval}")
    is_longer = one.absolute.value > 0
    word = "longer" if is_longer else "shorter"
    kind = "slower" if is_longer else "faster"
    return Cell(f"{text} {word}", kind=kind, title=f"{text}{interval}")


def _tables(
    metric: MetricComparison, known: Sequence[Series], full: _Full
) -> list[tuple[str, Table]]:
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


def _slowest(full: _Full) -> Table:
    rows: list[tuple[Cell | str, ...]] = []
    for one, _, distribution in full:
        for slow in distribution.slowest:
            at = "" if slow.after is None else f" --at +{slow.after / 1e9:.6f}s"
            rows.append(
                (
                    Cell(one.name, mark=one.number),
                    Cell(duration(slow.dur), slow.dur),
                    short(slow.run),
                    Cell(f"tcpdw timeline {_word(slow.run, slow.run_id)}{at}", kind="code"),
                )
            )
    caption = "The longest certain intervals, with the command that shows the run around each."
    return Table(caption, ("group", "duration", "run", "look"), rows, frozenset({"duration"}))


def _word(run: str, run_id: int) -> str:
    """Give what names the run on a command line: its name, or its number where that is odd."""
    import shlex

    is_plain = len(run) <= 64 and shlex.quote(run) == run and not run.startswith("-")
    return run if run and is_plain else str(run_id)


def _quantile_table(metric: MetricComparison, full: _Full) -> Table:
    columns = ("group", *(f"p{q * 100:g}" for q in _TOLD[:-1]), "max")
    rows: list[tuple[Cell | str, ...]] = []
    for one, _, distribution in full:
        values = [distribution.at(q) for q in _TOLD]
        cells = (Cell(duration(value), value) for value in values)
        rows.append((Cell(one.name, mark=one.number), *cells))
    return Table(f"Quantiles of {metric.metric}", columns, rows, frozenset(columns[1:]))


def _median_table(full: _Full) -> Table:
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
            ordered = sorted(run.median for run in group.run_medians)
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
