"""Trace items gathered: in memory, or on disk as Arrow IPC files by event class.

On disk they pass from one process to another, and need no memory however many they are. A
spool is a directory of numbered `.arrow` files and `spool.json`, written last: it names the
classes, their files and rows, and holds what `TraceHead` and `TraceEnd` said.
"""

from __future__ import annotations

import itertools
import json
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import pyarrow as pa

from tcpdw.errors import TraceError
from tcpdw.readers import Clock, EventBatch, LostWindow, StreamCount, TraceEnd, TraceHead, TraceItem

INDEX = "spool.json"
# A part of a class is written once its batches reach this, or all pending ones the second (bytes).
_PART = 8 << 20
_PENDING = 64 << 20
# A trace with more bytes of rows goes to disk, whatever room there is.
_HELD = 48 << 20


@dataclass(frozen=True, slots=True)
class SpooledClass:
    """One event class of a spool: its name, rows, and files in the order of their rows."""

    name: str
    rows: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpoolSummary:
    """What a spool holds."""

    head: TraceHead
    end: TraceEnd
    classes: tuple[SpooledClass, ...]

    @property
    def events(self) -> int:
        """The number of events."""
        return sum(each.rows for each in self.classes)

    def to_json(self) -> str:
        """Return the summary as JSON text."""
        clock = self.head.clock
        return json.dumps(
            {
                "env": dict(self.head.env),
                "clock": None if clock is None else asdict(clock),
                "streams": [asdict(stream) for stream in self.end.streams],
                "lost": [asdict(window) for window in self.end.lost],
                "warnings": self.end.warnings,
                "classes": [asdict(each) for each in self.classes],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> SpoolSummary:
        """Return the summary that `to_json` wrote."""
        data = json.loads(text)
        clock = data["clock"]
        return cls(
            TraceHead(data["env"], None if clock is None else Clock(**clock)),
            TraceEnd(
                tuple(StreamCount(**stream) for stream in data["streams"]),
                tuple(LostWindow(**window) for window in data["lost"]),
                tuple(data["warnings"]),
            ),
            tuple(
                SpooledClass(each["name"], each["rows"], tuple(each["files"]))
                for each in data["classes"]
            ),
        )


def write(items: Iterator[TraceItem], directory: Path) -> SpoolSummary:
    """Write a trace reader's items into `directory`, made if need be; return what it then holds.

    Memory stays bounded whatever the trace's size, and no more than one file is open at a time.
    Raises what the reader raises; `spool.json` is written only once all of it was read.
    """
    directory.mkdir(parents=True, exist_ok=True)
    head, end = TraceHead({}, None), TraceEnd()
    writer = _Writer(directory)
    for item in items:
        match item:
            case TraceHead():
                head = item
            case EventBatch():
                writer.add(item)
            case TraceEnd():
                end = item
    summary = SpoolSummary(head, end, writer.close())
    partial = directory / (INDEX + ".part")
    partial.write_text(summary.to_json(), encoding="utf-8")
    partial.rename(directory / INDEX)
    return summary


class Room:
    """Memory for the rows of small traces: `size` bytes in all, given back with the rows."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Take `size` bytes; False where there are no more as many."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True

    def give(self, size: int) -> None:
        """Give back `size` bytes."""
        with self._lock:
            self._left += size


def gather(items: Iterator[TraceItem], directory: Path, room: Room) -> Spool:
    """Read a trace reader's items: into memory if they are few and `room` has some, else to files.

    The files go to `directory`, as `write` puts them there.
    """
    head, end = TraceHead({}, None), TraceEnd()
    held: dict[str, list[pa.RecordBatch]] = {}
    size = 0
    try:
        for item in items:
            match item:
                case TraceHead():
                    head = item
                case TraceEnd():
                    end = item
                case EventBatch():
                    held.setdefault(item.name, []).append(item.columns)
                    taken = item.columns.get_total_buffer_size()
                    if size + taken > _HELD or not room.take(taken):
                        room.give(size)
                        size = 0
                        write(itertools.chain([head], _let_go(held), items), directory)
                        return Spool.open(directory)
                    size += taken
    except BaseException:
        room.give(size)
        raise
    tables = {name: _joined(batches) for name, batches in held.items()}
    classes = tuple(SpooledClass(name, table.num_rows, ()) for name, table in tables.items())
    spool = Spool(directory, SpoolSummary(head, end, classes), tables)
    weakref.finalize(spool, room.give, size)
    return spool


def _let_go(held: dict[str, list[pa.RecordBatch]]) -> Iterator[EventBatch]:
    """Yield batches and forget them."""
    for name in list(held):
        for batch in held.pop(name):
            yield EventBatch(name, batch)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    if len(batches) == 1:
        return pa.Table.from_batches(batches)
    return concat([pa.Table.from_batches([batch]) for batch in batches])


class Spool:
    """A read trace: `summary`, and `classes`, one table an event class, read when asked for.

    `is_held` tells that they are in memory, rather than on disk.
    """

    def __init__(
        self,
        directory: Path,
        summary: SpoolSummary,
        classes: Mapping[str, pa.Table] | None = None,
    ) -> None:
        self.directory = directory
        self.summary = summary
        self.is_held = classes is not None
        self.classes = _Tables(directory, summary.classes) if classes is None else classes

    @classmethod
    def open(cls, directory: Path) -> Spool:
        """Open the spool in `directory`; raises TraceError where there is none."""
        try:
            text = (directory / INDEX).read_text(encoding="utf-8")
            return cls(directory, SpoolSummary.from_json(text))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TraceError(f"no complete spool: {error}", path=directory) from error


class _Tables(Mapping[str, pa.Table]):
    """Tables by event class, mapped from their files: what is not looked at is not read."""

    def __init__(self, directory: Path, classes: Sequence[SpooledClass]) -> None:
        self._directory = directory
        self._classes = {each.name: each for each in classes}

    def __getitem__(self, name: str) -> pa.Table:
        files = self._classes[name].files
        return concat([read_table(self._directory / file) for file in files])

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)


def write_table(table: pa.Table, path: Path) -> None:
    """Write `table` as an Arrow IPC file."""
    with pa.OSFile(str(path), "wb") as target, pa.ipc.new_file(target, table.schema) as writer:
        writer.write_table(table)


def read_table(path: Path) -> pa.Table:
    """Map the Arrow IPC file at `path` into memory."""
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def concat(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the tables as one, with all their columns.

    A column that is missing somewhere is NULL there; one whose types differ takes the type that
    holds both. Where none does (a number and a text, a signed and an unsigned 64-bit number), the
    later type's values keep a column of their own, `<name>_<type>`.
    """
    if all(table.schema.equals(tables[0].schema) for table in tables):
        return pa.concat_tables(tables)
    result = tables[0]
    for table in tables[1:]:
        try:
            result = pa.concat_tables([result, table], promote_options="permissive")
        except pa.ArrowException:
            apart = _kept_apart(result, table)
            result = pa.concat_tables([result, apart], promote_options="permissive")
    return result


def _kept_apart(result: pa.Table, table: pa.Table) -> pa.Table:
    names: list[str] = []
    taken = {name.casefold() for name in (*result.column_names, *table.column_names)}
    for name in table.column_names:
        kind = cast(pa.DataType, table.schema.field(name).type)
        if name in result.column_names and not _agree(result, table, name):
            name = f"{name}_{str(kind).partition('<')[0]}"
            while name.casefold() in taken and not _is(result, name, kind):
                name += "_"
        names.append(name)
    return table.rename_columns(names)


def _agree(one: pa.Table, other: pa.Table, name: str) -> bool:
    try:
        pa.concat_tables([one.select([name]), other.select([name])], promote_options="permissive")
    except pa.ArrowException:
        return False
    return True


def _is(table: pa.Table, name: str, kind: pa.DataType) -> bool:
    return name in table.column_names and cast(pa.DataType, table.schema.field(name).type) == kind


class _Writer:
    """Collects batches by class, and writes a class's batches once there are enough of them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._batches: dict[str, list[pa.RecordBatch]] = {}
        self._bytes: dict[str, int] = {}
        self._files: dict[str, list[str]] = {}
        self._rows: dict[str, int] = {}
        self._written = 0
        self._pending = 0

    def add(self, batch: EventBatch) -> None:
        name, columns = batch.name, batch.columns
        pending = self._batches.setdefault(name, [])
        if pending and not pending[0].schema.equals(columns.schema):
            self._flush(name)
        self._batches[name].append(columns)
        self._bytes[name] = self._bytes.get(name, 0) + columns.nbytes
        self._pending += columns.nbytes
        self._rows[name] = self._rows.get(name, 0) + columns.num_rows
        if self._bytes[name] >= _PART:
            self._flush(name)
        elif self._pending >= _PENDING:
            self._flush(max(self._bytes, key=lambda each: self._bytes[each]))

    def close(self) -> tuple[SpooledClass, ...]:
        for name in list(self._batches):
            self._flush(name)
        return tuple(
            SpooledClass(name, self._rows[name], tuple(files))
            for name, files in self._files.items()
        )

    def _flush(self, name: str) -> None:
        batches = self._batches[name]
        if not batches:
            return
        # One chunk a part: dictionaries of labels must agree within a file.
        table = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
        file = f"{self._written:06d}.arrow"
        self._written += 1
        write_table(table, self._directory / file)
        self._files.setdefault(name, []).append(file)
        self._batches[name] = []
        self._pending -= self._bytes[name]
        self._bytes[name] = 0
