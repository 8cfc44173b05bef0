"""A comparison of groups of runs, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flows.markdown import escaped, table
from tcpdw.compare import Change, Comparison, Delta, Group, MetricComparison, Quantile
from tcpdw.compare.text import legend, p_value, quantile_units
from tcpdw.compare.words import NOT_SHOWN, UNKNOWN, interval, name, percent
from tcpdw.summary import digits, fitting

MAX_ROWS = 200
"""At most so many rows are in a table; `tcpdw compare` and the report have them all."""


def markdown(comparison: Comparison) -> list[str]:
    """Give the lines of a comparison: a row for each metric and group, then what to doubt in it."""
    if not comparison.metrics:
        return ["No metric has an interval in these runs."]
    names = [name(q) for q in comparison.qs]
    columns = ("Metric", "Group", "Runs", "Intervals", *names, "Max")
    columns = (*columns, *(f"{q} vs {comparison.base}" for q in names), "p")
    rows = [row for one in comparison.metrics for row in _rows(one)]
    lines = table(columns, rows[:MAX_ROWS], right=len(columns) - 2)
    if len(rows) > MAX_ROWS:
        lines += ["", f"And {len(rows) - MAX_ROWS:,} more rows: `tcpdw compare` has them."]
    lines += ["", escaped(legend(comparison))]
    warnings = [f"- {escaped(str(warning))}" for warning in comparison.warnings]
    return [*lines, "", "Warnings:", "", *warnings] if warnings else lines


def _rows(one: MetricComparison) -> Iterator[Sequence[str]]:
    units = quantile_units(one)
    longest = fitting(group.longest for group in one.groups)
    deltas = {delta.group: delta for delta in one.deltas}
    for group in one.groups:
        quantiles = [
            _quantile(quantile, unit) for quantile, unit in zip(group.quantiles, units, strict=True)
        ]
        counts = (f"{group.runs:,}", _intervals(group))
        most = "-" if group.longest is None else f"{digits(group.longest, longest[1])} {longest[0]}"
        differences = _differences(deltas.get(group.label), len(quantiles))
        yield (one.metric, group.label, *counts, *quantiles, most, *differences)


def _intervals(group: Group) -> str:
    uncertain = f" (+{group.uncertain:,} uncertain)" if group.uncertain else ""
    return f"{group.intervals:,}{uncertain}"


def _quantile(quantile: Quantile, unit: tuple[str, int]) -> str:
    if quantile.value is None:
        return "-"
    ends = (
        UNKNOWN if bound is None else digits(bound, unit[1])
        for bound in (quantile.low, quantile.high)
    )
    return f"{digits(quantile.value, unit[1])} [{', '.join(ends)}] {unit[0]}"


def _differences(delta: Delta | None, count: int) -> Sequence[str]:
    if delta is None:
        return [""] * (count + 1)
    p = "-" if delta.p_corrected is None else p_value(delta.p_corrected)
    return [*map(_change, delta.changes), p]


def _change(change: Change) -> str:
    if change.relative is None:
        return "from 0" if change.shown else NOT_SHOWN
    sign = percent(change.relative.value) if change.shown else NOT_SHOWN
    return f"{sign} {interval(change.relative)}"
