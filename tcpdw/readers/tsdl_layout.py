"""What the events of a TSDL text depend on: types, the trace, its streams (CTF 1.8.3, 5 to 7).

Traces of one kernel agree in it but for what makes no difference to the events: the environment,
the trace's UUID and the clocks' offsets. It is kept, and the event classes parsed with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tcpdw.readers import ctf_types, tsdl_meanings
from tcpdw.readers.ctf_memory import Memory
from tcpdw.readers.ctf_types import EventClass
from tcpdw.readers.tsdl_attributes import MAX_ID
from tcpdw.readers.tsdl_blocks import Block, Source
from tcpdw.readers.tsdl_declarations import Declarations, Scope
from tcpdw.readers.tsdl_index import names_env
from tcpdw.readers.tsdl_statements import Root, Statements, resolve
from tcpdw.readers.tsdl_tokens import END, Cursor
from tcpdw.readers.tsdl_types import Struct, Surroundings

_UUID = re.compile(r'"[0-9a-fA-F-]{36}"')


@dataclass(frozen=True, slots=True)
class Event:
    """A parsed event class, and the clocks that fields of it are mapped to."""

    event: EventClass
    clocks: frozenset[str]


@dataclass(slots=True)
class Stream:
    """A stream class without its events: what is parsed of them is kept in `parsed` by text."""

    id: int
    roots: dict[ctf_types.Scope, Struct]
    made: dict[ctf_types.Scope, ctf_types.Struct] = field(
        default_factory=dict[ctf_types.Scope, ctf_types.Struct]
    )
    clock: str | None = None
    parsed: dict[str, Event] = field(default_factory=dict[str, Event])


@dataclass(slots=True)
class Layout:
    """What is declared before and beside the events, parsed; `origin` is the source's."""

    origin: object
    around: Surroundings
    only_clock: str | None
    scope: Scope = field(default_factory=Scope)
    packet_header: ctf_types.Struct | None = None
    roots: dict[ctf_types.Scope, Struct] = field(default_factory=dict[ctf_types.Scope, Struct])
    streams: dict[int, Stream] = field(default_factory=dict[int, Stream])


_layouts: Memory[tuple[object, ...], Layout] = Memory(64)


class Preface:
    """The blocks of a text that are no events, and what the clocks and the environment say."""

    def __init__(
        self,
        source: Source,
        blocks: Mapping[str, list[Block]],
        clocks: tuple[str, ...],
        env: Mapping[str, str | int],
    ) -> None:
        self._source = source
        self._blocks = blocks
        self._clocks = clocks
        self._env = env
        traces = blocks.get("trace", [])
        if len(traces) != 1:
            place = traces[1].start if traces else 0
            source.fail(place, "expected one `trace` block" + (", found two" if traces else ""))
        self._trace = traces[0]

    def key(self, events_name_env: bool) -> tuple[object, ...]:
        """Return what the layout follows from: the environment too, if it is named."""
        text = self._source.text
        texts = {
            kind: tuple(text[block.start : block.end] for block in self._blocks.get(kind, ()))
            for kind in ("declaration", "trace", "stream")
        }
        named = events_name_env or any(names_env(each) for of in texts.values() for each in of)
        env = tuple(sorted(self._env.items())) if named else ()
        trace = _UUID.sub("", texts["trace"][0])
        return (texts["declaration"], trace, texts["stream"], self._clocks, env)

    def kept(self, key: tuple[object, ...]) -> Layout:
        """Parse the layout, or find it parsed, by its `key`."""
        return _layouts.get(key, self.parse)

    def uuid(self, layout: Layout) -> bytes | None:
        """Give the trace's UUID."""
        return self._statements(self._trace, layout).uuid()

    def parse(self) -> Layout:
        """Parse the layout. Raises TraceError with its place."""
        source, clocks = self._source, self._clocks
        little = tsdl_meanings.byte_order(source, self._trace)
        only = None if len(clocks) > 1 else clocks[0] if clocks else "default"
        layout = Layout(source.origin, Surroundings(little, clocks, dict(self._env)), only)
        for block in self._blocks.get("declaration", ()):
            cursor = Cursor(source, block.start, block.end)
            Declarations(cursor, layout.scope, layout.around).statement()
            if cursor.token.kind != END:
                cursor.fail(f"expected nothing after the declaration, found {cursor.found()}")
        read = self._statements(self._trace, layout)
        for key, expected in (("major", 1), ("minor", 8)):
            if read.integer(key, None, 0, 2**32) != expected:
                read.fail(key, "this is no CTF 1.8, whose `major` is 1 and `minor` 8")
        root = read.roots.get("packet.header")
        if root is not None:
            tsdl_meanings.check_packet_header(source, root)
            layout.packet_header, _ = resolve(source, "packet.header", root, {}, None)
            layout.roots["packet.header"] = root.type
        for block in self._blocks.get("stream", ()):
            self._stream(block, layout)
        if not layout.streams:
            layout.streams[0] = Stream(0, dict(layout.roots))
        return layout

    def _statements(self, block: Block, layout: Layout) -> Statements:
        return Statements(self._source, block, Scope(layout.scope), layout.around)

    def _stream(self, block: Block, layout: Layout) -> None:
        source = self._source
        read = self._statements(block, layout)
        id = read.integer("id", 0, 0, MAX_ID)
        header = layout.roots.get("packet.header")
        stream_id = tsdl_meanings.member(header, "stream_id")
        if "id" in read.all() and stream_id is None:
            read.fail("id", "the stream has an `id`, but the packet header no `stream_id`")
        if layout.streams and stream_id is None:
            source.fail(
                block.start, "there are several streams, but no `stream_id` in packet headers"
            )
        if id in layout.streams:
            read.fail("id", f"another stream has the id {id}")
        stream = Stream(id, dict(layout.roots))
        clocks: set[str] = set()
        scopes: tuple[ctf_types.Scope, ...] = ("packet.context", "event.header", "event.context")
        for scope in scopes:
            root: Root | None = read.roots.get(scope)
            if root is None:
                continue
            tsdl_meanings.check_stream(source, scope, root)
            stream.made[scope], mapped = resolve(
                source, scope, root, stream.roots, layout.only_clock
            )
            stream.roots[scope] = root.type
            clocks |= mapped
        stream.clock = tsdl_meanings.one_clock(source, clocks, block.start)
        layout.streams[id] = stream
