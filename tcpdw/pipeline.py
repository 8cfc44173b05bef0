"""From paths to rows: discover, read, load, in plain functions for the CLI and the flows."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tcpdw import runs
from tcpdw.errors import InputError, TcpdwError, WarehouseError
from tcpdw.readers.worker import Worker
from tcpdw.rundata import RunData
from tcpdw.runs import Failure, Identity, Run, Source
from tcpdw.warehouse import LoadedRun, Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

    from tcpdw.readers.proc import Snapshot
    from tcpdw.readers.spool import Spool

BATCH_RUNS = 64
"""At most so many runs a transaction: 60 take 1.3 s in one, 43 s one by one (measured)."""

BATCH_EVENTS = 4_000_000
"""A batch is loaded once it holds so many events, which bounds memory."""

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
class Options:
    """How to ingest: `identity` goes before what the runs say; `workers` read side by side."""

    replace: bool = False
    identity: Identity = field(default_factory=Identity)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do: sources to read, sources already loaded, and paths that are no run."""

    todo: tuple[tuple[Source, str | None], ...]
    skipped: tuple[Source, ...]
    failures: tuple[RunData, ...]


@dataclass(frozen=True, slots=True)
class IngestSummary:
    """What an ingest did: the runs loaded, those that failed, how many were there already."""

    loaded: tuple[LoadedRun, ...]
    failed: tuple[LoadedRun, ...]
    skipped: int
    seconds: float

    @property
    def events(self) -> int:
        """The number of events loaded."""
        return sum(run.events for run in self.loaded)

    @property
    def packets(self) -> int:
        """The number of captured packets loaded."""
        return sum(run.packets for run in self.loaded)


class Watcher:
    """Told how an ingest goes on; the base class says nothing. Called by one thread at a time."""

    def planned(self, plan: Plan) -> None:
        """Note what there is to do."""

    def read(self, run: RunData) -> None:
        """Note that a run was read."""

    def loaded(self, batch: Sequence[LoadedRun]) -> None:
        """Note that a batch is in the warehouse."""


class Pending(Protocol):
    """The reading of a source, under way."""

    def result(self) -> tuple[RunData, ...]:
        """Wait for the runs that were read, or raise what stopped the reading."""
        ...


class Steps:
    """Does the steps of an ingest as they are; a scheduler has its own, which watch and retry."""

    def discover(self, paths: Iterable[Path], known: Mapping[str, int], options: Options) -> Plan:
        """Find what there is to do, by `plan`."""
        return plan(paths, known, options)

    @contextmanager
    def reading(self, workers: int) -> Generator[Callable[[Job], Pending]]:
        """Give what starts a job in one of `workers` threads.

        At exit, jobs that have not begun are dropped, and those under way are waited for.
        """
        pool = ThreadPoolExecutor(workers)
        try:
            yield pool.submit
        finally:
            pool.shutdown(cancel_futures=True)

    def load(self, warehouse: Warehouse, batch: Sequence[RunData]) -> Sequence[LoadedRun]:
        """Load a batch, by `Warehouse.load`."""
        return warehouse.load(batch)


def plan(paths: Iterable[Path], known: Mapping[str, int], options: Options) -> Plan:
    """Find the runs at `paths` and leave out those whose digest is in `known`."""
    todo: list[tuple[Source, str | None]] = []
    skipped: list[Source] = []
    failures: list[RunData] = []
    for item in runs.find(paths):
        if isinstance(item, Failure):
            failures.append(_failure(item.path, item.path.name, None, item.error))
            continue
        try:
            digest = item.fingerprint()
        except InputError as error:
            failures.append(_failure(item.path, item.name, None, error))
            continue
        if digest in known and not options.replace:
            skipped.append(item)
        else:
            todo.append((item, digest))
    return Plan(tuple(todo), tuple(skipped), tuple(failures))


def read_source(
    source: Source,
    digest: str | None,
    options: Options,
    work: Path,
    worker: Worker,
    *,
    is_last: bool = True,
) -> tuple[RunData, ...]:
    """Read all that a source holds; what it cannot read it gives as a failed run with the reason.

    The rows lie in files under `work`, which must stay until they are loaded. Unless this is the
    last try, raises the InputErrors that another may mend (`may_mend`).
    """
    try:
        with runs.opened(source, options.identity) as found:
            return tuple(
                _read_run(run, digest, work / str(number), worker, is_last)
                for number, run in enumerate(found)
            )
    except InputError as error:
        _raise_if_mendable(error, is_last)
        return (_failure(source.path, source.name, digest, error),)


def may_mend(error: BaseException) -> bool:
    """Tell whether a second try may mend an error: a reader died, or the system was short.

    That is, whether the error or a cause of it is a ChildProcessError, or an OSError that tells
    of something that passes, such as a full disk or a network file system gone stale.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ChildProcessError):
            return True
        if isinstance(cause, OSError) and cause.errno in _PASSING:
            return True
        cause = cause.__cause__
    return False


class Job:
    """The reading of one source, into a folder of its own; done again, it starts afresh."""

    def __init__(
        self, source: Source, digest: str | None, options: Options, folder: Path, readers: _Readers
    ) -> None:
        self.source = source
        self.digest = digest
        self.folder = folder
        self._options = options
        self._readers = readers

    def __call__(self, *, is_last: bool = True) -> tuple[RunData, ...]:
        """Read the source as `read_source` does, with the reader of this thread."""
        shutil.rmtree(self.folder, ignore_errors=True)
        return read_source(
            self.source,
            self.digest,
            self._options,
            self.folder,
            self._readers.mine(),
            is_last=is_last,
        )


def ingest(
    paths: Iterable[Path],
    warehouse: Path,
    options: Options | None = None,
    watcher: Watcher | None = None,
    steps: Steps | None = None,
) -> IngestSummary:
    """Bring the runs at `paths` into the warehouse, and give what became of each.

    Runs that are there already are left alone, unless `options.replace`; a run that cannot be read
    is recorded with the reason, and the others are loaded. Raises WarehouseError where the
    warehouse cannot be written.
    """
    options = options or Options()
    watcher = watcher or Watcher()
    steps = steps or Steps()
    started = time.monotonic()
    with Warehouse(warehouse) as target:
        known = target.known()
        todo = steps.discover(paths, known, options)
        watcher.planned(todo)
        loader = Loader(
            partial(steps.load, target), watcher, set() if options.replace else set(known)
        )
        for failure in todo.failures:
            loader.add((failure,), None)
        with closing(_read_all(todo.todo, options, steps)) as reading:
            for results, folder in reading:
                for run in results:
                    watcher.read(run)
                loader.add(results, folder)
            loader.flush()
        skipped = len(todo.skipped) + loader.skipped
        return summary(loader.done, skipped, time.monotonic() - started)


def summary(done: Sequence[LoadedRun], skipped: int, seconds: float) -> IngestSummary:
    """Sum up what became of the runs."""
    return IngestSummary(
        tuple(run for run in done if run.status != "failed"),
        tuple(run for run in done if run.status == "failed"),
        skipped,
        seconds,
    )


class Loader:
    """Collects what was read and loads it in batches; a run that spoils its batch fails alone.

    `load` is `Warehouse.load`, or does it.
    """

    def __init__(
        self,
        load: Callable[[Sequence[RunData]], Sequence[LoadedRun]],
        watcher: Watcher,
        known: set[str],
    ) -> None:
        self._load_batch = load
        self._watcher = watcher
        self._known = known
        self._batch: list[RunData] = []
        self._folders: list[Path] = []
        self._events = 0
        self.done: list[LoadedRun] = []
        self.skipped = 0

    def add(self, results: Sequence[RunData], folder: Path | None) -> None:
        """Add the runs of one source, whose files lie in `folder`, removed once they are loaded."""
        for run in results:
            if run.content_hash is not None and run.content_hash in self._known:
                self.skipped += 1
                continue
            if run.content_hash is not None and run.failure is None:
                self._known.add(run.content_hash)
            self._batch.append(run)
            self._events += sum(table.num_rows for table in (run.classes or {}).values())
        if folder is not None:
            self._folders.append(folder)
        if len(self._batch) >= BATCH_RUNS or self._events >= BATCH_EVENTS:
            self.flush()

    def flush(self) -> None:
        """Load what was collected."""
        batch, self._batch = self._batch, []
        try:
            loaded = self._load(batch)
        finally:
            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)
            self._folders, self._events = [], 0
        self.done += loaded
        if loaded:
            self._watcher.loaded(loaded)

    def _load(self, batch: Sequence[RunData]) -> Sequence[LoadedRun]:
        try:
            return self._load_batch(batch)
        except WarehouseError as error:
            if len(batch) > 1:
                half = len(batch) // 2
                return [*self._load(batch[:half]), *self._load(batch[half:])]
            if batch[0].failure is not None:
                raise
            failed = RunData(
                batch[0].name,
                batch[0].source_path,
                batch[0].source_hash,
                batch[0].content_hash,
                batch[0].identity,
                warnings=batch[0].warnings,
                failure=f"cannot be loaded: {error.message}",
            )
            return self._load_batch([failed])


def _read_all(
    todo: Sequence[tuple[Source, str | None]], options: Options, steps: Steps
) -> Generator[tuple[tuple[RunData, ...], Path]]:
    """Read sources side by side and yield their runs in the order of `todo`.

    At most a batch is read ahead, which bounds the room that the files take.
    """
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tcpdw-")))
        readers = stack.enter_context(closing(_Readers()))
        start = stack.enter_context(steps.reading(max(1, options.workers)))
        waiting: deque[tuple[Pending, Job]] = deque()
        for number, (source, digest) in enumerate(todo):
            job = Job(source, digest, options, work / str(number), readers)
            waiting.append((start(job), job))
            if len(waiting) > BATCH_RUNS:
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())


def _outcome(pending: Pending, job: Job) -> tuple[tuple[RunData, ...], Path]:
    try:
        return pending.result(), job.folder
    except InputError as error:
        failure = error
    except Exception as error:
        # Whatever stopped one run, the others are to be loaded.
        failure = InputError(
            f"cannot be read: {type(error).__name__}: {error}",
            path=job.source.path,
            hint=None if isinstance(error, OSError) else "please report this, with the file",
        )
    return (_failure(job.source.path, job.source.name, job.digest, failure),), job.folder


class _Readers:
    """A reader process for each thread that asks."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[Worker] = []

    def mine(self) -> Worker:
        """Give the calling thread's reader."""
        if not hasattr(self._own, "worker"):
            self._own.worker = _Reader()
            self._all.append(self._own.worker)
        return self._own.worker

    def close(self) -> None:
        """End all readers; no thread may be using one."""
        for worker in self._all:
            worker.close()


class _Reader(Worker):
    """A worker whose errors name a child that died as their cause, by ChildProcessError."""

    _died = False

    def _death(self, child: subprocess.Popen[bytes]) -> str:
        self._died = True
        return super()._death(child)

    def _ask(self, kind: str, reader: str, path: Path, spool: Path) -> dict[str, Any]:
        self._died = False
        try:
            return super()._ask(kind, reader, path, spool)
        except InputError as error:
            if self._died:
                raise error from ChildProcessError(error.message)
            raise


def _raise_if_mendable(error: InputError, is_last: bool) -> None:
    if not is_last and may_mend(error):
        raise error


def _read_run(run: Run, digest: str | None, work: Path, worker: Worker, is_last: bool) -> RunData:
    data = RunData(
        run.name,
        run.source_path,
        digest,
        run.content_hash,
        runs.complete(run, {}),
        warnings=run.warnings,
    )
    try:
        data = _with_traces(run, data, work, worker)
    except InputError as error:
        _raise_if_mendable(error, is_last)
        return replace(data, failure=run.shown(str(error)))
    warnings = [*data.warnings]
    damaged = data.damaged
    captures: list[pa.Table] = []
    for number, path in enumerate(run.captures):
        try:
            capture = worker.read_capture(path, work / f"capture-{number}")
        except InputError as error:
            _raise_if_mendable(error, is_last)
            if not run.traces:
                return replace(data, failure=run.shown(str(error)))
            warnings.append(run.shown(str(error)))
            damaged = True
            continue
        captures.append(capture.packets)
        warnings += [run.shown(text) for text in capture.warnings]
        damaged = damaged or bool(capture.warnings)
    snapshots, proc_warnings = _snapshots(run)
    return replace(
        data,
        packets=_concat(captures),
        snapshots=snapshots,
        warnings=(*warnings, *proc_warnings),
        damaged=damaged,
    )


def _with_traces(run: Run, data: RunData, work: Path, worker: Worker) -> RunData:
    from tcpdw import current_thread
    from tcpdw.readers import peer_address

    spools: list[Spool] = [
        worker.read_trace(path, work / f"trace-{number}") for number, path in enumerate(run.traces)
    ]
    parts: dict[str, list[pa.Table]] = {}
    for spool in spools:
        for name, table in spool.classes.items():
            parts.setdefault(name, []).append(table)
    classes = {name: peer_address.spelled(_joined(part)) for name, part in parts.items()}
    ends = [spool.summary.end for spool in spools]
    lost = tuple(window for end in ends for window in end.lost)
    env: dict[str, str | int] = {}
    for spool in reversed(spools):
        env.update(spool.summary.head.env)
    warnings = [run.shown(text) for end in ends for text in end.warnings]
    return replace(
        data,
        identity=runs.complete(run, env),
        clock=next((s.summary.head.clock for s in spools if s.summary.head.clock), None),
        classes=current_thread.attribute(classes, lost),
        streams=tuple(stream for end in ends for stream in end.streams),
        lost=lost,
        warnings=(*data.warnings, *warnings),
        damaged=bool(warnings),
    )


def _snapshots(run: Run) -> tuple[tuple[Snapshot, ...], list[str]]:
    from tcpdw.readers import proc

    found: list[Snapshot] = []
    warnings: list[str] = []
    for path in run.snapshots:
        try:
            shot = proc.read(path)
        except InputError as error:
            warnings.append(run.shown(str(error)))
            continue
        found.append(shot)
        warnings += [run.shown(text) for text in shot.warnings]
    return tuple(found), warnings


def _joined(tables: Sequence[pa.Table]) -> pa.Table:
    from tcpdw.readers import spool

    return spool.concat(tables)


def _concat(tables: Sequence[pa.Table]) -> pa.Table | None:
    return _joined(tables) if tables else None


def _failure(path: Path, name: str, digest: str | None, error: TcpdwError) -> RunData:
    return RunData(name or str(path), path, digest, None, Identity(), failure=str(error))
