"""`tcpdw steps`: the story of a run, step by step."""

from __future__ import annotations

import click

from tcpdw.cli import shared


@click.command()
@shared.with_warehouse
@shared.with_output
@click.option(
    "--connection",
    "number",
    metavar="N",
    type=click.IntRange(min=1),
    help="Which connection of several: `connections.connection_id`.",
)
@click.argument("run")
def steps(run: str, number: int | None) -> None:
    """Tell what happened in a run, step by step, with the packets in between.

    RUN is a run's name or number. Times are in ms: from the first step, and after the step before.
    Arrows point from the client to the server or back; sequence numbers count from 0. A step that
    did not come as expected says so. Formats other than table give every connection's steps.
    """
    from tcpdw import availability, catalog, query, story
    from tcpdw.output import print_line

    with query.opened(shared.warehouse_path()) as connection:
        named = availability.run_named(connection, run)
        availability.require(connection, catalog.load().by_name["experiment_steps"], named)
        known = story.connections(connection, named.run_id)
        one = story.chosen(known, number)
        if not shared.is_for_people():
            shared.show(story.steps(connection, named.run_id, number))
            return
        if one is None:
            shared.say(f"run {named.name} shows no TCP connection that this host held")
            return
        parts = story.stories(story.steps(connection, named.run_id, one.number), one)
    for place, (role, table) in enumerate(parts):
        if place:
            print_line()
        shared.heading(f"{named.name}, {role}: {one.client} --> {one.server}")
        shared.show(table)
    if len(known) > 1:
        print_line()
        shared.paragraph(
            f"connection {one.number} of {len(known)}; --connection N shows another, "
            f"{known[0].number} to {known[-1].number}"
        )
