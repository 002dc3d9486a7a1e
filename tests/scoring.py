"""How much of a damaged table came back, and whether what didn't is told."""

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from ingest.errors import Unreadable
from ingest.raw import RAW
from ingest.read import read_file
from ingest.read.layout import NoRows
from schemas.reading import ReadReport, ReadSpec
from tests.clean_tables import Row
from tests.damages import QUOTING, Damaged, without_quotes


class Result(NamedTuple):
    """What reading one damaged file gave."""

    score: float
    silent: bool
    spread: bool
    """Whether more than one row is wrong."""
    what: str


def read(content: bytes, folder: Path) -> tuple[ReadReport, list[Row]]:
    """The report and the rows; a refusal is a report with an error."""
    source, out = folder / "source", folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    source.write_bytes(content)
    try:
        report = read_file(source, "usage.csv", ReadSpec(), out)
    except NoRows as error:
        return ReadReport(file="usage.csv", error=str(error), columns=error.columns), []
    except Unreadable as error:
        return ReadReport(file="usage.csv", error=str(error)), []
    table = pq.read_table(out / RAW, columns=list(report.columns))
    columns = [column.to_pylist() for column in table.columns]
    return report, [[cell or "" for cell in row] for row in zip(*columns, strict=True)]


def result(kind: str, damaged: Damaged, folder: Path) -> Result:
    """How one damaged file was read."""
    report, rows = read(damaged.content, folder)
    expected = damaged.rows
    if kind.removeprefix("header: ") in QUOTING:
        rows, expected = without_quotes(rows, '"'), without_quotes(expected, '"')
    names = [name.replace('"', "") if kind.startswith("header: ") else name for name in report.columns]
    parts = [f1(damaged.header, names), f1(map(tuple, expected), map(tuple, rows)), f1((cell for row in expected for cell in row), (cell for row in rows for cell in row))]
    told = bool(report.repairs or report.questions or report.error or any(each.reason != "blank row" for each in report.excluded))
    wrong = rows != expected or names != damaged.header
    missing = Counter(map(tuple, expected)) - Counter(map(tuple, rows))
    return Result(sum(parts) / 3, wrong and not told, missing.total() > 1, _described(report, missing, rows, expected))


def f1(right: Iterable[object], found: Iterable[object]) -> float:
    """How alike two collections are, from 0 to 1, whatever their order."""
    right, found = Counter(right), Counter(found)
    both = (right & found).total()
    return 2 * both / (right.total() + found.total()) if right or found else 1.0


def _described(report: ReadReport, missing: Counter, rows: list[Row], expected: list[Row]) -> str:
    extra = Counter(map(tuple, rows)) - Counter(map(tuple, expected))
    said = [f"{each.row}: {each.what}" for each in report.repairs[:2]] + [f"{each.row} {each.reason}" for each in report.excluded[:2]] + [each["name"] for each in report.questions]
    return f"{report.delimiter!r} {report.quote!r} {report.encoding} header {report.header_rows} {list(report.columns)[:12]} error {report.error}\n        said {said}\n        lost {list(missing)[:2]}\n        got  {list(extra)[:3]}"
