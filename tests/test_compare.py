from __future__ import annotations

import os
import signal
import threading
from math import comb
from pathlib import Path

import duckdb
import pytest
from made_runs import MACHINE, METRIC, Made, made, of_lengths, spread, warehouse

from tcpdw import query
from tcpdw.availability import run_named
from tcpdw.compare import (
    QUANTILES,
    Between,
    By,
    Comparison,
    compare,
    sampling,
)
from tcpdw.errors import MissingEventsError, UsageError, WarehouseError


def kinds(comparison: Comparison) -> list[str]:
    return [warning.kind for warning in comparison.warnings]


# --- what is counted, against plain SQL ----------------------------------------------------------


def test_figures_of_all_metrics_are_those_of_sql(connection: duckdb.DuckDBPyConnection) -> None:
    expected = {
        (metric, machine): row
        for metric, machine, *row in connection.execute(
            "SELECT l.metric, r.machine, COUNT(DISTINCT l.run_id) FILTER (WHERE l.certain), "
            "COUNT(*) FILTER (WHERE l.certain), COUNT(*) FILTER (WHERE NOT l.certain), "
            "QUANTILE_DISC(l.dur, [0.5, 0.9, 0.99]) FILTER (WHERE l.certain), "
            "MAX(l.dur) FILTER (WHERE l.certain) FROM latency AS l INNER JOIN runs AS r "
            "USING (run_id) GROUP BY ALL"
        ).fetchall()
    }
    medians = {
        (metric, run): row
        for metric, run, *row in connection.execute(
            "SELECT metric, run_id, QUANTILE_DISC(dur, 0.5), COUNT(*) FROM latency WHERE certain "
            "GROUP BY ALL"
        ).fetchall()
    }
    found = compare(connection, [], MACHINE)
    assert {one.metric for one in found.metrics} == {metric for metric, _ in expected}
    for one in found.metrics:
        for group in one.groups:
            values = [quantile.value for quantile in group.quantiles]
            figures = [group.runs, group.intervals, group.uncertain, values, group.longest]
            assert figures == expected.pop((one.metric, group.label)), (one.metric, group.label)
            for run in group.run_medians:
                assert [run.median, run.intervals] == medians.pop((one.metric, run.run_id))
    assert expected == {}
    assert medians == {}


def test_an_example_is_a_certain_interval_of_that_length(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = compare(connection, ["queue_to_xmit"], By(("machine", "role")), with_examples=True)
    [one] = found.metrics
    for group in one.groups:
        pairs = [(quantile.value, quantile.exemplar) for quantile in group.quantiles]
        for value, example in (*pairs, (group.longest, group.longest_exemplar)):
            assert example is not None
            assert example.dur == value
            [row] = connection.execute(
                "SELECT r.name, r.machine, r.role, q.certain FROM queue_to_xmit AS q "
                "INNER JOIN runs AS r USING (run_id) WHERE run_id = ? AND ts = ? AND dur = ?",
                [example.run_id, example.ts, example.dur],
            ).fetchall()
            assert row == (example.run, *group.by, True)


def test_an_example_names_its_run_on_a_command_line(tmp_path: Path) -> None:
    """By its name where that is plain and no other run's, else by its number."""
    path = warehouse(tmp_path / "made.duckdb", [of_lengths(name, [5]) for name in "abcd"])
    with duckdb.connect(str(path)) as connection:
        names = ["run-001", "run-001", "x\x1b[2J\nrm -rf", "d-004"]
        connection.execute("UPDATE runs SET name = $names[run_id]", {"names": names})
    with query.opened(path) as connection:
        [one] = compare(connection, [METRIC], By(("machine",)), with_examples=True).metrics
        words = [group.quantiles[0].exemplar for group in one.groups]
        assert [exemplar and exemplar.word for exemplar in words] == ["1", "2", "3", "d-004"]
        for word, run_id in (("1", 1), ("d-004", 4)):
            assert run_named(connection, word).run_id == run_id


def test_what_a_metric_leaves_out_is_told_by_group(connection: duckdb.DuckDBPyConnection) -> None:
    [one] = compare(connection, [METRIC], MACHINE).metrics
    for group in one.groups:
        assert (
            list(group.left_out)
            == connection.execute(
                "SELECT reason, CAST(SUM(n) AS BIGINT) AS n FROM metric_counts "
                "INNER JOIN runs USING (run_id) WHERE metric = ? AND machine = ? "
                "GROUP BY reason ORDER BY n DESC, reason",
                [METRIC, group.label],
            ).fetchall()
        )


def test_metrics_drawn_together_are_those_drawn_alone(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    metrics = ["handshake", METRIC, "rx_to_wake", "queue_to_xmit"]
    together = compare(connection, metrics, MACHINE).metrics
    assert [one.metric for one in together] == metrics
    for one in together:
        [alone] = compare(connection, [one.metric], MACHINE).metrics
        assert alone.groups == one.groups


def test_what_is_not_sorted_as_a_whole_gives_the_same(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = compare(connection, ["handshake", METRIC], MACHINE)
    monkeypatch.setattr("tcpdw.stats.ascending._FEW", 9)
    assert compare(connection, ["handshake", METRIC], MACHINE) == expected


def test_an_error_while_reading_ends_the_threads(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "source", lambda metric: "nothing")
    before = threading.active_count()
    with pytest.raises(WarehouseError, match="nothing"):
        compare(connection, [METRIC], MACHINE)
    assert threading.active_count() == before


def test_ctrl_c_ends_the_query_that_is_waited_for(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[str] = []

    def read(cursor: duckdb.DuckDBPyConnection, *_: object) -> list[object]:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            cursor.execute(
                "SELECT SUM(a.range * b.range) FROM RANGE(300000) AS a, RANGE(100000) AS b"
            )
            ends.append("by itself")
        except duckdb.InterruptException:
            ends.append("interrupted")
        return []

    monkeypatch.setattr(sampling, "_read", read)
    with pytest.raises(KeyboardInterrupt):
        compare(connection, [METRIC], MACHINE)
    assert ends == ["interrupted"]


# --- a small warehouse, by hand ------------------------------------------------------------------


def test_a_difference_is_shown_where_test_and_interval_agree(tmp_path: Path) -> None:
    with made(tmp_path, [*spread("a", 1_000_000), *spread("b", 2_000_000)]) as connection:
        found = compare(connection, [METRIC], MACHINE)
    assert (found.base, found.by) == ("a", ("machine",))
    [one] = found.metrics
    base, new = one.groups
    # Forty lengths each from 98 % to 109 %, of which 103 % and less are the first 20.
    assert [quantile.value for quantile in base.quantiles] == [1_030_000, 1_070_000, 1_090_000]
    assert base.longest == 1_090_000
    assert [run.median for run in base.run_medians] == [
        1_000_000 + run * 10_000 for run in range(8)
    ]
    assert new.quantiles[0].value == 2_060_000
    [delta] = one.deltas
    # All medians of the one are below all of the other's: two of so many orders are as extreme.
    assert delta.p == pytest.approx(2 / comb(16, 8))
    assert delta.p_corrected == delta.p
    median = delta.changes[0]
    assert (median.absolute.value, median.shown) == (1_030_000, True)
    assert median.relative is not None
    assert median.relative.value == pytest.approx(1.0)
    assert median.absolute.low is not None
    assert 0 < median.absolute.low < 1_030_000


def test_runs_of_one_kind_show_no_difference(tmp_path: Path) -> None:
    with made(tmp_path, [*spread("a", 1_000_000), *spread("b", 1_000_000)]) as connection:
        [one] = compare(connection, [METRIC], MACHINE).metrics
    [delta] = one.deltas
    assert delta.p == 1.0
    assert not any(change.shown for change in delta.changes)
    assert [change.absolute.value for change in delta.changes] == [0, 0, 0]


def test_p_is_corrected_over_all_groups_and_metrics(connection: duckdb.DuckDBPyConnection) -> None:
    found = compare(connection, ["softirq_duration", "wake_to_run", "handshake"], MACHINE)
    deltas = [delta for one in found.metrics for delta in one.deltas]
    tested = sorted((delta.p, delta.p_corrected or 0.0) for delta in deltas if delta.p is not None)
    assert len(tested) == 9
    # Holm's steps, written out: the least p by 9, the next by 8, never less than the one before.
    highest = 0.0
    for place, (p, corrected) in enumerate(tested):
        highest = max(highest, min(1.0, p * (9 - place)))
        assert corrected == pytest.approx(highest)
    assert any(p < corrected for p, corrected in tested)
    for delta in deltas:
        for change in delta.changes:
            ends = (change.absolute.low, change.absolute.high)
            beyond_zero = (ends[0] or 0) > 0 or (ends[1] is not None and ends[1] < 0)
            assert change.shown == (beyond_zero and (delta.p_corrected or 0.0) < found.alpha)


def test_uncertain_intervals_count_nowhere_but_are_counted(tmp_path: Path) -> None:
    runs = [
        *spread("a", 1_000_000),
        *spread("b", 1_000_000, uncertain=[9_000_000_000], discarded=5),
    ]
    with made(tmp_path, runs) as connection:
        found = compare(connection, [METRIC], MACHINE)
    [one] = found.metrics
    base, new = one.groups
    assert (base.uncertain, new.uncertain) == (0, 8)
    assert new.longest == base.longest
    assert "lost" in kinds(found)
    [lost] = [warning.text for warning in found.warnings if warning.kind == "lost"]
    assert lost == (
        "the tracer discarded 40 events in 8 of the 8 runs of b: 8 uncertain intervals are left out"
    )


def test_a_group_without_intervals_has_no_figures(tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000), of_lengths("b", [], uncertain=[5])]
    with made(tmp_path, runs) as connection:
        found = compare(connection, [METRIC], MACHINE)
    [one] = found.metrics
    assert one.deltas == ()
    assert [quantile.value for quantile in one.groups[1].quantiles] == [None] * len(QUANTILES)
    assert "none" in kinds(found)


# --- groups --------------------------------------------------------------------------------------


def labels(connection: duckdb.DuckDBPyConnection, *columns: str, base: str | None = None) -> list:
    return [
        group.label for group in compare(connection, [METRIC], By(columns, base)).metrics[0].groups
    ]


def test_groups_by_columns_and_ranges(tmp_path: Path) -> None:
    runs = [
        *spread("b", 1_000_000, 4, kernel="6.1"),
        *spread("a", 1_000_000, 4, kernel="6.12"),
        *spread("a", 1_000_000, 2, kernel="6.1"),
    ]
    with made(tmp_path, runs) as connection:
        assert labels(connection, "machine") == ["a", "b"]
        assert labels(connection, "Machine", base="b") == ["b", "a"]
        assert labels(connection, "machine,kernel") == ["a, 6.1", "a, 6.12", "b, 6.1"]
        assert labels(connection, "machine", "kernel", base="b,6.1")[0] == "b, 6.1"
        # The runs' repetitions are 1 to 10.
        assert labels(connection, "repetition:5-8,1-4") == ["5-8", "1-4"]
        assert labels(connection, "repetition:-3,7,9-") == ["-3", "7", "9-"]
        assert labels(connection, "machine,repetition:1-5,6-") == ["a, 1-5", "a, 6-", "b, 1-5"]
        found = compare(connection, [METRIC], By(("repetition:1-4,5-8",)))
        assert [group.all_runs for group in found.metrics[0].groups] == [4, 4]
        [outside] = [warning.text for warning in found.warnings if warning.kind == "outside"]
        assert outside == "2 runs lie in none of the ranges"


def test_a_missing_value_is_a_group_too(tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000, 2), of_lengths(None, [5])]
    with made(tmp_path, runs) as connection:
        assert labels(connection, "machine") == ["a", "-"]


def test_no_two_groups_share_a_label(tmp_path: Path) -> None:
    """A label tells a group from the others: its difference and stages are found by it."""
    machines = ("-", None, "x, 6.1.0", "x", "")
    kernels = ("6.1.0", "6.1.0", "1", "6.1.0, 1", "6.1.0")
    lengths = (1_000, 5_000, 20_000, 70_000, 300_000)
    runs = [
        of_lengths(machine, [length], kernel=kernel)
        for machine, kernel, length in zip(machines, kernels, lengths, strict=True)
    ]
    with made(tmp_path, runs) as connection:
        assert labels(connection, "machine") == ["''", "'-'", "'x'", "'x, 6.1.0'", "-"]
        found = compare(connection, [METRIC], By(("machine,kernel",)), with_stages=True)
        [one] = found.metrics
        medians = {group.label: group.quantiles[0].value for group in one.groups}
        assert sorted(filter(None, medians.values())) == sorted(lengths)
        for delta in one.deltas:
            expected = (medians[delta.group] or 0) - (medians[delta.base] or 0)
            assert delta.changes[0].absolute.value == expected
        for split in one.splits:
            assert split.difference == sum(part.difference.value for part in split.parts)
        for breakdown in one.breakdowns:
            assert breakdown.mean == medians[breakdown.group]


@pytest.mark.parametrize(
    ("grouping", "message"),
    [
        (By(("machin",)), "no column 'machin'"),
        (By(("machine",), "c"), "no group by machine is 'c'"),
        (By(("kernel",)), "all runs have the same kernel: 6.1.0"),
        (By(("repetition:4-1",)), "not a range"),
        (By(("repetition:-",)), "not a range"),
        (By(("repetition:x",)), "not a range"),
        (By(("repetition:1-4,4-8",)), "overlap"),
        (By(("repetition:1-,8-",)), "overlap"),
        (By(("machine:1-4",)), "no whole number"),
        (By(("repetition:100-",)), "no run is in one"),
        (Between("machine = 'a'", "machine = 'c'"), "no run has --new machine = 'c'"),
        (Between("machine = 'a'", "repetition < 5"), "2 runs have both --base"),
        (Between("true; DROP TABLE runs", "true"), "not one condition"),
    ],
)
def test_groups_that_cannot_be(grouping: By | Between, message: str, tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000, 2), *spread("b", 1_000_000, 2)]
    with made(tmp_path, runs) as connection, pytest.raises(UsageError, match=message):
        compare(connection, [METRIC], grouping)


def test_conditions_of_both_sides_and_of_all(tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000, 3), *spread("b", 1_000_000, 3)]
    sides = Between("machine = 'a'", "machine = 'b'")
    with made(tmp_path, runs) as connection:
        found = compare(connection, [METRIC], sides, runs="repetition <> 6")
        assert [group.all_runs for group in found.metrics[0].groups] == [3, 2]
        assert [group.label for group in found.metrics[0].groups] == [sides.base, sides.new]
        with pytest.raises(UsageError, match="no run has repetition > 6"):
            compare(connection, [METRIC], sides, runs="repetition > 6")
        with pytest.raises(WarehouseError, match="machin"):
            compare(connection, [METRIC], Between("machin = 'a'", "true"))


def test_failed_runs_are_in_no_group(tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000, 2), *spread("b", 1_000_000, 2), Made("b", [], status="failed")]
    with made(tmp_path, runs) as connection:
        found = compare(connection, [METRIC], MACHINE)
    assert [group.all_runs for group in found.metrics[0].groups] == [2, 2]


def test_an_unknown_metric_names_the_closest(connection: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(UsageError, match="did you mean syn_to_wake"):
        compare(connection, ["syn_to_wak"], MACHINE)


def test_runs_that_cannot_support_a_metric_name_the_events(tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000, 2), *spread("b", 1_000_000, 2)]
    with (
        made(tmp_path, runs) as connection,
        pytest.raises(MissingEventsError, match="sched_switch"),
    ):
        compare(connection, ["wake_to_run"], MACHINE)
