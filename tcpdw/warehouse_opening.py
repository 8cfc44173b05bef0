"""The opening of a warehouse's file, and what may be wrong with it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from tcpdw.errors import WarehouseError

if TYPE_CHECKING:
    import duckdb

LAYOUT = 3
"""The version of the tables' layout; raised whenever an older tcpdw could not read them."""

BLOCK_SIZE = 65536
"""Bytes a block: each table takes at least one, and in smaller ones DuckDB does not pack 64-bit
numbers, times among them, into fewer bits."""


def open_file(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Connect to a database, made where a writer finds none; raises WarehouseError."""
    import duckdb

    try:
        if read_only:
            return duckdb.connect(str(path), read_only=True)
        return duckdb.connect(str(path), config={"default_block_size": str(BLOCK_SIZE)})
    except duckdb.Error as error:
        text = first_line(error)
        lower = text.lower()
        if "different configuration" in lower:
            raise WarehouseError(
                "this process has it open already, for another use",
                path=path,
                hint="close that connection first",
            ) from error
        if "lock" in lower:
            raise WarehouseError(
                "another process has it open for writing",
                path=path,
                hint="wait until it is done, or give another file with --warehouse",
            ) from error
        if "newer version" in lower or "database file with version number" in lower:
            raise WarehouseError(
                "made by a newer DuckDB", path=path, hint="bring tcpdw up to date"
            ) from error
        if "not a valid duckdb" in lower:
            raise WarehouseError(
                "not a DuckDB database", path=path, hint="give another file with --warehouse"
            ) from error
        raise WarehouseError(f"cannot be opened: {text}", path=path) from error


def remove_spilled(path: Path) -> None:
    """Remove what a process that was killed had put on disk, for want of memory, beside a database.

    DuckDB does that only when it next does so itself. Whoever calls must have the database open
    for writing: then nobody else has, and nothing there is in use.
    """
    folder = path.resolve()
    folder = folder.with_name(folder.name + ".tmp")
    with contextlib.suppress(OSError):
        for file in folder.glob("duckdb_temp_*"):
            file.unlink()
        folder.rmdir()


def is_empty(connection: duckdb.DuckDBPyConnection) -> bool:
    """Tell whether a database holds no table, as one that was killed when it was made."""
    rows = connection.execute("SELECT 1 FROM duckdb_tables() WHERE NOT internal LIMIT 1").fetchall()
    return not rows


def check_layout(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Raise WarehouseError unless the database is a warehouse that this tcpdw knows."""
    import duckdb

    try:
        rows = connection.execute("SELECT layout, made_by FROM main.warehouse").fetchall()
        row = rows[0] if rows else None
    except duckdb.Error:
        row = None
    if row is None:
        raise WarehouseError(
            "a DuckDB database, but no warehouse of tcpdw",
            path=path,
            hint="give another file with --warehouse",
        )
    if row[0] < LAYOUT:
        raise WarehouseError(
            f"made by tcpdw {row[1]}, whose tables are no longer in use",
            path=path,
            hint="ingest the runs again, into another file",
        )
    if row[0] > LAYOUT:
        raise WarehouseError(
            f"made by tcpdw {row[1]}, whose tables this one does not know",
            path=path,
            hint="bring tcpdw up to date",
        )


def first_line(error: Exception) -> str:
    """Give the first line of what an error says."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
