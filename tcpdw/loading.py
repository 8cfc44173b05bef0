"""The loading of what was read, in batches."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tcpdw.errors import WarehouseBusyError, WarehouseError, WarehouseFullError
from tcpdw.rundata import RunData
from tcpdw.warehouse import LoadedRun


class Loader:
    """Collects what was read and loads it in batches; a run that spoils its batch fails alone.

    `load` is `Warehouse.load`, or does it; `loaded` is told of each batch. `known` holds the
    content hashes of runs that are in the warehouse. A batch is loaded once it has `batch_runs`
    runs or `batch_events` events.
    """

    def __init__(
        self,
        load: Callable[[Sequence[RunData]], Sequence[LoadedRun]],
        loaded: Callable[[Sequence[LoadedRun]], None],
        known: set[str],
        *,
        batch_runs: int,
        batch_events: int,
    ) -> None:
        self._load_batch = load
        self._loaded = loaded
        self._known = known
        self._batch_runs = batch_runs
        self._batch_events = batch_events
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
            self._events += sum(stream.events for stream in run.streams)
        if folder is not None:
            self._folders.append(folder)
        if len(self._batch) >= self._batch_runs or self._events >= self._batch_events:
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
            self._loaded(loaded)

    def _load(self, batch: Sequence[RunData]) -> Sequence[LoadedRun]:
        try:
            return self._load_batch(batch)
        except (WarehouseBusyError, WarehouseFullError):
            raise  # Of no run's doing: the others would fare no better.
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
