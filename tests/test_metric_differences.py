"""What a preview may say otherwise than ClickHouse is warned about, and nothing else is."""

import pytest

from ingest.clickhouse import differences, parse
from ingest.metric.define import warnings
from schemas.metric import Metric
from tests.metric_events import TABLE

ENDING = "FROM raw_metric_compute WHERE toDate32(timestamp) BETWEEN toDate32({{start_date}}) AND toDate32({{end_date}})"


@pytest.mark.parametrize(("calculation", "words"), [
    ("sum(data.f)", "in no fixed order"), ("sumIf(data.f, data.b)", "in no fixed order"), ("avg(data.f * 2)", "in no fixed order"), ("sum(data.m / data.n)", "in no fixed order"), ("sum(toFloat64(data.n))", "in no fixed order"),
    ("max(pow(data.n, 2))", "pow may differ in its last digit"), ("max(log2(data.n))", "log2 may differ"), ("roundBankers(max(data.f), 2)", "the last of their 16 digits"),
])
def test_what_may_differ_is_said(calculation: str, words: str):
    found = warnings(Metric(name="x", event_type="compute", sql=f"SELECT {calculation} AS quantity {ENDING}"), TABLE)
    assert [each for each in found if words in each] == found[:1] != []


def test_distinct_floats_are_said():
    assert differences(parse("SELECT count() AS quantity FROM (SELECT DISTINCT data.f FROM raw_metric_compute)"), [TABLE]) == ["DISTINCT over floating numbers takes 0 and -0 for one."]


@pytest.mark.parametrize("calculation", ["sum(data.m)", "sum(data.n)", "sumKahan(data.f)", "max(data.f)", "count(DISTINCT data.f)", "quantileExactInclusive(0.95)(data.n)", "roundBankers(sum(data.m), 2)", "uniqExact(data.s)", "sum(data.m * 2)"])
def test_what_is_exact_is_not(calculation: str):
    assert warnings(Metric(name="x", event_type="compute", sql=f"SELECT {calculation} AS quantity {ENDING}"), TABLE) == []
