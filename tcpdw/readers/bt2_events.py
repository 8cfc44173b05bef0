"""Event classes of bt2 as row buffers: native events in, record batches out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from tcpdw.readers import EventBatch, network_header
from tcpdw.readers.bt2_fields import FieldCompiler, Member
from tcpdw.readers.event_columns import repair_text


class EventDecoder:
    """Rows of one event class: `add` takes an event's pointer, `take` gives what was added."""

    def __init__(self, compiler: FieldCompiler, native: Any, event_class: Any) -> None:
        common = event_class.stream_class.event_common_context_field_class
        specific = event_class.specific_context_field_class
        scopes = compiler.members((common, specific), event_class.payload_field_class)
        borrows: tuple[Callable[[Any], Any], ...] = (
            native.event_borrow_common_context_field_const,
            native.event_borrow_specific_context_field_const,
            native.event_borrow_payload_field_const,
        )
        name = event_class.name
        self.name = repair_text(name) if name else f"event_{event_class.id}"
        self.rows = 0
        self._borrow_member = native.field_structure_borrow_member_field_by_index_const
        self._members: list[tuple[Member, list[Any]]] = []
        self._ts: list[int] = []
        self._cpu: list[int | None] = []
        self._scopes: list[tuple[Callable[[Any], Any], list[tuple[Any, int, Any]]]] = []
        for borrow, members in zip(borrows, scopes, strict=True):
            plan: list[tuple[Any, int, Any]] = []
            for member in members:
                values: list[Any] = []
                self._members.append((member, values))
                plan.append((member.get, member.index, values.append))
            if plan:
                self._scopes.append((borrow, plan))

    def add(self, event: Any, ts: int, cpu: int | None) -> None:
        """Add the event at the native pointer `event`, of time `ts` (ns), on `cpu` (int32)."""
        self._ts.append(ts)
        self._cpu.append(cpu)
        borrow_member = self._borrow_member
        for borrow, plan in self._scopes:
            structure = borrow(event)
            for get, index, append in plan:
                append(get(borrow_member(structure, index)))
        self.rows += 1

    def values(self, event: Any) -> list[Any]:
        """Return the raw values of one event's fields, in the order of its columns."""
        return [
            get(self._borrow_member(structure, index))
            for borrow, plan in self._scopes
            for structure in (borrow(event),)
            for get, index, _ in plan
        ]

    def take(self) -> EventBatch:
        """Return the rows added so far as a batch, and forget them."""
        names = ["ts", "cpu_id"]
        arrays: list[pa.Array[Any]] = [
            pa.array(self._ts, pa.int64()),
            pa.array(self._cpu, pa.int32()),
        ]
        for member, values in self._members:
            for column in member.columns:
                names.append(column.name)
                arrays.append(column.array(values))
            if member.network:
                flat = network_header.columns(values)
                names += member.network
                arrays += flat.values()
            values.clear()
        self._ts.clear()
        self._cpu.clear()
        self.rows = 0
        return EventBatch(self.name, pa.RecordBatch.from_arrays(arrays, names=names))
