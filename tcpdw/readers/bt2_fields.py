"""Field classes of bt2 compiled to extractors: from an event to a row of Arrow columns.

bt2's Python objects decode some 30 k events a second. The library's own functions, called on the
pointers beneath those objects, decode several times as many; so each event class is compiled once
to a list of closures that call them. This module is given bt2: only the reader imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import pyarrow as pa

from tcpdw.errors import TraceError
from tcpdw.readers import network_header
from tcpdw.readers.event_columns import (
    LABEL_SUFFIX,
    ColumnNames,
    integer_type,
    join_labels,
    repair_text,
    repair_value,
)

Get = Callable[[Any], Any]  # a field pointer to a Python value


@dataclass(frozen=True, slots=True)
class Node:
    """How to read one field class: its Arrow type, and the way from a field to a value.

    `label` gives the enumeration label of a value (or the labels of a list of values), in
    `label_type`; None for what has no labels.
    """

    type: pa.DataType
    get: Get
    label: Callable[[Any], Any] | None = None
    label_type: pa.DataType | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an event class, made from the raw values of one field."""

    name: str
    type: pa.DataType
    label: Callable[[Any], Any] | None = None

    def array(self, values: Sequence[Any]) -> pa.Array[Any]:
        """Return the column for `values`, text repaired where it is not UTF-8."""
        if self.label is not None:
            values = [self.label(value) for value in values]
        kind = pa.string() if pa.types.is_dictionary(self.type) else self.type
        try:
            array = pa.array(values, kind)
        except UnicodeEncodeError:
            array = pa.array([repair_value(value) for value in values], kind)
        return cast(
            "pa.Array[Any]", array if array.type == self.type else array.dictionary_encode()
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One field of an event: where it lies in its scope, and the columns made of it."""

    index: int
    get: Get
    columns: tuple[Column, ...]
    network: tuple[str, ...] = ()  # the names of the flattened header's columns


class FieldCompiler:
    """Compile bt2's field classes to `Node`s and `Member`s.

    `bt2` is the package, `native` its extension module. `large` counts the elements of long
    arrays that were read since the caller last set it to 0, to bound memory.
    """

    def __init__(self, bt2: Any, native: Any) -> None:
        self._bt2 = bt2
        self._native = native
        self.large = 0

    def members(self, contexts: Sequence[Any], payload: Any) -> list[list[Member]]:
        """Return the members of each context structure and, last, of the payload.

        The structures are bt2's structure field classes, or None.
        """
        names = ColumnNames()
        scopes: list[list[tuple[int, str, Node]]] = []
        for scope in contexts:
            scopes.append([(i, names.context(n), node) for i, n, node in self._nodes(scope)])
        own = list(self._nodes(payload))
        flat = any(n == network_header.FIELD and network_header.matches(o.type) for _, n, o in own)
        scopes.append(
            [
                (i, names.field(n), node)
                for i, n, node in own
                if not (flat and n == network_header.TYPE_FIELD)
            ]
        )
        last = len(scopes) - 1
        return [
            [self._member(names, *field, flat and k == last) for field in scope]
            for k, scope in enumerate(scopes)
        ]

    def _member(self, names: ColumnNames, index: int, name: str, node: Node, flat: bool) -> Member:
        columns: list[Column] = []
        network: tuple[str, ...] = ()
        if flat and name == network_header.FIELD:
            network = tuple(names.derived(n) for n, _ in network_header.NETWORK_COLUMNS)
        if not network or not network_header.covers(node.type):
            columns.append(Column(name, node.type))
        if node.label is not None:
            kind = node.label_type or pa.string()
            if kind == pa.string():
                kind = pa.dictionary(pa.int32(), pa.string())
            columns.append(Column(names.derived(name + LABEL_SUFFIX), kind, node.label))
        return Member(index, node.get, tuple(columns), network)

    def _nodes(self, structure: Any) -> Iterator[tuple[int, str, Node]]:
        if structure is None:
            return
        for index in range(len(structure)):
            member = structure.member_at_index(index)
            node = self.node(member.field_class)
            if node is not None:
                yield index, member.name, node

    def node(self, fc: Any) -> Node | None:
        """Return how to read the field class `fc`, None if it holds nothing (empty structures)."""
        bt2, native = self._bt2, self._native
        # An enumeration is an integer too: it comes first.
        if isinstance(fc, bt2._EnumerationFieldClassConst):
            return Node(*self._integer(fc), _labels(fc), pa.string())
        if isinstance(fc, bt2._IntegerFieldClassConst):
            return Node(*self._integer(fc))
        if isinstance(fc, bt2._StringFieldClassConst):
            return Node(pa.string(), self._text())
        if isinstance(fc, bt2._BoolFieldClassConst):
            get_bool = native.field_bool_get_value
            return Node(pa.bool_(), lambda field: bool(get_bool(field)))
        if isinstance(fc, bt2._RealFieldClassConst):
            kind = native.field_class_get_type(fc._ptr)
            if kind == native.FIELD_CLASS_TYPE_SINGLE_PRECISION_REAL:
                return Node(pa.float32(), native.field_real_single_precision_get_value)
            return Node(pa.float64(), native.field_real_double_precision_get_value)
        if isinstance(fc, bt2._BitArrayFieldClassConst):
            kind = integer_type(fc.length, signed=False)
            return Node(kind, native.field_bit_array_get_value_as_integer)
        if isinstance(fc, bt2._StructureFieldClassConst):
            return self._structure(fc)
        if isinstance(fc, bt2._VariantFieldClassConst):
            return self._variant(fc)
        if isinstance(fc, bt2._OptionFieldClassConst):
            return self._option(fc)
        if isinstance(fc, bt2._ArrayFieldClassConst):
            return self._array(fc)
        if isinstance(fc, getattr(bt2, "_BlobFieldClassConst", ())):  # bt2 2.1
            data = native.field_blob_get_data_const
            return Node(pa.binary(), lambda field: bytes(data(field)))
        raise TraceError(
            f"babeltrace2 gives a kind of field that is not known: {type(fc).__name__}"
        )

    def _integer(self, fc: Any) -> tuple[pa.DataType, Get]:
        signed = isinstance(fc, self._bt2._SignedIntegerFieldClassConst)
        get = (
            self._native.field_integer_signed_get_value
            if signed
            else self._native.field_integer_unsigned_get_value
        )
        return integer_type(fc.field_value_range, signed=signed), get

    def _text(self) -> Get:
        value, length = self._native.field_string_get_value, self._native.field_string_get_length

        def get(field: Any) -> str:
            # babeltrace2 2.0 leaves the previous text behind where a string is empty.
            return value(field) if length(field) else ""

        return get

    def _structure(self, fc: Any) -> Node | None:
        names = ColumnNames(reserved=())
        own = [(i, _nested_name(names, name), node) for i, name, node in self._nodes(fc)]
        if not own:
            return None
        parts: list[tuple[int, str, Get, str | None, Callable[[Any], Any] | None]] = []
        types: list[tuple[str, pa.DataType]] = []
        for index, name, node in own:
            label = names.derived(name + LABEL_SUFFIX) if node.label else None
            parts.append((index, name, node.get, label, node.label))
            types.append((name, node.type))
            if label:
                types.append((label, node.label_type or pa.string()))
        borrow = self._native.field_structure_borrow_member_field_by_index_const

        def get(field: Any) -> dict[str, Any]:
            row: dict[str, Any] = {}
            for index, name, read, label, find in parts:
                value = row[name] = read(borrow(field, index))
                if label is not None and find is not None:
                    row[label] = find(value)
            return row

        return Node(pa.struct(types), get)

    def _variant(self, fc: Any) -> Node | None:
        names = ColumnNames(reserved=())
        options: list[tuple[str, Get] | None] = []
        types: list[tuple[str, pa.DataType]] = []
        for place in range(len(fc)):
            option = fc.option_at_index(place)
            node = self.node(option.field_class)
            if node is None:
                options.append(None)
                continue
            name = _nested_name(names, (option.name or f"option_{place}").removeprefix("_"))
            options.append((name, node.get))
            types.append((name, node.type))
        if not types:
            return None
        index = self._native.field_variant_get_selected_option_index
        borrow = self._native.field_variant_borrow_selected_option_field_const

        def get(field: Any) -> dict[str, Any]:
            place: int = index(field)
            selected = options[place]
            return {} if selected is None else {selected[0]: selected[1](borrow(field))}

        return Node(pa.struct(types), get)

    def _option(self, fc: Any) -> Node | None:
        node = self.node(fc.field_class)
        if node is None:
            return None
        borrow, read, find = self._native.field_option_borrow_field_const, node.get, node.label

        def get(field: Any) -> Any:
            content = borrow(field)
            return None if content is None else read(content)

        return Node(node.type, get, find, node.label_type)

    def _array(self, fc: Any) -> Node | None:
        node = self.node(fc.element_field_class)
        if node is None:
            return None
        length = self._native.field_array_get_length
        borrow = self._native.field_array_borrow_element_field_by_index_const
        read, find = node.get, node.label

        def get(field: Any) -> list[Any]:
            count = length(field)
            if count > 16:
                self.large += count
            return [read(borrow(field, index)) for index in range(count)]

        def labels(values: list[Any] | None) -> list[Any] | None:
            return None if values is None or find is None else [find(value) for value in values]

        if find is None:
            return Node(pa.list_(node.type), get)
        return Node(pa.list_(node.type), get, labels, pa.list_(node.label_type or pa.string()))


def _nested_name(names: ColumnNames, name: str) -> str:
    return names.derived(repair_text(name) or "field")


def _labels(fc: Any) -> Callable[[Any], str | None]:
    @lru_cache(maxsize=4096)
    def label(value: int | None) -> str | None:
        if value is None:
            return None
        try:
            mappings = fc.mappings_for_value(value)
        except TypeError:
            # bt2 2.0 fails on the first value it is asked for if that has no label.
            return None
        return join_labels(mapping.label for mapping in mappings)

    return label
