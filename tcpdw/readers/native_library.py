"""The compiled decoders: a shared library of the package's C files, called by ctypes.

The library speaks plain C: it needs no Python headers to build, is the same file for every version
of Python, and runs without the interpreter's lock. It is absent where the package was built
without a C compiler; then the reference readers do the work.

`TCPDW_NATIVE_LIBRARY` in the environment names another file to load in its place: one that was
built to find its own mistakes (tests/fuzz_native.py), say.
"""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path

_FILE = Path(__file__).with_name("_native.so")


def load() -> ctypes.CDLL | None:
    """Return the library, None where `missing` tells why there is none."""
    return _load()[0]


def missing() -> str | None:
    """Return why there is no library, in words that follow "because"; None if there is one."""
    return _load()[1]


@functools.cache
def _load() -> tuple[ctypes.CDLL | None, str | None]:
    file = Path(os.environ.get("TCPDW_NATIVE_LIBRARY") or _FILE)
    if not file.exists():
        if file == _FILE:
            return None, "tcpdw was built without a C compiler"
        return None, f"there is no file {file}, which TCPDW_NATIVE_LIBRARY names"
    try:
        return ctypes.CDLL(str(file)), None
    except OSError as error:
        return None, f"the library does not load: {error}"
