"""Rows of a text whose damage has one plain reading: other quotes, spaces after delimiters, lines broken inside a cell, an end that is cut off."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from ingest.read.cutter import FIXED, RUNS, Dialect, Record
from ingest.read.kinds import kind_of
from ingest.read.layout import Layout
from ingest.read.ragged import ROWS_TO_COMPARE, SURE, Fitter
from ingest.read.run_together import LINE_STEP, SAID, parted

DELIMITERS = (";", ",", "\t", "|", ", ", ":", "^", "~", "#", " ")
"""What a single row may be cut by in place of the file's own delimiter."""
QUOTES = ('"', "'")
ODD_QUOTES = frozenset("`´|~^$*#@!%“«‘")
"""What may stand around all cells of a single row in place of the file's own quotes."""
CLOSING = {"“": "”", "«": "»", "‘": "’"}
END_MARK = "\x1a"
"""What old programs write at the end of a text."""
MAX_PIECES = 4
"""Over how many lines a row may be spread by line breaks that aren't quoted."""
SURPLUS = ",;\t|"
NOTHING = ""
NAMES = "This row holds texts in all columns, also where the others hold numbers or dates: it may be a header that stands in the wrong place."
TWICE = re.compile("Ã[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â€[\u0080-\u00bf™œ“”¦¢]|=[CDE][0-9A-F]=[89AB][0-9A-F]")
"""Letters that were encoded a second time, or as mails encode them."""
ENCODED_TWICE = "Letters look as if they were encoded twice, here and perhaps in further rows: 'Ã¼' or '=C3=BC' for 'ü'. They were kept; export the file again if names are wrong."

Row = tuple[int, Sequence[str]]
Numbered = tuple[int, Record]


def other_dialects(dialect: Dialect) -> tuple[Dialect, ...]:
    """What a single row may be written in, in place of the file's own dialect."""
    if dialect.delimiter in (None, FIXED):
        return ()
    escaped = [dialect._replace(escape="\\")] if dialect.quote and not dialect.escape else []
    quoted = [dialect._replace(quote=quote, escape=None) for quote in (*QUOTES, *"`´|~^$*") if quote not in (dialect.quote, *dialect.delimiter)] if dialect.quote else []
    delimited = [dialect._replace(delimiter=other, escape=None) for other in DELIMITERS if other != dialect.delimiter]
    return (*escaped, *quoted, *delimited)


class Mender:
    """Passes records on as numbered rows of cells, and has noted what had to be mended."""

    def __init__(self, fitter: Fitter, layout: Layout, dialect: Dialect) -> None:
        self.fitter, self.layout, self.dialect = fitter, layout, dialect
        self.quotes = tuple(quote for quote in QUOTES if quote != dialect.quote) if dialect.quote else ()
        self.spaced = fitter.spaced
        self.is_said_twice = False
        self.surplus = frozenset(SURPLUS).difference(dialect.delimiter or SURPLUS) if len(fitter.regular) >= ROWS_TO_COMPARE else frozenset()

    def rows(self, found: Iterable[Record], kept: Callable[[list[str]], list[str]], first: int = 1) -> Iterator[Row]:
        """The rows, numbered as a spreadsheet shows them, from `first` on; `kept` takes away columns that are left out."""
        for number, record in self._rejoined(enumerate((self._without_end_mark(record, kept) for record in found), first)):
            cells = record.cells
            if number >= self.layout.first_row and (record.repair or len(cells) > self.fitter.width) and (halves := parted(record, self.fitter, self.dialect)):
                self.fitter.note(number, SAID)
                self.fitter.row_step = LINE_STEP
                yield from ((number, halves[0]), (number + LINE_STEP, halves[1]))
                continue
            if number >= self.layout.first_row:
                cells = self._mended(number, record, cells)
                if self.fitter.holds_names(cells):
                    self.fitter.note(number, NAMES, doubtful=True)
            if "\ufffd" in record.raw:
                self._point_out(number, cells)
            if not self.is_said_twice and (not record.raw.isascii() or "=" in record.raw) and TWICE.search(record.raw):
                self.is_said_twice = True
                self.fitter.note(number, ENCODED_TWICE, doubtful=True)
            yield number, cells

    @staticmethod
    def _without_end_mark(record: Record, kept: Callable[[list[str]], list[str]]) -> Record:
        cells = [""] if record.raw[:1] == END_MARK and record.raw.strip() == END_MARK else record.cells
        return record._replace(cells=kept(cells))

    def _mended(self, number: int, record: Record, cells: Sequence[str]) -> Sequence[str]:
        if record.repair:
            self.fitter.note(number, record.repair)
        elif self.fitter.quote and self.fitter.quote in record.raw:
            cells = self.fitter.look_for_quotes(number, cells, record.raw)
        if self.spaced and len(cells) > 1 and any(cell != cell.strip(" \t") for cell in cells):
            cells = self._without_spaces(number, record, cells)
        if self.dialect.delimiter is None and cells[0].strip(SURPLUS) != cells[0]:
            cells = self._without_delimiters(number, cells)
        for quote in (*self.quotes, *ODD_QUOTES.intersection(cells[0].lstrip()[:1])):
            if not record.repair and record.raw.count(quote) > 1:
                cells = self._without_quotes(number, cells, quote)
        if len(cells) == self.fitter.width > 1 and cells[-1][-1:] in self.surplus:
            cells = self._without_end(number, record, cells)
        if record.raw[-1:] not in "\r\n" and len(cells) == self.fitter.width:
            self.fitter.look_at_the_end(number, cells)
        return cells

    def _without_spaces(self, number: int, record: Record, cells: Sequence[str]) -> Sequence[str]:
        """A row with a space after every delimiter, where the others have none; of a table in which hardly a cell has spaces around it, any row without them."""
        mark, line = self.dialect.delimiter, record.raw.rstrip("\r\n")
        bounded = f"{mark}{line}{mark}"
        bare = [f"{mark}{cell}{mark}" in bounded for cell in cells]
        before_quotes = record.raw.count(f"{mark} {self.dialect.quote}") if self.dialect.quote else 0
        filled = [(cell, unquoted) for cell, unquoted in zip(cells[1:], bare[1:], strict=True) if cell.strip()]
        spaced = sum(cell[:1] == " " and unquoted for cell, unquoted in filled)
        if (self.fitter.padded and filled and len(cells) <= self.fitter.width) or (spaced and spaced + before_quotes >= max(len(filled), min(2, len(cells) - 1))):
            found = [cell.strip(" \t") if unquoted else cell for cell, unquoted in zip(cells, bare, strict=True)]
            if found != cells:
                self.fitter.note(number, "Spaces around cells of this row were left out.")
            return found
        return cells

    def _without_delimiters(self, number: int, cells: Sequence[str]) -> Sequence[str]:
        """The only cell of a row without delimiters at its ends, where the other rows have none."""
        if not cells[0].strip(SURPLUS) or sum(row[0].strip(SURPLUS) != row[0] for row in self.fitter.regular) > 1 + 0.02 * len(self.fitter.regular):
            return cells
        self.fitter.note(number, "Delimiters before or after the only cell of this row were left out.")
        return [cells[0].strip(SURPLUS)]

    def _without_end(self, number: int, record: Record, cells: Sequence[str]) -> Sequence[str]:
        """A row without another table's delimiter at its end, where no other row has one."""
        if not record.raw.rstrip("\r\n").endswith(cells[-1]) or sum(row[-1][-1:] in self.surplus for row in self.fitter.regular) > 1:
            return cells
        self.fitter.note(number, f"This row ends with {cells[-1][-1]!r}, which none of the others does; it was left out.")
        return [*cells[:-1], cells[-1][:-1]]

    def _without_quotes(self, number: int, cells: Sequence[str], quote: str) -> Sequence[str]:
        """A row whose cells are all quoted in another way than those of the others."""
        filled = [cell for cell in cells if cell.strip(f" {quote}")]
        inside = sum(is_quoted(cell, quote) for cell in filled)
        if inside < 0.6 * len(filled) or inside < min(2, len(cells)) or self.fitter.is_quoted(quote):
            return cells
        self.fitter.note(number, f"The cells of this row are quoted with {quote}, those of the others aren't; it was read so.")
        return [cell.strip()[1:-1].replace(quote * 2, quote) if is_quoted(cell, quote) else cell for cell in cells]

    def _point_out(self, number: int, cells: Sequence[str]) -> None:
        """Lists the cells that hold bytes which fit nothing."""
        for index, cell in enumerate(cells):
            if "\ufffd" in cell:
                column = repr(self.fitter.names[index]) if index < len(self.fitter.names) else index + 1
                self.fitter.note(number, f"In column {column} some bytes don't fit the file's encoding; they are shown as \ufffd.", doubtful=True)

    def _rejoined(self, found: Iterator[Numbered]) -> Iterator[Numbered]:
        """The records; pieces of one, cut by a line break that isn't quoted, put together."""
        if not self.fitter.can_rejoin or self.layout.usual != self.layout.width or self.dialect.delimiter in (None, FIXED, RUNS):
            yield from found
            return
        width, ahead = self.layout.usual, deque[Numbered]()
        while (row := ahead.popleft() if ahead else next(found, None)) is not None:
            number, record = row
            if number >= self.layout.first_row and len(record.cells) <= width and self._may_be_broken(record, width):
                while len(ahead) < MAX_PIECES - 1 and (following := next(found, None)) is not None:
                    ahead.append(following)
                record = self._joined(record, ahead, width) or record
            yield number, record

    def _may_be_broken(self, record: Record, width: int) -> bool:
        if record.repair or not record.raw.strip():
            return False
        return len(record.cells) < width or not self.fitter.is_at_home(width - 1, record.cells[-1])

    def _joined(self, record: Record, ahead: deque[Numbered], width: int) -> Record | None:
        cells, pieces = list(record.cells), [record]
        for _, following in list(ahead):
            if following.repair or not following.raw.strip() or len(cells) + len(following.cells) - 1 > width:
                return None
            pieces.append(following)
            end = pieces[-2].raw[len(pieces[-2].raw.rstrip("\r\n")) :]
            joined = self._put_together(cells, following.cells, end)
            if len(joined) == width and self._is_better(pieces, joined):
                for _ in pieces[1:]:
                    ahead.popleft()
                return Record(joined, "".join(each.raw for each in pieces), f"A line break in {self.fitter.name(len(cells) - 1)} cut this row into {len(pieces)} lines; they were put together.")
            cells = joined
        return None

    def _put_together(self, left: list[str], right: list[str], end: str) -> list[str]:
        """Two pieces of a row: a number or a date that the break cut in two is whole again, a text keeps its break."""
        whole = left[-1] + right[0]
        cell = whole if kind_of(whole) in ("number", "date") or not left[-1] or not right[0] else left[-1] + end + right[0]
        return [*left[:-1], cell, *right[1:]]

    def _is_better(self, pieces: list[Record], joined: list[str]) -> bool:
        """Whether the pieces look much less like rows of the table than what they give together."""
        flat = [cell.replace("\r", "").replace("\n", "") for cell in joined]
        if not self.fitter.belongs(flat):
            return False
        if len(pieces[0].cells) == len(joined):
            return self.fitter.is_at_home(len(joined) - 1, flat[-1]) and not self.fitter.is_at_home(len(joined) - 1, pieces[0].cells[-1])
        if len(pieces[-1].cells) == len(joined):
            return self.fitter.is_at_home(0, flat[0]) and not self.fitter.is_at_home(0, pieces[-1].cells[0])
        apart = sum(self.fitter.cost([*piece.cells, *[NOTHING] * (len(joined) - len(piece.cells))]) for piece in pieces)
        return apart > self.fitter.cost(flat) + SURE


def is_quoted(cell: str, quote: str) -> bool:
    """Whether a cell stands between quotes of one kind."""
    text = cell.strip()
    return len(text) > 1 and text[0] == quote and text[-1] in (quote, CLOSING.get(quote))
