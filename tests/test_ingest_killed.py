"""Kill -9 in the middle of an ingest: what the warehouse then holds, and that the next goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from loaded_rows import empty_warehouse, rows, run_of, strays, table, trace

from tcpdw import pipeline
from tcpdw.warehouse import Warehouse

needs_bt2 = pytest.mark.skipif(find_spec("bt2") is None, reason="bt2 is not installed")

KILLED = """
import os, signal, sys
from pathlib import Path
from tcpdw import pipeline
inbox, warehouse, moment, count, replace = sys.argv[1:]
pipeline.BATCH_RUNS = 2
left = int(count)
def reached(here):
    global left
    if here == moment:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
class Watcher(pipeline.Watcher):
    def read(self, run): reached("read")
    def loaded(self, batch): reached("loaded")
class Connection:
    def __init__(self, real): self.real = real
    def __getattr__(self, name): return getattr(self.real, name)
    def execute(self, *arguments):
        reached("statement")
        return self.real.execute(*arguments)
    def commit(self):
        reached("commit")
        return self.real.commit()
class Steps(pipeline.Steps):
    def load(self, warehouse, batch):
        real = warehouse.connection
        warehouse.connection = Connection(real)
        try:
            return super().load(warehouse, batch)
        finally:
            warehouse.connection = real
options = pipeline.Options(replace == "replace", workers=1)
pipeline.ingest([Path(inbox)], Path(warehouse), options, Watcher(), Steps())
"""


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return empty_warehouse(tmp_path)


def killed(code: str, folder: Path, *arguments: str | Path) -> None:
    """Run code that kills itself; what it leaves in the temporary folder goes with `folder`."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


@needs_bt2
def test_after_a_kill_a_run_is_in_whole_or_not_at_all(empty: Path, tmp_path: Path) -> None:
    expected = {f"r{number}": number + 1 for number in range(1, 8)}
    for number, name in enumerate(expected, 1):
        trace(tmp_path / "in" / name, number)

    def check(count: int) -> None:
        found = rows(
            empty,
            "SELECT name, events, (SELECT COUNT(*) FROM events AS e WHERE e.run_id = r.run_id), "
            "status FROM runs AS r ORDER BY name",
        )
        assert len(found) == count
        assert [row[1:] for row in found] == [
            (expected[name], expected[name], "ok") for name, *_ in found
        ]
        assert strays(empty) == {}

    for moment, number, count in [
        ("read", "1", 0),
        ("statement", "12", 0),
        ("commit", "1", 0),
        ("loaded", "1", 2),
        ("commit", "2", 4),
        ("statement", "40", 4),
    ]:
        killed(KILLED, tmp_path, tmp_path / "in", empty, moment, number, "")
        check(count)
    summary = pipeline.ingest([tmp_path / "in"], empty)
    assert (len(summary.loaded), len(summary.failed), summary.skipped) == (3, 0, 4)
    check(7)
    assert rows(empty, "SELECT COUNT(*) FROM event.a") == [(sum(range(1, 8)),)]
    # What was to be replaced is there until what replaces it is.
    killed(KILLED, tmp_path, tmp_path / "in", empty, "commit", "1", "replace")
    check(7)


MADE = """
import os, signal, sys
import duckdb
from tcpdw import warehouse
connect = duckdb.connect
class Connection:
    def __init__(self, real): self.real = real
    def __getattr__(self, name): return getattr(self.real, name)
    def commit(self): os.kill(os.getpid(), signal.SIGKILL)
duckdb.connect = lambda *a, **k: Connection(connect(*a, **k))
warehouse.Warehouse(sys.argv[1])
"""


def test_a_kill_while_the_warehouse_is_made_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    killed(MADE, tmp_path, path)
    with Warehouse(path) as target:
        target.load([run_of("a", {"a": table()})])
    assert rows(path, "SELECT name FROM runs") == [("a",)]


SPILLED = """
import os, signal, sys, threading
from pathlib import Path
from tcpdw.warehouse import Warehouse
target = Warehouse(sys.argv[1])
folder = Path(sys.argv[1] + ".tmp")
def wait():
    while not (folder.exists() and any(file.suffix == ".tmp" for file in folder.iterdir())):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=wait).start()
target.connection.execute("SET memory_limit = '40MB'; SET threads = 1")
target.connection.execute("SELECT MD5(n::TEXT) AS m, n FROM range(9000000) AS t (n) ORDER BY m")
"""


def test_what_a_killed_load_had_on_disk_goes_with_the_next(empty: Path, tmp_path: Path) -> None:
    killed(SPILLED, tmp_path, empty)
    folder = empty.with_name("w.duckdb.tmp")
    assert list(folder.iterdir())
    with Warehouse(empty) as target:
        target.load([run_of("a", {"a": table()})])
    assert not folder.exists()
    # What is not DuckDB's stays.
    folder.mkdir()
    (folder / "mine").touch()
    with Warehouse(empty):
        pass
    assert (folder / "mine").exists()
