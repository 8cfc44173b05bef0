"""The fields that CTF 2 field classes refer to (CTF2-SPEC-2.0, 5.3.1 and 6.4.2)."""

from __future__ import annotations

from dataclasses import dataclass, field

from tcpdw.readers import ctf_types
from tcpdw.readers.ctf2_json import Node
from tcpdw.readers.ctf_types import FieldType, Location, Scope


@dataclass(slots=True)
class Frame:
    """A structure whose members are being read: those so far, and the one at hand."""

    names: tuple[str, ...]
    members: dict[str, ctf_types.Member] = field(default_factory=dict[str, ctf_types.Member])
    at_hand: str = ""


class Walk:
    """Follows a field location, from a structure that is being read or one of an earlier scope."""

    def __init__(
        self,
        location: Node,
        frames: list[Frame],
        start: int | None,
        root: ctf_types.Struct | None,
    ) -> None:
        self._location = location
        self._frames = frames
        # Structures on the way down: an index of `frames`, or a structure that is complete.
        self._way: list[tuple[int | ctf_types.Struct, tuple[str, ...]]] = []
        if root is not None:
            self._way.append((root, ()))
        else:
            last = len(frames) - 1 if start is None else start
            self._way += [(index, frame.names) for index, frame in enumerate(frames[: last + 1])]
        self._end: tuple[FieldType, tuple[str, ...]] | None = None

    def step(self, step: object) -> None:
        """Go down to the member named, or with None up to the structure around."""
        if self._end is not None:
            self._location.fail("the path goes on after a field that has no members")
        if step is None:
            self._way.pop()
            if not self._way:
                self._location.fail("the path leaves the outermost structure")
            return
        if not isinstance(step, str):
            self._location.fail("expected names, or null", "path")
        at, names = self._way[-1]
        if isinstance(at, int):
            frame = self._frames[at]
            member = frame.members.get(step)
            if member is None and step == frame.at_hand and at + 1 < len(self._frames):
                self._way.append((at + 1, self._frames[at + 1].names))
                return
        else:
            member = next((each for each in at.members if each.name == step), None)
        if member is None:
            self._location.fail(f"there is no field `{step}` before this one", "path")
        self._enter(member.type, (*names, step))

    def _enter(self, type: FieldType, names: tuple[str, ...]) -> None:
        while isinstance(type, ctf_types.Optional | ctf_types.Variant):
            if isinstance(type, ctf_types.Optional):
                type = type.type
            elif len(type.options) == 1:
                names = (*names, type.options[0].key)
                type = type.options[0].type
            else:
                self._location.fail("a length or selector within a variant is not read here")
        if isinstance(type, ctf_types.Struct):
            self._way.append((type, names))
        else:
            self._end = (type, names)

    def found(self, scope: Scope) -> tuple[Location, FieldType]:
        """Give where the path ended."""
        if self._end is None:
            self._location.fail("the path does not end at a length or selector")
        type, names = self._end
        return Location(scope, names), type
