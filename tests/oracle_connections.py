"""The metrics of whole connections, from their segments: how they opened, when data was acked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from oracle_events import Address, Event, spelled
from oracle_state import Row, Windows

_FIN, _SYN, _RST, _ACK = 0x01, 0x02, 0x04, 0x10
_NUMBERS = 2**32


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment at one kernel event."""

    ts: int
    cpu: int
    received: bool
    device: str | None
    skbaddr: int
    source: Address
    target: Address
    seq: int
    ack_seq: int
    flags: int
    length: int

    @property
    def opens(self) -> bool:
        return self.flags & (_SYN | _ACK) == _SYN

    @property
    def answers(self) -> bool:
        return self.flags & (_SYN | _ACK) == _SYN | _ACK

    @property
    def acknowledges(self) -> bool:
        return self.flags & (_ACK | _RST) == _ACK

    @property
    def taken(self) -> int:
        """How many sequence numbers it takes."""
        if self.flags & _RST:
            return 0
        return self.length + bool(self.flags & _SYN) + bool(self.flags & _FIN)


@dataclass(slots=True)
class Connection:
    """What was seen between two ends from one opening to the next."""

    first: dict[Address, int] = field(default_factory=dict[Address, int])
    segments: list[Segment] = field(default_factory=list[Segment])


def connections(events: Iterable[Event]) -> list[Connection]:
    """Sort the segments of all TCP events into their connections."""
    found: list[Connection] = []
    latest: dict[frozenset[Address], Connection] = {}
    for one in _segments(events):
        ends = frozenset((one.source, one.target))
        now = latest.get(ends)
        if now is None or _begins(one, now):
            now = latest[ends] = Connection()
            found.append(now)
        if one.opens or one.answers:
            now.first[one.source] = one.seq
        if one.answers:
            now.first[one.target] = (one.ack_seq - 1) % _NUMBERS
        now.segments.append(one)
    return found


def _begins(one: Segment, now: Connection) -> bool:
    if one.opens:
        crossing = now.segments[-1].opens and now.segments[-1].source == one.target
        return now.first.get(one.source) != one.seq and not crossing
    return one.answers and now.first.get(one.target) != (one.ack_seq - 1) % _NUMBERS


def _segments(events: Iterable[Event]) -> Iterator[Segment]:
    for event in events:
        if event.name not in ("net_if_receive_skb", "net_dev_queue"):
            continue
        f = event.fields
        if f.get("tcp_flags") is None:
            continue
        yield Segment(
            event.ts,
            event.cpu,
            event.name == "net_if_receive_skb",
            f.get("name"),
            f["skbaddr"],
            (spelled(f["saddr"]), f["sport"]),
            (spelled(f["daddr"]), f["dport"]),
            f["seq"],
            f["ack_seq"],
            f["tcp_flags"],
            f.get("payload_len") or 0,
        )


def handshake(
    found: Iterable[Connection], windows: Windows, left_out: Counter[str]
) -> Iterator[Row]:
    """Yield a row for each end of each connection whose opening is seen whole there."""
    for connection in found:
        syns = [one for one in connection.segments if one.opens]
        if len({one.source for one in syns}) > 1:
            left_out["simultaneous"] += 1
            continue
        for side in ("client", "server"):
            at_server = side == "server"
            mine = [one for one in syns if one.received == at_server]
            answers = [
                one for one in connection.segments if one.answers and one.received != at_server
            ]
            if not mine and not answers:
                continue
            if not mine or not answers or answers[0].ts < mine[0].ts:
                left_out["not whole"] += 1
                continue
            syn, answer = mine[0], answers[0]
            ack = next(
                (
                    one
                    for one in connection.segments
                    if one.source == syn.source
                    and one.received == at_server
                    and one.acknowledges
                    and not one.flags & _SYN
                    and one.ts >= answer.ts
                    and _ahead(one.ack_seq, answer.seq + 1) >= 0
                ),
                None,
            )
            if ack is None:
                left_out["not whole"] += 1
                continue
            yield {
                "ts": syn.ts,
                "dur": ack.ts - syn.ts,
                "certain": windows.certain(syn.ts, ack.ts),
                "syn_to_synack": answer.ts - syn.ts,
                "synack_to_ack": ack.ts - answer.ts,
                "side": side,
                "saddr": syn.source[0],
                "sport": syn.source[1],
                "daddr": syn.target[0],
                "dport": syn.target[1],
            }


def data_to_ack(
    found: Iterable[Connection], windows: Windows, left_out: Counter[str]
) -> Iterator[Row]:
    """Yield a row for each segment with payload that was sent once and acknowledged."""
    for connection in found:
        for source in {one.source for one in connection.segments}:
            sent = [
                one
                for one in connection.segments
                if one.source == source and not one.received and one.taken
            ]
            data = [one for one in sent if one.length]
            if data:
                sent = [one for one in sent if one.device == data[0].device]
                acks = [
                    one
                    for one in connection.segments
                    if one.source != source
                    and one.received
                    and one.acknowledges
                    and one.ts >= sent[0].ts
                ]
                yield from _acked(sent, acks, windows, left_out)


def _acked(
    sent: Sequence[Segment], acks: Sequence[Segment], windows: Windows, left_out: Counter[str]
) -> Iterator[Row]:
    for at, one in enumerate(sent):
        if not one.length:
            continue
        # Sent again is what any other sending shares a number with; what lies before the end of
        # an earlier one was sent before it, or TCP would not have gone on.
        again = any(
            _ahead(other.seq, one.seq) < one.taken and _ahead(one.seq, other.seq) < other.taken
            for other in sent
            if other is not one
        )
        late = any(_ahead(one.seq, other.seq) < other.taken for other in sent[:at])
        last = one.seq + bool(one.flags & _SYN) + one.length
        ack = next((other for other in acks if _ahead(other.ack_seq, last) >= 0), None)
        if again or late or (ack is not None and ack.ts < one.ts):
            left_out["retransmitted"] += 1
        elif ack is None:
            left_out["unacked"] += 1
        else:
            yield {
                "ts": one.ts,
                "dur": ack.ts - one.ts,
                "certain": windows.certain(sent[at - 1].ts if at else 0, ack.ts),
                "seq": one.seq,
                "payload_len": one.length,
                "skbaddr": one.skbaddr,
                "cpu_id": one.cpu,
                "saddr": one.source[0],
                "sport": one.source[1],
                "daddr": one.target[0],
                "dport": one.target[1],
            }


def _ahead(seq: int, base: int) -> int:
    """Give how far `seq` is ahead of `base` among numbers that wrap; negative where behind."""
    return (seq - base + 2**31) % _NUMBERS - 2**31
