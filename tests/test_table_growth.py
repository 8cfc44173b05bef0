from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from loaded_rows import empty_warehouse, run_of, strays, table

import tcpdw
from tcpdw.warehouse import Warehouse
from tcpdw.warehouse_schema import name_of

HOSTILE = [
    'a"b; DROP TABLE runs', "été\u202e漢", "x" * 300, "a.b", "event.c", "it's", "two\nlines",
    "runs", "SELECT", "a%b_c", "\\",
]  # fmt: skip


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return empty_warehouse(tmp_path)


def loaded(
    path: Path, *columns: Mapping[str, pa.Array], name: str = "k"
) -> duckdb.DuckDBPyConnection:
    """Load a run for each set of columns of the class `name`, each by itself; connect."""
    with Warehouse(path) as target:
        for number, given in enumerate(columns):
            [run] = target.load([run_of(f"r{number}", {name: table(**given)})])
            assert run.status == "ok"
    return tcpdw.connect(path)


def integers(kind: pa.DataType, *values: int) -> pa.Array:
    return pa.array(values, kind)


@pytest.mark.parametrize(
    ("columns", "kind", "values"),
    [
        ([integers(pa.int32(), -1), integers(pa.uint32(), 2**32 - 1)], "BIGINT", [-1, 2**32 - 1]),
        ([integers(pa.uint8(), 1), integers(pa.int64(), -(2**63))], "BIGINT", [1, -(2**63)]),
        (
            [integers(pa.uint64(), 2**64 - 1), integers(pa.int64(), -1)],
            "HUGEINT",
            [2**64 - 1, -1],
        ),
        ([integers(pa.int64(), 7), pa.array(["x"])], "VARCHAR", ["7", "x"]),
        ([pa.array(["x"]), integers(pa.int64(), 7)], "VARCHAR", ["x", "7"]),
        ([pa.nulls(1), integers(pa.int64(), 7)], "BIGINT", [None, 7]),
        ([pa.array(["x"]).dictionary_encode(), pa.array(["y"])], None, ["x", "y"]),
        (
            [pa.array([{"a": 1}]), pa.array([{"a": 2, "b": "x"}])],
            "STRUCT(a BIGINT, b VARCHAR)",
            [{"a": 1, "b": None}, {"a": 2, "b": "x"}],
        ),
        ([pa.array([[1]], pa.list_(pa.uint8())), pa.array([[-1]])], "BIGINT[]", [[1], [-1]]),
        ([pa.array([[1]]), integers(pa.int64(), 7)], "VARCHAR", ["[1]", "7"]),
        ([pa.array([{"a": 1}]), pa.array([[1]])], "VARCHAR", ["{'a': 1}", "[1]"]),
    ],
)
def test_types_widen(
    empty: Path, columns: list[pa.Array], kind: str | None, values: list[object]
) -> None:
    with loaded(empty, *({"x": column} for column in columns)) as connection:
        found = connection.execute("SELECT x FROM event.k ORDER BY run_id").fetchall()
        assert [row[0] for row in found] == values
        [(shown,)] = connection.execute("SELECT DISTINCT typeof(x) FROM event.k").fetchall()
        assert kind is None or shown == kind
        assert connection.execute("SELECT COUNT(*) FROM events WHERE name = 'k'").fetchone() == (
            len(values),
        )


def test_a_new_field_is_a_new_column(empty: Path) -> None:
    columns = [
        {"x": pa.array([1])},
        {"x": pa.array([2]), "y": pa.array(["z"])},
        {"y": pa.array([""])},
    ]
    with loaded(empty, *columns) as connection:
        found = connection.execute("SELECT run_id, x, y FROM event.k ORDER BY run_id").fetchall()
    assert found == [(1, 1, None), (2, 2, "z"), (3, None, "")]


@pytest.mark.parametrize(
    "pair",
    [
        (pa.array([-1], pa.int32()), pa.array([2**32 - 1], pa.uint32())),
        (pa.array([2**64 - 1], pa.uint64()), pa.array([-1], pa.int64())),
        (pa.array([7]), pa.array(["x"])),
    ],
)
def test_one_batch_gives_the_columns_that_two_give(
    empty: Path, tmp_path: Path, pair: tuple[pa.Array, pa.Array]
) -> None:
    apart = Path(shutil.copy(empty, tmp_path / "apart.duckdb"))
    query = "SELECT * FROM event.k ORDER BY run_id"
    with loaded(apart, {"x": pair[0]}, {"x": pair[1]}) as connection:
        expected = connection.execute(query).fetchall()
        kinds = connection.execute("DESCRIBE event.k").fetchall()
    with Warehouse(empty) as target:
        target.load([run_of(f"r{n}", {"k": table(x=x)}) for n, x in enumerate(pair)])
        assert target.connection.execute("DESCRIBE event.k").fetchall() == kinds
        assert target.connection.execute(query).fetchall() == expected


def test_classes_with_hostile_names(empty: Path) -> None:
    with Warehouse(empty) as target:
        classes = {name: table(x=pa.array([n])) for n, name in enumerate(HOSTILE)}
        [run] = target.load([run_of("r", classes)])
        assert (run.status, run.events) == ("ok", len(HOSTILE))
        # A second run finds the tables that the first made.
        target.load([run_of("s", classes)])
        for number, name in enumerate(HOSTILE):
            query = f"SELECT x FROM {name_of(f'event.{name}')}"
            assert target.connection.execute(query).fetchall() == [(number,)] * 2
        found = target.connection.execute("SELECT name, COUNT(*) FROM events GROUP BY ALL")
        assert dict(found.fetchall()) == dict.fromkeys(HOSTILE, 2)
        target.remove([run.run_id])
        assert target.connection.execute("SELECT COUNT(*) FROM events").fetchone() == (
            len(HOSTILE),
        )
    assert strays(empty) == {}


def test_a_class_without_a_name(empty: Path) -> None:
    with Warehouse(empty) as target:
        [run] = target.load([run_of("r", {"": table(x=pa.array([1])), "k": table()})])
        assert run.events == 2
        assert target.connection.execute("SELECT COUNT(*) FROM events").fetchone() == (2,)


def test_classes_that_differ_in_case_alone_lose_nothing(empty: Path) -> None:
    upper, lower = table(x=pa.array([1]), Y=pa.array([2])), table(X=pa.array(["z"]))
    with Warehouse(empty) as target:
        target.load([run_of("r", {"Foo": upper, "foo": lower})])
        target.load([run_of("s", {"foo": lower}), run_of("t", {"FOO": upper})])
        query = "SELECT name, COUNT(*) FROM events GROUP BY ALL ORDER BY ALL"
        assert target.connection.execute(query).fetchall() == [("FOO", 1), ("Foo", 1), ("foo", 2)]
        query = "SELECT CAST(x AS VARCHAR), y FROM event.foo ORDER BY ALL"
        assert target.connection.execute(query).fetchall() == [
            ("1", 2), ("1", 2), ("z", None), ("z", None),
        ]  # fmt: skip
