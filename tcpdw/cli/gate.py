"""`tcpdw gate`: a comparison as an exit status."""

from __future__ import annotations

import click

from tcpdw.cli import shared

FAILED = 2
"""What went wrong must not look like a verdict: 0, 1 and 3 are those."""


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option(
    "--base",
    metavar="COND",
    required=True,
    help="The runs to compare with: an SQL condition on the columns of `runs`.",
)
@click.option("--new", metavar="COND", required=True, help="The runs to judge.")
@click.option("--runs", metavar="COND", help="Of both, only the runs that meet this condition.")
@click.option(
    "--max-regression",
    metavar="LIMIT",
    required=True,
    help="How much longer the new runs may be: 5%, or a duration such as 200us.",
)
@click.option(
    "--quantile",
    metavar="pNN",
    default="p50",
    show_default=True,
    help="Which quantile is judged: p50, p90, p99, p99.9, ...",
)
@click.argument("metric")
def gate(
    metric: str, base: str, new: str, runs: str | None, max_regression: str, quantile: str
) -> int:
    """Judge whether a metric got worse than it may, for schedules and CI.

    The exit status is 0 where all of the difference's 95 % interval lies within the limit, 1 where
    all of it lies beyond, and 3 where it lies on both sides or has no end: the runs cannot tell.
    Any error gives 2 (Ctrl-C: 130). The run is the unit, as in `tcpdw compare`.
    """
    from tcpdw import query
    from tcpdw.compare import gate as gates
    from tcpdw.compare.grouping import Between

    limit, q = gates.limit(max_regression), gates.quantile(quantile)
    with query.opened(shared.warehouse_path()) as connection:
        judged = gates.judge(connection, metric, Between(base, new), limit, q=q, runs=runs)
    if shared.is_for_people():
        for line in gates.lines(judged):
            shared.paragraph(line)
        for warning in judged.warnings:
            shared.paragraph(f"warning: {warning}")
    else:
        shared.show(gates.rows(judged))
    return judged.verdict.value
