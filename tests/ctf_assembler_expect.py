"""What a CTF case expects, and whether a reading is it.

    expect:             event classes, each `> NAME: ts, cpu_id, COLUMN, COLUMN TYPE, ...` and then
                        its rows, JSON values with commas between (bytes as "hex:0aff"); a TYPE is
                        Arrow's, as `uint8`, `list<uint8>`, `struct<a: uint8>`. `...` behind the
                        columns: there may be more of them. In the stream's order, if it is one
    streams:            `FILE CPU EVENTS` a stream, in any order; CPU a number or null
    lost:               `CPU START END EVENTS` a window, in any order
    warnings:           a line a warning, in any order, with ` | ` between the parts of it that must
                        occur: `byte 7..40` asks for any number there in this range, which is
                        also `byte 7..+33`
    head:               `env JSON`, `clock NAME FREQUENCY OFFSET`, or `no clock`
    error:              a line each that the message of the TraceError has in it
    declined:           the same for the native reader's reason not to read it

A section for one reader alone has its name behind: `warnings bt2:`. Where there is no section,
there must be no warning, no loss, no error; streams and head are then not looked at. `{MARK}`
stands for a mark of the streams.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from ctf_assembler_case import Case, Section

from tcpdw.readers import EventBatch, LostWindow, TraceEnd, TraceHead, TraceItem
from tcpdw.readers.spool import Spool

_PLACE = re.compile(r"(.*)byte (\d+)\.\.(\+?)(\d+)(.*)")


@dataclass(frozen=True)
class Reading:
    """All of what a reader said of a trace."""

    head: TraceHead
    tables: dict[str, pa.Table]
    end: TraceEnd

    @classmethod
    def of(cls, items: Iterable[TraceItem]) -> Reading:
        """Collect a reader's items: a head, batches, an end, in this order."""
        head, *batches, end = items
        assert isinstance(head, TraceHead)
        assert isinstance(end, TraceEnd)
        pieces: dict[str, list[pa.RecordBatch]] = defaultdict(list)
        for batch in batches:
            assert isinstance(batch, EventBatch)
            pieces[batch.name].append(batch.columns)
        tables = {name: _joined(each) for name, each in pieces.items()}
        return cls(head, tables, end)

    @classmethod
    def of_spool(cls, spool: Spool) -> Reading:
        """Take what a reader in a child process left."""
        tables = {name: _plain(table) for name, table in spool.classes.items()}
        return cls(spool.summary.head, tables, spool.summary.end)


def _joined(batches: list[pa.RecordBatch]) -> pa.Table:
    return _plain(pa.concat_tables([pa.Table.from_batches([batch]) for batch in batches]))


def _plain(table: pa.Table) -> pa.Table:
    """Return the table with text where it has dictionaries of text: readers may choose."""
    fields = [
        field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields)).combine_chunks()


def check(case: Case, reader: str, trace: Path, reading: Reading) -> None:
    """Assert that `reading` is what the case expects of the reader `reader`."""
    for section in case.sections:
        refused = section.kind == "error" or (section.kind == "declined" and reader == "native")
        if refused and reader in (section.words or [reader]):
            raise AssertionError(f"it was read; expected was: {section.text}")
    found = {name: _rows(table) for name, table in reading.tables.items()}
    expected, columns, types, open_ended = _expected(case, reader)
    for name, names in columns.items():
        if name in reading.tables and open_ended[name]:
            table = reading.tables[name].select(names)
            found[name] = _rows(table)
        elif name in reading.tables:
            told = reading.tables[name].column_names
            assert told == names, f"columns of {name}: {told}"
    for name in {*found, *(name for name, rows in expected.items() if rows)}:
        rows = found.get(name, [])
        wanted = expected.get(name, [])
        if len(case.all("stream")) > 1:
            # A reader may take streams one by one, or side by side.
            rows, wanted = sorted(rows, key=repr), sorted(wanted, key=repr)
        assert comparable(rows) == comparable(wanted), f"{name}: {rows} is not {wanted}"
    for (name, column), kind in types.items():
        if name in reading.tables:
            told = spelled(reading.tables[name].schema.field(column).type)
            assert told == kind, f"{name}.{column} is {told}, not {kind}"
    _check_end(case, reader, trace, reading.end)
    _check_head(case, reader, reading.head)


def check_error(case: Case, reader: str, trace: Path, kind: str, error: Exception) -> None:
    """Assert that `error` is the one expected; `kind` is the section: "error" or "declined"."""
    section = _section(case, kind, reader)
    text = str(error).replace(str(trace), "TRACE")
    assert section is not None, f"not read: {text}"
    for line in _lines(case, section):
        assert line in text, f"{line!r} is not in {text!r}"
    assert "\n" not in text, text


def spelled(kind: pa.DataType) -> str:
    """Return how a case spells an Arrow type."""
    return re.sub(r"<(item|element)( not null)?: ", "<", str(kind))


def _section(case: Case, kind: str, reader: str) -> Section | None:
    sections = [s for s in case.all(kind) if not s.words or reader in s.words]
    return max(sections, key=lambda section: len(section.words), default=None)


def _lines(case: Case, section: Section | None) -> list[str]:
    lines: list[str] = []
    for line in section.text.splitlines() if section else []:
        if line.strip() and not line.startswith("#"):
            for mark, offset in case.marks.items():
                line = line.replace(f"{{{mark}}}", str(offset))
            lines.append(line.strip())
    return lines


def _expected(
    case: Case, reader: str
) -> tuple[
    dict[str, list[list[Any]]],
    dict[str, list[str]],
    dict[tuple[str, str], str],
    dict[str, bool],
]:
    section = _section(case, "expect", reader)
    rows: dict[str, list[list[Any]]] = {}
    columns: dict[str, list[str]] = {}
    types: dict[tuple[str, str], str] = {}
    open_ended: dict[str, bool] = {}
    name = ""
    for line in _lines(case, section):
        assert section is not None
        if line.startswith("> "):
            name, _, names = line[2:].rpartition(": ") if "<" not in line else _split(line[2:])
            rows[name], columns[name] = [], []
            words = _columns(names)
            open_ended[name] = words[-1] == "..."
            for word in words[:-1] if open_ended[name] else words:
                column, _, kind = word.partition(" ")
                columns[name].append(column)
                if kind:
                    types[name, column] = kind
            continue
        try:
            row = json.loads(f"[{line}]")
        except ValueError as error:
            raise section.fail(f"{line}: {error}") from None
        if len(row) != len(columns[name]):
            raise section.fail(f"{line}: {len(row)} values for {len(columns[name])} columns")
        rows[name].append(row)
    return rows, columns, types, open_ended


def _columns(text: str) -> list[str]:
    """Split at the commas that are in no angle brackets."""
    words = [""]
    for word in text.split(", "):
        if words[-1].count("<") > words[-1].count(">"):
            words[-1] += ", " + word
        else:
            words.append(word)
    return words[1:]


def _split(line: str) -> tuple[str, str, str]:
    name, _, names = line.partition(": ts,")
    return name, ": ", "ts," + names


def _rows(table: pa.Table) -> list[list[Any]]:
    return [list(row.values()) for row in table.to_pylist()]


def comparable(value: Any) -> Any:
    """Return a value whose equality is that of what it shows: NaN is NaN, 1 is not 1.0 or true."""
    if isinstance(value, list):
        return [comparable(each) for each in value]
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, bytes):
        value = f"hex:{value.hex()}"
    if isinstance(value, float):
        return ("real", "NaN" if math.isnan(value) else repr(value))
    return (type(value).__name__, value)


def _check_end(case: Case, reader: str, trace: Path, end: TraceEnd) -> None:
    streams = _section(case, "streams", reader)
    if streams is not None:
        told = Counter(f"{s.stream} {json.dumps(s.cpu_id)} {s.events}" for s in end.streams)
        assert told == Counter(_lines(case, streams)), f"streams: {told}"
    lost = Counter(map(_shown, end.lost))
    assert lost == Counter(_lines(case, _section(case, "lost", reader))), f"lost: {lost}"
    warnings = [text.replace(str(trace), "TRACE") for text in end.warnings]
    patterns = _lines(case, _section(case, "warnings", reader))
    for pattern in patterns:
        fitting = next((text for text in warnings if _fits(text, pattern)), None)
        assert fitting is not None, f"no warning {pattern!r} in {warnings}"
        warnings.remove(fitting)
    assert warnings == [], f"warned of too: {warnings}"


def _shown(window: LostWindow) -> str:
    return f"{json.dumps(window.cpu_id)} {window.start_ts} {window.end_ts} {window.events}"


def _fits(text: str, pattern: str) -> bool:
    for part in pattern.split(" | "):
        place = _PLACE.fullmatch(part)
        if place is None:
            if part not in text:
                return False
            continue
        before, low, plus, high, behind = place.groups()
        last = int(low) + int(high) if plus else int(high)
        numbers = re.findall(rf"{re.escape(before)}byte (\d+){re.escape(behind)}", text)
        if not any(int(low) <= int(number) <= last for number in numbers):
            return False
    return True


def _check_head(case: Case, reader: str, head: TraceHead) -> None:
    for line in _lines(case, _section(case, "head", reader)):
        word, _, rest = line.partition(" ")
        if word == "env":
            assert dict(head.env) == json.loads(rest)
        elif line == "no clock":
            assert head.clock is None
        else:
            assert word == "clock"
            assert head.clock is not None
            clock = head.clock
            assert f"{clock.name} {clock.frequency} {clock.offset_ns}" == rest
