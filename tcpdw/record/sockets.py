"""The TCP sockets of a network namespace, as the kernel lists them now: for waiting on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tcpdw.record.namespaces import Namespace

# include/net/tcp_states.h
ESTABLISHED, CLOSE_WAIT, LISTEN = 0x01, 0x08, 0x0A

CONNECTED = frozenset(range(0x01, 0x0D)) - {LISTEN}
"""The states of a socket that is, was or is to be connected."""


@dataclass(frozen=True, slots=True)
class Socket:
    """One line of /proc/net/tcp. `inode` is 0 where no file is tied to the socket; sizes: bytes."""

    port: int
    peer_port: int
    state: int
    unread: int
    inode: int


def sockets(namespace: Namespace) -> list[Socket]:
    """List the TCP sockets of a namespace, over IPv4 and IPv6 (proc_pid_net(5))."""
    found: list[Socket] = []
    with namespace.entered():
        for name in ("tcp", "tcp6"):
            with suppress(FileNotFoundError):  # The kernel may be without IPv6.
                for line in Path(f"/proc/thread-self/net/{name}").read_text().splitlines()[1:]:
                    cells = line.split()
                    found.append(
                        Socket(
                            int(cells[1].rpartition(":")[2], 16),
                            int(cells[2].rpartition(":")[2], 16),
                            int(cells[3], 16),
                            int(cells[4].partition(":")[2], 16),
                            int(cells[9]),
                        )
                    )
    return found


def held(pids: Iterable[int]) -> set[int]:
    """Give the inodes of the sockets that these processes have open."""
    found: set[int] = set()
    for pid in pids:
        with suppress(OSError):
            for entry in Path(f"/proc/{pid}/fd").iterdir():
                with suppress(OSError):
                    target = str(entry.readlink())
                    if target.startswith("socket:["):
                        found.add(int(target[8:-1]))
    return found
