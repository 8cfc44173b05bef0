"""Random frames of every link type that the native reader decodes, whole, damaged and cut."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from random import Random

import capture_files as c

LINK_TYPES = (
    c.ETHERNET,
    c.RAW,
    c.LINUX_SLL,
    c.LINUX_SLL2,
    c.NULL,
    c.LOOP,
    c.RAW_IPV4,
    c.RAW_IPV6,
)


def frame(random: Random, linktype: int) -> c.Frame:
    """Give a frame of a link type: two of three are damaged, cut, or padded."""
    data = bytearray(_LINKS[linktype](random))
    chance = random.random()
    if chance < 0.3 and data:
        for _ in range(random.choice([1, 1, 2, 4])):
            at = random.randrange(min(len(data), 120))
            data[at] = random.choice([random.randrange(256), data[at] ^ 1 << random.randrange(8)])
    whole = len(data)
    if random.random() < 0.35:
        del data[random.randrange(min(whole, 200) + 1) :]
    elif random.random() < 0.1:
        data += random.randbytes(random.randrange(20))
        whole = len(data)
    ts = 1_700_000_000_000_000_000 + random.randrange(10**15)
    return c.Frame(bytes(data), ts=ts, length=whole)


def _address4(random: Random) -> str:
    return str(ipaddress.IPv4Address(random.getrandbits(32)))


def _address6(random: Random) -> str:
    if random.random() < 0.1:
        return f"::ffff:{_address4(random)}"
    groups = (random.choice([0, 0, 0, random.getrandbits(16), 9]) for _ in range(8))
    return str(ipaddress.IPv6Address(b"".join(struct.pack(">H", group) for group in groups)))


def _tcp_options(random: Random) -> bytes:
    def odd() -> bytes:
        kind = random.choice([2, 3, 4, 8, 5, 19, 28, 34, 100, 254])
        return bytes([kind, random.randrange(14)]) + random.randbytes(random.randrange(10))

    makers: list[Callable[[], bytes]] = [
        lambda: c.mss(random.getrandbits(16)),
        lambda: c.wscale(random.getrandbits(8)),
        lambda: c.SACK_OK,
        lambda: c.NOP,
        lambda: c.timestamps(random.getrandbits(32), random.getrandbits(32)),
        lambda: c.sack(*[(1, 2)] * random.randrange(1, 4)),
        lambda: b"\0",
        lambda: b"\4\3\0",
        odd,
    ]
    return b"".join(random.choice(makers)() for _ in range(random.randrange(8)))[:40]


def _tcp(random: Random) -> bytes:
    return c.tcp(
        bytes(random.choice([0, 0, 1, 6, 40])),
        sport=random.getrandbits(16),
        dport=random.getrandbits(16),
        seq=random.getrandbits(32),
        ack_seq=random.getrandbits(32),
        flags=random.getrandbits(12),
        window=random.getrandbits(16),
        checksum=random.getrandbits(16),
        urg_ptr=random.choice([0, random.getrandbits(16)]),
        options=_tcp_options(random),
    )


def _udp(random: Random) -> bytes:
    data = bytearray(c.udp(bytes(random.randrange(20)), dport=random.getrandbits(16)))
    if random.random() < 0.2:
        data[4:6] = struct.pack(">H", random.choice([0, 3, 8, 9, 500]))
    return bytes(data)


def _upper(random: Random) -> tuple[int, bytes]:
    kind = random.randrange(10)
    if kind < 6:
        return c.TCP, _tcp(random)
    if kind < 8:
        return c.UDP, _udp(random)
    inner = random.choice([c.ipv4(_tcp(random)), c.ipv6(_tcp(random)), random.randbytes(30)])
    return random.choice([1, 4, 41, 47, 50, 58, 59, 103, 112, 132, 136, 253]), inner


def _ipv4(random: Random) -> bytes:
    protocol, data = _upper(random)
    for _ in range(random.choice([0] * 20 + [1, 2])):
        protocol, data = c.AUTHENTICATION, c.authentication(protocol) + data
    options = b""
    if random.random() < 0.15:
        kinds = [b"\1", b"\x94\4\0\0", bytes([7, 11, 4, *range(8)]), bytes([131, 7, 4, 9, 9, 9, 9])]
        kinds += [bytes([68, 12, 5, 0, *range(8)]), bytes([200, 4, 1, 2]), b"\0", b"\x94\3\0"]
        options = b"".join(random.choices(kinds, k=random.randrange(1, 4)))[:40]
    lengths = [0, 0, 1, 19, 20, 24, 28, 40, 60, 1500, 65535, len(data) + 18, len(data) + 22]
    return c.ipv4(
        data,
        saddr=_address4(random),
        daddr=_address4(random),
        protocol=protocol,
        ttl=random.getrandbits(8),
        ip_id=random.getrandbits(16),
        more_fragments=random.random() < 0.08,
        fragment_offset=random.choice([0] * 20 + [8, 640]),
        options=options.ljust(-(-len(options) // 4) * 4, b"\0"),
        total_length=random.choice(lengths) if random.random() < 0.15 else None,
    )


def _options6(random: Random, next_header: int) -> bytes:
    kinds = [
        b"\0",
        b"\1\0",
        b"\1\3\0\0\0",
        b"\5\2\0\0",
        b"\xc9\x10" + bytes(16),
        b"\x1e\2ab",
        b"\x77\0",
    ]
    body = b"".join(random.choices(kinds, k=random.randrange(4)))
    body += bytes(-(2 + len(body)) % 8)
    return bytes([next_header, (2 + len(body)) // 8 - 1]) + body


def _ipv6(random: Random) -> bytes:
    header, data = _upper(random)
    for _ in range(random.choice([0, 0, 0, 1, 1, 2, 3])):
        kind = random.randrange(6)
        if kind < 2:
            header, data = random.choice([0, 60]), _options6(random, header) + data
        elif kind == 2:
            header, data = c.ROUTING, c.ipv6_routing(header) + data
        elif kind == 3:
            count, routing = random.randrange(3), random.choice([0, 4, 99])
            head = bytes([header, 2 * count, routing, 1, max(count - 1, 0), 0, 0, 0])
            header, data = c.ROUTING, head + bytes(16 * count) + data
        elif kind == 4:
            offset, more = random.choice([0, 0, 64]), random.random() < 0.5
            header, data = c.FRAGMENT, c.ipv6_fragment(header, offset, more=more) + data
        else:
            header, data = c.AUTHENTICATION, c.authentication(header) + data
    lengths = [0, 0, 1, 8, 20, 40, 1500, 65535, len(data) + 1]
    return c.ipv6(
        data,
        saddr=_address6(random),
        daddr=_address6(random),
        next_header=header,
        hop_limit=random.getrandbits(8),
        payload_length=random.choice(lengths) if random.random() < 0.12 else None,
    )


def _ip(random: Random) -> tuple[int, bytes]:
    return (c.IPV4, _ipv4(random)) if random.random() < 0.5 else (c.IPV6, _ipv6(random))


def _typed(random: Random) -> tuple[int, bytes]:
    """Give an EtherType and what it stands for, in VLAN tags or not."""
    chance = random.random()
    if chance < 0.05:
        ethertype, data = c.ARP, c.arp()
    elif chance < 0.1:
        ethertype, data = random.choice([0x88CC, 0x9000, 0x1234, 0x8863]), random.randbytes(40)
    elif chance < 0.13:
        ethertype, data = c.IPV4, _ipv6(random)
    else:
        ethertype, data = _ip(random)
    for _ in range(random.choice([0, 0, 0, 0, 1, 1, 2, 3, 19])):
        data = struct.pack(">HH", random.getrandbits(16), ethertype) + data
        ethertype = random.choice([c.VLAN, c.VLAN, c.QINQ, c.OLD_QINQ])
    return ethertype, data


def _ethernet(random: Random) -> bytes:
    ethertype, data = _typed(random)
    if random.random() < 0.06:
        spanning_tree, null, raw_ipx = b"\x42\x42\3", b"\0\1\xaf\x81\1\0", b"\xff\xff"
        cdp = c.snap(b"\2\xb4", 0x2000, 0x0C)
        data = random.choice([c.snap(data, ethertype), spanning_tree, null, raw_ipx, cdp])
        return c.ieee8023(data.ljust(46, b"\0"), random.choice([len(data), 3, 1400]))
    whole = c.ethernet(data, ethertype)
    return whole.ljust(60, b"\0") if random.random() < 0.3 else whole


def _cooked(random: Random, wrap: Callable[[bytes, int], bytes]) -> bytes:
    ethertype, data = _typed(random)
    return wrap(data, random.choice([1, 4, 17, 1536]) if random.random() < 0.1 else ethertype)


def _loopback(random: Random, orders: str) -> bytes:
    ethertype, data = _ip(random)
    family = 2 if ethertype == c.IPV4 else random.choice([24, 28, 30])
    if random.random() < 0.1:
        family = random.choice([0, 1, 23, c.IPV4, c.IPV6, c.VLAN, 2 << 16, 30 << 16, 0x200])
    return struct.pack(random.choice(orders) + "I", family) + data


_LINKS: dict[int, Callable[[Random], bytes]] = {
    c.ETHERNET: _ethernet,
    c.RAW: lambda random: _ip(random)[1],
    c.LINUX_SLL: lambda random: _cooked(random, c.sll),
    c.LINUX_SLL2: lambda random: _cooked(random, c.sll2),
    c.NULL: lambda random: _loopback(random, "<>"),
    c.LOOP: lambda random: _loopback(random, ">"),
    c.RAW_IPV4: _ipv4,
    c.RAW_IPV6: _ipv6,
}
