"""Kinds of CTF fields for random traces: each says itself in TSDL, writes random values of itself,
and says what a reader must make of them. Nothing here is the reader's.
"""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from ctf_assembler_bits import BitWriter

_TEXTS = ["", "a", "sh", "kworker/0:1", "é€😀", "x" * 40, "tab\t|,\"'", "0"]
_BROKEN = [b"\xff", b"a\xc3", b"\xe2\x82b", b"\xed\xa0\x80", b"\xf0\x9f\x98"]
_REALS = [0.0, -0.0, 1.5, -2.25, math.inf, -math.inf, math.nan, 1e30, 2.0**-140]


@dataclass
class Output:
    """Where values go: the bytes, where the packet starts, and what lengths and tags are now."""

    rng: random.Random
    writer: BitWriter
    start: int = 0
    values: dict[int, int] = field(default_factory=dict)


def unique(names: Iterable[str], taken: set[str]) -> list[str]:
    """Return the names as columns: with underscores where, whatever the case, one is taken."""
    columns: list[str] = []
    for name in names:
        while name.lower() in taken:
            name += "_"
        taken.add(name.lower())
        columns.append(name)
    return columns


class Kind:
    """A field type; `align` in bits, `shown` if a reader shows a column of it."""

    align: int
    shown: bool

    def tsdl(self) -> tuple[str, str]:
        """Return what stands before and behind a field's name."""
        raise NotImplementedError

    def arrow(self) -> pa.DataType:
        raise NotImplementedError

    def put(self, out: Output) -> Any:
        """Write a random value; return what a reader gives."""
        raise NotImplementedError

    def labelled(self) -> pa.DataType | None:
        """Return the type of the labels' column, None if there is none."""
        return None

    def labels(self, value: Any) -> Any:
        raise NotImplementedError


@dataclass(eq=False)
class Int(Kind):
    """An integer; `mappings` of an enumeration are (label, low, high), `choices` the values."""

    shown = True
    size: int
    align: int = 1
    signed: bool = False
    little: bool = True
    native: bool = True  # in the trace's own byte order, which then needs no word
    mappings: list[tuple[str, int, int]] | None = None
    choices: list[int] | None = None
    clock: bool = False

    def tsdl(self) -> tuple[str, str]:
        words = f"size = {self.size}; align = {self.align};"
        if self.signed:
            words += " signed = true;"
        if not self.native:
            words += f" byte_order = {'le' if self.little else 'be'};"
        if self.clock:
            words += " map = clock.c.value;"
        text = f"integer {{ {words} }}"
        if self.mappings is None:
            return text, ""
        labels = ", ".join(
            f'"{label}" = {low}' + (f" ... {high}" if high > low else "")
            for label, low, high in self.mappings
        )
        return f"enum : {text} {{ {labels} }}", ""

    def arrow(self) -> pa.DataType:
        width = next(width for width in (8, 16, 32, 64) if width >= self.size)
        return getattr(pa, f"{'' if self.signed else 'u'}int{width}")()

    def put(self, out: Output) -> int:
        low = -(1 << self.size - 1) if self.signed else 0
        high = low + (1 << self.size) - 1
        common = [low, high, 0, min(1, high), out.rng.randint(low, high)]
        common += [edge for _, *edges in self.mappings or () for edge in edges]
        value = out.rng.choice(self.choices or common)
        self.write(out, value)
        return value

    def write(self, out: Output, value: int) -> None:
        out.writer.align(self.align, out.start)
        out.writer.put(value, self.size, little=self.little)
        out.values[id(self)] = value

    def labelled(self) -> pa.DataType | None:
        return None if self.mappings is None else pa.string()

    def labels(self, value: int) -> str | None:
        found = {m[0].removeprefix("_") for m in self.mappings or () if m[1] <= value <= m[2]}
        return "|".join(sorted(found)) or None


@dataclass(eq=False)
class Real(Kind):
    """A real number of 32 or 64 bits."""

    shown = True
    size: int
    align: int
    little: bool
    native: bool

    def tsdl(self) -> tuple[str, str]:
        digits = (
            "exp_dig = 8; mant_dig = 24;" if self.size == 32 else "exp_dig = 11; mant_dig = 53;"
        )
        order = "" if self.native else f" byte_order = {'le' if self.little else 'be'};"
        return f"floating_point {{ {digits} align = {self.align};{order} }}", ""

    def arrow(self) -> pa.DataType:
        return pa.float32() if self.size == 32 else pa.float64()

    def put(self, out: Output) -> float:
        value = out.rng.choice([*_REALS, out.rng.uniform(-1e9, 1e9)])
        out.writer.align(self.align, out.start)
        out.writer.put_real(value, self.size, little=self.little)
        return struct.unpack("f", struct.pack("f", value))[0] if self.size == 32 else value


@dataclass(eq=False)
class String(Kind):
    """A text up to a NUL."""

    shown = True
    align = 8

    def tsdl(self) -> tuple[str, str]:
        return "string", ""

    def arrow(self) -> pa.DataType:
        return pa.string()

    def put(self, out: Output) -> str:
        data = out.rng.choice(_TEXTS).encode() + out.rng.choice([b"", b"", b"", *_BROKEN])
        out.writer.align(8, out.start)
        out.writer.put_bytes(data + b"\0")
        return data.decode("utf-8", "replace")


@dataclass(eq=False)
class Length:
    """How many elements: a number, or an earlier field and how it is named from here."""

    count: int = 0
    target: Int | None = None
    path: str = ""

    def now(self, out: Output) -> int:
        return self.count if self.target is None else out.values[id(self.target)]

    def __str__(self) -> str:
        return self.path if self.target else str(self.count)


@dataclass(eq=False)
class Text(Kind):
    """An array or sequence of characters."""

    shown = True
    length: Length
    align = 8

    def tsdl(self) -> tuple[str, str]:
        return "integer { size = 8; align = 8; encoding = UTF8; }", f"[{self.length}]"

    def arrow(self) -> pa.DataType:
        return pa.string()

    def put(self, out: Output) -> str:
        length = self.length.now(out)
        data = (out.rng.choice(_TEXTS).encode() + out.rng.choice([b"\0", b"\xffz"]) * 8)[:length]
        data = data.ljust(length, b"\0")
        out.writer.align(8, out.start)
        out.writer.put_bytes(data)
        return data.partition(b"\0")[0].decode("utf-8", "replace")
