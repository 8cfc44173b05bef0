"""The copy that is put beside a warehouse before it is brought up to date."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tcpdw import scratch
from tcpdw.errors import WarehouseError
from tcpdw.warehouse_opening import check_layout, open_file

GROWTH = 2
"""So many times its size a warehouse may grow by meanwhile: what is replaced goes last."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy, and the size and time of change that the copied file had."""

    path: Path
    size: int
    changed: int

    def is_of(self, path: Path) -> bool:
        """Tell whether the file is still as it was copied."""
        stat = path.stat()
        return (stat.st_size, stat.st_mtime_ns) == (self.size, self.changed)


def copied(path: Path, layout: int) -> Backup:
    """Copy a warehouse that nobody has open to `FILE.v<layout>.backup`, a file of its own.

    A copy that is there already is used where it is the same; another is left as it is. Raises
    WarehouseError where the disk has too little room or the copy is not whole.
    """
    path = path.resolve()
    stat = path.stat()
    names = (path.with_name(f"{path.name}.v{layout}.backup{end}") for end in _ends())
    try:
        for target in names:
            if not target.exists():
                _check_room(path, (GROWTH + 1) * stat.st_size)
                if not _copy(path, target):
                    continue
            elif not filecmp.cmp(path, target, shallow=False):
                continue
            else:
                _check_room(path, GROWTH * stat.st_size)
            return Backup(target, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise WarehouseError(
            f"no copy could be put beside it: {error.strerror or error}", path=path
        ) from error
    raise AssertionError("names do not end")


def _ends() -> Iterator[str]:
    yield ""
    number = 2
    while True:
        yield f".{number}"
        number += 1


def _check_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise WarehouseError(
            f"to bring it up to date takes {needed / 1e6:,.0f} MB on its disk, which has "
            f"{free / 1e6:,.0f} MB free",
            path=path,
            hint="make room, or copy it to a larger disk",
        )


def _copy(path: Path, target: Path) -> bool:
    """Copy to a name of its own first; give False where another made the target meanwhile."""
    with scratch.folder(path.parent, hidden=True) as folder:
        made = folder / "copy"
        shutil.copyfile(path, made)
        shutil.copystat(path, made)
        with made.open("rb") as file:
            os.fsync(file.fileno())
        if made.stat().st_size != path.stat().st_size:
            raise WarehouseError("changed while it was copied", path=path, hint="try again")
        with open_file(made, read_only=True) as connection:
            check_layout(connection, path, may_be_older=True)
        try:
            os.link(made, target)
        except FileExistsError:
            return False
    return True
