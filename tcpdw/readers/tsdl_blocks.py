"""Where the blocks of a TSDL text begin and end (CTF 1.8.3, section 7 and its grammar, C)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, NoReturn

from tcpdw.errors import TraceError

# Comments and literals may hold braces and semicolons. Each pattern reads a text in one way only:
# one that does not match in the end must not be tried again in every other way.
COMMENT = r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/|//[^\n]*"
LITERAL = r'"[^"\\]*(?:\\.[^"\\]*)*"' + r"|'[^'\\]*(?:\\.[^'\\]*)*'"

_SPACE = re.compile(rf"(?:[\s;]|{COMMENT})*")
_TO_BRACE_OR_END = re.compile(rf"(?:[^{{}};\"'/]+|{COMMENT}|{LITERAL}|/(?![*/]))*", re.DOTALL)
_PLAIN = r"[^{}\"'/]*"
# Braces two deep without literals, which most of a metadata text is, go by in one step.
_SHALLOW = rf"\{{{_PLAIN}(?:\{{{_PLAIN}\}}{_PLAIN})*\}}"
# How tracers begin an event, and the whole of most: one match gives its end, and its ids too.
_HEAD = (
    r"event\s*\{\s*name\s*=\s*(?:\"[^\"\\]*\"|\w+)\s*;\s*id\s*=\s*(0|[1-9][0-9]{0,17})\s*;"
    r"\s*stream_id\s*=\s*(0|[1-9][0-9]{0,17})\s*;"
)
_EVENT_HEAD = re.compile(_HEAD)
_EVENT = re.compile(rf"{_HEAD}{_PLAIN}(?:{_SHALLOW}{_PLAIN})*\}}\s*;\s*")
_BRACE = re.compile(rf"{_SHALLOW}|[{{}}]|{COMMENT}|{LITERAL}|[\"']|/\*", re.DOTALL)
_KIND = re.compile(rf"(trace|env|clock|stream|event|callsite)(?:\s|{COMMENT})*\{{")

# How deep structures, variants and braces may nest: far beyond any tracer, well within the stack.
MAX_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Source:
    """A whole metadata text, and the file that it is from. `origin` tells one from another."""

    text: str
    path: Path
    origin: object = field(default_factory=object, compare=False, repr=False)

    def fail(self, place: int, message: str, hint: str | None = None) -> NoReturn:
        """Raise TraceError at the character `place` of the text."""
        raise TraceError(
            message,
            path=self.path,
            line=self.text.count("\n", 0, place) + 1,
            column=place - (self.text.rfind("\n", 0, place) + 1) + 1,
            hint=hint,
        )


class Block(NamedTuple):
    """A statement at the top level: `text[start:end]`, its semicolon included.

    `kind` is the word that it starts with, or `declaration` for the declarations of types. `id` and
    `stream_id` are those of an event where they could be read in passing.
    """

    kind: str
    start: int
    end: int
    id: int | None = None
    stream_id: int | None = None


def split(source: Source, start: int = 0) -> Iterator[Block]:
    """Give the blocks of the text from the character `start` on.

    Raises TraceError where a literal, comment or brace is never closed, or closed before it opens.
    """
    text = source.text
    length = len(text)
    place = _after_space(text, start)
    while place < length:
        event = _EVENT.match(text, place)
        if event:
            end = event.end()
            yield Block("event", place, end, int(event[1]), int(event[2]))
            place = end
            continue
        end = _end(source, place)
        event = _EVENT_HEAD.match(text, place)
        if event:
            yield Block("event", place, end, int(event[1]), int(event[2]))
        else:
            kind = _KIND.match(text, place)
            yield Block(kind[1] if kind else "declaration", place, end)
        place = _after_space(text, end)


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _end(source: Source, start: int) -> int:
    """Give where the statement at `start` ends."""
    text = source.text
    place = start
    while True:
        found = _TO_BRACE_OR_END.match(text, place)
        place = found.end() if found else place
        mark = text[place : place + 1]
        if mark == ";":
            return place + 1
        if mark == "{":
            place = _after_group(source, place)
        elif mark == "}":
            source.fail(place, "`}` closes nothing")
        elif mark:
            _open_literal(source, place)
        else:
            source.fail(start, "the metadata ends within this statement: expected `;`")


def _after_group(source: Source, opening: int) -> int:
    """Give the place after the brace that closes the one at `opening`."""
    depth = 0
    for found in _BRACE.finditer(source.text, opening):
        mark = found[0]
        if mark == "}":
            depth -= 1
        elif mark == "{":
            depth += 1
            if depth > MAX_DEPTH:
                source.fail(found.start(), f"braces nest more than {MAX_DEPTH} deep")
        elif mark in ('"', "'", "/*"):
            _open_literal(source, found.start())
        if not depth:
            return found.end()
    source.fail(opening, "`{` is never closed")


def _open_literal(source: Source, place: int) -> NoReturn:
    mark = source.text[place]
    what = "comment" if mark == "/" else "string" if mark == '"' else "character literal"
    source.fail(place, f"this {what} is never closed")
