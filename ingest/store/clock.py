"""The clock of the store: UTC, as ISO text that sorts by time."""

from datetime import UTC, datetime


def now() -> str:
    """This moment as `2026-11-23T10:00:00.000000+00:00`."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
