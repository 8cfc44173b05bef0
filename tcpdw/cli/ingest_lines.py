"""How an ingest goes on, as lines on standard error. Imported when one begins."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tcpdw import run_log
from tcpdw.cli import shared
from tcpdw.errors import WarehouseBusyError
from tcpdw.pipeline import BATCH_RUNS, IngestSummary, Plan, Watcher
from tcpdw.warehouse import LoadedRun


def waiting_text(error: WarehouseBusyError, seconds: float) -> str:
    """Say what is waited for, and for how long."""
    return f"waiting up to {seconds:,.0f} s: {error.path}: {error.message}"


class BatchWatcher(Watcher):
    """Says where an ingest of many runs is, once a batch; says nothing of few."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0
        self._events = 0

    def waiting(self, error: WarehouseBusyError, seconds: float) -> None:
        """Say what is waited for."""
        shared.say(waiting_text(error, seconds))

    def upgrading(self, text: str) -> None:
        """Say that the warehouse is brought up to date."""
        shared.say(text)

    def planned(self, plan: Plan) -> None:
        """Note how many there are."""
        self._total = len(plan.todo) + len(plan.failures)

    def loaded(self, batch: Sequence[LoadedRun]) -> None:
        """Say how many of them are in the warehouse."""
        self._done += len(batch)
        self._events += sum(run.events for run in batch)
        if self._total > BATCH_RUNS:
            total = max(self._total, self._done)
            shared.say(f"{self._done:,} of {total:,} runs, {self._events:,} events")


class LogWatcher(Watcher):
    """Writes one line a run, and one for what there is to do."""

    def __init__(self, form: run_log.Form) -> None:
        self._form: run_log.Form = form

    def waiting(self, error: WarehouseBusyError, seconds: float) -> None:
        """Log what is waited for."""
        self._write("waiting", seconds=round(seconds, 3), reason=f"{error.path}: {error.message}")

    def upgrading(self, text: str) -> None:
        """Log that the warehouse is brought up to date."""
        self._write("upgrading", reason=text)

    def planned(self, plan: Plan) -> None:
        """Log what there is to do."""
        todo = len(plan.todo) + len(plan.failures)
        self._write("planned", runs=todo, skipped=len(plan.skipped))

    def loaded(self, batch: Sequence[LoadedRun]) -> None:
        """Log what became of each run."""
        for run in batch:
            self._write("run", **run_log.run_fields(run))

    def done(self, summary: IngestSummary) -> None:
        """Log what was done in all."""
        self._write(
            "done",
            loaded=len(summary.loaded),
            failed=len(summary.failed),
            skipped=summary.skipped,
            events=summary.events,
            packets=summary.packets,
            seconds=round(summary.seconds, 3),
        )

    def _write(self, event: str, **fields: object) -> None:
        sys.stderr.write(run_log.line(event, fields, self._form) + "\n")
        sys.stderr.flush()
