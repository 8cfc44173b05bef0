"""The stages of a metric's intervals as stacked bars: where the time goes, in each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from tcpdw.compare import MetricComparison
from tcpdw.compare.model import Breakdown
from tcpdw.report import theme
from tcpdw.report.chart_scales import MARGIN, Series, names_axis, specification
from tcpdw.report.page import Cell, Chart, Rows, Table
from tcpdw.report.wording import LABEL, count, duration, unit

if TYPE_CHECKING:
    import altair as alt

REST = "(rest)"
"""What no stage explains."""

_LEAST = 0.035
"""Where a stage takes less of the longest bar than this there is no room for its number."""


def stages(place: str, metric: MetricComparison, known: Sequence[Series]) -> tuple[Chart, ...]:
    """Give a chart for each quantile that is broken down; none for a metric without stages."""
    names = {group.label: one for one, group in zip(known, metric.groups, strict=True)}
    found: list[Chart] = []
    for q in dict.fromkeys(one.q for one in metric.breakdowns):
        bars = [one for one in metric.breakdowns if one.q == q and one.intervals]
        if bars:
            found.append(_chart(f"{place}-stages-p{q * 100:g}", metric.metric, bars, names))
    return tuple(found)


def _parts(bar: Breakdown) -> list[tuple[str, float, bool]]:
    """Give the stages of a bar: name, mean in ns, and whether it follows the interval's end."""
    within = [
        (stage or REST, mean, False)
        for stage, mean in bar.parts
        # What no stage explains is told where there is some.
        if stage is not None or abs(mean) >= 0.5
    ]
    return within + [(stage, mean, True) for stage, mean in bar.later if mean is not None]


def _chart(
    place: str, metric: str, bars: Sequence[Breakdown], names: Mapping[str, Series]
) -> Chart:
    at = f"p{bars[0].q * 100:g}"
    numbers = _numbers(bars)
    told = "; ".join(
        f"{names[bar.group].name}: "
        + ", ".join(f"{stage} {duration(mean)}" for stage, mean, _ in _parts(bar))
        for bar in bars
    )
    some = f"{', '.join(f'{number} {stage}' for stage, number in numbers.items())}"
    later = any(after for bar in bars for _, _, after in _parts(bar))
    caption = f"Near {at}: {some}."
    if later:
        caption += " Paler stages follow the interval's end."
    spec, data = _spec(bars, names, numbers)
    label = f"The mean of each stage of {metric} among the intervals near {at}. {told}."
    table = _table(metric, at, bars, names, numbers)
    return Chart(place, label, spec, data, caption=caption, numbers=table)


def _numbers(bars: Sequence[Breakdown]) -> dict[str, int]:
    stages = dict.fromkeys(stage for bar in bars for stage, _, _ in _parts(bar) if stage != REST)
    numbers = {stage: number for number, stage in enumerate(stages, 1)}
    if any(stage == REST for bar in bars for stage, _, _ in _parts(bar)):
        numbers[REST] = len(numbers) + 1
    return numbers


def _table(
    metric: str,
    at: str,
    bars: Sequence[Breakdown],
    names: Mapping[str, Series],
    numbers: Mapping[str, int],
) -> Table:
    rows: list[tuple[Cell | str, ...]] = []
    for bar in bars:
        means = {stage: mean for stage, mean, _ in _parts(bar)}
        of = unit([round(bar.mean)])
        one = names[bar.group]
        cells = (
            Cell(of.write(means[stage]), means[stage]) if stage in means else "-"
            for stage in numbers
        )
        near = Cell(f"{bar.intervals:,}", bar.intervals)
        whole = Cell(of.write(bar.mean), bar.mean)
        rows.append((Cell(one.name, mark=one.number), near, whole, *cells))
    columns = ("group", "intervals", "mean", *(f"{n} {stage}" for stage, n in numbers.items()))
    low, high = bars[0].ranks
    nearby = count(sum(bar.intervals for bar in bars), "interval")
    caption = (
        f"Means near {at} of {metric}, over {nearby} whose ranks lie about it (in the first group "
        f"from {low:.1%} to {high:.1%}): the stages up to the end sum to the mean."
    )
    return Table(caption, columns, rows, frozenset(columns[1:]))


def _spec(
    bars: Sequence[Breakdown], names: Mapping[str, Series], numbers: Mapping[str, int]
) -> tuple[dict[str, Any], dict[str, Rows]]:
    whole = max(sum(max(mean, 0) for _, mean, _ in _parts(bar)) for bar in bars) or 1
    rows: list[tuple[object, ...]] = []
    for bar in bars:
        start = 0.0
        for stage, mean, after in _parts(bar):
            end = start + max(mean, 0)
            label = str(numbers[stage]) if end - start > whole * _LEAST else ""
            name = names[bar.group].name
            middle = (start + end) / 2
            numbered = f"{numbers[stage]} {stage}"
            rows.append((name, numbered, start, end, middle, label, duration(mean), after))
            start = end
    stages = tuple(f"{number} {stage}" for stage, number in numbers.items())
    columns = ("group", "stage", "start", "end", "middle", "label", "mean", "after")
    spec = _bars(tuple(names[bar.group].name for bar in bars), stages, REST in numbers)
    return {**spec, "params": [{"name": "whole", "value": whole}]}, {"stages": Rows(columns, rows)}


@cache
def _bars(order: tuple[str, ...], stages: tuple[str, ...], has_rest: bool) -> dict[str, Any]:
    import altair as alt

    colours = [theme.STAGES[number % len(theme.STAGES)] for number in range(len(stages))]
    if has_rest:
        colours[-1] = "var(--t0)"
    y = alt.Y(
        "group",
        type="nominal",
        scale=alt.Scale(domain=list(order), paddingInner=0.3, paddingOuter=0.15),
        axis=names_axis(alt, MARGIN, MARGIN - 10),
    )

    def x(field: str) -> alt.X:
        axis = alt.Axis(title=None, labelExpr=LABEL, tickCount=5, labelFlush=False, grid=True)
        return alt.X(
            field, type="quantitative", axis=axis, scale=alt.Scale(domain=[0, alt.ExprRef("whole")])
        )

    base = alt.Chart(alt.NamedData("stages"))
    bar_marks = base.mark_bar(stroke="var(--paper)", strokeWidth=1).encode(
        x=x("start"),
        x2="end",
        y=y,
        color=alt.Color(
            "stage",
            type="nominal",
            scale=alt.Scale(domain=list(stages), range=colours),
            legend=None,
        ),
        opacity=alt.OpacityValue(1, condition={"test": "datum.after", "value": 0.45}),
        tooltip=[
            alt.Tooltip("group", type="nominal"),
            alt.Tooltip("stage", type="nominal"),
            alt.Tooltip("mean", type="nominal"),
        ],
    )
    text = base.mark_text(fontSize=12).encode(
        x=x("middle"),
        y=y,
        text=alt.Text("label", type="nominal"),
        color=alt.ColorValue(
            "var(--onstage)", condition={"test": "datum.after", "value": "var(--ink)"}
        ),
    )
    return specification(alt.layer(bar_marks, text), 28 * len(order))
