"""Ad hoc SQL on a warehouse that nothing in the SQL can change, nor any other file."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tcpdw import catalog
from tcpdw.errors import UsageError, WarehouseError
from tcpdw.output import Result
from tcpdw.warehouse_opening import connect, views_of

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")

NO_SQL_HINT = 'give it, as in `tcpdw sql "FROM runs"`'

_FETCH_ROWS = 4096
_ARROW_ROWS = 65536
_MANY_ROWS = 1 << 18
_READ_ONLY = "read-only mode"
_READ_ONLY_HINT = "queries only read the warehouse; -o FILE writes their result"
_REFUSED = (
    "disabled by configuration",
    "disabled through configuration",
    "configuration has been locked",
)
_REFUSED_HINT = "`tcpdw sql --unsafe` may use files, extensions and settings"
_OTHER_VIEWS_HINT = "the warehouse has another tcpdw's views; `tcpdw upgrade` brings today's"
_NO_FILES = "File system LocalFileSystem has been disabled"

# A progress bar would go to standard output, among the rows; and a table that is not there is not
# to be looked for among Python's variables.
_ALWAYS = "SET enable_progress_bar = false; SET python_enable_replacements = false"
# Without external access alone, DuckDB still writes and reads the warehouse's own file as a plain
# one, its log (`COPY ... TO 'w.duckdb.wal'`) and its folder of temporary files. Without a file
# system it has what it opened, and no more: what needs more memory than there is fails.
_SAFE = (
    "SET allow_persistent_secrets = false; SET enable_external_access = false; "
    "SET disabled_filesystems = 'LocalFileSystem'; SET lock_configuration = true"
)


@contextmanager
def opened(
    path: Path, *, unsafe: bool = False, meanwhile: Callable[[], object] | None = None
) -> Generator[duckdb.DuckDBPyConnection]:
    """Open a warehouse for queries: read-only, no other file, no extension, settings locked.

    With `unsafe` a query may do whatever the user may with other files: read and write them, attach
    databases, load extensions, and take room on disk for what exceeds memory; the warehouse itself
    is open read-only all the same. `meanwhile` is called while the file is opened, which takes long
    enough to import what works on it. Raises WarehouseError as `connect` does.
    """
    connection = connect(path) if meanwhile is None else _connected(path, meanwhile)
    try:
        connection.execute(_ALWAYS if unsafe else f"{_ALWAYS}; {_SAFE}")
        yield connection
    finally:
        connection.close()


def _connected(path: Path, meanwhile: Callable[[], object]) -> duckdb.DuckDBPyConnection:
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(connect, path)
        try:
            meanwhile()
        except BaseException:
            if opening.exception() is None:
                opening.result().close()
            raise
    return opening.result()


def execute(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    values: Sequence[object] | Mapping[str, object] = (),
) -> Result:
    """Run one statement and give its rows. Raises WarehouseError with DuckDB's own words."""
    import duckdb

    given = dict(values) if isinstance(values, Mapping) else list(values)
    try:
        rows = _interruptible(connection, _fetch_all, connection, text, given)
    except duckdb.Error as error:
        raise failure(error, connection) from error
    return Result(_names(connection), rows)


def arrays(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    values: Sequence[object] | Mapping[str, object] = (),
) -> dict[str, NDArray[Any]]:
    """Run one statement and give its columns as arrays. Raises WarehouseError with DuckDB's words.

    A column without NULL has the type of its own; in one of numbers, NULL becomes NaN.
    """
    import duckdb

    given = dict(values) if isinstance(values, Mapping) else list(values)
    try:
        return _interruptible(connection, _fetch_arrays, connection, text, given)
    except duckdb.Error as error:
        raise failure(error, connection) from error


def batches(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    values: Sequence[object] | Mapping[str, object] = (),
) -> Iterator[dict[str, NDArray[Any]]]:
    """Run one statement and give its columns as `arrays` does, some of the rows at a time."""
    import duckdb

    given = dict(values) if isinstance(values, Mapping) else list(values)
    try:
        relation = _interruptible(connection, partial(connection.sql, text, params=given or None))
        _, found = _arrow(connection, relation, _MANY_ROWS)
        for batch in found:
            yield {
                name: batch.column(name).to_numpy(zero_copy_only=False)
                for name in batch.schema.names
            }
    except duckdb.Error as error:
        raise failure(error, connection) from error


def statements(
    connection: duckdb.DuckDBPyConnection, text: str, *, arrow: bool = False
) -> Iterator[Result]:
    """Run the statements of `text` one after the other and give the results of those that ask.

    A result is read, or left, before the next is asked for; with `arrow` it is given as Arrow
    alone, without rows. Raises UsageError where there is no statement, WarehouseError with DuckDB's
    words and the place in the SQL where it refuses one.
    """
    import duckdb

    try:
        found = connection.extract_statements(text)
        if not found:
            raise UsageError("there is no SQL to run", hint=NO_SQL_HINT)
        for statement in found:
            asks = _asks(statement)
            if asks and arrow:
                relation = _interruptible(connection, connection.sql, statement)
                read = partial(_arrow, connection, relation)
                yield Result(tuple(relation.columns), (), arrow=read)
                continue
            _interruptible(connection, connection.execute, statement)
            if asks:
                yield Result(_names(connection), _rows(connection))
            # DuckDB starts nothing new while a result is open.
            for _ in _rows(connection):
                pass
    except duckdb.Error as error:
        raise failure(error, connection) from error


def count(connection: duckdb.DuckDBPyConnection, text: str) -> int:
    """Count the statements of `text` that ask for a result; runs none of them.

    Raises WarehouseError where it is not SQL.
    """
    import duckdb

    try:
        return sum(map(_asks, connection.extract_statements(text)))
    except duckdb.Error as error:
        raise failure(error, connection) from error


def run_ids(connection: duckdb.DuckDBPyConnection, condition: str | None) -> list[int]:
    """List the runs that were loaded, or those of them for which an SQL condition on `runs` holds.

    Raises UsageError where it is more than a condition, WarehouseError where DuckDB refuses it.
    """
    import duckdb

    text = "SELECT run_id FROM runs"
    if condition is not None:
        text += f" WHERE {condition}"
    try:
        if len(connection.extract_statements(text)) != 1:
            raise UsageError(f"not one condition: {condition}", hint="give one without `;`")
    except duckdb.Error as error:
        raise failure(error, connection) from error
    return sorted(int(str(row[0])) for row in execute(connection, text).rows)


def failure(error: Exception, connection: duckdb.DuckDBPyConnection) -> WarehouseError:
    """Turn DuckDB's error into one of the tree, with the line and the caret that it gives."""
    import duckdb

    text = str(error).strip() or type(error).__name__
    if _NO_FILES in text:
        # By itself it would read as if something were wrong with the machine.
        text = "the query needs a file other than the warehouse, or more memory than there is"
        return WarehouseError(text, hint=_REFUSED_HINT)
    if _READ_ONLY in text:
        return WarehouseError(text, hint=_READ_ONLY_HINT)
    if any(words in text for words in _REFUSED):
        return WarehouseError(text, hint=_REFUSED_HINT)
    is_missing = isinstance(error, duckdb.CatalogException | duckdb.BinderException)
    if is_missing and _has_other_views(connection):
        return WarehouseError(text, hint=_OTHER_VIEWS_HINT)
    return WarehouseError(text)


def _has_other_views(connection: duckdb.DuckDBPyConnection) -> bool:
    import duckdb

    try:
        return views_of(connection) != catalog.load().digest
    except duckdb.Error:
        # With --unsafe, `USE` may have led away from the warehouse.
        return False


def _asks(statement: duckdb.Statement) -> bool:
    kinds = {kind.name for kind in statement.expected_result_type}
    # PIVOT comes as several statements in one, of which the last asks.
    return kinds == {"QUERY_RESULT"} or statement.type.name == "MULTI"


def _names(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    return tuple(str(column[0]) for column in connection.description or ())


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    while block := _interruptible(connection, connection.fetchmany, _FETCH_ROWS):
        yield from block


def _arrow(
    connection: duckdb.DuckDBPyConnection,
    relation: duckdb.DuckDBPyRelation,
    rows: int = _ARROW_ROWS,
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    reader = _interruptible(connection, relation.to_arrow_reader, rows)

    def batches() -> Iterator[pa.RecordBatch]:
        while (batch := _interruptible(connection, next, reader, None)) is not None:
            yield batch

    return reader.schema, batches()


def _fetch_all(
    connection: duckdb.DuckDBPyConnection, text: str, values: list[object] | dict[str, object]
) -> list[tuple[object, ...]]:
    return connection.execute(text, values).fetchall()


def _fetch_arrays(
    connection: duckdb.DuckDBPyConnection, text: str, values: list[object] | dict[str, object]
) -> dict[str, NDArray[Any]]:
    # By way of Arrow: fetchnumpy takes three times as long.
    table = connection.sql(text, params=values or None).to_arrow_table()
    return {name: table.column(name).to_numpy() for name in table.column_names}


def _interruptible(
    connection: duckdb.DuckDBPyConnection,
    call: Callable[_Given, _Answer],
    *args: _Given.args,
    **options: _Given.kwargs,
) -> _Answer:
    """Run a call of DuckDB's so that Ctrl-C stops it.

    Python sees a signal only between its own steps, and a query is one step: it runs in a thread
    of its own while this one waits. Only the main thread sees signals.
    """
    if current_thread() is not main_thread():
        return call(*args, **options)
    future: Future[_Answer] = Future()

    def work() -> None:
        try:
            future.set_result(call(*args, **options))
        except BaseException as error:
            future.set_exception(error)

    thread = Thread(target=work, name="query", daemon=True)
    thread.start()
    try:
        return future.result()
    except KeyboardInterrupt:
        connection.interrupt()
        thread.join()
        raise
