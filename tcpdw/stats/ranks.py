"""A rank test between the medians of two groups of runs, and the correction for many tests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

EXACT_UP_TO = 50
"""How many runs in both groups together get the exact test."""


def rank_test(base_medians: ArrayLike, new_medians: ArrayLike) -> float | None:
    """Give the two-sided p of the Mann-Whitney test; None where a group is empty.

    Up to EXACT_UP_TO runs in all the p is exact, with ties too: every way to deal the ranks out to
    the two groups counts as much as another (Streitberg and Röhmel 1986, "Exact distributions for
    permutation and rank tests", Statistical Software Newsletter 12). Beyond, it is the normal
    approximation with correction for ties and continuity (Lehmann 1975, Nonparametrics, 1.2 to
    1.4), which is scipy.stats.mannwhitneyu's too; scipy.stats takes a second to import, scipy's
    test has no exact p where there are ties, and so it serves as the truth in the tests alone.
    """
    base = np.asarray(base_medians)
    new = np.asarray(new_medians)
    if len(base) == 0 or len(new) == 0:
        return None
    doubled, ties = _doubled_ranks(np.concatenate([base, new]))
    total = int(doubled[: len(base)].sum())
    if len(doubled) <= EXACT_UP_TO:
        few = min(len(base), len(new))
        if len(base) > len(new):
            total = int(doubled.sum()) - total
        return _exact(doubled, few, total)
    return _approximate(len(base), len(new), total, ties)


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Correct p values for their number (Holm 1979, Scandinavian Journal of Statistics 6).

    None, a test that could not be made, stays None and does not count.
    """
    tested = sorted((p, index) for index, p in enumerate(ps) if p is not None)
    corrected: list[float | None] = [None] * len(ps)
    highest = 0.0
    for rank, (p, index) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * p))
        corrected[index] = highest
    return corrected


def _doubled_ranks(values: NDArray[np.generic]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give twice the midrank of each value, an integer, and how many values share each rank."""
    _, which, ties = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(ties)
    return (2 * last - ties + 1)[which], ties


def _exact(doubled: NDArray[np.int64], few: int, total: int) -> float:
    """Give the share of all choices of `few` ranks that lie as far out as `total`, two-sided."""
    # ways[k, s]: how many choices of k ranks sum to s. Under 2 ** 53 for 50 runs: exact.
    ways = np.zeros((few + 1, int(np.sort(doubled)[-few:].sum()) + 1))
    ways[0, 0] = 1
    for rank in doubled.tolist():
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    last = ways[few]
    tail = min(last[: total + 1].sum(), last[total:].sum())
    return min(1.0, float(2 * tail / last.sum()))


def _approximate(n_base: int, n_new: int, total: int, ties: NDArray[np.int64]) -> float:
    """Give the normal approximation of the two-sided p, with both corrections."""
    n = n_base + n_new
    u = total / 2 - n_base * (n_base + 1) / 2
    tied = float((ties.astype(float) ** 3 - ties).sum())
    variance = n_base * n_new / 12 * ((n + 1) - tied / (n * (n - 1)))
    distance = abs(u - n_base * n_new / 2) - 0.5
    if variance <= 0 or distance <= 0:
        return 1.0
    return math.erfc(distance / math.sqrt(2 * variance))
