"""The errors that tcpdw raises: one tree, each naming the place and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class TcpdwError(Exception):
    """Report what is wrong, where, and what to do about it, in one line each.

    `path` is the file or directory concerned; `line` and `column` (both from 1), or `offset`
    (bytes), are the place in it; `hint` is what the user can do. `str()` gives one line:
    `PATH:LINE:COLUMN: message; hint`.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        column: int | None = None,
        offset: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = None if path is None else str(path)
        self.line = line
        self.column = column
        self.offset = offset
        self.hint = hint

    def __str__(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}"
        if self.column is not None:
            place += f":{self.column}"
        if self.offset is not None:
            place += f" at byte {self.offset}"
        text = f"{place}: {self.message}" if place else self.message
        return f"{text}; {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword arguments do not pickle by themselves, and Prefect pickles.
        place = {
            "path": self.path,
            "line": self.line,
            "column": self.column,
            "offset": self.offset,
            "hint": self.hint,
        }
        return (_rebuild, (type(self), self.message, place))


def _rebuild(kind: type[TcpdwError], message: str, place: dict[str, Any]) -> TcpdwError:
    return kind(message, **place)


class InputError(TcpdwError):
    """An input of a run cannot be read."""


class RunError(InputError):
    """A run directory or its `run.json` is not what it should be."""


class ArchiveError(InputError):
    """An archive cannot be unpacked, or must not be."""


class TraceError(InputError):
    """A CTF trace cannot be read."""


class CaptureError(InputError):
    """A packet capture cannot be read."""


class ProcError(InputError):
    """A `/proc` snapshot cannot be read."""


class ReaderUnavailableError(TcpdwError):
    """A reader's program or library is not installed."""


class RecordError(TcpdwError):
    """A run of the experiment cannot be recorded."""


class WarehouseError(TcpdwError):
    """The warehouse cannot be opened, read or written."""


class InboxError(TcpdwError):
    """An inbox cannot be used, or a run in it cannot be moved."""


class WarehouseBusyError(WarehouseError):
    """Another process has the warehouse open; it will not for ever."""


class WarehouseFullError(WarehouseError):
    """There is no room left for the warehouse; what was in it is there, and nothing of the rest."""


class CatalogError(TcpdwError):
    """A file under `sql/` is not documented or not usable as the catalogue asks."""


class MissingEventsError(TcpdwError):
    """A metric was asked of a run whose trace lacks the events it needs."""


class UsageError(TcpdwError):
    """The caller asked for something that does not exist."""
