"""LTTng's network headers compiled to flat columns: what `network_header` does to decoded values.

The options of the variants write to the same columns, so nothing is flattened after decoding.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from tcpdw.readers.ctf_columns import CODES, FIXED, LIST, TEXT, Columns, Spec, Target
from tcpdw.readers.ctf_ops import ADDRESS, CONSTANT, IS_BIG, PAYLOAD, Op
from tcpdw.readers.ctf_programs import Emitter
from tcpdw.readers.ctf_registers import Key
from tcpdw.readers.ctf_types import Array, FieldType, Integer, Struct, Variant
from tcpdw.readers.network_header import (
    IP_MEMBERS,
    NETWORK_COLUMNS,
    TRANSPORT_FIELD,
    TRANSPORT_MEMBERS,
)

_UNKNOWN = "unknown"
_TYPES = {
    "network_header_type": (*IP_MEMBERS, _UNKNOWN),
    "transport_header_type": (*TRANSPORT_MEMBERS, _UNKNOWN),
}
_LENGTHS = {"ihl", "tot_len", "ip_payload_len", "data_offset", "udp_len"}

Lengths = dict[str, int]


def column_types() -> list[tuple[str, pa.DataType]]:
    """Return the columns' names and types, those of the two header types as dictionaries."""
    words = pa.dictionary(pa.int32(), pa.string())
    return [(name, words if name in _TYPES else kind) for name, kind in NETWORK_COLUMNS]


def add_columns(columns: Columns, first_word: int) -> tuple[dict[str, Target], list[bytes]]:
    """Make the columns; return them by name, and the words to add, from `first_word` on."""
    targets: dict[str, Target] = {}
    words: list[bytes] = []
    for name, kind in NETWORK_COLUMNS:
        if name in _TYPES:
            spec = Spec(CODES, words=first_word + len(words), n_words=len(_TYPES[name]))
            words += [word.encode() for word in _TYPES[name]]
        elif pa.types.is_list(kind):
            own = columns.levels
            columns.levels += 1
            target = Target(columns.add(Spec(LIST, own_level=own)))
            width = kind.value_type.bit_width // 8
            element = columns.add(Spec(FIXED, width, target.column, own))
            target.parts[0] = Target(element)
            targets[name] = target
            continue
        elif pa.types.is_string(kind):
            spec = Spec(TEXT)
        else:
            spec = Spec(FIXED, kind.bit_width // 8)
        targets[name] = Target(columns.add(spec))
    return targets, words


class NetworkHeader:
    """Emits the reading of a `network_header` into flat columns."""

    def __init__(self, emitter: Emitter, targets: Mapping[str, Target]) -> None:
        self._emitter = emitter
        self._targets = targets

    def emit(self, kind: FieldType, key: Key) -> None:
        """Emit it; `kind` is a variant that `network_header.matches`."""
        assert isinstance(kind, Variant)

        def option(place: int) -> None:
            chosen = kind.options[place]
            at = (key[0], (*key[1], chosen.key))
            if chosen.name in IP_MEMBERS and isinstance(chosen.type, Struct):
                self._constant("network_header_type", chosen.name)
                self._ip(chosen.type, at, chosen.name)
            else:
                self._constant("network_header_type", _UNKNOWN)
                self._emitter.field(chosen.type, at, None)

        self._emitter.options(kind, option)

    def _ip(self, kind: Struct, key: Key, name: str) -> None:
        lengths: Lengths = {}
        self._members(kind, key, IP_MEMBERS[name], lengths)
        if not any(
            member.name == TRANSPORT_FIELD and isinstance(member.type, Variant)
            for member in kind.members
        ):
            self._constant("transport_header_type", _UNKNOWN)

    def _members(
        self, kind: Struct, key: Key, columns: Mapping[str, str], lengths: Lengths
    ) -> None:
        self._emitter.begin_structure(kind)
        for member in kind.members:
            at = (key[0], (*key[1], member.key))
            column = columns.get(member.name)
            if column is not None:
                self._column(member.type, at, column, lengths)
            elif member.name == TRANSPORT_FIELD and isinstance(member.type, Variant):
                self._transport(member.type, at, lengths)
            else:
                self._emitter.field(member.type, at, None)
        self._emitter.ops.settle()

    def _column(self, kind: FieldType, key: Key, column: str, lengths: Lengths) -> None:
        target = self._targets[column]
        if column in ("saddr", "daddr"):
            self._address(kind, key, target)
            return
        if column in _LENGTHS and isinstance(kind, Integer):
            lengths[column] = self._emitter.keep(key, signed=kind.signed)
        self._emitter.field(kind, key, target)

    def _address(self, kind: FieldType, key: Key, target: Target) -> None:
        if isinstance(kind, Array) and isinstance(kind.element, Integer):
            element = kind.element
            count, size = kind.length, element.size
            if (count, size) in ((4, 8), (16, 8), (8, 16)) and isinstance(count, int):
                self._emitter.ops.align(kind.align)
                self._emitter.ops.emit(
                    Op(
                        ADDRESS,
                        flags=0 if element.little else IS_BIG,
                        size=size,
                        align=element.align,
                        column=target.column,
                        a=count,
                    )
                )
                return
        self._emitter.field(kind, key, None)

    def _transport(self, kind: Variant, key: Key, ip: Lengths) -> None:
        def option(place: int) -> None:
            chosen = kind.options[place]
            at = (key[0], (*key[1], chosen.key))
            columns = TRANSPORT_MEMBERS.get(chosen.name)
            if columns is None or not isinstance(chosen.type, Struct):
                self._constant("transport_header_type", _UNKNOWN)
                self._emitter.field(chosen.type, at, None)
                return
            self._constant("transport_header_type", chosen.name)
            lengths = dict(ip)
            self._members(chosen.type, at, columns, lengths)
            self._payload(chosen.name, lengths)

        self._emitter.options(kind, option)

    def _payload(self, transport: str, lengths: Lengths) -> None:
        """Emit the payload's length; `network_header` says when it is not known."""
        column = self._targets["payload_len"].column
        if transport == "udp" and "udp_len" in lengths:
            self._emitter.ops.control(Op(PAYLOAD, column=column, reg=lengths["udp_len"], a=8))
        if transport != "tcp" or "data_offset" not in lengths:
            return
        total = lengths.get("tot_len", lengths.get("ip_payload_len"))
        if total is not None:
            ihl = lengths.get("ihl", -1)
            offset = lengths["data_offset"]
            op = Op(PAYLOAD, column=column, reg=total, table=offset, label=ihl)
            self._emitter.ops.control(op)

    def _constant(self, column: str, word: str) -> None:
        code = _TYPES[column].index(word)
        self._emitter.ops.control(Op(CONSTANT, column=self._targets[column].column, a=code))
