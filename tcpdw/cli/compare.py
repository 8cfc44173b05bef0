"""`tcpdw compare`: groups of runs beside each other."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

from tcpdw.cli import shared
from tcpdw.errors import UsageError

if TYPE_CHECKING:
    from tcpdw.compare.grouping import Grouping
    from tcpdw.compare.model import Comparison

_COLOURS = {"slower": "red", "faster": "green"}


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option(
    "--by",
    metavar="COLUMN",
    multiple=True,
    help="Group by a column of `runs`: machine, kernel, driver, role, experiment, ...; several "
    "with commas; ranges as repetition:1-4,5-8. (Default: machine.)",
)
@click.option(
    "--base",
    metavar="GROUP|COND",
    help="The group that the others are compared with (default: the first); with --new, an SQL "
    "condition on the columns of `runs`.",
)
@click.option("--new", metavar="COND", help="The condition of the runs to compare with --base.")
@click.option("--runs", metavar="COND", help="Compare only the runs that meet this condition.")
@click.option(
    "--stages",
    is_flag=True,
    help="Split the differences at p50 and p99 over the metric's stages: why it differs.",
)
@click.option("--examples", is_flag=True, help="Name an interval that shows each quantile.")
@click.argument("metrics", metavar="[METRIC...]", nargs=-1)
def compare(
    metrics: tuple[str, ...],
    by: tuple[str, ...],
    base: str | None,
    new: str | None,
    runs: str | None,
    stages: bool,
    examples: bool,
) -> None:
    """Compare metrics between machines, kernels, or any groups of runs.

    Without METRIC: all that the base and another group have. Each group has its p50, p90, p99 and
    max; `vs` gives the relative difference to the base, each with its 95 % interval. A run is the
    unit: the intervals are as wide as the runs differ, the p is of a rank test of the runs'
    medians, corrected for the number of tests. ~ stands where no difference is shown: p is not
    below 0.05, or the interval of the difference holds 0.
    """
    from tcpdw import query

    with query.opened(shared.warehouse_path(), meanwhile=shared.prepare_compare) as connection:
        from tcpdw.compare import compare as compared

        found = compared(
            connection,
            metrics,
            _grouping(by, base, new),
            runs=runs,
            with_stages=stages,
            with_examples=examples,
        )
    from tcpdw.compare.data import rows, stage_rows

    if shared.is_for_people():
        _show(found)
    else:
        shared.show(stage_rows(found) if stages else rows(found, with_examples=examples))
        for warning in found.warnings:
            shared.say(f"warning: {warning}")


def _grouping(by: tuple[str, ...], base: str | None, new: str | None) -> Grouping:
    from tcpdw.compare.grouping import Between, By

    if new is None:
        return By(by or ("machine",), base)
    if by or base is None:
        raise UsageError(
            "--new goes with --base alone",
            hint="as in --base \"machine = 'osprey'\" --new \"machine = 'merlin'\"",
        )
    return Between(base, new)


def _show(comparison: Comparison) -> None:
    from tcpdw.compare import stages_text, text
    from tcpdw.output import print_line

    is_terminal = sys.stdout.isatty()
    columns = shutil.get_terminal_size((100, 24)).columns if is_terminal else None
    for line in text.lines(comparison, columns, _paint):
        print_line(line)
    print_line()
    shared.paragraph(text.legend(comparison))
    if any(one.splits for one in comparison.metrics):
        shared.paragraph(stages_text.LEGEND)
    if examples := list(text.examples(comparison)):
        print_line("examples; `tcpdw steps` tells their runs' stories:")
        for line in examples:
            print_line(line)
    for warning in comparison.warnings:
        shared.paragraph(f"warning: {warning}")


def _paint(text: str, style: str) -> str:
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    if style == "head":
        return click.style(text, bold=True)
    if style == "faint":
        return click.style(text, dim=True)
    return click.style(text, fg=_COLOURS[style])
