"""One line, or the few that a quoted cell runs over → the cells of a record, by a way to cut. One bad quote never costs another row."""

import re
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ingest.read.limits import JOINED_WHEN_TIRED, MAX_JOINED_LINES, MAX_LENIENT_CHARS, MAX_MENDED_LINES, MAX_QUOTES_TRIED, MAX_RECORD_CHARS

RUNS = "spaces"
"""The delimiter that is any number of spaces."""
FIXED = "fixed width"
"""The delimiter of a text whose cells stand at fixed places."""
ESCAPES_ALL = ("\\", "\0")
"""Escapes that may stand before a delimiter and themselves as well; any other stands before quotes only."""
HELD = "\ue000"
"""Stands for a quote that is read as an ordinary character."""
CLOSED_LATER = "A quote inside a quoted cell wasn't doubled; the cell was read up to the quote that ends it."
ORDINARY = "A quote that is never closed, or stands inside a cell, was read as an ordinary character."


class Dialect(NamedTuple):
    """How cells stand in a line. No delimiter: one column; no quote: quotes are ordinary characters; `starts`: where cells of fixed width begin; `wrapped`: what rows stand in as a whole, a quote or a bar."""

    delimiter: str | None = ","
    quote: str | None = '"'
    escape: str | None = None
    starts: tuple[int, ...] = ()
    wrapped: str = ""


class Record(NamedTuple):
    """One record: its cells, its text with the line end, and what had to be repaired."""

    cells: list[str]
    raw: str
    repair: str = ""


class _Cut(NamedTuple):
    cells: list[str]
    state: str
    """`whole`; `open`: the last cell's quote isn't closed; `stray`: a quote stands where none may."""


class _Joined(NamedTuple):
    cells: list[str]
    lines: list[str]


class Cutter:
    def __init__(self, dialect: Dialect, width: int | None, effort: int) -> None:
        self.delimiter, self.quote, self.escape, self.width = dialect.delimiter, dialect.quote, dialect.escape, width
        self.places = [*pairwise((0, *dialect.starts[1:], None))] if dialect.starts else []
        self.runs = self.delimiter == RUNS
        self.effort = effort
        self.between = re.compile(" +" if self.runs else re.escape(self.delimiter or "\n"))
        self._compile(re.escape(dialect.quote) if dialect.quote else None, re.escape(dialect.escape) if dialect.escape else None)

    def _compile(self, q: str | None, e: str | None) -> None:
        end = rf"(?={self.between.pattern}|\Z)" if self.delimiter else r"\Z"
        bare = (self.delimiter or "").strip()
        space = "" if self.runs or not bare and self.delimiter == " " else " *" if not bare and self.delimiter else "[ \t]*"
        never = re.compile("(?!)")
        before = "." if self.escape in ESCAPES_ALL else q
        inside = rf"(?:[^{q}{e}]+|{q}{q}|{e}{before}?)*+" if e else rf"(?:[^{q}]+|{q}{q})*+"
        self.opening = re.compile(rf"{space}{q}") if q else never
        self.body = re.compile(inside, re.DOTALL) if q else never
        self.closed = re.compile(rf"{space}{q}({inside}){q}{space}{end}", re.DOTALL) if q else never
        self.lenient = re.compile(rf"{space}{q}([^\r\n]*?){q}{space}{end}") if q else never
        escapable = f"{e}{q or ''}{re.escape((self.delimiter or ' ')[0])}" if self.escape in ESCAPES_ALL else q
        self.escaped = re.compile(rf"{e}([{escapable}])") if e else never
        self.plain_escaped = re.compile(rf"(?:{e}{before}|(?!{self.between.pattern}).)*", re.DOTALL) if e else never

    def record(self, line: str, source: Iterator[str], ahead: deque[str]) -> Record:
        if (self.quote is None or self.quote not in line) and (self.escape is None or self.escape not in line):
            return Record(self.plain(line), line)
        return self.quoted(line, source, ahead)

    def plain(self, line: str) -> list[str]:
        text = line.rstrip("\r\n")
        if self.places:
            return [text[begin:end].strip() for begin, end in self.places]
        if self.runs:
            return self.between.split(text.strip(" "))
        return text.split(self.delimiter) if self.delimiter else [text]

    def quoted(self, line: str, source: Iterator[str], ahead: deque[str]) -> Record:
        """The record that begins with this line, which holds a quote: more lines are taken while a quoted cell goes on."""
        if self.places:
            return Record(self.plain(line), line)
        cut = self.cut(line)
        if cut.state == "whole":
            return Record(cut.cells, line)
        found = self.joined(line, source, ahead) if cut.state == "open" else None
        if found:
            return Record(found.cells, "".join(found.lines))
        mended = self._mended(line, source, ahead)
        if mended and (mended.repair == CLOSED_LATER or sum(cell.count(self.quote) for cell in mended.cells) < 2 or len(mended.raw) > len(line)):
            return mended
        return self._loosely_joined(line, cut, source, ahead) or mended or Record(self.plain(line), line, ORDINARY)

    def cut(self, line: str) -> _Cut:
        """Cells of a text that may run over several lines."""
        text, cells, place = line.rstrip("\r\n"), [], 0
        if self.runs:
            text = text.strip(" ")
        while True:
            if match := self.closed.match(text, place):
                cells.append(self._unquoted(match[1]))
                place = match.end()
            elif match := self.opening.match(text, place):
                return _Cut(cells, "open" if self.body.match(text, match.end()).end() == len(text) else "stray")
            else:
                place = self._append_plain(text, place, cells)
            if place >= len(text):
                return _Cut(cells, "whole")
            place = self._over_delimiter(text, place)
            if place >= len(text):
                return _Cut([*cells, ""], "whole")

    def _unquoted(self, text: str) -> str:
        text = text.replace(self.quote * 2, self.quote)
        return self.escaped.sub(r"\1", text) if self.escape else text

    def _append_plain(self, text: str, place: int, cells: list[str]) -> int:
        if self.escape:
            end = self.plain_escaped.match(text, place).end()
            cells.append(self.escaped.sub(r"\1", text[place:end]))
            return end
        if self.runs:
            end = text.find(" ", place)
        else:
            end = text.find(self.delimiter, place) if self.delimiter else -1
        end = len(text) if end < 0 else end
        cells.append(text[place:end])
        return end

    def joined(self, line: str, source: Iterator[str], ahead: deque[str], *, exact: bool = False) -> "_Joined | None":
        """The cells of a record over several lines, or None; then the lines that were looked at are put back."""
        taken, size, quotes = [line], len(line), line.count(self.quote)
        most = MAX_JOINED_LINES if self.effort > 0 else JOINED_WHEN_TIRED
        while len(taken) <= most and size < MAX_RECORD_CHARS and (self.effort > 0 or len(taken) <= JOINED_WHEN_TIRED):
            following = ahead.popleft() if ahead else next(source, None)
            if following is None:
                break
            taken.append(following)
            size += len(following)
            quotes += following.count(self.quote)
            if self.quote not in following or (quotes % 2 and not self.escape):
                continue
            cut = self.cut("".join(taken))
            if cut.state == "whole" and (len(cut.cells) == self.width or (not exact and self._has_only_empty_ones_more(cut.cells))):
                return _Joined(cut.cells, taken)
            self.effort -= size
            if cut.state != "open":
                break
        ahead.extendleft(reversed(taken[1:]))
        return None

    def _has_only_empty_ones_more(self, cells: list[str]) -> bool:
        return self.width is None or (len(cells) > self.width and not any(map(str.strip, cells[self.width :])))

    def _loosely_joined(self, line: str, cut: _Cut, source: Iterator[str], ahead: deque[str]) -> Record | None:
        """A record over a few lines with a cell too many or too few, where its first line alone makes even less sense."""
        if cut.state != "open" or self.width is None or self.effort <= 0:
            return None
        taken = [line]
        while len(taken) <= MAX_MENDED_LINES and (following := ahead.popleft() if ahead else next(source, None)) is not None:
            taken.append(following)
            self.effort -= sum(map(len, taken))
            cut = self.cut("".join(taken)) if self.quote in following else cut
            if cut.state == "whole" and self.quote in following and abs(len(cut.cells) - self.width) == 1 and not any(self._is_regular(each) for each in taken[1:]):
                return Record(cut.cells, "".join(taken))
            if cut.state != "open":
                break
        ahead.extendleft(reversed(taken[1:]))
        return None

    def _mended(self, line: str, source: Iterator[str], ahead: deque[str]) -> Record | None:
        """A record whose quotes don't fit, in the reading that has the table's width and the fewest quotes left in its cells."""
        plain = self.plain(line)
        if len(line) > MAX_LENIENT_CHARS:
            return None
        width = self.width or len(plain)
        work = len(line) * line.count(self.quote)
        lenient = self._lenient(line) if work <= max(self.effort, MAX_LENIENT_CHARS) else plain
        careful = self.width is not None and self.effort > 0
        self.effort -= min(work, len(line) * MAX_QUOTES_TRIED)
        more = self._up_to_next_quote(line, source, ahead) if careful else []
        readings = [(reading, ORDINARY) for reading in self._with_one_held_below(line, more)] if more else []
        readings += [(_Joined(lenient, [line]), CLOSED_LATER)] if lenient != plain else []
        readings += [(reading, ORDINARY) for reading in self._with_one_held(line, source, ahead)] if careful else []
        readings.append((_Joined(plain, [line]), ORDINARY))
        fitting = [reading for reading in readings if len(reading[0].cells) == width]
        if not fitting:
            return None
        best, repair = min(fitting, key=lambda reading: sum(cell.count(self.quote) for cell in reading[0].cells))
        for _ in best.lines[1:]:
            ahead.popleft()
        return Record(best.cells, "".join(best.lines), repair)

    def _with_one_held(self, line: str, source: Iterator[str], ahead: deque[str]) -> Iterator["_Joined"]:
        """Readings in which one of the quotes is an ordinary character; lines after this one are put back."""
        places = [place for place, mark in enumerate(line) if mark == self.quote][:MAX_QUOTES_TRIED]
        for place in places:
            held = line[:place] + HELD + line[place + 1 :]
            cut = self.cut(held)
            if cut.state == "whole":
                yield _Joined(self._released(cut.cells), [line])
            elif cut.state == "open" and self.effort > 0 and (found := self.joined(held, source, ahead, exact=True)):
                ahead.extendleft(reversed(found.lines[1:]))
                yield _Joined(self._released(found.cells), [line, *found.lines[1:]])

    def _up_to_next_quote(self, line: str, source: Iterator[str], ahead: deque[str]) -> list[str]:
        """The next lines up to one with a quote, when this line leaves a quoted cell open; they are put back as well."""
        if self.cut(line).state != "open":
            return []
        taken: list[str] = []
        while len(taken) < MAX_MENDED_LINES and (following := ahead.popleft() if ahead else next(source, None)) is not None:
            taken.append(following)
            if self.quote in following:
                break
        ahead.extendleft(reversed(taken))
        return taken if taken and self.quote in taken[-1] and not any(self._is_regular(each) for each in taken) else []

    def _is_regular(self, line: str) -> bool:
        """Whether a line is a row of its own."""
        cut = self.cut(line)
        return len(self.plain(line)) == self.width or (cut.state == "whole" and len(cut.cells) == self.width)

    def _with_one_held_below(self, line: str, more: list[str]) -> Iterator["_Joined"]:
        """Readings over several lines in which one of the quotes of the last line is an ordinary character."""
        before, last = line + "".join(more[:-1]), more[-1]
        self.effort -= (len(before) + len(last)) * min(last.count(self.quote), MAX_QUOTES_TRIED)
        for place in [place for place, mark in enumerate(last) if mark == self.quote][:MAX_QUOTES_TRIED]:
            cut = self.cut(before + last[:place] + HELD + last[place + 1 :])
            if cut.state == "whole":
                yield _Joined(self._released(cut.cells), [line, *more])

    def _released(self, cells: list[str]) -> list[str]:
        return [cell.replace(HELD, self.quote) for cell in cells]

    def _lenient(self, line: str) -> list[str]:
        text, cells, place = line.rstrip("\r\n"), [], 0
        while place <= len(text):
            if match := self.lenient.match(text, place):
                cells.append(self._unquoted(match[1]))
                place = match.end()
            else:
                place = self._append_plain(text, place, cells)
            place = max(self._over_delimiter(text, place), place + 1)
        return cells

    def _over_delimiter(self, text: str, place: int) -> int:
        if self.runs:
            return self.between.match(text, place).end() if place < len(text) else place
        return place + len(self.delimiter or "")
