"""Runs that another process writes, cuts or replaces while they are read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import capture_files as cf
import pytest
from ctf_files import Event, metadata, packet, write
from loaded_rows import empty_warehouse, rows

from tcpdw import pipeline, reading, runs
from tcpdw.readers import native_library

ROOT = Path(__file__).parents[1]
TEXT = metadata({0: ("a", "uint8_t x;")})

# In a process of its own: what goes wrong here ends it.
CUT = """
import faulthandler, os, sys
from pathlib import Path
from tcpdw.errors import TraceError
from tcpdw.readers import ctf_native, ctf_streams
if sys.argv[2] == "faulthandler":
    faulthandler.enable()
if sys.argv[2] == "threads":
    ctf_native.PART = 1
group = ctf_streams.group
def cut(files, layout):
    for file in files:
        os.truncate(file.path, int(sys.argv[3]))
    return group(files, layout)
ctf_streams.group = cut
for attempt in range(3):
    try:
        items = list(ctf_native.read(Path(sys.argv[1]), threads=3))
        print("read", len(items))
    except TraceError as error:
        print(error)
"""

# An address that is none of ours ends the process as ever.
STRAY = """
import ctypes, mmap, os, sys
from pathlib import Path
from tcpdw.readers import ctf_native
list(ctf_native.read(Path(sys.argv[1])))
with open(sys.argv[2], "wb+") as file:
    file.truncate(8192)
    held = mmap.mmap(file.fileno(), 8192)
    file.truncate(0)
    print(held[5000])
"""

needs_native = pytest.mark.skipif(
    native_library.missing() is not None, reason="there are no native readers"
)


def long_trace(folder: Path) -> Path:
    packets = [
        packet([Event(0, 1000 * number + at, b"\7") for at in range(200)]) for number in range(40)
    ]
    return write(folder, TEXT, {"s": packets})


def ran(code: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_native
@pytest.mark.parametrize("way", ["plain", "threads", "faulthandler"])
@pytest.mark.parametrize("size", ["0", "4096", "20000"])
def test_a_stream_that_is_cut_while_it_is_mapped(way: str, size: str, tmp_path: Path) -> None:
    trace = long_trace(tmp_path / "t")
    assert (trace / "s").stat().st_size > 60_000
    done = ran(CUT, trace, way, size)
    assert done.returncode == 0, done.stderr
    told, *others = done.stdout.splitlines()
    assert told == (
        f"{trace}/s: was cut short, or could no longer be read, while it was read; "
        "ingest it again once nobody writes it"
    )
    # Once it is cut, it is a shorter trace, or one without streams.
    assert len(others) == 2
    assert size == "0" or all(line.startswith("read ") for line in others)


@needs_native
def test_another_s_mapping_is_no_business_of_ours(tmp_path: Path) -> None:
    done = ran(STRAY, long_trace(tmp_path / "t"), tmp_path / "other")
    assert done.returncode == -7, (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("change", ["grow", "cut", "replace", "remove"])
@pytest.mark.parametrize("name", ["kernel/s", "packets.pcap", "proc/closed/time_ns"])
def test_a_run_that_changes_is_no_run_until_it_is_whole(
    name: str, change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_trace(tmp_path / "in" / "kernel")
    run = tmp_path / "in"
    (run / "packets.pcap").write_bytes(
        cf.pcap([cf.ethernet(cf.ipv4(cf.tcp(flags=cf.SYN)), cf.IPV4)])
    )
    (run / "proc/closed").mkdir(parents=True)
    (run / "proc/closed/time_ns").write_text("1700000000000000000\n")
    path = run / name
    content = path.read_bytes()
    complete = runs.complete

    def disturbed(*arguments):  # type: ignore[no-untyped-def]
        match change:
            case "grow":
                path.write_bytes(content + b"\0")
            case "cut":
                path.write_bytes(content[: len(content) // 2])
            case "replace":
                other = path.with_name("other")
                other.write_bytes(content)
                other.replace(path)
            case _:
                path.unlink()
        return complete(*arguments)

    monkeypatch.setattr(reading.runs, "complete", disturbed)
    warehouse = empty_warehouse(tmp_path)
    pipeline.ingest([run], warehouse)
    [(status, warnings)] = rows(warehouse, "SELECT status, warnings FROM runs")
    assert status == "failed"
    assert str(path) in warnings[0] or "cannot be read" in warnings[0]
    for table in ("events", "packets", "proc_processes"):
        assert rows(warehouse, f"SELECT COUNT(*) FROM {table}") == [(0,)]
    path.write_bytes(content)
    monkeypatch.setattr(reading.runs, "complete", complete)
    pipeline.ingest([run], warehouse)
    assert rows(warehouse, "SELECT status, events, packets FROM runs") == [("ok", 8000, 1)]
