"""The DuckDB warehouse: the only code that writes the database."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tcpdw import catalog
from tcpdw.errors import WarehouseError
from tcpdw.run_tables import by_shape, narrow_rows, run_row, side_tables, with_run
from tcpdw.rundata import RunData
from tcpdw.warehouse_schema import Schema, name_of, quoted, text_literal

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

LAYOUT = 1
"""The version of the tables' layout; raised whenever an older tcpdw could not read them."""

BLOCK_SIZE = 16384
"""Bytes a block: a run has some 180 event classes, most with a handful of rows, and
each table takes at least one."""


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """What became of one run: its number in the warehouse, and what it held."""

    run_id: int
    name: str
    status: str
    events: int
    packets: int
    warnings: tuple[str, ...]


def connect(path: Path | str, *, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """Connect to a warehouse that exists, with all its tables and views.

    The connection's results convert to polars with `.pl()`. Raises WarehouseError, naming the file
    and what to do, where it is missing, locked, no database, no warehouse, or from a newer tcpdw.
    """
    path = Path(path)
    if not path.exists():
        raise WarehouseError(
            "no such warehouse", path=path, hint="make it with `tcpdw ingest PATH...`"
        )
    connection = _connect(path, read_only=read_only)
    try:
        _check_layout(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


class Warehouse:
    """A warehouse open for writing; one at a time. A context manager.

    Made, with all tables and views, where the file is not there yet; its views are brought up to
    date where this tcpdw has others. Raises WarehouseError as `connect` does.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        is_new = not self.path.exists()
        if is_new and not self.path.parent.is_dir():
            raise WarehouseError(
                "its directory does not exist",
                path=self.path,
                hint=f"make it with `mkdir -p {self.path.parent}`",
            )
        self.connection = _connect(self.path, read_only=False)
        try:
            # It would go to standard output, whoever is loading.
            self.connection.execute("SET enable_progress_bar = false")
            # One that was killed as it was made is there, and empty.
            is_new = is_new or _is_empty(self.connection)
            if not is_new:
                _check_layout(self.connection, self.path)
            with self._transaction():
                self._bring_up_to_date(is_new)
        except BaseException:
            self.connection.close()
            if is_new:
                self.path.unlink(missing_ok=True)
            raise
        self.schema = Schema(self.connection)

    def __enter__(self) -> Warehouse:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()

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
        try:
            with self._transaction():
                self._forget(batch)
                loaded = tuple(self._add_runs(batch))
                self._add_rows(batch, loaded)
                self._derive(loaded[0].run_id, loaded[-1].run_id)
        except _refusals() as error:
            raise WarehouseError(_first_line(error), path=self.path) from error
        return loaded

    @contextmanager
    def _transaction(self) -> Generator[None]:
        self.connection.begin()
        try:
            yield
        except BaseException:
            self.connection.rollback()
            self.schema = Schema(self.connection)
            raise
        self.connection.commit()

    def _bring_up_to_date(self, is_new: bool) -> None:
        known = catalog.load()
        if is_new:
            self.connection.execute("CREATE SCHEMA event")
            for table in known.tables:
                self.connection.execute(table.statement)
                self._comment(table)
            self.connection.execute(
                "INSERT INTO warehouse VALUES (?, ?, '', 0)", [LAYOUT, _version()]
            )
        else:
            stored = self.connection.execute("SELECT catalog_hash FROM warehouse").fetchone()
            if stored is not None and stored[0] == known.digest:
                return
            self._add_missing(known)
        for view in known.views:
            self.connection.execute(
                view.statement.replace(f"CREATE {view.kind}", f"CREATE OR REPLACE {view.kind}", 1)
            )
            self._comment(view)
        self.connection.execute("UPDATE warehouse SET catalog_hash = ?", [known.digest])

    def _add_missing(self, known: catalog.Catalog) -> None:
        schema = Schema(self.connection)
        for table in known.tables:
            if not schema.has(table.name):
                self.connection.execute(table.statement)
                self._comment(table)

    def _comment(self, item: catalog.SqlObject) -> None:
        if item.kind == "MACRO":
            return
        name = quoted(item.name)
        statements = [f"COMMENT ON {item.kind} {name} IS {text_literal(item.doc)}"]
        statements += [
            f"COMMENT ON COLUMN {name}.{quoted(c.name)} IS {text_literal(c.doc)}"
            for c in item.columns
        ]
        self.connection.execute(";".join(statements))

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

    def remove(self, run_ids: Sequence[int]) -> None:
        """Remove runs with all their rows, in the transaction under way if there is one."""
        if not run_ids:
            return
        numbers = ", ".join(str(int(run_id)) for run_id in run_ids)
        for table in self.schema.tables():
            if self.schema.has_column(table, "run_id"):
                self.connection.execute(f"DELETE FROM {quoted(table)} WHERE run_id IN ({numbers})")

    def _add_runs(self, batch: Sequence[RunData]) -> Iterator[LoadedRun]:
        [(run_id,)] = self.connection.execute("SELECT last_run_id FROM warehouse").fetchall()
        self.connection.execute("UPDATE warehouse SET last_run_id = last_run_id + ?", [len(batch)])
        for run in batch:
            run_id += 1
            values = run_row(run_id, run)
            columns = ", ".join(values)
            marks = ", ".join("?" for _ in values)
            self.connection.execute(
                f"INSERT INTO runs ({columns}) VALUES ({marks})", list(values.values())
            )
            yield LoadedRun(
                run_id,
                run.name,
                run.status,
                values["events"],
                values["packets"],
                tuple(values["warnings"]),
            )

    def _add_rows(self, batch: Sequence[RunData], loaded: Sequence[LoadedRun]) -> None:
        import pyarrow as pa

        pairs = [(entry.run_id, run) for entry, run in zip(loaded, batch, strict=True)]
        classes: dict[str, list[pa.Table]] = {}
        for run_id, run in pairs:
            for name, table in (run.classes or {}).items():
                # A table needs a name of at least one character.
                classes.setdefault(name or "unnamed", []).append(with_run(table, run_id))
        narrow: list[pa.Table] = []
        for name in sorted(classes):
            for rows in by_shape(classes.pop(name)):
                narrow.append(narrow_rows(name, rows))
                self._insert(f"event.{name}", rows, "run_id, ts, cpu_id")
        if narrow:
            table = pa.concat_tables(narrow, promote_options="permissive").unify_dictionaries()
            self._insert("events", table, "run_id, ts, cpu_id")
        for table_name, rows in side_tables(pairs):
            self._insert(table_name, rows)

    def _insert(self, name: str, rows: pa.Table, order: str = "") -> None:
        self.connection.register("incoming", rows)
        self.schema.fit(name, "incoming")
        ordered = f" ORDER BY {order}" if order else ""
        self.connection.execute(
            f"INSERT INTO {name_of(name)} BY NAME SELECT * FROM incoming{ordered}"
        )
        self.connection.unregister("incoming")

    def _derive(self, first: int, last: int) -> None:
        """Fill the derived tables and the metrics for the runs from `first` to `last`."""
        known = catalog.load()
        new = f"run_id BETWEEN {first} AND {last}"
        execute = self.connection.execute
        for view in known.fills:
            rows = (
                f"{view.name}({first}, {last})"
                if view.kind == "MACRO"
                else f"{view.name} WHERE {new}"
            )
            execute(f"INSERT INTO {view.keys['fills']} BY NAME SELECT * FROM {rows}")
        for view in known.completes:
            table, column = view.keys["completes"].split(".")
            execute(
                f"UPDATE {table} SET {column} = v.{column} FROM {view.name} AS v "
                f"WHERE v.{new} AND {table}.{new} AND {table}.rowid = v.row_id"
            )
        # A temporary table goes before the view of its name, in the metrics' views too.
        for view in known.staged:
            execute(f"CREATE TEMP TABLE {view.name} AS SELECT * FROM main.{view.name} WHERE {new}")
        for metric in known.metrics:
            self._fill_metric(known, metric, new)
        for view in known.staged:
            execute(f"DROP TABLE temp.{view.name}")

    def _fill_metric(self, known: catalog.Catalog, metric: catalog.SqlObject, new: str) -> None:
        execute = self.connection.execute
        literal = text_literal(metric.name)
        execute(f"CREATE TEMP TABLE fresh AS SELECT * FROM {metric.name} WHERE {new}")
        execute(
            "INSERT INTO latency BY NAME SELECT run_id, "
            f"{literal} AS metric, ts, dur, certain FROM fresh ORDER BY run_id, ts"
        )
        for stage in metric.stages:
            certain = "certain_to_end" if stage in metric.later_stages else "certain"
            execute(
                f"INSERT INTO latency_stages BY NAME SELECT run_id, {literal} AS metric, "
                f"{text_literal(stage)} AS stage, ts, {stage} AS dur, {certain} AS certain "
                f"FROM fresh WHERE {stage} IS NOT NULL ORDER BY run_id, ts"
            )
        execute("DROP TABLE fresh")
        left_out = known.left_out(metric)
        if left_out is not None:
            execute(
                f"INSERT INTO metric_counts BY NAME SELECT run_id, {literal} AS metric, reason, "
                f"n FROM {left_out.name} WHERE {new} ORDER BY run_id, reason"
            )


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    import duckdb

    try:
        if read_only:
            return duckdb.connect(str(path), read_only=True)
        return duckdb.connect(str(path), config={"default_block_size": str(BLOCK_SIZE)})
    except duckdb.Error as error:
        text = _first_line(error)
        lower = text.lower()
        if "different configuration" in lower:
            raise WarehouseError(
                "this process has it open already, for another use",
                path=path,
                hint="close that connection first",
            ) from error
        if "lock" in lower:
            raise WarehouseError(
                "another process has it open for writing",
                path=path,
                hint="wait until it is done, or give another file with --warehouse",
            ) from error
        if "newer version" in lower or "database file with version number" in lower:
            raise WarehouseError(
                "made by a newer DuckDB", path=path, hint="bring tcpdw up to date"
            ) from error
        if "not a valid duckdb" in lower:
            raise WarehouseError(
                "not a DuckDB database", path=path, hint="give another file with --warehouse"
            ) from error
        raise WarehouseError(f"cannot be opened: {text}", path=path) from error


def _is_empty(connection: duckdb.DuckDBPyConnection) -> bool:
    rows = connection.execute("SELECT 1 FROM duckdb_tables() WHERE NOT internal LIMIT 1").fetchall()
    return not rows


def _check_layout(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    import duckdb

    try:
        rows = connection.execute("SELECT layout, made_by FROM main.warehouse").fetchall()
        row = rows[0] if rows else None
    except duckdb.Error:
        row = None
    if row is None:
        raise WarehouseError(
            "a DuckDB database, but no warehouse of tcpdw",
            path=path,
            hint="give another file with --warehouse",
        )
    if row[0] > LAYOUT:
        raise WarehouseError(
            f"made by tcpdw {row[1]}, whose tables this one does not know",
            path=path,
            hint="bring tcpdw up to date",
        )


def _refusals() -> tuple[type[Exception], ...]:
    import duckdb
    import pyarrow as pa

    # Names that are no text and numbers beyond every type come as ValueError, OverflowError.
    return (duckdb.Error, pa.ArrowException, ValueError, OverflowError)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("tcpdw")
    except PackageNotFoundError:
        return "0"
