from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import comb
from pathlib import Path

import duckdb
import pytest
from made_runs import Made, of_lengths, warehouse

from tcpdw import catalog, query
from tcpdw.availability import run_named
from tcpdw.compare import (
    QUANTILES,
    Between,
    By,
    Comparison,
    Warning,
    compare,
    sampling,
    stages,
)
from tcpdw.errors import MissingEventsError, UsageError, WarehouseError

METRIC = "syn_to_wake"
MACHINE = By(("machine",))


@contextmanager
def made(tmp_path: Path, runs: Sequence[Made]) -> Iterator[duckdb.DuckDBPyConnection]:
    with query.opened(warehouse(tmp_path / "made.duckdb", runs)) as connection:
        yield connection


def spread(machine: str, middle: int, runs: int = 8, **others: object) -> list[Made]:
    """Make runs of five intervals each whose medians are `middle` and up to 7 % more."""
    return [
        of_lengths(machine, [middle * (100 + run + step) // 100 for step in range(-2, 3)], **others)
        for run in range(runs)
    ]


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


# --- what to doubt -------------------------------------------------------------------------------


def test_runs_alike_but_for_the_machine_raise_no_doubt(tmp_path: Path) -> None:
    with made(tmp_path, [*spread("a", 1_000_000), *spread("b", 2_000_000)]) as connection:
        assert compare(connection, [METRIC], MACHINE).warnings == ()


def test_groups_that_differ_in_more_are_named(tmp_path: Path) -> None:
    runs = [
        *spread("a", 1_000_000, kernel="6.1"),
        *spread("b", 1_000_000, 6, kernel="6.1"),
        *spread("b", 1_000_000, 2, kernel="6.12"),
    ]
    with made(tmp_path, runs) as connection:
        found = compare(connection, [METRIC], MACHINE)
        [text] = [warning.text for warning in found.warnings]
        assert text == "the groups differ in kernel too (a: 6.1; b: 6.1 75%, 6.12 25%)"
        # What the comparison is by is no doubt, nor what both conditions name.
        by_kernel = compare(connection, [METRIC], By(("kernel",)))
        assert "differ in kernel" not in str(by_kernel.warnings)
        assert "differ in machine too (6.1: a 57%, b 43%; 6.12: b)" in str(by_kernel.warnings)
        sides = Between("kernel = '6.1' AND machine = 'b'", "kernel = '6.12' AND machine = 'b'")
        assert "unlike" not in kinds(compare(connection, [METRIC], sides))


def test_only_runs_with_intervals_matter_for_likeness(tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000), *spread("b", 1_000_000), of_lengths("b", [], kernel="7.0")]
    with made(tmp_path, runs) as connection:
        assert kinds(compare(connection, [METRIC], MACHINE)) == []


def test_too_few_runs_are_said_with_the_least_p(tmp_path: Path) -> None:
    with made(tmp_path, [*spread("a", 1_000_000, 3), *spread("b", 9_000_000, 3)]) as connection:
        found = compare(connection, [METRIC], MACHINE)
    [few] = [warning.text for warning in found.warnings if warning.kind == "few"]
    assert few == ("too few runs to show a difference: b 3, a 3; the least p they can give is 0.1")
    assert not any(change.shown for change in found.metrics[0].deltas[0].changes)


def test_a_run_that_prevails_is_named(tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000), *spread("b", 1_000_000), of_lengths("b", [1_000_000] * 60)]
    with made(tmp_path, runs) as connection:
        found = compare(connection, [METRIC], MACHINE)
    [text] = [warning.text for warning in found.warnings]
    assert text == (
        "60% of the intervals of b are of one of its 9 runs, b-017: the quantiles are mostly "
        "that run's"
    )


def test_runs_read_in_part_are_said(tmp_path: Path) -> None:
    runs = [*spread("a", 1_000_000), *spread("b", 1_000_000, status="partial")]
    with made(tmp_path, runs) as connection:
        [warning] = compare(connection, [METRIC], MACHINE).warnings
    assert warning.text == "8 of the 8 runs of b were damaged and read in part"


def test_a_warning_names_the_metrics_that_it_is_of(connection: duckdb.DuckDBPyConnection) -> None:
    found = compare(connection, [METRIC, "softirq_duration"], MACHINE)
    named = [warning.metrics for warning in found.warnings if warning.kind == "prevails"]
    assert (METRIC,) in named
    for warning in found.warnings:
        if warning.metrics:
            assert str(warning) == f"{', '.join(warning.metrics)}: {warning.text}"
        else:
            assert str(warning) == warning.text


def test_a_column_is_told_once_for_all_metrics(connection: duckdb.DuckDBPyConnection) -> None:
    found = compare(connection, [], MACHINE)
    unlike = [warning for warning in found.warnings if warning.kind == "unlike"]
    columns = [warning.text.split()[4] for warning in unlike]
    assert len(columns) == len(set(columns))
    experiment = unlike[columns.index("experiment")].text
    rows = connection.execute(
        "SELECT metric, machine, experiment, COUNT(DISTINCT run_id), "
        "SUM(COUNT(DISTINCT run_id)) OVER (PARTITION BY metric, machine) "
        "FROM latency INNER JOIN runs USING (run_id) "
        "WHERE certain GROUP BY metric, machine, experiment"
    ).fetchall()
    compared = {one.metric for one in found.metrics}
    shares: dict[str, set[tuple[object, ...]]] = {metric: set() for metric in compared}
    for metric, machine, what, runs, whole in rows:
        if metric in compared:
            shares[metric].add((machine, what, round(100 * runs / whole)))
    most = max(list(shares.values()).count(one) for one in shares.values())
    assert 1 < most < len(compared)
    assert experiment.endswith(f"; other shares in {len(compared) - most} of the metrics)")
    # What only some metrics differ in names these.
    assert unlike[columns.index("role")].metrics == ("data_to_ack", "sendto_to_xmit")


def test_too_few_runs_are_told_once_for_each_group(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = compare(connection, [], MACHINE)
    tests = len(found.metrics) * 3
    few = [warning for warning in found.warnings if warning.kind == "few"]
    runs = {(one.metric, group.label): group.runs for one in found.metrics for group in one.groups}
    metrics = ("data_to_ack", "sendto_to_xmit", METRIC)
    assert [warning.metrics for warning in few] == [metrics] * 3
    assert {runs[metric, "heron"] for metric in metrics} == {4}
    assert {runs[metric, "kestrel"] for metric in metrics} == {9, 10}
    assert "kestrel 9 to 10, heron 4;" in few[0].text
    # The medians of four and of nine runs have 715 orders: two of these are the ends.
    assert f"up to {2 / 715:.2g}, {tests * 2 / 715:.2g} over {tests} tests" in few[0].text


def test_long_names_and_many_are_cut_in_warnings(tmp_path: Path) -> None:
    long = "k" * 50
    others = [
        one
        for number in range(8)
        for one in spread(f"m{number}", 1_000_000, 4, experiment=f"{number}", kernel=long)
    ]
    with made(tmp_path, [*spread("a" + long, 1_000_000, 4), *others]) as connection:
        found = compare(connection, [METRIC], MACHINE)
    texts = {warning.text.split()[4]: warning.text for warning in found.warnings}
    assert long not in str([warning.text for warning in found.warnings])
    cut = f"{'k' * 27}\u2026{'k' * 14}"
    assert f"m0, m1, m2, m3, m4 and 3 more: {cut})" in texts["kernel"]
    assert texts["experiment"].endswith("; m0: 0; m1: 1; m2: 2; m3: 3 and 4 more)")


def test_of_many_metrics_a_warning_names_the_first() -> None:
    few = Warning("few", "text", ("a", "b", "c", "d"))
    assert str(few) == "a, b, c, d: text"
    assert str(Warning("few", "text", (*few.metrics, "e"))) == "a, b, c and 2 more: text"


# --- stages --------------------------------------------------------------------------------------


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
