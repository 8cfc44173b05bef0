"""The kernel trace: an LTTng session a run, its buffers large enough, destroyed in any case."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tcpdw.errors import RecordError
from tcpdw.record import owner
from tcpdw.record.events import CONTEXTS, Wanted
from tcpdw.record.processes import Program, run

CHANNEL = "ch"
SUBBUFFERS = 8
_LEAST_SUBBUFFER = 64 << 10
_DAEMON_SECONDS = 15.0
_NAME = re.compile(r"<session><name>([^<]*)</name>")
_POINT = re.compile(r"^\s+(\S+) \(.*type: tracepoint\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Buffers:
    """The ring buffer of each cpu: `SUBBUFFERS` parts of `part` bytes, a power of two."""

    part: int

    @staticmethod
    def of(size: int) -> Buffers:
        """Give the largest buffers that take no more than `size` bytes a cpu, but some at least."""
        part = _LEAST_SUBBUFFER
        while part * 2 * SUBBUFFERS <= size:
            part *= 2
        return Buffers(part)

    def doubled(self) -> Buffers:
        """Give buffers twice as large, where the memory holds them."""
        fits = 2 * self.size * (os.cpu_count() or 1) <= memory() // 2
        return Buffers(self.part * 2) if fits else self

    @property
    def size(self) -> int:
        """Bytes for each cpu."""
        return self.part * SUBBUFFERS


def version() -> str:
    """Give the tracer's name and version, as `lttng --version` prints it."""
    return " ".join(run(["lttng", "--version"]).stdout.split())[:256]


@contextmanager
def daemon() -> Generator[None]:
    """See to it that a session daemon runs meanwhile; one that ran before is left to run.

    Raises RecordError where none can be started.
    """
    with ExitStack() as stack:
        if run(["lttng", "--no-sessiond", "list"]).returncode:
            # The tracer's modules are loaded and unloaded by it: it must have time for that.
            program = stack.enter_context(Program(["lttng-sessiond"], death="TERM"))
            stack.callback(program.stop, signal.SIGTERM, _DAEMON_SECONDS)
            _await_daemon(program)
        yield


def _await_daemon(program: Program) -> None:
    end = time.monotonic() + _DAEMON_SECONDS
    while run(["lttng", "--no-sessiond", "list"]).returncode:
        if not program.is_alive():
            raise RecordError(f"lttng-sessiond ended at once: {program.words()}")
        if time.monotonic() > end:
            raise RecordError(f"lttng-sessiond does not answer after {_DAEMON_SECONDS:.0f} s")
        time.sleep(0.05)


def tracepoints() -> list[str]:
    """List the kernel's tracepoints. Raises RecordError where no kernel can be traced."""
    return named(_lttng("list", "--kernel"))


def named(listing: str) -> list[str]:
    """Give the tracepoints that `lttng list --kernel` printed, with their log levels or without."""
    return _POINT.findall(listing)


def destroy_stale() -> list[str]:
    """Destroy the sessions whose owner is no more; return their names."""
    done = run(["lttng", "--no-sessiond", "--mi", "xml", "list"])
    stale = [name for name in _NAME.findall(done.stdout) if owner.is_stale(name)]
    for name in stale:
        run(["lttng", "--no-sessiond", "destroy", "--no-wait", name])
    return stale


class Session:
    """One LTTng session, named after this process; leaving it as a context destroys it."""

    def __init__(self, output: Path, wanted: Wanted, buffers: Buffers) -> None:
        """Note what to trace: the trace will be `output`/kernel."""
        self._name = owner.token()
        self._output = output.absolute()  # The session daemon is elsewhere.
        self._wanted = wanted
        self._buffers = buffers
        self._is_there = False
        self.lacking: tuple[str, ...] = ()
        """The tracepoints that this kernel or tracer does not have."""

    def __enter__(self) -> Session:
        """Create the session and start it. Raises RecordError with LTTng's own words."""
        named = f"--session={self._name}"
        has, self.lacking = self._wanted.among(tracepoints())
        try:
            # From here on it may be there, whatever the command says.
            self._is_there = True
            self._lttng("create", self._name, f"--output={self._output}")
            self._lttng(
                "enable-channel", "--kernel", named, "--discard",
                f"--subbuf-size={self._buffers.part}", f"--num-subbuf={SUBBUFFERS}", CHANNEL,
            )  # fmt: skip
            to = (named, f"--channel={CHANNEL}")
            self._lttng("enable-event", "--kernel", *to, ",".join(has))
            every = "*" in self._wanted.syscalls
            calls = "--all" if every else ",".join(self._wanted.syscalls)
            self._lttng("enable-event", "--kernel", "--syscall", *to, calls)
            self._lttng("add-context", "--kernel", *to, *(f"--type={name}" for name in CONTEXTS))
            self._lttng("start", self._name)
        except BaseException:
            self._destroy()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._destroy()

    def finish(self) -> None:
        """Stop tracing, and wait until the trace is whole. Raises RecordError."""
        self._lttng("stop", self._name)
        self._lttng("destroy", self._name)
        self._is_there = False

    def _destroy(self) -> None:
        if self._is_there:
            self._is_there = False
            with suppress(RecordError):
                self._lttng("destroy", self._name)

    def _lttng(self, *arguments: str) -> None:
        # It keeps the name of the user's current session in a file at home: not of this one. Other
        # users than root have their daemon's socket there.
        home = {"LTTNG_HOME": str(self._output.parent)} if os.geteuid() == 0 else {}
        _lttng(*arguments, extra=home)


def memory() -> int:
    """Give the memory that is available, bytes (MemAvailable of proc_meminfo(5))."""
    match = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return (
        int(match[1]) << 10 if match else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    )


def _lttng(*arguments: str, extra: Mapping[str, str] | None = None) -> str:
    done = run(["lttng", "--no-sessiond", *arguments], extra=extra)
    if done.returncode:
        words = " ".join((done.stderr or done.stdout).split()).removeprefix("Error: ")
        raise RecordError(f"`lttng {arguments[0]}` failed: {words}")
    return done.stdout
