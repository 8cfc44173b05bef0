"""A file of Perfetto's as its public schema reads it, and what must hold of any such file."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema

INCREMENTAL_STATE_CLEARED, NEEDS_INCREMENTAL_STATE = 1, 2


@dataclass(frozen=True)
class Event:
    """A slice, or an instant where `end` is None; `open` for a slice that nothing ends."""

    category: str
    track: int
    name: str
    ts: int
    end: int | None
    depth: int
    arguments: dict[str, Any]
    flows: tuple[int, ...]
    ended_flows: tuple[int, ...]


@dataclass
class Decoded:
    tracks: dict[int, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    switches: dict[int, list[tuple[int, Any]]] = field(default_factory=lambda: defaultdict(list))
    wakings: list[tuple[int, int, Any]] = field(default_factory=list)
    threads: dict[int, Any] = field(default_factory=dict)
    processes: dict[int, Any] = field(default_factory=dict)
    clocks: dict[int, int] = field(default_factory=dict)
    head: list[Any] = field(default_factory=list)

    def of(self, category: str) -> list[Event]:
        return [event for event in self.events if event.category == category]

    def track_name(self, uuid: int) -> str:
        track = self.tracks[uuid]
        parent = self.tracks.get(track.parent_uuid)
        return f"{parent.name}/{track.name}" if parent else track.name

    def thread(self, uuid: int) -> tuple[int, int]:
        return self.tracks[uuid].thread.pid, self.tracks[uuid].thread.tid


class _Interned:
    def __init__(self) -> None:
        self.known: dict[tuple[str, int], Any] = {}

    def take(self, data: Any) -> None:
        for kind, items in data.ListFields():
            for item in items:
                key = (kind.name, item.iid)
                assert key not in self.known, f"told twice: {key}"
                self.known[key] = item.str if kind.name.endswith("values") else item.name

    def name(self, kind: str, iid: int) -> Any:
        return self.known[kind, iid]


def decode(path: Path) -> Decoded:
    """Read a file and check what must hold of any: what refers is there, what begins ends."""
    trace = schema.Trace.FromString(path.read_bytes())
    found = Decoded()
    interned: dict[int, _Interned] = {}
    last: dict[int, int] = {}
    stacks: dict[int, list[Event]] = defaultdict(list)
    for packet in trace.packet:
        sequence = packet.trusted_packet_sequence_id
        assert sequence > 0
        if packet.sequence_flags & INCREMENTAL_STATE_CLEARED:
            assert sequence not in interned
            interned[sequence] = _Interned()
        if packet.HasField("interned_data"):
            interned[sequence].take(packet.interned_data)
        if packet.HasField("track_descriptor"):
            described = packet.track_descriptor
            assert described.uuid not in found.tracks
            assert described.HasField("thread") or described.name
            if described.HasField("parent_uuid"):
                assert described.parent_uuid in found.tracks
            found.tracks[described.uuid] = described
        elif packet.HasField("track_event"):
            assert packet.sequence_flags & NEEDS_INCREMENTAL_STATE
            assert packet.timestamp >= last.get(sequence, 0), "a sequence goes back in time"
            last[sequence] = packet.timestamp
            _event(found, packet, interned[sequence], stacks)
        elif packet.HasField("ftrace_events"):
            _bundle(found, packet.ftrace_events)
        elif packet.HasField("process_tree"):
            for process in packet.process_tree.processes:
                found.processes.setdefault(process.pid, schema.ProcessTree.Process())
                found.processes[process.pid].MergeFrom(process)
            for thread in packet.process_tree.threads:
                found.threads[thread.tid] = thread
        elif packet.HasField("clock_snapshot"):
            for clock in packet.clock_snapshot.clocks:
                found.clocks[clock.clock_id] = clock.timestamp
        elif not packet.HasField("interned_data"):
            found.head.append(packet)
    assert not any(stacks.values()), "a slice has no end"
    starts = Counter(flow for event in found.events for flow in event.flows)
    ends = Counter(flow for event in found.events for flow in event.ended_flows)
    assert starts == ends
    assert set(starts.values()) <= {1}
    return found


def _event(
    found: Decoded, packet: Any, interned: _Interned, stacks: dict[int, list[Event]]
) -> None:
    event = packet.track_event
    track, ts = event.track_uuid, packet.timestamp
    assert track in found.tracks
    # Instants and other sequences' slices on a track may lie within its slices.
    stack = stacks[track]
    if event.type == schema.TrackEvent.TYPE_SLICE_END:
        begun = stack.pop()
        assert begun.ts <= ts
        found.events.append(Event(**{**begun.__dict__, "end": ts}))
        return
    arguments: dict[str, Any] = {}
    for annotation in event.debug_annotations:
        name = interned.name("debug_annotation_names", annotation.name_iid)
        kind = annotation.WhichOneof("value")
        value = getattr(annotation, kind)
        if kind == "string_value_iid":
            value = interned.name("debug_annotation_string_values", value).decode()
        assert name not in arguments
        arguments[name] = value
    made = Event(
        interned.name("event_categories", event.category_iids[0]),
        track,
        interned.name("event_names", event.name_iid),
        ts,
        None,
        len(stack),
        arguments,
        tuple(event.flow_ids),
        tuple(event.terminating_flow_ids),
    )
    if event.type == schema.TrackEvent.TYPE_SLICE_BEGIN:
        stack.append(made)
    else:
        assert event.type == schema.TrackEvent.TYPE_INSTANT
        found.events.append(made)


def _bundle(found: Decoded, bundle: Any) -> None:
    last = 0
    for event in bundle.event:
        assert event.timestamp >= last
        last = event.timestamp
        if event.HasField("sched_switch"):
            found.switches[bundle.cpu].append((event.timestamp, event.sched_switch))
        else:
            found.wakings.append((bundle.cpu, event.timestamp, event))
