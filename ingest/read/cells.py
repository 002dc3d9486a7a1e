"""A workbook's cells as text that loses nothing."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa

from ingest.read.rawfile import ToText, text_column

Cell = str | float | int | bool | date | datetime | time | timedelta
SAFE_INTEGER = 1e15
"""Excel keeps 15 digits of a number; an id beyond that was rounded before it came here."""


def number_text(value: float) -> str:
    """A number without .0 and without an exponent, in the fewest digits that give it back."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else format(Decimal(text), "f") if "e" in text else text


def duration_text(value: timedelta) -> str:
    """Hours, minutes and seconds; the hours may go beyond 24."""
    micros = (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    seconds, rest = divmod(micros, 1_000_000)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{rest:06}".rstrip("0") if rest else "")


AS_TEXT: dict[type, Callable[[object], str | None]] = {
    str: lambda value: value or None,
    float: number_text,
    int: str,
    bool: lambda value: "true" if value else "false",
    date: date.isoformat,
    datetime: datetime.isoformat,
    time: time.isoformat,
    timedelta: duration_text,
    type(None): lambda value: None,
}
WITH_TIME = AS_TEXT | {date: lambda value: f"{value.isoformat()}T00:00:00"}
"""For a column of points in time: midnight arrives as a mere date there."""


def cell_text(cell: object) -> str:
    """One cell as text; empty for nothing."""
    return AS_TEXT[type(cell)](cell) or ""


def column_texts(cells: Sequence[Sequence[object]], width: int) -> list[ToText]:
    """How to turn each column into text, from its first rows."""
    has_time = [any(type(row[index]) is datetime for row in cells) for index in range(width)]
    return [_with_time if timed else _as_text for timed in has_time]


def _as_text(cells: Sequence[object]) -> pa.Array:
    return _texts(cells, AS_TEXT)


def _with_time(cells: Sequence[object]) -> pa.Array:
    return _texts(cells, WITH_TIME)


def _texts(cells: Sequence[object], ways: dict[type, Callable[[object], str | None]]) -> pa.Array:
    kinds = set(map(type, cells))
    if kinds == {str}:
        return text_column(cells)
    if len(kinds) == 1:
        return pa.array(list(map(ways[kinds.pop()], cells)), pa.string())
    return pa.array([ways[type(cell)](cell) for cell in cells], pa.string())
