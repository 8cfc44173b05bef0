"""On what the runs of a report were recorded, and what reading them warned of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcpdw import browse, query
from tcpdw.compare.words import recorded_on
from tcpdw.report.page import Cell, Table
from tcpdw.report.scope import Scope
from tcpdw.report.wording import count

if TYPE_CHECKING:
    import duckdb

MOST_ROWS = 60
"""A table of runs has at most so many rows."""

MOST_WARNINGS = 12


def recorded(connection: duckdb.DuckDBPyConnection, chosen: Scope) -> Table | None:
    """Say on what the runs were recorded; what all have in common stands in the caption alone."""
    columns = ("machine", "role", "experiment", "kernel", "driver", "cpus", "tracer")
    rows = list(
        query.execute(
            connection,
            f"SELECT {', '.join(columns)}, COUNT(*), SUM(events), SUM(packets), "
            "SUM(events_discarded), COUNT(*) FILTER (WHERE status <> 'ok'), "
            "MIN(started_at), MAX(started_at) "
            "FROM runs WHERE run_id IN (SELECT UNNEST(?::INTEGER[])) "
            f"GROUP BY ALL ORDER BY ALL LIMIT {MOST_ROWS + 1}",
            [chosen.run_ids],
        ).rows
    )
    if not rows:
        return None
    varied = [0, *(n for n in range(1, len(columns)) if len({row[n] for row in rows}) > 1)]
    common = [
        f"{name} {recorded_on(rows[0][place])}"
        for place, name in enumerate(columns)
        if place not in varied and rows[0][place] is not None
    ]
    shown: list[tuple[Cell | str, ...]] = []
    for row in rows[:MOST_ROWS]:
        texts = ["-" if row[place] is None else recorded_on(row[place]) for place in varied]
        numbers = [int(str(value)) for value in row[len(columns) : len(columns) + 5]]
        first, last = (browse.utc(value) for value in row[len(columns) + 5 :])
        shown.append((*texts, *(Cell(f"{n:,}", n) for n in numbers), _period(first, last)))
    caption = f"{count(len(chosen.run_ids), 'run')}, by what they were recorded on."
    if common:
        caption += f" All: {', '.join(common)}."
    if len(rows) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} kinds; `tcpdw runs` lists all."
    counts = ("runs", "events", "packets", "events lost", "damaged")
    names = tuple(columns[place] for place in varied)
    return Table(caption, (*names, *counts, "recorded, UTC"), shown, frozenset(counts))


def _period(first: str | None, last: str | None) -> str:
    """Write a period to the minute, the day once."""
    if first is None or last is None:
        return "-"
    first, last = first[:-3], last[:-3]
    if first == last:
        return first
    return f"{first} to {last[len('2000-01-01 ') :] if first[:10] == last[:10] else last}"


def warnings(connection: duckdb.DuckDBPyConnection, chosen: Scope) -> Table | None:
    """Count what reading the runs warned of."""
    rows = list(
        query.execute(
            connection,
            "SELECT text, COUNT(*) AS n FROM (SELECT UNNEST(warnings) AS text FROM runs "
            "WHERE run_id IN (SELECT UNNEST(?::INTEGER[]))) GROUP BY text ORDER BY n DESC, text",
            [chosen.run_ids],
        ).rows
    )
    if not rows:
        return None
    shown = [(str(text), Cell(f"{n:,}", int(str(n)))) for text, n in rows[:MOST_WARNINGS]]
    caption = "What reading the runs warned of, most first."
    if len(rows) > MOST_WARNINGS:
        caption += f" {len(rows) - MOST_WARNINGS:,} more are in the column `warnings` of `runs`."
    return Table(caption, ("warning", "runs"), shown, frozenset({"runs"}))
