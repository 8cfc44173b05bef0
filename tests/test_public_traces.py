"""Public LTTng traces, old kernels and user space among them; they are not in the repository."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import oracle
import pytest

import tcpdw
from tcpdw import pipeline, runs
from tcpdw.pipeline import Options
from tcpdw.readers import ctf_bt2

ROOT = Path(__file__).parent.parent
TRACES = Path(os.environ.get("TCPDW_TRACES", ROOT.parent / "shared" / "traces"))

if ctf_bt2.bt2 is None:
    pytest.skip("bt2 is not installed", allow_module_level=True)
if not TRACES.is_dir():
    pytest.skip("the public traces are not here", allow_module_level=True)

READS_CTF_2 = not ctf_bt2.bt2.__version__.startswith("2.0")
KNOWN = {
    "bug446190": (31556, 0),
    "hello-lost": (32300, 967700),
    "memory": (328056, 0),
    "scp_dest": (85729, 0),
}


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    path = tmp_path_factory.mktemp("public") / "w.duckdb"
    pipeline.ingest([TRACES], path)
    with tcpdw.connect(path) as opened:
        yield opened


def test_every_event_is_there(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(
        "SELECT r.name, r.status, r.events, r.events_discarded, COUNT(e.run_id) FROM runs AS r "
        "LEFT JOIN events AS e USING (run_id) GROUP BY ALL"
    ).fetchall()
    found = {name: (status, events, lost, count) for name, status, events, lost, count in rows}
    for name, (events, lost) in KNOWN.items():
        assert found[name] == ("ok", events, lost, events)


def test_ctf_2_is_read(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(
        "SELECT status, events, warnings FROM runs WHERE name LIKE '%ctf2%'"
    ).fetchall()
    assert rows == [("ok", 17550, [])]
    # Its capture and snapshots are not needed for that.
    assert connection.execute("SELECT COUNT(*) FROM syn_to_wake").fetchall() == [(1,)]


@pytest.mark.skipif(READS_CTF_2, reason="this bt2 reads CTF 2")
def test_ctf_2_is_named_where_babeltrace2_does_not_know_it(tmp_path: Path) -> None:
    [source] = TRACES.glob("*ctf2*")
    summary = pipeline.ingest([source], tmp_path / "w.duckdb", Options(trace_reader="bt2"))
    [run] = summary.failed
    assert "CTF 2" in run.warnings[0]


@pytest.mark.parametrize("name", ["bug446190", "scp_dest"])
def test_the_sql_equals_the_oracle(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    [source] = [s for s in runs.find([TRACES]) if isinstance(s, runs.Source) and s.name == name]
    with runs.opened(source) as found:
        trace = oracle.events_of(found[0].traces[0])
    expected = oracle.run(trace.events, trace.lost, clear_at=("start", "end")).rows
    counted: Counter[str] = Counter()
    for metric, columns in {
        "hardirq_duration": ["ts", "dur", "certain", "cpu_id", "irq", "irq_name"],
        "wake_to_run": ["ts", "dur", "certain", "tid", "comm", "cpu_id", "raced"],
        "queue_to_xmit": ["ts", "dur", "certain", "skbaddr", "match", "len", "cpu_id"],
    }.items():
        rows: list[tuple[Any, ...]] = connection.execute(
            f"SELECT {', '.join(f'm.{column}' for column in columns)} FROM {metric} AS m "
            "JOIN runs AS r USING (run_id) WHERE r.name = ?",
            [name],
        ).fetchall()
        wanted = Counter(tuple(row.get(c) for c in columns) for row in expected[metric])
        assert Counter(rows) == wanted, metric
        counted[metric] += len(rows)
    assert counted.total() > 100
