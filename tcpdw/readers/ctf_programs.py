"""Field types compiled to the native decoder's instructions (native/ctf_fields.h)."""

from __future__ import annotations

import ctypes
import itertools
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from tcpdw.readers import Declined, ctf_library
from tcpdw.readers.ctf_columns import Spec, Target
from tcpdw.readers.ctf_types import (
    Array,
    Blob,
    Boolean,
    Encoding,
    FieldType,
    Integer,
    Label,
    Location,
    Optional,
    Real,
    Role,
    Scope,
    String,
    Struct,
    Text,
    Variant,
)
from tcpdw.readers.event_columns import join_labels

# enum opcode
(
    END,
    RUN,
    INT,
    REAL,
    BOOL,
    VARINT,
    STRING,
    TEXT,
    BLOB,
    ALIGN,
    LIST,
    NEXT,
    INTS,
    SWITCH,
    UNLESS,
    JUMP,
    STRUCT,
    ROLE,
    UUID,
    CONSTANT,
    MARK,
    BACK,
    ADDRESS,
    PAYLOAD,
) = range(24)
IS_SIGNED, IS_BIG, BY_REGISTER, IS_COPY, IS_DENSE = 1, 2, 4, 8, 16
ROLES: Mapping[Role | str, int] = {
    "magic": 0,
    "stream_id": 1,
    "stream_instance_id": 2,
    "content_size": 3,
    "packet_size": 4,
    "timestamp": 5,
    "timestamp_end": 6,
    "events_discarded": 7,
    "packet_seq_num": 8,
    "event_id": 9,
    "cpu_id": 10,
}
REGISTERS = 4096
"""How many registers a stream has."""

_ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16be", "utf-16le", "utf-32be", "utf-32le")
_OP = struct.Struct("<BBHI6i")
_TEXT = struct.Struct("<IIi")
_LONGEST_FIXED = 256  # bytes of a text that is read with others of its column
_PART = struct.Struct("<HBBBBBBii")
_RANGE = struct.Struct("<QQq")
_TABLE = struct.Struct("<4i")
_MOST_LISTS = 16
_DEEPEST = 64
_SIGNED_MASK = 2**64 - 1

Key = tuple[Scope, tuple[str, ...]]


class Registers:
    """The registers that fields are kept in, by the fields' places; `outer` has earlier scopes'."""

    def __init__(self, outer: Registers | None = None) -> None:
        self._known: dict[Key, tuple[int, bool]] = {} if outer is None else dict(outer._known)
        self.count = 0 if outer is None else outer.count

    def add(self, key: Key, *, signed: bool) -> int:
        """Give the field at `key` a register."""
        number = self.spare()
        self._known[key] = (number, signed)
        return number

    def places(self) -> tuple[Any, ...]:
        """Return which field is in which register: equal for like streams."""
        return tuple(self._known.items())

    def spare(self) -> int:
        """Give a register for something else."""
        self.count += 1
        if self.count > REGISTERS:
            raise Declined("more fields refer to others than the native reader keeps track of")
        return self.count - 1

    def find(self, location: Location) -> tuple[int, bool]:
        """Return the register that a location's field is in, and whether it is signed."""
        found = self._known.get((location.scope, location.path))
        if found is None:
            place = ".".join((location.scope, *location.path))
            raise Declined(f"a field refers to {place}, which is not there before it")
        return found


class Op:
    """One instruction, open to change until it is packed."""

    __slots__ = ("a", "align", "b", "code", "column", "flags", "label", "reg", "size", "table")

    def __init__(
        self,
        code: int,
        *,
        flags: int = 0,
        size: int = 0,
        align: int = 1,
        column: int = -1,
        label: int = -1,
        reg: int = -1,
        table: int = -1,
        a: int = 0,
        b: int = 0,
    ) -> None:
        self.code, self.flags, self.size, self.align = code, flags, size, align
        self.column, self.label, self.reg, self.table = column, label, reg, table
        self.a, self.b = a, b

    def pack(self) -> bytes:
        """Return it as `struct op`."""
        return _OP.pack(
            self.code,
            self.flags,
            self.size,
            self.align,
            self.column,
            self.label,
            self.reg,
            self.table,
            self.a,
            self.b,
        )


class Emitter:
    """Compiles fields to one program.

    `wanted` are the fields that others refer to; None keeps every integer in a register.
    `specs` are the columns that it fills, known when fields are emitted.
    """

    def __init__(
        self, registers: Registers, wanted: frozenset[Key] | None, specs: Sequence[Spec]
    ) -> None:
        self.registers = registers
        self.words: list[bytes] = []
        self.coded: dict[int, tuple[int, int]] = {}  # by column of labels: its words, first and all
        self._wanted = wanted
        self._specs = specs
        self._ops: list[Op] = []
        self._parts: list[tuple[int, ...]] = []
        self._run_align = 8
        self._at_byte = False  # whether what comes is known to begin a byte
        self._tables: list[tuple[int, int, int, int]] = []
        self._ranges: list[tuple[int, int, int]] = []
        self._run: Op | None = None
        self._align = 1  # what is due before the next field
        self._lists = 0
        self._kept: dict[Key, int] = {}

    # --- fields ----------------------------------------------------------------------------------

    def field(self, kind: FieldType, key: Key, target: Target | None, depth: int = 0) -> None:
        """Emit the reading of a field into `target`, or over it."""
        if depth > _DEEPEST:
            raise Declined(f"fields are nested more than {_DEEPEST} deep")
        column = -1 if target is None else target.column
        match kind:
            case Integer():
                self._integer(kind, key, column, None if target is None else target.label)
            case Boolean():
                self.emit(
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
                self.emit(Op(REAL, flags=flags, size=kind.size, align=kind.align, column=column))
            case String():
                encoding = _ENCODINGS.index(kind.encoding)
                self.emit(Op(STRING, size=encoding, align=8, column=column))
            case Text():
                encoding = _ENCODINGS.index(kind.encoding)
                op = Op(TEXT, size=encoding, align=max(8, kind.align), column=column)
                self.emit(self._sized(op, kind.length))
            case Blob():
                if "uuid" in kind.roles and kind.length == 16:
                    self.emit(Op(UUID, align=8))
                else:
                    self.emit(self._sized(Op(BLOB, align=8, column=column), kind.length))
            case Array():
                self._array(kind, key, target, depth)
            case Struct():
                self.structure(kind, key, target, depth)
            case Variant():
                self._variant(kind, key, target, depth)
            case Optional():
                reg, signed = self.registers.find(kind.selector)
                table = -1 if kind.ranges is None else self._numbers(kind.ranges, signed)
                op = Op(UNLESS, reg=reg, table=table)
                self.control(op)
                self.field(kind.type, key, target, depth + 1)
                op.b = self.here()

    def structure(self, kind: Struct, key: Key, target: Target | None, depth: int = 0) -> None:
        """Emit the reading of a structure's members."""
        self.begin_structure(kind)
        if target is not None:
            self.control(Op(STRUCT, column=target.column))
        for place, member in enumerate(kind.members):
            part = None if target is None else target.parts.get(place)
            self.field(member.type, (key[0], (*key[1], member.key)), part, depth + 1)
        self.settle()

    def begin_structure(self, kind: Struct) -> None:
        """Emit the alignment of a structure, whose members follow."""
        self.align(kind.align)
        self._flush_run()

    def align(self, bits: int) -> None:
        """Emit an alignment, with the next field that is read."""
        self._align = max(self._align, bits)

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
            op.table = self.label_table(kind.labels, signed=kind.signed)
            self.coded[label.column] = self._words_of(op.table)
        self.emit(op)
        for role in roles:
            self.control(Op(ROLE, a=role, reg=reg, size=kind.size or 64))

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
            self.emit(Op(UUID, align=max(8, kind.align)))
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
            self.emit(self._sized(op, kind.length))
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
        self.emit(self._sized(op, kind.length))
        start = self.here()
        self._lists += 1
        part = None
        if target is not None:
            inner = target.parts[0]
            part = Target(inner.column, None if label is None else label.parts[0], inner.parts)
        self.field(element, key, part, depth + 1)
        self.control(Op(NEXT, column=column, label=op.label, b=start))
        self._lists -= 1
        op.b = self.here()

    def _is_wanted(self, key: Key) -> bool:
        if self._wanted is None:
            return True
        return any(k[0] == key[0] and k[1][: len(key[1])] == key[1] for k in self._wanted)

    def _variant(self, kind: Variant, key: Key, target: Target | None, depth: int) -> None:
        if target is not None:
            self.control(Op(STRUCT, column=target.column))

        def option(place: int) -> None:
            part = None if target is None else target.parts.get(place)
            chosen = kind.options[place]
            self.field(chosen.type, (key[0], (*key[1], chosen.key)), part, depth + 1)

        self.options(kind, option)

    def options(self, kind: Variant, emit: Callable[[int], None]) -> None:
        """Emit a choice among a variant's options; `emit` emits the one at a place."""
        reg, signed = self.registers.find(kind.selector)
        switch = Op(SWITCH, reg=reg)
        self.control(switch)
        ends: list[Op] = []
        targets: list[tuple[int, int, int]] = []
        for place, option in enumerate(kind.options):
            start = self.here()
            targets += [(low, high, start) for low, high in option.ranges]
            emit(place)
            end = Op(JUMP)
            self.control(end)
            ends.append(end)
        for end in ends:
            end.b = self.here()
        switch.table = self._table(_apart(targets), signed=signed)

    # --- instructions ----------------------------------------------------------------------------

    def emit(self, op: Op) -> None:
        """Emit an instruction that reads; integers at known places gather in runs."""
        op.align, self._align = max(op.align, self._align), 1
        if op.align & (op.align - 1):
            raise Declined(f"an alignment of {op.align} bits is no power of two")
        if op.code == VARINT and op.align > 8:
            self.control(Op(ALIGN, align=op.align))
        if op.code == INT and op.label < 0 and self._in_run(op):
            return
        self._flush_run()
        starts_a_byte = self._at_byte or op.align >= 8
        self._at_byte = op.code not in (INT, BOOL, REAL) or (starts_a_byte and op.size % 8 == 0)
        self._ops.append(op)

    def _in_run(self, op: Op) -> bool:
        """Add an integer to the run at hand, or begin one; False if it fits in none."""
        run, place = self._run, 0
        if run is not None:
            place = (run.b + op.align - 1) // op.align * op.align
            if op.align > self._run_align or place > 60_000:
                run = self._run = None
        if run is None:
            self._flush_run()
            if op.align < 8 and not self._at_byte:
                return False
            run = Op(RUN, align=op.align, reg=len(self._parts), label=len(self._parts))
            place = 0
        shift = place % 8
        count = (shift + op.size + 7) // 8
        spec = self._specs[op.column] if op.column >= 0 else Spec(0)
        width, level = spec.width, spec.level
        if count > 8 or level > 255:
            self._flush_run()
            return False
        if run is not self._run:
            self._run, self._run_align = run, max(8, op.align)
            self._ops.append(run)
        run.b = place + op.size
        flags = op.flags
        if spec.is_dense:
            flags |= IS_DENSE
            whole = op.size == 8 * width and not shift and op.reg < 0
            if whole and width in (1, 2, 4, 8) and (width == 1 or not flags & IS_BIG):
                flags |= IS_COPY
        if op.column >= 0 or op.reg >= 0:
            self._parts.append(
                (place // 8, count, shift, op.size, width, flags, level, op.column, op.reg)
            )
            run.label += 1
        return True

    def control(self, op: Op) -> None:
        """Emit an instruction that does not read by itself."""
        self.settle()
        self._ops.append(op)

    def settle(self) -> None:
        """Emit the alignment that is due."""
        self._flush_run()
        if self._align > 1:
            align, self._align = self._align, 1
            self._ops.append(Op(ALIGN, align=align))
            self._at_byte = self._at_byte or align >= 8

    def here(self) -> int:
        """Return the number of the next instruction, which may be jumped to."""
        self.settle()
        self._at_byte = False  # By whatever way one comes here.
        return len(self._ops)

    def _flush_run(self) -> None:
        if self._run is not None:
            self._at_byte = self._run.b % 8 == 0
            self._run = None

    # --- tables ----------------------------------------------------------------------------------

    def label_table(self, labels: Sequence[Label], *, signed: bool) -> int:
        """Add a table of labels; return its number."""
        ranges = [(label.low, label.high, n) for n, label in enumerate(labels)]
        texts: dict[str, int] = {}
        coded: list[tuple[int, int, int]] = []
        for low, high, which in _sections(ranges):
            text = join_labels(labels[n].label for n in which) or ""
            coded.append((low, high, texts.setdefault(text, len(texts))))
        first = len(self.words)
        self.words += [text.encode() for text in texts]
        return self._table(coded, signed=signed, words=first)

    def _words_of(self, table: int) -> tuple[int, int]:
        first, count, _, words = self._tables[table]
        codes = {code for _, _, code in self._ranges[first : first + count]}
        return words, len(codes)

    def _numbers(self, ranges: Iterable[tuple[int, int]], signed: bool) -> int:
        return self._table(_apart([(low, high, 0) for low, high in ranges]), signed=signed)

    def _table(
        self, ranges: Sequence[tuple[int, int, int]], *, signed: bool, words: int = 0
    ) -> int:
        self._tables.append((len(self._ranges), len(ranges), int(signed), words))
        self._ranges += ranges
        return len(self._tables) - 1

    def finish(self) -> ctf_library.Program:
        """Return the program; it holds on to its memory."""
        self.control(Op(END))
        program = ctf_library.Program()
        ends = 0
        ends_of: list[int] = []
        for word in self.words:
            ends += len(word)
            ends_of.append(ends)
        parts = {
            "ops": b"".join(op.pack() for op in self._ops),
            "parts": b"".join(_PART.pack(*part) for part in self._parts),
            "tables": b"".join(_TABLE.pack(*table) for table in self._tables),
            "ranges": b"".join(
                _RANGE.pack(low & _SIGNED_MASK, high & _SIGNED_MASK, target)
                for low, high, target in self._ranges
            ),
            "words": b"".join(self.words),
            "ends": struct.pack(f"<{len(ends_of)}i", *ends_of),
        }
        kept = {name: ctypes.create_string_buffer(data) for name, data in parts.items()}
        program.ops = ctypes.addressof(kept["ops"])
        program.parts = ctypes.addressof(kept["parts"])
        program.tables = ctypes.addressof(kept["tables"])
        program.ranges = ctypes.addressof(kept["ranges"])
        program.words.bytes = ctypes.addressof(kept["words"])
        program.words.ends = ctypes.addressof(kept["ends"])
        program.memory = kept
        return program

    def prefix(self) -> ctf_library.Prefix:
        """Return what stands at known places at the start: the decoder reads it by columns.

        That is the leading runs and texts of fixed length, as long as all of it goes to dense
        columns and no later field refers to it. It holds on to its memory.
        """
        parts: list[tuple[int, ...]] = []
        texts: list[tuple[int, int, int]] = []
        align, end, start = 1, 0, 0
        for number, op in enumerate(self._ops):
            align = op.align if number == 0 else align
            if op.code not in (RUN, TEXT) or op.align > max(align, 8) or align % 8:
                break
            place = (end + op.align - 1) // op.align * op.align
            dense = op.column >= 0 and self._specs[op.column].is_dense
            if op.code == TEXT:
                if not dense or op.flags & BY_REGISTER or op.size or op.a > _LONGEST_FIXED:
                    break
                texts.append((place // 8, op.a, op.column))
                end = place + 8 * op.a
            else:
                own = self._parts[op.reg : op.label]
                if place % 8 or any(not part[5] & IS_DENSE or part[8] >= 0 for part in own):
                    break
                parts += [(place // 8 + part[0], *part[1:]) for part in own]
                end = place + op.b
            start = number + 1
            if end > 60_000:
                break
        made = ctf_library.Prefix(
            align=align if start else 1,
            bits=end,
            n_parts=len(parts),
            n_texts=len(texts),
            start=start,
        )
        kept = (
            ctypes.create_string_buffer(b"".join(_PART.pack(*part) for part in parts)),
            ctypes.create_string_buffer(b"".join(_TEXT.pack(*text) for text in texts)),
        )
        made.parts, made.texts = (ctypes.addressof(one) for one in kept)
        made.memory = kept
        return made


def references(kind: FieldType | None) -> set[Key]:
    """Return the places of all fields that others in `kind` refer to."""
    found: set[Key] = set()
    todo: list[FieldType] = [] if kind is None else [kind]
    while todo:
        match one := todo.pop():
            case Struct():
                todo += [member.type for member in one.members]
            case Variant():
                found.add((one.selector.scope, one.selector.path))
                todo += [option.type for option in one.options]
            case Optional():
                found.add((one.selector.scope, one.selector.path))
                todo.append(one.type)
            case Array():
                if isinstance(one.length, Location):
                    found.add((one.length.scope, one.length.path))
                todo.append(one.element)
            case Text() | Blob():
                if isinstance(one.length, Location):
                    found.add((one.length.scope, one.length.path))
            case _:
                pass
    return found


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


def _apart(ranges: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return ranges in order and apart; where some overlap, the first of them has the values."""
    targets = [target for _, _, target in ranges]
    numbered = [(low, high, n) for n, (low, high, _) in enumerate(ranges)]
    return [(low, high, targets[min(which)]) for low, high, which in _sections(numbered)]


def _sections(ranges: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, list[int]]]:
    """Cut ranges (low, high, number) at each other's ends: sections with the numbers they have."""
    ordered = sorted(one for one in ranges if one[0] <= one[1])
    if all(a[1] < b[0] for a, b in itertools.pairwise(ordered)):
        return [(low, high, [number]) for low, high, number in ordered]
    cuts = sorted({low for low, _, _ in ordered} | {high + 1 for _, high, _ in ordered})
    found: list[tuple[int, int, list[int]]] = []
    active: list[tuple[int, int, int]] = []
    place = 0
    for low, after in itertools.pairwise(cuts):
        while place < len(ordered) and ordered[place][0] <= low:
            active.append(ordered[place])
            place += 1
        active = [one for one in active if one[1] >= low]
        if active:
            found.append((low, after - 1, sorted(number for _, _, number in active)))
    return found
