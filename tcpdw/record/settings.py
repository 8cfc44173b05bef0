"""What is to be recorded, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tcpdw.errors import UsageError
from tcpdw.record.capture import Tool
from tcpdw.record.end import Role
from tcpdw.record.experiments import Experiment, Handshake

Place = Literal["local", "listen", "connect"]

LOCAL_ADDRESSES = ("192.168.1.105", "192.168.1.110")
"""The server's and the client's address between the two namespaces of `local`."""

LOCAL_PORT = 5000

MEBIBYTE = 1 << 20

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Settings:
    """What is to be recorded.

    `place`: both ends on this host (`local`), or the server's (`listen`) or the client's alone.
    `buffer`: bytes of trace buffer for each cpu. `retries`: so often a run whose trace or capture
    lost something is recorded anew, with buffers twice as large each time. `timeout`: seconds that
    any wait may take; `pause`: seconds that the people of the experiment think.
    """

    out: Path
    machine: str
    place: Place = "local"
    address: str = LOCAL_ADDRESSES[0]
    port: int = LOCAL_PORT
    experiment: Experiment = field(default_factory=Handshake)
    label: str | None = None
    runs: int = 1
    kernel: bool = True
    interface: str | None = None
    capture: Tool | None = None
    buffer: int = 16 * MEBIBYTE
    retries: int = 0
    timeout: float = 30.0
    pause: float = 0.5

    def __post_init__(self) -> None:
        """Raise UsageError for names that would not tell runs apart."""
        for what, name in (("machine", self.machine), ("experiment", self.name)):
            if not _NAME.fullmatch(name) or re.search("-(server|client)-", f"-{name}-"):
                raise UsageError(
                    f"the {what} cannot be called {name!r}",
                    hint="use letters, digits, '.', '_' and '-', without the word server or client",
                )

    @property
    def name(self) -> str:
        """The experiment's name in the names of runs."""
        return self.label or self.experiment.name

    @property
    def roles(self) -> tuple[Role, ...]:
        """The ends that this host records."""
        if self.place == "local":
            return ("server", "client")
        return ("server",) if self.place == "listen" else ("client",)

    def prefix(self, role: Role) -> str:
        """Give how the names of an end's runs begin."""
        return f"{self.machine}-{role}-{self.name}-"
