"""Small files of every format, to be damaged."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import xlsxwriter

from tests.clean_tables import TABLES, Table, sales, usage

SMALL = Table("small", ["customer", "day", "quantity", "note"], [["acme", "2025-11-01", "5", "first, and best"], ["globex", "2025-11-02", "6.5", ""], ["hooli", "2025-11-03", "7", "two\nlines"], ["acme", "2025-11-04", "8", "last"]], end="\n")
RECORDS = [dict(zip(SMALL.header, row, strict=True)) for row in SMALL.rows]


def xlsx(rows: list[list[str]]) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_numbers": True}) as book:
        for name in ("Usage", "More"):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
        sheet.merge_range("A20:C20", "merged")
        sheet.write_formula("A21", "=1/0", None, "#DIV/0!")
    return stream.getvalue()


def ods(rows: list[list[str]]) -> bytes:
    cells = "".join("<table:table-row>" + "".join(f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row) + "</table:table-row>" for row in rows)
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    content = f'<?xml version="1.0"?><office:document-content {spaces} office:version="1.2"><office:body><office:spreadsheet><table:table table:name="Usage">{cells}</table:table></office:spreadsheet></office:body></office:document-content>'
    manifest = '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/></manifest:manifest>'
    return zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": content.encode(), "META-INF/manifest.xml": manifest.encode()})


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of some files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(RECORDS), stream)
    return stream.getvalue()


def arrow() -> bytes:
    stream = io.BytesIO()
    feather.write_feather(pa.Table.from_pylist(RECORDS), stream)
    return stream.getvalue()


def xml() -> bytes:
    return ("<?xml version='1.0'?><usage>" + "".join("<row>" + "".join(f"<{name}>{value}</{name}>" for name, value in record.items()) + "</row>" for record in RECORDS) + "</usage>").encode()


def html() -> bytes:
    return ("<html><body><h1>Usage</h1><table>" + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in (SMALL.header, *SMALL.rows)) + "</table></body></html>").encode()


def spreadsheetml() -> bytes:
    cells = "".join("<Row>" + "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' for cell in row) + "</Row>" for row in (SMALL.header, *SMALL.rows))
    return f'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Usage"><Table>{cells}</Table></Worksheet></Workbook>'.encode()


def samples() -> dict[str, bytes]:
    """File name → content."""
    csv = SMALL.text.encode()
    texts = {f"{table.name}.csv": table._replace(rows=table.rows[:8]).text.encode() for table in TABLES}
    return texts | {
        "small.csv": csv, "small.tsv": SMALL._replace(delimiter="\t").text.encode(), "apostrophes.csv": SMALL._replace(quote="'", delimiter=";").text.encode(), "wide.csv": SMALL.text.encode("utf-16"), "wide32.csv": SMALL.text.encode("utf-32-le"),
        "german.txt": next(table for table in TABLES if table.name == "german").text.encode("cp1252")[:600], "fixed.txt": "".join(f"{row[1]:12}{row[2]:10}{row[5]:>9}{row[4]:>9}\n" for row in usage(12)).encode(),
        "report.csv": ("Report\nfrom;2025-11-01\n\n" + SMALL._replace(delimiter=";").text + "\nTotal;;26.5;\n* estimated\n\nother;table\na;1\nb;2\n").encode(), "zeros.csv": csv.replace(b"acme", b"ac\0me"), "sep.csv": b"sep=;\n" + SMALL._replace(delimiter=";").text.encode(),
        "book.xlsx": xlsx([SMALL.header, *SMALL.rows]), "sales.xlsx": xlsx(sales(12)), "book.ods": ods([SMALL.header, *SMALL.rows]), "records.json": json.dumps(RECORDS).encode(), "nested.json": json.dumps({"data": RECORDS, "page": {"next": None, "n": [1, 2]}}).encode(),
        "records.jsonl": "\n".join(map(json.dumps, RECORDS)).encode(), "records.xml": xml(), "page.html": html(), "sheet.xml": spreadsheetml(), "table.parquet": parquet(), "table.arrow": arrow(),
        "packed.gz": gzip.compress(csv, mtime=0), "packed.bz2": bz2.compress(csv), "packed.xz": lzma.compress(csv), "packed.zip": zipped({"a.csv": csv, "b/c.csv": csv}),
    }
