"""The shapes of older warehouses: what their tables and views were, made what they are today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tcpdw.catalog import Catalog
from tcpdw.event_places import SHARED
from tcpdw.event_rows import Extent, Part, Rows, fields_of, own_table, shared_rows
from tcpdw.event_store import EventStore
from tcpdw.warehouse_schema import insert, name_of, quoted

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

GIVEN = frozenset(
    (
        *("runs", "streams", "lost_windows", "packets", "proc_tcp", "proc_fds", "proc_processes"),
        *("warehouse", "store.classes", "store.class_columns"),
        *(f"store.{name}" for name in SHARED),
    )
)
"""The tables whose rows came with the runs. All others of the catalogue are computed."""

_EMPTY = {"VARCHAR": "''", "BOOLEAN": "false"}
_WAS = "former "
# The texts that `run_warnings` (sql/steps) puts after those of the readers.
_COMPUTED_WARNINGS = (
    "run %: /proc/%/fd contradicts the events: fd %",
    "and % more, in the table fd_contradictions",
)


class Column(NamedTuple):
    """A column of a table: its type, and whether it may be NULL."""

    type: str
    may_be_null: bool


Tables = Mapping[str, Mapping[str, Column]]
"""Columns by table, with the schema before the name where it is not `main`."""


def tables_of(connection: duckdb.DuckDBPyConnection) -> Tables:
    """Give the tables of a database."""
    found: dict[str, dict[str, Column]] = {}
    for schema, table, name, kind, may_be_null in connection.execute(
        "SELECT c.schema_name, c.table_name, c.column_name, c.data_type, c.is_nullable "
        "FROM duckdb_columns() AS c INNER JOIN duckdb_tables() AS t USING (table_oid) "
        "WHERE NOT t.internal AND NOT t.temporary ORDER BY c.table_oid, c.column_index"
    ).fetchall():
        whole = table if schema == "main" else f"{schema}.{table}"
        found.setdefault(whole, {})[name] = Column(kind, may_be_null)
    return found


def tables_today(known: Catalog) -> Tables:
    """Give the tables of the catalogue, but for event classes."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA store")
        for item in known.tables:
            if not item.name.startswith("event."):
                connection.execute(item.statement)
        return tables_of(connection)


def drop_views(connection: duckdb.DuckDBPyConnection, known: Catalog) -> None:
    """Drop the views and macros that a tcpdw made: those with its comments, and all macros.

    The same for the tables that no tcpdw has any more. What a user added stays, but for macros,
    which have no comments that would tell.
    """
    views = connection.execute(
        "SELECT schema_name, view_name, comment IS NOT NULL FROM duckdb_views() WHERE NOT internal"
    ).fetchall()
    statements = [
        f"DROP VIEW {name_of(_whole(schema, name))}"
        for schema, name, has_comment in views
        if has_comment or schema in ("event", "store") or name in known.by_name
    ]
    macros = connection.execute(
        "SELECT DISTINCT function_name, function_type FROM duckdb_functions() "
        "WHERE NOT internal AND schema_name = 'main' AND function_type LIKE '%macro'"
    ).fetchall()
    statements += [
        f"DROP MACRO {'TABLE ' if kind == 'table_macro' else ''}{quoted(name)}"
        for name, kind in macros
    ]
    tables = connection.execute(
        "SELECT schema_name, table_name, comment IS NOT NULL FROM duckdb_tables() "
        "WHERE NOT internal AND schema_name <> 'event'"
    ).fetchall()
    today = {item.name for item in known.tables}
    statements += [
        f"DROP TABLE {name_of(whole)}"
        for whole, has_comment in ((_whole(schema, name), told) for schema, name, told in tables)
        if whole not in today and (has_comment or whole in known.by_name)
    ]
    connection.execute(";".join(statements))


def _whole(schema: str, name: str) -> str:
    return name if schema == "main" else f"{schema}.{name}"


def set_aside(connection: duckdb.DuckDBPyConnection, known: Catalog) -> Sequence[str]:
    """Make way for today's tables: the computed go, the given of another shape get other names.

    Gives those, by the names that they had; so do all tables of event classes.
    """
    today = tables_today(known)
    former: list[str] = []
    for table, columns in tables_of(connection).items():
        is_event = table.startswith("event.")
        if not is_event and table not in today:
            continue
        if not is_event and table not in GIVEN:
            connection.execute(f"DROP TABLE {name_of(table)}")
        elif is_event or dict(columns) != dict(today[table]):
            plain = table.rpartition(".")[2] if not is_event else table.removeprefix("event.")
            connection.execute(f"ALTER TABLE {name_of(table)} RENAME TO {quoted(_WAS + plain)}")
            former.append(table)
    return former


def former_name(table: str) -> str:
    """Give the quoted name that `set_aside` gave a table."""
    schema, dot, plain = table.partition(".")
    return f"{schema}.{quoted(_WAS + plain)}" if dot else quoted(_WAS + table)


def refill(connection: duckdb.DuckDBPyConnection, known: Catalog, table: str) -> None:
    """Put the rows of a given table into today's, column by column; then the former one goes.

    What it did not have is NULL, or empty where it may not be.
    """
    before = {name.lower() for name in tables_of(connection)[_bare(table)]}
    values: dict[str, str] = {}
    for name, column in tables_today(known)[table].items():
        if name.lower() in before:
            values[quoted(name)] = f"CAST({quoted(name)} AS {column.type})"
        elif not column.may_be_null:
            empty = "[]" if column.type.endswith("[]") else _EMPTY.get(column.type, "0")
            values[quoted(name)] = empty
    connection.execute(
        f"INSERT INTO {name_of(table)} ({', '.join(values)}) "
        f"SELECT {', '.join(values.values())} FROM {former_name(table)} ORDER BY rowid; "
        f"DROP TABLE {former_name(table)}"
    )


def _bare(table: str) -> str:
    schema, dot, plain = table.partition(".")
    return f"{schema}.{_WAS}{plain}" if dot else _WAS + table


def take_in_events(
    connection: duckdb.DuckDBPyConnection,
    store: EventStore,
    classes: Sequence[str],
    batches: Sequence[tuple[int, int]],
) -> None:
    """Put the rows of tables that each held an event class where they belong today."""
    for first, last in batches:
        extents = {number: Extent() for number in range(first, last + 1)}
        every: list[Rows] = []
        for table in classes:
            rows = connection.sql(
                f"SELECT * FROM {former_name(table)} WHERE run_id BETWEEN {first} AND {last} "
                "ORDER BY run_id, ts"
            ).to_arrow_table()
            if rows.num_rows:
                name = table.removeprefix("event.")
                parts = _by_run(name, rows)
                fields = fields_of(name, parts[0][1][name].schema)
                every.append(Rows(store.place(name, fields), parts))
        store.settle()
        every.sort(key=lambda rows: rows.place.code)
        for relation, incoming in shared_rows(every, extents):
            insert(connection, f"store.{relation}", incoming)
        for rows in every:
            if rows.place.is_own:
                insert(connection, f"store.{rows.place.relation}", own_table(rows, extents))
    connection.execute(";".join(f"DROP TABLE {former_name(table)}" for table in classes))


def _by_run(name: str, rows: pa.Table) -> list[Part]:
    import numpy as np

    runs = rows["run_id"].to_numpy()
    rows = rows.drop_columns(["run_id"])
    edges = [0, *(np.flatnonzero(np.diff(runs)) + 1).tolist(), len(runs)]
    return [
        (int(runs[start]), {name: rows.slice(start, end - start)}, name)
        for start, end in pairwise(edges)
    ]


def forget_computed(connection: duckdb.DuckDBPyConnection, known: Catalog) -> None:
    """Take back what was computed into given tables, and infer what older tcpdws did not note.

    That is the resolution of a capture's times: the coarsest of ms, us and ns that all of a run's
    have.
    """
    kept = " AND ".join(f"text NOT LIKE '{text}'" for text in _COMPUTED_WARNINGS)
    connection.execute(
        f"UPDATE runs SET warnings = LIST_FILTER(warnings, LAMBDA text: {kept}) "
        "WHERE LEN(warnings) > 0; "
        "UPDATE runs SET capture_resolution = found.step FROM ("
        "SELECT run_id, CASE WHEN BOOL_AND(ts % 1000000 = 0) THEN 1000000 "
        "WHEN BOOL_AND(ts % 1000 = 0) THEN 1000 ELSE 1 END AS step FROM packets GROUP BY run_id"
        ") AS found WHERE runs.run_id = found.run_id AND runs.capture_resolution IS NULL"
    )
    for step in known.steps:
        table, _, columns = step.keys.get("completes", "").partition(".")
        if table in GIVEN and columns != "warnings":
            values = ", ".join(f"{column} = NULL" for column in columns.split(", "))
            connection.execute(f"UPDATE {table} SET {values}")
