"""What recording needs of a host: all of it is looked at before anything is started."""

from __future__ import annotations

import grp
import ipaddress
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tcpdw.errors import RecordError
from tcpdw.record import capture, host, tracer
from tcpdw.record.namespaces import Namespace
from tcpdw.record.settings import MEBIBYTE, Settings

PACKAGES = {
    "ncat": "ncat",
    "tcpdump": "tcpdump",
    "dumpcap": "tshark",
    "ip": "iproute2",
    "lttng": "lttng-tools",
    "lttng-sessiond": "lttng-tools",
}
"""The Debian packages of the programs."""

RUN_BYTES = 8 * MEBIBYTE
KERNEL_RUN_BYTES = 256 * MEBIBYTE
"""The room on the disk that a run may take, with its trace and without."""

_ADMIN, _RAW, _SYSTEM = 12, 13, 21  # include/uapi/linux/capability.h


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that is needed: what, as found or why it is missing, and how to get it."""

    what: str
    found: str
    remedy: str | None = None

    @property
    def is_met(self) -> bool:
        """Tell whether it is there."""
        return self.remedy is None


def needs(settings: Settings) -> list[Need]:
    """Look at everything that a recording with these settings needs."""
    found = [*_rights(settings), *_programs(settings)]
    there = {need.what for need in found if need.is_met}
    if settings.kernel:
        found += _kernel(settings, has_tools={"lttng", "lttng-sessiond", "rights"} <= there)
    if "ip" in there:
        found += _network(settings, has_rights="rights" in there)
    found.append(disk(settings))
    return found


def require(settings: Settings) -> None:
    """Raise RecordError that names all that is missing, each with how to get it."""
    missing = [need for need in needs(settings) if not need.is_met]
    if missing:
        lines = [f"  {need.what}: {need.found}; {need.remedy}" for need in missing]
        raise RecordError("\n".join(["nothing can be recorded yet. Missing:", *lines]))


def disk(settings: Settings) -> Need:
    """Look at whether the directory for the runs can be written and has room for one more."""
    place = settings.out
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return Need("disk", f"{place} cannot be written", "give another --out, or its rights")
    wanted = RUN_BYTES * len(settings.roles)
    if settings.kernel:
        wanted += KERNEL_RUN_BYTES + 2 * (os.cpu_count() or 1) * settings.buffer
    free = shutil.disk_usage(place).free
    text = f"{free // MEBIBYTE:,} MiB free in {place}"
    if free < wanted:
        return Need("disk", text, f"a run may take {wanted // MEBIBYTE:,} MiB: make room")
    return Need("disk", text)


def _rights(settings: Settings) -> Iterator[Need]:
    way = "run it as root: sudo tcpdw record ..."
    have = _capabilities()
    if settings.place == "local" and not {_ADMIN, _SYSTEM} <= have:
        yield Need("rights", "network namespaces need root", way)
        return
    if settings.kernel and os.geteuid() != 0 and not _in_group("tracing"):
        yield Need(
            "rights", "the kernel is traced by root or the group tracing",
            f"{way}, or add the user: adduser USER tracing",
        )  # fmt: skip
        return
    if _RAW not in have and (settings.capture or capture.there()) == "tcpdump":
        yield Need(
            "rights", "tcpdump needs root",
            f"{way}, or let dumpcap do it: dpkg-reconfigure wireshark-common, --capture dumpcap",
        )  # fmt: skip
        return
    yield Need("rights", "root" if os.geteuid() == 0 else "enough")


def _programs(settings: Settings) -> Iterator[Need]:
    names = ["ip"]
    for role in settings.roles:
        names.append(settings.experiment.command(role, settings.address, settings.port)[0])
    if settings.kernel:
        names += ["lttng", "lttng-sessiond"]
    tool = settings.capture or capture.there()
    names.append(tool or capture.TOOLS[0])
    for name in dict.fromkeys(names):
        path = shutil.which(name)
        if path is not None:
            yield Need(name, path)
        else:
            package = PACKAGES.get(name)
            way = f"apt-get install {package}" if package else "install it, or give its path"
            yield Need(name, "is not installed", way)


def _kernel(settings: Settings, *, has_tools: bool) -> Iterator[Need]:
    if not has_tools:
        return
    release = os.uname().release
    try:
        with tracer.daemon():
            points = tracer.tracepoints()
        yield Need("kernel tracer", f"{len(points)} tracepoints")
    except RecordError as error:
        way = f"apt-get install lttng-modules-dkms linux-headers-{release}"
        if os.geteuid() != 0:
            way = f"start its daemon as root: systemctl start lttng-sessiond; else {way}"
        way += "; without one: --no-kernel records the rest"
        yield Need("kernel tracer", error.message, way)
    cpus = os.cpu_count() or 1
    wanted = tracer.Buffers.of(settings.buffer).size * cpus
    there = tracer.memory()
    text = f"{there // MEBIBYTE:,} MiB available, {wanted // MEBIBYTE:,} MiB for trace buffers"
    if wanted > there // 2:
        fit = max(there // 2 // cpus // MEBIBYTE, 1)
        yield Need("memory", text, f"give smaller ones: --buffer {fit}")
    else:
        yield Need("memory", text)


def _network(settings: Settings, *, has_rights: bool) -> Iterator[Need]:
    if settings.place == "local":
        if has_rights:
            yield _try("namespaces", "can be made", lambda: Namespace().close())
        return
    try:
        ipaddress.ip_address(settings.address)
    except ValueError:
        yield Need("address", f"{settings.address} is none", "give an IP address, not a name")
        return
    with suppress(RecordError):
        if settings.interface is not None and settings.interface not in host.interfaces():
            text = f"there is no {settings.interface}"
            yield Need("interface", text, f"there are {', '.join(host.interfaces())}")
        elif settings.interface is None:
            yield _interface(settings)
    if settings.place == "listen":
        yield _port(settings)


def _interface(settings: Settings) -> Need:
    is_server = settings.place == "listen"
    name = (host.interface_of if is_server else host.interface_to)(settings.address)
    if name is not None:
        return Need("interface", name)
    if is_server:
        text = f"no interface here has the address {settings.address}"
        return Need("interface", text, "give an address of this host, or --interface")
    return Need("interface", f"there is no route to {settings.address}", "give --interface")


def _port(settings: Settings) -> Need:
    address = (settings.address, settings.port)
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    for kind, name in ((socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")):
        with socket.socket(family, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                text = f"{name} {settings.address} port {settings.port}: {error.strerror}"
                return Need("port", text, "end what uses it (`ss -lpntu`), or give another")
    return Need("port", f"{settings.port} is free")


def _try(what: str, found: str, action: Callable[[], object]) -> Need:
    try:
        action()
    except RecordError as error:
        return Need(what, error.message, error.hint or "see the reason")
    return Need(what, found)


def _capabilities() -> set[int]:
    """Give the numbers of this process's effective capabilities (capabilities(7))."""
    match = re.search(
        r"^CapEff:\s*([0-9a-f]+)", Path("/proc/self/status").read_text(), re.MULTILINE
    )
    bits = int(match[1], 16) if match else 0
    return {number for number in range(64) if bits >> number & 1}


def _in_group(name: str) -> bool:
    with suppress(KeyError):
        return grp.getgrnam(name).gr_gid in {*os.getgroups(), os.getegid()}
    return False
