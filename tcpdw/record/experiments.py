"""The experiments: what the programs at the two ends do, each a small class.

An experiment says which programs run and, where the usual course is not its own, what happens at
each end, in `server` and `client`. Both are told as a person would do it at two terminals: start,
wait until something can be seen, look, type, hang up. `EXPERIMENTS` names those that can be asked
for.
"""

from __future__ import annotations

import asyncio
import shlex
import signal
from dataclasses import dataclass
from typing import ClassVar, Literal

from tcpdw.record.end import End, Role
from tcpdw.record.processes import Program

Close = Literal["client", "server", "reset"]


@dataclass(frozen=True)
class Experiment:
    """One connection: the server's user types, then an end hangs up.

    `close`: who hangs up first, the client or the server by FIN, or the client by RST. Commands
    given by the user take the place of the experiment's own; in them `{address}` and `{port}`
    stand for the server's.
    """

    name: ClassVar[str] = "handshake"
    message: ClassVar[bytes] = b"Hello\n"

    close: Close = "client"
    connections: int = 1
    server_words: str | None = None
    client_words: str | None = None

    def server_command(self, address: str, port: int) -> list[str]:
        """Give the server's program and arguments."""
        return ["ncat", "--listen", address, str(port)]

    def client_command(self, address: str, port: int) -> list[str]:
        """Give the client's program and arguments."""
        return ["ncat", address, str(port)]

    def command(self, role: Role, address: str, port: int) -> list[str]:
        """Give an end's command: the user's, or the experiment's own."""
        words = self.server_words if role == "server" else self.client_words
        if words is None:
            own = self.server_command if role == "server" else self.client_command
            return own(address, port)
        places = {"{address}": address, "{port}": str(port)}
        parts = shlex.split(words)
        for place, text in places.items():
            parts = [part.replace(place, text) for part in parts]
        return parts

    async def server(self, end: End) -> None:
        """Do what happens at the server: the snapshots, the message, its end."""
        program = await self.listen(end)
        await end.established(program)
        end.snapshot("established", program)
        await end.hear("connected")
        await end.think()
        program.type(self.message)
        if self.close == "server":
            await end.hear("read")
            await end.think()
            await end.hang_up(program)
        await end.closed(program)
        end.snapshot("closed", program)
        end.tell("closed")

    async def client(self, end: End) -> None:
        """Do what happens at the client: the connection, and how it ends."""
        program = await self.connect(end)
        await end.established(program)
        end.snapshot("established", program)
        if self.close == "reset":
            # What a program has not read when it is killed, the kernel answers with RST.
            program.send(signal.SIGSTOP)
            end.tell("connected")
            await end.unread(program, len(self.message))
            await end.think()
            program.send(signal.SIGKILL)
        else:
            end.tell("connected")
            await end.printed(program, len(self.message))
            end.tell("read")
            if self.close == "server":
                await end.left(program)
            await end.think()
            await end.hang_up(program)
        await end.ended(program)
        program.stop(strays=False)  # There may be thousands: each lets go of its files.
        end.snapshot("closed")
        await end.hear("closed")

    async def listen(self, end: End) -> Program:
        """Start the server's program, and let the client know when it listens."""
        program = end.start(self.command("server", end.address, end.port))
        await end.listening(program)
        end.snapshot("listening", program)
        end.tell("listening")
        return program

    async def connect(self, end: End) -> Program:
        """Start a client's program once the server listens."""
        await end.hear("listening")
        return end.start(self.command("client", end.address, end.port))


class Handshake(Experiment):
    """One connection over which the server's user says "Hello"."""


@dataclass(frozen=True)
class Load(Experiment):
    """Many connections, some at once, each echoing one message; the clients hang up."""

    name: ClassVar[str] = "load"
    at_once: ClassVar[int] = 4
    sizes: ClassVar[tuple[int, ...]] = (6, 100, 1400, 4000)

    connections: int = 40

    def server_command(self, address: str, port: int) -> list[str]:
        """Give a server that keeps listening, with an echo for each connection."""
        return ["ncat", "--listen", "--keep-open", "--exec", "/bin/cat", address, str(port)]

    async def server(self, end: End) -> None:
        """Let the clients come and go; look at the start, amid them and after them."""
        program = await self.listen(end)
        await end.established(program)
        end.snapshot("established", program)
        end.tell("looked")
        rounds = 1 + self.connections // self.at_once
        await end.hear("closed", seconds=end.timeout * rounds)
        await end.closed(program)
        end.snapshot("closed", program)

    async def client(self, end: End) -> None:
        """Make the connections, so many at once."""
        for first in range(0, self.connections, self.at_once):
            numbers = range(first, min(first + self.at_once, self.connections))
            programs = [await self.connect(end) for _ in numbers]
            for number, program in zip(numbers, programs, strict=True):
                await end.established(program)
                program.type(bytes(self.sizes[number % len(self.sizes)]))
            if first == 0:
                end.snapshot("established", *programs)
                await end.hear("looked")  # So few connections could be over before.
            await asyncio.gather(*(self._finish(end, *pair) for pair in enumerate(programs, first)))
        end.snapshot("closed")
        end.tell("closed")

    async def _finish(self, end: End, number: int, program: Program) -> None:
        await end.printed(program, self.sizes[number % len(self.sizes)])
        await end.hang_up(program)
        await end.ended(program)
        program.stop(strays=False)  # There may be thousands: each lets go of its files.


EXPERIMENTS: dict[str, type[Experiment]] = {kind.name: kind for kind in (Handshake, Load)}
"""The experiments that can be asked for, by name."""
