"""How a flow that is started as a command ends: one line on standard error, and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable

from tcpdw.errors import UsageError
from tcpdw.output import clean


def ended(name: str, work: Callable[[], int]) -> int:
    """Run `work` and give its exit status: 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    try:
        return work()
    except UsageError as error:
        return said(name, f"error: {error}", 2)
    except KeyboardInterrupt:
        return said(name, "stopped", 130)
    except Exception as error:
        # Prefect raises errors of many kinds, RuntimeError for a server that does not answer.
        return said(name, f"error: {type(error).__name__}: {error}", 1)


def said(name: str, text: str, status: int) -> int:
    """Say a line for people on standard error, under `name`, and give the status on."""
    sys.stderr.write(f"{name}: {clean(text)}\n")
    return status
