"""The report: one page on a warehouse's runs, what differs between their groups, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcpdw import catalog, compare, query
from tcpdw.compare import Comparison
from tcpdw.compare.words import short
from tcpdw.errors import UsageError
from tcpdw.report import chart_scales, findings, overview_chart, page, recorded, scope, sections
from tcpdw.report.chart_scales import Series
from tcpdw.report.distributions import distributions
from tcpdw.report.page import Cell, Chart, Table
from tcpdw.report.scope import Scope
from tcpdw.report.wording import change, changes, count, probability, unit

if TYPE_CHECKING:
    import duckdb

MOST_GROUPS = 100
"""More groups than this, as one a run, no reader tells apart, and the page grows with each."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The runs of one role: what their comparison says, at a glance."""

    label: str | None
    lead: str
    findings: tuple[tuple[findings.Finding, int | None], ...]
    """Each with the number of its group's mark."""
    overview: Chart | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a report rests on: which runs are in, and the comparison of each panel of them."""

    scope: Scope
    comparisons: tuple[Comparison, ...]


def basis(
    connection: duckdb.DuckDBPyConnection,
    *,
    by: Sequence[str] = (),
    runs: str | None = None,
    base: str | None = None,
) -> Basis:
    """Choose the runs and compare them.

    `by` and `base` are those of `tcpdw.compare.By`, `runs` is a condition on the table `runs`;
    without these the comparison is the fair one of `scope.choose`. Raises UsageError where a
    column, a run of the condition, or the base does not exist, or there are too many groups.
    """
    chosen = scope.choose(connection, by, runs)
    if runs is not None and not chosen.panels:
        raise UsageError(f"no run has {runs}", hint="`tcpdw runs` lists them")
    compared = tuple(_compared(connection, chosen, base))
    for one in compared:
        groups = max((len(metric.groups) for metric in one.metrics), default=0)
        if groups > MOST_GROUPS:
            raise UsageError(
                f"{groups:,} groups by {', '.join(one.by)} are too many for a page",
                hint="--runs chooses among the runs; `tcpdw compare` takes any number",
            )
    return Basis(chosen, compared)


def report(
    connection: duckdb.DuckDBPyConnection,
    *,
    name: str,
    by: Sequence[str] = (),
    runs: str | None = None,
    base: str | None = None,
    on: Basis | None = None,
) -> str:
    """Give the page as HTML; `name` is what the warehouse is called.

    It is a page on `on`, else on what `basis` gives for the other arguments, which raises
    UsageError.
    """
    on = on or basis(connection, by=by, runs=runs, base=base)
    chosen, compared = on.scope, on.comparisons
    every = _whole(connection, "SELECT COUNT(*) FROM runs")
    with chart_scales.unchecked():
        panels = [
            _panel(number, panel.label, comparison)
            for number, (panel, comparison) in enumerate(zip(chosen.panels, compared, strict=True))
        ]
        metrics = _sections(connection, compared, chosen)
    return page.render(
        "report.html",
        scripts=sections.SCRIPTS,
        title=f"tcpdw report: {name}",
        name=name,
        subtitle=scope.told(chosen, every),
        outside=[f"{count(n, 'run')} {why}" for why, n in chosen.outside],
        panels=panels,
        recorded=recorded.recorded(connection, chosen),
        run_warnings=recorded.warnings(connection, chosen),
        sections=metrics,
        empty=every == 0,
    )


def _compared(
    connection: duckdb.DuckDBPyConnection, chosen: Scope, base: str | None
) -> list[Comparison]:
    """Compare each panel's groups; in a panel without the base its first group is the base."""
    found: list[Comparison] = []
    refused: list[UsageError] = []
    for panel in chosen.panels:
        bases = [base, None] if base is not None else [None]
        for one in bases:
            try:
                grouping = compare.By(chosen.by, one)
                found.append(
                    compare.compare(
                        connection,
                        [],
                        grouping,
                        runs=panel.condition,
                        with_stages=True,
                        alone=True,
                    )
                )
                break
            except UsageError as error:
                if one is None:
                    raise
                refused.append(error)
    if refused and len(refused) == len(chosen.panels):
        raise refused[0]
    return found


def _names(comparison: Comparison) -> list[Series]:
    """Give the groups of a comparison: every metric has all of them, the base first."""
    groups = comparison.metrics[0].groups if comparison.metrics else ()
    return chart_scales.series([group.label for group in groups])


def _panel(number: int, label: str | None, comparison: Comparison) -> Panel:
    said = findings.findings(comparison)
    general = [warning.text for warning in comparison.warnings if not warning.metrics]
    groups = comparison.metrics[0].groups if comparison.metrics else ()
    runs = ", ".join(f"{short(group.label)} {group.all_runs:,}" for group in groups)
    sizes = {group.all_runs for group in groups}
    if len(sizes) == 1:
        runs = f"{sizes.pop():,} each"
    if not groups:
        lead = "No metric has an interval in these runs."
    elif len(groups) == 1:
        [alone] = groups
        runs = count(alone.all_runs, "run")
        lead = f"{runs} of {short(alone.label)}: nothing to compare with."
    else:
        lead = f"Runs: {runs}. The base is {short(comparison.base)}."
    overview = _overview(f"overview-{number}", label, comparison) if said else None
    places = {group.label: place for place, group in enumerate(groups)}
    marked = tuple((one, places.get(one.group or "")) for one in said)
    return Panel(label, lead, marked, overview, tuple(general))


def _overview(place: str, label: str | None, comparison: Comparison) -> Chart:
    known = _names(comparison)
    by_label = {
        group.label: one for group, one in zip(comparison.metrics[0].groups, known, strict=True)
    }
    rows: list[overview_chart.Difference] = []
    table: list[tuple[Cell | str, ...]] = []
    for metric in comparison.metrics:
        base = metric.groups[0].quantiles[0]
        for delta in metric.deltas:
            first, series = delta.changes[0], by_label[delta.group]
            relative = first.relative
            p = "-" if delta.p_corrected is None else probability(delta.p_corrected)
            if relative is None or base.value is None:
                continue
            rows.append(
                overview_chart.Difference(
                    metric.metric,
                    series,
                    relative.value,
                    relative.low,
                    relative.high,
                    first.shown,
                    p,
                )
            )
            group = next(one for one in metric.groups if one.label == delta.group)
            value = group.quantiles[0].value
            of = unit([base.value, value])
            table.append(
                (
                    metric.metric,
                    Cell(series.name, mark=series.number),
                    Cell(of.write(base.value), base.value),
                    Cell("-") if value is None else Cell(of.write(value), value),
                    Cell(change(relative.value), relative.value),
                    changes(relative.low, relative.high),
                    p,
                    "yes" if first.shown else "~",
                )
            )
    others = [one for one in known if one.name != known[0].name]
    metrics = [metric.metric for metric in comparison.metrics if metric.deltas]
    spec, data = overview_chart.overview(rows, others, metrics, known[0].name)
    columns = (
        "metric",
        "group",
        f"p50 of {known[0].name}",
        "p50",
        "change",
        "95 % interval",
        "p, Holm",
        "shown",
    )
    caption = f"The median of each metric beside {known[0].name}"
    shown = sum(row.shown for row in rows)
    whose = "" if label is None else f" ({label})"
    return Chart(
        place,
        f"How much the median of each metric differs from {known[0].name}{whose}, with its 95 % "
        f"interval: {shown} of {len(rows)} differences are shown by the runs.",
        spec,
        data,
        numbers=Table(caption, columns, table, frozenset({columns[2], "p50", "change"})),
    )


def _sections(
    connection: duckdb.DuckDBPyConnection, compared: Sequence[Comparison], chosen: Scope
) -> list[sections.Section]:
    found: list[sections.Section] = []
    for metric in catalog.load().metrics:
        there = [
            (number, comparison, one)
            for number, comparison in enumerate(compared)
            for one in comparison.metrics
            if one.metric == metric.name
        ]
        if not there:
            continue
        shapes = [
            distributions(
                connection,
                metric.name,
                [list(group.run_medians.run_ids) for group in one.groups],
            )
            for _, _, one in there
        ]
        on = sections.common_axis(shapes)
        parts = [
            sections.part(
                f"{metric.name}-{number}",
                chosen.panels[number].label,
                comparison,
                one,
                _names(comparison),
                shape,
                on,
            )
            for (number, comparison, one), shape in zip(there, shapes, strict=True)
        ]
        found.append(sections.section(metric, parts))
    return found


def _whole(connection: duckdb.DuckDBPyConnection, text: str) -> int:
    [[number]] = query.execute(connection, text).rows
    return int(str(number))
