"""What a comparison says, in sentences: the message of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tcpdw.compare import Change, Comparison, Delta, MetricComparison
from tcpdw.compare.words import short
from tcpdw.report.wording import change, changes, count, duration, listed, probability

FEW = 5
"""Groups of fewer runs than these are called few."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One group beside the base: a headline, what it rests on, and which way it points.

    `group` is its label, None where several share the finding; `kind`: `slower`, `faster`, `mixed`,
    `none` (no difference shown).
    """

    group: str | None
    headline: str
    detail: str
    kind: str


def findings(comparison: Comparison) -> list[Finding]:
    """Say of each group in which metrics it differs from the base, by how much, and where.

    Groups of which nothing is shown share one finding, the last.
    """
    groups = dict.fromkeys(delta.group for one in comparison.metrics for delta in one.deltas)
    found = [_finding(comparison, group) for group in groups]
    silent = [one for one in found if one.kind == "none" and not one.detail]
    if len(silent) < 2:
        return found
    names = listed([short(str(one.group)) for one in silent])
    base = short(comparison.base)
    whole = Finding(None, f"No difference from {base} shown in any median: {names}", "", "none")
    return [*(one for one in found if one not in silent), whole]


def _finding(comparison: Comparison, group: str) -> Finding:
    deltas = [
        (one, delta) for one in comparison.metrics for delta in one.deltas if delta.group == group
    ]
    shown = [(one, delta) for one, delta in deltas if delta.changes[0].shown]
    slower = _largest_first([pair for pair in shown if pair[1].changes[0].absolute.value > 0])
    faster = _largest_first([pair for pair in shown if pair[1].changes[0].absolute.value < 0])
    base, name = short(comparison.base), short(group)
    metrics = count(len(deltas), "metric")
    if not shown:
        headline = f"{name}: no difference from {base} shown in the median of {metrics}"
        return Finding(group, headline, _tails(deltas), "none")
    parts: list[str] = []
    for word, pairs in (("longer", slower), ("shorter", faster)):
        if pairs:
            parts.append(f"{word} in {len(pairs)}")
    headline = f"{name}: the median is {listed(parts)} of {metrics}, beside {base}"
    most = (slower or faster)[0] if not (slower and faster) else _largest_first(shown)[0]
    rest = len(deltas) - len(shown)
    detail = _told(most)
    others = [one.metric for one, _ in (*slower, *faster) if one is not most[0]]
    if others:
        detail += f" Also shown: {listed(others)}."
    if rest:
        detail += f" In the other {rest} none is shown."
    kind = "mixed" if slower and faster else "slower" if slower else "faster"
    return Finding(group, headline, detail, kind)


def _largest_first(
    pairs: Sequence[tuple[MetricComparison, Delta]],
) -> list[tuple[MetricComparison, Delta]]:
    return sorted(pairs, key=lambda pair: -_size(pair[1].changes[0]))


def _size(one: Change) -> float:
    """Give how far apart two medians are, the same for twice and for half."""
    relative = 0.0 if one.relative is None else one.relative.value
    return max(1 + relative, 1 / max(1 + relative, 1e-9))


def _told(pair: tuple[MetricComparison, Delta]) -> str:
    metric, delta = pair
    first = delta.changes[0]
    word = "longer" if first.absolute.value > 0 else "shorter"
    text = f"Most in {metric.metric}: p50 {duration(abs(first.absolute.value))} {word}"
    if first.relative is not None:
        interval = changes(first.relative.low, first.relative.high)
        text += f" ({change(first.relative.value)}, 95 % interval {interval}"
        p = delta.p_corrected
        text += ")." if p is None else f"; {probability(p)})."
    else:
        text += "."
    return text + where(metric, delta)


def where(metric: MetricComparison, delta: Delta, q: float = 0.5) -> str:
    """Name the stage that makes most of a difference, where the comparison was split."""
    for split in metric.splits:
        if split.group != delta.group or split.q != q:
            continue
        same = [
            part
            for part in split.parts
            if part.stage is not None and part.difference.value * split.difference > 0
        ]
        if not same:
            return ""
        most = max(same, key=lambda part: abs(part.difference.value))
        text = duration(abs(most.difference.value))
        return f" {text} of it in {most.stage}."
    return ""


def _tails(deltas: Sequence[tuple[MetricComparison, Delta]]) -> str:
    """Tell of differences that only the upper quantiles show."""
    found = [
        f"p{change_.q * 100:g} of {one.metric}"
        for one, delta in deltas
        for change_ in delta.changes[1:]
        if change_.shown
    ]
    return f"But one is shown in the {listed(found)}." if found else ""


def verdict(metric: MetricComparison, delta: Delta) -> tuple[str, str]:
    """Say in a sentence what a metric's comparison with the base shows; and which way it points."""
    shown = [one for one in delta.changes if one.shown]
    if not shown:
        return f"{short(delta.group)}: no difference from {short(delta.base)} shown.", "none"
    parts: list[str] = []
    for one in shown:
        word = "longer" if one.absolute.value > 0 else "shorter"
        size = duration(abs(one.absolute.value))
        relative = "" if one.relative is None else f" ({change(one.relative.value)})"
        parts.append(f"p{one.q * 100:g} {size} {word}{relative}")
    text = f"{short(delta.group)}: {listed(parts)} than {short(delta.base)}."
    kinds = {"slower" if one.absolute.value > 0 else "faster" for one in shown}
    return text + where(metric, delta, shown[0].q), kinds.pop() if len(kinds) == 1 else "mixed"
