"""Files made to hurt: each is refused with a sentence, in little time and memory, in a process of its own that is watched."""

import bz2
import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import xlsxwriter

PROJECT = Path(__file__).resolve().parent.parent
SECONDS, MEGABYTES = 5, 300

Write = Callable[[Path], None]


def zipped(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def zeros_in(path: Path, name: str, megabytes: int, before: dict[str, bytes]) -> None:
    """A zip with a member of zeros, written piece by piece."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, content in before.items():
            archive.writestr(each, content)
        with archive.open(name, "w") as stream:
            for _ in range(megabytes):
                stream.write(bytes(1024**2))


def scattered(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "a")
        sheet.write(1_048_575, 16_383, "b")


def entities(text: str = "&d;") -> bytes:
    levels = "".join(f'<!ENTITY {name} "{"&" + before + ";" if before else "x"}{("&" + before + ";") * 9 if before else "x" * 9}">' for before, name in ("\0a", "ab", "bc", "cd") for before in [before.strip("\0")])
    return f'<?xml version="1.0"?><!DOCTYPE r [{levels}]><r><x><a>{text}</a></x><x><a>1</a></x></r>'.encode()


def gzip_bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=6) as stream:
        for _ in range(100):
            stream.write(bytes(1024**2))


def repeated(path: Path, across: int = 16_384, down: int = 1_048_576) -> None:
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    cell = f'<table:table-cell table:number-columns-repeated="{across}" office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>'
    rows = f'<table:table-row table:number-rows-repeated="{down}">{cell}</table:table-row>'
    content = f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="Usage">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    zipped(path, {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": content.encode(), "META-INF/manifest.xml": b"<manifest/>"})


def xlsx(path: Path, rows: str, strings: str = "") -> None:
    """A workbook with one sheet of these rows."""
    main, office, package = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org/officeDocument/2006/relationships", "http://schemas.openxmlformats.org/package/2006/relationships"
    book = f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>'
    parts = f'<Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/>'
    root = f'<Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/>'
    zipped(path, {
        "[Content_Types].xml": b"<Types/>", "_rels/.rels": f'<Relationships xmlns="{package}">{root}</Relationships>'.encode(), "xl/workbook.xml": book.encode(),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}">{parts}</Relationships>'.encode(), "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>'.encode(),
        "xl/sharedStrings.xml": f'<sst xmlns="{main}"><si><t>{strings}</t></si></sst>'.encode()})


def far_away(row: int, place: str) -> str:
    return f'<row r="1"><c r="A1"><v>1</v></c></row><row r="{row}"><c{place}><v>1</v></c></row>'


BOMBS: dict[str, tuple[str, Write, str]] = {
    "workbook bomb": ("a.xlsx", lambda path: zeros_in(path, "xl/worksheets/sheet1.xml", 300, {"xl/workbook.xml": b"<workbook/>"}), "would unpack to"),
    "two cells far apart": ("a.xlsx", scattered, "scattered over"),
    "cells repeated": ("a.ods", repeated, "is damaged"),
    "shared strings that unpack": ("a.xlsx", lambda path: xlsx(path, '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', "x" * 60_000_000), "would unpack to"),
    "a row beyond any sheet": ("a.xlsx", lambda path: xlsx(path, far_away(4_294_967_295, ' r="A4294967295"')), "scattered over"),
    "a row beyond any sheet, cells without places": ("a.xlsx", lambda path: xlsx(path, far_away(4_294_967_295, "")), "scattered over"),
    "a million columns in a sheet": ("a.xlsx", lambda path: xlsx(path, f"<row>{'<c><v>1</v></c>' * 200_000}</row>"), "200,000 columns"),
    "entities in a sheet": ("a.xls", lambda path: path.write_bytes(entities().replace(b"<r><x><a>", b'<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><a>')), "defines entities"),
    "a million columns": ("a.csv", lambda path: path.write_text((",".join(map(str, range(1_000_000))) + "\n") * 2), "1,000,000 columns"),
    "a million empty columns": ("a.csv", lambda path: path.write_text(("a" + "," * 1_000_000 + "\n") * 3), "1,000,001 columns"),
    "a text of 100 MB in JSON": ("a.json", lambda path: path.write_text('[{"a": "' + "x" * 100_000_000 + '"}]'), "no table"),
    "millions of lists": ("a.json", lambda path: path.write_text("[" + "[]," * 3_000_000 + "[]]"), "lists and objects"),
    "millions of cells": ("a.html", lambda path: path.write_text("<table>" + "<tr><td>x<td>y" * 1_500_000), "cells"),
    "zip bomb": ("a.zip", lambda path: zeros_in(path, "a.csv", 100, {}), "unpacks to more than"),
    "gzip bomb": ("a.csv.gz", gzip_bomb, "unpacks to more than"),
    "packed many times": ("a.gz", lambda path: path.write_bytes(gzip.compress(bz2.compress(gzip.compress(bz2.compress(gzip.compress(b"a,b\n1,2\n")))))), "packed more than"),
    "climbing path": ("a.zip", lambda path: zipped(path, {"../../etc/cron.d/a.csv": b"a,b\n1,2\n"}), "leads out of it"),
    "path from the root": ("a.zip", lambda path: zipped(path, {"/etc/passwd": b"a,b\n1,2\n"}), "leads out of it"),
    "many files": ("a.zip", lambda path: zipped(path, {f"{index}.csv": b"" for index in range(10_001)}), "10,001 files"),
    "XML entities": ("a.xml", lambda path: path.write_bytes(entities()), "defines entities"),
    "an entity from outside": ("a.xml", lambda path: path.write_bytes(b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r><x><a>&e;</a></x></r>'), "defines entities"),
    "XML nested deeply": ("a.xml", lambda path: path.write_bytes(b"<?xml version='1.0'?>" + b"<a>" * 1_000_000), "nested too deeply"),
    "JSON nested deeply": ("a.json", lambda path: path.write_bytes(b"[[" * 400_000), "nested too deeply"),
    "JSON with many names": ("a.json", lambda path: path.write_text(json.dumps([{f"k{index}": 1 for index in range(200_000)}])), "different names"),
    "a cell of 100 MB": ("a.csv", lambda path: path.write_text("a,b\n" + "x" * 100_000_000 + ",1\n"), "no table"),
    "a cell without end over short lines": ("a.csv", lambda path: path.write_text("a,b\n" + "1,2\n" * 1_000 + '"' + "abcdefg\n" * 2_600_000), "goes on for more than"),
    "a million cells repeated": ("a.ods", lambda path: repeated(path, 1_000_000, 3), "1,000,000 columns"),
    "a cell of 100 MB in XML": ("a.xml", lambda path: path.write_bytes(b"<?xml version='1.0'?><r><x><a>" + b"x" * 100_000_000 + b"</a></x><x><a>1</a></x></r>"), "no table"),
    "HTML with vast spans": ("a.html", lambda path: path.write_text("<table><tr>" + "<td rowspan=1000 colspan=1000>x" * 100 + "</table>"), "columns"),
    "a row that no spreadsheet has": ("a.xls", lambda path: path.write_text('<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table><Row Index="999999999"/></Table></Worksheet></Workbook>'), "no spreadsheet has"),
}
WATCHED = """
import json, os, resource, signal, sys, time
from pathlib import Path
from ingest.errors import Unreadable
from ingest.read import read_file
from schemas.reading import ReadSpec

def read(source, name, out):
    start = time.process_time()
    try:
        said = f"read {read_file(Path(source), name, ReadSpec(), Path(out)).rows} rows"
    except Unreadable as error:
        said = str(error)
    with open("/proc/self/status") as status:  # not ru_maxrss, which a process takes over from the one that started it
        peak = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM:"))
    print(json.dumps({"said": said, "seconds": time.process_time() - start, "megabytes": peak}), flush=True)

for line in sys.stdin:
    if not os.fork():
        signal.alarm(60)
        resource.setrlimit(resource.RLIMIT_AS, (4 * 1024**3, 4 * 1024**3))
        read(*json.loads(line))
        os._exit(0)
    ended = os.wait()[1]
    if ended:
        print(json.dumps({"ended": ended}), flush=True)
"""
Watch = Callable[[Path, str], dict]


@contextmanager
def watching(home: Path, **settings: str) -> Iterator[Watch]:
    """Reads folder/source in a process of its own: what it said, its processor seconds and its peak memory. Each begins as a copy of one that has loaded everything and read nothing."""
    environment = {**os.environ, "INTAKE_HOME": str(home), **settings}
    with subprocess.Popen([sys.executable, "-c", WATCHED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=environment) as first:

        def watched(folder: Path, name: str) -> dict:
            (folder / "out").mkdir()
            print(json.dumps([str(folder / "source"), name, str(folder / "out")]), file=first.stdin, flush=True)
            outcome = json.loads(first.stdout.readline())
            assert "ended" not in outcome, f"the process ended with {outcome['ended']}"
            return outcome

        yield watched


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with watching(tmp_path_factory.mktemp("watched")) as watched:
        yield watched


def test_a_limit_is_a_setting(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("a,b,c\n1,2,3\n")
    with watching(tmp_path / "home", INTAKE_READ_MAX_COLUMNS="2") as watched:
        assert "3 columns; 2 can be read" in watched(tmp_path, "a.csv")["said"]


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_in_time_and_memory(watch: Watch, tmp_path: Path, bomb: str) -> None:
    name, write, sentence = BOMBS[bomb]
    write(tmp_path / "source")
    outcome = watch(tmp_path, name)
    assert sentence in outcome["said"]
    assert outcome["seconds"] < SECONDS and outcome["megabytes"] < MEGABYTES, outcome
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("source", "out")] == []
