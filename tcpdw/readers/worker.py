"""Readers in a child process: a damaged input may crash the library that reads it, not tcpdw.

The child (`python -m tcpdw.readers.worker`) takes jobs as lines of JSON on its standard input,
`{"kind": "ctf"|"capture", "reader": NAME, "path": PATH, "spool": DIR}`, leaves what it read in the
directory DIR, and answers each with a line of JSON on what was its standard output. It ends when
its input does: when the parent closes it, or dies, then in the middle of a job too.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

import tcpdw.errors
from tcpdw.errors import CaptureError, TcpdwError, TraceError

if TYPE_CHECKING:
    from tcpdw.readers import Capture
    from tcpdw.readers.spool import Spool

PACKETS = "packets.arrow"
_ERRORS = {"ctf": TraceError, "capture": CaptureError}
_CLOSE_SECONDS = 5.0
_LEAST_PATIENCE = 120.0
_PATIENCE_PER_BYTE = 20.0 / (1 << 20)
# -P: the current directory may hold the user's data, and is no place to import from.
_COMMAND = (sys.executable, "-P", "-m", "tcpdw.readers.worker")


def _patience(path: Path) -> float:
    """Give the seconds that reading `path` may take: some ten times what pyshark needs at worst."""
    files = path.rglob("*") if path.is_dir() else [path]
    size = sum(file.stat().st_size for file in files if file.is_file())
    return _LEAST_PATIENCE + _PATIENCE_PER_BYTE * size


class Worker:
    """A child process that reads traces and captures, started at the first job.

    A context manager; to be used by one thread at a time. A child that crashes costs its job an
    error, and the next job gets a new child. `timeout` is in seconds a job; None for
    one that grows with the input, far above what reading takes: bt2 can hang on a damaged trace.
    """

    def __init__(self, *, timeout: float | None = None) -> None:
        self._timeout = timeout
        self._child: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read_trace(self, path: Path, spool: Path, *, reader: str = "bt2") -> Spool:
        """Read the CTF trace in the directory `path` into the directory `spool`, and open it.

        Raises TraceError, also when the child crashes or takes longer than the timeout; a crash
        is its cause, as a ChildProcessError.
        """
        from tcpdw.readers.spool import Spool

        self._ask("ctf", reader, path, spool)
        return Spool.open(spool)

    def read_capture(self, path: Path, spool: Path, *, reader: str = "pyshark") -> Capture:
        """Read the capture file `path` by way of the directory `spool`.

        Raises CaptureError, as `read_trace` raises TraceError.
        """
        from tcpdw.readers import Capture
        from tcpdw.readers.spool import read_table

        answer = self._ask("capture", reader, path, spool)
        return Capture(read_table(spool / PACKETS), tuple(answer["warnings"]))

    def close(self) -> None:
        """End the child, which has no job; more may follow and start a new one."""
        child, self._child = self._child, None
        if child is not None:
            _end(child)
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def _ask(self, kind: str, reader: str, path: Path, spool: Path) -> dict[str, Any]:
        job = {"kind": kind, "reader": reader, "path": str(path), "spool": str(spool)}
        child = self._running()
        try:
            assert child.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                child.stdin.write(json.dumps(job).encode() + b"\n")
                child.stdin.flush()
            seconds = _patience(path) if self._timeout is None else self._timeout
            line = self._answer(child, seconds)
        except BaseException:
            # A job that is given up (Ctrl-C, timeout) must not answer the next one.
            child.kill()
            self.close()
            raise
        if line is None:
            child.kill()
            self.close()
            raise _ERRORS[kind](
                f"reading took longer than {seconds:g} s and was stopped", path=path
            )
        if not line.endswith(b"\n"):
            text = self._death(child)
            # By the cause a caller can tell that another try may do better.
            raise _ERRORS[kind](text, path=path) from ChildProcessError(text)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise _rebuilt(answer["error"], _ERRORS[kind])
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        # What libraries print is kept from the terminal; its end is shown if the child crashes.
        self._stderr = tempfile.TemporaryFile(prefix="tcpdw-reader-")  # noqa: SIM115
        package = str(Path(tcpdw.errors.__file__).parents[1])
        search = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        self._child = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env={**os.environ, "PYTHONPATH": search},
        )
        return self._child

    def _answer(self, child: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        """Return the child's next line, cut short if it ended, None if it takes too long."""
        assert child.stdout is not None
        deadline = time.monotonic() + seconds
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return None
                piece = os.read(child.stdout.fileno(), 1 << 16)
                if not piece:
                    break
                line += piece
        return line

    def _death(self, child: subprocess.Popen[bytes]) -> str:
        status = child.wait()
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        if status < 0:
            with contextlib.suppress(ValueError):
                how += f", {signal.Signals(-status).name}"
        said = ""
        if self._stderr is not None:
            size = self._stderr.seek(0, os.SEEK_END)
            self._stderr.seek(max(0, size - 4096))
            lines = self._stderr.read().decode(errors="replace").split("\n")
            last = next((line.strip() for line in reversed(lines) if line.strip()), "")
            said = "".join(c if c.isprintable() else "?" for c in last)[:300]
        self.close()
        text = f"the reader process died ({how}), probably of damaged input"
        return f"{text}: {said}" if said else text


def _end(child: subprocess.Popen[bytes]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        child.stdin.close()
    try:
        child.wait(_CLOSE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()


def _rebuilt(error: dict[str, Any], fallback: type[TcpdwError]) -> TcpdwError:
    kind = getattr(tcpdw.errors, str(error.pop("type")), None)
    if not (isinstance(kind, type) and issubclass(kind, TcpdwError)):
        kind = fallback
    return kind(error.pop("message"), **error)


def _described(error: Exception, path: str) -> dict[str, Any]:
    if isinstance(error, TcpdwError):
        kind, text = type(error).__name__, error.message
        place = {name: getattr(error, name) for name in ("path", "line", "offset", "hint")}
    else:
        kind, text = "", f"the reader failed: {type(error).__name__}: {error}"
        place = {"path": path, "hint": "please report this, with the file if you can"}
    return {"type": kind, "message": text, **place}


def _do(job: dict[str, str]) -> dict[str, Any]:
    """Do one job in the child; returns the answer."""
    path, directory = Path(job["path"]), Path(job["spool"])
    directory.mkdir(parents=True, exist_ok=True)
    # What a reader sets aside goes with the spool, even if the reader is killed.
    tempfile.tempdir = str(directory)
    match job["kind"], job["reader"]:
        case "ctf", "bt2":
            from tcpdw.readers import ctf_bt2, spool

            return {"events": spool.write(ctf_bt2.read(path), directory).events}
        case "capture", "pyshark":
            from tcpdw.readers import capture_pyshark, spool

            capture = capture_pyshark.read(path)
            spool.write_table(capture.packets, directory / PACKETS)
            return {"warnings": capture.warnings}
        case kind, reader:
            raise tcpdw.errors.UsageError(f"there is no reader {reader!r} for {kind!r}")


def _end_with_parent(jobs: int) -> None:
    """End the process once nobody can write to the pipe `jobs`: what it does is for nobody."""
    poll = select.poll()
    poll.register(jobs, 0)  # A hang-up is reported whatever is asked for.
    poll.poll()
    os._exit(1)


def serve() -> None:
    """Serve jobs until standard input ends."""
    # The protocol keeps its own descriptors: libraries and their children may write to 1, read 0.
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    threading.Thread(target=_end_with_parent, args=(jobs.fileno(),), daemon=True).start()
    # Ctrl-C goes to the whole group: what becomes of the job is for the parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while line := jobs.readline():
        job = json.loads(line)
        try:
            answer = _do(job)
        except Exception as error:
            answer = {"error": _described(error, job["path"])}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    serve()
