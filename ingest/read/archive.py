"""Packed files: gz, bz2, xz, zst and zip → the file inside, unpacked beside the result within limits. Names inside an archive are only ever shown."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO

import pyarrow as pa

from ingest.errors import Unreadable
from ingest.files import check_free_disk, full_disk_is_a_sentence
from ingest.read.limits import INFLATION_MATTERS_FROM, MAX_INFLATION, MAX_MEMBERS, MAX_UNPACKED_BYTES

CHUNK = 1024**2
ENDINGS = {"gzip": (".gz", ".gzip", ".tgz"), "bzip2": (".bz2",), "xz": (".xz",), "zstd": (".zst", ".zstd"), "zip": (".zip",)}
DAMAGED = "This archive is damaged or cut off"
PACK_AGAIN = "Pack it again, or upload the file without packing it."
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, ValueError, RuntimeError, pa.ArrowException)


@contextmanager
def unpacked(source: Path, kind: str, member: str | None, folder: Path) -> Iterator[Path]:
    """The content of a packed file, or of one member of a zip, as a file of its own that goes away afterwards. Raises Unreadable for damage and bombs."""
    with TemporaryDirectory(dir=folder, prefix="unpacked-") as room:
        target = Path(room) / "content"
        try:
            with _opened(source, kind, member) as stream:
                _copy(stream, target, source.stat().st_size)
        except Unreadable:
            raise
        except BROKEN:
            raise Unreadable(f"{DAMAGED}.", PACK_AGAIN) from None
        yield target


@contextmanager
def _opened(source: Path, kind: str, member: str | None) -> Iterator[IO[bytes]]:
    if kind == "zip":
        with zipfile.ZipFile(source) as archive, archive.open(member) as stream:
            yield stream
    elif kind == "zstd":
        with pa.CompressedInputStream(pa.OSFile(str(source)), "zstd") as stream:
            yield stream
    else:
        with {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}[kind](source, "rb") as stream:
            yield stream


def _copy(stream: IO[bytes], target: Path, packed: int) -> None:
    size = 0
    with target.open("wb") as copy, full_disk_is_a_sentence():
        while piece := stream.read(CHUNK):
            size += len(piece)
            if size > MAX_UNPACKED_BYTES or (size > INFLATION_MATTERS_FROM and size > MAX_INFLATION * packed):
                raise Unreadable(f"This archive unpacks to more than {size // 1024**2:,} MB, which is more than can be read safely.", "Unpack it, check what is inside, and upload that.")
            if size % (64 * CHUNK) < CHUNK:
                check_free_disk()
            copy.write(piece)


def members(source: Path) -> list[str]:
    """The names of the files inside a zip, without folders and what operating systems add. Raises Unreadable where one climbs out, or where there are none."""
    try:
        with zipfile.ZipFile(source) as archive:
            entries = archive.infolist()
    except BROKEN:
        raise Unreadable(f"{DAMAGED}: its end is missing or its contents don't fit together.", PACK_AGAIN) from None
    if len(entries) > MAX_MEMBERS:
        raise Unreadable(f"This zip archive holds {len(entries):,} files; {MAX_MEMBERS:,} can be looked at.", "Unpack it and upload the files that matter.")
    files = [entry for entry in entries if not entry.is_dir() and not _is_litter(entry.filename)]
    if climbing := next((entry.filename for entry in entries if _climbs(entry.filename)), None):
        raise Unreadable(f"This zip archive holds a file whose name leads out of it ({climbing[:60]!r}), so it is not opened.", "Unpack it with care and upload the file inside.")
    if any(entry.flag_bits & 1 for entry in files):
        raise Unreadable("This zip archive is protected with a password.", "Unpack it and upload the files inside.")
    if not files:
        raise Unreadable("This is a zip archive without files.", "Upload the file itself.")
    return [entry.filename for entry in files]


def _climbs(name: str) -> bool:
    name = name.replace("\\", "/")
    return name.startswith("/") or name[1:2] == ":" or ".." in name.split("/")


def _is_litter(name: str) -> bool:
    path = PurePosixPath(name)
    return path.parts[:1] == ("__MACOSX",) or path.name.startswith(".") or path.name.lower() in ("thumbs.db", "desktop.ini")


def inner_name(file_name: str, kind: str) -> str:
    """What the packed file was called before."""
    lower = file_name.lower()
    ending = next((ending for ending in ENDINGS[kind] if lower.endswith(ending)), "")
    return file_name[: len(file_name) - len(ending)] or file_name
