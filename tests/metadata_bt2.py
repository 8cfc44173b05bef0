"""Asks bt2 of the metadata of traces, each in a process of its own: bt2 may abort it.

    python metadata_bt2.py TRACE...

leaves beside each trace's metadata a file `answer`: what bt2 has of it in lines, or one line with
`refused`, `aborted` or `hung`.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bt2

SECONDS = 5


def lines(traced: Any) -> Iterator[str]:
    yield f"UUID {traced.uuid}"
    for key, value in traced.environment.items():
        yield f"env {key} {value}"
    trace = traced.cls
    for id in sorted(trace):
        stream = trace[id]
        clock = stream.default_clock_class
        yield f"stream {id}"
        if clock is not None:
            offset = clock.offset
            yield f"{clock.name} {clock.frequency} {offset.seconds} {offset.cycles}"
        yield f"context {shared(stream.event_common_context_field_class)}"
        for event_id in sorted(stream):
            event = stream[event_id]
            yield f"event {event_id} {event.name}"
            yield f"context {shared(event.specific_context_field_class)}"
            yield f"fields {shared(event.payload_field_class)}"


def shared(found: Any) -> object:
    """Give a field class in the terms of `metadata_model.shared`."""
    if found is None:
        return None
    kind = type(found).__name__
    if "Variant" in kind:
        options = [(str(key), found[key]) for key in found]
        return ("variant", [(key, shared(each.field_class), ranges(each)) for key, each in options])
    if "Integer" in kind or "Enumeration" in kind:
        known = None
        if "Enumeration" in kind:
            known = sorted((str(label), ranges(found[label])) for label in found)
        return ("integer", found.field_value_range, "Unsigned" not in kind, known)
    if "Real" in kind:
        return ("real", 32 if "Single" in kind else 64)
    if "String" in kind:
        return "string"
    if "Array" in kind:
        length = found.length if "Static" in kind else None
        return ("array", length, shared(found.element_field_class))
    assert "Structure" in kind, kind
    return ("struct", [(str(key), shared(found[key].field_class)) for key in found])


def ranges(of: Any) -> list[tuple[int, int]]:
    return sorted((each.lower, each.upper) for each in getattr(of, "ranges", ()))


def ask(trace: Path) -> str:
    try:
        # Discovery by itself aborts at metadata that this component then takes.
        source = bt2.ComponentSpec.from_named_plugin_and_component_class(
            "ctf", "fs", {"inputs": [str(trace)]}
        )
        message = next(iter(bt2.TraceCollectionMessageIterator(source)))
    except bt2._Error:
        return "refused"
    return "\n".join(lines(message.stream.trace))


def main() -> None:
    for name in sys.argv[1:]:
        answer = Path(name) / "answer"
        child = os.fork()
        if child == 0:
            signal.alarm(SECONDS)
            answer.write_text(ask(Path(name)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            answer.write_text("hung" if os.WTERMSIG(status) == signal.SIGALRM else "aborted")
        elif os.WEXITSTATUS(status):
            raise SystemExit(f"{name}: asking failed")


main()
