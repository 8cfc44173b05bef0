"""Which runs are compared: groups by columns of `runs`, by ranges, or by two SQL conditions."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tcpdw import availability, query, summary
from tcpdw.errors import UsageError
from tcpdw.names import closest
from tcpdw.warehouse_schema import quoted

if TYPE_CHECKING:
    import duckdb

_RANGE = re.compile(r"(\d*)-(\d*)|(\d+)")


@dataclass(frozen=True, slots=True)
class By:
    """Groups by columns of `runs`, as `machine,kernel`, or by ranges, as `repetition:1-4,5-8`.

    A range includes both its ends and may lack either; `base` is the base group's label, the first
    group's where it is None.
    """

    columns: tuple[str, ...]
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """Two groups, each given as an SQL condition on the columns of `runs`.

    `labels`: what to call them, base first; the conditions themselves where it is None.
    """

    base: str
    new: str
    labels: tuple[str, str] | None = None


Grouping = By | Between


@dataclass(frozen=True, slots=True)
class Members:
    """One group: its label, its values in the order of the columns, and its runs in order."""

    label: str
    by: tuple[object, ...]
    run_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups, the base first; `by`: the columns; `outside`: how many runs lie in no range."""

    by: tuple[str, ...]
    members: tuple[Members, ...]
    outside: int = 0


@dataclass(frozen=True, slots=True)
class _Key:
    column: str
    ranges: tuple[tuple[int | None, int | None], ...] = ()


def groups(
    connection: duckdb.DuckDBPyConnection,
    grouping: Grouping,
    runs: str | None,
    *,
    alone: bool = False,
) -> Groups:
    """Form the groups of those runs for which the condition `runs` holds, the base first.

    With `alone` one group will do. Raises UsageError where a column or the base does not exist, a
    group is empty, there is but one, or a run would be in two; WarehouseError where DuckDB refuses
    a condition.
    """
    there = set(availability.loaded_runs(connection))
    chosen = [run for run in query.run_ids(connection, runs) if run in there]
    if not chosen:
        what = "there is no run" if runs is None else f"no run has {runs}"
        raise UsageError(what, hint="`tcpdw runs` lists them")
    if isinstance(grouping, Between):
        return _between(connection, grouping, chosen)
    return _by(connection, grouping, chosen, alone=alone)


def _between(
    connection: duckdb.DuckDBPyConnection, grouping: Between, chosen: Sequence[int]
) -> Groups:
    among = set(chosen)
    sides: list[Members] = []
    labels = grouping.labels or (grouping.base, grouping.new)
    both_sides = (("--base", grouping.base), ("--new", grouping.new))
    for (name, condition), label in zip(both_sides, labels, strict=True):
        found = [run for run in query.run_ids(connection, condition) if run in among]
        if not found:
            raise UsageError(
                f"no run has {name} {condition}", hint="`tcpdw runs` lists them with their columns"
            )
        sides.append(Members(label, (condition,), tuple(found)))
    both = set(sides[0].run_ids) & set(sides[1].run_ids)
    if both:
        raise UsageError(
            f"{len(both)} {'run has' if len(both) == 1 else 'runs have'} both --base "
            f"{grouping.base} and --new {grouping.new}",
            hint="a run can stand on one side alone: make the conditions exclude each other",
        )
    return Groups((), tuple(sides))


def _by(
    connection: duckdb.DuckDBPyConnection, grouping: By, chosen: Sequence[int], *, alone: bool
) -> Groups:
    keys = _keys(connection, grouping.columns)
    names = ", ".join(quoted(key.column) for key in keys)
    rows = query.execute(
        connection,
        f"SELECT run_id, {names} FROM runs WHERE run_id IN (SELECT UNNEST(?)) ORDER BY run_id",
        [list(chosen)],
    ).rows
    outside = 0
    found: dict[tuple[object, ...], list[int]] = {}
    for run_id, *values in rows:
        by = tuple(_value(key, value) for key, value in zip(keys, values, strict=True))
        if any(value is _OUTSIDE for value in by):
            outside += 1
        else:
            found.setdefault(by, []).append(int(str(run_id)))
    labels = _labels(found)
    members = [Members(labels[by], by, tuple(sorted(runs))) for by, runs in found.items()]
    members.sort(key=lambda group: _order(keys, group.by))
    columns = tuple(key.column for key in keys)
    if len(members) < (1 if alone else 2):
        what = f"all runs have the same {' and '.join(columns)}" if members else "no run is in one"
        if members:
            what += f": {members[0].label}"
        raise UsageError(
            f"there is nothing to compare: {what}", hint="`tcpdw summary` shows one group"
        )
    return Groups(columns, _base_first(members, grouping.base, columns), outside)


def _order(keys: Sequence[_Key], by: Sequence[object]) -> list[tuple[bool, Any]]:
    """Sort by the values, missing ones last, and by ranges in the order that was given."""
    found: list[tuple[bool, Any]] = []
    for key, value in zip(keys, by, strict=True):
        if key.ranges:
            found.append((False, [_range_name(*pair) for pair in key.ranges].index(str(value))))
        else:
            found.append((value is None, value))
    return found


def label(by: Iterable[object], *, in_quotes: bool = False) -> str:
    """Write a group's values in one: what is missing as -, with the others in quotes if asked."""
    return ", ".join(
        "-" if value is None else repr(value) if in_quotes else str(value) or "(empty)"
        for value in by
    )


def _labels(groups: Iterable[tuple[object, ...]]) -> dict[tuple[object, ...], str]:
    """Give each group a label of its own: a machine may be named - or hold a comma."""
    found = {by: label(by) for by in groups}
    if len(set(found.values())) < len(found):
        found = {by: label(by, in_quotes=True) for by in found}
    return found


def _base_first(
    members: list[Members], base: str | None, columns: Sequence[str]
) -> tuple[Members, ...]:
    if base is None:
        return tuple(members)
    wanted = [part.strip() for part in base.split(",")]
    found = [group for group in members if [p.strip() for p in group.label.split(",")] == wanted]
    if not found:
        labels = [group.label for group in members]
        near = closest(base, labels, 1) or labels[:3]
        raise UsageError(
            f"no group by {', '.join(columns)} is {base!r}", hint=f"there is {', '.join(near)}"
        )
    return (found[0], *(group for group in members if group is not found[0]))


def _keys(connection: duckdb.DuckDBPyConnection, texts: Sequence[str]) -> list[_Key]:
    found: list[_Key] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        name, colon, rest = part.partition(":")
        if not colon and _RANGE.fullmatch(part) and found and found[-1].ranges:
            found[-1] = _Key(found[-1].column, (*found[-1].ranges, _range(part)))
            continue
        [column] = summary.by_columns(connection, [name])
        if colon:
            _check_whole(connection, column)
            found.append(_Key(column, (_range(rest),)))
        elif column not in [key.column for key in found]:
            found.append(_Key(column))
    for key in found:
        ordered = sorted(key.ranges, key=lambda pair: (pair[0] is not None, pair[0] or 0))
        for (_, high), (low, _) in itertools.pairwise(ordered):
            if low is None or high is None or low <= high:
                raise UsageError(
                    f"two ranges of {key.column} overlap", hint="a run can be in one group alone"
                )
    return found


def _check_whole(connection: duckdb.DuckDBPyConnection, column: str) -> None:
    kinds = {str(row[0]): str(row[1]) for row in query.execute(connection, "DESCRIBE runs").rows}
    if "INT" not in kinds[column]:
        raise UsageError(
            f"{column} is no whole number to take ranges of", hint="try repetition:1-4,5-8"
        )


def _range(text: str) -> tuple[int | None, int | None]:
    match = _RANGE.fullmatch(text.strip())
    if match is None or text.strip() == "-":
        raise UsageError(f"not a range: {text!r}", hint="write one as 1-4, 5- or 8")
    if match[3]:
        return int(match[3]), int(match[3])
    low, high = (int(part) if part else None for part in (match[1], match[2]))
    if low is not None and high is not None and low > high:
        raise UsageError(f"not a range: {text!r}", hint="the lower end comes first")
    return low, high


_OUTSIDE = object()


def _range_name(low: int | None, high: int | None) -> str:
    if low == high:
        return str(low)
    return f"{'' if low is None else low}-{'' if high is None else high}"


def _value(key: _Key, value: object) -> object:
    if not key.ranges:
        return value
    if isinstance(value, int):
        for low, high in key.ranges:
            if (low is None or low <= value) and (high is None or value <= high):
                return _range_name(low, high)
    return _OUTSIDE
