"""The command `read` over many files: zip archives file by file, names that are the same, and one bad file among good ones."""

import io
import json
import os
import zipfile
from pathlib import Path

import pytest

from ingest import apart
from ingest import read as reading
from ingest.__main__ import main
from ingest.tables import read_files
from schemas.reading import ReadSpec

CSV = "customer,n\nacme,1\n"
MEMBERS = {"jan/usage.csv": CSV, "feb/usage.csv": "customer,n\nglobex,2\n", "n.json": '[{"a": "b"}]', "picture.png": b"\x89PNG\r\n", "__MACOSX/._usage.csv": b"\0\0"}


def zipped(members: dict[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def read(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Runs `read` on files written first: its exit code, and for each table its name under the folder, its rows, its error, and the name of its CSV."""

    def work(files: dict[str, str | bytes], *flags: str) -> tuple[int, list[tuple]]:
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        code = main(["read", *(str(tmp_path / name) for name in files), "--out-dir", str(tmp_path / "out"), "--json", *flags])
        found = json.loads(capsys.readouterr().out)["files"]
        for each in found:
            assert (each["table"] is None) == bool(each["error"]) and (each["error"] or Path(each["table"]).read_text().count("\n") == each["rows"] + 1)
        return code, [(os.path.relpath(each["file"], tmp_path), each["rows"], each["error"] or "", each["table"] and Path(each["table"]).name) for each in found]

    return work


def test_each_file_of_an_archive_is_a_file(read) -> None:
    code, found = read({"a.zip": zipped(MEMBERS)})
    assert code == 2 and [(name, rows, table) for name, rows, _, table in found] == [
        ("a.zip/jan/usage.csv", 1, "a.zip.jan_usage.csv.csv"), ("a.zip/feb/usage.csv", 1, "a.zip.feb_usage.csv.csv"), ("a.zip/n.json", 1, "a.zip.n.json.csv"), ("a.zip/picture.png", 0, None)]
    assert "a picture" in found[-1][2]


@pytest.mark.parametrize("files, flags, expected", [
    ({"a.zip": zipped({"usage.csv": CSV})}, [], [("a.zip", "a.zip.csv")]),
    ({"a.zip": zipped(MEMBERS)}, ["--sheet", "feb/usage.csv"], [("a.zip/feb/usage.csv", "a.zip.feb_usage.csv.csv")]),
    ({"one/x.csv": CSV, "two/x.csv": CSV, "two/X.csv": CSV, "y.csv": CSV}, [], [("one/x.csv", "x.csv.csv"), ("two/x.csv", "x.csv-2.csv"), ("two/X.csv", "X.csv-3.csv"), ("y.csv", "y.csv.csv")]),
    ({"a.zip": zipped({"b/c.csv": CSV, "b_c.csv": CSV})}, [], [("a.zip/b/c.csv", "a.zip.b_c.csv.csv"), ("a.zip/b_c.csv", "a.zip.b_c.csv-2.csv")]),
    ({f"{'x' * 245}.csv": CSV}, [], [(f"{'x' * 245}.csv", f"{'x' * 240}.csv")]),
], ids=["one file in an archive", "the chosen one", "same names", "same names after flattening", "a long name"])
def test_what_tables_are_called(read, files: dict, flags: list[str], expected: list[tuple]) -> None:
    code, found = read(files, *flags)
    assert code == 0 and [(name, table) for name, _, _, table in found] == expected


@pytest.mark.parametrize("bad, sentence", [
    ({"a.zip": zipped({"../a.csv": CSV, "b.csv": CSV})}, "leads out of it"),
    ({"a.zip": zipped({"a.csv": CSV, "b.csv": CSV})[:60]}, "damaged"),
    ({"a.csv": ""}, "is empty"),
])
def test_a_bad_file_costs_no_other(read, bad: dict, sentence: str) -> None:
    code, found = read({"good.csv": CSV, **bad, "last.csv": CSV})
    assert code == 2 and [rows for _, rows, _, _ in found] == [1, 0, 1] and sentence in found[1][2]


def test_a_failure_of_our_own_costs_no_other(read, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reading.read_file
    monkeypatch.setattr(reading, "read_file", lambda source, name, *rest: 1 / 0 if name == "bad.csv" else whole(source, name, *rest))
    code, found = read({"bad.csv": CSV, "good.csv": CSV})
    assert code == 2 and [rows for _, rows, _, _ in found] == [0, 1] and "ZeroDivisionError" in found[0][2]


def test_a_large_file_tells_rows_and_percent(read, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr(apart, "FROM_BYTES", 1_000)
    (tmp_path / "large.csv").write_text("customer,n\n" + "acme,1\n" * 250_000)
    assert main(["read", str(tmp_path / "large.csv")]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "large.csv: 250,000 rows, about 90 percent" and len(told) <= 9


@pytest.mark.parametrize(("content", "size", "expected"), [(b"a,b\n1,2\n", 0, False), (b"PAR1....", 0, True), (b"ARROW1\0\0", 0, True), (b"FEA1", 0, True), (b"", 0, False), (b"a", 8 * 1024**2, True)])
def test_large_files_and_those_whose_libraries_can_crash_are_read_in_a_process_of_their_own(tmp_path: Path, content: bytes, size: int, expected: bool):
    path = tmp_path / "x"
    path.write_bytes(content.ljust(size, b"x"))
    assert apart.goes_apart(path) is expected


def test_a_library_that_ends_its_process_ends_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 damaged")
    monkeypatch.setattr(apart, "COMMAND", "import os; os.kill(os.getpid(), 11)")
    report = read_files([tmp_path / "x.parquet"], ReadSpec(), out_dir=None)[0]
    assert report["error"].startswith("The reading of this file broke off: it is damaged")
