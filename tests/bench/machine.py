"""What the figures were measured on, and with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path


def facts() -> dict[str, str]:
    """Tell the machine, and the versions of what was measured."""
    return {
        "cpu": cpu_model(Path("/proc/cpuinfo").read_text()),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.1f} GiB",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "packages": ", ".join(
            f"{name} {importlib.metadata.version(name)}"
            for name in ("tcpdw", "duckdb", "pyarrow", "pyshark")
        ),
        "babeltrace2": _version("babeltrace2"),
        "tshark": _version("tshark"),
        "load before": f"{os.getloadavg()[0]:.2f} (above 0.3 other things were running)",
    }


def cpu_model(cpuinfo: str) -> str:
    """Find the model's name in /proc/cpuinfo; Arm has none there."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _version(program: str) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]
