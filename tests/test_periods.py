"""The last days beside those before, like with like, on the sample runs at made-up times."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tcpdw import periods, query
from tcpdw.compare.gate import Verdict
from tcpdw.errors import UsageError, WarehouseError
from tcpdw.periods import Periods, Series

UNTIL = datetime(2024, 5, 15, 2, tzinfo=UTC)
DAY = 86_400 * 10**9


def dated(loaded: Path, folder: Path) -> Path:
    """Copy the sample runs' warehouse, the odd repetitions a week older than the even ones.

    The even ones started three days before UNTIL, all runs of osprey in the later week.
    """
    path = Path(shutil.copy(loaded, folder / "dated.duckdb"))
    until = round(UNTIL.timestamp()) * 10**9
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "UPDATE runs SET started_at = ? - CASE WHEN repetition % 2 = 1 AND machine <> 'osprey' "
            "THEN 10 ELSE 3 END * ?",
            [until, DAY],
        )
    return path


@pytest.fixture(scope="module")
def connection(
    loaded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    with query.opened(dated(loaded, tmp_path_factory.mktemp("dated"))) as opened:
        yield opened


def test_periods_are_half_open_and_adjoin() -> None:
    spans = Periods(UNTIL)
    until = round(UNTIL.timestamp()) * 10**9
    for ago, expected in [
        (0, (False, False, False)),
        (1, (False, True, True)),
        (7 * DAY, (False, True, True)),
        (7 * DAY + 1, (True, False, True)),
        (14 * DAY, (True, False, True)),
        (14 * DAY + 1, (False, False, False)),
    ]:
        conditions = ", ".join((spans.base, spans.new, spans.both))
        sql = f"SELECT {conditions} FROM (VALUES ({until - ago})) AS t (started_at)"
        assert duckdb.execute(sql).fetchone() == expected
    assert spans.told() == (
        "2024-05-08 02:00 to 2024-05-15 02:00 UTC beside 2024-05-01 02:00 to 2024-05-08 02:00"
    )


def found_in(connection: duckdb.DuckDBPyConnection) -> dict[str, Series]:
    return {one.label: one for one in periods.series(connection, Periods(UNTIL))}


def test_like_is_set_beside_like_and_what_lacks_is_said(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    found = found_in(connection)
    rows = connection.execute(
        "SELECT machine || ' ' || role || ' ' || experiment, "
        "COUNT(*) FILTER (repetition % 2 = 1 AND machine <> 'osprey'), "
        "COUNT(*) FILTER (repetition % 2 = 0 OR machine = 'osprey') FROM runs GROUP BY ALL"
    ).fetchall()
    assert {(one.label, one.base_runs, one.new_runs) for one in found.values()} == set(rows)
    assert found["osprey server handshake"].lacks(7) == "no run in the 7 days before"
    assert found["kestrel server load"].lacks(7) == "no run in the 7 days"
    assert found["kestrel server handshake"].lacks(7) is None
    only = periods.series(connection, Periods(UNTIL), "machine = 'kestrel' AND role = 'client'")
    assert {one.label.split()[1] for one in only} == {"client"}
    later = periods.series(connection, Periods(UNTIL + timedelta(days=7)))
    assert {one.lacks(7) for one in later} == {"no run in the 7 days"}
    assert periods.series(connection, Periods(UNTIL + timedelta(days=70))) == []
    with pytest.raises(WarehouseError, match="nonsense"):
        periods.series(connection, Periods(UNTIL), "nonsense = 1")


def test_a_series_is_compared_with_itself(connection: duckdb.DuckDBPyConnection) -> None:
    spans = Periods(UNTIL)
    found = found_in(connection)
    assert periods.compared(connection, spans, found["osprey server handshake"]) is None
    comparison = periods.compared(connection, spans, found["kestrel server handshake"])
    assert comparison is not None
    [one] = [metric for metric in comparison.metrics if metric.metric == "syn_to_wake"]
    for group, odd in zip(one.groups, (1, 0), strict=True):
        [(count, median)] = connection.execute(
            "SELECT COUNT(*), QUANTILE_DISC(dur, 0.5) FROM syn_to_wake JOIN runs USING (run_id) "
            "WHERE certain AND machine = 'kestrel' AND experiment = 'handshake' "
            "AND repetition % 2 = ?",
            [odd],
        ).fetchall()
        assert (group.intervals, group.quantiles[0].value) == (count, median)
    assert [group.label for group in one.groups] == ["the 7 days before", "the last 7 days"]
    texts = [str(warning) for warning in comparison.warnings]
    assert not [text for text in texts if "started_at" in text]


def test_gates_judge_each_series_that_has_the_metric(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    spans = Periods(UNTIL)
    # No week is that much faster or slower than the one before: nothing was changed.
    texts = ("hardirq_to_softirq:p50:-99%", "hardirq_to_softirq:5000%", "syn_to_wake:p99:5%")
    gates = [periods.parse_gate(text) for text in texts]
    found = found_in(connection)
    server, client = found["kestrel server handshake"], found["kestrel client handshake"]
    verdicts = [one.verdict for one in periods.judged(connection, spans, [server], gates)]
    assert verdicts[:2] == [Verdict.BEYOND, Verdict.INSIDE]
    # A client accepts nothing: its runs are not what such a gate is about.
    both = periods.judged(connection, spans, [client, server], gates[2:])
    assert [one.series for one in both] == [server.label]
    lone = found["osprey server handshake"]
    for one in periods.judged(connection, spans, [lone], gates):
        assert (one.verdict, one.reason) == (Verdict.UNKNOWN, "no run in the 7 days before")
    # There is nothing new to judge of what is not recorded any more.
    for every in ([client], [found["kestrel server load"]], []):
        [one] = periods.judged(connection, spans, every, gates[2:])
        assert (one.series, one.verdict) == ("all runs", Verdict.UNKNOWN)
        assert one.reason == "no series that has it has a run in the last 7 days"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("syn_to_wake", "not a gate"),
        ("syn_to_wake:p50:5%:x", "not a gate"),
        ("syn_to_wak:p50:5%", "did you mean syn_to_wake"),
        ("syn_to_wake:p0:5%", "not a quantile"),
        ("syn_to_wake:p50:5", "not a limit"),
    ],
)
def test_a_gate_that_is_none_is_an_error(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        periods.parse_gate(text)
    assert str(periods.parse_gate("syn_to_wake:p99.9:200us")) == "syn_to_wake p99.9 200us"
