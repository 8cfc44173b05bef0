"""Event classes kept in the user's cache: they read as those that are compiled, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctf_files as cf
import pytest

from tcpdw import kept_files
from tcpdw.readers import (
    EventBatch,
    ctf_events,
    ctf_kept,
    ctf_layout,
    ctf_native,
    native_library,
    tsdl_index,
    tsdl_layout,
)
from tcpdw.readers.ctf_memory import Memory

pytestmark = pytest.mark.skipif(
    native_library.missing() is not None, reason="there are no native readers"
)

CLASSES = {
    1: ("whole", "uint8_t a; string s; uint8_t n; uint8_t b[n];"),
    2: ("coded", "enum : uint8_t { one = 1, two } e;"),
}
EVENTS = [
    cf.Event(1, 10, b"\x07word\0\x02xy"),
    cf.Event(2, 11, b"\x02"),
    cf.Event(1, 12, b"\1\0\0"),
]
ROWS: dict[str, list[dict[str, Any]]] = {
    "whole": [{"a": 7, "s": "word", "n": 2, "b": [120, 121]}, {"a": 1, "s": "", "n": 0, "b": []}],
    "coded": [{"e": 2, "e_label": "two"}],
}

Restart = Callable[[], None]


@pytest.fixture
def restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Restart:
    """Forget what a process knows of metadata; the cache is empty at first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(ctf_kept, "WORTH", 0)

    def again() -> None:
        monkeypatch.setattr(ctf_kept, "_classes", Memory[str, Any](64))
        monkeypatch.setattr(tsdl_index, "_tails", Memory[str, Any](64))
        monkeypatch.setattr(tsdl_layout, "_layouts", Memory[Any, Any](64))
        monkeypatch.setattr(ctf_layout, "_KEPT", type(getattr(ctf_layout, "_KEPT"))())  # noqa: B009

    again()
    return again


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    text = cf.metadata(CLASSES)
    return cf.write(tmp_path / "trace", text, {"s": [cf.packet(EVENTS)]})


def rows(trace: Path) -> dict[str, list[dict[str, Any]]]:
    read: dict[str, list[dict[str, Any]]] = {}
    for item in ctf_native.read(trace):
        if isinstance(item, EventBatch):
            fields = item.columns.drop_columns(["ts", "cpu_id"])
            read.setdefault(item.name, []).extend(fields.to_pylist())
    return read


def uncompiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be looked for in the text's events, nor be compiled."""

    def fail(*_: object) -> Any:
        raise AssertionError

    monkeypatch.setattr(ctf_events.EventCompiler, "__init__", fail)
    monkeypatch.setattr(tsdl_index, "_tail", fail)


def test_what_was_compiled_is_found(
    trace: Path, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rows(trace) == ROWS
    restart()
    uncompiled(monkeypatch)
    assert rows(trace) == ROWS


def test_classes_that_were_not_met_before_are_added(
    trace: Path, tmp_path: Path, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = cf.write(tmp_path / "few", cf.metadata(CLASSES), {"s": [cf.packet(EVENTS[:1])]})
    assert rows(few) == {"whole": ROWS["whole"][:1]}
    restart()
    assert rows(trace) == ROWS
    restart()
    uncompiled(monkeypatch)
    assert rows(trace) == ROWS


@pytest.mark.parametrize("cut", [pytest.param(0, id="changed"), pytest.param(40, id="cut")])
def test_a_damaged_file_is_as_none(trace: Path, restart: Restart, cut: int) -> None:
    assert rows(trace) == ROWS
    files = list(kept_files.folder().iterdir())
    assert len(files) == 2
    for file in files:
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content[cut:])
    restart()
    assert rows(trace) == ROWS


def test_no_cache_is_no_harm(
    trace: Path, tmp_path: Path, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert rows(trace) == ROWS
    restart()
    assert rows(trace) == ROWS


def test_other_code_compiles_anew(
    trace: Path, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rows(trace) == ROWS
    monkeypatch.setattr(ctf_kept, "_code", lambda: "other code")
    uncompiled(monkeypatch)
    restart()
    with pytest.raises(AssertionError):
        rows(trace)


@pytest.mark.parametrize(
    ("context", "env", "expected"),
    [
        pytest.param("uint8_t c;", "n = 1;", [{"ctx_c": 3, "a": [4]}], id="context"),
        pytest.param("", "n = 2;", [{"a": [3, 4]}], id="environment"),
    ],
)
def test_the_same_events_of_another_kind_of_trace_are_other_classes(
    context: str, env: str, expected: list[dict[str, Any]], tmp_path: Path, restart: Restart
) -> None:
    classes = {1: ("e", "uint8_t a[env.n];")}
    for name, text, body, wanted in (
        ("one", cf.metadata(classes, env="n = 1;"), b"\3", [{"a": [3]}]),
        ("other", cf.metadata(classes, context=context, env=env), b"\3\4", expected),
    ):
        folder = cf.write(tmp_path / name, text, {"s": [cf.packet([cf.Event(1, 10, body)])]})
        for _ in range(2):
            restart()
            assert rows(folder) == {"e": wanted}


def test_the_newest_files_stay(restart: Restart, tmp_path: Path) -> None:
    for number in range(5):
        kept_files.write(f"{number}.x", b"content", 3)
    kept_files.write("0.y", b"content", 3)
    names = sorted(file.name for file in kept_files.folder().iterdir())
    assert names == ["0.y", "2.x", "3.x", "4.x"]
    assert kept_files.read("4.x") == b"content"
    assert kept_files.read("1.x") is None
