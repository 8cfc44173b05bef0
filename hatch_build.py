"""Build the native readers: the C files in tcpdw/readers/native to tcpdw/readers/_native.so.

Hatchling runs this for wheels and for editable installs; `python hatch_build.py` builds the library
in the source tree and nothing else. The library needs libc alone and knows nothing of Python, so
one wheel serves every Python on a platform; its tag comes from the library itself. Without a C
compiler the wheel is pure Python, and tcpdw reads through its reference readers, more slowly.

The environment has its say:

CC                  the compiler, e.g. `CC=aarch64-linux-gnu-gcc pip wheel .` for a wheel for arm64;
                    otherwise the first there is of cc, gcc and clang
TCPDW_PLATFORM_TAG  the wheel's platform tag, where it is not to be the one found
TCPDW_NATIVE        `require`: fail if the library cannot be built; `no`: do not build it
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = "tcpdw/readers/native"
LIBRARY = "tcpdw/readers/_native.so"
FLAGS = (
    *("-std=c11", "-D_GNU_SOURCE", "-O3", "-Wall", "-Wextra", "-Werror"),
    *("-fPIC", "-fvisibility=hidden", "-shared", "-s"),
)
# Decoding gains from calls between the files being inlined; not every compiler comes with it.
WHOLE_PROGRAM = "-flto=1"

MACHINES = {22: "s390x", 62: "x86_64", 183: "aarch64", 243: "riscv64"}  # ELF's e_machine
OLDEST_GLIBC = 17  # that tags speak of: glibc 2.17


class NotBuilt(Exception):
    """The library could not be built; the message says why."""


class NativeBuildHook(BuildHookInterface):
    """Hatchling's way to the above."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the library: for an editable install in place, otherwise for the wheel."""
        root = Path(self.root)
        self._scratch = tempfile.TemporaryDirectory(prefix="tcpdw-build-")
        built = Path(self._scratch.name) / "_native.so"
        place = root / LIBRARY if version == "editable" else built
        try:
            build(root, place)
        except NotBuilt as error:
            if os.environ.get("TCPDW_NATIVE") == "require":
                raise
            # A library of older sources would be worse than none.
            place.unlink(missing_ok=True)
            self.app.display_warning(f"tcpdw is built without its native readers: {error}")
            return
        if version != "editable":
            build_data["force_include"][str(built)] = LIBRARY
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{platform_tag(built.read_bytes())}"

    def finalize(self, *_: Any) -> None:
        """Drop the library that is in the wheel now."""
        self._scratch.cleanup()


def build(root: Path, to: Path) -> None:
    """Compile the library of the source tree `root` to the file `to`, which appears whole.

    Raises NotBuilt. The same sources and compiler give the same bytes wherever they are.
    """
    if os.environ.get("TCPDW_NATIVE") == "no":
        raise NotBuilt("TCPDW_NATIVE=no asks for that")
    compiler = find_compiler()
    sources = sorted(file.relative_to(root) for file in (root / SOURCES).glob("*.c"))
    # In the same folder: a process that has the old library open keeps it.
    new = to.with_name(f"{to.name}.{os.getpid()}")
    try:
        for flags in ((*FLAGS, WHOLE_PROGRAM), FLAGS):
            command = [*compiler, *flags, *map(str, sources), "-o", str(new)]
            # Relative paths: the library must not know where it was built.
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                new.replace(to)
                return
        said = done.stderr.strip() or f"exit status {done.returncode}"
        raise NotBuilt(f"`{shlex.join(compiler)}` failed: {said}")
    except OSError as error:
        raise NotBuilt(f"`{shlex.join(compiler)}`: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)


def find_compiler() -> list[str]:
    """Return the compiler's command. Raises NotBuilt where there is none."""
    if asked := shlex.split(os.environ.get("CC", "")):
        return asked
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    raise NotBuilt("there is no C compiler (cc, gcc or clang), and CC names none")


def platform_tag(library: bytes) -> str:
    """Return the wheel's platform tag for an ELF library: its machine, and the glibc it needs.

    Source: the ELF header (System V ABI, chapter 4); PEP 600 for the tags.
    """
    if asked := os.environ.get("TCPDW_PLATFORM_TAG"):
        return asked
    order = "little" if library[5] == 1 else "big"
    machine = MACHINES.get(int.from_bytes(library[18:20], order))
    if machine is None:
        return re.sub(r"\W", "_", sysconfig.get_platform())
    # Symbols' versions are names in the table of strings. Other C libraries have none.
    needed = [int(minor) for minor in re.findall(rb"\0GLIBC_2\.(\d+)", library)]
    if not needed:
        return f"linux_{machine}"
    return f"manylinux_2_{max(OLDEST_GLIBC, *needed)}_{machine}"


if __name__ == "__main__":
    try:
        build(Path(__file__).parent, Path(__file__).parent / LIBRARY)
    except NotBuilt as error:
        sys.exit(f"the native readers could not be built: {error}")
