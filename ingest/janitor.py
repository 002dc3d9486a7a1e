"""Housekeeping: what nobody needs any more. The ledger, receipts, and the files of imports that were sent are never touched."""

import shutil
import time
from datetime import timedelta
from pathlib import Path

from ingest import upload
from ingest.settings import settings
from ingest.store import imports

BROKEN_UPLOADS = timedelta(days=1)
SUPERSEDED = timedelta(hours=1)
"""Stage folders younger than this may still be looked at by a page that was opened before."""


def tidy() -> int:
    """Removes broken uploads, spill folders of killed processes, and stage folders that are neither current nor sent. How many things went."""
    return upload.clean_spool(BROKEN_UPLOADS.total_seconds()) + sum(_remove(path) for path in [*_superseded(), *_left_spill()])


def _superseded() -> list[Path]:
    """Stage folders of imports, by their names `<stage>-<key>`, that no pointer and no push names."""
    folder = settings().home / "imports"
    kept = imports.stages_in_use()
    return [stage for each in folder.glob("imp_*") for stage in each.iterdir() if stage.is_dir() and "-" in stage.name and (each.name, stage.name) not in kept and _age(stage) > SUPERSEDED]


def _left_spill() -> list[Path]:
    return [path for path in settings().home.glob("spill-*") if _age(path) > BROKEN_UPLOADS]


def _age(path: Path) -> timedelta:
    return timedelta(seconds=time.time() - path.stat().st_mtime)


def _remove(path: Path) -> int:
    shutil.rmtree(path, ignore_errors=True)
    return 1
