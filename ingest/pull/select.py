"""A SELECT over what a source is told to read, in a database's own dialect: names quoted, values as literals, a query of somebody's own as a subquery."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ingest.errors import BadInput
from schemas.source import Read, SourceColumn, Where, Window

SIGNS = {"equals": "=", "not_equals": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Dialect:
    """How a database quotes. `bound` writes a bound of the cursor for the kind of its column; `cast` a column as text where the driver would cut it, else as it is."""

    mark: str
    bound: Callable[[str, str], str]
    cast: Callable[[str, SourceColumn], str]
    backslashes: bool = False
    """Whether a backslash in a text means something."""

    def name(self, text: str) -> str:
        """A quoted name."""
        return f"{self.mark}{text.replace(self.mark, self.mark * 2)}{self.mark}"

    def text(self, value: str) -> str:
        """A quoted text."""
        if "\0" in value:
            raise BadInput("A text can't hold a zero character.")
        escaped = value.replace("\\", "\\\\") if self.backslashes else value
        return "'" + escaped.replace("'", "''") + "'"

    def contains(self, name: str, value: str) -> str:
        """The condition that a text is part of a column."""
        pattern = re.sub(r"([!%_])", r"!\1", value)
        return f"{name} like {self.text(f'%{pattern}%')} escape '!'"


def origin(dialect: Dialect, read: Read) -> str:
    """What comes after FROM: the table, or the query in brackets. Raises BadInput where neither is said."""
    if read.sql:
        return f"(\n{one_query(read.sql)}\n) as q"
    if not read.table:
        raise BadInput("It isn't said what to read.", "Choose a table, or write a query.")
    return ".".join(dialect.name(part) for part in parts_of(read.table, dialect.mark))


def parts_of(table: str, mark: str = '"') -> list[str]:
    """The schema and name of a table: `public.usage`, or each in the database's quotes where it holds a point."""
    if not table.startswith(mark):
        return table.split(".")
    return [quoted.replace(mark * 2, mark) if quoted else plain for quoted, plain in re.findall(rf"{mark}((?:[^{mark}]|{mark}{mark})+){mark}|([^{mark}.]+)", table)]


def one_query(sql: str) -> str:
    """A query without the semicolon at its end. Raises BadInput where it is no SELECT."""
    text = sql.strip().rstrip(";").rstrip()
    if not re.match(r"(?is)^(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:select|with)\b", text):
        raise BadInput("The query is no SELECT.", "Write one SELECT; nothing else is run.")
    return text


def selected(dialect: Dialect, read: Read, columns: Sequence[SourceColumn], window: Window, *, what: str | None = None) -> str:
    """The whole SELECT: the columns that are taken, the rows that fit the conditions and lie in the window. `what` takes the place of the columns."""
    cells = what or ", ".join(f"{dialect.cast(dialect.name(column.name), column)} as {dialect.name(column.name)}" for column in columns)
    conditions = [condition(dialect, each, columns) for each in read.where] + within(dialect, read, columns, window)
    return f"select {cells} from {origin(dialect, read)}{' where ' + ' and '.join(conditions) if conditions else ''}"


def within(dialect: Dialect, read: Read, columns: Sequence[SourceColumn], window: Window) -> list[str]:
    """The conditions of the window."""
    if read.cursor is None:
        return []
    kind = kind_of(columns, read.cursor)
    bounds = ((">=", window.since), ("<", window.until))
    return [f"{dialect.name(read.cursor)} {sign} {dialect.bound(bound, kind)}" for sign, bound in bounds if bound is not None]


def kind_of(columns: Sequence[SourceColumn], name: str) -> str:
    """What kind a column is of. Raises BadInput where it isn't there."""
    for column in columns:
        if column.name == name:
            return column.kind
    raise BadInput(f"There is no column {name!r}.", f"There are: {', '.join(column.name for column in columns[:40])}.")


def condition(dialect: Dialect, where: Where, columns: Sequence[SourceColumn]) -> str:
    """One condition. Values of columns of numbers must be numbers."""
    name, is_number = dialect.name(where.column), kind_of(columns, where.column) in ("integer", "decimal", "float")
    if where.operator in ("is_null", "is_not_null"):
        return f"{name} is {'not ' if where.operator == 'is_not_null' else ''}null"
    if where.operator == "in":
        return f"{name} in ({', '.join(_value(dialect, each, where.column, is_number=is_number) for each in where.values or (where.value or '',))})"
    if where.operator == "contains":
        return dialect.contains(name, where.value or "")
    return f"{name} {SIGNS[where.operator]} {_value(dialect, where.value or '', where.column, is_number=is_number)}"


def _value(dialect: Dialect, value: str, column: str, *, is_number: bool) -> str:
    if not is_number:
        return dialect.text(value)
    if not NUMBER.fullmatch(value.strip()):
        raise BadInput(f"{value!r} is no number, and the column {column!r} has numbers.", "Write digits.")
    return value.strip()


def taken(read: Read, columns: Sequence[SourceColumn]) -> tuple[SourceColumn, ...]:
    """The columns that are read, in the order of the source. Raises BadInput where one isn't there."""
    by_name: Mapping[str, SourceColumn] = {column.name: column for column in columns}
    for name in (*read.columns, *([read.cursor] if read.cursor else [])):
        kind_of(columns, name)
    return tuple(by_name[name] for name in by_name if not read.columns or name in read.columns)
