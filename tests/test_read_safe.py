"""Files made to hurt: each is refused with a sentence, in little time and memory, in a process of its own that is watched."""

import bz2
import gzip
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
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


def repeated(path: Path) -> None:
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    cell = '<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"><text:p>1</text:p></table:table-cell>'
    rows = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    content = f'<office:document-content {spaces}><office:body><office:spreadsheet><table:table table:name="Usage">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    zipped(path, {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": content.encode(), "META-INF/manifest.xml": b"<manifest/>"})


BOMBS: dict[str, tuple[str, Write, str]] = {
    "workbook bomb": ("a.xlsx", lambda path: zeros_in(path, "xl/worksheets/sheet1.xml", 300, {"xl/workbook.xml": b"<workbook/>"}), "would unpack to"),
    "two cells far apart": ("a.xlsx", scattered, "scattered over"),
    "cells repeated": ("a.ods", repeated, "is damaged"),
    "zip bomb": ("a.zip", lambda path: zeros_in(path, "a.csv", 100, {}), "unpacks to more than"),
    "gzip bomb": ("a.csv.gz", gzip_bomb, "unpacks to more than"),
    "packed many times": ("a.gz", lambda path: path.write_bytes(gzip.compress(bz2.compress(gzip.compress(bz2.compress(gzip.compress(b"a,b\n1,2\n")))))), "packed more than"),
    "climbing path": ("a.zip", lambda path: zipped(path, {"../../etc/cron.d/a.csv": b"a,b\n1,2\n"}), "leads out of it"),
    "path from the root": ("a.zip", lambda path: zipped(path, {"/etc/passwd": b"a,b\n1,2\n"}), "leads out of it"),
    "many files": ("a.zip", lambda path: zipped(path, {f"{index}.csv": b"" for index in range(10_001)}), "10,001 files"),
    "XML entities": ("a.xml", lambda path: path.write_bytes(entities()), "defines entities"),
    "an entity from outside": ("a.xml", lambda path: path.write_bytes(b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r><x><a>&e;</a></x></r>'), "defines entities"),
    "XML nested deeply": ("a.xml", lambda path: path.write_bytes(b"<?xml version='1.0'?>" + b"<a>" * 1_000_000), "nested too deeply"),
    "JSON nested deeply": ("a.json", lambda path: path.write_bytes(b"[[" * 5_000_000), "nested too deeply"),
    "JSON with many names": ("a.json", lambda path: path.write_text(json.dumps([{f"k{index}": 1 for index in range(200_000)}])), "different names"),
    "a cell of 100 MB": ("a.csv", lambda path: path.write_text("a,b\n" + "x" * 100_000_000 + ",1\n"), "no table"),
    "a cell of 100 MB in XML": ("a.xml", lambda path: path.write_bytes(b"<?xml version='1.0'?><r><x><a>" + b"x" * 100_000_000 + b"</a></x><x><a>1</a></x></r>"), "no table"),
    "HTML with vast spans": ("a.html", lambda path: path.write_text("<table><tr>" + "<td rowspan=1000 colspan=1000>x" * 100 + "</table>"), "columns"),
    "a row that no spreadsheet has": ("a.xls", lambda path: path.write_text('<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table><Row Index="999999999"/></Table></Worksheet></Workbook>'), "no spreadsheet has"),
}
WATCHED = """
import json, resource, sys, time
from pathlib import Path
from ingest.errors import Unreadable
from ingest.read import read_file
from schemas.reading import ReadSpec
start = time.process_time()
try:
    said = f"read {read_file(Path(sys.argv[1]), sys.argv[2], ReadSpec(), Path(sys.argv[3])).rows} rows"
except Unreadable as error:
    said = str(error)
with open("/proc/self/status") as status:  # not ru_maxrss, which a process takes over from the one that started it
    peak = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM:"))
print(json.dumps({"said": said, "seconds": time.process_time() - start, "megabytes": peak}))
"""


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_in_time_and_memory(tmp_path: Path, bomb: str) -> None:
    name, write, sentence = BOMBS[bomb]
    write(tmp_path / "source")
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(tmp_path / "source"), name, str(tmp_path / "out")], capture_output=True, text=True, timeout=60, cwd=PROJECT, env={**os.environ, "INTAKE_HOME": str(tmp_path / "home")},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 * 1024**3, 4 * 1024**3)), check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    outcome = json.loads(done.stdout)
    assert sentence in outcome["said"]
    assert outcome["seconds"] < SECONDS and outcome["megabytes"] < MEGABYTES, outcome
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("source", "out", "home")] == []
