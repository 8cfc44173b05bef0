from __future__ import annotations

import os
import shutil
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from loaded_rows import contents, empty_warehouse, rows, strays, trace

from tcpdw import archives, pipeline, reading, runs
from tcpdw.errors import TraceError
from tcpdw.inputs import Choice
from tcpdw.pipeline import IngestSummary, Options, Plan, Watcher
from tcpdw.readers import spool
from tcpdw.readers import worker as workers
from tcpdw.readers.spool import Room
from tcpdw.rundata import RunData
from tcpdw.runs import Identity

DATA = Path(__file__).parent.parent / "data"
CLIENT, SERVER = "merlin-client-handshake-003", "merlin-server-handshake-004"

needs_bt2 = pytest.mark.skipif(find_spec("bt2") is None, reason="bt2 is not installed")
needs_tshark = pytest.mark.skipif(
    not Path("/usr/bin/tshark").exists(), reason="tshark is not installed"
)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    return empty_warehouse(tmp_path)


def outcome(summary: IngestSummary) -> tuple[int, int, int]:
    return len(summary.loaded), len(summary.failed), summary.skipped


class Told(Watcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.names: list[str] = []
        self.batches: list[list[str]] = []

    def planned(self, plan: Plan) -> None:
        self.plans.append(plan)

    def read(self, run: RunData) -> None:
        self.names.append(run.name)

    def loaded(self, batch: Any) -> None:
        self.batches.append([run.name for run in batch])


# A recorded run


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a warehouse with the recorded run of `CLIENT`, loaded from its archive."""
    path = empty_warehouse(tmp_path_factory.mktemp("recorded"))
    summary = pipeline.ingest([DATA / f"{CLIENT}.tar.xz"], path)
    assert outcome(summary) == (1, 0, 0)
    return path


@needs_bt2
@needs_tshark
def test_a_run_is_one_run_packed_or_not_and_however_often(recorded: Path, tmp_path: Path) -> None:
    archive, path = DATA / f"{CLIENT}.tar.xz", Path(shutil.copy(recorded, tmp_path / "w.duckdb"))
    before = contents(path)
    assert before["main.runs"][0] == 1
    # As `babeltrace2 TRACE | wc -l` says.
    assert rows(path, "SELECT COUNT(*) FROM events") == [(11341,)]
    archives.unpack(archive, tmp_path / "unpacked")
    told = Told()

    for paths in ([archive], [tmp_path / "unpacked"], [archive, tmp_path / "unpacked"]):
        assert outcome(pipeline.ingest(paths, path, watcher=told)) == (0, 0, len(paths))
    renamed = Path(shutil.copy(archive, tmp_path / "another-name.tar.xz"))
    assert outcome(pipeline.ingest([renamed], path, watcher=told)) == (0, 0, 1)
    assert contents(path) == before
    assert [len(plan.todo) for plan in told.plans] == [0] * 4
    assert told.names == told.batches == []


@needs_bt2
@needs_tshark
def test_replace_gives_the_same_rows(recorded: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(recorded, tmp_path / "w.duckdb"))
    before = contents(path, without="run_id")

    summary = pipeline.ingest([DATA / f"{CLIENT}.tar.xz"], path, Options(replace=True))

    assert outcome(summary) == (1, 0, 0)
    assert rows(path, "SELECT name, status FROM runs") == [(CLIENT, "ok")]
    assert contents(path, without="run_id") == before
    assert strays(path) == {}


# Small runs


@needs_bt2
def test_runs_are_named_told_of_and_loaded_in_batches(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "BATCH_RUNS", 2)
    names = ["r1", "r2", "r3", "r4", "r5"]
    for number, name in enumerate(names, 1):
        trace(tmp_path / "in" / name, number)
    told = Told()
    identity = Identity(machine="m\udcff", role="server", repetition=7)

    summary = pipeline.ingest([tmp_path / "in"], empty, Options(identity=identity, workers=2), told)

    assert outcome(summary) == (5, 0, 0)
    assert (summary.events, summary.packets) == (20, 0)
    assert told.names == names
    assert [name for batch in told.batches for name in batch] == names
    assert max(map(len, told.batches)) == 2
    found = rows(empty, "SELECT name, events, machine, role, repetition FROM runs ORDER BY name")
    assert found == [(name, n + 1, "m\ufffd", "server", 7) for n, name in enumerate(names, 1)]
    assert rows(
        empty, "SELECT run_id, COUNT(*), MAX(x) FROM event.a GROUP BY ALL ORDER BY ALL"
    ) == [(n, n, n) for n in range(1, 6)]


@needs_bt2
@needs_tshark
def test_bad_runs_are_recorded_and_the_good_ones_load(empty: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    trace(inbox / "good-1", 3, {"machine": "m"})
    trace(inbox / "good-2", 4, {"machine": "m"})
    trace(inbox / "nonsense").joinpath("run.json").write_text('{"machine": 7}')
    (trace(inbox / "headless", 5) / "kernel/metadata").unlink()
    stream = trace(inbox / "cut-stream", 6) / "kernel/ch_0"
    stream.write_bytes(stream.read_bytes()[:-40])
    archives.unpack(DATA / f"{CLIENT}.tar.xz", tmp_path / "unpacked")
    [capture] = tmp_path.glob("unpacked/**/packets.pcap")
    whole = capture.read_bytes()
    (trace(inbox / "cut-capture", 7) / "packets.pcap").write_bytes(whole[: len(whole) - 9])
    (trace(inbox / "no-capture", 8) / "packets.pcap").write_bytes(b"words")
    half = (DATA / f"{SERVER}.tar.xz").read_bytes()
    (inbox / "half.tar.xz").write_bytes(half[: len(half) // 2])
    (inbox / "noise.tar.xz").write_bytes(b"no archive")
    (tmp_path / "nothing").mkdir()
    paths = [inbox, tmp_path / "nothing", tmp_path / "missing"]

    first = pipeline.ingest(paths, empty, Options(workers=2))

    found = {
        name: (status, events, warnings)
        for name, status, events, warnings in rows(
            empty, "SELECT name, status, events, warnings FROM runs"
        )
    }
    assert outcome(first) == (5, 6, 0)
    assert {name: (status, events) for name, (status, events, _) in found.items()} == {
        "good-1": ("ok", 4), "good-2": ("ok", 5),
        "nonsense": ("failed", 0), "headless": ("failed", 0),
        "cut-stream": ("partial", 6), "cut-capture": ("partial", 8), "no-capture": ("partial", 9),
        "half": ("failed", 0), "noise.tar.xz": ("failed", 0),
        "nothing": ("failed", 0), "missing": ("failed", 0),
    }  # fmt: skip
    for name, place, words in [
        ("nonsense", inbox / "nonsense/run.json:1", "field machine is 7, not a text"),
        ("headless", inbox / "headless/kernel", "without its metadata"),
        ("cut-stream", inbox / "cut-stream/kernel/ch_0", ""),
        ("cut-capture", inbox / "cut-capture/packets.pcap", "cut short"),
        ("no-capture", inbox / "no-capture/packets.pcap", ""),
        ("half", inbox / "half.tar.xz", "damaged or cut short"),
        ("noise.tar.xz", inbox / "noise.tar.xz", "is no xz archive"),
        ("nothing", tmp_path / "nothing", "holds no run"),
        ("missing", tmp_path / "missing", "No such file"),
    ]:
        [warning] = found[name][2]
        assert str(place) in warning, warning
        assert words in warning, warning
        assert warning.isprintable()
    [(packet_count,)] = rows(empty, "SELECT packets FROM runs WHERE name = 'cut-capture'")
    assert packet_count > 0
    before = contents(empty, without="run_id")

    again = pipeline.ingest(paths, empty, Options(workers=2))

    # What failed is tried again, and its record replaced; what is partial is in the warehouse.
    assert outcome(again) == (0, 6, 5)
    assert contents(empty, without="run_id") == before
    assert strays(empty) == {}

    (inbox / "nonsense/run.json").write_text("{}")
    assert outcome(pipeline.ingest([inbox / "nonsense"], empty)) == (1, 0, 0)
    assert rows(empty, "SELECT status FROM runs WHERE name = 'nonsense'") == [("ok",)]


@needs_bt2
def test_an_archive_with_a_bad_run_gives_its_good_ones(empty: Path, tmp_path: Path) -> None:
    trace(tmp_path / "d/r1", 1, {})
    trace(tmp_path / "d/r2", 2).joinpath("run.json").write_text("[]")
    trace(tmp_path / "d/r3", 3, {})
    path = tmp_path / "several.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(tmp_path / "d", arcname="d")

    summary = pipeline.ingest([path], empty)

    assert outcome(summary) == (2, 1, 0)
    assert rows(empty, "SELECT name, status, events, source_path FROM runs ORDER BY name") == [
        ("r1", "ok", 2, str(path)), ("r2", "failed", 0, str(path)), ("r3", "ok", 4, str(path)),
    ]  # fmt: skip
    assert summary.failed[0].warnings[0].startswith(f"{path}/d/r2/run.json: is no JSON object")
    assert strays(empty) == {}


@needs_bt2
def test_names_in_any_encoding_are_loaded(empty: Path, tmp_path: Path) -> None:
    top = tmp_path / os.fsdecode(b"in\xff\x1b[31m\n")
    odd = trace(top / os.fsdecode(b"r\xe9sum\xe9"), 3)
    stage = odd / os.fsdecode(b"proc/st\xfdage")
    stage.mkdir(parents=True)
    (stage / "time_ns").write_text("1700000000000000001")
    (stage / "net_tcp").write_text(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
        "timeout inode\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0"
        "        0 4242 1 0000000000000000 100 0 0 10 0\n"
    )
    (top / os.fsdecode(b"bad\xfc.tar.xz")).write_bytes(b"words")
    trace(top / "plain", 1)

    summary = pipeline.ingest([top], empty, Options(workers=2))

    assert sorted((run.name, run.status) for run in summary.loaded + summary.failed) == [
        ("bad\ufffd.tar.xz", "failed"), ("plain", "ok"), ("r\ufffdsum\ufffd", "ok"),
    ]  # fmt: skip
    shown = f"{tmp_path}/in\ufffd\ufffd[31m\ufffd"
    assert rows(empty, "SELECT source_path FROM runs WHERE events = 4") == [
        (f"{shown}/r\ufffdsum\ufffd",)
    ]
    [warning] = summary.failed[0].warnings
    assert warning.startswith(f"{shown}/bad\ufffd.tar.xz: is no xz archive")
    assert rows(empty, "SELECT stage, sport FROM proc_tcp") == [("st?age", 8080)]
    assert outcome(pipeline.ingest([top], empty)) == (0, 1, 2)


def test_rows_on_disk_stay_until_they_are_loaded(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_HELD", 0)
    trace(tmp_path / "in" / "r")
    assert outcome(pipeline.ingest([tmp_path / "in"], empty)) == (1, 0, 0)
    [(told,)] = rows(empty, "SELECT events FROM runs")
    assert told > 0
    assert rows(empty, "SELECT COUNT(*) FROM events") == [(told,)]


def test_a_reader_that_died_is_worth_another_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os, signal, sys; sys.stdin.readline(); os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(workers, "_COMMAND", (sys.executable, "-c", code))
    [source] = runs.find([trace(tmp_path / "r")])
    assert isinstance(source, runs.Source)
    with workers.Worker() as worker:
        means = reading.Means(worker, Choice(trace="bt2"), Room(0))
        with pytest.raises(TraceError, match="SIGKILL") as caught:
            reading.read_source(source, None, Identity(), tmp_path / "work", means, is_last=False)
        assert isinstance(caught.value.__cause__, ChildProcessError)
        assert pipeline.may_mend(caught.value)
        assert caught.value.path == str(tmp_path / "r/kernel")
        [run] = reading.read_source(source, None, Identity(), tmp_path / "work", means)
    assert run.status == "failed"
    assert "SIGKILL" in str(run.failure)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device"), True),
        (PermissionError(13, "Permission denied"), False),
        (ChildProcessError("died"), True),
        (ValueError("nonsense"), False),
    ],
)
def test_what_another_try_may_mend(error: Exception, expected: bool) -> None:
    outer = TraceError("cannot be read")
    outer.__cause__ = error
    assert pipeline.may_mend(outer) is expected
    assert pipeline.may_mend(error) is expected


@needs_bt2
def test_a_run_packed_and_unpacked_is_read_twice_and_loaded_once(
    empty: Path, tmp_path: Path
) -> None:
    trace(tmp_path / "in/r1", 2)
    with tarfile.open(tmp_path / "in/r2.tar", "w") as tar:
        tar.add(tmp_path / "in/r1", arcname="r1")
    for options in (Options(), Options(replace=True)):
        summary = pipeline.ingest([tmp_path / "in"], empty, options)
        assert outcome(summary) == (1, 0, 1)
        assert rows(empty, "SELECT name, events FROM runs") == [("r1", 3)]
        assert rows(empty, "SELECT COUNT(*) FROM event.a") == [(2,)]
    assert strays(empty) == {}
