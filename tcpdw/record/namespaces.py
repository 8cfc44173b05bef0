"""Network namespaces without a name: they are there while this process holds them, no longer."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Generator
from contextlib import contextmanager

from tcpdw.errors import RecordError
from tcpdw.record.processes import run

INTERFACES = ("veth-server", "veth-client")
"""What the interfaces of joined namespaces are called: one trace may show both."""

_CLONE_NEWNET = 0x40000000  # include/uapi/linux/sched.h


class Namespace:
    """A network namespace; the kernel removes it, with its interfaces, after its last holder.

    Holders are this object's descriptor and the processes started while it was entered, so that
    nothing of it can stay behind, however this process ends. `Namespace(own=True)` is that in
    which this process runs.
    """

    def __init__(self, *, own: bool = False) -> None:
        """Make a namespace. Raises RecordError where the kernel refuses."""
        self._outside = _open_current()
        self._inside = _open_current() if own else self._outside
        self.is_own = own
        if own:
            return
        try:
            _call("unshare", _CLONE_NEWNET)
            try:
                self._inside = _open_current()
            finally:
                _call("setns", self._outside, _CLONE_NEWNET)
        except OSError as error:
            os.close(self._outside)
            raise RecordError(
                f"no network namespace can be made here: {error.strerror}",
                hint="run as root, outside a container that forbids it",
            ) from error

    @property
    def path(self) -> str:
        """A path that names the namespace, for programs such as `ip`."""
        return f"/proc/{os.getpid()}/fd/{self._inside}"

    @contextmanager
    def entered(self) -> Generator[None]:
        """Be inside meanwhile: processes started, sockets made and /proc/net are of there."""
        if self.is_own:
            yield
            return
        _call("setns", self._inside, _CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", self._outside, _CLONE_NEWNET)

    def close(self) -> None:
        """Let it go."""
        os.close(self._inside)
        os.close(self._outside)


@contextmanager
def joined(
    addresses: tuple[str, str],
) -> Generator[tuple[Namespace, Namespace]]:
    """Make two namespaces, joined by the veth interfaces `INTERFACES` with these addresses.

    An address is as `ip address add` takes it, such as 192.168.1.105/24. Raises RecordError.
    """
    first = Namespace()
    try:
        second = Namespace()
    except RecordError:
        first.close()
        raise
    try:
        with first.entered():
            _ip("link", "add", INTERFACES[0], "type", "veth", "peer", "name", INTERFACES[1],
                "netns", second.path)  # fmt: skip
        for namespace, address, interface in zip(
            (first, second), addresses, INTERFACES, strict=True
        ):
            with namespace.entered():
                _ip("address", "add", address, "dev", interface)
                _ip("link", "set", "lo", "up")
                _ip("link", "set", interface, "up")
        yield first, second
    finally:
        first.close()
        second.close()


def _ip(*arguments: str) -> None:
    done = run(["ip", *arguments], 10)
    if done.returncode:
        raise RecordError(f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}")


def _open_current() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _call(name: str, *arguments: int) -> None:
    """Call the C library, which Python has no function of before 3.12 (unshare(2), setns(2))."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
