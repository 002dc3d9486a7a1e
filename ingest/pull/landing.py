"""Where a fetched file lands: whole or not at all."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ingest.errors import BadInput, Unreachable
from ingest.files import check_free_disk
from ingest.settings import settings

CHUNK = 1024 * 1024
ROOM_EVERY = 64 * CHUNK
"""The room on the disk is looked at each time so much was written: what comes may have no end."""


@contextmanager
def landing(to: Path) -> Iterator[BinaryIO]:
    """A file to write into, which is `to` once all went well, and gone otherwise."""
    part = to.with_name(f"{to.name}.part-{secrets.token_hex(4)}")
    try:
        with part.open("wb") as handle:
            yield handle
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def copied(chunks: Iterator[bytes], handle: BinaryIO, called: str, size: int | None = None) -> int:
    """Writes chunks; how many bytes they were. Raises BadInput where they are more than a file may have, Unreachable where they aren't as many as were said."""
    limit, written = settings().pull_max_bytes, 0
    for chunk in chunks:
        written += len(chunk)
        if written > limit:
            raise too_large(called, limit)
        if written // ROOM_EVERY != (written - len(chunk)) // ROOM_EVERY:
            check_free_disk()
        handle.write(chunk)
    if size is not None and written > size:
        raise changed_meanwhile(called)
    if size is not None and written < size:
        raise Unreachable(f"{called} was cut off: {written:,} of {size:,} bytes arrived.", "Nothing was taken; the next run tries again.")
    return written


def checked_size(size: int | None, called: str) -> None:
    """Raises BadInput where a file says that it is larger than a file may be."""
    if size is not None and size > settings().pull_max_bytes:
        raise too_large(called, settings().pull_max_bytes)


def too_large(called: str, limit: int) -> BadInput:
    """The refusal of a file that is too large."""
    return BadInput(f"{called} is larger than {limit / 1024**2:,.0f} MB, the most that is fetched.", "Split it, or ask an administrator to raise the setting pull_max_bytes.")


def changed_meanwhile(called: str) -> Unreachable:
    """The failure of a file that was written while it was fetched."""
    return Unreachable(f"{called} was changed while it was being read.", "Nothing was taken; the next run reads it again.")


def moment_text(seconds: float) -> str:
    """Seconds since 1970 as ISO text in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
