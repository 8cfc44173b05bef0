"""What a nightly turn did, as Markdown and as the words of its state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flows.markdown import escaped, shortened, table
from tcpdw.compare import Comparison, MetricComparison
from tcpdw.compare.gate import Verdict
from tcpdw.compare.words import interval, name, percent
from tcpdw.inbox import Taken, Turn
from tcpdw.periods import Judged, Periods, Series
from tcpdw.summary import digits, fitting

MAX_ROWS = 100
"""At most so many rows of a table are shown."""

_NAMED = 5
_WORDS = {Verdict.BEYOND: "FAILED", Verdict.UNKNOWN: "cannot tell", Verdict.INSIDE: "passed"}
_PLACES = (("failed", "Moved to failed/"), ("left", "Left in the inbox"))


@dataclass(frozen=True, slots=True)
class Night:
    """All that a turn did; `compared` has None for a series whose periods share no metric."""

    turn: Turn
    periods: Periods
    compared: Sequence[tuple[Series, Comparison | None]] = ()
    judged: Sequence[Judged] = ()
    report: str | None = None
    no_report: str | None = None


def markdown(night: Night, warehouse: str) -> str:
    """Write up a turn: the ingest, the comparison, the gates' verdicts, where the report lies."""
    lines = [f"# {escaped(warehouse)}", ""]
    lines += [*_ingest(night.turn), "", *_comparison(night), "", *_gates(night.judged)]
    lines += ["", "## Report", ""]
    lines += [escaped(night.report or night.no_report or "None was asked for, or to be made.")]
    return "\n".join(lines) + "\n"


def _ingest(turn: Turn) -> list[str]:
    summary = turn.summary
    counts = [
        ("Runs loaded", len(summary.loaded)),
        ("Runs failed", len(turn.at("failed"))),
        ("Skipped: in the warehouse already", summary.skipped),
        ("Left in the inbox", len(turn.at("left"))),
        ("Still being copied in", len(turn.copied)),
        ("Events", summary.events),
        ("Packets", summary.packets),
    ]
    lines = ["## Ingest", "", *table(("", ""), [(name, f"{n:,}") for name, n in counts], 1)]
    for place, title in _PLACES:
        rows = [(taken.name, _first(taken)) for taken in turn.taken if taken.place == place]
        if rows:
            lines += ["", f"### {title}", "", *_cut(("Run", "Reason"), rows)]
    return lines


def _comparison(night: Night) -> list[str]:
    lines = ["## Comparison", "", escaped(night.periods.told()), ""]
    rows: list[Sequence[str]] = []
    notes: list[str] = []
    for one, comparison in night.compared:
        runs = f"{one.label}: {one.base_runs} and {one.new_runs} runs"
        if comparison is None:
            why = one.lacks(night.periods.days) or "no metric has intervals in both"
            notes.append(f"{runs}: {why}")
            continue
        found = [row for metric in comparison.metrics for row in _shown(one.label, metric)]
        rows += found
        rest = "" if found else "no difference is shown in "
        notes.append(f"{runs}: {rest}{len(comparison.metrics)} metrics compared")
        for warning in comparison.warnings:
            notes.append(f"{one.label}: {warning}")
    if rows:
        columns = ("Series", "Metric", "Quantile", "Before", "Now", "Change", "95 %")
        lines += [*_cut(columns, rows, 4), ""]
    if not night.compared:
        notes.append("no run started in these days")
    return lines + [f"- {escaped(note)}" for note in notes[:MAX_ROWS]]


def _shown(series: str, one: MetricComparison) -> Iterable[Sequence[str]]:
    before, now = one.groups
    for delta in one.deltas:
        for place, change in enumerate(delta.changes):
            if change.shown and change.relative is not None:
                values = before.quantiles[place].value, now.quantiles[place].value
                unit, length = fitting(values)
                told = [f"{digits(value or 0, length)} {unit}" for value in values]
                bounds = interval(change.relative)
                yield (
                    series, one.metric, name(change.q), *told, percent(change.relative.value),
                    bounds,
                )  # fmt: skip


def _gates(judged: Sequence[Judged]) -> list[str]:
    if not judged:
        return ["## Gates", "", "None is set."]
    worst_first = sorted(judged, key=lambda one: list(_WORDS).index(one.verdict))
    rows = [(one.series, str(one.gate), _WORDS[one.verdict], one.reason) for one in worst_first]
    return ["## Gates", "", *_cut(("Series", "Gate", "Verdict", "Why"), rows)]


def _cut(columns: Sequence[str], rows: Sequence[Sequence[str]], right: int = 0) -> list[str]:
    lines = table(columns, rows[:MAX_ROWS], right)
    return lines + (["", f"And {len(rows) - MAX_ROWS:,} more."] if len(rows) > MAX_ROWS else [])


def bad_runs(turn: Turn) -> str | None:
    """Say which runs could not be taken in and why, None where all could."""
    bad = [taken for taken in turn.taken if taken.place != "done"]
    if not bad:
        return None
    named = [f"{shortened(taken.name)[:80]}: {_first(taken)}" for taken in bad[:_NAMED]]
    if len(bad) > _NAMED:
        named.append(f"and {len(bad) - _NAMED} more")
    return f"{len(bad)} of {len(turn.taken)} could not be taken in: " + "; ".join(named)


def regressions(judged: Sequence[Judged]) -> str | None:
    """Say which gates failed, None where none did."""
    return _told("regression", [one for one in judged if one.verdict is Verdict.BEYOND])


def doubtful(judged: Sequence[Judged]) -> str | None:
    """Say which gates cannot tell, None where all can."""
    return _told("cannot tell", [one for one in judged if one.verdict is Verdict.UNKNOWN])


def _told(what: str, found: Sequence[Judged]) -> str | None:
    if not found:
        return None
    named = [f"{shortened(one.series)[:80]}: {one.gate}: {one.reason}" for one in found[:_NAMED]]
    if len(found) > _NAMED:
        named.append(f"and {len(found) - _NAMED} more")
    return f"{what}: {shortened('; '.join(named))}"


def _first(taken: Taken) -> str:
    return shortened(taken.reasons[0]) if taken.reasons else "no reason was given"
