"""Text files: bytes in, the table out, and every row accounted for."""

import csv
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as checked
from hypothesis import strategies as some

from ingest.engine import literal
from ingest.errors import Unreadable
from ingest.raw import RAW, raw_query
from ingest.read import read_file, text
from ingest.read.mend import NAMES
from schemas.reading import ReadReport, ReadSpec

Read = Callable[..., tuple[ReadReport, list[tuple]]]
PLAIN = (("acme", "2026-10-01", "5"), ("globex", "2026-10-02", "6.5"))


def read_bytes(folder: Path, content: bytes, spec: ReadSpec, name: str = "usage.csv") -> tuple[ReadReport, list[tuple]]:
    """The report, and the rows with their row number first."""
    out = folder / "out"
    out.mkdir(parents=True, exist_ok=True)
    source = folder / "source"
    source.write_bytes(content)
    report = read_file(source, name, spec, out)
    rows = duckdb.sql(f"select * exclude (_file, _sheet) from ({raw_query(out, report)})").fetchall()
    assert report.rows == len(rows) and sorted(path.name for path in folder.iterdir()) == ["out", "source"]
    return report, rows


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Read:
    """Reads some bytes with some specification."""
    return lambda content, name="usage.csv", **spec: read_bytes(Path(tempfile.mkdtemp(dir=tmp_path)), content, ReadSpec(**spec), name)


def table(delimiter: str = ",", end: str = "\n") -> str:
    return end.join(delimiter.join(row) for row in (("customer", "day", "quantity"), *PLAIN)) + end


def cells(rows: list[tuple]) -> list[tuple]:
    return [row[1:] for row in rows]


@pytest.mark.parametrize("encoding, shown", [
    ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"), ("utf-32", "utf-32"), ("utf-32-le", "utf-32-le"), ("cp1252", "cp1252"),
])
def test_encodings(read: Read, encoding: str, shown: str) -> None:
    rows = "".join(f"Müller Straße {number},{number}\n" for number in range(30))
    report, found = read(f"Käufer,Menge\n{rows}".encode(encoding))
    assert (report.encoding, report.columns) == (shown, ("Käufer", "Menge"))
    assert found[0] == (2, "Müller Straße 0", "0")


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac_roman"])
def test_western_encodings_in_a_small_file(read: Read, encoding: str) -> None:
    assert read("Kundennr;Name;Menge\n1;Jörg;5\n2;Käthe;6\n3;Günther;7\n".encode(encoding))[0].encoding == encoding


def test_cyrillic_is_found_and_the_choice_of_the_person_wins(read: Read) -> None:
    content = ("Клиент;Количество\n" + "Общество с ограниченной ответственностью;5\n" * 20).encode("cp1251")
    assert read(content)[0].columns[0] == "Клиент"
    assert read(content, encoding="cp1252")[0].columns[0] == "Êëèåíò"
    with pytest.raises(Unreadable, match="no encoding called 'klingon'"):
        read(content, encoding="klingon")


def test_a_few_bytes_that_fit_nothing_are_pointed_out(read: Read) -> None:
    report, rows = read(b"name,n\n" + "Müller,1\n".encode() * 20 + b"M\xfcller,2\n")
    assert report.encoding == "utf-8" and rows[0][1] == "Müller" and rows[-1][1] == "M\ufffdller"
    assert [repair.row for repair in report.repairs] == [22] and report.warnings


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", ":", "^", "~"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(read: Read, delimiter: str, end: str) -> None:
    report, rows = read(table(delimiter, end).encode())
    assert report.delimiter == delimiter and report.format == ("tsv" if delimiter == "\t" else "csv")
    assert cells(rows) == list(PLAIN)


@pytest.mark.parametrize("content, delimiter, first", [
    (b"sep=;\na;b\n1,5;2,5\n", ";", (3, "1,5", "2,5")),
    (b"Kunde;Menge;Preis\nA;1,5;2,25\nB;3,5;4,75\n", ";", (2, "A", "1,5", "2,25")),
    (b"at,n\n2026-10-01T10:00:00Z,1\n2026-10-01T11:00:00Z,2\n", ",", (2, "2026-10-01T10:00:00Z", "1")),
    (b"name;note\nA;\"x, y, z\"\nB;\"p, q, r\"\n", ";", (2, "A", "x, y, z")),
    (b"quantity\n5\n7\n", None, (2, "5")),
    (b"quantity\n1,5\n7,25\n", None, (2, "1,5")),
    (b"when\n10:00:05\n11:00:05\n", None, (2, "10:00:05")),
    (b"a|b\n'x|y'|1\n'z'|2\n", "|", (2, "x|y", "1")),
    (b"customer,hours\nacme,10:30\nglobex,11:45\n", ",", (2, "acme", "10:30")),
])
def test_delimiter_and_quote_by_vote(read: Read, content: bytes, delimiter: str | None, first: tuple) -> None:
    report, rows = read(content)
    assert (report.delimiter, rows[0]) == (delimiter, first)


@pytest.mark.parametrize("content, header, columns, first, reasons", [
    (b"Usage report\nOctober\n\nname,n\nacme,5\nglobex,6\n", (4,), ("name", "n"), (5, "acme", "5"), ["above the table", "above the table", "blank row"]),
    (b"Report;October 2026;;\nname;day;kind;n\nacme;2026-10-01;x;5\nacme;2026-10-02;y;5\n", (2,), ("name", "day", "kind", "n"), (3, "acme", "2026-10-01", "x", "5"), ["above the table"]),
    (b"acme,5,2026-10-01\nglobex,6,2026-10-02\nacme,7,2026-10-03\n", (), ("column_1", "column_2", "column_3"), (1, "acme", "5", "2026-10-01"), []),
    (b"name,region\nacme,eu\nglobex,eu\nhooli,us\n", (1,), ("name", "region"), (2, "acme", "eu"), []),
    (b"eu,acme\neu,globex\nus,acme\n", (), ("column_1", "column_2"), (1, "eu", "acme"), []),
    (b"1,2\n", (), ("column_1", "column_2"), (1, "1", "2"), []),
    (b"\n\n\nname,n\nacme,5\n", (4,), ("name", "n"), (5, "acme", "5"), ["blank row"] * 3),
    (b" name , n,\nacme,5,\nglobex,6,\n", (1,), ("name", "n"), (2, "acme", "5"), []),
    (b"name,,n\nacme,x,5\nglobex,y,6\n", (1,), ("name", "column_2", "n"), (2, "acme", "x", "5"), []),
    (b"n,N,n,_row,_FILE\n1,2,3,4,5\n1,2,3,4,5\n", (1,), ("n", "N (2)", "n (3)", "_row (2)", "_FILE (2)"), (2, "1", "2", "3", "4", "5"), []),
    (b'"first\nname",n\nacme,5\nhooli,6\n', (1,), ("first name", "n"), (2, "acme", "5"), []),
])
def test_header(read: Read, content: bytes, header: tuple, columns: tuple, first: tuple, reasons: list[str]) -> None:
    report, rows = read(content)
    assert (report.header_rows, report.columns, rows[0]) == (header, columns, first)
    assert [row.reason for row in report.excluded] == reasons


def test_the_chosen_header_wins(read: Read) -> None:
    content = b"name,n\nunit,kWh\nacme,5\nglobex,6\n"
    assert read(content, header_rows=(1, 2))[0].columns == ("name unit", "n kWh")
    assert read(content, header_rows=(2,))[0].columns == ("unit", "kWh")
    assert cells(read(content, header_rows=())[1])[0] == ("name", "n")
    with pytest.raises(Unreadable, match="Row 9 was chosen"):
        read(content, header_rows=(9,))


END = b"name,day,n\nacme,2026-10-01,5\n\nglobex,2026-10-02,6\n"


@pytest.mark.parametrize("tail, reasons, totals", [
    (b"Total,,11\n", {5: "totals row"}, {"name": "Total", "n": "11"}),
    (b"\nGRAND TOTAL:,,11\n\n", {5: "blank row", 6: "totals row", 7: "blank row"}, {"name": "GRAND TOTAL:", "n": "11"}),
    (b",Summe,11\n", {5: "totals row"}, {"day": "Summe", "n": "11"}),
    (b"Total October 2026,,11\n* estimated\nSource: meter\n", {5: "totals row", 6: "note below the table", 7: "note below the table"}, {"name": "Total October 2026", "n": "11"}),
    (b"Total,2026-10-03,11\n", {}, None),
    (b"Total Energies,,11\n", {}, None),
    (b"Total,,many\n", {}, None),
    (b"hooli\n", {}, None),
    (b",,\n", {5: "blank row"}, None),
])
def test_the_end_of_the_table(read: Read, tail: bytes, reasons: dict[int, str], totals: dict | None) -> None:
    report, rows = read(END + tail)
    assert {row.row: row.reason for row in report.excluded} == {3: "blank row", **reasons}
    assert [row.values for row in report.totals] == ([totals] if totals else [])
    assert [row[0] for row in rows[:2]] == [2, 4]


def test_a_left_out_row_can_be_taken_back(read: Read) -> None:
    report, rows = read(b"Title\n" + END + b"Total,,11\n", keep_rows=(1, 4, 6))
    assert rows == [(1, "Title", None, None), (3, "acme", "2026-10-01", "5"), (4, None, None, None), (5, "globex", "2026-10-02", "6"), (6, "Total", None, "11")]
    assert report.excluded == () and report.totals == ()


@pytest.mark.parametrize("row, expected, said", [
    (b"acme,5", ("acme", "5", None), "2 of 3 cells"),
    (b"acme,5,x,,", ("acme", "5", "x"), "2 empty cells too many"),
    (b"acme,5,x,y", ("acme", "5", "x,y"), "4 cells where the table has 3"),
    (b'acme,5,"x', ("acme", "5", '"x'), "never closed"),
    (b'acme,5,"x "y" z"', ("acme", "5", 'x "y" z'), "wasn't doubled"),
    (b'acme,5,"x "y, z"', ("acme", "5", 'x "y, z'), "wasn't doubled"),
    (b'acme,5,x"y"', ("acme", "5", 'x"y"'), None),
    (b'acme, "5", "x,y" ', ("acme", "5", "x,y"), None),
    (b'acme,5,"x\r\ny"', ("acme", "5", "x\r\ny"), None),
    (b'acme,5,"x""y"', ("acme", "5", 'x"y'), None),
    (b"ac\0me,5,x", ("acme", "5", "x"), "Zero bytes"),
    (b" acme ,5,\xc2\xa0", (" acme ", "5", "\u00a0"), None),
])
def test_damage_in_one_row_never_costs_another(read: Read, row: bytes, expected: tuple, said: str | None) -> None:
    before, after = b"name,n,note\nglobex,1,a\nglobex,2,\n", b"hooli,3,c\nhooli,4,d\n"
    report, rows = read(before + row + b"\n" + after)
    assert rows == [(2, "globex", "1", "a"), (3, "globex", "2", None), (4, *expected), (5, "hooli", "3", "c"), (6, "hooli", "4", "d")]
    assert [(repair.row, said in repair.what) for repair in report.repairs] == ([(4, True)] if said else [])


@pytest.mark.parametrize("content, name, sentence", [
    (b"", "a.csv", "This file is empty"),
    (b"\xef\xbb\xbf", "a.csv", "This file is empty"),
    (b"\n \n\r\n", "a.csv", "This file is empty"),
    (b",,\n,,\n", "a.csv", "nothing stands in them"),
    (bytes(range(256)) * 20, "a.csv", "a binary file"),
    (b"\x89PNG\r\n\x1a\n" + bytes(100), "a.csv", "a picture"),
    (b"%PDF-1.7\n%\xe2\xe3", "a.xlsx", "a PDF"),
    (b"x" * 17_000_000, "a.csv", "no table"),
])
def test_honest_refusals(read: Read, content: bytes, name: str, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(content, name)


def test_a_text_file_has_no_sheets(read: Read) -> None:
    with pytest.raises(Unreadable, match="no sheet 'Usage'"):
        read(table().encode(), sheet="Usage")


def test_a_name_that_lies_is_said(read: Read) -> None:
    report, rows = read(table(";").encode(), "usage.xls")
    assert cells(rows) == list(PLAIN)
    assert [(finding.value, finding.confidence) for finding in report.findings if finding.what == "format"] == [("text", "likely")]


def test_thousands_of_columns(read: Read) -> None:
    width = 3000
    content = ",".join(f"c{index}" for index in range(width)) + "\n" + (",".join(map(str, range(width))) + "\n") * 3
    report, rows = read(content.encode())
    assert (len(report.columns), report.rows, rows[2][-1]) == (width, 3, str(width - 1))


def test_every_decision_is_a_finding(read: Read) -> None:
    report, _ = read(table().encode())
    assert [finding.what for finding in report.findings] == ["format", "encoding", "delimiter", "quote", "header"]
    assert all(finding.why for finding in report.findings)


def test_a_double_spaced_file_keeps_its_row_numbers(read: Read) -> None:
    count = 12_000
    report, rows = read(b"a,b\n" + b"".join(b"\n%d,x\n" % number for number in range(count)))
    assert rows == [(2 * number + 3, str(number), "x") for number in range(count)]
    assert [row.row for row in report.excluded] == [2 * number + 2 for number in range(count)]


@pytest.mark.parametrize(("above", "line", "below"), [
    ("| name | n |\n|:-----|--:|\n", "| {0} | {1} |\n", ""),
    ("+------+---+\n| name | n |\n+------+---+\n", "| {0} | {1} |\n", "+------+---+\n"),
    ("name|n\n----+---\n", "{0}|{1}\n", "(10 rows)\n"),
], ids=["Markdown", "framed", "line below the names"])
def test_tables_as_programs_draw_them(read: Read, above: str, line: str, below: str) -> None:
    report, rows = read((above + "".join(line.format(f"acme {number}", number) for number in range(10)) + below).encode())
    assert report.columns == ("name", "n") and cells(rows) == [(f"acme {number}", str(number)) for number in range(10)]


def test_single_columns_stay_whole(read: Read) -> None:
    for cell in ("https://example.org/{}", "AB--{}--X", "/var/log/{}/", '"Berg, Ann {}"'):
        assert len(read(("name\n" + "".join(f"{cell.format(number)}\n" for number in range(20))).encode())[0].columns) == 1, cell


@pytest.mark.parametrize(("lines", "header", "left_out", "asked"), [
    (["Report", "serial", "SN-1", "SN-2", "SN-3"], (2,), [1], False), (["Usage", "of hand", "n", *"12345678", "Source: us"], (3,), [1, 2, 12], False), (["weight", "kg", "1", "2", "3"], (1, 2), [], False),
    (["name", "Ann", "Li Wei", "Jo", "Kim"], (1,), [], True), (["Customer: acme", "name", "Ann", "Li Wei", "Jo"], (2,), [1], True), ([",serial", "SN-1", "SN-2", "SN-3"], (1,), [], False),
])
def test_a_single_column(read: Read, lines: list[str], header: tuple[int, ...], left_out: list[int], asked: bool) -> None:
    report, _ = read("".join(f"{line}\n" for line in lines).encode())
    assert (report.header_rows, [each.row for each in report.excluded], bool(report.questions)) == (header, left_out, asked) and not report.columns[0].startswith(",")


# the fast way and the slow way agree

CELL = some.text(some.sampled_from('ab ,;"\'\n\tü1.-'), max_size=6)


DAMAGED_LINES = ["a,b", "1,2", '"x,y",3', "", ",", '"', "Total,5", "* note", "7,8,9", "x\ny", ' "q",4']


@some.composite
def clean_files(draw: some.DrawFn) -> bytes:
    width = draw(some.integers(2, 4))
    rows = draw(some.lists(some.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=12))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=draw(some.sampled_from(["\n", "\r\n"])), quoting=draw(some.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])))
    writer.writerows([[f"name {index}" for index in range(width)], *([str(number), row[1].lstrip(" '") or "b", *row[2:]] for number, row in enumerate(rows))])  # a row with a space after every delimiter, or in other quotes, is damaged
    return stream.getvalue().encode()


@checked(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=clean_files())
def test_written_tables_come_back(read: Read, content: bytes) -> None:
    expected = [tuple(cell or None for cell in row) for row in csv.reader(io.StringIO(content.decode(), newline=""))][1:]
    report, rows = read(content, delimiter=",", quote='"', header_rows=(1,))
    assert cells(rows) == expected and not report.repairs and not report.excluded


@checked(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=some.one_of(clean_files(), some.lists(some.sampled_from(DAMAGED_LINES), min_size=2, max_size=12).map(lambda lines: "\n".join(["n,m", *lines]).encode())))
def test_the_fast_way_agrees_with_the_slow_way(read: Read, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    def outcome() -> object:
        try:
            report, rows = read(content, delimiter=",", quote='"', header_rows=(1,))
            return report.model_copy(update={"spans": (), "repairs": tuple(each for each in report.repairs if each.what != NAMES)}), rows  # the fast way sees no kinds
        except Unreadable as error:
            return str(error)

    slow = outcome()
    with monkeypatch.context() as patch:
        patch.setattr(text, "FAST_FROM_BYTES", 0)
        assert outcome() == slow


def test_a_clean_file_goes_the_fast_way(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "FAST_FROM_BYTES", 0)
    monkeypatch.setattr(text, "_read_slow", None)
    content = "Title\n\nname;note;n\r\n".replace("\r", "") + '"Müller; Söhne";"said ""x""";1\nacme;"two\nlines";2\n' * 20_000 + "\nSumme;;60000\n"
    report, rows = read(content.encode())
    assert (report.rows, rows[0], rows[-1]) == (40_000, (4, "Müller; Söhne", 'said "x"', "1"), (40_003, "acme", "two\nlines", "2"))
    assert [(row.row, row.reason) for row in report.excluded] == [(1, "above the table"), (2, "blank row"), (40_004, "blank row"), (40_005, "totals row")]
    assert report.totals[0].values == {"name": "Summe", "n": "60000"}


def test_letters_encoded_twice_are_said_on_the_fast_way(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "FAST_FROM_BYTES", 0)
    monkeypatch.setattr(text, "_read_slow", None)
    said = [read(("name,note\n" + "acme,São Paulo\n" * 300 + f"{name},x\n" * 300).encode())[0].warnings for name in ("Müller", "MÃ¼ller", "Ã la carte")]
    assert [bool(each) for each in said] == [False, True, False]


def test_a_few_damaged_rows_leave_the_others_the_fast_way(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "FAST_FROM_BYTES", 0)
    monkeypatch.setattr(text, "_read_slow", None)
    lines = ["name,note,n", *(f'"cus, {number}",a note of some length,{number}' for number in range(9_000))]
    for place, line in ((8_001, lines[0]), (6_001, '"open,x,6000'), (4_001, '"two\nlines",x,1'), (2_001, "short,x"), (1_001, "")):
        lines.insert(place, line)
    report, rows = read("\n".join([*lines, "", "Total,,40495500", ""]).encode())
    assert report.rows == 9_003 and [row[0] for row in rows] == [number for number in range(2, 9_007) if number not in (1_002, 8_006)]
    assert [row for row in rows if "cus" not in row[1]] == [(2_003, "short", "x", None), (4_004, "two\nlines", "x", "1"), (6_005, '"open', "x", "6000")]
    assert [(row.row, row.reason) for row in report.excluded] == [(1_002, "blank row"), (8_006, "repeated header"), (9_007, "blank row"), (9_008, "totals row")]
    assert {each.row for each in report.repairs} == {2_003, 6_005}


@checked(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=some.binary(max_size=200) | some.lists(some.sampled_from([b"a", b",", b";", b'"', b"\n", b"\r", b"1", b"\xfc", b"\0", b"Total", b" ", b"\xef\xbb\xbf"]), max_size=60).map(b"".join))
def test_any_bytes_are_read_or_refused(read: Read, content: bytes) -> None:
    try:
        report, rows = read(content)
    except Unreadable as error:
        assert str(error).endswith((".", "?"))
    else:
        assert len(set(map(str.casefold, report.columns))) == len(report.columns)
        numbers = [row[0] for row in rows]
        assert numbers == sorted(set(numbers)) and not set(numbers) & ({row.row for row in report.excluded} | set(report.header_rows))


def test_the_file_name_is_only_a_value(read: Read, tmp_path: Path) -> None:
    name = "../we'ird \"name\".csv"
    read(table().encode(), name)
    assert duckdb.sql(f"select distinct _file, _sheet from read_parquet({literal(next(tmp_path.glob('*/out')) / RAW)})").fetchall() == [(name, None)]
