"""The shapes in which the rows of event classes lie in tables.

A table costs a block of the file and a statement a batch, and a run has some 180 classes, most with
a handful of rows. So classes share three tables, by how many fields they have, each field in a slot
of its kind; a class with lists or structures has a table of its own. A place is one shape of a
class (names and kinds of its fields) in one table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tcpdw.warehouse_schema import wider

if TYPE_CHECKING:
    import duckdb

SHARED: Mapping[str, Mapping[str, int]] = {
    "narrow": {"i": 3, "u": 0, "s": 1},
    "middle": {"i": 4, "u": 2, "s": 2},
    "wide": {"i": 9, "u": 4, "s": 4},
}
"""How many slots of each kind the shared tables have (`sql/tables/store.sql`), narrowest first."""

NATIVE: Mapping[str, str] = {"i": "BIGINT", "u": "UBIGINT", "s": "VARCHAR", "ret": "BIGINT"}
"""The types of the slots of shared tables, by kind."""

BASE: Mapping[str, str] = {
    "run_id": "INTEGER",
    "ts": "BIGINT",
    "cpu_id": "INTEGER",
    "ctx_tid": "INTEGER",
}
"""The columns with which every event class starts, and their types."""

_SLOTS = {"pid": "i"}
_FIRST = "run_id INTEGER, code UINTEGER, ts BIGINT, cpu_id INTEGER, ctx_tid INTEGER, ret BIGINT"
_SMALL = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"}
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event class: its name, its type, and its kind, which `kind_of` gives."""

    name: str
    type: str
    kind: str


def kind_of(event: str, column: str, type_: str) -> str:
    """Give the kind of a column of an event class: what slot holds it, and how.

    `i` and `u` are whole numbers (`u`: unsigned 64-bit), `s` texts, `ret` what a system call
    returned, `pid` the current process: its number less the thread's, most often 0, in a slot of
    the kind `i`. No slot holds what is of the kind "".
    """
    if type_ in _SMALL:
        if column == "ret" and "syscall_exit_" in event:
            return "ret"
        return "pid" if column == "ctx_pid" and type_ != "BIGINT" else "i"
    return {"UBIGINT": "u", "VARCHAR": "s"}.get(type_, "")


@dataclass(slots=True)
class Column:
    """A field of a place: its name, type and kind, and the table's column that holds it."""

    name: str
    type: str
    kind: str
    slot: str = ""


@dataclass(slots=True)
class Place:
    """Rows of one event class in one table of the schema `store`."""

    code: int
    name: str
    relation: str = ""
    is_declared: bool = False
    columns: dict[str, Column] = field(default_factory=dict[str, Column])

    @property
    def is_own(self) -> bool:
        """Tell whether the table is the class's own."""
        return self.relation != "" and self.relation not in SHARED

    def slots(self) -> Mapping[str, str]:
        """Give the slots of the columns, by name in lower case."""
        return {name: column.slot for name, column in self.columns.items()}

    def takes(self, fields: Sequence[Field]) -> bool:
        """Tell whether rows of these fields can lie here."""
        if self.is_declared:
            return False
        fresh: list[str] = []
        for item in fields:
            known = self.columns.get(item.name.lower())
            if known is None:
                fresh.append(item.kind)
            # A slot is as wide as its kind; a column of an own table is as it was made.
            elif known.kind != item.kind or (
                known.type != item.type and (self.is_own or not item.kind)
            ):
                return False
        if self.relation not in SHARED:
            return True
        return _fits([*(c.kind for c in self.columns.values()), *fresh], SHARED[self.relation])

    def add(self, fields: Sequence[Field], connection: duckdb.DuckDBPyConnection) -> bool:
        """Make room for the fields; tell whether anything is new."""
        is_changed = not self.relation
        for item in fields:
            known = self.columns.get(item.name.lower())
            if known is None:
                self.columns[item.name.lower()] = Column(item.name, item.type, item.kind)
                is_changed = True
            elif known.type != item.type:
                wide = wider(connection, known.type, item.type)
                is_changed = is_changed or wide != known.type
                known.type = wide
        return is_changed


def _fits(kinds: Sequence[str], room: Mapping[str, int]) -> bool:
    slots = [_SLOTS.get(kind, kind) for kind in kinds]
    return "" not in kinds and all(slots.count(kind) <= room[kind] for kind in room)


def settled(place: Place) -> list[str]:
    """Give a place its table and its columns their slots, and the statements that make them."""
    if place.is_declared:
        return []
    columns = list(place.columns.values())
    is_new = not place.relation
    if is_new:
        kinds = [column.kind for column in columns]
        fitting = (name for name, room in SHARED.items() if _fits(kinds, room))
        place.relation = next(fitting, f"class_{place.code}")
    fresh: list[str] = []
    for number, column in enumerate(columns, start=1):
        if column.slot:
            continue
        if column.kind == "ret":
            column.slot = "ret"
        elif place.is_own:
            column.slot = f"c{number}"
            fresh.append(f"{column.slot} {column.type}")
        else:
            letter = _SLOTS.get(column.kind, column.kind)
            taken = sum(c.slot[:1] == letter and c.slot != "ret" for c in columns)
            column.slot = f"{letter}{taken + 1}"
    if is_new and place.is_own:
        return [f"CREATE TABLE store.{place.relation} ({', '.join([_FIRST, *fresh])})"]
    return [f"ALTER TABLE store.{place.relation} ADD COLUMN {column}" for column in fresh]


def value_of(place: Place, column: Column | None, kind: str) -> str:
    """Write the expression that gives a place's column the type `kind`; NULL for no column."""
    if column is None:
        return f"NULL::{kind}"
    if place.is_own and column.slot != "ret":
        return column.slot if column.type == kind else f"CAST({column.slot} AS {kind})"
    if column.kind == "pid":
        return f"CAST({column.slot} + COALESCE(ctx_tid, 0) AS {kind})"
    return column.slot if NATIVE[column.kind] == kind else f"CAST({column.slot} AS {kind})"
