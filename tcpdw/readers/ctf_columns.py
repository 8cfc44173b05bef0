"""The columns that CTF's field types become: their Arrow types, and their places in the decoder.

The rules are those of the bt2 reader: see `event_columns` for the names. A structure is a struct, a
variant a struct of its options of which one is not NULL, a sequence a list; an enumeration has a
column of labels beside its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tcpdw.readers import Declined
from tcpdw.readers.ctf_types import (
    Array,
    Blob,
    Boolean,
    FieldType,
    Integer,
    Optional,
    Real,
    String,
    Struct,
    Text,
    Variant,
)
from tcpdw.readers.event_columns import LABEL_SUFFIX, ColumnNames, integer_type, repair_text

FIXED, BIT, TEXT, CODES, LIST, STRUCT = range(6)  # native/columns.h: enum column_kind
_DEEPEST = 64

Fields = dict[str, "Target"]


@dataclass(slots=True)
class Target:
    """Where a field's values go: a column, and those of its parts by their place in the type.

    `label` is where its labels go. Parts of a list are element 0 alone.
    """

    column: int
    label: Target | None = None
    parts: dict[int, Target] = field(default_factory=dict[int, "Target"])


@dataclass(slots=True)
class Spec:
    """A column as the decoder knows it (native/columns.h: struct column_spec)."""

    kind: int
    width: int = 0
    parent: int = -1
    level: int = 0
    own_level: int = 0
    is_dense: bool = False
    words: int = 0
    n_words: int = 0


class Columns:
    """The columns of one event class, made in their order."""

    def __init__(self) -> None:
        self.specs: list[Spec] = []
        self.levels = 1

    def add(self, spec: Spec) -> int:
        """Add a column; return its number."""
        self.specs.append(spec)
        return len(self.specs) - 1

    def value(self, kind: FieldType, parent: int = -1, level: int = 0, *, dense: bool) -> Target:
        """Make the columns of a field that holds something (`arrow_type` is not None).

        Its labels, if any, are apart: see `labels`.
        """
        match kind:
            case Optional():
                return self.value(kind.type, parent, level, dense=False)
            case Integer() | Real():
                width = (arrow_type(kind) or pa.null()).bit_width // 8
                return Target(self.add(Spec(FIXED, width, parent, level, is_dense=dense)))
            case Boolean():
                return Target(self.add(Spec(BIT, 0, parent, level, is_dense=dense)))
            case String() | Text() | Blob():
                return Target(self.add(Spec(TEXT, 0, parent, level, is_dense=dense)))
            case Array():
                target = self._list(parent, level)
                own = self.specs[target.column].own_level
                target.parts[0] = self.value(kind.element, target.column, own, dense=False)
                return target
            case Struct() | Variant():
                target = Target(self.add(Spec(STRUCT, 0, parent, level)))
                for part in _parts(kind):
                    made = self.value(part.type, target.column, level, dense=False)
                    if part.labels is not None:
                        made.label = self.labels(part.type, target.column, level)
                    target.parts[part.place] = made
                return target

    def labels(self, kind: FieldType, parent: int = -1, level: int = 0) -> Target:
        """Make the column of a field's labels, which are text (`label_type` is not None)."""
        match kind:
            case Optional():
                return self.labels(kind.type, parent, level)
            case Array():
                target = self._list(parent, level)
                own = self.specs[target.column].own_level
                target.parts[0] = self.labels(kind.element, target.column, own)
                return target
            case _:
                return Target(self.add(Spec(TEXT, 0, parent, level)))

    def _list(self, parent: int, level: int) -> Target:
        own = self.levels
        self.levels += 1
        return Target(self.add(Spec(LIST, 0, parent, level, own)))


def arrow_type(kind: FieldType, depth: int = 0) -> pa.DataType | None:
    """Return the Arrow type of a field type, None if it holds nothing: a structure of nothing."""
    if depth > _DEEPEST:
        raise Declined(f"fields are nested more than {_DEEPEST} deep")
    match kind:
        case Integer():
            if "timestamp" in kind.roles:
                return None  # The clock's new value, and no field: babeltrace2 drops it too.
            return integer_type(kind.size or 64, signed=kind.signed)
        case Boolean():
            return pa.bool_()
        case Real():
            return pa.float64() if kind.size == 64 else pa.float32()
        case String() | Text():
            return pa.string()
        case Blob():
            return pa.binary()
        case Optional():
            return arrow_type(kind.type, depth + 1)
        case Array():
            element = arrow_type(kind.element, depth + 1)
            return None if element is None else pa.list_(element)
        case Struct() | Variant():
            fields: list[pa.Field[Any]] = []
            for part in _parts(kind, depth):
                fields.append(pa.field(part.name, part.arrow))
                if part.labels is not None:
                    fields.append(pa.field(part.label, part.labels))
            return pa.struct(fields) if fields else None


def label_type(kind: FieldType) -> pa.DataType | None:
    """Return the Arrow type of a field's labels, None if it has none."""
    match kind:
        case Integer():
            return None if kind.labels is None else pa.string()
        case Optional():
            return label_type(kind.type)
        case Array():
            element = label_type(kind.element)
            return None if element is None else pa.list_(element)
        case _:
            return None


@dataclass(frozen=True, slots=True)
class _Part:
    """A member or option that holds something, and the name and type of its labels, if any."""

    place: int
    name: str
    type: FieldType
    arrow: pa.DataType
    label: str
    labels: pa.DataType | None


def _parts(kind: Struct | Variant, depth: int = 0) -> Iterator[_Part]:
    names = ColumnNames(reserved=())
    own: list[tuple[int, str, FieldType, pa.DataType]] = []
    for place, part in enumerate(kind.members if isinstance(kind, Struct) else kind.options):
        arrow = arrow_type(part.type, depth + 1)
        if arrow is not None:
            unnamed = "field" if isinstance(kind, Struct) else f"option_{place}"
            name = names.derived(repair_text(part.name or unnamed) or "field")
            own.append((place, name, part.type, arrow))
    for place, name, part, arrow in own:
        # A variant's options have no labels of their own: there would be one beside each.
        labels = label_type(part) if isinstance(kind, Struct) else None
        label = names.derived(name + LABEL_SUFFIX) if labels is not None else ""
        yield _Part(place, name, part, arrow, label, labels)
