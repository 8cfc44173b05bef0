"""The words of a TSDL text, and a cursor over them (CTF 1.8.3, appendix C.1)."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from tcpdw.readers.tsdl_blocks import COMMENT, LITERAL, Source

WORD, NUMBER, STRING, SIGN, INTEGER, END = range(1, 7)

# The groups are numbered as the kinds are. An integer type without literals or comments is one
# token: types of that kind are most of a text, and few differ.
_TOKEN = re.compile(
    rf"(?:\s|{COMMENT})*"
    r"(?:((?!integer\s*\{)(?:[A-Za-z_]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})"
    r"(?:\w|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*)"
    r"|((?:0[xX][0-9A-Fa-f]+|[0-9]+)[uUlL]*)"
    rf"|({LITERAL})"
    r"|(:=|\.\.\.|->|[][{}();:,=<>.*+-])"
    r"|(integer\s*\{[^{}\"'/]*\}|integer\s*\{)"
    r"|(\Z)|(.))",
    re.DOTALL,
)

_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,3})|(.))", re.DOTALL)
_PLAIN_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip

MAX_UINT64 = 2**64 - 1
_MAX_DIGITS = 24  # of an octal number below 2**64, with its 0; more need not be converted


class Token(NamedTuple):
    """A word, number, string, sign or whole integer type of the text, and where it starts."""

    kind: int
    text: str
    place: int


class Cursor:
    """A place among the tokens of `source.text[start:end]`.

    Every failure is a TraceError that names the line and the column.
    """

    __slots__ = ("_index", "_tokens", "source", "token")

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source = source
        self._tokens = _tokens(source, start, end)
        self._index = 0
        self.token = self._tokens[0]

    def advance(self) -> Token:
        """Step over the current token, and give it."""
        token = self.token
        if token.kind != END:
            self._index += 1
            self.token = self._tokens[self._index]
        return token

    def peek(self, ahead: int = 1) -> Token:
        """Give the token that is `ahead` of the current one."""
        return self._tokens[min(self._index + ahead, len(self._tokens) - 1)]

    def accept(self, sign: str) -> bool:
        """Step over the sign or word `sign` if it is the current token."""
        token = self.token
        if token.text == sign and token.kind != STRING:
            self.advance()
            return True
        return False

    def expect(self, sign: str, where: str) -> None:
        """Step over `sign`, or fail: `expected SIGN WHERE`."""
        if not self.accept(sign):
            self.fail(f"expected `{sign}` {where}, found {self.found()}")

    def word(self, what: str) -> str:
        """Step over a word, and give it, or fail: `expected WHAT`."""
        if self.token.kind != WORD:
            self.fail(f"expected {what}, found {self.found()}")
        return self.advance().text

    def strings(self) -> str:
        """Step over string literals that stand one after another, and give them as one text."""
        text = ""
        while self.token.kind == STRING:
            text += self._unescaped(self.advance())
        return text.partition("\0")[0]  # as in C, where the tools of the format are at home

    def constant(self, what: str, least: int = 0, most: int = MAX_UINT64) -> int:
        """Step over an integer constant, signed or not, and give it, or fail: `expected WHAT`."""
        place = self.token.place
        negative = False
        while self.token.text in ("-", "+") and self.token.kind == SIGN:
            negative ^= self.advance().text == "-"
        if self.token.kind != NUMBER:
            self.fail(f"expected {what}, found {self.found()}")
        value = _number(self.advance().text)
        if value is not None and negative:
            value = -value
        if value is None or not least <= value <= most:
            self.fail(f"expected {what} from {least} to {most}", place)
        return value

    def found(self) -> str:
        """Say what the current token is."""
        token = self.token
        if token.kind == END:
            return "the end of the text"
        return f"`{token.text if len(token.text) <= 40 else token.text[:39] + '…'}`"

    def fail(self, message: str, place: int | None = None) -> NoReturn:
        """Raise TraceError at `place`, or at the current token."""
        self.source.fail(self.token.place if place is None else place, message)

    def _unescaped(self, token: Token) -> str:
        inner = token.text[1:-1]
        if "\\" not in inner:
            return inner

        def character(found: re.Match[str]) -> str:
            octal, hexadecimal, letter = found.groups()
            if octal or hexadecimal:
                return chr((int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF)
            if letter not in _PLAIN_ESCAPES:
                self.fail(f"unknown escape `\\{letter}`", token.place + 1 + found.start())
            return _PLAIN_ESCAPES[letter]

        return _ESCAPE.sub(character, inner)


def _number(text: str) -> int | None:
    """Give an integer literal's value, None for one that is no number or too long to be one."""
    digits = text.rstrip("uUlL")
    if len(digits) > _MAX_DIGITS:
        return None
    try:
        if digits[:2] in ("0x", "0X"):
            return int(digits, 16)
        return int(digits, 8 if digits[0] == "0" else 10)
    except ValueError:
        return None


def _tokens(source: Source, start: int, end: int) -> list[Token]:
    tokens: list[Token] = []
    for found in _TOKEN.finditer(source.text, start, end):
        kind = found.lastindex or END
        if kind > END:
            what = {'"': "string", "'": "character literal"}.get(found[kind])
            message = f"this {what} is never closed" if what else f"unexpected {found[kind]!r}"
            source.fail(found.start(kind), message)
        tokens.append(Token(kind, found[kind], found.start(kind)))
        if kind == END:
            break
    return tokens
