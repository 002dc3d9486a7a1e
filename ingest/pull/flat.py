"""Rows of JSON as a table of text: nested objects as columns with dots in their names, lists as JSON, numbers as they were written. Rows are put aside page by page, so memory doesn't grow with them."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput
from ingest.pull.pulled_file import from_query
from ingest.pull.web_api import Number
from ingest.settings import settings
from schemas.source import Fetched, Read, SourceColumn, Where, Window

BATCH_ROWS = 20_000
MOST_COLUMNS = 2_000
ZONED = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$"
NAIVE = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$"
KINDS = {"integer": r"^-?\d+$", "decimal": r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$", "time": ZONED, "naive_time": NAIVE, "date": r"^\d{4}-\d\d-\d\d$", "bool": "^(true|false)$"}
"""What all cells of a column look like that is of a kind, the narrowest first."""
AS_KIND = {"integer": "hugeint", "decimal": "decimal(38, 12)", "float": "double", "time": "timestamptz", "naive_time": "timestamp", "date": "date"}
SIGNS = {"equals": "=", "not_equals": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def flattened(row: object, within: str = "") -> Iterator[tuple[str, str | None]]:
    """The cells of a row by name."""
    if not isinstance(row, dict):
        yield within or "value", cell(row)
        return
    for name, value in row.items():
        path = f"{within}.{name}" if within else name
        if isinstance(value, dict) and value:
            yield from flattened(value, path)
        else:
            yield path, cell(value)


def cell(value: object) -> str | None:
    """One value as text."""
    if value is None or value == "":
        return None
    return str(value) if isinstance(value, str) else written(value)


def written(value: object) -> str:
    """JSON again, its numbers as they were."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name, ensure_ascii=False)}: {written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


class Aside:
    """Rows put aside in files, until it is known which columns there are."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.rows = folder, 0
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._waiting: list[dict[str, str | None]] = []
        self._parts: list[Path] = []

    @property
    def names(self) -> tuple[str, ...]:
        """The columns so far, in the order in which they came."""
        return tuple(self._names.values())

    def add(self, rows: Sequence[object]) -> None:
        """Puts rows aside."""
        self.add_flat([dict(flattened(row)) for row in rows])

    def add_flat(self, rows: Sequence[Mapping[str, str | None]]) -> None:
        """Puts rows aside that are flat already."""
        self._waiting += [{self._own(name): value for name, value in row.items()} for row in rows]
        self.rows += len(rows)
        if len(self._waiting) >= BATCH_ROWS:
            self._write()

    def _own(self, name: str) -> str:
        """The name of a column: two that differ in case alone are told apart."""
        own = self._names.get(name)
        if own is None:
            if len(self._names) >= MOST_COLUMNS:
                raise BadInput(f"The rows have more than {MOST_COLUMNS:,} different columns.", "Point the path to the rows at smaller objects.")
            own = name or "value"
            while own.lower() in self._taken:
                own += "_2"
            self._names[name] = own
            self._taken.add(own.lower())
        return own

    def _write(self) -> None:
        names = list(dict.fromkeys(name for row in self._waiting for name in row))
        part = self.folder / f"{len(self._parts):06d}.parquet"
        pq.write_table(pa.table({name: _column([row.get(name) for row in self._waiting]) for name in names}), part, compression="snappy")
        self._parts.append(part)
        self._waiting.clear()

    def relation(self, more: Sequence[str] = ()) -> str:
        """SQL in DuckDB for all rows, with all columns, and those of `more` that no row had."""
        if self._waiting and self._names:
            self._write()
        missing = [name for name in dict.fromkeys(more) if name not in self.names]
        nothing = [f"null::varchar as {identifier(name)}" for name in missing]
        if not self._parts:
            return f"(select {', '.join(nothing) or 'null::varchar as value'} where false)"
        listed = ", ".join(literal(part) for part in self._parts)
        return f"(select {', '.join([*map(identifier, self.names), *nothing])} from read_parquet([{listed}], union_by_name = true))"


@contextmanager
def aside() -> Iterator[Aside]:
    """A place for rows, gone afterwards."""
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pulled-", dir=home) as folder:
        yield Aside(Path(folder))


def columns_of(rows: Aside, read: Read, cursor_kind: str | None = None) -> tuple[SourceColumn, ...]:
    """The columns, with what their cells look like. `cursor_kind` is that of the cursor, where it is known."""
    with engine() as connection:
        kinds = _kinds(connection, rows, read, cursor_kind)
    return tuple(SourceColumn(name=name, type=kind, kind=kind) for name, kind in kinds.items() if is_wanted(name, read))


def is_wanted(name: str, read: Read) -> bool:
    """Whether a column is taken; those that tell rows apart always are."""
    return not read.columns or name in (*read.columns, *read.key, read.cursor)


def written_rows(rows: Aside, read: Read, window: Window, to: Path, label: str, cursor_kind: str | None = None) -> Fetched:
    """Writes the rows of a window, with the columns that are wanted."""
    with engine() as connection:
        kinds = _kinds(connection, rows, read, cursor_kind)
        source, inside = _selected(connection, rows, read, window, kinds)
        wanted = [name for name in kinds if is_wanted(name, read)]
        count = from_query(connection, f"select {', '.join(map(identifier, wanted))} from {source} where {inside}", to, label)
        newest, without = _cursors(connection, source, inside, read, kinds)
    return Fetched(rows=count, newest=newest, columns=tuple(SourceColumn(name=name, type=kinds[name], kind=kinds[name]) for name in wanted), without_cursor=without)


def first_rows(rows: Aside, read: Read, limit: int, cursor_kind: str | None = None) -> pa.Table:
    """The newest of the rows, or the first."""
    with engine() as connection:
        kinds = _kinds(connection, rows, read, cursor_kind)
        source, inside = _selected(connection, rows, read, Window(), kinds)
        order = f" order by {_typed(read.cursor, kinds[read.cursor])} desc nulls last" if read.cursor else ""
        wanted = ", ".join(identifier(name) for name in kinds if is_wanted(name, read))
        return connection.execute(f"select {wanted} from {source} where {inside}{order} limit {limit:d}").to_arrow_table()


def _kinds(connection: duckdb.DuckDBPyConnection, rows: Aside, read: Read, cursor_kind: str | None) -> dict[str, str]:
    """Every column with its kind; text where its cells don't agree or there are none."""
    more = [*([read.cursor] if read.cursor else []), *read.key]
    relation = rows.relation(more)
    names = [name for name, *_ in connection.execute(f"describe {relation[1:-1]}").fetchall()]
    if rows.rows and (lost := [name for name in (*read.columns, *more) if name not in rows.names]):
        raise BadInput(f"There is no column {lost[0]!r}.", f"There are: {', '.join(rows.names[:40])}.")
    tests = [f"coalesce(bool_and(regexp_matches({identifier(name)}, {literal(pattern)})), false)" for name in names for pattern in KINDS.values()]
    answers = iter(connection.execute(f"select {', '.join(tests)} from {relation}").fetchone())
    kinds = {name: next((kind for kind, fits in zip(KINDS, [next(answers) for _ in KINDS], strict=True) if fits), "text") for name in names}
    if read.cursor and (cursor_kind or not rows.rows):
        kinds[read.cursor] = cursor_kind or "time"
    return kinds


def _selected(connection: duckdb.DuckDBPyConnection, rows: Aside, read: Read, window: Window, kinds: Mapping[str, str]) -> tuple[str, str]:
    """A view of all rows, the cursor written as windows are, and the condition that a row lies in the window and fits."""
    more = [*([read.cursor] if read.cursor else []), *read.key]
    moment = read.cursor and kinds[read.cursor] == "time"
    replaced = f" replace ({_in_utc(identifier(read.cursor))} as {identifier(read.cursor)})" if moment else ""
    connection.execute(f"create or replace temp view rows_aside as select *{replaced} from {rows.relation(more)}")
    if read.cursor and kinds[read.cursor] in AS_KIND:
        strange = connection.execute(f"select min({identifier(read.cursor)}) from rows_aside where {identifier(read.cursor)} is not null and {_typed(read.cursor, kinds[read.cursor])} is null").fetchone()[0]
        if strange is not None:
            raise BadInput(f"The column {read.cursor!r} tells what is new, but has {strange[:40]!r}.", "Choose another cursor, or have the value mended.")
    conditions = [_condition(each, kinds) for each in read.where]
    for sign, bound in ((">=", window.since), ("<", window.until)):
        if read.cursor and bound is not None:
            conditions.append(f"{_typed(read.cursor, kinds[read.cursor])} {sign} {literal(bound)}::{AS_KIND.get(kinds[read.cursor], 'varchar')}")
    return "rows_aside", " and ".join(conditions) or "true"


def _cursors(connection: duckdb.DuckDBPyConnection, source: str, inside: str, read: Read, kinds: Mapping[str, str]) -> tuple[str | None, int]:
    """The newest cursor inside, and how many rows have none."""
    if not read.cursor:
        return None, 0
    name = identifier(read.cursor)
    return newest_cursor(connection, f"{source} where {inside}", read.cursor, kinds[read.cursor]), connection.execute(f"select count(*) from {source} where {name} is null").fetchone()[0]


def newest_cursor(connection: duckdb.DuckDBPyConnection, rows: str, cursor: str, kind: str) -> str | None:
    """The largest cursor among rows, as it is written there. `rows` is what stands after FROM."""
    name = identifier(cursor)
    newest = connection.execute(f"select {name} from (select {name} from {rows}) where {name} is not null order by {_typed(cursor, kind)} desc, {name} desc limit 1").fetchone()
    return newest[0] if newest else None


def _typed(name: str, kind: str) -> str:
    return f"try_cast({identifier(name)} as {AS_KIND[kind]})" if kind in AS_KIND else identifier(name)


def _in_utc(name: str) -> str:
    """A moment as windows write it, all its digits kept."""
    plain = rf"regexp_matches({name}, '^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$')"
    return f"case when {plain} then {name} else coalesce(replace(timezone('UTC', try_cast({name} as timestamptz))::varchar, ' ', 'T') || 'Z', {name}) end"


def _condition(where: Where, kinds: Mapping[str, str]) -> str:
    if where.column not in kinds:
        raise BadInput(f"There is no column {where.column!r}.", f"There are: {', '.join(list(kinds)[:40])}.")
    name, kind = identifier(where.column), kinds[where.column]
    if where.operator in ("is_null", "is_not_null"):
        return f"{name} is {'not ' if where.operator == 'is_not_null' else ''}null"
    if where.operator == "in":
        return f"{name} in ({', '.join(map(literal, where.values or (where.value or '',)))})"
    if where.operator == "contains":
        return f"contains({name}, {literal(where.value or '')})"
    as_kind = AS_KIND.get(kind, "varchar")
    return f"{_typed(where.column, kind)} {SIGNS[where.operator]} try_cast({literal(where.value or '')} as {as_kind})"


def _column(values: list[str | None]) -> pa.Array:
    try:
        return pa.array(values, pa.string())
    except UnicodeEncodeError:  # half of a character, which JSON can write and nothing else
        return pa.array([value and value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for value in values], pa.string())
