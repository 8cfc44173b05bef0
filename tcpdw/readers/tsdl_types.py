"""Types as a TSDL text declares them: before the fields that they refer to are looked for.

A declared type may be used in several places, and what a length or a tag refers to depends on the
place. `tsdl_resolve` makes the types of `ctf_types` of these, once for each use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tcpdw.readers import ctf_types

# Named types can be used within others over and over: few bytes could declare a structure of a
# billion fields. The largest event classes of a kernel have some hundred.
MAX_FIELDS = 1 << 16


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of a field that is elsewhere, `a.b.c`, and the place of it in its source.

    `origin` is that source's: what was declared in one text may be used with another.
    """

    path: str
    origin: object
    place: int


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or enumeration; `clock` is the clock's name that it is mapped to.

    `text` is true for what makes an array of it a text: 8 bits, aligned to 8, with an encoding.
    """

    type: ctf_types.Integer
    text: bool = False
    clock: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A member of a structure or an option of a variant, by its name in the text."""

    key: str
    type: Declared


@dataclass(frozen=True, slots=True)
class Struct:
    """A structure, aligned to its own least alignment or its members' greatest, in bits."""

    items: tuple[Item, ...]
    align: int
    fields: int
    depth: int


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant; without `tag` it can be named, but no field can be of it."""

    items: tuple[Item, ...]
    tag: Reference | None
    fields: int
    depth: int


@dataclass(frozen=True, slots=True)
class Array:
    """An array of fixed length, or a sequence, whose length is read from another field."""

    length: int | Reference
    element: Declared
    fields: int
    depth: int


Declared = Number | ctf_types.Real | ctf_types.String | Struct | Variant | Array
Compound = Struct | Variant | Array


def bare_name(name: str) -> str:
    """Give a field's name: one leading underscore keeps it apart from TSDL's words (4.1.4)."""
    return name.removeprefix("_")


def fields(type: Declared) -> int:
    """Count the fields that a type stands for, those of types used in it included."""
    return type.fields if isinstance(type, Struct | Variant | Array) else 1


def depth(type: Declared) -> int:
    """Give how deep structures, variants and arrays nest in a type."""
    return type.depth if isinstance(type, Struct | Variant | Array) else 0


def alignment(type: Declared) -> int:
    """Give the alignment of a type in bits. A variant has none of its own (4.2.2)."""
    while isinstance(type, Array):
        type = type.element
    match type:
        case Number():
            return type.type.align
        case ctf_types.Real() | Struct():
            return type.align
        case ctf_types.String():
            return 8
        case _:
            return 1


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the declarations of types depend on: byte order, clocks, the environment's integers.

    `integers` keeps what each integer type's text was parsed to.
    """

    little: bool
    clocks: tuple[str, ...]
    env: Mapping[str, str | int]
    integers: dict[str, Number] = field(default_factory=dict[str, Number], compare=False)
