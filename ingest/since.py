"""What a file says otherwise than the one that was sent before it for the same period: found out when it is checked, and kept beside that check."""

from pathlib import Path

from ingest import files
from ingest.store import imports
from schemas.deciding import SinceLastTime


def kept(import_id: str) -> SinceLastTime | None:
    """What was found out about the current check; None where there is nothing to tell."""
    path = _place(import_id)
    return SinceLastTime.model_validate_json(path.read_bytes()) if path and path.exists() else None


def keep(import_id: str, found: SinceLastTime | None) -> None:
    """Keeps it for the current check, or forgets what was kept."""
    path = _place(import_id)
    if path and found:
        files.write_whole(path, found.model_dump_json().encode())
    elif path:
        path.unlink(missing_ok=True)


def _place(import_id: str) -> Path | None:
    _, check_key = imports.pointers(import_id)
    return files.import_folder(import_id) / f"since-{check_key}.json" if check_key else None
