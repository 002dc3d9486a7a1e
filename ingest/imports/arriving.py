"""A file becomes an import, or several: its bytes are copied into a folder of their own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest import files
from ingest.errors import BadInput, Unreadable
from ingest.read import unpack_tables
from ingest.settings import settings
from ingest.store import imports
from schemas.records import ImportRecord


def start(path: Path, file_name: str, who: str, *, account: str | None = None, fixes: str | None = None, run: str | None = None, move: bool = False) -> ImportRecord:
    """A new import of the bytes at `path`, which are copied (or moved) into its folder. `file_name` is only ever shown; `run` is the run of a source that brought it."""
    _refuse_missing(path, file_name)
    if not move:
        with _copied(path) as copy:
            return start(copy, file_name, who, account=account, fixes=fixes, run=run, move=True)
    sha256 = files.sha256_of(path)
    import_id = imports.add(file_name, sha256, path.stat().st_size, who, account=account, fixes=fixes, run=run)
    source = files.import_folder(import_id) / "source"
    source.mkdir(parents=True)
    path.replace(source / sha256)
    return imports.get(import_id)


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    """A copy of a file. Raises Unreadable where somebody wrote to it meanwhile."""
    before = path.stat()
    files.check_free_disk(before.st_size)
    with tempfile.TemporaryDirectory(dir=settings().home, prefix="spill-") as folder:
        with files.full_disk_is_a_sentence():
            copy = Path(shutil.copyfile(path, Path(folder) / "copy"))
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or copy.stat().st_size != after.st_size:
            raise Unreadable("This file changed while it was copied.", "Wait until whatever writes it is done, and bring it in again.")
        yield copy


@contextmanager
def pieces(path: Path, file_name: str) -> Iterator[list[tuple[Path, str]]]:
    """What becomes an import each: the file itself; of a zip archive with several tables each of them, unpacked for as long as this lasts. Each with the name to show."""
    with tempfile.TemporaryDirectory(dir=settings().home, prefix="pieces-") as folder:
        try:
            inner = unpack_tables(path, Path(folder))
        except Unreadable:
            inner = []  # whatever is wrong is said when the file is read
        yield [(each, f"{file_name}/{name}") for name, each in inner] or [(path, file_name)]


def start_or_find(path: Path, file_name: str, who: str, *, account: str, event_type: str, divided: bool = False) -> ImportRecord:
    """The import of these very bytes for that account and event type, or a new one: the same file twice is one import. `divided`: the file holds other kinds of usage, too."""
    _refuse_missing(path, file_name)
    for known in imports.same_file(files.sha256_of(path)):
        if known.account in (None, account) and known.event_type in (None, event_type) and bool(known.division) == divided:
            return known
    return start(path, file_name, who, account=account)


def _refuse_missing(path: Path, file_name: str) -> None:
    if not path.is_file():
        raise BadInput(f"There is no file {file_name!r}.", "Check its name and folder.")
