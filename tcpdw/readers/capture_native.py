"""Captures by the compiled decoder: pcap and pcapng, plain or gzipped, 3 M packets a second.

The decoder (`capture_decoder.c`) is fed the file in pieces and fills batches of columns in Arrow's
layout, which become the table as they are. What it cannot know as tshark would, it declines.
"""

from __future__ import annotations

import ctypes
import functools
import weakref
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tcpdw.errors import CaptureError, ReaderUnavailableError
from tcpdw.readers import Capture, Declined, capture_format, native_library

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_A_BATCH = 65_536
_PIECE = 4 << 20  # Bytes; the decoder judges a file's format by most of the first mebibyte.
_LEAST_RECORD = 16  # Bytes that a frame takes in a file, at the very least.
_GZIP = b"\x1f\x8b"
_GZIP_STREAM = 16 + zlib.MAX_WBITS
_COLUMNS = 26

# States of the decoder: `enum state` in C.
_WANT_MORE, _BATCH_FULL, _COMPLETE, _CUT_SHORT, _DAMAGED, _DECLINED, _TIMELESS = range(7)

Read = Callable[[memoryview], int]
"""Fills a buffer from the front and returns how many bytes; 0 is the end."""


class _Batch(ctypes.Structure):
    """`struct tcpdw_capture_batch` in C."""

    _fields_ = (
        ("rows", ctypes.c_int64),
        ("block", ctypes.c_void_p),
        ("text", ctypes.c_void_p * 2),
        ("values", ctypes.c_uint64 * _COLUMNS),
        ("valid", ctypes.c_uint64 * _COLUMNS),
        ("nulls", ctypes.c_int64 * _COLUMNS),
    )


class _Status(ctypes.Structure):
    """`struct tcpdw_capture_status` in C."""

    _fields_ = (
        ("frames", ctypes.c_uint64),
        ("untimely", ctypes.c_uint64),
        ("offset", ctypes.c_uint64),
        ("names", ctypes.c_uint64),
        ("reason", ctypes.c_char * 128),
    )


class _Block:
    """Memory of the decoder's that Arrow's buffers lie in, freed with the last of them."""

    def __init__(self, library: ctypes.CDLL, address: int) -> None:
        self.address = address
        release = weakref.finalize(self, library.tcpdw_capture_release, address)
        release.atexit = False  # Buffers may outlive what is done then.


def read(path: Path) -> Capture:
    """Read every frame of a capture file: what `capture_pyshark.read` gives, much faster.

    A file cut short or damaged gives the frames before that and a warning that names the byte
    offset. May be called from any thread; others run meanwhile. Takes the memory of the packets'
    columns and some 10 MiB, whatever the file's size. Raises `CaptureError` where the file is no
    capture, `Declined` where another reader must read it, and `ReaderUnavailableError` where the
    package was built without a C compiler.

    It differs where tshark 4.0 is wrong: in time stamps whose unit is below 0.1 ns, in times before
    1970 with a fraction, in the names of interfaces from a file's second section on, and in files
    cut 4 or 8 bytes into one of the first records, which tshark takes for another kind of pcap.
    """
    library = _library()
    if library is None:
        hint = "install a C compiler and then tcpdw again, or use pyshark"
        raise ReaderUnavailableError("tcpdw was built without its native readers", hint=hint)
    capture_format.check(path)
    try:
        with path.open("rb", buffering=0) as file:
            compressed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            if compressed:
                return _Reading(library, path, _Unzip(file)).capture(_ROWS_A_BATCH)
            rows = min(_ROWS_A_BATCH, path.stat().st_size // _LEAST_RECORD + 1)
            return _Reading(library, path, file.readinto).capture(rows)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise CaptureError(message, path=path) from error


@functools.cache
def _library() -> ctypes.CDLL | None:
    library = native_library.load()
    if library is None:
        return None
    data, number = ctypes.c_void_p, ctypes.c_uint64
    functions: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "new": (data, (ctypes.c_uint32,)),
        "free": (None, (data,)),
        "feed": (ctypes.c_int32, (data, data, number, ctypes.c_int32, ctypes.POINTER(number))),
        "take": (None, (data, ctypes.POINTER(_Batch))),
        "release": (None, (data,)),
        "tell": (None, (data, ctypes.POINTER(_Status))),
        "name": (data, (data, number, ctypes.POINTER(number))),
    }
    native_library.declare(library, "tcpdw_capture_", functions)
    return library


class _Unzip:
    """Reads a gzipped file; `cut` says that it ended before its streams did.

    Raises `Declined` where the file is damaged: what tshark makes of that is its own.
    """

    def __init__(self, file: BinaryIO | Any) -> None:
        self._file = file
        self._stream = zlib.decompressobj(_GZIP_STREAM)
        self._rest = b""
        self.cut = False

    def __call__(self, buffer: memoryview) -> int:
        while True:
            rest = self._rest or self._file.read(_PIECE // 4)
            if rest and self._stream.eof:
                self._stream = zlib.decompressobj(_GZIP_STREAM)
            try:
                # Without input too: what did not fit before may still be in the stream.
                content = self._stream.decompress(rest, len(buffer))
            except zlib.error as error:
                raise Declined(f"the file cannot be decompressed: {error}") from error
            self._rest = self._stream.unconsumed_tail or self._stream.unused_data
            if content:
                buffer[: len(content)] = content
                return len(content)
            if not rest:
                self.cut = not self._stream.eof
                return 0


class _Reading:
    """One capture being read."""

    def __init__(self, library: ctypes.CDLL, path: Path, read: Read) -> None:
        self._library = library
        self._path = path
        self._read = read
        self._batches: list[list[pa.Array[Any]]] = []

    def capture(self, rows: int) -> Capture:
        """Read all of it, in batches of `rows` rows."""
        decoder = self._library.tcpdw_capture_new(rows)
        if decoder is None:
            raise MemoryError
        try:
            state = self._decode(decoder)
            status = _Status()
            self._library.tcpdw_capture_tell(decoder, ctypes.byref(status))
            warnings = self._ending(state, status)
            return Capture(self._table(self._names(decoder, status.names)), tuple(warnings))
        finally:
            self._library.tcpdw_capture_free(decoder)

    def _decode(self, decoder: int) -> int:
        """Feed the decoder to the end, take its batches, and return the state it ended in."""
        buffer = bytearray(_PIECE)
        view, address = memoryview(buffer), _address(buffer)
        used = ctypes.c_uint64()
        start = end = 0
        last = False
        while True:
            state = self._library.tcpdw_capture_feed(
                decoder, address + start, end - start, last, ctypes.byref(used)
            )
            start += used.value
            if state != _WANT_MORE:
                self._take(decoder)
                if state != _BATCH_FULL:
                    return state
                continue
            if end - start == len(buffer):  # A record that is larger than that.
                larger = bytearray(2 * len(buffer))
                larger[: len(buffer)] = buffer
                buffer = larger
                view, address = memoryview(buffer), _address(buffer)
            elif start:
                view[: end - start] = view[start:end]
                start, end = 0, end - start
            got = self._read(view[end:])
            end += got
            last = got == 0

    def _take(self, decoder: int) -> None:
        import pyarrow as pa

        from tcpdw.readers.packets import PACKET_SCHEMA

        batch = _Batch()
        self._library.tcpdw_capture_take(decoder, ctypes.byref(batch))
        rows = batch.rows
        if rows == 0:
            return
        block, *texts = (_Block(self._library, address) for address in (batch.block, *batch.text))

        def buffer(owner: _Block, place: int, size: int) -> pa.Buffer:
            return pa.foreign_buffer(owner.address + place, size, owner)

        kinds: list[pa.DataType] = PACKET_SCHEMA.types
        arrays: list[pa.Array[Any]] = []
        for column, kind in enumerate(kinds):
            place, nulls = batch.values[column], batch.nulls[column]
            valid = buffer(block, batch.valid[column], (rows + 7) // 8) if nulls else None
            if column == PACKET_SCHEMA.get_field_index("interface"):
                kind = pa.int32()
            if kind == pa.string():
                offsets = buffer(block, place, 4 * (rows + 1))
                size = ctypes.c_int32.from_address(block.address + place + 4 * rows).value
                buffers = [valid, offsets, buffer(texts.pop(0), 0, size)]
            else:
                buffers = [valid, buffer(block, place, (kind.bit_width * rows + 7) // 8)]
            arrays.append(pa.Array.from_buffers(kind, rows, buffers, nulls))
        self._batches.append(arrays)

    def _names(self, decoder: int, count: int) -> list[str]:
        names: list[str] = []
        size = ctypes.c_uint64()
        for number in range(count):
            address = self._library.tcpdw_capture_name(decoder, number, ctypes.byref(size))
            names.append(ctypes.string_at(address, size.value).decode(errors="replace"))
        return names

    def _table(self, names: list[str]) -> pa.Table:
        import pyarrow as pa

        from tcpdw.readers.packets import PACKET_SCHEMA

        place = PACKET_SCHEMA.get_field_index("interface")
        # What tshark says of an interface without a name: one of that name cannot be told from it.
        known = pa.array([None if name == "unknown" else name for name in names], pa.string())
        batches: list[pa.RecordBatch] = []
        for arrays in self._batches:
            numbers = arrays[place]
            if numbers.null_count == len(numbers):
                arrays[place] = pa.nulls(len(numbers), pa.string())
            else:
                arrays[place] = known.take(numbers)
            batches.append(pa.RecordBatch.from_arrays(arrays, schema=PACKET_SCHEMA))
        return pa.Table.from_batches(batches, PACKET_SCHEMA)

    def _ending(self, state: int, status: _Status) -> list[str]:
        """Judge how the capture ended; return the warnings, or raise."""
        frames, reason = status.frames, status.reason.decode()
        unzip = self._read if isinstance(self._read, _Unzip) else None
        if state == _DECLINED:
            raise Declined(reason)
        if state == _TIMELESS:
            raise CaptureError(f"frame {frames} has no time", path=self._path)
        warnings: list[str] = []
        offset = None if unzip else status.offset
        place = str(self._path) if offset is None else f"{self._path} at byte {offset}"
        if state == _DAMAGED:
            if frames == 0:
                raise CaptureError(reason, path=self._path, offset=offset)
            warnings.append(f"{place}: only the first {frames} frames are readable: {reason}")
        elif state == _CUT_SHORT or (unzip and unzip.cut):
            kept = f"the {frames} before it are kept"
            warnings.append(f"{place}: cut short in the middle of a frame; {kept}")
        elif state != _COMPLETE:
            raise MemoryError
        if status.untimely:
            left = f"{status.untimely} frames left out, with times beyond 1677 to 2262"
            warnings.append(f"{self._path}: {left}")
        return warnings


def _address(buffer: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
