"""How much of a damaged text comes back: clean tables, damaged in every known way at every place, read and held against what they were.

    python -m benchmarks.damage [--kinds quote delimiter] [--tables sales] [--every 7] [--show 5]

Scores are the mean of three F1 measures (names of the header, whole rows, cells). A mistake is silent when the report has no entry for it. Exit 1 where a kind stays below ASKED or a mistake is silent.
"""

import argparse
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from ingest.errors import Unreadable
from ingest.raw import RAW
from ingest.read import read_file
from ingest.read.layout import NoRows
from schemas.reading import ReadReport, ReadSpec
from tests.clean_tables import TABLES, Row
from tests.damages import DAMAGES, QUOTING, Damaged, without_quotes

ASKED = 0.99


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
    out.mkdir(exist_ok=True)
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


def main() -> int:
    """Reads everything and prints the kinds, the worst first."""
    options = _options()
    found: dict[tuple[str, str], list[tuple[Result, str]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        for table in TABLES:
            for kind, damage in DAMAGES.items():
                if any(each in kind for each in options.kinds) and any(each in table.name for each in options.tables):
                    for damaged in list(damage(table))[:: options.every]:
                        found[kind, table.name].append((result(kind, damaged, Path(folder)), damaged.where))
    return _print(found, options.show)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kinds", nargs="*", default=[""], help="words in the names of damages")
    parser.add_argument("--tables", nargs="*", default=[""], help="words in the names of tables")
    parser.add_argument("--every", type=int, default=1, help="read only every n-th file of a kind")
    parser.add_argument("--show", type=int, default=0, help="how many wrong files of each kind to describe")
    return parser.parse_args()


def _print(found: dict[tuple[str, str], list[tuple[Result, str]]], show: int) -> int:
    print(f"{'damage':32} {'table':14} {'files':>6} {'mean':>7} {'worst':>7} {'wrong':>6} {'silent':>6} {'spread':>6}")
    means, silent = {}, 0
    for (kind, table), results in sorted(found.items(), key=lambda item: -_mean(item[1])):
        scores = [each for each, _ in results]
        means[kind, table] = _mean(results)
        silent += sum(each.silent for each in scores)
        wrong = sum(each.score < 1 for each in scores)
        if wrong:
            print(f"{kind:32} {table:14} {len(scores):6} {means[kind, table]:7.4f} {min(each.score for each in scores):7.4f} {wrong:6} {sum(each.silent for each in scores):6} {sum(each.spread for each in scores):6}")
        for each, where in sorted(results, key=lambda item: (not item[0].silent, item[0].score))[:show]:
            if each.score < 1:
                print(f"    {where}: {each.score:.4f}{' SILENT' if each.silent else ''} {each.what}")
    every = [each.score for results in found.values() for each, _ in results]
    print(f"{len(every):,} files, mean {sum(every) / len(every):.4f}, silent {silent}, kinds below {ASKED}: {sum(mean < ASKED for mean in means.values())} of {len(means)}")
    return 1 if silent or sum(every) < ASKED * len(every) else 0


def _mean(results: list[tuple[Result, str]]) -> float:
    return sum(each.score for each, _ in results) / len(results)


if __name__ == "__main__":
    sys.exit(main())
