"""Interrupts, softirqs, wakes and system calls: one state machine over a run's events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from oracle_events import Event
from oracle_state import Call, Cpu, Handler, Raise, Row, Wake, Windows

VECTORS = (
    *("HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL"),
    *("TASKLET", "SCHED", "HRTIMER", "RCU"),
)
# Raised by the local timer, an IPI or the tick: their cause is not in the trace.
_NEVER_BY_A_TASK = frozenset({1, 7, 8, 9})


class Machine:
    """Walk a run's events once; afterwards `rows`, `left_out`, `notes`, and the lists below."""

    def __init__(self, events: Sequence[Event], windows: Windows) -> None:
        self.rows: defaultdict[str, list[Row]] = defaultdict(list)
        self.left_out: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.notes: Counter[str] = Counter()
        self.calls: list[Call] = []
        self.cleared_calls: list[Call] = []
        # By tid: (ts, cpu, 'in' | 'asleep' | 'runnable'), and the times of its wakings.
        self.switches: defaultdict[int, list[tuple[int, int, str]]] = defaultdict(list)
        self.wakings: defaultdict[int, list[int]] = defaultdict(list)
        # Times at which a packet was queued inside a softirq.
        self.in_softirq: set[tuple[int, int]] = set()
        self._windows = windows
        self._cpus: defaultdict[int, Cpu] = defaultdict(Cpu)
        self._open: dict[int, Call] = {}
        self._lost_calls: dict[int, Call] = {}
        self._last_cpu: dict[int, int] = {}
        self._wakes: dict[int, Wake] = {}
        self._lost_wakes: set[int] = set()
        self._irq_threads = {
            e.fields["tid"]
            for e in events
            if e.name == "lttng_statedump_interrupt" and (e.fields.get("tid") or 0) > 0
        }
        waking = any(e.name == "sched_waking" for e in events)
        self._does: dict[str, Callable[[Event], None]] = {
            "irq_handler_entry": self._handler_entry,
            "irq_handler_exit": self._handler_exit,
            "irq_softirq_raise": self._raise,
            "irq_softirq_entry": self._softirq_entry,
            "irq_softirq_exit": self._softirq_exit,
            "sched_waking" if waking else "sched_wakeup": self._waking,
            "sched_switch": self._switch,
            "sched_process_exit": self._ended,
            "net_dev_queue": self._queue,
        }
        self._walk(events)

    def _walk(self, events: Sequence[Event]) -> None:
        pending = list(reversed(self._windows.clearings))
        for event in events:
            while pending and pending[-1][0] < event.ts:
                self._clear(pending.pop()[1])
            if event.tid:
                self._last_cpu[event.tid] = event.cpu
            name = event.name
            if (does := self._does.get(name)) is not None:
                does(event)
            elif "syscall_" in name:
                if name.startswith(("syscall_entry_", "compat_syscall_entry_")):
                    self._call(event, name.replace("syscall_entry_", "", 1))
                elif name.startswith(("syscall_exit_", "compat_syscall_exit_")):
                    self._return(event, name.replace("syscall_exit_", "", 1))
            elif name.startswith("net_") and name.endswith(("_entry", "_exit")):
                cpu = self._cpus[event.cpu]
                cpu.receiving = max(0, cpu.receiving + (1 if name.endswith("_entry") else -1))

    def _clear(self, which: int | None) -> None:
        for number in list(self._cpus) if which is None else [which]:
            old = self._cpus.pop(number, Cpu())
            self._cpus[number] = Cpu(
                lost_handlers=old.lost_handlers + len(old.handlers),
                lost_raises=old.lost_raises | old.raises.keys(),
                lost_softirqs=old.lost_softirqs | old.softirqs.keys(),
                otherwise=None,
            )
        for tid in [t for t in self._open if which in (None, self._last_cpu.get(t))]:
            self._lost_calls[tid] = self._open.pop(tid)
        for tid in [t for t, wake in self._wakes.items() if which in (None, wake.carrier)]:
            del self._wakes[tid]
            self._lost_wakes.add(tid)

    # Interrupts.

    def _handler_entry(self, e: Event) -> None:
        cpu = self._cpus[e.cpu]
        if cpu.handlers:
            self.notes["hardirq: a handler opened inside another"] += 1
        cpu.handlers.append(Handler(e.fields["irq"], e.fields["name"], e.ts))

    def _handler_exit(self, e: Event) -> None:
        cpu, out = self._cpus[e.cpu], self.left_out["hardirq_duration"]
        irq = e.fields["irq"]
        if not any(handler.irq == irq for handler in cpu.handlers):
            out["cleared_by_loss" if cpu.lost_handlers else "unpaired"] += 1
            cpu.lost_handlers = max(0, cpu.lost_handlers - 1)
            return
        while (handler := cpu.handlers.pop()).irq != irq:
            self.notes["hardirq: an exit of another irq than the innermost's"] += 1
            out["unpaired"] += 1
        handler.exit_ts = e.ts
        row = self._row("hardirq_duration", handler.ts, e.ts, e.cpu)
        row.update(cpu_id=e.cpu, irq=irq, irq_name=handler.name)

    def _origin(self, e: Event, cpu: Cpu, vec: int) -> str:
        if cpu.handlers:
            return "hardirq"
        if cpu.softirqs:
            if vec in _NEVER_BY_A_TASK:
                self.notes["origin: a tick's vector raised while a softirq runs"] += 1
            return "softirq"
        by_name = (e.comm or "").startswith("irq/")
        if by_name != (e.tid in self._irq_threads):
            self.notes["origin: interrupt thread by name or by statedump only"] += 1
        if by_name or e.tid in self._irq_threads:
            if vec in _NEVER_BY_A_TASK:
                self.notes["origin: a tick's vector raised in an interrupt thread"] += 1
            return "threaded_irq"
        if vec not in _NEVER_BY_A_TASK and e.tid:
            if e.tid in self._open:
                return "task"
            if cpu.receiving:
                self.notes["origin: task by a net_*_entry alone"] += 1
                return "task"
        if e.tid in self._open:
            self.notes["origin: a tick's vector raised inside a call, unseen"] += 1
        return "unseen"

    def _raise(self, e: Event) -> None:
        cpu, vec = self._cpus[e.cpu], e.fields["vec"]
        if vec not in cpu.raises:
            handler = cpu.handlers[-1] if cpu.handlers else None
            cpu.raises[vec] = Raise(e.ts, self._origin(e, cpu, vec), handler)

    def _softirq_entry(self, e: Event) -> None:
        cpu, vec = self._cpus[e.cpu], e.fields["vec"]
        names: Row = {"vec": vec, "vec_name": VECTORS[vec] if vec < len(VECTORS) else None}
        raised = cpu.raises.pop(vec, None)
        if raised is None:
            reason = "cleared_by_loss" if vec in cpu.lost_raises else "unpaired"
            self.left_out["softirq_raise_to_entry"][reason] += 1
        else:
            row = self._row("softirq_raise_to_entry", raised.ts, e.ts, e.cpu)
            row.update(cpu_id=e.cpu, **names, origin=raised.origin)
            if raised.handler is not None:
                self._after_hardirq(e, raised, names)
        cpu.lost_raises.discard(vec)
        if vec in cpu.softirqs:
            self.left_out["softirq_duration"]["unpaired"] += 1
        cpu.softirqs[vec] = e.ts
        cpu.otherwise = "task"
        cpu.lost_softirqs.discard(vec)

    def _after_hardirq(self, e: Event, raised: Raise, names: Row) -> None:
        handler = raised.handler
        assert handler is not None
        if handler.exit_ts is None:
            self.notes["hardirq_to_softirq: the handler's exit was not seen"] += 1
        row = self._row("hardirq_to_softirq", handler.ts, e.ts, e.cpu)
        row.update(
            cpu_id=e.cpu,
            **names,
            irq=handler.irq,
            irq_name=handler.name,
            raise_ts=raised.ts,
            exit_to_entry=None if handler.exit_ts is None else e.ts - handler.exit_ts,
            runner="ksoftirqd" if (e.comm or "").startswith("ksoftirqd/") else "interrupt",
        )

    def _softirq_exit(self, e: Event) -> None:
        cpu, vec = self._cpus[e.cpu], e.fields["vec"]
        entered = cpu.softirqs.pop(vec, None)
        if entered is None:
            reason = "cleared_by_loss" if vec in cpu.lost_softirqs else "unpaired"
            self.left_out["softirq_duration"][reason] += 1
            cpu.lost_softirqs.discard(vec)
            return
        row = self._row("softirq_duration", entered, e.ts, e.cpu)
        row.update(cpu_id=e.cpu, vec=vec, vec_name=VECTORS[vec] if vec < len(VECTORS) else None)

    # Scheduler.

    def _waking(self, e: Event) -> None:
        tid = e.fields["tid"]
        if not tid:
            return
        self.wakings[tid].append(e.ts)
        cpu = self._cpus[e.cpu]
        context = "hardirq" if cpu.handlers else "softirq" if cpu.softirqs else cpu.otherwise
        wake = Wake(e.ts, e.tid, context, e.fields.get("target_cpu", e.cpu))
        pending = self._wakes.get(tid)
        if pending is None:
            self._wakes[tid] = wake
        elif pending.raced:
            # A task that really was woken as it left cannot be woken again before it runs: the
            # earlier waking was used up while it still ran.
            self.notes["wake: a waking after the one that raced; the later one taken"] += 1
            self._wakes[tid] = wake
        else:
            on_cpu = (self.switches[tid] or [(0, 0, "")])[-1][2] == "in"
            where = "on a cpu" if on_cpu else "off a cpu"
            self.notes[f"wake: a second waking of a thread {where}; the first one kept"] += 1
        self._lost_wakes.discard(tid)

    def _switch(self, e: Event) -> None:
        out, into = e.fields["prev_tid"], e.fields["next_tid"]
        cpu = self._cpus[e.cpu]
        if cpu.handlers:
            self.left_out["hardirq_duration"]["unpaired"] += len(cpu.handlers)
            self.notes["hardirq: open at a switch"] += len(cpu.handlers)
            cpu.handlers.clear()
        cpu.receiving = 0
        if out:
            if (call := self._open.get(out)) is not None:
                call.moved = True
            asleep = bool(e.fields["prev_state"] & 0xFF)
            self.switches[out].append((e.ts, e.cpu, "asleep" if asleep else "runnable"))
            wake = self._wakes.get(out)
            if wake is not None and asleep:
                wake.raced = True
            elif wake is not None:
                del self._wakes[out]
                self.left_out["wake_to_run"]["runnable"] += 1
        if into:
            self._last_cpu[into] = e.cpu
            self.switches[into].append((e.ts, e.cpu, "in"))
            wake = self._wakes.pop(into, None)
            if wake is not None:
                row = self._row("wake_to_run", wake.ts, e.ts, None)
                row.update(
                    tid=into,
                    comm=e.fields["next_comm"],
                    waker_tid=wake.waker_tid,
                    waker_context=wake.context,
                    cpu_id=e.cpu,
                    raced=wake.raced,
                )
            elif into in self._lost_wakes:
                self.left_out["wake_to_run"]["cleared_by_loss"] += 1
            self._lost_wakes.discard(into)

    def _ended(self, e: Event) -> None:
        tid = e.fields["tid"]
        for table in (self._open, self._lost_calls, self._wakes):
            table.pop(tid, None)
        self._lost_wakes.discard(tid)

    def _queue(self, e: Event) -> None:
        if self._cpus[e.cpu].softirqs:
            self.in_softirq.add((e.ts, e.cpu))

    # System calls.

    def _call(self, e: Event, name: str) -> None:
        if e.tid is None:
            return
        if e.tid in self._open:
            self.left_out["syscall_latency"]["unpaired"] += 1
        self._lost_calls.pop(e.tid, None)
        self._open[e.tid] = Call(name, e.tid, e.pid, e.comm, e.ts, e.cpu, e.fields)

    def _return(self, e: Event, name: str) -> None:
        if e.tid is None:
            return
        call = self._open.pop(e.tid, None)
        lost = self._lost_calls.pop(e.tid, None)
        ret = e.fields.get("ret")
        if call is None or call.name != name:
            broken = call is None and lost is not None and lost.name == name
            self.left_out["syscall_latency"]["cleared_by_loss" if broken else "unpaired"] += 1
            if broken and lost is not None:
                lost.exit_ts, lost.ret, lost.results = e.ts, ret, e.fields
                self.cleared_calls.append(lost)
            return
        call.exit_ts, call.ret, call.results = e.ts, ret, e.fields
        self.calls.append(call)
        cpu = None if call.moved or call.cpu != e.cpu else e.cpu
        row = self._row("syscall_latency", call.ts, e.ts, cpu)
        row.update(tid=call.tid, pid=call.pid, comm=call.comm, name=name, ret=ret)

    def _row(self, metric: str, start: int, end: int, cpu: int | None) -> Row:
        row: Row = {"ts": start, "dur": end - start}
        row["certain"] = self._windows.certain(start, end, cpu)
        self.rows[metric].append(row)
        return row
