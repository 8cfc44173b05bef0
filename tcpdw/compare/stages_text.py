"""Why a metric differs, as lines for people: a table for each quantile, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tcpdw.compare.model import MetricComparison, Part, Split
from tcpdw.compare.words import UNKNOWN, Paint, name
from tcpdw.output import clean, width
from tcpdw.summary import digits, fitting

NO_STAGE = "not shown by the trace"
WHOLE = "the interval itself"
BEYOND = "beyond these means"
LEGEND = (
    "Stages: the means among the intervals whose rank is near the quantile, which sum to the mean "
    f"length there; {BEYOND!r} is what the quantiles differ by besides."
)


def lines(one: MetricComparison, paint: Paint) -> Iterator[str]:
    """Give a metric's splits, a table each, between empty lines."""
    for split in one.splits:
        yield ""
        yield from _table(one, split, paint)
        yield f"  {sentence(split)}"


def sentence(split: Split) -> str:
    """Say in a sentence which stage makes the difference."""
    group, base, q = clean(split.group), clean(split.base), name(split.q)
    unit, length = fitting([round(split.difference)])
    whole = digits(abs(round(split.difference)), length)
    sign = 1 if split.difference >= 0 else -1
    part = max(split.parts, key=lambda part: sign * part.difference.value)
    share = f"{digits(round(sign * part.difference.value), length)} {unit}"
    within = len(split.parts) > 1
    if not split.shown:
        least = f"; the most of what there is lies in {_named(part, split)} ({_signed(part)})"
        return f"no difference is shown at {q}{least if within and split.difference else ''}"
    what = "slower" if sign > 0 else "faster"
    told = f"{group} is {whole} {unit} {what} than {base} at {q}"
    if not within:
        return f"{told}: its stages lie after its end and are no part of it"
    if sign * part.difference.value <= 0:
        return f"{told}, which no stage shows"
    return f"{told}: {share} of it in {_named(part, split)}"


def _signed(part: Part) -> str:
    unit, length = fitting([round(part.difference.value)])
    return f"{_plus(part.difference.value, length)} {unit}"


def _named(part: Part, split: Split) -> str:
    if part.stage is not None:
        return part.stage
    return NO_STAGE if len(split.parts) > 1 else WHOLE


def _table(one: MetricComparison, split: Split, paint: Paint) -> Iterator[str]:
    groups = {group.label: group for group in one.groups}
    old, new = (
        next(quantile.value for quantile in groups[label].quantiles if quantile.q == split.q) or 0
        for label in (split.base, split.group)
    )
    unit, length = fitting([old, new])
    base, group = clean(split.base), clean(split.group)
    rows: list[tuple[str, str, str, str]] = [
        (f"{name(split.q)} of {one.metric}, {unit}", base, group, "difference")
    ]
    for part in split.parts:
        if part.stage is None and len(split.parts) > 1 and not (part.base or part.new):
            continue
        ends = [
            UNKNOWN if end is None else _plus(end, length)
            for end in (part.difference.low, part.difference.high)
        ]
        rows.append(
            (*_means(part, split, length), f"{_difference(part, length)} [{', '.join(ends)}]")
        )
    rows.append((BEYOND, "", "", _plus(split.beyond, length)))
    rows.append(
        (name(split.q), digits(old, length), digits(new, length), _plus(split.difference, length))
    )
    later = [(*_means(part, split, length), _difference(part, length)) for part in split.later]
    if later:
        rows.append(("after its end, no part of it:", "", "", ""))
    for row in _aligned([*rows, *later], paint):
        yield f"  {row}"


def _means(part: Part, split: Split, length: int) -> tuple[str, str, str]:
    return (
        _named(part, split),
        digits(round(part.base), length),
        digits(round(part.new), length),
    )


def _difference(part: Part, length: int) -> str:
    return _plus(part.difference.value, length)


def _plus(value: float, length: int) -> str:
    text = digits(round(value), length)
    return text if text.startswith("-") else f"+{text}"


def _aligned(rows: Sequence[Sequence[str]], paint: Paint) -> Iterator[str]:
    sizes = [max(width(row[i]) for row in rows) for i in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0] + " " * (sizes[0] - width(row[0]))]
        cells += [" " * (sizes[i] - width(row[i])) + row[i] for i in (1, 2)]
        line = "  ".join([*cells, row[3]]).rstrip()
        yield line if number else paint(line, "faint")
