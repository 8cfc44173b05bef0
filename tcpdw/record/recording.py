"""A recording: run after run, checked, retried where something was lost, ended cleanly."""

from __future__ import annotations

import asyncio
import signal
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from tcpdw import catalog
from tcpdw.errors import RecordError
from tcpdw.record import events, folder, lines, needs, owner, tracer
from tcpdw.record.lines import Remote
from tcpdw.record.repetition import Recorded, Repetition
from tcpdw.record.settings import Settings

FAILURES = 3
"""After so many runs in a row that failed the others are not tried."""

MEET_SECONDS = 600.0
"""So long a host waits for the other to be ready for the next run."""

OUTCOME_SECONDS = 60.0
_GOODBYE_SECONDS = 2.0
_WHOLE, _LOSSY, _FAILED = "whole", "lossy", "failed"


class Watcher:
    """Told how a recording goes on; the base class says nothing."""

    def swept(self, what: str) -> None:
        """Note that something that a killed recording left was removed."""

    def kept(self, run: Recorded) -> None:
        """Note that a run is in its place."""

    def again(self, run: Recorded) -> None:
        """Note that a run lost something, and is recorded anew."""

    def failed(self, number: int, error: RecordError) -> None:
        """Note that a run failed, and nothing of it was kept."""

    def stopping(self) -> None:
        """Note that the user wants it to end."""


@dataclass
class Summary:
    """What a recording did: the runs kept, and how many failed; `is_stopped` by a signal."""

    kept: dict[str, Recorded] = field(default_factory=dict[str, Recorded])
    failures: int = 0
    is_stopped: bool = False


def sweep(settings: Settings) -> list[str]:
    """Remove what recordings that were killed left, and say what that was."""
    found = [f"process {pid} ({comm})" for pid, comm in owner.end_stale_processes().items()]
    if settings.kernel:
        with suppress(RecordError):
            found += [f"LTTng session {name}" for name in tracer.destroy_stale()]
    return found + [f"unfinished run {name}" for name in folder.remove_stale(settings.out)]


def record(settings: Settings, watcher: Watcher | None = None) -> Summary:
    """Record runs; SIGINT, SIGTERM or SIGHUP ends it, with the runs that are whole.

    Raises RecordError where something is missing, before anything is started, and where no run
    could be recorded.
    """
    watcher = watcher or Watcher()
    return asyncio.run(_recording(settings, watcher))


async def _recording(settings: Settings, watcher: Watcher) -> Summary:
    summary = Summary()
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    def stop() -> None:
        # Once: a second signal must not break into the cleaning up, which takes seconds at most.
        if not summary.is_stopped:
            summary.is_stopped = True
            watcher.stopping()
            task.cancel()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        await asyncio.sleep(0)  # A signal from before counts too.
        for what in sweep(settings):
            watcher.swept(what)
        with ExitStack() as stack:
            if settings.kernel:
                with suppress(RecordError):  # `needs` says why there is none.
                    stack.enter_context(tracer.daemon())
            needs.require(settings)
            settings.out.mkdir(parents=True, exist_ok=True)
            await _Recording(settings, watcher, summary).run()
    except asyncio.CancelledError:
        if not summary.is_stopped:
            raise
        task.uncancel()
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
    return summary


class _Recording:
    def __init__(self, settings: Settings, watcher: Watcher, summary: Summary) -> None:
        self._settings = settings
        self._watcher = watcher
        self._summary = summary
        self._line: Remote | None = None
        self._wanted = events.wanted(catalog.load()) if settings.kernel else None
        self._tracer = tracer.version() if settings.kernel else None
        self._buffers = tracer.Buffers.of(settings.buffer)
        self._mine: set[int] = set()
        self._last: RecordError | None = None

    async def run(self) -> None:
        settings = self._settings
        with ExitStack() as stack:
            if settings.place != "local":
                self._line = await lines.opened(
                    settings.roles[0], settings.name, settings.address, settings.port
                )
                stack.callback(self._line.close)
            await self._runs()
            if self._line is not None:
                await self._line.end(_GOODBYE_SECONDS)
        if self._last is not None and not self._summary.kept:
            raise RecordError("no run was recorded, for the reason said") from self._last

    async def _runs(self) -> None:
        """Record as many runs as asked for; a client, as many as the server does."""
        settings = self._settings
        done = failures = 0
        while settings.place == "connect" or done < settings.runs:
            number = await self._begin()
            if number == 0:
                if done == 0:
                    raise RecordError("the other end stopped before a run was recorded")
                break
            done += 1
            if (room := needs.disk(settings)).remedy is not None:
                raise RecordError(f"{room.found}; {room.remedy}")
            try:
                await self._one(number)
                failures = 0
            except RecordError as error:
                failures += 1
                self._summary.failures += 1
                self._watcher.failed(number, error)
                if self._line is not None:
                    self._line.tell(_FAILED)
                self._last = error
                if failures == FAILURES:
                    raise RecordError(
                        f"{FAILURES} runs in a row failed, the last as said"
                    ) from error

    async def _begin(self, again: int = 0) -> int:
        """Give the number of the next run, or `again` that of one to record anew; 0 for the end."""
        settings = self._settings
        prefixes = [settings.prefix(role) for role in settings.roles]
        number = again or folder.next_repetition(settings.out, prefixes)
        if self._line is None:
            return number
        return await self._line.begin(number, MEET_SECONDS, again=bool(again))

    async def _one(self, number: int) -> None:
        """Record one run, again where it lost something and that is asked for."""
        settings = self._settings
        buffers = self._buffers
        # Whether a run is recorded again is for the server to say.
        tries = 0 if settings.place == "connect" else settings.retries
        while True:
            repetition = Repetition(
                settings, number, buffers, self._wanted, self._tracer, self._line,
                replace=number in self._mine,
            )  # fmt: skip
            found = await repetition.record(keep_lossy=tries == 0)
            has_lost = any(run.lost for run in found)
            if tries == 0 or not has_lost:
                self._mine.add(number)
            if not await self._is_lossy(has_lost) or tries == 0:
                break
            tries -= 1
            buffers = buffers.doubled()
            for run in found:
                self._watcher.again(run)
            if await self._begin(number) == 0:
                break
        if number in self._mine:
            for run in found:
                self._summary.kept[run.name] = run
                self._watcher.kept(run)

    async def _is_lossy(self, has_lost: bool) -> bool:
        """Tell the other end how the run came out, and whether either end lost something of it."""
        if self._line is None:
            return has_lost
        self._line.tell(_LOSSY if has_lost else _WHOLE)
        if self._settings.place == "connect":
            return has_lost
        until = asyncio.get_running_loop().time() + OUTCOME_SECONDS
        while not any(self._line.heard(word) for word in (_WHOLE, _LOSSY, _FAILED)):
            if asyncio.get_running_loop().time() > until:
                return has_lost
            await asyncio.sleep(0.02)
        return has_lost or self._line.heard(_LOSSY)
