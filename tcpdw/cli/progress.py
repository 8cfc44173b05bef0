"""The progress bar of an ingest. Imported on a terminal alone: it needs the pipeline and rich."""

from __future__ import annotations

from rich.progress import Progress

from tcpdw.cli.ingest_lines import waiting_text
from tcpdw.errors import WarehouseBusyError
from tcpdw.output import clean
from tcpdw.pipeline import Plan, Watcher
from tcpdw.rundata import RunData

_NAME_CELLS = 40


class BarWatcher(Watcher):
    """Moves a bar by one a run that was read; names the run; counts the events."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("looking for runs", total=None, events=0)
        self._total = 0
        self._read = 0
        self._events = 0

    def waiting(self, error: WarehouseBusyError, seconds: float) -> None:
        """Say what is waited for in the bar's place."""
        self._progress.console.print(clean(waiting_text(error, seconds)), markup=False)

    def upgrading(self, text: str) -> None:
        """Say it above the bar."""
        self._progress.console.print(clean(text), markup=False, highlight=False)

    def planned(self, plan: Plan) -> None:
        """Set the bar's length."""
        self._total = len(plan.todo)
        self._progress.update(self._task, total=self._total, description="reading")

    def read(self, run: RunData) -> None:
        """Move the bar; an archive may hold more runs than the one that was planned."""
        self._read += 1
        self._events += sum(table.num_rows for table in (run.classes or {}).values())
        self._progress.update(
            self._task,
            completed=self._read,
            total=max(self._total, self._read),
            description=clean(run.name)[:_NAME_CELLS],
            events=self._events,
        )
