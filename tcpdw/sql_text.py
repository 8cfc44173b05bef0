"""Split SQL text into statements and their parts, keeping the comments that document them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*)
      |(?P<block>/\*.*?\*/)
      |(?P<string>'(?:[^']|'')*')
      |(?P<quoted>"(?:[^"]|"")*")
      |(?P<number>\d[\w.]*)
      |(?P<word>[A-Za-z_]\w*)
      |(?P<space>\s+)
      |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_NO_CODE = re.compile(r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*\"""", re.DOTALL)
_NAME = r"""(?:[A-Za-z_]\w*|"(?:[^"]|"")*")"""
_WORDS = re.compile(rf"(?<![\w.]){_NAME}(?:\s*\.\s*{_NAME})*")
_BLANK = ("comment", "block", "space")
_OPEN = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}


@dataclass(frozen=True, slots=True)
class Token:
    """One lexical element: its kind, its text, where it starts, and how many brackets are open."""

    kind: str
    text: str
    start: int
    depth: int

    @property
    def end(self) -> int:
        """Give the offset just past the token."""
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Tell whether the token is one of these keywords, in any case."""
        return self.kind == "word" and self.text.upper() in words


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of SQL text; a closing bracket has the depth of its opening one."""
    depth = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        step = _OPEN.get(match.group(), 0) if kind == "other" else 0
        if step < 0:
            depth -= 1
        yield Token(kind, match.group(), match.start(), depth)
        if step > 0:
            depth += 1


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with its offset, from the comment before it up to its semicolon."""
    code = _blanked(text)
    start = 0
    for end in (*(match.start() for match in re.finditer(";", code)), len(code)):
        if code[start:end].strip():
            yield start, text[start:end]
        start = end + 1


def code_words(text: str) -> frozenset[str]:
    """Give every identifier of SQL text, dotted pairs joined, comments and strings left out."""
    found: set[str] = set()
    for name in set(_WORDS.findall(_blanked(text, keep_quoted=True))):
        words = name.replace('"', "").split(".")
        found.update(words)
        if len(words) > 1:
            found.update(f"{one}.{other}" for one, other in pairwise(words))
    return frozenset(found)


def _blanked(text: str, *, keep_quoted: bool = False) -> str:
    """Put blanks in the place of comments and strings, and of quoted names unless they are kept."""

    def blank(match: re.Match[str]) -> str:
        is_kept = keep_quoted and match.group().startswith('"')
        return match.group() if is_kept else " " * len(match.group())

    return _NO_CODE.sub(blank, text)


def plain(text: str) -> str:
    """Give SQL text without its comments, and with one blank between what is left."""
    return " ".join(token.text for token in tokens(text) if token.kind not in _BLANK)


def comment_text(comments: list[str]) -> str:
    """Join comment lines into one text."""
    return " ".join(line.lstrip("-").strip() for line in comments).strip()


def select_items(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, comment) for each item of a query's outermost first SELECT list.

    The name is the item's alias or its last identifier; the comment is the one above the item.
    """
    comments: list[str] = []
    name = ""
    started = False
    for token in tokens(text):
        if not started:
            started = token.depth == 0 and token.is_word("SELECT")
            continue
        if token.depth == 0 and token.is_word("FROM", "UNION"):
            break
        if token.kind == "comment":
            if name == "":
                comments.append(token.text)
        elif token.kind == "other" and token.text == "," and token.depth == 0:
            yield name, comment_text(comments)
            comments, name = [], ""
        elif token.is_word("DISTINCT"):
            continue
        elif token.kind in ("word", "quoted") and token.depth == 0:
            name = token.text.strip('"')
        elif token.kind not in ("space", "block") and name == "":
            name = "?"
    if name:
        yield name, comment_text(comments)


def table_items(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, comment) for each column of a CREATE TABLE statement."""
    body = text[text.index("(") + 1 : text.rindex(")")]
    comments: list[str] = []
    name = ""
    for token in tokens(body):
        if token.kind == "comment":
            if name == "":
                comments.append(token.text)
        elif token.kind == "other" and token.text == "," and token.depth == 0:
            yield name, comment_text(comments)
            comments, name = [], ""
        elif token.kind in ("word", "quoted") and name == "":
            name = token.text.strip('"')
    if name:
        yield name, comment_text(comments)


def table_types(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, type) for each column of a CREATE TABLE statement without constraints."""
    body = text[text.index("(") + 1 : text.rindex(")")]
    words: list[str] = []
    kind = ""
    for token in tokens(body + ","):
        if token.kind == "other" and token.text == "," and token.depth == 0:
            if words:
                yield words[0].strip('"'), "".join(words[1:])
            words = []
        elif token.kind not in ("space", "comment", "block"):
            # Spelled as the database spells types: `STRUCT(fd INTEGER)[]`.
            is_next_word = len(words) > 1 and token.kind == "word" and kind == "word"
            words.append(f" {token.text}" if is_next_word else token.text)
            kind = token.kind
