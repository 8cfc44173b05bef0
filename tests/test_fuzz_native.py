"""A short run of the fuzzing of the native readers, and that it finds what is wrong."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
INPUTS = 2_500
OUTCOME = re.compile(r"([\d,]+) (read in part|read|refused)")


def sanitizers_are_there() -> bool:
    if shutil.which("gcc") is None:
        return False
    command = ["gcc", "-print-file-name=libasan.so"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Path(found.strip()).is_absolute()


pytestmark = pytest.mark.skipif(not sanitizers_are_there(), reason="gcc has no sanitizers here")


def fuzz(tree: Path, out: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(tree / "tests/fuzz_native.py"), "--out", str(out), *arguments]
    return subprocess.run(
        command, cwd=tree, capture_output=True, text=True, check=False, timeout=300
    )


def test_damaged_inputs(tmp_path: Path) -> None:
    done = fuzz(ROOT, tmp_path / "out", str(INPUTS), "--seed", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{INPUTS:,} inputs of seed 2 in" in done.stdout
    # Inputs that were all refused at once would show nothing.
    outcomes = {what: int(n.replace(",", "")) for n, what in OUTCOME.findall(done.stdout)}
    assert outcomes["read"] > INPUTS // 20
    assert outcomes["read in part"] > INPUTS // 20


def test_mistakes_are_found_and_kept(tmp_path: Path) -> None:
    ignore = shutil.ignore_patterns("*.so", "__pycache__", "*.tar.xz")
    for name in ("tcpdw", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    source = tmp_path / "tcpdw/readers/native/columns.c"
    text = source.read_text()
    # Nothing has its memory back, as Arrow's arrays are all that it is held for.
    assert text.count("array->release = release;") == 1
    source.write_text(
        text.replace("array->release = release;", "array->release = forget;").replace(
            "static int make_array(",
            "static void forget(struct ArrowArray *array)\n{\n"
            "\tarray->release = NULL;\n\t(void)release;\n}\n\n"
            "static int make_array(",
        )
    )
    done = fuzz(tmp_path, tmp_path / "out", "20")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Wrong: did not free" in done.stdout
    kept = next((tmp_path / "out").iterdir())
    assert (kept / "input").is_dir()
    done = fuzz(tmp_path, tmp_path / "out", "--again", str(kept))
    assert done.returncode == 1
    assert "Wrong: did not free" in done.stdout
