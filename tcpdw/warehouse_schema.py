"""Names in the warehouse, which tables and views it has, and types that hold what two hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_SCHEMAS = ("event.", "store.")
_WIDTHS = {
    "TINYINT": (8, True),
    "SMALLINT": (16, True),
    "INTEGER": (32, True),
    "BIGINT": (64, True),
    "UTINYINT": (8, False),
    "USMALLINT": (16, False),
    "UINTEGER": (32, False),
    "UBIGINT": (64, False),
}


def quoted(name: str) -> str:
    """Quote a name. Names of fields and event classes come from traces: they hold anything."""
    return '"' + name.replace('"', '""') + '"'


def name_of(table: str) -> str:
    """Quote a table's or view's name, whose schema may stand before a dot: `event.x`."""
    for schema in _SCHEMAS:
        if table.startswith(schema):
            return schema + quoted(table.removeprefix(schema))
    return quoted(table)


def text_literal(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, incoming: pa.Table | pa.RecordBatchReader
) -> None:
    """Insert Arrow rows; the statement finds them by their name here, `incoming`.

    A connection that something else stands for needs `python_scan_all_frames` for that.
    """
    columns = ", ".join(quoted(name) for name in incoming.schema.names)
    connection.execute(f"INSERT INTO {name_of(table)} ({columns}) SELECT {columns} FROM incoming")


class Schema:
    """The tables and event classes of a database with their columns."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._columns: dict[str, set[str]] = {}
        self._spelled: dict[str, str] = {}
        rows = connection.execute(
            "SELECT c.schema_name, c.table_name, c.column_name "
            "FROM duckdb_columns() AS c LEFT JOIN duckdb_tables() AS t USING (table_oid) "
            "WHERE NOT c.internal AND (c.schema_name = 'event' OR t.table_oid IS NOT NULL)"
        ).fetchall()
        for schema, table, column in rows:
            name = table if schema == "main" else f"{schema}.{table}"
            self._spelled.setdefault(name.lower(), name)
            self._columns.setdefault(name.lower(), set()).add(column.lower())

    def tables(self) -> list[str]:
        """List the tables and the event classes, those as `event.<class>`."""
        return list(self._spelled.values())

    def has(self, table: str) -> bool:
        """Tell whether the table or event class is there."""
        return table.lower() in self._columns

    def has_column(self, table: str, column: str) -> bool:
        """Tell whether it has the column."""
        return column.lower() in self._columns.get(table.lower(), ())


def wider(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> str:
    """Give a type that holds the values of both; VARCHAR where nothing numeric or nested does."""
    import duckdb

    if old == new:
        return old
    if old in _WIDTHS and new in _WIDTHS:
        return _wider_integer(old, new)
    if _shape(old) != _shape(new):
        return "VARCHAR"
    # On a connection of its own: an error would end the transaction under way.
    probe = connection.cursor()
    try:
        [(wide,), _] = probe.execute(
            f"SELECT typeof(x) FROM (SELECT NULL::{old} AS x UNION ALL SELECT NULL::{new}) AS t"
        ).fetchall()
        # What a union takes, a cast of stored values may refuse.
        probe.execute(f"SELECT CAST(NULL::{old} AS {wide}), CAST(NULL::{new} AS {wide})")
    except duckdb.Error:
        return "VARCHAR"
    finally:
        probe.close()
    return str(wide)


def _wider_integer(one: str, other: str) -> str:
    (width, signed), (other_width, other_signed) = _WIDTHS[one], _WIDTHS[other]
    if signed == other_signed:
        return one if width > other_width else other
    needed = max(width if signed else 2 * width, other_width if other_signed else 2 * other_width)
    return {16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}.get(needed, "HUGEINT")


def _shape(kind: str) -> str:
    """Tell lists, structures and plain values apart, inside one another too."""
    if kind.endswith("]"):
        return _shape(kind[: kind.rindex("[")]) + "[]"
    return "struct" if kind.startswith(("STRUCT", "MAP")) else "plain"
