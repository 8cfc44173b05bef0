from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from loaded_rows import contents, empty_warehouse, run_of, table

import tcpdw
from tcpdw import catalog, event_store, template, warehouse
from tcpdw.event_places import NATIVE, SHARED
from tcpdw.event_rows import ROW_GROUP
from tcpdw.warehouse import Warehouse


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return empty_warehouse(tmp_path)


def loaded(path: Path, *runs: dict[str, pa.Table]) -> duckdb.DuckDBPyConnection:
    """Load each run by itself and connect."""
    with Warehouse(path) as target:
        for number, classes in enumerate(runs):
            [run] = target.load([run_of(f"r{number}", classes)])
            assert run.status == "ok", run
    return tcpdw.connect(path)


def relations(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    found = connection.execute(
        "SELECT relation FROM store.classes WHERE name = ? AND relation <> '' ORDER BY code", [name]
    )
    return [row[0] for row in found.fetchall()]


def test_the_shared_tables_have_the_slots_that_the_code_knows() -> None:
    for name, room in SHARED.items():
        columns = [c.name for c in catalog.load().by_name[f"store.{name}"].columns]
        slots = [f"{kind}{n + 1}" for kind, count in room.items() for n in range(count)]
        assert columns[5:] == ["ret", *slots]
        types = re.findall(
            r"^ +([isu]\d) (\w+)", catalog.load().by_name[f"store.{name}"].statement, re.M
        )
        assert dict(types) == {slot: NATIVE[slot[0]] for slot in slots}


@pytest.mark.parametrize(
    ("columns", "relation"),
    [
        ({}, "narrow"),
        ({f"i{n}": pa.array([n], pa.int16()) for n in range(3)}, "narrow"),
        ({f"i{n}": pa.array([n], pa.uint32()) for n in range(4)}, "middle"),
        ({"u": pa.array([2**64 - 1], pa.uint64())}, "middle"),
        ({f"s{n}": pa.array([f"s{n}"]) for n in range(3)}, "wide"),
        ({f"i{n}": pa.array([-n]) for n in range(10)}, "class_"),
        ({"x": pa.array([[1]])}, "class_"),
        ({"x": pa.array([0.5])}, "class_"),
        ({"x": pa.array([True])}, "class_"),
        ({"x": pa.array([{"a": 1}])}, "class_"),
    ],
)
def test_a_class_lies_where_its_fields_fit(
    empty: Path, columns: dict[str, pa.Array], relation: str
) -> None:
    with loaded(empty, {"k": table(**columns)}) as connection:
        [found] = relations(connection, "k")
        assert found.startswith(relation)
        row = connection.execute("SELECT * FROM event.k").fetchall()
        kinds = connection.sql("SELECT * FROM event.k").to_arrow_table().schema.types[4:]
    assert row == [(1, 0, 0, 1, *(column[0].as_py() for column in columns.values()))]
    assert kinds == [column.type for column in columns.values()]


def test_a_field_that_comes_later_takes_a_slot_of_the_same_table(empty: Path) -> None:
    runs = [{"k": table(x=pa.array([1]))}, {"k": table(x=pa.array([2]), y=pa.array(["z"]))}]
    with loaded(empty, *runs) as connection:
        assert relations(connection, "k") == ["narrow"]
        assert connection.execute("SELECT x, y FROM event.k ORDER BY run_id").fetchall() == [
            (1, None), (2, "z"),
        ]  # fmt: skip


def test_what_does_not_fit_lies_in_another_table_and_the_view_shows_both(empty: Path) -> None:
    wide = {f"x{n}": pa.array([n]) for n in range(8)}
    runs = [{"k": table(x0=pa.array([7]))}, {"k": table(**wide)}, {"k": table(x0=pa.array([[1]]))}]
    with loaded(empty, *runs) as connection:
        assert [name[:6] for name in relations(connection, "k")] == ["narrow", "wide", "class_"]
        found = connection.execute("SELECT x0, x7 FROM event.k ORDER BY run_id").fetchall()
        assert found == [("7", None), ("0", 7), ("[1]", None)]
        assert connection.execute("SELECT COUNT(*) FROM events WHERE name = 'k'").fetchone() == (3,)


def test_the_process_survives_an_unknown_thread(empty: Path) -> None:
    rows = pa.table(
        {
            "ts": pa.array([1, 2, 3, 4], pa.int64()),
            "cpu_id": pa.array([0, None, 0, 0], pa.int32()),
            "ctx_tid": pa.array([7, None, 9, None], pa.int32()),
            "ctx_pid": pa.array([7, 5, None, -(2**31)], pa.int32()),
        }
    )
    with loaded(empty, {"k": rows}) as connection:
        query = "SELECT ts, cpu_id, ctx_tid, ctx_pid FROM event.k ORDER BY ts"
        found = connection.sql(query).to_arrow_table()
    assert found == rows


@pytest.mark.parametrize(
    ("kind", "returned", "ret"),
    [
        (pa.int64(), -14, -14),
        (pa.int32(), 3, 3),
        (pa.uint64(), 2**64 - 14, -14),
        (pa.uint64(), 2**47, 2**47),
    ],
)
def test_what_a_call_returned(empty: Path, kind: pa.DataType, returned: int, ret: int) -> None:
    for extra in ({}, {"list": pa.array([[1]])}):
        name = f"syscall_exit_{'own' if extra else 'shared'}"
        rows = table(ret=pa.array([returned], kind), **extra)
        with loaded(empty, {name: rows, "other": table(ret=pa.array([5]))}) as connection:
            found = connection.sql(f"SELECT ret FROM event.{name} LIMIT 1").to_arrow_table()
            assert found["ret"].to_pylist() == [returned]
            assert found.schema.types == [kind]
            query = f"SELECT DISTINCT ret FROM events WHERE name IN ('{name}', 'other')"
            assert set(connection.execute(query).fetchall()) == {(ret,), (None,)}
        with Warehouse(empty) as target:
            target.remove([1, 2])
            target.connection.execute("DELETE FROM runs")


def test_rows_lie_in_order_over_more_than_one_row_group(empty: Path) -> None:
    count = ROW_GROUP + 10
    rows = pa.table(
        {
            "ts": pa.array([*range(0, count, 2), *range(1, count, 2)], pa.int64()),
            "cpu_id": pa.array([0] * count, pa.int32()),
            "ctx_tid": pa.array([1] * count, pa.int32()),
            "x": pa.array([*range(0, count, 2), *range(1, count, 2)], pa.int64()),
        }
    )
    small = table(x=pa.array([1, 2]), s=pa.array(["a", None]))
    with Warehouse(empty) as target:
        runs = target.load([run_of("r", {"a": small, "b": rows}), run_of("s", {"b": rows})])
        assert [run.events for run in runs] == [count + 2, count]
        execute = target.connection.execute
        query = "SELECT COUNT(*), SUM((x = ts)::INT) FROM event.b GROUP BY run_id"
        assert execute(query).fetchall() == [(count, count)] * 2
        assert execute("SELECT x, s FROM event.a ORDER BY x").fetchall() == [(1, "a"), (2, None)]
        stored = execute("SELECT ts FROM store.narrow WHERE code = (SELECT code FROM store.classes "
                         "WHERE name = 'b') AND run_id = 1 ORDER BY rowid").fetchall()  # fmt: skip
        assert stored == sorted(stored)
        query = "SELECT first_ts, last_ts, cpus, events FROM runs ORDER BY run_id"
        assert execute(query).fetchall() == [(0, count - 1, 1, count + 2), (0, count - 1, 1, count)]


def test_a_documented_class_keeps_its_words_and_its_types(empty: Path) -> None:
    query = (
        "SELECT column_name, data_type, comment FROM duckdb_columns() "
        "WHERE schema_name = 'event' AND table_name = 'irq_softirq_entry'"
    )
    with tcpdw.connect(empty) as connection:
        before = connection.execute(query).fetchall()
    rows = table(ctx_pid=pa.array([1], pa.int32()), vec=pa.array([3], pa.uint8()))
    with loaded(empty, {"irq_softirq_entry": rows}) as connection:
        after = connection.execute(query).fetchall()
        assert connection.execute(
            "SELECT vec, ctx_pid FROM event.irq_softirq_entry"
        ).fetchall() == [(3, 1)]
    assert after == [*before, ("ctx_pid", "INTEGER", None)]


def test_a_batch_without_room_is_loaded_with_more(empty: Path) -> None:
    count = 300_000
    rows = pa.table(
        {
            "ts": pa.array(range(count), pa.int64()),
            "cpu_id": pa.array([0] * count, pa.int32()),
            "ctx_tid": pa.array([1] * count, pa.int32()),
            "vec": pa.array([1] * count, pa.uint32()),
        }
    )
    with Warehouse(empty) as target:
        target.connection.execute("SET memory_limit = '24MB'; SET max_temp_directory_size = '1MB'")
        [run] = target.load([run_of("r", {"irq_softirq_entry": rows, "irq_softirq_exit": rows})])
        assert run.events == 2 * count
        assert target.connection.execute("SELECT COUNT(*) FROM events").fetchone() == (2 * count,)


class TestTemplate:
    def test_the_second_is_a_copy_of_the_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        made: list[Path] = []

        def make(path: Path) -> None:
            made.append(path)
            path.write_bytes(b"empty")

        for name in ("a", "b"):
            template.place(tmp_path / name, ["x"], make)
            assert (tmp_path / name).read_bytes() == b"empty"
        assert len(made) == 1
        template.place(tmp_path / "c", ["y"], make)
        assert len(made) == 2
        assert len(list((tmp_path / "cache/tcpdw").iterdir())) == 1
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c", "cache"]

    def test_a_file_that_is_there_stays(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        (tmp_path / "a").write_bytes(b"mine")
        template.place(tmp_path / "a", ["x"], Path.touch)
        assert (tmp_path / "a").read_bytes() == b"mine"

    def test_without_a_cache_a_warehouse_is_made_all_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "file").write_bytes(b"")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        with Warehouse(tmp_path / "w.duckdb") as target:
            assert target.known() == {}
        with tcpdw.connect(tmp_path / "w.duckdb") as connection:
            assert connection.execute("SELECT COUNT(*) FROM events").fetchone() == (0,)

    def test_a_damaged_cache_is_made_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        Warehouse(tmp_path / "a.duckdb").connection.close()
        [cached] = (tmp_path / "cache/tcpdw").iterdir()
        cached.write_bytes(cached.read_bytes()[:-5000])
        with Warehouse(tmp_path / "b.duckdb") as target:
            assert target.known() == {}

    def test_with_the_views_of_many_event_classes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        count = warehouse.MANY_CLASSES
        classes = {f"k{n}": table(x=pa.array([n])) for n in range(count - 1)}
        classes["irq_softirq_entry"] = table(vec=pa.array([3], pa.uint32()), own=pa.array([[1]]))
        made: list[str] = []
        view_statement = event_store._view_statement

        def counting(view: Any, connection: duckdb.DuckDBPyConnection) -> str:
            made.append(view.name)
            return view_statement(view, connection)

        def load(name: str) -> tuple[object, ...]:
            path = tmp_path / f"{name}.duckdb"
            with Warehouse(path) as target:
                made.clear()
                target.load([run_of("r", classes)])
            with tcpdw.connect(path) as connection:
                views = connection.execute(
                    "SELECT view_name, sql, comment FROM duckdb_views() ORDER BY ALL"
                ).fetchall()
                columns = connection.execute(
                    "SELECT schema_name, table_name, column_name, data_type, comment "
                    "FROM duckdb_columns() ORDER BY ALL"
                ).fetchall()
            return (views, columns, contents(path))

        monkeypatch.setattr(event_store, "_view_statement", counting)
        first = load("a")
        # Each is made twice: where it is wanted, and to be kept.
        assert (len(made), set(made)) == (2 * count, set(classes))
        assert load("b") == first
        assert made == []
        [kept] = (tmp_path / "cache/tcpdw").glob("*.classes")
        kept.write_bytes(kept.read_bytes()[:-5000])
        assert load("c") == first
        assert set(made) == set(classes)
        del classes["k0"]
        load("d")
        assert len(list((tmp_path / "cache/tcpdw").glob("*.classes"))) == 1
