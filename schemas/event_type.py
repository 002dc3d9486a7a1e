"""Event types: what the billing system calls a raw metric (facts: its public documentation, `POST /rawmetric`)."""

from typing import Literal, get_args

from pydantic import field_validator

from schemas.base import Frozen

FieldType = Literal["String", "Int64", "Float64", "Decimal", "Bool", "Date32", "DateTime64", "UUID"]
FIELD_TYPES: tuple[FieldType, ...] = get_args(FieldType)
NUMERIC_TYPES: tuple[FieldType, ...] = ("Int64", "Float64", "Decimal")

ROOT_FIELDS = ("customer_id", "timestamp")
"""The two fields every event has beside its data fields; always String and DateTime64."""

OUR_FIELDS = ("event_id", "import_id")
"""String fields added when the portal creates an event type, so that every event can be found again by its id."""


class Field(Frozen):
    """One data field of an event type."""

    name: str
    type: FieldType


class EventType(Frozen):
    """An event type as the account knows it. `fields` leaves out the two root fields and includes ours, where present."""

    name: str
    slug: str
    fields: tuple[Field, ...] = ()
    id: str | None = None

    @field_validator("fields")
    @classmethod
    def _names_are_unique(cls, fields: tuple[Field, ...]) -> tuple[Field, ...]:
        names = [field.name for field in fields]
        if len(names) != len(set(names)) or set(names) & set(ROOT_FIELDS):
            raise ValueError("Field names must be unique, and customer_id and timestamp are always there")
        return fields

    @property
    def usage_fields(self) -> tuple[Field, ...]:
        """The data fields that come from a file: all but ours."""
        return tuple(field for field in self.fields if field.name not in OUR_FIELDS)

    def has(self, name: str) -> bool:
        """Whether the schema has this data field."""
        return any(field.name == name for field in self.fields)
