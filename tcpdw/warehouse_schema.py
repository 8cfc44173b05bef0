"""What the warehouse's tables look like now, and how they grow when a kernel brings new fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def quoted(name: str) -> str:
    """Quote a column's or table's name, whose schema may stand before a dot: `event.x`.

    Names of event classes come from traces: they may hold any character.
    """
    return name_of(name) if name.startswith("event.") else _quote(name)


def name_of(table: str) -> str:
    """Quote a table's name, its schema apart."""
    if table.startswith("event."):
        return f"event.{_quote(table.removeprefix('event.'))}"
    return _quote(table)


def text_literal(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Schema:
    """The tables of a database with their columns and types, kept up to date as they grow."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._tables: dict[str, dict[str, str]] = {}
        self._spelled: dict[str, str] = {}
        rows = connection.execute(
            "SELECT c.schema_name, c.table_name, c.column_name, c.data_type "
            "FROM duckdb_columns() AS c SEMI JOIN duckdb_tables() AS t USING (table_oid) "
            "WHERE NOT c.internal AND c.schema_name IN ('main', 'event')"
        ).fetchall()
        for schema, table, column, kind in rows:
            name = f"event.{table}" if schema == "event" else table
            self._spelled.setdefault(name.lower(), name)
            self._tables.setdefault(name.lower(), {})[column.lower()] = kind

    def tables(self) -> list[str]:
        """List the tables, event classes as `event.<class>`."""
        return [self._spelled[key] for key in self._tables]

    def has(self, table: str) -> bool:
        """Tell whether the table is there."""
        return table.lower() in self._tables

    def has_column(self, table: str, column: str) -> bool:
        """Tell whether the table has the column."""
        return column.lower() in self._tables.get(table.lower(), {})

    def fit(self, table: str, incoming: str) -> None:
        """Make the table hold what the relation `incoming` has: new columns, wider types.

        A class that is new becomes a table. A column whose types nothing numeric or nested holds
        both becomes VARCHAR.
        """
        execute = self._connection.execute
        new = {
            str(name): str(kind)
            for name, kind, *_ in execute(f"DESCRIBE SELECT * FROM {incoming}").fetchall()
        }
        key = table.lower()
        if key not in self._tables:
            columns = ", ".join(f"{_quote(name)} {kind}" for name, kind in new.items())
            execute(f"CREATE TABLE {name_of(table)} ({columns})")
            self._tables[key] = {name.lower(): kind for name, kind in new.items()}
            self._spelled[key] = table
            return
        known = self._tables[key]
        for name, kind in new.items():
            old = known.get(name.lower())
            if old is None:
                execute(f"ALTER TABLE {name_of(table)} ADD COLUMN {_quote(name)} {kind}")
                known[name.lower()] = kind
            elif old != kind:
                wide = self._wider(old, kind)
                if wide != old:
                    execute(f"ALTER TABLE {name_of(table)} ALTER COLUMN {_quote(name)} TYPE {wide}")
                    known[name.lower()] = wide

    def _wider(self, old: str, new: str) -> str:
        import duckdb

        if _shape(old) != _shape(new):
            return "VARCHAR"
        # On a connection of its own: an error would end the transaction under way.
        probe = self._connection.cursor()
        try:
            [(wide,), _] = probe.execute(
                f"SELECT typeof(x) FROM (SELECT NULL::{old} AS x UNION ALL SELECT NULL::{new}) AS t"
            ).fetchall()
            # What a union takes, a cast of stored values may refuse.
            self._connection.execute(
                f"SELECT CAST(NULL::{old} AS {wide}), CAST(NULL::{new} AS {wide})"
            )
        except duckdb.Error:
            return "VARCHAR"
        finally:
            probe.close()
        return str(wide)


def _shape(kind: str) -> str:
    """Tell lists, structures and plain values apart, inside one another too."""
    if kind.endswith("]"):
        return _shape(kind[: kind.rindex("[")]) + "[]"
    return "struct" if kind.startswith(("STRUCT", "MAP")) else "plain"
