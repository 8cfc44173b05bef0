"""`tcpdw upgrade`: a warehouse that an earlier tcpdw made."""

from __future__ import annotations

import click

from tcpdw.cli import shared


@click.command()
@shared.with_warehouse
def upgrade() -> None:
    """Bring a warehouse that an earlier tcpdw made up to date.

    What was read stays, all else is computed anew, in one transaction: stopped at any moment, the
    warehouse is as it was. A copy is put beside it first, FILE.v<layout>.backup, which may be
    deleted afterwards; where only views are of another tcpdw, they alone are made anew, without
    one. `tcpdw ingest` does the same where it finds an older warehouse.
    """
    from tcpdw import warehouse_upgrade
    from tcpdw.output import clean, print_line

    path = shared.warehouse_path()
    done = warehouse_upgrade.upgrade(path, shared.say)
    if done is None:
        print_line(f"{clean(str(path))} is up to date")
        return
    if done.backup is None:
        print_line(f"{clean(str(path))}: the views are today's; its rows were")
        return
    print_line(
        f"{clean(str(path))}: {done.runs:,} runs brought up to date; "
        f"as it was it is in {clean(str(done.backup))}"
    )
