"""How often the 95 % intervals of tcpdw.stats hold the truth, in simulated sets of runs.

`.venv/bin/python tests/coverage_simulation.py [SETS]` prints the table of docs/comparison.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from tcpdw import stats

QUANTILES = (0.5, 0.9, 0.99)
TYPICAL = 104_300  # ns


@dataclass(frozen=True)
class Kind:
    """A kind of run: how often it comes, its fewest and most intervals, how much slower it is."""

    share: float
    fewest: int
    most: int
    slower: float = 1.0


@dataclass(frozen=True)
class Scenario:
    """Sets of runs: log-normal run effects, intervals log-normal or heavy-tailed within a run.

    `between`, `within`: the standard deviations of the logarithms; `heavy`: within a run, Student's
    t with 3 degrees of freedom instead of the normal law; `tick`: what times are a multiple of, ns.
    """

    name: str
    runs: int
    kinds: tuple[Kind, ...]
    between: float
    within: float
    heavy: bool = False
    tick: int = 1

    def draw(self, generator: np.random.Generator) -> stats.Sample:
        """Simulate one group of runs."""
        which = generator.choice(len(self.kinds), self.runs, p=[kind.share for kind in self.kinds])
        fewest, most, slower = (
            np.array([getattr(kind, name) for kind in self.kinds])[which]
            for name in ("fewest", "most", "slower")
        )
        sizes = generator.integers(fewest, most, endpoint=True)
        runs = np.repeat(np.arange(self.runs, dtype=np.int32), sizes)
        effects = np.log(slower) + self.between * generator.standard_normal(self.runs)
        noise = (
            generator.standard_t(3, len(runs))
            if self.heavy
            else generator.standard_normal(len(runs))
        )
        logs = np.minimum(effects[runs] + self.within * noise, 30)
        ticks = np.floor(TYPICAL * np.exp(logs) / self.tick)
        return stats.Sample.of(runs, ticks.astype(np.int64) * self.tick)

    def truth(self, q: float) -> float:
        """Give the q-quantile of all the intervals that there could be, ns."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(80)
        weights = weights / weights.sum()
        law = (lambda z: special.stdtr(3, z)) if self.heavy else special.ndtr
        shares = np.array([kind.share * (kind.fewest + kind.most) for kind in self.kinds])
        shares = shares / shares.sum()

        def beyond(log: float) -> float:
            below = [
                (weights * law((log - np.log(kind.slower) - self.between * nodes) / self.within))
                for kind in self.kinds
            ]
            return float(shares @ np.array([each.sum() for each in below])) - q

        return float(TYPICAL * np.exp(optimize.brentq(beyond, -20, 20)) // self.tick * self.tick)


def same(low: int, high: int | None = None) -> tuple[Kind, ...]:
    """Give runs of one kind."""
    return (Kind(1.0, low, high or low),)


def loads(share: float, slower: float = 1.0) -> tuple[Kind, ...]:
    """Give runs with one connection, and a share of them with 200."""
    return (Kind(1 - share, 1, 1), Kind(share, 200, 200, slower))


SCENARIOS = (
    Scenario("10 runs of 1", 10, same(1), 0, 1),
    Scenario("30 runs of 1", 30, same(1), 0, 1),
    Scenario("100 runs of 1", 100, same(1), 0, 1),
    Scenario("400 runs of 1", 400, same(1), 0, 1),
    Scenario("5 runs of 50, differ some", 5, same(50), 0.3, 1),
    Scenario("8 runs of 20, differ some", 8, same(20), 0.5, 1),
    Scenario("10 runs of 100, alike", 10, same(100), 0, 1),
    Scenario("10 runs of 20, differ little", 10, same(20), 0.2, 1),
    Scenario("10 runs of 100, differ some", 10, same(100), 0.5, 1),
    Scenario("10 runs of 20, differ much", 10, same(20), 1, 1),
    Scenario("15 runs of 200, differ much", 15, same(200), 0.5, 0.5),
    Scenario("30 runs of 5, differ much", 30, same(5), 0.5, 0.5),
    Scenario("30 runs of 50, differ some", 30, same(50), 0.3, 1),
    Scenario("30 runs of 50, differ much", 30, same(50), 1, 1),
    Scenario("40 runs of 1000, differ some", 40, same(1000), 0.2, 0.6),
    Scenario("100 runs of 10, differ some", 100, same(10), 0.5, 1),
    Scenario("100 runs of 200, differ some", 100, same(200), 0.3, 1),
    Scenario("30 runs of 1 to 200, differ some", 30, same(1, 200), 0.3, 1),
    Scenario("20 runs of 1 to 1000, differ some", 20, same(1, 1000), 0.3, 0.6),
    Scenario("60 runs of 1, a fifth of 200", 60, loads(0.2), 0.3, 1),
    Scenario("60 runs of 1, a fifth of 200, slower", 60, loads(0.2, 1.5), 0.3, 1),
    Scenario("100 runs of 1, a tenth of 200", 100, loads(0.1), 0.5, 0.7),
    Scenario("20 runs of 50, heavy tails", 20, same(50), 0.3, 0.5, heavy=True),
    Scenario("20 runs of 50, microseconds", 20, same(50), 0.3, 0.5, tick=1000),
    Scenario("100 runs of 20, 10 us steps", 100, same(20), 0.2, 0.5, tick=10_000),
    Scenario(
        "50 runs of 40, a tenth disturbed", 50, (Kind(0.9, 40, 40), Kind(0.1, 40, 40, 2)), 0.1, 0.5
    ),
)


@dataclass
class Tally:
    """What became of the intervals of one figure in all the sets: counts."""

    sets: int = 0
    below: int = 0
    above: int = 0
    open: int = 0
    unknown: int = 0

    def add(self, estimate: stats.Estimate, truth: float) -> None:
        """Count one interval: open on one side, or on both (unknown), or beside the truth."""
        self.sets += 1
        self.unknown += estimate.low is None and estimate.high is None
        self.open += (estimate.low is None) != (estimate.high is None)
        self.above += estimate.low is not None and estimate.low > truth
        self.below += estimate.high is not None and estimate.high < truth

    @property
    def coverage(self) -> float:
        """Give the share of the sets whose interval holds the truth: an open side always does."""
        return 1 - (self.below + self.above) / self.sets


@dataclass
class Tallies:
    """The tallies of one scenario, one for each of QUANTILES."""

    quantiles: list[Tally] = field(default_factory=lambda: [Tally() for _ in QUANTILES])
    differences: list[Tally] = field(default_factory=lambda: [Tally() for _ in QUANTILES])
    ratios: list[Tally] = field(default_factory=lambda: [Tally() for _ in QUANTILES])
    bootstrap: list[Tally] = field(default_factory=lambda: [Tally() for _ in QUANTILES])


def simulate(
    scenario: Scenario,
    sets: int,
    seed: int = 0,
    *,
    new: Scenario | None = None,
    bootstrap: bool = False,
) -> Tallies:
    """Draw pairs of groups of runs and tally the intervals: of one group, and of the difference.

    `new`: what the second group is drawn from, the scenario itself where it is None; `bootstrap`:
    tally the plain percentile bootstrap over runs beside them.
    """
    generator = np.random.default_rng(seed)
    truths = [scenario.truth(q) for q in QUANTILES]
    others = [(new or scenario).truth(q) for q in QUANTILES]
    tallies = Tallies()
    for _ in range(sets):
        base, other = scenario.draw(generator), (new or scenario).draw(generator)
        found = stats.quantiles(base, QUANTILES)
        for tally, estimate, truth in zip(tallies.quantiles, found, truths, strict=True):
            tally.add(estimate, truth)
        for place, one in enumerate(stats.differences(base, other, QUANTILES)):
            tallies.differences[place].add(one.absolute, others[place] - truths[place])
            if one.relative is not None:
                tallies.ratios[place].add(one.relative, others[place] / truths[place] - 1)
        if bootstrap:
            each = percentile_bootstrap(base, truths, generator)
            for tally, (within, below) in zip(tallies.bootstrap, each, strict=True):
                tally.sets += 1
                tally.above += within < 0.025
                tally.below += below > 0.975
    return tallies


def percentile_bootstrap(
    sample: stats.Sample, truths: list[float], generator: np.random.Generator
) -> Iterator[tuple[float, float]]:
    """Give the shares of 500 resamples of the runs whose quantile is no more than, below the truth.

    A resample's quantile is no more than a value where at least the share q of its intervals is:
    the quantiles themselves need not be found.
    """
    drawn: NDArray[np.int64] = generator.multinomial(
        sample.n_runs, np.full(sample.n_runs, 1 / sample.n_runs), 500
    )
    sizes = drawn @ sample.sizes
    for q, truth in zip(QUANTILES, truths, strict=True):
        within, below = (drawn @ sample.within(int(truth) - less) for less in (0, 1))
        yield float(np.mean(within >= q * sizes - 1e-6)), float(np.mean(below >= q * sizes - 1e-6))


def table(sets: int) -> Iterator[str]:
    """Give the lines of the table: for p50, p90 and p99, coverage in percent."""
    yield "| runs and their intervals | quantiles | differences | plain bootstrap |"
    yield "|---|---|---|---|"
    for scenario in SCENARIOS:
        tallies = simulate(scenario, sets, bootstrap=True)
        columns = (tallies.quantiles, tallies.differences, tallies.bootstrap)
        cells = [" · ".join(_cell(tally) for tally in column) for column in columns]
        yield f"| {' | '.join([scenario.name, *cells])} |"


def _cell(tally: Tally) -> str:
    """Give the coverage, with the shares of intervals open on one and on both sides if any are."""
    if tally.unknown > 0.9 * tally.sets:
        return "unknown"
    shares = [round(100 * n / tally.sets) for n in (tally.open, tally.unknown)]
    marks = [f"{share} {word}" for share, word in zip(shares, ("open", "unknown"), strict=True)]
    shown = [mark for mark, share in zip(marks, shares, strict=True) if share]
    return f"{100 * tally.coverage:.1f}" + (f" ({', '.join(shown)})" if shown else "")


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 2000):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
