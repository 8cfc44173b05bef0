"""Damage for inputs: to bytes, and to texts by their tokens."""

from __future__ import annotations

import re
import struct
from random import Random

NUMBERS = (
    *(
        0,
        1,
        2,
        3,
        4,
        5,
        7,
        8,
        9,
        12,
        15,
        16,
        17,
        24,
        31,
        32,
        33,
        48,
        63,
        64,
        65,
        127,
        128,
        255,
        256,
    ),
    *(1000, 4096, 65535, 65536, 10**6, 10**9, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 10**12),
    *(2**53, 2**61, 2**62, 2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1, 2**64, 10**30, -1, -8, -(2**63)),
)
WORDS = (
    *("integer", "string", "struct", "variant", "enum", "floating_point", "typealias", "typedef"),
    *("size", "align", "signed", "byte_order", "encoding", "base", "map", "true", "false"),
    *("be", "le", "native", "network", "UTF8", "ASCII", "none", "uint8_t", "uint64_t", "const"),
    *("id", "timestamp", "timestamp_begin", "content_size", "packet_size", "cpu_id", "magic"),
    *("events_discarded", "packet_seq_num", "stream_id", "uuid", "v", "clock", "env", "event"),
)
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|\w+|[^\s\w]')

Token = tuple[int, int]


def damage(data: bytes, random: Random, other: bytes = b"") -> bytes:
    """Change bytes in one to six ways; `other` is where foreign bytes come from."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        _damage_once(changed, random, other)
    return bytes(changed)


def _damage_once(data: bytearray, random: Random, other: bytes) -> None:
    if not data:
        data += other[:64] or b"\0"
        return
    # Heads decide the most, and are short.
    at = random.randrange(min(len(data), 128) if random.random() < 0.4 else len(data))
    length = random.choice((1, 1, 2, 4, 8, 16, 64, 300))
    match random.randrange(10):
        case 0 | 1:
            data[at] ^= 1 << random.randrange(8)
        case 2 | 3:
            data[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
        case 4 | 5 | 6:
            form = random.choice("<>") + random.choice("HIQQ")
            size = struct.calcsize(form)
            number = random.choice(NUMBERS) + random.choice((0, 0, -1, 1, 8))
            value = struct.pack(form, number % (1 << 8 * size))
            if random.random() < 0.5:
                at -= at % size
            data[at : at + size] = value
        case 7:
            del data[at : at + length]
        case 8:
            if random.random() < 0.5:
                del data[at:]
            else:
                data[at:at] = data[at : at + length]
        case _:
            source = other or bytes(data)
            start = random.randrange(len(source))
            data[at : at + length] = source[start : start + length]


def tokens(text: str) -> list[Token]:
    """Find where the tokens of a text are."""
    return [match.span() for match in _TOKEN.finditer(text)]


def rewrite(text: str, places: list[Token], random: Random) -> str:
    """Change one to four tokens of a text, or runs of them."""
    chosen = {random.randrange(len(places)) for _ in range(random.choice((1, 1, 1, 2, 2, 4)))}
    if random.random() < 0.6:
        # Numbers: what is wrong with them is found late, if it is.
        numbers = [n for n, (start, _) in enumerate(places) if text[start].isdigit()]
        chosen = {random.choice(numbers) for _ in chosen} if numbers else chosen
    for number in sorted(chosen, reverse=True):
        start, end = places[number]
        if random.random() < 0.1:
            far = min(len(places) - 1, number + random.randrange(1, 30))
            end = places[far][1]
            new = random.choice(("", text[start:end] * 2))
        else:
            new = _token(text, text[start:end], places, random)
        text = text[:start] + new + text[end:]
    return text


def _token(text: str, old: str, places: list[Token], random: Random) -> str:
    if old[0].isdigit() and random.random() < 0.9:
        number = random.choice(NUMBERS)
        if random.random() < 0.2 and old.isdecimal():
            number = int(old) + random.choice((-1, 1, 7, 8))
        return str(number) if random.random() < 0.8 else hex(number)
    match random.randrange(8):
        case 0:
            return ""
        case 1:
            return old + " " + old
        case 2:
            return random.choice(WORDS)
        case 3:
            return random.choice('{}[]();:=.,<>"\\*/\0é\n')
        case 4:
            return str(random.choice(NUMBERS))
        case _:
            start, end = random.choice(places)
            return text[start:end]
