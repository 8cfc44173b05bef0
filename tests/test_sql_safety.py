"""What SQL can do to files: with `tcpdw sql` nothing, with `--unsafe` what it asks."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from loaded_rows import empty_warehouse

from tcpdw import query
from tcpdw.cli import entry
from tcpdw.errors import TcpdwError, WarehouseError

SECRET = "what only its owner may read"

# {w}: the warehouse's file. {d}: a folder with secret.csv, secret.json, other.duckdb.
READS = [
    "FROM read_csv('{d}/secret.csv')",
    "FROM '{d}/secret.csv'",
    "FROM '{d}/*.csv'",
    "FROM read_text('{d}/secret.csv')",
    "FROM read_blob('{d}/secret.csv')",
    "FROM read_json('{d}/secret.json')",
    "FROM read_json_objects('{d}/secret.json')",
    "FROM sniff_csv('{d}/secret.csv')",
    "FROM glob('{d}/*')",
    "FROM query('FROM read_text(''{d}/secret.csv'')')",
    "SELECT (SELECT content FROM read_text('{d}/secret.csv'))",
    "CREATE TEMP TABLE t (x VARCHAR); COPY t FROM '{d}/secret.csv'; FROM t",
    "ATTACH '{d}/other.duckdb' AS other; FROM other.secrets",
    "ATTACH '{d}/other.duckdb' AS other (READ_ONLY); FROM other.secrets",
]
HARMLESS = ["FROM read_text('{w}.tmp/x')", "FROM duckdb_secrets()"]
NEVER_READ = [
    *HARMLESS,
    "FROM read_blob('{w}.wal')",
    "FROM read_blob('{w}')",
    "FROM parquet_metadata('{d}/secret.parquet')",
    "FROM 'https://127.0.0.1:9/x.csv'",
    "FROM 's3://bucket/x.csv'",
]
WRITES = [
    "COPY (SELECT 1) TO '{d}/out.csv'",
    "COPY (SELECT 1) TO '{d}/out.parquet' (FORMAT parquet)",
    "COPY (SELECT 1) TO '{d}/secret.csv'",
    "WITH a AS (COPY (SELECT 1) TO '{d}/out.csv') FROM a",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{d}/out.csv'",
    "PREPARE p AS COPY (SELECT 1) TO '{d}/out.csv'; EXECUTE p",
    "EXPORT DATABASE '{d}/export'",
    "ATTACH '{d}/new.duckdb' AS new (READ_WRITE); CREATE TABLE new.t AS SELECT 1",
]
NEVER_WRITES = [
    # The warehouse's own files are those that DuckDB allows where it allows no other.
    "COPY (SELECT 1) TO '{w}'",
    "COPY (SELECT 1) TO '{w}' (USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{w}.wal'",
    "COPY (SELECT 1) TO '{w}.wal' (USE_TMP_FILE false)",
    "COPY (SELECT 1) TO '{w}.wal.recovery' (USE_TMP_FILE false)",
    "WITH a AS (COPY (SELECT 1) TO '{w}.wal') FROM a",
    "FROM query('WITH a AS (COPY (SELECT 1) TO ''{w}.wal'') FROM a')",
    "COPY (SELECT 1) TO '{w}.tmp/x'",
    "ATTACH '{w}.wal' AS log",
    "ATTACH '{w}' AS again (READ_WRITE)",
    "SET profiling_output = '{d}/profile'; SET enable_profiling = 'json'; SELECT 1",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{d}/x.duckdb_extension'",
    "UPDATE EXTENSIONS",
    "CREATE PERSISTENT SECRET s (TYPE http)",
    "SET temp_directory = '{d}'",
    "SET secret_directory = '{d}'",
    "SET disabled_filesystems = ''",
    "RESET disabled_filesystems",
    "SET enable_external_access = true",
    "RESET lock_configuration",
    "PRAGMA enable_profiling",
    "CALL enable_logging(storage = 'file', storage_path = '{d}/log')",
    "IMPORT DATABASE '{d}'",
]
CHANGES = ["DELETE FROM runs", "DROP VIEW latency", "CREATE TABLE t AS SELECT 1"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a folder with a warehouse and, in `elsewhere`, files that are none of its business."""
    empty_warehouse(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.csv").write_text(f"x\n{SECRET}\n")
    (elsewhere / "secret.json").write_text(f'{{"x": "{SECRET}"}}')
    with duckdb.connect(str(elsewhere / "other.duckdb")) as other:
        other.execute("CREATE TABLE secrets AS SELECT ? AS x", [SECRET])
    return tmp_path


def state(place: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in place.rglob("*") if file.is_file()}


def ran(place: Path, text: str, *options: str) -> int:
    text = text.replace("{w}", str(place / "w.duckdb")).replace("{d}", str(place / "elsewhere"))
    return entry.run(["--warehouse", str(place / "w.duckdb"), "sql", *options, text])


@pytest.mark.parametrize("text", [*READS, *NEVER_READ])
def test_no_other_file_is_read(text: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(place)
    status = ran(place, text)
    out, err = capsys.readouterr()
    # Where there is nothing to be found, no error is one way to say so.
    assert status == 1 or (text in HARMLESS and out.splitlines()[2:] == [])
    assert SECRET not in out + err
    assert "secret.csv" not in out
    assert state(place) == before


@pytest.mark.parametrize("text", [*WRITES, *NEVER_WRITES, *CHANGES])
def test_no_file_is_written(text: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = state(place)
    assert ran(place, text) == 1
    assert capsys.readouterr().err.startswith("tcpdw: error: ")
    assert state(place) == before
    assert ran(place, "SELECT COUNT(*) FROM runs") == 0


@pytest.mark.parametrize("text", READS)
def test_unsafe_reads_files(text: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(place, text, "--unsafe", "--format", "json") == 0
    out = capsys.readouterr().out
    assert SECRET in out or "secret.csv" in out or "Columns" in out


@pytest.mark.parametrize("text", WRITES)
def test_unsafe_writes_files_but_not_the_warehouse(text: str, place: Path) -> None:
    before = state(place)
    assert ran(place, text, "--unsafe") == 0
    after = state(place)
    assert {file for file in after if after[file] != before.get(file)}
    assert after[str(place / "w.duckdb")] == before[str(place / "w.duckdb")]


@pytest.mark.parametrize("text", CHANGES)
def test_unsafe_too_opens_the_warehouse_to_read(text: str, place: Path) -> None:
    before = state(place)
    assert ran(place, text, "--unsafe") == 1
    assert state(place) == before


@pytest.mark.parametrize("unsafe", [False, True])
def test_variables_of_the_program_are_no_tables(unsafe: bool, place: Path) -> None:
    hidden = pa.table({"x": [SECRET]})
    with (
        query.opened(place / "w.duckdb", unsafe=unsafe) as connection,
        pytest.raises(WarehouseError, match="hidden"),
    ):
        query.execute(connection, "FROM hidden")
    assert hidden.num_rows == 1


def test_the_environment_is_not_told(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    assert os.environ["TOKEN"] == SECRET
    assert ran(place, "SELECT getenv('TOKEN')") == 1
    assert ran(place, "FROM duckdb_settings()", "--format", "json") == 0
    assert SECRET not in capsys.readouterr().out


def test_a_condition_on_runs_reaches_no_file(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(place)
    for condition in (
        "run_id IN (WITH a AS (COPY (SELECT 1) TO '{w}.wal') FROM a)",
        "name IN (SELECT content FROM read_text('{d}/secret.csv'))",
        "true; COPY (SELECT 1) TO '{d}/out.csv'",
    ):
        text = condition.replace("{w}", str(place / "w.duckdb"))
        text = text.replace("{d}", str(place / "elsewhere"))
        with query.opened(place / "w.duckdb") as connection, pytest.raises(TcpdwError) as caught:
            query.run_ids(connection, text)
        assert SECRET not in str(caught.value)
        assert state(place) == before


def test_a_query_that_needs_files_says_how(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(place, "FROM '{d}/secret.csv'") == 1
    assert "--unsafe" in capsys.readouterr().err
    assert ran(place, "DELETE FROM runs") == 1
    err = capsys.readouterr().err
    assert "queries only read the warehouse" in err
    assert "--unsafe" not in err
