"""A small writer of CTF 1.8 traces for tests: what is in them is known because it was put there."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

UUID = bytes(range(16))
UUID_TEXT = "00010203-0405-0607-0809-0a0b0c0d0e0f"
OFFSET = 1_700_000_000 * 10**9  # the clock's offset from the epoch, ns

TYPES = "\n".join(
    f"typealias integer {{ size = {bits}; align = 8; signed = {sign}; }} := {prefix}{bits}_t;"
    for bits in (8, 16, 32, 64)
    for sign, prefix in (("false", "uint"), ("true", "int"))
)


@dataclass(frozen=True)
class Event:
    """An event record: `time` in clock cycles, `body` its contexts and payload, encoded."""

    id: int
    time: int
    body: bytes = b""


@dataclass(frozen=True)
class Format:
    """What a trace's packets have in them."""

    byte_order: str = "le"
    clock: bool = True
    cpu: bool = True
    packet_times: bool = True
    numbered: bool = False
    frequency: int = 10**9

    @property
    def order(self) -> str:
        return "<" if self.byte_order == "le" else ">"


def metadata(
    events: Mapping[int, tuple[str, str]],
    form: Format = Format(),
    *,
    context: str = "",
    env: str = 'hostname = "box"; tracer_major = 2;',
) -> str:
    """Return TSDL for event classes given as id: (name, fields)."""
    time = "integer { size = 64; align = 8; signed = false; map = clock.mono.value; }"
    times = f"{time} timestamp_begin; {time} timestamp_end;" if form.packet_times else ""
    parts = [
        "/* CTF 1.8 */",
        TYPES,
        f'trace {{ major = 1; minor = 8; uuid = "{UUID_TEXT}"; byte_order = {form.byte_order};',
        "packet.header := struct { uint32_t magic; uint8_t uuid[16]; uint32_t stream_id; }; };",
        f"env {{ {env} }};",
    ]
    if form.clock:
        seconds, rest = divmod(OFFSET, 10**9)
        parts.append(
            f"clock {{ name = mono; freq = {form.frequency}; offset_s = {seconds};"
            f" offset = {rest}; }};"
        )
    parts.append(
        f"stream {{ id = 0; packet.context := struct {{ {times}"
        " uint64_t content_size; uint64_t packet_size; uint64_t events_discarded;"
        f" {'uint64_t packet_seq_num;' if form.numbered else ''}"
        f" {'uint32_t cpu_id;' if form.cpu else ''} }};"
        f" event.header := struct {{ uint16_t id; {f'{time} timestamp;' if form.clock else ''} }};"
        f" {f'event.context := struct {{ {context} }};' if context else ''} }};"
    )
    parts += [
        f'event {{ id = {number}; name = "{name}"; stream_id = 0;'
        f" fields := struct {{ {fields} }}; }};"
        for number, (name, fields) in events.items()
    ]
    return "\n".join(parts) + "\n"


def packet(
    events: Sequence[Event],
    form: Format = Format(),
    *,
    cpu: int = 0,
    begin: int | None = None,
    end: int | None = None,
    discarded: int = 0,
    number: int = 0,
    padding: int = 16,
) -> bytes:
    """Return a packet; `padding` bytes of 0 follow its content."""
    order = form.order
    body = b"".join(
        struct.pack(order + "H", event.id)
        + (struct.pack(order + "Q", event.time) if form.clock else b"")
        + event.body
        for event in events
    )
    first = events[0].time if events else 0
    last = events[-1].time if events else first
    times = b""
    if form.packet_times:
        times = struct.pack(
            order + "QQ", first if begin is None else begin, last if end is None else end
        )
    tail = struct.pack(order + "Q", discarded)
    if form.numbered:
        tail += struct.pack(order + "Q", number)
    if form.cpu:
        tail += struct.pack(order + "I", cpu)
    size = 24 + len(times) + 16 + len(tail) + len(body)
    sizes = struct.pack(order + "QQ", size * 8, (size + padding) * 8)
    header = struct.pack(order + "I", 0xC1FC1FC1) + UUID + struct.pack(order + "I", 0)
    return header + times + sizes + tail + body + bytes(padding)


def write(directory: Path, text: str, streams: Mapping[str, Sequence[bytes]]) -> Path:
    """Write a trace: its metadata, and stream files of packets."""
    directory.mkdir(parents=True)
    (directory / "metadata").write_text(text)
    for name, packets in streams.items():
        (directory / name).write_bytes(b"".join(packets))
    return directory


def write_index(trace: Path, name: str, rows: Sequence[tuple[bytes, int, int, int]]) -> None:
    """Write LTTng's index of a stream file; a row is (packet, begin, end, discarded)."""
    data = struct.pack(">4I", 0xC1F1DCC1, 1, 1, 72)
    offset = 0
    for number, (content, begin, end, discarded) in enumerate(rows):
        bits = len(content) * 8
        data += struct.pack(">9Q", offset, bits, bits, begin, end, discarded, 0, 0, number)
        offset += len(content)
    (trace / "index").mkdir(exist_ok=True)
    (trace / "index" / f"{name}.idx").write_bytes(data)


def metadata_packets(text: str, order: str = "<", size: int = 4096) -> bytes:
    """Return TSDL in packets of `size` bytes, as LTTng writes it."""
    rest, packets = text.encode(), b""
    while rest:
        part, rest = rest[: size - 37], rest[size - 37 :]
        header = struct.pack(
            order + "I16sIII5B", 0x75D11D57, UUID, 0, (len(part) + 37) * 8, size * 8, 0, 0, 0, 1, 8
        )
        packets += (header + part).ljust(size, b"\0")
    return packets
