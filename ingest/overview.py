"""What the columns of a checked import hold: how many cells are valid, corrected, invalid or empty, which texts stand there, and the rows behind each number.

Computed from what reading, correcting and checking left behind, and kept under the check's key: the counts of all columns at once, the values of a column when it is looked at.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa
from pydantic import TypeAdapter

from ingest import files, imports
from ingest.check.issues import ISSUES
from ingest.check.run import EVENTS
from ingest.correct import corrected
from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput
from ingest.raw import as_read
from ingest.store.imports import pointers
from ingest.values.text import trimmed
from schemas.correcting import creates, needs
from schemas.overview import STATES, Bin, CellState, ColumnOverview, ColumnValues, Frequent, Kind
from schemas.records import ImportRecord

COUNTED = 1_000_000
"""A column with more different texts than that is only estimated, and its most frequent ones are sought in bounded memory."""
FREQUENT, EXAMPLES, BINS = 10, 3, 20
TYPES: dict[str, Kind] = {"DECIMAL": "number", "BIGINT": "number", "DOUBLE": "number", "TIMESTAMP": "time", "DATE": "time"}
UNITS = ((3, "hour"), (92, "day"), (1900, "month"))
"""Times over at most so many days are counted by this unit; over more, by the year."""
_OVERVIEW = TypeAdapter(tuple[ColumnOverview, ...])
_VALUES = TypeAdapter(ColumnValues)
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Checked:
    """A checked import with its table opened as the view `cells`: `_row`, the columns, and each corrected column as it came."""

    record: ImportRecord
    folder: Path
    came: dict[str, str]
    connection: duckdb.DuckDBPyConnection

    def state(self, column: str) -> str:
        """SQL for how the cells of a column are. The table `wrong` has the rows with an error in it."""
        was = f"when {identifier(column)} is distinct from {self.came[column]} then 'corrected'" if column in self.came else ""
        return f"case when _row in (select _row from wrong) then 'invalid' when not {_filled(column)} then 'empty' {was} else 'valid' end"


def overview(import_id: str) -> tuple[ColumnOverview, ...]:
    """Every column of the file, in its order."""
    return _kept(import_id, "columns", _OVERVIEW, lambda: _count(import_id))


def values(import_id: str, column: str) -> ColumnValues:
    """What stands in one column. Raises BadInput for a column that isn't there."""
    return _kept(import_id, column, _VALUES, lambda: _look(import_id, column))


def rows(import_id: str, column: str, *, state: CellState | None = None, value: str | None = None, offset: int = 0, limit: int = 50) -> pa.Table:
    """The rows whose cell in this column is in a state, or has a text: `_row`, then the table's columns."""
    if state not in (None, *STATES):
        raise BadInput(f"No cell is {state!r}.", f"Cells are {', '.join(STATES)}.")
    with _checked(import_id, column) as here:
        chosen = " and ".join([*([f"{here.state(column)} = $state"] if state else []), *([f"{identifier(column)} = $value"] if value is not None else [])]) or "true"
        given = {name: each for name, each in (("state", state), ("value", value)) if each is not None}
        shown = "".join(f", {identifier(name)}" for name in here.record.report.columns)
        return here.connection.execute(f"select _row{shown} from cells where {chosen} order by _row limit {int(limit)} offset {int(offset)}", given).to_arrow_table()


def _kept(import_id: str, what: str, kind: TypeAdapter[Answer], make: Callable[[], Answer]) -> Answer:
    """The answer, made once for each check."""
    imports.check_folder(import_id)

    def work(folder: Path) -> None:
        (folder / "answer.json").write_bytes(kind.dump_json(make()))

    key = files.stage_key("overview", str(pointers(import_id)[1]), what)
    return kind.validate_json((files.make_stage(import_id, "overview", key, work) / "answer.json").read_bytes())


@contextmanager
def _checked(import_id: str, column: str | None = None) -> Iterator[Checked]:
    record, folder = imports.read_record(import_id), imports.check_folder(import_id)
    if column is not None and column not in record.report.columns:
        raise BadInput(f"The table has no column {column!r}.", f"It has {', '.join(map(repr, record.report.columns))}.")
    report = record.report
    added = {name for correction in report.corrections for name in creates(correction)}
    came = {name: identifier(f"\x01came:{name}") for correction in report.corrections for name in needs(correction) if name not in added}
    copies = "".join(f", {identifier(name)} as {copy}" for name, copy in came.items())
    with engine() as connection:
        connection.execute(f"create view cells as {corrected(f'select *{copies} from ({as_read(imports.raw_folder(import_id), report)})', report.corrections)}")
        if column is not None:
            _wrong(connection, folder, column)
        yield Checked(record, folder, came, connection)


def _wrong(connection: duckdb.DuckDBPyConnection, folder: Path, column: str) -> bool:
    """Makes the table `wrong`; whether there is any such row."""
    connection.execute(f"""create or replace temp table wrong as select distinct _row from read_parquet({literal(folder / ISSUES)}) where severity = 'error' and "column" = ?""", [column])
    return connection.execute("select count(*) > 0 from wrong").fetchone()[0]


def _filled(column: str) -> str:
    """SQL for whether a cell has anything but spaces."""
    return f"{trimmed(identifier(column))} is not null"


# Counting.


def _count(import_id: str) -> tuple[ColumnOverview, ...]:
    with _checked(import_id) as here:
        columns = here.record.report.columns
        counts = [f"count(*) filter ({_filled(name)}), {_corrected(here, name)}, approx_count_distinct({identifier(name)})" for name in columns]
        total, *found = here.connection.execute(f"select {', '.join(['count(*)', *counts])} from cells").fetchone()
        return tuple(_column(here, name, total, *found[3 * place : 3 * place + 3]) for place, name in enumerate(columns))


def _corrected(here: Checked, column: str) -> str:
    return f"count(*) filter ({_filled(column)} and {identifier(column)} is distinct from {here.came[column]})" if column in here.came else "0"


def _column(here: Checked, column: str, rows: int, filled: int, corrected: int, about: int) -> ColumnOverview:
    """The counts of a column; only the rows with an error in it are looked at again."""
    wrong, wrong_filled, wrong_corrected = _count_wrong(here, column)
    empty, corrected = rows - filled - (wrong - wrong_filled), corrected - wrong_corrected
    exact = about <= COUNTED
    distinct = here.connection.execute(f"select count(distinct {identifier(column)}) from cells where {_filled(column)}").fetchone()[0] if exact else min(about, filled)
    return ColumnOverview(
        column=column, field=next((match.field for match in here.record.match.matches if match.column == column), None), rows=rows,
        valid=rows - wrong - empty - corrected, corrected=corrected, invalid=wrong, empty=empty, distinct=distinct, distinct_is_exact=exact,
    )


def _count_wrong(here: Checked, column: str) -> tuple[int, int, int]:
    """The cells with an error, and how many of them are filled and corrected."""
    if not _wrong(here.connection, here.folder, column):
        return 0, 0, 0
    return here.connection.execute(f"select count(*), count(*) filter ({_filled(column)}), {_corrected(here, column)} from cells where _row in (select _row from wrong)").fetchone()


# Looking at one column.


def _look(import_id: str, column: str) -> ColumnValues:
    with _checked(import_id, column) as here:
        kind, source, value = _typed(here, column)
        smallest, largest = here.connection.execute(f"select min({value})::varchar, max({value})::varchar from {source}").fetchone()
        return ColumnValues(column=column, kind=kind, frequent=_frequent(here, column), smallest=smallest, largest=largest, histogram=_histogram(here, kind, source, value), examples=_examples(here, column))


def _typed(here: Checked, column: str) -> tuple[Kind, str, str]:
    """Where the values of a column stand and what they are: those of the ready events where it is matched, numbers where all cells are, else its texts."""
    events = f"read_parquet({literal(here.folder / EVENTS)})"
    types = {name: kind.partition("(")[0] for name, kind, *_ in here.connection.execute(f"describe select * from {events}").fetchall()}
    for match in here.record.match.matches:
        if match.column == column and types.get(match.field) in TYPES:
            return TYPES[types[match.field]], events, identifier(match.field)
    text = trimmed(identifier(column))
    number = f"try_cast({text} as decimal(38, 9))"
    filled, numbers = here.connection.execute(f"select count({text}), count({number}) from cells").fetchone()
    return ("number", "cells", number) if filled and filled == numbers else ("text", "cells", text)


def _frequent(here: Checked, column: str) -> tuple[Frequent, ...]:
    name = identifier(column)
    many = here.connection.execute(f"select approx_count_distinct({name}) from cells").fetchone()[0] > COUNTED
    among = f"where {name} in (select unnest(approx_top_k({name}, {FREQUENT})) from cells)" if many else f"where {_filled(column)}"
    found = here.connection.execute(f"select {name}, count(*) from cells {among} group by 1 order by 2 desc, 1 limit {FREQUENT}").fetchall()
    return tuple(Frequent(value=value, count=count) for value, count in found)


def _examples(here: Checked, column: str) -> tuple[str, ...]:
    text = trimmed(identifier(column))
    return tuple(value for value, in here.connection.execute(f"select {text} from cells where {_filled(column)} limit {EXAMPLES}").fetchall())


def _histogram(here: Checked, kind: Kind, source: str, value: str) -> tuple[Bin, ...]:
    if kind == "text":
        return ()
    return _by_time(here.connection, source, value) if kind == "time" else _by_size(here.connection, source, f"({value})::double")


def _by_size(connection: duckdb.DuckDBPyConnection, source: str, value: str) -> tuple[Bin, ...]:
    """Bars of the same width, the empty ones among them."""
    low, high = connection.execute(f"select min({value}), max({value}) from {source} where isfinite({value})").fetchone()
    if low is None:
        return ()
    bins = BINS if high > low else 1
    width = (high - low) / bins
    place = f"least(floor(({value} - $low) / $width), {bins - 1})::int" if width else "0"
    counts = dict(connection.execute(f"select {place}, count(*) from {source} where isfinite({value}) group by 1", {"low": low, "width": width} if width else {}).fetchall())
    return tuple(Bin(start=f"{low + each * width:.6g}", end=f"{low + (each + 1) * width:.6g}", count=counts.get(each, 0)) for each in range(bins))


def _by_time(connection: duckdb.DuckDBPyConnection, source: str, value: str) -> tuple[Bin, ...]:
    days = connection.execute(f"select date_diff('day', min({value}), max({value})) from {source}").fetchone()[0]
    if days is None:
        return ()
    unit = next((unit for most, unit in UNITS if days <= most), "year")
    found = connection.execute(f"select date_trunc('{unit}', {value})::timestamp::varchar, count(*) from {source} where {value} is not null group by 1 order by 1").fetchall()
    return tuple(Bin(start=start, end=None, count=count) for start, count in found)
