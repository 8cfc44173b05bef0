"""From paths to rows: discover, read, load, in plain functions for the CLI and the flows."""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from tcpdw import archives, runs, scratch
from tcpdw.errors import InputError, WarehouseBusyError
from tcpdw.inputs import CaptureReaderName, Choice, TraceReaderName, cores
from tcpdw.loading import Loader
from tcpdw.reading import Readers, failed, may_mend, read_source
from tcpdw.rundata import RunData
from tcpdw.runs import Failure, Identity, Source
from tcpdw.warehouse import LoadedRun, Warehouse

__all__ = [
    "BATCH_EVENTS",
    "BATCH_RUNS",
    "IngestSummary",
    "Job",
    "Options",
    "Pending",
    "Plan",
    "Steps",
    "Watcher",
    "ingest",
    "may_mend",
    "plan",
    "read_source",
    "summary",
]

BATCH_RUNS = 64
"""At most so many runs a transaction: each has a cost of its own, many times that of a run."""

BATCH_EVENTS = 4_000_000
"""A batch is loaded once it holds so many events, which bounds memory."""

# Seconds between two looks whether a warehouse is still in use.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How to ingest: `identity` goes before what the runs say; `workers` read side by side.

    `wait` is how many seconds to wait for a warehouse that another process has open.
    """

    replace: bool = False
    wait: float = 0
    identity: Identity = field(default_factory=Identity)
    workers: int = field(default_factory=cores)
    trace_reader: TraceReaderName = "native"
    capture_reader: CaptureReaderName = "native"


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

    def waiting(self, error: WarehouseBusyError, seconds: float) -> None:
        """Note that another process has the warehouse open, and for how long to wait for it."""

    def upgrading(self, text: str) -> None:
        """Note that the warehouse is brought up to date first; `text` says so for people."""

    def planned(self, plan: Plan) -> None:
        """Note what there is to do."""

    def read(self, run: RunData) -> None:
        """Note that a run was read."""

    def loaded(self, batch: Sequence[LoadedRun]) -> None:
        """Note that a batch is in the warehouse."""

    def done(self, summary: IngestSummary) -> None:
        """Note what an ingest did that came to its end."""


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
            failures.append(failed(item.path, item.name, None, item.error))
            continue
        try:
            digest = item.fingerprint()
        except InputError as error:
            failures.append(failed(item.path, item.name, None, error))
            continue
        if digest in known and not options.replace:
            skipped.append(item)
        else:
            todo.append((item, digest))
    return Plan(tuple(todo), tuple(skipped), tuple(failures))


class Job:
    """The reading of one source, into a folder of its own; done again, it starts afresh."""

    def __init__(
        self, source: Source, digest: str | None, options: Options, folder: Path, readers: Readers
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
            self._options.identity,
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
    warehouse cannot be written: WarehouseBusyError where another process has it open for longer
    than `options.wait`, WarehouseFullError where its disk is full. What was loaded is then in it.
    """
    options = options or Options()
    watcher = watcher or Watcher()
    steps = steps or Steps()
    started = time.monotonic()
    for place in (Path(tempfile.gettempdir()), archives.IN_MEMORY, warehouse.parent):
        scratch.sweep(place)
    patience = _Patience(options.wait, watcher)
    with Warehouse(warehouse, watcher.upgrading, patience) as target:
        known = target.known()
        todo = steps.discover(paths, known, options)
        watcher.planned(todo)
        loader = Loader(
            partial(steps.load, target),
            watcher.loaded,
            set() if options.replace else set(known),
            batch_runs=BATCH_RUNS,
            batch_events=BATCH_EVENTS,
        )
        for failure in todo.failures:
            loader.add((failure,), None)
        with scratch.folder() as work:
            with closing(_read_all(todo.todo, options, steps, work)) as reading:
                for results, folder in reading:
                    for run in results:
                        watcher.read(run)
                    loader.add(results, folder)
            # Rows may lie in the folder until they are loaded.
            loader.flush()
        skipped = len(todo.skipped) + loader.skipped
        done = summary(loader.done, skipped, time.monotonic() - started)
    watcher.done(done)
    return done


@dataclass
class _Patience:
    """The waiting for a warehouse that another process has open: `seconds` in all."""

    seconds: float
    watcher: Watcher
    _deadline: float | None = None
    _pause: float = _FIRST_PAUSE

    def __call__(self, error: WarehouseBusyError) -> None:
        """Wait a little. Raises the error once it has been waited for long enough."""
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self.seconds
            if self.seconds > 0:
                self.watcher.waiting(error, self.seconds)
        left = self._deadline - now
        if left <= 0:
            raise error
        time.sleep(min(self._pause, left))
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def summary(done: Sequence[LoadedRun], skipped: int, seconds: float) -> IngestSummary:
    """Sum up what became of the runs."""
    return IngestSummary(
        tuple(run for run in done if run.status != "failed"),
        tuple(run for run in done if run.status == "failed"),
        skipped,
        seconds,
    )


def _read_all(
    todo: Sequence[tuple[Source, str | None]], options: Options, steps: Steps, work: Path
) -> Generator[tuple[tuple[RunData, ...], Path]]:
    """Read sources side by side, into folders in `work`, and yield runs in the order of `todo`.

    At most a batch is read ahead, which bounds the room that the files take.
    """
    with ExitStack() as stack:
        workers = max(1, options.workers)
        # Few sources leave cores to decode the parts of one trace side by side.
        threads = max(1, workers // max(1, len(todo)))
        choice = Choice(options.trace_reader, options.capture_reader, threads)
        readers = stack.enter_context(closing(Readers(choice)))
        start = stack.enter_context(steps.reading(workers))
        waiting: deque[tuple[Pending, Job]] = deque()
        for number, (source, digest) in enumerate(todo):
            job = Job(source, digest, options, work / str(number), readers)
            waiting.append((start(job), job))
            if len(waiting) > BATCH_RUNS:
                yield _outcome(*waiting.popleft())
        while waiting:
            yield _outcome(*waiting.popleft())


def _hint(error: Exception) -> str | None:
    if not isinstance(error, OSError):
        return "please report this, with the file"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "set TMPDIR to a larger disk, and ingest again"
    return None


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
            hint=_hint(error),
        )
        failure.__cause__ = error
    return (failed(job.source.path, job.source.name, job.digest, failure),), job.folder
