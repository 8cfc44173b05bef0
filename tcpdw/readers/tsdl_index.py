"""Which events a TSDL text has and where their blocks are, found without parsing them.

The events are most of a metadata text and the last of it, and traces of one kernel share them to
the letter: where they are is kept by that part of the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from tcpdw.readers import ctf_kept
from tcpdw.readers.ctf_memory import Memory
from tcpdw.readers.tsdl_attributes import MAX_ID
from tcpdw.readers.tsdl_blocks import Block, Source, split
from tcpdw.readers.tsdl_tokens import END, INTEGER, Cursor

_ENV = re.compile(r"env\b(?<!\wenv)")  # found by its first letters, which is faster


def names_env(text: str) -> bool:
    """Tell if a text may have lengths that the environment gives."""
    return _ENV.search(text) is not None


class Span(NamedTuple):
    """An event's block: `tail[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tail:
    """A text from its first event on: `streams` has each event's span by stream id and id.

    `partial` are the events that lack either id, `others` the blocks that are no events. `digest`
    tells the text from others, None if it is short.
    """

    text: str
    digest: str | None
    others: list[Block]
    streams: dict[int, dict[int, Span]] = field(default_factory=dict[int, dict[int, Span]])
    partial: list[Block] = field(default_factory=list[Block])
    names_env: bool = False


_tails: Memory[str, Tail] = Memory(16)


def index(source: Source) -> tuple[list[Block], int, Tail]:
    """Give the blocks before the first event, where that is, and what is from there on.

    Raises TraceError where blocks do not begin and end, or where two events have the same id.
    """
    head: list[Block] = []
    for block in split(source):
        if block.kind == "event":
            start = block.start
            break
        head.append(block)
    else:
        start = len(source.text)
    text = source.text[start:]
    return head, start, _tails.get(text, lambda: _kept_tail(source, text, start))


def _kept_tail(source: Source, text: str, base: int) -> Tail:
    digest = ctf_kept.digest(text)
    if digest is None:
        return _tail(source, text, base, None)
    key = f"spans {digest}"
    found = ctf_kept.load(key)
    if found is not None:
        streams, names_env = found
        spans = {id: {e: Span(*at) for e, at in events.items()} for id, events in streams.items()}
        return Tail(text, digest, [], spans, names_env=names_env)
    tail = _tail(source, text, base, digest)
    if not tail.others and not tail.partial:
        spans = {id: {e: tuple(at) for e, at in of.items()} for id, of in tail.streams.items()}
        ctf_kept.store(key, (spans, tail.names_env))
    return tail


def _tail(source: Source, text: str, base: int, digest: str | None) -> Tail:
    others: list[Block] = []
    tail = Tail(text, digest, others, names_env=names_env(text))
    for block in split(source, base):
        if block.kind != "event":
            others.append(block._replace(start=block.start - base, end=block.end - base))
            continue
        if block.id is None:
            block = _with_ids(source, block)
        if block.id is None or block.stream_id is None:
            tail.partial.append(block._replace(start=block.start - base, end=block.end - base))
            continue
        spans = tail.streams.setdefault(block.stream_id, {})
        if block.id in spans:
            source.fail(block.start, f"another event of the same stream has the id {block.id}")
        spans[block.id] = Span(block.start - base, block.end - base)
    return tail


def _with_ids(source: Source, block: Block) -> Block:
    """Give the block with its `id` and `stream_id`, where it has them."""
    cursor = Cursor(source, block.start, block.end)
    depth = 0
    ids: dict[str, int] = {}
    first = False
    while cursor.token.kind != END:
        token = cursor.advance()
        if depth == 1 and first and token.text in ("id", "stream_id") and cursor.accept("="):
            ids.setdefault(token.text, cursor.constant("an id", 0, MAX_ID))
        opens = token.text == "{" or (token.kind == INTEGER and token.text[-1] == "{")
        depth += opens - (token.text == "}")
        first = opens or token.text == ";"
    return block._replace(id=ids.get("id"), stream_id=ids.get("stream_id"))
