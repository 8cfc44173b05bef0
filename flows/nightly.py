"""The flow of every night: take in, compare with the week before, report, gate.

`tcpdw serve` runs it, now or on a schedule (`flows.serve`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows import nightly_text
from flows.held import Held
from flows.ingest import LOAD_RETRY_SECONDS, WAIT_SECONDS, LogWatcher, TaskSteps, can_retry
from flows.limits import loading
from flows.markdown import shortened
from flows.nightly_text import Night
from flows.report import report
from tcpdw import inputs, periods, query
from tcpdw.compare import Comparison
from tcpdw.errors import TcpdwError, WarehouseBusyError
from tcpdw.inbox import SETTLE_SECONDS, take_in
from tcpdw.periods import DAYS, Gate, Judged, Periods, Series
from tcpdw.pipeline import Options
from tcpdw.warehouse import Warehouse

ARTIFACT = "nightly"
"""The key of the Markdown artifact."""


@flow(name="nightly", persist_result=False)
def nightly(
    inbox: str,
    warehouse: str,
    out: str | None = None,
    gates: list[str] | None = None,
    runs: str | None = None,
    days: int = DAYS,
    settle: float = SETTLE_SECONDS,
    workers: int | None = None,
    fail_on_bad_run: bool = True,
    fail_on_regression: bool = True,
    wait: float = WAIT_SECONDS,
    until: datetime | None = None,
) -> State[Any]:
    """Ingest what lies whole in the inbox, compare the last days with those before, report, gate.

    One flow at a time loads into a warehouse. A Markdown artifact, `nightly`, has the ingest, the
    comparison, the verdicts and the path of the report, which the flow `report` writes. The flow's
    run ends as Failed, with the words why, where runs could not be taken in, a gate says
    regression, or no report could be written; that the runs cannot tell is said, and fails nothing.

    Args:
        inbox: the directory that runs are copied into, with `done/` and `failed/` in it.
        warehouse: the DuckDB file; made where it is missing.
        out: the directory that reports are written to; none is where not given.
        gates: how much longer metrics may become, as METRIC:QUANTILE:LIMIT (`syn_to_wake:p50:5%`).
        runs: compare only runs that meet this SQL condition on the columns of `runs`.
        days: how many days make a period.
        settle: seconds that nothing may have changed in a run for it to be whole.
        workers: how many runs to read side by side; one a cpu where not given.
        fail_on_bad_run: whether a run that could not be taken in makes the flow's run Failed.
        fail_on_regression: whether a gate that says regression does.
        wait: how many seconds to wait for a warehouse that another process has open.
        until: the end of the later period; the time that the flow's run was scheduled for where not
            given.

    """
    log = get_run_logger()
    # Prefect's own kind of time does not mix with Python's.
    end = (until or flow_run.get_scheduled_start_time()).timestamp()
    spans = Periods(datetime.fromtimestamp(end, UTC), days)
    place = Path(warehouse)
    try:
        limits = [periods.parse_gate(text) for text in gates or ()]
        with loading(place):
            turn = take_in(
                Path(inbox),
                place,
                Options(workers=workers or inputs.cores(), wait=wait),
                LogWatcher(),
                TaskSteps(),
                settle=settle,
            )
            if not turn.taken:
                refresh(place)
        for name in turn.copied:
            log.info("still being copied in: %s", shortened(name))
        night = Night(turn, spans)
        if place.exists():
            compared = compare(place, spans, runs).take()
            judged = gate(place, spans, [one for one, _ in compared], limits).take()
            night = Night(turn, spans, compared, judged)
            if out is not None and compared:
                path, problem = write_report(warehouse, spans, runs, out)
                night = replace(night, report=path, no_report=problem)
    except TcpdwError as error:
        return Failed(message=shortened(str(error)))
    create_markdown_artifact(
        nightly_text.markdown(night, warehouse),
        key=ARTIFACT,
        description="What a nightly turn did.",
    )
    return _state(night, fail_on_bad_run=fail_on_bad_run, fail_on_regression=fail_on_regression)


@task(cache_policy=NO_CACHE, persist_result=False)
def refresh(warehouse: Path) -> None:
    """Bring the views of the warehouse, if it is there, up to date, as an ingest does."""
    if warehouse.exists():
        # They matter to tomorrow's turn too: whoever has it open now is not to be waited for.
        with suppress(WarehouseBusyError), Warehouse(warehouse):
            pass


@task(
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(LOAD_RETRY_SECONDS),
    retry_delay_seconds=list(LOAD_RETRY_SECONDS),
    retry_condition_fn=can_retry,
)
def compare(
    warehouse: Path, spans: Periods, runs: str | None
) -> Held[Sequence[tuple[Series, Comparison | None]]]:
    """Compare the periods of every series."""
    with query.opened(warehouse) as connection:
        found = [
            (one, periods.compared(connection, spans, one))
            for one in periods.series(connection, spans, runs)
        ]
    return Held(found)


@task(
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=len(LOAD_RETRY_SECONDS),
    retry_delay_seconds=list(LOAD_RETRY_SECONDS),
    retry_condition_fn=can_retry,
)
def gate(
    warehouse: Path, spans: Periods, every: Sequence[Series], gates: Sequence[Gate]
) -> Held[Sequence[Judged]]:
    """Judge every series by every gate."""
    with query.opened(warehouse) as connection:
        return Held(periods.judged(connection, spans, every, gates))


def write_report(
    warehouse: str, spans: Periods, runs: str | None, out: str
) -> tuple[str | None, str | None]:
    """Have the flow `report` write on the runs of both periods; give the path, or what is wrong."""
    path = Path(out) / f"report-{spans.until:%Y-%m-%dT%H%MZ}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return None, f"{shortened(str(path.parent))}: cannot be made: {error.strerror}"
    chosen = spans.both if runs is None else f"({runs}) AND {spans.both}"
    state: State[Any] = report(warehouse, out=str(path), runs=chosen, return_state=True)
    return (str(path), None) if state.is_completed() else (None, state.message)


def _state(night: Night, *, fail_on_bad_run: bool, fail_on_regression: bool) -> State[Any]:
    bad, worse = nightly_text.bad_runs(night.turn), nightly_text.regressions(night.judged)
    doubt = nightly_text.doubtful(night.judged)
    no_report = None
    if night.no_report is not None:
        no_report = f"no report was written: {night.no_report}"
    told = (bad, worse, no_report, doubt)
    message = "; ".join(text for text in told if text is not None)
    is_failed = (bad is not None and fail_on_bad_run) or (worse is not None and fail_on_regression)
    if is_failed or no_report is not None:
        return Failed(message=message)
    loaded = f"{len(night.turn.summary.loaded)} runs loaded"
    return Completed(message=f"{loaded}; {message}" if message else loaded)
