"""Which quote and escape stand around and inside the cells of a text whose delimiter is known."""

import re
from collections import Counter
from collections.abc import Iterator

from ingest.read.cutter import ESCAPES_ALL, FIXED, RUNS, Dialect
from ingest.read.limits import VOTING_EFFORT
from ingest.read.records import records

ESCAPES = (*ESCAPES_ALL, "^", "/", "~", "|", "$", "%", "'")
ODD_QUOTES = "`´|~^$*#@!&%"
"""What stands around cells in some files, where neither the double quote nor the apostrophe does."""
FEW = 4
"""So often a mark has to stand in a text to be tried as its quote."""


def quote_for(lines: list[str], delimiter: str | None, chosen: str | None) -> str | None:
    """The apostrophe only where it stands around cells and the double quote doesn't."""
    if chosen is not None:
        return None if chosen.lower() in ("", "none") else chosen[0]
    if delimiter == FIXED:
        return None
    marks = ["'", *(mark for mark in ODD_QUOTES if mark not in (delimiter or ""))]
    tried = [mark for mark in marks if sum(line.count(mark) for line in lines) >= FEW]
    if not tried:
        return '"'
    around = {quote: _around_cells(lines, quote, " " if delimiter == RUNS else delimiter) for quote in ('"', *tried)}
    best = max(tried, key=lambda mark: around[mark])
    if around[best] <= max(1, 2 * around['"']):
        return '"'
    return best if best == "'" or _is_quote(lines, best, delimiter) else '"'


def _is_quote(lines: list[str], mark: str, delimiter: str | None) -> bool:
    """Whether an unusual mark is the quote: it stands around nearly every cell, or more rows are regular with it than with the double quote."""
    if delimiter in (None, RUNS):
        return False
    filled = sum(bool(cell.strip()) for record in records(lines, Dialect(delimiter, mark), effort=VOTING_EFFORT) for cell in record.cells)
    begin = sum(line.lstrip().startswith(mark) for line in lines) > 0.5 * len(lines)
    return (begin and _around_cells(lines, mark, delimiter) >= 0.9 * filled) or 2 * _irregular(lines, Dialect(delimiter, mark)) < _irregular(lines, Dialect(delimiter, '"'))


def _around_cells(lines: list[str], quote: str, delimiter: str | None) -> int:
    mark, quote = re.escape(delimiter) if delimiter else "(?!)", re.escape(quote)
    pattern = re.compile(rf"(?:^|{mark})[ ]?{quote}(?:[^{quote}]|[{quote}\\]{quote}){{0,1000}}{quote}(?=[ ]?{mark}|\s*$)", re.MULTILINE)
    return len(pattern.findall("".join(line if line.endswith("\n") else f"{line}\n" for line in lines)))


def find_escape(lines: list[str], dialect: Dialect) -> str | None:
    """The escape that makes more rows regular than doubled quotes do."""
    marks = {mark for mark in (dialect.quote, dialect.delimiter) if mark and dialect.delimiter not in (FIXED, RUNS)}
    tried = [escape for escape in ESCAPES if escape not in "".join(marks) and any(escape in line and any(escape + mark in line for mark in marks) for line in lines)]
    if not tried:
        return None
    odd = {escape: _irregular(lines, dialect._replace(escape=escape)) for escape in (None, *tried)}
    return min(odd, key=lambda escape: (odd[escape], escape is not None))


def _irregular(lines: list[str], dialect: Dialect) -> int:
    rows = list(_rows(lines, dialect))
    usual = max(((count, width) for width, count in Counter(width for width, _ in rows).items()), default=(0, 1))[1]
    return sum(bool(repair) + (width != usual) for width, repair in rows) + len(lines) - len(rows)


def _rows(lines: list[str], dialect: Dialect) -> Iterator[tuple[int, str]]:
    return ((len(record.cells), record.repair) for record in records(lines, dialect, effort=VOTING_EFFORT))


