"""Damage of one known kind in a plain table: the table comes back, or exactly the damaged row is reported and no other row suffers."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from ingest.raw import raw_query
from ingest.read import read_file
from ingest.read.layout import NoRows
from schemas.reading import ReadReport, ReadSpec

Row = list[str]
Read = Callable[..., tuple[ReadReport, list[Row]]]
HEADER = ["day", "time", "quantity", "product id", "price", "kind", "description", "link", "comment"]
KINDS = ["compute", "storage", "network"]
WORDS = ["Small, cheap and quick", "Large disk", 'The "gold" tier, yearly', "Plain", "Traffic; outgoing"]


def plain_row(number: int) -> Row:
    comment = "" if number % 3 else ["seen twice", "two\r\nlines, really", "late"][number % 9 // 3]
    return [f"{1 + number % 28:02d}/11/2025", f"{number % 24:02d}:12:{number % 60:02d}", str(1 + number * 7 % 50), str(6_787_000 + number), f"{number * 1.37:.2f}", KINDS[number % 3], WORDS[number % 5], f"https://example.org/p/{number}?a=b&c", comment]


ROWS = [plain_row(number) for number in range(1, 61)]


def written(rows: list[Row], delimiter: str = ",", quote: str = '"', end: str = "\r\n", escape: str | None = None) -> str:
    """Rows as text, cells quoted where they must be; `delimiter` may have several characters."""
    return "".join(delimiter.join(cell_written(cell, delimiter, quote, escape) for cell in row) + end for row in rows)


def cell_written(cell: str, delimiter: str, quote: str, escape: str | None) -> str:
    if not quote or not any(mark in cell for mark in (*delimiter, quote, "\r", "\n")):
        return cell
    return quote + cell.replace(quote, (escape if escape is not None else quote) + quote) + quote


PLAIN = written([HEADER, *ROWS])


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Read:
    """Reads some text or bytes; gives the report and the rows as texts."""
    def read(content: str | bytes, **spec: object) -> tuple[ReadReport, list[Row]]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        source, out = folder / "source", folder / "out"
        out.mkdir()
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        report = read_file(source, "usage.csv", ReadSpec(**spec), out)
        rows = duckdb.sql(f"select * exclude (_file, _sheet, _row) from ({raw_query(out, report)})").fetchall()
        return report, [[cell or "" for cell in row] for row in rows]
    return read


def lines(text: str = PLAIN) -> list[str]:
    """The records of a text, with their ends."""
    found, begin = [], 0
    quoted = False
    for place, mark in enumerate(text):
        quoted ^= mark == '"'
        if mark == "\n" and not quoted:
            found.append(text[begin : place + 1])
            begin = place + 1
    return found


def test_the_plain_table_comes_back(read: Read) -> None:
    report, rows = read(PLAIN)
    assert (list(report.columns), rows) == (HEADER, ROWS)
    assert not report.repairs and not report.excluded and not report.questions


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":", " ", "^", "~", "#", "\x01", "\x1f", "\x02", "\x1e", ", ", "; ", "||", "::", "|~|", "~~", " | ", ";;", ",,", "\t\t", "@@", "$$", "^^", "<>", "&", "!", "*", "§", "¦", "=>"])
def test_delimiters(read: Read, delimiter: str) -> None:
    report, rows = read(written([HEADER, *ROWS], delimiter))
    assert (report.delimiter, list(report.columns)) == (delimiter, HEADER)
    assert rows == ROWS


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":", " "])
@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("escape", [None, "\\", "\0"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_quotes_escapes_and_line_ends(read: Read, delimiter: str, quote: str, escape: str | None, end: str) -> None:
    rows = [[cell.replace("\r\n", end) for cell in row] for row in ROWS]
    report, found = read(written([HEADER, *rows], delimiter, quote, end, escape))
    assert (report.delimiter, list(report.columns), found) == (delimiter, HEADER, rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_cell_quoted(read: Read, delimiter: str) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([HEADER, *ROWS])
    report, rows = read(stream.getvalue())
    assert (report.delimiter, rows) == (delimiter, ROWS)


def test_quotes_inside_quoted_cells_that_are_not_doubled(read: Read) -> None:
    rows = [[cell.replace("\r\n", " ") for cell in row] for row in ROWS]
    assert read(written([HEADER, *rows], escape=""))[1] == rows


def test_no_quotes_at_all(read: Read) -> None:
    rows = [[cell.replace("\r\n", " ") for cell in row] for row in ROWS]
    assert read(written([HEADER, *rows], "\t", ""))[1] == rows


def damaged(number: int, change: Callable[[str], str]) -> str:
    """The plain text with one record (0 is the header) changed."""
    found = lines()
    found[number] = change(found[number])
    return "".join(found)


def assert_only(read: Read, text: str, number: int) -> Row:
    """Every row but one comes back, and that one is reported; gives what became of it."""
    report, rows = read(text)
    assert list(report.columns) == HEADER
    assert len(rows) == len(ROWS)
    assert [row for index, row in enumerate(rows, 1) if index != number] == [row for index, row in enumerate(ROWS, 1) if index != number]
    if rows[number - 1] != ROWS[number - 1]:
        assert any(repair.row == number + 1 for repair in report.repairs), rows[number - 1]
    assert {repair.row for repair in report.repairs} <= {number + 1}
    return rows[number - 1]


def cell_ends(line: str) -> list[int]:
    """Where a record's delimiters stand."""
    quoted, found = False, []
    for place, mark in enumerate(line):
        quoted ^= mark == '"'
        if mark == "," and not quoted:
            found.append(place)
    return found


DAMAGED_ROWS = [1, 2, 3, 6, 9, 12, 30, 60]


@pytest.mark.parametrize("number", DAMAGED_ROWS)
@pytest.mark.parametrize("column", range(8))
def test_a_delimiter_too_few(read: Read, number: int, column: int) -> None:
    if "\n" in ROWS[number - 1][8] and column > 5:
        pytest.skip("without a delimiter before it, the quote of a cell of two lines is no quote")
    assert_only(read, damaged(number, lambda line: line[: cell_ends(line)[column]] + line[cell_ends(line)[column] + 1 :]), number)


@pytest.mark.parametrize("number", DAMAGED_ROWS)
@pytest.mark.parametrize("column", range(8))
def test_a_delimiter_too_many(read: Read, number: int, column: int) -> None:
    row = assert_only(read, damaged(number, lambda line: line[: cell_ends(line)[column]] + "," + line[cell_ends(line)[column] :]), number)
    if column < 5:
        assert row == ROWS[number - 1]


@pytest.mark.parametrize("number", DAMAGED_ROWS)
@pytest.mark.parametrize("column", range(9))
@pytest.mark.parametrize("at_end", [False, True])
def test_a_stray_quote(read: Read, number: int, column: int, at_end: bool) -> None:
    def change(line: str) -> str:
        body = line.rstrip("\r\n")
        places = [-1, *cell_ends(body), len(body)]
        place = places[column + 1] if at_end else places[column] + 1
        return body[:place] + '"' + body[place:] + "\r\n"

    row = assert_only(read, damaged(number, change), number)
    assert [cell.replace('"', "") for cell in row] == [cell.replace('"', "") for cell in ROWS[number - 1]]


@pytest.mark.parametrize("number", DAMAGED_ROWS)
@pytest.mark.parametrize("delimiter", [";", "\t", "|", " ", ", ", ":", "#"])
def test_one_row_with_another_delimiter(read: Read, number: int, delimiter: str) -> None:
    assert assert_only(read, damaged(number, lambda _: written([ROWS[number - 1]], delimiter)), number) == ROWS[number - 1]


@pytest.mark.parametrize("number", [3, 7, 30, 60])
def test_zero_bytes(read: Read, number: int) -> None:
    assert assert_only(read, damaged(number, lambda line: line[:5] + "\0" + line[5:20] + "\0\0" + line[20:]), number) == ROWS[number - 1]


@pytest.mark.parametrize("places", [(0,), (1,), (2,), (30,), (61,), (1, 2, 3, 40, 41)])
@pytest.mark.parametrize("blank", ["\r\n", "  \r\n", ",,,,,,,,\r\n"])
def test_blank_lines(read: Read, places: tuple[int, ...], blank: str) -> None:
    found = lines()
    for place in reversed(places):
        found.insert(place, blank)
    report, rows = read("".join(found))
    assert (list(report.columns), rows) == (HEADER, ROWS)
    assert len(report.excluded) == len(places)


@pytest.mark.parametrize("places", [(10,), (30, 31), (2, 20, 61)])
def test_repeated_headers(read: Read, places: tuple[int, ...]) -> None:
    found = lines()
    for place in reversed(places):
        found.insert(place, found[0])
    report, rows = read("".join(found))
    assert (list(report.columns), rows) == (HEADER, ROWS)
    assert [each.reason for each in report.excluded] == ["repeated header"] * len(places)


@pytest.mark.parametrize("keep", [1, 20, 40])
def test_cut_off_at_the_end(read: Read, keep: int) -> None:
    text = PLAIN[: -len(lines()[-1]) + keep]
    report, rows = read(text)
    assert rows[:59] == ROWS[:59] and len(rows) == 60
    assert {repair.row for repair in report.repairs} == {61}


def test_cut_off_inside_a_quoted_cell(read: Read) -> None:
    text = "".join(lines()[:3]) + lines()[3][: lines()[3].rfind("lines")] if "lines" in lines()[3] else "".join(lines()[:3]) + '03/11/2025,03:12:03,22,6787003,4.11,compute,"Small, che'
    report, rows = read(text)
    assert rows[:2] == ROWS[:2] and len(rows) == 3
    assert {repair.row for repair in report.repairs} == {4}


@pytest.mark.parametrize("content", [PLAIN.rstrip("\r\n"), PLAIN + "\r\n", PLAIN + "\r\n\r\n", PLAIN + "\x1a"])
def test_the_end_of_the_file(read: Read, content: str) -> None:
    report, rows = read(content)
    assert rows == ROWS and not report.repairs


PREAMBLES = [
    "Usage report\r\n", "Usage report\r\nGenerated on 2025-12-01, by hand\r\n\r\n", "# exported by the billing system, version 2\r\n# 2025-12-01\r\n", "Customer:,Acme\r\nPeriod:,November 2025\r\n\r\n",
    "Report,,,,,,,,\r\nfrom,01/11/2025,,,,,,,\r\n,,,,,,,,\r\n", "\r\n\r\nTitle\r\n\r\n",
]


@pytest.mark.parametrize("preamble", PREAMBLES)
def test_preambles(read: Read, preamble: str) -> None:
    report, rows = read(preamble + PLAIN)
    assert (list(report.columns), rows) == (HEADER, ROWS)
    assert len(report.excluded) == preamble.count("\n")


NOTES = ["\r\nSource: metering\r\n", "* estimated\r\n", "\r\nThis report, like all others, is confidential.\r\n", "# end of file\r\n", "Total,,1500,,2507.10,,,,\r\n", "60 rows\r\n"]


@pytest.mark.parametrize("notes", NOTES)
def test_notes_below(read: Read, notes: str) -> None:
    report, rows = read(PLAIN + notes)
    assert rows == ROWS
    assert len(report.excluded) == notes.count("\n")


@pytest.mark.parametrize("first, second, joined", [
    (["day", "time", "sold", "", "", "about", "", "", ""], ["", "", "quantity", "product id", "price", "kind", "description", "link", "comment"], ["day", "time", "sold quantity", "product id", "price", "about kind", "description", "link", "comment"]),
    (HEADER, ["", "", "pieces", "", "EUR", "", "", "", ""], ["day", "time", "quantity pieces", "product id", "price EUR", "kind", "description", "link", "comment"]),
    (["first", "second", "third", "4th", "fifth", "sixth", "seventh", "eighth", "ninth"], HEADER, ["first day", "second time", "third quantity", "4th product id", "fifth price", "sixth kind", "seventh description", "eighth link", "ninth comment"]),
])
def test_two_header_rows(read: Read, first: Row, second: Row, joined: Row) -> None:
    report, rows = read(written([first, second, *ROWS]))
    assert (report.header_rows, list(report.columns), rows) == ((1, 2), joined, ROWS)


def test_a_missing_header(read: Read) -> None:
    report, rows = read(written(ROWS))
    assert (list(report.columns), rows) == ([f"column_{index}" for index in range(1, 10)], ROWS)


def test_one_row_of_data(read: Read) -> None:
    report, rows = read(written([HEADER, ROWS[0]]))
    assert (list(report.columns), rows) == (HEADER, ROWS[:1])


SECOND = [
    [["customer", "country"], ["acme", "de"], ["globex", "fr"], ["hooli", "us"]],
    [[*HEADER[:5], "extra 1", "extra 2", "extra 3", "extra 4", "extra 5"], *[[*row[:5], "a", "b", "c", "d", "e"] for row in ROWS[:4]]],
    [["month", "cost", "tax", "net", "gross", "paid", "open", "due", "late"], *[["2025-11", "1.5", "2.5", "3", "4", "5", "6", "7", "8"]] * 4],
]


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("gap", ["\r\n", "\r\n\r\n", "", "Second table\r\n"])
def test_a_second_table_below(read: Read, second: list[Row], gap: str) -> None:
    if not gap and len(second[0]) == 9:
        pytest.skip("nothing tells them apart but the header")
    report, rows = read(PLAIN + gap + written(second))
    assert (list(report.columns), rows) == (HEADER, ROWS)
    assert any("second table" in each.reason for each in report.excluded) and report.questions


def indented() -> Iterator[tuple[str, list[Row]]]:
    yield "left", [["", "", *row] for row in [HEADER, *ROWS]]
    yield "inside", [[*row[:3], "", *row[3:]] for row in [HEADER, *ROWS]]
    yield "right", [[*row, "", ""] for row in [HEADER, *ROWS]]


@pytest.mark.parametrize("table", [table for _, table in indented()])
def test_empty_columns(read: Read, table: list[Row]) -> None:
    report, rows = read(written(table))
    assert (list(report.columns), rows) == (HEADER, ROWS)


def test_a_value_far_down_in_an_empty_column_is_kept(read: Read) -> None:
    table = [["", *row] for row in [HEADER, *ROWS * 12]]
    table[-5][0] = "look"
    report, rows = read(written(table))
    assert list(report.columns) == ["column_1", *HEADER] and rows[-5][0] == "look" and rows[0] == ["", *ROWS[0]]


@pytest.mark.parametrize("line, reason", [(PLAIN.split("\r\n")[0], "repeated header"), ("Subtotal,,1500,,2507.10,,,,", "subtotals row")])
def test_the_fast_way_sees_rows_that_are_none(read: Read, monkeypatch: pytest.MonkeyPatch, line: str, reason: str) -> None:
    monkeypatch.setattr("ingest.read.text.FAST_FROM_BYTES", 0)
    rows = [[cell.replace("\r\n", " ") for cell in row] for row in ROWS]
    text = written(rows)
    header = written([HEADER])
    report, found = read(header + text * 20 + line + "\r\n" + text * 20)
    assert found == rows * 40 and [each.reason for each in report.excluded] == [reason]


LANGUAGES = {
    "Kundennr;Name\n1;Jörg Müller\n2;Käthe Groß\n3;Straße\n": "cp1252 mac_roman cp850", "imię;miasto\nŁódź;Kraków\nWrocław;Gdańsk\nżółć;Częstochowa\n": "cp1250 iso8859_2 cp852 mac_latin2",
    "jméno;město\nPříbram;Plzeň\nJiří;Ústí\n": "cp1250 iso8859_2 cp852", "név;város\nGyőr;Székesfehérvár\nŐrség;fű\n": "cp1250", "Клиент;Количество\nОбщество;Москва\nИванов;Сергей\n": "cp1251 koi8_r cp866 mac_cyrillic iso8859_5",
    "Πελάτης;Ποσότητα\nΑθήνα;Θεσσαλονίκη\n": "cp1253 iso8859_7 cp737", "müşteri;şehir\nİstanbul;Eskişehir\nAğrı;Iğdır\n": "cp1254 cp857", "לקוח;כמות\nירושלים;תל אביב\n": "cp1255 iso8859_8 cp862",
    "العميل;الكمية\nالقاهرة;الرياض\n": "cp1256 iso8859_6", "klientas;miestas\nŠiauliai;Panevėžys\nKlaipėda;ąžuolas\n": "cp1257", "顧客;数量\n東京都;お客様\n株式会社;カタカナ\n": "cp932 euc_jp",
    "客户;数量\n北京市;有限公司\n上海;电话\n": "gb18030", "客戶;數量\n臺北市;有限公司\n電話;地址\n": "big5", "고객;수량\n서울시;주식회사\n부산;합계\n": "cp949",
}


@pytest.mark.parametrize("text, encoding", [(text, encoding) for text, encodings in LANGUAGES.items() for encoding in encodings.split()])
def test_code_pages_are_found_or_asked_about(read: Read, text: str, encoding: str) -> None:
    report, rows = read(text.encode(encoding))
    right = [line.split(";") for line in text.splitlines()]
    assert [list(report.columns), *rows] == right or [each["name"] for each in report.questions] == ["encoding"]
    if report.questions:
        asked = report.questions[0]["options"]
        assert any(right[1][0] in option["label"] or right[2][0] in option["label"] or right[0][0] in option["label"] for option in asked)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_unicode(read: Read, encoding: str) -> None:
    report, rows = read(PLAIN.replace("gold", "gôld").encode(encoding))
    assert (list(report.columns), [[cell.replace("ô", "o") for cell in row] for row in rows]) == (HEADER, ROWS)


def test_bytes_that_fit_nothing_are_listed_with_row_and_column(read: Read) -> None:
    report, rows = read(PLAIN.replace("late", "tard\u00e9").encode().replace(b"compute", b"comp\xffute", 1))
    assert len(rows) == 60 and [(each.row, "'kind'" in each.what, each.doubtful) for each in report.repairs] == [(4, True, True)]


def test_a_header_alone_still_gives_its_names(read: Read) -> None:
    report, rows = read(written([HEADER]))
    assert (list(report.columns), rows) == (HEADER, []) and "no rows below" in report.warnings[0]
    with pytest.raises(NoRows, match="a header but no rows") as refused:
        read(written([HEADER]), header_rows=(1,))
    assert list(refused.value.columns) == HEADER


def test_a_column_for_each_month_is_pointed_out(read: Read) -> None:
    report, _ = read("customer,Jan 2025,Feb 2025,Mar 2025\nacme,1,2,3\nhooli,4,5,6\n")
    assert "look like months" in report.questions[0]["text"]
    assert not read(PLAIN)[0].warnings
