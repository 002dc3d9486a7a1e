"""OpenDocument sheets: what a person sees is what is read, also where the file stores it otherwise or not at all."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingest.errors import Unreadable
from ingest.raw import raw_query
from ingest.read import read_file
from schemas.reading import ReadReport, ReadSpec

SPACES = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")) + ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"


def text(value: str, more: str = "") -> str:
    return cell(f'office:value-type="string" {more}', value)


def cell(attributes: str, shown: str = "") -> str:
    return f"<table:table-cell {attributes}>{f'<text:p>{shown}</text:p>' if shown else ''}</table:table-cell>"


def table(*rows: tuple[str, ...], name: str = "Usage") -> str:
    inner = "".join(f"<table:table-row>{''.join(row)}</table:table-row>" for row in rows)
    return f'<table:table table:name="{name}">{inner}</table:table>'


def ods(*tables: str, manifest: str = "") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", f'<?xml version="1.0"?><office:document-content {SPACES}><office:body><office:spreadsheet>{"".join(tables)}</office:spreadsheet></office:body></office:document-content>')
        archive.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{MANIFEST}">{manifest}</manifest:manifest>')
    return stream.getvalue()


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Callable[[bytes], tuple[ReadReport, list[tuple]]]:
    """Reads a workbook: the report, and the rows with their row number first."""

    def work(content: bytes) -> tuple[ReadReport, list[tuple]]:
        (tmp_path / "out").mkdir()
        (tmp_path / "source").write_bytes(content)
        report = read_file(tmp_path / "source", "usage.ods", ReadSpec(), tmp_path / "out")
        return report, duckdb.sql(f"select * exclude (_file, _sheet) from ({raw_query(tmp_path / 'out', report)})").fetchall()

    return work


ONE = cell('office:value-type="float" office:value="1"', "1")
HEAD, LAST = (text("customer"), text("n"), text("m")), (text("hooli"), ONE, ONE)
LOST = "hold an error or a formula without a stored value"
SHOWN = {
    "an error": ('table:formula="of:=1/0" office:value-type="string" office:string-value="" calcext:value-type="error"', "#DIV/0!", "#DIV/0!", LOST),
    "an error stored as 0": ('table:formula="of:=1/0" office:value-type="float" office:value="0"', "#DIV/0!", "#DIV/0!", LOST),
    "an error without a type": ('table:formula="of:=NA()"', "#N/A", "#N/A", LOST),
    "an error of its own": ('table:formula="of:=X(" office:value-type="string" calcext:value-type="error"', "Err:509", "Err:509", LOST),
    "a formula never calculated": ('table:formula="of:=[.B2]*2"', "", "=[.B2]*2", LOST),
    "a formula of empty text": ('table:formula="of:=&quot;&quot;" office:value-type="string" office:string-value=""', "", None, ""),
    "a percentage": ('office:value-type="percentage" office:value="0.15"', "15%", "0.15", ""),
    "an amount": ('office:value-type="currency" office:currency="EUR" office:value="1234.5"', "1.234,50 €", "1234.5", ""),
    "true": ('office:value-type="boolean" office:boolean-value="true"', "WAHR", "true", ""),
    "a day": ('office:value-type="date" office:date-value="2026-10-01"', "1.10.26", "2026-10-01", ""),
    "a time": ('office:value-type="time" office:time-value="PT13H05M00S"', "13:05", "13:05:00", ""),
    "a duration": ('office:value-type="time" office:time-value="PT36H05M10.50S"', "36:05", "36:05:10.5", ""),
    "a duration in days": ('office:value-type="time" office:time-value="P2DT1H"', "49:00", "49:00:00", ""),
    "text like a duration": ('office:value-type="string"', "PT36H05M10S", "PT36H05M10S", ""),
    "text like an error": ('office:value-type="string"', "#1 supplier", "#1 supplier", ""),
}


@pytest.mark.parametrize("hazard", SHOWN)
def test_what_is_shown_is_read(read: Callable, hazard: str) -> None:
    attributes, shown, value, warning = SHOWN[hazard]
    report, rows = read(ods(table(HEAD, (text("acme"), cell(attributes, shown), ONE), LAST)))
    assert rows == [(2, "acme", value, "1"), (3, "hooli", "1", "1")]
    assert warning in " ".join(report.warnings) and bool(warning) == bool(report.warnings)


def test_errors_are_found_behind_repeated_cells_and_rows(read: Callable) -> None:
    blank = cell('table:number-columns-repeated="3"')
    error = cell('table:number-columns-repeated="2" table:formula="of:=NA()" calcext:value-type="error" office:value-type="string"', "#N/A")
    note = '<table:table-cell office:value-type="string"><office:annotation><text:p>a note</text:p></office:annotation><text:p>acme</text:p></table:table-cell>'
    repeated = f'<table:table-row table:number-rows-repeated="2">{note}{text("x")}{error}</table:table-row>'
    content = ods(table((blank,)), f'<table:table table:name="Data"><table:table-row>{text("a")}{text("b")}{text("c")}{text("d")}</table:table-row>{repeated}</table:table>')
    assert read(content)[1] == [(2, "acme", "x", "#N/A", "#N/A"), (3, "acme", "x", "#N/A", "#N/A")]


def test_merged_cells_are_filled_down(read: Callable) -> None:
    merged = text("acme", 'table:number-rows-spanned="2" table:number-columns-spanned="1"')
    rows = (text("customer"), text("region"), text("n")), (merged, text("eu"), cell('office:value-type="float" office:value="1"')), ("<table:covered-table-cell/>", text("us"), cell('office:value-type="float" office:value="2"'))
    assert read(ods(table(*rows)))[1] == [(2, "acme", "eu", "1"), (3, "acme", "us", "2")]


def test_a_protected_sheet_is_refused_with_a_sentence(read: Callable) -> None:
    entry = '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"><manifest:encryption-data/></manifest:file-entry>'
    with pytest.raises(Unreadable, match="protected with a password"):
        read(ods(table(HEAD, LAST), manifest=entry))
