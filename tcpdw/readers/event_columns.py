"""Names and text of event columns: the rules that every trace reader follows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import pyarrow as pa

RESERVED = frozenset({"ts", "cpu_id", "run_id"})
CONTEXT_PREFIX = "ctx_"
LABEL_SUFFIX = "_label"


def repair_text(text: str) -> str:
    """Return `text` as valid Unicode, cut at the first NUL as C would.

    Bytes that were not UTF-8 (lone surrogates, Python's "surrogateescape") become U+FFFD:
    DuckDB and Arrow refuse anything else.
    """
    text = text.partition("\0")[0]
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def repair_value(value: object) -> object:
    """Return a decoded value with every string in it repaired, however deep it lies."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return repair_text(value)
        return value
    if isinstance(value, list):
        return [repair_value(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {key: repair_value(item) for key, item in cast("dict[str, object]", value).items()}
    return value


def join_labels(labels: Iterable[str]) -> str | None:
    """Return the labels of one enumeration value as one text, None where it has none.

    LTTng writes `_tcp` for `tcp` in CTF 1.8, where a label is also a variant's option and so must
    not be a C keyword: one leading underscore goes, so that every version reads alike. Several
    are in alphabetical order, for babeltrace2 keeps no other.
    """
    names = [repair_text(label).removeprefix("_") for label in labels]
    return "|".join(sorted(set(names))) if names else None


def integer_type(bits: int, *, signed: bool) -> pa.DataType:
    """Return the smallest Arrow type of an integer of 1 to 64 bits."""
    import pyarrow as pa

    sizes = (
        (pa.int8(), pa.int16(), pa.int32(), pa.int64())
        if signed
        else (pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64())
    )
    return next(kind for kind in sizes if kind.bit_width >= bits)


class ColumnNames:
    """Give the columns of one event class their names, in order: unique whatever the letter case.

    A field whose name is taken, is `ts`, `cpu_id` or `run_id`, or starts with `ctx_` has `_`
    appended (several times if need be). Ask for the contexts and fields first and for the derived
    columns (labels, flattened headers) last, so that a field keeps its name before a derived one.
    """

    def __init__(self, reserved: Iterable[str] = RESERVED) -> None:
        self._taken = set(reserved)

    def context(self, name: str) -> str:
        """Return the column of the context `name`: `ctx_<name>`."""
        return self._unique(CONTEXT_PREFIX + (repair_text(name) or "field"))

    def field(self, name: str) -> str:
        """Return the column of the payload field `name`."""
        column = repair_text(name) or "field"
        if column.casefold().startswith(CONTEXT_PREFIX):
            column += "_"
        return self._unique(column)

    def derived(self, column: str) -> str:
        """Return the name of a column that is derived from others."""
        return self._unique(column)

    def _unique(self, column: str) -> str:
        while column.casefold() in self._taken:
            column += "_"
        self._taken.add(column.casefold())
        return column
