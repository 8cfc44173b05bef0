"""The field classes of CTF 2 metadata (CTF2-SPEC-2.0, 5.3) and what they refer to (6.4.2)."""

from __future__ import annotations

from collections.abc import Mapping

from tcpdw.readers import ctf_types
from tcpdw.readers.ctf2_json import Node
from tcpdw.readers.ctf2_locations import Frame, Walk
from tcpdw.readers.ctf_types import FieldType, Location, Role, Scope

_MAX_DEPTH = 100
_MAX_FIELDS = 1 << 16
_MAX_LENGTH = 2**32 - 1
_MAX_BITS = 64

_ENCODINGS: tuple[ctf_types.Encoding, ...] = (
    "utf-8",
    "utf-16be",
    "utf-16le",
    "utf-32be",
    "utf-32le",
)
_ORIGINS: dict[str, Scope] = {
    "packet-header": "packet.header",
    "packet-context": "packet.context",
    "event-record-header": "event.header",
    "event-record-common-context": "event.context",
    "event-record-specific-context": "event.specific",
    "event-record-payload": "event.fields",
}
_ROLES: dict[Scope, dict[str, Role]] = {
    "packet.header": {
        "packet-magic-number": "magic",
        "metadata-stream-uuid": "uuid",
        "data-stream-class-id": "stream_id",
        "data-stream-id": "stream_instance_id",
    },
    "packet.context": {
        "default-clock-timestamp": "timestamp",
        "packet-end-default-clock-timestamp": "timestamp_end",
        "packet-content-length": "content_size",
        "packet-total-length": "packet_size",
        "discarded-event-record-counter-snapshot": "events_discarded",
        "packet-sequence-number": "packet_seq_num",
    },
    "event.header": {
        "default-clock-timestamp": "timestamp",
        "event-record-class-id": "event_id",
    },
}


def alignment(type: FieldType) -> int:
    """Give the alignment of a field in bits (6.4.1)."""
    match type:
        case ctf_types.Integer(size=0) | ctf_types.String() | ctf_types.Blob():
            return 8
        case ctf_types.Variant() | ctf_types.Optional():
            return 1
        case _:
            return type.align


class Fields:
    """Makes the fields of one scope. What is in `earlier` scopes can be referred to."""

    def __init__(
        self,
        scope: Scope,
        aliases: Mapping[str, object],
        earlier: Mapping[Scope, ctf_types.Struct],
        has_clock: bool,
    ) -> None:
        self._scope: Scope = scope
        self._aliases = aliases
        self._earlier = earlier
        self._has_clock = has_clock
        self._frames: list[Frame] = []
        self._depth = 0
        self._count = 0

    def root(self, parent: Node, key: str) -> ctf_types.Struct | None:
        """Make the structure of the scope's fields from a property, None where there is none."""
        if key not in parent.values:
            return None
        made = self._field(parent, key, ())
        if not isinstance(made, ctf_types.Struct):
            parent.fail("expected a structure", key)
        return made

    def _field(self, parent: Node, key: str, names: tuple[str, ...]) -> FieldType:
        """Make the field class that is a property of `parent`, or that its alias names."""
        value = parent.values.get(key)
        for _ in self._aliases:
            if isinstance(value, str) and value in self._aliases:
                value = self._aliases[value]
        if isinstance(value, str):
            parent.fail(f"there is no field class `{value}`", key)
        node = parent.within(value, key)
        node.check_extensions()
        self._depth += 1
        self._count += 1
        if self._depth > _MAX_DEPTH or self._count > _MAX_FIELDS:
            node.fail("field classes nest deeper, or are more, than any tracer writes")
        made = self._of_type(node, node.word("type"), names)
        self._depth -= 1
        return made

    def _of_type(self, node: Node, type: str, names: tuple[str, ...]) -> FieldType:
        match type:
            case "structure":
                return self._structure(node, names)
            case "static-length-array" | "dynamic-length-array":
                element = self._field(node, "element-field-class", names)
                align = max(node.alignment("minimum-alignment"), alignment(element))
                return ctf_types.Array(self._length(node, type), element, align)
            case "optional":
                return self._optional(node, names)
            case "variant":
                return self._variant(node, names)
            case "null-terminated-string":
                return ctf_types.String(self._encoding(node))
            case "static-length-string" | "dynamic-length-string":
                return ctf_types.Text(self._length(node, type), self._encoding(node))
            case "static-length-blob" | "dynamic-length-blob":
                return self._blob(node, type)
            case "variable-length-unsigned-integer" | "variable-length-signed-integer":
                signed = "unsigned" not in type
                return ctf_types.Integer(
                    0, 8, signed, True, self._labels(node), self._roles(node, signed)
                )
            case _ if type.startswith("fixed-length-"):
                return self._fixed(node, type)
            case _:
                node.fail(f"there is no field class type `{type}`", "type")

    def _fixed(self, node: Node, type: str) -> FieldType:
        """Make a field of a fixed number of bits."""
        little = self._little(node)
        align = node.alignment("alignment")
        size = node.integer("length", None, 1)
        if type == "fixed-length-floating-point-number":
            if size not in (16, 32, 64):
                node.fail(f"floating point numbers of {size} bits are not read here", "length")
            return ctf_types.Real(size, align, little)
        if size > _MAX_BITS:
            node.fail(f"fields of {size} bits are not read here: at most {_MAX_BITS}", "length")
        match type:
            case "fixed-length-boolean":
                return ctf_types.Boolean(size, align, little)
            case "fixed-length-bit-array" | "fixed-length-bit-map":
                return ctf_types.Integer(size, align, False, little)
            case "fixed-length-unsigned-integer" | "fixed-length-signed-integer":
                signed = "unsigned" not in type
                labels, roles = self._labels(node), self._roles(node, signed)
                if "magic" in roles and (size != 32 or len(self._frames[0].members)):
                    node.fail("a packet's magic number is its first field, of 32 bits")
                return ctf_types.Integer(size, align, signed, little, labels, roles)
            case _:
                node.fail(f"unknown field class `{type}`")

    def _structure(self, node: Node, names: tuple[str, ...]) -> ctf_types.Struct:
        frame = Frame(names)
        self._frames.append(frame)
        align = node.alignment("minimum-alignment")
        for index, item in enumerate(node.list("member-classes")):
            member = node.within(item, f"member-classes[{index}]")
            member.check_extensions()
            frame.at_hand = name = member.word("name")
            if name in frame.members:
                member.fail(f"the structure has two members named `{name}`")
            made = self._field(member, "field-class", (*names, name))
            frame.members[name] = ctf_types.Member(name, made, name)
            align = max(align, alignment(made))
        self._frames.pop()
        return ctf_types.Struct(tuple(frame.members.values()), align)

    def _optional(self, node: Node, names: tuple[str, ...]) -> ctf_types.Optional:
        selector, target = self._find(node, "selector-field-location")
        ranges = None
        if isinstance(target, ctf_types.Integer):
            ranges = node.ranges("selector-field-ranges")
        elif not isinstance(target, ctf_types.Boolean):
            node.fail("the selector is neither boolean nor integer")
        return ctf_types.Optional(selector, self._field(node, "field-class", names), ranges)

    def _variant(self, node: Node, names: tuple[str, ...]) -> ctf_types.Variant:
        selector, target = self._find(node, "selector-field-location")
        if not isinstance(target, ctf_types.Integer):
            node.fail("the selector is no integer")
        options: dict[str, ctf_types.Option] = {}
        for index, item in enumerate(node.list("options")):
            option = node.within(item, f"options[{index}]")
            option.check_extensions()
            name = option.text("name") or str(index)
            if name in options:
                option.fail(f"the variant has two options named `{name}`")
            made = self._field(option, "field-class", (*names, name))
            ranges = option.ranges("selector-field-ranges")
            options[name] = ctf_types.Option(option.text("name") or "", made, name, ranges)
        return ctf_types.Variant(selector, tuple(options.values()))

    def _blob(self, node: Node, type: str) -> ctf_types.Blob:
        length = self._length(node, type)
        roles = self._roles(node, signed=False)
        if "uuid" in roles and length != 16:
            node.fail("a UUID has 16 bytes", "length")
        return ctf_types.Blob(length, roles)

    def _length(self, node: Node, type: str) -> int | Location:
        if type.startswith("static"):
            return node.integer("length", None, 0, _MAX_LENGTH)
        location, target = self._find(node, "length-field-location")
        if not isinstance(target, ctf_types.Integer) or target.signed:
            node.fail("the length is no unsigned integer", "length-field-location")
        return location

    def _little(self, node: Node) -> bool:
        order = node.word("byte-order")
        if order not in ("little-endian", "big-endian"):
            node.fail("expected `little-endian` or `big-endian`", "byte-order")
        little = order == "little-endian"
        usual = "first-to-last" if little else "last-to-first"
        if node.text("bit-order", usual) != usual:
            node.fail("a bit order other than the byte order's own is not read here", "bit-order")
        return little

    def _encoding(self, node: Node) -> ctf_types.Encoding:
        found = node.text("encoding", "utf-8")
        for encoding in _ENCODINGS:
            if found == encoding:
                return encoding
        node.fail(f"unknown encoding `{found}`", "encoding")

    def _labels(self, node: Node) -> tuple[ctf_types.Label, ...] | None:
        mappings = node.node("mappings")
        if not mappings.values:
            return None
        return tuple(
            ctf_types.Label(label, low, high)
            for label in mappings.values
            for low, high in mappings.ranges(label)
        )

    def _roles(self, node: Node, signed: bool) -> tuple[Role, ...]:
        """Give the roles that a field may have in this scope: an alias may have others too."""
        known = _ROLES.get(self._scope, {})
        named = [role for role in node.list("roles") if isinstance(role, str)]
        roles: tuple[Role, ...] = tuple(known[role] for role in named if role in known)
        if roles and signed:
            node.fail("a signed integer has no role", "roles")
        if "timestamp" in "".join(roles) and not self._has_clock:
            node.fail("a timestamp, but the data stream class has no default clock", "roles")
        return roles

    def _find(self, node: Node, key: str) -> tuple[Location, FieldType]:
        """Find the field that a location names (6.4.2); see `ctf2_locations`."""
        location = node.node(key)
        origin = location.text("origin")
        scope = self._scope if origin is None else _ORIGINS.get(origin)
        if scope is None:
            location.fail(f"unknown origin `{origin}`")
        root = None if scope == self._scope else self._earlier.get(scope)
        if scope != self._scope and root is None:
            location.fail(f"there are no fields of `{origin}` before this one")
        walk = Walk(location, self._frames, None if origin is None else 0, root)
        for step in location.list("path"):
            walk.step(step)
        return walk.found(scope)
