"""What in a file is table and what is not: header, lines above it, totals and notes below. Pure steps over a few rows of text, for text files and sheets alike."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from ingest.errors import Unreadable
from ingest.read.candidates import Found, find_header, is_key_value, looked_at, needed
from ingest.read.header import TextRow, header_block, is_rule, joined_names
from ingest.read.kinds import Kind, kind_of
from ingest.read.limits import MAX_COLUMNS
from ingest.read.names import column_names
from ingest.read.one_column import find_name, notes_below, value_test, which_names
from ingest.values.labels import says_total
from schemas.reading import ExcludedRow, Finding

BLANK = "blank row"
ABOVE = "above the table"
SEPARATOR = "names the delimiter"
TOTALS = "totals row"
NOTE = "note below the table"
RULE = "line under the header"
NUMBERED = "numbers of the columns"
CHOSEN = "you said so"
ONLY_NAMES = "This table has names of columns but no rows below them. If that row is data, say that the file has no header."
NO_ROWS = "This file has a header but no rows."

NOTE_START = re.compile(r"""[*#†‡§©(\[] | [_=–—-]{3} | \d{1,2}[.)]\s | (?:notes?|sources?|generated|created|exported|printed|downloaded|end\ of|last\ updated|data\ as\ of|copyright|legend|definitions?|footnotes?
    | quellen?|hinweise?|stand|anmerkung(?:en)?|erstellt|legende|fu(?:ß|ss)note | notas? | fuente | fonte | bron | remarks?|disclaimer|page|seite)\b""", re.IGNORECASE | re.VERBOSE)
AVERAGE = re.compile(r"(?:average|avg|mean|median|min(?:imum)?|max(?:imum)?|std\.?(?: dev\.?)?|standard deviation|count|durchschnitt|mittelwert|anzahl|moyenne|promedio|media)[.:]?", re.IGNORECASE)
MANY_WORDS = 5
"""So many words in a single cell below a table are a sentence."""


class NoRows(Unreadable):
    """A table with a header and nothing below it; `columns` are its names."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        super().__init__(NO_ROWS, "Export it again with its rows, or choose another header row.")
        self.columns = columns


class Layout(NamedTuple):
    """Where the table is. `usual` is the number of cells that most of its rows have, which need not be the table's width."""

    header_rows: tuple[int, ...]
    names: tuple[str, ...]
    first_row: int
    kinds: tuple[Kind, ...]
    usual: int
    excluded: tuple[ExcludedRow, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    places: tuple[int, ...] = ()
    """The columns of the file that the table has; none are named where it has them all."""
    ends: bool = False
    """Whether other tables stand beside it, which its rows are cut off from."""
    start: int = 0
    """The row from which on the table was looked for, where others stand above it."""
    above: tuple[ExcludedRow, ...] = ()
    questions: tuple[dict[str, object], ...] = ()

    @property
    def width(self) -> int:
        """How many columns the table has."""
        return len(self.names)


class EndRow(NamedTuple):
    """A row below the table."""

    number: int
    reason: Literal["totals row", "note below the table"]


def find_layout(rows: Sequence[TextRow], header_rows: tuple[int, ...] | None = None, delimiter_row: int | None = None, width: int | None = None) -> Layout:
    """The layout of a table from its first rows; `width` where the format knows it. Raises Unreadable where there is no row, or where the chosen header isn't there."""
    filled = [row for row in rows if not row.is_blank and row.number != delimiter_row]
    if not filled:
        raise Unreadable("This file is empty: it has rows, but nothing stands in them." if rows else "This file is empty.")
    usual = usual_width(filled)
    if max(usual, len(filled[0].cells)) > MAX_COLUMNS:
        raise Unreadable(f"This file has {usual:,} columns; {MAX_COLUMNS:,} can be read.", "Check the delimiter, or split the file.")
    header = _chosen_header(rows, header_rows) if header_rows is not None else None
    found = Found(None, CHOSEN, "certain") if header is not None else find_name(filled) if usual == 1 else find_header(filled, usual)
    header = header if header is not None else (header_block(filled, found.row, usual) if found.row else [])
    layout = _describe(rows, filled, header, found, usual, delimiter_row, width)
    return layout._replace(questions=which_names(filled, found)) if found.why != CHOSEN and _is_doubtful(filled, found, layout) else layout


def _is_doubtful(rows: Sequence[TextRow], found: Found, layout: Layout) -> bool:
    """Whether nothing but text stands in a table that is a single column, or whose first row could be names as well as values."""
    if len(rows) < 2 or found.confidence == "certain" or any(kind in ("number", "date") for kind in layout.kinds):
        return False
    if layout.width == 1:
        return value_test(rows) is None
    return found.row is None and rows[0].filled >= needed(layout.width) and all(kind_of(cell) in ("text", "empty") for cell in rows[0].cells)


def usual_width(rows: Iterable[TextRow]) -> int:
    """The number of cells most rows have; rows of a single cell count only where there is nothing else."""
    counts = Counter(len(row.cells) for row in rows)
    wide = [(count, width) for width, count in counts.items() if width > 1]
    return max(wide)[1] if wide else 1


def _chosen_header(rows: Sequence[TextRow], numbers: tuple[int, ...]) -> list[TextRow]:
    by_number = {row.number: row for row in rows}
    missing = [number for number in numbers if number not in by_number]
    if missing:
        raise Unreadable(f"Row {missing[0]} was chosen as the header, but the file has no such row near its beginning.", "Choose another header row.")
    return [by_number[number] for number in sorted(set(numbers))]


def _describe(rows: Sequence[TextRow], filled: list[TextRow], header: list[TextRow], found: Found, usual: int, delimiter_row: int | None, width: int | None) -> Layout:
    first = max((row.number for row in header), default=0)
    body = [row for row in filled if row.number > first]
    if header and not body:
        if found.why == CHOSEN:
            raise NoRows(column_names(joined_names(header), max(_last_filled(header), 1)))
        return _only_names(rows, header, width or max(_last_filled(header), 1))
    if not header and found.why != CHOSEN:
        body = _without_titles(body, usual)
    elif not header and usual > 2:
        body = _without_titles(body, 2)
    body = body[1:] if header and len(body) > 1 and (is_rule(body[0]) or _numbers_columns(body)) else body
    numbers = {row.number for row in header}
    excluded = tuple(ExcludedRow(row=row.number, reason=_reason(row, delimiter_row, first), text=row.text) for row in rows if row.number < body[0].number and row.number not in numbers)
    names, width = joined_names(header), width or _width(header, body, usual)
    finding = Finding(what="header", value=", ".join(f"row {row.number}" for row in header) or "none", why=found.why, confidence=found.confidence)
    kinds = _kinds(body, width)
    return Layout(tuple(row.number for row in header), column_names(names, width), body[0].number, kinds, usual_width(body), excluded, (finding,), _width_warning(header, width))


def _only_names(rows: Sequence[TextRow], header: Sequence[TextRow], width: int) -> Layout:
    """The layout of a header without rows: nothing is wrong with an empty month, and it is said."""
    numbers = tuple(row.number for row in header)
    others = tuple(ExcludedRow(row=row.number, reason=BLANK if row.is_blank else ABOVE, text=row.text) for row in rows if row.number < numbers[-1] and row.number not in numbers)
    finding = Finding(what="header", value=", ".join(f"row {number}" for number in numbers), why="it is the last row that holds anything, so it was taken for the names", confidence="possible")
    return Layout(numbers, column_names(joined_names(header), width), numbers[-1] + 1, ("empty",) * width, width, others, (finding,), (ONLY_NAMES,))


def _reason(row: TextRow, delimiter_row: int | None, header: int) -> str:
    if row.number == delimiter_row:
        return SEPARATOR
    if row.is_blank:
        return BLANK
    return ABOVE if row.number < max(header, 1) or not header else RULE if is_rule(row) else NUMBERED


def _numbers_columns(body: Sequence[TextRow]) -> bool:
    """Whether the first row below a header only numbers its columns, where the first column holds texts."""
    cells = [cell.strip().strip("()[]") for cell in body[0].cells]
    if len(cells) < 3 or len(body) < 3 or cells != [str(number) for number in range(1, len(cells) + 1)]:
        return False
    return all(kind_of(row.cells[0]) == "text" for row in body[1:20])


def _width(header: list[TextRow], body: list[TextRow], usual: int) -> int:
    """The table's width: what most rows have or the header names, without columns at the right where nothing stands anywhere."""
    rows = [*header, *(row for row in body if len(row.cells) == usual)] or body
    return max(_last_filled(rows), 1)


def _last_filled(rows: list[TextRow]) -> int:
    last = 0
    for row in rows:
        for index in range(len(row.cells) - 1, last - 1, -1):
            if row.cells[index].strip():
                last = index + 1
                break
    return last


def _width_warning(header: list[TextRow], width: int) -> tuple[str, ...]:
    named = max((len(row.cells) for row in header), default=width)
    if named >= width:
        return ()
    return (f"The header has {named} names, but the rows have {width} cells; the names were taken from the left. Check that they stand over the right columns.",)


def _without_titles(rows: list[TextRow], width: int) -> list[TextRow]:
    """Rows without a header from the first one on that isn't plainly a title: a few cells with blank rows below, a sentence, a name with its value."""
    need = needed(width)
    for index, row in enumerate(rows[:-1]):
        apart = rows[index + 1].number > row.number + 1 or len(row.cells) == 1 < width
        if row.filled >= need or not (apart or is_key_value(row) or (row.filled == 1 and len(row.text.split()) > 1)):
            return rows[index:]
    return rows


def _kinds(body: list[TextRow], width: int) -> tuple[Kind, ...]:
    counts: list[Counter[Kind]] = [Counter() for _ in range(width)]
    for row in body[: looked_at(width)]:
        _count(row, counts)
    return tuple(_majority(count) for count in counts)


def _count(row: TextRow, counts: list[Counter[Kind]]) -> None:
    for cell, count in zip(row.cells, counts, strict=False):
        if (kind := kind_of(cell)) != "empty":
            count[kind] += 1


def _majority(count: Counter[Kind]) -> Kind:
    if not count:
        return "empty"
    kind, most = count.most_common(1)[0]
    return kind if most >= 0.7 * count.total() else "text"


def find_end(rows: Sequence[TextRow], kinds: tuple[Kind, ...], *, rest_is_table: bool = True, keep: frozenset[int] = frozenset()) -> list[EndRow]:
    """The totals rows and notes among the last filled rows of a table. `rest_is_table`: rows stand before these, so all of them may go."""
    if len(kinds) == 1 and (count := notes_below(rows)):
        return [EndRow(row.number, NOTE) for row in rows[-count:]] if keep.isdisjoint(row.number for row in rows[-count:]) else []
    words = max((len(row.cells[0].split()) for row in rows if row.filled > 1), default=0)
    for start in range(0 if rest_is_table else 1, len(rows)):
        found = _all_below(rows, start, kinds, keep, words)
        if found:
            return found
    return []


def _all_below(rows: Sequence[TextRow], start: int, kinds: tuple[Kind, ...], keep: frozenset[int], words: int) -> list[EndRow]:
    found: list[EndRow] = []
    for index in range(start, len(rows)):
        row = rows[index]
        apart = bool(found) or (index > 0 and row.number > rows[index - 1].number + 1)
        if row.number in keep:
            return []
        if is_totals(row, kinds):
            found.append(EndRow(row.number, TOTALS))
        elif _is_note(row, kinds, apart, words) or (_is_average(row, kinds) and any(is_totals(each, kinds) for each in rows[start:])):
            found.append(EndRow(row.number, NOTE))
        else:
            return []
    return found


def _is_average(row: TextRow, kinds: tuple[Kind, ...]) -> bool:
    """Whether a row says what the numbers above it are on the whole, other than their sum."""
    filled = [(index, cell.strip()) for index, cell in enumerate(row.cells) if cell.strip()]
    return len(filled) > 1 and bool(AVERAGE.fullmatch(filled[0][1])) and all(index < len(kinds) and kinds[index] == "number" and kind_of(cell) == "number" for index, cell in filled[1:])


def is_totals(row: TextRow, kinds: tuple[Kind, ...]) -> bool:
    """Whether a row is a totals row: its first filled cell says so, and the others are numbers in columns of numbers."""
    filled = [(index, cell.strip()) for index, cell in enumerate(row.cells) if cell.strip()]
    if len(filled) < 2 or not says_total(filled[0][1]):
        return False
    return all(index < len(kinds) and kinds[index] == "number" and (kind_of(cell) == "number" or cell.startswith("=")) for index, cell in filled[1:])


def _is_note(row: TextRow, kinds: tuple[Kind, ...], apart: bool, words: int) -> bool:
    """Whether a row below a table is a note; `words`: of how many words the longest text in the first column of its rows is."""
    width, filled = len(kinds), row.filled
    if width < 2 or filled > max(1, width // 3):
        return False
    cells = [(index, cell.strip()) for index, cell in enumerate(row.cells) if cell.strip()]
    if any(index < width and kinds[index] in ("number", "date") and kind_of(cell) == kinds[index] for index, cell in cells):
        return False
    first = cells[0][1]
    if filled == 1 and (NOTE_START.match(first) or (len(row.cells) == 1 and kinds[0] in ("number", "date") and first.isalpha())):
        return True
    return apart or (filled == 1 and len(first.split()) > (1 if len(row.cells) == 1 else max(MANY_WORDS - 1, 2 * words)))
