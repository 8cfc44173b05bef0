"""The archive formats that tcpdw reads, as a file's ending claims them and its bytes show them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Literal

from tcpdw.errors import ArchiveError
from tcpdw.printable import printable

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

_HEAD = 512  # bytes: a tar header


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
            head = file.read(_HEAD)
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
    if len(head) == _HEAD:
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
