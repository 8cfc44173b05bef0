from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pytest
from ctf_files import OFFSET, Event, metadata, packet, write

from tcpdw.errors import CaptureError, TraceError, UsageError
from tcpdw.readers import (
    Clock,
    EventBatch,
    LostWindow,
    StreamCount,
    TraceEnd,
    TraceHead,
    spool,
    worker,
)
from tcpdw.readers.spool import Spool
from tcpdw.readers.worker import Worker

TEXT = metadata({0: ("a", "uint8_t x;"), 1: (r"we\"ird/../name", "string s;")})


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    if find_spec("bt2") is None:
        pytest.skip("bt2 is not installed")
    events = [Event(0, 1, b"\7"), Event(1, 2, b"h\xff\0")]
    return write(tmp_path / "trace", TEXT, {"s": [packet(events, cpu=2)]})


def child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Make workers run `code` in place of the reader."""
    monkeypatch.setattr(worker, "_COMMAND", (sys.executable, "-c", code))


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{pid}/stat")
        # Reaped by whoever adopted it or not, it runs no more.
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_traces_come_through(trace: Path, tmp_path: Path) -> None:
    with Worker() as reader:
        for number in range(2):
            found = reader.read_trace(trace, tmp_path / str(number))
            assert found.summary.head == TraceHead(
                {"hostname": "box", "tracer_major": 2}, Clock("mono", 10**9, OFFSET)
            )
            assert found.summary.end.streams == (StreamCount("s", 2, 2),)
            assert found.summary.events == 2
            assert {name: table.to_pylist() for name, table in found.classes.items()} == {
                "a": [{"ts": OFFSET + 1, "cpu_id": 2, "x": 7}],
                'we"ird/../name': [{"ts": OFFSET + 2, "cpu_id": 2, "s": "h�"}],
            }
        assert reader._child is not None
        pid = reader._child.pid
    assert gone(pid)
    assert sorted(p.name for p in (tmp_path / "1").iterdir()) == [
        "000000.arrow",
        "000001.arrow",
        "spool.json",
    ]


def test_errors_keep_their_place(trace: Path, tmp_path: Path) -> None:
    (trace / "metadata").unlink()
    with Worker() as reader:
        with pytest.raises(TraceError, match="no metadata") as caught:
            reader.read_trace(trace, tmp_path / "spool")
        assert caught.value.path == str(trace)
        with pytest.raises(UsageError, match="no reader 'x'"):
            reader.read_trace(trace, tmp_path / "spool", reader="x")
    assert not (tmp_path / "spool").exists() or not (tmp_path / "spool" / "spool.json").exists()


def test_a_crash_costs_one_job(trace: Path, tmp_path: Path) -> None:
    with Worker() as reader:
        reader.read_trace(trace, tmp_path / "1")
        assert reader._child is not None
        os.kill(reader._child.pid, signal.SIGKILL)
        reader._child.wait()
        assert reader.read_trace(trace, tmp_path / "2").summary.events == 2


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("input(); import os; os.abort()", "trace", r"died \(signal 6, SIGABRT\)"),
        ("input(); raise SystemExit('bad\\x1b[2J end\\n')", "trace", r"exit status 1.*bad\?\[2J"),
        ("pass", "trace", "exit status 0"),
        ("input(); print('{\"events\"', end='', flush=True)", "capture", "exit status 0"),
    ],
)
def test_a_dying_child_is_an_error_that_names_the_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, kind: str, words: str
) -> None:
    child(monkeypatch, code)
    with Worker() as reader:
        if kind == "trace":
            with pytest.raises(TraceError, match=words) as caught:
                reader.read_trace(tmp_path / "in", tmp_path / "spool")
        else:
            with pytest.raises(CaptureError, match=words) as caught:
                reader.read_capture(tmp_path / "in", tmp_path / "spool")
        assert caught.value.path == str(tmp_path / "in")
        assert "\x1b" not in str(caught.value)
        assert reader._child is None


def test_a_job_can_take_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(monkeypatch, "import time; input(); time.sleep(60)")
    start = time.monotonic()
    with Worker(timeout=0.3) as reader:
        with pytest.raises(TraceError, match=r"longer than 0\.3 s"):
            reader.read_trace(tmp_path / "in", tmp_path / "spool")
        assert reader._child is None
    assert time.monotonic() - start < 30


def test_libraries_may_print_and_read(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(
        monkeypatch,
        "import os, sys, tcpdw.readers.worker as w\n"
        "do = w._do\n"
        "def noisy(job):\n"
        "    print('{\"error\": 1}'); sys.stdout.flush(); os.write(1, b'noise\\n')\n"
        "    os.system('echo more; cat')\n"
        "    return do(job)\n"
        "w._do = noisy\n"
        "w.serve()\n",
    )
    with Worker() as reader:
        for number in range(2):
            assert reader.read_trace(trace, tmp_path / str(number)).summary.events == 2


def test_a_surprise_in_the_reader_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(
        monkeypatch,
        "import tcpdw.readers.worker as w\n"
        "def broken(job): raise ZeroDivisionError('oh')\n"
        "w._do = broken\n"
        "w.serve()\n",
    )
    with Worker() as reader:
        for _ in range(2):
            with pytest.raises(CaptureError, match="ZeroDivisionError: oh") as caught:
                reader.read_capture(tmp_path / "in", tmp_path / "spool")
            assert caught.value.path == str(tmp_path / "in")


def test_the_child_ends_with_its_parent(trace: Path, tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tcpdw.readers.worker import Worker\n"
        "w = Worker()\n"
        "w.read_trace(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "print(w._child.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    package = str(Path(worker.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", code, str(trace), str(tmp_path / "spool")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([package, *sys.path])},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert gone(int(done.stdout))


def test_paths_that_are_no_text(trace: Path, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b'/\xff\n"x'))
    trace.rename(odd)
    with Worker() as reader:
        assert reader.read_trace(odd, tmp_path / "spool").summary.events == 2
        (odd / "metadata").unlink()
        with pytest.raises(TraceError) as caught:
            reader.read_trace(odd, tmp_path / "other")
        assert caught.value.path == str(odd)


def test_captures_come_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child(
        monkeypatch,
        "import sys, types, pyarrow as pa\n"
        "import tcpdw.readers.worker as w\n"
        "from tcpdw.readers import Capture\n"
        "reader = types.ModuleType('tcpdw.readers.capture_pyshark')\n"
        "reader.read = lambda path: Capture(pa.table({'ts': [1, 2]}), (f'{path}: cut',))\n"
        "sys.modules[reader.__name__] = reader\n"
        "import tcpdw.readers\n"
        "tcpdw.readers.capture_pyshark = reader\n"
        "w.serve()\n",
    )
    with Worker() as reader:
        capture = reader.read_capture(tmp_path / "in", tmp_path / "spool")
    assert capture.packets.to_pydict() == {"ts": [1, 2]}
    assert capture.warnings == (f"{tmp_path / 'in'}: cut",)


def batch(name: str, **columns: pa.Array) -> EventBatch:
    return EventBatch(name, pa.RecordBatch.from_pydict(columns))


def test_a_spool_keeps_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "_PART", 400)
    monkeypatch.setattr(spool, "_PENDING", 900)
    head = TraceHead({"a": "b", "n": 2**63}, None)
    end = TraceEnd((StreamCount("s", None, 3),), (LostWindow(None, -1, 2**62, 7),), ("a warning",))
    items = [head]
    labels = pa.dictionary(pa.int32(), pa.string())
    for n in range(100):
        items.append(
            batch(
                f"class {n % 7}",
                ts=pa.array([n, n], pa.int64()),
                label=pa.array([f"l{n}", None], pa.string()).cast(labels),
            )
        )
    summary = spool.write(iter([*items, end]), tmp_path / "spool")
    found = Spool.open(tmp_path / "spool")
    assert found.summary == summary
    assert (found.summary.head, found.summary.end) == (head, end)
    assert summary.events == 200
    assert len(found.classes) == 7
    assert max(len(each.files) for each in summary.classes) > 1
    for number in range(7):
        table = found.classes[f"class {number}"]
        assert table["ts"].to_pylist() == [n for n in range(number, 100, 7) for _ in (0, 1)]
        assert table["label"].drop_null().to_pylist() == [f"l{n}" for n in range(number, 100, 7)]


def test_a_class_of_several_shapes(tmp_path: Path) -> None:
    items = [
        TraceHead({}, None),
        batch("e", ts=pa.array([1]), x=pa.array([-1], pa.int32()), y=pa.array(["a"])),
        batch("e", ts=pa.array([2]), x=pa.array([2**32 - 1], pa.uint32()), z=pa.array([[1]])),
        batch("e", ts=pa.array([3]), x=pa.array(["text"])),
        batch("e", ts=pa.array([4]), x=pa.array([2**64 - 1], pa.uint64())),
        batch("e", ts=pa.array([5]), x=pa.array(["more"])),
        TraceEnd(),
    ]
    spool.write(iter(items), tmp_path / "spool")
    table = Spool.open(tmp_path / "spool").classes["e"]
    rows = [{k: v for k, v in row.items() if v is not None} for row in table.to_pylist()]
    assert rows == [
        {"ts": 1, "x": -1, "y": "a"},
        {"ts": 2, "x": 2**32 - 1, "z": [1]},
        {"ts": 3, "x_string": "text"},
        {"ts": 4, "x_uint64": 2**64 - 1},
        {"ts": 5, "x_string": "more"},
    ]


def test_a_spool_that_was_not_finished(tmp_path: Path) -> None:
    def items() -> object:
        yield TraceHead({}, None)
        yield batch("e", ts=pa.array([1]))
        raise TraceError("half way")

    with pytest.raises(TraceError, match="half way"):
        spool.write(items(), tmp_path / "spool")  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="no complete spool"):
        Spool.open(tmp_path / "spool")
