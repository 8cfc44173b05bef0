"""Figures of whole ingests by the installed `tcpdw`: time, size of the warehouse, peak memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from bench import peers
from bench.inputs import Inputs, say, stream_bytes, trace_bytes
from bench.processes import CommandError, Ran
from bench.table import Row, median, rate, seconds, size
from bench.turns import in_turns

HANDSHAKE_SECONDS = 0.8
BYTES_AN_EVENT = 15
PEAK_BYTES = 600e6


@dataclass(frozen=True, slots=True)
class Ingested:
    """The ingests of some runs, what they left, and babeltrace2's readings of the same traces."""

    ingests: list[Ran]
    size: int
    events: int
    packets: int
    babeltrace2: list[list[Ran]]

    @property
    def took(self) -> list[float]:
        """The seconds of the ingests."""
        return [ran.seconds for ran in self.ingests]

    @property
    def theirs(self) -> list[float]:
        """The seconds of babeltrace2, all traces one after another."""
        return [sum(ran.seconds for ran in rans) for rans in self.babeltrace2]


class Ingests:
    """Measures ingests; those that more than one figure comes from are done once."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs

    @cached_property
    def _data(self) -> Ingested:
        inputs = self._inputs
        traces = [run / "kernel" for run in inputs.unpacked]
        say(f"ingesting {len(traces)} recorded runs")
        whole = inputs.scale.step == 1
        return self._ingested([inputs.data] if whole else inputs.archives, traces)

    @cached_property
    def _long(self) -> Ingested:
        run = self._inputs.longer
        say(f"ingesting a run of {self._inputs.longer_events:,} events")
        return self._ingested([run.path], [run.trace], watch=True)

    def data(self) -> list[Row]:
        """Measure a whole ingest of data/."""
        found = self._data
        ours, theirs = median(found.took), median(found.theirs)
        count = len(self._inputs.archives)
        return [
            Row(
                f"`tcpdw ingest data/`, {count} runs, {found.events / 1e6:.2f} M events, all of it",
                seconds(ours),
                "`babeltrace2 -o dummy`, trace after trace, unpacked",
                seconds(theirs),
                theirs / ours,
                "1×; aim: 2×",
                theirs >= ours,
                {"tcpdw": found.took, "babeltrace2": found.theirs},
            )
        ]

    def handshake(self) -> list[Row]:
        """Measure the ingest of one handshake run."""
        inputs = self._inputs
        say("ingesting one handshake run")
        found = self._ingested([inputs.handshake], [inputs.handshake_run / "kernel"])
        ours, theirs = median(found.took), median(found.theirs)
        return [
            Row(
                f"`tcpdw ingest` of one handshake run, {found.events:,} events, all of it",
                seconds(ours),
                "`babeltrace2 -o dummy`, unpacked",
                seconds(theirs),
                theirs / ours,
                seconds(HANDSHAKE_SECONDS),
                ours <= HANDSHAKE_SECONDS,
                {"tcpdw": found.took, "babeltrace2": found.theirs},
            )
        ]

    def size(self) -> list[Row]:
        """Measure the warehouse's size beside that of the traces that it came from."""
        found, run = self._long, self._inputs.longer.path
        each = found.size / found.events
        raw = stream_bytes(run)
        words = f"{found.events / 1e6:.2f} M events and {found.packets:,} packets"
        rows = [
            Row(
                f"warehouse of {words}, all tables",
                f"{size(found.size)} ({each:.1f} B an event)",
                "the CTF streams",
                f"{size(raw)} ({raw / found.events:.1f} B an event)",
                raw / found.size,
                f"{BYTES_AN_EVENT} B",
                each <= BYTES_AN_EVENT,
                {"bytes": [found.size]},
            )
        ]
        found, unpacked = self._data, self._inputs.unpacked
        for words, measure in (("streams", stream_bytes), ("streams and metadata", trace_bytes)):
            raw = sum(measure(run) for run in unpacked)
            rows.append(
                Row(
                    f"warehouse of data/, {len(unpacked)} runs",
                    f"{size(found.size)} ({found.size / found.events:.1f} B an event)",
                    f"the CTF {words}",
                    f"{size(raw)} ({raw / found.events:.1f} B an event)",
                    raw / found.size,
                    "below",
                    found.size < raw,
                    {"bytes": [found.size]},
                )
            )
        return rows

    def memory(self) -> list[Row]:
        """Measure the peak memory of a long run's ingest, and its time."""
        found = self._long
        ours, theirs = median(found.took), median(found.theirs)
        peaks: dict[str, list[float]] = {
            "together": [ran.together for ran in found.ingests],
            "private": [ran.private for ran in found.ingests],
            "largest": [ran.largest for ran in found.ingests],
        }
        peak = median(peaks["together"])
        their_peak = median([ran.largest for (ran,) in found.babeltrace2])
        million = f"{found.events / 1e6:.2f} M events"
        return [
            Row(
                f"peak memory of the ingest of {million}, all its processes",
                size(peak),
                "`babeltrace2 -o dummy`",
                size(their_peak),
                their_peak / peak,
                size(PEAK_BYTES),
                peak <= PEAK_BYTES,
                peaks,
            ),
            Row("of that, in no file's pages", size(median(peaks["private"]))),
            Row("its largest process", size(median(peaks["largest"]))),
            Row(
                f"time of the ingest of {million}",
                f"{seconds(ours)} ({rate(found.events / ours, 'events')})",
                "`babeltrace2 -o dummy`",
                f"{seconds(theirs)} ({rate(found.events / theirs, 'events')})",
                theirs / ours,
                samples={"tcpdw": found.took, "babeltrace2": found.theirs},
            ),
        ]

    def _ingested(self, paths: list[Path], traces: list[Path], *, watch: bool = False) -> Ingested:
        inputs = self._inputs
        warehouse, scratch = inputs.work / "new.duckdb", inputs.scratch()
        measures: dict[str, Callable[[], list[Ran]]] = {
            "tcpdw": lambda: [peers.ingest(paths, warehouse, scratch, watch=watch)],
            "babeltrace2": partial(_one_after_another, traces, watch),
        }
        found = in_turns(inputs.scale.repeat, measures)
        held, length = peers.loaded(warehouse), peers.warehouse_size(warehouse)
        peers.remove(warehouse)
        if held["runs"] != len(traces) or held["failed"]:
            raise CommandError(f"of {len(traces)} runs {held['runs']} were loaded")
        return Ingested(
            [ran for (ran,) in found["tcpdw"]],
            length,
            held["events"],
            held["packets"],
            found["babeltrace2"],
        )


def _one_after_another(traces: list[Path], watch: bool) -> list[Ran]:
    return [peers.babeltrace2(trace, watch=watch) for trace in traces]
