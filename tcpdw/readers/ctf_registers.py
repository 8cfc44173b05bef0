"""Which earlier fields others refer to, and the registers that keep them."""

from __future__ import annotations

from typing import Any

from tcpdw.readers import Declined
from tcpdw.readers.ctf_types import (
    Array,
    Blob,
    FieldType,
    Location,
    Optional,
    Scope,
    Struct,
    Text,
    Variant,
)

REGISTERS = 4096
"""How many registers a stream has."""

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
