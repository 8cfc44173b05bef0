"""CTF traces described by text files: the native reader reads each as the file says, bt2 too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ctf_assembler import AssemblyError
from ctf_assembler_case import Case, load
from ctf_assembler_expect import Reading, check, check_error

from tcpdw.errors import TraceError
from tcpdw.readers import Declined, ctf_bt2, ctf_native
from tcpdw.readers.worker import Worker

FOLDER = Path(__file__).parent / "cases" / "ctf"
CASES = sorted(FOLDER.glob("*.txt"))


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker(timeout=60) as worker:
        yield worker


def check_native(case: Case, folder: Path) -> None:
    trace = case.write(folder / "trace")
    try:
        reading = Reading.of(ctf_native.read(trace))
    except TraceError as error:
        check_error(case, "native", trace, "error", error)
    except Declined as declined:
        check_error(case, "native", trace, "declined", declined)
    else:
        check(case, "native", trace, reading)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_native_reader(path: Path, tmp_path: Path) -> None:
    check_native(load(path), tmp_path)


# Babeltrace 2.1 tells of these otherwise than 2.0, whose ways the files describe.
OTHERWISE_IN_2_1 = {"damage-magic", "lost-falling", "streams-files"}
SHARED = [path for path in CASES if not load(path).skips_bt2]


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.stem)
def test_babeltrace2(path: Path, tmp_path: Path, worker: Worker) -> None:
    if ctf_bt2.bt2 is None:
        pytest.skip("bt2 is not installed")
    version = str(ctf_bt2.bt2.__version__)
    # What the cases say of babeltrace2 was seen with 2.0.
    is_usual = version.startswith("2.0")
    if not is_usual and path.stem in OTHERWISE_IN_2_1:
        pytest.skip(f"babeltrace2 {version} tells of it otherwise")
    case = load(path)
    trace = case.write(tmp_path / "trace")
    try:
        # Damage can abort or hang the process that babeltrace2 reads it in.
        reading = Reading.of_spool(worker.read_trace(trace, tmp_path / "spool"))
    except TraceError as error:
        if isinstance(error.__cause__, ChildProcessError) and not is_usual:
            pytest.skip(f"babeltrace2 {version} dies of it")
        check_error(case, "bt2", trace, "error", error)
        return
    check(case, "bt2", trace, reading)
    if not case.one("declined"):
        native = Reading.of(ctf_native.read(trace))
        schemas = {name: table.schema for name, table in native.tables.items()}
        assert schemas == {name: table.schema for name, table in reading.tables.items()}


SMALL = """\
include base.inc
stream s:
    packet { header 0 100; event 0 1; u8 7; mark here; event 0 2; u8 8; event 9 9 }
expect:
    > e: ts, cpu_id, x uint8
    1, 3, 7
    2, 3, 8
streams:
    s 3 2
lost:
    3 2 2 0
warnings:
    TRACE/s: damaged after 2 events | byte {here}..+20
head:
    clock mono 1000000000 0
    env {}
"""


def written(folder: Path, text: str) -> Case:
    (folder / "base.inc").write_text((FOLDER / "base.inc").read_text())
    (folder / "case.txt").write_text(text)
    return load(folder / "case.txt")


def test_a_right_expectation_holds(tmp_path: Path) -> None:
    check_native(written(tmp_path, SMALL), tmp_path)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("2, 3, 8", "2, 3, 9"),
        ("2, 3, 8", "2, null, 8"),
        ("2, 3, 8", "2, 3, true"),
        ("2, 3, 8", "2, 3, 8.0"),
        ("    2, 3, 8\n", ""),
        ("1, 3, 7\n    2, 3, 8", "2, 3, 8\n    1, 3, 7"),
        ("x uint8", "x uint16"),
        ("x uint8", "y"),
        ("> e:", "> f:"),
        ("s 3 2", "s 3 1"),
        ("3 2 2 0", "3 2 3 0"),
        ("    3 2 2 0\n", ""),
        ("after 2", "after 3"),
        ("byte {here}", "byte 1{here}"),
        ("..+20", "..+1"),
        ("    TRACE/s: damaged after 2 events | byte {here}..+20\n", ""),
        ("clock mono", "clock other"),
        ("env {}", 'env {"a": 1}'),
        ("env {}\n", "env {}\nerror:\n    damaged\n"),
        ("env {}\n", "env {}\ndeclined:\n    damaged\n"),
        ("uint8\n    1", "uint8\n    0, 3, 1\n    1"),
    ],
)
def test_a_wrong_expectation_is_noticed(tmp_path: Path, right: str, wrong: str) -> None:
    assert right in SMALL
    with pytest.raises(AssertionError):
        check_native(written(tmp_path, SMALL.replace(right, wrong)), tmp_path)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("stream s:\n    u8 256", "case.txt:2: .*256 does not fit"),
        ("stream s:\n    u8", "case.txt:2: .*no value"),
        ("stream s:\n\n    # nothing\n    u65 1", "case.txt:4: "),
        ("stream s:\n    i8 -129", "case.txt:2: .*-129 does not fit"),
        ("stream s:\n    u1 1; hex 00", "case.txt:2: .*byte"),
        ("stream s:\n    packet { u8 1", "case.txt:2: a block has no }"),
        ("stream s:\n    u8 1 }", "case.txt:2: } without {"),
        ("stream s:\n    nothing 1", "case.txt:2: .*no such item"),
        ("stream s:\n    u8 where", "case.txt:2: .*where"),
        ("stream s:\n    cut 1", "case.txt:2: .*not as many"),
        ("macros:\n    macro two a b { u8 $a $b }\nstream s:\n    two 1", "case.txt:4: .*2 values"),
        ("unknown:\n    x", "case.txt:1: no section"),
        ("stream s:\n    u8 ${what}", "case.txt:1: .*'what'"),
        ("let:\n    no equals sign", "case.txt:2: "),
        (
            "stream s:\n    packet { u8 1 }\nindex s:\n    1 2 3\n    4 5 6",
            "case.txt:3: .*1 packets",
        ),
        ('ctf2:\n    {"a": 1}\n    {"b": }', "case.txt:3: JSON"),
    ],
)
def test_mistakes_in_a_case_are_told_with_their_line(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(AssemblyError, match=place):
        written(tmp_path, text + "\n").write(tmp_path / "trace")


def test_bits_are_packed_as_ctf_has_them(tmp_path: Path) -> None:
    text = """\
stream le:
    u3 5; u13 0x1234; i7 -1; u1 0; u12be 0xabc; align 8; f32 1.5; sleb -128; uleb 300
stream be:
    be; u3 5; u13 0x1234; i7 -1; u1 0; align 32; u16le 0x0102; f64 -2.0; str utf-16be "A"
"""
    written(tmp_path, text).write(tmp_path / "trace")
    assert (tmp_path / "trace" / "le").read_bytes().hex() == "a5917fabc00000c03f807fac02"
    assert (tmp_path / "trace" / "be").read_bytes().hex() == "b234fe000201c00000000000000000410000"
