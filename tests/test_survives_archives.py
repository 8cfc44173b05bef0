"""Archives made to fill the disk, the memory or the day: refused soon, with nothing left."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pyarrow as pa
import pytest

ROOT = Path(__file__).parents[1]
GIGABYTES = 10
PIECE = 64 << 20
MILLION = 1_000_000
# In a process of its own, of which the system says how much memory and processor time it took.
UNPACK = """
import resource, sys
from pathlib import Path
from tcpdw import archives
from tcpdw.errors import ArchiveError
try:
    with archives.unpacked(Path(sys.argv[1])):
        print("unpacked")
except ArchiveError as error:
    print(error)
used = resource.getrusage(resource.RUSAGE_SELF)
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024, int(used.ru_utime + used.ru_stime))
"""
MEGABYTES, SECONDS = 400, 60


def refused(path: Path) -> str:
    """Unpack in a process with little room; return why that was refused."""
    temporary = path.parent / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", UNPACK, path],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    why, used = done.stdout.splitlines()
    megabytes, seconds = map(int, used.split())
    assert megabytes < MEGABYTES
    assert seconds < SECONDS
    assert list(temporary.iterdir()) == []
    assert sorted(path.parent.iterdir()) == sorted([path, temporary])
    return why


def packed_zeros(ending: str) -> bytes:
    """Compress PIECE zeros; several of these in a row are one stream."""
    if ending == "gz":
        return gzip.compress(bytes(PIECE))
    if ending == "xz":
        return lzma.compress(bytes(PIECE), preset=0)
    return pa.Codec("zstd").compress(bytes(PIECE), asbytes=True)


def packed(data: bytes, ending: str) -> bytes:
    if ending == "gz":
        return gzip.compress(data)
    if ending == "xz":
        return lzma.compress(data)
    return pa.Codec("zstd").compress(data, asbytes=True)


@pytest.mark.parametrize("ending", ["gz", "xz", "zst"])
def test_ten_gigabytes_in_a_tar(ending: str, tmp_path: Path) -> None:
    member = tarfile.TarInfo("run/kernel/metadata")
    member.size = GIGABYTES << 30
    path = tmp_path / f"bomb.tar.{ending}"
    with path.open("wb") as file:
        file.write(packed(member.tobuf(), ending))
        zeros = packed_zeros(ending)
        for _ in range((GIGABYTES << 30) // PIECE):
            file.write(zeros)
    assert path.stat().st_size < 16 << 20
    assert "times its size, as a bomb does" in refused(path)


def test_ten_gigabytes_of_small_files(tmp_path: Path) -> None:
    member = tarfile.TarInfo("run/kernel/metadata")
    path = tmp_path / "bomb.tar.zst"
    member.size = PIECE
    with path.open("wb") as file:
        zeros = packed_zeros("zst")
        for number in range((GIGABYTES << 30) // PIECE):
            member.name = f"run/kernel/{number}"
            file.write(packed(member.tobuf(), "zst"))
            file.write(zeros)
    assert "times its size, as a bomb does" in refused(path)


def zip_of(names: list[bytes], data: bytes, size: int, *, overlapping: bool = False) -> bytes:
    """Make a zip of deflated members, all with the same content, or all at the same bytes."""
    crc = zlib.crc32(bytes(size)) if size else 0
    body, directory = io.BytesIO(), io.BytesIO()
    for number, name in enumerate(names):
        at = body.tell()
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, crc, len(data), size, len(name), 0)
        if overlapping and number:
            at = 0
        else:
            body.write(b"PK\x03\x04" + fields + name + data)
        directory.write(
            b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, at)
        )
        directory.write(name)
    places = (len(names), len(names), directory.tell(), body.tell())
    end = b""
    if len(names) >= 0xFFFF:
        end = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, *places)
        end += b"PK\x06\x07" + struct.pack("<IQI", 0, body.tell() + directory.tell(), 1)
        places = (0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    end += b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, *places, 0)
    return body.getvalue() + directory.getvalue() + end


@pytest.mark.parametrize("overlapping", [False, True])
def test_ten_gigabytes_in_a_zip(overlapping: bool, tmp_path: Path) -> None:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = deflate.compress(bytes(PIECE)) + deflate.flush()
    names = [b"run/kernel/%d" % number for number in range((GIGABYTES << 30) // PIECE)]
    path = tmp_path / "bomb.zip"
    path.write_bytes(zip_of(names, zeros, PIECE, overlapping=overlapping))
    assert "times its size, as a bomb does" in refused(path)


def test_a_million_members_of_a_tar(tmp_path: Path) -> None:
    block = bytearray(tarfile.TarInfo("run/00000000").tobuf())
    block[148:156] = b" " * 8
    least = sum(block) - sum(b"run/00000000")
    path = tmp_path / "many.tar.zst"
    with path.open("wb") as file:
        for start in range(0, MILLION, MILLION // 20):
            blocks = bytearray()
            for number in range(start, start + MILLION // 20):
                name = b"run/%08d" % number
                block[: len(name)] = name
                block[148:156] = b"%06o\0 " % (least + sum(name))
                blocks += block
            file.write(packed(bytes(blocks), "zst"))
    assert "more than 100,000 members" in refused(path)


def test_a_million_members_of_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    path.write_bytes(zip_of([b"run/%08d" % n for n in range(MILLION)], b"\3\0", 0))
    assert "more than 100,000 members" in refused(path)


def test_a_zip_s_directory_is_bounded_by_its_bytes(tmp_path: Path) -> None:
    whole = bytearray(zip_of([b"run/%08d" % n for n in range(MILLION)], b"\3\0", 0))
    # It tells of one member, and its directory holds them all.
    at = whole.rindex(b"PK\x06\x06")
    struct.pack_into("<QQ", whole, at + 24, 1, 1)
    path = tmp_path / "many.zip"
    path.write_bytes(whole)
    assert "more than 100,000 members" in refused(path)
