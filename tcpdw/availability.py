"""Which runs can support a metric: whether their traces hold the event classes that it needs."""

from __future__ import annotations

import fnmatch
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcpdw import query
from tcpdw.errors import MissingEventsError, UsageError
from tcpdw.names import closest
from tcpdw.sql_object import SqlObject
from tcpdw.warehouse_schema import Schema, name_of, text_literal

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class RunName:
    """A run's number and name."""

    run_id: int
    name: str


def loaded_runs(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """List the runs that hold something: all but the failed ones."""
    return query.run_ids(connection, "status <> 'failed'")


def run_named(connection: duckdb.DuckDBPyConnection, name: str) -> RunName:
    """Give the run of this name, or of this number.

    Raises UsageError where there is none or several of that name.
    """
    rows = list(query.execute(connection, "SELECT run_id, name FROM runs ORDER BY run_id").rows)
    runs = [RunName(int(str(run_id)), str(text)) for run_id, text in rows]
    found = [run for run in runs if run.name == name]
    if not found and name.isascii() and name.isdigit():
        found = [run for run in runs if run.run_id == int(name)]
    if not found:
        near = closest(name, {run.name for run in runs})
        raise UsageError(
            f"there is no run {name!r}",
            hint=f"did you mean {near[0]}?" if near else "`tcpdw runs` lists them",
        )
    if len(found) > 1:
        numbers = ", ".join(str(run.run_id) for run in found)
        raise UsageError(
            f"{len(found)} runs have the name {name!r}", hint=f"give a run_id: {numbers}"
        )
    return found[0]


def run_words(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """Give the word that names each run on a command line.

    It is the run's name; its number where the name is odd, or another run has it too.
    """
    rows = query.execute(
        connection, "SELECT run_id, name, COUNT(*) OVER (PARTITION BY name) FROM runs"
    ).rows
    return {
        int(str(run_id)): str(name) if same == 1 and _is_plain(str(name)) else str(run_id)
        for run_id, name, same in rows
    }


def _is_plain(name: str) -> bool:
    return 0 < len(name) <= 64 and shlex.quote(name) == name and not name.startswith("-")


def classes_of_runs(
    connection: duckdb.DuckDBPyConnection, metrics: Sequence[SqlObject]
) -> dict[int, set[str]]:
    """Give, by run, the classes that `metrics` need and of which the run has an event.

    A class may be a pattern such as `syscall_entry_*`; it stands for any class like it.
    """
    tables = [table for table in Schema(connection).tables() if table.startswith("event.")]
    names = {name for metric in metrics for group in metric.requires for name in group}
    parts = [
        f"SELECT DISTINCT run_id, {text_literal(name)} FROM {name_of(table)}"
        for name in sorted(names)
        for table in fnmatch.filter(tables, f"event.{name}")
    ]
    found: dict[int, set[str]] = {}
    if parts:
        for run_id, name in query.execute(connection, " UNION ALL ".join(parts)).rows:
            found.setdefault(int(str(run_id)), set()).add(str(name))
    return found


def missing(metric: SqlObject, classes: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Give the groups of classes that the metric needs one of, and of which `classes` has none."""
    return tuple(group for group in metric.requires if not any(name in classes for name in group))


def supporting(
    metrics: Sequence[SqlObject], classes: Mapping[int, Collection[str]]
) -> dict[str, list[int]]:
    """Give, by metric, the runs that can support it."""
    return {
        metric.name: sorted(run for run, names in classes.items() if not missing(metric, names))
        for metric in metrics
    }


def require(connection: duckdb.DuckDBPyConnection, metric: SqlObject, run: RunName) -> None:
    """Raise MissingEventsError, with the closest events there are, where a run lacks some."""
    classes = classes_of_runs(connection, [metric]).get(run.run_id, set())
    if lacks := missing(metric, classes):
        raise missing_events(connection, metric.name, f"run {run.name}", [run.run_id], lacks)


def missing_events(
    connection: duckdb.DuckDBPyConnection,
    metric: str,
    whose: str,
    runs: Sequence[int],
    lacks: Sequence[Sequence[str]],
) -> MissingEventsError:
    """Make the error that names the missing events and, for each, the closest ones in `runs`."""
    rows = query.execute(
        connection,
        "SELECT DISTINCT name FROM events WHERE run_id IN (SELECT UNNEST(?))",
        [list(runs)],
    ).rows
    there = sorted(str(row[0]) for row in rows)
    near = dict.fromkeys(name for group in lacks for want in group for name in closest(want, there))
    if near:
        hint = "the closest there are: " + ", ".join(near)
    elif there:
        hint = "nothing there is like them: record them with `lttng enable-event --kernel`"
    else:
        hint = "no kernel event was loaded at all"
    names = ", ".join(" or ".join(group) for group in lacks)
    return MissingEventsError(f"{whose} lacks events that {metric} needs: {names}", hint=hint)
