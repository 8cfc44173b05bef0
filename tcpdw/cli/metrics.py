"""`tcpdw metrics`: what each metric means, and which runs can support it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tcpdw.cli import shared

if TYPE_CHECKING:
    import duckdb

    from tcpdw.availability import RunName
    from tcpdw.output import Result
    from tcpdw.sql_object import SqlObject


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option("--run", metavar="RUN", help="A run's name or run_id: what that run can support.")
@click.argument("name", required=False)
def metrics(name: str | None, run: str | None) -> None:
    """List the metrics and how many runs can support each, or document one of them.

    Fails where `--run` is given and its trace lacks events that the metric needs, and names them.
    """
    from tcpdw import availability, query, summary

    metric = None if name is None else summary.metric_named(name)
    path = shared.warehouse_path()
    if run is None and shared.given_warehouse() is None and not path.exists():
        # What metrics mean needs no warehouse.
        _list(None) if metric is None else _document(None, metric, None)
        return
    with query.opened(path) as connection:
        one = None if run is None else availability.run_named(connection, run)
        if metric is None and one is None:
            _list(connection)
        elif metric is None and one is not None:
            _list_for_run(connection, one)
        elif metric is not None:
            if one is not None:
                availability.require(connection, metric, one)
            _document(connection, metric, one)


def _list(connection: duckdb.DuckDBPyConnection | None) -> None:
    from tcpdw import availability, browse, catalog
    from tcpdw.output import Result

    every = catalog.load().metrics
    is_table = shared.chosen_format() == "table"
    docs = [browse.one_line(metric) if is_table else metric.doc for metric in every]
    if connection is None:
        rows = [(metric.name, doc) for metric, doc in zip(every, docs, strict=True)]
        shared.show(Result(("metric", "meaning"), rows))
        return
    total = len(availability.loaded_runs(connection))
    able = availability.supporting(every, availability.classes_of_runs(connection, every))
    shared.show(
        Result(
            ("metric", "runs", "of", "meaning"),
            [
                (metric.name, len(able[metric.name]), total, doc)
                for metric, doc in zip(every, docs, strict=True)
            ],
        )
    )


def _list_for_run(connection: duckdb.DuckDBPyConnection, run: RunName) -> None:
    from tcpdw import availability, catalog
    from tcpdw.output import Result

    every = catalog.load().metrics
    classes = availability.classes_of_runs(connection, every).get(run.run_id, set())
    rows: list[tuple[object, ...]] = []
    for metric in every:
        lacks = availability.missing(metric, classes)
        missing = ", ".join(" or ".join(group) for group in lacks)
        rows.append((metric.name, "no" if lacks else "yes", missing))
    shared.show(Result(("metric", "supported", "missing"), rows))


def _document(
    connection: duckdb.DuckDBPyConnection | None, metric: SqlObject, run: RunName | None
) -> None:
    from tcpdw import availability, summary
    from tcpdw.output import Result, print_line

    counts: list[tuple[str, int]] = []
    if connection is not None:
        runs = [run.run_id] if run else availability.loaded_runs(connection)
        counts = _counts(connection, metric, runs)
        counts += summary.left_out(connection, metric.name, runs)
    if shared.chosen_format() != "table" or shared.output_path() is not None:
        shared.show(_record(metric, counts, has_counts=connection is not None))
        return
    shared.heading(metric.name)
    shared.paragraph(metric.doc)
    print_line()
    shared.paragraph(f"from: {metric.keys.get('from', '')}", "  ")
    shared.paragraph(f"to: {metric.keys.get('to', '')}", "  ")
    needs = ", ".join(" or ".join(group) for group in metric.requires)
    shared.paragraph(f"requires: {needs}", "  ")
    if metric.stages:
        shared.paragraph(f"stages: {', '.join(metric.stages)}", "  ")
    print_line()
    shared.show(Result(("column", "meaning"), [(c.name, c.doc) for c in metric.columns]))
    if connection is not None:
        print_line()
        shared.heading(f"in run {run.name}" if run else "in all runs")
        shared.show(Result(("what", "n"), counts))
    for what, doc in _left_out_docs(metric):
        shared.paragraph(f"{what}: {doc}")


def _counts(
    connection: duckdb.DuckDBPyConnection, metric: SqlObject, runs: list[int]
) -> list[tuple[str, int]]:
    from tcpdw import summary

    groups = summary.summarize(connection, metric, (), runs)
    intervals = sum(group.intervals for group in groups)
    return [("intervals", intervals), ("uncertain", sum(group.uncertain for group in groups))]


def _left_out_docs(metric: SqlObject) -> list[tuple[str, str]]:
    from tcpdw import catalog

    view = catalog.load().left_out(metric)
    if view is None:
        return []
    return [("left out", f"{column.doc}") for column in view.columns if column.name == "reason"]


def _record(metric: SqlObject, counts: list[tuple[str, int]], *, has_counts: bool) -> Result:
    from tcpdw.output import Result

    values: dict[str, object] = {
        "metric": metric.name,
        "meaning": metric.doc,
        "from": metric.keys.get("from", ""),
        "to": metric.keys.get("to", ""),
        "requires": [list(group) for group in metric.requires],
        "stages": list(metric.stages),
        "columns": [{"column": c.name, "meaning": c.doc} for c in metric.columns],
    }
    if has_counts:
        values["counts"] = [{"what": what, "n": n} for what, n in counts]
    return Result(tuple(values), [tuple(values.values())])
