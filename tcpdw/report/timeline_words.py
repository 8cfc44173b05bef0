"""What a timeline calls its segments and slices."""

from __future__ import annotations

import errno

from tcpdw.report.timeline_data import Segment, Slice

# Those that no program sees, for a signal interrupts the call: include/linux/errno.h.
_RESTARTS = {
    512: "ERESTARTSYS",
    513: "ERESTARTNOINTR",
    514: "ERESTARTNOHAND",
    516: "ERESTART_RESTARTBLOCK",
}
_ERRORS = {**errno.errorcode, **_RESTARTS}
_FLAGS = ((2, "SYN"), (1, "FIN"), (4, "RST"), (8, "PSH"), (16, "ACK"))


def segment_words(segment: Segment) -> str:
    """Name a segment: its flags, and its numbers from 0."""
    parts = [_flag_words(segment.flags)]
    if segment.relative_seq is not None:
        parts.append(f"seq {segment.relative_seq}")
    if segment.relative_ack is not None:
        parts.append(f"ack {segment.relative_ack}")
    if segment.payload_len:
        parts.append(f"len {segment.payload_len}")
    return " ".join(parts)


def short_segment_words(segment: Segment) -> str:
    """Name a segment where there is little room."""
    # An ACK that carries something is known by what it carries.
    names = _flag_words(segment.flags & (~16 if segment.payload_len else ~0))
    if segment.payload_len:
        return f"{names} len {segment.payload_len}".strip()
    if segment.flags & 2:
        return f"{names} seq {segment.relative_seq}"
    return f"{names} ack {segment.relative_ack}" if segment.flags & 16 else names


def _flag_words(flags: int) -> str:
    return "-".join(name for bit, name in _FLAGS if flags & bit)


def slice_words(item: Slice) -> tuple[str, str]:
    """Give what a slice is, for hovering, and what stands in it where there is room."""
    if item.kind == "hardirq":
        return (f"hardware interrupt {item.number} {item.name}", item.name)
    if item.kind == "softirq":
        return (f"softirq {item.name} (vec {item.number})", item.name)
    if item.kind == "syscall":
        if item.number is None or not item.ends:
            return (item.name, item.name)
        error = _ERRORS.get(-item.number)
        if error:
            return (f"{item.name} = {item.number} ({error})", f"{item.name} = {error}")
        return (f"{item.name} = {item.number}", f"{item.name} = {item.number}")
    if item.kind == "on cpu":
        return (f"{item.name} {item.tid} on cpu {item.cpu_id}", f"{item.name} {item.tid}")
    if item.kind == "runnable":
        return ("runnable: waits for a cpu", "runnable")
    return ("asleep", "asleep")
