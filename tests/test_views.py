from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import duckdb
import pytest
import view_case
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from view_case import Case, CaseError

from tcpdw import catalog
from tcpdw.sql_object import SqlObject

FILES = sorted(view_case.FOLDER.glob("*.txt"))
CASES = [view_case.read(path) for path in FILES]
LATENCY = "SELECT run_id, metric, ts, dur, certain FROM latency ORDER BY ALL"
COUNTS = "SELECT run_id, metric, reason, n FROM metric_counts ORDER BY ALL"
ONE_BY_ONE = {
    "runs_overlap",
    "wake_without_waking",
    "send_plain",
    "fds_fork",
    "syn_two_connections",
}

Shared = tuple[duckdb.DuckDBPyConnection, dict[Path, int]]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """All cases in one warehouse: runs of the same times, threads and addresses side by side."""
    connection, before = view_case.load(CASES, tmp_path_factory.mktemp("shared"))
    yield connection, dict(before)
    connection.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.stem)
def test_case(case: Case, shared: Shared) -> None:
    connection, before = shared
    assert case.checks, f"{case.path} checks nothing"
    for check in case.checks:
        actual = view_case.result(connection, check.query, before[case.path])
        assert actual == check.expected, f"{case.path}:{check.line}: {check.query}"


def latency(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    return connection.execute(LATENCY).fetchall() + connection.execute(COUNTS).fetchall()


def test_one_by_one(shared: Shared, tmp_path: Path) -> None:
    """A run is the same alone in its batch, after others, and beside others."""
    chosen = [case for case in CASES if case.path.stem in ONE_BY_ONE]
    assert len(chosen) == len(ONE_BY_ONE)
    connection, _ = view_case.load(chosen, tmp_path, one_by_one=True)
    alone = {
        (case.path, check.line): view_case.result(connection, check.query, before)
        for case, before in zip(chosen, counted(chosen), strict=True)
        for check in case.checks
    }
    together = latency(connection)
    connection.close()
    for case in chosen:
        for check in case.checks:
            assert alone[case.path, check.line] == check.expected, f"{case.path}:{check.line}"
    connection, _ = view_case.load(chosen, tmp_path)
    assert latency(connection) == together
    connection.close()


def counted(cases: list[Case]) -> list[int]:
    return list(accumulate((len(case.runs) for case in cases[:-1]), initial=0))


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(by=st.integers(1, 2**62))
def test_shifted(by: int, shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> None:
    """All times later by a constant: every interval is later by it, and nothing else changes."""
    moved = [view_case.shifted(case, by) for case in CASES]
    connection, _ = view_case.load(moved, tmp_path_factory.mktemp("shifted"))
    rows = connection.execute(LATENCY).fetchall()
    counts = connection.execute(COUNTS).fetchall()
    connection.close()
    assert [(run, metric, ts - by, *rest) for run, metric, ts, *rest in rows] == [
        tuple(row) for row in shared[0].execute(LATENCY).fetchall()
    ]
    assert counts == shared[0].execute(COUNTS).fetchall()


def test_every_metric_has_cases(shared: Shared) -> None:
    """What no case gives an interval for, or leaves nothing out for, is not tested."""
    intervals = {row[0] for row in shared[0].execute("SELECT metric FROM latency").fetchall()}
    left_out = {row[0] for row in shared[0].execute("SELECT metric FROM metric_counts").fetchall()}
    names = {metric.name for metric in catalog.load().metrics}
    assert (intervals, left_out) == (names, names)


@pytest.mark.parametrize(
    "metric",
    [metric for metric in catalog.load().metrics if "intervals" in metric.keys],
    ids=lambda metric: metric.name,
)
def test_the_short_way_to_a_metrics_intervals_gives_the_same(
    metric: SqlObject, shared: Shared
) -> None:
    rows, short = (
        shared[0].execute(f"SELECT run_id, ts, dur, certain FROM {view} ORDER BY ALL").fetchall()
        for view in (metric.name, metric.keys["intervals"])
    )
    assert rows
    assert short == rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run 2\n", ":1: run 2: runs count from 1"),
        ("100 cpu0 tid0 x\n", ":1: 100 cpu0 tid0 x: no run yet"),
        ("run 1\n\n100 core0 tid0 x\n", ":3: 100 core0 tid0 x: expected cpuN, not core0"),
        ("run 1\n100 cpu0 tid0 x a\n", ":2: 100 cpu0 tid0 x a: expected key=value, not a"),
        ("run 1\n---\nSELECT 1\n", ":3: a block opens with `query:`"),
        ("run 1\n---\nquery: SELECT 1\n", ":3: a query says `run_id = N`"),
    ],
)
def test_a_case_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "case.txt"
    path.write_text(text)
    with pytest.raises(CaseError) as caught:
        view_case.read(path)
    assert str(caught.value).endswith(message)


def test_a_case_with_a_field_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "case.txt"
    path.write_text("run 1\n  100 cpu0 tid0 irq_softirq_raise vector=3\n")
    with pytest.raises(CaseError, match=r":2: irq_softirq_raise has no vector$"):
        view_case.load([view_case.read(path)], tmp_path)
