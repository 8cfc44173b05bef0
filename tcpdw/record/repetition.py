"""One run of the experiment, recorded: everything it makes ends with it, whatever happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tcpdw.errors import RecordError
from tcpdw.record import capture, host, namespaces, verify
from tcpdw.record.capture import Capture
from tcpdw.record.end import POLL_SECONDS, End, Line, Role
from tcpdw.record.events import Wanted
from tcpdw.record.folder import RunFolder, run_name
from tcpdw.record.lines import Local
from tcpdw.record.namespaces import Namespace
from tcpdw.record.settings import LOCAL_ADDRESSES, Settings
from tcpdw.record.tracer import Buffers, Session

QUIET_SECONDS = 0.3
"""The capture has the last packet once it has not grown for so long."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One end's run: what it holds, and what the tracer and the capture lost of it."""

    name: str
    events: int
    packets: int
    discarded: int
    dropped: int
    warnings: tuple[str, ...]

    @property
    def lost(self) -> str:
        """What was lost, in words; empty where nothing was."""
        counts = ((self.discarded, "events"), (self.dropped, "packets"))
        return ", ".join(f"{count:,} {what} lost" for count, what in counts if count)


@dataclass(frozen=True)
class Repetition:
    """One run to be recorded: its number, its trace buffers, what was found out before.

    `line` goes to the other host; None where both ends are here. `tracer`: the tracer's version;
    `replace`: take the place of a run of the same number that this recording made.
    """

    settings: Settings
    number: int
    buffers: Buffers
    wanted: Wanted | None = None
    tracer: str | None = None
    line: Line | None = None
    replace: bool = False

    async def record(self, *, keep_lossy: bool) -> tuple[Recorded, ...]:
        """Record it and give what was recorded, an item an end; with losses only if asked.

        Raises RecordError where it fails; then, and when it is cancelled, nothing stays of it.
        """
        with ExitStack() as stack:
            folders: dict[Role, RunFolder] = {
                role: self._folder(stack, role) for role in self.settings.roles
            }
            try:
                found = await self._record(folders)
            except OSError as error:
                path = error.filename if isinstance(error.filename, str) else None
                raise RecordError(f"failed: {error.strerror or error}", path=path) from error
            if keep_lossy or not any(item.lost for item in found):
                for folder in folders.values():
                    folder.keep(replace=self.replace)
            return found

    def _folder(self, stack: ExitStack, role: Role) -> RunFolder:
        name = run_name(self.settings.machine, role, self.settings.name, self.number)
        folder = RunFolder(self.settings.out, name)
        if folder.place.exists() and not self.replace:
            with folder:
                raise RecordError("is there already", path=folder.place)
        return stack.enter_context(folder)

    async def _record(self, folders: Mapping[Role, RunFolder]) -> tuple[Recorded, ...]:
        settings = self.settings
        started = time.time_ns()
        with ExitStack() as stack:
            spaces = self._namespaces(stack)
            interfaces = self._interfaces()
            drivers = {role: host.driver(interfaces[role], spaces[role]) for role in settings.roles}
            captures: dict[Role, Capture] = {
                role: stack.enter_context(
                    Capture(
                        settings.capture or capture.there() or "tcpdump",
                        interfaces[role],
                        settings.port,
                        folders[role].run,
                        spaces[role],
                    )
                )
                for role in settings.roles
            }
            await _reached(
                lambda: all(item.is_ready() for item in captures.values()), settings.timeout
            )
            # One kernel, one trace: with both ends on this host it lies in the server's run.
            traced = folders[settings.roles[0]]
            session = None
            if self.wanted is not None:
                session = stack.enter_context(Session(traced.run, self.wanted, self.buffers))
            with ExitStack() as programs:
                ends = self._ends(folders, spaces, programs)
                experiment = settings.experiment
                await together(
                    *(
                        experiment.server(end) if end.role == "server" else experiment.client(end)
                        for end in ends
                    )
                )
                await _quiet(captures)
            dropped = {role: item.finish() for role, item in captures.items()}
            if session is not None:
                session.finish()
        return tuple(
            self._described(
                folder,
                {
                    "machine": settings.machine,
                    "role": role,
                    "experiment": settings.name,
                    "repetition": self.number,
                    "started_at_ns": started,
                    **host.facts(),
                    "interface": interfaces[role],
                    "driver": drivers[role],
                    "tracer": self.tracer if folder is traced else None,
                    "server": _address(settings.address, settings.port),
                    "message_bytes": len(experiment.message),
                    "buffer_bytes": self.buffers.size if session and folder is traced else None,
                    "events_unavailable": [*session.lacking]
                    if session and folder is traced and session.lacking
                    else None,
                },
                dropped[role],
            )
            for role, folder in folders.items()
        )

    def _described(self, folder: RunFolder, what: Mapping[str, object], dropped: int) -> Recorded:
        """Write `run.json`, read the run as an ingest does, and add to it what was lost."""
        folder.describe(what)
        checked = verify.check(folder.run, folder.scratch)
        if what["tracer"] is not None and checked.events == 0:
            raise RecordError(f"{folder.name}: the trace holds no event")
        if checked.packets == 0:
            raise RecordError(
                f"{folder.name}: the capture holds no packet of port {self.settings.port}",
                hint="is --interface the one that the connection takes?",
            )
        if checked.is_damaged:
            raise RecordError(f"{folder.name}: {'; '.join(checked.warnings)}")
        losses = {"events_discarded": checked.discarded, "packets_dropped": dropped}
        seen = {"connections": checked.connections, "close": checked.close}
        folder.describe({**what, **seen, **{k: v for k, v in losses.items() if v}})
        return Recorded(
            folder.name,
            checked.events,
            checked.packets,
            checked.discarded,
            dropped,
            checked.warnings,
        )

    def _namespaces(self, stack: ExitStack) -> Mapping[Role, Namespace]:
        if self.settings.place == "local":
            server, client = LOCAL_ADDRESSES
            joined = namespaces.joined((f"{server}/24", f"{client}/24"))
            pair = stack.enter_context(joined)
            return {"server": pair[0], "client": pair[1]}
        own = Namespace(own=True)
        stack.callback(own.close)
        return {self.settings.roles[0]: own}

    def _interfaces(self) -> Mapping[Role, str]:
        settings = self.settings
        if settings.place == "local":
            server, client = namespaces.INTERFACES
            return {"server": server, "client": client}
        find = host.interface_of if settings.place == "listen" else host.interface_to
        name = settings.interface or find(settings.address)
        if name is None:
            raise RecordError(f"no interface leads to {settings.address}", hint="give --interface")
        return {settings.roles[0]: name}

    def _ends(
        self,
        folders: Mapping[Role, RunFolder],
        spaces: Mapping[Role, Namespace],
        stack: ExitStack,
    ) -> list[End]:
        stages: dict[Role, set[str]] = {"server": set(), "client": set()}
        ends: list[End] = []
        for role, folder in folders.items():
            other: Role = "client" if role == "server" else "server"
            ends.append(
                End(
                    role,
                    self.settings.address,
                    self.settings.port,
                    spaces[role],
                    folder.run,
                    self.line or Local(stages[role], stages[other]),
                    stack,
                    self.settings.timeout,
                    self.settings.pause,
                )
            )
        return ends


async def together(*scripts: Coroutine[Any, Any, None]) -> None:
    """Run scripts side by side; where one fails the others are cancelled, and it is raised."""
    tasks = [asyncio.ensure_future(script) for script in scripts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _quiet(captures: Mapping[Role, Capture]) -> None:
    sizes: list[int] = []
    since = time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        await asyncio.sleep(POLL_SECONDS)
        now = [item.size() for item in captures.values()]
        if now != sizes:
            sizes, since = now, time.monotonic()


async def _reached(is_ready: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_ready():
        if time.monotonic() > until:
            raise RecordError(f"the capture did not begin within {seconds:g} s")
        await asyncio.sleep(POLL_SECONDS)


def _address(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
