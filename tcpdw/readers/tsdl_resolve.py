"""From types as TSDL declares them to fields: references found, names bare, roles known.

What a field means to the format is told by its name and scope (CTF 1.8.3, sections 5.1, 5.2, 6.1),
and by the clock that it is mapped to. babeltrace2's rules are kept: its names, which fields map to
the one clock without saying so, and what it refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

from tcpdw.readers import ctf_types, tsdl_types
from tcpdw.readers.ctf_types import Location, Role, Scope
from tcpdw.readers.tsdl_types import Compound, Declared, Number, Reference

Fail = Callable[[str, Reference | None], NoReturn]

# In the order in which they are read. TSDL's name of each is followed by a dot.
_PREFIXES: dict[Scope, str] = {
    "packet.header": "trace.packet.header.",
    "packet.context": "stream.packet.context.",
    "event.header": "stream.event.header.",
    "event.context": "stream.event.context.",
    "event.specific": "event.context.",
    "event.fields": "event.fields.",
}

_HEADER_ROLES: dict[str, Role] = {
    "magic": "magic",
    "uuid": "uuid",
    "stream_id": "stream_id",
    "stream_instance_id": "stream_instance_id",
}
_CONTEXT_ROLES: dict[str, Role] = {
    "timestamp_end": "timestamp_end",
    "content_size": "content_size",
    "packet_size": "packet_size",
    "events_discarded": "events_discarded",
    "packet_seq_num": "packet_seq_num",
}
# Fields of these names tell the time of the only clock, mapped or not.
_TIMES: dict[Scope, frozenset[str]] = {
    "packet.context": frozenset({"timestamp_begin", "timestamp_end"}),
    "event.header": frozenset({"timestamp"}),
}


@dataclass(slots=True)
class _Frame:
    """A type that is around the field at hand: its path from the root, and which item is next."""

    type: Compound
    names: tuple[str, ...]
    places: tuple[int, ...]
    index: int = -1


class Resolver:
    """Makes the fields of one scope. `clocks` collects the clocks that they are mapped to."""

    def __init__(
        self,
        scope: Scope,
        earlier: Mapping[Scope, tsdl_types.Struct],
        only_clock: str | None,
        fail: Fail,
    ) -> None:
        self._scope: Scope = scope
        self._roots = dict(earlier)
        self._only_clock = only_clock
        self._fail = fail
        self._frames: list[_Frame] = []
        self.clocks: set[str] = set()

    def root(self, declared: tsdl_types.Struct) -> ctf_types.Struct:
        """Make the structure of the scope's fields."""
        self._roots[self._scope] = declared
        return self._struct(declared, (), ())

    def _struct(
        self, declared: tsdl_types.Struct, names: tuple[str, ...], places: tuple[int, ...]
    ) -> ctf_types.Struct:
        frame = _Frame(declared, names, places)
        self._frames.append(frame)
        members: list[ctf_types.Member] = []
        for frame.index, item in enumerate(declared.items):
            name = tsdl_types.bare_name(item.key)
            type = self._type(item.type, name, (*names, item.key), (*places, frame.index))
            members.append(ctf_types.Member(name, type, item.key))
        self._frames.pop()
        return ctf_types.Struct(tuple(members), declared.align)

    def _type(
        self, declared: Declared, name: str, names: tuple[str, ...], places: tuple[int, ...]
    ) -> ctf_types.FieldType:
        """Make a field's type. `name` is empty for what no name of a member tells the role of."""
        match declared:
            case Number():
                return self._number(declared, name)
            case tsdl_types.Struct():
                return self._struct(declared, names, places)
            case tsdl_types.Array():
                return self._array(declared, name, names, places)
            case tsdl_types.Variant():
                return self._variant(declared, names, places)
            case _:
                return declared

    def _number(self, declared: Number, name: str) -> ctf_types.Integer:
        roles: list[Role] = []
        top = len(self._frames) == 1
        if self._scope == "packet.header" and top:
            if name in _HEADER_ROLES and name != "uuid":
                roles.append(_HEADER_ROLES[name])
        elif self._scope == "packet.context" and top and name in _CONTEXT_ROLES:
            roles.append(_CONTEXT_ROLES[name])
        elif self._scope == "event.header" and name == "id":
            roles.append("event_id")
        clock = declared.clock
        if clock is None and name in _TIMES.get(self._scope, ()) and self._all_named():
            clock = self._only_clock
            if clock is None:
                self._fail(f"`{name}` is not mapped to a clock, and there are several", None)
        if clock is not None:
            if self._scope == "packet.header":
                self._fail(f"`{name}` in a packet's header is mapped to a clock", None)
            self.clocks.add(clock)
            if "timestamp_end" not in roles:
                roles.append("timestamp")
        return replace(declared.type, roles=tuple(roles)) if roles else declared.type

    def _all_named(self) -> bool:
        return not any(isinstance(frame.type, tsdl_types.Array) for frame in self._frames)

    def _array(
        self,
        declared: tsdl_types.Array,
        name: str,
        names: tuple[str, ...],
        places: tuple[int, ...],
    ) -> ctf_types.FieldType:
        length = declared.length
        if isinstance(length, Reference):
            place, target = self._find(length)
            if not isinstance(target, Number) or target.type.signed:
                self._fail(f"the length `{length.path}` is no unsigned integer", length)
        else:
            place = length
        uuid = self._scope == "packet.header" and len(self._frames) == 1 and name == "uuid"
        element = declared.element
        if isinstance(element, Number) and element.text and not uuid:
            return ctf_types.Text(place)
        self._frames.append(_Frame(declared, names, places))
        made = self._type(element, "", names, (*places, -1))
        self._frames.pop()
        return ctf_types.Array(
            place, made, tsdl_types.alignment(element), ("uuid",) if uuid else ()
        )

    def _variant(
        self, declared: tsdl_types.Variant, names: tuple[str, ...], places: tuple[int, ...]
    ) -> ctf_types.Variant:
        tag = declared.tag
        if tag is None:
            self._fail("a variant without a tag can be declared, but not be a field", None)
        selector, target = self._find(tag)
        if not isinstance(target, Number) or target.type.labels is None:
            self._fail(f"the tag `{tag.path}` is no enumeration", tag)
        labels = target.type.labels
        frame = _Frame(declared, names, places)
        self._frames.append(frame)
        options: list[ctf_types.Option] = []
        for frame.index, item in enumerate(declared.items):
            # The name of an option is none of a member: only a clock's time is told by it.
            name = tsdl_types.bare_name(item.key)
            time = name if name in _TIMES.get(self._scope, ()) else ""
            type = self._type(item.type, time, (*names, item.key), (*places, frame.index))
            ranges = tuple((label.low, label.high) for label in labels if label.label == item.key)
            options.append(ctf_types.Option(name, type, item.key, ranges))
        self._frames.pop()
        return ctf_types.Variant(selector, tuple(options))

    def _find(self, reference: Reference) -> tuple[Location, Declared]:
        """Find what a length or tag refers to: in the scope named, or from the inside outwards."""
        for scope, prefix in _PREFIXES.items():
            if reference.path.startswith(prefix):
                root = self._roots.get(scope)
                if root is None:
                    self._fail(f"`{reference.path}`: there is no such scope before this", reference)
                path = reference.path.removeprefix(prefix).split(".")
                found = _walk(root, path)
                if found is None:
                    self._fail(f"there is no field `{reference.path}`", reference)
                places, target = found
                if scope == self._scope:
                    self._check_earlier(places, reference)
                return Location(scope, tuple(path)), target
        path = reference.path.split(".")
        for frame in reversed(self._frames):
            if isinstance(frame.type, tsdl_types.Array):
                continue
            found = _walk(frame.type, path)
            if found is not None and found[0][0] <= frame.index:
                self._check_earlier((*frame.places, *found[0]), reference)
                return Location(self._scope, (*frame.names, *path)), found[1]
        for scope in reversed(_PREFIXES):
            found = _walk(self._roots[scope], path) if scope in self._roots else None
            if found is not None and scope != self._scope:
                return Location(scope, tuple(path)), found[1]
        self._fail(f"there is no field `{reference.path}` before this one", reference)

    def _check_earlier(self, places: tuple[int, ...], reference: Reference) -> None:
        """Fail unless the field at `places` from the root is before the one at hand."""
        own = self._frames[-1]
        at_hand = (*own.places, own.index)
        if not places < at_hand or at_hand[: len(places)] == places:
            self._fail(f"`{reference.path}` is not before the field that refers to it", reference)


def _walk(root: Compound, path: list[str]) -> tuple[tuple[int, ...], Declared] | None:
    """Follow names down from a type; give the indexes on the way (-1 for an array) and the end."""
    places: tuple[int, ...] = ()
    type: Declared = root
    for name in path:
        while isinstance(type, tsdl_types.Array):
            places += (-1,)
            type = type.element
        if not isinstance(type, tsdl_types.Struct | tsdl_types.Variant):
            return None
        for index, item in enumerate(type.items):
            if item.key == name:
                places += (index,)
                type = item.type
                break
        else:
            return None
    return places, type
