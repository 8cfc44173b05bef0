"""Figures as a Markdown table and as JSON."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside one other: `ratio` is how much better tcpdw does (more is better).

    `samples` holds every measurement by its name: seconds unless the name has another unit.
    """

    what: str
    ours: str
    beside: str = ""
    theirs: str = ""
    ratio: float | None = None
    target: str = ""
    met: bool | None = None
    samples: Mapping[str, Sequence[float]] = field(default_factory=dict[str, Sequence[float]])


COLUMNS = ("what", "tcpdw", "beside", "its figure", "ratio", "target")


def median(samples: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(samples)


def seconds(value: float) -> str:
    """Write seconds with three digits that count."""
    if value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:.3g} s" if value < 1000 else f"{value:.0f} s"


def rate(value: float, what: str) -> str:
    """Write so many a second."""
    for factor, prefix in ((1e6, " M"), (1e3, " k")):
        if value >= factor:
            return f"{value / factor:.3g}{prefix} {what}/s"
    return f"{value:.3g} {what}/s"


def size(value: float) -> str:
    """Write a size in bytes, in powers of 1000."""
    for factor, prefix in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value:.0f} B"


def times(value: float) -> str:
    """Write a ratio, with three digits below a thousand."""
    return f"{value:.0f}×" if value >= 100 else f"{value:.3g}×"


def markdown(facts: Mapping[str, str], rows: Iterable[Row]) -> str:
    """Give the machine's facts as a list and the rows as a table."""
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(COLUMNS))]
    shown = [
        "| "
        + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        + " |"
        for line in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([*lines, "", shown[0], rule, *shown[1:]]) + "\n"


def as_json(facts: Mapping[str, str], rows: Iterable[Row]) -> str:
    """Give all that was measured."""
    return json.dumps(
        {"machine": dict(facts), "rows": [dataclasses.asdict(row) for row in rows]},
        indent=1,
        ensure_ascii=False,
    )


def _cells(row: Row) -> tuple[str, ...]:
    verdict = {None: "", True: ": met", False: ": missed"}[row.met]
    return (
        row.what,
        row.ours,
        row.beside,
        row.theirs,
        "" if row.ratio is None else times(row.ratio),
        row.target + verdict,
    )
