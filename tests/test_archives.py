from __future__ import annotations

import gzip
import io
import lzma
import os
import random
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tcpdw import archives
from tcpdw.archives import Limits
from tcpdw.errors import ArchiveError, UsageError

FILES = {
    "run-1/run.json": b"{}",
    "run-1/kernel/metadata": b"/* CTF 1.8 */" * 40,
    "run-1/kernel/ch_0": bytes(range(256)) * 64,  # a multiple of tar's block
    "run-1/kernel/empty": b"",
    "run-1/proc/now/time_ns": b"1795353142756987200\n",
}
ENDINGS = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".zip"]


def tar_bytes(*members: tuple[tarfile.TarInfo, bytes], fmt: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=fmt) as tar:
        for info, data in members:
            info.size = info.size or len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def compressed(data: bytes, ending: str) -> bytes:
    if ending in (".tar.gz", ".tgz"):
        return gzip.compress(data)
    if ending in (".tar.xz", ".txz"):
        return lzma.compress(data)
    if ending in (".tar.zst", ".tzst"):
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(data)
        return sink.getvalue().to_pybytes()
    return data


def archive(folder: Path, ending: str, files: dict[str, bytes] = FILES) -> Path:
    path = folder / f"run-1{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, data in files.items():
                packed.writestr(name, data)
    else:
        path.write_bytes(compressed(tar_bytes(*(member(n, d) for n, d in files.items())), ending))
    return path


def tar(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    path = folder / "hostile.tar"
    path.write_bytes(tar_bytes(*members))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def refused(path: Path, limits: Limits | None = None) -> str:
    """Unpack what must be refused, leaving nothing; return the error as it would be printed."""
    into = path.parent / "into"
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(ArchiveError) as caught:
        archives.unpack(path, into, limits)
    assert sorted(path.parent.rglob("*")) == before
    assert caught.value.path == str(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("ending", ENDINGS)
def test_unpacks_every_format(tmp_path: Path, ending: str) -> None:
    path = archive(tmp_path, ending)
    with archives.unpacked(path) as folder:
        assert contents(folder) == FILES
    assert not folder.exists()
    assert archives.stem(path.name) == "run-1"
    assert archives.format_by_name(path.name.upper()) == archives.format_by_bytes(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_archive_may_have_a_name_in_any_encoding(tmp_path: Path, ending: str) -> None:
    path = tmp_path / (os.fsdecode(b"\xff") + ending)
    if ending == ".zip":
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr("a", b"words")
    else:
        path.write_bytes(compressed(tar_bytes(member("a", b"words")), ending))
    with archives.unpacked(path) as folder:
        assert (folder / "a").read_bytes() == b"words"


@pytest.mark.parametrize("fmt", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_unpacks_long_names_and_folders_of_their_own(tmp_path: Path, fmt: int) -> None:
    name = "./" + "/".join(["d" * 70, "e" * 70, "é" * 20])
    folder = member("./empty/", type=tarfile.DIRTYPE, mode=0)
    path = tmp_path / "a.tar"
    path.write_bytes(tar_bytes(member("./", type=tarfile.DIRTYPE), folder, member(name, b"x")))
    if fmt != tarfile.USTAR_FORMAT:
        path.write_bytes(tar_bytes(folder, folder, member(name, b"x"), fmt=fmt))
    with archives.unpacked(path) as unpacked:
        assert contents(unpacked) == {name.removeprefix("./"): b"x"}
        assert (unpacked / "empty").is_dir()


def test_modes_and_owners_stay_behind(tmp_path: Path) -> None:
    path = tar(tmp_path, member("f", b"x", mode=0o6777, uid=12345))
    with archives.unpacked(path) as folder:
        status = (folder / "f").stat()
    assert not status.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IXUSR)
    assert status.st_uid == os.getuid()


def test_temporary_folder_goes_when_its_user_fails(tmp_path: Path) -> None:
    path = archive(tmp_path, ".tar")
    with pytest.raises(KeyError), archives.unpacked(path) as folder:
        raise KeyError
    assert not folder.parent.exists()


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.xz", ".tar.zst"])
def test_reads_archives_compressed_in_pieces(tmp_path: Path, ending: str) -> None:
    data = tar_bytes(*(member(n, d) for n, d in FILES.items()))
    path = tmp_path / f"a{ending}"
    path.write_bytes(compressed(data[:5000], ending) + compressed(data[5000:], ending))
    with archives.unpacked(path) as folder:
        assert contents(folder) == FILES


@pytest.mark.parametrize(
    ("hostile", "words"),
    [
        (member("/etc/passwd", b"x"), "absolute"),
        (member("../out", b"x"), "leaves the archive"),
        (member("a/../../out", b"x"), "leaves the archive"),
        (member("a\\..\\..\\out", b"x"), "backslash"),
        (member("a\x1b[31mred", b"x"), "cannot be shown"),
        (member("bad\udcff", b"x"), "cannot be shown"),
        (member("l", type=tarfile.SYMTYPE, linkname="/etc"), "link"),
        (member("l", type=tarfile.LNKTYPE, linkname="good"), "link"),
        (member("d", type=tarfile.CHRTYPE), "neither a file nor a directory"),
        (member("d", type=tarfile.BLKTYPE), "neither a file nor a directory"),
        (member("d", type=tarfile.FIFOTYPE), "neither a file nor a directory"),
        (member("d", type=b"Z"), "neither a file nor a directory"),
        (member("good", b"again"), "comes twice"),
        (member("./good", b"again"), "comes twice"),
        (member("good/below", b"x"), "cannot be unpacked"),
        (member("n" * 300, b"x"), "cannot be unpacked"),
    ],
)
def test_hostile_members_are_refused(
    tmp_path: Path, hostile: tuple[tarfile.TarInfo, bytes], words: str
) -> None:
    message = refused(tar(tmp_path, member("good", b"x"), hostile, member("more", b"y")))
    assert words in message
    assert not (tmp_path / "out").exists()
    assert not any(c in message for c in "\x1b\udcff")


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    link = member("l", type=tarfile.SYMTYPE, linkname=str(outside))
    assert "link" in refused(tar(tmp_path, link, member("l/f", b"x")))
    assert contents(outside) == {}


def test_sparse_members_are_refused(tmp_path: Path) -> None:
    data = tar_bytes(member("s", b"x" * 512, pax_headers={"GNU.sparse.size": "1000000000000"}))
    path = tmp_path / "s.tar"
    path.write_bytes(data)
    assert "sparse" in refused(path) or "damaged" in refused(path)
    old = bytearray(tar_bytes(member("s", b"x" * 512), fmt=tarfile.GNU_FORMAT))
    old[156:157] = tarfile.GNUTYPE_SPARSE
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old[:512])
    path.write_bytes(old)
    assert "sparse" in refused(path)


def test_size_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tar(tmp_path, *(member(f"f{i}", bytes(10_000)) for i in range(10)))
    assert "more than 50,000 bytes" in refused(path, Limits(total=50_000))
    assert "more than 5 members" in refused(path, Limits(members=5))
    packed = tmp_path / "bomb.tar.xz"
    packed.write_bytes(lzma.compress(path.read_bytes()))
    assert "times its size" in refused(packed, Limits(ratio=10, ratio_from=1000))
    assert refused(packed, Limits(ratio=10, ratio_from=1000)).count("bomb") == 2
    zipped = archive(tmp_path, ".zip", {f"f{i}": bytes(10_000) for i in range(10)})
    assert "more than 50,000 bytes" in refused(zipped, Limits(total=50_000))
    assert "more than 5 members" in refused(zipped, Limits(members=5))
    assert "times its size" in refused(zipped, Limits(ratio=10, ratio_from=1000))
    with archives.unpacked(packed) as folder:
        assert len(contents(folder)) == 10
    monkeypatch.setenv("TCPDW_MAX_UNPACKED", "20K")
    assert "TCPDW_MAX_UNPACKED" in refused(path)
    assert "20,480" in refused(path)


def test_a_declared_size_is_refused_before_it_is_written(tmp_path: Path) -> None:
    info, _ = member("huge")
    info.size = 1 << 50
    path = tmp_path / "huge.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert "unpacks to more than" in refused(path)


@pytest.mark.parametrize("value", ["lots", "-1", "1.5G", "G", "²", "9" * 30])
def test_nonsense_limit_in_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("TCPDW_MAX_UNPACKED", value)
    with pytest.raises(UsageError, match="TCPDW_MAX_UNPACKED"):
        Limits()


@pytest.mark.parametrize("size", [-1, -512, -(1 << 40)])
def test_negative_sizes_do_not_loop(tmp_path: Path, size: int) -> None:
    info, _ = member("n")
    info.size = size
    path = tmp_path / "n.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    assert "n.tar" in refused(path)


def test_outsized_and_endless_headers(tmp_path: Path) -> None:
    path = tmp_path / "h.tar"
    path.write_bytes(tar_bytes(member("f", b"x", pax_headers={"comment": "9" * 100_000})))
    assert "outsized header" in refused(path)
    info, _ = member("x", type=tarfile.XHDTYPE)
    info.size = 1 << 45
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    assert "outsized header" in refused(path)
    # A GNU sparse map that promises more entries than the file holds: tarfile never ends on it.
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}
    data = tar_bytes(member("s", b"1000000\n0\n0\n" + bytes(500), pax_headers=pax))
    path.write_bytes(data[: data.index(b"1000000\n") + 512].replace(bytes(500), b"1\n" * 250))
    assert "damaged" in refused(path)
    chain = member("x", type=tarfile.XHDTYPE)[0].tobuf(tarfile.USTAR_FORMAT)
    path.write_bytes(chain * 5000 + bytes(1024))
    assert "damaged" in refused(path) or "outsized" in refused(path)


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".zip"])
def test_a_cut_archive_is_refused_wherever_it_is_cut(tmp_path: Path, ending: str) -> None:
    whole = archive(tmp_path, ending).read_bytes()
    blocks: list[int] = []
    if ending == ".tar":  # but for its padding, which says nothing
        whole = whole.rstrip(b"\0") + bytes(1)
        blocks = [*range(512, len(whole), 512)]  # between members too, where tarfile sees no harm
    path = tmp_path / f"cut{ending}"
    step = max(1, len(whole) // 60)
    for end in sorted({*range(0, len(whole), step), len(whole) - 1, *blocks}):
        path.write_bytes(whole[:end])
        message = refused(path)
        assert "cut short" in message or "damaged" in message or "is no" in message


@pytest.mark.parametrize("ending", [".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".zip"])
def test_a_damaged_archive_gives_its_error_or_its_files(tmp_path: Path, ending: str) -> None:
    rng = random.Random(7)
    whole = archive(tmp_path, ending).read_bytes()
    path = tmp_path / f"bad{ending}"
    failed = 0
    for round_ in range(150):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        into = tmp_path / str(round_)
        try:
            archives.unpack(path, into)
            assert into.is_dir()
        except ArchiveError:
            assert not into.exists()
            failed += 1
    assert failed > 5


def test_a_broken_header_between_members_does_not_hide_the_rest(tmp_path: Path) -> None:
    data = bytearray(tar_bytes(member("a", b"x"), member("b", b"y")))
    data[1024] ^= 0xFF
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    assert "damaged or cut short at byte" in refused(path)


def test_a_second_archive_appended_is_not_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_bytes(member("a", b"x")) + tar_bytes(member("b", b"y")))
    assert "more after its end mark" in refused(path)


def zip_entry(
    folder: Path, name: str, mode: int = 0, change: Callable[[bytes], bytes] = bytes
) -> Path:
    path = folder / "hostile.zip"
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr(info, b"contents")
    path.write_bytes(change(path.read_bytes()))
    return path


def test_hostile_zips_are_refused(tmp_path: Path) -> None:
    assert "absolute" in refused(zip_entry(tmp_path, "/etc/x"))
    assert "leaves" in refused(zip_entry(tmp_path, "a/../../x"))
    assert "backslash" in refused(zip_entry(tmp_path, "run\\kernel\\metadata"))
    assert "link" in refused(zip_entry(tmp_path, "l", stat.S_IFLNK | 0o777))
    assert "plain file" in refused(zip_entry(tmp_path, "p", stat.S_IFIFO | 0o644))
    crc = refused(zip_entry(tmp_path, "c", change=lambda b: b.replace(b"contents", b"contentz")))
    assert "CRC" in crc

    def encrypted(data: bytes) -> bytes:
        at = data.index(b"PK\x01\x02")
        return data[: at + 8] + b"\x01" + data[at + 9 :]

    assert "encrypted" in refused(zip_entry(tmp_path, "e", change=encrypted))

    def method(data: bytes) -> bytes:
        at = data.index(b"PK\x01\x02")
        return data[:10] + b"\x63" + data[11 : at + 10] + b"\x63" + data[at + 11 :]

    assert "damaged" in refused(zip_entry(tmp_path, "m", change=method))
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a", b"1")
        packed.writestr("./a", b"2")
    assert "comes twice" in refused(path)


def test_endings_that_lie(tmp_path: Path) -> None:
    text = tmp_path / "a.tar.xz"
    text.write_bytes(b"not an archive at all")
    assert "is no xz archive" in refused(text)
    empty = tmp_path / "b.zip"
    empty.write_bytes(b"")
    assert "is no zip archive: it is empty" in refused(empty)
    gz = tmp_path / "c.tar.xz"
    gz.write_bytes(gzip.compress(tar_bytes(member("f", b"x"))))
    assert "its bytes are gzip's" in refused(gz)
    assert "cannot be read" in refused(tmp_path / "missing.tar")
    bare = tmp_path / "download"
    bare.write_bytes(gz.read_bytes())
    with archives.unpacked(bare) as folder:
        assert contents(folder) == {"f": b"x"}
    junk = tmp_path / "junk"
    junk.write_bytes(bytes(range(256)) * 4)
    assert "is no archive" in refused(junk)


def test_a_full_disk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path, ".tar")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(ArchiveError):
        archives.unpack(path, tmp_path / "into")
    monkeypatch.undo()
    monkeypatch.setattr(archives._Archive, "write", full)
    assert "set TMPDIR" in refused(path)
