"""`tcpdw ingest` as a program of its own: without native readers, and stopped half way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from loaded_rows import rows, trace

ROOT = Path(__file__).parents[1]

STOPPED = """
import os, signal, sys, tempfile
from tcpdw import archives, pipeline, warehouse
from tcpdw.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
owner, name = {
    "unpacking": (archives, "unpack"),
    "reading": (pipeline.runs, "complete"),
    "loading": (warehouse, "derive"),
}[sys.argv.pop(1)]
real = getattr(owner, name)
def reached(*arguments, **options):
    setattr(owner, name, real)
    print(sum(entry.startswith("tcpdw-") for entry in os.listdir(tempfile.gettempdir())))
    os.kill(os.getpid(), signal.SIGINT)
    return real(*arguments, **options)
setattr(owner, name, reached)
main()
"""

TWICE = """
import os, signal, threading, time
from tcpdw import pipeline
from tcpdw.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
def again():
    while threading.main_thread().is_alive():
        time.sleep(.01)
    # Python waits for this thread now.
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
def ingest(*arguments, **options):
    threading.Thread(target=again).start()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
pipeline.ingest = ingest
main()
"""


def ran(folder: Path, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with temporary files in `folder`/temporary."""
    temporary = folder / "temporary"
    temporary.mkdir()
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(find_spec("bt2") is None, reason="bt2 is not installed")
def test_that_there_are_no_native_readers_is_said(tmp_path: Path) -> None:
    run, nowhere = trace(tmp_path / "run"), tmp_path / "nowhere.so"
    code = "from tcpdw.cli import main; main()"
    words = ("ingest", "--warehouse", tmp_path / "w.duckdb", run)
    done = ran(tmp_path, "-c", code, *words, TCPDW_NATIVE_LIBRARY=str(nowhere))
    assert done.stderr == (
        f"tcpdw: note: there is no file {nowhere}, which TCPDW_NATIVE_LIBRARY names; bt2 and "
        "pyshark read in its place, and take longer\n"
    )
    assert done.stdout.startswith("1 run, 2 events, 0 packets in ")
    assert done.returncode == 0
    assert rows(tmp_path / "w.duckdb", "SELECT status, warnings FROM runs") == [("ok", [])]


@pytest.mark.parametrize(("moment", "folders"), [("unpacking", 2), ("reading", 2), ("loading", 1)])
def test_ctrl_c_leaves_no_temporary_folder_and_no_part_of_a_run(
    tmp_path: Path, moment: str, folders: int
) -> None:
    with tarfile.open(tmp_path / "run.tar", "w") as archive:
        archive.add(trace(tmp_path / "run"), "run")
    words = ("ingest", "--warehouse", tmp_path / "w.duckdb", tmp_path / "run.tar")
    done = ran(tmp_path, "-c", STOPPED, moment, *words)
    assert done.stdout == f"{folders}\n"
    assert (done.stderr, done.returncode) == ("tcpdw: stopped\n", 130)
    assert list((tmp_path / "temporary").iterdir()) == []
    for table in ("runs", "store.narrow", "streams"):
        assert rows(tmp_path / "w.duckdb", f"SELECT COUNT(*) FROM {table}") == [(0,)]


def test_ctrl_c_a_second_time_ends_at_once(tmp_path: Path) -> None:
    words = ("ingest", "--warehouse", tmp_path / "w.duckdb", tmp_path)
    done = ran(tmp_path, "-c", TWICE, *words)
    assert (done.stderr, done.returncode) == ("tcpdw: stopped\n", -signal.SIGINT)
