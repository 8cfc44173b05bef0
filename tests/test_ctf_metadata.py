"""The metadata parsers: cases as text files, bt2's own classes, and damaged texts."""

from __future__ import annotations

import pickle
import random
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import metadata_model
import pytest

from tcpdw import archives
from tcpdw.errors import TraceError
from tcpdw.readers import ctf_bt2, ctf_metadata, metadata_packets
from tcpdw.readers.ctf_types import TraceClass

ROOT = Path(__file__).parent.parent
FOLDER = Path(__file__).parent / "cases" / "metadata"
PATH = Path("trace/metadata")
UUID = bytes(range(16))
SAMPLES = ["kestrel-server-handshake-001", "merlin-client-handshake-001", "heron-client-ipv6-001"]


@dataclass(frozen=True)
class Case:
    """A case file: what bt2 makes of it, where that differs, the metadata, and its model."""

    note: str
    text: str
    model: str

    @property
    def packet(self) -> bytes:
        """A packet that the metadata describes: as the note begins it, and zeros."""
        start = re.search("^packet: ([0-9a-f ]+)$", self.note, re.MULTILINE)
        return bytes.fromhex(start[1] if start else "").ljust(4096, b"\0")

    @property
    def is_error(self) -> bool:
        return self.model.startswith("error ")


def load(name: str) -> Case:
    note, _, rest = (FOLDER / f"{name}.txt").read_text().partition("--- metadata\n")
    text, _, model = rest.partition("--- model\n")
    # The record separators of CTF 2 are written as their picture.
    return Case(note, text.replace("\u241e", "\x1e"), model)


NAMES = sorted(path.stem for path in FOLDER.glob("*.txt"))
TSDL = [name for name in NAMES if "ctf2" not in name and "bt2: not asked" not in load(name).note]


def parse(text: str) -> TraceClass:
    return ctf_metadata.parse_text(text, PATH)


def modelled(text: str) -> str:
    """Parse all of a text, and give its model or its error."""
    try:
        return "".join(f"{line}\n" for line in metadata_model.lines(parse(text)))
    except TraceError as error:
        place, _, message = str(error).removeprefix(f"{PATH}:").partition(": ")
        return f"error {place}: {message}\n"


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str) -> None:
    case = load(name)
    assert modelled(case.text) == case.model
    # What was kept of the first time makes no difference, in another file or further down either.
    assert modelled(case.text) == case.model


def test_error_further_down() -> None:
    """A type kept from one text fails at its place in another."""
    case = load("error_declared_length")
    assert modelled(case.text).startswith("error 3:17: ")
    assert modelled("\n\n" + case.text).startswith("error 5:17: ")


def test_error_in_another_process() -> None:
    with pytest.raises(TraceError) as caught:
        parse("trace }")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.line, copy.column) == (1, 7)
    assert str(copy) == f"{PATH}:1:7: `}}` closes nothing"


# What bt2 makes of the same metadata.


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What bt2 has of the TSDL cases, and of some samples: `metadata_bt2` says how."""
    if ctf_bt2.bt2 is None:
        pytest.skip("bt2 is not installed")
    if not ctf_bt2.bt2.__version__.startswith("2.0"):
        pytest.skip("the cases tell what babeltrace2 2.0 makes of them")
    root = tmp_path_factory.mktemp("bt2")
    folders = {name: root / name for name in TSDL}
    for name, folder in folders.items():
        case = load(name)
        folder.mkdir()
        (folder / "metadata").write_text(f"/* CTF 1.8 */ {case.text}")  # bt2 asks for it
        (folder / "stream").write_bytes(case.packet)
    for name in SAMPLES:
        archives.unpack(ROOT / "data" / f"{name}.tar.xz", root / f"{name}.unpacked")
        (metadata,) = (root / f"{name}.unpacked").rglob("metadata")
        folders[name] = metadata.parent
    program = Path(__file__).parent / "metadata_bt2.py"
    subprocess.run(
        [sys.executable, program, *folders.values()], check=True, timeout=120, capture_output=True
    )
    return {name: (folder / "answer").read_text() for name, folder in folders.items()} | {
        f"{name}/metadata": str(folder / "metadata") for name, folder in folders.items()
    }


@pytest.mark.parametrize("name", TSDL)
def test_case_as_bt2(name: str, answers: dict[str, str]) -> None:
    """bt2 takes and refuses the same; where it does not, the case's note says what it does."""
    case = load(name)
    noted = re.search("bt2: (refused|aborted|hung|taken)", case.note)
    expected = noted[1] if noted else "refused" if case.is_error else "taken"
    answer = answers[name]
    assert (answer if answer in ("refused", "aborted", "hung") else "taken") == expected
    if expected == "taken" and not case.is_error:
        assert list(metadata_model.shared_lines(parse(case.text))) == answer.split("\n")


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_as_bt2(name: str, answers: dict[str, str]) -> None:
    trace = ctf_metadata.parse(Path(answers[f"{name}/metadata"]))
    lines = list(metadata_model.shared_lines(trace))
    assert lines == answers[name].split("\n")
    assert len(lines) > 3000


# The text itself.


def packets(text: bytes, order: str, size: int = 512, **fields: int) -> bytes:
    """Wrap a text in metadata packets, the rest of each filled with what is no text."""
    header = struct.Struct(order + "I16sIII5B")
    room = size - header.size - 7
    result = b""
    for start in range(0, len(text), room):
        part = text[start : start + room]
        content = (header.size + len(part)) * 8
        schemes = (fields.get("compression", 0), 0, 0, 1, 8)
        result += header.pack(0x75D11D57, UUID, 0, content, size * 8, *schemes) + part
        result = result.ljust(-(-len(result) // size) * size, b"\xff")
    return result


@pytest.mark.parametrize("order", ["<", ">"])
def test_packets(order: str, tmp_path: Path) -> None:
    metadata = tmp_path / "metadata"
    for name in ("lttng", "ctf2_trace"):
        case = load(name)
        metadata.write_bytes(packets(case.text.encode(), order))
        assert metadata_packets.text(metadata) == case.text
        lines = "".join(f"{each}\n" for each in metadata_model.lines(ctf_metadata.parse(metadata)))
        assert lines == case.model
        metadata.write_text(case.text)
        assert metadata_packets.text(metadata) == case.text


def test_damaged_packets(tmp_path: Path) -> None:
    metadata = tmp_path / "metadata"
    whole = packets(load("lttng").text.encode(), "<")
    for data, reason in (
        (whole[:-1], "cut short"),
        (whole[:530], "cut short"),
        (whole[:512] + b"\0" * 512, "damaged"),
        (packets(b"x", "<", compression=1), "compressed"),
    ):
        metadata.write_bytes(data)
        with pytest.raises(TraceError, match=reason):
            ctf_metadata.parse(metadata)


def test_text_that_is_no_utf8(tmp_path: Path) -> None:
    metadata = tmp_path / "metadata"
    trace = b"trace { major = 1; minor = 8; byte_order = le; };"
    metadata.write_bytes(trace + b'env { name = "caf\xe9"; };')
    assert ctf_metadata.parse(metadata).env == {"name": "caf\ufffd"}


# What is kept from trace to trace.


def test_same_classes_of_another_trace() -> None:
    """Another UUID, clock offset and environment; another byte order is another class."""
    text = load("lttng").text
    other = text.replace("2a6422d0", "2a6422d1").replace("098971", "098972").replace("box", "boy")
    first, second = parse(text), parse(other)
    assert first.uuid != second.uuid
    assert first.streams[0].clock != second.streams[0].clock
    assert second.env["hostname"] == "boy"
    event = first.streams[0].events[7]
    assert second.streams[0].events[7] is event
    assert parse(text.replace("byte_order = le", "byte_order = be")).streams[0].events[7] != event


def test_length_from_another_environment() -> None:
    text = load("lengths").text
    first, second = parse(text), parse(text.replace("three = 3", "three = 4"))
    assert first.streams[0].events[1] == second.streams[0].events[1]
    assert first.streams[0].events[0] != second.streams[0].events[0]


@pytest.mark.parametrize("name", ["lttng", "ctf2_trace"])
def test_events_are_parsed_when_asked_for(name: str) -> None:
    text = load(name).text
    wrong = text.replace("__vtids_length ]", "nothing ]").replace(
        ': "word"}]}}\n\x1e', ': "no"}]}}\n\x1e'
    )
    assert wrong != text
    (id, stream), *_ = parse(wrong).streams.items()
    assert len(stream.events) == 1
    with pytest.raises(KeyError):
        stream.events[1234]
    with pytest.raises(TraceError, match="no field"):
        stream.events[next(iter(stream.events))]
    assert parse(text).streams[id].events[next(iter(stream.events))].id == next(iter(stream.events))


def test_threads() -> None:
    """Threads that parse the same text at the same time get the same classes."""
    text = load("lttng").text.replace("sched_process_fork", "only_here")
    barrier = threading.Barrier(8)
    found: list[Any] = []

    def work() -> None:
        barrier.wait()
        found.append(parse(text).streams[0].events[7])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(each is found[0] for each in found)


# Damaged texts.


def damaged(text: str, random: random.Random) -> str:
    """Cut, repeat, swap or replace something of a text."""
    start, end = sorted(random.randrange(len(text) + 1) for _ in range(2))
    end = min(end, start + random.choice((1, 1, 3, 30)))
    piece = random.choice((
        "", "", text[start:end] * 2, random.choice("{}[]<>();:=,.*\"'/\\_0a \n\x1e\0"),
        "struct { ", "0x", "99999999999999999999", "-1", "null", "[]", '"', "/*", "align(", "id",
        text[end : end + 20],
    ))  # fmt: skip
    return text[:start] + piece + text[end:]


def mutations() -> Iterator[str]:
    chance = random.Random(8)
    for name in NAMES:
        text = load(name).text
        if len(text) > 10_000:
            continue
        for _ in range(25):
            changed = text
            for _ in range(chance.choice((1, 1, 2, 5))):
                changed = damaged(changed, chance)
            yield changed


def test_damaged_metadata() -> None:
    """A damaged text is a model or an error with its place: nothing else, and never a hang."""
    errors = 0
    for text in mutations():
        result = modelled(text)
        if result.startswith("error "):
            errors += 1
            line, column = (int(number) for number in result.split(" ")[1].split(":")[:2])
            lines = f"{text}\n".split("\n")
            assert 1 <= line <= len(lines)
            assert 1 <= column <= len(lines[line - 1]) + 2
    assert errors > 500


@pytest.mark.parametrize(
    "text",
    [
        "event { " * 100_000,
        "event " + " " * 200_000 + "x",
        "/*" * 100_000,
        '"\\' * 100_000,
        "struct a { integer { size = 8; } " + "a[1]" * 50_000 + "; };",
        "trace { major = 1; minor = 8; byte_order = le; }; typealias " + "long " * 50_000 + ";",
        "\x1e" * 100_000,
        "\x1e" + "[" * 100_000,
        '\x1e{"a":' * 20_000,
    ],
    ids=range(9),
)
def test_hostile_metadata(text: str) -> None:
    assert modelled(text).startswith("error ")
