"""The statements within the blocks of a TSDL text: attributes, fields, and declared types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from tcpdw.readers import ctf_types, tsdl_resolve
from tcpdw.readers.tsdl_attributes import Reader, Value, name, value
from tcpdw.readers.tsdl_blocks import Block, Source
from tcpdw.readers.tsdl_declarations import Declarations, Scope
from tcpdw.readers.tsdl_tokens import END, Cursor
from tcpdw.readers.tsdl_types import Reference, Struct, Surroundings

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GIGAHERTZ = 1_000_000_000
_MAX_UINT64 = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Root:
    """The structure that a block gives a scope, `scope := struct ...`, and the place of it."""

    type: Struct
    place: int


class Statements(Reader):
    """A block's attributes, and in `roots` its structures by name: `fields`, `event.header`."""

    def __init__(self, source: Source, block: Block, scope: Scope, around: Surroundings) -> None:
        cursor = Cursor(source, block.start, block.end)
        self._values: dict[str, Value] = {}
        self.roots: dict[str, Root] = {}
        super().__init__(source, self._values, block.start, f"the `{block.kind}` block")
        cursor.advance()
        cursor.expect("{", f"after `{block.kind}`")
        declarations = Declarations(cursor, scope, around)
        while not cursor.accept("}"):
            if declarations.starts():
                declarations.statement()
            else:
                self._statement(cursor, declarations)
        cursor.expect(";", "after the block")
        if cursor.token.kind != END:
            cursor.fail(f"expected nothing after the block, found {cursor.found()}")

    def _statement(self, cursor: Cursor, declarations: Declarations) -> None:
        place = cursor.token.place
        key = name(cursor)
        if key in self._values or key in self.roots:
            cursor.fail(f"`{key}` is given twice", place)
        if cursor.accept(":="):
            type = declarations.type()
            if not isinstance(type, Struct):
                cursor.fail(f"expected for `{key}` a structure", place)
            self.roots[key] = Root(type, place)
        else:
            cursor.expect("=", f"or `:=` after `{key}`")
            self._values[key] = value(cursor)
        cursor.expect(";", f"after `{key}`")

    def all(self) -> Mapping[str, Value]:
        """Give all attributes."""
        return self._values

    def uuid(self) -> bytes | None:
        """Give the attribute `uuid`, None where there is none."""
        uuid = self.text("uuid")
        if uuid is None:
            return None
        if not _UUID.fullmatch(uuid):
            self.fail("uuid", "expected for `uuid` 32 hexadecimal digits in groups")
        return bytes.fromhex(uuid.replace("-", ""))


def resolve(
    source: Source,
    scope: ctf_types.Scope,
    root: Root,
    earlier: Mapping[ctf_types.Scope, Struct],
    only_clock: str | None,
) -> tuple[ctf_types.Struct, frozenset[str]]:
    """Make a scope's fields; give the names of the clocks that they are mapped to with them."""

    def fail(message: str, reference: Reference | None) -> NoReturn:
        here = reference is not None and reference.origin is source.origin
        source.fail(reference.place if reference and here else root.place, message)

    resolver = tsdl_resolve.Resolver(scope, earlier, only_clock, fail)
    made = resolver.root(root.type)
    return made, frozenset(resolver.clocks)


def environment(source: Source, block: Block, around: Surroundings) -> dict[str, str | int]:
    """Read an `env` block."""
    values = Statements(source, block, Scope(), around).all()
    return {key: found.value for key, found in values.items()}


def clock(source: Source, block: Block, around: Surroundings) -> ctf_types.ClockClass:
    """Read a `clock` block (CTF 1.8.3, section 8). Its offset in cycles is less than a second."""
    read = Statements(source, block, Scope(), around)
    name = read.text("name")
    if not name:
        read.fail("name", "the clock has no `name`")
    read.boolean("absolute")
    frequency = read.integer("freq", _GIGAHERTZ, 1, _MAX_UINT64 - 1)
    seconds = read.integer("offset_s", 0, -(2**63), 2**63 - 1)
    more, cycles = divmod(read.integer("offset", 0, 0, _MAX_UINT64), frequency)
    return ctf_types.ClockClass(name, frequency, seconds + more, cycles)
