"""The native decoder's instructions (native/ctf_fields.h), gathered to programs."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping, Sequence

from tcpdw.readers import Declined, ctf_library
from tcpdw.readers.ctf_columns import Spec
from tcpdw.readers.ctf_ranges import Tables
from tcpdw.readers.ctf_types import Role

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

_OP = struct.Struct("<BBHI6i")
_TEXT = struct.Struct("<IIi")
_PART = struct.Struct("<HBBBBBBii")
_LONGEST_FIXED = 256  # bytes of a text that is read with others of its column
_LONGEST_RUN = 60_000  # bits


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


class Instructions:
    """The instructions of one program, in order; integers at known places gather in runs.

    `specs` are the columns that they fill. `tables` are what they look up.
    """

    def __init__(self, specs: Sequence[Spec]) -> None:
        self.tables = Tables()
        self._specs = specs
        self._ops: list[Op] = []
        self._parts: list[tuple[int, ...]] = []
        self._run: Op | None = None
        self._run_align = 8
        self._at_byte = False  # whether what comes is known to begin a byte
        self._align = 1  # what is due before the next field

    def align(self, bits: int) -> None:
        """Emit an alignment, with the next field that is read."""
        self._align = max(self._align, bits)

    def emit(self, op: Op) -> None:
        """Emit an instruction that reads; integers at known places gather in runs."""
        op.align, self._align = max(op.align, self._align), 1
        if op.align & (op.align - 1):
            raise Declined(f"an alignment of {op.align} bits is no power of two")
        if op.code == VARINT and op.align > 8:
            self.control(Op(ALIGN, align=op.align))
        if op.code == INT and op.label < 0 and self._in_run(op):
            return
        self.end_run()
        starts_a_byte = self._at_byte or op.align >= 8
        self._at_byte = op.code not in (INT, BOOL, REAL) or (starts_a_byte and op.size % 8 == 0)
        self._ops.append(op)

    def _in_run(self, op: Op) -> bool:
        """Add an integer to the run at hand, or begin one; False if it fits in none."""
        run, place = self._run, 0
        if run is not None:
            place = (run.b + op.align - 1) // op.align * op.align
            if op.align > self._run_align or place > _LONGEST_RUN:
                run = self._run = None
        if run is None:
            self.end_run()
            if op.align < 8 and not self._at_byte:
                return False
            run = Op(RUN, align=op.align, reg=len(self._parts), label=len(self._parts))
            place = 0
        shift = place % 8
        count = (shift + op.size + 7) // 8
        spec = self._specs[op.column] if op.column >= 0 else Spec(0)
        width, level = spec.width, spec.level
        if count > 8 or level > 255:
            self.end_run()
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
        self.end_run()
        if self._align > 1:
            align, self._align = self._align, 1
            self._ops.append(Op(ALIGN, align=align))
            self._at_byte = self._at_byte or align >= 8

    def here(self) -> int:
        """Return the number of the next instruction, which may be jumped to."""
        self.settle()
        self._at_byte = False  # By whatever way one comes here.
        return len(self._ops)

    def end_run(self) -> None:
        """Let what comes next stand by itself."""
        if self._run is not None:
            self._at_byte = self._run.b % 8 == 0
            self._run = None

    def finish(self) -> ctf_library.Program:
        """Return the program; it holds on to its memory."""
        self.control(Op(END))
        tables, ranges = self.tables.packed()
        ends = list(itertools.accumulate(map(len, self.tables.words)))
        return ctf_library.program(
            {
                "ops": b"".join(op.pack() for op in self._ops),
                "parts": b"".join(_PART.pack(*part) for part in self._parts),
                "tables": tables,
                "ranges": ranges,
                "words": b"".join(self.tables.words),
                "ends": struct.pack(f"<{len(ends)}i", *ends),
            }
        )

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
            if end > _LONGEST_RUN:
                break
        arrays = (
            b"".join(_PART.pack(*part) for part in parts),
            b"".join(_TEXT.pack(*text) for text in texts),
        )
        return ctf_library.prefix(
            arrays, (align if start else 1, end, len(parts), len(texts), start)
        )
