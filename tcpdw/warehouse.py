"""The DuckDB warehouse: the only code that writes the database."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING

from tcpdw import catalog, template, warehouse_upgrade
from tcpdw.derivation import derive, prepare_for_few
from tcpdw.errors import WarehouseBusyError, WarehouseError
from tcpdw.event_places import Field
from tcpdw.event_rows import (
    ROW_GROUP,
    Extent,
    Part,
    Rows,
    fields_of,
    gathered,
    own_table,
    shared_rows,
)
from tcpdw.event_store import EventStore
from tcpdw.run_tables import run_rows, side_tables
from tcpdw.rundata import RunData
from tcpdw.warehouse_making import Classes, bring_up_to_date, make, make_with, signature
from tcpdw.warehouse_opening import (
    check_layout,
    is_empty,
    open_file,
    refusal,
    remove_spilled,
)
from tcpdw.warehouse_schema import Schema, insert, name_of

if TYPE_CHECKING:
    import duckdb

MANY_CLASSES = 50
"""The views of so many event classes take longer to make than a file takes to copy."""

MEMORY_PER_CPU = 104
"""Megabytes that the database may take for each cpu while it loads: what needs more goes to disk,
beside the warehouse. A batch that cannot be loaded so is loaded with what the system has."""

CHECKPOINT = "64KB"
"""A commit of more than this ends in the file; one of a run that holds anything is larger."""

_Found = Sequence[tuple[str, Sequence[Field], Sequence[Part]]]


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """What became of one run: its number in the warehouse, and what it held."""

    run_id: int
    name: str
    status: str
    events: int
    packets: int
    warnings: tuple[str, ...]


def _silent(_: str) -> None:
    pass


def _impatient(error: WarehouseBusyError) -> None:
    raise error


class Warehouse:
    """A warehouse open for writing; one at a time. A context manager.

    Made, with all tables and views, where the file is not there yet; its views are brought up to
    date where this tcpdw has others, and its rows too where this one would compute others
    (`warehouse_upgrade`; `tell` is given a line then). Where another process has it open, `busy` is
    called before each new try; what it raises ends that. Raises WarehouseError as
    `warehouse_opening.connect` does.
    """

    def __init__(
        self,
        path: Path | str,
        tell: warehouse_upgrade.Tell = _silent,
        busy: Callable[[WarehouseBusyError], None] = _impatient,
    ) -> None:
        self.path = Path(path)
        self._tell = tell
        self._busy = busy
        self._store: EventStore | None = None
        is_new = not self.path.exists()
        if is_new and not self.path.parent.is_dir():
            raise WarehouseError(
                "its directory does not exist",
                path=self.path,
                hint=f"make it with `mkdir -p {self.path.parent}`",
            )
        if is_new:
            template.place(self.path, signature(), make)
        self._is_untouched = is_new
        self._is_broken = False
        self._keeping: Thread | None = None
        self._locks: list[int] = []
        self.connection = self._awaited()
        # Another may have made it at the same time, and filled it while this one waited.
        self._is_untouched = is_new and self._runs_ever() == 0

    def _awaited(self) -> duckdb.DuckDBPyConnection:
        while True:
            try:
                return self._opened()
            except WarehouseBusyError as error:
                self._busy(error)

    def _opened(self) -> duckdb.DuckDBPyConnection:
        connection = open_file(self.path, read_only=False)
        has_none = False
        try:
            remove_spilled(self.path)
            memory = max(2, os.cpu_count() or 1) * MEMORY_PER_CPU
            # The progress bar would go to standard output, whoever is loading.
            connection.execute(
                f"SET enable_progress_bar = false; SET memory_limit = '{memory}MB'; "
                "SET python_scan_all_frames = true; "
                # A commit writes to the file itself, not first to a log that the closing empties.
                f"SET checkpoint_threshold = '{CHECKPOINT}'"
            )
            # One that was killed as it was made is there, and empty.
            has_none = is_empty(connection)
            if not has_none:
                check_layout(connection, self.path, may_be_older=True)
                if not warehouse_upgrade.state_of(connection).is_current:
                    connection.close()
                    warehouse_upgrade.upgrade(self.path, self._tell)
                    return self._opened()
            connection.begin()
            bring_up_to_date(connection, is_new=has_none)
            connection.commit()
        except BaseException as error:
            connection.close()
            if self._is_untouched and has_none:
                self.path.unlink(missing_ok=True)
            if isinstance(error, _refusals()):
                raise refusal(error, self.path) from error
            raise
        return connection

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()
        while self._locks:
            os.close(self._locks.pop())
        if self._keeping is not None:
            self._keeping.join()

    @property
    def store(self) -> EventStore:
        """Where the event classes lie."""
        if self._store is None:
            self._store = EventStore(self.connection)
        return self._store

    def known(self) -> Mapping[str, int]:
        """Give the digests of the loaded runs, of source and of content, with the runs' numbers."""
        rows = self.connection.execute(
            "SELECT digest, run_id FROM (SELECT run_id, status, "
            "UNNEST([source_hash, content_hash]) AS digest FROM runs) AS digests "
            "WHERE status <> 'failed' AND digest IS NOT NULL"
        ).fetchall()
        return dict(rows)

    def load(self, batch: Sequence[RunData]) -> tuple[LoadedRun, ...]:
        """Load a batch of runs in one transaction: their rows, what follows from them, the metrics.

        A run with the content of one that is there replaces it. Raises WarehouseError where the
        database refuses; then nothing of the batch is in it.
        """
        if not batch:
            return ()
        import duckdb

        if self._is_broken:
            self.connection = self._awaited()
            self._is_broken = False
        try:
            try:
                return self._load(batch)
            except duckdb.OutOfMemoryException:
                # What a batch needs grows with it, more slowly than its size.
                self.connection.execute("RESET memory_limit")
                return self._load(batch)
        except _refusals() as error:
            refused = refusal(error, self.path)
            if isinstance(error, duckdb.FatalException | duckdb.IOException):
                # DuckDB does nothing more on it: whoever tries again has it opened anew.
                self._store = None
                self.connection.close()
                self._is_broken = True
            raise refused from error

    def remove(self, run_ids: Sequence[int]) -> None:
        """Remove runs with all their rows, in the transaction under way if there is one."""
        if not run_ids:
            return
        numbers = ", ".join(str(int(run_id)) for run_id in run_ids)
        schema = Schema(self.connection)
        statements = [
            f"DELETE FROM {name_of(table)} WHERE run_id IN ({numbers})"
            for table in schema.tables()
            if not table.startswith("event.") and schema.has_column(table, "run_id")
        ]
        self.connection.execute(";".join(statements))

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self.connection.begin()
        try:
            yield
        except BaseException:
            self._store = None
            self.connection.rollback()
            raise
        self.connection.commit()

    def _load(self, batch: Sequence[RunData]) -> tuple[LoadedRun, ...]:
        found = [
            (name, fields_of(name, schema), parts)
            for name, schema, parts in gathered(run.classes or {} for run in batch)
        ]
        if self._is_untouched:
            self._is_untouched = False
            self._take_views([(name, fields) for name, fields, _ in found])
        self.connection.execute("RESET threads; RESET disabled_optimizers")
        with self._transaction():
            self._forget(batch)
            first = self._take_numbers(len(batch))
            numbered = list(enumerate(batch, first))
            extents = self._add_events(first, found, len(batch))
            insert(self.connection, "runs", run_rows(numbered, extents))
            for name, rows in side_tables(numbered):
                insert(self.connection, name, rows)
            if sum(extent.events for extent in extents.values()) < ROW_GROUP:
                prepare_for_few(self.connection)
            if any(run.failure is None for run in batch):
                derive(self.connection, catalog.load(), first, first + len(batch) - 1)
            warnings = self._warnings(first, first + len(batch) - 1)
        return tuple(
            LoadedRun(
                number,
                run.name,
                run.status,
                extents[number].events,
                0 if run.packets is None else run.packets.num_rows,
                warnings[number],
            )
            for number, run in numbered
        )

    def _warnings(self, first: int, last: int) -> Mapping[int, tuple[str, ...]]:
        """Give the warnings of runs: what was wrong with the inputs, and what derivation found."""
        rows = self.connection.execute(
            "SELECT run_id, warnings FROM runs WHERE run_id BETWEEN ? AND ?", [first, last]
        ).fetchall()
        return {run_id: tuple(texts) for run_id, texts in rows}

    def _forget(self, batch: Sequence[RunData]) -> None:
        hashes = [run.content_hash for run in batch if run.content_hash and run.failure is None]
        paths = [str(run.source_path) for run in batch]
        names = [run.name for run in batch]
        rows = self.connection.execute(
            "SELECT run_id FROM runs WHERE content_hash IN (SELECT UNNEST(?)) OR (status = "
            "'failed' AND (source_path, name) IN (SELECT (UNNEST(?), UNNEST(?))))",
            [hashes, paths, names],
        ).fetchall()
        self.remove([row[0] for row in rows])

    def _runs_ever(self) -> int:
        """Count the runs that the warehouse ever had."""
        [(last,)] = self.connection.execute("SELECT last_run_id FROM warehouse").fetchall()
        return last

    def _take_numbers(self, count: int) -> int:
        """Give the first of `count` numbers that no run ever had."""
        last = self._runs_ever()
        self.connection.execute("UPDATE warehouse SET last_run_id = last_run_id + ?", [count])
        return last + 1

    def _take_views(self, classes: Classes) -> None:
        """Exchange the empty warehouse for one that has the views of many classes, if one is kept.

        If none is, one is made for the next time, beside the loading.
        """
        if len(classes) < MANY_CLASSES:
            return
        parts = (*signature(), repr(classes))
        content = template.with_classes(parts)
        if content is None:
            make_it = partial(make_with, classes=classes)
            self._keeping = Thread(target=template.keep_with_classes, args=(parts, make_it))
            self._keeping.start()
            return
        self.connection.close()
        size = self.path.stat().st_size
        lock = template.exchange(self.path, content, size)
        # Closing it would take the lock from all that this process has of the file.
        self._locks += [] if lock is None else [lock]
        self._store = None
        # Another may have opened it in between.
        self.connection = self._awaited()

    def _add_events(self, first: int, found: _Found, count: int) -> Mapping[int, Extent]:
        extents = {first + index: Extent() for index in range(count)}
        every: list[Rows] = []
        for name, fields, parts in found:
            numbered = [(first + index, classes, key) for index, classes, key in parts]
            every.append(Rows(self.store.place(name, fields), numbered))
        self.store.settle()
        # Classes lie in order of their numbers, so that a query of one reads few row groups.
        every.sort(key=lambda rows: rows.place.code)
        with closing(shared_rows(every, extents)) as shared:
            for relation, incoming in shared:
                insert(self.connection, f"store.{relation}", incoming)
        for rows in every:
            if rows.place.is_own and rows.parts:
                insert(self.connection, f"store.{rows.place.relation}", own_table(rows, extents))
        return extents


def _refusals() -> tuple[type[Exception], ...]:
    import duckdb
    import pyarrow as pa

    # Names that are no text and numbers beyond every type come as ValueError, OverflowError.
    return (duckdb.Error, pa.ArrowException, ValueError, OverflowError)
