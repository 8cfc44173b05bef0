"""Bits into bytes as CTF orders them (CTF 1.8.3, section 4.1.5): the tests' own writer."""

from __future__ import annotations

import struct

_REAL_CODES = {16: "e", 32: "f", 64: "d"}


class BitWriter:
    """Bytes that grow by fields of any number of bits; a byte order fills each byte its own way."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.bits = 0

    def put(self, value: int, size: int, *, little: bool) -> None:
        """Append the lowest `size` bits of `value`: a byte's low bits first if `little`."""
        value &= (1 << size) - 1
        left = size
        while left:
            used = self.bits % 8
            if not used:
                self.data.append(0)
            count = min(8 - used, left)
            if little:
                chunk = value >> (size - left)
                place = used
            else:
                chunk = value >> (left - count)
                place = 8 - used - count
            self.data[-1] |= (chunk & ((1 << count) - 1)) << place
            self.bits += count
            left -= count

    def put_real(self, value: float, size: int, *, little: bool) -> None:
        """Append an IEEE 754 number of 16, 32 or 64 bits."""
        raw = struct.pack(">" + _REAL_CODES[size], value)
        self.put(int.from_bytes(raw, "big"), size, little=little)

    def put_bytes(self, data: bytes) -> None:
        """Append whole bytes; what was written so far must end on one."""
        if self.bits % 8:
            raise ValueError("bytes do not start on a byte's first bit")
        self.data += data
        self.bits += 8 * len(data)

    def put_leb128(self, value: int, *, signed: bool) -> None:
        """Append a number as CTF 2's variable-length integers have it."""
        while True:
            low, value = value & 0x7F, value >> 7
            last = value == (-1 if low & 0x40 else 0) if signed else not value
            self.put_bytes(bytes([low if last else low | 0x80]))
            if last:
                return

    def align(self, bits: int, start: int = 0) -> None:
        """Append zero bits up to a multiple of `bits` after `start`, where a packet begins."""
        self.put(0, -(self.bits - start) % bits, little=True)
