"""Why groups differ: a difference split over the stages of its metric."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from made_runs import MACHINE, METRIC, Made, made, spread

from tcpdw import catalog
from tcpdw.compare import compare, stages


def staged(machine: str, slower: int) -> list[Made]:
    """Make runs in which the SYN-ACK takes 10 us, the ACK 20 us and `slower`, the waking 30 us."""
    return [
        Made(
            machine,
            [(10_000, 20_000 + slower + 100 * run + step, 30_000, 7_000) for step in range(5)],
        )
        for run in range(8)
    ]


def test_the_difference_is_split_over_the_stages(tmp_path: Path) -> None:
    with made(tmp_path, [*staged("a", 0), *staged("b", 40_000)]) as connection:
        found = compare(connection, [METRIC], MACHINE, with_stages=True)
    [one] = found.metrics
    assert [split.q for split in one.splits] == [0.5, 0.99]
    for split in one.splits:
        # Forty intervals do not bound their 99th percentile.
        assert split.shown == (split.q == 0.5)
        assert split.difference == 40_000
        by_stage = {part.stage: part for part in split.parts}
        assert list(by_stage) == ["syn_to_synack", "synack_to_ack", "ack_to_wake", None]
        assert by_stage["syn_to_synack"].difference.value == pytest.approx(0)
        assert by_stage["synack_to_ack"].difference.value == pytest.approx(40_000)
        low = by_stage["synack_to_ack"].difference.low
        assert low is None or 39_000 < low < 40_000
        assert by_stage["ack_to_wake"].base == pytest.approx(30_000)
        assert by_stage[None].base == by_stage[None].new == pytest.approx(0)
        assert split.beyond == pytest.approx(0, abs=1e-6)
        assert split.later[0].stage == "wake_to_run"
        assert split.later[0].base == pytest.approx(7_000)


def test_parts_and_what_is_beyond_them_sum_to_the_difference(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    metrics = [METRIC, "sendto_to_xmit", "handshake", "rx_to_wake", "queue_to_capture"]
    found = compare(connection, [*metrics, "softirq_duration"], MACHINE, with_stages=True)
    for one in found.metrics:
        assert bool(one.splits) == (one.metric in metrics)
        for part in one.breakdowns:
            assert sum(mean for _, mean in part.parts) == pytest.approx(part.mean)
        for split in one.splits:
            total = sum(part.difference.value for part in split.parts) + split.beyond
            assert total == pytest.approx(split.difference, rel=1e-9, abs=1e-3)


def test_the_stages_of_a_metric_are_its_length(connection: duckdb.DuckDBPyConnection) -> None:
    checked = 0
    for metric in catalog.load().metrics:
        if within := stages.inner(metric):
            total = " + ".join(within)
            [(rows, other)] = connection.execute(
                f"SELECT COUNT({total}), COUNT(*) FILTER (WHERE {total} <> dur) FROM {metric.name}"
            ).fetchall()
            assert rows > 0
            assert other == 0, metric.name
            checked += 1
    assert checked >= 3


def test_a_breakdown_is_the_mean_of_the_intervals_near_the_quantile(tmp_path: Path) -> None:
    # 100 intervals of 1 to 100 us, all but 1 us of each in the ACK: ranks 45 to 55 around the 50th.
    runs = [
        Made("a", [(1_000, us * 1_000 - 1_000, 0) for us in range(first, 101, 10)])
        for first in range(1, 11)
    ]
    with made(tmp_path, [*runs, *spread("b", 1_000_000)]) as connection:
        [one] = compare(connection, [METRIC], MACHINE, with_stages=True).metrics
    half = one.breakdowns[0]
    assert (half.group, half.q) == ("a", 0.5)
    assert half.ranks == pytest.approx((0.445, 0.545))
    assert half.mean == pytest.approx(50_000)
    assert dict(half.parts)["syn_to_synack"] == pytest.approx(1_000)
    assert half.intervals == 11
    top = one.breakdowns[1]
    assert top.q == 0.99
    # The 99th with its neighbours.
    assert top.ranks == pytest.approx((0.97, 1.0))
    assert top.mean == pytest.approx(99_000)


def test_a_later_stage_that_is_unknown_is_left_out(tmp_path: Path) -> None:
    runs = [Made(m, [(10, 20 + n, 30)] * 3) for m in "ab" for n in range(6)]
    with made(tmp_path, runs) as connection:
        [one] = compare(connection, [METRIC], MACHINE, with_stages=True).metrics
    assert all(split.later == () for split in one.splits)
    assert all(mean is None for part in one.breakdowns for _, mean in part.later)
