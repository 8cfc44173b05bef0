"""Where the rows of each event class lie, and the views `event.<class>` that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tcpdw.event_places import BASE, SHARED, Column, Field, Place, kind_of, settled, value_of
from tcpdw.warehouse_schema import insert, name_of, quoted, text_literal, wider

if TYPE_CHECKING:
    import duckdb


@dataclass(slots=True)
class _View:
    name: str
    places: list[Place] = field(default_factory=list[Place])


class EventStore:
    """The places of all event classes of a warehouse, kept up to date as classes come."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._views: dict[str, _View] = {}
        self._places: list[Place] = []
        self._changed: dict[int, Place] = {}
        for code, name, relation in connection.execute(
            "SELECT code, name, relation FROM store.classes ORDER BY code"
        ).fetchall():
            place = self._new(name, code)
            place.relation, place.is_declared = relation, not relation
        places = {place.code: place for place in self._places}
        for code, name, kind, slot in connection.execute(
            "SELECT code, name, type, slot FROM store.class_columns ORDER BY code, position"
        ).fetchall():
            place = places[code]
            column = Column(name, kind, kind_of(place.name, name, kind), slot)
            place.columns[name.lower()] = column

    def relations(self) -> list[str]:
        """List the tables that hold rows, as `store.<name>`."""
        own = (place.relation for place in self._places if place.is_own)
        return [f"store.{name}" for name in (*SHARED, *own)]

    def declare(self, classes: Iterable[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        """Give documented classes that are not there yet a view with these columns and types."""
        for name, columns in classes:
            if any(place.is_declared for place in self._places_of(name)):
                continue
            place = self._new(name)
            place.is_declared = True
            self._changed[place.code] = place
            for column, kind in columns:
                if column not in BASE:
                    place.columns[column.lower()] = Column(
                        column, kind, kind_of(name, column, kind)
                    )
        self.settle()

    def place(self, name: str, fields: Sequence[Field]) -> Place:
        """Give the place for rows of a class with these fields; `settle` comes before its use."""
        for place in self._places_of(name):
            if place.name == name and place.takes(fields):
                break
        else:
            place = self._new(name)
        if place.add(fields, self._connection):
            self._changed[place.code] = place
        return place

    def settle(self) -> None:
        """Make the tables, columns and views that `place` and `declare` ask for."""
        if not self._changed:
            return
        statements: list[str] = []
        for place in self._changed.values():
            statements += settled(place)
        self._store_changed()
        views = {
            place.name.lower(): self._views[place.name.lower()] for place in self._changed.values()
        }
        comments = self._comments()
        for view in views.values():
            statements.append(_view_statement(view, self._connection))
            statements += comments.get(view.name, ())
        self._changed = {}
        self._connection.execute(";".join([*statements, self.all_rows()]))

    def remake(self) -> None:
        """Make the view of every class anew."""
        self._changed = {place.code: place for place in self._places}
        self.settle()

    def all_rows(self) -> str:
        """Write the statement that makes `store.all_rows` show every table."""
        arms = (
            f"SELECT run_id, code, ts, cpu_id, ctx_tid AS tid, ret FROM {relation}"
            for relation in self.relations()
        )
        return f"CREATE OR REPLACE VIEW store.all_rows AS {' UNION ALL '.join(arms)}"

    def _places_of(self, name: str) -> Sequence[Place]:
        view = self._views.get(name.lower())
        return view.places if view else ()

    def _new(self, name: str, code: int | None = None) -> Place:
        if code is None:
            code = self._places[-1].code + 1 if self._places else 1
        place = Place(code, name)
        self._places.append(place)
        self._views.setdefault(name.lower(), _View(name)).places.append(place)
        return place

    def _store_changed(self) -> None:
        import pyarrow as pa

        places = list(self._changed.values())
        codes = ", ".join(str(place.code) for place in places)
        for table in ("classes", "class_columns"):
            self._connection.execute(f"DELETE FROM store.{table} WHERE code IN ({codes})")
        rows = pa.table(
            {
                "code": [place.code for place in places],
                "name": [place.name for place in places],
                "relation": [place.relation for place in places],
            }
        )
        insert(self._connection, "store.classes", rows)
        columns = [
            (place.code, position, column.name, column.type, column.slot)
            for place in places
            for position, column in enumerate(place.columns.values())
        ]
        names = ("code", "position", "name", "type", "slot")
        if columns:
            rows = pa.table(dict(zip(names, zip(*columns, strict=True), strict=True)))
            insert(self._connection, "store.class_columns", rows)

    def _comments(self) -> Mapping[str, list[str]]:
        """Give the statements that put comments back on views that are made anew."""
        found: dict[str, list[str]] = {}
        for view, comment in self._connection.execute(
            "SELECT view_name, comment FROM duckdb_views() "
            "WHERE schema_name = 'event' AND comment IS NOT NULL"
        ).fetchall():
            found[view] = [f"COMMENT ON VIEW {name_of(f'event.{view}')} IS {text_literal(comment)}"]
        for view, column, comment in self._connection.execute(
            "SELECT table_name, column_name, comment FROM duckdb_columns() "
            "WHERE schema_name = 'event' AND comment IS NOT NULL"
        ).fetchall():
            # As a warehouse is brought up to date, tables lie there too.
            if view in found:
                found[view].append(
                    f"COMMENT ON COLUMN {name_of(f'event.{view}')}.{quoted(column)} "
                    f"IS {text_literal(comment)}"
                )
        return found


def _view_statement(view: _View, connection: duckdb.DuckDBPyConnection) -> str:
    types: dict[str, str] = {}
    names: dict[str, str] = {}
    # What is documented comes first, also where it is documented since a newer version.
    for place in sorted(view.places, key=lambda place: not place.is_declared):
        for key, column in place.columns.items():
            names.setdefault(key, column.name)
            known = types.setdefault(key, column.type)
            if known != column.type:
                types[key] = wider(connection, known, column.type)
    arms: list[str] = []
    for place in view.places:
        if not place.relation:
            continue
        expressions = list(BASE)
        for key, kind in types.items():
            value = value_of(place, place.columns.get(key), kind)
            expressions.append(f"{value} AS {quoted(names[key])}")
        condition = "" if place.is_own else f" WHERE code = {place.code}"
        arms.append(f"SELECT {', '.join(expressions)} FROM store.{place.relation}{condition}")
    if not arms:
        nothing = [
            f"NULL::{kind} AS {quoted(name)}"
            for name, kind in (
                *BASE.items(),
                *((names[key], kind) for key, kind in types.items()),
            )
        ]
        arms.append(f"SELECT {', '.join(nothing)} WHERE false")
    return f"CREATE OR REPLACE VIEW {name_of(f'event.{view.name}')} AS {' UNION ALL '.join(arms)}"
