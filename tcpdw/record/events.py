"""What a recording must trace: what `sql/` uses, so that a new metric widens it by itself."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

from tcpdw.catalog import Catalog

STATEDUMP = "lttng_statedump_*"
"""The state at the start of a trace: processes, descriptors, interrupts; LTTng writes it."""

CONTEXTS = ("pid", "tid", "procname")
"""The contexts of every event; the cpu is told by the stream."""

_CALL = re.compile(r"(?:compat_)?syscall_(?:entry|exit)_(.+)")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Tracepoints, `STATEDUMP` among them, and system calls by name, `*` for all."""

    tracepoints: tuple[str, ...]
    syscalls: tuple[str, ...]

    def among(self, there: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Split the tracepoints into those that a kernel has, and those that it lacks."""
        known = {*there, STATEDUMP}  # The tracer's own events need not be on its list.
        has = tuple(n for n in self.tracepoints if n in known)
        return has, tuple(n for n in self.tracepoints if n not in has)


def wanted(catalog: Catalog) -> Wanted:
    """Give the event classes that anything of `sql/` requires or declares as `event.CLASS`."""
    names = {name for item in catalog.objects for group in item.requires for name in group}
    names |= {
        item.name.removeprefix("event.")
        for item in catalog.objects
        if item.kind == "TABLE" and item.name.startswith("event.")
    }
    calls = {match[1] for name in names if (match := _CALL.fullmatch(name))}
    points = {name for name in names if not _CALL.fullmatch(name)}
    points = {name for name in points if not fnmatch.fnmatchcase(name, STATEDUMP)} | {STATEDUMP}
    return Wanted(tuple(sorted(points)), ("*",) if "*" in calls else tuple(sorted(calls)))
