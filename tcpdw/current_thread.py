"""Which thread was current on a cpu at each event, where the trace has no context that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tcpdw.readers import LostWindow

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

CONTEXTS = ("ctx_tid", "ctx_vtid")
"""The contexts that name the current thread: the kernel's, and the user-space tracer's."""


class CurrentThreads:
    """The threads that were current in a run; `classes` are its event classes, `lost` its losses.

    Who was current is the trace's own context where there is one. Elsewhere it follows from
    `sched_switch`: the thread switched in last on that cpu, else the one that the next switch takes
    out, no loss of events on that cpu between; NULL where neither is known.
    """

    def __init__(self, classes: Mapping[str, pa.Table], lost: Sequence[LostWindow]) -> None:
        self._classes = classes
        self._lost = lost
        self._switches: Mapping[int, _Timeline] | None = None

    def added(self, name: str, table: pa.Table) -> pa.Table:
        """Give a class's table the column `ctx_tid` (int32), right after `cpu_id`."""
        import pyarrow as pa

        names: list[str] = table.column_names
        context = next((column for column in CONTEXTS if column in names), None)
        place = names.index("cpu_id") + 1
        if context is None:
            if self._switches is None:
                self._switches = _timelines(self._classes.get("sched_switch"), self._lost)
            tids = _attributed(table, self._switches, name == "sched_switch")
        else:
            tids = table[context]
            if tids.type != pa.int32():
                tids = tids.cast(pa.int32(), safe=False)
        if "ctx_tid" in names:
            table = table.drop_columns(["ctx_tid"])
        return table.add_column(place, "ctx_tid", tids)


class _Timeline:
    """One cpu's switches in order: times, and who left and came; losses are marks with nobody."""

    def __init__(
        self,
        ts: NDArray[np.int64],
        left: NDArray[np.int64],
        came: NDArray[np.int64],
        lost: Sequence[int],
    ) -> None:
        import numpy as np

        nobody = np.full(len(lost), -1, np.int64)
        times = np.concatenate([ts, np.asarray(lost, np.int64)])
        # A loss begins after the last event before it, which may share its time.
        order = np.lexsort((np.arange(len(times)) >= len(ts), times))
        self._ts = times[order]
        self._left = np.concatenate([left, nobody])[order]
        self._came = np.concatenate([came, nobody])[order]

    def current(self, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give who was current at each time; at a switch's own time, who leaves; -1 for unknown."""
        import numpy as np

        place = np.searchsorted(self._ts, ts, side="left")
        before = np.concatenate([[-1], self._came])[place]
        after = np.concatenate([self._left, [-1]])[place]
        return np.where(before >= 0, before, after)


def _timelines(switches: pa.Table | None, lost: Sequence[LostWindow]) -> Mapping[int, _Timeline]:
    import numpy as np

    if switches is None or not {"prev_tid", "next_tid"} <= set(switches.column_names):
        return {}
    cpus = _cpus(switches)
    ts = switches["ts"].to_numpy()
    left = switches["prev_tid"].to_numpy().astype(np.int64)
    came = switches["next_tid"].to_numpy().astype(np.int64)
    found: dict[int, _Timeline] = {}
    for cpu in np.unique(cpus):
        mine = cpus == cpu
        windows = [w for w in lost if w.cpu_id is None or w.cpu_id == cpu]
        losses = [edge for w in windows for edge in (w.start_ts, w.end_ts)]
        found[int(cpu)] = _Timeline(ts[mine], left[mine], came[mine], losses)
    return found


def _cpus(table: pa.Table) -> NDArray[np.int32]:
    import pyarrow as pa

    return table["cpu_id"].fill_null(pa.scalar(-1, pa.int32())).to_numpy()


def _attributed(
    table: pa.Table, switches: Mapping[int, _Timeline], is_switch: bool
) -> pa.ChunkedArray[Any]:
    import numpy as np
    import pyarrow as pa

    if is_switch and "prev_tid" in table.column_names:
        return table["prev_tid"].cast(pa.int32())
    result = np.full(table.num_rows, -1, np.int64)
    cpus = _cpus(table)
    ts = table["ts"].to_numpy()
    for cpu, timeline in switches.items():
        mine = cpus == cpu
        result[mine] = timeline.current(ts[mine])
    return pa.chunked_array([pa.array(result.astype(np.int32), pa.int32(), mask=result < 0)])
