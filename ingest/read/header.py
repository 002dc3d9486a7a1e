"""Header rows: those that stand over a table together, and one name for each column out of them."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ingest.read.kinds import YEAR, column_kind, kind_of, shape_of

MAX_HEADER_ROWS = 5
CODED = re.compile(r"[^\W_]*[\d_]\w*")
LINE = re.compile(r":?[-=_+*| ]*[-=_]{2}[-=_+*| ]*:?")
LOOKED_AT_ROWS = 50
UNIT = re.compile(r"""[\[(][^\])]{0,30}[\])] | [€$£¥%°] | (?:[kKMGTmµ]?(?:Wh?|V|A|VA|VAh|B|iB|b|Hz|m|m²|m³|g|l|J|s|bit|bps|byte)s?(?:/\w+)?) | [A-Z]{3} (?:\s?/\s?\w+)? | [KMGT]i?B(?:/\w+)?
    | hours? | hrs? | h | min(?:utes)? | sec(?:onds)? | ms | days? | months? | pieces | pcs | stk | stück | count | units? | einheit | requests | calls | events | users | seats | eur | usd
    | string | text | int(?:eger)? | float | decimal | date(?:time)? | timestamp | number | bool(?:ean)?""", re.VERBOSE)


class TextRow(NamedTuple):
    """A row as detection sees it: its number as a spreadsheet shows it, and its cells as text."""

    number: int
    cells: list[str]

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands in it."""
        return not any(cell.strip() for cell in self.cells)

    @property
    def filled(self) -> int:
        """How many cells hold something."""
        return sum(bool(cell.strip()) for cell in self.cells)

    @property
    def text(self) -> str:
        """What stands in it, shortened for a list."""
        return " | ".join(cell.strip() for cell in self.cells if cell.strip())[:200]


def is_rule(row: TextRow) -> bool:
    """Whether a row only draws a line under the header."""
    cells = [cell.strip() for cell in row.cells if cell.strip()]
    return bool(cells) and all(LINE.fullmatch(cell) for cell in cells)


def header_block(rows: Sequence[TextRow], best: TextRow, width: int) -> list[TextRow]:
    """The header's rows: the best one, group headings right above it, units and second lines right below."""
    index = rows.index(best)
    block = [best]
    while len(block) < MAX_HEADER_ROWS and _follows(rows, index + 1) and _goes_on(rows[index + 1], block, rows[index + 2 : index + 2 + LOOKED_AT_ROWS], width):
        index += 1
        block.append(rows[index])
    index = rows.index(best)
    while len(block) < MAX_HEADER_ROWS and index > 0 and rows[index - 1].number == rows[index].number - 1 and (_is_group_heading(rows[index - 1], width) or (len(block) > 1 and _is_heading_over_all(rows[index - 1]))):
        index -= 1
        block.insert(0, rows[index])
    return block


def _follows(rows: Sequence[TextRow], index: int) -> bool:
    return index + 1 < len(rows) and rows[index].number == rows[index - 1].number + 1


def _goes_on(row: TextRow, above: Sequence[TextRow], body: Sequence[TextRow], width: int) -> bool:
    """Whether a row belongs to the header above it: text, where numbers, dates or codes stand in the rows below; or names for columns that the header leaves without one."""
    if is_rule(row):
        return False
    columns = [[each.cells[index] for each in body if index < len(each.cells)] for index in range(width)]
    cells = [cell.strip() for cell in row.cells[:width]] + [""] * (width - len(row.cells))
    below = [column_kind(column) for column in columns]
    measured = [cell for cell, kind in zip(cells, below, strict=True) if kind in ("number", "date")]
    named = [cell for cell in measured if kind_of(cell) == "text"]
    if measured and not any(measured) and len(body) > 2 and _fills_gaps(cells, above) and not _comes_again(cells, body):
        return True
    if not named or any(cell and kind_of(cell) != "text" for cell in measured) or any(kind_of(cell) in ("number", "date") for cell in cells) or _comes_again(cells, body):
        return False
    texts = [cell for cell, kind in zip(cells, below, strict=True) if kind not in ("number", "date") and cell]
    if all(UNIT.fullmatch(cell) for cell in named):
        return all(UNIT.fullmatch(cell) for cell in texts) or len(body) > 2
    if len(row.cells) < width:
        return False
    if len(body) > 2 and len(texts) > 1 and len(named) == len(measured) and _are_codes(above[-1]) and all(len(cell) > max(map(len, column), default=0) for cell, column in zip(cells, columns, strict=True)):
        return True
    named += [cell for cell, kind, column in zip(cells, below, columns, strict=True) if kind == "text" and cell and _is_over_codes(cell, column)]
    return len(body) > 2 and len(named) > 1 and (not texts or sum(map(bool, measured)) == len(measured))


def _fills_gaps(cells: Sequence[str], above: Sequence[TextRow]) -> bool:
    """Whether texts stand under columns without a name, and only there or right beside one that has such a column at its right."""
    named = [any(index < len(row.cells) and row.cells[index].strip() for row in above) for index in range(len(cells))] + [True]
    filled = [index for index, cell in enumerate(cells) if cell]
    headed = all(any(named[place] and cells[place] for place in range(index)) for index in filled if not named[index])
    return headed and any(not named[index] for index in filled) and all(kind_of(cells[index]) == "text" and not (named[index] and named[index + 1]) for index in filled)


def _are_codes(row: TextRow) -> bool:
    """Whether a header's names are codes, such as Q1 or B01001_001E, which the row below may put into words."""
    names = [cell.strip() for cell in row.cells if cell.strip()]
    return sum(bool(CODED.fullmatch(name)) for name in names) > 0.5 * len(names)


def _is_over_codes(cell: str, column: Sequence[str]) -> bool:
    """Whether a cell stands over codes that are all built alike, and is built otherwise."""
    shapes = {shape_of(each) for each in column if each.strip()}
    return len(shapes) == 1 and "9" in next(iter(shapes)) and shape_of(cell) not in shapes


def _comes_again(cells: Sequence[str], body: Sequence[TextRow]) -> bool:
    return any(cell and index < len(row.cells) and row.cells[index].strip() == cell for row in body for index, cell in enumerate(cells))


def _is_group_heading(row: TextRow, width: int) -> bool:
    """Whether a row holds headings over groups of columns: a few texts or years spread over the table's width, not a title or a name with its value."""
    filled = [(index, cell.strip()) for index, cell in enumerate(row.cells) if cell.strip()]
    if len(filled) < 2 or filled[-1][0] < width / 2 or len(row.cells) > width or (len(filled) == 2 and filled[1][0] == 1 and width > 2):
        return False
    return all((kind_of(cell) == "text" and ":" not in cell and len(cell) <= 60) or YEAR.fullmatch(cell) for _, cell in filled)


def _is_heading_over_all(row: TextRow) -> bool:
    """Whether a row holds one heading that leaves the first column out, as a title does not."""
    return row.filled == 1 and not row.cells[0].strip() and kind_of(row.text) == "text" and len(row.text) <= 60


def joined_names(header: Sequence[TextRow]) -> list[str]:
    """Several header rows as one: the cells of each column joined with a space, one that stands in both once. A heading goes over the columns right of it where names would be the same without."""
    width = max((len(row.cells) for row in header), default=0)
    rows = [[cell.strip() for cell in row.cells] + [""] * (width - len(row.cells)) for row in header]
    if len(rows) > 1:
        counts = Counter(rows[-1])
        rows = [*(_filled_right(row, [counts[name] > 1 for name in rows[-1]]) for row in rows[:-1]), rows[-1]]
    return [" ".join(dict.fromkeys(part for part in parts if part)) for parts in zip(*rows, strict=True)]


def _filled_right(cells: Sequence[str], repeated: Sequence[bool]) -> list[str]:
    """A row of headings, each repeated over the columns right of it whose own names come more than once."""
    found: list[str] = []
    heading = ""
    for cell, again in zip(cells, repeated, strict=True):
        heading = cell or heading
        found.append(cell or (heading if again else ""))
    return found
