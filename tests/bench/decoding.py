"""Figures of the readers: traces and captures to columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial

from bench import peers
from bench.inputs import Inputs, say
from bench.peers import Probed
from bench.processes import CommandError, Ran
from bench.table import Row, median, rate, seconds, times
from bench.turns import in_turns

Samples = Mapping[str, list[float]]


def decode(inputs: Inputs) -> list[Row]:
    """Measure the full decode to columns on one thread, and what bt2 takes for a part of it."""
    trace, events, scale = inputs.longer.trace, inputs.longer_events, inputs.scale
    say(f"decoding {events:,} events on one thread")
    once = inputs.load / "kernel"
    whole = in_turns(
        scale.repeat,
        {
            "native": partial(_expect, events, partial(peers.probed, "native", trace, 1)),
            "babeltrace2": partial(_as_probed, events, partial(peers.babeltrace2, trace)),
            "bindings": partial(peers.probed, "bt2_bindings", trace, scale.bt2_events),
            "bt2 reader": partial(
                _expect, inputs.load_events, partial(peers.probed, "bt2_reader", once)
            ),
        },
    )
    took = {name: median([each.seconds for each in found]) for name, found in whole.items()}
    count = {name: found[0].count for name, found in whole.items()}
    processes = [each.process.seconds for each in whole["native"]]
    samples: Samples = {name: [each.seconds for each in found] for name, found in whole.items()}
    # Neighbours on the machine touch the processors' own time least.
    cpu = {
        f"{name}, cpu seconds of the process": [each.process.cpu for each in whole[name]]
        for name in ("native", "babeltrace2")
    }

    def shown(name: str) -> str:
        return f"{seconds(took[name])} ({rate(count[name] / took[name], 'events')})"

    def ratio(name: str) -> float:
        return count["native"] / took["native"] / (count[name] / took[name])

    what = f"full decode to columns, one thread, {events / 1e6:.2f} M events"
    best = ratio("babeltrace2")
    return [
        Row(
            what,
            shown("native"),
            "`babeltrace2 -o dummy`",
            shown("babeltrace2"),
            best,
            "15×",
            best >= 15,
            samples,
        ),
        Row(
            "the same with Python's start and imports",
            seconds(median(processes)),
            "`babeltrace2 -o dummy`",
            shown("babeltrace2"),
            took["babeltrace2"] / median(processes),
            samples={"native": processes, "babeltrace2": samples["babeltrace2"], **cpu},
        ),
        Row(
            "the same, events/s",
            rate(count["native"] / took["native"], "events"),
            f"bt2 bindings, every field of {count['bindings']:,} events",
            rate(count["bindings"] / took["bindings"], "events"),
            ratio("bindings"),
            samples=samples,
        ),
        Row(
            "the same, events/s",
            rate(count["native"] / took["native"], "events"),
            f"tcpdw's own bt2 reader, {count['bt2 reader']:,} events",
            rate(count["bt2 reader"] / took["bt2 reader"], "events"),
            ratio("bt2 reader"),
            samples=samples,
        ),
    ]


def threads(inputs: Inputs) -> list[Row]:
    """Measure the same decode on one thread, two, and so on to as many as there are cores."""
    trace, events = inputs.longer.trace, inputs.longer_events
    counts = thread_counts(len(os.sched_getaffinity(0)))
    say(f"decoding on {counts} threads")
    found = in_turns(
        inputs.scale.repeat,
        {
            str(number): partial(_expect, events, partial(peers.probed, "native", trace, number))
            for number in counts
        },
    )
    samples = {name: [each.seconds for each in taken] for name, taken in found.items()}
    one = median(samples["1"])
    rows: list[Row] = []
    for number in counts:
        took = median(samples[str(number)])
        shown = f"{seconds(took)} ({rate(events / took, 'events')})"
        what = f"the same decode, {number} thread{'' if number == 1 else 's'}"
        beside = "" if number == 1 else "one thread"
        theirs = "" if number == 1 else seconds(one)
        ratio = None if number == 1 else one / took
        target = "grows" if number > 1 else ""
        met = None if ratio is None else ratio > 1
        rows.append(
            Row(
                what, shown, beside, theirs, ratio, target, met, {str(number): samples[str(number)]}
            )
        )
    return rows


def thread_counts(cores: int) -> list[int]:
    """Choose the numbers of threads to measure: all up to four, then doubling, and all cores."""
    counts = {*range(1, min(cores, 4) + 1), cores}
    power = 8
    while power < cores:
        counts.add(power)
        power *= 2
    return sorted(counts)


def capture(inputs: Inputs) -> list[Row]:
    """Measure the reading of captures."""
    scale = inputs.scale
    with (
        inputs.long_capture(scale.packets) as (path, packets),
        inputs.long_capture(scale.tshark_packets) as (shorter, fewer),
    ):
        say(f"reading {packets:,} captured packets")
        part = inputs.capture_part
        found = in_turns(
            scale.repeat,
            {
                "native": partial(_expect, packets, partial(peers.probed, "capture_native", path)),
                "tshark fields": partial(_as_probed, fewer, partial(peers.tshark_fields, shorter)),
                "tshark": partial(_as_probed, fewer, partial(peers.tshark_lines, shorter)),
                "pyshark": partial(peers.probed, "pyshark_packets", part, scale.pyshark_packets),
                "pyshark reader": partial(peers.probed, "pyshark_reader", part),
            },
        )
    samples = {name: [each.seconds for each in taken] for name, taken in found.items()}
    rates = {name: taken[0].count / median(samples[name]) for name, taken in found.items()}
    own = found["pyshark reader"][0].count
    beside = {
        "tshark fields": f"`tshark -T fields`, the columns' fields, {fewer:,} packets",
        "tshark": f"`tshark`, a line a packet, {fewer:,} packets",
        "pyshark": f"pyshark, {found['pyshark'][0].count:,} packets",
        "pyshark reader": f"tcpdw's own pyshark reader, {own:,} packets",
    }
    ours = rates["native"]
    rows = [
        Row(
            f"capture to columns, {packets / 1e6:.2f} M packets",
            rate(ours, "packets"),
            target=f"{rate(1e6, 'packets')}",
            met=ours >= 1e6,
            samples={"native": samples["native"]},
        )
    ]
    for name, words in beside.items():
        ratio = ours / rates[name]
        must = name == "pyshark"
        rows.append(
            Row(
                "the same",
                rate(ours, "packets"),
                words,
                rate(rates[name], "packets"),
                ratio,
                times(100) if must else "",
                ratio >= 100 if must else None,
                {name: samples[name]},
            )
        )
    return rows


def _expect(count: int, measure: Callable[[], Probed]) -> Probed:
    """Refuse a reading that did not read all: its time would mean nothing."""
    result = measure()
    if result.count != count:
        raise CommandError(f"a reader read {result.count} of {count}")
    return result


def _as_probed(count: int, measure: Callable[[], Ran]) -> Probed:
    """Take a whole process as the reading of `count` items."""
    ran = measure()
    return Probed(ran.seconds, count, ran)
