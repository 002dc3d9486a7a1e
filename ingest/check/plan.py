"""How one field is read from its column: the SQL for its text, its value and what can go wrong, with the questions the column raises."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from ingest.engine import identifier
from schemas.checking import Question
from schemas.event_type import FieldType
from schemas.matching import DecimalMark


@dataclass(frozen=True)
class Plan:
    """One field. Its steps become columns of the cells, each named by `alias`; later steps may use earlier ones.

    `source` is the cell's text without spaces at its edges, null where empty; `value` the typed value, null where that fails.
    `facts` are conditions over the steps, by the name a check asks for; a fact that can't be true in this column is left out.
    """

    field: str
    type: FieldType
    column: str | None
    steps: tuple[tuple[str, str], ...]
    sql_type: str
    required: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    mark: DecimalMark = "point"
    notes: Mapping[str, int] = field(default_factory=dict)
    """How many cells a warning's fact is true for, where that is known already."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """What the cells themselves settle, by the question it would be: `date_order` or `decimal_mark`. Other columns of the file are likely to be written alike."""

    @property
    def source(self) -> str:
        """The column of cells that holds the text."""
        return alias("source", self.field)

    @property
    def value(self) -> str:
        """The column of cells that holds the typed value."""
        return alias("value", self.field)


def alias(step: str, name: str) -> str:
    """The quoted name of one step of a field among the columns of the cells. It begins with a character that no header has."""
    return identifier(f"\x01{step}:{name}")


@contextmanager
def each_step_once(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Inside, a condition over a step is tested after the step: pushed down to the rows it would read every cell twice."""
    connection.execute("set disabled_optimizers = 'filter_pushdown'")
    try:
        yield
    finally:
        connection.execute("reset disabled_optimizers")


def cells(raw: str, plans: tuple[Plan, ...]) -> str:
    """A SELECT over raw rows with every step of every plan beside the file's own columns."""
    query = raw
    for level in range(max((len(plan.steps) for plan in plans), default=0)):
        columns = ", ".join(f"{sql} as {alias(name, plan.field)}" for plan in plans if level < len(plan.steps) for name, sql in [plan.steps[level]])
        query = f"select *, {columns} from ({query})"
    return query
