"""Where everything of a timeline stands: its lanes from top to bottom, and rows for the charts.

Times in the rows are ns since the timeline's origin, so that a browser's numbers hold them exactly;
places are pixels from the top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tcpdw.report.page import Rows
from tcpdw.report.timeline_data import CPU_KINDS, Loss, Segment, Slice, Timeline, Wake
from tcpdw.report.timeline_words import segment_words, short_segment_words, slice_words

PEER, INTERFACE, STACK = 44, 80, 122
"""Where the ladder's lines are."""

_STEPS = 12
_LANES_FROM = 142
_ROW, _ROW_GAP, _GROUP_GAP = 16, 3, 9
_KIND_PLACE = {"hardirq": 0, "softirq": 1, "on cpu": 2}

CLASSES: Mapping[str, str] = {
    "hardware interrupt": "s2",
    "softirq NET_RX": "s1",
    "softirq NET_TX": "s4",
    "other softirq": "s7",
    "thread with lanes of its own, on a cpu": "s3",
    "another thread, on a cpu": "s7",
    "runnable: waits for a cpu": "s6",
    "asleep": "muted",
    "system call": "s8",
}
"""What the slices' colours mean, with the colours' names in the theme."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane: its label, and from where to where it reaches; `head`: it opens a group."""

    label: str
    top: int
    bottom: int
    head: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """All lanes, the whole height, and the charts' data by name."""

    lanes: Sequence[Lane]
    height: int
    data: Mapping[str, Rows]

    @property
    def kinds(self) -> frozenset[str]:
        """Give the classes of slices that there are."""
        place = self.data["slices"].columns.index("kind")
        return frozenset(str(row[place]) for row in self.data["slices"].rows)


def laid_out(line: Timeline) -> Layout:
    """Place all that a timeline shows."""
    lanes: list[Lane] = []
    cpu_tops: dict[int, int] = {}
    thread_tops: dict[int, int] = {}
    top = _LANES_FROM if line.connection else _STEPS + _STEPS
    for cpu in line.cpus:
        cpu_tops[cpu] = top
        for place, label in enumerate(("hardirq", "softirq", "thread")):
            y = top + place * (_ROW + _ROW_GAP)
            lanes.append(Lane(label, y, y + _ROW, f"cpu {cpu}" if place == 0 else ""))
        top += 3 * (_ROW + _ROW_GAP) + _GROUP_GAP
    for thread in line.threads:
        thread_tops[thread.tid] = top
        lanes.append(Lane("syscall", top, top + _ROW, thread.comm))
        state = top + _ROW + _ROW_GAP
        lanes.append(Lane("state", state, state + _ROW, str(thread.tid)))
        top += 2 * (_ROW + _ROW_GAP) + _GROUP_GAP
    layout = _Places(line, cpu_tops, thread_tops)
    data = {
        "lanes": _lane_rows(line, lanes),
        "slices": layout.slices(),
        "segments": layout.segments(),
        "wakes": layout.wakes(),
        "losses": layout.losses(),
        "steps": _step_rows(line),
    }
    return Layout(lanes, max(top, _LANES_FROM), data)


def _lane_rows(line: Timeline, lanes: Sequence[Lane]) -> Rows:
    rows: list[tuple[object, ...]] = [
        (lane.label, lane.head, lane.top, lane.bottom, (lane.top + lane.bottom) / 2)
        for lane in lanes
    ]
    if line.connection:
        roles = {step.role for step in line.steps} or {line.run.role}
        ends = ("server", "client") if roles == {"client"} else ("client", "server")
        if len(roles) > 1:
            ends = ("the network", "both ends")
        device = next((s.device for s in line.segments if s.device), line.run.interface)
        for label, y in ((ends[0], PEER), (device or "interface", INTERFACE), (ends[1], STACK)):
            rows.append((label, "", y, y + 1, y))
    return Rows(("label", "head", "y0", "y1", "y"), rows)


def _step_rows(line: Timeline) -> Rows:
    rows: list[tuple[object, ...]] = []
    came = [step for step in line.steps if step.ts is not None and line.span.holds(step.ts)]
    came.sort(key=lambda step: int(step.ts or 0))
    for step, after in zip(came, [*came[1:], None], strict=False):
        ts = int(step.ts or 0)
        room = 10**15 if after is None else int(after.ts or 0) - ts
        shown = " ".join(part for part in (step.packet, step.evidence) if part)
        if step.status != "expected":
            shown += f"; {step.status}: {step.why}"
        who = "not known" if step.tid is None else f"{step.comm or '?'} {step.tid}"
        if step.cpu_id is not None:
            who = f"{who}, cpu {step.cpu_id}"
        text = f"{step.number} {step.step}"
        rows.append((ts - line.origin, room, str(step.number), text, shown, who, _STEPS))
    return Rows(("t", "room", "number", "text", "shown", "who", "y"), rows)


@dataclass(frozen=True)
class _Places:
    line: Timeline
    cpu_tops: Mapping[int, int]
    thread_tops: Mapping[int, int]

    def slices(self) -> Rows:
        columns = ("a", "b", "y0", "y1", "kind", "text", "what", "took", "where", "certain")
        rows: list[tuple[object, ...]] = []
        for item in self.line.slices:
            what, text = slice_words(item)
            took = f"{item.end - item.ts:,} ns" if item.ends else "its end is not in the trace"
            if item.count > 1:
                took = f"{item.busy:,} ns in all: {item.count} drawn as one"
                text = ""
            if not item.certain:
                took += "; the tracer may have lost events here"
            times = (item.ts - self.line.origin, item.end - self.line.origin)
            more = (what, took, self._where(item), item.certain)
            for top, shown in self._places(item, text):
                rows.append((*times, top, top + _ROW, self._class(item), shown, *more))
        return Rows(columns, rows)

    def segments(self) -> Rows:
        columns = ("t", "w", "c", "ys", "yc", "room", "up", "text", "words", "kernel", "capture")
        rows: list[tuple[object, ...]] = []
        origin = self.line.origin
        wires = [self._wire(segment) for segment in self.line.segments]
        later = sorted(wires)
        for item, wire in zip(self.line.segments, wires, strict=True):
            after = next((other for other in later if other > wire), None)
            room = 10**15 if after is None else after - wire
            ends = INTERFACE if item.ts is None else STACK
            place = self._on_arrow(item, wire)
            kernel = "in no kernel event" if item.ts is None else self._kernel_words(item)
            capture = "not captured"
            if item.capture_ts is not None:
                more = f", {item.packets} packets" if item.packets > 1 else ""
                capture = f"{item.capture_ts - origin:+,} ns, frame {item.frame}{more}"
            rows.append(
                (
                    item.at - origin,
                    wire - origin,
                    None if item.capture_ts is None else item.capture_ts - origin,
                    ends,
                    place,
                    room,
                    self._goes_up(item),
                    ("again: " if item.retransmission else "") + short_segment_words(item),
                    segment_words(item),
                    kernel,
                    capture,
                )
            )
        return Rows(columns, rows)

    def wakes(self) -> Rows:
        columns = ("t", "y0", "y1", "room", "what", "cause", "ran")
        rows: list[tuple[object, ...]] = []
        origin = self.line.origin
        wakes = self.line.wakes
        for item, before, after in zip(wakes, [None, *wakes], [*wakes[1:], None], strict=False):
            top = self.thread_tops.get(item.tid)
            if top is None:
                continue
            place = {"hardirq": 0, "softirq": 1}.get(item.context or "", 2)
            source = self.cpu_tops.get(item.cpu_id if item.cpu_id is not None else -1)
            y = top - 10 if source is None else source + place * (_ROW + _ROW_GAP) + _ROW / 2
            ran = "not in the trace" if item.in_ts is None else f"{item.in_ts - item.ts:,} ns later"
            if not item.certain:
                ran += "; the tracer may have lost events here"
            what = f"wakes {self._thread(item.tid)}"
            # What a segment caused is always drawn from its cause, others where there is room.
            near = [abs(other.ts - item.ts) for other in (before, after) if other]
            room = 10**15 if item.rx_ts is not None or not near else min(near)
            rows.append((item.ts - origin, y, top, room, what, self._cause(item), ran))
        return Rows(columns, rows)

    def losses(self) -> Rows:
        rows: list[tuple[object, ...]] = []
        height = 3 * _ROW + 2 * _ROW_GAP
        for item in self.line.losses:
            for top in self._loss_tops(item):
                times = (item.start - self.line.origin, item.end - self.line.origin)
                rows.append((*times, top, top + height, item.events))
        return Rows(("a", "b", "y0", "y1", "events"), rows)

    def _loss_tops(self, item: Loss) -> list[int]:
        tops = self.cpu_tops
        return [top for cpu, top in tops.items() if item.cpu_id is None or item.cpu_id == cpu]

    def _places(self, item: Slice, text: str) -> list[tuple[int, str]]:
        """Tell from where down a slice is drawn, and with which text: a thread's turn on two."""
        places: list[tuple[int, str]] = []
        cpu = self.cpu_tops.get(item.cpu_id if item.cpu_id is not None else -1)
        if item.kind in CPU_KINDS and cpu is not None:
            places.append((cpu + _KIND_PLACE[item.kind] * (_ROW + _ROW_GAP), text))
        thread = self.thread_tops.get(item.tid if item.tid is not None else -1)
        if thread is not None and item.kind == "syscall":
            places.append((thread, text))
        elif thread is not None and item.kind not in ("hardirq", "softirq"):
            words = f"on cpu {item.cpu_id}" if text and item.kind == "on cpu" else text
            places.append((thread + _ROW + _ROW_GAP, words))
        return places

    def _class(self, item: Slice) -> str:
        if item.kind == "softirq":
            known = {2: "softirq NET_TX", 3: "softirq NET_RX"}
            return known.get(item.number if item.number is not None else -1, "other softirq")
        if item.kind == "on cpu":
            own = item.tid in self.thread_tops
            return "thread with lanes of its own, on a cpu" if own else "another thread, on a cpu"
        return {
            "hardirq": "hardware interrupt",
            "runnable": "runnable: waits for a cpu",
            "syscall": "system call",
        }.get(item.kind, "asleep")

    def _where(self, item: Slice) -> str:
        who = "" if item.tid is None else self._thread(item.tid)
        if who and item.kind in ("hardirq", "softirq"):
            who = f"in {who}"
        cpu = "" if item.cpu_id is None else f"cpu {item.cpu_id}"
        return ", ".join(part for part in (cpu, who) if part)

    def _thread(self, tid: int) -> str:
        if tid == 0:
            return "the idle thread"
        known = next((thread for thread in self.line.threads if thread.tid == tid), None)
        return f"{known.comm} {tid}" if known else f"thread {tid}"

    def _goes_up(self, item: Segment) -> bool:
        """Tell whether a segment's arrow points up: away from this host."""
        if item.direction == "capture":
            return item.from_client == (self.line.run.role == "client")
        return item.direction == "queue"

    def _wire(self, item: Segment) -> int:
        return item.wire_ts if item.wire_ts is not None else item.at

    def _on_arrow(self, item: Segment, wire: int) -> float | None:
        """Place the capture on the way between stack and interface, by its time."""
        if item.capture_ts is None:
            return None
        if item.ts is None or item.ts == wire:
            return INTERFACE
        part = (item.capture_ts - wire) / (item.ts - wire)
        return INTERFACE + (STACK - INTERFACE) * min(max(part, 0.0), 1.0)

    def _kernel_words(self, item: Segment) -> str:
        at = f"{int(item.ts or 0) - self.line.origin:+,} ns"
        if item.direction == "rx":
            return f"net_if_receive_skb {at}, cpu {item.cpu_id}"
        by = {"softirq": "in a softirq", "call": "in a call", "task": "in a task"}
        context = by.get(item.context or "", "")
        return f"net_dev_queue {at}, cpu {item.cpu_id} {context}".strip()

    def _cause(self, item: Wake) -> str:
        cause = "not known"
        if item.context == "softirq":
            cause = f"softirq {item.vec}" + ("" if item.rx_ts is None else ", a received segment")
        elif item.context == "hardirq":
            cause = f"interrupt {item.irq}"
        elif item.waker_tid is not None:
            cause = self._thread(item.waker_tid)
        return cause if item.cpu_id is None else f"{cause}, on cpu {item.cpu_id}"
