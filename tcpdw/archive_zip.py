"""How many members a zip has, before its directory is read (APPNOTE.TXT 6.3, 4.3.14 to 4.3.16)."""

from __future__ import annotations

import os
import struct
from pathlib import Path

_END = struct.Struct("<4sHHHHIIH")
_LOCATOR = struct.Struct("<4sIQI")
_END_64 = struct.Struct("<4sQHHIIQQQQ")
_LEAST_ENTRY = 46 + 8
"""Bytes of a member's entry in the directory, with a name of a few letters."""


def zip_members(path: Path) -> int:
    """Give the most members that a zip's directory can have: as it tells, or by its size.

    0 where there is no end of a directory: `zipfile` then says what is wrong. Raises OSError.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - _END.size - 0xFFFF)
        file.seek(start)
        tail = file.read()
        at = tail.rfind(b"PK\5\6")
        if at < 0 or len(tail) - at < _END.size:
            return 0
        _, _, _, _, told, directory, _, _ = _END.unpack_from(tail, at)
        if at >= _LOCATOR.size:
            magic, _, place, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
            # zipfile looks right before the locator, wherever that points.
            for offset in (place, start + at - _LOCATOR.size - _END_64.size):
                file.seek(min(offset, size))
                record = file.read(_END_64.size)
                if magic == b"PK\6\7" and len(record) == _END_64.size:
                    name, *_, more, length, _ = _END_64.unpack(record)
                    if name == b"PK\6\6":
                        told, directory = more, length
    return max(told, min(directory, size) // _LEAST_ENTRY)
