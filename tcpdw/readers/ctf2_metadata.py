"""The metadata of CTF 2, a sequence of JSON fragments (CTF2-SPEC-2.0, section 5).

As with TSDL, event record classes are made when they are first asked for, and shared by traces of
the same field class aliases, packet header and data stream classes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tcpdw.readers import ctf_types
from tcpdw.readers.ctf2_fields import Fields
from tcpdw.readers.ctf2_json import Node, fragment
from tcpdw.readers.ctf_memory import Memory
from tcpdw.readers.ctf_types import ClockClass, EventClass, Scope, StreamClass, TraceClass
from tcpdw.readers.tsdl_blocks import Source

_EVENT = '"event-record-class"'
_TYPES = ("preamble", "field-class-alias", "trace-class", "clock-class", "data-stream-class")
_MAX_CLASSES = 1 << 14  # kept for one data stream class


@dataclass(frozen=True, slots=True)
class _Tail:
    """A text from its first event record class on: where each is, by stream and event id."""

    text: str
    others: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    streams: dict[int, dict[int, tuple[int, int]]] = field(
        default_factory=dict[int, dict[int, tuple[int, int]]]
    )


@dataclass(slots=True)
class _Stream:
    """A data stream class without its events: those made so far are in `parsed`, by text."""

    id: int
    made: dict[Scope, ctf_types.Struct]
    clock: str | None
    parsed: dict[str, EventClass] = field(default_factory=dict[str, EventClass])


@dataclass(slots=True)
class _Layout:
    """What event record classes depend on."""

    aliases: dict[str, object]
    packet_header: ctf_types.Struct | None = None
    streams: dict[int, _Stream] = field(default_factory=dict[int, _Stream])


_tails: Memory[str, _Tail] = Memory(16)
_layouts: Memory[tuple[object, ...], _Layout] = Memory(64)


def parse(text: str, path: Path) -> TraceClass:
    """Parse a CTF 2 metadata text; `path` is named in errors.

    Raises TraceError with the line and column of the fragment concerned, for what is damaged and
    for what this reader does not read: extensions, unusual bit orders, fields of over 64 bits.
    """
    source = Source(text, path)
    base, tail = _tail(source)
    spans = [(place, end) for place, end in _spans(source, 0, base)]
    spans += [(start + base, end + base) for start, end in tail.others]
    nodes: dict[str, list[tuple[Node, str]]] = {}
    for start, end in spans:
        node = fragment(source, start, end)
        if not nodes and node.values.get("type") != "preamble":
            node.fail("the first fragment is no preamble")
        node.check_extensions()
        type = node.word("type")
        if type not in _TYPES:
            node.fail(f"unknown fragment `{type}`", "type")
        nodes.setdefault(type, []).append((node, text[start:end]))
    if not nodes:
        source.fail(0, "the metadata has no fragments")
    uuid = _preamble([node for node, _ in nodes["preamble"]])
    traces = [node for node, _ in nodes.get("trace-class", ())]
    if len(traces) > 1:
        traces[1].fail("another trace class")
    clocks = dict(_clock(node) for node, _ in nodes.get("clock-class", ()))
    for node, _ in nodes.get("data-stream-class", ()):
        default = node.text("default-clock-class-id")
        if default is not None and default not in clocks:
            node.fail(f"there is no clock class `{default}`", "default-clock-class-id")
    layout = _layout(nodes, traces[0] if traces else None)
    streams: dict[int, StreamClass] = {}
    for id, events in tail.streams.items():
        if id not in layout.streams:
            place = min(events.values())[0] + base
            source.fail(place, f"there is no data stream class {id}, which an event is of")
    for id, stream in layout.streams.items():
        streams[id] = StreamClass(
            id,
            stream.made.get("packet.context"),
            stream.made.get("event.header"),
            stream.made.get("event.context"),
            None if stream.clock is None else clocks[stream.clock],
            _Events(source, base, tail.streams.get(id, {}), layout, stream),
        )
    env = _environment(traces[0]) if traces else {}
    return TraceClass(2, uuid, layout.packet_header, env, streams)


class _Events:
    """The event classes of a stream class; see `ctf_types.EventClasses`."""

    __slots__ = ("_base", "_layout", "_source", "_spans", "_stream")

    def __init__(
        self,
        source: Source,
        base: int,
        spans: dict[int, tuple[int, int]],
        layout: _Layout,
        stream: _Stream,
    ) -> None:
        self._source = source
        self._base = base
        self._spans = spans
        self._layout = layout
        self._stream = stream

    def __getitem__(self, id: int, /) -> EventClass:
        start, end = (place + self._base for place in self._spans[id])
        text = self._source.text[start:end]
        parsed = self._stream.parsed
        found = parsed.get(text)
        if found is None:
            node = fragment(self._source, start, end)
            made = _event(node, self._layout, self._stream)
            if len(parsed) >= _MAX_CLASSES:
                parsed.clear()
            found = parsed.setdefault(text, made)
        return found

    def __iter__(self) -> Iterator[int]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)


def _event(node: Node, layout: _Layout, stream: _Stream) -> EventClass:
    node.check_extensions()
    made = dict(stream.made)
    scopes: tuple[tuple[Scope, str], ...] = (
        ("event.specific", "specific-context-field-class"),
        ("event.fields", "payload-field-class"),
    )
    _make(node, scopes, layout.aliases, made, stream.clock is not None)
    context, fields = made.get("event.specific"), made.get("event.fields")
    return EventClass(node.integer("id", 0), node.text("name"), context, fields)


def _make(
    node: Node,
    scopes: tuple[tuple[Scope, str], ...],
    aliases: dict[str, object],
    made: dict[Scope, ctf_types.Struct],
    has_clock: bool,
) -> None:
    """Make the scopes of a fragment, each of which may refer to those in `made`."""
    for scope, key in scopes:
        struct = Fields(scope, aliases, made, has_clock).root(node, key)
        if struct is not None:
            made[scope] = struct


def _spans(source: Source, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Give where the fragments from `start` to `end` are, each from its separator on."""
    text = source.text
    place = text.find("\x1e", start, end)
    while place >= 0:
        following = text.find("\x1e", place + 1, end)
        stop = end if following < 0 else following
        # Separators in a row stand for nothing (RFC 7464, 2.1).
        if text[place + 1 : stop].strip():
            yield place, stop
        place = following


def _tail(source: Source) -> tuple[int, _Tail]:
    """Give where the first event record class is, and where all are from there on."""
    first = source.text.find(_EVENT)
    if first < 0:
        return len(source.text), _Tail("")
    start = max(source.text.rfind("\x1e", 0, first), 0)
    text = source.text[start:]

    def make() -> _Tail:
        tail = _Tail(text)
        for place, end in _spans(source, start, len(source.text)):
            span = (place - start, end - start)
            node = fragment(source, place, end)
            if node.values.get("type") != "event-record-class":
                tail.others.append(span)
                continue
            events = tail.streams.setdefault(node.integer("data-stream-class-id", 0), {})
            id = node.integer("id", 0)
            if id in events:
                node.fail(f"another event of the same stream has the id {id}")
            events[id] = span
        return tail

    return start, _tails.get(text, make)


def _preamble(preambles: list[Node]) -> bytes | None:
    """Check the preamble, and give the UUID in it."""
    if len(preambles) > 1:
        preambles[1].fail("another preamble")
    (preamble,) = preambles
    if preamble.integer("version") != 2:
        preamble.fail("expected 2", "version")
    if "uuid" not in preamble.values:
        return None
    numbers = preamble.list("uuid")
    values = [number for number in numbers if type(number) is int and 0 <= number < 256]
    if len(values) != 16 or len(numbers) != 16:
        preamble.fail("expected 16 bytes", "uuid")
    return bytes(values)


def _clock(node: Node) -> tuple[str, ClockClass]:
    id = node.word("id")
    frequency = node.integer("frequency", None, 1, 2**64 - 1)
    offset = node.node("offset-from-origin")
    seconds = offset.integer("seconds", 0, -(2**63))
    more, cycles = divmod(offset.integer("cycles", 0, 0, 2**64 - 1), frequency)
    return id, ClockClass(node.text("name") or id, frequency, seconds + more, cycles)


def _environment(trace: Node) -> dict[str, str | int]:
    env: dict[str, str | int] = {}
    for key, value in trace.node("environment").values.items():
        if not isinstance(value, str) and type(value) is not int:
            trace.fail(f"expected for `{key}` a string or an integer", "environment")
        env[key] = value
    return env


def _layout(nodes: dict[str, list[tuple[Node, str]]], trace: Node | None) -> _Layout:
    header = trace.values.get("packet-header-field-class") if trace else None
    key = (
        tuple(text for _, text in nodes.get("field-class-alias", ())),
        json.dumps(header),
        tuple(text for _, text in nodes.get("data-stream-class", ())),
    )

    def make() -> _Layout:
        aliases: dict[str, object] = {}
        for node, _ in nodes.get("field-class-alias", ()):
            name = node.word("name")
            if name in aliases:
                node.fail(f"another field class alias `{name}`")
            aliases[name] = node.values.get("field-class")
        layout = _Layout(aliases)
        made: dict[Scope, ctf_types.Struct] = {}
        if trace is not None:
            _make(trace, (("packet.header", "packet-header-field-class"),), aliases, made, False)
            layout.packet_header = made.get("packet.header")
        for node, _ in nodes.get("data-stream-class", ()):
            stream = _stream(node, aliases, made)
            if stream.id in layout.streams:
                node.fail(f"another data stream class has the id {stream.id}")
            layout.streams[stream.id] = stream
        return layout

    return _layouts.get(key, make)


def _stream(
    node: Node, aliases: dict[str, object], header: dict[Scope, ctf_types.Struct]
) -> _Stream:
    made = dict(header)
    clock = node.text("default-clock-class-id")
    scopes: tuple[tuple[Scope, str], ...] = (
        ("packet.context", "packet-context-field-class"),
        ("event.header", "event-record-header-field-class"),
        ("event.context", "event-record-common-context-field-class"),
    )
    _make(node, scopes, aliases, made, clock is not None)
    return _Stream(node.integer("id", 0), made, clock)
