"""What there is in a warehouse: its runs, and its tables and views with their documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tcpdw import catalog, query, sql_object
from tcpdw.errors import UsageError
from tcpdw.names import closest
from tcpdw.output import Result

if TYPE_CHECKING:
    import duckdb

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_OBJECTS = (
    "SELECT CASE schema_name WHEN 'event' THEN 'event.' ELSE '' END || name AS name, kind, comment "
    "FROM (SELECT schema_name, table_name AS name, 'table' AS kind, comment FROM duckdb_tables() "
    "WHERE NOT internal AND NOT temporary UNION ALL "
    "SELECT schema_name, view_name, CASE schema_name WHEN 'event' THEN 'table' ELSE 'view' END, "
    "comment FROM duckdb_views() "
    "WHERE NOT internal AND NOT temporary) AS objects "
    "WHERE schema_name IN ('main', 'event')"
)


@dataclass(frozen=True, slots=True)
class Documented:
    """A table, view or metric (a view too) and its columns: name, type, meaning."""

    name: str
    kind: str
    doc: str | None
    columns: tuple[tuple[str, str, str | None], ...] = ()


def runs(
    connection: duckdb.DuckDBPyConnection, run_ids: Sequence[int], *, for_people: bool
) -> Result:
    """List runs by start; `started` is ns since the Unix epoch, for people the time in UTC."""
    result = query.execute(
        connection,
        "SELECT name, machine, role, experiment, repetition, kernel, cpus, driver, "
        "started_at AS started, events, packets, events_discarded AS discarded, status "
        "FROM runs WHERE run_id IN (SELECT UNNEST(?)) ORDER BY started_at NULLS LAST, name",
        [list(run_ids)],
    )
    if not for_people:
        return result
    at = result.columns.index("started")
    rows = [(*row[:at], utc(row[at]), *row[at + 1 :]) for row in result.rows]
    return Result(result.columns, rows)


def utc(ts: object) -> str | None:
    """Write a time (ns since the Unix epoch) in UTC, to the second; None stays None."""
    if not isinstance(ts, int):
        return None
    try:
        return (_EPOCH + timedelta(seconds=ts // 10**9)).strftime("%Y-%m-%d %H:%M:%S")
    except OverflowError:
        return str(ts)


def objects(connection: duckdb.DuckDBPyConnection) -> list[Documented]:
    """List the tables and views: tables first, then views, then metrics, by name."""
    order = ("table", "view", "metric")
    metrics = {metric.name for metric in catalog.load().metrics}
    found = [
        Documented(
            str(name),
            "metric" if str(name) in metrics else str(kind),
            None if comment is None else str(comment),
        )
        for name, kind, comment in query.execute(connection, _OBJECTS).rows
    ]
    return sorted(found, key=lambda item: (order.index(item.kind), item.name))


def described(connection: duckdb.DuckDBPyConnection, name: str) -> Documented:
    """Give a table or view with its columns; an event class also by its bare name.

    Raises UsageError, naming the closest, where there is none.
    """
    known = {item.name.lower(): item for item in objects(connection)}
    item = known.get(name.lower()) or known.get(f"event.{name.lower()}")
    if item is None:
        near = closest(name, known) or closest(f"event.{name}", known)
        raise UsageError(
            f"there is no table or view {name!r}",
            hint=f"did you mean {known[near[0]].name}?" if near else "`tcpdw tables` lists them",
        )
    is_event = item.name.startswith("event.")
    schema, bare = item.name.split(".", 1) if is_event else ("main", item.name)
    rows = query.execute(
        connection,
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE schema_name = ? AND table_name = ? ORDER BY column_index",
        [schema, bare],
    ).rows
    columns = tuple(
        (str(column), str(kind), _comment(item, str(column), comment))
        for column, kind, comment in rows
    )
    doc = item.doc
    if doc is None and is_event:
        doc = f"The events of the class {bare}, with their own fields."
    return Documented(item.name, item.kind, doc, columns)


def _comment(item: Documented, column: str, comment: object) -> str | None:
    if comment is not None:
        return str(comment)
    return sql_object.EVENT_COLUMNS.get(column) if item.name.startswith("event.") else None


def one_line(metric: sql_object.SqlObject) -> str:
    """Give what a metric measures, without how: its first sentence up to the colon."""
    return first_sentence(metric.doc).partition(": ")[0].rstrip(".") + "."


def first_sentence(text: str | None) -> str:
    """Give a documentation's first sentence."""
    if text is None:
        return ""
    head, dot, _ = text.partition(". ")
    return head + "." if dot else text
