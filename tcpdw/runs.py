"""Runs: told what they are, and opened for the readers.

A run is what one host recorded of one experiment: kernel traces (CTF), packet captures and
`/proc` snapshots, and maybe a `run.json` that says what it is. Nothing here parses a trace or a
capture. Symbolic links below a given path are never followed, hidden files never read.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tcpdw import archives
from tcpdw.errors import InputError, TcpdwError
from tcpdw.finding import HINT, Failure, Kind, Source, find, found_at
from tcpdw.identity import Identity, completed, first_known, read_run_json
from tcpdw.printable import printable
from tcpdw.run_files import content_hash, run_error, stamps
from tcpdw.run_folders import RUN_JSON, input_files, inputs_of, scan

__all__ = ["Failure", "Identity", "Kind", "Run", "Source", "complete", "find", "opened"]


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
    stamps: Mapping[Path, tuple[int, int, int] | None] = field(
        default_factory=dict[Path, "tuple[int, int, int] | None"]
    )

    def changed(self) -> Path | None:
        """Return a file that is another than when `content_hash` was taken, None for none.

        What is read of a run that another still writes is no run.
        """
        now = stamps(self.stamps)
        return next((path for path, stamp in self.stamps.items() if now[path] != stamp), None)

    def shown(self, text: str) -> str:
        """Return `text` with paths into the temporary folder as paths into the archive."""
        return text.replace(str(self.unpacked), str(self.source_path)) if self.unpacked else text


@contextmanager
def opened(
    source: Source,
    overrides: Identity | None = None,
    limits: archives.Limits | None = None,
) -> Generator[tuple[Run | Failure, ...]]:
    """Open a source's runs, one or, in an archive, several; unpacked files go at exit.

    `overrides` goes before what `run.json` says. Raises `RunError` for a run that lacks a
    trace's metadata or has nonsense in `run.json`, `ArchiveError` as `archives.unpack` does; of
    several runs in an archive, such a one is a `Failure` beside the others. Errors, also those
    that pass through, name files by their place in the archive.
    """
    overrides = overrides or Identity()
    if source.kind != "archive":
        yield (_run(source, source.name, source.path, overrides, None),)
        return
    with archives.unpacked(source.path, limits) as folder:
        try:
            yield _runs_in_archive(source, folder, overrides)
        except TcpdwError as error:
            _tell_place(error, folder, source)
            raise


def complete(run: Run, env: Mapping[str, str | int]) -> Identity:
    """Fill what `run.identity` lacks from a trace's environment, then from the run's path.

    As `identity.completed` does; the run's own name goes first, then that of its folder, then
    those of the folders above.
    """
    place = Path(os.path.abspath(run.source_path))  # noqa: PTH100
    names = (run.name, run.root.name, *(part.name for part in place.parents))
    return completed(run.identity, env, names)


def _tell_place(error: TcpdwError, folder: Path, source: Source) -> None:
    """Make an error name files by their place in the archive, not in a temporary folder."""
    place, shown = str(folder), printable(str(source.path))
    error.message = error.message.replace(place, shown)
    error.path = error.path.replace(place, shown) if error.path else None


def _runs_in_archive(
    source: Source, folder: Path, overrides: Identity
) -> tuple[Run | Failure, ...]:
    found = found_at(folder)
    runs: list[Run | Failure] = []
    for item in found:
        try:
            if isinstance(item, Failure):
                raise item.error
            if item.kind == "archive":
                raise run_error(
                    item.path, "an archive in an archive is not unpacked", "unpack the outer"
                )
            own = len(found) == 1 or item.name == folder.name  # named after the temporary folder
            name = source.name if own else item.name
            runs.append(_run(item, name, source.path, overrides, folder))
        except InputError as error:
            if len(found) == 1:
                raise
            _tell_place(error, folder, source)
            runs.append(Failure(source.path / item.path.relative_to(folder), error))
    return tuple(runs)


def _run(
    source: Source, name: str, source_path: Path, overrides: Identity, unpacked: Path | None
) -> Run:
    if source.kind == "capture":
        captures, held = (source.path,), stamps([source.path])
        digest, root = content_hash(captures), source.path.parent
        return Run(name, source_path, root, (), captures, (), overrides, digest, (), unpacked, held)
    root = scan(source.path)
    inputs = inputs_of(root)
    if inputs.problems:
        raise inputs.problems[0]
    if not (inputs.traces or inputs.captures or inputs.stages):
        raise run_error(root.path, "holds no trace, capture or snapshot", HINT)
    stated = read_run_json(root.path / RUN_JSON) if RUN_JSON in root.files else Identity()
    odd = [(p, "a symbolic link is not followed") for f in root.all() for p in f.links]
    odd += [(p, "an archive inside a run is not read") for f in root.all() for p in f.packed()]
    files = input_files(root, inputs)
    # Of what was unpacked for us alone nobody else writes.
    held = stamps(files) if unpacked is None else {}
    return Run(
        name=name,
        source_path=source_path,
        root=root.path,
        traces=tuple(f.path for f in inputs.traces),
        captures=tuple(inputs.captures),
        snapshots=tuple(f.path for f in inputs.stages),
        identity=first_known(overrides, stated),
        content_hash=content_hash(files),
        warnings=tuple(printable(f"{p.relative_to(root.path)}: {what}") for p, what in odd),
        unpacked=unpacked,
        stamps=held,
    )
