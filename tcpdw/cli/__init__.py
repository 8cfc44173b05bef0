"""The command line: commands without logic of their own. Heavy modules are imported late."""

from __future__ import annotations

from tcpdw.cli.entry import main

__all__ = ["main"]
