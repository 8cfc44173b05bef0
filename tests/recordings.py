"""What the tests of `tcpdw record` share: a bench with stand-ins, and what a recording left."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tcpdw import archives
from tcpdw.errors import RecordError
from tcpdw.record.namespaces import Namespace

ROOT = Path(__file__).parents[1]
STAND_INS = ROOT / "tests" / "stand_ins"
TRACED = ROOT / "data" / "osprey-server-handshake-001.tar.xz"
LOSSY = ROOT / "data" / "merlin-server-lossy-001.tar.xz"
QUICK = ("--think", "0.05", "--timeout", "20")


@functools.cache
def lack() -> str | None:
    """Say why this machine cannot record both ends, None where it can."""
    missing = [name for name in ("ip", "ncat", "tcpdump", "setpriv") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    try:
        Namespace().close()
    except RecordError as error:
        return str(error)
    return None


needs_namespaces = pytest.mark.skipif(lack() is not None, reason=lack() or "")


@dataclass
class Bench:
    """A place to record in: `out`, and the stand-ins with what they know."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def with_kernel(self, *traces: Path) -> Bench:
        """Put the stand-ins of LTTng on the path; they give these traces in turn."""
        (self.state / "sessions").mkdir(parents=True)
        (self.state / "commands").touch()
        (self.state / "traces").write_text("".join(f"{trace}\n" for trace in traces))
        (self.state / "tracepoints").write_text("".join(f"{point}\n" for point in POINTS))
        self._stand_in("lttng", "lttng-sessiond")
        return self

    def with_capture(self) -> Bench:
        """Put the stand-in of tcpdump on the path; it gives a sample run's capture."""
        self.state.mkdir(exist_ok=True)
        with archives.unpacked(TRACED) as unpacked:
            (found,) = unpacked.rglob("packets.pcap")
            shutil.copy(found, self.state)
        self._stand_in("tcpdump")
        return self

    def _stand_in(self, *names: str) -> None:
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        for name in names:
            (tools / name).symlink_to(STAND_INS / name)
        self.environment["STAND_IN"] = str(self.state)
        self.environment["PATH"] = f"{tools}:{os.environ['PATH']}"

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start `tcpdw record` with these words, into `out`."""
        for name in ("tmp", "home"):
            (self.folder / name).mkdir(exist_ok=True)
        code = "from tcpdw.cli import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, "record", "--out", str(self.out), *QUICK, *words],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TMPDIR": str(self.folder / "tmp"),
                "HOME": str(self.folder / "home"),
                **self.environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def record(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `tcpdw record` to its end."""
        return finished(self.start(*words))

    def commands(self) -> list[str]:
        """List what the stand-ins were asked."""
        return (self.state / "commands").read_text().splitlines()

    def sessions(self) -> list[str]:
        """List the sessions that are there."""
        return sorted(path.name for path in (self.state / "sessions").iterdir())

    def left(self) -> list[str]:
        """List all that a recording should not leave: unfinished runs, files, processes."""
        found = [path.name for path in self.out.glob(".*")] if self.out.exists() else []
        for name in ("tmp", "home"):
            found += [path.name for path in (self.folder / name).iterdir() if path.name != ".cache"]
        return found + processes(self.out)


def finished(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def processes(out: Path) -> list[str]:
    """List the processes that recordings into `out` started: told by their TMPDIR."""
    mine = f"TMPDIR={out.parent / 'tmp'}".encode()
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mine in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def trace_of(archive: Path, folder: Path) -> Path:
    """Unpack a sample run's kernel trace."""
    with archives.unpacked(archive) as unpacked:
        (found,) = unpacked.rglob("kernel")
        return Path(shutil.copytree(found, folder / archive.name))


# As lttng-modules 2.13 lists them on a kernel 6.1, of those that a recording may ask for.
POINTS = (
    *("irq_handler_entry", "irq_handler_exit", "irq_softirq_entry", "irq_softirq_exit"),
    *("irq_softirq_raise", "lttng_statedump_start", "lttng_statedump_process_state"),
    *("lttng_statedump_file_descriptor", "lttng_statedump_interrupt", "lttng_statedump_end"),
    *("napi_poll", "net_dev_queue", "net_dev_xmit", "net_if_receive_skb", "net_if_rx"),
    *("net_napi_gro_receive_entry", "sched_process_exec", "sched_process_exit"),
    *("sched_process_fork", "sched_switch", "sched_wakeup", "sched_waking", "skb_consume"),
    *("skb_kfree", "timer_start", "kmem_kmalloc"),
)


def repetitions(out: Path) -> list[str]:
    """List the runs in a folder."""
    return sorted(path.name for path in out.iterdir() if re.fullmatch(r"\w.*-\d{3}", path.name))
