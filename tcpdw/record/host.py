"""What this host is: its name, kernel, cpus and network interfaces."""

from __future__ import annotations

import ipaddress
import json
import os
import platform
import re
from pathlib import Path
from typing import Any, cast

from tcpdw.errors import RecordError
from tcpdw.printable import printable
from tcpdw.record.namespaces import Namespace
from tcpdw.record.processes import run


def name() -> str:
    """Give the host's name without its domain, as runs are named after it."""
    return re.sub(r"[^\w.-]|^[.-]+", "", platform.node().split(".")[0], flags=re.ASCII) or "host"


def facts() -> dict[str, object]:
    """Give what `run.json` says of a host: kernel, cpus, cpu_model."""
    return {
        "kernel": os.uname().release,
        "cpus": os.cpu_count() or 1,
        "cpu_model": cpu_model(Path("/proc/cpuinfo").read_text(errors="replace")),
    }


def cpu_model(cpuinfo: str) -> str:
    """Give the first cpu's model; machines other than PCs call it otherwise, or not at all."""
    for key in ("model name", "cpu model", "cpu", "Model", "Hardware"):
        if match := re.search(rf"^{key}\s*:\s*(\S.*)$", cpuinfo, re.MULTILINE):
            return printable(match[1].strip())[:256]
    return platform.machine()


def interface_of(address: str) -> str | None:
    """Give the interface that has this address, None where none has."""
    for link in _ip("address", "show"):
        for item in link.get("addr_info", ()):
            if ipaddress.ip_address(item["local"]) == ipaddress.ip_address(address):
                return str(link["ifname"])
    return None


def interface_to(address: str) -> str | None:
    """Give the interface through which packets to this address leave, None where none does."""
    try:
        routes = _ip("route", "get", address)
    except RecordError:
        return None
    return str(routes[0]["dev"]) if routes and "dev" in routes[0] else None


def interfaces() -> list[str]:
    """List this host's interfaces."""
    return [str(link["ifname"]) for link in _ip("link", "show")]


def driver(interface: str, namespace: Namespace) -> str | None:
    """Give an interface's driver: of a virtual one its kind (veth, bridge), of `lo` none."""
    link = Path(f"/sys/class/net/{interface}/device/driver")
    if namespace.is_own and link.exists():
        return link.resolve().name
    with namespace.entered():
        links = _ip("-details", "link", "show", "dev", interface)
    kind = links[0].get("linkinfo", {}).get("info_kind") if links else None
    return str(kind) if kind else None


def _ip(*arguments: str) -> list[dict[str, Any]]:
    done = run(["ip", "-json", *arguments], 10)
    if done.returncode:
        raise RecordError(f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}")
    return cast("list[dict[str, Any]]", json.loads(done.stdout or "[]"))
