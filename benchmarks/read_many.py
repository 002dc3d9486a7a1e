"""A thousand small files in one call of `read`, beside DuckDB's own read_csv over the text files among them."""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

FILES = 1_000
LIMIT = 60.0
"""Seconds."""


def rows(rng: random.Random) -> list[str]:
    """A header and some rows of usage."""
    body = [f"cust-{rng.randrange(999)},2026-10-{rng.randrange(1, 29):02},{rng.randrange(1000)},eu-west-{rng.randrange(3)},{rng.random() * 100:.2f}" for _ in range(rng.randrange(5, 300))]
    return ["customer,day,quantity,region,price", *body]


def plain(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(lines))


def western(path: Path, lines: list[str]) -> None:
    path.write_bytes("\r\n".join(lines).replace(",", ";").replace("cust", "Zürich").encode("cp1252"))


def framed(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(["Usage report", "", *lines, "Total,,5,,"]).replace(",", "\t"))


def damaged(path: Path, lines: list[str]) -> None:
    path.write_text("\n".join(line + ",x" if number % 37 == 36 else line for number, line in enumerate(lines)))


def workbook(path: Path, lines: list[str]) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Usage")
        for number, line in enumerate(lines):
            sheet.write_row(number, 0, line.split(","))


KINDS: tuple[tuple[str, Callable[[Path, list[str]], None]], ...] = (("csv", plain), ("csv", plain), ("csv", western), ("tsv", framed), ("csv", damaged), ("xlsx", workbook))


def generate(folder: Path) -> list[Path]:
    """The files: clean ones, code pages, lines above and below, damage, workbooks."""
    rng = random.Random(1)
    paths = []
    for number in range(FILES):
        ending, write = KINDS[number % len(KINDS)]
        paths.append(folder / f"usage-{number}.{ending}")
        write(paths[-1], rows(rng))
    return paths


def duckdb_seconds(paths: list[Path]) -> float:
    """DuckDB over the text files, as far as it reads them, scaled to as many as there are in all."""
    import duckdb

    began, texts = time.perf_counter(), [path for path in paths if path.suffix != ".xlsx"]
    for path in texts:
        try:
            duckdb.sql(f"from read_csv('{path}', all_varchar=true)").fetchall()
        except duckdb.Error:
            continue
    return (time.perf_counter() - began) * len(paths) / len(texts)


def main() -> int:
    """Prints the two figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "files").mkdir()
        paths = generate(home / "files")
        baseline = duckdb_seconds(paths)
        began = time.perf_counter()
        command = [sys.executable, "-m", "ingest", "read", *map(str, paths), "--out-dir", str(home / "out"), "--json"]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, env={**os.environ, "INTAKE_HOME": str(home / "home")}, check=False)
        seconds = time.perf_counter() - began
        written = len(list((home / "out").iterdir()))
    print(f"{FILES:,} files of up to 300 rows\nread, start-up included {seconds:8.1f} s\nDuckDB's read_csv       {baseline:8.1f} s\nratio                   {seconds / baseline:8.2f}")
    print(f"demanded: at most {LIMIT:.0f} s; found: {seconds:.1f} s, {written:,} tables")
    return 0 if seconds <= LIMIT and done.returncode == 0 and written == FILES else 1


if __name__ == "__main__":
    sys.exit(main())
