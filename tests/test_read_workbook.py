"""Workbooks: cells as text that loses nothing, the right sheet, the sheet's own row numbers, honest refusals."""

import base64
import gzip
import io
import struct
import tempfile
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest
import xlsxwriter

from ingest.errors import Unreadable
from ingest.raw import raw_query
from ingest.read import READERS, read_file, sniff
from ingest.read.cells import cell_text
from schemas.reading import ReadReport, ReadSpec

Read = Callable[..., tuple[ReadReport, list[tuple]]]
Sheets = dict[str, dict[str, object]]

XLS = gzip.decompress(base64.b85decode(
    "ABzY8000000t4+>O=uHA6#iy+)BMo<)uhl0B^0dMHV5(IrCk-YCrcGX5kd2_7HN}6TETd+T5}WxPl}g9J$R{l@dp+3=0T{~gCGcr9z6*bJhWNgyzFXPD>R^m>U_(*dGltznYTMLZ+7?1e6%w2ptFiq7=(_R?MF+4O;GZ?g$StLwx#OkK1#O2"
    "rh?x`6WQXy)8K2boI^R^RcN?xyd(*Hq;wMJFkHx6i4DYl_8}#t4+A6xZj&X14)&^zWrpPzmiM^jGnRYVa*gExwXKK~m^X)e_c*KgxYo^eA;^9oG3Py7b|H>eaur{?F6wPP*jGH88sB6UT}CTrK@&P;<*lMDhj9l1phQUKa>;DAf*4KqEEeqq"
    "@YUVbFA~bWv33Ene_Lty{>JX3NnCBep&7sw?9;qS$_OHE$QlohPNYVyB_v4&CyLLR^AnSWoK@6;Y^p?yCQpr1nVd!YessK$wk`x@kmsNfSrHV1yjfaFW)WsR%3CHv-7ekz^7c@A#5~28DLx45$Hg}39c)~d3?hfv$_~;21N1VZkL4Babt~(g"
    "EMw$0<vk;DM>#mnZLV@{4~?^%v0!d*(07nt{(SgxSNW5<lk~Zv>c!aHJ97rzbbMurFRy9zi+*wIro<D|&4m+MKCtZgCCvD=2;YGY+c^`%Sf-67ZBaJVOY-T6A0^FsR+6o)!Pb~9pT~0^UwV;VkgRsHY0T5t;OWdW9G=d+GtBD?NZz2<hKI6q"
    "3W+}vfP#X8f`WpAg2I0b!7rHgmvO`SPLQwrUgy8gGNqdOP4ds;2nuvf(nsY1<S8$r)YSTEhex=5iFI<^|Ai9AX!Ih+kY+!|nqI&3xg;9zXWhiepW8ysj$doW&%ZqWcd`Fx^#B$C00"
))
"""An Excel 97 workbook with PLAIN from row 2 on."""

PLAIN = [("customer", "day", "n"), ("acme", "2026-10-01", "5"), ("globex", "2026-10-02", "6.5")]
SHOWN = {date: "yyyy-mm-dd", datetime: "yyyy-mm-dd hh:mm:ss", time: "hh:mm:ss", timedelta: "[h]:mm:ss"}


def book(sheets: Sheets, hidden: tuple[str, ...] = (), **options: object) -> bytes:
    """An xlsx of sheets given as cell → value; a text that begins with `=` is a formula, with its stored value after `→`, if any."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, **options}) as workbook:
        formats = {kind: workbook.add_format({"num_format": shown}) for kind, shown in SHOWN.items()}
        for name, cells in sheets.items():
            sheet = workbook.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            elif hidden:
                sheet.set_first_sheet()
                sheet.activate()
            for place, value in cells.items():
                if isinstance(value, str) and value.startswith("="):
                    formula, _, stored = value.partition("→")
                    sheet.write_formula(place, formula, None, int(stored) if stored.isdigit() else stored)
                else:
                    sheet.write(place, value, formats.get(type(value)))
    return stream.getvalue()


def rows_at(row: int, *rows: tuple[object, ...], column: str = "A") -> dict[str, object]:
    """Cells of some rows, from a row and a column on."""
    return {f"{chr(ord(column) + place)}{row + line}": cell for line, cells in enumerate(rows) for place, cell in enumerate(cells) if cell is not None}


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Read:
    """Reads a workbook: the report, and the rows with their row number first."""

    def work(content: bytes, name: str = "usage.xlsx", **spec: object) -> tuple[ReadReport, list[tuple]]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        (folder / "out").mkdir()
        (folder / "source").write_bytes(content)
        report = read_file(folder / "source", name, ReadSpec(**spec), folder / "out")
        return report, duckdb.sql(f"select * exclude (_file, _sheet) from ({raw_query(folder / 'out', report)})").fetchall()

    return work


@pytest.mark.parametrize("cell, text", [
    (5.0, "5"), (0.1, "0.1"), (-0.5, "-0.5"), (1e-7, "0.0000001"), (123456789012345.0, "123456789012345"), (1.234567890123457e18, "1234567890123457000"), (1e22, "10000000000000000000000"), (0.1 + 0.2, "0.30000000000000004"),
    (7, "7"), (True, "true"), (False, "false"), ("00123", "00123"), (" x ", " x "), ("", ""), (None, ""),
    (date(2026, 10, 1), "2026-10-01"), (datetime(2026, 10, 1, 13, 5), "2026-10-01T13:05:00"), (datetime(2026, 10, 1, 13, 5, 0, 120000), "2026-10-01T13:05:00.120000"), (time(13, 5), "13:05:00"),
    (timedelta(hours=36, minutes=5), "36:05:00"), (timedelta(seconds=-90), "-00:01:30"), (timedelta(milliseconds=1500), "00:00:01.5"),
])
def test_cells_as_text(cell: object, text: str) -> None:
    assert cell_text(cell) == text


def test_a_table_that_starts_somewhere(read: Read) -> None:
    top = rows_at(5, ("customer", "n", "ok", "at"), ("acme", 5, True, datetime(2026, 10, 1, 13)), column="B")
    cells = {"B2": "Usage, October", **top, **rows_at(8, ("globex", 6.25, False, datetime(2026, 10, 2)), column="B"), "B10": "Total", "C10": 11.25}
    report, rows = read(book({"Usage": cells}))
    assert (report.format, report.sheet, report.header_rows, report.columns) == ("xlsx", "Usage", (5,), ("customer", "n", "ok", "at"))
    assert rows == [(6, "acme", "5", "true", "2026-10-01T13:00:00"), (8, "globex", "6.25", "false", "2026-10-02T00:00:00")]
    assert [(row.row, row.reason) for row in report.excluded] == [(2, "above the table"), (3, "blank row"), (4, "blank row"), (7, "blank row"), (9, "blank row"), (10, "totals row")]
    assert report.totals[0].values == {"customer": "Total", "n": "11.25"}


@pytest.mark.parametrize("epoch", [False, True])
def test_both_date_systems(read: Read, epoch: bool) -> None:
    cells = rows_at(1, ("customer", "day", "from", "took"), ("acme", date(2026, 10, 1), time(8, 30), timedelta(hours=30)))
    assert read(book({"Usage": cells}, date_1904=epoch))[1] == [(2, "acme", "2026-10-01", "08:30:00", "30:00:00")]


def test_hidden_rows_are_read_and_said(read: Read) -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as workbook:
        sheet = workbook.add_worksheet("Usage")
        for row, cells in enumerate([("customer", "n"), ("acme", 5), ("globex", 6), ("hooli", 7)]):
            sheet.write_row(row, 0, cells)
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_row(50, None, None, {"hidden": True})
    report, rows = read(stream.getvalue())
    assert len(rows) == 3 and report.warnings == ("Rows of the sheet 'Usage' that are hidden, perhaps by a filter, were read like the others: 1.",)


def test_the_sheet_with_the_table_is_taken(read: Read) -> None:
    table = rows_at(1, ("customer", "n"), ("acme", 5), ("globex", 6))
    sheets = {"Old": table, "Cover": {"A1": "Usage report"}, "Notes": {}, "Usage": table, "More": rows_at(1, ("a", "b"), (1, 2))}
    report, rows = read(book(sheets, hidden=("Old",)))
    assert (report.sheet, report.sheets, len(rows)) == ("Usage", ("Old", "Cover", "Notes", "Usage", "More"), 2)
    assert {finding.what: finding.value for finding in report.findings}["hidden sheets"] == "Old"
    assert read(book(sheets, hidden=("Old",)), sheet="Old")[0].sheet == "Old"
    assert read(book(sheets, hidden=("Old",)), sheet="More")[1] == [(2, "1", "2")]


@pytest.mark.parametrize("sheets, spec, sentence", [
    ({"Usage": {}}, {}, "is empty"),
    ({"One": {}, "Two": {}}, {}, "no visible sheet with a table"),
    ({"Usage": rows_at(1, ("a", "b"), (1, 2))}, {"sheet": "Usgae"}, "no sheet 'Usgae'. It has: Usage"),
    ({"Usage": rows_at(1, ("a", "b"), (1, 2))}, {"header_rows": (9,)}, "Row 9 was chosen"),
])
def test_honest_refusals(read: Read, sheets: Sheets, spec: dict, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(book(sheets), **spec)


def test_a_length_of_time_beyond_all_time_is_named(read: Read) -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as workbook:
        sheet = workbook.add_worksheet("Usage")
        sheet.write_row(0, 0, ("customer", "took"))
        sheet.write_row(1, 0, ("acme", 1e10), workbook.add_format({"num_format": "[h]:mm"}))
    with pytest.raises(Unreadable, match="length of time, of more days than there can be"):
        read(stream.getvalue())


def test_a_header_without_rows_is_read_and_said(read: Read) -> None:
    report, rows = read(book({"Usage": {"A1": "customer", "B1": "n"}}))
    assert (report.columns, report.header_rows, rows) == (("customer", "n"), (1,), []) and "no rows below" in report.warnings[0]


def test_errors_and_formulas_without_a_value_are_never_empty(read: Read) -> None:
    cells = rows_at(2, ("customer", "n", "m"), ("acme", "=1/0→#DIV/0!", "=B3*2"), ("globex", 6, "=B4*2→12"), ("hooli", "=TEXT(1)→nothing", 5), column="B")
    parts = zip_parts(book({"Usage & more": cells}))
    name = "xl/worksheets/sheet1.xml"
    report, rows = read(zip_of({**parts, name: parts[name].replace(b"<v>nothing</v>", b"<v></v>")}))
    assert rows == [(3, "acme", "#DIV/0!", "=B3*2"), (4, "globex", "6", "12"), (5, "hooli", None, "5")]
    assert "#DIV/0!" in report.warnings[0]


def test_formulas_that_were_never_calculated(read: Read) -> None:
    parts = zip_parts(book({"Usage": rows_at(1, ("customer", "n"), ("acme", 5), ("globex", "=B2&1→7"))}))
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b"<v>7</v>", b"<v></v>")
    assert read(zip_of(parts))[1][1] == (3, "globex", "=B2&1")


def zip_parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(parts: dict[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def test_long_ids_are_warned_about(read: Read) -> None:
    report, _ = read(book({"Usage": rows_at(1, ("account", "n"), (1234567890123456789, 5))}))
    assert "'account'" in report.warnings[0] and "15 digits" in report.warnings[0]


GOOD = book({"Usage": rows_at(1, *PLAIN)})


@pytest.mark.parametrize("content, sentence", [
    (GOOD[: len(GOOD) // 2], "is damaged"),
    (GOOD[:60] + bytes(500) + GOOD[560:], "is damaged"),
    (zip_of({"xl/workbook.xml": "<workbook"}), "is damaged"),
    (sniff.OLE + bytes(600) + sniff.ENCRYPTED, "protected with a password"),
    (sniff.OLE + bytes(600) + sniff.WORD_DOCUMENT, "a Word document"),
    (sniff.OLE + bytes(4000), "is damaged"),
])
@pytest.mark.parametrize("name", ["usage.xlsx", "usage.csv"])
def test_broken_and_protected_workbooks(read: Read, content: bytes, sentence: str, name: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(content, name)


def test_a_workbook_bomb_is_refused_before_it_is_opened(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.read.sniff.INFLATION_MATTERS_FROM", 1024**2)
    with pytest.raises(Unreadable, match="would unpack to 8 MB"):
        read(zip_of({"xl/workbook.xml": "<workbook/>", "xl/worksheets/sheet1.xml": bytes(8 * 1024**2)}))


def test_a_workbook_called_csv_is_read_and_said(read: Read) -> None:
    report, rows = read(GOOD, "usage.csv")
    assert [row[1:] for row in rows] == PLAIN[1:]
    assert ("format", "xlsx", "likely") in [(finding.what, finding.value, finding.confidence) for finding in report.findings]


def test_a_row_can_be_taken_back(read: Read) -> None:
    content = book({"Usage": rows_at(1, ("Title",), ("customer", "n"), ("acme", 5), ("globex", 6), ("Total", 11))})
    report, rows = read(content, keep_rows=(5,))
    assert rows[-1] == (5, "Total", "11") and [row.row for row in report.excluded] == [1] and not report.totals


# one small file for every format, hand-made where no writer is at hand


def ods() -> bytes:
    def cell(value: str) -> str:
        kind = "float" if value.replace(".", "").isdigit() else "date" if value.startswith("20") else "string"
        stored = {"float": f' office:value="{value}"', "date": f' office:date-value="{value}"', "string": ""}[kind]
        return f'<table:table-cell office:value-type="{kind}"{stored}><text:p>{value}</text:p></table:table-cell>'

    rows = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in PLAIN)
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    content = f'<?xml version="1.0"?><office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="Usage">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    manifest = '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return zip_of({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content, "META-INF/manifest.xml": manifest})


def xlsb() -> bytes:
    def record(kind: int, payload: bytes = b"") -> bytes:
        number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return number + bytes([len(payload)] if len(payload) < 128 else [len(payload) & 0x7F | 0x80, len(payload) >> 7]) + payload

    def wide(text: str) -> bytes:
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(column: int, value: str) -> bytes:
        place = struct.pack("<II", column, 0)
        return record(5, place + struct.pack("<d", float(value))) if value.replace(".", "").isdigit() else record(6, place + wide(value))

    rows = b"".join(record(0, struct.pack("<IIHHBI", line, 0, 300, 0, 0, 0)) + b"".join(cell(place, value) for place, value in enumerate(row)) for line, row in enumerate(PLAIN))
    size = record(148, struct.pack("<IIII", 0, len(PLAIN) - 1, 0, 2))
    sheet = record(129) + size + record(145) + rows + record(146) + record(130)
    workbook = record(131) + record(143) + record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Usage")) + record(144) + record(132)
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"
    relations = f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{kind}" Target="worksheets/sheet1.bin"/></Relationships>'
    return zip_of({"[Content_Types].xml": "<Types/>", "xl/workbook.bin": workbook, "xl/_rels/workbook.bin.rels": relations, "xl/worksheets/sheet1.bin": sheet})


FILES = {
    "text": "\n".join(",".join(row) for row in PLAIN).encode(),
    "xlsx": GOOD,
    "xlsm": zip_of({**zip_parts(GOOD), "xl/vbaProject.bin": b"macros"}),
    "xlsb": xlsb(),
    "xls": XLS,
    "ods": ods(),
}


def test_every_kind_of_workbook_has_a_file_here() -> None:
    assert set(FILES) == {name for name, reader in READERS.items() if isinstance(reader, partial)} | {"text"}


@pytest.mark.parametrize("name", FILES)
def test_every_reader_gives_the_same_table(read: Read, name: str) -> None:
    report, rows = read(FILES[name], f"usage.{name}")
    assert report.format in (name, "csv") and report.columns == PLAIN[0]
    assert [row[1:] for row in rows] == PLAIN[1:]
    assert [row[0] for row in rows] == ([3, 4] if name == "xls" else [2, 3])
    assert report.rows == 2 and report.error is None and all(finding.why for finding in report.findings)


# sheets together, merged cells, numbers shown otherwise


MONTHS = {"Jan": rows_at(1, ("customer", "n"), ("acme", 5)), "Feb": rows_at(1, ("customer", "n"), ("globex", 6), (None, None), ("hooli", 7)), "Empty": {}}


def test_sheets_of_one_shape_are_read_together(read: Read) -> None:
    report, rows = read(book(MONTHS))
    assert rows == [(2, "acme", "5"), (10_000_002, "globex", "6"), (10_000_004, "hooli", "7")]
    assert (report.sheet, report.rows, report.header_rows) == ("Jan, Feb", 3, (1,)) and not report.questions
    assert [(row.row, row.reason) for row in report.excluded] == [(10_000_001, "header of the sheet Feb"), (10_000_003, "blank row")]
    assert read(book(MONTHS), sheet="Feb")[1] == [(2, "globex", "6"), (4, "hooli", "7")]


def test_another_sheet_with_a_table_is_a_question(read: Read) -> None:
    sheets = {**MONTHS, "Other": rows_at(1, ("a", "b"), (1, 2))}
    report, rows = read(book(sheets))
    assert rows == [(2, "acme", "5")] and [option["value"] for option in report.questions[0]["options"]] == ["Jan", "*", "Feb", "Other"]
    assert read(book(sheets), sheet="*")[0].sheet == "Jan, Feb"


def test_a_row_of_a_further_sheet_can_be_taken_back(read: Read) -> None:
    sheets = {"Jan": MONTHS["Jan"], "Feb": rows_at(1, ("customer", "n"), ("globex", 6), ("hooli", 7), ("Total", 13))}
    assert [row.row for row in read(book(sheets))[0].totals] == [10_000_004]
    assert read(book(sheets), keep_rows=(10_000_004,))[1][-1] == (10_000_004, "Total", "13")


def merged_book(*ranges: tuple[str, object], cells: dict[str, object], shown: dict[str, str] | None = None) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet("Usage")
        for place, value in cells.items():
            sheet.write(place, value, workbook.add_format({"num_format": shown[place]}) if shown and place in shown else None)
        for place, value in ranges:
            sheet.merge_range(place, value)
    return stream.getvalue()


def test_merged_cells_are_filled_down_but_numbers_are_never_repeated(read: Read) -> None:
    cells = {"A1": "customer", "B1": "region", "C1": "n", "B2": "eu", "B3": "us", "A4": "globex", "B4": "eu", "C4": 7}
    report, rows = read(merged_book(("A2:A3", "acme"), ("C2:C3", 5), cells=cells))
    assert rows == [(2, "acme", "eu", "5"), (3, "acme", "us", None), (4, "globex", "eu", "7")] and "one number for several rows" in report.warnings[0]


@pytest.mark.parametrize("code, warning", [("00000", "leading zeros"), ("0.0%", "as percent"), ("#,##0.00", ""), ("$#,##0", "")])
def test_numbers_shown_otherwise_than_stored(read: Read, code: str, warning: str) -> None:
    report, rows = read(merged_book(cells={"A1": "customer", "B1": "n", "A2": "acme", "B2": 0.15}, shown={"B2": code}))
    assert rows == [(2, "acme", "0.15")] and (warning in report.warnings[0] if warning else not report.warnings)


@pytest.mark.parametrize(("code", "value", "text", "said"), [
    ("yyyy-mm-dd", -5, "-5", "no negative number is"), ("hh:mm", -0.25, "-0.25", "no negative number is"), ("[h]:mm", -0.25, "-06:00:00", ""), ('0 "days"', -5, "-5", ""),
    ("yyyy-mm-dd", 12, "1900-01-12", "a small number looks"), ("yyyy-mm-dd", 2958466, "2958466", ""), ("# ?/?", 0.5, "0.5", ""),
])
def test_numbers_that_are_no_dates_come_through(read: Read, code: str, value: float, text: str, said: str) -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for row, cells in enumerate([("customer", "n"), ("acme", value), ("globex", 45000)]):
            sheet.write_row(row, 0, cells, workbook.add_format({"num_format": code}))
    report, rows = read(stream.getvalue())
    told = " ".join([*report.warnings, *(each.what for each in report.repairs)])
    assert rows[0] == (2, "acme", text) and (said in told if said else not told)


@pytest.mark.parametrize("cells", [{"A1": "only"}, {"C7": 5}, {"A1": "one", "B1": "row"}, {"A1": "=1/0→#DIV/0!"}, {"A1": "a", "A2": "b", "A3": "c"}])
def test_next_to_nothing_is_read_too(read: Read, cells: dict[str, object]) -> None:
    report, _ = read(book({"Usage": cells}))
    assert report.columns and not report.error


def test_errors_at_the_edge_of_a_sheet_are_seen(read: Read) -> None:
    report, rows = read(book({"Usage": {"A1": "=1/0→#N/A", **rows_at(1, ("customer", "n"), ("acme", 5), column="B"), "B3": "globex", "C3": "=1/0→#DIV/0!", "D4": "=1/0→#REF!"}}))
    assert (3, None, "globex", "#DIV/0!") in rows and "#REF!" in str(report.excluded) + str(rows) and "#N/A" in str(report.excluded) + str(report.columns)


def test_only_a_hidden_sheet_holds_anything(read: Read) -> None:
    report, rows = read(book({"Shown": {}, "Data": rows_at(1, ("a", "n"), ("x", 2))}, hidden=("Data",)))
    assert report.sheet == "Data" and rows == [(2, "x", "2")]
