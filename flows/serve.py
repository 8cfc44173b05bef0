"""What `tcpdw serve` becomes: the nightly flow, now, on a schedule, or as a deployment for workers.

    python -m flows.serve JSON

JSON is an object: `parameters` are those of `flows.nightly.nightly`; of `cron`, `timezone`, `name`
and `work_pool`, without `cron` the flow is run once, without `work_pool` it is run here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, cast

from prefect.schedules import Cron, Schedule
from prefect.settings import get_current_settings

from flows.command import ended, said
from flows.markdown import shortened
from flows.nightly import nightly
from tcpdw.errors import UsageError

ENTRYPOINT = "flows/nightly.py:nightly"


def main(text: str) -> int:
    """Do what the JSON says, and give the exit status: 0, 1 for a failure, 2 for wrong usage."""
    asked: dict[str, Any] = json.loads(text)

    def work() -> int:
        if asked["cron"] is None:
            return _once(asked["parameters"])
        _check_server()
        schedule = _schedule(asked["cron"], asked["timezone"])
        if asked["work_pool"] is None:
            _serve(asked, schedule)
        else:
            _deploy(asked, schedule)
        return 0

    return ended("tcpdw", work)


def _once(parameters: dict[str, Any]) -> int:
    state = nightly(**parameters, return_state=True)
    said("tcpdw", f"{state.name}: {shortened(state.message or '')}", 0)
    return 0 if state.is_completed() else 1


def _check_server() -> None:
    if get_current_settings().api.url is None:
        raise UsageError(
            "a schedule needs a Prefect server",
            hint="start one with `prefect server start`, and set PREFECT_API_URL to its address,"
            " http://127.0.0.1:4200/api; or do one turn with --once",
        )


def _schedule(cron: str, timezone: str) -> Schedule:
    try:
        return Cron(cron, timezone)
    except ValueError as error:
        raise UsageError(
            f"{cron!r} in {timezone!r} is no schedule",
            hint='an example is --cron "0 2 * * *" --timezone Europe/Berlin',
        ) from error


def _serve(asked: dict[str, Any], schedule: Schedule) -> None:
    # One at a time: a warehouse has one writer.
    nightly.serve(name=asked["name"], schedule=schedule, parameters=asked["parameters"], limit=1)


def _deploy(asked: dict[str, Any], schedule: Schedule) -> None:
    # A worker of this machine starts the flow from where it lies.
    root = str(Path(__file__).resolve().parent.parent)
    # It is a coroutine only where an event loop runs.
    stored = cast("Any", nightly.from_source(source=root, entrypoint=ENTRYPOINT))
    stored.deploy(
        name=asked["name"],
        work_pool_name=asked["work_pool"],
        schedule=schedule,
        parameters=asked["parameters"],
        ignore_warnings=True,
        print_next_steps=False,
    )
    pool = asked["work_pool"]
    said("tcpdw", f"deployed; `prefect worker start --pool {pool}` runs it", 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
