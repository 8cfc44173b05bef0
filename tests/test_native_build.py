"""The build of the native readers: in wheels, in source trees, and without a compiler."""

from __future__ import annotations

import _ctypes
import ctypes
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INPUTS = (
    ".gitignore",
    "pyproject.toml",
    "hatch_build.py",
    "README.md",
    "LICENSE",
    "tcpdw",
    "flows",
    "sql",
)
LIBRARY = "tcpdw/readers/_native.so"

needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="there is no C compiler"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with nothing built in it."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in INPUTS:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("*.so*", "__pycache__")
            shutil.copytree(source, tree / name, ignore=ignore)
        else:
            shutil.copy(source, tree)
    return tree


def run(tree: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("CC", "TCPDW_NATIVE", "TCPDW_PLATFORM_TAG")
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**env, **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def build(tree: Path, target: str, **settings: str) -> tuple[Path, str]:
    """Build what is asked; return the file, and what was said on the way."""
    to = tree / "dist"
    shutil.rmtree(to, ignore_errors=True)
    done = run(tree, "-m", "hatchling", "build", "-t", target, "-d", str(to), **settings)
    assert done.returncode == 0, done.stderr
    (built,) = to.iterdir()
    return built, done.stdout + done.stderr


def tag(wheel: Path) -> str:
    return wheel.stem.partition("-py3-none-")[2]


def without_compiler(tmp_path: Path) -> Mapping[str, str]:
    empty = tmp_path / "empty"
    empty.mkdir()
    return {"PATH": str(empty)}


@needs_compiler
def test_the_wheel_holds_the_library(tree: Path, tmp_path: Path) -> None:
    # What an editable install has left is not what belongs in a wheel.
    (tree / LIBRARY).write_bytes(b"stale")
    wheel, _ = build(tree, "wheel")
    assert tag(wheel).startswith(("manylinux_2_", "linux_"))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert not [name for name in names if name.endswith((".c", ".h"))]
        assert names.count(LIBRARY) == 1
        library = archive.extract(LIBRARY, tmp_path)
        content = archive.read(LIBRARY)
    for function in ("tcpdw_ctf_decode", "tcpdw_ctf_export", "tcpdw_capture_feed"):
        assert hasattr(ctypes.CDLL(library), function)
    # Nothing in it tells where it was built: built elsewhere it is the same.
    assert str(tree).encode() not in content
    again = tmp_path / "again.so"
    paths = f"Path({str(ROOT)!r}), Path({str(again)!r})"
    code = f"from hatch_build import build; from pathlib import Path; build({paths})"
    done = run(tree, "-c", code)
    assert done.returncode == 0, done.stderr
    assert again.read_bytes() == content


def test_without_a_compiler_the_wheel_is_pure(tree: Path, tmp_path: Path) -> None:
    wheel, said = build(tree, "wheel", **without_compiler(tmp_path))
    assert tag(wheel) == "any"
    assert said.count("built without its native readers") == 1
    assert "there is no C compiler" in said
    with zipfile.ZipFile(wheel) as archive:
        assert LIBRARY not in archive.namelist()
        assert "tcpdw/readers/native_library.py" in archive.namelist()


def test_a_compiler_that_fails_is_told_of(tree: Path) -> None:
    source = tree / "tcpdw/readers/native/text.c"
    source.write_text(source.read_text() + "\nstatic int left_over;\n")
    wheel, said = build(tree, "wheel", CC=shutil.which("gcc") or "cc")
    assert tag(wheel) == "any"
    assert "built without its native readers" in said
    # A warning is an error, and is shown.
    assert "left_over" in said
    done = run(tree, "-m", "hatchling", "build", "-t", "wheel", TCPDW_NATIVE="require")
    assert done.returncode != 0
    assert "left_over" in done.stderr + done.stdout


@needs_compiler
def test_an_editable_install_builds_in_place(tree: Path, tmp_path: Path) -> None:
    wheel, said = build(tree, "wheel:editable")
    assert ctypes.CDLL(str(tree / LIBRARY)).tcpdw_ctf_open
    assert "native" not in said
    with zipfile.ZipFile(wheel) as archive:
        assert LIBRARY not in archive.namelist()
    # One of older sources would be loaded with structures that are no more.
    _, said = build(tree, "wheel:editable", **without_compiler(tmp_path))
    assert "built without its native readers" in said
    assert not (tree / LIBRARY).exists()


def test_the_sdist_holds_the_sources(tree: Path) -> None:
    (tree / LIBRARY).write_bytes(b"stale")
    sdist, _ = build(tree, "sdist")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {
        str(path.relative_to(ROOT)) for path in (ROOT / "tcpdw/readers/native").glob("*.[ch]")
    }
    assert sources
    assert sources | {"hatch_build.py"} <= names
    assert LIBRARY not in names


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_it_compiles_without_a_warning(compiler: str, tree: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    done = run(tree, "hatch_build.py", CC=compiler)
    assert done.returncode == 0, done.stderr
    assert ctypes.CDLL(str(tree / LIBRARY)).tcpdw_ctf_open


def test_another_machine_s_wheel(tree: Path) -> None:
    compiler = "aarch64-linux-gnu-gcc"
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    wheel, _ = build(tree, "wheel", CC=compiler)
    assert tag(wheel).endswith("_aarch64")
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(LIBRARY)[18:20] == (183).to_bytes(2, "little")


@pytest.mark.parametrize(
    ("machine", "names", "expected"),
    [
        (62, b"\0GLIBC_2.2.5\0GLIBC_2.14\0", "manylinux_2_17_x86_64"),
        (62, b"\0GLIBC_2.2.5\0GLIBC_2.33\0GLIBC_2.4\0", "manylinux_2_33_x86_64"),
        (183, b"\0GLIBC_2.17\0", "manylinux_2_17_aarch64"),
        (183, b"\0libc.musl-aarch64.so.1\0", "linux_aarch64"),
    ],
)
def test_the_tag_is_what_the_library_needs(
    machine: int, names: bytes, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.delenv("TCPDW_PLATFORM_TAG", raising=False)
    from hatch_build import platform_tag

    header = b"\x7fELF\2\1\1".ljust(18, b"\0") + machine.to_bytes(2, "little")
    assert platform_tag(header + names) == expected
    monkeypatch.setenv("TCPDW_PLATFORM_TAG", "linux_armv9l")
    assert platform_tag(header + names) == "linux_armv9l"


def test_why_there_is_no_library(tmp_path: Path) -> None:
    other = tmp_path / "other.so"
    code = "from tcpdw.readers import native_library as n; print(n.load(), n.missing())"
    done = run(ROOT, "-c", code, TCPDW_NATIVE_LIBRARY=str(other))
    assert done.stdout == f"None there is no file {other}, which TCPDW_NATIVE_LIBRARY names\n"
    other.write_bytes(b"no library")
    done = run(ROOT, "-c", code, TCPDW_NATIVE_LIBRARY=str(other))
    assert done.stdout.startswith("None the library does not load: ")


def test_a_library_of_another_version_is_left_alone(tmp_path: Path) -> None:
    # Any library will do that is not ours.
    code = (
        "import sys\nfrom pathlib import Path\nfrom tcpdw import pipeline\n"
        "done = pipeline.ingest([Path(sys.argv[1])], Path(sys.argv[2]))\n"
        "(run,) = done.loaded\nprint(run.events, run.packets, *run.warnings, sep='\\n')\n"
    )
    sample = str(ROOT / "data" / "merlin-server-handshake-002.tar.xz")
    other = {"TCPDW_NATIVE_LIBRARY": _ctypes.__file__}
    done = run(ROOT, "-c", code, sample, str(tmp_path / "w.duckdb"), **other)
    events, packets, *warnings = done.stdout.splitlines()
    assert (events, packets, len(warnings)) == ("14565", "6", 2)
    for warning in warnings:
        assert "compiled for another version of tcpdw" in warning
        assert "`./run setup` compiles them anew" in warning
