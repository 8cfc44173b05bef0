"""A run's directory while it is recorded: hidden and locked, then in its place at once."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from tcpdw.archive_formats import stem
from tcpdw.errors import RecordError

PART = ".tcpdw.part"
"""How the name of an unfinished run's folder ends; it begins with a full stop."""

_REPETITION = re.compile(r"(.+)-(\d{1,9})")


def run_name(machine: str, role: str, experiment: str, repetition: int) -> str:
    """Name a run: MACHINE-ROLE-EXPERIMENT-REPETITION."""
    return f"{machine}-{role}-{experiment}-{repetition:03d}"


def next_repetition(out: Path, prefixes: Iterable[str]) -> int:
    """Give the number after the highest that a run or archive in `out` has after a prefix."""
    wanted = {prefix.rstrip("-") for prefix in prefixes}
    highest = 0
    for entry in out.iterdir() if out.is_dir() else ():
        match = _REPETITION.fullmatch(stem(entry.name) if entry.is_file() else entry.name)
        if match and match[1] in wanted:
            highest = max(highest, int(match[2]))
    return highest + 1


class RunFolder:
    """One run's directory. Leaving it as a context removes it unless `keep` was called."""

    def __init__(self, out: Path, name: str) -> None:
        """Make the hidden folder. Raises RecordError where that fails or another records it."""
        self.name = name
        self.place = out / name
        self._part = out / f".{name}{PART}"
        self.run = self._part / "run"
        self.scratch = self._part / "scratch"
        try:
            self._part.mkdir()
        except FileExistsError as error:
            raise RecordError("is being recorded by another", path=self._part) from error
        except OSError as error:
            raise RecordError(f"cannot be made: {error.strerror}", path=self._part) from error
        self._lock = None
        try:
            self._lock = _locked(self._part)
            self.run.mkdir()
            self.scratch.mkdir()
        except OSError as error:
            self.__exit__()
            raise RecordError(f"cannot be made: {error.strerror}", path=self._part) from error

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._part, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)

    def describe(self, what: Mapping[str, object]) -> None:
        """Write `run.json`: what is None is left out."""
        known = {name: value for name, value in what.items() if value is not None}
        text = json.dumps(known, ensure_ascii=False, indent=1)
        (self.run / "run.json").write_text(text + "\n", encoding="utf-8")

    def keep(self, *, replace: bool = False) -> None:
        """Put the run in its place. Raises RecordError where there is one of its name."""
        try:
            if replace and self.place.exists():
                self.place.rename(self._part / "replaced")
            if self.place.exists():
                raise RecordError("is there already", path=self.place)
            for path in (*self.run.rglob("*"), self.run):
                _sync(path)
            self.run.rename(self.place)
            _sync(self.place.parent)
        except OSError as error:
            raise RecordError(f"cannot be made: {error.strerror}", path=self.place) from error


def remove_stale(out: Path) -> list[str]:
    """Remove the unfinished runs in `out` that nobody records any more; return their names."""
    found: list[str] = []
    for entry in sorted(out.glob(f".*{PART}")) if out.is_dir() else ():
        with suppress(OSError):
            lock = _locked(entry)
            if lock is None:
                continue
            shutil.rmtree(entry, ignore_errors=True)
            os.close(lock)
            found.append(entry.name.removeprefix(".").removesuffix(PART))
    return found


def _locked(folder: Path) -> int | None:
    """Lock a folder, and give the descriptor that holds the lock; None where it has another's."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
