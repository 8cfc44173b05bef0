"""The parts of a report on one metric: charts, the table of the comparison, what to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcpdw import browse
from tcpdw.compare import Change, Comparison, Delta, MetricComparison, Quantile
from tcpdw.compare.words import short
from tcpdw.report import chart_scales, charts, findings, section_tables, stage_charts, wording
from tcpdw.report.chart_scales import Axis, Series
from tcpdw.report.distributions import Distribution
from tcpdw.report.page import Cell, Chart, Table
from tcpdw.report.section_tables import Full
from tcpdw.report.wording import Unit, bounds, change, changes, duration, unit

if TYPE_CHECKING:
    from tcpdw.sql_object import SqlObject

SCRIPTS = ("plots.js", "zoom.js")
"""The scripts of a page that has such parts."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """One cell of the comparison: a quantile, its interval, and the change from the base."""

    value: Cell
    interval: str
    change: Cell | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One group in the table of the comparison; `none`: that no quantile differs from the base."""

    name: Cell
    none: Cell | None
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
    return chart_scales.axis([one for panel in distributions for one in panel if one is not None])


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
        tuple(section_tables.tables(metric, known, full)),
    )


def _drawn(
    place: str, label: str | None, metric: MetricComparison, full: Full, on: Axis
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


def _caption(metric: MetricComparison, full: Full) -> str:
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
            _quantile(quantile, of, delta.changes[place] if delta and _is_any(delta) else None)
            for place, (quantile, of) in enumerate(zip(group.quantiles, units, strict=True))
        )
        counts = tuple(Cell(f"{number:,}", number) for number in (group.runs, group.intervals))
        uncertain = Cell(f"{group.uncertain:,} uncertain", group.uncertain)
        most = "-" if group.longest is None else longest.write(group.longest)
        rows.append(
            Row(
                Cell(one.name, mark=one.number),
                _none(delta),
                counts,
                uncertain if group.uncertain else None,
                cells,
                Cell(most, group.longest),
            )
        )
    return tuple(rows)


def _is_any(delta: Delta) -> bool:
    return any(one.shown for one in delta.changes)


def _none(delta: Delta | None) -> Cell | None:
    """Say once of a group that nothing is shown; else each quantile says what is."""
    if delta is None or _is_any(delta):
        return None
    return Cell("~ none shown", title=f"no difference from {short(delta.base)} is shown")


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
