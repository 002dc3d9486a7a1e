"""The columns of an event type's table as a metric names them: plain field names, the types of the billing system."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

from sqlglot import exp

from ingest.clickhouse import Table
from ingest.errors import BadInput
from schemas.event_type import NUMERIC_TYPES, ROOT_FIELDS, FieldType

WORDS: dict[FieldType, str] = {
    "String": "text", "Int64": "whole numbers", "Float64": "floating numbers", "Decimal": "decimals", "Bool": "true or false", "Date32": "dates", "DateTime64": "times", "UUID": "UUIDs",
}
DATA = "data"
"""What stands before a data field's name in SQL."""


@dataclass(frozen=True)
class Column:
    """One column: the name people use, its type, and how many digits its type keeps after the point (of a second, for times)."""

    name: str
    type: FieldType
    digits: int
    is_nullable: bool

    @property
    def node(self) -> exp.Column:
        """The column in SQL: data fields as `data.name`."""
        return exp.column(exp.to_identifier(self.name, quoted=True if self.name == "timestamp" else None)) if self.is_root else exp.column(_identifier(self.name), table=DATA)

    @property
    def is_root(self) -> bool:
        """Whether every event has it."""
        return self.name in ROOT_FIELDS

    @property
    def is_number(self) -> bool:
        """Whether one can calculate with it."""
        return self.type in NUMERIC_TYPES

    @property
    def words(self) -> str:
        """What it holds, for a sentence."""
        return WORDS[self.type]


def column(table: Table, name: str) -> Column:
    """A column by the name people use (`cpu_hours`, or `data.cpu_hours`). Raises BadInput with the known ones where there is none."""
    field = plain(name)
    kind = table.columns.get(field if field in ROOT_FIELDS else f"{DATA}.{field}")
    if kind is None:
        names = known(table)
        close = get_close_matches(field, names, 1)
        meant = f"Did you mean {close[0]!r}? " if close else ""
        raise BadInput(f"There is no field {name!r} in these events.", f"{meant}Known are {', '.join(names)}.")
    return _of_type(field, kind)


def columns(table: Table) -> dict[str, Column]:
    """All columns by the names people use."""
    return {name: column(table, name) for name in known(table)}


def known(table: Table) -> list[str]:
    """The names people use, as the table has them."""
    return [plain(name) for name in table.columns]


def plain(name: str) -> str:
    """A field's name without the `data.` that it has in SQL."""
    return name.removeprefix(f"{DATA}.")


def _of_type(name: str, text: str) -> Column:
    """A column by ClickHouse's text of its type, as in Nullable(Decimal(38, 18))."""
    inner = re.fullmatch(r"Nullable\((.+)\)", text)
    kind, _, arguments = (inner[1] if inner else text).rstrip(")").partition("(")
    digits = re.findall(r"\d+", re.sub(r"'.*?'", "", arguments))
    return Column(name, cast(FieldType, kind), int(digits[-1]) if digits else 0, inner is not None)


def _identifier(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=name.lower() == "not" or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name))
