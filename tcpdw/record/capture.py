"""The packet capture: tcpdump or dumpcap, nanosecond timestamps, every packet in the file."""

from __future__ import annotations

import os
import re
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tcpdw.errors import RecordError
from tcpdw.record.namespaces import Namespace
from tcpdw.record.processes import Program

Tool = Literal["tcpdump", "dumpcap"]
TOOLS: tuple[Tool, ...] = ("tcpdump", "dumpcap")

_DROPPED = re.compile(
    r"(\d+) packets? dropped by (?:kernel|interface)|dropped on interface [^:]*: \d+/(\d+)"
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a tool is called, what it says once it captures, and its file's name."""

    command: tuple[str, ...]
    ready: re.Pattern[str]
    file: str


_KINDS: dict[Tool, _Kind] = {
    # Without immediate mode the kernel would hand on the last packets too late to be written.
    "tcpdump": _Kind(
        (
            *("tcpdump", "-i", "{interface}", "-w", "{file}", "-U", "-n", "-s", "0"),
            *("-B", "16384", "--immediate-mode", "--time-stamp-precision=nano", "{filter}"),
        ),
        re.compile(r"listening on"),
        "packets.pcap",
    ),
    "dumpcap": _Kind(
        ("dumpcap", "-q", "-i", "{interface}", "-w", "{file}", "-B", "16", "-f", "{filter}"),
        re.compile(r"^File: ", re.MULTILINE),
        "packets.pcapng",
    ),
}


def there() -> Tool | None:
    """Give the tool to use: tcpdump where it is installed, else dumpcap, else none."""
    return next((tool for tool in TOOLS if shutil.which(tool)), None)


class Capture:
    """A capture under way; leaving it as a context ends it."""

    def __init__(self, tool: Tool, interface: str, port: int, run: Path, space: Namespace) -> None:
        """Start to capture TCP of `port` into the folder `run`. Raises RecordError."""
        kind = _KINDS[tool]
        self.tool: Tool = tool
        self.path = run / kind.file
        self._ready = kind.ready
        words = {"interface": interface, "file": str(self.path), "filter": f"tcp port {port}"}
        command = [part.format_map(words) for part in kind.command]
        if tool == "tcpdump" and os.geteuid() == 0:
            # It would change to a user of its own, who may not write there.
            command[1:1] = ["-Z", "root"]
        with space.entered():
            self.program = Program(command)

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.program.stop(signal.SIGINT)

    def is_ready(self) -> bool:
        """Tell whether it captures by now. Raises RecordError where it ended."""
        said = self.program.said()
        if self._ready.search(said) and self.path.exists():
            return True
        self.check()
        return False

    def check(self) -> None:
        """Raise RecordError where it ended before it was asked to."""
        if not self.program.is_alive():
            raise RecordError(f"{self.tool} ended: {self.program.words()}")

    def size(self) -> int:
        """Give the size of the capture so far, bytes."""
        return self.path.stat().st_size

    def finish(self) -> int:
        """End it and give how many packets it dropped. Raises RecordError where it had ended."""
        self.check()
        self.program.stop(signal.SIGINT)
        return dropped(self.program.said())


def dropped(said: str) -> int:
    """Count the packets that a tool says it dropped, or the kernel for it."""
    return sum(int(a or b) for a, b in _DROPPED.findall(said))
