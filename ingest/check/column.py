"""One matched column on its way to a plan."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from ingest.check.plan import Plan, alias
from ingest.errors import BadInput
from ingest.values.text import trimmed, without_edges
from schemas.account import AccountProfile
from schemas.event_type import Field
from schemas.matching import FieldMatch

Probe = Mapping[str, object]
OF_THE_CLOCK = ("zone", "century", "serial", "fraction")
"""What is asked of the timestamp holds for the file's other times until something else is said of them."""


@dataclass(frozen=True)
class Column:
    """One matched column (or constant) on its way to a plan. `relation` and `text` are SQL; `found` is what the common scan saw."""

    connection: duckdb.DuckDBPyConnection
    field: Field
    match: FieldMatch
    relation: str
    text: str
    required: bool
    answers: Mapping[str, str]
    profile: AccountProfile
    found: Probe
    rows: int

    @property
    def header(self) -> str:
        """What the person knows it by."""
        return self.match.column or "(the same for every row)"

    @property
    def filled_everywhere(self) -> dict[str, str]:
        """The fact that no cell is empty, where that is so."""
        return {"filled": "true"} if self.found["cells"] == self.rows else {}

    def step(self, name: str) -> str:
        """The column of cells that holds one of this field's steps."""
        return alias(name, self.field.name)

    def answer(self, question: str, allowed: tuple[str, ...]) -> str | None:
        """The answer to one of this column's questions. Raises BadInput for one that isn't on offer."""
        name = f"{question}.{self.field.name}"
        given = self.answers.get(name) or (self.answers.get(f"{question}.timestamp") if question in OF_THE_CLOCK else None)
        if given is not None and given not in allowed:
            raise BadInput(f"{given!r} is no answer to {name}.", f"It can be {' or '.join(allowed)}.")
        return given

    def plan(self, steps: list[tuple[str, str]], sql_type: str, facts: Mapping[str, str], **more: object) -> Plan:
        """The plan of this column."""
        return Plan(field=self.field.name, type=self.field.type, column=self.match.column, steps=tuple(steps), sql_type=sql_type, required=self.required, facts=facts, **more)

    def tidy(self) -> str:
        """The column's text without spaces at its edges; the column itself where no cell has any."""
        edges = self.connection.execute(f"select count(*) filter (not {without_edges(self.text)}) from {self.relation}").fetchone()[0]
        return trimmed(self.text) if edges else self.text
