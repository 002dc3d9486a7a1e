"""What a metric says, in words and in SQL, for a page that shows it while it is made."""

from collections.abc import Sequence
from pathlib import Path

from ingest.clickhouse import bind, parse, table_of, templates, translate
from ingest.engine import engine, identifier, literal
from ingest.metric.define import registered, sentence, warnings
from ingest.metric.preview import EVENTS
from ingest.metric.run import check, in_steps
from schemas.account import AccountProfile
from schemas.base import Frozen
from schemas.event_type import EventType
from schemas.metric import Metric

NO_DIMENSIONS = ("customer_id", "quantity")
"""What every query may return."""


class Explained(Frozen):
    """A metric that can be counted, explained."""

    sentence: str
    warnings: tuple[str, ...]
    """What differs between the preview and the account."""
    aggregation_query: str
    cust_agg_query: str
    duckdb: str
    """What the preview runs, for one customer and one day."""
    in_steps: Metric | None
    """The metric as the form has it; None for SQL that has no such form."""
    counted: Metric
    """The metric as it is counted: in steps where it has them, else its SQL, divided by the columns that it returns."""


def explain(metric: Metric, event_type: EventType, profile: AccountProfile) -> Explained:
    """The metric explained. Raises BadInput where it doesn't fit the events, SqlMistake with the place where its SQL can't be run."""
    table = table_of(event_type, profile)
    check(metric, table)
    across, one = registered(metric, table)
    tree = parse(one)
    made = translate(bind(tree, {name: "2026-01-01" for name in templates(tree)}), [table])
    steps = in_steps(metric, table)
    counted = steps or metric.model_copy(update={"group_by": tuple(name for name, _ in made.columns if name not in NO_DIMENSIONS)})
    return Explained(sentence=sentence(counted), warnings=tuple(warnings(counted, table)), aggregation_query=across, cust_agg_query=one, duckdb=made.sql, in_steps=steps, counted=counted)


def occurring(folders: Sequence[Path], field: str, most: int = 100) -> tuple[str, ...]:
    """The values that a field of checked events has most often, about the most frequent ones first: as many as can be offered, in bounded memory."""
    files = ", ".join(literal(folder / EVENTS) for folder in folders)
    with engine() as connection:
        source = f"read_parquet([{files}], union_by_name=true)"
        if field not in {name for name, *_ in connection.execute(f"describe select * from {source}").fetchall()}:
            return ()
        found = connection.execute(f"select approx_top_k({identifier(field)}::varchar, {int(most)}) from {source}").fetchone()[0]
    return tuple(each for each in found or () if each)
