"""Large files: followed while they are read, stopped when a person says so, refused when they change meanwhile."""

import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from ingest import apart, files, imports
from ingest.errors import NotReady, Unreadable
from ingest.raw import RAW
from ingest.read import read_file
from ingest.read.limits import FAST_FROM_BYTES
from ingest.store import imports as stored
from schemas.reading import ReadSpec

ROWS = 250_000
LINE = "acme,2026-10-01,5\n"


@pytest.fixture
def source(home: Path, tmp_path: Path) -> Path:
    path = tmp_path / "usage.csv"
    path.write_text("customer,day,n\n" + LINE * ROWS)
    (tmp_path / "out").mkdir()
    assert path.stat().st_size > FAST_FROM_BYTES
    return path


def test_a_file_read_apart_tells_its_rows_and_is_the_same_table(source: Path, tmp_path: Path) -> None:
    heard: list[int] = []
    report = apart.read_apart(source, "usage.csv", ReadSpec(), tmp_path / "out", heard.append, lambda: False)
    assert heard[-1] == report.rows == ROWS and heard == sorted(heard)
    assert duckdb.sql(f"select count(*) from '{tmp_path / 'out' / RAW}'").fetchone() == (ROWS,)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [RAW]
    assert abs(apart.expected_rows(source) - ROWS) < ROWS / 100


def test_a_stopped_reading_leaves_nothing_behind(source: Path, tmp_path: Path) -> None:
    with pytest.raises(apart.Stopped):
        apart.read_apart(source, "usage.csv", ReadSpec(), tmp_path / "out", lambda _rows: None, lambda: True)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_apart_refuses_is_refused_with_the_same_sentence(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    with pytest.raises(Unreadable, match="This file is empty"):
        apart.read_apart(tmp_path / "empty", "empty.csv", ReadSpec(), tmp_path, lambda _rows: None, lambda: False)


def test_an_import_can_be_stopped_and_read_again(source: Path) -> None:
    record = imports.start(source, "usage.csv", "mira")
    assert record.state == "reading"
    imports.stop_reading(record.id, "mira")
    stopped = imports.read(record.id, stoppable=True)
    assert (stopped.state, stopped.report) == ("unreadable", None) and "was stopped" in stopped.message
    again = imports.read(record.id, stoppable=True)
    assert (again.state, again.report.rows, again.message, again.progress) == ("read", ROWS, "", None)
    with pytest.raises(NotReady, match="isn't being read"):
        imports.stop_reading(record.id, "mira")


def test_an_import_says_how_far_it_is(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "FROM_BYTES", 1)
    record = imports.start(source, "usage.csv", "mira")
    heard: list[dict] = []
    change = stored.change
    monkeypatch.setattr(stored, "change", lambda import_id, **values: heard.append(values) or change(import_id, **values))
    imports.read(record.id, stoppable=True)
    assert heard[-2] == {"message": f"{ROWS:,} rows", "progress": 0.99}


def grown(path: Path) -> None:
    with path.open("a") as stream:
        stream.write(LINE)


def replaced(path: Path) -> None:
    other = path.with_name("other")
    other.write_text(path.read_text())
    other.replace(path)


CHANGES: dict[str, Callable[[Path], None]] = {
    "grown": grown, "cut off": lambda path: os.truncate(path, 1000), "replaced": replaced, "removed": Path.unlink,
    "touched": lambda path: os.utime(path, ns=(1, 1)),
}


@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changes_while_it_is_read_is_refused(source: Path, tmp_path: Path, change: str, size: str) -> None:
    if size == "small":
        source.write_text("customer,day,n\n" + LINE * 10)
    changed: list[int] = []

    def progress(rows: int) -> None:
        if not changed:
            CHANGES[change](source)
        changed.append(rows)

    with pytest.raises(Unreadable, match="changed while it was read"):
        read_file(source, "usage.csv", ReadSpec(), tmp_path / "out", progress)


def test_a_file_that_changes_while_it_is_copied_becomes_no_import(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = files.check_free_disk
    monkeypatch.setattr(files, "check_free_disk", lambda needed=0: (grown(source), first(needed)))
    with pytest.raises(Unreadable, match="changed while it was copied"):
        imports.start(source, "usage.csv", "mira")


def records_of(count: int) -> str:
    return "[\n" + ",\n".join(f'  {{"id": {number}, "customer": "acme \\"{"x" * (number % 50)}\\"", "n": 1.50}}' for number in range(count)) + "\n]\n"


@pytest.fixture
def read_json(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[tuple]]:
    """Reads a JSON text in pieces of 64 characters: its rows."""
    monkeypatch.setattr("ingest.read.json_array.CHUNK", 64)
    (tmp_path / "out").mkdir()

    def work(text: str) -> list[tuple]:
        (tmp_path / "a.json").write_text(text)
        report = read_file(tmp_path / "a.json", "a.json", ReadSpec(), tmp_path / "out")
        columns = ", ".join(f'"{name}"' for name in report.columns)
        return duckdb.sql(f"select {columns} from '{tmp_path / 'out' / RAW}'").fetchall()

    return work


@pytest.mark.parametrize("text, rows", [
    (records_of(300), [(str(number), f'acme "{"x" * (number % 50)}"', "1.50") for number in range(300)]),
    ('[{"a": 1}]', [("1",)]), ('\n [ {"a": 1} , 12345 , {"a": "]"} ] ', [("1", None), (None, "12345"), ("]", None)]),
    ('[{"a": ' + "1" * 500 + "}]", [("1" * 500,)]),
    ('[{"a": [{"b": 1}, 2.0]}]', [('[{"b": 1}, 2.0]',)]),
])
def test_a_json_array_is_read_element_by_element(read_json: Callable, text: str, rows: list[tuple]) -> None:
    assert read_json(text) == rows


@pytest.mark.parametrize("text, where", [
    (records_of(100)[:-10], "line 101, character"), ('[{"a": 1} {"a": 2}]', "line 1, character 11"), ('[{"a": 1},]', "line 1, character 11"), ('[{"a": 1}', "line 1, character 10"),
    ('[\n{"a": 1},\n{"a": 1}\n] x', "line 4, character 3"),
])
def test_a_damaged_json_array_says_where(read_json: Callable, text: str, where: str) -> None:
    with pytest.raises(Unreadable, match=where):
        read_json(text)
