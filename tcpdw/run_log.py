"""What an ingest did, as lines for logs: one a run, in words (logfmt) or in JSON."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping
from typing import Literal

from tcpdw.output import clean
from tcpdw.warehouse import LoadedRun

Form = Literal["text", "json"]

_BARE = re.compile(r"[^\s\"=\\]+")


def line(event: str, fields: Mapping[str, object], form: Form = "text") -> str:
    """Give one line: when (UTC), what happened, and its particulars, in this order.

    As text that is `2026-11-23T01:20:00.000Z run name=r1 status=ok`, a value in quotes where it has
    a space, a quote, `=` or a backslash in it; what a terminal would take for a command is shown.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    when = now.replace("+00:00", "Z")
    if form == "json":
        return json.dumps({"time": when, "event": event, **fields}, ensure_ascii=True)
    return " ".join(filter(None, (when, event, words(fields))))


def words(fields: Mapping[str, object]) -> str:
    """Give fields as `name=value` in one line, those without a value left out."""
    return " ".join(f"{name}={_value(it)}" for name, it in fields.items() if it is not None)


def run_fields(run: LoadedRun) -> dict[str, object]:
    """Give what became of a run; `reason` is why it failed, or its first warning."""
    return {
        "name": run.name,
        "status": run.status,
        "run_id": run.run_id,
        "events": run.events,
        "packets": run.packets,
        "warnings": len(run.warnings),
        "reason": run.warnings[0] if run.warnings else None,
    }


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3f}"
    text = clean(str(value))
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
