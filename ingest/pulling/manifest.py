"""What a run fetched, and where it lies until each part is an import."""

import hashlib
import shutil
from pathlib import Path

from ingest import files
from ingest.settings import settings
from schemas.base import Frozen

MANIFEST = "manifest.json"


class Part(Frozen):
    """One file that becomes an import (or several, where it is an archive)."""

    file: str
    name: str
    """As people see it."""
    path: str = ""
    version: str = ""
    """Where it is a file of the source: its path there, and what tells this state of it from another."""


class Manifest(Frozen):
    """Everything a run fetched. `read` = rows of the parts + `repeated`: rows that are as the last run saw them."""

    parts: tuple[Part, ...] = ()
    read: int = 0
    repeated: int = 0
    removed: int = 0
    newest: str | None = None
    columns: tuple[str, ...] = ()
    same: tuple[tuple[str, str], ...] = ()
    """Files whose content is known under another version: path and version."""


def folder_of(run_id: str) -> Path:
    """The folder of a run while it is fetched and taken in."""
    return settings().home / "pulled" / run_id


def write(run_id: str, manifest: Manifest) -> None:
    """Says that everything was fetched."""
    files.write_whole(folder_of(run_id) / MANIFEST, manifest.model_dump_json().encode())


def read(run_id: str) -> Manifest | None:
    """What was fetched; None where that isn't done."""
    path = folder_of(run_id) / MANIFEST
    return Manifest.model_validate_json(path.read_bytes()) if path.exists() else None


def clear(run_id: str) -> None:
    """Removes what a run fetched: it lives on in the imports."""
    shutil.rmtree(folder_of(run_id), ignore_errors=True)


def seen_path(source: str, run_id: str) -> Path:
    """Which rows a run saw, by their hashes: the next run leaves out those that are still the same."""
    return settings().home / "pulled" / hashlib.sha256(source.encode()).hexdigest()[:16] / f"seen-{run_id}.parquet"
