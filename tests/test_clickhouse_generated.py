"""Metrics that nobody thought of, over events that nobody thought of: DuckDB's preview and real ClickHouse say the same."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as some

from ingest.clickhouse import real
from ingest.errors import BadInput
from ingest.metric.define import query, registered
from ingest.metric.recognise import recognised
from schemas.metric import Metric
from tests.metric_definitions import PERIODS, definitions, events
from tests.metric_events import TABLE, both, opened, rows, write

pytestmark = pytest.mark.skipif(not real.available(), reason="chdb is not installed")
FEW = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
LAST_DIGITS = Decimal("1e-13")


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    return write(rows(count=120), tmp_path_factory.mktemp("generated") / "kept.parquet")


def answers(path: Path, steps: dict, period: tuple[str, str], by: tuple[str, ...]) -> tuple[list, list]:
    metric = Metric(name="x", event_type="compute", **steps)
    try:
        asked = query(metric, TABLE, start=period[0], end=period[1], by=(*by, *metric.group_by))
    except BadInput as error:
        event(f"refused: {error.sentence[:40]}")
        assume(False)
    with opened(path) as connection:
        try:
            return both(connection, path, asked)
        except duckdb.OutOfRangeException:  # more than 38 digits: docs/metrics.md, Differences
            event("too wide")
            assume(False)


def alike(ours: list[tuple], theirs: list[tuple]) -> bool:
    return len(ours) == len(theirs) and all(a[:-1] == b[:-1] and near(a[-1], b[-1]) for a, b in zip(ours, theirs, strict=True))


def near(ours: str | None, theirs: str | None) -> bool:
    """The same; of floats, whose sums depend on the order in which they are added, to their last digits."""
    if ours == theirs or None in (ours, theirs) or not {ours, theirs}.isdisjoint({"nan", "inf", "-inf"}):
        return ours == theirs
    return len(ours.strip("-").replace(".", "")) >= 15 and abs(Decimal(ours) - Decimal(theirs)) <= abs(Decimal(theirs)) * LAST_DIGITS


@FEW
@given(data=events(), steps=some.lists(definitions(), min_size=2, max_size=2), period=some.sampled_from(PERIODS), by=some.sampled_from([("customer",), ("customer", "day"), ("month", "customer"), ()]))
def test_generated_events(tmp_path_factory, data, steps, period, by):
    path = write(data, tmp_path_factory.mktemp("events") / "events.parquet")
    for each in steps:
        ours, theirs = answers(path, each, period, by)
        assert alike(ours, theirs)


@FEW
@given(steps=definitions(), period=some.sampled_from(PERIODS), by=some.sampled_from([("customer",), ("customer", "day"), ("day",)]))
def test_generated_metrics_over_what_trips_people_up(kept, steps, period, by):
    ours, theirs = answers(kept, steps, period, by)
    assert alike(ours, theirs)


@FEW
@given(steps=definitions())
def test_a_generated_metric_that_is_recognised_makes_the_same_sql(steps):
    """What the form makes of a metric's SQL may be said in other steps, but never means anything else."""
    metric = Metric(name="x", event_type="compute", **steps)
    try:
        written = registered(metric, TABLE)
    except BadInput:
        assume(False)
    found = recognised(written[1], TABLE, "x").metric
    again = recognised(registered(found, TABLE)[1], TABLE, "x").metric if found is not None else None
    assert again == found
