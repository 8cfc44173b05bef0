from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from fractions import Fraction
from random import Random
from statistics import median_low

import duckdb
import numpy as np
import pytest
from coverage_simulation import QUANTILES, SCENARIOS, Kind, Scenario, loads, same, simulate
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binom, bootstrap, mannwhitneyu, quantile_test

from tcpdw import stats
from tcpdw.stats import Estimate, Sample
from tcpdw.stats.precision import precision_at

PROPERTY = settings(max_examples=40, deadline=None)
SHARES = st.sampled_from([0.01, 0.07, 0.25, 0.5, 0.9, 0.99, 0.999])
# Most take four bytes, some more, and some are just where that changes.
LENGTHS = st.integers(-100, 10**12) | st.integers(2**31 - 3, 2**31 + 1) | st.integers(-(2**40), 99)
GROUPS = st.lists(st.lists(LENGTHS, min_size=1, max_size=9), min_size=1)


def sample(groups: Iterable[Iterable[int]]) -> Sample:
    """Make a sample of each run's durations."""
    return Sample.of(*by_row(groups))


def by_row(groups: Iterable[Iterable[int]]) -> NDArray[np.int64]:
    """Give the runs' indices, and the durations, in two rows."""
    rows = [(run, duration) for run, durations in enumerate(groups) for duration in durations]
    return np.array(rows, dtype=np.int64).T


def bounds(estimates: Iterable[Estimate | None]) -> list[float | None]:
    return [
        figure
        for estimate in estimates
        for figure in ((estimate.value, estimate.low, estimate.high) if estimate else (None,))
    ]


# --- point quantiles -------------------------------------------------------------------------


@PROPERTY
@given(GROUPS, SHARES)
def test_a_quantile_is_the_least_that_the_share_does_not_exceed(
    groups: list[list[int]], q: float
) -> None:
    pooled = sorted(itertools.chain(*groups))
    expected = next(
        value
        for rank, value in enumerate(pooled, 1)
        if Fraction(rank, len(pooled)) >= Fraction(str(q))
    )
    assert stats.quantiles(sample(groups), [q])[0].value == expected


def test_quantiles_are_those_of_duckdb() -> None:
    qs = ("0.5", "0.9", "0.99", "0.07", "0.29", "0.57")
    for n in (1, 2, 3, 10, 99, 100, 101, 700, 1000):
        row = duckdb.execute(
            f"SELECT {', '.join(f'QUANTILE_DISC(i * i, {q})' for q in qs)} FROM RANGE({n}) AS t(i)"
        ).fetchone()
        found = stats.quantiles(sample([[i * i] for i in range(n)]), [float(q) for q in qs])
        assert tuple(one.value for one in found) == row, n


@PROPERTY
@given(GROUPS)
def test_run_medians_are_the_lower_ones(groups: list[list[int]]) -> None:
    expected = [sorted(group)[(len(group) - 1) // 2] for group in groups]
    assert stats.run_medians(sample(groups)).tolist() == expected


def test_durations_that_take_all_bits_are_sorted_too() -> None:
    generator = np.random.default_rng(5)
    groups = generator.integers(-(2**62), 2**62, (300, 3)).tolist()
    drawn = sample(groups)
    assert stats.run_medians(drawn).tolist() == [sorted(group)[1] for group in groups]
    bound = groups[7][2]
    assert drawn.within(bound).tolist() == [sum(x <= bound for x in group) for group in groups]
    assert stats.quantiles(drawn, [0.5])[0].value == float(sorted(itertools.chain(*groups))[449])


# --- intervals -------------------------------------------------------------------------------


@pytest.mark.parametrize("runs", [8, 10, 25, 60, 500])
@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_with_one_interval_a_run_the_bounds_lie_between_exact_ones(runs: int, q: float) -> None:
    # Of the binomial law: the outer order statistics have at most 2.5 % beyond them, the inner
    # ones more; the outer ones are also what scipy's quantile_test gives.
    values = np.sort(np.random.default_rng(runs).integers(1, 10**9, runs)).astype(float)
    found = stats.quantiles(sample([[int(value)] for value in values]), [q])[0]
    exact = quantile_test(values, p=q).confidence_interval(0.95)
    low = int(binom.ppf(0.025, runs, q))  # The place of the first rank with more beyond.
    high = runs - 1 - int(binom.ppf(0.025, runs, 1 - q))
    if found.low is not None and found.high is not None:
        assert exact.low <= found.low <= values[low]
        assert values[high] <= found.high <= exact.high
    # One side may have to be open, and then all of the error is on the other.
    assert (found.low is None) == ((1 - q) ** runs > 0.025)
    assert (found.high is None) == (q**runs > 0.025)


def test_a_side_that_the_runs_cannot_bound_is_open() -> None:
    # Of p99 in 8 runs of one interval each, all may be within it: 0.99 ** 8 is 92 %.
    found = stats.quantiles(sample([[value] for value in range(1, 9)]), [0.99])[0]
    assert (found.value, found.high) == (8, None)
    assert found.low is not None
    for groups in ([[5]], [[1, 2, 3]], [[1], [2]]):
        assert stats.quantiles(sample(groups), [0.5])[0].low is None
    # A difference with such a group is open on both sides: it is open upwards in each.
    one = sample([[value] for value in range(1, 9)])
    assert bounds([stats.differences(one, one, [0.99])[0].absolute]) == [0, None, None]


def test_with_one_side_open_the_error_is_on_the_other() -> None:
    # 30 runs: p90 has a lower bound with 5 % beyond it alone. P(Bin(30, 0.9) <= 23) is 2.6 %,
    # and of <= 24 is 7.3 %: the bound lies between the 24th and the 25th.
    assert binom.cdf([23, 24], 30, 0.9) == pytest.approx([0.0258, 0.0732], abs=1e-4)
    found = stats.quantiles(sample([[100 * rank] for rank in range(1, 31)]), [0.9])[0]
    assert found.high is None
    assert found.low is not None
    assert 2400 < found.low < 2500


def test_intervals_of_one_a_run_are_those_of_scipys_bootstrap() -> None:
    values = (np.random.default_rng(3).lognormal(0, 1, 600) * 1e6).astype(np.int64)
    found = stats.quantiles(sample([[int(value)] for value in values]), [0.5, 0.9])
    for q, estimate in zip((0.5, 0.9), found, strict=True):
        expected = bootstrap(
            (values.astype(float),),
            lambda x, axis, q=q: np.quantile(x, q, axis=axis, method="inverted_cdf"),
            n_resamples=2000,
            method="percentile",
            rng=np.random.default_rng(4),
        ).confidence_interval
        width = expected.high - expected.low
        assert estimate.low == pytest.approx(expected.low, abs=0.12 * width)
        assert estimate.high == pytest.approx(expected.high, abs=0.12 * width)


def test_intervals_of_many_runs_are_those_of_a_bootstrap_over_runs() -> None:
    generator = np.random.default_rng(6)
    groups = [
        [int(1e6 * math.exp(effect + generator.normal())) for _ in range(generator.integers(1, 30))]
        for effect in generator.normal(0, 0.7, 200)
    ]
    estimate = stats.quantiles(sample(groups), [0.5])[0]
    assert estimate.low is not None
    assert estimate.high is not None
    resampled: list[int] = []
    for _ in range(2000):
        pooled = sorted(
            itertools.chain(*(groups[run] for run in generator.integers(0, 200, 200).tolist()))
        )
        resampled.append(pooled[math.ceil(len(pooled) / 2) - 1])
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert estimate.low == pytest.approx(low, abs=0.1 * (high - low))
    assert estimate.high == pytest.approx(high, abs=0.1 * (high - low))
    # Runs that differ tell much less than as many intervals of one a run would.
    alone = stats.quantiles(sample([[duration] for group in groups for duration in group]), [0.5])
    assert alone[0].low is not None
    assert estimate.value - estimate.low > 2 * (estimate.value - alone[0].low)


def test_the_worth_of_equal_runs_is_that_of_their_shares() -> None:
    within = np.array([3, 9, 4, 6, 2, 8])
    shares = within / 10
    variance = shares.var(ddof=1) / len(shares)
    found = precision_at(np.full(6, 10), within)
    assert found.n == pytest.approx(shares.mean() * (1 - shares.mean()) / variance)
    # Runs that are all one or the other are worth no more than runs, however many intervals.
    assert precision_at(np.full(30, 50), np.repeat([0, 50], 15)).n == pytest.approx(30)
    assert precision_at(np.full(30, 1), np.repeat([0, 1], 15)).n == 30


# --- properties ------------------------------------------------------------------------------


def figures(base: Sample, new: Sample) -> list[float | None]:
    """Give all the figures of two groups that are durations, and the p of their medians."""
    absolutes = [one.absolute for one in stats.differences(base, new, QUANTILES)]
    return [
        *bounds(stats.quantiles(base, QUANTILES)),
        *bounds(stats.quantiles(new, QUANTILES)),
        *bounds(absolutes),
    ]


def drawn(seed: int, runs: int, most: int, effect: float) -> list[list[int]]:
    generator = np.random.default_rng(seed)
    return [
        (1e6 * np.exp(effect * generator.normal() + generator.normal(size=size)))
        .astype(np.int64)
        .tolist()
        for size in generator.integers(1, most, runs, endpoint=True)
    ]


PAIRS = st.tuples(
    st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 0.5])
).map(lambda made: (drawn(made[0], *made[1:]), drawn(made[0] + 1, *made[1:])))
Pair = tuple[list[list[int]], list[list[int]]]


def near(found: list[float | None], expected: list[float | None], within: float) -> bool:
    """Tell whether the same figures are known, and each is within that many ns."""
    return len(found) == len(expected) and all(
        one == other or (one is not None and other is not None and abs(one - other) <= within)
        for one, other in zip(found, expected, strict=True)
    )


@PROPERTY
@given(PAIRS, st.integers(2, 10**6), st.integers(-(10**9), 10**9))
def test_all_scales_and_shifts_with_the_durations(pair: Pair, factor: int, shift: int) -> None:
    plain = figures(*map(sample, pair))
    moved = figures(*(sample([[factor * x + shift for x in run] for run in g]) for g in pair))
    # The quantiles and bounds of two groups move with the shift, differences do not.
    shifts = [shift] * 18 + [0] * 9
    expected = [None if x is None else factor * x + by for x, by in zip(plain, shifts, strict=True)]
    assert near(moved, expected, within=1e-3 * factor)


@PROPERTY
@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_runs_does_not_matter(pair: Pair, random: Random) -> None:
    mixed = [[list(run) for run in group] for group in pair]
    for group in mixed:
        random.shuffle(group)
        for run in group:
            random.shuffle(run)
    assert near(figures(*map(sample, mixed)), figures(*map(sample, pair)), within=1e-3)
    runs, durations = by_row(pair[0])
    turned = Sample.of(runs[::-1], durations[::-1])
    assert stats.quantiles(turned, QUANTILES) == stats.quantiles(sample(pair[0]), QUANTILES)


@PROPERTY
@given(
    GROUPS,
    st.sampled_from([0, 1024]),
    st.sampled_from([(0, 1, 1), (0, 5, 3), (0, 9, 10**6), (10**6, 1, 1)]),
    st.randoms(use_true_random=False),
)
def test_what_is_counted_by_run_is_what_each_run_has(
    groups: list[list[int]], stretches: int, sizes: tuple[int, int, int], random: Random
) -> None:
    rows = [(run, duration) for run, durations in enumerate(groups) for duration in durations]
    random.shuffle(rows)
    every = sorted(duration for run in groups for duration in run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tcpdw.stats.gathered._MOST_STRETCHES", stretches)
        for name, size in zip(("_FEW", "_PROBES", "_MOST"), sizes, strict=True):
            patch.setattr(f"tcpdw.stats.ascending.{name}", size)
        patch.setattr("tcpdw.stats.ascending._REACH", 1)
        gathered = stats.Gathered()
        for start in range(0, len(rows), 7):
            gathered.add(*np.array(rows[start : start + 7], dtype=np.int64).T)
        mixed = Sample(gathered.runs(np.arange(len(groups))))
        places = [mixed.at(place) for place in range(mixed.intervals)]
        chosen = np.array([random.random() < 0.5 or run == 0 for run in range(len(groups))])
        some = Sample(mixed.runs.part(chosen))
        assert [some.at(place) for place in range(some.intervals)] == sorted(
            itertools.chain(*itertools.compress(groups, chosen))
        )
        assert some.medians().tolist() == mixed.medians()[chosen].tolist()
    assert mixed.sizes.tolist() == [len(run) for run in groups]
    assert mixed.medians().tolist() == [median_low(run) for run in groups]
    assert places == every
    for bound in (every[0] - 1, *every, every[-1] + 1):
        expected = [sum(duration <= bound for duration in run) for run in groups]
        assert mixed.within(bound).tolist() == expected


def test_places_among_many_are_those_of_a_sort() -> None:
    # More than are sorted as a whole; many of one length, as of a coarse clock, and long runs.
    generator = np.random.default_rng(9)
    sizes = generator.integers(1, 20_000, 150)
    runs = np.repeat(np.arange(150), sizes)
    durations = (generator.lognormal(9 + generator.normal(0, 1, 150)[runs], 1)).astype(np.int64)
    durations[generator.random(len(runs)) < 0.4] = 10_000
    durations[generator.random(len(runs)) < 0.001] += 2**31
    drawn = Sample.of(runs, durations)
    every = np.sort(durations)
    assert len(every) > 2**19
    for place in (0, 1, len(every) - 1, *generator.integers(0, len(every), 300).tolist()):
        assert drawn.at(place) == every[place]


@PROPERTY
@given(PAIRS)
def test_the_other_way_round_a_difference_is_negated(pair: Pair) -> None:
    base, new = map(sample, pair)
    there, back = (stats.differences(*both, QUANTILES) for both in ((base, new), (new, base)))
    for one, other in zip(there, back, strict=True):
        value, low, high = (None if x is None else -x for x in bounds([other.absolute]))
        assert near(bounds([one.absolute]), [value, high, low], within=1e-3)


@PROPERTY
@given(PAIRS, st.floats(0.2, 5))
def test_ratio_and_difference_agree_on_which_is_longer(pair: Pair, slower: float) -> None:
    base, new = sample(pair[0]), sample([[round(slower * x) for x in run] for run in pair[1]])
    points = stats.quantiles(base, QUANTILES)
    for point, one in zip(points, stats.differences(base, new, QUANTILES), strict=True):
        assert one.relative is not None
        assert one.relative.value == pytest.approx(one.absolute.value / point.value)
        for absolute, relative in (
            (one.absolute.low, one.relative.low),
            (one.absolute.high, one.relative.high),
        ):
            assert (absolute is None) == (relative is None)
            if absolute is not None and relative is not None and abs(absolute) > 1:
                assert (absolute > 0) == (relative > 0)


@PROPERTY
@given(PAIRS)
def test_an_interval_holds_its_figure_and_that_of_a_lower_level(pair: Pair) -> None:
    base = sample(pair[0])
    narrow, wide = (stats.quantiles(base, QUANTILES, level=level) for level in (0.8, 0.95))
    for inner, outer in zip(narrow, wide, strict=True):
        assert inner.low is None or inner.low <= inner.value
        assert inner.high is None or inner.high >= inner.value
        if None not in (outer.low, outer.high):
            assert outer.low <= inner.low <= inner.high <= outer.high  # type: ignore[operator]


def test_differences_by_hand() -> None:
    fives, sixes = sample([[5]] * 12), sample([[6]] * 12)
    found = stats.differences(fives, sixes, [0.5])[0]
    assert bounds([found.absolute, found.relative]) == pytest.approx([1, 1, 1, 0.2, 0.2, 0.2])
    assert stats.differences(sample([[0]] * 12), fives, [0.5])[0].relative is None


# --- tests between groups --------------------------------------------------------------------


def test_the_rank_test_of_textbooks() -> None:
    # Ages at diagnosis, in scipy's documentation of mannwhitneyu: U = 17, p = 0.1111.
    assert stats.rank_test([19, 22, 16, 29, 24], [20, 11, 17, 12]) == pytest.approx(1 / 9)
    # All of one below all of the other: 2 of the 20 ways.
    assert stats.rank_test([1, 2, 3], [4, 5, 6]) == pytest.approx(0.1)
    assert stats.rank_test([1], [2]) == 1
    assert stats.rank_test([], [1, 2]) is None
    assert stats.rank_test([3, 3, 3], [3, 3]) == 1


@PROPERTY
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=6),
    st.lists(st.integers(0, 6), min_size=1, max_size=6),
)
def test_the_exact_p_counts_all_ways_to_deal_the_ranks(base: list[int], new: list[int]) -> None:
    pooled = base + new
    # Twice the midrank: how many are below, and how many not above, and one.
    ranks = [sum(x < y for x in pooled) + sum(x <= y for x in pooled) + 1 for y in pooled]
    sums = [
        sum(ranks[place] for place in chosen)
        for chosen in itertools.combinations(range(len(pooled)), len(base))
    ]
    seen = sum(ranks[: len(base)])
    tails = [sum(x <= seen for x in sums), sum(x >= seen for x in sums)]
    expected = min(1.0, 2 * min(tails) / len(sums))
    assert stats.rank_test(base, new) == pytest.approx(expected)


@pytest.mark.parametrize("sizes", [(1, 9), (4, 8), (8, 3), (20, 25), (30, 40), (300, 1000)])
@pytest.mark.parametrize("ties", [False, True])
def test_the_rank_test_is_scipys(sizes: tuple[int, int], ties: bool) -> None:
    generator = np.random.default_rng(sum(sizes))
    values = generator.permutation(2000)[: sum(sizes)]
    if ties:
        values = values // 100
    base, new = values[: sizes[0]], values[sizes[0] :] + 60 // (100 if ties else 1)
    few = sum(sizes) <= 50
    if few and ties:
        return  # scipy has no exact p then; the test above is about it.
    expected = mannwhitneyu(base, new, method="exact" if few else "asymptotic").pvalue
    if len(np.unique(np.concatenate([base, new]))) == sum(sizes) or not few:
        assert stats.rank_test(base, new) == pytest.approx(expected, rel=1e-9)


def test_holm() -> None:
    # 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 * 1 is raised to the one before.
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # A test that could not be made is none of the tests.
    assert stats.holm([None, 0.02, 0.6]) == [None, pytest.approx(0.04), pytest.approx(0.6)]
    assert stats.holm([0.7, 0.8]) == [1.0, 1.0]
    assert stats.holm([]) == []


# --- coverage --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scenario",
    [
        Scenario("12 runs of 1 to 100", 12, same(1, 100), 0.4, 0.6),
        Scenario("60 runs of 1, a fifth of 200, slower", 60, loads(0.2, 1.5), 0.3, 1),
    ],
    ids=lambda scenario: scenario.name,
)
def test_the_95_percent_intervals_hold_the_truth_in_93_to_97_percent(scenario: Scenario) -> None:
    tallies = simulate(scenario, 2000, seed=7)
    for name, column in (("quantile", tallies.quantiles), ("difference", tallies.differences)):
        for q, tally in zip(QUANTILES, column, strict=True):
            # Where most intervals are open on both sides there is nothing to hold.
            if tally.unknown < 0.05 * tally.sets:
                assert 0.93 <= tally.coverage <= 0.97, (name, q, tally)


def test_the_intervals_of_groups_that_differ_hold_the_truth() -> None:
    base = Scenario("30 runs of 50", 30, same(50), 0.3, 0.6)
    new = Scenario("20 runs of 200, 2.5 times slower", 20, (Kind(1, 200, 200, 2.5),), 0.15, 0.8)
    tallies = simulate(base, 2000, seed=9, new=new)
    columns = {
        "quantile": tallies.quantiles,
        "difference": tallies.differences,
        "ratio": tallies.ratios,
    }
    for name, column in columns.items():
        for q, tally in zip(QUANTILES, column, strict=True):
            assert 0.93 <= tally.coverage <= 0.97, (name, q, tally)


def test_the_simulation_knows_the_truth() -> None:
    generator = np.random.default_rng(8)
    for scenario in SCENARIOS[-8:]:
        draws = [scenario.draw(generator) for _ in range(300)]
        pooled = np.concatenate([one.runs.durations for one in draws])
        for q in (0.5, 0.9):
            truth = scenario.truth(q)
            assert np.mean(pooled <= truth * 1.08) > q
            assert np.mean(pooled < truth * 0.92) < q
