"""Disks of a few megabytes, to be full: a tmpfs each. Only root can mount one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def resize(place: Path, size: str) -> None:
    """Give a mounted disk another size: `5m`."""
    subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True)


@contextmanager
def mounted(place: Path, size: str) -> Iterator[Path]:
    """Mount a disk of the size `5m` at `place`; skips the test where the machine forbids it."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
