"""The making of a warehouse: its tables, its event classes, its views, and the words on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tcpdw import catalog, sql_text, template
from tcpdw.event_places import Field
from tcpdw.event_store import EventStore
from tcpdw.sql_object import SqlObject
from tcpdw.warehouse_opening import BLOCK_SIZE, LAYOUT, open_file
from tcpdw.warehouse_schema import Schema, name_of, quoted, text_literal

if TYPE_CHECKING:
    import duckdb

Classes = Sequence[tuple[str, Sequence[Field]]]
"""Event classes with their fields."""

_MADE_BY = ("warehouse_making", "event_store", "event_places")


def signature() -> tuple[str, ...]:
    """Give texts that tell whether two empty warehouses are alike."""
    import duckdb

    sources = (Path(__file__).with_name(f"{name}.py").read_text("utf-8") for name in _MADE_BY)
    numbers = (f"{LAYOUT} {BLOCK_SIZE}", version(), duckdb.__version__)
    return (*numbers, catalog.load().digest, *sources)


def make(path: Path) -> None:
    """Make an empty warehouse."""
    with open_file(path, read_only=False) as connection:
        connection.begin()
        bring_up_to_date(connection, is_new=True)
        connection.commit()


def make_with(path: Path, classes: Classes) -> None:
    """Make an empty warehouse that has places and views for rows of these classes."""
    template.place(path, signature(), make)
    with open_file(path, read_only=False) as connection:
        connection.begin()
        store = EventStore(connection)
        for name, fields in classes:
            store.place(name, fields)
        store.settle()
        connection.commit()


def bring_up_to_date(
    connection: duckdb.DuckDBPyConnection, *, is_new: bool, is_remade: bool = False
) -> None:
    """Make what the catalogue has and the database has not, or has otherwise.

    With `is_remade` whatever it says of itself.
    """
    known = catalog.load()
    execute = connection.execute
    if is_new:
        execute("CREATE SCHEMA event; CREATE SCHEMA store")
    elif not is_remade:
        stored = execute("SELECT catalog_hash FROM warehouse").fetchone()
        if stored is not None and stored[0] == known.digest:
            return
    schema = Schema(connection)
    fresh = [item for item in known.tables if not schema.has(item.name)]
    classes = [item for item in fresh if item.name.startswith("event.")]
    tables = [item for item in fresh if not item.name.startswith("event.")]
    execute(";".join(item.statement for item in tables))
    store = EventStore(connection)
    store.declare(
        (item.name.removeprefix("event."), list(sql_text.table_types(item.statement)))
        for item in classes
    )
    execute(";".join([*_views(known), store.all_rows()]))

    execute(";".join(_comments([*tables, *known.views], "")))

    execute(";".join(_comments(classes, "VIEW")))
    execute(_requirements(known))
    if is_new:
        values = [LAYOUT, version(), known.rows_digest]
        execute("INSERT INTO warehouse VALUES (?, ?, '', ?, 0)", values)
    execute("UPDATE warehouse SET catalog_hash = ?", [known.digest])


def _views(known: catalog.Catalog) -> list[str]:
    return [
        item.statement.replace(f"CREATE {item.kind}", f"CREATE OR REPLACE {item.kind}", 1)
        for item in known.views
    ]


def _requirements(known: catalog.Catalog) -> str:
    rows = [
        f"({text_literal(item.keys.get('fills', item.name))}, {place}, "
        f"[{', '.join(map(text_literal, group))}])"
        for item in known.objects
        if "staged" not in item.keys
        for place, group in enumerate(item.requires, start=1)
    ]
    filled = f"INSERT INTO store.requirements VALUES {', '.join(rows)}" if rows else ""
    return f"DELETE FROM store.requirements; {filled}"


def _comments(items: Iterable[SqlObject], kind: str) -> list[str]:
    statements: list[str] = []
    for item in items:
        if item.kind != "MACRO":
            name = name_of(item.name)
            statements.append(f"COMMENT ON {kind or item.kind} {name} IS {text_literal(item.doc)}")
            statements += [
                f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {text_literal(column.doc)}"
                for column in item.columns
            ]
    return statements


def version() -> str:
    """Give the version of this tcpdw."""
    from importlib import metadata

    try:
        return metadata.version("tcpdw")
    except metadata.PackageNotFoundError:
        return "0"
