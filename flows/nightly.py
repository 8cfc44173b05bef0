"""The flow of every night: take in, compare with the week before, report, gate.

`tcpdw serve` runs it, now or on a schedule (`flows.serve`).
"""

from __future__ import annotations

from collections.abc import Sequence
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
from flows.ingest import LogWatcher, TaskSteps
from flows.limits import loading
from flows.markdown import shortened
from flows.nightly_text import Night
from tcpdw import inputs, periods, query
from tcpdw.compare import Comparison
from tcpdw.compare.gate import Verdict
from tcpdw.errors import TcpdwError
from tcpdw.inbox import SETTLE_SECONDS, take_in
from tcpdw.periods import DAYS, Gate, Judged, Machine, Periods
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
    until: datetime | None = None,
) -> State[Any]:
    """Ingest what lies whole in the inbox, compare the last days with those before, report, gate.

    One such flow at a time loads into a warehouse. A Markdown artifact, `nightly`, has the ingest,
    the comparison, the verdicts and the path of the report. The flow's run ends as Failed, with the
    words why, where runs could not be taken in or a gate says regression; that the runs cannot tell
    is said, and fails nothing.

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
                Options(workers=workers or inputs.cores()),
                LogWatcher(),
                TaskSteps(),
                settle=settle,
            )
            refresh(place)
        for name in turn.copied:
            log.info("still being copied in: %s", shortened(name))
        night = Night(turn, spans, (), (), None)
        if place.exists():
            compared = compare(place, spans, runs)
            judged = gate(place, spans, [machine for machine, _ in compared], limits)
            report = None
            if out is not None and compared:
                report = write_report(place, spans, runs, out)
            night = Night(turn, spans, compared, judged, report)
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
    """Bring the views of the warehouse, if it is there, up to date with this tcpdw."""
    if warehouse.exists():
        with Warehouse(warehouse):
            pass


@task(cache_policy=NO_CACHE, persist_result=False)
def compare(
    warehouse: Path, spans: Periods, runs: str | None
) -> list[tuple[Machine, Comparison | None]]:
    """Compare the periods of every machine."""
    with query.opened(warehouse) as connection:
        return [
            (machine, periods.compared(connection, spans, machine))
            for machine in periods.machines(connection, spans, runs)
        ]


@task(cache_policy=NO_CACHE, persist_result=False)
def gate(
    warehouse: Path, spans: Periods, machines: Sequence[Machine], gates: Sequence[Gate]
) -> list[Judged]:
    """Judge every machine by every gate."""
    if not machines:
        reason = f"no run in the last {2 * spans.days} days"
        return [Judged("all machines", one, Verdict.UNKNOWN, reason) for one in gates]
    with query.opened(warehouse) as connection:
        return [
            judged
            for machine in machines
            for judged in periods.judged(connection, spans, machine, gates)
        ]


@task(cache_policy=NO_CACHE, persist_result=False)
def write_report(
    warehouse: Path,
    spans: Periods,
    runs: str | None,
    out: str,
) -> str:
    """Write the report on the runs of both periods into `out`, and give its path."""
    from tcpdw.report import page
    from tcpdw.report.report import report

    path = Path(out) / f"report-{spans.until:%Y-%m-%dT%H%MZ}.html"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TcpdwError(
            f"reports cannot be written there: {error.strerror}",
            path=path.parent,
            hint="give another directory",
        ) from error
    chosen = spans.both if runs is None else f"({runs}) AND {spans.both}"
    with query.opened(warehouse) as connection:
        html = report(connection, name=warehouse.name, runs=chosen)
    page.write(path, html)
    return str(path)


def _state(night: Night, *, fail_on_bad_run: bool, fail_on_regression: bool) -> State[Any]:
    bad, worse = nightly_text.bad_runs(night.turn), nightly_text.regressions(night.judged)
    doubt = nightly_text.doubtful(night.judged)
    message = "; ".join(text for text in (bad, worse, doubt) if text is not None)
    if (bad is not None and fail_on_bad_run) or (worse is not None and fail_on_regression):
        return Failed(message=message)
    loaded = f"{len(night.turn.summary.loaded)} runs loaded"
    return Completed(message=f"{loaded}; {message}" if message else loaded)
