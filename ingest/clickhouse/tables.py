"""What the tables of events look like in ClickHouse."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.account import AccountProfile
from schemas.event_type import EventType

PREFIX = "raw_metric_"


@dataclass(frozen=True)
class Table:
    """A table as ClickHouse has it: the type's text of each column. `kept` says in what DuckDB keeps a column where that is narrower: `DECIMAL(18,6)`."""

    name: str
    columns: Mapping[str, str]
    kept: Mapping[str, str] = field(default_factory=dict)


def table_of(event_type: EventType, profile: AccountProfile) -> Table:
    """The table of an event type: its root columns, and `data.<field>` for each of its fields."""
    columns = {"customer_id": "String", "timestamp": f"DateTime64({profile.timestamp_digits})"}
    for each in event_type.fields:
        columns[f"data.{each.name}"] = f"Nullable({_type(each.type, profile)})"
    return Table(f"{PREFIX}{event_type.slug}", columns)


def _type(name: str, profile: AccountProfile) -> str:
    if name == "Decimal":
        return f"Decimal(38, {profile.decimal_scale})"
    return f"DateTime64({profile.timestamp_digits})" if name == "DateTime64" else name
