"""A recorded run made longer: its trace and capture repeated in step, the rest as it was."""

from __future__ import annotations

import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import captures, traces


@dataclass(frozen=True, slots=True)
class LongerRun:
    """A run directory: its trace, its capture, and how many packets that has."""

    path: Path
    trace: Path
    capture: Path
    packets: int


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a run's archive into `folder`; returns the run's directory."""
    with tarfile.open(archive) as file:
        # Later Pythons warn without the filter, which Debian 12's does not have.
        safe: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        file.extractall(folder, **safe)
    return folder / archive.name.removesuffix(".tar.xz")


def make(run: Path, target: Path, copies: int) -> LongerRun:
    """Write a run of `copies` times the length of the unpacked `run`, whose clock counts ns."""
    if traces.frequency(run / "kernel") != 10**9:
        raise traces.UnsuitedError("the trace's clock does not count nanoseconds")
    shift = traces.lengthen(run / "kernel", target / "kernel", copies)
    packets = captures.lengthen(run / "packets.pcap", target / "packets.pcap", copies, shift)
    shutil.copy(run / "run.json", target)
    shutil.copytree(run / "proc", target / "proc")
    return LongerRun(target, target / "kernel", target / "packets.pcap", packets)
