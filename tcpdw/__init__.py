"""What the Linux kernel does between a TCP segment and the process that waits for it, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import duckdb

__all__ = ["connect"]


def connect(path: Path | str) -> duckdb.DuckDBPyConnection:
    """Connect to a warehouse for reading: DuckDB with every table and view, `.pl()` for polars.

    Raises `tcpdw.errors.WarehouseError`, naming the file and what to do, where it cannot be read.
    """
    from tcpdw import warehouse_opening

    return warehouse_opening.connect(path)
