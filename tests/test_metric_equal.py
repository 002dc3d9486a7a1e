"""Billable metrics: DuckDB's preview and real ClickHouse say the same, to the last digit."""

import pytest

from ingest.clickhouse import real
from ingest.metric.define import query, registered
from ingest.metric.recognise import recognised
from schemas.metric import Metric
from tests.metric_events import TABLE, both, opened, rows, write

pytestmark = pytest.mark.skipif(not real.available(), reason="chdb is not installed")
PLAIN = [{"function": function, "field": field} for function in ("sum", "count", "count_distinct", "avg", "min", "max", "latest", "earliest") for field in ("n", "f", "d", "m")]
OTHERS = [
    {"function": "count"}, {"function": "percentile", "field": "n", "p": 50}, {"function": "percentile", "field": "d", "p": "99.9"}, {"function": "sum_product", "field": "m", "times": "m"},
    {"function": "weighted_sum", "field": "level"}, {"function": "weighted_sum", "field": "f", "per": "period"},
    *({"function": "expression", "formula": formula} for formula in ("sum(m) * 2 + count()", "if(s = 'eu' and m > 1, m, 0)", "round(m * 3, 1)", "sum(m) / count()", "n % 7", "least(m, 5)", "avg(m) * 1.5")),
]
SCOPES = [
    ({}, ("customer",)),
    ({"rounding": {"digits": 1, "mode": "half_even"}, "zone": "Europe/Berlin", "group_by": ("s",), "filters": {"any": [{"field": "m", "operator": "gt", "value": 1}, {"field": "s", "operator": "not_in", "value": ["eu"]}]}}, ("customer", "day", "s")),
]


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    path = write(rows(), tmp_path_factory.mktemp("events") / "events.parquet")
    with opened(path) as connection:
        yield connection, path


@pytest.mark.parametrize(("more", "by"), SCOPES)
@pytest.mark.parametrize("what", PLAIN + OTHERS, ids=lambda what: "-".join(map(str, what.values())))
def test_both_say_the_same(events, what, more, by):
    connection, path = events
    ours, theirs = both(connection, path, query(Metric(name="x", event_type="compute", **what, **more), TABLE, start="2026-10-01", end="2026-10-31", by=by))
    if more and (what["function"], what.get("field")) == ("weighted_sum", "f"):  # docs/metrics.md, Differences: floats of 16 digits rounded half to even
        assert [row[:-1] for row in ours] == [row[:-1] for row in theirs] and [float(row[-1]) for row in ours] == pytest.approx([float(row[-1]) for row in theirs], rel=1e-15)
    else:
        assert ours == theirs


@pytest.mark.parametrize("what", PLAIN[::3] + OTHERS[:6], ids=lambda what: "-".join(map(str, what.values())))
def test_what_is_registered_is_recognised(what):
    metric = Metric(name="x", event_type="compute", **what, **SCOPES[1][0])
    assert recognised(registered(metric, TABLE)[1], TABLE, "x").metric == metric
