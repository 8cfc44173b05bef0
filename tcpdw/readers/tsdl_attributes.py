"""Attributes in a TSDL text, `name = value;`, and the types that are made of them alone.

CTF 1.8.3, sections 4.1.5 (integers), 4.1.7 (floating point) and 4.2.5 (strings).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, NoReturn

from tcpdw.readers import ctf_types, tsdl_types
from tcpdw.readers.tsdl_blocks import Source
from tcpdw.readers.tsdl_tokens import NUMBER, SIGN, STRING, WORD, Cursor, Token

MIN_INT64 = -(2**63)
MAX_ID = 2**63 - 1  # of streams and events

_BIG = {"be": True, "network": True, "le": False}
_TEXT = frozenset({"UTF8", "utf8", "utf-8", "UTF-8", "ASCII", "ascii"})
_TRUE, _FALSE = frozenset({"true", "TRUE"}), frozenset({"false", "FALSE"})
# The decoder counts in bits within a packet; a greater alignment than this is a damaged text.
MAX_ALIGN = 1 << 24
_MAX_BITS = 64
_MAX_KEPT = 4096  # texts of integer types; a kernel's metadata has some twenty
# Significant and exponent bits of the IEEE 754 formats; the first counts the implied bit too.
_REALS = {(11, 5): 16, (24, 8): 32, (53, 11): 64}


class Value(NamedTuple):
    """What is right of an attribute's `=`: an integer or a text, quoted or bare, and its place."""

    value: int | str
    place: int


def value(cursor: Cursor) -> Value:
    """Read an attribute's value, up to its semicolon."""
    token = cursor.token
    if token.kind == STRING:
        return Value(cursor.strings(), token.place)
    if token.kind == NUMBER or token.text in ("-", "+"):
        return Value(cursor.constant("an integer", MIN_INT64), token.place)
    if token.kind != WORD:
        cursor.fail(f"expected a value, found {cursor.found()}")
    # Names of events were bare once, the colon of `provider:event` included.
    bare = ""
    while cursor.token.kind in (WORD, NUMBER) or (
        cursor.token.kind == SIGN and cursor.token.text not in (";", "{", "}", "=", ":=")
    ):
        bare += cursor.advance().text
    return Value(bare, token.place)


def name(cursor: Cursor) -> str:
    """Read what is left of an attribute's `=` or `:=`: `a`, `a.b` or `"a"`."""
    if cursor.token.kind == STRING:
        return cursor.strings()
    path = cursor.word("an attribute's name")
    while cursor.accept("."):
        path += "." + cursor.word("an attribute's name after `.`")
    return path


def attributes(cursor: Cursor) -> dict[str, Value]:
    """Read `name = value;` over and over, up to the closing brace and over it."""
    values: dict[str, Value] = {}
    while not cursor.accept("}"):
        place = cursor.token.place
        key = name(cursor)
        if key in values:
            cursor.fail(f"`{key}` is given twice", place)
        cursor.expect("=", f"after `{key}`")
        values[key] = value(cursor)
        cursor.expect(";", f"after the value of `{key}`")
    return values


class Reader:
    """The values of one block or type, each read as what it must be."""

    def __init__(self, source: Source, values: Mapping[str, Value], place: int, what: str) -> None:
        self._source = source
        self._values = values
        self._place = place
        self._what = what

    def fail(self, key: str, message: str) -> NoReturn:
        """Raise TraceError at the value of `key`, or at the block where there is none."""
        found = self._values.get(key)
        self._source.fail(found.place if found else self._place, message)

    def integer(self, key: str, default: int | None, least: int, most: int) -> int:
        """Give an integer from `least` to `most`. Without a `default` it has to be there."""
        found = self._values.get(key)
        if found is None:
            if default is None:
                self.fail(key, f"{self._what} has no `{key}`")
            return default
        if isinstance(found.value, str) or not least <= found.value <= most:
            self.fail(key, f"expected for `{key}` an integer from {least} to {most}")
        return found.value

    def text(self, key: str) -> str | None:
        """Give a text, None where there is none."""
        found = self._values.get(key)
        if found is None:
            return None
        if not isinstance(found.value, str):
            self.fail(key, f"expected for `{key}` a text")
        return found.value

    def boolean(self, key: str) -> bool:
        """Give a boolean, false where there is none."""
        found = self._values.get(key)
        if found is None or found.value in _FALSE:
            return False
        if isinstance(found.value, str) and found.value not in _TRUE:
            self.fail(key, f"expected for `{key}` `true`, `false` or an integer")
        return bool(found.value)

    def alignment(self, default: int) -> int:
        """Give the attribute `align`, a power of two."""
        align = self.integer("align", default, 1, MAX_ALIGN)
        if align & (align - 1):
            self.fail("align", f"expected for `align` a power of two, found {align}")
        return align

    def little(self, native: bool | None) -> bool:
        """Tell from `byte_order` if the least byte comes first; `native` where it is native."""
        order = self.text("byte_order")
        if native is not None and order in (None, "native"):
            return native
        if order not in _BIG:
            if order is None:
                self.fail("byte_order", f"{self._what} has no `byte_order`")
            known = "`le`, `be` or `network`" if native is None else "`le`, `be` or `native`"
            self.fail("byte_order", f"expected for `byte_order` {known}")
        return not _BIG[order]

    def encoded(self) -> bool:
        """Tell from `encoding` if bytes are characters."""
        encoding = self.text("encoding")
        if encoding in _TEXT:
            return True
        if encoding not in (None, "none"):
            self.fail("encoding", f"unknown encoding `{encoding}`: expected UTF8, ASCII or none")
        return False


def integer(
    cursor: Cursor, token: Token, surroundings: tsdl_types.Surroundings
) -> tsdl_types.Number:
    """Make the type of an `integer { ... }`, whose first token `token` was stepped over."""
    whole = token.text[-1] == "}"
    if whole and (known := surroundings.integers.get(token.text)):
        return known
    if whole:
        start = token.place + token.text.index("{") + 1
        cursor = Cursor(cursor.source, start, token.place + len(token.text))
    read = Reader(cursor.source, attributes(cursor), token.place, "the integer")
    size = read.integer("size", None, 1, _MAX_BITS)
    align = read.alignment(1 if size % 8 else 8)
    clock = _clock(read, surroundings)
    made = tsdl_types.Number(
        ctf_types.Integer(size, align, read.boolean("signed"), read.little(surroundings.little)),
        text=read.encoded() and size == align == 8,
        clock=clock,
    )
    if whole and len(surroundings.integers) < _MAX_KEPT:
        return surroundings.integers.setdefault(token.text, made)
    return made


def _clock(read: Reader, surroundings: tsdl_types.Surroundings) -> str | None:
    mapped = read.text("map")
    if mapped is None:
        return None
    match mapped.split("."):
        case ["clock", clock, "value"]:
            if clock not in surroundings.clocks:
                read.fail("map", f"there is no clock `{clock}`")
            return clock
        case _:
            read.fail("map", "expected for `map` `clock.NAME.value`")


def real(cursor: Cursor, place: int, surroundings: tsdl_types.Surroundings) -> ctf_types.Real:
    """Make the type of a `floating_point { ... }`, whose first brace was stepped over."""
    read = Reader(cursor.source, attributes(cursor), place, "the floating point type")
    digits = (
        read.integer("mant_dig", None, 1, 1 << 16),
        read.integer("exp_dig", None, 1, 1 << 16),
    )
    size = _REALS.get(digits)
    if size is None:
        read.fail("mant_dig", "expected `mant_dig` and `exp_dig` 24 and 8, 53 and 11, or 11 and 5")
    return ctf_types.Real(size, read.alignment(8), read.little(surroundings.little))


def string(cursor: Cursor, place: int) -> ctf_types.String:
    """Make the type of a `string` or `string { ... }`, whose first word was stepped over."""
    if cursor.accept("{"):
        Reader(cursor.source, attributes(cursor), place, "the string").encoded()
    return ctf_types.String()
