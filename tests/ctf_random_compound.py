"""Kinds of CTF fields for random traces that are made of others: arrays, structures, variants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from ctf_random import Int, Kind, Length, Output, unique


@dataclass(eq=False)
class Array(Kind):
    """An array or sequence."""

    length: Length
    element: Kind

    def __post_init__(self) -> None:
        self.align = self.element.align
        self.shown = self.element.shown

    def tsdl(self) -> tuple[str, str]:
        before, behind = self.element.tsdl()
        return before, f"[{self.length}]{behind}"

    def arrow(self) -> pa.DataType:
        return pa.list_(self.element.arrow())

    def put(self, out: Output) -> list[Any]:
        out.writer.align(self.align, out.start)
        return [self.element.put(out) for _ in range(self.length.now(out))]

    def labelled(self) -> pa.DataType | None:
        kind = self.element.labelled()
        return None if kind is None else pa.list_(kind)

    def labels(self, value: list[Any]) -> list[Any]:
        return [self.element.labels(each) for each in value]


@dataclass(eq=False)
class Struct(Kind):
    """A structure; members as the metadata names them."""

    members: list[tuple[str, Kind]]
    minimum: int = 1

    def __post_init__(self) -> None:
        self.align = max([self.minimum, *(kind.align for _, kind in self.members)])
        self.shown = any(kind.shown for _, kind in self.members)

    def tsdl(self) -> tuple[str, str]:
        align = f" align({self.minimum})" if self.minimum > 1 else ""
        return f"struct {{ {self.fields()} }}{align}", ""

    def fields(self) -> str:
        return " ".join(declared(name, kind) for name, kind in self.members)

    def columns(self, taken: set[str]) -> list[tuple[str, Kind]]:
        """Return the shown members under their names in Arrow."""
        shown = [(name.removeprefix("_"), kind) for name, kind in self.members if kind.shown]
        names = unique((name for name, _ in shown), taken)
        return list(zip(names, (kind for _, kind in shown), strict=True))

    def arrow(self) -> pa.DataType:
        return pa.struct([(name, kind) for name, kind, _ in self._named()])

    def _named(self) -> list[tuple[str, pa.DataType, Source]]:
        taken: set[str] = set()
        return with_labels(self.columns(taken), taken)

    def put(self, out: Output) -> dict[str, Any]:
        values = self.put_all(out)
        return {name: valued(values, source) for name, _, source in self._named()}

    def put_all(self, out: Output) -> dict[int, Any]:
        """Write all members; return their values by their kinds."""
        out.writer.align(self.align, out.start)
        return {id(kind): kind.put(out) for _, kind in self.members}


@dataclass(eq=False)
class Variant(Kind):
    """A variant; its tag has just the options' labels."""

    align = 1
    tag: Int
    path: str
    options: list[tuple[str, Kind]]

    def __post_init__(self) -> None:
        self.shown = any(kind.shown for _, kind in self.options)

    def tsdl(self) -> tuple[str, str]:
        options = " ".join(declared(name, kind) for name, kind in self.options)
        return f"variant <{self.path}> {{ {options} }}", ""

    def arrow(self) -> pa.DataType:
        return pa.struct([(name, kind.arrow()) for name, kind in self._named()])

    def _named(self) -> list[tuple[str, Kind]]:
        shown = [(name, kind) for name, kind in self.options if kind.shown]
        names = unique((name.removeprefix("_") for name, _ in shown), set())
        return list(zip(names, (kind for _, kind in shown), strict=True))

    def put(self, out: Output) -> dict[str, Any]:
        now = out.values[id(self.tag)]
        label = next(m[0] for m in self.tag.mappings or () if m[1] <= now <= m[2])
        chosen = dict(self.options)[label]
        value = chosen.put(out)
        return {name: value if kind is chosen else None for name, kind in self._named()}


Source = tuple[Kind, bool]  # a member, and whether its labels are meant


def declared(name: str, kind: Kind) -> str:
    """Return a member's declaration in TSDL."""
    before, behind = kind.tsdl()
    return f"{before} {name}{behind};"


def with_labels(
    columns: list[tuple[str, Kind]], taken: set[str]
) -> list[tuple[str, pa.DataType, Source]]:
    """Return columns with those of labels among them, each behind its field's."""
    result: list[tuple[str, pa.DataType, Source]] = []
    for name, kind in columns:
        result.append((name, kind.arrow(), (kind, False)))
        labels = kind.labelled()
        if labels is not None:
            [own] = unique([f"{name}_label"], taken)
            result.append((own, labels, (kind, True)))
    return result


def valued(values: dict[int, Any], source: Source) -> Any:
    """Return a column's value."""
    kind, labels = source
    value = values[id(kind)]
    return kind.labels(value) if labels else value
