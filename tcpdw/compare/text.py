"""A comparison as lines for people: dense and aligned, in the manner of benchstat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tcpdw.compare import stages_text
from tcpdw.compare.model import (
    Change,
    Comparison,
    Delta,
    Exemplar,
    Group,
    MetricComparison,
    Quantile,
)
from tcpdw.compare.words import NOT_SHOWN, UNKNOWN, Paint, Style, interval, name, percent
from tcpdw.output import clean, width
from tcpdw.summary import digits, fitting

LONGEST_LABEL = 24
"""A longer label is told once above its table and has a number in it."""

_COUNTS = ("runs", "intervals", "uncertain")


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and the style that it is painted in, after it is padded."""

    text: str
    style: Style = ""


_Unit = tuple[str, int]


def lines(comparison: Comparison, columns: int | None, paint: Paint) -> Iterator[str]:
    """Give the metrics' tables; where they are wider than `columns`, a line for each figure."""
    for number, one in enumerate(comparison.metrics):
        if number:
            yield ""
        labels = _labels(one.groups, comparison.base)
        wide = list(_table(one, labels, comparison))
        size = max((sum(width(cell.text) for cell in row) for row in wide), default=0)
        yield _title(one, comparison, paint)
        for group in one.groups:
            if labels[group.label] != clean(group.label):
                yield paint(f"  {labels[group.label]} {clean(group.label)}", "faint")
        if columns is None or size <= columns:
            for row in wide:
                yield "".join(paint(c.text, c.style) if c.style else c.text for c in row).rstrip()
        else:
            yield from _stacked(one, labels, comparison, paint)
        yield from stages_text.lines(one, paint)


def _title(one: MetricComparison, comparison: Comparison, paint: Paint) -> str:
    by = f" by {', '.join(comparison.by)}" if comparison.by else ""
    return paint(one.metric + clean(by), "head")


def _labels(groups: Iterable[Group], base: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, group in enumerate(groups, 1):
        text = clean(group.label)
        found[group.label] = text if width(text) <= LONGEST_LABEL else f"[{number}]"
    assert base in found
    return found


def _table(
    one: MetricComparison, labels: dict[str, str], comparison: Comparison
) -> Iterator[list[Cell]]:
    units = quantile_units(one)
    longest = fitting(group.longest for group in one.groups)
    deltas = {delta.group: delta for delta in one.deltas}
    rows: list[list[Cell]] = [
        [
            Cell(""),
            *(Cell(name, "faint") for name in _COUNTS),
            *(
                Cell(f"{name(quantile.q)} {unit}", "faint")
                for quantile, (unit, _) in zip(one.groups[0].quantiles, units, strict=True)
            ),
            Cell(f"max {longest[0]}", "faint"),
        ]
    ]
    for group in one.groups:
        counts = (group.runs, group.intervals, group.uncertain)
        rows.append(
            [
                Cell(labels[group.label]),
                *(Cell(f"{count:,}") for count in counts),
                *(
                    Cell(_quantile(quantile, length))
                    for quantile, (_, length) in zip(group.quantiles, units, strict=True)
                ),
                Cell("-" if group.longest is None else digits(group.longest, longest[1])),
            ]
        )
        delta = deltas.get(group.label)
        if delta is not None:
            rows.append(
                [
                    Cell(f"  vs {labels[comparison.base]}"),
                    *(Cell("") for _ in _COUNTS),
                    *(_change(change) for change in delta.changes),
                    Cell(""),
                ]
            )
            rows[-1][len(_COUNTS)] = Cell(_p(delta))
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[Cell]]) -> Iterator[list[Cell]]:
    """Pad the cells: counts and the last column to the right, all else to the left."""
    last = len(rows[0]) - 1
    spans = len(_COUNTS)
    # A p may reach over the counts before it, where its row has none.
    sizes = [
        max(width(row[i].text) for row in rows if i != spans or row[1].text)
        for i in range(len(rows[0]))
    ]
    for row in rows:
        padded: list[Cell] = []
        for i, cell in enumerate(row):
            gap = "  " if i else ""
            size = sizes[i]
            if i == spans and not row[1].text:
                size = sum(sizes[1 : spans + 1]) + 2 * (spans - 1)
            elif 1 <= i < spans and not row[1].text:
                continue
            fill = " " * max(0, size - width(cell.text))
            is_right = 1 <= i <= spans or i == last
            text = gap + fill + cell.text if is_right else gap + cell.text + fill
            padded.append(Cell(text, cell.style))
        yield padded


def _stacked(
    one: MetricComparison, labels: dict[str, str], comparison: Comparison, paint: Paint
) -> Iterator[str]:
    units = quantile_units(one)
    longest = fitting(group.longest for group in one.groups)
    deltas = {delta.group: delta for delta in one.deltas}
    for group in one.groups:
        counts = zip((group.runs, group.intervals, group.uncertain), _COUNTS, strict=True)
        yield f"{labels[group.label]}: " + ", ".join(f"{n:,} {what}" for n, what in counts)
        delta = deltas.get(group.label)
        for place, quantile in enumerate(group.quantiles):
            unit, length = units[place]
            yield f"  {name(quantile.q)}  {_quantile(quantile, length)} {unit}"
            if delta is not None:
                cell = _change(delta.changes[place])
                yield "       " + (paint(cell.text, cell.style) if cell.style else cell.text)
        if group.longest is not None:
            yield f"  max  {digits(group.longest, longest[1])} {longest[0]}"
        if delta is not None:
            yield f"  {_p(delta)} vs {labels[comparison.base]}"


def quantile_units(one: MetricComparison) -> list[_Unit]:
    """Give the unit of each quantile: that in which the middle group's value is at least 1."""
    return [
        fitting(group.quantiles[place].value for group in one.groups)
        for place in range(len(one.groups[0].quantiles))
    ]


def _quantile(quantile: Quantile, length: int) -> str:
    if quantile.value is None:
        return "-"
    ends = (
        UNKNOWN if bound is None else digits(bound, length)
        for bound in (quantile.low, quantile.high)
    )
    return f"{digits(quantile.value, length)} [{', '.join(ends)}]"


def _change(change: Change) -> Cell:
    style = "slower" if change.absolute.value > 0 else "faster"
    if change.relative is None:
        return Cell("from 0", style) if change.shown else Cell(NOT_SHOWN)
    ends = interval(change.relative)
    if not change.shown:
        return Cell(f"{NOT_SHOWN} {ends}")
    return Cell(f"{percent(change.relative.value)} {ends}", style)


def _p(delta: Delta) -> str:
    return "p -" if delta.p_corrected is None else f"p {p_value(delta.p_corrected)}"


def p_value(p: float) -> str:
    """Write a p: three decimals, two digits where it is small."""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.1e}"


def legend(comparison: Comparison) -> str:
    """Say what stands in the tables."""
    tests = sum(delta.p is not None for one in comparison.metrics for delta in one.deltas)
    groups = [group for one in comparison.metrics for group in one.groups]
    runs = set[int]().union(*(group.run_medians.run_ids for group in groups))
    counted = "1 run" if len(runs) == 1 else f"{len(runs):,} runs"
    over = f", corrected for {tests} tests (Holm)" if tests > 1 else ""
    return (
        f"{counted}; the run is the unit. [ ]: {comparison.level:.0%} interval; "
        f"{UNKNOWN}: the runs do not bound it. vs {clean(comparison.base)}: relative difference. "
        f"p: rank test of the runs' medians{over}. {NOT_SHOWN}: no difference shown: p is not "
        f"below {comparison.alpha:g}, or the interval holds 0."
    )


def examples(comparison: Comparison) -> Iterator[str]:
    """Name the interval that shows each quantile, as the commands that show its run."""
    rows: list[tuple[str, str, str, str]] = []
    for one in comparison.metrics:
        for group in one.groups:
            marked = [(quantile.exemplar, name(quantile.q)) for quantile in group.quantiles]
            by_example: dict[Exemplar, list[str]] = {}
            for exemplar, what in (*marked, (group.longest_exemplar, "max")):
                if exemplar is not None:
                    by_example.setdefault(exemplar, []).append(what)
            for exemplar, what in by_example.items():
                unit, length = fitting([exemplar.dur])
                value = f"{digits(exemplar.dur, length)} {unit}"
                command = f"tcpdw timeline {exemplar.word} --at {exemplar.ts}"
                rows.append((f"{one.metric} {clean(group.label)}", "/".join(what), value, command))
    sizes = [max((width(row[i]) for row in rows), default=0) for i in range(3)]
    for row in rows:
        cells = [row[i] + " " * (sizes[i] - width(row[i])) for i in range(3)]
        yield "  ".join([*cells, row[3]])
