"""What the loading says of descriptors, and what cannot be resolved."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
import view_case

from tcpdw.warehouse import Warehouse

BARE = """run 1
  10 cpu0 tid7 syscall_entry_read fd=0
  20 cpu0 tid7 syscall_exit_read ret=0
"""


def loaded(case: Path, path: Path) -> tuple[list[tuple[str, ...]], duckdb.DuckDBPyConnection]:
    """Load a case's runs; give their warnings and a connection."""
    shutil.copy(view_case.template(), path)
    warehouse = Warehouse(path)
    read = view_case.read(case)
    batch = [view_case.run_data(read, number) for number in range(len(read.runs))]
    return [run.warnings for run in warehouse.load(batch)], warehouse.connection


def test_loading_tells_what_proc_contradicts(tmp_path: Path) -> None:
    case = view_case.FOLDER / "fds_contradictions.txt"
    warnings, connection = loaded(case, tmp_path / "w.duckdb")
    kept = connection.execute("SELECT warnings FROM runs ORDER BY run_id").fetchall()
    connection.close()
    assert warnings == [tuple(row[0]) for row in kept]
    assert [len(texts) for texts in warnings] == [4, 0, 0]
    assert warnings[0][3] == (
        "run fds_contradictions-1: /proc/7/fd contradicts the events: fd 6 of process 7 at 100: "
        "the events say /c by openat, the snapshot says not there"
    )


@pytest.mark.parametrize("columns", ["*", "path", "COUNT(*)"])
def test_a_run_without_descriptors_says_what_it_lacks(columns: str, tmp_path: Path) -> None:
    case = tmp_path / "bare.txt"
    case.write_text(BARE)
    _, connection = loaded(case, tmp_path / "w.duckdb")
    with pytest.raises(duckdb.Error, match=r"run bare-1 lacks .* lttng_statedump_file_descriptor"):
        connection.execute(f"SELECT {columns} FROM resolve_fd(1, 7, 0, 15)").fetchall()
    with pytest.raises(duckdb.Error, match="there is no run 2"):
        connection.execute(f"SELECT {columns} FROM resolve_fd(2, 7, 0, 15)").fetchall()
    connection.close()
