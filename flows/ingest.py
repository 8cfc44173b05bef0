"""The flow that brings runs into the warehouse, by hand or on a schedule.

Without knowing Prefect::

    python -m flows.ingest PATH... --warehouse FILE [--replace] [--report report.html]
    python -m flows.ingest PATH... --warehouse FILE --serve "*/15 * * * *"

With no server configured, the first form starts a temporary one, which takes some 20 s. With one
(`prefect server start`, and PREFECT_API_URL set to what it prints) the flow starts at once, its
runs and artifacts stay to be looked at, and the second form can be used: it makes the deployment
`ingest/ingest` and runs it at the times of the cron expression until it is stopped. It takes in
what is new each time; a run's digest tells what is there already. For more of Prefect, use the flow
itself: `from flows.ingest import ingest`, then `ingest.serve(...)` or `ingest.deploy(...)`.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectConcurrentFuture
from prefect.runtime import task_run
from prefect.schedules import Cron
from prefect.settings import get_current_settings
from prefect.states import Failed
from prefect.task_runners import ThreadPoolTaskRunner

from flows import ingest_report, markdown
from flows.command import ended
from flows.held import Held
from flows.limits import loading
from tcpdw import inputs, pipeline, run_log
from tcpdw.errors import TcpdwError, UsageError, WarehouseBusyError
from tcpdw.pipeline import IngestSummary, Job, Options, Plan, Steps, Watcher
from tcpdw.rundata import RunData
from tcpdw.runs import Identity
from tcpdw.warehouse import LoadedRun, Warehouse

ARTIFACT = "ingest"
"""The key of the Markdown artifact."""

RETRY_SECONDS = (1.0, 10.0)
"""How long a reading that another try may mend waits for its second and its third."""

LOAD_RETRY_SECONDS = (10.0, 60.0, 300.0)
"""How long a loading waits for its other tries where the disk was full, or another was quicker."""

WAIT_SECONDS = 600.0
"""How long a flow waits for a warehouse that a process outside of Prefect has open."""

_NAME_CHARACTERS = 80
_NAMED_FAILURES = 5


def can_retry(_task: object, _run: TaskRun, state: State[Any]) -> bool:
    """Tell whether another try may mend what a task failed of."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, BaseException) and pipeline.may_mend(error)


@task(cache_policy=NO_CACHE, persist_result=False)
def discover(held: Held[Callable[[], Plan]]) -> Held[Plan]:
    """Find the runs, and which of them are in the warehouse already."""
    return Held(held.take()())


@task(
    task_run_name="read {name}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(RETRY_SECONDS),
    retry_delay_seconds=list(RETRY_SECONDS),
    retry_condition_fn=can_retry,
)
def read(name: str, job: Job) -> Held[tuple[RunData, ...]]:  # noqa: ARG001
    """Read all that a source holds; again where its reader died or the system was short."""
    return Held(job(is_last=task_run.run_count > len(RETRY_SECONDS)))


@task(
    task_run_name="load {runs} runs",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(LOAD_RETRY_SECONDS),
    retry_delay_seconds=list(LOAD_RETRY_SECONDS),
    retry_condition_fn=can_retry,
)
def load(
    runs: int,  # noqa: ARG001
    batch: Held[Sequence[RunData]],
    warehouse: Warehouse,
) -> Held[Sequence[LoadedRun]]:
    """Load a batch of runs in one transaction; again where the disk was full."""
    loaded = warehouse.load(batch.look())
    batch.take()
    return Held(loaded)


@flow(name="ingest", persist_result=False)
def ingest(
    paths: list[str],
    warehouse: str,
    replace: bool = False,
    workers: int | None = None,
    readers: list[str] | None = None,
    machine: str | None = None,
    role: str | None = None,
    experiment: str | None = None,
    fail_on_bad_run: bool = True,
    report_to: str | None = None,
    wait: float = WAIT_SECONDS,
) -> dict[str, Any] | State[Any]:
    """Bring the runs at `paths` into the warehouse.

    A run that cannot be read is recorded in the warehouse with the reason, and the others are
    loaded. Then the flow's run ends as Failed, naming the bad runs, so that they are seen in a
    schedule; with `fail_on_bad_run` false, for folders known to hold bad ones, as Completed. It
    ends as Failed at once where the warehouse cannot be written; each batch is then in whole or
    not at all. One flow at a time loads into a warehouse (`flows.limits`). A Markdown artifact,
    `ingest`, sums up what was done.

    Args:
        paths: directories, archives, traces or captures, or folders of such.
        warehouse: the DuckDB file; made where it is missing.
        replace: load again what is there already.
        workers: how many runs to read side by side; one a cpu where not given.
        readers: `bt2` to read traces with it, `pyshark` to read captures with it; the native
            readers where not given.
        machine: the runs' machine, whatever they say.
        role: the runs' role, such as server or client, whatever they say.
        experiment: the runs' experiment, whatever they say.
        fail_on_bad_run: whether a run that cannot be read makes the flow's run Failed.
        report_to: an HTML file: then the flow `report` compares all runs of the warehouse and
            writes it; where that fails, so does this flow.
        wait: how many seconds to wait for a warehouse that another process has open.

    Returns:
        Counts of runs `loaded`, `failed` and `skipped`, of `events` and `packets`; `seconds`; and
        `failures`, a list of `name` and `reason`.

    """
    identity = Identity(machine=machine, role=role, experiment=experiment)
    try:
        trace_reader, capture_reader = inputs.asked_for(readers or ())
        options = Options(
            replace=replace,
            wait=wait,
            identity=identity,
            workers=workers or inputs.cores(),
            trace_reader=trace_reader,
            capture_reader=capture_reader,
        )
        place, found = Path(warehouse), [Path(path) for path in paths]
        with loading(place):
            summary = pipeline.ingest(found, place, options, LogWatcher(), TaskSteps())
    except TcpdwError as error:
        return Failed(message=markdown.shortened(str(error)))
    create_markdown_artifact(
        ingest_report.markdown(summary, warehouse), key=ARTIFACT, description="What an ingest did."
    )
    written = None if report_to is None else _written(warehouse, report_to)
    if summary.failed and fail_on_bad_run:
        return Failed(message=_failure_message(summary))
    if written is not None and not written.is_completed():
        return Failed(message=f"no report was written: {written.message}")
    return {
        "loaded": len(summary.loaded),
        "failed": len(summary.failed),
        "skipped": summary.skipped,
        "events": summary.events,
        "packets": summary.packets,
        "seconds": round(summary.seconds, 3),
        "failures": [
            {"name": markdown.shortened(run.name), "reason": ingest_report.reason(run)}
            for run in summary.failed
        ],
    }


class _Pending:
    """The reading of a source, as a task's run."""

    def __init__(self, future: PrefectConcurrentFuture[Held[tuple[RunData, ...]]]) -> None:
        self._future = future

    def result(self) -> tuple[RunData, ...]:
        """Wait for the runs, or raise what made the task fail."""
        return self._future.result().take()


class TaskSteps(Steps):
    """Does each step of an ingest as a task."""

    def discover(self, paths: Iterable[Path], known: Mapping[str, int], options: Options) -> Plan:
        """Find what there is to do, as a task."""
        return discover(Held(lambda: pipeline.plan(paths, known, options))).take()

    @contextmanager
    def reading(self, workers: int) -> Generator[Callable[[Job], _Pending]]:
        """Give what starts a job as a task, in one of `workers` threads."""
        # A runner of its own, not the flow's: it must have ended before the readers and their
        # folder go, and the number of workers is a parameter.
        runner: ThreadPoolTaskRunner[Any] = ThreadPoolTaskRunner(max_workers=workers)
        with runner:
            yield lambda job: _Pending(
                runner.submit(read, {"name": _task_name(job.source.name), "job": job})
            )

    def load(self, warehouse: Warehouse, batch: Sequence[RunData]) -> Sequence[LoadedRun]:
        """Load a batch as a task, in this thread: one writes."""
        return load(len(batch), Held(batch), warehouse).take() if batch else ()


class LogWatcher(Watcher):
    """Writes how an ingest goes on into the log of the flow's run."""

    def __init__(self) -> None:
        self._log = get_run_logger()

    def waiting(self, error: WarehouseBusyError, seconds: float) -> None:
        """Log what is waited for."""
        self._log.warning("waiting up to %.0f s: %s", seconds, markdown.shortened(str(error)))

    def upgrading(self, text: str) -> None:
        """Log that the warehouse is brought up to date."""
        self._log.warning("%s", markdown.shortened(text))

    def planned(self, plan: Plan) -> None:
        """Log what there is to do."""
        if (reason := inputs.missing_native()) is not None:
            self._log.warning("%s", reason)
        self._log.info("%d to read, %d in the warehouse already", len(plan.todo), len(plan.skipped))

    def loaded(self, batch: Sequence[LoadedRun]) -> None:
        """Log what became of each run, a line each."""
        for run in batch:
            level = logging.WARNING if run.warnings else logging.INFO
            level = logging.ERROR if run.status == "failed" else level
            words = run_log.words(run_log.run_fields(run))
            self._log.log(level, "run %s", markdown.shortened(words))


def _written(warehouse: str, path: str) -> State[Any]:
    from flows.report import report

    return report(warehouse, path, return_state=True)


def _task_name(name: str) -> str:
    return markdown.shortened(name)[:_NAME_CHARACTERS]


def _failure_message(summary: IngestSummary) -> str:
    failed = summary.failed
    total = len(failed) + len(summary.loaded)
    named = [
        f"{_task_name(run.name)}: {ingest_report.reason(run)}" for run in failed[:_NAMED_FAILURES]
    ]
    if len(failed) > _NAMED_FAILURES:
        named.append(f"and {len(failed) - _NAMED_FAILURES} more")
    return f"{len(failed)} of {total} runs failed: " + "; ".join(named)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or serve the flow from the command line; gives the exit status, as `tcpdw ingest` does.

    That is 0; 1 where a run failed or the warehouse cannot be written; 2 for wrong usage.
    """

    def work() -> int:
        given = _parser().parse_args(arguments)
        parameters = _parameters(given)
        if given.serve is None:
            state = ingest(**parameters, return_state=True)
            return 0 if state.is_completed() else 1
        _serve(given.serve, parameters)
        return 0

    return ended("flows.ingest", work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.ingest", description="Bring runs into the warehouse by Prefect."
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", help="runs, or folders of runs")
    parser.add_argument("--warehouse", metavar="FILE", default=os.environ.get("TCPDW_WAREHOUSE"))
    parser.add_argument("--replace", action="store_true", help="load again what is there already")
    parser.add_argument("--workers", metavar="N", type=int, help="read so many side by side")
    parser.add_argument(
        "--reader",
        dest="readers",
        action="append",
        choices=inputs.READERS,
        help="read traces with bt2, captures with pyshark",
    )
    parser.add_argument("--machine", help="the machine, whatever the runs say")
    parser.add_argument("--role", help="such as server or client")
    parser.add_argument("--experiment", help="the experiment's name")
    parser.add_argument(
        "--tolerate", action="store_true", help="do not fail for runs that cannot be read"
    )
    parser.add_argument(
        "--report", metavar="FILE", help="then compare the runs, and write this HTML file"
    )
    parser.add_argument(
        "--wait", metavar="SECONDS", type=float, default=WAIT_SECONDS, help="for a warehouse in use"
    )
    parser.add_argument(
        "--serve", metavar="CRON", help='do so at these times until stopped: "*/15 * * * *"'
    )
    return parser


def _parameters(given: argparse.Namespace) -> dict[str, Any]:
    if not given.warehouse:
        raise UsageError("no warehouse was given", hint="add --warehouse FILE")
    if given.workers is not None and given.workers < 1:
        raise UsageError("--workers takes a number from 1 on")
    reports = [] if given.report is None else [given.report]
    places = [given.warehouse, *given.paths, *reports]
    for place in places:
        if not place.isprintable():
            raise UsageError(
                "Prefect takes no name with control characters or in another encoding than UTF-8",
                path=place,
                hint="give the folder that holds it",
            )
    # A served flow runs in a process, and maybe a directory, of its own.
    warehouse, *paths = (str(Path(place).absolute()) for place in (given.warehouse, *given.paths))
    return {
        "paths": paths,
        "warehouse": warehouse,
        "replace": given.replace,
        "workers": given.workers,
        "readers": given.readers,
        "machine": given.machine,
        "role": given.role,
        "experiment": given.experiment,
        "fail_on_bad_run": not given.tolerate,
        "report_to": None if given.report is None else str(Path(given.report).absolute()),
        "wait": given.wait,
    }


def _serve(cron: str, parameters: dict[str, Any]) -> None:
    if get_current_settings().api.url is None:
        raise UsageError(
            "a schedule needs a Prefect server",
            hint="start one with `prefect server start`, and set PREFECT_API_URL to its address",
        )
    try:
        schedule = Cron(cron)
    except ValueError as error:
        raise UsageError(
            f"{cron!r} is no cron expression", hint='an example is "*/15 * * * *"'
        ) from error
    # One at a time: a warehouse has one writer.
    ingest.serve(name="ingest", schedule=schedule, parameters=parameters, limit=1)


if __name__ == "__main__":
    sys.exit(main())
