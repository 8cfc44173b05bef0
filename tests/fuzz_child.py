"""Reads damaged inputs with the native readers and judges what comes of it; see fuzz_native.py.

    fuzz_child.py CORPUS FOLDER PROGRESS SEED FIRST LAST STEP

`-` for CORPUS reads what is in FOLDER, as the input FIRST was read.
A crash, or an input that takes too long, ends the process: PROGRESS holds the number of the input.
Other findings are written to stdout, as JSON: the input's number and what is wrong. Its last line
tells how many inputs had which outcome.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import mmap
import pickle
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
from fuzz_corpus import Base
from fuzz_mutations import damage, rewrite

from tcpdw.errors import CaptureError, TraceError
from tcpdw.readers import (
    Declined,
    EventBatch,
    TraceEnd,
    TraceHead,
    capture_native,
    ctf_native,
    native_library,
)
from tcpdw.readers.packets import PACKET_SCHEMA

SECONDS = 5  # of processor time that an input may take
MOST = 64 << 20  # bytes that the library may hold for one


class Wrong(Exception):
    """An input was read, and what came of it is not what a reader may give."""


def make(corpus: list[Base], seed: int, number: int) -> tuple[Base, dict[str, bytes]]:
    """Make an input; return what it was made from, and its files."""
    random = Random(f"{seed} {number}")
    base = random.choice(corpus)
    files = dict(base.files)
    other = random.choice(corpus)
    foreign = other.files[random.choice(other.streams)] if other.streams else b""
    metadata = "metadata" in files and random.random() < 0.6
    if metadata:
        if base.tokens and random.random() < 0.93:
            files["metadata"] = rewrite(base.text, base.tokens, random).encode()
        else:
            files["metadata"] = damage(files["metadata"], random)
    if base.streams and (not metadata or random.random() < 0.3):
        name = random.choice(base.streams)
        files[name] = damage(files[name], random, foreign)
    return base, files


class Fuzzer:
    """Reads inputs one after another in `folder`."""

    def __init__(self, corpus: list[Base], seed: int, folder: Path) -> None:
        self._corpus = corpus
        self._seed = seed
        self._folder = folder
        self.outcomes: Counter[str] = Counter()
        self._library: Any = native_library.load()
        for function in ("fuzz_held", "fuzz_most"):
            getattr(self._library, function).restype = ctypes.c_int64
        self._library.fuzz_begin.argtypes = [ctypes.c_int64]
        _feed_exactly(self._library)

    def run(self, number: int) -> None:
        """Make and read one input. Raises whatever is wrong."""
        if self._corpus:
            _, files = make(self._corpus, self._seed, number)
            for old in self._folder.iterdir():
                old.unlink()
            for name, content in files.items():
                (self._folder / name).write_bytes(content)
        random = Random(f"{self._seed} {number}, how it is read")
        refused = random.randrange(1, 400) if random.random() < 0.05 else 0
        before = self._library.fuzz_held()
        self._library.fuzz_begin(refused)
        try:
            self.outcomes["read in part" if self._read(random) else "read"] += 1
        except (TraceError, CaptureError, Declined) as error:
            str(error).encode()
            self.outcomes["declined" if isinstance(error, Declined) else "refused"] += 1
        except MemoryError:
            if not refused:
                raise
            self.outcomes["out of memory"] += 1
        finally:
            self._library.fuzz_begin(0) if refused else None
        if not refused and self._library.fuzz_most() - before > MOST:
            raise Wrong(f"took {self._library.fuzz_most() - before} bytes")
        if self._library.fuzz_held() != before:
            gc.collect()
        if self._library.fuzz_held() != before:
            raise Wrong(f"did not free {self._library.fuzz_held() - before} bytes")

    def _read(self, random: Random) -> tuple[str, ...]:
        capture = self._folder / "capture"
        if capture.exists():
            capture_native._PIECE = random.choice((64, 1000, 4 << 20))
            return _check_capture(capture_native.read(capture))
        whole = ctf_native.PART, ctf_native.CHUNK = 12 << 20, 200_000
        if random.random() < 0.5:
            ctf_native.PART = random.choice((1, 100, 1000))
            ctf_native.CHUNK = random.choice((1, 3, 50))
        threads = random.choice((1, 1, 1, 3))
        is_compared = random.random() < 0.1
        items = list(ctf_native.read(self._folder, threads=threads))
        warnings = _check_trace(items)
        if is_compared:
            ctf_native.PART, ctf_native.CHUNK = whole
            again = list(ctf_native.read(self._folder))
            _must(_rows(items) == _rows(again), "other events when read in parts")
            _must(items[-1] == again[-1], f"in parts {items[-1]}, as a whole {again[-1]}")
        return warnings


def _feed_exactly(library: Any) -> None:
    """Give the capture decoder memory that ends where its input does."""
    feed = library.tcpdw_capture_feed
    feed.restype = ctypes.c_int32
    feed.argtypes = (
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int32),
        ctypes.POINTER(ctypes.c_uint64),
    )

    class Feed:
        def __call__(self, decoder: int, address: int, size: int, last: bool, used: Any) -> int:
            content = ctypes.create_string_buffer(ctypes.string_at(address, size), max(1, size))
            return feed(decoder, ctypes.addressof(content), size, last, used)

    library.tcpdw_capture_feed = Feed()


def _rows(items: list[Any]) -> Counter[str]:
    batches = (item for item in items if isinstance(item, EventBatch))
    return Counter(f"{batch.name} {row}" for batch in batches for row in batch.columns.to_pylist())


def _check_trace(items: Iterable[object]) -> tuple[str, ...]:
    rows = 0
    last: object = None
    for item in items:
        match item:
            case TraceHead():
                _must(last is None, "a head that is not first")
                _must(_is_text(*item.env, *(str(v) for v in item.env.values())), "env is no text")
            case EventBatch(name, columns):
                _must(isinstance(last, TraceHead | EventBatch), "a batch out of place")
                _must(_is_text(name), "a name that is no text")
                _check_columns(columns)
                rows += columns.num_rows
            case TraceEnd():
                _must(isinstance(last, TraceHead | EventBatch), "an end out of place")
                counted = sum(stream.events for stream in item.streams)
                _must(counted == rows, f"{counted} events counted, {rows} read")
                _must(_is_text(*item.warnings), "a warning that is no text")
            case _:
                raise Wrong(f"{item!r}")
        last = item
    if not isinstance(last, TraceEnd):
        raise Wrong("no end")
    return last.warnings


def _check_columns(columns: pa.RecordBatch) -> None:
    columns.validate(full=True)
    names = columns.schema.names
    _must(len(set(names)) == len(names), f"columns of one name: {names}")
    _must(_is_text(*names), "a column's name is no text")
    _must(names[:2] == ["ts", "cpu_id"], f"columns {names}")
    _must(columns.schema.types[:2] == [pa.int64(), pa.int32()], f"{columns.schema}")
    _must(columns.num_rows > 0, "no rows")
    _must(columns.column(0).null_count == 0, "an event without a time")
    # The buffers have the sizes they must have: copying them touches each byte.
    columns.serialize()


def _check_capture(capture: Any) -> tuple[str, ...]:
    _must(capture.packets.schema == PACKET_SCHEMA, f"{capture.packets.schema}")
    capture.packets.validate(full=True)
    for batch in capture.packets.to_batches():
        batch.serialize()
    _must(_is_text(*capture.warnings), "a warning that is no text")
    return capture.warnings


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong(what)


def _is_text(*texts: str) -> bool:
    with contextlib.suppress(UnicodeEncodeError):
        "".join(texts).encode()
        return not any("\n" in text or "\0" in text for text in texts)
    return False


def main() -> None:
    """Read the inputs that the arguments name."""
    corpus_file, folder, progress, seed, *numbers = sys.argv[1:]
    corpus: list[Base] = []
    if corpus_file != "-":
        with Path(corpus_file).open("rb") as file:
            corpus = pickle.load(file)
    fuzzer = Fuzzer(corpus, int(seed), Path(folder))
    first, last, step = map(int, numbers)
    with Path(progress).open("r+b") as file, mmap.mmap(file.fileno(), 8) as place:
        for number in range(first, last, step):
            place[:] = number.to_bytes(8, "little")
            # By the default action this ends the process, in native code too.
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            try:
                fuzzer.run(number)
            except Exception as error:
                text = "".join(traceback.format_exception(error))
                sys.stdout.write(json.dumps({"number": number, "text": text}) + "\n")
                sys.stdout.flush()
            signal.setitimer(signal.ITIMER_PROF, 0)
    sys.stdout.write(json.dumps(fuzzer.outcomes) + "\n")


if __name__ == "__main__":
    main()
