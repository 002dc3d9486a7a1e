"""Drafts too long for an address: kept as files, found by a name that stands in the address instead."""

import hashlib
import re
import time
from pathlib import Path

from ingest import files
from ingest.settings import settings

KEPT_SECONDS = 30 * 86_400.0
"""Somebody may come back to a draft after a holiday."""
NAME = re.compile(r"[0-9a-f]{64}")


def keep(text: str) -> str:
    """Keeps a draft; the name under which it is found again. Drafts that nobody changed for a month are removed."""
    name = hashlib.sha256(text.encode()).hexdigest()
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    files.write_whole(folder / name, text.encode())
    for old in folder.iterdir():
        if old.name != name and time.time() - old.stat().st_mtime > KEPT_SECONDS:
            old.unlink(missing_ok=True)
    return name


def kept(name: str) -> str | None:
    """The draft of this name; None where there is none."""
    path = _folder() / name
    return path.read_text(encoding="utf-8") if NAME.fullmatch(name) and path.exists() else None


def _folder() -> Path:
    return settings().home / "drafts"
