"""Which kernel event each captured packet is of, packet by packet as METRICS.md says it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oracle_events import Event
from oracle_packets import Queued
from oracle_state import Row, Windows

MILLISECOND = 1_000_000
LEAST_TIMEOUT = 200 * MILLISECOND
"""Linux's TCP_RTO_MIN: the least time after which it sends anew what nobody answered."""

_ENDS = ("saddr", "sport", "daddr", "dport")
_FIN_SYN_RST_ACK_URG = 1 | 2 | 4 | 16 | 32
_PSH = 8
_SPACE = 2**32


@dataclass(frozen=True, slots=True)
class Captured:
    """A capture's TCP packets, in its order, and the step of its times in ns."""

    packets: Sequence[Mapping[str, Any]] = ()
    step: int = 1


def captured(path: Path) -> Captured:
    """Read the TCP packets of a capture file."""
    from tcpdw.readers import capture_format, capture_native

    rows = capture_native.read(path).packets.to_pylist()
    step = capture_format.resolution(path)
    return Captured([row for row in rows if row["flags"] is not None], step or 1)


@dataclass(slots=True)
class Sight:
    """A kernel event of a segment; `xmit_ts` is NULL where none is known to be its own."""

    event: Event
    queued: Queued | None = None
    xmit_ts: int | None = None
    until: int | None = None
    segments: dict[tuple[int, int], int] = field(default_factory=dict[tuple[int, int], int])

    @property
    def is_queue(self) -> bool:
        return self.queued is not None


def queue_to_capture(
    events: Sequence[Event],
    queued: Sequence[Queued],
    sound: set[int],
    capture: Captured,
    windows: Windows,
    left_out: Counter[str],
) -> list[Row]:
    """Return the metric's rows; `sound` has the ids of `queued` whose xmit no loss touches."""
    if not capture.packets:
        return []
    sights = _sights(events, queued, sound)
    _split(events, queued, sights, windows)
    found = _exact(sights, capture)
    has_event = {at for at, _ in found}
    rows = [
        _row(capture, at, sight, "exact", sight.xmit_ts, windows)
        for at, sight in found
        if sight.is_queue
    ]
    for at, sight, xmit_ts in _ranges(sights, capture, has_event):
        has_event.add(at)
        if sight.is_queue:
            rows.append(_row(capture, at, sight, "range", xmit_ts, windows))
    seen = {(row["ts"], row["cpu_id"], row["skbaddr"]) for row in rows}
    left_out["no_event"] += len(capture.packets) - len(has_event)
    left_out["no_packet"] += sum(
        (s.event.ts, s.event.cpu, s.event.fields["skbaddr"]) not in seen
        for s in sights
        if s.is_queue
    )
    return rows


def _row(
    capture: Captured, at: int, sight: Sight, match: str, xmit_ts: int | None, windows: Windows
) -> Row:
    packet, event = capture.packets[at], sight.event
    last = packet["ts"] + capture.step - 1
    start = event.ts if event.ts <= last else packet["ts"] - LEAST_TIMEOUT
    certain = windows.certain(start, max(last, event.ts))
    to_end = certain and (xmit_ts is None or windows.certain(event.ts, xmit_ts))
    return {
        "ts": event.ts,
        "dur": packet["ts"] - event.ts,
        "certain": certain,
        "certain_to_end": to_end,
        "capture_to_xmit": None if xmit_ts is None else xmit_ts - packet["ts"],
        "skbaddr": event.fields["skbaddr"],
        "match": match,
        "cpu_id": event.cpu,
        "frame": packet["frame"],
    }


def _sights(events: Sequence[Event], queued: Sequence[Queued], sound: set[int]) -> list[Sight]:
    by_event = {id(one.event): one for one in queued}
    sights: list[Sight] = []
    for event in events:
        if event.name not in ("net_if_receive_skb", "net_dev_queue"):
            continue
        if event.fields.get("tcp_flags") is None:
            continue
        one = by_event.get(id(event))
        sight = Sight(event, one)
        if one is not None and one.xmit is not None and id(one) in sound:
            sight.xmit_ts = one.xmit.ts
            # On loopback a packet is captured as it is received, after the driver took it.
            if one.match == "skbaddr" and event.fields["name"] != "lo":
                sight.until = one.xmit.ts
        sights.append(sight)
    return sights


def _agrees(event: Event, until: int | None, packet: Mapping[str, Any], last: int) -> bool:
    if event.ts > last + MILLISECOND:
        return False
    return packet["ts"] <= (event.ts + LEAST_TIMEOUT if until is None else until + MILLISECOND)


def _exact(sights: Sequence[Sight], capture: Captured) -> list[tuple[int, Sight]]:
    packets: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at, packet in enumerate(capture.packets):
        packets[_key(packet, packet["flags"])].append(at)
    alike: defaultdict[tuple[Any, ...], list[Sight]] = defaultdict(list)
    for sight in sights:
        key = _key(sight.event.fields, sight.event.fields["tcp_flags"])
        alike[(sight.is_queue, *key)].append(sight)
    found: list[tuple[int, Sight]] = []
    for (_, *key), events in alike.items():
        mine = sorted(packets.get(tuple(key), ()), key=lambda at: capture.packets[at]["ts"])
        pairs = (
            list(zip(mine, events, strict=True))
            if len(mine) == len(events)
            else _uneven(mine, events, capture)
        )
        first: dict[int, int] = {}
        for at, sight in pairs:
            packet = capture.packets[at]
            last = packet["ts"] + capture.step - 1
            if first.setdefault(id(sight), last) < last:
                # Captured again.
                bound = first[id(sight)] if sight.until is None else sight.until
                if last > bound + MILLISECOND:
                    continue
            if _agrees(sight.event, sight.until, packet, last):
                found.append((at, sight))
    return found


def _key(fields: Mapping[str, Any], flags: int) -> tuple[Any, ...]:
    ends = tuple(fields[name] for name in _ENDS)
    return (*ends, fields["seq"], fields["ack_seq"], flags & 0x3F, fields["payload_len"])


def _uneven(
    packets: Sequence[int], events: Sequence[Sight], capture: Captured
) -> list[tuple[int, Sight]]:
    """Give each packet the first event that none met and that has not ended, else the last one."""
    met: set[int] = set()
    pairs: list[tuple[int, Sight]] = []
    for at in packets:
        start = capture.packets[at]["ts"]
        last = start + capture.step - 1
        begun = [i for i, sight in enumerate(events) if sight.event.ts <= last]
        open_ones = [
            i
            for i in begun
            if i not in met
            and (i == begun[-1] if (until := events[i].until) is None else until >= start)
        ]
        chosen = open_ones[0] if open_ones else begun[-1] if begun else 0
        met.add(chosen)
        pairs.append((at, events[chosen]))
    return pairs


def _ranges(
    sights: Sequence[Sight], capture: Captured, has_event: set[int]
) -> Iterable[tuple[int, Sight, int | None]]:
    by_ends: defaultdict[tuple[Any, ...], list[Sight]] = defaultdict(list)
    for sight in sights:
        fields = sight.event.fields
        if fields["payload_len"] > 0:
            by_ends[tuple(fields[name] for name in (*_ENDS, "ack_seq"))].append(sight)
    repeats: dict[tuple[int, int], int] = {}
    for at, packet in enumerate(capture.packets):
        if at in has_event or not packet["payload_len"]:
            continue
        last = packet["ts"] + capture.step - 1
        fits: defaultdict[tuple[bool, int], list[tuple[Sight, int, int | None]]] = defaultdict(list)
        for sight in by_ends[tuple(packet[name] for name in (*_ENDS, "ack_seq"))]:
            place = _place(packet, sight.event)
            if place is None:
                continue
            xmit_ts = sight.segments.get((place, packet["payload_len"]))
            if xmit_ts is None and sight.queued is not None and sight.queued.match == "skbaddr":
                xmit_ts = sight.xmit_ts
            until = None if sight.event.fields["name"] == "lo" else xmit_ts
            if _agrees(sight.event, until, packet, last):
                fits[sight.is_queue, min(place, 0)].append((sight, place, xmit_ts))
        for options in fits.values():
            before = [one for one in options if one[0].event.ts <= last]
            sight, place, xmit_ts = before[-1] if before else options[0]
            first = repeats.setdefault((id(sight), place), packet["ts"])
            if packet["ts"] <= (first if xmit_ts is None else xmit_ts) + MILLISECOND:
                yield at, sight, xmit_ts


def _place(packet: Mapping[str, Any], event: Event) -> int | None:
    """Return where the packet's bytes begin in the event's; None where neither holds the other."""
    fields = event.fields
    extra = fields["payload_len"] - packet["payload_len"]
    part, whole = packet["flags"], fields["tcp_flags"]
    if extra < 0:
        part, whole = whole, part
    if extra == 0 or part & _FIN_SYN_RST_ACK_URG & ~whole:
        return None
    start = (packet["seq"] - fields["seq"]) % _SPACE if extra > 0 else None
    if start is not None:
        return start if start <= extra else None
    start = (fields["seq"] - packet["seq"]) % _SPACE
    return -start if start <= -extra else None


def _split(
    events: Sequence[Event], queued: Sequence[Queued], sights: Sequence[Sight], windows: Windows
) -> None:
    """Tell each buffer that the stack split when its segments were transmitted."""
    owned = {id(one.xmit) for one in queued if one.match == "skbaddr"}
    waiting: dict[int, Sight] = {}
    mine = {id(s.event): s for s in sights if s.is_queue}
    marks: defaultdict[tuple[int, str], list[tuple[int, int, Sight | Event]]] = defaultdict(list)

    def put(sight: Sight, ts: int, cpu: int) -> None:
        one = sight.queued
        if one is not None and one.match != "skbaddr" and sight.event.fields["payload_len"] > 0:
            marks[cpu, sight.event.fields["name"]].append((ts, 0, sight))

    for event in events:
        if event.name == "net_dev_queue":
            before = waiting.pop(event.fields["skbaddr"], None)
            if before is not None:
                put(before, before.event.ts, before.event.cpu)
            if id(event) in mine:
                waiting[event.fields["skbaddr"]] = mine[id(event)]
        elif event.name in ("skb_consume", "skb_kfree"):
            sight = waiting.pop(event.fields["skbaddr"], None)
            if sight is None:
                continue
            if not windows.certain(sight.event.ts, event.ts):
                put(sight, sight.event.ts, sight.event.cpu)
            elif event.name == "skb_consume":
                put(sight, event.ts, event.cpu)
        elif event.name == "net_dev_xmit" and event.fields["rc"] == 0 and id(event) not in owned:
            marks[event.cpu, event.fields["name"]].append((event.ts, 1, event))
    for sight in waiting.values():
        put(sight, sight.event.ts, sight.event.cpu)
    for on_device in marks.values():
        buffers: list[Sight] = []
        sent: list[Event] = []
        for _, what, mark in sorted(on_device, key=lambda one: one[:2]):
            if isinstance(mark, Sight):
                if sent:
                    _turn(buffers, sent)
                    buffers, sent = [], []
                buffers.append(mark)
            elif what and buffers:
                sent.append(mark)
        _turn(buffers, sent)


def _turn(buffers: Sequence[Sight], sent: Sequence[Event]) -> None:
    """Deal the transmits out to the buffers, if they hold just as many bytes of payload."""
    if not buffers:
        return
    headers = [s.event.fields["len"] - s.event.fields["payload_len"] for s in buffers]
    sizes = [event.fields["len"] - headers[-1] for event in sent]
    if sum(sizes) != sum(s.event.fields["payload_len"] for s in buffers):
        return
    start = 0
    for sight in buffers:
        end = start + sight.event.fields["payload_len"]
        at = 0
        for event, size in zip(sent, sizes, strict=True):
            if at >= start and at + size <= end:
                sight.segments[at - start, size] = event.ts
            at += size
        start = end
