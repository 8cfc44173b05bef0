"""Reads a run just recorded, as an ingest will, and tells what it holds and what it lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tcpdw.errors import RecordError
from tcpdw.identity import Identity
from tcpdw.reading import Readers, read_source
from tcpdw.runs import Source

if TYPE_CHECKING:
    import pyarrow as pa

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16


@dataclass(frozen=True, slots=True)
class Checked:
    """What a run holds: counts, events that the tracer discarded, and the readers' warnings.

    `connections` counts those whose SYN was captured; `close` is how they ended as the capture
    shows it: `rst`, `fin`, or None. Of what `is_damaged`, such as a trace that is cut short, the
    readers took what they could.
    """

    events: int
    packets: int
    discarded: int
    connections: int
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
        bits = connections = 0
        if data.packets is not None:
            for flags in data.packets["flags"].unique().to_pylist():
                bits |= flags or 0
            connections = _opened(data.packets)
        return Checked(
            events=sum(stream.events for stream in data.streams),
            packets=0 if data.packets is None else len(data.packets),
            discarded=sum(window.events for window in data.lost),
            connections=connections,
            close="rst" if bits & _RST else "fin" if bits & _FIN else None,
            is_damaged=data.damaged,
            warnings=data.warnings,
        )
    finally:
        readers.close()


def _opened(packets: pa.Table) -> int:
    """Count the connections: SYNs, each but once however often it was sent."""
    columns = (packets[name].to_pylist() for name in ("saddr", "sport", "seq", "flags"))
    return len(
        {
            (saddr, sport, seq)
            for saddr, sport, seq, flags in zip(*columns, strict=True)
            if flags is not None and flags & (_SYN | _ACK) == _SYN
        }
    )
