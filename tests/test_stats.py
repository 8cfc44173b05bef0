from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from tcpdw import stats


def test_holm_by_hand() -> None:
    # 0.01 * 4, 0.03 * 3, then 0.04 * 2 < 0.09, and 0.05 * 1 < 0.09.
    assert stats.holm([0.05, None, 0.01, 0.04, 0.03]) == pytest.approx(
        [0.09, None, 0.04, 0.09, 0.09]
    )


def test_few_runs_have_the_exact_p() -> None:
    generator = np.random.default_rng(1)
    for sizes in ((1, 1), (1, 9), (3, 3), (4, 8), (8, 3), (20, 25)):
        base, new = (generator.permutation(1000)[:size] for size in sizes)
        expected = mannwhitneyu(base, new, method="exact").pvalue
        if not set(base) & set(new):
            assert stats.rank_test(base, new) == pytest.approx(expected, rel=1e-12)
