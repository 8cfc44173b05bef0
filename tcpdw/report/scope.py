"""Which runs a report compares: a fair choice where none is given, and what stays outside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tcpdw import availability, query, summary
from tcpdw.report.wording import count
from tcpdw.warehouse_schema import quoted

if TYPE_CHECKING:
    import duckdb

DEFAULT_BY = "machine"

_RANGE = re.compile(r"\d*-?\d*")
_ROLES = ("server", "client")


@dataclass(frozen=True, slots=True)
class Panel:
    """Runs that are compared with each other alone: those of one role.

    `label` is None where roles are not kept apart.
    """

    label: str | None
    run_ids: tuple[int, ...]

    @property
    def condition(self) -> str:
        """Give the panel's runs as an SQL condition on `runs`."""
        return f"run_id IN ({', '.join(map(str, self.run_ids))})"


@dataclass(frozen=True, slots=True)
class Scope:
    """The runs of a report: `panels` hold those that are in.

    `by`: the columns of the groups; `choice`: a sentence on how the runs were chosen; `outside`:
    why runs are not in, and how many.
    """

    by: tuple[str, ...]
    panels: tuple[Panel, ...]
    choice: str
    outside: tuple[tuple[str, int], ...]

    @property
    def run_ids(self) -> list[int]:
        """Give all runs that are in."""
        return sorted(run for panel in self.panels for run in panel.run_ids)


def choose(
    connection: duckdb.DuckDBPyConnection, by: Sequence[str] = (), runs: str | None = None
) -> Scope:
    """Choose the runs to compare by columns of `runs`, or ranges of one (`tcpdw.compare.By`).

    Where no condition `runs` is given, they are those of the experiment that most groups share:
    groups of different experiments would differ by these. Roles are kept apart, unless they are
    what is compared. Raises UsageError where a column does not exist.
    """
    texts = tuple(by) or (DEFAULT_BY,)
    names = _columns(connection, texts)
    rows = _rows(connection, names)
    loaded = set(availability.loaded_runs(connection))
    outside: dict[str, int] = {}
    failed = len(rows) - len(loaded)
    if failed:
        outside["could not be read"] = failed
    chosen = {run: row for run, row in rows.items() if run in loaded}
    choice = ""
    if runs is not None:
        kept = set(query.run_ids(connection, runs))
        _leave_out(outside, f"are not those with {runs}", chosen, kept)
        choice = f"the runs with {runs}"
    elif "experiment" not in names and chosen:
        experiment, groups = _shared(chosen)
        kept = {run for run, row in chosen.items() if row.experiment == experiment}
        total = len({row.group for row in chosen.values()})
        alone = len({row.experiment for row in chosen.values()}) == 1
        called = "without a named experiment" if experiment is None else f"of {experiment}"
        if not alone:
            choice = (
                f"the runs {called}, the experiment that most groups share "
                f"({groups} of {total}): across experiments a comparison would not be fair"
            )
            _leave_out(outside, "are of another experiment", chosen, kept)
    return Scope(texts, _panels(chosen, names), choice, tuple(outside.items()))


@dataclass(frozen=True, slots=True)
class _Row:
    role: str | None
    experiment: str | None
    group: tuple[object, ...]


def _columns(connection: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> tuple[str, ...]:
    """Give the columns that `texts` name, without the ranges."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    return summary.by_columns(
        connection, [part.partition(":")[0] for part in parts if not _RANGE.fullmatch(part)]
    )


def _rows(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> dict[int, _Row]:
    listed = "".join(f", {quoted(name)}" for name in names)
    found: dict[int, _Row] = {}
    for run, role, experiment, *group in query.execute(
        connection, f"SELECT run_id, role, experiment{listed} FROM runs ORDER BY run_id"
    ).rows:
        texts = [None if value is None else str(value) for value in (role, experiment)]
        found[int(str(run))] = _Row(texts[0], texts[1], tuple(group))
    return found


def _leave_out(outside: dict[str, int], why: str, chosen: dict[int, _Row], kept: set[int]) -> None:
    left = [run for run in chosen if run not in kept]
    if left:
        outside[why] = len(left)
    for run in left:
        del chosen[run]


def _shared(chosen: Mapping[int, _Row]) -> tuple[str | None, int]:
    """Give the experiment that most groups have, of these the one of most runs; and how many."""
    groups: dict[str | None, set[tuple[object, ...]]] = {}
    runs: dict[str | None, int] = {}
    for row in chosen.values():
        groups.setdefault(row.experiment, set()).add(row.group)
        runs[row.experiment] = runs.get(row.experiment, 0) + 1
    best = min(groups, key=lambda one: (-len(groups[one]), -runs[one], one is None, one or ""))
    return best, len(groups[best])


def _panels(chosen: Mapping[int, _Row], names: Sequence[str]) -> tuple[Panel, ...]:
    if not chosen:
        return ()
    if "role" in names:
        return (Panel(None, tuple(chosen)),)
    by_role: dict[str | None, list[int]] = {}
    for run, row in chosen.items():
        by_role.setdefault(row.role, []).append(run)
    order = sorted(
        by_role,
        key=lambda role: (
            role is None,
            _ROLES.index(role) if role in _ROLES else len(_ROLES),
            role or "",
        ),
    )
    return tuple(Panel(role or "without a role", tuple(by_role[role])) for role in order)


def told(scope: Scope, every: int) -> str:
    """Say in a sentence which runs are in, and which are not."""
    inside = len(scope.run_ids)
    if not scope.panels:
        return "No run is in this report."
    parts = [f"{inside:,} of {count(every, 'run')} compared by {', '.join(scope.by)}"]
    if inside == every:
        parts = [f"All {count(every, 'run')}, compared by {', '.join(scope.by)}"]
    if scope.choice:
        parts.append(scope.choice)
    if len(scope.panels) > 1:
        roles = (f"{len(panel.run_ids):,} {panel.label}" for panel in scope.panels)
        parts.append(f"roles kept apart ({', '.join(roles)})")
    return "; ".join(parts) + "."
