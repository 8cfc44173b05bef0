"""Quantiles of a group of runs and differences between two groups, with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from tcpdw.stats.precision import Precision, precision
from tcpdw.stats.sample import Sample, position

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure of the runs and its interval: 95 % unless another level was asked for.

    A bound is None where the runs cannot bound the figure on that side.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A quantile in a new group against a base group.

    `absolute`: new - base, ns; `relative`: new / base - 1, None where base is not above 0.
    """

    absolute: Estimate
    relative: Estimate | None


_Ends = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class _Quantile:
    """One group's quantile, and all that its interval at any level takes."""

    q: float
    value: float
    sample: Sample
    precision: Precision

    def bounds(self, tail: float, df: float | None = None) -> tuple[float | None, float | None]:
        """Give the bounds that the true quantile is beyond with probability `tail` each.

        `df`: degrees of freedom to use instead of the quantile's own.
        """
        n = _for_unknown_variance(self.precision.n, self.precision.df if df is None else df, tail)
        low = _rank(n, self.q, tail)
        high = _rank(n, 1 - self.q, tail)
        lowest = None if low is None else _at(self.sample, (low - 0.5) / n)
        highest = None if high is None else _at(self.sample, 1 - (high - 0.5) / n)
        return (
            None if lowest is None else min(lowest, self.value),
            None if highest is None else max(highest, self.value),
        )


def quantiles(sample: Sample, qs: Sequence[float], *, level: float = 0.95) -> tuple[Estimate, ...]:
    """Give quantiles, ns, of all the intervals together, each an observed one, with intervals.

    The sample must hold an interval.
    """
    return tuple(
        Estimate(found.value, *_sides(*(found.bounds(tail) for tail in _tails(level))))
        for found in _quantiles(sample, qs)
    )


def differences(
    base: Sample, new: Sample, qs: Sequence[float], *, level: float = 0.95
) -> tuple[Difference, ...]:
    """Give the differences of quantiles, new against base, with intervals; each holds an interval.

    The two groups' own bounds are combined (MOVER: Zou and Donner 2008, Statistics in Medicine 27;
    for the ratio, Donner and Zou 2012, Statistical Methods in Medical Research 21), with the
    degrees of freedom of both (Welch 1947, Biometrika 34). The interval of the ratio excludes 1
    where that of the difference excludes 0.
    """
    pairs = zip(_quantiles(base, qs), _quantiles(new, qs), strict=True)
    return tuple(_difference(one, other, level) for one, other in pairs)


def _quantiles(sample: Sample, qs: Sequence[float]) -> list[_Quantile]:
    found: list[_Quantile] = []
    longest = sample.at(sample.intervals - 1)
    for q in qs:
        value = sample.at(position(q, sample.intervals))
        # The longest of all exceeds nothing: what is below it tells more.
        within = sample.within(value - 1 if value == longest else value)
        found.append(_Quantile(q, float(value), sample, precision(sample.sizes, within)))
    return found


def _difference(base: _Quantile, new: _Quantile, level: float) -> Difference:
    df = _welch(base, new)
    absolutes: list[tuple[float | None, float | None]] = []
    ratios: list[tuple[float | None, float | None]] = []
    for tail in _tails(level):
        base_low, base_high = base.bounds(tail, df)
        new_low, new_high = new.bounds(tail, df)
        lows, highs = (base_high, new_low), (base_low, new_high)
        absolutes.append((_apart(base, new, lows, -1), _apart(base, new, highs, 1)))
        ratios.append((_ratio(base, new, lows, -1), _ratio(base, new, highs, 1)))
    absolute = Estimate(new.value - base.value, *_sides(*absolutes))
    if base.value <= 0:
        return Difference(absolute, None)
    return Difference(absolute, Estimate(new.value / base.value - 1, *_sides(*ratios)))


def _tails(level: float) -> tuple[float, float]:
    """Give what lies beyond each bound of an interval, and beyond the bound of a one-sided one."""
    return (1 - level) / 2, 1 - level


def _sides(
    both: tuple[float | None, float | None], one: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    """Choose the bounds: with one side open, all of the error may lie on the other."""
    low, high = both
    return (one[0] if high is None and low is not None else low), (
        one[1] if low is None and high is not None else high
    )


def _for_unknown_variance(n: float, df: float, tail: float) -> float:
    """Give fewer intervals than `n`, for the variance behind `n` is an estimate.

    (Korn and Graubard 1998, Survey Methodology 24.)
    """
    if math.isinf(df):
        return n
    from scipy import special

    return n * (NormalDist().inv_cdf(tail) / float(special.stdtrit(df, tail))) ** 2


def _rank(n: float, q: float, tail: float) -> float | None:
    """Give the rank, from 1, whose value lies above the q-quantile with probability `tail`.

    Of `n` independent values, the r-th lies above where fewer than r are within the quantile: the
    binomial law, for ranks between integers by the incomplete beta function, whose inverse bdtrik
    is. None where even the first lies above it more often than `tail`.
    """
    from scipy import special

    if n < 1 or (1 - q) ** n > tail:
        return None
    return float(special.bdtrik(tail, n, q)) + 1


def _at(sample: Sample, share: float) -> float | None:
    """Give the value, ns, at a share of all, between two observed ones by line."""
    last = sample.intervals - 1
    rank = share * sample.intervals - 0.5
    if not 0 <= rank <= last:
        return None
    below = int(rank)
    low, high = float(sample.at(below)), float(sample.at(min(below + 1, last)))
    return low + (rank - below) * (high - low)


def _welch(base: _Quantile, new: _Quantile) -> float:
    """Give the degrees of freedom of the difference, from both and how wide they are."""
    dfs = (base.precision.df, new.precision.df)
    if math.isinf(dfs[0]) and math.isinf(dfs[1]):
        return math.inf
    variances = [_variance(one) for one in (base, new)]
    known = [variance for variance in variances if variance is not None]
    if len(known) < 2 or sum(known) == 0:
        return min(dfs)
    shares = [variance / sum(known) for variance in known]
    return 1 / sum(share**2 / df for share, df in zip(shares, dfs, strict=True))


def _variance(found: _Quantile) -> float | None:
    """Give the variance of a quantile, ns squared, by half its interval at one sigma."""
    low, high = found.bounds(0.1587, math.inf)
    if low is None or high is None:
        return None
    return ((high - low) / 2) ** 2


def _apart(base: _Quantile, new: _Quantile, ends: _Ends, sign: int) -> float | None:
    """Give the lower (-1) or upper (1) bound of new - base, of a bound of each, base's first."""
    if ends[0] is None or ends[1] is None:
        return None
    return new.value - base.value + sign * math.hypot(ends[1] - new.value, ends[0] - base.value)


def _ratio(base: _Quantile, new: _Quantile, ends: _Ends, sign: int) -> float | None:
    """Give the bound of new / base - 1: the ratio at which `_apart` of new - ratio * base is 0."""
    if ends[0] is None or ends[1] is None or ends[0] <= 0 or ends[1] < 0:
        return None
    # The roots of a * ratio ** 2 - 2 * b * ratio + c, the lower one so that a may be 0.
    a = base.value**2 - (ends[0] - base.value) ** 2
    b = base.value * new.value
    c = new.value**2 - (ends[1] - new.value) ** 2
    root = math.sqrt(max(b * b - a * c, 0.0))
    if sign > 0:
        return (b + root) / a - 1
    return c / (b + root) - 1 if b + root > 0 else -1.0
