"""Commands run and measured: wall-clock time, and the memory of all processes that they start."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.02


class CommandError(Exception):
    """A measured command failed: its figure would mean nothing."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command took, from its start to its exit: seconds, and `cpu` seconds of all it ran.

    If it was watched: `largest` is the peak resident memory of the largest of its processes,
    `together` the peak of the sum over all of them, `private` that sum without the pages of files,
    all in bytes, by samples 20 ms apart. Pages that processes share count once for each.

    The peak that wait4 tells is of no use: it is no less than what the parent had at the fork.
    """

    seconds: float
    cpu: float
    largest: int
    together: int
    private: int
    output: str


def run(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    watch: bool = False,
    quiet: bool = False,
) -> Ran:
    """Run a command and measure it; `quiet` drops its output unread, `watch` samples its memory.

    Raises CommandError, with its last words, unless it exits with status 0.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as words:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if quiet else output,
            stderr=words,
            env=env,
        )
        try:
            watcher = _Watcher(process.pid) if watch else None
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        peaks = watcher.end() if watcher else (0, 0, 0)
        if process.returncode:
            words.seek(0)
            said = words.read().decode(errors="replace").strip()[-2000:]
            shown = " ".join(str(part) for part in command)
            raise CommandError(f"{shown}: exit status {process.returncode}: {said}")
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Ran(seconds, usage.ru_utime + usage.ru_stime, *peaks, text)


class _Watcher:
    """Samples the memory of a process and all below it until told to end."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._largest = self._together = self._private = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> tuple[int, int, int]:
        """Stop, and give the peaks: of one process, of all, of all in no file's pages."""
        self._over.set()
        self._thread.join()
        return self._largest, self._together, self._private

    def _watch(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            resident = private = 0
            for pid in tree(self._pid):
                one, of_files, peak = _memory(pid)
                resident += one
                private += one - of_files
                self._largest = max(self._largest, peak)
            self._together = max(self._together, resident)
            self._private = max(self._private, private)


def tree(pid: int) -> list[int]:
    """List a process and those below it, as far as they still run."""
    found: list[int] = []
    left = [pid]
    while left:
        one = left.pop()
        found.append(one)
        # A child belongs to the thread that started it.
        for task in _entries(Path(f"/proc/{one}/task")):
            left += map(int, _text(task / "children").split())
    return found


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _memory(pid: int) -> tuple[int, int, int]:
    """Give a process's resident bytes, those of them that are of files, and its peak (proc(5))."""
    lines = (line.partition(":") for line in _text(Path(f"/proc/{pid}/status")).splitlines())
    sizes = {name: int(value.split()[0]) * 1024 for name, _, value in lines if value[-3:] == " kB"}
    return sizes.get("VmRSS", 0), sizes.get("RssFile", 0), sizes.get("VmHWM", 0)
