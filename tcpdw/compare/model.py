"""What a comparison holds: groups of runs, their quantiles, and how each differs from the base."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, overload

from tcpdw.compare.words import first_few

if TYPE_CHECKING:
    from tcpdw.stats import Estimate

QUANTILES = (0.5, 0.9, 0.99)
"""The quantiles that are compared."""

SPLIT_QUANTILES = (0.5, 0.99)
"""The quantiles whose differences are split over the stages."""


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A certain interval that shows a quantile: its run, where it starts, and its length, ns.

    `word` is what names the run on a command line.
    """

    run_id: int
    run: str
    word: str
    ts: int
    dur: int


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of a group's certain intervals, ns; `low` and `high` where the runs bound it.

    `value` is an interval that was observed (`summary.STATISTICS`), None where there is none.
    """

    q: float
    value: int | None
    low: int | None
    high: int | None
    exemplar: Exemplar | None = None


@dataclass(frozen=True, slots=True)
class RunMedian:
    """One run's median of its certain intervals, ns, and how many there are."""

    run_id: int
    run: str
    median: int
    intervals: int


@dataclass(frozen=True, slots=True)
class RunMedians(Sequence[RunMedian]):
    """The medians of a group's runs, those that have an interval: made as they are asked for.

    `run_ids`, `medians` (ns) and `intervals` (how many each run has) are in the same order; `names`
    gives a run's name.
    """

    run_ids: tuple[int, ...]
    medians: tuple[int, ...]
    intervals: tuple[int, ...]
    names: Mapping[int, str] = field(repr=False, compare=False)

    def __len__(self) -> int:
        """Count the runs."""
        return len(self.run_ids)

    @overload
    def __getitem__(self, index: int) -> RunMedian: ...
    @overload
    def __getitem__(self, index: slice) -> RunMedians: ...
    def __getitem__(self, index: int | slice) -> RunMedian | RunMedians:
        """Give one run's median, or those of some runs."""
        if isinstance(index, slice):
            parts = (self.run_ids[index], self.medians[index], self.intervals[index])
            return RunMedians(*parts, self.names)
        run = self.run_ids[index]
        return RunMedian(run, self.names[run], self.medians[index], self.intervals[index])


@dataclass(frozen=True, slots=True)
class Group:
    """A metric's intervals in one group of runs.

    `by`: the group's values; `all_runs`: how many runs the group has, `runs`: how many of them have
    a certain interval; `uncertain`: how many intervals were left out; `longest`: ns; `left_out`:
    what the metric has no interval for, by reason, most first.
    """

    label: str
    by: tuple[object, ...]
    all_runs: int
    runs: int
    intervals: int
    uncertain: int
    quantiles: tuple[Quantile, ...]
    longest: int | None
    longest_exemplar: Exemplar | None
    run_medians: RunMedians
    left_out: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Change:
    """How a quantile differs from the base's.

    `absolute` in ns, `relative` as a fraction of the base's, None where that is 0; `shown`: whether
    the runs show a difference: the corrected p is below alpha, and the interval excludes zero.
    """

    q: float
    absolute: Estimate
    relative: Estimate | None
    shown: bool


@dataclass(frozen=True, slots=True)
class Delta:
    """A group beside the base: `p` of the rank test over the runs' medians; None where none is.

    `p_corrected` is Holm's, over all tests of the comparison.
    """

    base: str
    group: str
    changes: tuple[Change, ...]
    p: float | None
    p_corrected: float | None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What a group's intervals near a quantile are made of: those whose rank is within `ranks`.

    `ranks` are fractions of all certain intervals, of which so many `intervals` are within; `mean`
    is their mean length, ns, and `parts` the mean of each stage in order, ns: they sum to `mean`.
    The part named None is what no stage explains. `later` holds the means of the stages that follow
    the interval's end, among the intervals that have them; None where none has.
    """

    q: float
    group: str
    ranks: tuple[float, float]
    intervals: int
    mean: float
    parts: tuple[tuple[str | None, float], ...]
    later: tuple[tuple[str, float | None], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A stage's mean, ns, in the base and in the group, and the difference with its interval.

    `stage` is None for what no stage explains: where the trace does not show one.
    """

    stage: str | None
    base: float
    new: float
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Split:
    """The difference of a quantile, ns, split over the stages.

    `parts` are the differences between two breakdowns: they sum to that of the mean lengths near
    the quantile. `beyond` is what then lacks to `difference`, that of the quantiles themselves.
    `later` holds the stages after the interval's end, which are no part of it; `shown`: whether the
    runs show the difference at all.
    """

    q: float
    base: str
    group: str
    parts: tuple[Part, ...]
    later: tuple[Part, ...]
    beyond: float
    difference: float
    shown: bool


@dataclass(frozen=True, slots=True)
class MetricComparison:
    """A metric in every group; `deltas` for all with intervals but the base.

    `breakdowns` and `splits` are there where stages were asked for and the metric has some.
    """

    metric: str
    groups: tuple[Group, ...]
    deltas: tuple[Delta, ...]
    breakdowns: tuple[Breakdown, ...] = ()
    splits: tuple[Split, ...] = ()


MOST_METRICS = 4
"""At most so many metrics stand one by one before a warning."""


@dataclass(frozen=True, slots=True)
class Warning:
    """What a reader must know before believing a difference; of these metrics (none: of all)."""

    kind: str
    text: str
    metrics: tuple[str, ...] = ()

    def __str__(self) -> str:
        return (
            f"{first_few(self.metrics, MOST_METRICS)}: {self.text}" if self.metrics else self.text
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Metrics by group: `by` names the columns (none where conditions make the groups)."""

    by: tuple[str, ...]
    base: str
    qs: tuple[float, ...]
    level: float
    alpha: float
    metrics: tuple[MetricComparison, ...]
    warnings: tuple[Warning, ...]
