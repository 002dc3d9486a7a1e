"""Metrics and events drawn by Hypothesis: whatever the builder can say, over whatever an event may hold."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as some

from ingest.metric.filters import FITTING
from schemas.metric import METRIC_FUNCTIONS
from tests.clickhouse_conditions import FIELDS, values_for
from tests.metric_events import TYPES

NUMBERS = ("n", "f", "d", "m", "level", "cpu hours")
DIMENSIONS = ("s", "b", "dt", "t", "u", "n", "d", "m", "cpu hours")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia")
PERIODS = (("2026-10-01", "2026-10-31"), ("2026-10-25", "2026-10-25"), ("2026-09-01", "2026-11-30"), ("1959-12-31", "2100-12-31"))

exact = some.decimals(Decimal("-1e6"), Decimal("1e6"), places=18) | some.sampled_from([Decimal(each) for each in ("0", "0.1", "2.675", "-0.5", "1.005")])
VALUES = {
    "n": some.integers(-(2**63), 2**63 - 1) | some.integers(-10, 10), "f": some.floats(-1e12, 1e12) | some.sampled_from([0.1, 0.2, -0.0, 2.675, 1e16]), "d": exact, "m": some.decimals(-1000, 1000, places=2), "level": exact, "cpu hours": some.integers(0, 5),
    "s": some.text("aäe\\'% \t0💥", max_size=4) | some.sampled_from(["eu", "us"]), "b": some.booleans(), "dt": some.dates(date(1900, 1, 1), date(2299, 12, 31)) | some.dates(date(2026, 9, 25), date(2026, 11, 5)), "u": some.sampled_from([UUID(int=5), UUID(int=2**127)]),
}
moments = some.integers(-(10**12), 5 * 10**12) | some.integers(1_790_000_000_000, 1_794_000_000_000) | some.sampled_from([1_793_142_000_000, 1_793_145_600_000, 1_793_149_199_999])
"""Milliseconds since 1970: of 1938 to 2128, of October 2026, and of the hours that come twice."""


def moment(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)


@some.composite
def events(draw: some.DrawFn) -> list[dict[str, object]]:
    """A few events; each field may be empty."""
    one = some.fixed_dictionaries({name: some.none() | values for name, values in VALUES.items()} | {"t": some.none() | moments, "timestamp": moments, "customer_id": some.sampled_from(["a", "b", "Ä", ""])})
    found = draw(some.lists(one, min_size=1, max_size=25))
    return [{**dict.fromkeys(TYPES), **each, "t": each["t"] if each["t"] is None else moment(each["t"]), "timestamp": moment(each["timestamp"]), "event_id": f"e{number}"} for number, each in enumerate(found)]


@some.composite
def conditions(draw: some.DrawFn) -> dict[str, object]:
    kind = draw(some.sampled_from(sorted(FITTING)))
    operator = draw(some.sampled_from(FITTING[kind]))
    return {"field": draw(some.sampled_from(FIELDS[kind])), "operator": operator, "value": draw(some.sampled_from(values_for(kind, operator)))}


def grouped(parts: some.SearchStrategy) -> some.SearchStrategy:
    return some.builds(lambda word, inside: {word: inside}, some.sampled_from(["all", "any"]), some.lists(parts, min_size=1, max_size=3))


filters = grouped(conditions() | grouped(conditions() | grouped(conditions())))
terms = some.recursive(
    some.sampled_from(["n", "f", "d", "m", '"cpu hours"', "0", "2.5", "0.1", "1000000", "-3"]),
    lambda inner: some.builds("({} {} {})".format, inner, some.sampled_from("+-*/"), inner) | some.builds("round({}, {})".format, inner, some.integers(0, 3)) | some.builds("abs({})".format, inner)
    | some.builds("{}({}, {})".format, some.sampled_from(["least", "greatest", "coalesce"]), inner, inner) | some.builds("if({} {} {}{}, {}, {})".format, inner, some.sampled_from(["=", "!=", "<", ">="]), inner, some.sampled_from(["", " and b", " or s = 'eu'"]), inner, inner),
    max_leaves=4)
totals = some.builds("{}({})".format, some.sampled_from(["sum", "avg", "min", "max", "count", "count_distinct"]), terms)
formulas = terms | some.builds("{} {} {}".format, totals, some.sampled_from("+-*/"), totals)


@some.composite
def definitions(draw: some.DrawFn) -> dict[str, object]:
    """A metric's steps, as a file of one has them."""
    function = draw(some.sampled_from(METRIC_FUNCTIONS))
    number = some.sampled_from(NUMBERS)
    own: dict[str, object] = {
        "percentile": {"p": draw(some.sampled_from([1, 50, 95, Decimal("99.9"), Decimal("33.3333")]))}, "sum_product": {"times": draw(number)}, "expression": {"formula": draw(formulas)},
        "weighted_sum": {"per": draw(some.sampled_from(["second", "minute", "hour", "day", "period"]))},
    }.get(function, {})
    field = {} if function == "expression" else {"field": draw(some.none() | some.sampled_from(DIMENSIONS))} if function == "count" else {"field": draw(some.sampled_from(DIMENSIONS) if function == "count_distinct" else number)}
    return {
        "function": function, **field, **own, "filters": draw(some.none() | filters), "date": draw(some.sampled_from(["timestamp", "timestamp", "t", "dt"])), "customer": {"field": draw(some.sampled_from(["customer_id", "customer_id", "s", "u", "n"]))},
        "group_by": tuple(draw(some.lists(some.sampled_from(DIMENSIONS), max_size=2, unique=True))), "zone": draw(some.sampled_from(ZONES)),
        "rounding": draw(some.none() | some.fixed_dictionaries({"digits": some.integers(0, 4), "mode": some.sampled_from(["half_up", "half_even", "up", "down"])})),
    }
