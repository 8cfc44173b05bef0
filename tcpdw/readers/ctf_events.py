"""Event classes compiled for the native decoder: columns, a program to fill them, a schema."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tcpdw.readers import ctf_library, ctf_network, network_header
from tcpdw.readers.ctf_columns import CODES, FIXED, Columns, Spec, Target, arrow_type, label_type
from tcpdw.readers.ctf_ops import BACK, MARK, Op
from tcpdw.readers.ctf_programs import Emitter
from tcpdw.readers.ctf_registers import Key, Registers, references
from tcpdw.readers.ctf_types import EventClass, FieldType, Member, Scope, StreamClass, Struct
from tcpdw.readers.event_columns import LABEL_SUFFIX, ColumnNames, repair_text

Scopes = Sequence[tuple[Scope, Struct]]

_SPEC = struct.Struct("<8i")


@dataclass(frozen=True, slots=True)
class EventLayout:
    """An event class, compiled: `native` is what the decoder takes, and the rest it points to."""

    name: str
    schema: pa.Schema
    native: ctf_library.EventClass
    specs: Any
    program: ctf_library.Program
    prefix: ctf_library.Prefix


@dataclass(slots=True)
class _Field:
    """A member of a scope, and where it goes."""

    scope: Scope
    member: Member
    name: str
    type: pa.DataType
    target: Target | None = None
    network: dict[str, Target] | None = None

    @property
    def key(self) -> Key:
        return (self.scope, (self.member.key,))


def scopes_of(event: EventClass, stream: StreamClass) -> Scopes:
    """Return the structures that an event has after its header, in their order."""
    every: tuple[tuple[Scope, Struct | None], ...] = (
        ("event.context", stream.event_context),
        ("event.specific", event.context),
        ("event.fields", event.fields),
    )
    return [(scope, kind) for scope, kind in every if kind is not None]


def assemble(
    name: str,
    schema: pa.Schema,
    program: ctf_library.Program,
    prefix: ctf_library.Prefix,
    specs: bytes,
    sizes: tuple[int, int],
) -> EventLayout:
    """Make an event class of its parts; `sizes` are its numbers of columns and of levels."""
    memory = ctypes.create_string_buffer(specs)
    native = ctf_library.EventClass(
        body=program,
        prefix=prefix,
        specs=ctypes.addressof(memory),
        n_columns=sizes[0],
        n_levels=sizes[1],
    )
    return EventLayout(name, schema, native, memory, program, prefix)


class EventCompiler:
    """Compiles one event class: its columns in their order first, then its program."""

    def __init__(self, event: EventClass, scopes: Scopes, registers: Registers) -> None:
        self._columns = Columns()
        self._schema: list[pa.Field[Any]] = []
        self._add("ts", pa.int64(), Spec(FIXED, 8, is_dense=True))
        self._add("cpu_id", pa.int32(), Spec(FIXED, 4, is_dense=True))
        wanted: set[Key] = set()
        for _, kind in scopes:
            wanted |= references(kind)
        self._emitter = Emitter(registers, frozenset(wanted), self._columns.specs)
        fields = self._make_columns(scopes)
        for scope, kind in scopes:
            self._emit(scope, kind, fields)
        program, prefix = self._emitter.finish(), self._emitter.ops.prefix()
        for column, (first, count) in self._emitter.coded.items():
            spec = self._columns.specs[column]
            if spec.kind == CODES:
                spec.words, spec.n_words = first, count
        name = repair_text(event.name) if event.name else f"event_{event.id}"
        specs = b"".join(map(_packed, self._columns.specs))
        sizes = (len(self._columns.specs), self._columns.levels)
        self.layout = assemble(name, pa.schema(self._schema), program, prefix, specs, sizes)

    def _add(self, name: str, kind: pa.DataType, spec: Spec) -> Target:
        self._schema.append(pa.field(name, kind))
        return Target(self._columns.add(spec))

    def _make_columns(self, scopes: Scopes) -> dict[Key, _Field]:
        names = ColumnNames()
        fields: list[_Field] = []
        flat: _Field | None = None
        for scope, kind in scopes:
            own = [
                (member, arrow)
                for member in kind.members
                if (arrow := arrow_type(member.type)) is not None
            ]
            is_payload = scope == "event.fields"
            is_flat = is_payload and any(
                member.name == network_header.FIELD and network_header.matches(arrow)
                for member, arrow in own
            )
            for member, arrow in own:
                if is_flat and member.name == network_header.TYPE_FIELD:
                    continue
                name = names.field(member.name) if is_payload else names.context(member.name)
                made = _Field(scope, member, name, arrow)
                fields.append(made)
                if is_flat and name == network_header.FIELD:
                    flat = made
        for each in fields:
            self._make_column(each, names, is_flat=each is flat)
        return {each.key: each for each in fields}

    def _make_column(self, one: _Field, names: ColumnNames, *, is_flat: bool) -> None:
        kind = one.member.type
        network = [names.derived(n) for n, _ in network_header.NETWORK_COLUMNS] if is_flat else []
        if not is_flat or not network_header.covers(one.type):
            self._schema.append(pa.field(one.name, one.type))
            one.target = self._columns.value(kind, dense=True)
        labels = label_type(kind)
        if labels is not None and one.target is not None:
            label = names.derived(one.name + LABEL_SUFFIX)
            if pa.types.is_list(labels):
                self._schema.append(pa.field(label, labels))
                one.target.label = self._columns.labels(kind)
            else:
                words = pa.dictionary(pa.int32(), pa.string())
                one.target.label = self._add(label, words, Spec(CODES))
        if network:
            for name, (_, arrow) in zip(network, ctf_network.column_types(), strict=True):
                self._schema.append(pa.field(name, arrow))
            one.network, words = ctf_network.add_columns(self._columns, len(self._emitter.words))
            self._emitter.words.extend(words)

    def _emit(self, scope: Scope, kind: Struct, fields: dict[Key, _Field]) -> None:
        self._emitter.begin_structure(kind)
        for member in kind.members:
            key: Key = (scope, (member.key,))
            one = fields.get(key)
            if one is None or one.network is None:
                self._emitter.field(member.type, key, None if one is None else one.target)
                continue
            self._emit_network(member.type, one)
        self._emitter.ops.settle()

    def _emit_network(self, kind: FieldType, one: _Field) -> None:
        assert one.network is not None
        mark = self._emitter.registers.spare() if one.target is not None else -1
        if mark >= 0:
            self._emitter.ops.control(Op(MARK, reg=mark))
        ctf_network.NetworkHeader(self._emitter, one.network).emit(kind, one.key)
        if mark >= 0:
            # There is more in it than has flat columns: it is read again, as it is.
            self._emitter.ops.control(Op(BACK, reg=mark))
            self._emitter.field(kind, one.key, one.target)


def _packed(spec: Spec) -> bytes:
    return _SPEC.pack(
        spec.kind,
        spec.width,
        spec.parent,
        spec.level,
        spec.own_level,
        spec.is_dense,
        spec.words,
        spec.n_words,
    )
