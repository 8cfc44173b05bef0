"""The JSON objects of CTF 2 metadata, with each value checked as it is read (CTF2-SPEC-2.0, 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn, cast

from tcpdw.readers.tsdl_blocks import Source

MAX_ID = 2**63 - 1
_MAX_PATH = 200  # characters of it in a message
_SURROGATE = r"\ud"  # half a character, which a pair makes whole; alone it is no text


class Node:
    """A JSON object of a fragment. Every failure names the fragment's place and what is where."""

    __slots__ = ("_path", "_place", "_source", "values")

    def __init__(
        self, values: Mapping[str, object], source: Source, place: int, path: str = ""
    ) -> None:
        self.values = values
        self._source = source
        self._place = place
        self._path = path

    def fail(self, message: str, key: str = "") -> NoReturn:
        """Raise TraceError at the fragment, naming the object in it."""
        where = ".".join(part for part in (self._path, key) if part)
        if len(where) > _MAX_PATH:
            where = f"{where[: _MAX_PATH // 2]} … {where[-_MAX_PATH // 2 :]}"
        self._source.fail(self._place, f"{where}: {message}" if where else message)

    def text(self, key: str, default: str | None = None) -> str | None:
        """Give a text, or `default`."""
        found = self.values.get(key, default)
        if found is not None and not isinstance(found, str):
            self.fail("expected a string", key)
        return found

    def word(self, key: str) -> str:
        """Give a text that has to be there."""
        found = self.text(key)
        if found is None:
            self.fail(f"there is no `{key}`")
        return found

    def integer(
        self, key: str, default: int | None = None, least: int = 0, most: int = MAX_ID
    ) -> int:
        """Give an integer from `least` to `most`. Without a `default` it has to be there."""
        found = self.values.get(key, default)
        if found is None:
            self.fail(f"there is no `{key}`")
        if type(found) is not int or not least <= found <= most:
            self.fail(f"expected an integer from {least} to {most}", key)
        return found

    def alignment(self, key: str) -> int:
        """Give an alignment in bits, a power of two; 1 where there is none."""
        align = self.integer(key, 1, 1, 1 << 24)
        if align & (align - 1):
            self.fail(f"expected a power of two, found {align}", key)
        return align

    def node(self, key: str) -> Node:
        """Give an object, an empty one where there is none."""
        return self.within(self.values.get(key, {}), key)

    def list(self, key: str) -> list[object]:
        """Give an array, an empty one where there is none."""
        found = self.values.get(key, [])
        if not isinstance(found, list):
            self.fail("expected an array", key)
        return cast("list[object]", found)

    def within(self, value: object, key: str) -> Node:
        """Give `value`, which is within this object under `key`, as an object."""
        path = f"{self._path}.{key}" if self._path else key
        if not isinstance(value, dict):
            Node({}, self._source, self._place, path).fail("expected an object")
        return Node(cast("dict[str, object]", value), self._source, self._place, path)

    def ranges(self, key: str) -> tuple[tuple[int, int], ...]:
        """Give an integer range set (5.3.2)."""
        return tuple(self._range(item, key) for item in self.list(key))

    def _range(self, item: object, key: str) -> tuple[int, int]:
        match item:
            case [int(low), int(high)] if -(2**63) <= low <= high < 2**64:
                return int(low), int(high)
            case _:
                self.fail("expected ranges, [low, high] each", key)

    def check_extensions(self) -> None:
        """Fail if the object has extensions: they may change the format (5.1)."""
        for namespace, extensions in self.node("extensions").values.items():
            names = cast("dict[str, Any]", extensions) if isinstance(extensions, dict) else {}
            first = f"{namespace}/{next(iter(names), '')}"
            self.fail(f"the extension `{first}` is not known")


def fragment(source: Source, start: int, end: int) -> Node:
    """Read the fragment `source.text[start:end]`, which begins with its separator."""
    text = source.text[start + 1 : end]
    try:
        values: object = json.loads(text)
        if _SURROGATE in text.lower():
            json.dumps(values, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        source.fail(start + 1 + error.pos, f"this is no JSON: {error.msg}")
    except (ValueError, RecursionError) as error:
        source.fail(start + 1, f"this JSON cannot be read: {error}")
    return Node({}, source, start + 1).within(values, "")
