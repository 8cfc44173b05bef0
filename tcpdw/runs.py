"""Runs: found in directories and archives, told apart, and opened for the readers.

A run is what one host recorded of one experiment: kernel traces (CTF), packet captures and
`/proc` snapshots, and maybe a `run.json` that says what it is. Nothing here parses a trace or a
capture. Symbolic links below a given path are never followed, hidden files never read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, cast

from tcpdw import archives
from tcpdw.archives import printable
from tcpdw.errors import InputError, RunError, TcpdwError

Kind = Literal["directory", "archive", "trace", "capture"]

_RUN_JSON, _METADATA, _PROC = "run.json", "metadata", "proc"
# tcpdump -C numbers its files; tshark reads gzipped captures as they are.
_CAPTURE = re.compile(r"\.(pcap|pcapng|cap)\d*(\.gz)?$", re.IGNORECASE)
_STAGE_FILE = re.compile(r"time_ns|net_tcp6?|pid-\d+-\w+")
# Folders that name a part of the run above them, as LTTng and recorders lay them out; the last
# is a chunk of a rotated session (lttng-rotate(1)).
_CHUNK = r"\d{8}T\d{6}[+-]\d{4}-\d{8}T\d{6}[+-]\d{4}-\d+"
_PART = re.compile(rf"kernel|ust|trace|ctf|pcap|capture|archives|{_CHUNK}")
_RUN_NAME = re.compile(
    r"(?P<machine>.+?)-(?P<role>server|client)-(?P<experiment>.+)-(?P<repetition>\d{1,9})"
)
_TSDL = re.compile(rb"\b(trace|stream|event|clock|env|typealias|typedef|enum|struct)\b")
_MAX_DEPTH = 32
_MAX_RUN_JSON = 1 << 20
_HINT = "a run is a directory or archive with run.json, a CTF trace, captures or proc/"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a run is; None where nobody said. `started_at`: ns since the Unix epoch."""

    machine: str | None = None
    role: str | None = None
    experiment: str | None = None
    repetition: int | None = None
    started_at: int | None = None
    kernel: str | None = None
    cpu_model: str | None = None
    interface: str | None = None
    driver: str | None = None
    tracer: str | None = None
    cpus: int | None = None


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
            return _digest(self.path).hex()
        if self.kind == "capture":
            return _content_hash([self.path])
        folder = _scan(self.path)
        inputs = _inputs(folder)
        if inputs.problems:
            raise inputs.problems[0]
        return _content_hash(_input_files(folder, inputs))


@dataclass(frozen=True, slots=True)
class Failure:
    """A path that gave no run, and why."""

    path: Path
    error: InputError


@dataclass(frozen=True, slots=True)
class Run:
    """One run, its files at hand while `opened` lasts.

    `root`: the directory with the inputs (of an archive, a temporary one); `traces`: directories
    that hold a CTF `metadata`; `snapshots`: the `proc/STAGE` directories; `identity`: from
    options and `run.json` (`complete` adds the rest); `content_hash`: hex SHA-256 of the inputs,
    the same packed or unpacked and whatever folders are wrapped around them.
    """

    name: str
    source_path: Path
    root: Path
    traces: tuple[Path, ...]
    captures: tuple[Path, ...]
    snapshots: tuple[Path, ...]
    identity: Identity
    content_hash: str
    warnings: tuple[str, ...] = ()
    unpacked: Path | None = None

    def shown(self, text: str) -> str:
        """Return `text` with paths into the temporary folder as paths into the archive."""
        return text.replace(str(self.unpacked), str(self.source_path)) if self.unpacked else text


def find(paths: Iterable[Path]) -> Iterator[Source | Failure]:
    """Yield the runs at and below `paths`, each once, by path within each of `paths`.

    A directory is one run if it holds `run.json`, is a CTF trace, or holds captures, `proc/` or
    a part such as LTTng's `kernel/` and `ust/`. It is a collection, each item a run of its own,
    if it also holds archives or runs of that kind. What cannot be a run is a `Failure`.
    """
    seen: set[str] = set()
    for path in paths:
        for item in sorted(_find(path), key=lambda item: item.path):
            real = os.path.realpath(item.path) if "\0" not in str(item.path) else str(item.path)
            if real not in seen:
                seen.add(real)
                yield item


@contextmanager
def opened(
    source: Source,
    overrides: Identity | None = None,
    limits: archives.Limits | None = None,
) -> Generator[tuple[Run, ...]]:
    """Open a source's runs, one or, in an archive, several; unpacked files go at exit.

    `overrides` goes before what `run.json` says. Raises `RunError` for a run that lacks a
    trace's metadata or has nonsense in `run.json`, `ArchiveError` as `archives.unpack` does.
    Errors that pass through name files by their place in the archive.
    """
    overrides = overrides or Identity()
    if source.kind != "archive":
        yield (_run(source, source.name, source.path, overrides, None),)
        return
    with archives.unpacked(source.path, limits) as folder:
        try:
            yield _runs_in_archive(source, folder, overrides)
        except TcpdwError as error:
            place, shown = str(folder), printable(str(source.path))
            error.message = error.message.replace(place, shown)
            error.path = error.path.replace(place, shown) if error.path else None
            raise


def complete(run: Run, env: Mapping[str, str | int]) -> Identity:
    """Fill what `run.identity` lacks from a trace's environment, then from the run's path.

    `env` is LTTng's: `hostname`, `kernel_release`, `tracer_name` and `tracer_major` and on. The
    path counts where a name in it reads MACHINE-ROLE-EXPERIMENT-REPETITION, ROLE server or
    client. Guests are often called MACHINE-ROLE: where host name and path agree on that, the
    machine is MACHINE, so that both ends of a run count as one; otherwise the host name stands.
    """
    path = _identity_of_path(run)
    host = _text(env.get("hostname"))
    if path.machine and host:
        short = host.split(".")[0]
        if short in (path.machine, f"{path.machine}-{path.role}"):
            host = path.machine
    version = [_text(env.get(f"tracer_{part}")) for part in ("major", "minor", "patchlevel")]
    number = ".".join(part for part in version if part is not None)
    tracer = " ".join(part for part in (_text(env.get("tracer_name")), number) if part)
    from_env = Identity(
        machine=host, kernel=_text(env.get("kernel_release")), tracer=tracer or None
    )
    return _first(run.identity, from_env, path)


# Finding


@dataclass(frozen=True, slots=True)
class _Folder:
    """A directory as read once: names of its plain files, its folders, its links, all sorted."""

    path: Path
    files: tuple[str, ...]
    folders: tuple[_Folder, ...]
    links: tuple[Path, ...]
    headless: bool  # a trace's streams without their metadata
    problem: RunError | None = None

    def all(self) -> Iterator[_Folder]:
        """Yield this folder and those below that belong to the same run."""
        yield self
        for folder in self.folders:
            if _RUN_JSON not in folder.files:
                yield from folder.all()

    def nested(self) -> Iterator[_Folder]:
        """Yield the topmost folders below that have a `run.json` of their own."""
        for folder in self.folders:
            if _RUN_JSON in folder.files:
                yield folder
            else:
                yield from folder.nested()

    def captures(self) -> list[Path]:
        return [self.path / name for name in self.files if _CAPTURE.search(name)]

    def packed(self) -> list[Path]:
        return [self.path / name for name in self.files if archives.format_by_name(name)]

    def stages(self) -> list[_Folder]:
        procs = [folder for folder in self.folders if folder.path.name == _PROC]
        stages = [stage for proc in procs for stage in proc.folders]
        return [stage for stage in stages if any(map(_STAGE_FILE.fullmatch, stage.files))]


def _scan(path: Path, depth: int = 0) -> _Folder:
    files: list[str] = []
    links: list[Path] = []
    folders: list[_Folder] = []
    problem: RunError | None = None
    try:
        with os.scandir(path) as entries:
            found = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
        if depth > _MAX_DEPTH:
            problem = _error(path, "is nested too deep to be a run", "give the run's own directory")
            found = []
        for entry in found:
            if entry.is_symlink():
                links.append(path / entry.name)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(_scan(path / entry.name, depth + 1))
            elif entry.is_file(follow_symlinks=False):
                files.append(entry.name)
    except OSError as error:
        problem = _error(path, f"cannot be read: {error.strerror}", cause=error)
    headless = _METADATA not in files and _has_streams(path, files, folders)
    return _Folder(path, tuple(files), tuple(folders), tuple(links), headless, problem)


def _has_streams(path: Path, files: list[str], folders: list[_Folder]) -> bool:
    """Tell whether a folder holds what LTTng writes beside a metadata file."""
    if path.name == "kernel" and not folders:
        return True
    if any(f.path.name == "index" and any(n.endswith(".idx") for n in f.files) for f in folders):
        return True
    plain = [n for n in files if not (_CAPTURE.search(n) or archives.format_by_name(n))]
    magic = (b"\xc1\x1f\xfc\xc1", b"\xc1\xfc\x1f\xc1")  # CTF 1.8, 5.2: the packet's magic
    return any(_head_if_any(path / name) in magic for name in plain[:64])


def _head_if_any(path: Path) -> bytes:
    with suppress(OSError, RunError):
        if path.stat().st_size:  # files without a size, as in the real /proc, can block
            return _head(path, 4)
    return b""


def _find(path: Path) -> list[Source | Failure]:
    try:
        if path.is_dir():
            folder = _scan(path)
            hint = f"{_HINT}; symbolic links in it are not followed" if folder.links else _HINT
            none = Failure(path, _error(path, "holds no run", hint))
            return list(_sources(folder)) or [none]
        if path.is_file():
            return [_find_file(path)]
        path.stat()
        return [Failure(path, _error(path, "is no file or directory", _HINT))]
    except InputError as error:
        return [Failure(path, error)]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return [Failure(path, _error(path, f"cannot be opened: {reason}", cause=error))]


def _find_file(path: Path) -> Source | Failure:
    head = _head(path, 4)
    # pcap in us and ns, both byte orders (pcap-savefile(5)), and pcapng's section header.
    swapped = (b"\xa1\xb2\xc3\xd4", b"\xa1\xb2\x3c\x4d", b"\xa1\xb2\xcd\x34", b"\x0a\x0d\x0d\x0a")
    if _CAPTURE.search(path.name) or head in swapped or head[::-1] in swapped:
        return Source(path, "capture", _name(path))
    if archives.format_by_name(path.name) or archives.format_by_bytes(path):
        return _find_archive(path)
    hint = "give its directory" if path.name in (_METADATA, _RUN_JSON) else archives.ENDINGS_HINT
    return Failure(path, _error(path, "is neither an archive nor a capture", hint))


def _find_archive(path: Path) -> Source | Failure:
    try:
        archives.check(path)
    except InputError as error:
        return Failure(path, error)
    return Source(path, "archive", printable(archives.stem(path.name)))


def _sources(folder: _Folder) -> Iterator[Source | Failure]:
    if folder.problem:
        yield Failure(folder.path, folder.problem)
    elif _RUN_JSON in folder.files or _METADATA in folder.files or folder.headless:
        problem = None if _RUN_JSON in folder.files else _trace_problem(folder)
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
            path = folder.path / _PROC
            message = "these snapshots lie beside several runs"
            yield Failure(path, _error(path, message, "move them into their run's directory"))
        yield from below


def _source(folder: _Folder) -> Source:
    lone = _METADATA in folder.files and _RUN_JSON not in folder.files
    lone = lone and not folder.captures() and not folder.stages()
    return Source(folder.path, "trace" if lone else "directory", _name(folder.path))


def _is_part(folder: _Folder) -> bool:
    """Tell whether a folder only groups inputs of the run above it, such as `kernel/`."""
    if not _PART.fullmatch(folder.path.name) or _RUN_JSON in folder.files or any(folder.nested()):
        return False
    if _METADATA in folder.files or folder.headless or folder.captures():
        return True
    inner = [f for f in folder.folders if any(_has_input(g) for g in f.all())]
    return bool(inner) and (folder.path.name == "ust" or all(map(_is_part, inner)))


def _has_input(folder: _Folder) -> bool:
    return bool(
        _METADATA in folder.files or folder.headless or folder.captures() or folder.packed()
    )


def _name(path: Path) -> str:
    """Return the name of a run at `path`: without endings, and above `kernel/`, `ust/` and on."""
    path = Path(os.path.abspath(path))  # noqa: PTH100 (resolve() would follow a link's name away)
    ust = next((p for p in (path, *path.parents[:4]) if p.name == "ust"), None)
    path = ust or path
    while _PART.fullmatch(path.name) and path.parent.name:
        path = path.parent
    return printable(_CAPTURE.sub("", path.name)) or "run"


# Opening


@dataclass(frozen=True, slots=True)
class _Inputs:
    traces: list[_Folder]
    captures: list[Path]
    stages: list[_Folder]
    problems: list[RunError]


def _inputs(root: _Folder) -> _Inputs:
    proc = root.path / _PROC
    folders = [f for f in root.all() if proc not in (f.path, *f.path.parents)]
    problems = [f.problem for f in root.all() if f.problem]
    problems += [problem for f in folders if (problem := _trace_problem(f))]
    return _Inputs(
        traces=[f for f in folders if _METADATA in f.files],
        captures=[path for f in folders for path in f.captures()],
        stages=root.stages(),
        problems=problems,
    )


def _trace_problem(folder: _Folder) -> RunError | None:
    if folder.headless:
        return _error(
            folder.path, "a trace without its metadata", "copy the file `metadata` from the tracer"
        )
    if _METADATA not in folder.files:
        return None
    path = folder.path / _METADATA
    try:
        head = _head(path, 4096)
    except RunError as error:
        return error
    # Packetised (either byte order), plain TSDL (CTF 1.8, 7.1), or CTF 2's JSON text sequence.
    if head[:4] in (b"\x57\x1d\xd1\x75", b"\x75\xd1\x1d\x57") or head[:1] == b"\x1e":
        return None
    if b"\0" not in head and (head.startswith((b"/*", b"//")) or _TSDL.search(head)):
        return None
    message = "is no CTF metadata" if head else "is empty: the trace was not finished"
    return _error(path, message, "copy it from the tracer again")


def _runs_in_archive(source: Source, folder: Path, overrides: Identity) -> tuple[Run, ...]:
    runs: list[tuple[Source, str]] = []
    found = _find(folder)
    for item in found:
        if isinstance(item, Failure):
            raise item.error
        if item.kind == "archive":
            raise _error(item.path, "an archive in an archive is not unpacked", "unpack the outer")
        own = len(found) == 1 or item.name == folder.name  # named after the temporary folder
        runs.append((item, source.name if own else item.name))
    return tuple(_run(item, name, source.path, overrides, folder) for item, name in runs)


def _run(
    source: Source, name: str, source_path: Path, overrides: Identity, unpacked: Path | None
) -> Run:
    if source.kind == "capture":
        digest, root = _content_hash([source.path]), source.path.parent
        captures = (source.path,)
        return Run(name, source_path, root, (), captures, (), overrides, digest, (), unpacked)
    root = _scan(source.path)
    inputs = _inputs(root)
    if inputs.problems:
        raise inputs.problems[0]
    if not (inputs.traces or inputs.captures or inputs.stages):
        raise _error(root.path, "holds no trace, capture or snapshot", _HINT)
    stated = _read_run_json(root.path / _RUN_JSON) if _RUN_JSON in root.files else Identity()
    odd = [(p, "a symbolic link is not followed") for f in root.all() for p in f.links]
    odd += [(p, "an archive inside a run is not read") for f in root.all() for p in f.packed()]
    return Run(
        name=name,
        source_path=source_path,
        root=root.path,
        traces=tuple(f.path for f in inputs.traces),
        captures=tuple(inputs.captures),
        snapshots=tuple(f.path for f in inputs.stages),
        identity=_first(overrides, stated),
        content_hash=_content_hash(_input_files(root, inputs)),
        warnings=tuple(printable(f"{p.relative_to(root.path)}: {what}") for p, what in odd),
        unpacked=unpacked,
    )


def _input_files(root: _Folder, inputs: _Inputs) -> list[Path]:
    files = [root.path / _RUN_JSON] if _RUN_JSON in root.files else []
    files += inputs.captures
    files += [f.path / name for trace in inputs.traces for f in trace.all() for name in f.files]
    files += [stage.path / name for stage in inputs.stages for name in stage.files]
    return files


def _content_hash(files: Iterable[Path]) -> str:
    """Hash names and bytes; names below the folder common to all, so no wrapper counts."""
    paths = sorted({os.fspath(path) for path in files})
    base = os.path.commonpath(paths) if paths else ""
    names = sorted((os.fsencode(os.path.relpath(path, base)), path) for path in paths)
    whole = hashlib.sha256()
    for name, path in names:
        whole.update(len(name).to_bytes(8, "little") + name + _digest(Path(path)))
    return whole.hexdigest()


def _digest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}", cause=error) from error


def _head(path: Path, size: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror}", cause=error) from error


# Identity

_TEXTS = (
    "machine", "role", "experiment", "kernel", "cpu_model", "interface", "driver", "tracer",
)  # fmt: skip
_NUMBERS = {
    "repetition": ("repetition", 0, 2**31 - 1),
    "started_at_ns": ("started_at", 0, 2**63 - 1),
    "cpus": ("cpus", 1, 2**16),
}
_MAX_TEXT = 256


def _first(*identities: Identity) -> Identity:
    """Return, field by field, the first that is known."""
    known: dict[str, object] = {}
    for item in fields(Identity):
        values = (getattr(identity, item.name) for identity in identities)
        known[item.name] = next((value for value in values if value is not None), None)
    return Identity(**known)  # type: ignore[arg-type]


def _text(value: object) -> str | None:
    if not isinstance(value, str | int):
        return None
    return printable(str(value).strip()[:_MAX_TEXT]) or None


def _identity_of_path(run: Run) -> Identity:
    place = Path(os.path.abspath(run.source_path))  # noqa: PTH100
    for name in (run.name, run.root.name, *(part.name for part in place.parents)):
        if match := _RUN_NAME.fullmatch(printable(name)):
            machine, role, experiment, repetition = match.groups()
            return Identity(machine, role, experiment, int(repetition))
    return Identity()


def _read_run_json(path: Path) -> Identity:
    """Read the fields of `Identity` that a `run.json` states; other fields are left alone.

    Raises `RunError` for what is no JSON object, is over 1 MiB, or gives a field a wrong type,
    a number out of range, or text that is empty, too long, or holds control characters.
    """
    import json  # with its decoder, not needed to find runs

    raw = _head(path, _MAX_RUN_JSON + 1)
    if len(raw) > _MAX_RUN_JSON:
        raise _error(path, f"is larger than {_MAX_RUN_JSON:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
        stated = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repeats)
    except UnicodeDecodeError as error:
        message = "is not UTF-8"
        raise RunError(message, path=printable(str(path)), offset=error.start) from error
    except json.JSONDecodeError as error:
        message = f"is no JSON: {error.msg} in column {error.colno}"
        raise _error(path, message, line=error.lineno, cause=error) from error
    except (ValueError, RecursionError) as error:
        raise _error(path, f"is no JSON: {error}", cause=error) from error
    if not isinstance(stated, dict):
        raise _error(path, "is no JSON object", 'write {"machine": "...", ...}')
    return _stated_identity(path, text, cast("dict[str, object]", stated))


def _stated_identity(path: Path, text: str, stated: Mapping[str, object]) -> Identity:
    known: dict[str, str | int] = {}

    def wrong(field: str, what: str) -> RunError:
        places = [match.start() for match in re.finditer(rf'"{field}"\s*:', text)]
        line = text.count("\n", 0, places[0]) + 1 if len(places) == 1 else None
        shown = printable(repr(stated[field])[:60])
        return _error(path, f"field {field} is {shown}, {what}", line=line)

    for field in _TEXTS:
        value = stated.get(field)
        if isinstance(value, str):
            value = value.strip()
            if not 0 < len(value) <= _MAX_TEXT or not value.isprintable():
                raise wrong(field, f"not 1 to {_MAX_TEXT} printable characters")
            known[field] = value
        elif value is not None:
            raise wrong(field, "not a text")
    for field, (name, least, most) in _NUMBERS.items():
        value = stated.get(field)
        if isinstance(value, int) and not isinstance(value, bool):
            if not least <= value <= most:
                raise wrong(field, f"not from {least} to {most}")
            known[name] = value
        elif value is not None:
            raise wrong(field, "not a whole number")
    return Identity(**known)  # type: ignore[arg-type]


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _no_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the field {name[:60]!r} comes twice")
        found[name] = value
    return found


def _error(
    path: Path,
    message: str,
    hint: str | None = None,
    *,
    line: int | None = None,
    cause: Exception | None = None,
) -> RunError:
    error = RunError(printable(message), path=printable(str(path)), line=line, hint=hint)
    error.__cause__ = cause
    return error
