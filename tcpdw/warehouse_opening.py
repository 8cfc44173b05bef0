"""The opening of a warehouse's file, and what may be wrong with it."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tcpdw.errors import WarehouseBusyError, WarehouseError, WarehouseFullError

if TYPE_CHECKING:
    import duckdb

_OWNER = re.compile(r"\(PID (\d+)\)")

LAYOUT = 5
"""The version of the tables' layout; raised whenever an older tcpdw could not read them."""

BLOCK_SIZE = 65536
"""Bytes a block: each table takes at least one, and in smaller ones DuckDB does not pack 64-bit
numbers, times among them, into fewer bits."""


def connect(path: Path | str) -> duckdb.DuckDBPyConnection:
    """Connect to a warehouse that exists, with all its tables and views.

    The connection's results convert to polars with `.pl()`. Raises WarehouseError, naming the file
    and what to do, where it is missing, locked, no database, no warehouse, or from a newer tcpdw.
    """
    path = Path(path)
    if not path.exists():
        raise WarehouseError(
            "no such warehouse", path=path, hint="make it with `tcpdw ingest PATH...`"
        )
    connection = open_file(path, read_only=True)
    try:
        check_layout(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def open_file(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Connect to a database, made where a writer finds none; raises WarehouseError."""
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {}
    if not read_only:
        config["default_block_size"] = str(BLOCK_SIZE)
    try:
        while True:
            before = _file(path)
            connection = duckdb.connect(str(path), read_only=read_only, config=config)
            # Its last owner may have put another in its place as we waited for the lock.
            if before in (None, _file(path)):
                return connection
            connection.close()
    except duckdb.Error as error:
        text = first_line(error)
        lower = text.lower()
        if "no space left" in lower or "quota exceeded" in lower:
            raise refusal(error, path) from error
        if "different configuration" in lower:
            raise WarehouseError(
                "this process has it open already, for another use",
                path=path,
                hint="close that connection first",
            ) from error
        if "lock" in lower:
            owner = _OWNER.search(str(error))
            who = f"another process (PID {owner[1]})" if owner else "another process"
            raise WarehouseBusyError(
                f"{who} has it open" + (" for writing" if read_only else ""),
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


def refusal(error: Exception, path: Path) -> WarehouseError:
    """Give the error of the tree for what DuckDB refused, the disk that is full told apart."""
    text = first_line(error)
    whole = str(error).lower()
    if "no space left" in whole or "quota exceeded" in whole:
        return WarehouseFullError(
            "there is no room left for it on its disk",
            path=path,
            hint="free some, and do the same again: what was loaded is in it, and stays",
        )
    return WarehouseError(text, path=path)


def _file(path: Path) -> tuple[int, int] | None:
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino


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


def check_layout(
    connection: duckdb.DuckDBPyConnection, path: Path, *, may_be_older: bool = False
) -> None:
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
    if row[0] < LAYOUT and not may_be_older:
        raise WarehouseError(
            "made by an earlier tcpdw, whose tables were others",
            path=path,
            hint="bring it up to date with `tcpdw upgrade`",
        )
    if row[0] > LAYOUT:
        raise WarehouseError(
            f"made by tcpdw {row[1]}, whose tables this one does not know",
            path=path,
            hint="bring tcpdw up to date",
        )


def views_of(connection: duckdb.DuckDBPyConnection) -> str:
    """Give the digest of the catalogue that a warehouse's views are of."""
    [(digest,)] = connection.execute("SELECT catalog_hash FROM main.warehouse").fetchall()
    return digest


def first_line(error: Exception) -> str:
    """Give the first line of what an error says."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
