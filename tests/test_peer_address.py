from __future__ import annotations

import pyarrow as pa
import pytest

from tcpdw.readers import peer_address

WORDS_MAPPED = [0, 0, 0, 0, 0, 0xFFFF, 0xC000, 0x0201]


def spelled(v4: object, v6: object) -> str | None:
    table = pa.table(
        {
            "ts": pa.array([1], pa.int64()),
            "v4addr": pa.array([v4], pa.list_(pa.uint8())),
            "v6addr": pa.array([v6], pa.list_(pa.uint16())),
        }
    )
    result = peer_address.spelled(table)
    assert result.column_names == ["ts", "v4addr", "v6addr", "addr"]
    assert result.schema.field("addr").type == pa.string()
    return result["addr"][0].as_py()


@pytest.mark.parametrize(
    ("v4", "v6", "text"),
    [
        ([192, 0, 2, 1], [], "192.0.2.1"),
        ([192, 0, 2, 1], None, "192.0.2.1"),
        ([0, 0, 0, 0], [], "0.0.0.0"),
        ([], [0xFD00, 0, 0, 0, 0, 0, 0, 0x105], "fd00::105"),
        ([], [0] * 8, "::"),
        ([], WORDS_MAPPED, "192.0.2.1"),
        ([], [0xFD, 0] + [0] * 13 + [5], "fd00::5"),  # As bytes, as some tracers have it.
        ([], [], None),
        (None, None, None),
        ([1, 2, 3], [], None),
        ([1, 2, 3, 4, 5], [], None),
        ([], [1, 2, 3], None),
        ([], [300] * 16, None),  # 16 bytes, and none of them is one.
    ],
)
def test_spelled(v4: object, v6: object, text: str | None) -> None:
    assert spelled(v4, v6) == text


def test_every_row_gets_its_own() -> None:
    table = pa.table(
        {
            "v4addr": pa.array([[192, 0, 2, 1], [], None], pa.list_(pa.uint8())),
            "v6addr": pa.array([[], [0] * 7 + [1], None], pa.list_(pa.uint16())),
        }
    )
    assert peer_address.spelled(table)["addr"].to_pylist() == ["192.0.2.1", "::1", None]


def test_no_rows() -> None:
    table = pa.table(
        {
            "v4addr": pa.array([], pa.list_(pa.uint8())),
            "v6addr": pa.array([], pa.list_(pa.uint16())),
        }
    )
    assert peer_address.spelled(table)["addr"].type == pa.string()


@pytest.mark.parametrize("names", [("v4addr",), ("v6addr",), ("addr", "v4addr", "v6addr"), ("fd",)])
def test_other_classes_stay(names: tuple[str, ...]) -> None:
    table = pa.table({name: [1] for name in names})
    assert peer_address.spelled(table) is table


def test_numbers_of_another_kind_are_no_address() -> None:
    table = pa.table({"v4addr": ["text"], "v6addr": [7]})
    assert peer_address.spelled(table)["addr"].to_pylist() == [None]
