"""The folder of an import: what each stage made, as files that never change once they are written.

    imports/<id>/source/<sha256>            the bytes as they came
    imports/<id>/<stage>-<key>/…            what a stage made; the key is the hash of its input, specification and code version
    imports/<id>/lock                       held while a stage of this import runs

Which stage folder is current is a pointer in the store. A stage writes into `….part-<random>` and renames it when it is whole.
"""

import errno
import fcntl
import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from ingest.errors import DiskFull, NotReady
from ingest.settings import settings

CODE_VERSION = {"raw": 1, "profile": 1, "overview": 1, "changes": 1, "check": 4, "push": 1}
"""Raise a stage's number when its result changes for the same input and specification."""


def import_folder(import_id: str) -> Path:
    """The folder of an import. The id is ours, never a person's text."""
    return settings().home / "imports" / import_id


def stage_key(stage: str, input_key: str, specification: BaseModel | str) -> str:
    """The name under which a stage's result is kept: the same input, specification and code version give the same key."""
    text = specification if isinstance(specification, str) else specification.model_dump_json()
    return hashlib.sha256(f"{stage}|{CODE_VERSION[stage]}|{input_key}|{text}".encode()).hexdigest()[:24]


def stage_folder(import_id: str, stage: str, key: str) -> Path:
    """Where a stage's finished result lies, whether or not it exists."""
    return import_folder(import_id) / f"{stage}-{key}"


def make_stage(import_id: str, stage: str, key: str, work: Callable[[Path], None]) -> Path:
    """The finished folder of a stage; `work` fills it unless it is there already. A failure leaves nothing behind."""
    folder = stage_folder(import_id, stage, key)
    if folder.exists():
        return folder
    check_free_disk()
    part = folder.with_name(f"{folder.name}.part-{secrets.token_hex(4)}")
    part.mkdir(parents=True)
    try:
        with full_disk_is_a_sentence():
            work(part)
        _put_in_place(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def stages_made(import_id: str, stage: str) -> list[Path]:
    """Every finished folder of a stage, the current one or an earlier one."""
    return [folder for folder in import_folder(import_id).glob(f"{stage}-*") if folder.is_dir() and ".part-" not in folder.name]


def _put_in_place(part: Path, folder: Path) -> None:
    try:
        part.replace(folder)
    except OSError:
        if not folder.exists():
            raise  # else somebody made the same meanwhile: the same key is the same result


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_free_disk(needed: int = 0) -> None:
    """Raises DiskFull where the data folder's disk hasn't the needed bytes and the reserve free."""
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(home).free
    if free < needed + settings().free_bytes:
        raise DiskFull(f"The disk of {home} has only {free // 1024**2} MB left.", "Free some room and try again; nothing was lost.")


@contextmanager
def full_disk_is_a_sentence() -> Iterator[None]:
    """Turns the operating system's "no space left" into DiskFull."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {settings().home} is full.", "Free some room and try again; nothing was lost.") from error
        raise


@contextmanager
def import_lock(import_id: str) -> Iterator[None]:
    """One stage of an import at a time, across processes. Raises NotReady when somebody else holds it."""
    folder = import_folder(import_id)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReady("This import is being worked on by somebody else right now.", "Wait a moment and try again.") from None
        yield


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file so that it is there whole or not at all."""
    part = path.with_name(f"{path.name}.part-{secrets.token_hex(4)}")
    try:
        with full_disk_is_a_sentence():
            part.write_bytes(data)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)
