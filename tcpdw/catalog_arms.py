"""Views that have an arm for every metric, or for every stage of every metric."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tcpdw.sql_object import BODY, SqlObject


def with_arms(item: SqlObject, metrics: Iterable[SqlObject]) -> SqlObject:
    """Give a view with `arms:` its arms: the statement in its file, once for each metric.

    The key names what stands in it for the metric; where it goes on with two more names, the arms
    are for each stage, and those stand for the stage and for the column that says whether it is
    certain. Without an arm to make, the view is as its file has it.
    """
    stand_ins = [name.strip() for name in item.keys["arms"].split(",")]
    create = BODY.search(item.statement)
    assert create is not None
    head, arm = item.statement[: create.end()], item.statement[create.end() :].rstrip().rstrip(";")
    arms: list[str] = []
    for names, source in _names(stand_ins, metrics):
        named = arm
        for stand_in, name in names.items():
            named = re.sub(f"'{re.escape(stand_in)}'", f"'{name}'", named)
        for stand_in, name in {**names, stand_ins[0]: source}.items():
            named = re.sub(rf"\b{re.escape(stand_in)}\b", name, named)
        arms.append(named)
    if not arms:
        return item
    return replace(item, statement=head + "\nUNION ALL".join(arms) + ";")


def _names(
    stand_ins: list[str], metrics: Iterable[SqlObject]
) -> Iterator[tuple[Mapping[str, str], str]]:
    for metric in metrics:
        if len(stand_ins) == 1:
            yield {stand_ins[0]: metric.name}, metric.keys.get("intervals", metric.name)
            continue
        for stage in metric.stages:
            certain = "certain_to_end" if stage in metric.later_stages else "certain"
            yield dict(zip(stand_ins, (metric.name, stage, certain), strict=True)), metric.name
