from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from loaded_rows import empty_warehouse, rows, run_of, strays, table

from tcpdw.errors import WarehouseError
from tcpdw.loading import Loader
from tcpdw.readers import Clock, StreamCount
from tcpdw.rundata import RunData
from tcpdw.runs import Identity
from tcpdw.warehouse import LoadedRun, Warehouse


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return empty_warehouse(tmp_path)


def nothing(batch: Sequence[LoadedRun]) -> None:
    """Be told of a batch, and do nothing."""


def unloadable(name: str) -> RunData:
    # No 64-bit integer holds the clock's frequency, so the database refuses the run's row.
    return run_of(name, {"a": table()}, clock=Clock("c", 2**70, 0))


def test_a_run_that_cannot_be_loaded_fails_alone(empty: Path, tmp_path: Path) -> None:
    batches: list[list[str]] = []

    def told(batch: Any) -> None:
        batches.append([run.name for run in batch])

    good = {name: run_of(name, {"a": table()}) for name in ("g1", "g2", "g3", "g4")}
    order = [good["g1"], unloadable("bad-1"), good["g2"], good["g3"], unloadable("bad-2")]
    with Warehouse(empty) as target:
        loader = Loader(target.load, told, set(), batch_runs=64, batch_events=1_000)
        for number, run in enumerate(order):
            folder = tmp_path / str(number)
            folder.mkdir()
            loader.add((run,), folder)
        assert batches == []
        loader.flush()
        loader.add((good["g4"], good["g1"]), None)
        loader.flush()
        loader.flush()
        assert target.known().keys() >= {"g1", "g2", "g3", "g4"}
        assert not target.known().keys() & {"bad-1", "bad-2"}
    assert [list(tmp_path.glob("[0-9]"))] == [[]]
    assert (loader.skipped, [run.name for run in loader.done]) == (
        1, [run.name for run in (*order, good["g4"])],
    )  # fmt: skip
    assert batches == [[run.name for run in order], ["g4"]]
    assert rows(empty, "SELECT name, status, events FROM runs ORDER BY name") == [
        ("bad-1", "failed", 0), ("bad-2", "failed", 0),
        ("g1", "ok", 1), ("g2", "ok", 1), ("g3", "ok", 1), ("g4", "ok", 1),
    ]  # fmt: skip
    [(reason,)] = rows(empty, "SELECT warnings[1] FROM runs WHERE name = 'bad-1'")
    assert reason.startswith("cannot be loaded: ")
    assert rows(empty, "SELECT COUNT(*) FROM event.a") == [(4,)]
    assert strays(empty) == {}


def test_batches_are_loaded_when_they_are_full() -> None:
    batches: list[list[str]] = []

    def load(batch: Any) -> list[LoadedRun]:
        batches.append([run.name for run in batch])
        return [LoadedRun(1, run.name, run.status, 0, 0, ()) for run in batch]

    loader = Loader(load, nothing, {"known"}, batch_runs=3, batch_events=10)
    for name in ("a", "known", "b", "a", "c", "d"):
        loader.add((run_of(name),), None)
    assert batches == [["a", "b", "c"]]
    loader.add((run_of("e", streams=(StreamCount("ch_0", 0, 10),)),), None)
    assert batches == [["a", "b", "c"], ["d", "e"]]
    # The runs of one source stay together.
    loader.add([run_of(name) for name in "fghij"], None)
    assert batches[-1] == list("fghij")
    assert loader.skipped == 2


def test_what_the_warehouse_cannot_record_ends_the_ingest(tmp_path: Path) -> None:
    def load(batch: Any) -> list[LoadedRun]:
        raise WarehouseError("the disk is gone")

    loader = Loader(load, nothing, set(), batch_runs=3, batch_events=10)
    (tmp_path / "folder").mkdir()
    loader.add((run_of("a"), run_of("b")), tmp_path / "folder")
    with pytest.raises(WarehouseError, match="the disk is gone"):
        loader.flush()
    assert not (tmp_path / "folder").exists()


def test_a_loaded_run_goes_for_one_of_its_content(empty: Path) -> None:
    with Warehouse(empty) as target:
        target.load(
            [run_of("one", {"a": table(x=pa.array([1, 2]))}), run_of("two", {"a": table()})]
        )
        [run] = target.load([run_of("one", {"a": table(x=pa.array([3]))})])
        assert target.load([]) == ()
    assert run.run_id == 3
    assert rows(empty, "SELECT run_id, name, events FROM runs ORDER BY ALL") == [
        (2, "two", 1), (3, "one", 1),
    ]  # fmt: skip
    assert rows(empty, "SELECT run_id, x FROM event.a ORDER BY ALL") == [(2, None), (3, 3)]
    assert strays(empty) == {}


def test_a_number_is_given_once(empty: Path) -> None:
    # Whoever wrote down a run's number must not find another run's rows by it.
    with Warehouse(empty) as target:
        for expected in (1, 2, 3):
            [run] = target.load([run_of("one", {"a": table()})])
            assert run.run_id == expected


def test_a_failure_takes_no_good_run_away(empty: Path) -> None:
    # As `--replace` may come to it: the reader dies, and what it read the last time is still good.
    with Warehouse(empty) as target:
        target.load([run_of("one", {"a": table(x=pa.array([1, 2]))})])
        target.load([run_of("one", failure="the reader process died")])
    assert rows(empty, "SELECT COUNT(*) FROM runs WHERE status = 'ok'") == [(1,)]
    assert rows(empty, "SELECT COUNT(*) FROM event.a") == [(2,)]


def test_a_failure_is_recorded_once_for_its_path_and_name(empty: Path) -> None:
    def failure(path: str, name: str, why: str) -> RunData:
        return RunData(name, Path(path), None, None, Identity(), failure=why)

    with Warehouse(empty) as target:
        target.load([failure("/p", "a", "first"), failure("/p", "b", "stays")])
        target.load([failure("/p", "a", "second"), failure("/q", "a", "another")])
    assert rows(empty, "SELECT source_path, name, warnings FROM runs ORDER BY ALL") == [
        ("/p", "a", ["second"]), ("/p", "b", ["stays"]), ("/q", "a", ["another"]),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("syscall_exit_x", {"ret": pa.array(["text"])}),
        ("syscall_exit_x", {"ret": pa.array([2**64 - 1], pa.uint64())}),
        ("syscall_exit_x", {"ret": pa.array([1.5])}),
        ("k", {"x": pa.array([{"a": 1, "A": 2}])}),
        ("bad\udcff", {"x": pa.array([1])}),
    ],
)
def test_odd_fields_cost_at_most_their_own_run(
    empty: Path, name: str, column: Mapping[str, pa.Array]
) -> None:
    with Warehouse(empty) as target:
        loader = Loader(target.load, nothing, set(), batch_runs=9, batch_events=1_000)
        loader.add((run_of("good", {"a": table()}), run_of("odd", {name: table(**column)})), None)
        loader.flush()
    found = dict(rows(empty, "SELECT name, status FROM runs"))
    assert found.keys() == {"good", "odd"}
    assert found["good"] == "ok"
    reasons = [reason for run in loader.done for reason in run.warnings]
    assert not any("aborted" in reason for reason in reasons), reasons


def test_streams_and_losses_are_loaded(empty: Path) -> None:
    with Warehouse(empty) as target:
        target.load(
            [run_of("r", streams=(StreamCount("ch_0", 0, 5), StreamCount("ch_1", None, 0)))]
        )
    assert rows(empty, "SELECT run_id, stream, cpu_id, events FROM streams ORDER BY stream") == [
        (1, "ch_0", 0, 5), (1, "ch_1", None, 0),
    ]  # fmt: skip
