"""SQL that people type: every function that is known, over every type it takes, says the same in DuckDB's preview and in real ClickHouse."""

from decimal import Decimal

import pytest

from ingest.clickhouse import SqlMistake, parse, real, render, translate
from ingest.clickhouse.aggregates import AGGREGATES, REFUSED
from ingest.clickhouse.functions import FUNCTIONS
from tests.clickhouse_expressions import OF_GROUPS, OF_ROWS
from tests.metric_events import TABLE, both, opened, rows, write

REFUSED_ALWAYS = {"assumeNotNull"}
LAST_DIGIT = {"exp", "log", "log2", "log10", "pow", "sum", "avg"}
"""Functions that are calculated by a library of the machine's, or in an order of the engine's: floats may differ in their last digit, docs/metrics.md says so."""
needs_clickhouse = pytest.mark.skipif(not real.available(), reason="chdb is not installed")


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    path = write(rows(count=50), tmp_path_factory.mktemp("functions") / "events.parquet")
    with opened(path) as connection:
        yield connection, path


def as_columns(expressions: list[str]) -> str:
    return ", ".join(f"{expression} AS c{place}" for place, expression in enumerate(expressions))


def alike(ours: list[tuple], theirs: list[tuple], *, to_the_last: bool) -> bool:
    if to_the_last or ours == theirs:
        return ours == theirs
    return len(ours) == len(theirs) and all(same(a, b) for mine, other in zip(ours, theirs, strict=True) for a, b in zip(mine, other, strict=True))


def same(a: str | None, b: str | None) -> bool:
    return a == b or (None not in (a, b) and {a, b}.isdisjoint({"nan", "inf", "-inf"}) and abs(Decimal(a) - Decimal(b)) <= abs(Decimal(b)) * Decimal("1e-14"))


@needs_clickhouse
@pytest.mark.parametrize("name", OF_ROWS)
def test_a_function_of_one_event(events, name):
    ours, theirs = both(*events, parse(f"SELECT data.event_id AS id, timestamp AS at, {as_columns(OF_ROWS[name])} FROM raw_metric_compute"))
    assert alike(ours, theirs, to_the_last=name not in LAST_DIGIT), [(OF_ROWS[name][place - 2], a[place], b[place]) for a, b in zip(ours, theirs, strict=True) for place in range(2, len(a)) if a[place] != b[place]][:5]


@needs_clickhouse
@pytest.mark.parametrize("name", OF_GROUPS)
def test_an_aggregate(events, name):
    ours, theirs = both(*events, parse(f"SELECT customer_id AS who, {as_columns(OF_GROUPS[name])} FROM raw_metric_compute GROUP BY customer_id"))
    assert alike(ours, theirs, to_the_last=name not in LAST_DIGIT), [(OF_GROUPS[name][place - 1], a[place], b[place]) for a, b in zip(ours, theirs, strict=True) for place in range(1, len(a)) if a[place] != b[place]][:5]


def test_every_function_is_tried():
    assert set(FUNCTIONS) - REFUSED_ALWAYS == set(OF_ROWS) and set(AGGREGATES) - set(REFUSED) == set(OF_GROUPS)


NOT_THERE = ["if(data.n, 1, 2)", "multiIf(data.n, 1, 2)", "if(0.5, 1, 2)", "not(data.m)", "and(data.m, 1)", "countIf(data.m)", "sumIf(data.n, data.n)", "if(data.s, 1, 2)", "toDayOfWeek(timestamp, 'Europe/Berlin')", "sum(data.s)", "data.n + data.s", "toInt8('x')", "quantileExact(2)(data.n)"]


@needs_clickhouse
@pytest.mark.parametrize("expression", NOT_THERE)
def test_what_clickhouse_refuses_is_refused_here(events, expression):
    tree = parse(f"SELECT {expression} AS quantity FROM raw_metric_compute")
    with pytest.raises(SqlMistake) as caught:
        translate(tree, [TABLE])
    assert caught.value.line == 1 and caught.value.sentence
    with pytest.raises(Exception, match="ClickHouse says"):
        real.run(render(tree), {TABLE.name: (TABLE, events[1])})


@pytest.mark.parametrize("name", sorted({*REFUSED, *REFUSED_ALWAYS}))
def test_what_has_no_certain_answer_is_refused_with_a_sentence(name):
    with pytest.raises(SqlMistake) as caught:
        translate(parse(f"SELECT {name}(data.n) AS quantity FROM raw_metric_compute"), [TABLE])
    assert caught.value.sentence.endswith(".")
