"""What fuzzing starts from: small traces and captures that are whole.

    fuzz_corpus.py FILE

They come from the recorded runs, the cases and the tests' writers, and go to FILE, pickled.
"""

from __future__ import annotations

import pickle
import re
import struct
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import capture_files as cf
import ctf_assembler_case
import ctf_files
from ctf_assembler import AssemblyError
from fuzz_mutations import Token, tokens

from tcpdw.readers import EventBatch, TraceEnd, ctf_native, metadata_packets

ROOT = Path(__file__).parents[1]
RUNS = (
    "kestrel-server-handshake-001",
    "osprey-client-handshake-001",
    "heron-server-ipv6-001",
    "heron-client-nocontext-001",
    "merlin-server-lossy-001",
)
PACKET = 1_000  # bytes of a recorded packet that make a packet here
WINDOWS, PACKETS = 12, 3  # of a recorded stream, to choose from and to keep
# What LTTng's packets have before the sizes of their content and of themselves: magic, UUID,
# stream class and instance, the times of begin and end.
SIZES = 4 + 16 + 4 + 8 + 16

_EVENT = re.compile(rb'^event \{\n\tname = "([^"]*)";.*?^\};\n\n?', re.DOTALL | re.MULTILINE)
_DAMAGE = re.compile(r"at byte (\d+)")


@dataclass(frozen=True)
class Base:
    """An input: a trace if it has a file `metadata`, else a capture."""

    name: str
    files: Mapping[str, bytes]

    @cached_property
    def text(self) -> str:
        """The metadata."""
        return self.files["metadata"].decode(errors="replace")

    @cached_property
    def tokens(self) -> list[Token]:
        """Where the metadata's tokens are."""
        return tokens(self.text)

    @cached_property
    def streams(self) -> list[str]:
        """The other files."""
        return sorted(name for name in self.files if name != "metadata")


def corpus() -> list[Base]:
    """Make all of them, in the same order each time."""
    with tempfile.TemporaryDirectory(prefix="tcpdw-corpus-") as folder:
        return [*_cases(Path(folder)), *_written(), *_recorded(Path(folder)), *_captures()]


def _cases(folder: Path) -> Iterator[Base]:
    for path in sorted((Path(__file__).parent / "cases" / "ctf").glob("*.txt")):
        try:
            trace = ctf_assembler_case.load(path).write(folder / path.stem)
        except AssemblyError:
            continue  # The cases' own tests tell.
        files = {file.name: file.read_bytes() for file in trace.iterdir() if file.is_file()}
        yield Base(f"case-{path.stem}", files)


def _written() -> Iterator[Base]:
    event = (1, ("e", "uint8_t u; string s; int32_t l[2]; uint8_t n; uint16_t q[n];"))
    for order in ("le", "be"):
        form = ctf_files.Format(byte_order=order, numbered=True)
        text = ctf_files.metadata(dict([event]), form, context="int32_t tid;")
        sign = form.order
        body = struct.pack(sign + "iB3siiB2H", 7, 1, b"ab\0", -1, 2, 2, 3, 4)
        packets = [
            ctf_files.packet(
                [ctf_files.Event(1, 1000 * number + at, body) for at in range(5)],
                form,
                number=number,
                discarded=number // 2,
            )
            for number in range(4)
        ]
        yield Base(f"written-{order}", {"metadata": text.encode(), "s_0": b"".join(packets)})


# Recorded runs.


def _recorded(folder: Path) -> Iterator[Base]:
    for run in RUNS:
        archive = ROOT / "data" / f"{run}.tar.xz"
        if archive.exists():
            yield _excerpt(run, archive, folder / run)


def _excerpt(run: str, archive: Path, folder: Path) -> Base:
    """Take packets of a run that have many kinds of events, with what its metadata says of them."""
    folder.mkdir()
    streams: dict[str, bytes] = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            path = Path(member.name)
            content = tar.extractfile(member)
            if path.parent.name == "kernel" and content is not None:
                streams[path.name] = content.read()
    (folder / "metadata").write_bytes(streams.pop("metadata"))
    kept: dict[str, bytes] = {}
    seen: set[str] = set()
    for name, stream in sorted(streams.items()):
        parts = [(_names(folder, part), part) for part in _parts(folder, stream)]
        for _ in range(min(PACKETS, len(parts))):
            best = max(parts, key=lambda part: len(part[0] - seen))
            seen |= best[0]
            parts.remove(best)
            kept[name] = kept.get(name, b"") + best[1]
    text = metadata_packets.text(folder / "metadata").encode()
    metadata = _EVENT.sub(lambda event: event[0] if event[1].decode() in seen else b"", text)
    return Base(f"run-{run}", {"metadata": metadata, **kept})


def _parts(folder: Path, stream: bytes) -> Iterator[bytes]:
    """Give parts of a stream's first packet as packets: its head, and some events in a row."""
    content, size = struct.unpack_from("<QQ", stream, SIZES)
    packet = stream[: min(content, size) // 8]
    # The head is what the packet can be cut to without hurting an event.
    head = next(at for at in range(SIZES + 16, 200) if _whole(folder, packet, at) == at)
    for place in range(0, len(packet) - PACKET, max(PACKET, len(packet) // WINDOWS)):
        start, end = (
            max(head, _whole(folder, packet, at)) for at in (head + place, place + PACKET)
        )
        yield _resized(packet[:head] + packet[start:end])


def _whole(folder: Path, packet: bytes, at: int) -> int:
    """Give where the last whole event ends in the first `at` bytes, or what else is whole."""
    (folder / "part").write_bytes(_resized(packet[:at]))
    end = next(item for item in ctf_native.read(folder) if isinstance(item, TraceEnd))
    cut = _DAMAGE.search(" ".join(end.warnings))
    return at if cut is None else int(cut[1])


def _resized(packet: bytes) -> bytes:
    changed = bytearray(packet)
    struct.pack_into("<QQ", changed, SIZES, len(packet) * 8, len(packet) * 8)
    return bytes(changed)


def _names(folder: Path, packet: bytes) -> set[str]:
    (folder / "part").write_bytes(packet)
    return {item.name for item in ctf_native.read(folder) if isinstance(item, EventBatch)}


# Captures.


def _captures() -> Iterator[Base]:
    options = cf.mss(1460) + cf.SACK_OK + cf.timestamps(1, 2) + cf.NOP + cf.wscale(7)
    segments = [
        cf.tcp(flags=cf.SYN, options=options),
        cf.tcp(b"payload" * 9, options=cf.NOP + cf.NOP + cf.sack((1, 5), (9, 12))),
    ]
    secured = cf.authentication(cf.TCP) + segments[0]
    route = b"\x83\x07\x04" + bytes(4) + b"\x01" + b"\x44\x04\x05\x00"
    jumbo = struct.pack(">BBBBI", cf.TCP, 0, 0xC2, 4, 70_000) + segments[0]
    fragment = cf.ipv6_fragment(cf.TCP, 0, more=True) + segments[1]
    packets = [
        *((cf.ipv4(segment), cf.IPV4) for segment in segments),
        (cf.ipv4(cf.udp(b"x"), protocol=cf.UDP), cf.IPV4),
        (cf.ipv4(secured, protocol=cf.AUTHENTICATION), cf.IPV4),
        (cf.ipv4(segments[0], options=b"\1" * 8, total_length=0), cf.IPV4),
        (cf.ipv4(segments[0], options=route), cf.IPV4),
        (cf.ipv4(segments[1], more_fragments=True), cf.IPV4),
        *((cf.ipv6(segment), cf.IPV6) for segment in segments[:2]),
        (cf.ipv6(cf.ipv6_options(cf.TCP) + segments[0], next_header=cf.HOP_BY_HOP), cf.IPV6),
        (cf.ipv6(cf.ipv6_routing(cf.TCP) + segments[0], next_header=cf.ROUTING), cf.IPV6),
        (cf.ipv6(fragment, next_header=cf.FRAGMENT), cf.IPV6),
        (cf.ipv6(secured, next_header=cf.AUTHENTICATION), cf.IPV6),
        (cf.arp(), cf.ARP),
    ]
    vlans = ((cf.QINQ, 5), (cf.VLAN, 7))
    ethernet = [cf.ethernet(*packet) for packet in packets]
    ethernet += [cf.ethernet(*packet, vlans=vlans[: 1 + n % 2]) for n, packet in enumerate(packets)]
    ip = [packet for packet, kind in packets if kind != cf.ARP]
    cut = [cf.cut(frame, 60) for frame in ethernet[:4]]
    interfaces = (cf.Interface("eth0"), cf.Interface(None, 9), cf.Interface("lo", 0x8A))
    frames = [cf.Frame(frame, interface=n % 3) for n, frame in enumerate(ethernet)]
    files = {
        "pcap": cf.pcap([*ethernet, *cut]),
        "pcap-be-ns": cf.pcap(ethernet, byte_order="big", nanoseconds=True),
        "pcap-raw": cf.pcap(ip, linktype=cf.RAW),
        "pcap-sll": cf.pcap([cf.sll(*packet) for packet in packets], linktype=cf.LINUX_SLL),
        "pcap-sll2": cf.pcap([cf.sll2(*packet) for packet in packets], linktype=cf.LINUX_SLL2),
        "pcap-null": cf.pcap([b"\2\0\0\0" + packet for packet in ip], linktype=0),
        "pcap-loop": cf.pcap([b"\0\0\0\2" + packet for packet in ip], linktype=108),
        "pcap-jumbo": cf.pcap([cf.ipv6(jumbo, next_header=0, payload_length=0)], linktype=cf.RAW),
        "pcapng": cf.pcapng(frames, interfaces=interfaces),
        "pcapng-be": cf.pcapng(frames, interfaces=interfaces, byte_order="big"),
        "pcapng-simple": cf.pcapng(ethernet[:6], simple=True),
        "pcapng-twice": cf.pcapng(ethernet[:4]) + cf.pcapng(cut, byte_order="big"),
    }
    for name, content in files.items():
        yield Base(name, {"capture": content})


if __name__ == "__main__":
    # By its own name this module can be imported, `__main__` cannot: the classes must be of there.
    import fuzz_corpus

    Path(sys.argv[1]).write_bytes(pickle.dumps(fuzz_corpus.corpus()))
