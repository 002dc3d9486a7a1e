"""Other shapes than text and workbooks: JSON, XML, HTML tables, SpreadsheetML, Parquet, Arrow, and packed files of any of these."""

import bz2
import gzip
import io
import json
import lzma
import tempfile
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest

from ingest.errors import Unreadable
from ingest.raw import raw_query
from ingest.read import READERS, read_file
from schemas.reading import ReadReport, ReadSpec

Read = Callable[..., tuple[ReadReport, list[tuple]]]

HEADER = ("customer", "day", "n")
ROWS = [("acme", "2026-10-01", "5"), ("globex", "2026-10-02", "6.50")]
CSV = "customer,day,n\nacme,2026-10-01,5\nglobex,2026-10-02,6.50\n"
JSON = '[{"customer": "acme", "day": "2026-10-01", "n": 5}, {"customer": "globex", "day": "2026-10-02", "n": 6.50}]'
HTML_ROWS = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in (HEADER, *ROWS))


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Read:
    """Reads a file: the report, and the rows with their row number first."""

    def work(content: bytes | str, name: str = "usage.json", **spec: object) -> tuple[ReadReport, list[tuple]]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        (folder / "out").mkdir()
        (folder / "source").write_bytes(content.encode() if isinstance(content, str) else content)
        report = read_file(folder / "source", name, ReadSpec(**spec), folder / "out")
        assert [path.name for path in folder.iterdir() if path.name not in ("source", "out")] == [], "something was left behind"
        return report, duckdb.sql(f"select * exclude (_file, _sheet) from ({raw_query(folder / 'out', report)})").fetchall()

    return work


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"customer": ["acme", "globex"], "day": [date(2026, 10, 1), date(2026, 10, 2)], "n": ["5", "6.50"]}), stream)
    return stream.getvalue()


def arrow() -> bytes:
    stream = io.BytesIO()
    feather.write_feather(pa.table(dict(zip(HEADER, zip(*ROWS, strict=True), strict=True))), stream)
    return stream.getvalue()


def spreadsheetml(*sheets: str) -> str:
    names = 'xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"'
    return f'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook {names}>{"".join(sheets)}</Workbook>'


def ml_sheet(name: str, rows: str) -> str:
    return f'<Worksheet ss:Name="{name}"><Table>{rows}</Table></Worksheet>'


def ml_row(*cells: object) -> str:
    return f"<Row>{''.join(f'<Cell><Data ss:Type={kind!r}>{cell}</Data></Cell>' for cell in cells for kind in ['Number' if str(cell)[:1].isdigit() and '-' not in str(cell) else 'String'])}</Row>"


FILES = {
    "text": CSV,
    "json": JSON,
    "jsonl": "\n".join(json.dumps(dict(zip(HEADER, row, strict=True))) for row in ROWS),
    "xml": "<rows>" + "".join(f"<row customer='{row[0]}'><day>{row[1]}</day><n>{row[2]}</n></row>" for row in ROWS) + "</rows>",
    "html": f"<html><body><table>{HTML_ROWS}</table></body></html>",
    "spreadsheetml": spreadsheetml(ml_sheet("Usage", ml_row(*HEADER) + "".join(ml_row(*row) for row in ROWS))),
    "parquet": parquet(),
    "arrow": arrow(),
}


def test_every_other_shape_has_a_file_here() -> None:
    assert set(FILES) | {"xlsx", "xlsm", "xlsb", "xls", "ods"} == set(READERS)


def zip_of(**members: bytes | str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return stream.getvalue()


def zstd(content: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(content))


def zstd_stream(content: bytes) -> bytes:
    stream = pa.BufferOutputStream()
    with pa.CompressedOutputStream(stream, "zstd") as packed:
        packed.write(content)
    return stream.getvalue().to_pybytes()


PACKERS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd_stream, ".zip": lambda content: zip_of(inside=content)}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("ending", ["", *PACKERS])
def test_the_same_table_from_every_shape_packed_or_not(read: Read, kind: str, ending: str) -> None:
    content = FILES[kind].encode() if isinstance(FILES[kind], str) else FILES[kind]
    report, rows = read(PACKERS[ending](content) if ending else content, f"usage.{kind}{ending}")
    assert (report.columns, [row[1:] for row in rows], report.rows) == (HEADER, ROWS, 2)
    assert [row[0] for row in rows] == [2, 3] and report.file == f"usage.{kind}{ending}" and all(finding.why for finding in report.findings)


@pytest.mark.parametrize("name", ["usage.xls", "usage.csv"])
@pytest.mark.parametrize("kind", ["html", "spreadsheetml", "text", "json"])
def test_names_that_lie(read: Read, kind: str, name: str) -> None:
    report, rows = read(FILES[kind], name)
    assert [row[1:] for row in rows] == ROWS
    assert report.findings[0].what == "format" and report.findings[0].value == kind


@pytest.mark.parametrize("text, columns, rows", [
    ('[{"a": 1.10, "b": {"c": true, "d": null}}, {"a": 12345678901234567890.1, "e": [1, "x"]}]', ("a", "b.c", "b.d", "e"), [("1.10", "true", None, None), ("12345678901234567890.1", None, None, '[1, "x"]')]),
    ('{"meta": {"page": 1}, "data": {"items": [{"a": "x"}, {"a": "y"}]}}', ("a",), [("x",), ("y",)]),
    ('{"a": [1, 2], "b": ["x", "y"]}', ("a", "b"), [("1", "x"), ("2", "y")]),
    ('{"columns": ["a", "b"], "data": [[1, "x"], [2, "y"]]}', ("a", "b"), [("1", "x"), ("2", "y")]),
    ('[["a", "b"], ["x", 1], ["y", 2.50]]', ("a", "b"), [("x", "1"), ("y", "2.50")]),
    ('[1, 2.0, "x"]', ("value",), [("1",), ("2.0",), ("x",)]),
    ('{"a": "only", "b": 1e3}', ("a", "b"), [("only", "1000")]),
    ('{"a": 1}\n\n{"a": 2, "b": "é"}\n', ("a", "b"), [("1", None), ("2", "é")]),
    ('\ufeff[{"a": 1, "A": 2}]', ("a", "A (2)"), [("1", "2")]),
])
def test_json(read: Read, text: str, columns: tuple, rows: list) -> None:
    report, found = read(text)
    assert (report.columns, [row[1:] for row in found]) == (columns, rows)


def test_a_damaged_line_of_json_lines_costs_only_itself(read: Read) -> None:
    report, rows = read('{"a": 1}\n{"a": 2\n{"a": 3}\n', "usage.jsonl")
    assert rows == [(2, "1"), (4, "3")] and [(row.row, row.reason) for row in report.excluded] == [(3, "no valid JSON")]


def test_several_arrays_are_a_question(read: Read) -> None:
    text = '{"customers": [{"id": 1}], "usage": [{"n": 1}, {"n": 2}]}'
    report, rows = read(text)
    assert [row[1:] for row in rows] == [("1",), ("2",)] and [option["value"] for option in report.questions[0]["options"]] == ["usage", "customers"]
    assert read(text, sheet="customers")[0].columns == ("id",)


@pytest.mark.parametrize("text, columns, rows", [
    ("<r><m><k>1</k></m><x><a>1</a><b c='2'/></x><x><a>3</a><a>4</a></x></r>", ("a", "b.c"), [("1", "2"), ('["3", "4"]', None)]),
    ("<v><i>1</i><i>2</i></v>", ("value",), [("1",), ("2",)]),
    ("<?xml version='1.0' encoding='iso-8859-1'?><n:r xmlns:n='u'><n:x><n:a>Z\xfcrich</n:a></n:x><n:x><n:a> b </n:a></n:x></n:r>".encode("latin-1"), ("a",), [("Zürich",), ("b",)]),
])
def test_xml(read: Read, text: str | bytes, columns: tuple, rows: list) -> None:
    report, found = read(text, "usage.xml")
    assert (report.columns, [row[1:] for row in found]) == (columns, rows)


def test_html_with_merged_cells_and_several_tables(read: Read) -> None:
    big = "<table><tr><th>customer<th>n</tr><tr><td rowspan=2>acme &amp; co</td><td>5<br>0</td></tr><tr><td>6</td></tr></table>"
    report, rows = read(f"<p>Hello</p><table><tr><td>menu</td></tr></table>{big}", "usage.xls")
    assert (report.columns, rows) == (("customer", "n"), [(2, "acme & co", "5 0"), (3, "acme & co", "6")])
    assert (report.format, report.sheet, report.sheets) == ("html", "table 2", ("table 1", "table 2"))


def test_spreadsheetml_keeps_places_and_types(read: Read) -> None:
    rows = ml_row("customer", "n", "ok") + '<Row ss:Index="4"><Cell><Data ss:Type="String">acme</Data></Cell><Cell ss:Index="3"><Data ss:Type="Boolean">1</Data></Cell></Row>' + ml_row("globex", 5)
    report, found = read(spreadsheetml(ml_sheet("Empty", ""), ml_sheet("Usage", rows), ml_sheet("More", ml_row("a", "b") + ml_row("x", 1))), "usage.xls")
    assert found == [(4, "acme", None, "true"), (5, "globex", "5", None)] and report.sheet == "Usage" and report.questions


def test_parquet_types_lose_nothing(read: Read) -> None:
    stream = io.BytesIO()
    table = pa.table({
        "d": pa.array([Decimal("1.10")], pa.decimal128(38, 2)), "t": pa.array([datetime(2026, 10, 1, 13, 5)], pa.timestamp("us", "UTC")), "f": [0.1], "b": [True], "s": [{"x": 1, "y": {"z": "deep"}}], "l": [[1, 2]],
        "n": pa.array([None], pa.int64()), "raw": [b"\x00\xff"], "c": pa.array(["k"]).dictionary_encode(),
    })
    pq.write_table(table, stream)
    report, rows = read(stream.getvalue(), "usage.parquet")
    assert report.columns == ("d", "t", "f", "b", "s.x", "s.y.z", "l", "n", "raw", "c")
    assert rows == [(2, "1.10", "2026-10-01T13:05:00Z", "0.1", "true", "1", "deep", "[1, 2]", None, "00ff", "k")]


def test_a_zip_of_several_files_names_the_others(read: Read) -> None:
    content = zip_of(readme__txt="", a__csv=CSV, b__csv="x,y\n1,2\n")
    report, rows = read(content, "usage.zip")
    assert [row[1:] for row in rows] == ROWS and (report.sheet, report.sheets) == ("a.csv", ("readme.txt", "a.csv", "b.csv")) and report.questions[0]["name"] == "sheet"
    assert read(content, "usage.zip", sheet="b.csv")[1] == [(2, "1", "2")]
    assert read(zip_of(a__csv=CSV), "usage.csv")[1][0][1:] == ROWS[0]


def test_json_in_utf_16(read: Read) -> None:
    assert read(JSON.encode("utf-16"))[0].columns == HEADER


@pytest.mark.parametrize("content, name, sentence", [
    ('[{"a": 1}, {"a"', "a.json", "damaged or cut off: line 1"),
    ("[]", "a.json", "no records"),
    ("{}", "a.json", "no records"),
    ("<r><a>1</r>", "a.xml", "damaged or cut off in line 1"),
    ("<html><body><p>Please sign in</p></body></html>", "a.xls", "no table"),
    (spreadsheetml(), "a.xls", "is empty"),
    (parquet()[:-30], "a.parquet", "damaged"),
    (arrow()[:200], "a.feather", "damaged"),
    (gzip.compress(CSV.encode() * 100)[:60], "a.csv.gz", "damaged or cut off"),
    (b"\x1f\x8b\x08\x00", "a.csv", "damaged or cut off"),
    (zip_of(a__csv=CSV)[:40], "a.zip", "damaged"),
    (zip_of(a__bin=bytes(range(256)) * 10), "a.zip", "no text"),
    (zip_of(a__pdf=b"%PDF", b__png=b"\x89PNG"), "a.zip", "None of the 2 files"),
    (b"%PDF-1.7", "a.csv", "a PDF"),
])
def test_honest_refusals(read: Read, content: bytes | str, name: str, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        read(content, name)
