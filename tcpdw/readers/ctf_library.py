"""The native CTF decoder's functions and structures: native/ctf_decoder.h by ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from ctypes import POINTER, Structure, c_int, c_int32, c_int64, c_uint32, c_uint64, c_void_p
from typing import Any

from tcpdw.readers import native_library

UNKNOWN = 2**64 - 1
"""What a packet's number is where the packet does not tell it."""

DONE, FULL, CLASS = 0, 1, 2  # what `tcpdw_ctf_decode` returns; less than 0 is no memory

REASONS = {
    -2: "more text or elements than one table of rows can hold",
    1: "a field goes beyond the packet's content",
    2: "a variant's selector has a value that no option has",
    3: "a list of absurd length, or events without a bit",
    4: "the packet's UUID is not the trace's",
    16: "no packet begins here",
    17: "the packet's stream class is not in the metadata",
    18: "the packet's sizes are not possible",
    19: "the event's class is not in the metadata",
    20: "the file ends within a packet",
}
"""Why a packet cannot be read on, by its status (enum packet_status, enum field_status)."""


class Words(Structure):
    """struct words."""

    _fields_ = (("bytes", c_void_p), ("ends", c_void_p))


class Program(Structure):
    """struct program."""

    _fields_ = (
        ("ops", c_void_p),
        ("parts", c_void_p),
        ("tables", c_void_p),
        ("ranges", c_void_p),
        ("words", Words),
    )


class Prefix(Structure):
    """struct prefix."""

    _fields_ = (
        ("parts", c_void_p),
        ("texts", c_void_p),
        ("align", c_uint32),
        ("bits", c_uint32),
        ("n_parts", c_int32),
        ("n_texts", c_int32),
        ("start", c_int32),
        ("pad", c_int32),
    )


class StreamClass(Structure):
    """struct stream_class."""

    _fields_ = (
        ("id", c_uint64),
        ("context", Program),
        ("header", Program),
        ("base_ns", c_int64),
        ("frequency", c_uint64),
        ("has_clock", c_int32),
        ("only_class", c_int64),
        ("lttng", c_int32),
        ("lttng_regs", c_int32 * 4),
        ("pad", c_int32),
    )


class TraceClass(Structure):
    """struct trace_class."""

    _fields_ = (
        ("header", Program),
        ("uuid", c_void_p),
        ("streams", c_void_p),
        ("n_streams", c_int32),
        ("n_regs", c_int32),
    )


class EventClass(Structure):
    """struct event_class."""

    _fields_ = (
        ("body", Program),
        ("prefix", Prefix),
        ("specs", c_void_p),
        ("n_columns", c_int32),
        ("n_levels", c_int32),
    )


class Packet(Structure):
    """struct packet."""

    _fields_ = (
        ("bytes", c_void_p),
        ("limit", c_void_p),
        ("offset", c_uint64),
        ("size", c_uint64),
        ("content", c_uint64),
        ("begin", c_uint64),
        ("end", c_uint64),
        ("discarded", c_uint64),
        ("sequence", c_uint64),
        ("instance", c_uint64),
        ("cpu", c_uint64),
        ("events", c_int64),
        ("first_ts", c_int64),
        ("last_ts", c_int64),
        ("bad_times", c_int64),
        ("error_at", c_uint64),
        ("stream_class", c_int32),
        ("status", c_int32),
        ("cut", c_int32),
        ("begins", c_int32),
    )


class File(Structure):
    """struct file."""

    _fields_ = (
        ("bytes", c_void_p),
        ("size", c_uint64),
        ("packets", POINTER(Packet)),
        ("n_packets", c_int64),
        ("room", c_int64),
        ("error_at", c_uint64),
        ("status", c_int32),
        ("error", c_int32),
        ("vanished", c_int32),
    )


class ArrowArray(Structure):
    """struct ArrowArray of Arrow's C data interface; its contents are Arrow's business."""

    _fields_ = (
        ("length", c_int64),
        ("null_count", c_int64),
        ("offset", c_int64),
        ("n_buffers", c_int64),
        ("n_children", c_int64),
        ("buffers", c_void_p),
        ("children", c_void_p),
        ("dictionary", c_void_p),
        ("release", c_void_p),
        ("private_data", c_void_p),
    )


PREFIX_NUMBERS = ("align", "bits", "n_parts", "n_texts", "start")


def program(parts: Mapping[str, bytes]) -> Program:
    """Make a program of the arrays that it points to; it holds on to its memory."""
    made = Program()
    kept = {name: ctypes.create_string_buffer(data) for name, data in parts.items()}
    for name in ("ops", "parts", "tables", "ranges"):
        setattr(made, name, ctypes.addressof(kept[name]))
    made.words.bytes = ctypes.addressof(kept["words"])
    made.words.ends = ctypes.addressof(kept["ends"])
    made.memory = kept
    return made


def prefix(arrays: Sequence[bytes], numbers: Sequence[int]) -> Prefix:
    """Make a prefix of its parts and its texts, and its numbers by PREFIX_NUMBERS; likewise."""
    made = Prefix(**dict(zip(PREFIX_NUMBERS, numbers, strict=True)))
    kept = [ctypes.create_string_buffer(data) for data in arrays]
    made.parts, made.texts = map(ctypes.addressof, kept)
    made.memory = kept
    return made


_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "open": (POINTER(File), (ctypes.c_char_p,)),
    "close": (None, (POINTER(File),)),
    "scan": (c_int, (POINTER(File), POINTER(TraceClass))),
    "forget": (None, (POINTER(Packet), POINTER(Packet))),
    "new": (c_void_p, (POINTER(TraceClass),)),
    "free": (None, (c_void_p,)),
    "add_class": (c_int, (c_void_p, c_int32, c_uint64, POINTER(EventClass))),
    "no_class": (c_int, (c_void_p,)),
    "reset": (None, (c_void_p,)),
    "add_stream": (c_int, (c_void_p, c_void_p, c_int64)),
    "decode": (c_int, (c_void_p, c_int64)),
    "needed_id": (c_uint64, (c_void_p,)),
    "needed_stream": (c_int32, (c_void_p,)),
    "due": (c_int, (c_void_p, c_int32, c_int64)),
    "export": (c_int, (c_void_p, c_int32, POINTER(ArrowArray))),
}


class Library:
    """The functions of the decoder, `tcpdw_ctf_NAME` as `NAME`; ctypes frees the lock in each."""

    open: Any
    close: Any
    scan: Any
    forget: Any
    new: Any
    free: Any
    add_class: Any
    no_class: Any
    reset: Any
    add_stream: Any
    decode: Any
    needed_id: Any
    needed_stream: Any
    due: Any
    export: Any

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, function in native_library.declare(library, "tcpdw_ctf_", _FUNCTIONS).items():
            setattr(self, name, function)


def load() -> Library | None:
    """Return the decoder, None without a compiled library.

    Raises Declined where the library is one of another version of tcpdw.
    """
    library = native_library.load()
    return None if library is None else Library(library)
