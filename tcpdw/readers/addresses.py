"""IP addresses as text: one spelling for kernel events, captures and `/proc`, so that they join."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address


@lru_cache(maxsize=65536)
def from_packed(packed: bytes) -> str:
    """Spell an address given as its 4 or 16 bytes in network order.

    IPv6 is spelled as RFC 5952 says (`fd00::105`), without dots inside; an IPv4-mapped address
    (`::ffff:192.0.2.1`), which an IPv6 socket shows for an IPv4 peer, as the IPv4 address that the
    packets carry. Raises `ValueError` for any other number of bytes.
    """
    if len(packed) == 4:
        return str(IPv4Address(packed))
    if len(packed) != 16:
        raise ValueError(f"an address has 4 or 16 bytes, not {len(packed)}")
    address = IPv6Address(packed)
    mapped = address.ipv4_mapped
    return str(address if mapped is None else mapped)


@lru_cache(maxsize=65536)
def from_text(text: str) -> str:
    """Spell an address given in any spelling as `from_packed` does.

    Raises `ValueError` where the text is no address.
    """
    return from_packed(ip_address(text).packed)
