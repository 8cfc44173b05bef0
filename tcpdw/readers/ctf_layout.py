"""A trace's metadata compiled for the native decoder: its streams at once, its events later."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import replace
from typing import Any

from tcpdw.readers import Clock, ctf_events, ctf_kept, ctf_library
from tcpdw.readers.ctf_events import EventLayout
from tcpdw.readers.ctf_programs import Emitter
from tcpdw.readers.ctf_registers import REGISTERS, Registers
from tcpdw.readers.ctf_types import (
    ClockClass,
    EventClass,
    FieldType,
    Integer,
    Location,
    Scope,
    StreamClass,
    Struct,
    TraceClass,
    Variant,
)
from tcpdw.readers.event_columns import repair_text

_MOST_KEPT = 20_000


class StreamLayout:
    """A stream class, compiled; its event classes are compiled when they are asked for."""

    def __init__(
        self, kind: StreamClass, outer: Registers, classes: ctf_kept.Classes | None
    ) -> None:
        self.kind = kind
        self._classes = classes
        self.clock = None if kind.clock is None else _clock(kind.clock)
        self._registers = Registers(outer)
        self.context = _program(kind.packet_context, "packet.context", self._registers)
        self.header = _program(kind.event_header, "event.header", self._registers)
        self.lttng = _lttng_header(kind.event_header, self._registers)
        roles = _roles(kind.event_header)
        self.only_class = -1
        if "event_id" not in roles and len(kind.events) == 1:
            self.only_class = next(iter(kind.events))
        self.begins = _sets_clock(kind.packet_context)

    def event(self, number: int) -> EventLayout:
        """Compile the event class `number`; raises KeyError where there is none."""
        classes = self._classes
        found = None if classes is None else classes.get(self.kind.id, number)
        if found is None:
            found = _KEPT.get(self.kind.events[number], self.kind, self._registers)
            if classes is not None:
                classes.add(self.kind.id, number, found)
        return found


class TraceLayout:
    """A trace's metadata, compiled: `native` is what the decoder takes."""

    def __init__(self, kind: TraceClass) -> None:
        self.kind = kind
        registers = Registers()
        self._header = _program(kind.packet_header, "packet.header", registers)
        key = kind.events_key
        self._classes = None if key is None else ctf_kept.classes(key)
        self.streams = [
            StreamLayout(stream, registers, self._classes) for stream in kind.streams.values()
        ]
        self._streams = (ctf_library.StreamClass * max(1, len(self.streams)))()
        for native, stream in zip(self._streams, self.streams, strict=False):
            native.id = stream.kind.id
            native.context, native.header = stream.context, stream.header
            native.has_clock = stream.clock is not None
            native.base_ns = 0 if stream.clock is None else stream.clock.offset_ns
            native.frequency = 1 if stream.clock is None else stream.clock.frequency
            native.only_class = stream.only_class
            if stream.lttng is not None:
                native.lttng, native.lttng_regs = stream.lttng[0], stream.lttng[1:]
        self._uuid = ctypes.create_string_buffer(kind.uuid or b"")
        self.native = ctf_library.TraceClass(
            header=self._header,
            uuid=ctypes.addressof(self._uuid) if kind.uuid else None,
            streams=ctypes.addressof(self._streams),
            n_streams=len(self.streams),
            n_regs=REGISTERS,
        )

    def keep(self) -> None:
        """Keep the event classes that were compiled for processes that follow."""
        if self._classes is not None:
            self._classes.keep()


class _Layouts:
    """Compiled event classes, kept for the traces that follow: most share their metadata."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[int, int, tuple[Any, ...]], tuple[Any, EventLayout]] = {}

    def get(self, event: EventClass, stream: StreamClass, registers: Registers) -> EventLayout:
        # Objects are kept with their layouts: as long as they are, their ids are theirs.
        key = (id(event), id(stream.event_context), registers.places())
        found = self._known.get(key)
        if found is None:
            layout = _event(event, stream, Registers(registers))
            found = ((event, stream.event_context), layout)
            with self._lock:
                if len(self._known) >= _MOST_KEPT:
                    self._known.clear()
                self._known[key] = found
        return found[1]


_KEPT = _Layouts()


def _clock(kind: ClockClass) -> Clock:
    ns = kind.offset_seconds * 10**9 + kind.offset_cycles * 10**9 // kind.frequency
    return Clock(repair_text(kind.name), kind.frequency, ns)


def _program(kind: Struct | None, scope: Scope, registers: Registers) -> ctf_library.Program:
    emitter = Emitter(registers, None, ())
    if kind is not None:
        emitter.structure(kind, (scope, ()), None)
    return emitter.finish()


def _roles(kind: Struct | None) -> set[str]:
    found: set[str] = set()
    todo: list[FieldType] = [] if kind is None else [kind]
    while todo:
        match one := todo.pop():
            case Integer():
                found.update(one.roles)
            case Struct():
                todo += [member.type for member in one.members]
            case _:
                todo += [option.type for option in getattr(one, "options", ())]
    return found


def _lttng_header(kind: Struct | None, registers: Registers) -> tuple[int, ...] | None:
    """Return the bits of the id in LTTng's usual event header and its registers; None for others.

    The decoder has a way of its own for these.
    """
    if kind is None or [member.key for member in kind.members] != ["id", "v"]:
        return None
    number, choice = (member.type for member in kind.members)
    if not isinstance(number, Integer) or not isinstance(choice, Variant):
        return None
    size, last = number.size, 2**number.size - 1
    if (size, number.align) not in ((5, 1), (16, 8)) or number.signed or kind.align != 8:
        return None
    at = ("event.header", ("id",))
    if (choice.selector.scope, choice.selector.path) != at or len(choice.options) != 2:
        return None
    short, long = choice.options
    if (short.ranges, long.ranges) != (((0, last - 1),), ((last, last),)):
        return None
    time = Integer(32 - size if size == 5 else 32, 1 if size == 5 else 8, False, True)
    expected = (
        (short.type, 1 if size == 5 else 8, [replace(time, roles=("timestamp",))]),
        (
            long.type,
            8,
            [
                Integer(32, 8, False, True, roles=("event_id",)),
                Integer(64, 8, False, True, roles=("timestamp",)),
            ],
        ),
    )
    for given, align, members in expected:
        if not isinstance(given, Struct) or given.align != align:
            return None
        if [member.type for member in given.members] != members:
            return None
    if replace(number, labels=None) != Integer(
        size, number.align, False, True, None, ("event_id",)
    ):
        return None
    assert isinstance(short.type, Struct)
    assert isinstance(long.type, Struct)
    paths = [
        ("id",),
        ("v", short.key, short.type.members[0].key),
        ("v", long.key, long.type.members[0].key),
        ("v", long.key, long.type.members[1].key),
    ]
    return (size, *(registers.find(Location("event.header", path))[0] for path in paths))


def _sets_clock(context: Struct | None) -> bool:
    """Tell whether packets set the whole clock, and so can be read without those before them."""
    return context is not None and any(
        isinstance(member.type, Integer)
        and "timestamp" in member.type.roles
        and member.type.size == 64
        for member in context.members
    )


def _event(event: EventClass, stream: StreamClass, registers: Registers) -> EventLayout:
    scopes = ctf_events.scopes_of(event, stream)
    return ctf_events.EventCompiler(event, scopes, registers).layout
