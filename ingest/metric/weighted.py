"""A weighted sum: a field is a level that holds from its event until the customer's next one (of the same dimensions), or the period's end. What held before the period counts from its beginning.

Time is real time: a day on which the clocks go back has 25 hours.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlglot import exp

from ingest.errors import BadInput
from ingest.metric.bounds import Bound, Scope, as_text, customer_column, day, day_of, dimension, groups, heading, month_of, of_customer, when
from ingest.metric.columns import Column, column
from ingest.metric.filters import conditions
from ingest.metric.functions import moments, numeric
from ingest.metric.nodes import both, call, floating, named, nearest, no, number, or_nothing, text, wide
from ingest.metric.rounding import rounded
from schemas.metric import Metric

SECOND = 1_000_000
UNITS = {"second": SECOND, "minute": 60 * SECOND, "hour": 3600 * SECOND, "day": 86_400 * SECOND}
"""How many microseconds a unit of time has."""
LEVEL, SINCE, UNTIL, DAY, BEGINS, ENDS = (exp.column(exp.to_identifier(name, quoted=True)) for name in ("_level", "_since", "_until", "_day", "_begins", "_ends"))
MOST_DAYS = 1100
CHUNK = 40
TIMES = ("day", "month")


def query(metric: Metric, limits: Scope, by: Sequence[str]) -> exp.Select:
    """The query of a weighted sum. By day or month each gets its own part of the time, also where nothing happened in it; of an average over the period, its share."""
    level = numeric(column(limits.table, metric.field or ""), "weighted_sum", limits.table)
    parts = [name for name, _ in groups(metric, limits, [each for each in by if each not in TIMES])]
    split = [each for each in by if each in TIMES]
    columns = [(name, exp.column(exp.to_identifier(name, quoted=True))) for name in parts]
    in_order = {**dict(columns), "day": DAY, "month": month_of(DAY)}
    shown = [(name, in_order[name]) for name in dict.fromkeys("customer_id" if each == "customer" else each if each in TIMES else heading(each) for each in by)]
    total = rounded(_total(metric, limits, level, bool(split)), metric.rounding, is_float=True)
    made = exp.select(*(named(node.copy(), name) for name, node in shown), named(total, "quantity")).from_("levels").with_("levels", as_=_levels(metric, limits, level, by))
    if split:
        made = made.with_("days", as_=_days(limits)).join("days", join_type="cross")
    made = made.where(exp.and_(exp.GT(this=UNTIL.copy(), expression=(BEGINS if split else _begin(limits)).copy()), exp.LT(this=SINCE.copy(), expression=ENDS.copy()) if split else None, copy=False))
    return made.group_by(*(node.copy() for _, node in shown)) if shown else made


def _levels(metric: Metric, limits: Scope, level: Column, by: Sequence[str]) -> exp.Select:
    """Every level until the period's end, since when it held and until when."""
    at = when(metric, limits.table)
    moment = _moment(at, limits)
    kept = [exp.LTE(this=day_of(at, limits.zone), expression=day(limits.end)), no(exp.Is(this=level.node, expression=exp.Null())), *of_customer(metric, limits), *conditions(metric.filters, limits.table, limits.zone)]
    parts = groups(metric, limits, [each for each in by if each not in TIMES])
    return exp.select(
        *(named(node, name) for name, node in parts), named(level.node, "_level"), named(moment, "_since"), named(_until(metric, limits, moment, level), "_until"),
    ).from_(exp.to_table(limits.table.name)).where(both(kept))


def _until(metric: Metric, limits: Scope, moment: exp.Expression, level: Column) -> exp.Window:
    following = call("leadInFrame", moment.copy(), number(1), _end(limits))
    apart = [as_text(customer_column(metric, limits.table)), *(dimension(metric, limits.table, name).node for name in metric.group_by)]
    ordered = exp.Order(expressions=[exp.Ordered(this=node, nulls_first=False) for node in (*moments(metric, limits.table), level.node)])
    return exp.Window(this=following, partition_by=apart, order=ordered, over="OVER", spec=exp.WindowSpec(kind="ROWS", start="CURRENT ROW", end="UNBOUNDED", end_side="FOLLOWING"))


def _total(metric: Metric, limits: Scope, level: Column, is_split: bool) -> exp.Expression:
    """All levels times how long they held, over the unit of time."""
    ends = call("least", UNTIL.copy(), ENDS.copy()) if is_split else UNTIL.copy()
    length = exp.Sub(this=ends, expression=call("greatest", SINCE.copy(), BEGINS.copy() if is_split else _begin(limits)))
    if level.type == "Float64":
        summed: exp.Expression = call("sumKahan", exp.Mul(this=LEVEL.copy(), expression=floating(length)))
    else:
        summed = nearest(call("sum", exp.Mul(this=wide(LEVEL.copy(), level.digits), expression=wide(length, 0))))
    unit = number(UNITS[metric.per]) if metric.per in UNITS else exp.paren(exp.Sub(this=_end(limits), expression=_begin(limits)))
    return or_nothing(exp.Div(this=summed, expression=unit))


def _moment(at: Column, limits: Scope) -> exp.Expression:
    """A time in microseconds since 1970; a date is its midnight."""
    return call("toUnixTimestamp64Micro", at.node if at.type == "DateTime64" else _midnight(at.node, limits))


def _midnight(of_day: exp.Expression, limits: Scope) -> exp.Expression:
    return call("toDateTime64", of_day, number(6), text(limits.zone))


def _begin(limits: Scope) -> exp.Expression:
    return call("toUnixTimestamp64Micro", _midnight(day(limits.start), limits))


def _end(limits: Scope) -> exp.Expression:
    return call("toUnixTimestamp64Micro", _midnight(call("addDays", day(limits.end), number(1)), limits))


def _days(limits: Scope) -> exp.Query:
    """The days of the period and when they begin and end, as constants."""
    first, last = _date(limits.start), _date(limits.end)
    count = (last - first).days + 1
    if count > MOST_DAYS:
        raise BadInput(f"A level over time is shown by day or month for at most {MOST_DAYS:,} days, and this period has {count:,}.", "Choose a shorter one.")
    rows = [_of_day(first + timedelta(each), limits.zone) for each in range(max(count, 1))]
    return _stacked([exp.select("*").from_(_stacked(rows[at:at + CHUNK]).subquery("days")) for at in range(0, len(rows), CHUNK)])


def _of_day(of: date, zone: str) -> exp.Select:
    begins, ends = _microseconds(of, zone), _microseconds(of + timedelta(1), zone)
    return exp.select(named(day(str(of)), "_day"), named(call("toInt64", number(begins)), "_begins"), named(call("toInt64", number(ends)), "_ends"))


def _stacked(rows: Sequence[exp.Select]) -> exp.Query:
    return exp.union(*rows, distinct=False, copy=False) if len(rows) > 1 else rows[0]


def _date(bound: Bound) -> date:
    if not isinstance(bound, str):
        raise BadInput("A level over time is split by day or month only where the period is known.", "Name its first and its last day.")
    return date.fromisoformat(bound)


def _microseconds(of: date, zone: str) -> int:
    """The day's midnight in microseconds since 1970; where the clocks skip it, the moment they do."""
    midnight = datetime(of.year, of.month, of.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return (midnight - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
