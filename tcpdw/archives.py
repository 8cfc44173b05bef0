"""Archives of runs, unpacked with nothing in them trusted.

An archive comes from another machine. Only plain files and directories leave it, always below
the folder asked for; owners, modes, times and links do not. The bytes are written here rather
than by `tarfile.extractall`: its data filter is missing from the older Pythons still in use, and
would let links through.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

from tcpdw import scratch
from tcpdw.archive_formats import (
    ENDINGS,
    ENDINGS_HINT,
    Format,
    check,
    format_by_bytes,
    format_by_name,
    stem,
)
from tcpdw.archive_tape import BLOCK, CHUNK, Reads, Tape, decompressed
from tcpdw.archive_zip import zip_members
from tcpdw.errors import ArchiveError, UsageError
from tcpdw.printable import printable

if TYPE_CHECKING:
    from tarfile import TarInfo
    from zipfile import ZipFile, ZipInfo

__all__ = [
    "ENDINGS",
    "ENDINGS_HINT",
    "IN_MEMORY",
    "Format",
    "Limits",
    "check",
    "format_by_bytes",
    "format_by_name",
    "printable",
    "stem",
    "unpack",
    "unpacked",
]


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


IN_MEMORY = Path("/dev/shm")
"""Where small archives are unpacked."""

_SMALL = 8 << 20  # bytes, packed
_MOST_IN_MEMORY = 128 << 20


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


@contextmanager
def unpacked(path: Path, limits: Limits | None = None) -> Generator[Path]:
    """Unpack an archive into a temporary folder (under `TMPDIR`), removed at exit.

    A small one goes into memory where there is plenty and no `TMPDIR` is set: there a folder is
    made and removed at once, which on a disk takes as long as the reading of a small run. Raises
    `ArchiveError` as `unpack` does.
    """
    limits = limits or Limits()
    with ExitStack() as stack:
        yield _unpacked_somewhere(path, limits, stack)


def _unpacked_somewhere(path: Path, limits: Limits, stack: ExitStack) -> Path:
    def folder(place: Path | None) -> Path:
        return stack.enter_context(scratch.folder(place)) / "unpacked"

    if _fits_in_memory(path):
        into = folder(IN_MEMORY)
        try:
            unpack(path, into, replace(limits, total=min(limits.total, _MOST_IN_MEMORY)))
            return into
        except ArchiveError:
            pass  # What is wrong with it, if anything, the disk tells.
    into = folder(None)
    unpack(path, into, limits)
    return into


def _fits_in_memory(path: Path) -> bool:
    try:
        about = os.statvfs(IN_MEMORY)
        is_small = path.stat().st_size <= _SMALL
    except OSError:
        return False  # There is no such place, or no such file.
    free = about.f_bavail * about.f_frsize
    return is_small and free >= 8 * _MOST_IN_MEMORY and not os.environ.get("TMPDIR")


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
                with decompressed(self.path, kind) as stream:
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

    def _unpack_tar(self, stream: Reads, into: Path) -> None:
        import tarfile

        tape = Tape(stream, self)
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
                cast(Any, tar).members.clear()  # It keeps each, and none is asked for again.
        self.member = ""
        # tarfile takes a broken header after the first for the end. The true end is a zero block.
        if tape.last != bytes(BLOCK):
            self.fail(f"is damaged or cut short at byte {tape.tell():,} of its tar")
        while rest := tape.some(CHUNK):  # to the end, where xz and gzip keep their checksums
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

        # zipfile reads the whole directory at once, into half a kilobyte of objects a member.
        if zip_members(self.path) > self.limits.members:
            self.fail(f"there are more than {self.limits.members:,} members")
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
            while data := stream.read(CHUNK):
                left -= len(data)
                yield data
        if left:
            raise EOFError(f"{left:,} bytes are missing")
