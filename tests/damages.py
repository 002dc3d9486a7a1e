"""Every known way to damage a table that is written as text. A damage gives files, each with the table that should come back."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.clean_tables import Row, Table


class Damaged(NamedTuple):
    """A damaged file, and the table it was."""

    where: str
    content: bytes
    header: Row
    rows: list[Row]


Damage = Callable[[Table], Iterator[Damaged]]
LineChange = Callable[[str, Table], Iterator[tuple[str, str]]]
"""A record's text → where it is damaged, and the damaged text."""


def starts_of_cells(line: str, table: Table) -> list[int]:
    """Where the cells of a record begin, and where the last one ends plus a delimiter."""
    body, quoted, found, place = line.removesuffix(table.end), False, [0], 0
    while place < len(body):
        if table.quote and body[place] == table.quote:
            quoted = not quoted
        elif not quoted and body.startswith(table.delimiter, place):
            place += len(table.delimiter)
            found.append(place)
            continue
        place += 1
    return [*found, len(body) + len(table.delimiter)]


def too_few(line: str, table: Table) -> Iterator[tuple[str, str]]:
    for column, start in enumerate(starts_of_cells(line, table)[1:-1], 1):
        yield f"before column {column + 1}", line[: start - len(table.delimiter)] + line[start:]


def too_many(line: str, table: Table) -> Iterator[tuple[str, str]]:
    starts = starts_of_cells(line, table)
    for column, start in enumerate(starts[:-1]):
        yield f"before column {column + 1}", line[:start] + table.delimiter + line[start:]
    end = starts[-1] - len(table.delimiter)
    yield "at the end", line[:end] + table.delimiter + line[end:]


def two_too_many(line: str, table: Table) -> Iterator[tuple[str, str]]:
    for column, start in enumerate(starts_of_cells(line, table)[:-1]):
        yield f"before column {column + 1}", line[:start] + table.delimiter * 2 + line[start:]


def quote_before(line: str, table: Table) -> Iterator[tuple[str, str]]:
    for column, start in enumerate(starts_of_cells(line, table)[:-1]):
        yield f"before column {column + 1}", line[:start] + table.quote + line[start:]


def quote_after(line: str, table: Table) -> Iterator[tuple[str, str]]:
    for column, start in enumerate(starts_of_cells(line, table)[1:], 1):
        end = start - len(table.delimiter)
        yield f"after column {column}", line[:end] + table.quote + line[end:]


def quote_inside(line: str, table: Table) -> Iterator[tuple[str, str]]:
    starts = starts_of_cells(line, table)
    for column, (start, following) in enumerate(zip(starts, starts[1:], strict=False)):
        middle = (start + following - len(table.delimiter)) // 2
        if middle > start:
            yield f"in column {column + 1}", line[:middle] + table.quote + line[middle:]


def quote_lost(line: str, table: Table) -> Iterator[tuple[str, str]]:
    """One of a quoted cell's own quotes is gone."""
    for place, mark in enumerate(line):
        if mark == table.quote:
            yield f"at {place}", line[:place] + line[place + 1 :]


def zero_bytes(line: str, table: Table) -> Iterator[tuple[str, str]]:
    for column, start in enumerate(starts_of_cells(line, table)[:-1]):
        yield f"in column {column + 1}", line[: start + 1] + "\0" + line[start + 1 :]


def other_quotes(line: str, table: Table) -> Iterator[tuple[str, str]]:
    if table.quote == '"' and '"' in line and "'" not in line and '""' not in line:
        yield "'", line.replace('"', "'")


def backslashes(line: str, table: Table) -> Iterator[tuple[str, str]]:
    row = next((row for row in table.rows if table.line(row) == line and any(table.quote in cell for cell in row)), None)
    if row:
        yield "\\", table._replace(escape="\\").line(row)


def spaced(line: str, table: Table) -> Iterator[tuple[str, str]]:
    """A space after every delimiter."""
    starts = starts_of_cells(line, table)
    yield "everywhere", " ".join(line[begin:end] for begin, end in zip([0, *starts[1:-1]], [*starts[1:-1], None], strict=True))


ROW_DAMAGES: dict[str, LineChange] = {
    "delimiter too few": too_few, "delimiter too many": too_many, "two delimiters too many": two_too_many, "quote before a cell": quote_before, "quote after a cell": quote_after, "quote inside a cell": quote_inside,
    "one quote lost": quote_lost, "zero byte": zero_bytes, "other quotes in a row": other_quotes, "backslashes in a row": backslashes, "spaces in a row": spaced,
}
FOREIGN = (",", ";", "\t", "|", ":", " ", ", ", "^", "~", "#")
QUOTING = ("quote before a cell", "quote after a cell", "quote inside a cell", "one quote lost", "other quotes in a row")


def without_quotes(rows: list[Row], quote: str) -> list[Row]:
    return [[cell.replace(quote, "") for cell in row] for row in rows]


def in_rows(change: LineChange, *, header: bool = False) -> Damage:
    """One record damaged, each in turn and in every place."""
    def damage(table: Table) -> Iterator[Damaged]:
        lines = table.lines
        for number in [0] if header else range(1, len(lines)):
            for where, text in change(lines[number], table):
                content = "".join([*lines[:number], text, *lines[number + 1 :]])
                yield Damaged(f"row {number + 1}, {where}", content.encode(), table.header, table.rows)
    return damage


def other_delimiter(*, header: bool = False) -> Damage:
    def damage(table: Table) -> Iterator[Damaged]:
        lines, rows = table.lines, [table.header, *table.rows]
        for number in [0] if header else range(1, len(lines)):
            for delimiter in FOREIGN if len(table.header) > 1 else ():
                if delimiter != table.delimiter:
                    text = table._replace(delimiter=delimiter).line(rows[number])
                    yield Damaged(f"row {number + 1}, {delimiter!r}", "".join([*lines[:number], text, *lines[number + 1 :]]).encode(), table.header, table.rows)
    return damage


def broken_lines(table: Table) -> Iterator[Damaged]:
    """A line break that isn't quoted, inside a cell."""
    lines = table.lines
    for number, row in enumerate(table.rows, 1):
        starts = starts_of_cells(lines[number], table)
        for column, cell in enumerate(row):
            if len(cell) > 3 and table.cell(cell) == cell and len(row) > 1:
                half = len(cell) // 2
                place = starts[column] + half
                text = lines[number][:place] + table.end + lines[number][place:]
                right = [*row[:column], cell[:half] + table.end + cell[half:], *row[column + 1 :]]
                yield Damaged(f"row {number + 1}, column {column + 1}", "".join([*lines[:number], text, *lines[number + 1 :]]).encode(), table.header, [*table.rows[: number - 1], right, *table.rows[number:]])


def other_end(table: Table) -> Iterator[Damaged]:
    lines = table.lines
    for number, line in enumerate(lines):
        for end in ("\r\n", "\n", "\r"):
            if end != table.end:
                yield Damaged(f"row {number + 1}, {end!r}", "".join([*lines[:number], line.removesuffix(table.end) + end, *lines[number + 1 :]]).encode(), table.header, table.rows)


def mixed_ends(table: Table) -> Iterator[Damaged]:
    for marks in (("\n", "\r\n"), ("\r", "\n"), ("\r\n", "\r", "\n")):
        yield Damaged(repr(marks), "".join(line.removesuffix(table.end) + marks[index % len(marks)] for index, line in enumerate(table.lines)).encode(), table.header, table.rows)


def fewer_cells(table: Table) -> Iterator[Damaged]:
    """A row that ends early: the cells that are left are right, and the others are empty."""
    lines = table.lines
    for number in range(len(table.rows)):
        for count in range(1, len(table.header)):
            row = table.rows[number][:count]
            rows = [*table.rows[:number], [*row, *[""] * (len(table.header) - count)], *table.rows[number + 1 :]]
            yield Damaged(f"row {number + 2}, {count} cells", "".join([*lines[: number + 1], table.line(row), *lines[number + 2 :]]).encode(), table.header, rows)


def more_cells(table: Table) -> Iterator[Damaged]:
    lines = table.lines
    for number, row in enumerate(table.rows):
        for surplus in (1, 3, 6):
            yield Damaged(f"row {number + 2}, {surplus} more", "".join([*lines[: number + 1], table.line([*row, *[""] * surplus]), *lines[number + 2 :]]).encode(), table.header, table.rows)


def cut_off(table: Table) -> Iterator[Damaged]:
    """The file ends in the midst of its last record."""
    last = table.lines[-1]
    for keep in range(1, len(last)):
        yield Damaged(f"after {keep} characters", table.text[: len(table.text) - len(last) + keep].encode(), table.header, table.rows)


def blank_lines(table: Table) -> Iterator[Damaged]:
    lines = table.lines
    for blank in (table.end, f"  {table.end}", table.delimiter * (len(table.header) - 1) + table.end):
        for number in range(len(lines) + 1):
            yield Damaged(f"before row {number + 1}", "".join([*lines[:number], blank, *lines[number:]]).encode(), table.header, table.rows)
        yield Damaged("everywhere", blank.join(lines).encode(), table.header, table.rows)


def repeated_header(table: Table) -> Iterator[Damaged]:
    lines = table.lines
    for number in range(2, len(lines)):
        yield Damaged(f"before row {number + 1}", "".join([*lines[:number], lines[0], *lines[number:]]).encode(), table.header, table.rows)


def ends(table: Table) -> Iterator[Damaged]:
    for tail in ("", table.end * 2, table.end * 5, table.end + "\x1a"):
        yield Damaged(repr(tail), (table.text.removesuffix(table.end) + tail).encode(), table.header, table.rows)


def _of_width(table: Table, text: str, *, delimited: bool) -> str:
    return table.line([text, *[""] * (len(table.header) - 1)] if delimited else [text])


TITLES = (("Report",), ("Usage of November", "made on 2025-12-01 by hand", "all numbers as they are"), ("Customer: Acme, Inc.", "Period: 2025-11"), ("# version 2", "# of the export"))
NOTES = (("Source: metering",), ("* estimated", "** not yet billed", "as of 2025-12-01"), ("This list, like all others, is confidential.",))


def preambles(table: Table) -> Iterator[Damaged]:
    for texts in TITLES:
        for delimited in (False, True):
            for gap in ("", table.end):
                above = "".join(_of_width(table, text, delimited=delimited) for text in texts) + gap
                yield Damaged(f"{len(texts)} lines, delimited {delimited}, gap {bool(gap)}: {texts[0]}", (above + table.text).encode(), table.header, table.rows)


def footnotes(table: Table) -> Iterator[Damaged]:
    for texts in NOTES:
        for delimited in (False, True):
            for gap in ("", table.end):
                below = gap + "".join(_of_width(table, text, delimited=delimited) for text in texts)
                yield Damaged(f"{len(texts)} lines, delimited {delimited}, gap {bool(gap)}: {texts[0]}", (table.text + below).encode(), table.header, table.rows)


def field_delimiters(table: Table) -> Iterator[Damaged]:
    for delimiter in (",", ";", "\t", "|", ":", " ", "^", "~", "#", "\x01", "\x1f", "\x02", "\x1e", ", ", "; ", "||", "::", "~|~", "|~|", "\t\t", " | ", "¦", "§"):
        yield Damaged(repr(delimiter), table._replace(delimiter=delimiter).text.encode(), table.header, table.rows)
        if len(delimiter) == 1 and delimiter > " ":
            yield Damaged(f"sep={delimiter}", (f"sep={delimiter}" + table.end + table._replace(delimiter=delimiter).text).encode(), table.header, table.rows)


def quoting(table: Table) -> Iterator[Damaged]:
    """Other quotes, escapes and line ends all through the file."""
    for quote in ('"', "'"):
        for escape in (None, "\\", "\0"):
            for end in ("\r\n", "\n", "\r"):
                for quote_all in (False, True):
                    changed = table._replace(quote=quote, escape=escape, end=end, quote_all=quote_all)
                    rows = [[cell.replace("\r\n", end) for cell in row] for row in table.rows]
                    yield Damaged(f"{quote} {escape!r} {end!r} all {quote_all}", changed._replace(rows=rows).text.encode(), table.header, rows)


def not_doubled(table: Table) -> Iterator[Damaged]:
    yield Damaged("everywhere", table._replace(escape="").text.encode(), table.header, table.rows)


def encodings(table: Table) -> Iterator[Damaged]:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp1252", "mac_roman", "cp850"):
        yield Damaged(encoding, table.text.encode(encoding), table.header, table.rows)


def without_header(table: Table) -> Iterator[Damaged]:
    yield Damaged("all rows", table.text.removeprefix(table.lines[0]).encode(), [f"column_{number}" for number in range(1, len(table.header) + 1)], table.rows)


def two_headers(table: Table) -> Iterator[Damaged]:
    if len(table.header) < 4:
        return
    groups = ["" if number % 3 else f"group {number // 3 + 1}" for number in range(len(table.header))]
    below = [f"{cell} part {number}" for number, cell in enumerate(table.header)]
    yield Damaged("groups above", (table.line(groups) + table.text).encode(), [f"{group} {name}".strip() for group, name in zip(groups, table.header, strict=True)], table.rows)
    yield Damaged("two full rows", (table.line(table.header) + table.line(below) + "".join(table.lines[1:])).encode(), [f"{first} {second}" for first, second in zip(table.header, below, strict=True)], table.rows)


def second_tables(table: Table) -> Iterator[Damaged]:
    for count in (-2, 0, 2):
        width = len(table.header) + count
        if width < 2 or len(table.header) < 2:
            continue
        second = [[f"other {number}" for number in range(width)], *[[f"{place * 3 + number}" for number in range(width)] for place in range(5)]]
        for gap in (table.end, table.end * 2):
            yield Damaged(f"{width} columns, gap of {len(gap)}", (table.text + gap + "".join(map(table.line, second))).encode(), table.header, table.rows)


def ragged_everywhere(table: Table) -> Iterator[Damaged]:
    """A delimiter at the end of every row, of every row but the header; none where the last cells are empty."""
    lines = [line.removesuffix(table.end) for line in table.lines]
    yield Damaged("at the end of all", "".join(f"{line}{table.delimiter}{table.end}" for line in lines).encode(), table.header, table.rows)
    if len(table.header) > 1:
        yield Damaged("at the end of the rows", "".join(f"{line}{table.delimiter if index else ''}{table.end}" for index, line in enumerate(lines)).encode(), table.header, table.rows)
        yield Damaged("none at the end", "".join(line.rstrip(table.delimiter) + table.end for line in lines).encode(), table.header, table.rows)


def header_cells(table: Table) -> Iterator[Damaged]:
    for column in range(len(table.header) if len(table.header) > 1 else 0):
        for name, expected in (("", f"column_{column + 1}"), ("A/%B $", "A/%B $"), ("2025", "2025"), ("long " * 30, ("long " * 30).strip())):
            header, right = list(table.header), list(table.header)
            header[column], right[column] = name, expected
            yield Damaged(f"column {column + 1} {name[:10]!r}", table._replace(header=header).text.encode(), right, table.rows)


FILE_DAMAGES: dict[str, Damage] = {
    "other delimiter in a row": other_delimiter(), "line break in a cell": broken_lines, "another line end in a row": other_end, "mixed line ends": mixed_ends, "fewer cells": fewer_cells, "more cells": more_cells, "cut off": cut_off, "blank lines": blank_lines,
    "repeated header": repeated_header, "end of file": ends, "lines above": preambles, "notes below": footnotes, "field delimiters": field_delimiters, "quotes, escapes, line ends": quoting, "quotes not doubled": not_doubled,
    "encodings": encodings, "no header": without_header, "two header rows": two_headers, "second table": second_tables, "delimiters at line ends": ragged_everywhere, "names in the header": header_cells,
    "header: other delimiter": other_delimiter(header=True),
}
DAMAGES: dict[str, Damage] = {
    **{kind: in_rows(change) for kind, change in ROW_DAMAGES.items()}, **FILE_DAMAGES,
    **{f"header: {kind}": in_rows(ROW_DAMAGES[kind], header=True) for kind in ("delimiter too few", "delimiter too many", "quote before a cell", "quote after a cell")},
}
"""Kind → the files that it gives for a table."""
