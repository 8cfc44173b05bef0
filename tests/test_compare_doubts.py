"""What a comparison warns of, before its differences are believed."""

from __future__ import annotations

from pathlib import Path

import duckdb
from made_runs import MACHINE, METRIC, made, of_lengths, spread

from tcpdw.compare import Between, By, Comparison, Warning, compare


def kinds(comparison: Comparison) -> list[str]:
    return [warning.kind for warning in comparison.warnings]


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
