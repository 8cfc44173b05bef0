"""Random CTF 1.8 traces: metadata, packets, and what a reader must make of them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from ctf_assembler_bits import BitWriter
from ctf_random import Int, Kind, Output, String, unique
from ctf_random_compound import Source, Struct, valued, with_labels
from ctf_random_header import Header
from ctf_random_types import Maker, Target

MAGIC = 0xC1FC1FC1
_MILLION = 10**6


@dataclass
class Expected:
    """An event class as a reader must show it: rows by cpu, which is a stream's own."""

    columns: dict[str, pa.DataType]
    rows: dict[int | None, list[list[Any]]] = field(default_factory=dict)


@dataclass
class EventKind:
    """An event class: its own context and fields, and where each column comes from."""

    id: int
    name: str
    context: Struct | None
    fields: Struct | None
    sources: list[Source] = field(default_factory=list)


class RandomTrace:
    """A trace by its seed; `write` makes it, and then `expected` and `counts` tell what it holds.

    With `plain` it has nothing that babeltrace2 2.0 stumbles over.
    """

    def __init__(self, seed: int, *, plain: bool) -> None:
        self.rng = rng = random.Random(seed)
        self.little = rng.random() < 0.6
        self.size = rng.choice([1, 2, 3, 5, 8])
        self.maker = Maker(rng, self.little, self.size, plain)
        self.plain = plain
        self.clocked = rng.random() < 0.85
        # babeltrace2 2.0 converts cycles of another length in double precision.
        self.cycle = 1 if plain or not self.clocked else rng.choice([1, 1, 1000])  # ns
        self.offset = rng.choice([0, 1_700_000_000 * 10**9 + 5000, 7000]) if self.clocked else 0
        self.sized = rng.random() < 0.85
        self.with_cpu = rng.random() < 0.8
        self.with_begin = self.clocked and rng.random() < 0.85
        self.expected: dict[str, Expected] = {}
        self.counts: dict[str, tuple[int | None, int]] = {}
        self.packet_header = self._packet_header()
        self.packet_context = self._packet_context()
        self.header = self._header()
        if self.header.time is None and self.header.compact is None and not self.with_begin:
            self.clocked, self.cycle, self.offset = False, 1, 0
        self.common = self._scope("stream.event.context") if rng.random() < 0.5 else None
        several = self.header.id is not None or self.header.compact is not None
        numbers = rng.sample([0, 1, 2, 5, 6], rng.randint(1, 4)) if several else [0]
        if self.header.compact:
            numbers += [70_000, 300]
        self.events = [self._event(number) for number in numbers]

    def _byte_int(self, sizes: list[int]) -> Int:
        return Int(self.rng.choice(sizes), self.rng.choice([1, 8, 8, 16, 32]), False, self.little)

    def _packet_header(self) -> Struct | None:
        if self.rng.random() < 0.15:
            return None
        members: list[tuple[str, Kind]] = []
        if self.rng.random() < 0.9:
            members.append(("magic", Int(32, self.rng.choice([8, 32]), False, self.little)))
        members.append(("stream_id", self._byte_int([5, 8, 16, 32, 64])))
        return Struct(members)

    def _packet_context(self) -> Struct | None:
        names: dict[str, list[int]] = {}
        if self.sized:
            names |= {"content_size": [24, 32, 64], "packet_size": [32, 63, 64]}
        if self.with_cpu:
            names["cpu_id"] = [4, 8, 16, 32]
        if self.with_begin:
            names |= {"timestamp_begin": [64], "timestamp_end": [64]}
        members: list[tuple[str, Kind]] = []
        for name in self.rng.sample(sorted(names), len(names)):
            number = self._byte_int(names[name])
            number.clock = name.startswith("timestamp")
            members.append((name, number))
            if self.rng.random() < 0.2:
                members.append((self.maker.name(), self.maker.scalar("string")))
        if not members:
            return None
        if self.rng.random() < 0.3:
            name, length = self.maker.name(), self.maker.length()
            members.append((name, length))
            self.maker.outer.append(Target(f"stream.packet.context.{name}", length, False))
        return Struct(members)

    def _header(self) -> Header:
        rng, clocked = self.rng, self.clocked
        style = rng.choice(["plain", "plain", "compact", "large", "bare"])
        if style in ("compact", "large") and clocked:
            natural = rng.random() < 0.5
            bits = (5, 27, 1) if style == "compact" else (16, 32, 16 if natural else 8)
            largest = (1 << bits[0]) - 1
            labels = [("compact", 0, largest - 1), ("extended", largest, largest)]
            tag = Int(bits[0], bits[2], False, self.little, mappings=labels)
            short = 1 if style == "compact" else 32 if natural else 8
            times = Int(bits[1], short, False, self.little, clock=True)
            number = Int(32, 32 if natural else 8, False, self.little)
            long = Int(64, 64 if natural else 8, False, self.little, clock=True)
            return Header(None, None, False, (tag, times, number, long))
        time = self._byte_int([8, 16, 27, 32, 45, 64]) if clocked and rng.random() < 0.9 else None
        if time is not None:
            time.clock = True
        # An event of no bits could be there any number of times.
        number = self._byte_int([3, 8, 16, 64]) if style != "bare" or time is None else None
        return Header(number, time, rng.random() < 0.3)

    def _scope(self, path: str) -> Struct:
        visible: list[Target] = []
        struct = self.maker.struct(2, visible)
        self.maker.outer += [
            Target(f"{path}.{target.path}", target.kind, False)
            for target in visible
            if not target.tag and path == "stream.event.context"
        ]
        return struct

    def _event(self, number: int) -> EventKind:
        rng, maker = self.rng, self.maker
        context = None
        if rng.random() < 0.4:
            # babeltrace2 2.0 aborts on sequences in an event class's own context.
            maker.references = not self.plain
            context = maker.struct(2, [])
            maker.references = True
        fields = maker.struct(3, [], top=True) if rng.random() < 0.95 else None
        if not self.sized:
            # The file is the packet, so its last event must end with a byte.
            fields = fields or Struct([])
            fields = Struct([*fields.members, ("last", String())])
        event = EventKind(number, f"e{number}", context, fields)
        taken = {"ts", "cpu_id", "run_id"}
        scopes: list[list[tuple[str, Kind]]] = []
        for scope in (self.common, context):
            shown = [(n, k) for n, k in (scope.members if scope else []) if k.shown]
            names = unique(("ctx_" + n.removeprefix("_") for n, _ in shown), taken)
            scopes.append([(n, kind) for n, (_, kind) in zip(names, shown, strict=True)])
        shown = [(n.removeprefix("_"), k) for n, k in (fields.members if fields else []) if k.shown]
        own = [(n or "field") + "_" * n.lower().startswith("ctx_") for n, _ in shown]
        names = unique(own, taken)
        scopes.append([(n, kind) for n, (_, kind) in zip(names, shown, strict=True)])
        columns: dict[str, pa.DataType] = {"ts": pa.int64(), "cpu_id": pa.int32()}
        for scope in scopes:
            for name, kind, source in with_labels(scope, taken):
                columns[name] = kind
                event.sources.append(source)
        self.expected[event.name] = Expected(columns)
        return event

    def metadata(self) -> str:
        order = "le" if self.little else "be"
        lines = ["/* CTF 1.8 */", f"trace {{ major = 1; minor = 8; byte_order = {order};"]
        if self.packet_header:
            lines.append(f"packet.header := struct {{ {self.packet_header.fields()} }};")
        lines.append("};")
        if self.clocked:
            # The offset is split: both parts count.
            cycles = 10**9 // self.cycle
            seconds, rest = divmod(self.offset, 10**9)
            lines.append(
                f"clock {{ name = c; freq = {cycles}; offset_s = {seconds};"
                f" offset = {rest // self.cycle}; }};"
            )
        lines.append("stream {" + (" id = 0;" if self.packet_header else ""))
        if self.packet_context:
            lines.append(f"packet.context := struct {{ {self.packet_context.fields()} }};")
        if text := self.header.tsdl():
            lines.append(f"event.header := struct {{ {text} }};")
        if self.common:
            lines.append(f"event.context := {self.common.tsdl()[0]}{self.common.tsdl()[1]};")
        lines.append("};")
        for event in self.events:
            lines.append(f'event {{ id = {event.id}; name = "{event.name}";')
            if self.packet_header:
                lines.append("stream_id = 0;")
            if event.context:
                lines.append(f"context := {''.join(event.context.tsdl())};")
            if event.fields:
                lines.append(f"fields := {''.join(event.fields.tsdl())};")
            lines.append("};")
        return "\n".join(lines) + "\n"

    def write(self, directory: Path) -> Path:
        """Write the trace into `directory`, which is made."""
        directory.mkdir(parents=True)
        (directory / "metadata").write_text(self.metadata())
        for number in range(self.rng.randint(1, 3) if self.with_cpu else 1):
            stream = _Stream(self, f"s{number}", number + 1 if self.with_cpu else None)
            data = stream.packets(self.rng.randint(1, 4) if self.sized else 1)
            (directory / stream.name).write_bytes(data)
            self.counts[stream.name] = (stream.cpu, stream.events)
        return directory


class _Stream:
    """One data stream as it is written."""

    def __init__(self, trace: RandomTrace, name: str, cpu: int | None) -> None:
        self.trace, self.rng, self.name, self.cpu = trace, trace.rng, name, cpu
        self.events = 0
        self.out = Output(trace.rng, BitWriter())
        self.time = trace.rng.choice([0, 1000, (1 << 27) - 3, (1 << 32) - 5, 1 << 40])
        if not trace.with_begin:
            self.time = 0

    def packets(self, count: int) -> bytes:
        for _ in range(count):
            state = self.rng.getstate()
            saved = (self.time, self.events, self.out.writer.bits, bytes(self.out.writer.data))
            sizes = self._packet({}, keep=False)
            self.rng.setstate(state)
            self.time, self.events, self.out.writer.bits, data = saved
            self.out.writer.data[:] = data
            self._packet(sizes, keep=True)
        return bytes(self.out.writer.data)

    def _packet(self, known: dict[str, int], *, keep: bool) -> dict[str, int]:
        """Write a packet with the sizes and times `known`; return what they should be."""
        trace, out, rng = self.trace, self.out, self.rng
        out.start = out.writer.bits
        begin = self.time
        if trace.packet_header:
            out.writer.align(trace.packet_header.align, out.start)
            for name, kind in trace.packet_header.members:
                assert isinstance(kind, Int)
                kind.write(out, MAGIC if name == "magic" else 0)
        if trace.packet_context:
            out.writer.align(trace.packet_context.align, out.start)
            values = {**known, "cpu_id": self.cpu or 0, "timestamp_begin": begin}
            for name, kind in trace.packet_context.members:
                if isinstance(kind, Int) and kind.choices is None:
                    kind.write(out, values.get(name, 0))
                else:
                    kind.put(out)
        for _ in range(rng.choice([0, 1, 3, 10] if trace.sized else [1, 3, 10])):
            self._event(keep=keep)
        content = out.writer.bits - out.start
        out.writer.align(8, out.start)
        if trace.sized:
            out.writer.put_bytes(bytes([rng.choice([0, 255])]) * rng.choice([0, 0, 1, 64, 500]))
        size = out.writer.bits - out.start
        end = self.time
        if trace.with_begin:
            self.time += rng.choice([0, 1, 1000])
        return {"content_size": content, "packet_size": size, "timestamp_end": end}

    def _event(self, *, keep: bool) -> None:
        trace, out, rng = self.trace, self.out, self.rng
        last = self.time
        step = trace.header.step()
        timed = trace.header.time is not None or trace.header.compact is not None
        if timed:
            self.time += min(step, rng.choice([0, 1, 5, 1000, _MILLION, rng.randint(0, step)]))
        event = rng.choice(trace.events)
        trace.header.put(out, event.id, self.time, last)
        values: dict[int, Any] = {}
        for scope in (trace.common, event.context, event.fields):
            if scope is not None:
                values |= scope.put_all(out)
        ts = trace.offset + self.time * trace.cycle if trace.clocked else self.events
        self.events += 1
        if keep:
            row = [ts, self.cpu, *(valued(values, source) for source in event.sources)]
            trace.expected[event.name].rows.setdefault(self.cpu, []).append(row)
