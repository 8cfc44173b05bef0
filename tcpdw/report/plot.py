"""One metric's distribution as a picture: a page, an SVG or a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from tcpdw import browse, compare, query
from tcpdw.compare import Comparison, Group, MetricComparison
from tcpdw.errors import TcpdwError, UsageError
from tcpdw.report import chart_scales, charts, page, scope, sections
from tcpdw.report.chart_scales import Axis, Series
from tcpdw.report.distributions import Distribution, distributions
from tcpdw.report.page import Chart
from tcpdw.report.wording import count
from tcpdw.summary import metric_named

if TYPE_CHECKING:
    import duckdb

    from tcpdw.sql_object import SqlObject

Ending = Literal["svg", "png", "html"]
ENDINGS: tuple[Ending, ...] = ("svg", "png", "html")

WIDTH = 640
"""Of the plots in a picture, pixels, without the names beside them."""

_CHARACTER = 7
_LONGEST = 200


@dataclass(frozen=True)
class Plot:
    """What a picture of a metric shows.

    `metric` has all groups; `known`, `groups` and `distributions` are those with a certain
    interval.
    """

    words: SqlObject
    by: tuple[str, ...]
    choice: str
    comparison: Comparison
    metric: MetricComparison
    known: tuple[Series, ...]
    groups: tuple[Group, ...]
    distributions: tuple[Distribution, ...]
    axis: Axis

    @property
    def subtitle(self) -> str:
        """Say how many runs and intervals there are, and how they were chosen."""
        runs = count(sum(group.runs for group in self.groups), "run")
        intervals = count(sum(group.intervals for group in self.groups), "interval")
        text = f"{intervals} in {runs}, by {', '.join(self.by)}"
        uncertain = sum(group.uncertain for group in self.metric.groups)
        if uncertain:
            text += f"; {uncertain:,} uncertain left out"
        return text


def gather(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    by: Sequence[str] = (),
    runs: str | None = None,
) -> Plot:
    """Collect what a picture of the metric `name` shows.

    `by` and `runs` are as in `report`. Where runs of several roles have intervals, groups are by
    role too. Raises UsageError where a metric, a column, a run or an interval does not exist.
    """
    words = metric_named(name)
    chosen = scope.choose(connection, by, runs)
    if not chosen.panels:
        what = "there is no run" if runs is None else f"no run has {runs}"
        raise UsageError(what, hint="`tcpdw runs` lists them")
    have = _with_intervals(connection, name)
    panels = [panel for panel in chosen.panels if have.intersection(panel.run_ids)]
    if not panels:
        raise UsageError(
            f"there is no certain interval of {name} in these runs",
            hint=f"`tcpdw metrics {name}` says which runs can support it",
        )
    columns = (*chosen.by, *(("role",) if len(panels) > 1 else ()))
    condition = scope.Panel(None, tuple(run for panel in panels for run in panel.run_ids)).condition
    comparison = compare.compare(
        connection, [name], compare.By(columns), runs=condition, with_stages=True, alone=True
    )
    [metric] = comparison.metrics
    everyone = chart_scales.series([group.label for group in metric.groups])
    found = distributions(
        connection, name, [list(group.run_medians.run_ids) for group in metric.groups]
    )
    full = [
        (one, group, shape)
        for one, group, shape in zip(everyone, metric.groups, found, strict=True)
        if shape is not None
    ]
    return Plot(
        words,
        columns,
        chosen.choice,
        comparison,
        metric,
        tuple(one for one, _, _ in full),
        tuple(group for _, group, _ in full),
        tuple(shape for _, _, shape in full),
        chart_scales.axis([shape for _, _, shape in full]),
    )


def _with_intervals(connection: duckdb.DuckDBPyConnection, metric: str) -> set[int]:
    rows = query.execute(
        connection, "SELECT DISTINCT run_id FROM latency WHERE metric = ? AND certain", [metric]
    ).rows
    return {int(str(row[0])) for row in rows}


def ending(path: Path) -> Ending:
    """Give the kind of picture that a file's name asks for. Raises UsageError for another."""
    found = path.suffix.lower().removeprefix(".")
    if found not in ENDINGS:
        what = f"no picture ends in .{found}" if found else "the name has no ending"
        raise UsageError(f"{path}: {what}", hint="name a file .svg, .png or .html")
    return found


def picture(plot: Plot, kind: Ending, *, dark: bool = False) -> bytes:
    """Draw the picture: HTML in UTF-8, or an SVG or PNG that stands alone."""
    if kind == "html":
        return _html(plot).encode()
    import vl_convert

    spec = figure(plot).standing_alone(dark=dark)
    try:
        if kind == "svg":
            text: Any = vl_convert.vegalite_to_svg(spec)
            return cast(str, text).encode()
        drawn: Any = vl_convert.vegalite_to_png(spec, scale=2)
        return cast(bytes, drawn)
    except ValueError as error:
        raise TcpdwError(f"the picture cannot be drawn: {error}") from error


def figure(plot: Plot) -> Chart:
    """Give both charts in one, distributions above the medians of the runs, with their words."""
    names = [one.name for one in plot.known]
    margin = max(44, min(_LONGEST, 14 + _CHARACTER * max(map(len, names))))
    above, data = charts.ecdf(
        plot.known,
        plot.distributions,
        plot.groups,
        plot.axis,
        height=260,
        legend=len(names) > 1,
        margin=margin,
        is_small=False,
    )
    below, more = charts.medians(plot.known, plot.groups, plot.axis, margin=margin)
    views: list[dict[str, Any]] = []
    for view in (above, below):
        kept = {key: value for key, value in view.items() if key not in _TOP}
        views.append({**kept, "width": WIDTH})
    name = f"{plot.metric.metric}: {browse.one_line(plot.words).rstrip('.')}"
    title = {
        "text": name,
        "subtitle": [
            plot.subtitle,
            "Above: the share of intervals that are no longer; marks at p50, p90, p99.",
            "Below: the median of each run; the bar is p50 with its 95 % interval.",
        ],
    }
    spec = {
        "$schema": above["$schema"],
        "title": title,
        "params": above["params"],
        "vconcat": views,
        "spacing": 10,
        "padding": 16,
        "config": {"autosize": {"type": "pad"}},
    }
    return Chart("plot", name, spec, {**data, **more})


_TOP = ("$schema", "config", "params")


def _html(plot: Plot) -> str:
    with chart_scales.unchecked():
        part = sections.part(
            "plot",
            None,
            plot.comparison,
            plot.metric,
            chart_scales.series([group.label for group in plot.metric.groups]),
            _in_place(plot),
            plot.axis,
        )
    name = plot.metric.metric
    return page.render(
        "plot.html",
        scripts=sections.SCRIPTS,
        title=f"{name} by {', '.join(plot.by)}",
        subtitle=plot.subtitle + (f": {plot.choice}." if plot.choice else "."),
        item=sections.section(plot.words, [part]),
        part=part,
        warnings=[warning.text for warning in plot.comparison.warnings if not warning.metrics],
    )


def _in_place(plot: Plot) -> list[Distribution | None]:
    """Give the distributions for all groups, None for those without an interval."""
    known = dict(zip([group.label for group in plot.groups], plot.distributions, strict=True))
    return [known.get(group.label) for group in plot.metric.groups]
