"""`tcpdw summary`: quantiles by machine, kernel, driver and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from tcpdw.cli import shared
from tcpdw.errors import UsageError

if TYPE_CHECKING:
    import duckdb

    from tcpdw.sql_object import SqlObject
    from tcpdw.summary import Group


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option(
    "--by",
    metavar="COLUMN",
    multiple=True,
    help="Group by a column of `runs`: machine, kernel, driver, role, experiment, ... "
    "Several with commas. (Default: machine.)",
)
@click.option("--stages", is_flag=True, help="Also each stage, for the metrics that have them.")
@click.option("--where", metavar="COND", help="An SQL condition on the columns of `runs`.")
@click.argument("metrics", metavar="METRIC...", nargs=-1, required=True)
def summary(metrics: tuple[str, ...], by: tuple[str, ...], stages: bool, where: str | None) -> None:
    """Show runs, intervals, p50, p90, p99 and max of metrics.

    A quantile is the shortest observed interval that at least this share of the group's intervals
    does not exceed. Intervals during which the tracer may have lost events are left out and
    counted as uncertain.
    """
    from tcpdw import query
    from tcpdw import summary as summaries

    found = [summaries.metric_named(name) for name in dict.fromkeys(metrics)]
    names = [name for text in by or ("machine",) for name in text.split(",")]
    with query.opened(shared.warehouse_path()) as connection:
        columns = summaries.by_columns(connection, names)
        runs = query.run_ids(connection, where)
        if not runs:
            what = "there is no run" if where is None else f"no run has {where}"
            raise UsageError(what, hint="`tcpdw runs` lists them")
        tell(connection, found, columns, runs, stages=stages)


def tell(
    connection: duckdb.DuckDBPyConnection,
    metrics: Sequence[SqlObject],
    by: Sequence[str],
    runs: Sequence[int],
    *,
    stages: bool,
) -> None:
    """Show each metric's summary; raise MissingEventsError where no run can support any."""
    from tcpdw import summary as summaries

    every: list[Group] = []
    lacking: list[Exception] = []
    for metric in metrics:
        groups = summaries.summarize(connection, metric, by, runs, with_stages=stages)
        lack = None if groups else _lack(connection, metric, runs)
        if lack is not None:
            lacking.append(lack)
        elif shared.is_for_people():
            _show(connection, metric, groups, by, runs, is_first=not every)
        every += groups
    if len(lacking) == len(metrics):
        raise lacking[0]
    for lack in lacking:
        shared.say(f"note: {lack}")
    if not shared.is_for_people():
        shared.show(summaries.as_data(every, by))


def _lack(
    connection: duckdb.DuckDBPyConnection, metric: SqlObject, runs: Sequence[int]
) -> Exception | None:
    """Give the error that names the missing events, if none of the runs can support the metric."""
    from tcpdw import availability

    classes = availability.classes_of_runs(connection, [metric])
    lacks = [availability.missing(metric, classes.get(run, set())) for run in runs]
    if not all(lacks):
        return None
    whose = "each of these runs" if len(runs) > 1 else "the run"
    fewest = min(lacks, key=len)
    return availability.missing_events(connection, metric.name, whose, runs, fewest)


def _show(
    connection: duckdb.DuckDBPyConnection,
    metric: SqlObject,
    groups: Sequence[Group],
    by: Sequence[str],
    runs: Sequence[int],
    *,
    is_first: bool,
) -> None:
    from tcpdw import summary as summaries
    from tcpdw.output import print_line

    if not is_first:
        print_line()
    shared.heading(f"{metric.name} by {', '.join(by)}")
    if groups:
        shared.show(summaries.as_table(groups, by))
    else:
        print_line("no intervals in these runs")
    counts = summaries.left_out(connection, metric.name, runs)
    uncertain = sum(group.uncertain for group in groups if group.stage is None)
    if uncertain:
        counts = [("uncertain", uncertain), *counts]
    if counts:
        shared.paragraph(
            "left out: " + ", ".join(f"{count:,} {reason}" for reason, count in counts)
        )
