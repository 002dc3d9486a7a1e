"""What a person changed in a file of rejected rows that comes back: told from what a spreadsheet program changed on its own."""

from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.engine import identifier, literal
from ingest.errors import BadInput
from ingest.raw import ORIGINAL_ROW, added_columns, row_labelled
from ingest.read.typed import typed_cells
from ingest.values.numbers import MARK, number_text
from schemas.correcting import Edit
from schemas.matching import DecimalMark
from schemas.reading import ReadReport

WORKBOOKS = ("xlsx", "xlsm", "xlsb", "xls", "ods")
BATCH = 50_000
ROUNDED, LONG = r"\d(?:[.,]\d+)?[eE]\+\d+", r"\d{12,}"
"""How a spreadsheet program writes a long id that it took for a number, and what that may have been."""


def columns_brought(mine: ReadReport, brought: ReadReport) -> list[str]:
    """The import's columns that the file has. Raises BadInput where it has none of them, or doesn't say which rows it corrects."""
    if ORIGINAL_ROW not in brought.columns:
        raise BadInput(f"This file has no column {ORIGINAL_ROW!r}, so it can't be said which rows it corrects.", "Correct the file of rejected rows that was downloaded here, and leave its last columns as they are.")
    columns = [name for name in brought.columns if name in mine.columns and name not in added_columns(brought.columns)]
    if not columns:
        raise BadInput("This file has none of the import's columns.", "Bring back the file of rejected rows that was downloaded here.")
    return columns


def view_brought(connection: duckdb.DuckDBPyConnection, read: str, row_step: int) -> None:
    """The view `brought`: the file's rows, each with the number it says it has."""
    connection.execute(f"create view brought as select {row_labelled(identifier(ORIGINAL_ROW), row_step)} as original, * from ({read})")
    _rows_are_known(connection)


def note_typed(connection: duckdb.DuckDBPyConnection, source: Path, brought: ReadReport, columns: Collection[str]) -> set[str]:
    """Makes the table `typed`: row and column of every cell of a workbook that isn't text. Which columns have such cells."""
    connection.execute("create table typed (row bigint, name varchar)")
    if is_workbook(brought) and brought.sheet and brought.header_rows:
        cells = typed_cells(source, brought.sheet, brought.header_rows[-1], columns)
        while some := list(islice(cells, BATCH)):
            connection.register("found", pa.table({"row": [row for row, _ in some], "name": [name for _, name in some]}))
            connection.execute("insert into typed select * from found")
    return {name for name, in connection.execute("select distinct name from typed").fetchall()}


def is_workbook(report: ReadReport) -> bool:
    """Whether the cells have types of their own; those of a text file don't."""
    return report.format in WORKBOOKS


def changed_cells(connection: duckdb.DuckDBPyConnection, columns: Sequence[str], marks: Mapping[str, DecimalMark], issues: Path | None, *, is_typed: bool) -> tuple[Edit, ...]:
    """The cells of `brought` that say something else than in `mine`, the import's rows.

    A number, date or truth that a program made of a text says what the text said, unless something was wrong with that cell (in `issues`). `marks` are the decimal
    marks of columns of numbers: a number from a typed cell is written with its column's.
    """
    wrong = f"select _row as row, \"column\" as name from read_parquet({literal(issues)}) where severity = 'error'" if issues else "select null::bigint as row, null::varchar as name where false"
    connection.execute(f"create table wrong as {wrong}")
    cells = " union all ".join(_of_column(name, marks.get(name, "point"), is_typed=is_typed) for name in columns)
    return tuple(Edit(row=row, column=name, value=value) for row, name, value in connection.execute(f"{cells} order by 1, 2").fetchall())


def _of_column(name: str, mark: DecimalMark, *, is_typed: bool) -> str:
    mine, brought = (f"replace(coalesce({table}.{identifier(name)}, ''), chr(13), '')" for table in ("mine", "brought"))
    stored = f"(brought._row, {literal(name)}) in (select (row, name) from typed)"
    written = f"case when {stored} then replace({brought}, '.', {literal(MARK[mark])}) else {brought} end" if mark != "point" else brought
    touched = f"(mine._row, {literal(name)}) in (select (row, name) from wrong)"
    return f"""
        select row, {literal(name)} as name, new as value
        from (select mine._row as row, {mine} as old, {written} as new, {stored if is_typed else 'true'} and not {touched} as retyped from brought join mine on original = mine._row where {mine} <> {brought})
        where old <> new and not (retyped and ({_says_the_same(mark)}))"""


def _says_the_same(mark: DecimalMark) -> str:
    def number(text: str) -> str:
        return f"try_cast({number_text(text, mark)} as decimal(38, 12))"

    alike = (
        "lower(old) = lower(new)", f"{number('old')} = {number('new')}", "try_cast(old as timestamp) = try_cast(new as timestamp)",
        f"regexp_full_match(old, {literal(LONG)}) and (regexp_full_match(new, {literal(ROUNDED)}) or regexp_full_match(new, {literal(LONG)}) and abs(1 - try_cast(new as double) / try_cast(old as double)) < 1e-14)",
    )
    return " or ".join(f"coalesce({each}, false)" for each in alike)


def _rows_are_known(connection: duckdb.DuckDBPyConnection) -> None:
    nameless, twice, foreign = connection.execute("""
        select count(*) filter (original is null), count(original) - count(distinct original), count(*) filter (original is not null and original not in (select _row from mine)) from brought""").fetchone()
    if nameless or twice or foreign:
        raise BadInput(
            f"In column {ORIGINAL_ROW!r}, {nameless:,} rows have no number, {twice:,} a number that another row has, and {foreign:,} the number of a row that isn't in this import.",
            "Give every row the number it had, or remove it. Nothing was changed.")
