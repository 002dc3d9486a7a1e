"""The permanent ledger of what was sent: Parquet files per account and event type, one for every part of a push.

    ledger/<hash of base URL and organisation>/<slug>/<push id>-<part>.parquet

Columns: event_id UUID, content UUID (of all fields, so that a changed event is seen), customer_id, timestamp, import_id, sha256 (of the
source file). Nothing here is ever removed: every billing system forgets its own idempotency keys, this doesn't.
"""

import hashlib
from pathlib import Path

from ingest.engine import literal
from ingest.settings import settings

COLUMNS = "event_id UUID, content UUID, customer_id VARCHAR, timestamp TIMESTAMP, import_id VARCHAR, sha256 VARCHAR"


def ledger_folder(ledger_name: str, slug: str) -> Path:
    """The folder of one account's events of one type."""
    return settings().home / "ledger" / hashlib.sha256(ledger_name.encode()).hexdigest()[:16] / slug


def ledger_files(ledger_name: str, slug: str) -> list[Path]:
    """All files of the ledger, in the order of their names."""
    return sorted(ledger_folder(ledger_name, slug).glob("*.parquet"))


def ledger_version(ledger_name: str, slug: str) -> str:
    """Changes whenever the ledger does; empty for an empty one."""
    files = ledger_files(ledger_name, slug)
    if not files:
        return ""
    return hashlib.sha256("|".join(f"{file.name}:{file.stat().st_size}" for file in files).encode()).hexdigest()[:16]


def ledger_query(files: list[Path]) -> str:
    """A SELECT over these ledger files, with the columns above; an empty table for no file."""
    if not files:
        columns = ", ".join(f"null::{column.split()[1]} as {column.split()[0]}" for column in COLUMNS.split(", "))
        return f"select {columns} where false"
    names = ", ".join(literal(file) for file in files)
    return f"select event_id, content, customer_id, timestamp, import_id, sha256 from read_parquet([{names}])"
