"""A single column: which of its first rows are titles and which is its name, where no other column says so; and when that has to be asked."""

import re
from collections import Counter
from collections.abc import Callable, Sequence

from ingest.read.candidates import Found, find_header
from ingest.read.header import UNIT, TextRow
from ingest.read.kinds import column_kind, kind_of, shape_of
from ingest.read.questions import Option, question

MAX_TITLES = 6
"""So many rows at most stand above the name of a single column."""
MOST = 0.7
"""In how many rows of a column a way to write has to come for a row written otherwise to be none of its values."""
REMARK = re.compile(r"(?:#|//|--|%)|[^\W\d][^:]{0,40}:\s+\S")
"""A comment, or a name with its value."""
OFFERED = 3
SURPLUS = ",;\t| "


def find_name(rows: Sequence[TextRow]) -> Found:
    """The row with the name of a single column: the last one before its values."""
    return find_header(list(rows[_titles(rows) :]), 1)


def notes_below(rows: Sequence[TextRow]) -> int:
    """How many rows at the end of a single column are none of its values, by how those are written."""
    is_value = value_test(rows)
    count = next((count for count, row in enumerate(reversed(rows)) if is_value is None or is_value(row.text)), 0)
    return count if count <= MAX_TITLES else 0


def value_test(rows: Sequence[TextRow]) -> Callable[[str], bool] | None:
    """What tells a value of a column of numbers, dates or codes from other texts; None for a column of plain text."""
    aside = min(len(rows) // 3, MAX_TITLES + 1)
    texts = [row.text for row in rows]
    return _test(texts[aside : len(rows) - aside]) or _test(texts)


def _test(texts: Sequence[str]) -> Callable[[str], bool] | None:
    if (kind := column_kind(texts)) in ("number", "date"):
        return lambda text: kind_of(_bare(text)) in (kind, "empty")
    shape, count = Counter(map(shape_of, texts)).most_common(1)[0] if texts else ("", 0)
    return (lambda text: shape_of(_bare(text)) == shape) if "9" in shape and count >= max(MOST * len(texts), 3) else None


def _bare(text: str) -> str:
    """A text without the quotes and delimiters that a damaged row has too many."""
    return text.replace('"', "").strip(SURPLUS)


def _titles(rows: Sequence[TextRow]) -> int:
    """How many of the first rows are titles."""
    is_value = value_test(rows)
    if is_value is None:
        return _above_gap(rows) or next((index for index, row in enumerate(rows[:MAX_TITLES]) if not REMARK.match(row.text)), 0)
    first = next((index for index, row in enumerate(rows[: MAX_TITLES + 2]) if is_value(row.text)), 0)
    named = first - 1
    return max(named - 1 if named > 0 and UNIT.fullmatch(rows[named].text) and rows[named].number == rows[named - 1].number + 1 else named, 0)


def _above_gap(rows: Sequence[TextRow]) -> int:
    """How many rows stand above the only blank rows near the beginning."""
    gaps = [index for index in range(1, min(len(rows), 2 * MAX_TITLES)) if rows[index].number > rows[index - 1].number + 1]
    return gaps[0] if len(gaps) == 1 and gaps[0] <= min(MAX_TITLES, len(rows) - gaps[0] - 1) else 0


def which_names(rows: Sequence[TextRow], found: Found) -> tuple[dict[str, object], ...]:
    """Where nothing tells names from values, since all is text: which row holds the names."""
    number = found.row.number if found.row else 0
    offered = [row for row in rows[: max(OFFERED, rows.index(found.row) + 1 if found.row else 0)] if row.number != number]
    named = {row.number: f"row {row.number:,}: {row.text[:60]}" for row in ([found.row] if found.row else []) + offered}
    options = [Option(str(place), label, {"header_rows": (place,)}) for place, label in named.items()]
    none = Option("none", "none: every row holds values", {"header_rows": ()})
    text = f"Nothing but text stands in this table, so names can't be told from values. {f'Row {number:,} was taken for the names' if number else 'No row was taken for the names'}. Which row holds them?"
    return (question("header", text, [*options, none] if number else [none, *options]),)
