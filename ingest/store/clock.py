"""The clock of what is stored and scheduled: UTC, as ISO text that sorts by time."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

read: Callable[[], datetime] = partial(datetime.now, UTC)
"""What the time is. Tests that need a week in a minute put a clock of their own here."""


def moment() -> datetime:
    """This moment, in UTC."""
    return read()


def now() -> str:
    """This moment as `2026-11-23T10:00:00.000000+00:00`."""
    return moment().isoformat(timespec="microseconds")
