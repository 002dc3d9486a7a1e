"""A watched folder on the machine of the portal, or a network drive that is mounted there."""

import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import Field, field_validator

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull.connector import Connection
from ingest.pull.landing import CHUNK, changed_meanwhile, checked_size, copied, landing, moment_text
from ingest.pull.patterns import checked, depth, fixed_part, is_passing, matcher
from ingest.settings import settings
from ingest.wording import count
from schemas.source import Diagnosis, Files, Found, ListedFile, Read, Step

MOST_FOUND = 2000


class FolderConnection(Connection):
    """Which folder."""

    path: Path = Field(title="Folder", description="The whole path of the folder, on the machine where the portal runs.", examples=["/srv/usage"])
    rest_seconds: int = Field(2, ge=0, le=600, title="Seconds a file must have rested", description="A file that was written to more lately is waited for: it may not be finished.")

    @field_validator("path")
    @classmethod
    def _whole(cls, path: Path) -> Path:
        if not path.is_absolute():
            raise ValueError("write the whole path of the folder, beginning with /")
        return path


class Folder:
    """Files of a folder and its sub-folders. Links that lead out of it are never followed."""

    name = "folder"
    title = "Watched folder"
    kind: Literal["files"] = "files"
    model = FolderConnection
    libraries: tuple[str, ...] = ()

    def rights(self, connection: FolderConnection | None, read: Read | None) -> str:
        """Reading, for the user that the portal runs as."""
        path = connection.path if connection else "/srv/usage"
        return f"The portal runs as the user {settings().user}. It has to read {path} and what is in it, and needs no right to write:\n\n    setfacl -R -m u:{settings().user}:rX -m d:u:{settings().user}:rX {path}"

    def addresses(self, connection: FolderConnection) -> tuple[tuple[str, int], ...]:
        """None: it is on this machine."""
        return ()

    def test(self, connection: FolderConnection, read: Read | None = None) -> Diagnosis:
        """Is there a folder, may it be read, is something in it."""
        files = read.files if read and read.files else Files(path="**")
        try:
            listed = self.list(connection, files)
            steps = [Step(name="path", ok=True, text=f"{connection.path} is a folder.")]
            if listed:
                _opened(connection.path, listed[0].path).close()
            steps.append(Step(name="rights", ok=True, text="It can be read."))
            missing = Step(name="empty", ok=True, text=f"No file matches {files.path!r} yet.", todo="Check the path, or wait for the first file.")
            steps.append(Step(name="empty", ok=True, text=f"{count(len(listed), 'matching file')}.") if listed else missing)
            return Diagnosis(steps=tuple(steps))
        except IngestError as error:
            failed = Step(name="rights" if isinstance(error, Refused) else "path", ok=False, text=error.sentence, todo=error.todo)
            return Diagnosis(steps=(failed,))

    def discover(self, connection: FolderConnection, within: str = "") -> tuple[Found, ...]:
        """The folders and files directly in the folder, or in one of its sub-folders."""
        root = _root(connection.path)
        folder = root / checked(within).rstrip("/*")
        _within(root, folder, within)
        found = []
        with _listing(folder) as entries:
            for entry in islice((each for each in entries if not is_passing(each.name) and not each.is_symlink()), MOST_FOUND):
                name = Path(entry.path).relative_to(root).as_posix()
                found.append(Found(name=f"{name}/*", what="folder") if entry.is_dir(follow_symlinks=False) else Found(name=name, what="file"))
        return tuple(sorted(found, key=lambda each: (each.what != "folder", each.name)))

    def list(self, connection: FolderConnection, files: Files) -> Sequence[ListedFile]:
        """The files that match, by path."""
        root, path = _root(connection.path), checked(files.path)
        is_meant, start = matcher(path), root / fixed_part(path)
        _within(root, start, files.path)
        if not start.is_dir():
            raise Unreachable(f"There is no folder {start}.", "Check the path; capitals count in the names of folders.")
        found = (_listed(name, entry) for name, entry in _walk(start, fixed_part(path), root, depth(path)) if is_meant(name))
        return sorted((each for each in found if each), key=lambda each: each.path)

    def fetch(self, connection: FolderConnection, file: ListedFile, to: Path) -> ListedFile:
        """A copy of a file that was at rest before and after."""
        with _opened(connection.path, file.path) as source:
            _wait_for_rest(source, connection.rest_seconds)
            before = os.fstat(source.fileno())
            checked_size(before.st_size, file.path)
            with landing(to) as handle:
                copied(_chunks(source, file.path), handle, file.path)
                if _version(os.fstat(source.fileno())) != _version(before) or _version(_now_at(connection.path, file.path)) != _version(before):
                    raise changed_meanwhile(file.path)
        return _as_listed(file.path, before)


def _root(path: Path) -> Path:
    """The real folder. Raises Unreachable where there is none now, Refused where the administrator's settings leave it out."""
    try:
        root = path.resolve(strict=True)
    except (OSError, RuntimeError):
        raise Unreachable(f"The folder {path} isn't there.", "Check the path; where it is a network drive, check that it is connected on the machine of the portal.") from None
    if not root.is_dir():
        raise BadInput(f"{path} is a file, not a folder.", "Give the folder that it is in; the file is named under what to read.")
    allowed = [Path(each.strip()).resolve() for each in settings().pull_folders.split(",") if each.strip()]
    if allowed and not any(root.is_relative_to(each) for each in allowed):
        raise Refused(f"The folder {path} isn't one that may be read here.", "Ask an administrator to add it to the setting pull_folders.")
    return root


def _within(root: Path, path: Path, written: str) -> None:
    if not path.resolve().is_relative_to(root):
        raise BadInput(f"The path {written!r} leads out of the folder {root}.", "Register the folder that it leads to as a source of its own.")


@contextmanager
def _listing(folder: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    """What is in a folder. A folder that can't be read is an error: its usage would be missing without a word."""
    try:
        with os.scandir(folder) as entries:
            yield entries
    except PermissionError:
        raise _unreadable(folder) from None
    except OSError as error:
        raise Unreachable(f"The folder {folder} can't be listed: {error.strerror}.", "Check the folder, and the drive that it is on.") from None


def _unreadable(folder: Path) -> Refused:
    return Refused(f"The folder {folder} may not be read.", f"Give the user {settings().user} the right to read it and what is in it.")


def _walk(folder: Path, name: str, root: Path, deep: int | None) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Files below a folder with their paths from `root` on, at most `deep` folders down."""
    below = []
    with _listing(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                below.append(entry)
            elif not entry.is_symlink() or _leads_within(root, entry):
                yield f"{name}{entry.name}", entry
    for entry in below if deep is None or deep > 0 else ():
        if not is_passing(entry.name):
            yield from _walk(Path(entry.path), f"{name}{entry.name}/", root, None if deep is None else deep - 1)


def _leads_within(root: Path, entry: os.DirEntry[str]) -> bool:
    try:
        return Path(entry.path).resolve(strict=True).is_relative_to(root)
    except (OSError, RuntimeError):
        return False


def _listed(name: str, entry: os.DirEntry[str]) -> ListedFile | None:
    """A file as it is; None for what isn't one, is gone meanwhile, or has a name that can't be written down."""
    try:
        found = entry.stat()
        name.encode()
    except FileNotFoundError:
        return None
    except PermissionError:
        raise _unreadable(Path(entry.path).parent) from None
    except UnicodeEncodeError:
        raise BadInput(f"The name of the file {name.encode(errors='backslashreplace').decode()!r} isn't in UTF-8.", "Rename the file, or move it elsewhere.") from None
    return _as_listed(name, found) if stat.S_ISREG(found.st_mode) else None


def _as_listed(name: str, found: os.stat_result) -> ListedFile:
    return ListedFile(path=name, size=found.st_size, etag=_version(found), modified=moment_text(found.st_mtime))


def _version(found: os.stat_result) -> str:
    """Changes with every change of a file, also where it is replaced by one of the same size and time."""
    return f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}-{found.st_ctime_ns:x}"


def _now_at(folder: Path, name: str) -> os.stat_result:
    try:
        return (folder / name).stat()
    except OSError:
        raise changed_meanwhile(name) from None


def _opened(folder: Path, name: str) -> BinaryIO:
    """A file of the folder, to be read. Neither a link put in its place nor a pipe is opened."""
    root = _root(folder)
    try:
        path = (root / name).resolve(strict=True)
        _within(root, path, name)
        source = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except PermissionError:
        raise Refused(f"The file {name} in {folder} may not be read.", f"Give the user {settings().user} the right to read it.") from None
    except (OSError, RuntimeError):
        raise Unreachable(f"The file {name} is no longer in {folder}.", "It was removed or renamed after the folder was listed; the next run looks again.") from None
    if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
        source.close()
        raise BadInput(f"{name} in {folder} is no file.", "Name files only.")
    return source


def _wait_for_rest(source: BinaryIO, seconds: int) -> None:
    """Waits until nobody has written to a file for a while. A clock that is far off makes it wait no longer than that while."""
    age = time.time() - os.fstat(source.fileno()).st_mtime
    if 0 <= age < seconds:
        time.sleep(seconds - age)


def _chunks(source: BinaryIO, name: str) -> Iterator[bytes]:
    try:
        while chunk := source.read(CHUNK):
            yield chunk
    except OSError as error:
        raise Unreachable(f"The file {name} can't be read to its end: {error.strerror}.", "Check the drive that it is on.") from None
