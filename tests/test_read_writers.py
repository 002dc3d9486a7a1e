"""Workbooks as other programs write them: the same small table, with an error and a formula without a stored value, whatever the parts are called and whatever is left out."""

import base64
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingest.raw import raw_query
from ingest.read import read_file
from schemas.reading import ReadReport, ReadSpec

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
ROWS = [(2, "acme", "5", "#N/A"), (3, "globex", "6", "=B3*2"), (4, "hooli", "7", "true")]
Parts = dict[str, str]

SHEET = """<row r="1"><c r="A1" t="inlineStr"><is><t>customer</t></is></c><c r="B1" t="inlineStr"><is><t>n</t></is></c><c r="C1" t="inlineStr"><is><t>m</t></is></c></row>
<row r="2"><c r="A2" t="inlineStr"><is><t>acme</t></is></c><c r="B2"><v>5</v></c><c r="C2" t="e"><f>NA()</f><v>#N/A</v></c></row>
<row r="3"><c r="A3" t="inlineStr"><is><t>globex</t></is></c><c r="B3"><v>6</v></c><c r="C3"><f>B3*2</f></c></row>
<row r="4"><c r="A4" t="inlineStr"><is><t>hooli</t></is></c><c r="B4"><v>7</v></c><c r="C4" t="b"><v>1</v></c></row>"""


def relations(*targets: tuple[str, str], office: str = OFFICE) -> str:
    inner = "".join(f'<Relationship Id="rId{number}" Type="{office}/{kind}" Target="{target}"/>' for number, (kind, target) in enumerate(targets, 1))
    return f'<?xml version="1.0"?><Relationships xmlns="{PACKAGE}">{inner}</Relationships>'


def book(name: str = "Usage", main: str = MAIN, office: str = OFFICE, sheets: str = "") -> str:
    return f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{sheets or f"""<sheet name="{name}" sheetId="1" r:id="rId1"/>"""}</sheets></workbook>'


def parts(sheet: str = SHEET, main: str = MAIN, office: str = OFFICE, **more: str) -> Parts:
    return {
        "[Content_Types].xml": "<Types/>", "_rels/.rels": relations(("officeDocument", "xl/workbook.xml"), office=office), "xl/workbook.xml": book(main=main, office=office),
        "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml"), office=office), "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{sheet}</sheetData></worksheet>', **more}


def without_places() -> str:
    import re

    return re.sub(r' r="\w+"', "", SHEET)


def shared() -> Parts:
    texts = ["customer", "n", "m", "acme", "globex", "hooli"]
    sheet = SHEET
    for number, text in enumerate(texts):
        sheet = sheet.replace(f't="inlineStr"><is><t>{text}</t></is>', f't="s"><v>{number}</v>')
    strings = f'<sst xmlns="{MAIN}">{"".join(f"<si><t>{text}</t></si>" for text in texts)}</sst>'
    return {**parts(sheet), "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml"), ("sharedStrings", "sharedStrings.xml")), "xl/sharedStrings.xml": strings}


def prefixed() -> Parts:
    import re

    found = parts()
    found["xl/worksheets/sheet1.xml"] = re.sub(r"<(/?)(?=\w)", r"<\1x:", found["xl/worksheets/sheet1.xml"]).replace("xmlns=", "xmlns:x=")
    return found


def elsewhere(folder: str, name: str, target: str) -> Parts:
    """The workbook's own part under another name or in another folder."""
    found = parts()
    moved = {key: text for key, text in found.items() if not key.startswith("xl/")}
    return {**moved, "_rels/.rels": relations(("officeDocument", f"{folder}{name}")), f"{folder}{name}": found["xl/workbook.xml"], f"{folder}_rels/{name}.rels": relations(("worksheet", target)),
            f"{folder}worksheets/sheet1.xml": found["xl/worksheets/sheet1.xml"]}


WRITERS: dict[str, Parts] = {
    "inline strings, no styles, no dimension": parts(),
    "shared strings": shared(),
    "no places of cells": parts(without_places()),
    "places of rows only": parts("".join(f'<row r="{number}">{row.split(">", 1)[1]}' for number, row in enumerate(without_places().split("\n"), 1))),
    "a wrong dimension": parts() | {"xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><dimension ref="A1"/><sheetData>{SHEET}</sheetData></worksheet>'},
    "strict": parts(main=STRICT, office=STRICT_OFFICE),
    "prefixes": prefixed(),
    "absolute targets": parts() | {"xl/_rels/workbook.xml.rels": relations(("worksheet", "/xl/worksheets/sheet1.xml"))},
    "another case": elsewhere("xl/", "Workbook.xml", "worksheets/sheet1.xml"),
    "another folder": elsewhere("book/", "workbook.xml", "worksheets/sheet1.xml"),
    "attributes in single quotes": {name: text.replace('"', "'") if name.startswith("xl/worksheets") else text for name, text in parts().items()},
    "spaces around equals": parts(SHEET.replace(' t="', ' t = "').replace(' r="', ' r = "')),
    "a byte order mark": {name: f"\ufeff{text}" for name, text in parts().items()},
    "styles that are empty": parts() | {"xl/styles.xml": f'<styleSheet xmlns="{MAIN}"/>'},
    "a strange name": parts() | {"xl/workbook.xml": book("Usage &amp; &lt;more&gt; &quot;é&quot; ☃")},
    "a chart sheet first": parts() | {
        "xl/workbook.xml": book(sheets='<sheet name="Chart" sheetId="1" r:id="rId2"/><sheet name="Usage" sheetId="2" r:id="rId1"/>'),
        "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml"), ("chartsheet", "chartsheets/sheet1.xml")), "xl/chartsheets/sheet1.xml": f'<chartsheet xmlns="{MAIN}"/>'},
    "a very hidden sheet first": parts() | {
        "xl/workbook.xml": book(sheets='<sheet name="Old" sheetId="1" state="veryHidden" r:id="rId2"/><sheet name="Usage" sheetId="2" r:id="rId1"/>'),
        "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml"), ("worksheet", "worksheets/sheet2.xml")),
        "xl/worksheets/sheet2.xml": f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'},
    "a sheet whose part is missing": parts() | {
        "xl/workbook.xml": book(sheets='<sheet name="Usage" sheetId="1" r:id="rId1"/><sheet name="Gone" sheetId="2" r:id="rId2"/>'),
        "xl/_rels/workbook.xml.rels": relations(("worksheet", "worksheets/sheet1.xml"), ("worksheet", "worksheets/sheet9.xml"))},
}


def packed(found: Parts, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, text in found.items():
            archive.writestr(name, text)
    return stream.getvalue()


@pytest.fixture
def read(home: Path, tmp_path: Path) -> Callable[[bytes], tuple[ReadReport, list[tuple]]]:
    """Reads a workbook: the report, and the rows with their row number first."""

    def work(content: bytes) -> tuple[ReadReport, list[tuple]]:
        (tmp_path / "out").mkdir()
        (tmp_path / "source").write_bytes(content)
        report = read_file(tmp_path / "source", "usage.xlsx", ReadSpec(), tmp_path / "out")
        return report, duckdb.sql(f"select * exclude (_file, _sheet) from ({raw_query(tmp_path / 'out', report)})").fetchall()

    return work


@pytest.mark.parametrize("writer", WRITERS)
def test_every_writers_workbook_is_the_same_table(read: Callable, writer: str) -> None:
    report, rows = read(packed(WRITERS[writer]))
    assert (report.format, report.columns, rows) == ("xlsx", ("customer", "n", "m"), ROWS)
    assert "#N/A" in " ".join(report.warnings)


def test_parts_that_are_not_compressed(read: Callable) -> None:
    assert read(packed(parts(), zipfile.ZIP_STORED))[1] == ROWS


NEVER_CALCULATED = lzma.decompress(base64.b85decode(
    'T>t<81poj4|NsC0{{Uz+z8r=ycVP6SgepJ`9Cjyy@{xwzh{`9r;h?w11QTbQ&6v4qH5DqE;RDmf=*-ddOF!ADBJp6^u*dE%)j~d{qlzMTfmIQ38#MY4`=iQc0LNj?E2yB6I4}u}%N>gz-_b`H4Rqu1*e8#bC}XCrObY5-I-IZ7@B>D*#y4PEm=sEa$Cs90'
    'zi58uIB=>B5BWQ{9?2A^he@pPr}6mETmS1yDD&Vl%V6K^k#`$*bCWkV@rdd$;rX`@wJ#-Arv<%l^(a?%+1!&8miUOTCEq?KvJW<22JbpNXS2}vSZ<H`eSE*Mh_Ep0>v3B#*$Zm<QkodRNz6X`^5x+(T1aBUlF2)+&?=038_tYjW@%Gy_!J`}QyU$8=$2%X'
    'b307yD1tAa@OjpQ<h^&dFC;Zm%}hS<pF=qRO8A{*PQouw6J>5;m8gIs<yL7c(m9VmB=?YP{Yh{<Ii#)E1A}^2-hgFq;YF<00vd_ND)?YhI6l(RS@^PdYovm9X>8C0SU){?;sg&b=!A$7{BlO!w18Sr0xlTqGYs7L>EFywa4KD)NJ&;zP%VORzU!AX`_aj0'
    'aAtHLrK{?G{%uhK?UK>JV4LZohaFI7P;DJFy{;X664r=<NWK!nXD&8dNC;w~UIP75ze1bW2wEz-g*!&Y^-KLunK(ZYznIUiTy8Y1?(HKceHu3MA0sNB`%%b&3TL_?oM}{ysO2%sToL>sXMpX65QLKsjVev+M4+N?o)KW9-|y=lc_S(TWy_5OH4#SEx<K+a'
    'M1l~BnJkF6<3>y)38L1FgtLX@=k@d7{();o'
))
"""An Excel 97 workbook by a program that calculates nothing: a share shown as percent, an id shown as 00007, and formulas."""


def test_old_workbooks_tell_how_numbers_are_shown_and_which_formulas_were_never_calculated(read: Callable) -> None:
    report, rows = read(NEVER_CALCULATED)
    never = "=(a formula without a stored value)"
    assert (report.columns, rows) == (("customer", "share", "id", "total"), [(2, "acme", "0.15", "7", never), (3, "globex", "0.3", "14", never)])
    assert all(any(word in warning for warning in report.warnings) for word in ("2 cells hold", "as percent", "leading zeros"))
