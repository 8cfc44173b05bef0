"""Metadata models as text: of this project's parsers in full, and in the terms bt2 shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from tcpdw.readers import ctf_types
from tcpdw.readers.ctf_types import FieldType, Label, Location, StreamClass, TraceClass

Ranges = tuple[tuple[int, int], ...]


def lines(trace: TraceClass) -> Iterator[str]:
    """Give all that a trace class says, each event class included."""
    yield f"CTF {trace.version}" + (f", UUID {trace.uuid.hex()}" if trace.uuid else "")
    for key, value in trace.env.items():
        yield f"env {key} = {value!r}"
    yield from scope("packet.header", trace.packet_header)
    for id, stream in trace.streams.items():
        assert id == stream.id
        yield from stream_lines(stream)


def stream_lines(stream: StreamClass) -> Iterator[str]:
    clock = stream.clock
    yield f"stream {stream.id}" + ("" if clock else ", no clock")
    if clock:
        offset = f"{clock.offset_seconds} s + {clock.offset_cycles}"
        yield f"  clock {clock.name}: {clock.frequency} Hz from {offset}"
    yield from scope("  packet.context", stream.packet_context)
    yield from scope("  event.header", stream.event_header)
    yield from scope("  event.context", stream.event_context)
    assert len(stream.events) == len(list(stream.events))
    for id in stream.events:
        event = stream.events[id]
        assert event.id == id
        yield f"  event {id} {event.name}"
        yield from scope("    event.specific", event.context)
        yield from scope("    event.fields", event.fields)


def scope(name: str, struct: ctf_types.Struct | None) -> Iterator[str]:
    if struct is not None:
        yield from field(name, struct)


def field(name: str, type: FieldType) -> Iterator[str]:
    """Give a field in lines: its name, its type, and what it consists of, further in."""
    indent = name[: len(name) - len(name.lstrip())] + "  "
    match type:
        case ctf_types.Struct():
            yield f"{name}: struct/{type.align}"
            for member in type.members:
                yield from field(indent + named(member.name, member.key), member.type)
        case ctf_types.Variant():
            yield f"{name}: variant by {place(type.selector)}"
            for option in type.options:
                when = f" if {ranges(option.ranges)}" if option.ranges else " never"
                yield from field(indent + named(option.name, option.key) + when, option.type)
        case ctf_types.Array():
            yield f"{name}: array/{type.align} of {length(type.length)}{roles(type.roles)}"
            yield from field(f"{indent}each", type.element)
        case ctf_types.Optional():
            when = f" in {ranges(type.ranges)}" if type.ranges is not None else ""
            yield f"{name}: if {place(type.selector)}{when}"
            yield from field(f"{indent}then", type.type)
        case _:
            yield f"{name}: {scalar(type)}"


def scalar(type: Any) -> str:
    match type:
        case ctf_types.Integer():
            size = (
                f"{type.size}{'le' if type.little else 'be'}/{type.align}" if type.size else "LEB"
            )
            text = ("s" if type.signed else "u") + size + roles(type.roles)
            return text if type.labels is None else f"{text} {labels(type.labels)}"
        case ctf_types.Boolean():
            return f"bool{type.size}{'le' if type.little else 'be'}/{type.align}"
        case ctf_types.Real():
            return f"real{type.size}{'le' if type.little else 'be'}/{type.align}"
        case ctf_types.String():
            return f"string {type.encoding}"
        case ctf_types.Text():
            return f"text/{type.align} of {length(type.length)} {type.encoding}"
        case ctf_types.Blob():
            return f"blob of {length(type.length)}{roles(type.roles)}"
        case _:
            raise AssertionError(type)


def named(name: str, key: str) -> str:
    return name if name == key else f"{name} ({key})"


def place(location: Location) -> str:
    return f"{location.scope}:{'.'.join(location.path)}"


def length(of: int | Location) -> str:
    return str(of) if isinstance(of, int) else place(of)


def ranges(of: Ranges) -> str:
    return " ".join(str(low) if low == high else f"{low}..{high}" for low, high in of)


def roles(of: tuple[str, ...]) -> str:
    return f" [{' '.join(of)}]" if of else ""


def labels(of: tuple[Label, ...]) -> str:
    return (
        "{" + ", ".join(f"{each.label!r} {ranges(((each.low, each.high),))}" for each in of) + "}"
    )


def shared_lines(trace: TraceClass) -> Iterator[str]:
    """Give what bt2 knows of a trace class too, in the lines of `metadata_bt2`."""
    yield f"UUID {trace.uuid and UUID(bytes=trace.uuid)}"
    for key, value in trace.env.items():
        yield f"env {key} {value}"
    for id, stream in sorted(trace.streams.items()):
        clock = stream.clock
        yield f"stream {id}"
        if clock is not None:
            yield f"{clock.name} {clock.frequency} {clock.offset_seconds} {clock.offset_cycles}"
        yield f"context {shared_root(stream.event_context)}"
        for event_id in sorted(stream.events):
            event = stream.events[event_id]
            yield f"event {event_id} {event.name}"
            yield f"context {shared_root(event.context)}"
            yield f"fields {shared_root(event.fields)}"


def shared_root(struct: ctf_types.Struct | None) -> object:
    """Give a scope's structure: bt2 has no fields of a role, nor what consists of them alone."""
    if struct is None or (struct.members and not shown(struct)):
        return None
    return shared(struct)


def shown(struct: ctf_types.Struct) -> list[ctf_types.Member]:
    return [each for each in struct.members if not getattr(each.type, "roles", ())]


def shared(type: FieldType) -> object:
    """Give a type in the terms that bt2's field classes have too."""
    match type:
        case ctf_types.Integer():
            of: dict[str, set[tuple[int, int]]] = {}
            for each in type.labels or ():
                of.setdefault(each.label, set()).add((each.low, each.high))
            known = sorted((label, sorted(values)) for label, values in of.items())
            return ("integer", type.size, type.signed, None if type.labels is None else known)
        case ctf_types.Real():
            return ("real", type.size)
        case ctf_types.String() | ctf_types.Text():
            return "string"
        case ctf_types.Array():
            of_length = type.length if isinstance(type.length, int) else None
            return ("array", of_length, shared(type.element))
        case ctf_types.Struct():
            return ("struct", [(member.name, shared(member.type)) for member in shown(type)])
        case ctf_types.Variant():
            options = type.options
            return (
                "variant",
                [(one.name, shared(one.type), sorted(one.ranges)) for one in options],
            )
        case _:
            raise AssertionError(type)
