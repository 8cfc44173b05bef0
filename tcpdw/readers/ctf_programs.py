"""Field types compiled to the native decoder's instructions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeGuard

from tcpdw.readers import Declined, ctf_library
from tcpdw.readers.ctf_columns import Spec, Target
from tcpdw.readers.ctf_ops import (
    BLOB,
    BOOL,
    BY_REGISTER,
    INT,
    INTS,
    IS_BIG,
    IS_SIGNED,
    JUMP,
    LIST,
    NEXT,
    REAL,
    ROLE,
    ROLES,
    STRING,
    STRUCT,
    SWITCH,
    TEXT,
    UNLESS,
    UUID,
    VARINT,
    Instructions,
    Op,
)
from tcpdw.readers.ctf_registers import Key, Registers
from tcpdw.readers.ctf_types import (
    Array,
    Blob,
    Boolean,
    Encoding,
    FieldType,
    Integer,
    Location,
    Optional,
    Real,
    String,
    Struct,
    Text,
    Variant,
)

_ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16be", "utf-16le", "utf-32be", "utf-32le")
_MOST_LISTS = 16
_DEEPEST = 64


class Emitter:
    """Compiles fields to one program.

    `wanted` are the fields that others refer to; None keeps every integer in a register.
    `specs` are the columns that it fills, known when fields are emitted.
    """

    def __init__(
        self, registers: Registers, wanted: frozenset[Key] | None, specs: Sequence[Spec]
    ) -> None:
        self.registers = registers
        self.coded: dict[int, tuple[int, int]] = {}  # by column of labels: its words, first and all
        self.ops = Instructions(specs)
        self._wanted = wanted
        self._kept: dict[Key, int] = {}
        self._lists = 0

    @property
    def words(self) -> list[bytes]:
        """The words that codes stand for."""
        return self.ops.tables.words

    def field(self, kind: FieldType, key: Key, target: Target | None, depth: int = 0) -> None:
        """Emit the reading of a field into `target`, or over it."""
        if depth > _DEEPEST:
            raise Declined(f"fields are nested more than {_DEEPEST} deep")
        column = -1 if target is None else target.column
        match kind:
            case Integer():
                self._integer(kind, key, column, None if target is None else target.label)
            case Boolean():
                self.ops.emit(
                    Op(
                        BOOL,
                        flags=0 if kind.little else IS_BIG,
                        size=kind.size,
                        align=kind.align,
                        column=column,
                        reg=self._register(key, signed=False),
                    )
                )
            case Real():
                flags = 0 if kind.little else IS_BIG
                self.ops.emit(
                    Op(REAL, flags=flags, size=kind.size, align=kind.align, column=column)
                )
            case String():
                encoding = _ENCODINGS.index(kind.encoding)
                self.ops.emit(Op(STRING, size=encoding, align=8, column=column))
            case Text():
                encoding = _ENCODINGS.index(kind.encoding)
                op = Op(TEXT, size=encoding, align=max(8, kind.align), column=column)
                self.ops.emit(self._sized(op, kind.length))
            case Blob():
                if "uuid" in kind.roles and kind.length == 16:
                    self.ops.emit(Op(UUID, align=8))
                else:
                    self.ops.emit(self._sized(Op(BLOB, align=8, column=column), kind.length))
            case Array():
                self._array(kind, key, target, depth)
            case Struct():
                self.structure(kind, key, target, depth)
            case Variant():
                self._variant(kind, key, target, depth)
            case Optional():
                reg, signed = self.registers.find(kind.selector)
                table = (
                    -1
                    if kind.ranges is None
                    else self.ops.tables.numbers(kind.ranges, signed=signed)
                )
                op = Op(UNLESS, reg=reg, table=table)
                self.ops.control(op)
                self.field(kind.type, key, target, depth + 1)
                op.b = self.ops.here()

    def structure(self, kind: Struct, key: Key, target: Target | None, depth: int = 0) -> None:
        """Emit the reading of a structure's members."""
        self.begin_structure(kind)
        if target is not None:
            self.ops.control(Op(STRUCT, column=target.column))
        for place, member in enumerate(kind.members):
            part = None if target is None else target.parts.get(place)
            self.field(member.type, (key[0], (*key[1], member.key)), part, depth + 1)
        self.ops.settle()

    def begin_structure(self, kind: Struct) -> None:
        """Emit the alignment of a structure, whose members follow."""
        self.ops.align(kind.align)
        self.ops.end_run()

    def keep(self, key: Key, *, signed: bool) -> int:
        """Have the field at `key`, which is emitted next, kept in a register; return it."""
        self._kept[key] = number = self.registers.add(key, signed=signed)
        return number

    def _integer(self, kind: Integer, key: Key, column: int, label: Target | None) -> None:
        roles = [ROLES[role] for role in kind.roles if role in ROLES]
        if key[0] == "packet.context" and key[1] == ("cpu_id",):
            roles.append(ROLES["cpu_id"])
        reg = self._register(key, signed=kind.signed)
        if roles and reg < 0:
            reg = self.registers.spare()
        op = Op(
            INT if kind.size else VARINT,
            flags=(IS_SIGNED if kind.signed else 0) | (0 if kind.little else IS_BIG),
            size=kind.size,
            align=kind.align if kind.size else 8,
            column=column,
            reg=reg,
        )
        if label is not None:
            assert kind.labels is not None
            op.label = label.column
            op.table = self.ops.tables.labels(kind.labels, signed=kind.signed)
            self.coded[label.column] = self.ops.tables.words_of(op.table)
        self.ops.emit(op)
        for role in roles:
            self.ops.control(Op(ROLE, a=role, reg=reg, size=kind.size or 64))

    def _register(self, key: Key, *, signed: bool) -> int:
        if key in self._kept:
            return self._kept.pop(key)
        if self._wanted is not None and key not in self._wanted:
            return -1
        return self.registers.add(key, signed=signed)

    def _sized(self, op: Op, length: int | Location) -> Op:
        if isinstance(length, Location):
            op.reg, _ = self.registers.find(length)
            op.flags |= BY_REGISTER
        elif length >= 2**31:
            raise Declined(f"an array has {length} elements")
        else:
            op.a = length
        return op

    def _array(self, kind: Array, key: Key, target: Target | None, depth: int) -> None:
        column = -1 if target is None else target.column
        element = kind.element
        if "uuid" in kind.roles and kind.length == 16:
            self.ops.emit(Op(UUID, align=max(8, kind.align)))
            return
        label = None if target is None else target.label
        if label is None and _is_packed(element) and not self._is_wanted(key):
            op = Op(
                INTS,
                flags=(IS_SIGNED if element.signed else 0) | (0 if element.little else IS_BIG),
                size=element.size,
                align=max(8, kind.align),
                column=column,
                b=element.align,
            )
            self.ops.emit(self._sized(op, kind.length))
            return
        if self._lists == _MOST_LISTS:
            raise Declined(f"lists are nested more than {_MOST_LISTS} deep")
        least = min(_least_bits(element), 2**16 - 1)
        op = Op(
            LIST,
            size=least,
            align=kind.align,
            column=column,
            label=-1 if label is None else label.column,
        )
        self.ops.emit(self._sized(op, kind.length))
        start = self.ops.here()
        self._lists += 1
        part = None
        if target is not None:
            inner = target.parts[0]
            part = Target(inner.column, None if label is None else label.parts[0], inner.parts)
        self.field(element, key, part, depth + 1)
        self.ops.control(Op(NEXT, column=column, label=op.label, b=start))
        self._lists -= 1
        op.b = self.ops.here()

    def _is_wanted(self, key: Key) -> bool:
        if self._wanted is None:
            return True
        return any(k[0] == key[0] and k[1][: len(key[1])] == key[1] for k in self._wanted)

    def _variant(self, kind: Variant, key: Key, target: Target | None, depth: int) -> None:
        if target is not None:
            self.ops.control(Op(STRUCT, column=target.column))

        def option(place: int) -> None:
            part = None if target is None else target.parts.get(place)
            chosen = kind.options[place]
            self.field(chosen.type, (key[0], (*key[1], chosen.key)), part, depth + 1)

        self.options(kind, option)

    def options(self, kind: Variant, emit: Callable[[int], None]) -> None:
        """Emit a choice among a variant's options; `emit` emits the one at a place."""
        reg, signed = self.registers.find(kind.selector)
        switch = Op(SWITCH, reg=reg)
        self.ops.control(switch)
        ends: list[Op] = []
        targets: list[tuple[int, int, int]] = []
        for place, option in enumerate(kind.options):
            start = self.ops.here()
            targets += [(low, high, start) for low, high in option.ranges]
            emit(place)
            end = Op(JUMP)
            self.ops.control(end)
            ends.append(end)
        for end in ends:
            end.b = self.ops.here()
        switch.table = self.ops.tables.targets(targets, signed=signed)

    def finish(self) -> ctf_library.Program:
        """Return the program; it holds on to its memory."""
        return self.ops.finish()


def _is_packed(element: FieldType) -> TypeGuard[Integer]:
    return (
        isinstance(element, Integer)
        and element.size in (8, 16, 32, 64)
        and element.align in (8, 16, 32, 64)
        and element.align <= element.size
        and not element.roles
    )


def _least_bits(kind: FieldType, depth: int = 0) -> int:
    """Return the bits that a field needs at least."""
    if depth > _DEEPEST:
        return 0
    match kind:
        case Integer() | Boolean() | Real():
            return kind.size or 8
        case String():
            return 8
        case Text() | Blob():
            return 8 * kind.length if isinstance(kind.length, int) else 0
        case Array():
            if not isinstance(kind.length, int):
                return 0
            return kind.length * _least_bits(kind.element, depth + 1)
        case Struct():
            return sum(_least_bits(member.type, depth + 1) for member in kind.members)
        case Variant():
            return min((_least_bits(o.type, depth + 1) for o in kind.options), default=0)
        case Optional():
            return 0
