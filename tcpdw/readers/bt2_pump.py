"""Reading the streams of a bt2 graph: messages in, event rows and a tally out.

This module is given bt2 (`Library`): only the reader imports it.
"""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tcpdw.errors import TraceError
from tcpdw.readers import Clock, TraceHead, lttng_index
from tcpdw.readers.bt2_events import EventDecoder
from tcpdw.readers.bt2_fields import FieldCompiler
from tcpdw.readers.bt2_salvage import Part, stream_files
from tcpdw.readers.event_columns import repair_text
from tcpdw.readers.trace_tally import StreamTally, Tally

_ROWS = 50_000  # rows held before the largest classes are handed on
_LARGE = 10_000_000  # elements of long arrays held before all are

Row = tuple[str, int, list[Any]]  # an event's name, time and values


@dataclass(frozen=True, slots=True)
class Library:
    """bt2: the package, its extension module, and its modules `message` and `utils`."""

    bt2: Any
    native: Any
    message: Any
    utils: Any

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What a call of bt2 raises on bad input: 2.1 fails to decode some of its own messages."""
        return (self.bt2._Error, UnicodeDecodeError)


class Pump:
    """Reads the streams of one graph, one after another; `run` it until it says that it is done.

    babeltrace2 calls `consume` from within its graph. It reads until many rows are held or the
    stream ends, so that the caller can take them (`due`) and memory stays bounded.
    """

    def __init__(self, library: Library, part: Part, tally: Tally) -> None:
        self._bt2, self._native = library.bt2, library.native
        self._message, self._utils = library.message, library.utils
        self._errors = library.errors
        self.head: TraceHead | None = None
        self.ports: list[str] = []
        self.part = part
        self._tally = tally
        self._compiler = FieldCompiler(library.bt2, library.native)
        self._decoders: dict[tuple[int, int], EventDecoder] = {}  # by stream class, event class
        self._held = 0
        self._failure: BaseException | None = None
        self._next_port = 0
        self._iterator: Any = None
        self._stream: StreamTally | None = None
        self._has_cpu = False
        self._clocked = False
        self._indexed = False
        self._class_id = 0

    def run(self, graph: Any) -> bool:
        """Read on; True once all streams are read."""
        try:
            graph.run_once()
        except self._bt2.Stop:
            return True
        except self._errors as error:
            if self._failure is not None:
                raise self._failure from None
            raise TraceError(reason(error), path=self._tally.trace) from None
        return False

    def due(self) -> Iterator[EventDecoder]:
        """Yield the event classes whose rows are to be taken now: all of them between streams."""
        between = self._iterator is None
        keep = 0 if between or self._compiler.large > _LARGE else _ROWS // 4
        if not between and self._held < _ROWS and self._compiler.large <= _LARGE:
            return
        self._compiler.large = 0
        for decoder in sorted(self._decoders.values(), key=lambda d: d.rows, reverse=True):
            if self._held <= keep or not decoder.rows:
                break
            self._held -= decoder.rows
            yield decoder

    def consume(self, sink: Any) -> None:
        """Read a share of the current stream: called by babeltrace2 within `run`."""
        try:
            if self._iterator is None:
                if self._next_port == len(self.ports):
                    raise self._bt2.Stop
                self._open_stream(sink)
            while self._iterator is not None and self._held < _ROWS:
                self._advance()
                if self._compiler.large > _LARGE:
                    break
        except self._bt2.Stop:
            raise
        except BaseException as error:
            # babeltrace2 would turn it into an error of its own: `run` raises it again.
            self._failure = error
            raise

    def _open_stream(self, sink: Any) -> None:
        name = self.ports[self._next_port]
        self._next_port += 1
        try:
            self._iterator = sink._create_message_iterator(sink._input_ports[name])
        except self._errors as error:
            self._fail(error)

    def _fail(self, error: Any) -> None:
        if self._stream is None:
            self._stream = self._tally.begin_stream(self.part.file or f"stream {self._next_port}")
        self._stream.damaged(reason(error))
        self._end_stream()

    def _advance(self) -> None:
        try:
            status, messages = self._native.bt2_self_component_port_input_get_msg_range(
                self._iterator._ptr
            )
            self._utils._handle_func_status(status, "cannot advance the stream")
        except self._bt2.Stop:
            pending = self._pending_error()
            if pending is None:
                self._end_stream()
            else:
                self._fail(pending)
            return
        except self._errors as error:
            self._fail(error)
            return
        pending = self._pending_error()
        try:
            for message in messages:
                if self._native.message_get_type(message) == self._native.MESSAGE_TYPE_EVENT:
                    self._event(message)
                else:
                    self._other(message)
        finally:
            for message in messages:
                self._native.message_put_ref(message)
        if self._stream is not None and self._stream.full:
            self._end_stream()
        elif pending is not None:
            self._fail(pending)

    def _pending_error(self) -> Exception | None:
        """Take the error that bt2 2.0 leaves behind a damaged stream's last messages, or its end.

        With the error still there, most calls of the library abort the process.
        """
        error = self._native.current_thread_take_error()
        if error is None:
            return None
        self._native.current_thread_move_error(error)
        try:
            return self._bt2._Error("damaged stream")
        except UnicodeDecodeError as undecodable:
            return undecodable

    def _end_stream(self) -> None:
        self._iterator = None
        if self._stream is not None:
            self._tally.end_stream(self._stream)
            self._stream = None

    def _event(self, message: Any) -> None:
        stream = self._stream
        assert stream is not None
        if stream.full:
            return
        event = self._native.message_event_borrow_event_const(message)
        key = (
            self._class_id,
            self._native.event_class_get_id(self._native.event_borrow_class_const(event)),
        )
        decoder = self._decoders.get(key)
        if decoder is None:
            decoder = self._decoders[key] = self._compile(message)
        ts = stream.events
        if self._clocked:
            snapshot = self._native.message_event_borrow_default_clock_snapshot_const(message)
            status, ts = self._native.clock_snapshot_get_ns_from_origin(snapshot)
            if status:
                ts = stream.unreadable_time()
        stream.events += 1
        stream.last_ts = ts
        if stream.first_ts is None:
            stream.first_ts = ts
        self._held += 1
        self.take_event(decoder, event, ts, stream.cpu)

    def take_event(self, decoder: EventDecoder, event: Any, ts: int, cpu: int | None) -> None:
        """Do with an event what this pump is for."""
        decoder.add(event, ts, cpu)

    def _compile(self, message: Any) -> EventDecoder:
        self._native.message_get_ref(message)
        event_class = self._message._create_from_ptr(message).event.cls
        try:
            return EventDecoder(self._compiler, self._native, event_class)
        except RecursionError:
            raise TraceError(
                f"the fields of {event_class.name!r} are nested too deeply", path=self._tally.trace
            ) from None

    def _other(self, pointer: Any) -> None:
        self._native.message_get_ref(pointer)
        message = self._message._create_from_ptr(pointer)
        if isinstance(message, self._bt2._StreamBeginningMessageConst):
            self._begin_stream(message.stream)
        elif self._stream is None:
            pass
        elif isinstance(message, self._bt2._PacketBeginningMessageConst):
            if self._has_cpu:
                cpu = int(message.packet.context_field["cpu_id"])
                # The field may hold any 64-bit number: what is no cpu is NULL.
                self._stream.cpu = cpu if -(2**31) <= cpu < 2**31 else None
        elif isinstance(message, self._bt2._DiscardedEventsMessageConst):
            if self._indexed:
                return
            self._stream.lost_events(
                _time(message, "beginning"), _time(message, "end"), message.count
            )
        elif isinstance(message, self._bt2._DiscardedPacketsMessageConst):
            self._stream.lost_packets(
                _time(message, "beginning"), _time(message, "end"), message.count
            )

    def _begin_stream(self, stream: Any) -> None:
        clock = stream.cls.default_clock_class
        name = self.part.file or Path(stream.name or f"stream {stream.id}").name
        if self.head is None:
            env = {repair_text(k): _plain(v) for k, v in stream.trace.environment.items()}
            self.head = TraceHead(env, None if clock is None else _clock(clock))
        self._stream = self._tally.begin_stream(
            repair_text(name), limit=self.part.limit, cut=self.part.file is not None
        )
        self._class_id = stream.cls.id
        self._clocked = clock is not None
        self._indexed = clock is not None and self._index_losses(self._stream, _clock(clock))
        if not self._clocked:
            self._stream.no_clock()
        context = stream.cls.packet_context_field_class
        has_cpu = context is not None and "cpu_id" in context
        self._has_cpu = has_cpu

    def _index_losses(self, stream: StreamTally, clock: Clock) -> bool:
        """Note the stream's losses by LTTng's index, if there is one; True if so.

        The index has the tracer's counter itself. babeltrace2 tells only how it moved: 2.0 not
        from where, 2.1 not where it fell.
        """
        trace = self._tally.trace
        if self.part.file is not None or len(self.ports) != len(stream_files(trace)):
            return False  # a part of a file, or a stream of several files
        packets = lttng_index.read(trace / "index" / f"{stream.file}.idx", trace / stream.file)
        if packets is None:
            return False
        start, counted = packets[0].begin, 0
        for packet in packets:
            if packet.discarded != counted:
                moved = packet.discarded - counted
                stream.lost_events(_ns(clock, start), _ns(clock, packet.end), moved)
            start, counted = packet.end, packet.discarded
        return True


class RowPump(Pump):
    """Keeps the events of a one-stream trace as rows, in their order, to compare two traces."""

    def __init__(self, library: Library, part: Part) -> None:
        super().__init__(library, part, Tally(part.path))
        self._rows: list[Row] = []

    def take_event(self, decoder: EventDecoder, event: Any, ts: int, cpu: int | None) -> None:
        """Keep the event as a row."""
        del cpu
        self._rows.append((decoder.name, ts, decoder.values(event)))

    def rows(self, graph: Any) -> Iterator[Row]:
        """Yield the events that `graph`, connected to this pump, gives."""
        ended = False
        while not ended:
            ended = self.run(graph)
            yield from self._rows
            self._rows.clear()
            self._held = 0


def reason(error: Any) -> str:
    """Return the first cause of a bt2 error in one line, without the addresses in it."""
    if isinstance(error, UnicodeDecodeError):
        return "babeltrace2 cannot say why"
    causes = list(error)
    text = causes[0].message if causes else str(error)
    text = re.sub(r"[\w-]*addr=0x[0-9a-f]+(, )?", "", " ".join(repair_text(text).split()))
    return text.rstrip(" :,.")


def _time(message: Any, end: str) -> int | None:
    """Return the time in ns of one end of a discarded-items message, None if it tells none."""
    try:
        return int(getattr(message, f"{end}_default_clock_snapshot").ns_from_origin)
    except (ValueError, AttributeError, RuntimeError):
        return None


def _plain(value: Any) -> str | int:
    return int(value) if isinstance(value, numbers.Integral) else repair_text(str(value))


def _clock(clock: Any) -> Clock:
    offset = clock.offset
    ns = offset.seconds * 10**9 + offset.cycles * 10**9 // clock.frequency
    return Clock(repair_text(clock.name or ""), clock.frequency, ns)


def _ns(clock: Clock, cycles: int) -> int:
    return clock.offset_ns + cycles * 10**9 // clock.frequency
