"""Runs, found in directories and archives and told apart; nothing is unpacked or parsed here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tcpdw.archive_formats import ENDINGS_HINT, check, format_by_bytes, format_by_name, stem
from tcpdw.errors import InputError
from tcpdw.printable import printable
from tcpdw.run_files import content_hash, digest, first_bytes, run_error
from tcpdw.run_folders import (
    CAPTURE,
    METADATA,
    PROC,
    RUN_JSON,
    Folder,
    input_files,
    inputs_of,
    scan,
    trace_problem,
)

Kind = Literal["directory", "archive", "trace", "capture"]

HINT = "a run is a directory or archive with run.json, a CTF trace, captures or proc/"

# Folders that name a part of the run above them, as LTTng and recorders lay them out; the last
# is a chunk of a rotated session (lttng-rotate(1)).
_CHUNK = r"\d{8}T\d{6}[+-]\d{4}-\d{8}T\d{6}[+-]\d{4}-\d+"
_PART = re.compile(rf"kernel|ust|trace|ctf|pcap|capture|archives|{_CHUNK}")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a run lies. `name`: the nearest telling directory's or the archive's own name."""

    path: Path
    kind: Kind
    name: str

    def fingerprint(self) -> str:
        """Return a hex SHA-256 of the bytes, to skip what was loaded without unpacking it.

        Of an archive, the archive's own bytes; else what `Run.content_hash` will be. Raises
        `RunError` where a file cannot be read or a trace lacks its metadata.
        """
        if self.kind == "archive":
            return digest(self.path).hex()
        if self.kind == "capture":
            return content_hash([self.path])
        folder = scan(self.path)
        inputs = inputs_of(folder)
        if inputs.problems:
            raise inputs.problems[0]
        return content_hash(input_files(folder, inputs))


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that gave no run, and why."""

    path: Path
    error: InputError

    @property
    def name(self) -> str:
        """The name of what was to be a run: of the file as it is, else as a run's would be."""
        return printable(home(self.path).name or str(self.path))


def find(paths: Iterable[Path]) -> Iterator[Source | Failure]:
    """Yield the runs at and below `paths`, each once, by path within each of `paths`.

    A directory is one run if it holds `run.json`, is a CTF trace, or holds captures, `proc/` or
    a part such as LTTng's `kernel/` and `ust/`. It is a collection, each item a run of its own,
    if it also holds archives or runs of that kind. What cannot be a run is a `Failure`.
    """
    seen: set[str] = set()
    for path in paths:
        for item in sorted(found_at(path), key=lambda item: item.path):
            real = os.path.realpath(item.path) if "\0" not in str(item.path) else str(item.path)
            if real not in seen:
                seen.add(real)
                yield item


def found_at(path: Path) -> list[Source | Failure]:
    """List the runs at and below one path, or why there is none."""
    try:
        if path.is_dir():
            folder = scan(path)
            hint = f"{HINT}; symbolic links in it are not followed" if folder.links else HINT
            none = Failure(path, run_error(path, "holds no run", hint))
            return list(_sources(folder)) or [none]
        if path.is_file():
            return [_find_file(path)]
        path.stat()
        return [Failure(path, run_error(path, "is no file or directory", HINT))]
    except InputError as error:
        return [Failure(path, error)]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return [Failure(path, run_error(path, f"cannot be opened: {reason}", cause=error))]


def _find_file(path: Path) -> Source | Failure:
    head = first_bytes(path, 4)
    # pcap in us and ns, both byte orders (pcap-savefile(5)), and pcapng's section header.
    swapped = (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d", b"\xa1\xb2\xcd\x34", b"\x0a\x0d\x0d\x0a")
    if CAPTURE.search(path.name) or head in swapped or head[::-1] in swapped:
        return Source(path, "capture", _name(path))
    if format_by_name(path.name) or format_by_bytes(path):
        return _find_archive(path)
    hint = "give its directory" if path.name in (METADATA, RUN_JSON) else ENDINGS_HINT
    return Failure(path, run_error(path, "is neither an archive nor a capture", hint))


def _find_archive(path: Path) -> Source | Failure:
    try:
        check(path)
    except InputError as error:
        return Failure(path, error)
    return Source(path, "archive", printable(stem(path.name)))


def _sources(folder: Folder) -> Iterator[Source | Failure]:
    if folder.problem:
        yield Failure(folder.path, folder.problem)
    elif RUN_JSON in folder.files or METADATA in folder.files or folder.headless:
        problem = None if RUN_JSON in folder.files else trace_problem(folder)
        yield Failure(folder.path, problem) if problem else _source(folder)
        for nested in folder.nested():
            yield from _sources(nested)
    else:
        parts = [f for f in folder.folders if _is_part(f)]
        below = [s for f in folder.folders if f not in parts for s in _sources(f)]
        loose = folder.captures() or folder.stages() or not all(part.headless for part in parts)
        bare = all(isinstance(item, Failure) or item.kind == "trace" for item in below)
        if loose and bare and not folder.packed():
            yield _source(folder)
            return
        yield from map(_find_archive, folder.packed())
        yield from (Source(path, "capture", _name(path)) for path in folder.captures())
        for part in parts:
            yield from _sources(part) if part.headless else [_source(part)]
        if folder.stages():
            path = folder.path / PROC
            message = "these snapshots lie beside several runs"
            yield Failure(path, run_error(path, message, "move them into their run's directory"))
        yield from below


def _source(folder: Folder) -> Source:
    lone = METADATA in folder.files and RUN_JSON not in folder.files
    lone = lone and not folder.captures() and not folder.stages()
    return Source(folder.path, "trace" if lone else "directory", _name(folder.path))


def _is_part(folder: Folder) -> bool:
    """Tell whether a folder only groups inputs of the run above it, such as `kernel/`."""
    if not _PART.fullmatch(folder.path.name) or RUN_JSON in folder.files or any(folder.nested()):
        return False
    if METADATA in folder.files or folder.headless or folder.captures():
        return True
    inner = [f for f in folder.folders if any(_has_input(g) for g in f.all())]
    return bool(inner) and (folder.path.name == "ust" or all(map(_is_part, inner)))


def _has_input(folder: Folder) -> bool:
    return bool(METADATA in folder.files or folder.headless or folder.captures() or folder.packed())


def _name(path: Path) -> str:
    """Return the name of a run at `path`: without endings, and above `kernel/`, `ust/` and on."""
    return printable(CAPTURE.sub("", home(path).name)) or "run"


def home(path: Path) -> Path:
    """Return the folder that names the run: the nearest that is no mere part of one."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow a link's name away)
    path = next((p for p in (path, *path.parents[:4]) if p.name == "ust"), path)
    while _PART.fullmatch(path.name) and path.parent.name:
        path = path.parent
    return path
