from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from tcpdw import current_thread
from tcpdw.readers import LostWindow

Event = tuple[int, int | None]
Switch = tuple[int, int | None, int, int]


def events(*rows: Event, **more: pa.Array) -> pa.Table:
    return pa.table(
        {
            "ts": pa.array([ts for ts, _ in rows], pa.int64()),
            "cpu_id": pa.array([cpu for _, cpu in rows], pa.int32()),
            **more,
        }
    )


def switches(*rows: Switch) -> pa.Table:
    return events(
        *((ts, cpu) for ts, cpu, _, _ in rows),
        prev_tid=pa.array([left for *_, left, _ in rows], pa.int32()),
        next_tid=pa.array([came for *_, came in rows], pa.int32()),
    )


def attributed(classes: dict[str, pa.Table], lost: Sequence[LostWindow]) -> dict[str, pa.Table]:
    threads = current_thread.CurrentThreads(classes, lost)
    return {name: threads.added(name, table) for name, table in classes.items()}


def tids(
    rows: Sequence[Event], switched: Sequence[Switch], lost: Sequence[LostWindow] = ()
) -> list[int | None]:
    classes = {"x": events(*rows), "sched_switch": switches(*switched)}
    return attributed(classes, lost)["x"]["ctx_tid"].to_pylist()


def test_from_switches() -> None:
    # Before the first switch, who it takes out; at a switch's own time, who leaves; then who came.
    rows = [(50, 0), (100, 0), (101, 0), (200, 0), (900, 0)]
    assert tids(rows, [(100, 0, 7, 0), (200, 0, 0, 8)]) == [7, 7, 0, 0, 8]


def test_each_cpu_has_its_own() -> None:
    rows = [(150, 0), (150, 1), (150, 2), (150, None)]
    assert tids(rows, [(100, 0, 7, 8), (110, 1, 5, 6)]) == [8, 6, None, None]


def test_events_without_cpu() -> None:
    assert tids([(150, None), (50, None)], [(100, None, 7, 8)]) == [8, 7]


def test_a_switch_itself_is_of_who_leaves() -> None:
    classes = {"sched_switch": switches((100, 0, 7, 8), (200, 0, 8, 7))}
    result = attributed(classes, ())["sched_switch"]
    assert result["ctx_tid"].to_pylist() == [7, 8]


def test_loss_makes_unknown_until_the_next_switch_tells() -> None:
    lost = [LostWindow(0, 120, 140, 3)]
    rows = [(110, 0), (120, 0), (121, 0), (140, 0), (141, 0), (210, 0)]
    # Lost events may have come up to the window's end; after it the switch at 200 tells.
    assert tids(rows, [(100, 0, 7, 8), (200, 0, 9, 5)], lost) == [8, 8, None, None, 9, 5]


def test_loss_with_no_switch_after_it() -> None:
    lost = [LostWindow(0, 120, 140, 3)]
    assert tids([(110, 0), (130, 0)], [(100, 0, 7, 8)], lost) == [8, None]


def test_loss_of_another_cpu_changes_nothing() -> None:
    assert tids([(130, 0)], [(100, 0, 7, 8)], [LostWindow(1, 120, 140, 3)]) == [8]


def test_loss_of_no_known_cpu_is_of_every_cpu() -> None:
    assert tids([(130, 0)], [(100, 0, 7, 8)], [LostWindow(None, 120, 140, 3)]) == [None]


def test_two_losses_between_two_switches() -> None:
    lost = [LostWindow(0, 120, 140, 3), LostWindow(0, 150, 160, 3)]
    # Between the two losses nothing tells.
    assert tids([(130, 0), (170, 0)], [(100, 0, 7, 8), (200, 0, 9, 5)], lost) == [None, 9]


@pytest.mark.parametrize("context", ["ctx_tid", "ctx_vtid"])
def test_context_wins(context: str) -> None:
    given = pa.array([3, None], pa.int64())
    table = events((50, 0), (150, 0), **{context: given})
    classes = {"x": table, "sched_switch": switches((100, 0, 7, 8))}
    result = attributed(classes, ())["x"]
    assert result.column_names[:3] == ["ts", "cpu_id", "ctx_tid"]
    assert result["ctx_tid"].to_pylist() == [3, None]
    assert result["ctx_tid"].type == pa.int32()


def test_context_moves_after_cpu_and_the_rest_stays() -> None:
    table = events((50, 0), vec=pa.array([3]), ctx_tid=pa.array([7]))
    result = attributed({"x": table}, ())["x"]
    assert result.column_names == ["ts", "cpu_id", "ctx_tid", "vec"]
    assert result["vec"].to_pylist() == [3]


def test_without_switches_nobody_is_known() -> None:
    result = attributed({"x": events((50, 0))}, ())["x"]
    assert result["ctx_tid"].to_pylist() == [None]
    assert result["ctx_tid"].type == pa.int32()


def test_switches_without_their_fields_tell_nothing() -> None:
    classes = {"x": events((50, 0)), "sched_switch": events((40, 0))}
    result = attributed(classes, ())
    assert result["x"]["ctx_tid"].to_pylist() == [None]
    assert result["sched_switch"]["ctx_tid"].to_pylist() == [None]


def test_no_rows() -> None:
    assert tids([], [(100, 0, 7, 8)]) == []
    assert tids([(50, 0)], []) == [None]
