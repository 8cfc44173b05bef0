"""The rows of event classes as Arrow, in the shape and order in which the warehouse stores them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tcpdw.event_places import BASE, SHARED, Field, Place, kind_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

ROW_GROUP = 122_880
"""DuckDB's rows a row group: batches of this size are compressed as they come, side by side."""

FIRST = ("run_id", "code", "ts", "cpu_id", "ctx_tid", "ret")
"""The columns with which every table of the store starts."""

_MANY_CPUS = 4096
_SIMPLE = {
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "uint8": "UTINYINT",
    "uint16": "USMALLINT",
    "uint32": "UINTEGER",
    "uint64": "UBIGINT",
    "string": "VARCHAR",
    "large_string": "VARCHAR",
    "bool": "BOOLEAN",
    "float": "FLOAT",
    "double": "DOUBLE",
    "binary": "BLOB",
    "null": "INTEGER",
}


Part = tuple[int, Mapping[str, "pa.Table"], str]
"""A run's rows of a class: the run's number, its classes, and the class's name there."""

_Columns = Mapping[str, "pa.Array[Any]"]
_Item = TypeVar("_Item")


@dataclass(slots=True)
class Extent:
    """From when to when a run's events reach, and on which cpus they were."""

    first: int | None = None
    last: int | None = None
    events: int = 0
    cpus: set[int] = field(default_factory=set[int])


@dataclass(slots=True)
class Rows:
    """Rows of one event class with one Arrow schema, and their place.

    `parts` names them by run: its number, its classes, and the class's name there. They are looked
    up when they are wanted, for they may lie on disk until then.
    """

    place: Place
    parts: Sequence[Part]


def duckdb_type(kind: pa.DataType) -> str:
    """Give the type in which DuckDB holds values of an Arrow type; raises ValueError for others."""
    import pyarrow as pa

    if (simple := _SIMPLE.get(str(kind))) is not None:
        return simple
    if pa.types.is_dictionary(kind):
        return duckdb_type(cast("pa.DictionaryType[Any, Any]", kind).value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return duckdb_type(cast("pa.ListType[Any]", kind).value_type) + "[]"
    if pa.types.is_struct(kind):
        fields = (
            '"' + item.name.replace('"', '""') + '" ' + duckdb_type(item.type)
            for item in cast("Iterable[pa.Field[Any]]", kind)
        )
        return f"STRUCT({', '.join(fields)})"
    raise ValueError(f"no column holds values of the type {kind}")


def fields_of(event: str, schema: pa.Schema) -> list[Field]:
    """Give the fields of a class's rows: all columns but `ts`, `cpu_id` and `ctx_tid`."""
    found: list[Field] = []
    for name, type_ in zip(schema.names, schema.types, strict=True):
        if name not in BASE:
            kind = duckdb_type(type_)
            found.append(Field(name, kind, kind_of(event, name, kind)))
    return found


def gathered(
    runs: Iterable[Mapping[str, pa.Table]],
) -> Iterator[tuple[str, pa.Schema, list[Part]]]:
    """Give, by event class and Arrow schema, the `parts` of `Rows`, those without rows left out.

    Runs are numbered from 0.
    """
    where: dict[str, list[Part]] = {}
    for number, classes in enumerate(runs):
        for name in classes:
            # A view needs a name of at least one character.
            where.setdefault(name or "unnamed", []).append((number, classes, name))
    for name in sorted(where):
        shapes: list[tuple[pa.Schema, list[Part]]] = []
        for part in where[name]:
            table = part[1][part[2]]
            parts = next((known for schema, known in shapes if schema.equals(table.schema)), None)
            if parts is None:
                shapes.append((table.schema, parts := list[Part]()))
            if table.num_rows:
                parts.append(part)
        for schema, parts in shapes:
            yield name, schema, parts


def shared_rows(
    rows: Sequence[Rows], extents: Mapping[int, Extent]
) -> Generator[tuple[str, pa.RecordBatchReader]]:
    """Give the rows of each shared table as whole row groups, each made while another is stored.

    A table's are to be taken before the next table's.
    """
    import pyarrow as pa

    schemas = {relation: _schema(relation) for relation in SHARED}

    def groups() -> Iterator[tuple[str, pa.RecordBatch]]:
        for relation, schema in schemas.items():
            mine = [each for each in rows if each.place.relation == relation and each.parts]
            parts = ((len(columns["ts"]), columns) for columns in _columns(mine, extents))
            for batch in _row_groups(schema, parts):
                yield relation, batch

    with ThreadPoolExecutor(1) as thread:
        for relation, made in groupby(_ahead(groups(), thread), itemgetter(0)):
            batches = (batch for _, batch in made)
            yield relation, pa.RecordBatchReader.from_batches(schemas[relation], batches)


def _ahead(items: Iterator[_Item], thread: ThreadPoolExecutor) -> Iterator[_Item]:
    """Yield the items; a thread makes the next one meanwhile."""
    following = thread.submit(next, items, None)
    while (item := following.result()) is not None:
        following = thread.submit(next, items, None)
        yield item


def _schema(relation: str) -> pa.Schema:
    import pyarrow as pa

    kinds = {"i": pa.int64(), "u": pa.uint64(), "s": pa.string()}
    slots = [(f"{k}{n + 1}", kinds[k]) for k, room in SHARED[relation].items() for n in range(room)]
    return pa.schema([*_first_types(), *slots])


def own_table(rows: Rows, extents: Mapping[int, Extent]) -> pa.Table:
    """Give the rows of a class that has a table of its own."""
    import pyarrow as pa

    [columns] = _columns([rows], extents)
    return pa.table(dict(columns))


def _first_types() -> list[tuple[str, pa.DataType]]:
    import pyarrow as pa

    kinds = (pa.int32(), pa.uint32(), pa.int64(), pa.int32(), pa.int32(), pa.int64())
    return list(zip(FIRST, kinds, strict=True))


def _row_groups(
    schema: pa.Schema, parts: Iterable[tuple[int, _Columns]]
) -> Iterator[pa.RecordBatch]:
    taken: list[tuple[int, int, _Columns]] = []
    room = ROW_GROUP
    nulls: dict[pa.DataType, pa.Array[Any]] = {}

    def group() -> pa.RecordBatch:
        import pyarrow as pa

        size = ROW_GROUP - room
        arrays: list[pa.Array[Any]] = []
        for name, kind in zip(schema.names, schema.types, strict=True):
            if kind not in nulls or len(nulls[kind]) < size:
                nulls[kind] = _nulls(kind, size)
            empty = nulls[kind]
            pieces = [
                columns[name].slice(start, count) if name in columns else empty[:count]
                for start, count, columns in taken
            ]
            if not any(name in columns for _, _, columns in taken):
                arrays.append(empty[:size])
            else:
                arrays.append(pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces))
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    for length, columns in parts:
        start = 0
        while start < length:
            count = min(length - start, room)
            taken.append((start, count, columns))
            start += count
            room -= count
            if not room:
                yield group()
                taken, room = [], ROW_GROUP
    if taken:
        yield group()


def _nulls(kind: pa.DataType, count: int) -> pa.Array[Any]:
    import pyarrow as pa

    return cast("pa.Array[Any]", pa.nulls(count, cast(Any, kind)))


def _columns(rows: Iterable[Rows], extents: Mapping[int, Extent]) -> Iterator[_Columns]:
    """Give the columns of the store's tables for each set of rows, in order of run and time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    for each in rows:
        place = each.place
        tables = [classes[name] for _, classes, name in each.parts]
        numbers = np.array([run_id for run_id, _, _ in each.parts], np.int32)
        lengths = np.array([table.num_rows for table in tables])
        table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
        index = np.repeat(np.arange(len(numbers)), lengths)
        ts = table["ts"].to_numpy()
        _extend(extents, numbers, lengths, ts, table["cpu_id"], index)
        if not bool(np.all((ts[1:] >= ts[:-1]) | (index[1:] != index[:-1]))):
            # Tables come run by run: ordered by time, then stably by run.
            order = np.lexsort((ts, index)).astype(np.int64)
            table = table.take(pa.array(order, pa.int64()))
        names = table.column_names
        arrays = [_one(table.column(number)) for number in range(len(names))]
        tids = _one(table["ctx_tid"].cast(pa.int64()).fill_null(pa.scalar(0, pa.int64())))
        columns: dict[str, pa.Array[Any]] = {
            "run_id": pa.array(np.repeat(numbers, lengths)),
            "code": pa.array(np.full(len(ts), place.code, np.uint32)),
        }
        slots = place.slots()
        for name, array in zip(names, arrays, strict=True):
            if name in ("ts", "cpu_id", "ctx_tid"):
                columns[name] = array
                continue
            kind = kind_of(place.name, name, duckdb_type(array.type))
            slot = slots[name.lower()]
            if place.is_own and slot != "ret":
                columns[slot] = array
            elif kind == "pid":
                columns[slot] = pc.subtract(_stored(array, "i"), tids)
            else:
                columns[slot] = _stored(array, kind)
            if name == "ret" and kind == "u" and "syscall_exit_" in place.name:
                # What is a pointer is unsigned, and an error in it a negative number all the same.
                columns["ret"] = array.cast(pa.int64(), safe=False)
        yield columns


def _one(column: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    import pyarrow as pa

    chunks = column.chunks
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)


def _stored(array: pa.Array[Any], kind: str) -> pa.Array[Any]:
    import pyarrow as pa

    stored = {"i": pa.int64(), "ret": pa.int64(), "u": pa.uint64(), "s": pa.string()}[kind]
    return array if array.type == stored else array.cast(stored)


def _extend(
    extents: Mapping[int, Extent],
    numbers: NDArray[np.int32],
    lengths: NDArray[np.int64],
    ts: NDArray[np.int64],
    cpu_ids: pa.ChunkedArray[Any],
    index: NDArray[np.int64],
) -> None:
    import numpy as np
    import pyarrow as pa

    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    lows, highs = np.minimum.reduceat(ts, starts), np.maximum.reduceat(ts, starts)
    cpus = cpu_ids.fill_null(pa.scalar(-1, pa.int32())).to_numpy()
    top = int(cpus.max())
    if top < _MANY_CPUS and int(cpus.min()) >= -1:
        seen = np.zeros((len(numbers), top + 2), np.bool_)
        seen[index, cpus] = True
        found = [np.flatnonzero(row[: top + 1]) for row in seen]
    else:
        found = [np.unique(cpus[index == i]) for i in range(len(numbers))]
    for i, run_id in enumerate(numbers.tolist()):
        extent = extents[run_id]
        extent.events += int(lengths[i])
        low, high = int(lows[i]), int(highs[i])
        extent.first = low if extent.first is None else min(extent.first, low)
        extent.last = high if extent.last is None else max(extent.last, high)
        extent.cpus.update(cpu for cpu in found[i].tolist() if cpu >= 0)
