from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from run_trees import (
    METADATA,
    PCAP,
    STATED,
    STREAM,
    one,
    pack,
    refused,
    sources,
    trace,
    whole_run,
    write,
)

from tcpdw import runs
from tcpdw.errors import ArchiveError, CaptureError, RunError
from tcpdw.runs import Failure, Identity, Run, Source


def test_a_run_directory(tmp_path: Path) -> None:
    root = whole_run(tmp_path / "anything")
    [source] = sources(root)
    assert source == Source(root, "directory", "anything")
    run = one(root)
    assert run.traces == (root / "kernel",)
    assert run.captures == (root / "packets.pcap",)
    assert run.snapshots == (root / "proc/closed", root / "proc/listening")
    assert (run.name, run.source_path, run.root) == ("anything", root, root)
    assert run.warnings == ()
    assert run.identity == Identity(
        machine="kestrel",
        role="server",
        experiment="handshake",
        repetition=3,
        started_at=1795353142756987200,
        kernel="6.1.0-50-amd64",
        cpus=2,
        cpu_model="AMD EPYC™ 9354",
        interface="eth0",
        driver="e1000",
        tracer="lttng 2.13.9 - Nordicité",
    )
    assert run.content_hash == source.fingerprint()


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".zip"])
@pytest.mark.parametrize("top", [".", "run-7", "else/where"])
def test_an_archive_is_the_same_run_as_its_directory(tmp_path: Path, ending: str, top: str) -> None:
    root = whole_run(tmp_path / "run-7")
    path = pack(root, tmp_path / f"packed{ending}", top)
    [source] = sources(path)
    assert source == Source(path, "archive", "packed")
    with runs.opened(source) as (run,):
        assert run.content_hash == one(root).content_hash
        assert run.name == "packed"
        assert run.source_path == path
        assert (run.traces[0] / "metadata").read_bytes() == METADATA
        where = "packed" + ending + ("" if top == "." else "/" + top) + "/kernel/ch_0"
        assert run.shown(f"{run.traces[0] / 'ch_0'}: bad") == f"{tmp_path}/{where}: bad"
        root = run.root
    assert not root.exists()
    assert len(source.fingerprint()) == 64
    assert source.fingerprint() != run.content_hash


def test_a_lone_trace_is_the_same_run_however_it_is_wrapped(tmp_path: Path) -> None:
    write(tmp_path, trace("run-7/kernel"))
    inner, outer = one(tmp_path / "run-7/kernel"), one(tmp_path / "run-7")
    packed = one(pack(tmp_path / "run-7/kernel", tmp_path / "t.tar", "kernel"))
    assert inner.content_hash == outer.content_hash == packed.content_hash
    assert inner.name == outer.name == "run-7"
    assert packed.name == "t"


def test_the_hash_is_of_the_inputs_alone(tmp_path: Path) -> None:
    first, second = whole_run(tmp_path / "a"), whole_run(tmp_path / "b")
    write(second, {"notes.txt": "not an input", ".hidden": "x", "proc/.x": "x"})
    assert one(first).content_hash == one(second).content_hash
    changes: list[dict[str, bytes | str]] = [
        {"kernel/ch_0": STREAM + b"\0"},
        {"kernel/index/ch_0.idx": b"x"},
        {"kernel/ch_1": b""},
        {"packets.pcap": PCAP + b"\0"},
        {"proc/closed/time_ns": "18"},
        {"run.json": json.dumps({**STATED, "repetition": 4})},
    ]
    hashes = {one(first).content_hash}
    for i, change in enumerate(changes):
        hashes.add(one(write(whole_run(tmp_path / f"c{i}"), change)).content_hash)
    assert len(hashes) == 1 + len(changes)
    moved = whole_run(tmp_path / "d")
    (moved / "kernel/ch_0").rename(moved / "kernel/ch_9")
    assert one(moved).content_hash not in hashes


def test_a_capture_renamed_is_the_same_run(tmp_path: Path) -> None:
    write(tmp_path, {"a/x.pcap": PCAP, "b/y.pcapng": PCAP})
    [first, second] = sources(tmp_path / "a/x.pcap", tmp_path / "b/y.pcapng")
    assert first.fingerprint() == second.fingerprint() == one(tmp_path / "a").content_hash


def test_an_archive_of_several_runs(tmp_path: Path) -> None:
    whole_run(tmp_path / "d/r1")
    write(tmp_path / "d", {**trace("r2/kernel"), **trace("r3/x")})
    [source] = sources(pack(tmp_path / "d", tmp_path / "many.tar", "d"))
    with runs.opened(source, Identity(machine="m")) as found:
        assert [run.name for run in found] == ["r1", "r2", "x"]
        assert {run.identity.machine for run in found} == {"m"}
        assert {run.source_path for run in found} == {source.path}


def test_an_archive_of_several_runs_gives_the_good_ones(tmp_path: Path) -> None:
    whole_run(tmp_path / "d/r1")
    write(tmp_path / "d", {**trace("r2/x"), "r2/run.json": "[]", **trace("r4/kernel")})
    pack(tmp_path / "d", tmp_path / "d/inner.tar", "d")
    (tmp_path / "d/r4/kernel/metadata").unlink()
    path = pack(tmp_path / "d", tmp_path / "many.tar", "d")
    [source] = sources(path)
    with runs.opened(source) as found:
        assert [item.name for item in found] == ["inner.tar", "r1", "r2", "r4"]
        good = [item for item in found if isinstance(item, Run)]
        bad = [item for item in found if isinstance(item, Failure)]
    assert [run.name for run in good] == ["r1"]
    places = ["d/inner.tar", "d/r2", "d/r4/kernel"]
    assert [item.path for item in bad] == [path / place for place in places]
    assert [str(item.error).removeprefix(f"{path}/d/").split(";")[0] for item in bad] == [
        "inner.tar: an archive in an archive is not unpacked",
        "r2/run.json: is no JSON object",
        "r4/kernel: a trace without its metadata",
    ]


def test_one_bad_run_in_an_archive_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "d", {"r2/p.pcap": PCAP, "r2/run.json": "[]"})
    error = refused(pack(tmp_path / "d", tmp_path / "one.tar", "d"))
    assert error.path == f"{tmp_path}/one.tar/d/r2/run.json"


def test_an_archive_without_a_run(tmp_path: Path) -> None:
    write(tmp_path, {"d/README": "words"})
    assert "holds no run" in str(refused(pack(tmp_path / "d", tmp_path / "none.tar", "d")))
    pack(tmp_path / "d", tmp_path / "d/inner.tar", "d")
    assert "archive in an archive" in str(refused(pack(tmp_path / "d", tmp_path / "o.zip", "d")))


def test_errors_of_readers_name_the_place_in_the_archive(tmp_path: Path) -> None:
    [source] = sources(pack(whole_run(tmp_path / "r"), tmp_path / "r.tar", "r"))
    with pytest.raises(CaptureError) as caught, runs.opened(source) as (run,):
        raise CaptureError("cut short", path=run.captures[0], offset=24)
    assert str(caught.value) == f"{tmp_path}/r.tar/r/packets.pcap at byte 24: cut short"
    assert not run.root.exists()


def test_archives_inside_a_run_are_named(tmp_path: Path) -> None:
    root = write(whole_run(tmp_path / "r"), {"more.tar.gz": "x"})
    assert one(root).warnings == ("more.tar.gz: an archive inside a run is not read",)


def test_what_goes_missing_meanwhile(tmp_path: Path) -> None:
    [source] = sources(whole_run(tmp_path / "r"))
    [packed] = sources(pack(tmp_path / "r", tmp_path / "p.tar", "r"))
    shutil.rmtree(tmp_path / "r")
    packed.path.unlink()
    with pytest.raises(RunError, match="r: cannot be read"), runs.opened(source):
        pass
    with pytest.raises(ArchiveError, match=r"p\.tar: cannot be read"), runs.opened(packed):
        pass
    with pytest.raises(RunError, match=r"p\.tar: cannot be read"):
        packed.fingerprint()


def test_import_is_light() -> None:
    code = "import sys, tcpdw.runs; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"pyarrow", "duckdb", "polars", "numpy", "tarfile", "zipfile", "json"}
