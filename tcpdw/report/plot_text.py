"""One metric's distribution on a terminal: a histogram a group, on one log axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tcpdw import query, summary
from tcpdw.output import Result, clean, plain_lines, width
from tcpdw.report.chart_scales import Axis

if TYPE_CHECKING:
    import duckdb

    from tcpdw.report.plot import Plot

BLOCKS = " ▁▂▃▄▅▆▇█"
PLAIN = " .:-=+*#@"
"""The same where the terminal cannot show blocks."""

NAMES = 20
"""So many cells at most are for a group's name."""

LEAST_WIDTH = 40
MOST_ROWS = 4

Paint = Callable[[str, int], str]
"""Colours a text as a group's, by its number."""


def lines(
    connection: duckdb.DuckDBPyConnection,
    plot: Plot,
    *,
    columns: int,
    rows: int,
    paint: Paint,
    blocks: bool = True,
) -> Iterator[str]:
    """Give the lines of the picture, no wider than `columns`, about `rows` in all."""
    names = [clean(one.name) for one in plot.known]
    left = min(NAMES, max(map(width, names)))
    across = max(LEAST_WIDTH, columns) - left - 3
    counts = _histogram(connection, plot, across)
    # Each group has its bars and a line for its quantiles; the axis and the table come after.
    free = (rows - 8 - len(names)) // len(names) - 1
    high = max(1, min(MOST_ROWS, free))
    signs = BLOCKS if blocks else PLAIN
    for name, one, group, bars in zip(names, plot.known, plot.groups, counts, strict=True):
        picture = _bars(bars, min(high, max(bars)) if blocks else 1, signs)
        for number, row in enumerate(picture):
            head = _cut(name, left) if number == len(picture) - 1 else ""
            yield f"{_padded(head, left)}  {paint(row.rstrip(), one.number)}".rstrip()
        marks = [(q.q, q.value) for q in group.quantiles if q.value is not None]
        yield f"{'':{left}}  {_marks(marks, plot.axis, across)}".rstrip()
    yield from (f"{'':{left}}  {row}".rstrip() for row in _ruler(plot.axis, across, blocks=blocks))
    yield ""
    yield from plain_lines(_table(plot))


def _histogram(connection: duckdb.DuckDBPyConnection, plot: Plot, bins: int) -> list[list[int]]:
    """Count the intervals in bins of the same width on the log axis."""
    groups = [list(group.run_medians.run_ids) for group in plot.groups]
    found = [[0] * bins for _ in groups]
    step = math.log(plot.axis.high / plot.axis.low) / bins
    rows = query.execute(
        connection,
        "WITH members AS (SELECT UNNEST(?::INTEGER[]) AS run_id, UNNEST(?::INTEGER[]) AS part) "
        "SELECT m.part, CAST(GREATEST(0, LEAST(? - 1, FLOOR(LN(GREATEST(l.dur, ?) / ?) / ?))) "
        "AS INTEGER) AS bin, COUNT(*) FROM latency AS l "
        "INNER JOIN members AS m ON l.run_id = m.run_id "
        "WHERE l.metric = ? AND l.certain GROUP BY ALL",
        [
            [run for group in groups for run in group],
            [part for part, group in enumerate(groups) for _ in group],
            bins,
            plot.axis.low,
            plot.axis.low,
            step,
            plot.metric.metric,
        ],
    ).rows
    for part, place, number in rows:
        found[int(str(part))][int(str(place))] = int(str(number))
    return found


def _bars(counts: Sequence[int], high: int, signs: str) -> list[str]:
    """Draw the counts as bars of `high` rows; what is there at all is seen."""
    most = max(counts) or 1
    steps = len(signs) - 1
    heights = [math.ceil(number / most * high * steps) for number in counts]
    return [
        "".join(signs[max(0, min(steps, height - row * steps))] for height in heights)
        for row in reversed(range(high))
    ]


def _place(value: float, on: Axis, across: int) -> int:
    share = math.log(max(value, on.low) / on.low) / math.log(on.high / on.low)
    return max(0, min(across - 1, math.floor(share * across)))


def _marks(quantiles: Sequence[tuple[float, int]], on: Axis, across: int) -> str:
    """Write the quantiles' names where they stand; of two in one place the lower is named."""
    row = [" "] * across
    for q, value in quantiles:
        text = f"p{q * 100:g}"
        start = _place(value, on, across)
        # The last letter stands at the place where there is no room after it.
        start = min(start, across - len(text) - 1)
        if all(cell == " " for cell in row[max(0, start - 1) : start + len(text) + 2]):
            row[start : start + len(text) + 1] = "^" + text
    return "".join(row)


def _ruler(on: Axis, across: int, *, blocks: bool) -> list[str]:
    line = ["─" if blocks else "-"] * across
    labels = [" "] * across
    for tick in on.ticks:
        place = _place(tick, on, across)
        line[place] = "┬" if blocks else "+"
        unit, length = summary.fitting([round(tick)])
        text = f"{tick / length:g} {unit}"
        start = max(0, min(across - len(text), place - len(text) // 2))
        if all(cell == " " for cell in labels[max(0, start - 2) : start + len(text) + 2]):
            labels[start : start + len(text)] = text
    return ["".join(line), "".join(labels)]


def _table(plot: Plot) -> Result:
    names = ("p50", "p90", "p99", "max")
    values = [[*(q.value for q in group.quantiles), group.longest] for group in plot.groups]
    units = [summary.fitting(column) for column in zip(*values, strict=True)]
    rows: list[tuple[object, ...]] = []
    for one, group, row in zip(plot.known, plot.groups, values, strict=True):
        texts = [
            "-" if value is None else f"{summary.digits(value, length)} {unit}"
            for value, (unit, length) in zip(row, units, strict=True)
        ]
        rows.append((one.name, group.runs, group.intervals, *texts))
    return Result((", ".join(plot.by), "runs", "intervals", *names), rows, frozenset(names))


def _cut(text: str, cells: int) -> str:
    if width(text) <= cells:
        return text
    kept = ""
    for character in text:
        if width(kept + character) > cells - 1:
            break
        kept += character
    return kept + "~"


def _padded(text: str, cells: int) -> str:
    return text + " " * (cells - width(text))
