"""Disks that are full in the middle of an ingest, real ones: the warehouse's, and `TMPDIR`'s."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PrefectServer
from loaded_rows import contents, rows, strays
from small_disk import mounted, resize

from tcpdw import pipeline
from tcpdw.errors import WarehouseFullError

ROOT = Path(__file__).parents[1]
NAMES = [f"merlin-{role}-handshake-00{n}" for role in ("client", "server") for n in (3, 4)]
RUNS = [ROOT / "data" / f"{name}.tar.xz" for name in NAMES]
PROGRAM = "from tcpdw import pipeline; pipeline.BATCH_RUNS = 1; from tcpdw.cli import main; main()"


Told = dict[str, object]


def told(path: Path) -> Told:
    """Give what a warehouse tells: where its event classes lie depends on the batches."""
    tables = contents(path, without="run_id")
    events = (
        "SELECT r.name, e.name, COUNT(*), SUM(ts) FROM events AS e JOIN runs AS r USING (run_id)"
    )
    return {
        **{name: held for name, held in tables.items() if not name.startswith("store.")},
        "events": rows(path, f"{events} GROUP BY ALL ORDER BY ALL"),
    }


def ingest(warehouse: Path, temporary: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "ingest", "--warehouse", warehouse, *options, *RUNS],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Told:
    path = tmp_path_factory.mktemp("whole") / "w.duckdb"
    assert len(pipeline.ingest(RUNS, path).loaded) == len(RUNS)
    return told(path)


@pytest.mark.parametrize("size", ["1m", "4m"])
def test_the_warehouse_s_disk_is_full(size: str, whole: Told, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    with mounted(tmp_path / "disk", size) as disk:
        warehouse = disk / "w.duckdb"
        done = ingest(warehouse, tmp_path / "temporary")
        assert done.returncode == 1, done.stdout
        [line] = [line for line in done.stderr.splitlines() if "error: " in line]
        assert f"{warehouse}: there is no room left for it on its disk; free some" in line
        assert list((tmp_path / "temporary").iterdir()) == []
        assert {path.name for path in disk.iterdir()} <= {"w.duckdb", "w.duckdb.wal"}
        resize(disk, "100m")
        had = 0
        if warehouse.exists() and size != "1m":
            found = rows(warehouse, "SELECT status FROM runs")
            # None has failed: it was not the runs' fault.
            assert {status for (status,) in found} <= {"ok"}
            assert strays(warehouse) == {}
            had = len(found)
        done = ingest(warehouse, tmp_path / "temporary")
        assert done.returncode == 0, done.stderr
        assert f"; {had} skipped, 0 failed" in done.stdout
        assert told(warehouse) == whole
        assert [path.name for path in disk.iterdir()] == ["w.duckdb"]


def test_the_disk_for_temporary_files_is_full(whole: Told, tmp_path: Path) -> None:
    warehouse = tmp_path / "w.duckdb"
    with mounted(tmp_path / "disk", "250k") as disk:
        done = ingest(warehouse, disk)
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert "set TMPDIR to a larger disk" in done.stderr
        assert "please report" not in done.stderr
        assert list(disk.iterdir()) == []
        failed = rows(warehouse, "SELECT COUNT(*) FROM runs WHERE status = 'failed'")
        assert failed != [(0,)]
        resize(disk, "100m")
        done = ingest(warehouse, disk)
        assert done.returncode == 0, done.stderr
        assert told(warehouse) == whole
        assert list(disk.iterdir()) == []


def test_one_warehouse_object_goes_on_when_there_is_room_again(
    whole: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH_RUNS", 1)
    refused: list[str] = []

    class Steps(pipeline.Steps):
        def load(self, warehouse, batch):  # type: ignore[no-untyped-def]
            try:
                return super().load(warehouse, batch)
            except WarehouseFullError as error:
                refused.append(str(error))
                resize(disk, "100m")
                return super().load(warehouse, batch)

    with mounted(tmp_path / "disk", "3m") as disk:
        summary = pipeline.ingest(RUNS, disk / "w.duckdb", steps=Steps())
        assert len(refused) == 1
        assert (len(summary.loaded), len(summary.failed)) == (len(RUNS), 0)
        assert told(disk / "w.duckdb") == whole


FLOW = """
import json, subprocess, sys
import flows.ingest as flow
from tcpdw import pipeline
from tcpdw.errors import WarehouseFullError
disk, *paths = sys.argv[1:]
pipeline.BATCH_RUNS = 1
flow.load.retry_delay_seconds = 0
tries = []
class Watched(pipeline.Warehouse):
    def load(self, batch):
        try:
            return super().load(batch)
        except WarehouseFullError:
            tries.append(batch[0].name)
            if len(tries) == 2:
                subprocess.run(["mount", "-o", "remount,size=100m", disk], check=True)
            raise
pipeline.Warehouse = Watched
print(json.dumps([flow.ingest(paths, disk + "/w.duckdb"), tries]))
"""


def test_a_flow_tries_again_and_goes_on(
    whole: Told, prefect_server: PrefectServer, tmp_path: Path
) -> None:
    with mounted(tmp_path / "disk", "3m") as disk:
        done = subprocess.run(
            [sys.executable, "-c", FLOW, disk, *RUNS],
            env={**prefect_server.env, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        summary, tries = json.loads(done.stdout.splitlines()[-1])
        assert (summary["loaded"], summary["failed"]) == (len(RUNS), 0)
        # The same batch, twice refused; the third try is after room was made.
        assert len(tries) == 2
        assert len(set(tries)) == 1
        assert told(disk / "w.duckdb") == whole
