"""Housekeeping removes what nobody needs, and nothing else."""

import os
import time
from pathlib import Path

from ingest import files, janitor
from ingest.store import imports, pushes
from ingest.store.database import store
from tests.made import checked_import


def old(path: Path, hours: float) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    os.utime(path, (time.time() - hours * 3600,) * 2)
    return path


def test_only_what_is_neither_current_nor_sent_goes(home: Path):
    import_id = checked_import(3)
    folder = files.import_folder(import_id)
    _, current = imports.pointers(import_id)
    with store().begin() as connection:
        pushes.create(connection, import_id=import_id, check_key="sent", account="Practice", ledger_name="l", event_type="api_calls", batch_events=500, who="anna")
    keep = [old(folder / f"check-{current}", 5), old(folder / "check-sent", 5), old(folder / "source", 5), old(folder / "check-new", 0), old(home / "ledger" / "x", 99)]
    go = [old(folder / "check-superseded", 5), old(folder / "raw-superseded", 5), old(folder / "raw-k.part-ab", 5), old(home / "spill-x", 30)]
    assert janitor.tidy() == len(go)
    assert [path.exists() for path in keep] == [True] * len(keep)
    assert [path.exists() for path in go] == [False] * len(go)
