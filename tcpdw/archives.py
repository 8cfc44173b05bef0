"""Archives of runs: told by their bytes, and unpacked with nothing in them trusted.

An archive comes from another machine. Only plain files and directories leave it, always below
the folder asked for; owners, modes, times and links do not. The bytes are written here rather
than by `tarfile.extractall`: its data filter is missing from the older Pythons still in use, and
would let links through.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, NoReturn, Protocol, cast

from tcpdw.errors import ArchiveError, UsageError

if TYPE_CHECKING:
    from tarfile import TarInfo
    from zipfile import ZipFile, ZipInfo

Format = Literal["xz", "gzip", "zstd", "tar", "zip"]

ENDINGS: dict[str, Format] = {
    ".tar.xz": "xz",
    ".txz": "xz",
    ".tar.gz": "gzip",
    ".tgz": "gzip",
    ".tar.zst": "zstd",
    ".tzst": "zstd",
    ".tar": "tar",
    ".zip": "zip",
}
ENDINGS_HINT = "tcpdw reads .tar.xz, .tar.gz, .tar.zst, .tar and .zip"

_BLOCK = 512  # a tar header, and what tar pads its members to
_CHUNK = 1 << 20
# tarfile reads an extended header at once and searches it in quadratic time, so a crafted one
# would cost gigabytes or hours. Paths are 4 KiB at most; one header and all between two members:
_MAX_HEADER = 32 << 10
_MAX_HEADERS = 1 << 20


def _max_unpacked() -> int:
    text = os.environ.get("TCPDW_MAX_UNPACKED", "").strip()
    if not text:
        return 64 << 30
    unit = {"K": 10, "M": 20, "G": 30, "T": 40}.get(text[-1].upper())
    digits = text if unit is None else text[:-1]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise UsageError(
            f"TCPDW_MAX_UNPACKED={printable(text)} is no size",
            hint="give bytes, or a number with K, M, G or T: 100G",
        )
    return int(digits) << (unit or 0)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one archive may unpack to.

    `total`: bytes in all (default 64 GiB, or the environment's `TCPDW_MAX_UNPACKED`); `members`:
    files and directories; `ratio`: unpacked to packed size, checked once `ratio_from` bytes came
    out (CTF packets are padded with zeros, so honest small traces compress a hundredfold).
    """

    total: int = field(default_factory=_max_unpacked)
    members: int = 100_000
    ratio: int = 1_000
    ratio_from: int = 1 << 30


def printable(text: str) -> str:
    """Return `text` with every character that a terminal or UTF-8 cannot show as U+FFFD."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def format_by_name(name: str) -> Format | None:
    """Return the archive format that a file's ending claims, None where it claims none."""
    lower = name.lower()
    return next((kind for ending, kind in ENDINGS.items() if lower.endswith(ending)), None)


def stem(name: str) -> str:
    """Return an archive's file name without its ending (`a.tar.xz` -> `a`)."""
    lower = name.lower()
    ending = next((ending for ending in ENDINGS if lower.endswith(ending)), "")
    return name[: len(name) - len(ending)] or name


def format_by_bytes(path: Path) -> Format | None:
    """Return the archive format that a file's first bytes show, None where they show none.

    Raises `ArchiveError` where the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_BLOCK)
    except OSError as error:
        raise ArchiveError(
            f"cannot be read: {error.strerror}", path=printable(str(path))
        ) from error
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    # Parallel compressors put a skippable frame (0x184D2A50 to 5F) before the first one.
    if head.startswith(b"\x28\xb5\x2f\xfd") or (
        head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F
    ):
        return "zstd"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if len(head) == _BLOCK:
        import tarfile

        # An archive of nothing starts with its end mark, a block of zeros.
        with suppress(tarfile.HeaderError, ValueError):
            if any(head):
                tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
            return "tar"
    return None


def check(path: Path) -> Format:
    """Return the archive's format; raise `ArchiveError` where it is none or its ending lies."""
    claimed, shown = format_by_name(path.name), format_by_bytes(path)
    if shown is None or (claimed is not None and claimed != shown):
        what = f"is no {claimed} archive" if claimed else "is no archive"
        if shown:
            what += f": its bytes are {shown}'s"
        elif path.stat().st_size == 0:
            what += ": it is empty"
        raise ArchiveError(what, path=printable(str(path)), hint=ENDINGS_HINT)
    return shown


@contextmanager
def unpacked(path: Path, limits: Limits | None = None) -> Generator[Path]:
    """Unpack an archive into a temporary folder (under `TMPDIR`), removed at exit.

    Raises `ArchiveError` as `unpack` does.
    """
    import tempfile

    with tempfile.TemporaryDirectory(prefix="tcpdw-") as folder:
        into = Path(folder) / "unpacked"
        unpack(path, into, limits)
        yield into


def unpack(path: Path, into: Path, limits: Limits | None = None) -> None:
    """Unpack an archive into the new folder `into`, whole or not at all.

    Raises `ArchiveError`, naming the archive and the member, for a member that is absolute,
    leaves the folder by `..`, comes twice, or is a link, a device, a pipe or a sparse file; for
    more than `limits` allow; and for an archive that is damaged or cut short.
    """
    archive = _Archive(path, limits or Limits())
    kind = check(path)
    into.mkdir()
    try:
        archive.unpack(kind, into)
    except BaseException:
        import shutil

        shutil.rmtree(into, ignore_errors=True)
        raise


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Archive:
    """One archive being unpacked: its limits, and how far it got."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self.size = 0
        self.bytes = 0
        self.members = 0
        self.member = ""

    def unpack(self, kind: Format, into: Path) -> None:
        import lzma
        import tarfile
        import zipfile
        import zlib

        try:
            self.size = self.path.stat().st_size
            if kind == "zip":
                self._unpack_zip(into)
            else:
                with _decompressed(self.path, kind) as stream:
                    self._unpack_tar(stream, into)
        except (EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as e:
            self.fail(f"is damaged or cut short: {e}", cause=e)
        except OSError as e:
            if e.errno is None:  # gzip's and Arrow's own errors; the system's have a number
                self.fail(f"is damaged or cut short: {e}", cause=e)
            hint = "set TMPDIR to a larger disk" if e.errno in (errno.ENOSPC, errno.EDQUOT) else ""
            self.fail(f"cannot be unpacked: {e.strerror}", hint=hint, cause=e)
        # What the standard library raises on crafted headers, beyond its own errors.
        except (ValueError, ArithmeticError, LookupError, RuntimeError, MemoryError) as e:
            self.fail(f"is damaged: {e or type(e).__name__}", cause=e)

    def fail(self, message: str, *, hint: str = "", cause: Exception | None = None) -> NoReturn:
        """Raise an `ArchiveError` that names the archive and the member at hand."""
        where = f"member {printable(self.member)[:200]}: " if self.member else ""
        raise ArchiveError(
            where + printable(message), path=printable(str(self.path)), hint=hint or None
        ) from cause

    def spend(self, count: int, *, ahead: bool = False) -> None:
        """Count `count` unpacked bytes, or only ask whether they may still come (`ahead`)."""
        total = self.bytes + count
        if total > self.limits.total:
            self.fail(
                f"unpacks to more than {self.limits.total:,} bytes",
                hint="if it may, set TCPDW_MAX_UNPACKED (bytes, or 100G)",
            )
        if total > self.limits.ratio_from and total > self.limits.ratio * self.size:
            self.fail(
                f"unpacks to more than {self.limits.ratio:,} times its size, as a bomb does",
                hint="if you trust it, unpack it yourself and give the directory",
            )
        if not ahead:
            self.bytes = total

    def place(self, name: str, into: Path) -> Path:
        """Return where the member `name` may go: below `into`, and nowhere else."""
        self.member = name
        self.members += 1
        if self.members > self.limits.members:
            self.fail(f"there are more than {self.limits.members:,} members")
        if name.startswith("/"):
            self.fail("has an absolute path")
        if "\\" in name or not name.isprintable():
            self.fail("has a backslash or a character that cannot be shown in its name")
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            self.fail("leaves the archive by '..'")
        return into.joinpath(*parts)

    def write(self, target: Path, chunks: Iterator[bytes]) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = target.open("xb")
        except FileExistsError:
            self.fail("comes twice")
        with file:
            for chunk in chunks:
                file.write(chunk)

    def _unpack_tar(self, stream: _Reads, into: Path) -> None:
        import tarfile

        tape = _Tape(stream, self)
        with tarfile.open(
            fileobj=cast(BinaryIO, tape), mode="r:", encoding="utf-8", errors="surrogateescape"
        ) as tar:
            while (member := tar.next()) is not None:
                target = self.place(member.name, into)
                self._refuse_odd(member)
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                else:
                    self.spend(member.size, ahead=True)
                    if member.offset_data != tape.tell():
                        self.fail("is damaged: its header contradicts itself")
                    self.write(target, tape.data(member.size))
                tape.headers = 0
        self.member = ""
        # tarfile takes a broken header after the first for the end. The true end is a zero block.
        if tape.last != bytes(_BLOCK):
            self.fail(f"is damaged or cut short at byte {tape.tell():,} of its tar")
        while rest := tape.some(_CHUNK):  # to the end, where xz and gzip keep their checksums
            if any(rest):
                self.fail("holds more after its end mark", hint="was a second archive appended?")

    def _refuse_odd(self, member: TarInfo) -> None:
        if member.issym() or member.islnk():
            self.fail("is a link; links are not unpacked", hint="archive it with tar --dereference")
        if member.issparse():
            self.fail("is a sparse file", hint="make the archive without tar's --sparse")
        if not (member.isreg() or member.isdir()):
            self.fail("is neither a file nor a directory")
        if member.size < 0:
            self.fail("has a negative size")

    def _unpack_zip(self, into: Path) -> None:
        import stat
        import zipfile

        with zipfile.ZipFile(self.path) as archive:
            infos = archive.infolist()
            self.spend(sum(info.file_size for info in infos))  # zipfile gives no byte more
            for info in infos:
                target = self.place(info.filename, into)
                mode = stat.S_IFMT(info.external_attr >> 16)
                if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
                    self.fail("is a link or no plain file", hint="zip the file that it points to")
                if info.flag_bits & 1:
                    self.fail("is encrypted")
                if info.is_dir():
                    target.mkdir(parents=True, exist_ok=True)
                else:
                    self.write(target, self._zip_data(archive, info))

    def _zip_data(self, archive: ZipFile, info: ZipInfo) -> Iterator[bytes]:
        left = info.file_size
        with archive.open(info) as stream:
            while data := stream.read(_CHUNK):
                left -= len(data)
                yield data
        if left:
            raise EOFError(f"{left:,} bytes are missing")


@contextmanager
def _decompressed(path: Path, kind: Format) -> Generator[_Reads]:
    stream: _Reads
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

        opened = cast(
            AbstractContextManager[_Reads], pa.input_stream(str(path), compression="zstd")
        )
        with opened as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream


class _Tape(io.RawIOBase):
    """A tar's bytes, forward only, counted, with bounds on what its headers can make us read."""

    def __init__(self, stream: _Reads, archive: _Archive) -> None:
        self._stream = stream
        self._archive = archive
        self._at = 0
        self.headers = 0
        self.last = b""

    def tell(self) -> int:
        return self._at

    def some(self, size: int) -> bytes:
        """Read up to `size` bytes; none only at the end."""
        data = self._stream.read(size)
        self._at += len(data)
        self._archive.spend(len(data))
        return data

    def data(self, size: int) -> Iterator[bytes]:
        """Yield the next `size` bytes in pieces; raise `EOFError` where they end early."""
        while size > 0:
            piece = self.some(min(size, _CHUNK))
            if not piece:
                raise EOFError(f"{size:,} bytes are missing")
            size -= len(piece)
            yield piece

    def read(self, size: int = -1, /) -> bytes:
        """Read for tarfile: headers, which are small; a loop that misses the end fails too."""
        self._archive.member = ""
        self.headers += max(size, 1)
        if not 0 <= size <= _MAX_HEADER or self.headers > _MAX_HEADERS:
            self._archive.fail(f"has an outsized header at byte {self._at:,} of its tar")
        pieces: list[bytes] = []
        left = size
        while left and (piece := self.some(left)):
            pieces.append(piece)
            left -= len(piece)
        self.last = b"".join(pieces)
        return self.last

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go forward, over the padding behind a member."""
        if whence != os.SEEK_SET or not 0 <= offset - self._at < _BLOCK:
            self._archive.fail(f"has a damaged header before byte {self._at:,} of its tar")
        for _ in self.data(offset - self._at):
            pass
        return self._at
