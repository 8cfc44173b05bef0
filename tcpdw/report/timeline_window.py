"""Which time a timeline covers, and its moments: where the steps of a story crowd together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MAX_MOMENTS = 24

_QUIET = 20
"""A pause longer than this part of the connection's life ends a moment."""

_MARGIN = 0.06
"""A moment is shown with this part of its length before and after."""

_LONE = 1000
"""A step alone is shown with this part of the connection's life before and after."""

_NARROWEST = 2_000
"""No moment is shown in less than so many ns."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, ns since the Unix epoch."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Give its length, ns."""
        return self.last - self.first

    def widened(self, part: float) -> Span:
        """Give it with this part of its length, and some ns at least, before and after."""
        return self.stretched(int(self.length * part))

    def stretched(self, more: int) -> Span:
        """Give it with `more` ns, and some at least, before and after."""
        more = max(more, _NARROWEST // 2)
        return Span(self.first - more, self.last + more)

    def within(self, other: Span) -> Span:
        """Give what of it lies in `other`; all of it where nothing does."""
        first, last = max(self.first, other.first), min(self.last, other.last)
        return Span(first, last) if first < last else self

    def holds(self, ts: int) -> bool:
        """Tell whether a time lies in it."""
        return self.first <= ts <= self.last


@dataclass(frozen=True, slots=True)
class Point:
    """A step that came: when (ns since the Unix epoch), in which part of the story, its name."""

    ts: int
    part: str
    step: str


@dataclass(frozen=True, slots=True)
class Moment:
    """Steps that follow each other closely: a name for people, the time around them, how many."""

    name: str
    span: Span
    steps: int


def moments_of(points: Sequence[Point], origin: int) -> list[Moment]:
    """Part the steps where nothing happens for long; `origin` is the SYN's time, ns.

    Long is a twentieth of the time from the SYN to the last step, so that a connection of
    microseconds has its moments as one of minutes has. Of many, the shortest pauses are none.
    """
    known = sorted(points, key=lambda point: point.ts)
    if not known:
        return []
    life = max(known[-1].ts - origin, 1)
    pauses = sorted(
        (
            (after.ts - before.ts, place)
            for place, (before, after) in enumerate(pairwise(known), start=1)
            # Before the SYN all is set-up, whatever the pauses in it.
            if after.ts - before.ts > life / _QUIET and after.ts > origin - life / _QUIET
        ),
        reverse=True,
    )
    cuts = sorted(place for _, place in pauses[: MAX_MOMENTS - 1])
    groups = [known[a:b] for a, b in zip([0, *cuts], [*cuts, len(known)], strict=True)]
    names = [_name(group, origin) for group in groups]
    moments: list[Moment] = []
    for place, (name, group) in enumerate(zip(names, groups, strict=True)):
        shown = name
        if names.count(name) > 1:
            shown = f"{name} {names[: place + 1].count(name)}"
        span = Span(group[0].ts, group[-1].ts)
        span = span.widened(_MARGIN) if span.length else span.stretched(int(life / _LONE))
        moments.append(Moment(shown, span, len(group)))
    return moments


def _name(group: Sequence[Point], origin: int) -> str:
    if len(group) == 1:
        return group[0].step
    words = {"connect": "handshake", "end": "close"}
    if group[-1].ts < origin:
        words["connect"] = "set-up"
    counts = Counter(words.get(point.part, point.part) for point in group)
    # A wait at the end of a moment is the next part's first step: that names it not.
    most = max(counts.values())
    return ", ".join(part for part, n in counts.items() if n == most or n > len(group) / 5)
