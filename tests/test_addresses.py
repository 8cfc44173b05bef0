from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpdw.readers import addresses


@pytest.mark.parametrize(
    ("packed", "text"),
    [
        (bytes([192, 0, 2, 1]), "192.0.2.1"),
        (bytes(16), "::"),
        (bytes(15) + b"\1", "::1"),
        (bytes(12) + bytes([192, 0, 2, 1]), "::c000:201"),
        (bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1]), "192.0.2.1"),
        (bytes.fromhex("20010db8000000000001000000000001"), "2001:db8::1:0:0:1"),
        (bytes.fromhex("20010db8000000010001000100010001"), "2001:db8:0:1:1:1:1:1"),
    ],
)
def test_spelling(packed: bytes, text: str) -> None:
    assert addresses.from_packed(packed) == text
    assert addresses.from_text(text) == text


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        ("FD00:0:0::0105", "fd00::105"),
        ("::FFFF:192.0.2.1", "192.0.2.1"),
        ("::192.0.2.1", "::c000:201"),
    ],
)
def test_other_spellings(spelled: str, text: str) -> None:
    assert addresses.from_text(spelled) == text


@given(st.binary(min_size=16, max_size=16))
def test_spelling_keeps_the_address(packed: bytes) -> None:
    address = ipaddress.ip_address(addresses.from_packed(packed))
    assert address.packed == (packed[12:] if address.version == 4 else packed)


@pytest.mark.parametrize("packed", [b"", bytes(5), bytes(17)])
def test_no_address(packed: bytes) -> None:
    with pytest.raises(ValueError, match=f"not {len(packed)}"):
        addresses.from_packed(packed)
