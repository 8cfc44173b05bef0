"""The types that a TSDL text declares (CTF 1.8.3, section 4 and the grammar in appendix C.2)."""

from __future__ import annotations

from dataclasses import replace

from tcpdw.readers import tsdl_attributes, tsdl_enumerations, tsdl_types
from tcpdw.readers.tsdl_attributes import MAX_ALIGN
from tcpdw.readers.tsdl_blocks import MAX_DEPTH
from tcpdw.readers.tsdl_tokens import INTEGER, NUMBER, WORD, Cursor
from tcpdw.readers.tsdl_types import Array, Declared, Item, Number, Reference, Struct, Variant

_MAX_LENGTH = 2**32 - 1  # of an array; a packet that long does not exist
_COMPOUND = frozenset({"struct", "variant", "enum"})
_BUILT_IN = _COMPOUND | {"integer", "floating_point", "string"}


class Scope:
    """The types declared within a pair of braces; those around them can be named too (7.3.1)."""

    __slots__ = ("_outer", "_types")

    def __init__(self, outer: Scope | None = None) -> None:
        self._outer = outer
        self._types: dict[str, Declared] = {}

    def add(self, name: str, type: Declared) -> bool:
        """Declare a type, unless the same scope has one of that name."""
        if name in self._types:
            return False
        self._types[name] = type
        return True

    def find(self, name: str) -> Declared | None:
        """Give the innermost type of that name."""
        scope: Scope | None = self
        while scope is not None:
            found = scope._types.get(name)
            if found is not None:
                return found
            scope = scope._outer
        return None


class Declarations:
    """Reads types at a cursor, in a scope. Every failure is a TraceError with its place."""

    __slots__ = ("_cursor", "_scope", "_surroundings")

    def __init__(self, cursor: Cursor, scope: Scope, surroundings: tsdl_types.Surroundings) -> None:
        self._cursor = cursor
        self._scope = scope
        self._surroundings = surroundings

    def starts(self) -> bool:
        """Tell if a declaration is at the cursor, and not an attribute."""
        return self._cursor.token.text in ("typealias", "typedef") or (
            self._cursor.token.text in _COMPOUND and self._cursor.peek().text not in ("=", ".")
        )

    def statement(self) -> None:
        """Read a declaration, with its semicolon: an alias, a definition, or a named type."""
        cursor = self._cursor
        if cursor.accept("typealias"):
            self._alias()
        elif cursor.accept("typedef"):
            self._definitions(*self._type(named=True))
        else:
            type, _ = self._type(named=False)
            if cursor.accept("typedef"):
                self._definitions(type, None)
        cursor.expect(";", "after the declaration")

    def type(self) -> Declared:
        """Read a type on its own."""
        return self._type(named=False)[0]

    def _alias(self) -> None:
        cursor = self._cursor
        type, _ = self._type(named=False)
        type = self._arrays(type)
        cursor.expect(":=", "and the alias's name")
        place = cursor.token.place
        words: list[str] = []
        while cursor.token.kind == WORD:
            words.append(cursor.advance().text)
        if not words:
            cursor.fail(f"expected the alias's name, found {cursor.found()}")
        self._declare(" ".join(words) + self._pointers(), type, place)

    def _definitions(self, type: Declared, name: str | None) -> None:
        cursor = self._cursor
        while True:
            place = cursor.token.place
            if name is None:
                name = cursor.word("the name of the new type")
            self._declare(name, self._arrays(type), place)
            if not cursor.accept(","):
                return
            name = None

    def _declare(self, name: str, type: Declared, place: int) -> None:
        if not self._scope.add(name, type):
            self._cursor.fail(f"`{name}` is declared twice", place)

    def _type(self, *, named: bool) -> tuple[Declared, str | None]:
        """Read a type, and if it is `named`, the name after it: the last of several words."""
        cursor = self._cursor
        while cursor.token.text == "const" and (
            cursor.peek().kind == INTEGER or cursor.peek().text in _BUILT_IN
        ):
            cursor.advance()
        token = cursor.token
        if token.kind == INTEGER:
            cursor.advance()
            type = tsdl_attributes.integer(cursor, token, self._surroundings)
        elif token.kind != WORD:
            cursor.fail(f"expected a type, found {cursor.found()}")
        elif token.text in _COMPOUND:
            cursor.advance()
            type = self._compound(token.text, token.place)
        elif token.text == "integer" and cursor.peek().text == "{":
            cursor.advance()
            cursor.advance()
            opening = token._replace(text="integer {")
            type = tsdl_attributes.integer(cursor, opening, self._surroundings)
        elif token.text == "floating_point":
            cursor.advance()
            cursor.expect("{", "after `floating_point`")
            type = tsdl_attributes.real(cursor, token.place, self._surroundings)
        elif token.text == "string":
            cursor.advance()
            type = tsdl_attributes.string(cursor, token.place)
        else:
            return self._named_type(named)
        while cursor.accept("const"):
            pass
        return type, cursor.word("the field's name") if named else None

    def _named_type(self, named: bool) -> tuple[Declared, str | None]:
        """Read the words of a type that was declared before, and the name after them."""
        cursor = self._cursor
        place = cursor.token.place
        words: list[str] = []
        while cursor.token.kind == WORD and cursor.token.text != "typedef":
            words.append(cursor.advance().text)
        pointers = self._pointers()
        name = None
        if named and pointers:
            name = cursor.word("the field's name")
        elif named:
            name = words.pop()
            if not words:
                cursor.fail(f"expected the name of a field of type `{name}`")
        full = " ".join(words) + pointers
        type = self._scope.find(full)
        if type is None and "const" in words:
            type = self._scope.find(" ".join(w for w in words if w != "const") + pointers)
        if type is None:
            cursor.fail(f"there is no type `{full}`", place)
        return type, name

    def _pointers(self) -> str:
        stars = ""
        while self._cursor.accept("*"):
            stars += " *"
            while self._cursor.accept("const"):
                stars += " const"
        return stars

    def _arrays(self, element: Declared) -> Declared:
        """Read `[length]` any number of times: the first is the outermost dimension."""
        cursor = self._cursor
        lengths: list[int | Reference] = []
        while cursor.accept("["):
            lengths.append(self._length())
            cursor.expect("]", "after the length")
            if len(lengths) > MAX_DEPTH:
                cursor.fail(f"an array has more than {MAX_DEPTH} dimensions")
        for length in reversed(lengths):
            element = Array(
                length, element, tsdl_types.fields(element), tsdl_types.depth(element) + 1
            )
        if cursor.token.text in (":", "("):
            cursor.fail("bit fields in the manner of C, and functions, are no types of CTF")
        return element

    def _length(self) -> int | Reference:
        cursor = self._cursor
        if cursor.token.kind == NUMBER:
            return cursor.constant("a length", 0, _MAX_LENGTH)
        place = cursor.token.place
        path = self._path("a length, or the field that has it")
        if not path.startswith("env."):
            return Reference(path, cursor.source.origin, place)
        length = self._surroundings.env.get(path.removeprefix("env."))
        if not isinstance(length, int) or not 0 <= length <= _MAX_LENGTH:
            cursor.fail(f"the environment has no integer `{path}` that could be a length", place)
        return length

    def _path(self, what: str) -> str:
        path = self._cursor.word(what)
        while self._cursor.accept("."):
            path += "." + self._cursor.word("the name of a field after `.`")
        return path

    def _compound(self, kind: str, place: int) -> Declared:
        """Read a structure, variant or enumeration after its first word."""
        cursor = self._cursor
        name = cursor.advance().text if cursor.token.kind == WORD else None
        tag = self._tag() if kind == "variant" else None
        if kind == "enum" and cursor.token.text in (":", "{"):
            container = self._container()
            type: Declared = tsdl_enumerations.enumeration(cursor, container)
        elif cursor.accept("{"):
            type = self._body(kind, place)
        elif name is None:
            cursor.fail(f"expected a name or `{{` after `{kind}`, found {cursor.found()}")
        else:
            found = self._scope.find(f"{kind} {name}")
            if found is None:
                cursor.fail(f"there is no type `{kind} {name}`", place)
            return replace(found, tag=tag) if tag and isinstance(found, Variant) else found
        if name is not None:
            self._declare(f"{kind} {name}", type, place)
        return replace(type, tag=tag) if isinstance(type, Variant) else type

    def _body(self, kind: str, place: int) -> Struct | Variant:
        """Read the members of a structure or the options of a variant, and the closing brace."""
        cursor = self._cursor
        outer = self._scope
        self._scope = Scope(outer)
        items: dict[str, Item] = {}
        while not cursor.accept("}"):
            if cursor.token.text in ("typealias", "typedef"):
                self.statement()
            else:
                self._fields(kind, items)
        self._scope = outer
        align = self._least_alignment() if kind == "struct" else 1
        types = [item.type for item in items.values()]
        fields = sum(map(tsdl_types.fields, types)) + 1
        depth = max(map(tsdl_types.depth, types), default=0) + 1
        if fields > tsdl_types.MAX_FIELDS:
            cursor.fail(f"this type has more than {tsdl_types.MAX_FIELDS} fields", place)
        if depth > MAX_DEPTH:
            cursor.fail(f"this type is more than {MAX_DEPTH} deep", place)
        if kind == "variant":
            return Variant(tuple(items.values()), None, fields, depth)
        align = max(align, *map(tsdl_types.alignment, types)) if types else align
        return Struct(tuple(items.values()), align, fields, depth)

    def _fields(self, kind: str, items: dict[str, Item]) -> None:
        """Read `type name, name[length];`."""
        cursor = self._cursor
        type, name = self._type(named=True)
        if cursor.token.text == "typedef":
            cursor.fail("expected `typedef` before the type")
        while name is not None:
            bare = tsdl_types.bare_name(name)
            if bare in items:
                cursor.fail(f"the {kind} has two fields named `{bare}`")
            items[bare] = Item(name, self._arrays(type))
            name = cursor.word("the next field's name") if cursor.accept(",") else None
        cursor.expect(";", "after the field")

    def _least_alignment(self) -> int:
        cursor = self._cursor
        if cursor.token.text != "align" or cursor.peek().text != "(":
            return 1
        cursor.advance()
        cursor.advance()
        place = cursor.token.place
        align = cursor.constant("an alignment", 1, MAX_ALIGN)
        if align & (align - 1):
            cursor.fail(f"expected for the alignment a power of two, found {align}", place)
        cursor.expect(")", "after the alignment")
        return align

    def _container(self) -> Number:
        """Read the integer type of an enumeration: `: type`, or `int` where none is given."""
        cursor = self._cursor
        place = cursor.token.place
        if cursor.accept(":"):
            place = cursor.token.place
            type = self.type()
        else:
            type = self._scope.find("int")
            if type is None:
                cursor.fail("the enumeration has no integer type, and there is no type `int`")
        if not isinstance(type, Number) or type.type.labels is not None:
            cursor.fail("expected an integer type for the enumeration", place)
        return type

    def _tag(self) -> Reference | None:
        cursor = self._cursor
        if not cursor.accept("<"):
            return None
        place = cursor.token.place
        path = self._path("the variant's tag")
        cursor.expect(">", "after the variant's tag")
        return Reference(path, cursor.source.origin, place)
