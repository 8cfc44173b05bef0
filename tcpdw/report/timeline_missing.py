"""What a run's inputs do not hold, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tcpdw import story
from tcpdw.report import timeline_data as data
from tcpdw.report.timeline_rows import rows

if TYPE_CHECKING:
    import duckdb


def missing(
    connection: duckdb.DuckDBPyConnection,
    run: data.Run,
    one: story.Connection | None,
    steps: Sequence[data.Step],
    notes: list[str],
) -> None:
    """Say what the run's inputs do not hold."""
    if one is None:
        notes.append("The run shows no TCP connection: this is what its cpus did.")
    classes = {
        str(row[0])
        for row in rows(
            connection, "SELECT DISTINCT name FROM event_classes WHERE run_id = ?", [run.run_id]
        )
    }
    if not classes:
        notes.append("The run has no kernel trace: only its capture is shown.")
        return
    lacks = {
        "interrupts": ("irq_handler_entry",),
        "softirqs": ("irq_softirq_entry",),
        "who ran": ("sched_switch",),
        "wakes": ("sched_waking", "sched_wakeup"),
        "segments in the kernel": ("net_if_receive_skb", "net_dev_queue"),
        "the driver's transmits": ("net_dev_xmit",),
    }
    for what, wanted in lacks.items():
        if not classes.intersection(wanted):
            notes.append(f"The trace lacks {' and '.join(wanted)}: {what} cannot be shown.")
    if not any("syscall_entry_" in name for name in classes):
        notes.append("The trace lacks syscall_entry_*: system calls cannot be shown.")
    if one is not None and not run.packets:
        notes.append("The run has no capture: the times of captured packets are missing.")
    if run.discarded:
        notes.append(
            f"The tracer discarded {run.discarded} events: the hatched bands are where they may "
            "be missing."
        )
    if one is not None and not steps:
        notes.append("The connection has no steps: this host held neither of its ends.")
