"""Small runs, as traces and as rows, and what a warehouse holds of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from ctf_files import Event, metadata, packet, write
from view_case import template

import tcpdw
from tcpdw.rundata import RunData
from tcpdw.runs import Identity

TEXT = metadata({0: ("a", "uint8_t x;"), 1: ("b", "uint8_t y;")})


def packets(number: int) -> list[bytes]:
    """Return two packets, of `number` events of the class `a` and of one of `b`."""
    events = [Event(0, time, bytes([number])) for time in range(1, number + 1)]
    return [packet(events), packet([Event(1, 500, b"\7")])]


def trace(folder: Path, number: int = 1, stated: object = None) -> Path:
    """Write a run whose trace has these packets, and `stated` in its `run.json`."""
    write(folder / "kernel", TEXT, {"ch_0": packets(number)})
    if stated is not None:
        (folder / "run.json").write_text(json.dumps(stated))
    return folder


def empty_warehouse(folder: Path) -> Path:
    """Return a warehouse without runs; to copy one is quicker than to make one."""
    return Path(shutil.copy(template(), folder / "w.duckdb"))


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Query a warehouse."""
    with tcpdw.connect(path) as connection:
        return connection.execute(query).fetchall()


def contents(path: Path, without: str = "") -> dict[str, tuple[int, int | None]]:
    """Give every table's number of rows and a hash of them, columns `without` left out.

    So is the count of numbers given to runs: one that is read again gets a new one.
    """
    found: dict[str, tuple[int, int | None]] = {}
    with tcpdw.connect(path) as opened:
        for schema, name in opened.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal"
        ).fetchall():
            columns = [
                f'"{column}"'
                for (column,) in opened.execute(
                    "SELECT column_name FROM duckdb_columns() WHERE schema_name = ? "
                    "AND table_name = ?",
                    [schema, name],
                ).fetchall()
                if column not in (without, "last_run_id")
            ]
            row = opened.execute(
                f"SELECT COUNT(*), BIT_XOR(HASH({', '.join(columns)})) "
                f"FROM {schema}.{_quoted(name)}"
            ).fetchone()
            assert row is not None
            found[f"{schema}.{name}"] = (row[0], row[1])
    return found


def strays(path: Path) -> dict[str, int]:
    """Count, by table, the rows of runs that are not in `runs`."""
    found: dict[str, int] = {}
    with tcpdw.connect(path) as opened:
        for schema, name in opened.execute(
            "SELECT schema_name, table_name FROM duckdb_columns() SEMI JOIN duckdb_tables() "
            "USING (table_oid) WHERE column_name = 'run_id'"
        ).fetchall():
            [(count,)] = opened.execute(
                f"SELECT COUNT(*) FROM {schema}.{_quoted(name)} ANTI JOIN runs USING (run_id)"
            ).fetchall()
            if count:
                found[name] = count
    return found


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def table(**columns: pa.Array) -> pa.Table:
    """Give events of one class: one a value of the first column, one without columns."""
    count = len(next(iter(columns.values()), [0]))
    return pa.table(
        {
            "ts": pa.array(range(count), pa.int64()),
            "cpu_id": pa.array([0] * count, pa.int32()),
            "ctx_tid": pa.array([1] * count, pa.int32()),
            **columns,
        }
    )


def run_of(name: str, classes: Mapping[str, pa.Table] | None = None, **fields: Any) -> RunData:
    """Give a run made by hand; its name stands for its content."""
    path = Path("/recorded") / name
    return RunData(name, path, f"source {name}", name, Identity(), classes=classes or {}, **fields)
