"""Files that come to be in whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tcpdw.errors import TcpdwError


@contextmanager
def replacing(path: Path) -> Generator[IO[bytes]]:
    """Give a file to write that takes the place of `path` when the block ends without an error.

    Until then it has another name beside `path`, and after an error or Ctrl-C there is none. A
    symbolic link stays one, and its target is replaced; a device or a pipe is written to. Raises
    TcpdwError, naming the file, where the system refuses.
    """
    temporary: Path | None = None
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            with target.open("wb") as file:
                yield file
            return
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name[:64]}.", delete=False
        ) as file:
            temporary = Path(file.name)
            yield file
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
        temporary = None
    except OSError as error:
        raise TcpdwError(
            f"cannot be written: {error.strerror or error}", path=path, hint="give another file"
        ) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
