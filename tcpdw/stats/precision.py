"""How much a group's intervals tell of a quantile: fewer than they are, for runs hold together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from tcpdw.stats.sample import position

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tcpdw.stats.sample import Sample

LEVELS = ((1, 2), (2, 1), (4, 1))
"""Where the design effect is looked at: multiples of the share beyond the quantile, and weights."""

FURTHEST = 0.25
"""How much may lie beyond a place that is looked at for a quantile further out."""

FEWEST_DF = 0.5
"""Fewer degrees of freedom than this are taken as this many: nothing can be bounded then anyway."""


@dataclass(frozen=True, slots=True)
class Precision:
    """What a group of runs tells of a share of its intervals.

    `n`: how many independent intervals would tell as much; `df`: the degrees of freedom that `n`
    was estimated with, infinite where it is known (one interval a run).
    """

    n: float
    df: float


def precision(sample: Sample, q: float) -> Precision:
    """Estimate how many independent intervals the sample's runs are worth at its q-quantile.

    Far out, few runs have intervals beyond the quantile, and a sample that happens to lack the
    slowest runs looks precise as well as fast. So the design effect is a geometric mean of those at
    the quantile and where two and four times as much lies beyond it, up to a quarter: a smoothed
    one, as where generalized variance functions serve (Wolter 2007, Introduction to
    Variance Estimation, 7). In simulations of p99 the interval of 30 runs that differ much covered
    the truth in 92 % without this, and in 95 % with it.
    """
    if q not in sample.known:
        sample.known[q] = _precision(sample, q)
    return sample.known[q]


def _precision(sample: Sample, q: float) -> Precision:
    tail = min(q, 1 - q)
    shares = [
        (multiple * tail, weight)
        for multiple, weight in LEVELS
        if multiple == 1 or multiple * tail <= FURTHEST
    ]
    found: list[Precision] = []
    weights: list[int] = []
    longest = sample.at(sample.intervals - 1)
    for share, weight in shares:
        bound = sample.at(position(1 - share if q > 0.5 else share, sample.intervals))
        # The longest of all exceeds nothing: what is below it tells more.
        within = sample.within(bound - 1 if bound == longest else bound)
        there = precision_at(sample.sizes, within)
        if there.n == 0:
            return there
        if not math.isinf(there.df):
            found.append(there)
            weights.append(weight)
    if not found:
        return Precision(float(sample.intervals), math.inf)
    return Precision(
        math.exp(fmean([math.log(there.n) for there in found], weights)),
        math.exp(fmean([math.log(there.df) for there in found], weights)),
    )


def precision_at(sizes: NDArray[np.int64], within: NDArray[np.int64]) -> Precision:
    """Estimate how many independent intervals the runs are worth at one bound.

    `sizes`: each run's intervals; `within`: those of them that the bound does not exceed. Both
    int64, one a run. The variance of the share within the bound is estimated between runs, as in a
    sample of clusters (Cochran 1977, Sampling Techniques, 9A), each run's part inflated by its
    leverage (CR2 of Bell and McCaffrey 2002, Survey Methodology 28); its ratio to that of as many
    independent intervals is Kish's design effect. The degrees of freedom are Satterthwaite's, of
    the model with one correlation within runs (as Imbens and Kolesár 2016) or of the runs' observed
    parts, whichever are fewer. That part of the variance that is known, for each interval is either
    within or not, takes no degrees of freedom.
    """
    n = float(sizes.sum())
    share = float(within.sum()) / n
    pairs = float((sizes * (sizes - 1.0)).sum())
    if pairs == 0 or not 0 < share < 1:
        return Precision(n, math.inf)
    if len(sizes) == 1:
        return Precision(0.0, FEWEST_DF)
    spread = share * (1 - share)
    squares = (within - share * sizes) ** 2 / (1 - sizes / n)
    total = float(squares.sum())
    correlation = min((total - n * spread) / (spread * pairs), 1.0)
    effect = 1 + correlation * pairs / n
    expected = sizes * (1 + (sizes - 1) * max(correlation, 0.0))
    modelled = float(expected.sum()) ** 2 / float((expected**2 * (1 - 1 / sizes)).sum()) - 1
    known = within * (1 - share) ** 2 + (sizes - within) * share**2
    rest = squares - known - sizes * (sizes - 1) * correlation * spread
    uneven = float((rest**2).sum())
    observed = 2 * total**2 / uneven - 1 if uneven > 0 else math.inf
    df = max(min(modelled, observed), FEWEST_DF)
    return Precision(n / max(effect, least_effect(df)), df)


def least_effect(df: float) -> float:
    """Give the smallest design effect that chance makes of 1 (2.5 %), by the chi-squared law."""
    from scipy import special

    return float(special.chdtri(df, 0.975)) / df
