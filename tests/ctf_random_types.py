"""Random structures of CTF fields (`ctf_random`), with lengths and tags that are fields before."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from ctf_random import Int, Kind, Length, Real, String, Text
from ctf_random_compound import Array, Struct, Variant

_NASTY = ["ts", "cpu_id", "run_id", "ctx_tid", "CTX_x", "TS", "v", "V", "v_label", "_", "name"]
_LABELS = ["a", "b", "_tcp", "_b", "two words", "Z", "é"]


@dataclass(frozen=True)
class Target:
    """An earlier integer that others may refer to: its path from here."""

    path: str
    kind: Int
    tag: bool


@dataclass
class Maker:
    """Makes random kinds; `outer` are the targets in scopes before, by their absolute paths."""

    rng: random.Random
    little: bool
    size: int  # about as many members a structure has
    plain: bool  # nothing that babeltrace2 2.0 does not know
    references: bool = True
    outer: list[Target] = field(default_factory=list)
    named: int = 0

    def struct(self, depth: int, visible: list[Target], *, top: bool = False) -> Struct:
        """Return a structure; `visible` are the targets around it, and then those in it too."""
        rng = self.rng
        members: list[tuple[str, Kind]] = []
        for _ in range(rng.choice([0, 1, 1, 2, self.size, self.size])):
            members += self.member(depth, visible, {name for name, _ in members}, top=top)
        return Struct(members, rng.choice([1, 1, 1, 8, 16, 32, 64]) if not top else 1)

    def name(self) -> str:
        self.named += 1
        return self.rng.choice(["f", "f", "_f", "__f"]) + str(self.named)

    def member(
        self, depth: int, visible: list[Target], taken: set[str], *, top: bool
    ) -> list[tuple[str, Kind]]:
        """Return a member, after the one that it refers to if that is new."""
        rng, name = self.rng, self.name()
        what = rng.choices(
            ["int", "enum", "real", "string", "text", "array", "struct", "variant"],
            [8, 3, 2, 3, 2, 4, 2 * (depth > 0), 2 * (depth > 0 and self.references)],
        )[0]
        if what == "struct":
            inner = list(visible)
            struct = self.struct(depth - 1, inner)
            # From outside, what is in the structure is named by way of it.
            for target in inner[len(visible) :]:
                visible.append(replace(target, path=f"{name}.{target.path}"))
            return [(name, struct)]
        if what == "variant":
            before, target = self._target(visible, tag=True)
            return [*before, (name, self._variant(depth - 1, target, visible))]
        if what in ("text", "array"):
            before, length = self._length(visible)
            if what == "text":
                return [*before, (name, Text(length))]
            element = self._element(depth - 1, visible)
            return [*before, (name, Array(length, element))]
        if not taken & {"ts"} and rng.random() < 0.2 and top:
            name = rng.choice([each for each in _NASTY if each not in taken] or [name])
        return [(name, self.scalar(what))]

    def scalar(self, what: str) -> Kind:
        rng = self.rng
        if what == "string":
            return String()
        if what == "real":
            native = rng.random() < 0.7
            align = rng.choice([1, 8, 32, 64] if native else [8, 32])
            little = self.little if native else not self.little
            return Real(rng.choice([32, 64]), align, little, native)
        number = self.integer()
        if what == "enum":
            number.mappings = self._mappings(number)
        return number

    def integer(self) -> Int:
        rng = self.rng
        signed = rng.random() < 0.4
        if rng.random() < 0.2:
            # Within a byte the order cannot change: the other one comes in whole bytes.
            size, align = rng.choice([8, 16, 24, 32, 40, 64]), rng.choice([8, 8, 16, 32])
            return Int(size, align, signed, not self.little, native=False)
        size = rng.choice([8, 16, 32, 64, rng.randint(1, 64), rng.randint(1, 9)])
        align = rng.choice([1, 1, 2, 4, 8, 8, 8, 16, 32, 64])
        return Int(size, align, signed, self.little)

    def _mappings(self, number: Int) -> list[tuple[str, int, int]]:
        low = -(1 << number.size - 1) if number.signed else 0
        high = low + (1 << number.size) - 1
        mappings: list[tuple[str, int, int]] = []
        for _ in range(self.rng.randint(1, 4)):
            ends = sorted(self.rng.choice([low, high, self.rng.randint(low, high)]) for _ in "ab")
            one = self.rng.random() < 0.5
            mappings.append((self.rng.choice(_LABELS), ends[0], ends[0] if one else ends[1]))
        return mappings

    def _element(self, depth: int, visible: list[Target]) -> Kind:
        rng = self.rng
        if depth > 0 and rng.random() < 0.5:
            if rng.random() < 0.4:
                return Array(Length(rng.randint(0, 3)), self._element(depth - 1, visible))
            # What is in an element is seen from within it alone.
            return self.struct(depth - 1, list(visible))
        tags = [target for target in visible if target.tag and self._known(target)]
        if depth > 0 and tags and self.references and rng.random() < 0.3:
            return self._variant(depth - 1, rng.choice(tags), visible)
        if rng.random() < 0.1:
            return Text(Length(rng.randint(1, 5)))
        return self.scalar(rng.choice(["int", "int", "enum", "real", "string"]))

    def _length(self, visible: list[Target]) -> tuple[list[tuple[str, Kind]], Length]:
        if not self.references or self.rng.random() < 0.4:
            return [], Length(self.rng.choice([0, 1, 2, 3, 7]))
        if self.outer and self.rng.random() < 0.3:
            target = self.rng.choice(self.outer)
            return [], Length(target=target.kind, path=target.path)
        before, target = self._target(visible, tag=False)
        return before, Length(target=target.kind, path=target.path)

    def _target(self, visible: list[Target], *, tag: bool) -> tuple[list[tuple[str, Kind]], Target]:
        known = [target for target in visible if target.tag == tag and self._known(target)]
        if known and self.rng.random() < 0.6:
            return [], self.rng.choice(known)
        kind = self.tag() if tag else self.length()
        target = Target(self.name(), kind, tag)
        visible.append(target)
        return [(target.path, kind)], target

    def _known(self, target: Target) -> bool:
        return not (self.plain and target.tag and "." in target.path)

    def length(self) -> Int:
        """Return an integer that a sequence's length may be."""
        number = self.integer()
        number.signed = False
        number.choices = [
            0,
            1,
            *([2, 3] if number.size > 1 else []),
            *([5] if number.size > 2 else []),
        ]
        return number

    def tag(self) -> Int:
        """Return an enumeration that a variant may choose by: its labels do not overlap."""
        number = self.integer()
        number.size = max(4, number.size) if number.native else number.size
        low = -(1 << number.size - 1) if number.signed else 0
        number.mappings, number.choices = [], []
        for label in self.rng.sample(["one", "_two", "three", "_four"], self.rng.randint(1, 3)):
            high = low + self.rng.randint(0, 3)
            number.mappings.append((label, low, high))
            number.choices += [low, high]
            low = high + 1
        return number

    def _variant(self, depth: int, target: Target, visible: list[Target]) -> Variant:
        options: list[tuple[str, Kind]] = []
        for label, _, _ in target.kind.mappings or ():
            if depth > 0 and self.rng.random() < 0.5:
                options.append((label, self.struct(depth - 1, list(visible))))
            else:
                options.append((label, self._element(0, [])))
        return Variant(target.kind, target.path, options)
