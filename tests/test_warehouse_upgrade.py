"""Warehouses that earlier versions made: brought up to date they are as if loaded today."""

from __future__ import annotations

import lzma
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import view_case
from loaded_rows import empty_warehouse

import tcpdw
from tcpdw import catalog, pipeline, warehouse_backup, warehouse_upgrade
from tcpdw.cli import entry
from tcpdw.errors import WarehouseError
from tcpdw.warehouse import Warehouse
from tcpdw.warehouse_opening import LAYOUT

ROOT = Path(__file__).parent.parent
RUN = ROOT / "data/merlin-server-lossy-001.tar.xz"
OLD = Path(__file__).parent / "cases/warehouses"
LAYOUTS = tuple(range(1, LAYOUT))
# What is not of the run's content: where it was loaded from, and where the rows of classes lie.
OWN = {"warehouse", "store.classes", "store.class_columns", "store.all_rows"}
OWN |= {"store.narrow", "store.middle", "store.wide"}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fresh") / "fresh.duckdb"
    assert len(pipeline.ingest([RUN], path).loaded) == 1
    return path


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def old(layout: int, tmp_path: Path) -> Path:
    return unpacked(layout, tmp_path)


def unpacked(layout: int, folder: Path) -> Path:
    path = folder / "w.duckdb"
    path.write_bytes(lzma.decompress((OLD / f"layout-{layout}.duckdb.xz").read_bytes()))
    return path


def quiet(_: str) -> None:
    pass


def layout_in(path: Path) -> int:
    with duckdb.connect(str(path), read_only=True) as connection:
        [(found,)] = connection.execute("SELECT layout FROM warehouse").fetchall()
    return found


def objects(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[str]:
    """List tables and views, and what their columns are, with what is said of them."""
    for kind in ("table", "view"):
        names = connection.execute(
            f"SELECT IF(schema_name = 'main', '', schema_name || '.') || {kind}_name "
            f"FROM duckdb_{kind}s() WHERE database_name = ? AND NOT internal AND NOT temporary "
            f"AND NOT regexp_matches({kind}_name, '^class_[0-9]+$') ORDER BY 1",
            [database],
        ).fetchall()
        yield from (name for (name,) in names)


def described(connection: duckdb.DuckDBPyConnection, database: str) -> list[tuple[object, ...]]:
    return connection.execute(
        "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE database_name = ? AND NOT internal AND NOT regexp_matches(table_name, "
        "'^(class_[0-9]+|all_rows)$') ORDER BY ALL",
        [database],
    ).fetchall()


def assert_alike(upgraded: Path, expected: Path) -> None:
    """Compare every table and view of two warehouses, their columns and what is said of them."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{upgraded}' AS one (READ_ONLY)")
        connection.execute(f"ATTACH '{expected}' AS two (READ_ONLY)")
        names = list(objects(connection, "two"))
        assert list(objects(connection, "one")) == names
        assert len(names) > 200
        assert described(connection, "one") == described(connection, "two")
        macros = (
            "SELECT function_name, function_type FROM duckdb_functions() WHERE NOT internal "
            "AND database_name = ? AND function_type LIKE '%macro' ORDER BY ALL"
        )
        assert (
            connection.execute(macros, ["one"]).fetchall()
            == connection.execute(macros, ["two"]).fetchall()
        )
    rows: list[dict[str, list[tuple[object, ...]]]] = []
    for path in (upgraded, expected):
        with tcpdw.connect(path) as connection:
            rows.append(
                {
                    name: connection.execute(
                        f"SELECT * {'EXCLUDE source_path' if name == 'runs' else ''} "
                        f"FROM {quoted(name)} ORDER BY ALL"
                    ).fetchall()
                    for name in names
                    if name not in OWN
                }
            )
    for name, found in rows[0].items():
        assert found == rows[1][name], name
    assert sum(map(len, rows[0].values())) > 20_000


def quoted(name: str) -> str:
    schema, dot, plain = name.rpartition(".")
    return f'{schema}{dot}"{plain}"'


def test_an_old_warehouse_becomes_what_loading_gives_today(
    old: Path, layout: int, fresh: Path
) -> None:
    before = old.read_bytes()
    said: list[str] = []
    done = warehouse_upgrade.upgrade(old, said.append)
    assert done is not None
    assert (done.before.layout, done.runs) == (layout, 1)
    assert done.backup == old.with_name(f"w.duckdb.v{layout}.backup")
    assert done.backup.read_bytes() == before
    assert [len(said), f"layout {layout}" in said[0]] == [1, True]
    assert sorted(path.name for path in old.parent.iterdir()) == [old.name, done.backup.name]
    assert_alike(old, fresh)
    assert warehouse_upgrade.upgrade(old, said.append) is None
    assert len(said) == 1


def test_opening_for_writing_brings_it_up_to_date(
    tmp_path: Path, fresh: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = unpacked(LAYOUTS[-1], tmp_path)
    assert entry.run(["ingest", str(RUN), "--warehouse", str(old)]) == 0
    out, err = capsys.readouterr()
    assert err.count("bringing its 1 runs up to date") == 1
    assert "1 skipped" in out
    assert_alike(old, fresh)


def test_reading_does_not_write_but_says_what_to_do(
    old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = old.read_bytes()
    assert entry.run(["runs", "--warehouse", str(old)]) == 1
    assert "`tcpdw upgrade`" in capsys.readouterr().err
    assert old.read_bytes() == before
    assert [path.name for path in old.parent.iterdir()] == [old.name]


def test_the_command_upgrades_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = unpacked(LAYOUTS[-1], tmp_path)
    assert entry.run(["upgrade", "--warehouse", str(path)]) == 0
    out = capsys.readouterr()
    assert f"{path}.v{LAYOUTS[-1]}.backup" in out.out
    assert entry.run(["upgrade", "--warehouse", str(path)]) == 0
    assert "is up to date" in capsys.readouterr().out
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE warehouse SET layout = 99, made_by = '77.1'")
    assert entry.run(["upgrade", "--warehouse", str(path)]) == 1
    assert "77.1" in capsys.readouterr().err
    assert entry.run(["upgrade", "--warehouse", str(tmp_path / "none.duckdb")]) == 1
    assert "no such warehouse" in capsys.readouterr().err


def changed(fresh: Path, folder: Path, text: str) -> Path:
    """Give a copy of a warehouse on which SQL was run."""
    path = folder / "w.duckdb"
    shutil.copy(fresh, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(text)
    return path


def test_another_version_s_rows_are_computed_anew_and_its_views_made(
    fresh: Path, tmp_path: Path
) -> None:
    path = changed(
        fresh,
        tmp_path,
        "UPDATE warehouse SET rows_hash = 'other', catalog_hash = 'other'; "
        "DELETE FROM wakes; DROP VIEW segments; UPDATE packets SET connection_id = 77; "
        "UPDATE runs SET warnings = ['cut short', 'run x: /proc/1/fd contradicts the events: "
        "fd 1 of process 1 at 1: the events say a, the snapshot says b']; "
        "CREATE TABLE mine AS SELECT 7 AS x; CREATE VIEW my_view AS FROM mine",
    )
    Warehouse(path).connection.close()
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("FROM my_view").fetchall() == [(7,)]
        assert connection.execute("SELECT warnings FROM runs").fetchall() == [(["cut short"],)]
        connection.execute("DROP VIEW my_view; DROP TABLE mine; UPDATE runs SET warnings = []")
    assert_alike(path, fresh)
    assert path.with_name(f"w.duckdb.v{LAYOUT}.backup").exists()


def test_where_only_views_changed_they_are_made_anew_and_no_copy(
    fresh: Path, tmp_path: Path
) -> None:
    text = "UPDATE warehouse SET catalog_hash = 'other'; DROP VIEW segments"
    path = changed(fresh, tmp_path, text)
    Warehouse(path).connection.close()
    assert_alike(path, fresh)
    assert [file.name for file in tmp_path.iterdir()] == ["w.duckdb"]


def test_reading_another_version_s_views_says_what_to_do(
    fresh: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = changed(fresh, tmp_path, "DROP VIEW segments")
    query = ["sql", "SELECT COUNT(*) FROM segments", "--warehouse", str(path)]
    assert entry.run(query) == 1
    # They are this version's: somebody dropped one.
    assert "upgrade" not in capsys.readouterr().err
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE warehouse SET catalog_hash = 'other'")
    assert entry.run(query) == 1
    assert "`tcpdw upgrade`" in capsys.readouterr().err
    assert entry.run(["upgrade", "--warehouse", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}: the views are today's; its rows were\n"
    assert entry.run(query) == 0
    assert entry.run(["upgrade", "--warehouse", str(path)]) == 0
    assert "is up to date" in capsys.readouterr().out
    assert_alike(path, fresh)
    assert [file.name for file in tmp_path.iterdir()] == ["w.duckdb"]


def test_warnings_that_were_computed_come_once(tmp_path: Path) -> None:
    cases = [view_case.read(view_case.FOLDER / "fds_contradictions.txt")]
    connection, _ = view_case.load(cases, tmp_path)
    [path] = tmp_path.glob("*.duckdb")
    expected = connection.execute("SELECT warnings FROM runs ORDER BY run_id").fetchall()
    assert any(warnings for (warnings,) in expected)
    connection.execute("UPDATE warehouse SET rows_hash = 'other'")
    connection.close()
    assert warehouse_upgrade.upgrade(path, quiet) is not None
    with tcpdw.connect(path) as connection:
        found = connection.execute("SELECT warnings FROM runs ORDER BY run_id").fetchall()
    assert found == expected


def test_killed_at_any_moment_it_is_whole(tmp_path: Path, fresh: Path) -> None:
    path = unpacked(1, tmp_path)
    before = path.read_bytes()
    code = (
        "import sys; from pathlib import Path; from tcpdw import warehouse_upgrade as u; "
        "print('begun', flush=True); u.upgrade(Path(sys.argv[1]), lambda _: None); "
        "print('done', flush=True)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    moments = random.Random(7)
    killed = 0
    for longest in (0.3, 0.6, 1.0, 1.5, 2.0, 3.0):
        with subprocess.Popen(
            [sys.executable, "-c", code, path], env=env, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"begun\n"
            time.sleep(moments.uniform(0, longest))
            process.send_signal(signal.SIGKILL)
            is_done = process.stdout.read() == b"done\n"
        killed += not is_done
        # Opening it takes in what a commit had written to the log, or drops it.
        with duckdb.connect(str(path)) as connection:
            [(layout, runs)] = connection.execute(
                "SELECT ANY_VALUE(layout), (SELECT COUNT(*) FROM runs) FROM warehouse"
            ).fetchall()
            assert (layout in (1, LAYOUT), runs) == (True, 1)
            if layout == 1:
                [(events,)] = connection.execute("SELECT COUNT(*) FROM events").fetchall()
                assert events == 6673
        backup = path.with_name("w.duckdb.v1.backup")
        assert not backup.exists() or backup.read_bytes() == before
        if layout == LAYOUT:
            break
    assert killed > 0
    warehouse_upgrade.upgrade(path, quiet)
    assert_alike(path, fresh)
    assert backup.read_bytes() == before
    assert layout_in(backup) == 1
    left = {file.name for file in tmp_path.iterdir()}
    assert left - {path.name, backup.name, "w.duckdb.v1.backup.2"} == set()


def test_a_copy_of_something_else_stays(tmp_path: Path) -> None:
    path = unpacked(LAYOUTS[-1], tmp_path)
    other = path.with_name(f"w.duckdb.v{LAYOUTS[-1]}.backup")
    other.write_bytes(b"mine")
    done = warehouse_upgrade.upgrade(path, quiet)
    assert done is not None
    assert done.backup.name == f"{other.name}.2"
    assert other.read_bytes() == b"mine"


def test_no_room_is_said_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = unpacked(LAYOUTS[-1], tmp_path)
    before = path.read_bytes()
    monkeypatch.setattr(
        warehouse_backup.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 1_000_000)
    )
    with pytest.raises(WarehouseError, match="1 MB free") as caught:
        warehouse_upgrade.upgrade(path, quiet)
    assert caught.value.hint is not None
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_what_the_database_refuses_leaves_it_as_it_was(tmp_path: Path) -> None:
    path = unpacked(LAYOUTS[-1], tmp_path)
    with duckdb.connect(str(path)) as connection:
        # No tcpdw makes such a thing.
        connection.execute("ALTER TABLE streams ALTER events TYPE VARCHAR")
        connection.execute("UPDATE streams SET events = 'many'")
    with pytest.raises(WarehouseError, match="cannot be brought up to date") as caught:
        warehouse_upgrade.upgrade(path, quiet)
    assert "source_path" in str(caught.value)
    assert layout_in(path) == LAYOUTS[-1]
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT DISTINCT events FROM streams").fetchall() == [("many",)]
        assert connection.execute("SELECT COUNT(*) > 0 FROM latency").fetchall() == [(True,)]


def test_a_warehouse_without_runs(tmp_path: Path) -> None:
    path = empty_warehouse(tmp_path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE warehouse SET rows_hash = 'other'")
    done = warehouse_upgrade.upgrade(path, quiet)
    assert done is not None
    assert done.runs == 0
    assert len(pipeline.ingest([RUN], path).loaded) == 1


def test_the_layout_is_raised_when_a_table_changes() -> None:
    """A reader of an older shape would fail somewhere: raise LAYOUT, and keep a warehouse of it."""
    assert (LAYOUT, catalog.load().tables_digest) == (5, "b012da142ccdb6a6")


def test_comments_do_not_make_other_rows() -> None:
    known = catalog.load()
    assert len(known.rows_digest) == 16
    assert known.rows_digest != known.digest
