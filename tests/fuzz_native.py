"""Fuzz the native readers: damaged traces and captures, read under AddressSanitizer and UBSan.

    python tests/fuzz_native.py [N] [--seed SEED] [--out FOLDER]
    python tests/fuzz_native.py --again FINDING...

Reads N inputs (200,000) made from whole ones (fuzz_corpus.py) by damage (fuzz_mutations.py), on all
cores, in child processes (fuzz_child.py). The same seed and corpus give the same inputs. Nothing
may come of one but events or packets, a TraceError or CaptureError, or a reader's declining it: no
crash, no other exception, no column that Arrow calls invalid, no more than 5 s, no more than 64 MiB
of the library's memory, none of it left, and none read that is not the input's. Some are refused
memory. A finding is kept as FOLDER/SEED-NUMBER (build/fuzz), with its input: `--again` reads that.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fuzz_child import make
from fuzz_corpus import Base

TESTS = Path(__file__).parent
ROOT = TESTS.parent
WRAPPED = ("malloc", "calloc", "realloc", "free", "mmap", "munmap", "madvise")
FLAGS = (
    *("-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-fno-omit-frame-pointer", "-Wall", "-Wextra"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    *("-fPIC", "-shared", "-fvisibility=hidden"),
)
OPTIONS = {
    "ASAN_OPTIONS": ":".join(
        (
            "detect_leaks=0",  # The interpreter's own; the library's are counted in fuzz_native.c.
            "allocator_may_return_null=1",
            "max_allocation_size_mb=1024",
            "hard_rss_limit_mb=3072",
            "quarantine_size_mb=16",
        )
    ),
    "UBSAN_OPTIONS": "print_stacktrace=1",
    # What the library is given by ctypes is then memory that the sanitizer watches over.
    "PYTHONMALLOC": "malloc",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "OMP_NUM_THREADS": "1",
}
AT_A_TIME = 5_000  # inputs of one child: what readers keep from input to input stays small
STUCK = 300  # seconds after which a child that uses no processor time is given up


@dataclass(frozen=True)
class Finding:
    """What was wrong with an input."""

    number: int
    text: str


class Fuzzing:
    """Runs inputs of one seed, or those kept in the folder `again`; `folder` is scratch."""

    def __init__(self, folder: Path, seed: int, again: Path | None = None) -> None:
        self._folder = folder
        self._seed = seed
        self._again = again
        self.outcomes: Counter[str] = Counter()
        self._env = {**os.environ, **OPTIONS, "TCPDW_NATIVE_LIBRARY": str(build(folder))}
        self._env["LD_PRELOAD"] = sanitizer()
        self._corpus = folder / "corpus"
        self._bases: list[Base] = []
        if again is None:
            command = [sys.executable, str(TESTS / "fuzz_corpus.py"), str(self._corpus)]
            subprocess.run(command, env=self._env, check=True)
            self._bases = pickle.loads(self._corpus.read_bytes())

    def run(self, numbers: range) -> list[Finding]:
        """Read the inputs of these numbers in a process of its own, or several."""
        found: list[Finding] = []
        with tempfile.TemporaryDirectory(prefix="input-", dir=self._folder) as scratch:
            inputs = Path(scratch) / "input"
            inputs.mkdir()
            if self._again is not None:
                shutil.copytree(self._again / "input", inputs, dirs_exist_ok=True)
            while numbers:
                new, ended_at = self._child(Path(scratch), inputs, numbers)
                found += new
                numbers = numbers[numbers.index(ended_at) + 1 :] if ended_at >= 0 else range(0)
        return found

    def _child(self, scratch: Path, inputs: Path, numbers: range) -> tuple[list[Finding], int]:
        """Run a child; return its findings, and the input that ended it, -1 for none."""
        progress = scratch / "progress"
        progress.write_bytes((2**63 - 1).to_bytes(8, "little"))
        corpus = "-" if self._again else self._corpus
        places = map(str, (corpus, inputs, progress, self._seed))
        work = map(str, (numbers.start, numbers.stop, numbers.step))
        limit = STUCK + 5 * len(numbers)
        command = [sys.executable, "-W", "error", str(TESTS / "fuzz_child.py"), *places, *work]
        try:
            done = subprocess.run(
                command, env=self._env, capture_output=True, text=True, timeout=limit, check=False
            )
            code, output, errors = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as late:
            code, output, errors = -1, (late.stdout or b"").decode(), "it is stuck"
        lines = [json.loads(line) for line in output.splitlines()]
        if code == 0:
            self.outcomes.update(lines.pop())
        found = [Finding(**line) for line in lines]
        if code == 0:
            return found, -1
        ended_at = int.from_bytes(progress.read_bytes(), "little")
        if ended_at not in numbers:
            raise RuntimeError(f"the child did not start:\n{errors}")
        why = "took more than 5 s" if code == -27 else f"ended by {code}"
        return [*found, Finding(ended_at, f"{why}\n{errors}")], ended_at

    def keep(self, finding: Finding, out: Path) -> Path:
        """Write a finding and its input to a folder in `out`."""
        base, files = make(self._bases, self._seed, finding.number)
        folder = out / f"{self._seed}-{finding.number}"
        (folder / "input").mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / "input" / name).write_bytes(content)
        (folder / "finding.txt").write_text(f"from {base.name}\n{finding.text}\n")
        return folder


def build(folder: Path) -> Path:
    """Compile the library with what finds its mistakes; return the file."""
    sources = sorted((ROOT / "tcpdw/readers/native").glob("*.c"))
    library = folder / "native-fuzz.so"
    wraps = [f"-Wl,--wrap={name}" for name in WRAPPED]
    files = map(str, (*sources, TESTS / "fuzz_native.c", "-o", library))
    subprocess.run(["gcc", *FLAGS, *wraps, *files], check=True)
    return library


def sanitizer() -> str:
    """Return the path of AddressSanitizer's library."""
    command = ["gcc", "-print-file-name=libasan.so"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def headline(text: str) -> str:
    """Return the line of a finding that tells the most."""
    lines = [line for line in text.splitlines() if line.strip()]
    told = [line for line in lines if re.search(r"ERROR: |runtime error: ", line)]
    return (told or lines[:1] if "ended by" in text or "took" in text else lines[-1:])[0].strip()


def main() -> int:
    """Run what the arguments ask for; 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("n", nargs="?", type=int, default=200_000, help="inputs to read")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=ROOT / "build/fuzz", metavar="FOLDER")
    parser.add_argument("--again", type=Path, nargs="+", metavar="FINDING")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tcpdw-fuzz-") as name:
        if asked.again is not None:
            return max([read_again(Path(name), finding) for finding in asked.again])
        return run(Path(name), asked.n, asked.seed, asked.out)


def read_again(folder: Path, finding: Path) -> int:
    """Read the input of a finding; return whether it is still one."""
    seed, number = map(int, finding.name.split("-"))
    found = Fuzzing(folder, seed, finding).run(range(number, number + 1))
    say(f"{finding}: {found[0].text if found else 'nothing'}")
    return 1 if found else 0


def run(folder: Path, n: int, seed: int, out: Path) -> int:
    """Read `n` inputs; return whether anything was found."""
    fuzzing = Fuzzing(folder, seed)
    begin = time.monotonic()
    cores = len(os.sched_getaffinity(0))
    size = max(1, min(AT_A_TIME, -(-n // cores)))
    parts = [range(at, min(at + size, n)) for at in range(0, n, size)]
    count = done = 0
    with ThreadPoolExecutor(cores) as pool:
        for part, found in zip(parts, pool.map(fuzzing.run, parts), strict=True):
            done += len(part)
            for finding in found:
                count += 1
                kept = fuzzing.keep(finding, out)
                say(f"{kept}: {headline(finding.text)}")
            if done % 20_000 < size:
                say(f"{done:,} inputs, {time.monotonic() - begin:.0f} s")
    seconds = time.monotonic() - begin
    outcomes = ", ".join(f"{number:,} {what}" for what, number in fuzzing.outcomes.most_common())
    say(f"{n:,} inputs of seed {seed} in {seconds:.0f} s ({outcomes}): {count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
