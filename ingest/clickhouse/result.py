"""What a query gives, before anybody says which customer and days it is about."""

from collections.abc import Sequence

from ingest.clickhouse.tables import Table
from ingest.clickhouse.template import bind, parse, templates
from ingest.clickhouse.translate import translate
from ingest.errors import SqlMistake

ANY = ("1", "2026-01-01", "00000000-0000-0000-0000-000000000000")
"""What a customer's value may look like; a query that calculates with it can be looked at with one of them."""


def result_of(text: str, tables: Sequence[Table]) -> dict[str, str]:
    """The types of a query's columns by their names. Raises SqlMistake where it can't be run over these tables."""
    tree = parse(text)
    asked = templates(tree)
    days = {name: "2026-01-01" for name in asked if not name.startswith("customer.")}
    mistakes = []
    for each in ANY:
        try:
            return dict(translate(bind(tree, {**dict.fromkeys(asked, each), **days}), tables).columns)
        except SqlMistake as mistake:
            mistakes.append(mistake)
    raise mistakes[0]
