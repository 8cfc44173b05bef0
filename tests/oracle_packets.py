"""Which `net_dev_xmit` ends which `net_dev_queue`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from oracle_events import Event
from oracle_state import Row, Windows


@dataclass(slots=True)
class Queued:
    """A queue event, and the xmit that ended it: None where none did."""

    event: Event
    xmit: Event | None = None
    match: Literal["skbaddr", "gso"] | None = None


def matched(events: Sequence[Event], notes: Counter[str]) -> list[Queued]:
    """Pair every queue event with its xmit, by address and then as the stack's own segments."""
    queued: list[Queued] = []
    by_address: dict[int, Queued] = {}
    taken: set[int] = set()
    freed: defaultdict[int, list[Event]] = defaultdict(list)
    for at, event in enumerate(events):
        address = event.fields.get("skbaddr")
        if event.name == "net_dev_queue":
            queued.append(one := Queued(event))
            before = by_address.get(event.fields["skbaddr"])
            if before is not None and before.event.fields["name"] != event.fields["name"]:
                notes["queue: address queued again on another device before its xmit"] += 1
            by_address[event.fields["skbaddr"]] = one
        elif event.name == "net_dev_xmit":
            if event.fields["rc"] != 0:
                notes["queue: xmit with rc other than 0"] += 1
                continue
            one = by_address.pop(event.fields["skbaddr"], None)
            if one is not None:
                one.xmit, one.match = event, "skbaddr"
                taken.add(at)
        elif event.name in ("skb_consume", "skb_kfree") and address is not None:
            freed[address].append(event)
    _gso(events, queued, taken)
    _note(events, queued, taken, freed, notes)
    return queued


def _gso(events: Sequence[Event], queued: Sequence[Queued], taken: set[int]) -> None:
    """Give a queue event without an xmit the cpu's and device's first xmit that has no owner."""
    waiting: dict[int, Queued] = {}
    found = {id(one.event): one for one in queued}
    for at, event in enumerate(events):
        if event.name == "net_dev_queue":
            waiting[event.cpu] = found[id(event)]
        elif event.name == "net_dev_xmit" and event.fields["rc"] == 0 and at not in taken:
            one = waiting.get(event.cpu)
            if (
                one is not None
                and one.xmit is None
                and one.event.fields["name"] == event.fields["name"]
            ):
                one.xmit, one.match = event, "gso"
                taken.add(at)


def _note(
    events: Sequence[Event],
    queued: Sequence[Queued],
    taken: set[int],
    freed: defaultdict[int, list[Event]],
    notes: Counter[str],
) -> None:
    ownerless = [
        e
        for at, e in enumerate(events)
        if e.name == "net_dev_xmit" and e.fields["rc"] == 0 and at not in taken
    ]
    notes["queue: xmits that no queue event owns"] += len(ownerless)
    # Where and when each skb was freed that has no xmit of its own.
    segmented = [
        next((e.cpu, e.ts) for e in freed[one.event.fields["skbaddr"]] if e.ts > one.event.ts)
        for one in queued
        if one.match != "skbaddr"
        and any(e.ts > one.event.ts for e in freed[one.event.fields["skbaddr"]])
    ]
    for one in queued:
        queue, xmit = one.event, one.xmit
        until = 2**63 if xmit is None else xmit.ts
        gone = [e for e in freed[queue.fields["skbaddr"]] if queue.ts < e.ts < until]
        if xmit is None:
            notes["queue: no xmit, freed later" if gone else "queue: no xmit, never freed"] += 1
        elif one.match == "gso" and not gone:
            notes["queue: gso, but the queued skb was not freed before that xmit"] += 1
        elif one.match == "gso":
            if gone[0].name == "skb_kfree":
                notes["queue: gso, but the queued skb was dropped (skb_kfree)"] += 1
            if gone[0].cpu != xmit.cpu:
                notes["queue: gso, the queued skb was freed on another cpu"] += 1
            if any(cpu == xmit.cpu and gone[0].ts < ts < xmit.ts for cpu, ts in segmented):
                notes["queue: gso, another such skb was freed between there"] += 1
        elif one.match == "skbaddr":
            if xmit.fields["len"] != queue.fields["len"]:
                notes["queue: skbaddr, xmit's len differs from the queue's"] += 1
            if xmit.fields["name"] != queue.fields["name"]:
                notes["queue: skbaddr, xmit on another device"] += 1
            if xmit.cpu != queue.cpu:
                notes["queue: skbaddr, xmit on another cpu"] += 1
            if gone:
                notes["queue: skbaddr, skb freed before the xmit event"] += 1
            if any(e.name == "skb_kfree" for e in gone):
                notes["queue: skbaddr, skb dropped (skb_kfree) before the xmit event"] += 1
            between = [e for e in ownerless if queue.ts < e.ts < until and e.cpu == queue.cpu]
            if gone and any(e.ts > gone[0].ts for e in between):
                notes["queue: skbaddr, freed and then other ownerless xmits came first"] += 1


def queue_to_xmit(
    queued: Sequence[Queued], windows: Windows, left_out: Counter[str]
) -> tuple[list[Row], set[int]]:
    """Return the metric's rows, and the ids of the `Queued` that a row stands for."""
    rows: list[Row] = []
    sound: set[int] = set()
    for one in queued:
        queue, xmit = one.event, one.xmit
        if xmit is None:
            left_out["no_xmit"] += 1
        elif windows.spans(queue.ts, xmit.ts, queue.cpu):
            left_out["cleared_by_loss"] += 1
        else:
            sound.add(id(one))
            rows.append(
                {
                    "ts": queue.ts,
                    "dur": xmit.ts - queue.ts,
                    "certain": windows.certain(queue.ts, xmit.ts),
                    "skbaddr": queue.fields["skbaddr"],
                    "match": one.match,
                    "len": queue.fields["len"],
                    "cpu_id": queue.cpu,
                }
            )
    return rows, sound
