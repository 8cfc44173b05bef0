from __future__ import annotations

import csv
import io
import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpdw import output
from tcpdw.errors import TcpdwError
from tcpdw.output import Result


@given(st.text())
def test_clean_text_is_printable_and_keeps_what_was_so(text: str) -> None:
    cleaned = output.clean(text)
    assert cleaned.isprintable()
    assert output.clean(cleaned) == cleaned
    if text.isprintable():
        assert cleaned == text


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("abc", 3), ("é", 1), ("e\u0301", 1), ("日本", 4)]
)
def test_width_counts_terminal_cells(text: str, cells: int) -> None:
    assert output.width(text) == cells


def test_plain_lines_align_numbers_right_and_texts_left() -> None:
    result = Result(("name", "n", "日本"), [("a", 5, True), ("long\tname", 1234, None)])
    assert list(output.plain_lines(result)) == [
        "name           n  日本",
        "----------  ----  ----",
        "a              5  true",
        "long\\tname  1234",
    ]


def test_columns_of_text_can_be_aligned_right() -> None:
    result = Result(("p50",), [("1.50",), ("12",)], right=frozenset({"p50"}))
    assert list(output.plain_lines(result)) == [" p50", "----", "1.50", "  12"]


def test_long_results_keep_the_widths_of_their_first_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output, "ALIGNED_ROWS", 1)
    rows = iter([("ab", 1), ("abcdef", 2)])
    lines = list(output.plain_lines(Result(("x", "y"), rows)))
    assert lines == ["x   y", "--  -", "ab  1", "abcdef  2"]


def write(result: Result, form: output.Format, path: Path) -> str:
    output.write(result, form, path)
    return path.read_text(encoding="utf-8")


VALUES = (
    None,
    True,
    2**80,
    1.5,
    Decimal("2.50"),
    float("inf"),
    b"\x00\xff",
    'a,"\n\x1b',
    [1, None],
)


def test_json_is_standard_and_ascii(tmp_path: Path) -> None:
    names = ("a",) * len(VALUES)
    text = write(Result(names, [VALUES]), "json", tmp_path / "x")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (row,) = json.loads(text, parse_constant=refuse)
    assert list(row) == ["a", *(f"a_{n}" for n in range(1, len(VALUES)))]
    assert list(row.values()) == [
        None,
        True,
        2**80,
        1.5,
        2.5,
        None,
        "00ff",
        'a,"\n\x1b',
        [1, None],
    ]
    assert text.isascii()
    assert text.replace("\n", "").isprintable()


def test_csv_reads_back(tmp_path: Path) -> None:
    text = write(Result(("a", "b,c"), [('x,"\ny', None), ("é", 1)]), "csv", tmp_path / "x")
    assert list(csv.reader(io.StringIO(text))) == [["a", "b,c"], ['x,"\ny', ""], ["é", "1"]]


def test_a_failure_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def rows() -> object:
        yield (1,)
        raise ZeroDivisionError

    path = tmp_path / "x.json"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        output.write(Result(("a",), rows()), "json", path)  # type: ignore[arg-type]
    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_text("before", encoding="utf-8")
    link.symlink_to(target)
    assert write(Result(("a",), [(1,)]), "csv", link) == "a\n1\n"
    assert link.is_symlink()
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        output.write(Result(("a",), [(1,)]), "csv", pipe)
        assert os.read(reader, 100) == b"a\n1\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none" / "x.csv"
    with pytest.raises(TcpdwError, match="cannot be written: No such file") as caught:
        output.write(Result(("a",), []), "csv", path)
    assert caught.value.path == str(path)
