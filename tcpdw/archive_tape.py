"""An archive's bytes as a tape: decompressed, read forward only, bounded in what a header costs."""

from __future__ import annotations

import io
import os
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NoReturn, Protocol, cast

from tcpdw.archive_formats import Format

BLOCK = 512
"""A tar header's bytes, and what tar pads its members to."""

CHUNK = 1 << 20
"""At most so many bytes are read at once."""

# tarfile reads an extended header at once and searches it in quadratic time, so a crafted one
# would cost gigabytes or hours. Paths are 4 KiB at most; one header and all between two members:
_MAX_HEADER = 32 << 10
_MAX_HEADERS = 1 << 20


class Reads(Protocol):
    """What gives up to `size` bytes, and none at its end."""

    def read(self, size: int, /) -> bytes:
        """Read up to `size` bytes."""
        ...


class Account(Protocol):
    """The archive whose tape it is: it counts bytes against its limits, and raises its errors."""

    member: str

    def spend(self, count: int, *, ahead: bool = False) -> None:
        """Count `count` unpacked bytes."""
        ...

    def fail(self, message: str, *, hint: str = "", cause: Exception | None = None) -> NoReturn:
        """Raise an `ArchiveError`."""
        ...


@contextmanager
def decompressed(path: Path, kind: Format) -> Generator[Reads]:
    """Open what an archive that is not a zip holds once decompressed."""
    stream: Reads
    if kind == "xz":
        import lzma

        with lzma.open(path) as stream:
            yield stream
    elif kind == "gzip":
        import gzip

        with gzip.open(path) as stream:
            yield stream
    elif kind == "zstd":
        import pyarrow as pa  # the standard library has no zstd before Python 3.14

        # By the file, not its name: Arrow takes names in UTF-8 alone.
        with path.open("rb") as file:
            opened = cast(AbstractContextManager[Reads], pa.input_stream(file, compression="zstd"))
            with opened as stream:
                yield stream
    else:
        with path.open("rb") as stream:
            yield stream


class Tape(io.RawIOBase):
    """A tar's bytes, forward only, counted, with bounds on what its headers can make us read."""

    def __init__(self, stream: Reads, account: Account) -> None:
        self._stream = stream
        self._account = account
        self._at = 0
        self.headers = 0
        self.last = b""

    def tell(self) -> int:
        """Return how many bytes were read."""
        return self._at

    def some(self, size: int) -> bytes:
        """Read up to `size` bytes; none only at the end."""
        data = self._stream.read(size)
        self._at += len(data)
        self._account.spend(len(data))
        return data

    def data(self, size: int) -> Iterator[bytes]:
        """Yield the next `size` bytes in pieces; raise `EOFError` where they end early."""
        while size > 0:
            piece = self.some(min(size, CHUNK))
            if not piece:
                raise EOFError(f"{size:,} bytes are missing")
            size -= len(piece)
            yield piece

    def read(self, size: int = -1, /) -> bytes:
        """Read for tarfile: headers, which are small; a loop that misses the end fails too."""
        self._account.member = ""
        self.headers += max(size, 1)
        if not 0 <= size <= _MAX_HEADER or self.headers > _MAX_HEADERS:
            self._account.fail(f"has an outsized header at byte {self._at:,} of its tar")
        pieces: list[bytes] = []
        left = size
        while left and (piece := self.some(left)):
            pieces.append(piece)
            left -= len(piece)
        self.last = b"".join(pieces)
        return self.last

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go forward, over the padding behind a member."""
        if whence != os.SEEK_SET or not 0 <= offset - self._at < BLOCK:
            self._account.fail(f"has a damaged header before byte {self._at:,} of its tar")
        for _ in self.data(offset - self._at):
            pass
        return self._at
