"""What exports, editors, mailers, pasting and round trips through a spreadsheet do to a table that is written as text."""

import re
from collections.abc import Callable, Iterator

from tests.clean_tables import Row, Table
from tests.damages import Damaged

Damage = Callable[[Table], Iterator[Damaged]]
PAGES = ("Page 1 of 3", "- 2 -", "\x0c")
ENDINGS = ("(84 rows affected)", "84 rows selected.", "Elapsed: 00:00:01.20", "--- end ---", "Sent from my phone")
MAIL_WIDTH = 76
NARROW = 3
"""Below so many columns a table gives too little to hold on to for some of these."""


def _file(where: str, content: str | bytes, table: Table, header: Row | None = None, rows: list[Row] | None = None) -> Damaged:
    return Damaged(where, content if isinstance(content, bytes) else content.encode(), table.header if header is None else header, table.rows if rows is None else rows)


def _each_line(table: Table, change: Callable[[str], str]) -> str:
    return "".join(change(line.removesuffix(table.end)) + table.end for line in table.lines)


def _is_flat(table: Table) -> bool:
    """Whether no cell holds a line break."""
    return not any("\n" in cell for row in table.rows for cell in row)


def marks_of_joined_files(table: Table) -> Iterator[Damaged]:
    """Files put one behind the other, each with the mark at its beginning."""
    if len(table.header) >= NARROW:
        yield _file("header again", "\ufeff" + table.text + "\ufeff" + table.text, table, rows=table.rows * 2)
        yield _file("rows only", "\ufeff" + table.text + "\ufeff" + "".join(table.lines[1:]), table, rows=table.rows * 2)


def delimiters_at_some_ends(table: Table) -> Iterator[Damaged]:
    for every in (2, 3, 7) if len(table.header) > 1 else ():
        yield _file(f"every {every}", "".join(line.removesuffix(table.end) + table.delimiter * (number % every == 0) + table.end for number, line in enumerate(table.lines)), table)


def delimiters_around(table: Table) -> Iterator[Damaged]:
    if len(table.header) > 1:
        yield _file("before all", _each_line(table, lambda line: table.delimiter + line), table)
        yield _file("before and after all", _each_line(table, lambda line: table.delimiter + line + table.delimiter), table)
        yield _file("bars", _each_line(table._replace(delimiter="|"), lambda line: f"|{line}|"), table)


def tabs_in_cells(table: Table) -> Iterator[Damaged]:
    for number, row in list(enumerate(table.rows))[::9]:
        for column, cell in enumerate(row):
            if " " in cell and table.delimiter != "\t":
                right = [*table.rows[:number], [*row[:column], cell.replace(" ", "\t", 1), *row[column + 1 :]], *table.rows[number + 1 :]]
                yield _file(f"row {number + 2}, column {column + 1}", table._replace(rows=right).text, table, rows=right)


def curly_quotes(table: Table) -> Iterator[Damaged]:
    def curled(line: str) -> str:
        return re.sub(r'"((?:[^"]|"")*)"', "“\\1”", line)

    lines = table.lines
    if len(table.header) < NARROW or not _is_flat(table):
        return
    if '"' in table.text and '""' not in table.text:
        yield _file("everywhere", curled(table.text), table)
    for number, line in enumerate(lines):
        if '"' in line and '""' not in line:
            yield _file(f"row {number + 1}", "".join([*lines[:number], curled(line), *lines[number + 1 :]]), table)


def hard_spaces(table: Table) -> Iterator[Damaged]:
    """Spaces that don't break, in cells, in blank lines and at the ends of lines."""
    rows = [[cell.replace(" ", "\u00a0") for cell in row] for row in table.rows]
    yield _file("in cells", table._replace(rows=rows).text, table, rows=rows)
    yield _file("blank lines", table.lines[0] + f"\u00a0{table.end}".join(table.lines[1:]), table)
    yield _file("in names", table._replace(header=[name.replace(" ", "\u00a0") for name in table.header]).text, table)
    yield _file("zero width", table._replace(header=[f"\u200b{table.header[0]}", *table.header[1:]]).text, table)


def entities(table: Table) -> Iterator[Damaged]:
    rows = [[cell.replace("&", "&amp;").replace("'", "&#39;") for cell in row] for row in table.rows]
    if rows != table.rows and len(table.header) >= NARROW:
        yield _file("quoted", table._replace(rows=rows).text, table, rows=rows)
        yield _file("not quoted", table.text.replace("&", "&amp;").replace("'", "&#39;"), table, rows=rows)


def comments_between(table: Table) -> Iterator[Damaged]:
    lines = table.lines
    for mark in ("# ", "// ", "-- ", "% ") if len(table.header) > 1 else ():
        yield _file(f"{mark} above", f"{mark}made by hand{table.end}" + table.text, table)
        yield _file(f"{mark} some", "".join(line + f"{mark}checked by Ann{table.end}" * (number % 20 == 7) for number, line in enumerate(lines)), table)


def wrapped_by_mail(table: Table) -> Iterator[Damaged]:
    """Lines broken at the last space before the width of a mail."""
    if len(table.header) < NARROW or not _is_flat(table) or max(map(len, table.lines)) <= MAIL_WIDTH:
        return
    place = {number: line.rfind(" ", 0, MAIL_WIDTH) for number, line in enumerate(table.lines) if len(line) > MAIL_WIDTH}
    text = "".join(line if place.get(number, -1) < 0 else line[: place[number]] + table.end + line[place[number] + 1 :] for number, line in enumerate(table.lines))
    yield _file("at 76", text, table)


def in_a_mail(table: Table) -> Iterator[Damaged]:
    if len(table.header) > 1 and _is_flat(table):
        yield _file("quoted", _each_line(table, lambda line: f"> {line}"), table)
        for indent in ("  ", "    "):
            yield _file(f"indented by {len(indent)}", _each_line(table, lambda line, indent=indent: indent + line), table)
        yield _file("with words", f"Hi Ann,{table.end}here is the list:{table.end}{table.end}" + table.text + f"{table.end}Best regards{table.end}Ben{table.end}", table)


def broken_letters(table: Table) -> Iterator[Damaged]:
    """A row in another encoding, a letter cut in two at the end of the file."""
    lines = table.lines
    odd = [number for number, line in enumerate(lines) if not line.isascii()]
    for number in odd[1::5] if len(odd) > NARROW else ():
        yield _file(f"row {number + 1}", b"".join(line.encode("cp1252" if place == number else "utf-8") for place, line in enumerate(lines)), table)
    if odd:
        last = [*table.rows[-1][:-1], table.rows[-1][-1] + "é"]
        content = table._replace(rows=[*table.rows[:-1], last]).text.removesuffix(table.end).encode()
        yield _file("at the end", content[: content.rindex("é".encode()) + 1], table, rows=[*table.rows[:-1], last])


def through_a_spreadsheet(table: Table) -> Iterator[Damaged]:
    """A file opened with another list separator and saved: every line one cell, with empty ones behind it."""
    if len(table.header) < NARROW or not _is_flat(table):
        return
    other = ";" if table.delimiter == "," else ","
    if other not in table.text:
        yield _file("empty cells behind", _each_line(table, lambda line: line + other * 4), table)
        yield _file("in quotes, empty cells behind", _each_line(table, lambda line: '"' + line.replace('"', '""') + '"' + other * 4), table)


def doubled_returns(table: Table) -> Iterator[Damaged]:
    if _is_flat(table):
        yield _file("CR CR LF", table._replace(end="\r\r\n").text, table)


def pages(table: Table) -> Iterator[Damaged]:
    """A printed list: what stands on every page, and the header again."""
    lines = table.lines
    for mark in PAGES if len(table.header) > 1 and len(lines) > 20 else ():
        yield _file(repr(mark), "".join(line + (mark + table.end + lines[0]) * (number in (10, 20)) for number, line in enumerate(lines)), table)


def last_words(table: Table) -> Iterator[Damaged]:
    for words in ENDINGS if len(table.header) > 1 else ():
        for gap in ("", table.end):
            yield _file(f"{words}, gap {bool(gap)}", table.text + gap + words + table.end, table)


def names_over_two_lines(table: Table) -> Iterator[Damaged]:
    if len(table.header) >= NARROW:
        yield _file("first", table._replace(header=[f"the{table.end}{table.header[0]}", *table.header[1:]]).text, table, [f"the {table.header[0]}", *table.header[1:]])
        yield _file("quoted names", table._replace(quote_all=True).lines[0] + "".join(table.lines[1:]), table)


def wide_marks(table: Table) -> Iterator[Damaged]:
    """A row typed with the marks of Chinese and Japanese keyboards."""
    lines = table.lines
    for number in range(3, len(lines), 11) if len(table.header) > 1 else ():
        if table.quote not in lines[number]:
            yield _file(f"row {number + 1}", "".join([*lines[:number], lines[number].replace(table.delimiter, "，" if table.delimiter == "," else "；"), *lines[number + 1 :]]), table)


def tables_put_together(table: Table) -> Iterator[Damaged]:
    """The header where sorting put it; a second file behind the first, its header in capitals. Where rows can't be right, they have to be told."""
    lines = table.lines
    if len(table.header) >= NARROW:
        yield _file("header in capitals", table.text + table._replace(header=[name.upper() for name in table.header]).lines[0] + "".join(lines[1:]), table, rows=table.rows * 2)


EXPORT_DAMAGES: dict[str, Damage] = {
    "marks of joined files": marks_of_joined_files, "delimiters at some ends": delimiters_at_some_ends, "delimiters around rows": delimiters_around, "tabs in cells": tabs_in_cells, "curly quotes": curly_quotes,
    "hard spaces": hard_spaces, "entities": entities, "comments between": comments_between, "wrapped by a mailer": wrapped_by_mail, "in a mail": in_a_mail, "broken letters": broken_letters,
    "through a spreadsheet": through_a_spreadsheet, "doubled returns": doubled_returns, "pages": pages, "last words": last_words, "names over two lines": names_over_two_lines, "wide marks in a row": wide_marks, "tables put together": tables_put_together,
}
