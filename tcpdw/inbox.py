"""What lies in an inbox, taken into the warehouse: which then is in `done/` or `failed/`.

A run moves after the commit of its batch. Killed between the two, it lies where it was and is known
by its content: the next turn skips it and moves it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tcpdw import pipeline
from tcpdw.errors import InboxError
from tcpdw.inbox_files import Inbox, Unit
from tcpdw.pipeline import IngestSummary, Job, Options, Pending, Plan, Steps, Watcher
from tcpdw.printable import printable
from tcpdw.rundata import RunData
from tcpdw.warehouse import LoadedRun

SETTLE_SECONDS = 30.0
"""How long nothing may have changed in a run for it to be whole."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a unit of the inbox, and why: `left` is where it was, for the next turn."""

    name: str
    place: Literal["done", "failed", "left"]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did: the ingest, each unit, and the names of what was still being copied in."""

    summary: IngestSummary
    taken: tuple[Taken, ...]
    copied: tuple[str, ...]

    def at(self, place: Literal["done", "failed", "left"]) -> tuple[Taken, ...]:
        """Give the units that are now at a place."""
        return tuple(taken for taken in self.taken if taken.place == place)


def take_in(
    inbox: Path,
    warehouse: Path,
    options: Options | None = None,
    watcher: Watcher | None = None,
    steps: Steps | None = None,
    *,
    settle: float = SETTLE_SECONDS,
    wait: float | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> Turn:
    """Ingest what lies whole in the inbox, and move it.

    A run that is in the warehouse, now or from before, moves to `done/`; one that cannot be read
    moves to `failed/`, its reason beside it. Left where they are: what is still being copied in
    (no change for `settle` seconds makes it whole), what changed while it was read, which is not
    loaded, and what failed for a reason that passes, such as a full disk.

    Another turn on the same inbox is waited for, at most `wait` seconds if given. Raises InboxError
    where the inbox cannot be used, WarehouseError where the warehouse cannot be written; what was
    loaded until then is moved, and the rest lies where it was.
    """
    box = Inbox(inbox)
    box.check_outside(warehouse, "the warehouse")
    with box.locked(wait):
        look = box.look(settle, sleep)
        taking = _Taking(box, look.whole, steps or Steps())
        summary = pipeline.summary((), 0, 0.0)
        if paths := taking.paths():
            summary = pipeline.ingest(paths, warehouse, options, watcher, taking)
        taking.finish()
    return Turn(summary, tuple(taking.taken), tuple(map(box.shown, look.copied)))


@dataclass(slots=True)
class _Progress:
    """How far a unit is: sources to be read, runs to be loaded, and what was wrong."""

    unit: Unit
    sources: int = 0
    runs: int = 0
    reasons: list[str] = field(default_factory=list[str])
    left: str | None = None


class _Taking(Steps):
    """Does the steps of an ingest as `inner` does them, and moves units as they are in."""

    def __init__(self, box: Inbox, units: Sequence[Unit], inner: Steps) -> None:
        self.taken: list[Taken] = []
        self._box = box
        self._inner = inner
        self._open = {_key(unit.path): _Progress(unit) for unit in units}

    def paths(self) -> list[Path]:
        """Give what is to be read; what is not even that is done with."""
        for key, progress in list(self._open.items()):
            if progress.unit.problem is not None:
                progress.reasons.append(progress.unit.problem)
                self._move(key)
        return [progress.unit.path for progress in self._open.values()]

    def discover(self, paths: Iterable[Path], known: Mapping[str, int], options: Options) -> Plan:
        """Find what there is to do; what is in the warehouse already moves at once."""
        plan = self._inner.discover(paths, known, options)
        for source, _ in plan.todo:
            self._at(source.path).sources += 1
        failures: list[RunData] = []
        for failure in plan.failures:
            progress = self._at(failure.source_path)
            if self._is_as_it_was(progress):
                progress.runs += 1
                failures.append(failure)
        for key, progress in list(self._open.items()):
            if not progress.sources and not progress.runs and self._is_as_it_was(progress):
                self._move(key)
        return Plan(plan.todo, plan.skipped, tuple(failures))

    @contextmanager
    def reading(self, workers: int) -> Generator[Callable[[Job], Pending]]:
        """Give what starts a job; what changed while it was read gives no run."""
        with self._inner.reading(workers) as start:
            yield lambda job: _Reading(start(job), job, self)

    def load(self, warehouse: pipeline.Warehouse, batch: Sequence[RunData]) -> Sequence[LoadedRun]:
        """Load a batch, then move the units that are in with it."""
        loaded = self._inner.load(warehouse, batch)
        for run in batch:
            key, progress = self._find(run.source_path)
            progress.runs -= 1
            if run.failure is not None:
                if run.may_mend:
                    progress.left = run.failure
                progress.reasons.append(run.failure)
            if not progress.sources and not progress.runs:
                self._move(key)
        return loaded

    def was_read(self, job: Job, found: tuple[RunData, ...]) -> tuple[RunData, ...]:
        """Note what a source gave, and give what of it is to be loaded."""
        progress = self._at(job.source.path)
        progress.sources -= 1
        if not self._is_as_it_was(progress):
            return ()
        progress.runs += len(found)
        return found

    def could_not_be_read(self, job: Job, error: Exception) -> None:
        """Note that the reading of a source was stopped: the ingest makes one failed run of it."""
        progress = self._at(job.source.path)
        progress.sources -= 1
        progress.runs += 1
        if pipeline.may_mend(error):
            progress.left = str(error)

    def finish(self) -> None:
        """Move what is left: units with a run that was in the warehouse under another name."""
        for key in list(self._open):
            self._move(key)

    def _is_as_it_was(self, progress: _Progress) -> bool:
        if progress.left is None and not self._box.is_unchanged(progress.unit):
            progress.left = "it changed while it was read"
        return progress.left is None

    def _move(self, key: Path) -> None:
        progress = self._open.pop(key)
        name = self._box.shown(progress.unit.path)
        if progress.left is not None:
            self.taken.append(Taken(name, "left", (printable(progress.left),)))
            return
        reasons = tuple(map(printable, progress.reasons))
        try:
            if reasons:
                self._box.to_failed(progress.unit, reasons)
            else:
                self._box.to_done(progress.unit)
        except InboxError as error:
            self.taken.append(Taken(name, "left", (*reasons, str(error))))
            return
        self.taken.append(Taken(name, "failed" if reasons else "done", reasons))

    def _at(self, path: Path) -> _Progress:
        return self._find(path)[1]

    def _find(self, path: Path) -> tuple[Path, _Progress]:
        """Find the unit that a path, as people see it or as it is, lies in."""
        place = _key(path)
        key = next(place for place in (place, *place.parents) if place in self._open)
        return key, self._open[key]


class _Reading:
    """The reading of a source of an inbox, under way."""

    def __init__(self, inner: Pending, job: Job, taking: _Taking) -> None:
        self._inner = inner
        self._job = job
        self._taking = taking

    def result(self) -> tuple[RunData, ...]:
        """Wait for the runs that were read and are to be loaded, or raise what stopped it."""
        try:
            found = self._inner.result()
        except Exception as error:
            self._taking.could_not_be_read(self._job, error)
            raise
        return self._taking.was_read(self._job, found)


def _key(path: Path) -> Path:
    return Path(printable(str(path)))
