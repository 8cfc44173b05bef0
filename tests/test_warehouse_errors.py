from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from loaded_rows import empty_warehouse

import tcpdw
from tcpdw import pipeline, query
from tcpdw.errors import WarehouseError


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return empty_warehouse(tmp_path)


def refused(path: Path) -> WarehouseError:
    """Open a warehouse to write and to read; return the error, after a look that it is one."""
    held = path.read_bytes() if path.is_file() else None
    there = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    with pytest.raises(WarehouseError) as caught:
        pipeline.ingest([], path)
    assert caught.value.path == str(path)
    assert "\n" not in str(caught.value)
    assert (path.read_bytes() if path.is_file() else None) == held
    assert (sorted(path.parent.iterdir()) if path.parent.is_dir() else []) == there
    return caught.value


def test_a_warehouse_that_another_process_writes(empty: Path) -> None:
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, empty], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        error = refused(empty)
        assert "another process" in error.message
        assert error.hint is not None
        with pytest.raises(WarehouseError, match="another process"):
            tcpdw.connect(empty)
        other.communicate()
    assert pipeline.ingest([], empty).loaded == ()


def test_files_that_are_no_warehouse(tmp_path: Path) -> None:
    words = tmp_path / "words.duckdb"
    words.write_bytes(b"words " * 4000)
    assert "not a DuckDB database" in refused(words).message
    plain = tmp_path / "plain.duckdb"
    with duckdb.connect(str(plain)) as connection:
        connection.execute("CREATE TABLE runs (x INTEGER)")
    assert "no warehouse of tcpdw" in refused(plain).message
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE warehouse (x INTEGER)")
    assert "no warehouse of tcpdw" in refused(other).message
    for path in (words, plain, other):
        with pytest.raises(WarehouseError):
            tcpdw.connect(path)


def test_a_warehouse_cut_short(empty: Path) -> None:
    whole = empty.read_bytes()
    for size in (1, 100, 5000, len(whole) // 2):
        empty.write_bytes(whole[:size])
        refused(empty)


def test_a_warehouse_of_a_newer_layout(empty: Path) -> None:
    with duckdb.connect(str(empty)) as connection:
        connection.execute("UPDATE warehouse SET layout = 99, made_by = '77.1'")
    error = refused(empty)
    assert "77.1" in error.message
    assert error.hint == "bring tcpdw up to date"
    with pytest.raises(WarehouseError, match=r"77\.1"):
        tcpdw.connect(empty)


def test_places_where_no_warehouse_can_be(tmp_path: Path) -> None:
    error = refused(tmp_path / "missing/w.duckdb")
    assert "its directory does not exist" in error.message
    assert error.hint == f"make it with `mkdir -p {tmp_path}/missing`"
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder")
    (tmp_path / "file").write_bytes(b"")
    refused(tmp_path / "file/w.duckdb")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    refused(folder / "w.duckdb")


def test_a_warehouse_that_this_process_reads(empty: Path) -> None:
    with tcpdw.connect(empty) as connection:
        refused(empty)
        assert connection.execute("SELECT COUNT(*) FROM runs").fetchone() == (0,)
    assert pipeline.ingest([], empty).loaded == ()


def test_what_is_done_while_a_warehouse_is_opened(empty: Path) -> None:
    done: list[str] = []
    with query.opened(empty, meanwhile=lambda: done.append("it")) as connection:
        assert connection.execute("SELECT COUNT(*) FROM runs").fetchall() == [(0,)]
    assert done == ["it"]
    with (
        pytest.raises(WarehouseError, match="no such warehouse"),
        query.opened(empty.with_name("none"), meanwhile=lambda: done.append("it")),
    ):
        pass
    with pytest.raises(ZeroDivisionError), query.opened(empty, meanwhile=lambda: 1 / 0):
        pass
    # Nothing has it open.
    assert pipeline.ingest([], empty).loaded == ()


def test_a_query_that_left_the_warehouse_fails_in_its_own_words(
    empty: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    text = f"ATTACH '{other}' AS other (READ_ONLY); USE other; FROM nothing"
    with (
        query.opened(empty, unsafe=True) as connection,
        pytest.raises(WarehouseError, match="nothing does not exist"),
    ):
        list(query.statements(connection, text))
