"""Results for people and programs: aligned text, JSON, CSV, Parquet; nothing of click or DuckDB."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, cast

from tcpdw.errors import UsageError
from tcpdw.new_file import replacing

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table

Format = Literal["table", "json", "csv", "parquet"]

FORMATS: tuple[Format, ...] = ("table", "json", "csv", "parquet")

TERMINAL_ROWS = 1000
"""At most so many rows go to a terminal, where nobody reads more."""

FOLDED_CELLS = 20
"""On a terminal a column that is wider than this may be folded."""

ALIGNED_ROWS = 10_000
"""The widths of plain columns come from so many rows, so that long results need no more memory."""


@dataclass(frozen=True, slots=True)
class Result:
    """Columns and rows, read once; `right` names columns to align right beside those of numbers.

    `arrow` gives the rows as Arrow, schema and batches; where it is missing types are inferred.
    """

    columns: tuple[str, ...]
    rows: Iterable[Sequence[object]]
    right: frozenset[str] = frozenset()
    arrow: Callable[[], tuple[pa.Schema, Iterator[pa.RecordBatch]]] | None = None


def clean(text: str) -> str:
    """Return `text` with what could steer a terminal (controls, bidi marks) as a visible escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def write(result: Result, form: Format, path: Path | None = None) -> None:
    """Write a result to a file, in whole or not at all, or to standard output.

    On a terminal a table is drawn with rich, elsewhere it is plain aligned text. Raises UsageError
    for Parquet on a terminal, TcpdwError where the file cannot be written.
    """
    if path is not None:
        _write_file(result, form, path)
    elif form == "parquet":
        if sys.stdout.isatty():
            raise UsageError(
                "Parquet is not for a terminal", hint="add -o FILE, or redirect the output"
            )
        with tempfile.TemporaryFile() as file:
            _write_parquet(result, file)
            file.seek(0)
            while block := file.read(1 << 20):
                sys.stdout.buffer.write(block)
    elif form == "table" and sys.stdout.isatty():
        _draw(result)
    else:
        _write_text(result, form, sys.stdout, is_terminal=sys.stdout.isatty())


def cell(value: object) -> str:
    """Write one value for people: NULL as nothing, control characters as escapes."""
    return clean(_text(value))


def width(text: str) -> int:
    """Count the terminal cells that a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def plain_lines(result: Result) -> Iterator[str]:
    """Give a result as aligned lines: a heading, a rule, the rows; numbers to the right."""
    rows = iter(result.rows)
    head = list(islice(rows, ALIGNED_ROWS))
    texts = [[cell(value) for value in row] for row in head]
    names = [clean(name) for name in result.columns]
    widths = [max([width(name), *(width(row[i]) for row in texts)]) for i, name in enumerate(names)]
    right = _right(result, head)
    yield _line(names, widths, right)
    yield "  ".join("-" * size for size in widths)
    for row in chain(texts, ([cell(value) for value in row] for row in rows)):
        yield _line(row, widths, right)


def _line(texts: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells: list[str] = []
    for text, size, is_right in zip(texts, widths, right, strict=True):
        pad = " " * (size - width(text))
        cells.append(pad + text if is_right else text + pad)
    return "  ".join(cells).rstrip()


def _right(result: Result, rows: Sequence[Sequence[object]]) -> list[bool]:
    flags: list[bool] = []
    for i, name in enumerate(result.columns):
        values = [row[i] for row in rows if row[i] is not None]
        are_numbers = bool(values) and all(
            isinstance(value, int | float | Decimal) and not isinstance(value, bool)
            for value in values
        )
        flags.append(name in result.right or are_numbers)
    return flags


def _draw(result: Result) -> None:
    from rich.console import Console

    rows = iter(result.rows)
    head = list(islice(rows, TERMINAL_ROWS))
    console = Console(highlight=False)
    if _least_width(result.columns, head) > console.width:
        # Folded into columns of a few characters nobody could read it.
        for line in plain_lines(replace(result, rows=head)):
            print_line(line)
    else:
        console.print(_table(result, head))
    if next(rows, None) is not None:
        print_line(f"the first {TERMINAL_ROWS:,} rows; for all of them use --format csv, or a pipe")


def _table(result: Result, rows: Sequence[Sequence[object]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name, is_right in zip(result.columns, _right(result, rows), strict=True):
        table.add_column(
            Text(clean(name)), justify="right" if is_right else "left", overflow="fold"
        )
    for row in rows:
        # As Text, square brackets in a name are no markup.
        table.add_row(*(Text(cell(value)) for value in row))
    return table


def _least_width(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    """Give the width below which folding spoils a table: long texts may fold, numbers not."""
    widths = (
        max([width(clean(name)), *(width(cell(row[i])) for row in rows)])
        for i, name in enumerate(columns)
    )
    return sum(min(size, FOLDED_CELLS) + 3 for size in widths)


def print_line(text: str = "", file: IO[str] | None = None) -> None:
    """Print a line; the caller has cleaned what is not its own in it."""
    out = sys.stdout if file is None else file
    out.write(text + "\n")


def _write_text(result: Result, form: Format, file: IO[str], *, is_terminal: bool) -> None:
    if form == "json":
        _write_json(result, file)
    elif form == "csv":
        writer = csv.writer(file, lineterminator="\n")
        show = clean if is_terminal else str
        writer.writerow([show(name) for name in result.columns])
        for row in result.rows:
            writer.writerow([show(_text(value)) for value in row])
    else:
        for line in plain_lines(result):
            print_line(line, file)


def _write_json(result: Result, file: IO[str]) -> None:
    """Write an array of objects, an object a line, in ASCII: no control character gets through."""
    names = _distinct(result.columns)
    before = "[\n"
    for row in result.rows:
        values = {name: _plain(value) for name, value in zip(names, row, strict=True)}
        file.write(before + json.dumps(values, allow_nan=False))
        before = ",\n"
    file.write("[]\n" if before == "[\n" else "\n]\n")


def _write_parquet(result: Result, file: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = _distinct(result.columns)
    if result.arrow is not None:
        given, batches = result.arrow()
        schema = pa.schema(list(zip(names, given.types, strict=True)))
        with pq.ParquetWriter(file, schema) as writer:
            for batch in batches:
                writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
    else:
        rows = [dict(zip(names, row, strict=True)) for row in result.rows]
        columns = {name: [row[name] for row in rows] for name in names}
        pq.write_table(pa.table(cast("dict[str, Any]", columns)), file)


def _write_file(result: Result, form: Format, path: Path) -> None:
    with replacing(path) as file:
        _write_binary(result, form, file)


def _write_binary(result: Result, form: Format, file: IO[bytes]) -> None:
    if form == "parquet":
        _write_parquet(result, file)
        return
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    _write_text(result, form, text, is_terminal=False)
    text.flush()
    text.detach()


def _distinct(names: Sequence[str]) -> list[str]:
    """Give columns of one name names of their own: an object holds each key once."""
    found: list[str] = []
    for name in names:
        number, unique = 1, name
        while unique in found:
            unique, number = f"{name}_{number}", number + 1
        found.append(unique)
    return found


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple | dict):
        return json.dumps(_plain(cast(object, value)), ensure_ascii=False, allow_nan=False)
    return str(value)


def _plain(value: object) -> object:
    """Turn a value into what JSON has: not-a-number and infinities become null."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | Decimal):
        number = float(value)
        return number if math.isfinite(number) else None
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return {_text(key): _plain(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("Sequence[object]", value)]
    return _text(value)
