"""Quantiles of a group of runs and differences between two groups, with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from tcpdw.stats.precision import FEWEST_DF, Precision, precision
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
        # Fewer where the variance behind them is an estimate (Korn and Graubard 1998, Survey
        # Methodology 24).
        of_t = _t(self.precision.df if df is None else df, tail)
        n = self.precision.n * (_t(math.inf, tail) / of_t) ** 2
        low = _place(self.sample, n, self.q, tail)
        high = _place(self.sample, n, 1 - self.q, tail)
        last = self.sample.intervals - 1
        return (
            None if low is None else min(_at(self.sample, low), self.value),
            None if high is None else max(_at(self.sample, last - high), self.value),
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
    for the ratio, Donner and Zou 2012, Statistical Methods in Medical Research 21). Each group's
    bounds allow for two things that are estimated: the variance between runs, and how dense the
    intervals lie. Two groups tell more of each than one: the difference has the degrees of freedom
    of both (Welch 1947, Biometrika 34). The interval of the ratio excludes 1 where that of the
    difference excludes 0.
    """
    pairs = zip(_quantiles(base, qs), _quantiles(new, qs), strict=True)
    return tuple(_difference(one, other, level) for one, other in pairs)


def _quantiles(sample: Sample, qs: Sequence[float]) -> list[_Quantile]:
    values = [sample.at(position(q, sample.intervals)) for q in qs]
    return [
        _Quantile(q, float(value), sample, precision(sample, q))
        for q, value in zip(qs, values, strict=True)
    ]


def _difference(base: _Quantile, new: _Quantile, level: float) -> Difference:
    df = _welch(base, new, (base.precision.df, new.precision.df))
    densities = (_density_df(base), _density_df(new))
    density = _welch(base, new, densities)
    absolutes: list[tuple[float | None, float | None]] = []
    ratios: list[tuple[float | None, float | None]] = []
    for tail in _tails(level):
        base_low, base_high = _drawn_in(base, base.bounds(tail, df), densities[0], density, tail)
        new_low, new_high = _drawn_in(new, new.bounds(tail, df), densities[1], density, tail)
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


def _t(df: float, tail: float) -> float:
    """Give the value that Student's t exceeds with probability `tail`."""
    if math.isinf(df):
        return -NormalDist().inv_cdf(tail)
    from scipy import special

    return -float(special.stdtrit(df, tail))


def _place(sample: Sample, n: float, q: float, tail: float) -> float | None:
    """Give the place, from 0, whose value lies above the q-quantile with probability `tail`.

    Of `n` independent values the r-th lies above where fewer than r are within the quantile: the
    binomial law (Conover 1999, Practical Nonparametric Statistics, 3.2), for ranks between integers
    by the incomplete beta function, whose inverse bdtrik is. Its place among all intervals is that
    of the same share of them. None where even the first value lies above more often than `tail`,
    or where its place is before the first interval.
    """
    from scipy import special

    if n < 1 or not 0 < q < 1 or (1 - q) ** n > tail:
        return None
    place = (float(special.bdtrik(tail, n, q)) + 0.5) / n * sample.intervals - 0.5
    return None if place < 0 else min(place, sample.intervals - 1)


def _at(sample: Sample, place: float) -> float:
    """Give the value, ns, at a place, between two observed ones by line."""
    below = int(place)
    low = float(sample.at(below))
    high = float(sample.at(min(below + 1, sample.intervals - 1)))
    return low + (place - below) * (high - low)


def _welch(base: _Quantile, new: _Quantile, dfs: tuple[float, float]) -> float:
    """Give the degrees of freedom of the difference, from both and how wide they are."""
    known = [variance for one in (base, new) if (variance := _variance(one)) is not None]
    if len(known) < 2 or sum(known) == 0:
        return min(dfs)
    total = sum((variance / sum(known)) ** 2 / df for variance, df in zip(known, dfs, strict=True))
    return 1 / total if total > 0 else math.inf


def _density_df(found: _Quantile) -> float:
    """Give the degrees of freedom of the interval's width, for it is the room that values take.

    Between two ranks that are m apart lies a sum of m spacings, of gamma's law: its square, a
    variance, has the relative variance 4 / m, as has chi-squared with m / 2 degrees of freedom. (On
    the variance of such a sparsity estimate: Bloch and Gastwirth 1968, Annals of Mathematical
    Statistics 39.)
    """
    spread = math.sqrt(found.precision.n * found.q * (1 - found.q))
    return max(_t(math.inf, 0.025) * spread, FEWEST_DF)


def _drawn_in(found: _Quantile, ends: _Ends, own: float, both: float, tail: float) -> _Ends:
    """Give bounds nearer to the quantile, for their width has more degrees of freedom together."""
    share = min(_t(both, tail) / _t(own, tail), 1.0)
    low, high = (None if end is None else found.value + share * (end - found.value) for end in ends)
    return low, high


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
