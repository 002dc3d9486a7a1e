"""More ways to damage a whole table that is written as text: marks of all kinds for delimiters, quotes, escapes and line ends; headers, beginnings and ends of other kinds."""

from collections.abc import Callable, Iterator

from tests.clean_tables import Row, Table
from tests.damages import DAMAGES, Damaged, starts_of_cells
from tests.export_damages import EXPORT_DAMAGES

Damage = Callable[[Table], Iterator[Damaged]]
DELIMITERS = (",,", ";;", ",\t", "\t ", "##", "^^", "^|^", "@", "!", "¬", "%%", "$", "&", "*", "->", "=>", ":-:", "--")
ROW_DELIMITERS = (";;", ",,", "||", " | ", "; ", "::", "~|~", "@", "!", "/", "=", "*", "\x01", "\x1f")
QUOTES = "`´|~^$*#@!&%"
ESCAPES = ("^", "/", "~", "|", "$", "%")
LINE_ENDS = ("\x1e", "\x0b", "\x0c", "\x85", "\u2028", "\r\r", "\n\n")


def _file(where: str, text: str, table: Table, header: Row | None = None, rows: list[Row] | None = None) -> Damaged:
    return Damaged(where, text.encode(), table.header if header is None else header, table.rows if rows is None else rows)


def _with_row(lines: list[str], number: int, text: str) -> str:
    return "".join([*lines[:number], text, *lines[number + 1 :]])


def odd_delimiters(table: Table) -> Iterator[Damaged]:
    for delimiter in DELIMITERS if len(table.header) > 2 else ():
        yield _file(repr(delimiter), table._replace(delimiter=delimiter).text, table)


def odd_delimiter_in_a_row(table: Table) -> Iterator[Damaged]:
    lines = table.lines
    for number, row in enumerate([table.header, *table.rows] if len(table.header) > 2 else ()):
        delimiter = ROW_DELIMITERS[number % len(ROW_DELIMITERS)]
        yield _file(f"row {number + 1}, {delimiter!r}", _with_row(lines, number, table._replace(delimiter=delimiter).line(row)), table)


def other_delimiter_at_one_place(table: Table) -> Iterator[Damaged]:
    lines = table.lines
    for number, line in list(enumerate(lines))[1::5]:
        for column, start in enumerate(starts_of_cells(line, table)[1:-1], 1):
            for mark in {";", "|", "\t"} - {table.delimiter}:
                yield _file(f"row {number + 1}, before column {column + 1}, {mark!r}", _with_row(lines, number, line[: start - len(table.delimiter)] + mark + line[start:]), table)


def odd_quotes(table: Table) -> Iterator[Damaged]:
    for quote in QUOTES if len(table.header) > 2 else ():
        for every in (False, True):
            yield _file(f"{quote}, all {every}", table._replace(quote=quote, quote_all=every).text, table)


def odd_quotes_in_a_row(table: Table) -> Iterator[Damaged]:
    lines = table.lines
    for number, row in enumerate([table.header, *table.rows] if len(table.header) > 2 else ()):
        quote = "`|$~"[number % 4]
        yield _file(f"row {number + 1}, {quote}", _with_row(lines, number, table._replace(quote=quote, quote_all=True).line(row)), table)


def odd_escapes(table: Table) -> Iterator[Damaged]:
    for escape in ESCAPES:
        yield _file(escape, table._replace(escape=escape).text, table)


def odd_line_ends(table: Table) -> Iterator[Damaged]:
    for end in LINE_ENDS if len(table.header) > 1 else ():
        yield _file(repr(end), table._replace(end=end).text, table)


def quoted_rows(table: Table) -> Iterator[Damaged]:
    """Rows that stand in quotes as a whole: all of them, all but the header, one."""
    if len(table.header) < 3 or table.quote != '"':
        return
    lines = table.lines
    wrapped = ['"' + line.removesuffix(table.end).replace('"', '""') + '"' + table.end for line in lines]
    yield _file("all", "".join(wrapped), table)
    yield _file("all rows", lines[0] + "".join(wrapped[1:]), table)
    for number in range(1, len(wrapped)):
        if lines[number].count("\n") == 1:
            yield _file(f"row {number + 1}", _with_row(lines, number, wrapped[number]), table)


def other_headers(table: Table) -> Iterator[Damaged]:
    """Fewer or more names than columns, numbers for names, names of all kinds, a line drawn under them."""
    width, rows = len(table.header), "".join(table.lines[1:])
    if width < 4 or table.name == "people":
        return
    for count in range(2, width):
        yield _file(f"{count} names", table.line(table.header[:count]) + rows, table, [*table.header[:count], *(f"column_{place}" for place in range(count + 1, width + 1))])
    yield _file("numbers", table.line([str(place) for place in range(1, width + 1)]) + rows, table, [str(place) for place in range(1, width + 1)])
    yield _file("every other", table.line([name if place % 2 else "" for place, name in enumerate(table.header)]) + rows, table, [name if place % 2 else f"column_{place + 1}" for place, name in enumerate(table.header)])
    yield _file("one name", table.line([table.header[0]] * width) + rows, table, [table.header[0], *(f"{table.header[0]} ({place})" for place in range(2, width + 1))])
    for what, names in (("Chinese", [f"数量{place}列" for place in range(width)]), ("long", [f"{name} " + "x" * 150 for name in table.header]), ("sentences", [f"This is the {name} of it, as it was." for name in table.header])):
        yield _file(what, table.line(names) + rows, table, names)
    yield _file("line below", table.lines[0] + table.line(["---"] * width) + rows, table)
    yield _file("twice", table.lines[0] * 2 + rows, table)


def the_table_twice(table: Table) -> Iterator[Damaged]:
    for count in (0, 1, 3) if len(table.header) > 1 else ():
        yield _file(f"gap {count}", table.text + table.end * count + table.text, table, rows=table.rows * 2)


def two_rows_in_a_line(table: Table) -> Iterator[Damaged]:
    """A lost line end, and one that a delimiter stands for."""
    lines = table.lines
    for number in range(1, len(lines) - 1) if len(table.header) > 2 else ():
        for between in ("", table.delimiter):
            yield _file(f"row {number + 1}, {between!r}", _with_row(lines, number, lines[number].removesuffix(table.end) + between), table)


def few_rows(table: Table) -> Iterator[Damaged]:
    for count in (0, 1, 2, 5) if len(table.header) > 2 and table.name != "people" else ():
        yield _file(f"{count} rows", "".join(table.lines[: count + 1]), table, rows=table.rows[:count])


def other_ends(table: Table) -> Iterator[Damaged]:
    width = len(table.header)
    for tail in ("\x1a\n", "\n" * 101, " \n" * 150, "\0" * 20, "EOF\n", "(84 rows)\n", "\n---\n") if width > 2 else ():
        yield _file(repr(tail[:9]), table.text + tail, table)
    for count in (1, 120) if width > 1 else ():
        yield _file(f"{count} wider empty lines", table.text + (table.delimiter * (width + 2) + table.end) * count, table)


MORE_DAMAGES: dict[str, Damage] = {
    "odd delimiters": odd_delimiters, "odd delimiter in a row": odd_delimiter_in_a_row, "other delimiter at one place": other_delimiter_at_one_place, "odd quotes": odd_quotes, "odd quotes in a row": odd_quotes_in_a_row,
    "odd escapes": odd_escapes, "odd line ends": odd_line_ends, "quoted rows": quoted_rows, "other headers": other_headers, "the table twice": the_table_twice, "few rows": few_rows, "two rows in a line": two_rows_in_a_line, "other ends of file": other_ends,
}
ALL_DAMAGES = {**DAMAGES, **MORE_DAMAGES, **EXPORT_DAMAGES}
"""Kind → the files that it gives for a table."""
