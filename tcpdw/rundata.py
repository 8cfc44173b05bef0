"""One run as the readers leave it, ready to be loaded: what it is, and its rows as Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tcpdw.readers import Clock, LostWindow, StreamCount
from tcpdw.runs import Identity

if TYPE_CHECKING:
    import pyarrow as pa

    from tcpdw.readers.proc import Snapshot


@dataclass(frozen=True, slots=True)
class RunData:
    """Everything that one run's inputs hold; `failure` says why where they hold nothing.

    `may_mend` tells that what failed was not the run: a full disk, say.
    `classes` maps an event class to its rows, in the shape of `EventBatch.columns` with `ctx_tid`
    always there; `packets` has the shape of `PACKET_SCHEMA`, its times in steps of
    `capture_resolution` ns. `spools` hold the memory that the rows
    take, as long as they are held themselves.
    """

    name: str
    source_path: Path
    source_hash: str | None
    content_hash: str | None
    identity: Identity
    clock: Clock | None = None
    classes: Mapping[str, pa.Table] | None = None
    streams: tuple[StreamCount, ...] = ()
    lost: tuple[LostWindow, ...] = ()
    packets: pa.Table | None = None
    capture_resolution: int | None = None
    snapshots: tuple[Snapshot, ...] = ()
    warnings: tuple[str, ...] = ()
    damaged: bool = False
    failure: str | None = None
    may_mend: bool = False
    spools: tuple[object, ...] = ()

    @property
    def status(self) -> str:
        """Give the run's status: `ok`, `partial` or `failed`."""
        if self.failure is not None:
            return "failed"
        return "partial" if self.damaged else "ok"
