"""What is measured on: the recorded runs unpacked, and longer ones made of them when needed."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench import captures, longer_run, peers, traces
from bench.longer_run import LongerRun

LOAD_RUN = "kestrel-server-load-001"
HANDSHAKE_RUN = "kestrel-server-handshake-001"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: `repeat` measurements each, of inputs so long."""

    repeat: int
    events: int  # of the lengthened trace, at least
    packets: int  # of the lengthened capture, at least
    tshark_packets: int  # that tshark reads, at least
    bt2_events: int  # that the bt2 bindings read
    pyshark_packets: int  # that pyshark reads
    step: int  # of the archives in data/, one in so many
    runs: int  # of the warehouse whose views are asked for one
    most_runs: int  # of the largest warehouse in which runs are compared


FULL = Scale(5, 5_000_000, 1_000_000, 200_000, 100_000, 8_000, 1, 1_000, 10_000)
QUICK = Scale(1, 300_000, 20_000, 20_000, 5_000, 500, 12, 20, 40)


class Inputs:
    """The inputs in the folder `work`; each is made at its first use."""

    def __init__(self, data: Path, work: Path, scale: Scale) -> None:
        self.data = data
        self.work = work
        self.scale = scale

    @cached_property
    def archives(self) -> list[Path]:
        """The recorded runs, as archives."""
        return sorted(self.data.glob("*.tar.xz"))[:: self.scale.step]

    @cached_property
    def unpacked(self) -> list[Path]:
        """The same runs, unpacked."""
        return [longer_run.unpack(archive, self.work / "data") for archive in self.archives]

    @cached_property
    def handshake(self) -> Path:
        """The archive of a handshake run."""
        return self.data / f"{HANDSHAKE_RUN}.tar.xz"

    @cached_property
    def handshake_run(self) -> Path:
        """The same run, unpacked."""
        return longer_run.unpack(self.handshake, self.work / "one")

    @cached_property
    def load(self) -> Path:
        """The load run, unpacked."""
        return longer_run.unpack(self.data / f"{LOAD_RUN}.tar.xz", self.work / "one")

    @cached_property
    def load_events(self) -> int:
        """How many events the load run has, by babeltrace2."""
        return peers.babeltrace2_count(self.load / "kernel")

    @cached_property
    def longer(self) -> LongerRun:
        """The load run, lengthened; that it is sound was checked."""
        from tcpdw.readers import ctf_native

        say("making the load run longer")
        twice = self.work / "twice"
        shift = traces.lengthen(self.load / "kernel", twice, 2)
        if traces.check(self.load / "kernel", twice, shift, ctf_native.read) != 2:
            raise traces.UnsuitedError("twice the load run is not twice its events")
        shutil.rmtree(twice)
        copies = -(-self.scale.events // self.load_events)
        run = longer_run.make(self.load, self.work / "longer", copies)
        count = peers.babeltrace2_count(run.trace)
        if count != copies * self.load_events:
            raise traces.UnsuitedError(
                f"babeltrace2 reads {count} events of {copies} times {self.load_events}"
            )
        return run

    @cached_property
    def longer_events(self) -> int:
        """How many events the lengthened run has."""
        return -(-self.scale.events // self.load_events) * self.load_events

    @contextmanager
    def long_capture(self, packets: int) -> Generator[tuple[Path, int]]:
        """Give the load run's capture, lengthened, and its number of packets; then remove it."""
        source = self.load / "packets.pcap"
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            target = Path(folder) / "long.pcap"
            once = captures.lengthen(source, target, 1, 0)
            count = captures.lengthen(source, target, -(-packets // once), 6 * traces.WRAP)
            yield target, count

    @cached_property
    def capture_part(self) -> Path:
        """A few packets of that capture, for what is slow."""
        target = self.work / "part.pcap"
        captures.part(self.load / "packets.pcap", target, self.scale.pyshark_packets)
        return target

    def scratch(self) -> Path:
        """Give a folder for what tcpdw sets aside."""
        folder = self.work / "scratch"
        folder.mkdir(exist_ok=True)
        return folder


def stream_bytes(run: Path) -> int:
    """Return the bytes of an unpacked run's streams, without metadata and index."""
    return sum(path.stat().st_size for path in traces.stream_files(run / "kernel"))


def trace_bytes(run: Path) -> int:
    """Return the bytes of an unpacked run's streams and metadata."""
    return stream_bytes(run) + (run / "kernel" / "metadata").stat().st_size


def say(text: str) -> None:
    """Tell how it goes."""
    sys.stderr.write(f"bench: {text}\n")
