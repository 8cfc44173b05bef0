"""The parts of the views' benchmark that are not measurement."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
import view_case
from bench import views

from tcpdw import catalog


def test_what_people_query_is_measured() -> None:
    names = set(views.public(catalog.load()))
    assert names >= {"runs", "latency", "wakes", "wake_to_run", "wake_to_run_left_out", "syscalls"}
    steps = {"thread_turns", "wake_rows", "thread_marks", "store.calls", "event.sched_switch"}
    assert not names & {*steps, "lost_on", "warehouse"}


def test_copies_of_runs_are_runs_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [view_case.read(view_case.FOLDER / f"{name}.txt") for name in ("wake_plain", "coarse")]
    connection, _ = view_case.load(cases, tmp_path)
    connection.close()
    [few] = tmp_path.iterdir()
    many = tmp_path / "many.duckdb"
    shutil.copy(few, many)
    with duckdb.connect(str(many)) as connection:
        before = connection.execute("SELECT run_id, COUNT(*) FROM latency GROUP BY ALL").fetchall()
        views.multiply(connection, 5)
        after = connection.execute("SELECT run_id, COUNT(*) FROM latency GROUP BY ALL").fetchall()
        names = connection.execute("SELECT run_id, name FROM runs ORDER BY run_id").fetchall()
        numbers = connection.execute("SELECT DISTINCT run_id FROM events ORDER BY ALL").fetchall()
    one, two = dict(before)[1], dict(before)[2]
    assert one != two
    assert dict(after) == {1: one, 2: two, 3: one, 4: two, 5: one}
    assert [number for (number,) in numbers] == [1, 2, 3, 4, 5]
    assert names == [
        (1, "wake_plain-1"),
        (2, "coarse-1"),
        (3, "wake_plain-1-1"),
        (4, "coarse-1-1"),
        (5, "wake_plain-1-2"),
    ]
    monkeypatch.setattr(views, "public", lambda known: ["wakes", "latency"])
    found = views.answers(few, many, 1)
    assert [answer.view for answer in found] == ["wakes", "latency"]
    assert {answer.way for answer in found} <= set(views.WAYS)
    assert min(min(answer.one, answer.whole) for answer in found) > 0
