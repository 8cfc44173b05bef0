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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tcpdw.readers import Declined

_FILE = Path(__file__).with_name("_native.so")


def load() -> ctypes.CDLL | None:
    """Return the library, None where `missing` tells why there is none."""
    return _load()[0]


def missing() -> str | None:
    """Return why there is no library, in words that follow "because"; None if there is one."""
    return _load()[1]


def declare(
    library: ctypes.CDLL, prefix: str, functions: Mapping[str, tuple[Any, Sequence[Any]]]
) -> dict[str, Any]:
    """Give functions of the library by name: each with its result's and arguments' types.

    Raises Declined where the library has not all of them, as one of another version of tcpdw.
    """
    found: dict[str, Any] = {}
    for name, (result, arguments) in functions.items():
        try:
            function = getattr(library, prefix + name)
        except AttributeError as error:
            # As after an update of the sources that nobody compiled.
            raise Declined(
                f"the native readers were compiled for another version of tcpdw ({error}); "
                "`./run setup` compiles them anew"
            ) from None
        function.restype, function.argtypes = result, arguments
        found[name] = function
    return found


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
