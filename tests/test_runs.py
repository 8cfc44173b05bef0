from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tcpdw import runs
from tcpdw.errors import ArchiveError, CaptureError, InputError, RunError
from tcpdw.runs import Failure, Identity, Run, Source

METADATA = b"/* CTF 1.8 */\ntrace { major = 1; };\n"
PCAP = b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(16)
STREAM = b"\xc1\x1f\xfc\xc1" + bytes(60)
STATED = {
    "machine": "kestrel",
    "role": "server",
    "experiment": "handshake",
    "repetition": 3,
    "started_at_ns": 1795353142756987200,
    "kernel": "6.1.0-50-amd64",
    "cpus": 2,
    "cpu_model": "AMD EPYC™ 9354",
    "interface": "eth0",
    "driver": "e1000",
    "tracer": "lttng 2.13.9 - Nordicité",
    "message_bytes": 6,
}


def write(root: Path, files: dict[str, bytes | str]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
    return root


def trace(folder: str, metadata: bytes = METADATA) -> dict[str, bytes | str]:
    return {
        f"{folder}/metadata": metadata,
        f"{folder}/ch_0": STREAM,
        f"{folder}/index/ch_0.idx": b"\xc1\xf1\xdc\xc1",
    }


def whole_run(root: Path, stated: object = STATED) -> Path:
    proc = {f"proc/{stage}/time_ns": "17" for stage in ("closed", "listening")}
    files = {**trace("kernel"), "packets.pcap": PCAP, "run.json": json.dumps(stated), **proc}
    return write(root, files)


def find(*paths: Path) -> list[Source | Failure]:
    return list(runs.find(paths))


def sources(*paths: Path) -> list[Source]:
    found = find(*paths)
    assert all(isinstance(item, Source) for item in found), found
    return [item for item in found if isinstance(item, Source)]


def names(path: Path) -> list[tuple[str, str]]:
    """Name and kind of each source at `path`; a failure stands as its message."""
    return [
        (item.name, item.kind) if isinstance(item, Source) else (item.error.message, "failure")
        for item in find(path)
    ]


def failure(path: Path) -> InputError:
    [item] = find(path)
    assert isinstance(item, Failure)
    assert "\n" not in str(item.error)
    return item.error


def one(path: Path, overrides: Identity | None = None) -> Run:
    [source] = sources(path)
    with runs.opened(source, overrides) as (run,):
        assert isinstance(run, Run)
        return run


def refused(path: Path) -> RunError:
    """Open a source that `find` still takes for a run; return why it is none."""
    [source] = sources(path)
    with pytest.raises(RunError) as caught, runs.opened(source):
        pass
    return caught.value


def pack(root: Path, to: Path, top: str) -> Path:
    if to.suffix == ".zip":
        with zipfile.ZipFile(to, "w") as packed:
            for path in sorted(root.rglob("*"), reverse=True):
                packed.write(path, Path(top) / path.relative_to(root))
    else:
        with tarfile.open(to, "w:gz" if to.name.endswith("gz") else "w") as tar:
            tar.add(root, arcname=top)
    return to


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


def test_options_in_another_encoding_can_be_stored(tmp_path: Path) -> None:
    identity = runs.complete(lone(tmp_path, "a"), {})
    assert identity == Identity()
    run = one(tmp_path / "a", Identity(machine="m\udcff", driver="\x1b[31m"))
    assert runs.complete(run, {}) == Identity(machine="m\ufffd", driver="\ufffd[31m")


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


def test_archives_inside_a_run_are_named(tmp_path: Path) -> None:
    root = write(whole_run(tmp_path / "r"), {"more.tar.gz": "x"})
    assert one(root).warnings == ("more.tar.gz: an archive inside a run is not read",)


def test_snapshots_beside_several_runs_are_not_dropped_in_silence(tmp_path: Path) -> None:
    whole_run(tmp_path / "r")
    write(tmp_path, {"proc/now/time_ns": "1"})
    found = names(tmp_path)
    assert found[1] == ("r", "directory")
    assert "beside several runs" in found[0][0]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "no JSON"),
        ("{", 1, "no JSON"),
        ('{"machine": "a",\n "role": }', 2, "column 10"),
        ("[1]", None, "no JSON object"),
        ("null", None, "no JSON object"),
        ('{"cpus": NaN}', None, "NaN"),
        ('{"x": -Infinity}', None, "Infinity"),
        ('{"x": ' + "9" * 5000 + "}", None, "no JSON"),
        ("[" * 100_000, None, "no JSON"),
        ('{"machine": "a", "machine": "b"}', None, "'machine' comes twice"),
        ('{"a": 1,\n"machine": 7}', 2, "field machine is 7, not a text"),
        ('{"machine": ["a"]}', 1, "not a text"),
        ('{"machine": ""}', 1, "printable"),
        ('{"machine": "a\\u001b[31m"}', 1, "printable"),
        ('{"machine": "a\\u0000"}', 1, "printable"),
        ('{"machine": "\\ud800"}', 1, "printable"),
        ('{"role": "\\u202eabc"}', 1, "printable"),
        (json.dumps({"kernel": "k" * 257}), 1, "printable"),
        ('{"repetition": "001"}', 1, "field repetition is '001', not a whole number"),
        ('{"repetition": true}', 1, "not a whole number"),
        ('{"repetition": 1.0}', 1, "not a whole number"),
        ('{"repetition": -1}', 1, "not from 0"),
        ('{"cpus": 0}', 1, "not from 1"),
        ('{"started_at_ns": 9223372036854775808}', 1, "not from 0"),
        ('{"started_at_ns": 1e400}', 1, "not a whole number"),
        ('{"x": "' + "x" * (1 << 20) + '"}', None, "larger than"),
    ],
)
def test_nonsense_in_run_json(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    root = write(tmp_path / "r", {"run.json": text, "p.pcap": PCAP})
    error = refused(root)
    assert words in error.message
    assert (error.path, error.line) == (str(root / "run.json"), line)
    assert str(error).isprintable()


def test_run_json_that_is_no_text(tmp_path: Path) -> None:
    error = refused(write(tmp_path, {"run.json": b'{"a": "\xff"}', "p.pcap": PCAP}))
    assert error.offset == 7
    write(
        tmp_path, {"run.json": '{"machine": "é", "cpus": null, "x": [1e9, {}]}'.encode("utf-8-sig")}
    )
    assert one(tmp_path).identity == Identity(machine="é")


def test_options_go_before_run_json(tmp_path: Path) -> None:
    root = whole_run(tmp_path / "r")
    run = one(root, Identity(machine="other", repetition=0))
    assert (run.identity.machine, run.identity.repetition) == ("other", 0)
    assert run.identity.role == "server"
    assert run.content_hash == one(root).content_hash
    write(tmp_path, {"x.pcap": PCAP})
    assert one(tmp_path / "x.pcap", Identity(machine="m")).identity == Identity(machine="m")


ENV: dict[str, str | int] = {
    "hostname": "kestrel-server",
    "domain": "kernel",
    "kernel_release": "6.12.107+deb13-amd64",
    "tracer_name": "lttng-modules",
    "tracer_major": 2,
    "tracer_minor": 13,
    "tracer_patchlevel": 18,
}


def lone(tmp_path: Path, name: str, stated: object = None) -> Run:
    root = write(tmp_path / name, {"p.pcap": PCAP})
    if stated is not None:
        write(root, {"run.json": json.dumps(stated)})
    return one(root)


def test_the_trace_completes_an_identity(tmp_path: Path) -> None:
    expected = Identity(
        machine="kestrel-server", kernel="6.12.107+deb13-amd64", tracer="lttng-modules 2.13.18"
    )
    assert runs.complete(lone(tmp_path, "a"), ENV) == expected
    assert runs.complete(lone(tmp_path, "a"), {}) == Identity()
    partly = runs.complete(lone(tmp_path, "b", {"machine": "m", "tracer": "t"}), ENV)
    assert partly == Identity(machine="m", kernel="6.12.107+deb13-amd64", tracer="t")
    assert runs.complete(lone(tmp_path, "a"), {"tracer_name": "t"}).tracer == "t"
    hostile = runs.complete(lone(tmp_path, "a"), {"hostname": "x\x1b\udcff" + "y" * 9999})
    assert hostile.machine is not None
    assert hostile.machine.encode().startswith("x\ufffd\ufffdyy".encode())
    assert len(hostile.machine) == 256


@pytest.mark.parametrize(
    ("hostname", "machine"),
    [
        ("kestrel-server", "kestrel"),
        ("kestrel", "kestrel"),
        ("kestrel-server.lan", "kestrel"),
        ("kestrel-client", "kestrel-client"),
        ("other", "other"),
        ("", "kestrel"),
    ],
)
def test_host_name_against_path(tmp_path: Path, hostname: str, machine: str) -> None:
    run = lone(tmp_path, "kestrel-server-handshake-007")
    identity = runs.complete(run, {"hostname": hostname})
    assert identity == Identity(machine, "server", "handshake", 7)


@pytest.mark.parametrize(
    ("name", "identity"),
    [
        ("k-client-load-12", Identity("k", "client", "load", 12)),
        ("big-host-server-two-words-001", Identity("big-host", "server", "two-words", 1)),
        ("kestrel-server-handshake", Identity()),
        ("my-server-room", Identity()),
        ("kestrel-router-handshake-001", Identity()),
        ("k-server-x-99999999999", Identity()),
        ("-server-x-1", Identity()),
    ],
)
def test_identity_from_the_path(tmp_path: Path, name: str, identity: Identity) -> None:
    assert runs.complete(lone(tmp_path, name), {}) == identity
    packed = one(pack(tmp_path / name, tmp_path / "a.tar", name))
    assert runs.complete(packed, {}) == identity
    write(tmp_path / name / "sub", {"x.pcap": PCAP})
    assert runs.complete(one(tmp_path / name / "sub/x.pcap"), {}) == identity


def test_run_json_goes_before_trace_and_path(tmp_path: Path) -> None:
    run = lone(tmp_path, "kestrel-server-handshake-007", {"machine": "m", "repetition": 2})
    identity = runs.complete(run, ENV)
    assert (identity.machine, identity.role, identity.repetition) == ("m", "server", 2)


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
