"""The event headers of random CTF traces: an id and a time, or LTTng's short and long forms."""

from __future__ import annotations

from dataclasses import dataclass

from ctf_random import Int, Output
from ctf_random_compound import Struct


@dataclass
class Header:
    """An event header: `compact` has a short and a long form."""

    id: Int | None
    time: Int | None
    time_first: bool
    compact: tuple[Int, Int, Int, Int] | None = None  # tag, short time, long id, long time

    def tsdl(self) -> str:
        if self.compact is None:
            parts = [("id", self.id), ("timestamp", self.time)]
            return Struct([(n, k) for n, k in parts[:: -1 if self.time_first else 1] if k]).fields()
        tag, short, number, long = self.compact
        shape = Struct([("id", tag)]).fields()
        forms = {
            "compact": Struct([("timestamp", short)]),
            "extended": Struct([("id", number), ("timestamp", long)]),
        }
        options = " ".join(f"{kind.tsdl()[0]} {name};" for name, kind in forms.items())
        return f"{shape} variant <id> {{ {options} }} v;"

    @property
    def align(self) -> int:
        # A variant aligns nothing: its option does, once chosen.
        kinds = [self.compact[0]] if self.compact else [k for k in (self.id, self.time) if k]
        return max([1, *(kind.align for kind in kinds)])

    def put(self, out: Output, number: int, time: int, last: int) -> None:
        out.writer.align(self.align, out.start)
        if self.compact is None:
            parts = [(self.id, number), (self.time, time)]
            for kind, value in parts[:: -1 if self.time_first else 1]:
                if kind is not None:
                    kind.write(out, value & (1 << kind.size) - 1)
            return
        tag, short, long_id, long = self.compact
        largest = (1 << tag.size) - 1
        if number < largest and time - last < 1 << short.size and out.rng.random() < 0.8:
            tag.write(out, number)
            short.write(out, time & (1 << short.size) - 1)
            return
        tag.write(out, largest)
        out.writer.align(max(long_id.align, long.align), out.start)
        long_id.write(out, number)
        long.write(out, time)

    def step(self) -> int:
        """Return how far apart events may be, in cycles."""
        if self.compact is not None:
            return 1 << 40
        return 1 << 40 if self.time is None else min(1 << 40, (1 << self.time.size) - 1)
