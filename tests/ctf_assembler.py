"""The byte language of the CTF cases: text to the bytes of a data stream.

An item a line (or several, with `;` between), `#` starts a comment; blocks are in braces:

    le | be             the byte order from here on; at first, little-endian
    u5 VALUE ...        unsigned integers of 1 to 64 bits, right after the last bit: `u16be` for one
    i16 VALUE ...       in another order; signed ones; and reals f16, f32, f64
    str "TEXT" ...      UTF-8 and a NUL; `str utf-16le "TEXT"` in that encoding
    text "TEXT" ...     the same without the NUL
    hex C1 1F fc        bytes
    uleb VALUE ...      variable-length integers (LEB128), and `sleb`
    align BITS          zero bits up to a multiple of BITS from the packet's start
    fill COUNT [BYTE]   COUNT bytes
    repeat COUNT { }    the block COUNT times
    packet { }          a packet: in it, `content_bits` and `packet_bits` are its sizes
    end                 in a packet: its content ends here, and padding follows
    mark NAME           NAME is the byte offset from the file's start, also in what is expected
    cut COUNT           takes the last COUNT bytes away
    macro NAME A B { }  a new item; in the block `$A` is what it was called with

A VALUE is a number, a mark, a size, an argument, or a sum or product of these (`packet_bits+8`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ctf_assembler_bits import BitWriter

_TOKEN = re.compile(r'\s*(?:#.*|("(?:[^"\\]|\\.)*")|([{};])|([^\s{};"#]+))')
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)")
_FIELD = re.compile(r"([uif])(\d+)(le|be)?")
_TERM = re.compile(r"([+*-]?)(\$?[A-Za-z_]\w*|0x[0-9a-fA-F]+|0b[01]+|\d+)")
_REAL_SIZES = (16, 32, 64)


class AssemblyError(Exception):
    """A case file is wrong: `FILE:LINE: what`."""

    def __init__(self, place: str, line: int, message: str) -> None:
        super().__init__(f"{place}:{line}: {message}")


@dataclass
class Item:
    """An item: its words (`"` before a text's bytes), its block if it has one, its line."""

    line: int
    words: list[str | bytes]
    block: list[Item] | None = None


@dataclass
class _State:
    """What an item's meaning depends on."""

    writer: BitWriter = field(default_factory=BitWriter)
    little: bool = True
    packet_start: int = 0
    content_end: int | None = None
    values: dict[str, int] = field(default_factory=dict)


def parse(text: str, place: str, line: int) -> list[Item]:
    """Return the items of `text`, whose first line is line `line` of the file `place`."""
    stack: list[list[Item]] = [[]]
    for number, row in enumerate(text.splitlines(), line):
        words: list[str | bytes] = []
        at = 0
        while at < len(row) and (found := _TOKEN.match(row, at)):
            at = found.end()
            string, sign, word = found.groups()
            if string:
                words.append(_unescaped(string[1:-1]))
            elif word:
                words.append(word)
            elif sign == "{":
                if not words:
                    raise AssemblyError(place, number, "a block belongs after an item")
                stack[-1].append(Item(number, words, block := []))
                stack.append(block)
                words = []
            elif sign:
                if words:
                    stack[-1].append(Item(number, words))
                    words = []
                if sign == "}":
                    if len(stack) == 1:
                        raise AssemblyError(place, number, "} without {")
                    stack.pop()
        if row[at:].strip():
            raise AssemblyError(place, number, f"what is {row[at:].strip()!r}?")
        if words:
            stack[-1].append(Item(number, words))
    if len(stack) > 1:
        raise AssemblyError(place, number, "a block has no }")
    return stack[0]


def _unescaped(text: str) -> bytes:
    data, at = b"", 0
    for found in _ESCAPE.finditer(text):
        code = found[1]
        data += text[at : found.start()].encode()
        if code[0] == "x":
            data += bytes.fromhex(code[1:])
        elif code[0] in "uU":
            data += chr(int(code[1:], 16)).encode()
        else:
            data += {"n": "\n", "t": "\t", "0": "\0"}.get(code, code).encode()
        at = found.end()
    return data + text[at:].encode()


class Assembler:
    """Assembles the streams of one case: `place` is its file, `marks` what its marks stand for."""

    def __init__(self, place: str, macros: list[Item]) -> None:
        self.marks: dict[str, int] = {}
        self.packets: list[tuple[int, int, int]] = []  # of the last stream: offset, size, content
        self._place = place
        self._macros: dict[str, Item] = {}
        self._state = _State()
        for item in macros:
            self._item(item, {})

    def assemble(self, items: list[Item]) -> bytes:
        """Return the bytes of one stream file. Raises AssemblyError."""
        self._state = _State()
        self.packets = []
        self._items(items, {})
        return bytes(self._state.writer.data)

    def _items(self, items: list[Item], arguments: Mapping[str, int | bytes]) -> None:
        for item in items:
            try:
                self._item(item, arguments)
            except (ValueError, OverflowError, IndexError, KeyError, TypeError) as error:
                words = " ".join(str(word) for word in item.words)
                raise AssemblyError(self._place, item.line, f"{words}: {error}") from error

    def _item(self, item: Item, arguments: Mapping[str, int | bytes]) -> None:
        name, *operands = item.words
        state, writer = self._state, self._state.writer
        assert isinstance(name, str)
        if found := _FIELD.fullmatch(name):
            self._fields(found, operands, arguments)
            return
        if name in self._macros:
            self._call(self._macros[name], [self._value(each, arguments) for each in operands])
            return
        match name, operands:
            case (("le" | "be"), []):
                state.little = name == "le"
            case (("str" | "text"), [*_]):
                self._text(name, operands, arguments)
            case "hex", [*_]:
                writer.put_bytes(bytes.fromhex("".join(str(each) for each in operands)))
            case (("uleb" | "sleb"), [*_]):
                for each in operands:
                    writer.put_leb128(self._int(each, arguments), signed=name == "sleb")
            case "align", [size]:
                writer.align(self._int(size, arguments), state.packet_start)
            case "fill", [count, *byte]:
                value = self._int(byte[0], arguments) if byte else 0
                writer.put_bytes(bytes([value]) * self._int(count, arguments))
            case "repeat", [count] if item.block is not None:
                for _ in range(self._int(count, arguments)):
                    self._items(item.block, arguments)
            case "packet", [] if item.block is not None:
                self._packet(item.block, arguments)
            case "end", []:
                state.content_end = writer.bits
            case "mark", [str(mark)]:
                self.marks[mark] = writer.bits // 8
            case "cut", [count]:
                kept = len(writer.data) - self._int(count, arguments)
                if kept < 0:
                    raise ValueError("there are not as many bytes")
                del writer.data[kept:]
                writer.bits = 8 * kept
            case "macro", [str(macro), *_] if item.block is not None:
                self._macros[macro] = item
            case _:
                raise ValueError("there is no such item, or it has other operands")

    def _fields(
        self,
        found: re.Match[str],
        operands: list[str | bytes],
        arguments: Mapping[str, int | bytes],
    ) -> None:
        writer, size = self._state.writer, int(found[2])
        little = self._state.little if found[3] is None else found[3] == "le"
        if not operands:
            raise ValueError("there is no value")
        for operand in operands:
            if found[1] == "f":
                if size not in _REAL_SIZES or isinstance(operand, bytes):
                    raise ValueError("no real number")
                writer.put_real(float(operand), size, little=little)
                continue
            value = self._int(operand, arguments)
            low = -(1 << size - 1) if found[1] == "i" else 0
            high = (1 << size - (found[1] == "i")) - 1
            if not 1 <= size <= 64 or not low <= value <= high:
                raise ValueError(f"{value} does not fit")
            writer.put(value, size, little=little)

    def _text(
        self, name: str, operands: list[str | bytes], arguments: Mapping[str, int | bytes]
    ) -> None:
        encoding = "utf-8"
        for operand in operands:
            if isinstance(operand, str) and not operand.startswith("$"):
                encoding = operand
                continue
            data = self._value(operand, arguments)
            if not isinstance(data, bytes):
                raise ValueError("no text")
            if encoding != "utf-8":
                data = data.decode().encode(encoding)
            self._state.writer.put_bytes(data)
            if name == "str":
                self._state.writer.put_bytes("\0".encode(encoding))

    def _packet(self, block: list[Item], arguments: Mapping[str, int | bytes]) -> None:
        """Assemble a packet twice: its sizes are known after the first time."""
        state = self._state
        data, bits, little = bytes(state.writer.data), state.writer.bits, state.little
        if bits % 8:
            raise ValueError("a packet starts on a byte's first bit")
        state.values.update(content_bits=0, packet_bits=0)
        for _ in range(2):
            state.writer.data[:], state.writer.bits, state.little = data, bits, little
            state.packet_start, state.content_end = bits, None
            self._items(block, arguments)
            content = state.writer.bits if state.content_end is None else state.content_end
            state.writer.align(8, bits)
            size = state.writer.bits - bits
            state.values.update(content_bits=content - bits, packet_bits=size)
        self.packets.append((bits // 8, size, content - bits))

    def _call(self, macro: Item, values: list[int | bytes]) -> None:
        _, _, *names = macro.words
        if len(values) != len(names):
            raise ValueError(f"it takes {len(names)} values")
        assert macro.block is not None
        named = {f"${name}": value for name, value in zip(names, values, strict=True)}
        self._items(macro.block, named)

    def _int(self, operand: str | bytes, arguments: Mapping[str, int | bytes]) -> int:
        value = self._value(operand, arguments)
        if isinstance(value, bytes):
            raise ValueError("a text is no number")
        return value

    def _value(self, operand: str | bytes, arguments: Mapping[str, int | bytes]) -> int | bytes:
        if isinstance(operand, bytes):
            return operand
        if operand in arguments:
            return arguments[operand]
        known = {**self.marks, **self._state.values, **arguments}
        total, at = 0, 0
        while at < len(operand) and (found := _TERM.match(operand, at)):
            sign, term = found.groups()
            value = known[term] if term in known else int(term, 0)
            if isinstance(value, bytes):
                raise ValueError("a text is no number")
            total = total * value if sign == "*" else total + (-value if sign == "-" else value)
            at = found.end()
        if at != len(operand):
            raise ValueError(f"what is {operand!r}?")
        return total
