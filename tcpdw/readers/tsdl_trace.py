"""The metadata of CTF 1.8, TSDL, as a whole (CTF 1.8.3, sections 5 to 8 and appendix C).

An event class is parsed when it is first asked for, and kept with the layout that it depends on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tcpdw.errors import TraceError
from tcpdw.readers import ctf_types, tsdl_meanings
from tcpdw.readers.ctf_types import ClockClass, EventClass, StreamClass, TraceClass
from tcpdw.readers.tsdl_attributes import MAX_ID
from tcpdw.readers.tsdl_blocks import Block, Source
from tcpdw.readers.tsdl_declarations import Scope
from tcpdw.readers.tsdl_index import Span, Tail, index
from tcpdw.readers.tsdl_layout import Event, Layout, Preface, Stream
from tcpdw.readers.tsdl_statements import Statements, clock, environment, resolve
from tcpdw.readers.tsdl_types import Surroundings

_MAX_CLASSES = 1 << 14  # kept for one stream class
_DEFAULT_CLOCK = ClockClass("default", 1_000_000_000, 0, 0)


def parse(text: str, path: Path) -> TraceClass:
    """Parse a TSDL text; `path` is named in errors.

    Raises TraceError with line and column for what no event class is needed to see: an event's own
    block may fail later, when it is asked for.
    """
    source = Source(text, path)
    head, base, tail = index(source)
    blocks: dict[str, list[Block]] = {}
    for block in head:
        blocks.setdefault(block.kind, []).append(block)
    for block in tail.others:
        moved = block._replace(start=block.start + base, end=block.end + base)
        blocks.setdefault(block.kind, []).append(moved)
    unknown = Surroundings(True, (), {})
    env: dict[str, str | int] = {}
    for block in blocks.get("env", ()):
        env |= environment(source, block, unknown)
    clocks = [clock(source, block, unknown) for block in blocks.get("clock", ())]
    preface = Preface(source, blocks, tuple(each.name for each in clocks), env)
    key = preface.key(tail.names_env)
    layout = preface.kept(key)
    by_name = {each.name: each for each in reversed(clocks)} or {"default": _DEFAULT_CLOCK}
    spans = _spans(source, base, tail, layout)
    streams: dict[int, StreamClass] = {}
    for id, stream in layout.streams.items():
        events = _Events(source, base, spans.get(id, {}), preface, layout, id)
        name = stream.clock or (events.clock() if clocks else None)
        streams[id] = StreamClass(
            id,
            stream.made.get("packet.context"),
            stream.made.get("event.header"),
            stream.made.get("event.context"),
            by_name[name] if name else None,
            events,
        )
    events_key = None if tail.digest is None else f"{tail.digest} {key}"
    return TraceClass(1, preface.uuid(layout), layout.packet_header, env, streams, events_key)


class _Events:
    """The event classes of a stream class; see `ctf_types.EventClasses`."""

    __slots__ = ("_base", "_id", "_layout", "_preface", "_source", "_spans")

    def __init__(
        self,
        source: Source,
        base: int,
        spans: dict[int, Span],
        preface: Preface,
        layout: Layout,
        id: int,
    ) -> None:
        self._source = source
        self._base = base
        self._spans = spans
        self._preface = preface
        self._layout = layout
        self._id = id

    def __getitem__(self, id: int, /) -> EventClass:
        return self._parsed(id).event

    def __iter__(self) -> Iterator[int]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def clock(self) -> str | None:
        """Give the clock that the events' own fields are mapped to. Parses them all."""
        clocks = {clock for id in self._spans for clock in self._parsed(id).clocks}
        return tsdl_meanings.one_clock(self._source, clocks, self._base)

    def _parsed(self, id: int) -> Event:
        span = self._spans[id]
        start, end = span.start + self._base, span.end + self._base
        text = self._source.text[start:end]
        parsed = self._layout.streams[self._id].parsed
        found = parsed.get(text)
        if found is None:
            made = self._parse(Block("event", start, end))
            if len(parsed) >= _MAX_CLASSES:
                parsed.clear()
            found = parsed.setdefault(text, made)
        return found

    def _parse(self, block: Block) -> Event:
        layout = self._layout
        try:
            return _event(self._source, block, layout, layout.streams[self._id])
        except TraceError:
            if layout.origin is self._source.origin:
                raise
            # The layout is another trace's. What failed may be declared in it: parse it again from
            # this one, to name the place here.
            layout = self._preface.parse()
            return _event(self._source, block, layout, layout.streams[self._id])


def _event(source: Source, block: Block, layout: Layout, stream: Stream) -> Event:
    read = Statements(source, block, Scope(layout.scope), layout.around)
    roots = dict(stream.roots)
    made: dict[ctf_types.Scope, ctf_types.Struct] = {}
    clocks: set[str] = set()
    scopes: tuple[tuple[ctf_types.Scope, str], ...] = (
        ("event.specific", "context"),
        ("event.fields", "fields"),
    )
    for scope, key in scopes:
        if key in read.roots:
            root = read.roots[key]
            made[scope], mapped = resolve(source, scope, root, roots, layout.only_clock)
            roots[scope] = root.type
            clocks |= mapped
    tsdl_meanings.one_clock(
        source, clocks | {stream.clock} if stream.clock else clocks, block.start
    )
    id = read.integer("id", 0, 0, MAX_ID)
    event = EventClass(id, read.text("name"), made.get("event.specific"), made.get("event.fields"))
    return Event(event, frozenset(clocks))


def _spans(source: Source, base: int, tail: Tail, layout: Layout) -> dict[int, dict[int, Span]]:
    """Give the events' spans by stream and id: a lone stream or event needs no id."""
    spans = tail.streams
    if tail.partial:
        spans = {id: dict(events) for id, events in spans.items()}
    for block in tail.partial:
        place = block.start + base
        stream_id = block.stream_id
        if stream_id is None:
            if len(layout.streams) > 1:
                source.fail(place, "the event has no `stream_id`, and there are several streams")
            stream_id = next(iter(layout.streams))
        events = spans.setdefault(stream_id, {})
        id = block.id
        if id is None:
            if events:
                source.fail(place, "the event has no `id`, and there are several events")
            id = 0
        if id in events:
            source.fail(place, f"another event of the same stream has the id {id}")
        events[id] = Span(block.start, block.end)
    for id, events in spans.items():
        first = next(iter(events.values())).start + base
        if id not in layout.streams:
            source.fail(first, f"there is no stream of the id {id}, which an event is of")
        header = layout.streams[id].roots.get("event.header")
        if len(events) > 1 and tsdl_meanings.member(header, "id") is None:
            source.fail(first, "the stream has several events, and its event header no `id`")
    return spans
