"""The words and numbers of a timeline's page: its facts, its moments, the table of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tcpdw.report.timeline_data import Step, Timeline
from tcpdw.report.timeline_window import Span
from tcpdw.report.wording import duration

_NARROWEST = 4_000
"""A step is shown in no less than so many ns."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A duration of the connection: what it is, in ns, and as people read it."""

    name: str
    value: int
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """A step's row: what is shown, and where its button leads; times in ns since the origin.

    `place`: its place among those that are in the time shown, None for the others; `group`: the
    moment that begins with it; `way`: `left` or `right`, where its packet goes.
    """

    place: int | None
    number: int
    group: str
    ts: int | None
    exact: str
    ms: str
    since: int | None
    after: str
    first: int
    last: int
    packet: str
    way: str
    step: str
    note: str
    evidence: str
    thread: str
    cpu: str


def rows(line: Timeline) -> list[Row]:
    """Give the steps as rows: of each end's story by itself, in its order."""
    found: list[Row] = []
    roles = list(dict.fromkeys(step.role for step in line.steps))
    place = 0
    for role in roles:
        steps = [step for step in line.steps if step.role == role]
        named = ""
        for index, step in enumerate(steps):
            group = "" if step.ts is None else _moment(line, step.ts)
            if len(roles) > 1 and group:
                group = f"{role}: {group}"
            opens = group if group and group != named else ""
            named = group or named
            shown = step.ts is not None and line.span.holds(step.ts)
            span = _around(line, steps, index)
            found.append(_row(line, step, opens, place if shown else None, span))
            place += shown
    return found


def facts(line: Timeline) -> list[Fact]:
    """Give what the story's main steps took: between those that came, each at its first time."""
    roles = sorted({step.role for step in line.steps})
    return [
        Fact(f"{role}: {fact.name}" if len(roles) > 1 else fact.name, fact.value, fact.text)
        for role in roles
        for fact in _facts([step for step in line.steps if step.role == role])
    ]


def _facts(steps: Sequence[Step]) -> list[Fact]:
    first: dict[str, int] = {}
    for step in steps:
        if step.ts is not None:
            first.setdefault(step.step, step.ts)
    found: list[Fact] = []
    for name, start, end in (
        ("SYN to SYN-ACK", "SYN received", "SYN-ACK queued"),
        ("SYN-ACK to ACK", "SYN-ACK queued", "ACK received"),
        ("ACK to wake", "ACK received", "wake"),
        ("SYN to SYN-ACK", "SYN queued", "SYN-ACK received"),
        ("SYN-ACK to wake", "SYN-ACK received", "wake"),
        ("wake to cpu", "wake", "switch in"),
        ("cpu to accept", "switch in", "accept"),
        ("send to queue", "send", "data queued"),
        ("queue to transmit", "data queued", "data transmitted"),
        ("data to wake", "data received", "wake"),
    ):
        if start in first and end in first and first[end] >= first[start]:
            found.append(_fact(name, first[end] - first[start]))
    return found


def connection_words(line: Timeline) -> str:
    """Say which connection it is, and from when its times count."""
    if line.connection is None:
        return ""
    others = f", one of {line.connections}" if line.connections > 1 else ""
    return (
        f"Connection {line.connection.number}{others}: {line.connection.client} to "
        f"{line.connection.server}."
    )


def origin_words(line: Timeline) -> str:
    """Say what counts as time 0, and when that was."""
    when = datetime.fromtimestamp(line.origin // 10**9, UTC)
    exact = f"{when:%Y-%m-%d %H:%M:%S}.{line.origin % 10**9:09d} UTC ({line.origin} ns)"
    return f"the {line.origin_name}, {exact}"


def subtitle(line: Timeline) -> str:
    """Say who recorded the run."""
    run = line.run
    parts: Mapping[str, str | None] = {
        "machine": run.machine,
        "role": run.role,
        "experiment": run.experiment,
        "kernel": run.kernel,
        "driver": run.driver,
    }
    return " · ".join(f"{name} {value}" for name, value in parts.items() if value)


def _moment(line: Timeline, ts: int) -> str:
    return next((m.name for m in line.moments if m.span.holds(ts)), "")


def _around(line: Timeline, steps: Sequence[Step], index: int) -> Span:
    """Give the time in which a step stands between the one before it and the one after."""
    ts = steps[index].ts
    if ts is None:
        return line.span
    moment = next((m.span for m in line.moments if m.span.holds(ts)), line.span)
    near = [s.ts for s in steps[max(0, index - 1) : index + 2] if s.ts is not None]
    near = [other for other in near if moment.holds(other)] or [ts]
    span = Span(min(near), max(near))
    return span.stretched(max(span.length // 2, _NARROWEST // 2))


def _row(line: Timeline, step: Step, group: str, place: int | None, span: Span) -> Row:
    since = None if step.ts is None else step.since
    way, _, packet = step.packet.partition(" ")
    ts = None if step.ts is None else step.ts - line.origin
    return Row(
        place=place,
        number=step.number,
        group=group,
        ts=ts,
        exact="" if ts is None else f"{ts:+,} ns",
        ms="" if ts is None else f"{ts / 1e6:,.3f}",
        since=since,
        after="" if since is None else f"{since / 1e6:+,.3f}",
        first=span.first - line.origin,
        last=span.last - line.origin,
        packet=packet,
        way="right" if way == "-->" else "left",
        step=step.step,
        note="" if step.status == "expected" else f"{step.status}: {step.why}",
        evidence=step.evidence,
        thread="" if step.tid is None else f"{step.comm or '?'} {step.tid}",
        cpu="" if step.cpu_id is None else str(step.cpu_id),
    )


def _fact(name: str, length: int) -> Fact:
    return Fact(name, length, duration(length))
