"""The programs that a recording runs: started apart from the terminal, ended without fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import Signals

from tcpdw.errors import RecordError
from tcpdw.record import owner

STOP_SECONDS = 5.0
"""So long a program may take to end when asked, before it is killed."""

_MOST_WORDS = 300


class Program:
    """A program that runs; leaving it as a context ends it, and what it started.

    It is no part of the terminal's process group, so that Ctrl-C reaches tcpdw alone, which ends
    things in their order; and the kernel ends it where tcpdw dies. What it prints goes to files
    that have no name.
    """

    def __init__(self, command: Sequence[str], *, death: str = "KILL") -> None:
        """Start `command`; `death` is the signal that it gets where tcpdw dies.

        Raises RecordError where it cannot be started.
        """
        self.command = tuple(command)
        path = shutil.which(command[0])
        if path is None:
            raise RecordError(f"there is no program {command[0]!r}")
        # prctl(2), PR_SET_PDEATHSIG; the program takes setpriv's place and its process number.
        setpriv = shutil.which("setpriv")
        before = [setpriv, "--pdeathsig", death, "--"] if setpriv else []
        self._last = ""
        self._size = 0
        try:
            self._out = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 (open while it runs)
            self._err = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
            self._process = subprocess.Popen(
                [*before, path, *command[1:]],
                stdin=subprocess.PIPE,
                stdout=self._out,
                stderr=self._err,
                env=owner.environment(),
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise RecordError(f"cannot be started: {error.strerror}", path=path) from error

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.poll() is None

    def type(self, text: bytes) -> None:
        """Write to its standard input, as a user types."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(text)

    def hang_up(self) -> None:
        """Close its standard input, as Ctrl-D does."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()

    def send(self, number: Signals) -> None:
        """Send a signal, if it still runs."""
        if self.is_alive():
            self._process.send_signal(number)

    def printed(self) -> int:
        """Count the bytes that it printed."""
        return self._size if self._out.closed else os.fstat(self._out.fileno()).st_size

    def said(self) -> str:
        """Give what it said on standard error."""
        if not self._err.closed:
            size = os.fstat(self._err.fileno()).st_size
            self._last = os.pread(self._err.fileno(), size, 0).decode(errors="replace")
        return self._last

    def words(self) -> str:
        """Give the last that it said on standard error, one line."""
        return " ".join(self.said().split())[-_MOST_WORDS:]

    def stop(
        self,
        ask: Signals = Signals.SIGTERM,
        seconds: float = STOP_SECONDS,
        *,
        strays: bool = True,
    ) -> None:
        """End it, asked first and killed where it does not follow, and all that it started.

        Without `strays`, what it started and what then left its process group is not looked for.
        """
        if self._err.closed:
            return
        self.hang_up()
        self.send(ask)
        self.send(Signals.SIGCONT)  # A stopped one takes no other signal.
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, Signals.SIGKILL)
        until = time.monotonic() + STOP_SECONDS
        while strays and (left := session(self._process.pid)) and time.monotonic() < until:
            for pid in left:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, Signals.SIGKILL)
            time.sleep(0.01)  # The kernel ends them in its own time.
        self.said()
        self._size = self.printed()
        self._out.close()
        self._err.close()


def tree(root: int) -> list[int]:
    """List a process and those that it started, and so on; none where it is no more.

    By /proc/PID/task/TID/children, proc_tid_children(5): it costs less than to look at all.
    """
    found: list[int] = []
    waiting = [root] if Path(f"/proc/{root}").exists() else []
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with suppress(OSError):
                    waiting += map(int, (task / "children").read_text().split())
    return found


def session(leader: int) -> list[int]:
    """List the processes of the session that `leader` began.

    Fields 3 and 6 of /proc/PID/stat, proc_pid_stat(5).
    """
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                if int(fields[3]) == leader and fields[0] not in (b"Z", b"X"):
                    found.append(int(entry.name))
    return found


def run(
    command: Sequence[str], seconds: float = 60.0, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with `extra` in its environment, and return what it printed.

    Raises RecordError where it cannot be started or takes longer; its exit status is the caller's.
    """
    try:
        return subprocess.run(
            [*command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**owner.environment(), **(extra or {})},
            start_new_session=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RecordError(f"`{' '.join(command)}` took longer than {seconds:.0f} s") from error
    except OSError as error:
        raise RecordError(f"{command[0]} cannot be run: {error.strerror}") from error
