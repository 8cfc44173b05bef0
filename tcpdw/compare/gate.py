"""A comparison as a verdict for schedules: whether a metric got worse than it may."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tcpdw.compare.comparing import compare
from tcpdw.compare.grouping import Between
from tcpdw.compare.model import Change, Delta, Group, Warning
from tcpdw.compare.words import UNKNOWN, interval, name, percent
from tcpdw.errors import UsageError
from tcpdw.output import Result
from tcpdw.summary import UNITS, digits, fitting

if TYPE_CHECKING:
    import duckdb

    from tcpdw.stats import Estimate

_LIMIT = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(%|ns|us|µs|ms|s)", re.ASCII)
_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)", re.ASCII)


class Verdict(Enum):
    """What the interval of the difference says of the limit; the value is the exit status."""

    INSIDE = 0
    BEYOND = 1
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Limit:
    """How much longer the new runs may be: a fraction of the base, or ns."""

    text: str
    value: float
    is_relative: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reason in a sentence, and what it rests on.

    `base` and `new` have the one quantile that was judged.
    """

    verdict: Verdict
    reason: str
    metric: str
    limit: Limit
    base: Group
    new: Group
    delta: Delta
    warnings: tuple[Warning, ...]

    @property
    def change(self) -> Change:
        """Give the difference that was judged."""
        return self.delta.changes[0]


def limit(text: str) -> Limit:
    """Understand a limit: `5%`, or a duration such as `200us`. Raises UsageError."""
    match = _LIMIT.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"not a limit: {text!r}", hint="give one as 5% or 200us")
    number, unit = float(match[1]), match[2].replace("µ", "u")
    if unit == "%":
        return Limit(text.strip(), number / 100, True)
    return Limit(text.strip(), number * dict(UNITS)[unit], False)


def quantile(text: str) -> float:
    """Understand a quantile: `p50`, `p99`, `p99.9`. Raises UsageError."""
    match = _QUANTILE.fullmatch(text.strip())
    q = float(match[1]) / 100 if match else 0.0
    if not 0 < q < 1:
        raise UsageError(f"not a quantile: {text!r}", hint="give one as p50, p90, p99 or p99.9")
    return round(q, 9)


def judge(
    connection: duckdb.DuckDBPyConnection,
    metric: str,
    sides: Between,
    most: Limit,
    *,
    q: float = 0.5,
    runs: str | None = None,
) -> Judgement:
    """Judge a metric of the new runs against the base's by the interval of their difference.

    BEYOND where all of the interval is above the limit, INSIDE where none of it is, else UNKNOWN:
    the runs cannot tell. Raises UsageError where there is nothing to judge, and as `compare` does.
    """
    found = compare(connection, [metric], sides, runs=runs, qs=(q,))
    [one] = found.metrics
    base, new = one.groups
    for side, group in (("base", base), ("new", new)):
        if not group.intervals:
            raise UsageError(
                f"the {side} runs have no certain interval of {metric}",
                hint="`tcpdw metrics` says which runs can support a metric",
            )
    [delta] = one.deltas
    verdict, reason = _verdict(delta.changes[0], base, new, most, q)
    return Judgement(verdict, reason, metric, most, base, new, delta, found.warnings)


def _verdict(change: Change, base: Group, new: Group, most: Limit, q: float) -> tuple[Verdict, str]:
    estimate = change.relative if most.is_relative else change.absolute
    if estimate is None:
        return Verdict.UNKNOWN, f"the base's {name(q)} is 0: no share of it can be a limit"
    told = f"the interval of the difference, {_interval(estimate, most)},"
    if estimate.low is not None and estimate.low > most.value:
        return Verdict.BEYOND, f"{told} lies beyond {most.text}"
    if estimate.high is not None and estimate.high <= most.value:
        return Verdict.INSIDE, f"{told} lies within {most.text}"
    runs = f"{base.runs} and {new.runs} runs"
    if estimate.low is None or estimate.high is None:
        return Verdict.UNKNOWN, f"{told} is open: {runs} are too few for {name(q)}"
    return Verdict.UNKNOWN, f"{told} holds {most.text}: {runs} cannot tell"


def _interval(estimate: Estimate, most: Limit) -> str:
    if most.is_relative:
        return interval(estimate)
    unit, length = fitting([round(estimate.value), round(most.value)])
    ends = (
        UNKNOWN if bound is None else digits(round(bound), length)
        for bound in (estimate.low, estimate.high)
    )
    return f"[{', '.join(ends)}] {unit}"


def lines(judged: Judgement) -> Sequence[str]:
    """Tell the verdict to people, its reason first."""
    change = judged.change
    values = [group.quantiles[0].value for group in (judged.base, judged.new)]
    unit, length = fitting(values)
    sides = [
        f"  {what}  {digits(value or 0, length)} {unit}, {group.intervals:,} intervals in "
        f"{group.runs:,} runs: {group.label}"
        for what, group, value in zip(
            ("base", "new "), (judged.base, judged.new), values, strict=True
        )
    ]
    difference = "" if change.relative is None else f" {percent(change.relative.value)}"
    word = {Verdict.INSIDE: "passed", Verdict.BEYOND: "FAILED", Verdict.UNKNOWN: "cannot tell"}
    return (
        f"{judged.metric} {name(change.q)}{difference}: {word[judged.verdict]}: {judged.reason}",
        *sides,
    )


def rows(judged: Judgement) -> Result:
    """Give the judgement as one row for programs: durations in ns, ratios as fractions."""
    change, base, new = judged.change, judged.base, judged.new
    relative = change.relative
    values: dict[str, object] = {
        "metric": judged.metric,
        "quantile": name(change.q),
        "verdict": judged.verdict.name.lower(),
        "status": judged.verdict.value,
        "reason": judged.reason,
        "limit": judged.limit.text,
        "base": base.label,
        "base_runs": base.runs,
        "base_intervals": base.intervals,
        "base_value": base.quantiles[0].value,
        "new": new.label,
        "new_runs": new.runs,
        "new_intervals": new.intervals,
        "new_value": new.quantiles[0].value,
        "diff": change.absolute.value,
        "diff_low": change.absolute.low,
        "diff_high": change.absolute.high,
        "rel": relative.value if relative else None,
        "rel_low": relative.low if relative else None,
        "rel_high": relative.high if relative else None,
        "p": judged.delta.p,
        "warnings": [str(warning) for warning in judged.warnings],
    }
    return Result(tuple(values), [tuple(values.values())])
