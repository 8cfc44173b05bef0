"""`tcpdw report`: one page on what the runs show."""

from __future__ import annotations

from pathlib import Path

import click

from tcpdw.cli import shared


@click.command()
@shared.with_warehouse
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="The file to write.",
)
@click.option(
    "--by",
    metavar="COLUMN",
    multiple=True,
    help="Compare by a column of `runs`: machine, kernel, driver, ...; several with commas; ranges "
    "as repetition:1-4,5-8. (Default: machine.)",
)
@click.option(
    "--base", metavar="GROUP", help="The group that the others are compared with (the first)."
)
@click.option(
    "--runs",
    metavar="COND",
    help="Only runs that meet this SQL condition. (Default: the experiment that most share.)",
)
def report(out: Path, by: tuple[str, ...], base: str | None, runs: str | None) -> None:
    """Write an HTML page that opens offline: what differs, by how much, and where.

    It holds the comparison of every metric with its distributions, the medians of the runs, the
    stages, the slowest intervals, what is left out, and what each metric means. Servers and clients
    are kept apart.
    """
    from tcpdw import query
    from tcpdw.report import page
    from tcpdw.report.report import report as made

    path = shared.warehouse_path()
    with query.opened(path) as connection:
        html = made(connection, name=path.name, by=by, runs=runs, base=base)
    page.write(out, html)
    shared.say(f"wrote {out}, {len(html.encode()) / 1e6:.1f} MB")
