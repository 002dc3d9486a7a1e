"""Reads a file and holds what comes back against promises that hold for every file: rows are conserved, and no letter of a text is lost unsaid."""

import re
import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from ingest.errors import Unreadable
from ingest.raw import RAW, ROW
from ingest.read import read_file
from schemas.reading import ReadReport, ReadSpec

LINE_END = re.compile("\r\n|\r|\n")
SIGN = re.compile(r"[^\W_]")
MANY = re.compile(r"([\d,]+) (?:more )?blank rows|second table, rows ([\d,]+) to ([\d,]+)")


def checked_read(name: str, content: bytes, folder: Path) -> str:
    """`read` or `refused`. Raises AssertionError where a promise is broken, and whatever else reading raises."""
    source, out = folder / "source", folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    source.write_bytes(content)
    try:
        report = read_file(source, name, ReadSpec(), out)
    except Unreadable as error:
        assert str(error).endswith((".", "?")) and "\n" not in str(error)[:40], f"no sentence: {error}"
        return "refused"
    left = [path.name for path in folder.iterdir() if path.name not in ("source", "out")]
    assert not left, f"left behind: {left}"
    table = pq.read_table(out / RAW, columns=[ROW, *report.columns])
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    check_numbers(report, rows)
    if report.format in ("csv", "tsv") and report.encoding in ("utf-8", "utf-8-sig") and content[:2] not in (b"PK", b"BZ", b"\x1f\x8b", b"\xfd7"):
        check_text(content.decode("utf-8-sig", "replace"), report, rows)
    return "read"


def check_numbers(report: ReadReport, rows: list[tuple]) -> None:
    """Every row has a number of its own, and names are different."""
    assert report.rows == len(rows), f"says {report.rows} rows, has {len(rows)}"
    numbers = [row[0] for row in rows]
    assert numbers == sorted(set(numbers)), "row numbers go back"
    assert not set(numbers) & {each.row for each in report.excluded}, "a row is in the table and left out"
    assert not set(numbers) & set(report.header_rows), "a header is in the table"
    assert len(set(map(str.casefold, report.columns))) == len(report.columns), "two columns of one name"


def check_text(text: str, report: ReadReport, rows: list[tuple]) -> None:
    """In a text without quotes every line is a record: each is in the table, the header or the list of what was left out, with all its letters and digits."""
    if any(mark in text for mark in "\"'\\\0\x1a") or not LINE_END.search(text):
        return
    lines = LINE_END.split(text)
    if lines and not lines[-1]:
        lines.pop()
    told = {each.row for each in report.repairs}
    if any("line" in each.what and "break" in each.what for each in report.repairs) or any(each.reason.startswith("second table") for each in report.excluded):
        return
    accounted = len(rows) + len(report.header_rows) + sum(map(_rows_of, (each.reason for each in report.excluded)))
    assert accounted == len(lines), f"{len(lines)} lines, {accounted} accounted for"
    for row in rows:
        if row[0] not in told:
            found, expected = _signs("".join(cell or "" for cell in row[1:])), _signs(lines[row[0] - 1])
            assert found == expected, f"lost {expected - found}, made up {found - expected}"


def _signs(text: str) -> Counter[str]:
    return Counter(SIGN.findall(text))


def _rows_of(reason: str) -> int:
    if not (match := MANY.match(reason)):
        return 1
    numbers = [int(number.replace(",", "")) for number in match.groups() if number]
    return numbers[0] if len(numbers) == 1 else numbers[1] - numbers[0] + 1
