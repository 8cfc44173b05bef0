"""A comparison as rows for programs: all durations in ns."""

from __future__ import annotations

from tcpdw.compare.model import Change, Comparison, Delta, Exemplar, Group, Part
from tcpdw.compare.words import name
from tcpdw.output import Result


def rows(comparison: Comparison, *, with_examples: bool = False) -> Result:
    """Give one row for each metric and group.

    A group beside the base has `pNN_diff` (ns) and `pNN_rel` (a fraction of the base's), each with
    `_low` and `_high`, `pNN_shown`, `p` and `p_corrected`; the base has NULL there.
    """
    columns = ["metric", *comparison.by, "group", "base", "runs", "intervals", "uncertain"]
    for q in comparison.qs:
        columns += [name(q) + ending for ending in ("", "_low", "_high")]
    columns.append("max")
    for q in comparison.qs:
        columns += [
            f"{name(q)}_{kind}{ending}"
            for kind in ("diff", "rel")
            for ending in ("", "_low", "_high")
        ]
        columns.append(f"{name(q)}_shown")
    columns += ["p", "p_corrected"]
    if with_examples:
        for what in (*(name(q) for q in comparison.qs), "max"):
            columns += [f"{what}_run_id", f"{what}_run", f"{what}_ts"]
    found: list[list[object]] = []
    for one in comparison.metrics:
        deltas = {delta.group: delta for delta in one.deltas}
        for group in one.groups:
            row: list[object] = [one.metric, *(group.by if comparison.by else ())]
            row += [group.label, comparison.base, *_numbers(group)]
            row += _differences(deltas.get(group.label), len(comparison.qs))
            if with_examples:
                for quantile in group.quantiles:
                    row += _example(quantile.exemplar)
                row += _example(group.longest_exemplar)
            found.append(row)
    return Result(tuple(columns), found)


def _numbers(group: Group) -> list[object]:
    found: list[object] = [group.runs, group.intervals, group.uncertain]
    for quantile in group.quantiles:
        found += [quantile.value, quantile.low, quantile.high]
    return [*found, group.longest]


def _differences(delta: Delta | None, count: int) -> list[object]:
    if delta is None:
        return [None] * (7 * count + 2)
    found: list[object] = []
    for change in delta.changes:
        found += _change(change)
    return [*found, delta.p, delta.p_corrected]


def _change(change: Change) -> list[object]:
    found: list[object] = []
    for estimate in (change.absolute, change.relative):
        found += [estimate.value, estimate.low, estimate.high] if estimate else [None] * 3
    return [*found, change.shown]


def _example(exemplar: Exemplar | None) -> list[object]:
    return [None] * 3 if exemplar is None else [exemplar.run_id, exemplar.run, exemplar.ts]


def stage_rows(comparison: Comparison) -> Result:
    """Give one row for each part of each split: its means and the difference, ns.

    `part` is `stage`, `rest` (what no stage explains), `beyond` (what the quantiles differ by
    besides), `quantile` (the whole difference, which the three above sum to) or `later`.
    """
    columns = ("metric", "quantile", "base", "group", "shown", "part", "stage", "base_mean")
    columns += ("group_mean", "diff", "diff_low", "diff_high")
    found: list[list[object]] = []
    for one in comparison.metrics:
        for split in one.splits:
            first: list[object] = [one.metric, name(split.q), split.base, split.group, split.shown]
            for part in split.parts:
                kind = "rest" if part.stage is None else "stage"
                found.append([*first, kind, part.stage, *_part(part)])
            for kind, value in (("beyond", split.beyond), ("quantile", split.difference)):
                found.append([*first, kind, None, None, None, value, None, None])
            found += [[*first, "later", part.stage, *_part(part)] for part in split.later]
    return Result(columns, found)


def _part(part: Part) -> list[object]:
    estimate = part.difference
    return [part.base, part.new, estimate.value, estimate.low, estimate.high]
