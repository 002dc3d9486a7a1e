"""What a list's query may ask for: `name=value`, the same with a documented ending such as `name__ilike=value`, and `search`."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from ingest.sandbox.fields import read_moment
from ingest.sandbox.replies import invalid_field

Condition = tuple[str, list[str]]
"""A piece of SQL and its parameters."""

COMPARISONS = {"": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
LIKE = {"like": "{} like ? escape '\\'", "ilike": "{} ilike ? escape '\\'"}


class Column(NamedTuple):
    """A column that can be asked for, as SQL, and its type."""

    sql: str
    type: str = "varchar"


def conditions(query: Mapping[str, str], columns: Mapping[str, Column]) -> Iterator[Condition]:
    """One for each part of the query that names a column; the others, and empty values, ask for nothing. Refuses (422) a value that can't be one."""
    for asked, value in query.items():
        name, _, ending = asked.partition("__")
        if name in columns and value:
            yield from _condition(asked, columns[name], ending, value)


def search(written: str, columns: Mapping[str, Column], anything: str) -> Iterator[Condition]:
    """`field=value,field2=value2`, also `custom_data.<name>=value`; a part that names no field is looked for in `anything`."""
    for part in filter(None, written.split(",")):
        name, _, value = part.partition("=")
        if name in columns:
            yield LIKE["ilike"].format(columns[name].sql), [_pattern(value)]
        elif "custom_data" in columns and name.startswith("custom_data."):
            yield LIKE["ilike"].format(f"json_extract_string({columns['custom_data'].sql}, ?)"), [_pointer(name.removeprefix("custom_data.")), _pattern(value)]
        else:
            yield LIKE["ilike"].format(anything), [_pattern(part)]


def _condition(asked: str, column: Column, ending: str, value: str) -> Iterator[Condition]:
    if ending in COMPARISONS:
        yield f"{column.sql} {COMPARISONS[ending]} cast(? as {column.type})", [_read(asked, column.type, value)]
    elif ending in LIKE:
        yield LIKE[ending].format(f"cast({column.sql} as varchar)"), [_pattern(value)]
    elif ending == "in":
        values = [_read(asked, column.type, each) for each in value.split(",")]
        yield f"{column.sql} in ({', '.join([f'cast(? as {column.type})'] * len(values))})", values
    elif ending == "isnull":
        yield f"({column.sql} is null) = cast(? as boolean)", [_read(asked, "boolean", value)]


def _pointer(name: str) -> str:
    """A JSON pointer, which takes any name."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _pattern(value: str) -> str:
    """What LIKE looks for: the text anywhere, unless it says where by a percent sign."""
    plain = value.replace("\\", "\\\\").replace("_", "\\_")
    return plain if "%" in value else f"%{plain}%"


def _read(asked: str, kind: str, value: str) -> str:
    try:
        return READERS[kind](value)
    except ValueError as error:
        raise invalid_field("query", asked, str(error)) from None


def _boolean(value: str) -> str:
    if value.lower() not in ("true", "false", "1", "0"):
        raise ValueError("expected true or false")
    return value.lower()


READERS: dict[str, Callable[[str], str]] = {"varchar": str, "boolean": _boolean, "timestamp": read_moment}
