"""The flow that compares the machines in a warehouse and writes the report.

Without knowing Prefect::

    python -m flows.report --warehouse FILE [--out report.html] [--by machine] [--runs COND]

It needs no server: with none configured, Prefect starts a temporary one, which takes some 20 s.
With one, the comparison stays to be looked at as the Markdown artifact `report`. The ingest does
the same after it has loaded with `python -m flows.ingest ... --report report.html`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows import comparison_report
from flows.command import ended
from flows.held import Held
from flows.markdown import escaped, shortened
from tcpdw import query
from tcpdw.compare import Comparison
from tcpdw.errors import TcpdwError, UsageError
from tcpdw.report import page
from tcpdw.report import report as pages
from tcpdw.report.report import Basis

ARTIFACT = "report"
"""The key of the Markdown artifact."""


@task(cache_policy=NO_CACHE, persist_result=False)
def compare(warehouse: str, by: Sequence[str], base: str | None, runs: str | None) -> Held[Basis]:
    """Choose the runs and compare them."""
    with query.opened(Path(warehouse)) as connection:
        return Held(pages.basis(connection, by=by, base=base, runs=runs))


@task(cache_policy=NO_CACHE, persist_result=False)
def write(warehouse: str, out: str, held: Held[Basis]) -> int:
    """Write the page, in whole or not at all, and give its size in bytes."""
    path = Path(warehouse)
    with query.opened(path) as connection:
        html = pages.report(connection, name=path.name, on=held.take())
    page.write(Path(out), html)
    return len(html.encode())


@flow(name="report", persist_result=False)
def report(
    warehouse: str,
    out: str = "report.html",
    by: list[str] | None = None,
    base: str | None = None,
    runs: str | None = None,
) -> dict[str, Any] | State[Any]:
    """Compare the groups of runs in a warehouse and write the report, one HTML file.

    The comparison is the report's own: by machine, over the experiment that most machines share,
    servers and clients apart, unless `by` and `runs` say otherwise. The flow's run ends as Failed
    where the warehouse cannot be read, a name is unknown or the file cannot be written. A Markdown
    artifact, `report`, has the comparison as tables and tells where the file is.

    Args:
        warehouse: the DuckDB file.
        out: the HTML file; its folder must be there.
        by: columns of `runs` to group by, or ranges such as `repetition:1-4,5-8`.
        base: the group that the others are compared with; the first where not given.
        runs: an SQL condition on `runs`: only these.

    Returns:
        `report`, the file's path, and its `bytes`; and `differences`, those that the runs show: a
        list of `role`, `metric`, `group`, `base`, `quantile`, `ns`, `relative`, and `p`.

    """
    log = get_run_logger()
    place = str(Path(out).absolute())
    try:
        found = compare(warehouse, by or [], base, runs).take()
        size = write(warehouse, place, Held(found))
    except TcpdwError as error:
        return Failed(message=shortened(str(error)))
    create_markdown_artifact(
        markdown(found, warehouse, place), key=ARTIFACT, description="How the runs compare."
    )
    differences = shown(found)
    log.info("%d differences are shown; the report is %s", len(differences), shortened(place))
    return {"report": place, "bytes": size, "differences": differences}


def markdown(found: Basis, warehouse: str, place: str) -> str:
    """Write up comparisons, with where the page is."""
    lines = [f"# Comparison of {escaped(warehouse)}", "", f"Report: {escaped(place)}"]
    for role, comparison in _by_role(found):
        lines += ["", f"## {escaped(role or 'All runs')}", ""]
        lines += comparison_report.markdown(comparison)
    return "\n".join(lines) + "\n"


def shown(found: Basis) -> list[dict[str, Any]]:
    """List the differences that the runs show, for programs: durations in ns."""
    return [
        {
            "role": role,
            "metric": one.metric,
            "group": shortened(delta.group),
            "base": shortened(delta.base),
            "quantile": change.q,
            "ns": change.absolute.value,
            "relative": None if change.relative is None else change.relative.value,
            "p": delta.p_corrected,
        }
        for role, comparison in _by_role(found)
        for one in comparison.metrics
        for delta in one.deltas
        for change in delta.changes
        if change.shown
    ]


def _by_role(found: Basis) -> Iterator[tuple[str | None, Comparison]]:
    return zip((panel.label for panel in found.scope.panels), found.comparisons, strict=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow from the command line; gives 0, 1 where it failed, 2 for wrong usage."""

    def work() -> int:
        state = report(**_parameters(_parser().parse_args(arguments)), return_state=True)
        return 0 if state.is_completed() else 1

    return ended("flows.report", work)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.report", description="Compare the runs and write the report."
    )
    parser.add_argument("--warehouse", metavar="FILE", default=os.environ.get("TCPDW_WAREHOUSE"))
    parser.add_argument("-o", "--out", metavar="FILE", default="report.html")
    parser.add_argument(
        "--by", metavar="COLUMN", action="append", help="group by a column of `runs` (machine)"
    )
    parser.add_argument("--base", metavar="GROUP", help="compare with this group")
    parser.add_argument("--runs", metavar="COND", help="only runs that meet this SQL condition")
    return parser


def _parameters(given: argparse.Namespace) -> dict[str, Any]:
    if not given.warehouse:
        raise UsageError("no warehouse was given", hint="add --warehouse FILE")
    for text in (given.warehouse, given.out, given.base, given.runs, *(given.by or ())):
        if text is not None and not text.isprintable():
            raise UsageError("Prefect takes no text with control characters", path=text)
    return {
        "warehouse": str(Path(given.warehouse).absolute()),
        "out": str(Path(given.out).absolute()),
        "by": given.by,
        "base": given.base,
        "runs": given.runs,
    }


if __name__ == "__main__":
    sys.exit(main())
