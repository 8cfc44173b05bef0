"""The files of an inbox: which of them are whole, and their way to `done/` and `failed/`.

No clock is asked: a copy from another machine keeps that machine's times, and a file server has its
own. What is whole is found by looking twice.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import signal
import stat
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tcpdw.archive_formats import format_by_name, stem
from tcpdw.errors import InboxError
from tcpdw.finding import found_at, home
from tcpdw.printable import printable
from tcpdw.run_folders import CAPTURE, RUN_JSON

DONE, FAILED, REASON = "done", "failed", ".reason.txt"

PARTIAL = (".part", ".partial", ".filepart", ".tmp")
"""The endings of names under which programs copy: browsers and curl, rsync, WinSCP, many others."""

# rsync copies NAME to .NAME.XXXXXX beside it. Other hidden files may stay for good.
_RSYNC = re.compile(r"\..+\.[A-Za-z0-9]{6}")
_PROBE = ".tcpdw-probe"
_NAME_MAX = 255


@dataclass(frozen=True, slots=True)
class Unit:
    """What moves as one: a run's directory, an archive, a capture, or what is none of these.

    `stamp` changes with any file in it, `around` with any that may still be found to belong to it;
    `problem` says why it is not even to be read.
    """

    path: Path
    stamp: bytes
    around: bytes = b""
    is_copied: bool = False
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """What lies in an inbox: units that are whole, and paths that are still being copied in."""

    whole: tuple[Unit, ...]
    copied: tuple[Path, ...]


class Inbox:
    """A directory that runs are copied into, with `done/` and `failed/` in it.

    Raises InboxError, naming the directory and what to do, where it is none, or where `done/` and
    `failed/` cannot be made or be moved to in one step.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not os.path.isdir(path):  # noqa: PTH112 (which raises for what may not be looked at)
            raise InboxError(
                "is no directory that can be read",
                path=_shown(path),
                hint="make it, or give another one",
            )
        for name in (DONE, FAILED):
            self._check(path / name)

    def _check(self, place: Path) -> None:
        probe, moved = self.path / f"{_PROBE}-{place.name}", place / _PROBE
        try:
            place.mkdir(exist_ok=True)
            probe.touch()
            try:
                probe.rename(moved)
            finally:
                probe.unlink(missing_ok=True)
            moved.unlink()
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise InboxError(
                    "lies on another file system than the inbox, so that no run can be moved there"
                    " in one step",
                    path=_shown(place),
                    hint="make it a directory of the inbox itself",
                ) from error
            raise InboxError(
                f"runs cannot be moved there: {error.strerror}",
                path=_shown(place),
                hint="give the user that runs tcpdw the right to write in it and in the inbox",
            ) from error

    def check_outside(self, path: Path, what: str) -> None:
        """Raise InboxError where a path lies in the inbox, and would be taken for a run."""
        if path.resolve().is_relative_to(self.path.resolve()):
            raise InboxError(
                f"{what} lies in the inbox, where it would be taken for a run",
                path=_shown(path),
                hint="give a directory of its own as the inbox",
            )

    @contextmanager
    def locked(self, wait: float | None = None) -> Generator[None]:
        """Hold the inbox alone; waits for another that does, at most `wait` seconds if given.

        Raises InboxError where that passed. Where a file system has no locks it goes without one.
        """
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            deadline = None if wait is None else time.monotonic() + wait
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if deadline is not None and time.monotonic() >= deadline:
                        raise InboxError(
                            "another process takes runs from it",
                            path=_shown(self.path),
                            hint="wait until it is done",
                        ) from error
                    time.sleep(0.1)
                except OSError:
                    break
            yield
        finally:
            os.close(handle)

    def look(self, settle: float, sleep: Callable[[float], object] = time.sleep) -> Look:
        """Look twice, `settle` seconds apart: whole is what is the same in both and not written to.

        Names that end as those of copies do (`PARTIAL`) are never whole, nor is a directory with
        such a name in it; hidden files of the inbox are left alone.
        """
        first = {unit.path: unit for unit in self._units()}
        if first and settle > 0:
            sleep(settle)
            second = list(self._units())
        else:
            second = list(first.values())
        whole: list[Unit] = []
        copied: list[Path] = []
        names: set[str] = set()
        for unit in second:
            before = first.get(unit.path)
            if (
                before is None
                or unit.is_copied
                or (before.stamp, before.around) != (unit.stamp, unit.around)
                or _is_written_to(unit.path)
            ):
                copied.append(unit.path)
            # Of two that the warehouse could not tell apart, one goes first.
            elif (name := printable(str(unit.path))) not in names:
                names.add(name)
                whole.append(unit)
        return Look(tuple(whole), tuple(copied))

    def is_unchanged(self, unit: Unit) -> bool:
        """Tell whether a unit is as it was when it was looked at."""
        return any(now.stamp == unit.stamp for now in _units_at(unit.path))

    def to_done(self, unit: Unit) -> Path:
        """Move a unit to `done/`, and give its new path; raises InboxError."""
        return self._moved(unit, DONE, None)

    def to_failed(self, unit: Unit, reasons: Sequence[str]) -> Path:
        """Move a unit to `failed/`, with the reasons in NAME.reason.txt; raises InboxError."""
        return self._moved(unit, FAILED, reasons)

    def shown(self, path: Path) -> str:
        """Give a path as people see it: below the inbox, on one line."""
        return _shown(path.relative_to(self.path))

    def _units(self) -> Iterator[Unit]:
        try:
            entries = sorted(os.scandir(self.path), key=lambda entry: entry.name)
        except OSError as error:
            raise InboxError(f"cannot be read: {error.strerror}", path=_shown(self.path)) from error
        for entry in entries:
            if entry.name.startswith(".") or entry.name in (DONE, FAILED):
                continue
            path = self.path / entry.name
            if not entry.is_dir(follow_symlinks=False):
                yield from _units_at(path)
                continue
            tops = _tops(path)
            whole = None if tops == [path] else _Tally(path)
            for top in tops:
                # A directory with run.json is a whole run. Without one, what is beside a trace or
                # a capture may belong to it: then all that was copied in together must be whole.
                is_alone = top.is_file() or (top / RUN_JSON).is_file()
                yield from _units_at(top, None if is_alone else whole)

    def _moved(self, unit: Unit, place: str, reasons: Sequence[str] | None) -> Path:
        target = self.path / place / unit.path.relative_to(self.path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target = _free(target)
            if reasons is not None:
                # First the reason: a run in failed/ always has one.
                note = target.with_name(target.name + REASON)
                draft = target.with_name(_PROBE)
                draft.write_text("".join(f"{printable(text)}\n" for text in reasons), "utf-8")
                draft.replace(note)
            unit.path.rename(target)
        except OSError as error:
            raise InboxError(
                f"cannot be moved to {place}/: {error.strerror}",
                path=_shown(unit.path),
                hint="it will be tried again",
            ) from error
        return target


def _tops(folder: Path) -> list[Path]:
    """List what in a folder moves as one, by path."""
    items = sorted(item.path for item in found_at(folder))
    within = Counter(above for item in items for above in (item, *item.parents))
    tops: list[Path] = []
    for item in items:
        top = item
        if item.is_dir():
            # A trace that is no run, in `kernel/` alone: the folder that was to be the run.
            whole = home(item)
            if whole.is_relative_to(folder) and within[whole] == within[item]:
                top = whole
        if not any(top.is_relative_to(other) for other in tops[-1:]):
            tops.append(top)
    return tops


def _units_at(path: Path, around: _Tally | None = None) -> Iterator[Unit]:
    """Yield what lies at a path; nothing for an empty folder."""
    try:
        if path.is_symlink():
            problem = "a symbolic link is not followed; copy or move the run itself"
            yield Unit(path, os.fsencode(path.readlink()), problem=problem)
            return
    except OSError:
        return
    tally = _Tally(path)
    if tally.files and around is None:
        yield Unit(path, tally.stamp, is_copied=tally.is_copied)
    elif tally.files and around is not None:
        is_copied = tally.is_copied or around.is_copied
        yield Unit(path, tally.stamp, around.stamp, is_copied=is_copied)


class _Tally:
    """What lies in a tree, as one stamp."""

    def __init__(self, top: Path) -> None:
        self.files = 0
        self.is_copied = False
        self._hash = hashlib.blake2b(digest_size=16)
        places = [os.fspath(top)]
        while places:
            self._add(places.pop(), places)
        self.stamp = self._hash.digest()

    def _add(self, place: str, places: list[str]) -> None:
        name = os.path.basename(place)  # noqa: PTH119 (a Path for each file takes its time)
        if name.lower().endswith(PARTIAL) or _RSYNC.fullmatch(name):
            self.is_copied = True
        try:
            found = os.lstat(place)
            if stat.S_ISDIR(found.st_mode):
                places += sorted((entry.path for entry in os.scandir(place)), reverse=True)
            elif not name.startswith("."):
                self.files += 1
            facts = (found.st_mode, found.st_ino, found.st_size)
            facts += (found.st_mtime_ns, found.st_ctime_ns)
        except OSError as error:
            # What cannot be read is to be said, not passed over.
            self.files += 1
            facts = (error.errno,)
        self._hash.update(os.fsencode(place) + b"\0" + repr(facts).encode())


def _is_written_to(path: Path) -> bool:
    """Tell whether a process of this machine has a file at or below `path` open for writing.

    That is what refuses a read lease, fcntl(2); where there are none, or the file is another
    user's, nobody knows, and the answer is no.
    """
    places = [os.fspath(path)]
    while places:
        place = places.pop()
        with suppress(OSError):
            kind = os.lstat(place).st_mode
            if stat.S_ISDIR(kind):
                places += [entry.path for entry in os.scandir(place)]
            elif stat.S_ISREG(kind) and _refuses_lease(place):
                return True
    return False


def _refuses_lease(place: str) -> bool:
    handle = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    try:
        # A writer that comes while it is held sends a signal: not the SIGIO that would end us.
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _free(target: Path) -> Path:
    """Return the path, or one with a number where it is taken; its name has room for the reason."""
    name = target.name
    head = stem(name) if format_by_name(name) else CAPTURE.sub("", name)
    ending = name[len(head) :] if head else ""
    number = 1
    while True:
        extra = f".{number}{ending}" if number > 1 else ending
        room = _NAME_MAX - len(os.fsencode(extra)) - len(REASON)
        # Bytes, which may end within a character: they come back as they were all the same.
        path = target.with_name(os.fsdecode(os.fsencode(head or name)[:room]) + extra)
        if not os.path.lexists(path):
            return path
        number += 1


def _shown(path: Path) -> str:
    return printable(str(path))
