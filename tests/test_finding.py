from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from run_trees import (
    METADATA,
    PCAP,
    STREAM,
    failure,
    find,
    names,
    one,
    pack,
    refused,
    sources,
    trace,
    whole_run,
    write,
)

from tcpdw import runs
from tcpdw.errors import ArchiveError, RunError
from tcpdw.runs import Failure, Identity, Run, Source


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (trace("run-7"), [("run-7", "trace")]),
        (trace("run-7/kernel"), [("run-7", "directory")]),
        (trace("a/run-7/kernel"), [("run-7", "directory")]),
        ({**trace("s/kernel"), **trace("s/ust/uid/1000/64-bit")}, [("s", "directory")]),
        (trace("s/ust/pid/ncat-531-20261122-141152"), [("s", "directory")]),
        (trace("s/trace/kernel"), [("s", "directory")]),
        (
            {
                **trace("s/archives/20261122T140000+0000-20261122T141000+0000-0/kernel"),
                **trace("s/archives/20261122T141000+0000-20261122T142000+0000-1/kernel"),
            },
            [("s", "directory")],
        ),
        ({**trace("r1"), **trace("r2")}, [("r1", "trace"), ("r2", "trace")]),
        ({**trace("archives/r1"), **trace("archives/r2")}, [("r1", "trace"), ("r2", "trace")]),
        ({**trace("trace/r1/kernel"), **trace("trace/r2/kernel")}, [("r1", "directory"),
                                                                  ("r2", "directory")]),
        ({**trace("r/t"), "r/eth0.pcap": PCAP}, [("r", "directory")]),
        ({**trace("r/kernel"), "r/pcap/eth0.pcap": PCAP}, [("r", "directory")]),
        ({"r/eth0.pcap": PCAP, "r/eth1.PcapNG": PCAP, "r/x.cap2.gz": b""}, [("r", "directory")]),
        ({"r/proc/now/net_tcp": "x"}, [("r", "directory")]),
        ({"r/proc/now/pid-3-fd": "x", "r/README": "x"}, [("r", "directory")]),
        ({"r1/run.json": "{}", "r1/p.pcap": PCAP, "p.pcap": PCAP}, [("p", "capture"),
                                                                   ("r1", "directory")]),
        ({"r1/run.json": "{}", "r1/p.pcap": PCAP, **trace("r2/kernel")}, [("r1", "directory"),
                                                                         ("r2", "directory")]),
        ({"r1/run.json": "{}", "r1/p.pcap": PCAP, **trace("r1/r2"), "r1/r2/run.json": "{}"},
         [("r1", "directory"), ("r2", "directory")]),
        ({"capture/a.pcap": PCAP, "capture/r1/run.json": "{}", "capture/r1/p.pcap": PCAP},
         [("a", "capture"), ("r1", "directory")]),
        ({"r/a.pcap": PCAP, "r/b.pcap": PCAP, "c.pcap": PCAP}, [("c", "capture"),
                                                               ("r", "directory")]),
        ({**trace(".hidden/kernel"), ".a.pcap": PCAP, **trace("r")}, [("r", "trace")]),
    ],
)  # fmt: skip
def test_layouts(
    tmp_path: Path, files: dict[str, bytes | str], expected: list[tuple[str, str]]
) -> None:
    top = write(tmp_path / "top", files)
    assert names(top) == expected
    for source in sources(top):
        with runs.opened(source) as (run,):
            assert isinstance(run, Run)
            assert run.name == source.name
            assert run.content_hash == source.fingerprint()
            assert run.traces + run.captures + run.snapshots


def test_every_trace_of_a_session_is_there(tmp_path: Path) -> None:
    files = {**trace("s/kernel"), **trace("s/ust/uid/0/64-bit"), **trace("s/ust/uid/7/32-bit")}
    root = write(tmp_path, files) / "s"
    expected = ("kernel", "ust/uid/0/64-bit", "ust/uid/7/32-bit")
    assert one(root).traces == tuple(root / name for name in expected)


def test_a_nested_run_keeps_its_files_to_itself(tmp_path: Path) -> None:
    outer, inner = whole_run(tmp_path / "outer"), whole_run(tmp_path / "outer/inner")
    alone = whole_run(tmp_path / "alone")
    [first, second] = sources(outer)
    with runs.opened(first) as (run,), runs.opened(second) as (nested,):
        assert (run.root, nested.root) == (outer, inner)
        assert run.content_hash == one(alone).content_hash
        assert run.traces == (outer / "kernel",)


def test_a_collection_of_everything(tmp_path: Path) -> None:
    data = tmp_path / "data"
    whole_run(data / "m-run")
    pack(whole_run(tmp_path / "loose"), data / "z.tar.gz", "loose")
    write(data, {"README.md": "words", "one.pcap": PCAP, "bad.tar.xz": "no", "nothing/x.txt": ""})
    write(data, trace("deep/er/session/kernel"))
    found = find(data)
    assert [item.path.relative_to(data).as_posix() for item in found] == [
        "bad.tar.xz",
        "deep/er/session",
        "m-run",
        "one.pcap",
        "z.tar.gz",
    ]
    assert [type(item) for item in found] == [Failure, Source, Source, Source, Source]
    assert isinstance(found[0], Failure)
    assert isinstance(found[0].error, ArchiveError)
    again = find(data / "z.tar.gz", data, tmp_path / "data/../data/m-run")
    assert {item.path.name for item in again} == {item.path.name for item in found}
    assert len(again) == len(found)
    assert again[0].path.name == "z.tar.gz"


def test_inputs_beside_archives_are_runs_of_their_own(tmp_path: Path) -> None:
    data = write(tmp_path / "data", {"a.pcap": PCAP, "b.pcap": PCAP, **trace("kernel")})
    assert names(data) == [("data", "directory")]
    pack(data, data / "z.tar", "data")
    expected = [("a", "capture"), ("b", "capture"), ("data", "trace"), ("z", "archive")]
    assert names(data) == expected


def test_what_is_no_run(tmp_path: Path) -> None:
    write(tmp_path, {"file.txt": "words", "short": "x", "t/run.json": "{}", "t/metadata": METADATA})
    (tmp_path / "empty").mkdir()
    assert "holds no run" in str(failure(tmp_path / "empty"))
    assert "No such file" in str(failure(tmp_path / "missing"))
    assert "neither an archive nor a capture" in str(failure(tmp_path / "file.txt"))
    assert "neither an archive nor a capture" in str(failure(tmp_path / "short"))
    assert "give its directory" in str(failure(tmp_path / "t/run.json"))
    assert "give its directory" in str(failure(tmp_path / "t/metadata"))
    assert "embedded null" in str(failure(Path("a\0b")))
    os.mkfifo(tmp_path / "pipe")
    assert "no file or directory" in str(failure(tmp_path / "pipe"))
    write(tmp_path, {"r/run.json": "{}", "r/README": ""})
    assert "holds no trace, capture or snapshot" in str(refused(tmp_path / "r"))
    good = whole_run(tmp_path / "good")
    mixed = find(tmp_path / "missing", good, tmp_path / "empty")
    assert [isinstance(item, Source) for item in mixed] == [False, True, False]


def test_files_are_known_by_their_bytes(tmp_path: Path) -> None:
    ng = b"\x0a\x0d\x0d\x0a" + bytes(28)
    write(tmp_path, {"a": PCAP, "b": ng, "c": bytes.fromhex("a1b23c4d") + bytes(20)})
    pack(whole_run(tmp_path / "r"), tmp_path / "d.gz", "r").rename(tmp_path / "d")
    found = [names(tmp_path / name) for name in "abcd"]
    assert found == [[("a", "capture")], [("b", "capture")], [("c", "capture")], [("d", "archive")]]
    assert one(tmp_path / "a").captures == (tmp_path / "a",)
    assert one(tmp_path / "d").traces


@pytest.mark.parametrize(
    "files",
    [
        {"r/ch_0": STREAM},
        {"r/ch_0": bytes.fromhex("c1fc1fc1") + bytes(8)},
        {"r/ch_0": b"", "r/index/ch_0.idx": b""},
        {"r/kernel/ch_0": b"no magic"},
    ],
)
def test_a_trace_without_its_metadata(tmp_path: Path, files: dict[str, bytes | str]) -> None:
    write(tmp_path, files)
    assert "without its metadata" in str(failure(tmp_path))
    write(tmp_path / "r", {"packets.pcap": PCAP, "run.json": "{}"})
    assert "without its metadata" in str(refused(tmp_path))
    with pytest.raises(RunError, match="without its metadata"):
        sources(tmp_path)[0].fingerprint()
    write(tmp_path, trace("z"))
    assert names(tmp_path) == [("r", "directory"), ("z", "trace")]


def test_an_empty_kernel_folder_in_a_run(tmp_path: Path) -> None:
    write(tmp_path, {"r/packets.pcap": PCAP})
    (tmp_path / "r/kernel").mkdir()
    assert "without its metadata" in str(refused(tmp_path / "r"))


@pytest.mark.parametrize(
    "metadata",
    [
        b"\x57\x1d\xd1\x75" + bytes(60),
        b"\x75\xd1\x1d\x57" + bytes(60),
        b"/* CTF 1.8 */",
        b"// by hand\ntrace {};",
        b"typealias integer { size = 8; } := u8;",
        b'\x1e{"type":"preamble","version":2}',
    ],
)
def test_kinds_of_metadata(tmp_path: Path, metadata: bytes) -> None:
    assert names(write(tmp_path / "r", {"metadata": metadata, "ch_0": STREAM})) == [("r", "trace")]


@pytest.mark.parametrize("metadata", [b"", b"\x7fELF\0\0event", b"name: words\n"])
def test_metadata_that_is_none(tmp_path: Path, metadata: bytes) -> None:
    write(tmp_path, trace("r", metadata))
    error = failure(tmp_path)
    assert error.path == str(tmp_path / "r/metadata")
    write(tmp_path / "r", {"run.json": "{}"})
    assert refused(tmp_path).message == error.message


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = whole_run(tmp_path / "elsewhere")
    root = write(tmp_path / "r", {"packets.pcap": PCAP, "run.json": "{}"})
    (root / "kernel").symlink_to(elsewhere / "kernel")
    (root / "loop").symlink_to(root)
    (root / "b.pcap").symlink_to(elsewhere / "packets.pcap")
    run = one(root)
    assert (run.traces, run.captures) == ((), (root / "packets.pcap",))
    assert [warning.split(":")[0] for warning in run.warnings] == ["b.pcap", "kernel", "loop"]
    picked = tmp_path / "picked"
    picked.mkdir()
    (picked / "r").symlink_to(elsewhere)
    assert "symbolic links" in str(failure(picked))
    [source] = sources(picked / "r")  # a link given by name is meant
    assert source.name == "r"
    (root / "run.json").unlink()
    (root / "run.json").symlink_to(elsewhere / "run.json")
    assert one(root).identity == Identity()


def test_odd_trees(tmp_path: Path) -> None:
    deep = tmp_path.joinpath("deep", *"d" * 50)
    write(deep, {"packets.pcap": PCAP})
    assert "nested too deep" in str(failure(tmp_path / "deep"))
    odd = os.fsdecode(b"bad\xff\x1b[31m")
    write(tmp_path / "odd", {f"{odd}/a.pcap": PCAP})
    [source] = sources(tmp_path / "odd")
    source.name.encode()
    assert source.name.isprintable()
    assert one(tmp_path / "odd").name == source.name
    write(tmp_path / "odd", {f"{odd}/run.json": "{"})
    str(refused(tmp_path / "odd")).encode()


def test_an_unreadable_folder_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole_run(tmp_path / "good")
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def guarded(path: Path) -> Iterator[os.DirEntry[str]]:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert names(tmp_path) == [
        ("good", "directory"),
        ("cannot be read: Permission denied", "failure"),
    ]
    (tmp_path / "locked").rename(tmp_path / "good/proc/locked")
    assert "Permission denied" in str(refused(tmp_path))


def test_snapshots_beside_several_runs_are_not_dropped_in_silence(tmp_path: Path) -> None:
    whole_run(tmp_path / "r")
    write(tmp_path, {"proc/now/time_ns": "1"})
    found = names(tmp_path)
    assert found[1] == ("r", "directory")
    assert "beside several runs" in found[0][0]
