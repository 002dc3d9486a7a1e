"""Tables that stand the wrong way: a column for each month or for each kind of usage, or fields down the side with a record in each column. They are offered to be turned, never turned unasked."""

import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from ingest.engine import engine, identifier, literal
from ingest.errors import Broken, Unreadable
from ingest.raw import RAW, ROW, raw_query
from ingest.read.kinds import column_kind, kind_of
from ingest.read.names import column_names
from ingest.read.periods import Period, PeriodKind, periods_of
from ingest.read.questions import Option, question
from ingest.values.labels import says_total
from schemas.reading import Finding, ReadReport, ReadSpec, TotalsRow, Turned

SAMPLE_ROWS = 200
MAX_FIELDS = 1_000
"""How many rows a table may have whose rows and columns change places."""
STEP = 10_000_000
"""Rows turned out of the second column on are numbered from here on: row 20,000,014 is row 14, third of the columns."""
YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")
PLAIN = re.compile(r"-?\d+(?:\.\d+)?")
MAX_NAMED = 10
MIN_MEASURES = 2


def spec_to_read(spec: ReadSpec) -> ReadSpec:
    """How to read a file that is turned afterwards: rows that become columns have no header."""
    return spec.model_copy(update={"header_rows": ()}) if spec.turn == "transposed" else spec


def settled(report: ReadReport, spec: ReadSpec, folder: Path) -> ReadReport:
    """The table turned, as the person chose; or a question, where it looks as if it should be."""
    if spec.turn == "months":
        return _months_turned(report, folder)
    if spec.turn == "measures":
        return _measures_turned(report, folder, spec.measures)
    if spec.turn == "transposed":
        return _transposed(report, folder)
    if spec.turn == "no" or report.rows == 0 or len(report.columns) < 3:
        return report
    asked = _ask_months(report, folder) or _ask_transposed(report, folder)
    return report.model_copy(update={"questions": (*report.questions, asked)}) if asked else report


# A column for each month.


def _ask_months(report: ReadReport, folder: Path) -> dict[str, object] | None:
    found = _period_columns(report, folder)
    if not found:
        return None
    kind, names = _kind(found), list(found)
    kept = [name for name in report.columns if name not in found and not says_total(name.strip())]
    text = f"{len(found)} columns look like {kind}s ({names[0]!r} to {names[-1]!r}), so a row holds several usages. Shall the table be turned?"
    label = f"one row for each {kind}: {', '.join([*kept[:3], *(['…'] if len(kept) > 3 else []), kind, 'quantity'])}"
    return question("turn", text, [Option("no", "as it stands", {"turn": "no"}), Option("months", label, {"turn": "months"})])


def _period_columns(report: ReadReport, folder: Path) -> dict[str, Period]:
    """The columns that are named after periods and hold numbers, where others say whose they are."""
    found = periods_of(report.columns)
    if not found or len(found) == len(report.columns):
        return {}
    kinds = Counter(kind_of(cell) for cells in _sample(folder, list(found)).values() for cell in cells)
    return found if kinds["number"] > 0.5 * (kinds.total() - kinds["empty"]) else {}


def _sample(folder: Path, names: Sequence[str]) -> dict[str, list[str]]:
    with pq.ParquetFile(folder / RAW) as file:
        batch = next(file.iter_batches(SAMPLE_ROWS, columns=list(names)), None)
    return {name: [cell or "" for cell in batch.column(name).to_pylist()] if batch else [] for name in names}


def _kind(found: dict[str, Period]) -> PeriodKind:
    return next(iter(found.values())).kind


def _months_turned(report: ReadReport, folder: Path) -> ReadReport:
    """One row for each row of the file and period with something in it."""
    found = _period_columns(report, folder)
    if not found:
        raise Unreadable("This table has no columns that are named after months and hold numbers, so it can't be turned.", "Read it as it stands.")
    sums = [name for name in report.columns if name not in found and says_total(name.strip())]
    named, finding = _dated(found, report)
    return _columns_turned(report, folder, named, _kind(found), finding, sums)


def _measures_turned(report: ReadReport, folder: Path, measures: Sequence[str]) -> ReadReport:
    """One row for each row of the file and measure with something in it; the measure's name stands in a column of its own."""
    gone = [name for name in measures if name not in report.columns]
    if gone or len(set(measures)) < MIN_MEASURES:
        raise Unreadable(f"This table has no column {gone[0]!r}, so it can't be turned." if gone else "One usage for each column takes two columns at least.", f"It has {', '.join(map(repr, report.columns))}.")
    if len(set(measures)) == len(report.columns):
        raise Unreadable("When every column is a usage of its own, no column says whose usage it is.", "Leave the customer's column out.")
    named = {name: name.strip() for name in report.columns if name in measures}
    return _columns_turned(report, folder, named, "kind", Finding(what="turn", value="one row for each kind of usage", why=f"{', '.join(map(repr, named))} are usages of their own, as you chose"))


def _columns_turned(report: ReadReport, folder: Path, named: dict[str, str], heading: str, finding: Finding, sums: Sequence[str] = ()) -> ReadReport:
    """The columns of `named` as rows: what is said for each of them in a column `heading`, its cell in `quantity`. `sums` are left out."""
    kept = [name for name in report.columns if name not in named and name not in sums]
    names = column_names([*kept, heading, "quantity"], len(kept) + 2)
    with engine() as connection:
        connection.execute(f"create view raw as {raw_query(folder, report)}")
        empty, bare, first_bare = _empty_cells(connection, list(named))
        step = _step(connection)
        rows = _write_turned(connection, folder, kept, named, names, step)
    turned = Turned(rows=report.rows, columns=tuple(named), empty=empty, bare=bare)
    if turned.usages != rows:
        raise Broken(f"Cells are not conserved: {turned.usages:,} of the turned columns hold something, but there are {rows:,} rows.")
    findings = (finding, _numbers_finding(list(named), step), *_left_out_findings(sums, empty, first_bare))
    return report.model_copy(update={
        "columns": names, "rows": rows, "spans": (), "row_step": report.row_step or step, "turned": turned, "findings": (*report.findings, *findings),
        "totals": tuple(_turned_totals(row, set(named), set(kept), names[-1]) for row in report.totals if heading != "kind")})


def _dated(found: dict[str, Period], report: ReadReport) -> tuple[dict[str, str], Finding]:
    """What stands in each turned row for its column: the first day where the year is known, else the name."""
    kind = _kind(found)
    years = {period.year for period in found.values()}
    why = f"{len(found)} columns were turned, as you chose; "
    if years != {None}:
        return {name: period.written for name, period in found.items()}, Finding(what="turn", value=f"one row for each {kind}", why=f"{why}each {kind} is written as {next(iter(found.values())).written}")
    places = [period.month for period in found.values()]
    said = sorted(set(YEAR.findall(" ".join([Path(report.file).stem, report.sheet or "", *(row.text for row in report.excluded if row.row < min(report.header_rows, default=1))]))))
    if len(said) == 1 and places == sorted(places):
        return {name: period._replace(year=int(said[0])).written for name, period in found.items()}, Finding(
            what="turn", value=f"one row for each {kind}", why=f"{why}the year {said[0]} stands above the table or in its name", confidence="likely")
    return {name: name for name in found}, Finding(what="turn", value=f"one row for each {kind}", why=f"{why}no year is named, so they are kept as they are written", confidence="possible")


def _empty_cells(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> tuple[int, int, tuple[int, ...]]:
    """How many of the cells are empty, in how many rows all of them are, and the first such rows."""
    columns = list(map(identifier, names))
    nothing = " and ".join(f"{name} is null" for name in columns)
    empty, bare = connection.execute(f"select coalesce(sum({' + '.join(f'({name} is null)::int' for name in columns)}), 0)::bigint, count(*) filter ({nothing}) from raw").fetchone()
    first = connection.execute(f"select {ROW} from raw where {nothing} order by 1 limit {MAX_NAMED}").fetchall() if bare else []
    return empty, bare, tuple(row for row, in first)


def _step(connection: duckdb.DuckDBPyConnection) -> int:
    """By how much the row numbers of one column are apart from those of the next: a power of ten beyond them all."""
    last = connection.execute(f"select max({ROW}) from raw").fetchone()[0]
    return max(STEP, 10 ** len(str(last)))


def _write_turned(connection: duckdb.DuckDBPyConnection, folder: Path, kept: Sequence[str], named: dict[str, str], names: Sequence[str], step: int) -> int:
    cells = ", ".join(f"{{place: {place}, period: {literal(text)}, value: {identifier(name)}}}" for place, (name, text) in enumerate(named.items()))
    own = "".join(f"{identifier(name)} as {identifier(shown)}, " for name, shown in zip(kept, names, strict=False))
    return _replace_raw(connection, folder, f"""
        select _file, _sheet, {own}cell.period as {identifier(names[-2])}, cell.value as {identifier(names[-1])}, {ROW} + cell.place * {step}::bigint as {ROW}
        from (select *, unnest([{cells}]) as cell from raw) where cell.value is not null""")


def _replace_raw(connection: duckdb.DuckDBPyConnection, folder: Path, query: str) -> int:
    part = folder / f"{RAW}.part"
    rows = connection.execute(f"copy ({query}) to {literal(part)} (format parquet, compression zstd, compression_level 1)").fetchone()[0]
    part.replace(folder / RAW)
    return rows


def _numbers_finding(names: Sequence[str], step: int) -> Finding:
    return Finding(what="row numbers", value=f"those of the file, and {step:,} more for each further column", why=f"row {step + 2:,} is row 2 of the file, column {names[1]!r}: each row keeps a number of its own")


def _left_out_findings(sums: Sequence[str], empty: int, bare: tuple[int, ...]) -> tuple[Finding, ...]:
    found = []
    if sums:
        found.append(Finding(what="sums left out", value=", ".join(sums), why="these columns add up the others, and would be counted twice", confidence="likely"))
    if empty:
        rows = f"; nothing at all stands in row{'s' if len(bare) > 1 else ''} {', '.join(f'{row:,}' for row in bare)}{' and more' if len(bare) == MAX_NAMED else ''}" if bare else ""
        found.append(Finding(what="empty cells", value=f"{empty:,}", why=f"an empty cell gives no row{rows}"))
    return tuple(found)


def _turned_totals(totals: TotalsRow, turned: set[str], kept: set[str], quantity: str) -> TotalsRow:
    """A totals row of the turned table: the sum over its months, where they are plain numbers."""
    values = {name: value for name, value in totals.values.items() if name in kept}
    months = [value for name, value in totals.values.items() if name in turned]
    if months and all(map(PLAIN.fullmatch, months)):
        values[quantity] = format(sum(map(Decimal, months)), "f")
    return totals.model_copy(update={"values": values})


# Fields down the side.


def _ask_transposed(report: ReadReport, folder: Path) -> dict[str, object] | None:
    if report.rows > SAMPLE_ROWS or not _looks_transposed(report, folder):
        return None
    text = "The names of the fields seem to stand in the first column, with one record in each of the others. Shall rows and columns change places?"
    return question("turn", text, [Option("no", "as it stands", {"turn": "no"}), Option("transposed", "one row for each column", {"turn": "transposed"})])


def _looks_transposed(report: ReadReport, folder: Path) -> bool:
    """Whether each row holds cells of one kind, another one than other rows, beside a name of its own."""
    sample = list(_sample(folder, report.columns).values())
    rows = [list(cells) for cells in zip(*sample, strict=True)]
    if report.header_rows:
        rows.insert(0, list(report.columns))
    names = [row[0].strip() for row in rows]
    if len(rows) < 3 or not all(names) or len(set(names)) < len(names) or column_kind(names) != "text" or max(map(len, names)) > 60:
        return False
    kinds = [_only_kind(row[1:]) for row in rows]
    return None not in kinds and len(set(kinds) - {"empty"}) > 1 and kinds.count("empty") < len(kinds) / 3 and any(column_kind(cells) == "text" for cells in sample[1:])


def _only_kind(cells: Sequence[str]) -> str | None:
    kinds = {column_kind([cell]) for cell in cells} - {"empty"}
    return None if len(kinds) > 1 else next(iter(kinds), "empty")


def _transposed(report: ReadReport, folder: Path) -> ReadReport:
    """One row for each column but the first; the first holds the names."""
    if report.rows > MAX_FIELDS or len(report.columns) < 2:
        raise Unreadable(f"Rows and columns can change places only where a table has up to {MAX_FIELDS:,} rows and at least 2 columns; this one has {report.rows:,} and {len(report.columns):,}.", "Read it as it stands.")
    first, *others = report.columns
    with engine() as connection:
        connection.execute(f"create table raw as select *, row_number() over (order by {ROW}) as field from ({raw_query(folder, report)})")
        fields = [name or "" for name, in connection.execute(f"select {identifier(first)} from raw order by field").fetchall()]
        names = column_names(fields, len(fields))
        cells = ", ".join(map(identifier, others))
        values = ", ".join(f"max(value) filter (field = {place}) as {identifier(name)}" for place, name in enumerate(names, 1))
        rows = _replace_raw(connection, folder, f"""
            select any_value(_file) as _file, any_value(_sheet) as _sheet, {values}, record as {ROW}
            from (select _file, _sheet, field, unnest([{cells}]) as value, unnest(range(2, {len(others) + 2})) as record from raw) group by record order by record""")
    finding = Finding(what="turn", value="rows and columns changed places", why="you chose it; a row's number is that of its column, the table's first column being 1")
    return report.model_copy(update={"columns": names, "rows": rows, "spans": (), "totals": (), "findings": (*report.findings, finding)})
