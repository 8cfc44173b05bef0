"""`tcpdw runs` and `tcpdw tables`: what there is."""

from __future__ import annotations

import click

from tcpdw.cli import shared


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option("--where", metavar="COND", help="An SQL condition on the columns of `runs`.")
def runs(where: str | None) -> None:
    """List the runs; `--where "machine = 'osprey'"` some of them."""
    from tcpdw import browse, query

    for_people = shared.chosen_format() == "table"
    with query.opened(shared.warehouse_path()) as connection:
        found = query.run_ids(connection, where)
        shared.show(browse.runs(connection, found, for_people=for_people))


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option("--all", "with_all", is_flag=True, help="Also event classes that have no words.")
@click.argument("name", required=False)
def tables(name: str | None, with_all: bool) -> None:
    """List the tables and views, or show the columns of one, each with its meaning."""
    from tcpdw import browse, query
    from tcpdw.output import Result, print_line

    for_people = shared.chosen_format() == "table"
    with query.opened(shared.warehouse_path()) as connection:
        if name is not None:
            item = browse.described(connection, name)
            if shared.is_for_people():
                shared.heading(f"{item.name} ({item.kind})")
                if item.doc:
                    shared.paragraph(item.doc)
                print_line()
            shared.show(Result(("column", "type", "meaning"), item.columns))
            return
        objects = browse.objects(connection)
        shown = [item for item in objects if with_all or item.doc is not None]
        rows = [
            (item.name, item.kind, browse.first_sentence(item.doc) if for_people else item.doc)
            for item in shown
        ]
        shared.show(Result(("name", "kind", "meaning"), rows))
        if shared.is_for_people() and len(shown) < len(objects):
            print_line(f"\nand {len(objects) - len(shown)} event classes: tcpdw tables --all")
