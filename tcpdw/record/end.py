"""One end of the experiment, as an experiment's script sees it: start, wait, look, hang up."""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from tcpdw.errors import RecordError
from tcpdw.record import snapshots
from tcpdw.record.namespaces import Namespace
from tcpdw.record.processes import Program, tree
from tcpdw.record.sockets import CLOSE_WAIT, CONNECTED, ESTABLISHED, LISTEN, Socket, held, sockets

Role = Literal["server", "client"]

POLL_SECONDS = 0.01
"""How often a wait looks: seldom enough to be little in the trace."""

LOOK_SECONDS = 0.05
"""How often a wait asks the kernel for its sockets."""

HANG_UP_SECONDS = 2.0
"""So long a program may take to hang up after its input ended, before it gets SIGTERM."""


class Line(Protocol):
    """What one end tells the other of how far it is, outside the connection that is recorded."""

    def tell(self, stage: str) -> None:
        """Let the other end know that this one has come to `stage`."""
        ...

    def heard(self, stage: str) -> bool:
        """Tell whether the other end has come to `stage`."""
        ...

    def check(self) -> None:
        """Raise RecordError where the other end is gone for good."""
        ...


@dataclass(frozen=True, slots=True)
class _Look:
    """A program's sockets as they were at a time (monotonic, s)."""

    inodes: frozenset[int]
    at: float
    found: list[Socket]


@dataclass(frozen=True)
class End:
    """One end: where it is, what it runs, and what a script may wait for.

    `address` and `port` are the server's, whichever end this is. Programs started and snapshots
    taken are of this end. Every wait raises RecordError after `timeout` seconds, or where a
    program that it depends on has ended.
    """

    role: Role
    address: str
    port: int
    namespace: Namespace
    run: Path
    line: Line
    stack: ExitStack
    timeout: float = 30.0
    pause: float = 0.5
    _looks: dict[int, _Look] = field(default_factory=dict[int, "_Look"])

    def start(self, command: Sequence[str]) -> Program:
        """Start a program at this end; it is ended with the run at the latest."""
        with self.namespace.entered():
            return self.stack.enter_context(Program(command))

    async def until(
        self, what: str, reached: Callable[[], bool], *programs: Program, seconds: float = 0
    ) -> None:
        """Wait until `reached`; `what` completes "waited for" in the error where it does not."""
        end = time.monotonic() + (seconds or self.timeout)
        while not reached():
            self.line.check()
            for program in programs:
                if not program.is_alive() and not reached():
                    raise RecordError(
                        f"the {self.role}'s program ended: `{' '.join(program.command)}`"
                        f"{_said(program)}"
                    )
            if time.monotonic() > end:
                said = "".join(_said(program) for program in programs)
                raise RecordError(
                    f"the {self.role} waited {seconds or self.timeout:g} s for {what}, in vain"
                    f"{said}"
                )
            await asyncio.sleep(POLL_SECONDS)

    async def listening(self, program: Program) -> None:
        """Wait until the program listens on the port."""
        what = f"`{program.command[0]}` to listen on port {self.port}"
        await self.until(what, lambda: bool(self._own(program, (LISTEN,))), program)

    async def established(self, program: Program, count: int = 1) -> None:
        """Wait until the program holds so many connections, accepted at the server.

        One that is over before this end looks was not seen: the other end should hang up after it
        heard that this one has looked.
        """
        what = "a connection" if count == 1 else f"{count} connections"
        states = (ESTABLISHED, CLOSE_WAIT)
        # A server gets another socket then, a client's comes to another state.
        again = math.inf if self.role == "server" else LOOK_SECONDS
        await self.until(what, lambda: len(self._own(program, states, again)) >= count, program)

    async def printed(self, program: Program, size: int) -> None:
        """Wait until the program has printed `size` bytes."""
        await self.until(f"{size} bytes", lambda: program.printed() >= size, program)

    async def unread(self, program: Program, size: int) -> None:
        """Wait until `size` bytes lie at the program's connection, received and not read."""
        states = (ESTABLISHED, CLOSE_WAIT)

        def there() -> bool:
            return any(socket.unread >= size for socket in self._own(program, states))

        await self.until(f"{size} bytes", there, program)

    async def ended(self, program: Program, seconds: float = 0) -> None:
        """Wait until the program has ended."""
        what = f"`{program.command[0]}` to end"
        await self.until(what, lambda: not program.is_alive(), seconds=seconds)

    async def left(self, program: Program) -> None:
        """Wait until the other end has hung up: its FIN is there, or the program has ended."""
        states = (CLOSE_WAIT,)
        await self.until(
            "the other end to hang up",
            lambda: not program.is_alive() or bool(self._own(program, states)),
        )

    async def closed(self, program: Program) -> None:
        """Wait until the program has ended, or holds no connection any more."""
        await self.until(
            "the connection's end",
            lambda: not program.is_alive() or not self._own(program, CONNECTED, math.inf),
        )

    async def hang_up(self, program: Program) -> None:
        """End the program's input, as Ctrl-D does; where no FIN follows, it gets SIGTERM."""
        program.hang_up()
        states = (ESTABLISHED, CLOSE_WAIT)

        def hung_up() -> bool:
            return not program.is_alive() or not self._own(program, states)

        try:
            await self.until("its FIN", hung_up, seconds=HANG_UP_SECONDS)
        except RecordError:
            program.send(signal.SIGTERM)
            await self.ended(program)

    async def think(self) -> None:
        """Wait as a person does who reads, or makes up their mind."""
        await asyncio.sleep(self.pause)

    def snapshot(self, stage: str, *programs: Program) -> None:
        """Copy `/proc` as it is now: sockets, and the descriptors of the programs that run."""
        pids = [pid for program in programs for pid in tree(program.pid)]
        snapshots.take(self.run / "proc" / stage, pids, self.namespace)

    def tell(self, stage: str) -> None:
        """Let the other end know that this one has come to `stage`."""
        self.line.tell(stage)

    async def hear(self, stage: str, seconds: float = 0) -> None:
        """Wait until the other end has come to `stage`."""
        await self.until(
            f"the other end ({stage})", lambda: self.line.heard(stage), seconds=seconds
        )

    def _own(
        self, program: Program, states: Collection[int], again: float = LOOK_SECONDS
    ) -> list[Socket]:
        """List the program's sockets on the port in these states.

        The kernel walks a large table for its list: it is asked when the program has other sockets
        than before, or after `again` seconds.
        """
        mine = frozenset(held(tree(program.pid)))
        look = self._looks.get(program.pid)
        if look is None or look.inodes != mine or time.monotonic() - look.at > again:
            found = sockets(self.namespace) if mine else []
            look = _Look(
                mine,
                time.monotonic(),
                [s for s in found if s.inode in mine and self.port in (s.port, s.peer_port)],
            )
            self._looks[program.pid] = look
        return [socket for socket in look.found if socket.state in states]


def _said(program: Program) -> str:
    words = program.words()
    return f"; it said: {words}" if words else ""
