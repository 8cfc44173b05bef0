from __future__ import annotations

import pytest

from tcpdw import moments
from tcpdw.errors import UsageError

START = 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "ts"),
    [
        ("1700000000000000005", START + 5),
        ("+0", START),
        ("+1.5s", START + 1_500_000_000),
        ("+1.5", START + 1_500_000_000),
        ("+0.000000001s", START + 1),
        ("+12 ms", START + 12_000_000),
        ("+2.5us", START + 2_500),
        ("+7ns", START + 7),
        ("-1s", START - 1_000_000_000),
        ("2023-11-14T22:13:20Z", START),
        ("2023-11-14 22:13:20.000000001", START + 1),
        ("2023-11-14T23:13:20,5+01:00", START + 500_000_000),
        ("2023-11-14T22:13Z", START - 20_000_000_000),
    ],
)
def test_times_as_people_give_them(text: str, ts: int) -> None:
    assert moments.parsed(text, START) == ts


@pytest.mark.parametrize(
    "text",
    ["", "noon", "1.5", "+1.5h", "+", "2023-13-14T22:13:20", "2023-11-14", "99999999999999999999"],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(UsageError, match=r"^no time: "):
        moments.parsed(text, START)


@pytest.mark.parametrize(
    ("ts", "text"),
    [
        (START, "+0.000000000s"),
        (START + 1_000_000_001, "+1.000000001s"),
        (START - 1, "-0.000000001s"),
    ],
)
def test_times_from_the_start(ts: int, text: str) -> None:
    assert moments.relative(ts, START) == text


@pytest.mark.parametrize(
    ("text", "ns"),
    [("50ms", 50_000_000), ("2", 2_000_000_000), ("1.5 us", 1_500), ("7ns", 7), ("0.1s", 10**8)],
)
def test_lengths_as_people_give_them(text: str, ns: int) -> None:
    assert moments.length(text) == ns


@pytest.mark.parametrize("text", ["", "0", "0ms", "-1s", "+1s", "1h", "1e3", "0.1ns", "9" * 12])
def test_what_is_no_length(text: str) -> None:
    with pytest.raises(UsageError, match=r"^no length of time: "):
        moments.length(text)
