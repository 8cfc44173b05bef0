"""Directories and archives as runs are recorded in them, and what is found there."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from tcpdw import runs
from tcpdw.errors import InputError, RunError
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
