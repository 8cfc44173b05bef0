"""Warehouses that another tcpdw made, brought up to date.

What came with the runs stays: events, packets, snapshots, streams and losses, in the shape that
today's tables have. All else follows from that and is computed anew, by the derivation that loading
uses. It is done in the file itself, in one transaction, after a copy was put beside it.

Layout 1 had a table for each event class, and stored `events`, `syscalls` and `latency`; from 2 on
classes share tables (`event_places`); 3 went through many shapes of the computed tables; from 4 on
`warehouse.rows_hash` tells what the stored rows were computed by; up to 4 `softirqs` was a table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tcpdw import catalog, scratch, warehouse_backup
from tcpdw import warehouse_convert as convert
from tcpdw.derivation import derive, prepare_for_few
from tcpdw.errors import WarehouseError, WarehouseFullError
from tcpdw.event_rows import ROW_GROUP
from tcpdw.event_store import EventStore
from tcpdw.warehouse_making import bring_up_to_date, version
from tcpdw.warehouse_opening import (
    LAYOUT,
    check_layout,
    first_line,
    open_file,
    refusal,
    remove_spilled,
    views_of,
)
from tcpdw.warehouse_schema import Schema

if TYPE_CHECKING:
    import duckdb

BATCH_EVENTS = 1_000_000
"""Runs of about so many events are computed at once: memory grows with it."""

BATCH_RUNS = 64

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class State:
    """What a warehouse says of itself: its layout, who made it, and what its rows follow from.

    `rows` is None where the layout is from before that was told.
    """

    layout: int
    made_by: str
    rows: str | None

    @property
    def is_current(self) -> bool:
        """Tell whether its rows are what today's loading would make."""
        return self.layout == LAYOUT and self.rows == catalog.load().rows_digest


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did: from which state, over how many runs, and where the copy is.

    `backup` is None where the rows were today's, and only the views were made anew.
    """

    before: State
    runs: int
    backup: Path | None


def state_of(connection: duckdb.DuckDBPyConnection) -> State:
    """Read what a warehouse says of itself."""
    has_rows = Schema(connection).has_column("warehouse", "rows_hash")
    [(layout, made_by, rows)] = connection.execute(
        f"SELECT layout, made_by, {'rows_hash' if has_rows else 'NULL'} FROM warehouse"
    ).fetchall()
    return State(layout, made_by, rows)


def upgrade(path: Path, tell: Tell) -> Upgraded | None:
    """Bring a warehouse up to date, and give what was done; None where nothing was to do.

    Nobody may have it open. `tell` is given a line when it begins. Raises WarehouseError where it
    is of a newer tcpdw, where the disk has too little room, where the copy does not come out whole,
    and where the database refuses; then the warehouse is as it was.
    """
    import duckdb

    if not path.exists():
        raise WarehouseError(
            "no such warehouse", path=path, hint="make it with `tcpdw ingest PATH...`"
        )
    scratch.sweep(path.resolve().parent)
    with open_file(path, read_only=False) as connection:
        check_layout(connection, path, may_be_older=True)
        state = state_of(connection)
        [(runs,)] = connection.execute("SELECT COUNT(*) FROM runs").fetchall()
        if state.is_current:
            return _with_views(connection, Upgraded(state, runs, None))
        remove_spilled(path)
        connection.execute("CHECKPOINT")
    tell(
        f"{path}: made by an earlier tcpdw ({state.made_by}, layout {state.layout}); bringing its "
        f"{runs:,} runs up to date"
    )
    backup = warehouse_backup.copied(path, state.layout)
    with open_file(path, read_only=False) as connection:
        if not backup.is_of(path) or state_of(connection) != state:
            raise WarehouseError("changed while it was copied", path=path, hint="try again")
        try:
            connection.execute("SET enable_progress_bar = false; SET python_scan_all_frames = true")
            connection.begin()
            _bring(connection)
            connection.commit()
            connection.execute("CHECKPOINT")
        except (duckdb.Error, ValueError, OverflowError) as error:
            if isinstance(full := refusal(error, path), WarehouseFullError):
                raise full from error
            raise WarehouseError(
                f"cannot be brought up to date: {first_line(error)}",
                path=path,
                hint="it is as it was; `tcpdw ingest` can load its runs again, from where "
                "`runs.source_path` says, into another file",
            ) from error
    return Upgraded(state, runs, backup.path)


def _with_views(connection: duckdb.DuckDBPyConnection, done: Upgraded) -> Upgraded | None:
    """Make the views of a warehouse today's, and give what was done; None where they are."""
    if views_of(connection) == catalog.load().digest:
        return None
    connection.begin()
    bring_up_to_date(connection, is_new=False)
    connection.commit()
    return done


def _bring(connection: duckdb.DuckDBPyConnection) -> None:
    known = catalog.load()
    convert.drop_views(connection, known)
    former = convert.set_aside(connection, known)
    if Schema(connection).has("store.classes"):
        # Documented classes without rows are documented anew.
        connection.execute(
            "DELETE FROM store.class_columns WHERE code IN "
            "(SELECT code FROM store.classes WHERE relation = ''); "
            "DELETE FROM store.classes WHERE relation = ''"
        )
    else:
        connection.execute("CREATE SCHEMA IF NOT EXISTS store")
    bring_up_to_date(connection, is_new=False, is_remade=True)
    for table in former:
        if table in convert.GIVEN:
            convert.refill(connection, known, table)
    batches = _batches(connection)
    store = EventStore(connection)
    classes = [table for table in former if table not in convert.GIVEN]
    if classes:
        convert.take_in_events(connection, store, classes, batches)
    store.remake()
    convert.forget_computed(connection, known)
    if _events(connection) < ROW_GROUP:
        prepare_for_few(connection)
    for first, last in batches:
        derive(connection, known, first, last)
    connection.execute(
        "UPDATE warehouse SET layout = ?, made_by = ?, rows_hash = ?, catalog_hash = ?",
        [LAYOUT, version(), known.rows_digest, known.digest],
    )


def _events(connection: duckdb.DuckDBPyConnection) -> int:
    [(events,)] = connection.execute("SELECT COALESCE(SUM(events), 0) FROM runs").fetchall()
    return int(events)


def _batches(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """Part the runs by number, each part from a first to a last."""
    found: list[tuple[int, int]] = []
    runs, events = 0, BATCH_EVENTS
    for run_id, held in connection.execute(
        "SELECT run_id, events FROM runs ORDER BY run_id"
    ).fetchall():
        if events + held > BATCH_EVENTS or runs == BATCH_RUNS:
            found.append((run_id, run_id))
            runs, events = 0, 0
        found[-1] = (found[-1][0], run_id)
        runs, events = runs + 1, events + held
    return found
