"""What in a file is table and what is not: header, lines above it, totals and notes below. Pure steps over a few rows of text, for text files and sheets alike."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from ingest.errors import Unreadable
from ingest.read.header import TextRow, header_block, joined_names
from ingest.read.kinds import Kind, kind_of
from ingest.read.limits import MAX_COLUMNS
from ingest.read.names import column_names
from ingest.values.labels import MONTHS, says_total
from schemas.reading import Confidence, ExcludedRow, Finding

HEADER_WITHIN = 30
"""Among how many filled rows at the beginning the header is looked for."""
LOOKED_AT_CELLS = 200_000
BLANK = "blank row"
ABOVE = "above the table"
SEPARATOR = "names the delimiter"
TOTALS = "totals row"
NOTE = "note below the table"
NO_ROWS = "This file has a header but no rows."

MONTH_NAME = re.compile(rf"(?:{MONTHS})\.?(?:[\s/'-]*\d{{2,4}})?|\d{{4}}[-/.](?:0?[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])[-/.]\d{{4}}", re.IGNORECASE)
NOTE_START = re.compile(r"[*#†(]|(?:note|source|generated|created|exported|end of|quelle|hinweis|stand|anmerkung|erstellt|remark|disclaimer|page|seite)\b", re.IGNORECASE)


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

    @property
    def width(self) -> int:
        """How many columns the table has."""
        return len(self.names)


class EndRow(NamedTuple):
    """A row below the table."""

    number: int
    reason: Literal["totals row", "note below the table"]


class _Header(NamedTuple):
    row: TextRow | None
    why: str
    confidence: Confidence


def find_layout(rows: Sequence[TextRow], header_rows: tuple[int, ...] | None = None, delimiter_row: int | None = None, width: int | None = None) -> Layout:
    """The layout of a table from its first rows; `width` where the format knows it. Raises Unreadable where there is no row, or where the chosen header isn't there."""
    filled = [row for row in rows if not row.is_blank and row.number != delimiter_row]
    if not filled:
        raise Unreadable("This file is empty: it has rows, but nothing stands in them." if rows else "This file is empty.")
    usual = usual_width(filled)
    if max(usual, len(filled[0].cells)) > MAX_COLUMNS:
        raise Unreadable(f"This file has {usual:,} columns; {MAX_COLUMNS:,} can be read.", "Check the delimiter, or split the file.")
    header = _chosen_header(rows, header_rows) if header_rows is not None else None
    found = _Header(None, "you said so", "certain") if header is not None else _find_header(filled, usual)
    header = header if header is not None else (header_block(filled, found.row, usual) if found.row else [])
    return _describe(rows, filled, header, found, usual, delimiter_row, width)


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


def _describe(rows: Sequence[TextRow], filled: list[TextRow], header: list[TextRow], found: _Header, usual: int, delimiter_row: int | None, width: int | None) -> Layout:
    first = max((row.number for row in header), default=0)
    body = [row for row in filled if row.number > first]
    if header and not body:
        raise NoRows(column_names(joined_names(header), max(_last_filled(header), 1)))
    if not header and found.why != "you said so":
        body = body[_first_full(body, usual):] or body
    numbers = {row.number for row in header}
    excluded = tuple(ExcludedRow(row=row.number, reason=_reason(row, delimiter_row), text=row.text) for row in rows if row.number < body[0].number and row.number not in numbers)
    names, width = joined_names(header), width or _width(header, body, usual)
    finding = Finding(what="header", value=", ".join(f"row {row.number}" for row in header) or "none", why=found.why, confidence=found.confidence)
    kinds = _kinds(body, width)
    return Layout(tuple(row.number for row in header), column_names(names, width), body[0].number, kinds, usual_width(body), excluded, (finding,), (*_width_warning(header, width), *_months_warning(column_names(names, width), kinds)))


def _reason(row: TextRow, delimiter_row: int | None) -> str:
    if row.number == delimiter_row:
        return SEPARATOR
    return BLANK if row.is_blank else ABOVE


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


def _months_warning(names: Sequence[str], kinds: Sequence[Kind]) -> tuple[str, ...]:
    """A table with a column for each month has several usages in a row; it has to be turned before it can be matched."""
    months = [name for name, kind in zip(names, kinds, strict=True) if kind in ("number", "empty") and MONTH_NAME.fullmatch(name.strip())]
    if len(months) < 3:
        return ()
    return (f"{len(months)} columns look like months ({months[0]!r} to {months[-1]!r}), so a row holds several usages. Turn the table so that it has one row for each customer and month.",)


def _first_full(rows: list[TextRow], width: int) -> int:
    need = _needed(width)
    return next((index for index, row in enumerate(rows) if row.filled >= need), 0)


def _needed(width: int) -> int:
    """How many cells a row has to fill to be a header or the first row of a table."""
    return 1 if width == 1 else max(2, (width + 1) // 2)


def _kinds(body: list[TextRow], width: int) -> tuple[Kind, ...]:
    counts: list[Counter[Kind]] = [Counter() for _ in range(width)]
    for row in body[: _looked_at(width)]:
        _count(row, counts)
    return tuple(_majority(count) for count in counts)


def _looked_at(width: int) -> int:
    return max(20, LOOKED_AT_CELLS // width)


def _count(row: TextRow, counts: list[Counter[Kind]]) -> None:
    for cell, count in zip(row.cells, counts, strict=False):
        if (kind := kind_of(cell)) != "empty":
            count[kind] += 1


def _majority(count: Counter[Kind]) -> Kind:
    if not count:
        return "empty"
    kind, most = count.most_common(1)[0]
    return kind if most >= 0.7 * count.total() else "text"


def _find_header(rows: list[TextRow], width: int) -> _Header:
    """The row that reads like names over what stands below it: scored from the bottom up, so that each row is held against all rows after it."""
    rows = _without_repeated(rows)
    counts: list[Counter[Kind]] = [Counter() for _ in range(width)]
    seen: list[set[str]] = [set() for _ in range(width)]
    scores: dict[int, float] = {}
    looks_like_data: list[int] = []
    for index in range(min(len(rows), _looked_at(width)) - 1, -1, -1):
        row = rows[index]
        if index < HEADER_WITHIN and row.filled >= _needed(width):
            kinds = [_majority(count) for count in counts]
            scores[index] = _score(row, kinds, seen)
            if scores[index] <= 0 and _is_like_below(row, kinds, seen):
                looks_like_data.append(index)
        _count(row, counts)
        for cell, values in zip(row.cells, seen, strict=False):
            values.add(cell.strip())
    return _decide(rows, scores, min(looks_like_data, default=len(rows)))


def _without_repeated(rows: list[TextRow]) -> list[TextRow]:
    """The rows without later copies of a row of texts near the beginning, which is how a header looks that stands on every page; only above numbers or dates."""
    texts = {tuple(row.cells) for row in rows[:HEADER_WITHIN] if row.filled > 1 and all(kind_of(cell) in ("text", "empty") for cell in row.cells)}
    if len(texts) in (0, len(rows)):
        return rows
    seen: set[tuple[str, ...]] = set()
    found = []
    for row in rows:
        cells = tuple(row.cells)
        if cells not in seen:
            found.append(row)
        if cells in texts:
            seen.add(cells)
    return found if any(kind_of(cell) in ("number", "date") for row in found[:100] for cell in row.cells) else rows


def _is_like_below(row: TextRow, kinds: list[Kind], seen: list[set[str]]) -> bool:
    """Whether a row shares a value, or the kind of a column of numbers or dates, with the rows below it."""
    return any(kind_of(cell) == kind in ("number", "date") or (kind == "text" and cell.strip() in values - {""}) for cell, kind, values in zip(row.cells, kinds, seen, strict=False))


def _decide(rows: list[TextRow], scores: dict[int, float], first_data: int) -> _Header:
    candidates = {index: score for index, score in scores.items() if index < first_data}
    best = _earliest_good(candidates)
    if len(rows) == 1:
        return _only_row(rows[0])
    if best is None or candidates[best] <= 0:
        return _Header(None, "the first row looks like the rows below it, so the columns are numbered", "likely")
    if candidates[best] >= 0.9:
        return _Header(rows[best], "it names what stands below: text over numbers or dates", "certain")
    return _Header(rows[best], "it is the first full row, and nothing in it comes again below", "likely" if len(rows) > 3 else "possible")


def _earliest_good(scores: dict[int, float]) -> int | None:
    """The first row that is nearly as good as the best: a row far down has little below it to be wrong about."""
    top = max(scores.values(), default=0)
    return next((index for index in sorted(scores) if scores[index] > 0 and (scores[index] >= 0.6 * top or top - scores[index] < 0.5)), None)


def _only_row(row: TextRow) -> _Header:
    if any(kind_of(cell) in ("number", "date") for cell in row.cells):
        return _Header(None, "the only row holds numbers or dates, so the columns are numbered", "possible")
    return _Header(row, "it is the only row", "likely")


def _score(row: TextRow, kinds: list[Kind], seen: list[set[str]]) -> float:
    score = 0.0
    for index, kind in enumerate(kinds):
        cell = row.cells[index].strip() if index < len(row.cells) else ""
        score += _cell_score(cell, kind, seen[index])
    return score


def _cell_score(cell: str, below: Kind, seen: set[str]) -> float:
    """How much one cell speaks for being a column's name, given what stands below it."""
    kind = kind_of(cell)
    if kind == "empty":
        return -0.5 if below != "empty" else 0.0
    if below in ("number", "date"):
        return 1.0 if kind == "text" and cell not in seen else -1.0 if kind == below else 0.25
    if below == "empty":
        return 0.2 if kind == "text" else 0.0
    return -0.5 if kind != "text" else -1.0 if cell in seen else 0.1


def find_end(rows: Sequence[TextRow], kinds: tuple[Kind, ...], *, rest_is_table: bool = True, keep: frozenset[int] = frozenset()) -> list[EndRow]:
    """The totals rows and notes among the last filled rows of a table. `rest_is_table`: rows stand before these, so all of them may go."""
    for start in range(0 if rest_is_table else 1, len(rows)):
        found = _all_below(rows, start, kinds, keep)
        if found:
            return found
    return []


def _all_below(rows: Sequence[TextRow], start: int, kinds: tuple[Kind, ...], keep: frozenset[int]) -> list[EndRow]:
    found: list[EndRow] = []
    for index in range(start, len(rows)):
        row = rows[index]
        apart = bool(found) or (index > 0 and row.number > rows[index - 1].number + 1)
        if row.number in keep:
            return []
        if is_totals(row, kinds):
            found.append(EndRow(row.number, TOTALS))
        elif _is_note(row, kinds, apart):
            found.append(EndRow(row.number, NOTE))
        else:
            return []
    return found


def is_totals(row: TextRow, kinds: tuple[Kind, ...]) -> bool:
    """Whether a row is a totals row: its first filled cell says so, and the others are numbers in columns of numbers."""
    filled = [(index, cell.strip()) for index, cell in enumerate(row.cells) if cell.strip()]
    if len(filled) < 2 or not says_total(filled[0][1]):
        return False
    return all(index < len(kinds) and kinds[index] == "number" and (kind_of(cell) == "number" or cell.startswith("=")) for index, cell in filled[1:])


def _is_note(row: TextRow, kinds: tuple[Kind, ...], apart: bool) -> bool:
    width, filled = len(kinds), row.filled
    if width < 2 or filled > max(1, width // 3):
        return False
    cells = [(index, cell.strip()) for index, cell in enumerate(row.cells) if cell.strip()]
    if any(index < width and kinds[index] in ("number", "date") and kind_of(cell) == kinds[index] for index, cell in cells):
        return False
    first = cells[0][1]
    if filled == 1 and NOTE_START.match(first):
        return True
    return apart or (filled == 1 and len(row.cells) == 1 and len(first.split()) > 1)
