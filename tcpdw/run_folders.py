"""Folders as runs are laid out in them: traces, captures and `/proc` snapshots by their names.

Symbolic links are never followed, hidden files never read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tcpdw.archive_formats import format_by_name
from tcpdw.errors import RunError
from tcpdw.run_files import first_bytes, run_error

RUN_JSON, METADATA, PROC = "run.json", "metadata", "proc"

# tcpdump -C numbers its files; tshark reads gzipped captures as they are.
CAPTURE = re.compile(r"\.(pcap|pcapng|cap)\d*(\.gz)?$", re.IGNORECASE)
"""The endings of capture files."""

_STAGE_FILE = re.compile(r"time_ns|net_tcp6?|pid-\d+-\w+")
_TSDL = re.compile(rb"\b(trace|stream|event|clock|env|typealias|typedef|enum|struct)\b")
_MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory as read once: names of its plain files, its folders, its links, all sorted."""

    path: Path
    files: tuple[str, ...]
    folders: tuple[Folder, ...]
    links: tuple[Path, ...]
    headless: bool  # a trace's streams without their metadata
    problem: RunError | None = None

    def all(self) -> Iterator[Folder]:
        """Yield this folder and those below that belong to the same run."""
        yield self
        for folder in self.folders:
            if RUN_JSON not in folder.files:
                yield from folder.all()

    def nested(self) -> Iterator[Folder]:
        """Yield the topmost folders below that have a `run.json` of their own."""
        for folder in self.folders:
            if RUN_JSON in folder.files:
                yield folder
            else:
                yield from folder.nested()

    def captures(self) -> list[Path]:
        """List the capture files in this folder."""
        return [self.path / name for name in self.files if CAPTURE.search(name)]

    def packed(self) -> list[Path]:
        """List the archives in this folder, by their endings."""
        return [self.path / name for name in self.files if format_by_name(name)]

    def stages(self) -> list[Folder]:
        """List the folders of `/proc` snapshots, `proc/STAGE`."""
        procs = [folder for folder in self.folders if folder.path.name == PROC]
        stages = [stage for proc in procs for stage in proc.folders]
        return [stage for stage in stages if any(map(_STAGE_FILE.fullmatch, stage.files))]


def scan(path: Path, depth: int = 0) -> Folder:
    """Read a folder and those below; what cannot be read is a folder with a problem."""
    files: list[str] = []
    links: list[Path] = []
    folders: list[Folder] = []
    problem: RunError | None = None
    try:
        with os.scandir(path) as entries:
            found = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        if depth > _MAX_DEPTH:
            problem = run_error(
                path, "is nested too deep to be a run", "give the run's own directory"
            )
            found = []
        for entry in found:
            if entry.is_symlink():
                links.append(path / entry.name)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(scan(path / entry.name, depth + 1))
            elif entry.is_file(follow_symlinks=False):
                files.append(entry.name)
    except OSError as error:
        problem = run_error(path, f"cannot be read: {error.strerror}", cause=error)
    headless = METADATA not in files and _has_streams(path, files, folders)
    return Folder(path, tuple(files), tuple(folders), tuple(links), headless, problem)


def _has_streams(path: Path, files: list[str], folders: list[Folder]) -> bool:
    """Tell whether a folder holds what LTTng writes beside a metadata file."""
    if path.name == "kernel" and not folders:
        return True
    if any(f.path.name == "index" and any(n.endswith(".idx") for n in f.files) for f in folders):
        return True
    plain = [n for n in files if not (CAPTURE.search(n) or format_by_name(n))]
    magic = (b"\xc1\x1f\xfc\xc1", b"\xc1\xfc\x1f\xc1")  # CTF 1.8, 5.2: the packet's magic
    return any(_head_if_any(path / name) in magic for name in plain[:64])


def _head_if_any(path: Path) -> bytes:
    with suppress(OSError, RunError):
        if path.stat().st_size:  # files without a size, as in the real /proc, can block
            return first_bytes(path, 4)
    return b""


@dataclass(frozen=True, slots=True)
class Inputs:
    """A run's inputs in its folders, and what is wrong with them."""

    traces: list[Folder]
    captures: list[Path]
    stages: list[Folder]
    problems: list[RunError]


def inputs_of(root: Folder) -> Inputs:
    """Return the inputs of the run whose own folder is `root`."""
    proc = root.path / PROC
    folders = [f for f in root.all() if proc not in (f.path, *f.path.parents)]
    problems = [f.problem for f in root.all() if f.problem]
    problems += [problem for f in folders if (problem := trace_problem(f))]
    return Inputs(
        traces=[f for f in folders if METADATA in f.files],
        captures=[path for f in folders for path in f.captures()],
        stages=root.stages(),
        problems=problems,
    )


def trace_problem(folder: Folder) -> RunError | None:
    """Return why a folder with a trace's files is no trace, None where it is one or has none."""
    if folder.headless:
        return run_error(
            folder.path, "a trace without its metadata", "copy the file `metadata` from the tracer"
        )
    if METADATA not in folder.files:
        return None
    path = folder.path / METADATA
    try:
        head = first_bytes(path, 4096)
    except RunError as error:
        return error
    # Packetised (either byte order), plain TSDL (CTF 1.8, 7.1), or CTF 2's JSON text sequence.
    if head[:4] in (b"\x57\x1d\xd1\x75", b"\x75\xd1\x1d\x57") or head[:1] == b"\x1e":
        return None
    if b"\0" not in head and (head.startswith((b"/*", b"//")) or _TSDL.search(head)):
        return None
    message = "is no CTF metadata" if head else "is empty: the trace was not finished"
    return run_error(path, message, "copy it from the tracer again")


def input_files(root: Folder, inputs: Inputs) -> list[Path]:
    """Return all files that make the run what it is, which its hash is of."""
    files = [root.path / RUN_JSON] if RUN_JSON in root.files else []
    files += inputs.captures
    files += [f.path / name for trace in inputs.traces for f in trace.all() for name in f.files]
    files += [stage.path / name for stage in inputs.stages for name in stage.files]
    return files
