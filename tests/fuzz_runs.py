"""Fuzz whole runs: damaged archives, traces, captures, snapshots and `run.json`s, ingested.

    python tests/fuzz_runs.py [N] [--seed SEED]
    python tests/fuzz_runs.py --inbox [N]

Makes N runs (10,000) of a whole one, each with one of its files cut or damaged, half of them packed
and some of the archives damaged too, and ingests them by the program, 250 at a time, on all cores.
Each must then be in the warehouse once, whole or in part, or as failed with the reason and without
a row; no ingest may crash, nor take longer than its time, nor leave a file. `--inbox` puts N sound
runs (5,000) into one inbox and ingests them at once: the memory and time that takes are told.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import capture_files as cf
import duckdb
from ctf_files import Event, metadata, packet
from fuzz_mutations import damage, rewrite, tokens

ROOT = Path(__file__).parents[1]
AT_A_TIME = 250
SECONDS = 240  # that an ingest of so many may take
PROGRAM = "from tcpdw.cli import main; main()"
TEXT = metadata(
    {
        0: ("a", "uint8_t x;"),
        1: ("sched_waking", "uint8_t _comm[16]; int32_t tid; int32_t prio; int32_t target_cpu;"),
    },
    context="int32_t pid; int32_t tid; uint8_t procname[16];",
)
SYN = cf.ethernet(cf.ipv4(cf.tcp(flags=cf.SYN)), cf.IPV4)
NET_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1
"""

FDS = """\
total 0
lrwx------ 1 root root 64 Nov 23 00:00 0 -> /dev/null
lrwx------ 1 root root 64 Nov 23 00:00 3 -> socket:[17]
"""


def sound(number: int) -> dict[str, bytes]:
    """Give the files of a run that is whole; another number gives another."""
    context = (7).to_bytes(4, "little") * 2 + b"ncat".ljust(16, b"\0")
    events = [Event(0, 1000 + at, context + b"\5") for at in range(number % 5 + 2)]
    waking = b"ncat".ljust(16, b"\0") + bytes(12)
    return {
        "run.json": json.dumps({"machine": "kestrel", "repetition": number}).encode(),
        "kernel/metadata": TEXT.encode(),
        "kernel/s0": packet(events) + packet([Event(1, 5000 + number, context + waking)]),
        "packets.pcap": cf.pcap([SYN] * (1 + number % 3)),
        "packets-2.pcapng": cf.pcapng([SYN]),
        "proc/listening/time_ns": b"1700000000000000000\n",
        "proc/listening/net_tcp": NET_TCP.encode(),
        "proc/listening/pid-7-fd": FDS.encode(),
    }


def damaged(number: int, random: Random) -> dict[str, bytes]:
    """Give the files of a run of which one is cut or damaged."""
    files = sound(number)
    name = random.choice(sorted(files))
    content = files[name]
    if random.random() < 0.3:
        files[name] = content[: random.randrange(len(content))]
    elif name.endswith(("metadata", "json", "tcp", "fd")) and random.random() < 0.6:
        text = content.decode()
        files[name] = rewrite(text, tokens(text), random).encode(errors="surrogateescape")
    else:
        files[name] = damage(content, random, files[random.choice(sorted(files))])
    return files


def put(files: dict[str, bytes], place: Path, random: Random) -> None:
    """Write a run as a folder or an archive, which may be damaged too."""
    kind = random.choice(("folder", "folder", ".tar", ".tar.gz", ".tar.xz", ".zip"))
    if kind == "folder":
        for name, content in files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
        return
    buffer = io.BytesIO()
    if kind == ".zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in files.items():
                packed.writestr(name, content)
    else:
        mode = {".tar": "w", ".tar.gz": "w:gz", ".tar.xz": "w:xz"}[kind]
        with tarfile.open(fileobj=buffer, mode=mode) as tar:  # type: ignore[call-overload]
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    content = buffer.getvalue()
    if random.random() < 0.4:
        content = damage(content, random) if random.random() < 0.7 else content[:-200]
    place.with_name(place.name + kind).write_bytes(content)


def ingest(folder: Path, seconds: float = SECONDS) -> tuple[int, str, int]:
    """Ingest `folder`/in by the program; return its status, words, and most memory (MB)."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    code = (
        f"import atexit, pathlib, sys; atexit.register(lambda: sys.stderr.write("
        f"pathlib.Path('/proc/self/status').read_text())); {PROGRAM}"
    )
    words = ("ingest", "--warehouse", folder / "w.duckdb", folder / "in")
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"took longer than {seconds} s", 0
    told, _, status = done.stderr.rpartition("\nName:")
    peak = int(status.partition("VmHWM:")[2].split()[0]) // 1024 if status else 0
    return done.returncode, done.stdout + told, peak


def wrong(folder: Path, count: int, status: int, said: str) -> list[str]:
    """Tell what is wrong with an ingest of `count` runs."""
    if status not in (0, 1) or "Traceback" in said or "please report" in said:
        return [f"{folder}: ended by {status}: {said[-1500:]}"]
    found: list[str] = []
    with duckdb.connect(str(folder / "w.duckdb"), read_only=True) as opened:

        def ask(query: str) -> list[tuple[object, ...]]:
            return opened.execute(query).fetchall()

        [(runs,)] = ask("SELECT COUNT(DISTINCT source_path) FROM runs")
        if runs != count:
            found.append(f"{folder}: {runs} runs of {count}")
        counts = (
            "SELECT r.name, r.status, r.events, r.packets, "
            "(SELECT COUNT(*) FROM events AS e WHERE e.run_id = r.run_id) AS es, "
            "(SELECT COUNT(*) FROM packets AS p WHERE p.run_id = r.run_id) AS ps, r.warnings "
            "FROM runs AS r"
        )
        bad = ask(
            f"FROM ({counts}) WHERE events <> es OR packets <> ps "
            "OR (status = 'failed' AND (es + ps > 0 OR LEN(warnings) = 0))"
        )
        found += [f"{folder}: half a run: {row}" for row in bad]
    found += [f"{folder}: {left.name} is left" for left in (folder / "temporary").iterdir()]
    return found


def batch(folder: Path, numbers: range, seed: int) -> tuple[Counter[str], list[str]]:
    """Make and ingest the runs of these numbers."""
    (folder / "in").mkdir(parents=True)
    for number in numbers:
        random = Random(f"{seed} {number}")
        put(damaged(number, random), folder / "in" / f"r{number}", random)
    status, said, _ = ingest(folder)
    found = wrong(folder, len(numbers), status, said)
    outcomes: Counter[str] = Counter()
    if status in (0, 1):
        with duckdb.connect(str(folder / "w.duckdb"), read_only=True) as opened:
            query = "SELECT status, COUNT(*) FROM runs GROUP BY ALL"
            outcomes.update(dict(opened.execute(query).fetchall()))
    return outcomes, found


def fuzz(folder: Path, n: int, seed: int, workers: int) -> tuple[Counter[str], list[str]]:
    """Ingest `n` damaged runs; return how many had which status, and what was wrong."""
    parts = [range(at, min(at + AT_A_TIME, n)) for at in range(0, n, AT_A_TIME)]
    outcomes: Counter[str] = Counter()
    found: list[str] = []
    with ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(batch, folder / str(part.start), part, seed) for part in parts]
        for job in jobs:
            counted, bad = job.result()
            outcomes += counted
            found += bad
    return outcomes, found


def inbox(folder: Path, n: int, seconds: float = 3600) -> tuple[int, str, int]:
    """Put `n` sound runs into one inbox and ingest them; as `ingest` returns."""
    for number in range(n):
        for name, content in sound(number).items():
            path = folder / "in" / f"r{number}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return ingest(folder, seconds)


def main() -> int:
    """Run what the arguments ask for; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("n", nargs="?", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inbox", action="store_true")
    asked = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tcpdw-fuzz-") as name:
        if asked.inbox:
            n = asked.n or 5_000
            status, said, peak = inbox(Path(name), n)
            found = wrong(Path(name), n, status, said)
            lines = said.strip().splitlines()
            sys.stdout.write("\n".join([*lines[:3], "...", *lines[-3:], f"{peak} MB at its peak"]))
        else:
            cores = len(os.sched_getaffinity(0))
            outcomes, found = fuzz(Path(name), asked.n or 10_000, asked.seed, cores)
            sys.stdout.write(f"{dict(outcomes)}")
    for line in found:
        sys.stdout.write(f"\n{line}")
    sys.stdout.write(f"\n{len(found)} findings in {time.monotonic() - begin:.0f} s\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
