"""Reads a run just recorded, as an ingest will, and tells what it holds and what it lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tcpdw.errors import RecordError
from tcpdw.identity import Identity
from tcpdw.reading import Readers, read_source
from tcpdw.runs import Source

_FIN, _RST = 1, 4


@dataclass(frozen=True, slots=True)
class Checked:
    """What a run holds: counts, events that the tracer discarded, and the readers' warnings.

    `close` is how the connections ended as the capture shows it: `rst`, `fin`, or None. Of what
    `is_damaged`, such as a trace that is cut short, the readers took what they could.
    """

    events: int
    packets: int
    discarded: int
    close: str | None
    is_damaged: bool
    warnings: tuple[str, ...]


def check(run: Path, work: Path) -> Checked:
    """Read the run in the folder `run`; `work` is for the readers' files.

    Raises RecordError where it cannot be ingested.
    """
    readers = Readers()
    try:
        (data,) = read_source(Source(run, "directory", run.name), None, Identity(), work,
                              readers.mine())  # fmt: skip
        if data.failure is not None:
            raise RecordError(f"what was recorded cannot be read: {data.failure}")
        flags: set[int] = set()
        if data.packets is not None:
            flags = {flag for flag in data.packets["flags"].unique().to_pylist() if flag}
        bits = 0
        for flag in flags:
            bits |= flag
        return Checked(
            events=sum(stream.events for stream in data.streams),
            packets=0 if data.packets is None else len(data.packets),
            discarded=sum(window.events for window in data.lost),
            close="rst" if bits & _RST else "fin" if bits & _FIN else None,
            is_damaged=data.damaged,
            warnings=data.warnings,
        )
    finally:
        readers.close()
