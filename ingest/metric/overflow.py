"""Whole numbers that ClickHouse adds up in 64 bits: where a total doesn't fit it bills another number, and a person has to hear of it."""

from ingest.clickhouse import text_of, translate
from ingest.engine import identifier
from ingest.metric.columns import plain
from ingest.metric.events import Opened, in_table
from ingest.metric.exact import exact_check
from ingest.wording import count
from schemas.metric import Metric, MetricPreviewSpec

FITS = 2**63
SHOWN = 3


def overflow(found: Opened, metric: Metric, spec: MetricPreviewSpec, quantities: str) -> tuple[str, ...]:
    """A warning where totals in the table `quantities` went wrong, with the first of them. Looks closer only where numbers are so large that they could."""
    asked = exact_check(metric, found.table, start=spec.start, end=spec.end, by=spec.by, zone=spec.zone)
    if asked is None or not _could(found, metric.field or ""):
        return ()
    true = translate(asked, [found.table])
    groups = [identifier(name) for name, _ in true.columns if name != "exact"]
    same = " and ".join(f"a.{name} is not distinct from b.{name}" for name in groups) or "true"
    sql = f"select {''.join(f'b.{name}, ' for name in groups)}a.quantity, b.exact from {identifier(quantities)} a join ({true.sql}) b on {same} order by all"
    number = found.connection.execute(f"select count(*) from ({sql})").fetchone()[0]
    if not number:
        return ()
    billed_as = found.connection.execute(f"select typeof(quantity) from {identifier(quantities)}").fetchone()[0]
    columns = (*true.columns[:-1], ("quantity", "Float64" if billed_as == "DOUBLE" else "Int64"), true.columns[-1])
    said = "; ".join(_said(row, metric) for row in text_of(found.connection.sql(f"{sql} limit {SHOWN}"), columns).to_pylist())
    return (f"{count(number, 'total is', 'totals are')} too large for the 64 bits in which the billing system adds up whole numbers. {said}{'; …' if number > SHOWN else '.'}",)


def _said(row: dict[str, str | None], metric: Metric) -> str:
    who = ", ".join(value or "(empty)" for name, value in row.items() if name not in ("quantity", "exact"))
    return f"{f'{who}: ' if who else ''}it would bill {row['quantity']}, and the true sum of {plain(metric.field or '')} is {row['exact']}"


def _could(found: Opened, field: str) -> bool:
    """Whether the largest of the numbers, as often as there are numbers, doesn't fit."""
    name = identifier(in_table(field))
    low, high, numbers = found.connection.execute(f"select min({name}), max({name}), count({name}) from {identifier(found.table.name)}").fetchone()
    return numbers > 0 and max(-low, high) * numbers >= FITS
