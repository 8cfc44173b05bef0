"""What a trace reader learns beside the events: counts by stream, losses, damage, warnings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tcpdw.readers import LostWindow, StreamCount, TraceEnd
from tcpdw.readers.event_columns import repair_text


class StreamTally:
    """One data stream while it is read: the reader keeps `cpu`, `events` and the times current.

    `limit` is the number of its events that are sound, None for all; `cut` tells that something
    after its events could not be read.
    """

    def __init__(self, file: str, *, limit: int | None = None, cut: bool = False) -> None:
        self.file = file
        self.limit = limit
        self.cpu: int | None = None
        self.events = 0
        self.first_ts: int | None = None
        self.last_ts: int | None = None
        self.lost: list[tuple[int | None, int | None, int]] = []
        self.cut = cut
        self.warnings: list[str] = []
        self._bad_times = 0
        self._missing_packets = 0
        self._uncounted = 0
        self._discarded = 0  # the tracer's counter, from the stream's first packet on
        self._discarded_before = 0  # ... where it stood before it last fell
        self._fell = False

    @property
    def full(self) -> bool:
        """Whether every sound event was read."""
        return self.limit is not None and self.events >= self.limit

    def lost_events(self, start: int | None, end: int | None, count: int | None) -> None:
        """Note `count` events discarded between `start` and `end` (ns), each None if unknown.

        `count` is how far the tracer's counter moved, modulo 2^64. The counter only rises; but
        LTTng can write a packet whose count is 0 amid thousands: where it falls, nothing counts as
        lost, and where it then comes back, what it rose beyond its height before the fall. If it
        does not come back as high, it was reset.
        """
        if count is None:
            self._uncounted += 1
            self.lost.append((self.last_ts if start is None else start, end, 0))
            return
        moved = (count + 2**63) % 2**64 - 2**63
        self._discarded += moved
        if moved < 0:
            self._fell = True
            return
        if self._fell and self._discarded >= self._discarded_before:
            moved = self._discarded - self._discarded_before
        self._fell = False
        self._discarded_before = self._discarded
        if moved:
            self.lost.append((self.last_ts if start is None else start, end, moved))

    def lost_packets(self, start: int | None, end: int | None, count: int | None) -> None:
        """Note `count` packets missing between `start` and `end`: who knows how many events."""
        self.lost.append((self.last_ts if start is None else start, end, 0))
        # A packet number that falls looks like nearly 2^64 packets.
        self._missing_packets += count if count is not None and count < 2**63 else 1

    def no_clock(self) -> None:
        """Note that the stream's times are only its events' positions."""
        self.warnings.append("the stream has no clock: ts counts its events from 0")

    def unreadable_time(self) -> int:
        """Note an event whose time does not fit 64 bits of ns; return one to use instead."""
        self._bad_times += 1
        return self.last_ts or 0

    def damaged(self, reason: str) -> None:
        """Note that the stream cannot be read on."""
        self.cut = True
        at = "before any event" if not self.events else f"after {self.events} events"
        if self.last_ts is not None:
            at += f", the last at {self.last_ts} ns"
        self.warnings.append(f"damaged {at}: {reason}; what follows was not read")

    def messages(self) -> list[str]:
        """Return the stream's warnings."""
        counted = (
            (self._bad_times, "events have times out of range"),
            (self._missing_packets, "packets are missing"),
            (self._uncounted, "losses of events whose number is not told"),
        )
        return [*self.warnings, *(f"{number} {what}" for number, what in counted if number)]


class Tally:
    """A whole trace while it is read; `unread` streams of it cannot be."""

    def __init__(self, trace: Path, warnings: Iterable[str] = (), *, unread: int = 0) -> None:
        self.trace = trace
        self._warnings = list(warnings)
        self._unread = unread
        self._streams: list[StreamTally] = []

    def begin_stream(
        self, file: str, *, limit: int | None = None, cut: bool = False
    ) -> StreamTally:
        """Return the tally of a new stream."""
        return StreamTally(file, limit=limit, cut=cut)

    def end_stream(self, stream: StreamTally) -> None:
        """Count a stream that is read."""
        self._streams.append(stream)

    def end(self) -> TraceEnd:
        """Return the trace's end: what a damaged stream would have gone on to say counts as lost.

        Such a window holds 0 events and lasts from the stream's last event to the trace's last one;
        for a stream that cannot be read at all it is the whole trace, on cpu None. A loss whose
        times are unknown lasts from the event before it, or to the trace's end.
        """
        first_ts = min((s.first_ts for s in self._streams if s.first_ts is not None), default=0)
        last_ts = max((s.last_ts for s in self._streams if s.last_ts is not None), default=0)
        lost = [LostWindow(None, first_ts, last_ts, 0)] * self._unread
        for stream in self._streams:
            losses = list(stream.lost)
            if stream.cut:
                losses.append((stream.last_ts, None, 0))
            for start, end, count in losses:
                begin = first_ts if start is None else start
                until = last_ts if end is None else end
                lost.append(LostWindow(stream.cpu, begin, max(begin, until), count))
        if not self._streams:
            self._warnings.append(f"{repair_text(str(self.trace))}: no data stream holds anything")
        for stream in self._streams:
            place = repair_text(str(self.trace / stream.file))
            self._warnings += [f"{place}: {message}" for message in stream.messages()]
        return TraceEnd(
            tuple(StreamCount(stream.file, stream.cpu, stream.events) for stream in self._streams),
            tuple(lost),
            tuple(self._warnings),
        )
