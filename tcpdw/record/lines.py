"""How the two ends of a run tell each other how far they are, outside what is recorded.

Two ends of one process share a list. Two hosts send each other UDP datagrams, at the port's own
number: no TCP segment of theirs is in the trace, and the capture's filter leaves them out. Each
datagram holds all that its sender has to say, so that one may be lost, doubled or late.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from tcpdw.errors import RecordError
from tcpdw.record.end import Role

RESEND_SECONDS = 0.2
_MOST_BYTES = 4096
_MOST_STAGES = 64
_MOST_NUMBER = 999_999_999
_MOST_ATTEMPT = 1 << 53


class Local:
    """One end's line to the other in the same process: give both the same two sets."""

    def __init__(self, mine: set[str], theirs: set[str]) -> None:
        """Make the line of the end whose stages are `mine`."""
        self._mine, self._theirs = mine, theirs

    def tell(self, stage: str) -> None:
        """Note that this end has come to `stage`."""
        self._mine.add(stage)

    def heard(self, stage: str) -> bool:
        """Tell whether the other end has."""
        return stage in self._theirs

    def check(self) -> None:
        """Do nothing: both ends end together."""


@dataclass(frozen=True, slots=True)
class State:
    """All that one host has to say.

    `session` names this recording; `attempt` rises with each that the server begins, 0 is none yet;
    `repetition` is its number, or, of a host that waits, the next one that it has no run of.
    """

    role: Role
    experiment: str
    session: str
    attempt: int = 0
    repetition: int = 1
    stages: tuple[str, ...] = ()
    is_over: bool = False


def _read(data: bytes) -> State | None:
    """Read a datagram; None for anything that is none of ours."""
    try:
        raw = json.loads(data) if len(data) <= _MOST_BYTES else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    said = cast("dict[str, Any]", raw)
    stages = said.get("stages")
    numbers = (said.get("attempt"), said.get("repetition"))
    if (
        said.get("role") not in ("server", "client")
        or not all(isinstance(said.get(name), str) for name in ("experiment", "session"))
        or not all(type(n) is int and 0 <= n <= _MOST_ATTEMPT for n in numbers)
        or said["repetition"] > _MOST_NUMBER
        or not isinstance(stages, list)
        or len(cast("list[object]", stages)) > _MOST_STAGES
        or not all(isinstance(stage, str) for stage in cast("list[object]", stages))
    ):
        return None
    return State(
        said["role"], said["experiment"], said["session"], said["attempt"], said["repetition"],
        tuple(cast("list[str]", stages)), said.get("is_over") is True,
    )  # fmt: skip


class Remote(asyncio.DatagramProtocol):
    """The line to the other host. Make it by `listen` or `connect`; close it at the end."""

    def __init__(self, role: Role, experiment: str) -> None:
        """Make the line of the end `role`, not yet connected."""
        self._mine = State(role, experiment, secrets.token_hex(8))
        self._theirs: State | None = None
        self._peer: tuple[str, int] | None = None
        self._partner = ""
        self._takes_any = False
        self._transport: asyncio.DatagramTransport | None = None
        self._sent = 0.0

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Take what the other end says; answer it if it does not know all of ours."""
        said = _read(data)
        if said is None or said.role == self._mine.role:
            return
        if self._mine.role == "server":
            sender = (str(addr[0]), addr[1])
            if sender != self._peer and not (self._takes_any and "waiting" in said.stages):
                return
            self._peer = sender
        is_news = said != self._theirs
        self._theirs = said
        if is_news:
            self._send()

    # What a recording calls.

    def tell(self, stage: str) -> None:
        """Let the other end know that this one has come to `stage`."""
        self._mine = replace(self._mine, stages=(*self._mine.stages, stage))
        self._send()

    def heard(self, stage: str) -> bool:
        """Tell whether the other end has come to `stage` of this attempt; keep telling ours."""
        self._send_again()
        said = self._theirs
        return said is not None and said.attempt == self._mine.attempt and stage in said.stages

    def check(self) -> None:
        """Raise RecordError where the other end has said that it records no more."""
        if self._theirs is not None and self._theirs.is_over:
            raise RecordError("the other end has stopped")

    async def begin(self, following: int, seconds: float, *, again: bool = False) -> int:
        """Agree with the other end on the number of the run to record now.

        `following` is the number that this host would take; the higher of both is taken, and the
        server's where it records one `again`. Returns 0 where the server is done. Raises
        RecordError where nobody answers for so many seconds, or where the other end records
        another experiment.
        """
        before = self._mine.attempt
        stages = (*self._mine.stages, "waiting")
        self._mine = replace(self._mine, repetition=following, stages=stages)
        is_server = self._mine.role == "server"
        self._takes_any = True
        said = await self._until(self._is_waiting if is_server else self._has_begun, seconds)
        self._takes_any = False
        if said.is_over:
            return 0
        if is_server:
            self._partner = said.session
            # Seconds, so that the attempts of a server started anew are higher than before.
            attempt = max(before + 1, int(time.time()))
            number = following if again else max(following, said.repetition)
        else:
            attempt, number = said.attempt, said.repetition
        self._mine = replace(self._mine, attempt=attempt, repetition=number, stages=())
        self._send()
        return number

    async def end(self, seconds: float) -> None:
        """Let the other end know that no run follows."""
        self._mine = replace(self._mine, is_over=True, stages=("over",))
        until = time.monotonic() + seconds
        while time.monotonic() < until and not (self._theirs and self._theirs.is_over):
            self._send_again()
            await asyncio.sleep(0.02)
        self._send()

    def close(self) -> None:
        """Close the line; the other end, if it still waits, need not."""
        if self._transport is not None:
            self._mine = replace(self._mine, is_over=True)
            self._send()
            self._transport.close()

    def _is_waiting(self, said: State) -> bool:
        if said.session != self._partner:
            return "waiting" in said.stages
        return said.attempt == self._mine.attempt and "waiting" in said.stages

    def _has_begun(self, said: State) -> bool:
        return said.attempt > self._mine.attempt

    async def _until(self, reached: Callable[[State], bool], seconds: float) -> State:
        until = time.monotonic() + seconds
        while (said := self._theirs) is None or not (said.is_over or reached(said)):
            self._send_again()
            if time.monotonic() > until:
                raise RecordError(
                    f"the other end did not answer for {seconds:.0f} s",
                    hint="let `tcpdw record` run there too, and UDP through at the same port",
                )
            await asyncio.sleep(0.02)
        if said.experiment != self._mine.experiment:
            raise RecordError(
                f"the other end records {said.experiment[:64]!r}, this one "
                f"{self._mine.experiment!r}",
                hint="give both the same --experiment",
            )
        return said

    def _send_again(self) -> None:
        if time.monotonic() - self._sent > RESEND_SECONDS:
            self._send()

    def _send(self) -> None:
        self._sent = time.monotonic()
        if self._transport is None or self._transport.is_closing():
            return
        data = json.dumps(asdict(self._mine)).encode()
        if self._mine.role == "client":
            self._transport.sendto(data)
        elif self._peer is not None:
            self._transport.sendto(data, self._peer)


async def opened(role: Role, experiment: str, address: str, port: int) -> Remote:
    """Open the line: the server's end at this address, the client's end to it."""
    line = Remote(role, experiment)
    where = (address, port)
    try:
        await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: line,
            local_addr=where if role == "server" else None,
            remote_addr=where if role == "client" else None,
        )
    except OSError as error:
        raise RecordError(
            f"UDP of {address} port {port} cannot be used: {error.strerror}"
        ) from error
    return line
