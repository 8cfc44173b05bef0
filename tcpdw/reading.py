"""The reading of one source: its traces, captures and snapshots, as rows ready to be loaded."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tcpdw import inputs, runs
from tcpdw.errors import InputError, TcpdwError, WarehouseBusyError, WarehouseFullError
from tcpdw.inputs import Choice
from tcpdw.printable import printable
from tcpdw.readers import capture_format
from tcpdw.readers.worker import Worker
from tcpdw.rundata import RunData
from tcpdw.runs import Failure, Identity, Run, Source

if TYPE_CHECKING:
    import pyarrow as pa

    from tcpdw.readers import LostWindow
    from tcpdw.readers.proc import Snapshot
    from tcpdw.readers.spool import Room, Spool

MEMORY = 192 << 20
"""Bytes of rows that wait in memory to be loaded; the rest wait in files."""

_PASSING = frozenset(
    getattr(errno, name)
    for name in (
        "EAGAIN",
        "EBUSY",
        "ECONNRESET",
        "EDQUOT",
        "EHOSTDOWN",
        "EHOSTUNREACH",
        "EINTR",
        "EIO",
        "EMFILE",
        "ENETUNREACH",
        "ENFILE",
        "ENOMEM",
        "ENOSPC",
        "ENOTCONN",
        "ESTALE",
        "ETIMEDOUT",
    )
    if hasattr(errno, name)
)


@dataclass(frozen=True, slots=True)
class Means:
    """What a thread reads with: its reader process, the choice of readers, memory for rows."""

    worker: Worker
    choice: Choice
    room: Room


def read_source(
    source: Source,
    digest: str | None,
    identity: Identity,
    work: Path,
    means: Means,
    *,
    is_last: bool = True,
) -> tuple[RunData, ...]:
    """Read all that a source holds; what it cannot read it gives as a failed run with the reason.

    `identity` goes before what the runs say. The rows lie in files under `work`, which must stay
    until they are loaded. Unless this is the last try, raises the InputErrors that another may
    mend (`may_mend`).
    """
    found: list[RunData] = []
    try:
        with runs.opened(source, identity) as opened:
            for number, run in enumerate(opened):
                if isinstance(run, Failure):
                    _raise_if_mendable(run.error, is_last)
                    found.append(failed(source.path, run.name, digest, run.error))
                else:
                    found.append(_read_run(run, digest, work / str(number), means, is_last))
    except InputError as error:
        _raise_if_mendable(error, is_last)
        return (failed(source.path, source.name, digest, error),)
    return tuple(found)


def failed(path: Path, name: str, digest: str | None, error: TcpdwError) -> RunData:
    """Give the run that a path or an archive's member was to be, with why it is none."""
    return RunData(
        printable(name or str(path)),
        _shown(path),
        digest,
        None,
        Identity(),
        failure=printable(str(error)),
        may_mend=may_mend(error),
    )


def may_mend(error: BaseException) -> bool:
    """Tell whether a second try may mend an error: a reader died, or the system was short.

    That is, whether the error or a cause of it is a ChildProcessError, tells of a warehouse in use
    or on a full disk, or is an OSError that tells of something that passes, such as a full disk or
    a network file system gone stale.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ChildProcessError | WarehouseBusyError | WarehouseFullError):
            return True
        if isinstance(cause, OSError) and cause.errno in _PASSING:
            return True
        cause = cause.__cause__
    return False


class Readers:
    """Means for each thread that asks, which share `memory` bytes for rows."""

    def __init__(self, choice: Choice | None = None, *, memory: int = MEMORY) -> None:
        from tcpdw.readers.spool import Room

        self._own = threading.local()
        self._choice = choice or Choice()
        self._room = Room(memory)
        self._all: list[Worker] = []

    def mine(self) -> Means:
        """Give the calling thread's means."""
        if not hasattr(self._own, "means"):
            worker = Worker()
            self._own.means = Means(worker, self._choice, self._room)
            self._all.append(worker)
        return self._own.means

    def close(self) -> None:
        """End all readers; no thread may be using one."""
        for worker in self._all:
            worker.close()


def _shown(path: Path) -> Path:
    # The database takes text in UTF-8, file names may be any bytes.
    return Path(printable(str(path)))


def _raise_if_mendable(error: InputError, is_last: bool) -> None:
    if not is_last and may_mend(error):
        raise error


def _read_run(run: Run, digest: str | None, work: Path, means: Means, is_last: bool) -> RunData:
    data = RunData(
        printable(run.name),
        _shown(run.source_path),
        digest,
        run.content_hash,
        runs.complete(run, {}),
        warnings=run.warnings,
    )
    bare = data
    try:
        data = _with_traces(run, data, work, means)
    except InputError as error:
        _raise_if_mendable(error, is_last)
        return replace(data, failure=_told(run, error), may_mend=may_mend(error))
    warnings = [*data.warnings]
    damaged = data.damaged
    captures: list[pa.Table] = []
    steps: list[int] = []
    for number, path in enumerate(run.captures):
        try:
            capture, other = inputs.read_capture(
                path, work / f"capture-{number}", means.worker, means.choice
            )
        except InputError as error:
            _raise_if_mendable(error, is_last)
            if not run.traces:
                return replace(data, failure=_told(run, error), may_mend=may_mend(error))
            warnings.append(_told(run, error))
            damaged = True
            continue
        captures.append(capture.packets)
        if (step := capture_format.resolution(path)) is not None:
            steps.append(step)
        if other is not None:
            warnings.append(_told(run, f"{path}: {other}"))
        warnings += [_told(run, text) for text in capture.warnings]
        damaged = damaged or bool(capture.warnings)
    snapshots, proc_warnings = _snapshots(run)
    if (path := run.changed()) is not None:
        error = InputError(
            "was changed while it was read", path=path, hint="ingest it again once nobody writes it"
        )
        error.__cause__ = BlockingIOError(errno.EAGAIN, "being written")
        _raise_if_mendable(error, is_last)
        return replace(bare, content_hash=None, failure=_told(run, error))
    return replace(
        data,
        packets=_concat(captures),
        capture_resolution=max(steps, default=None),
        snapshots=snapshots,
        warnings=(*warnings, *proc_warnings),
        damaged=damaged,
    )


def _with_traces(run: Run, data: RunData, work: Path, means: Means) -> RunData:
    spools: list[Spool] = []
    notes: list[str] = []
    for number, path in enumerate(run.traces):
        spool, other = inputs.read_trace(
            path, work / f"trace-{number}", means.worker, means.choice, means.room
        )
        spools.append(spool)
        if other is not None:
            notes.append(_told(run, f"{path}: {other}"))
    ends = [spool.summary.end for spool in spools]
    lost = tuple(window for end in ends for window in end.lost)
    env: dict[str, str | int] = {}
    for spool in reversed(spools):
        env.update(spool.summary.head.env)
    warnings = [_told(run, text) for end in ends for text in end.warnings]
    return replace(
        data,
        identity=runs.complete(run, env),
        clock=next((s.summary.head.clock for s in spools if s.summary.head.clock), None),
        classes=_classes(spools, lost),
        streams=tuple(
            replace(stream, stream=printable(stream.stream))
            for end in ends
            for stream in end.streams
        ),
        lost=lost,
        warnings=(*data.warnings, *notes, *warnings),
        damaged=bool(warnings),
        spools=tuple(spools),
    )


def _classes(spools: Sequence[Spool], lost: Sequence[LostWindow]) -> Mapping[str, pa.Table]:
    from tcpdw import current_thread
    from tcpdw.readers import peer_address

    def joined(name: str) -> pa.Table:
        return _joined([spool.classes[name] for spool in spools if name in spool.classes])

    names = dict.fromkeys(name for spool in spools for name in spool.classes)
    raw = Tables(names, joined)
    threads = current_thread.CurrentThreads(raw, lost)
    made = Tables(names, lambda name: threads.added(name, peer_address.spelled(raw[name])))
    # What lies on disk is looked up when it is wanted, and takes memory only then.
    return dict(made) if all(spool.is_held for spool in spools) else made


def _told(run: Run, what: object) -> str:
    return printable(run.shown(str(what)))


def _snapshots(run: Run) -> tuple[tuple[Snapshot, ...], list[str]]:
    from tcpdw.readers import proc

    found: list[Snapshot] = []
    warnings: list[str] = []
    for path in run.snapshots:
        try:
            shot = proc.read(path)
        except InputError as error:
            warnings.append(_told(run, error))
            continue
        found.append(shot)
        warnings += [_told(run, text) for text in shot.warnings]
    return tuple(found), warnings


class Tables(Mapping[str, "pa.Table"]):
    """Tables by name, each made when it is looked up, and again the next time."""

    def __init__(self, names: Iterable[str], make: Callable[[str], pa.Table]) -> None:
        self._names = dict.fromkeys(names)
        self._make = make

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    from tcpdw.readers import spool

    return spool.concat(tables)


def _concat(tables: Sequence[pa.Table]) -> pa.Table | None:
    return _joined(tables) if tables else None
