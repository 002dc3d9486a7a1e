"""From SQL back to the steps of the builder, where the SQL is one that the builder could have written: steps are guessed from it, and what they make is compared with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import get_args
from zoneinfo import available_timezones

from pydantic import ValidationError
from sqlglot import exp

from ingest.clickhouse import Table, parse
from ingest.errors import BadInput
from ingest.metric import decompile
from ingest.metric.bounds import END, START, scope, within
from ingest.metric.conditions_back import Unlike, filters_of
from ingest.metric.define import EXTERNAL_ID, ID, query
from ingest.metric.forms import conjuncts, form, name_of
from ingest.metric.functions import quantity
from ingest.metric.nodes import no
from ingest.metric.rounding import rounded
from ingest.metric.weighted import UNITS
from schemas.metric import METRIC_FUNCTIONS, CustomerMapping, Filters, Metric, MetricFunction, Rounding

PREFIX = "raw_metric_"
CLAUSES = {"having": "HAVING", "order": "ORDER BY", "limit": "LIMIT", "distinct": "DISTINCT", "joins": "JOIN", "qualify": "QUALIFY", "windows": "WINDOW", "offset": "OFFSET", "sample": "SAMPLE", "prewhere": "PREWHERE", "settings": "SETTINGS", "laterals": "ARRAY JOIN"}
NEITHER: tuple[MetricFunction, ...] = ("weighted_sum", "expression")
MODES = get_args(Rounding.model_fields["mode"].annotation)


@dataclass(frozen=True)
class Recognised:
    """The metric that an SQL text is in the builder, or why there is none."""

    metric: Metric | None
    reason: str = ""


class _Unlike(Exception):
    """What the builder has no step for."""


def definition(text: str, table: Table, name: str = "Metric") -> Metric | None:
    """The metric in the builder's steps, or None where it has none."""
    return recognised(text, table, name).metric


def recognised(text: str, table: Table, name: str = "Metric") -> Recognised:
    """The metric in the builder's steps, or why there is none. Raises SqlMistake where the text is no query."""
    found = parse(text)
    try:
        return Recognised(_read(found, table, name))
    except _Unlike as why:
        return Recognised(None, str(why))
    except (BadInput, ValidationError):
        return Recognised(None, "The form has no steps that make this SQL.")


def _read(found: exp.Query, table: Table, name: str) -> Metric:
    if not isinstance(found, exp.Select):
        raise _Unlike("UNION can't be shown in the form.")
    levels = _levels(found)
    inner = levels or found
    _one_table(found, inner, table)
    metric = _guess(found, inner, table, name, is_weighted=levels is not None)
    by = metric.group_by if _customer(inner, table)[1] else ("customer", *metric.group_by)
    customer = None if by[:1] == ("customer",) else EXTERNAL_ID if metric.customer.column == "external_id" else ID
    if form(query(metric, table, start=START, end=END, by=by, customer=customer), table) != form(found, table):
        raise _Unlike("The form has no steps that make just this SQL.")
    return metric


def _levels(found: exp.Select) -> exp.Select | None:
    """The inner query of a level over time."""
    ctes = found.ctes
    if not ctes:
        return None
    if [each.alias for each in ctes] != ["levels"] or not isinstance(ctes[0].this, exp.Select):
        raise _Unlike("WITH can't be shown in the form.")
    return ctes[0].this


def _one_table(found: exp.Select, inner: exp.Select, table: Table) -> None:
    for key, words in CLAUSES.items():
        if found.args.get(key) or inner.args.get(key):
            raise _Unlike(f"{words} can't be shown in the form.")
    source = inner.args.get("from_")
    if source is None or not isinstance(source.this, exp.Table) or source.this.name != table.name:
        raise _Unlike(f"The form shows only what reads {table.name}, without subqueries.")


def _guess(found: exp.Select, inner: exp.Select, table: Table, name: str, *, is_weighted: bool) -> Metric:
    """The metric, as far as one can see it; whether it is the one shows when it is made into SQL again."""
    date, zone = _period(inner, table)
    customer, _ = _customer(inner, table)
    common: dict[str, object] = {"name": name, "event_type": table.name.removeprefix(PREFIX), "date": date, "zone": zone, "customer": customer, "group_by": _dimensions(found, inner, table)}
    shown = next((each for each in found.expressions if each.alias_or_name == "quantity"), None)
    if shown is None:
        raise _Unlike("The query has no column named quantity.")
    base = Metric(**common, function="count")
    rest = _rest(inner, base, table)
    if is_weighted:
        return _weighted(common, shown.unalias(), inner, rest, table, zone)
    filters = _filters(rest, table, zone)
    return _calculation({**common, "filters": filters}, shown.unalias(), table)


def _period(inner: exp.Select, table: Table) -> tuple[str, str]:
    """The column of the period's last day, and the zone of its days."""
    for each in _where(inner):
        if isinstance(each, exp.LTE) and any(node.name == END.name for node in each.expression.find_all(exp.Placeholder)):
            found = each.this.find(exp.Column)
            zones = [node.this for node in each.this.find_all(exp.Literal) if node.is_string]
            if found is not None:
                return name_of(found, table), zones[0] if zones else _any_zone(inner)
    raise _Unlike("The form needs the period: a day between {{start_date}} and {{end_date}}, both counted.")


def _any_zone(inner: exp.Select) -> str:
    return next((node.this for node in inner.find_all(exp.Literal) if node.is_string and node.this in available_timezones()), "UTC")


def _where(inner: exp.Select) -> list[exp.Expression]:
    where = inner.args.get("where")
    return conjuncts(where.this if where else None)


def _customer(inner: exp.Select, table: Table) -> tuple[CustomerMapping, bool]:
    """Which column names the customer, and whether the query is about one."""
    for each in _where(inner):
        names = {node.name for node in each.find_all(exp.Placeholder)} & {ID.name, EXTERNAL_ID.name}
        found = each.find(exp.Column)
        if names and found is not None:
            return CustomerMapping(field=name_of(found, table), column="id" if ID.name in names else "external_id"), True
    shown = next((each.unalias().find(exp.Column) for each in inner.expressions if each.alias_or_name == "customer_id"), None)
    if shown is None:
        raise _Unlike("The form needs the customer: one by {{customer.external_id}}, or all as customer_id.")
    return CustomerMapping(field=name_of(shown, table)), False


def _dimensions(found: exp.Select, inner: exp.Select, table: Table) -> tuple[str, ...]:
    """The fields that split the answer."""
    names = [each.unalias() for each in found.expressions if each.alias_or_name not in ("quantity", "customer_id")]
    if inner is not found:
        shown = {each.alias_or_name: each.unalias() for each in inner.expressions}
        names = [shown.get(each.name, each) for each in names]
    if not all(isinstance(each, exp.Column) for each in names):
        raise _Unlike("The form groups by fields only.")
    return tuple(name_of(each, table) for each in names)


def _rest(inner: exp.Select, metric: Metric, table: Table) -> list[exp.Expression]:
    """The conditions beside the period and the customer."""
    limits = scope(metric, table, START, END, None, None)
    ours = [form(each, table) for each in within(metric, limits)]
    return [each for each in _where(inner) if form(each, table) not in ours and not {ID.name, EXTERNAL_ID.name} & {node.name for node in each.find_all(exp.Placeholder)}]


def _filters(rest: Sequence[exp.Expression], table: Table, zone: str) -> Filters | None:
    try:
        return filters_of(rest, table, zone)
    except Unlike as condition:
        raise _Unlike(f"The condition {condition} can't be shown in the form.") from None


def _weighted(common: dict[str, object], shown: exp.Expression, inner: exp.Select, rest: list[exp.Expression], table: Table, zone: str) -> Metric:
    level = next((each.unalias() for each in inner.expressions if each.alias == "_level"), None)
    if not isinstance(level, exp.Column):
        raise _Unlike("WITH can't be shown in the form.")
    given = form(no(exp.Is(this=level.copy(), expression=exp.Null())), table)
    kept = [each for each in rest if form(each, table) != given]
    units = {length: unit for unit, length in UNITS.items()}
    per = next((units[int(node.this)] for node in shown.find_all(exp.Literal) if node.is_int and int(node.this) in units), "period")
    common |= {"function": "weighted_sum", "field": name_of(level, table), "filters": _filters(kept, table, zone), "per": per}
    own = form(shown, table)
    for rounding in _roundings(shown):
        metric = Metric(**common, rounding=rounding)
        made = query(metric, table, start=START, end=END)
        if form(made.expressions[-1].unalias(), table) == own:
            return metric
    raise _Unlike("WITH can't be shown in the form.")


def _calculation(common: dict[str, object], shown: exp.Expression, table: Table) -> Metric:
    """Tries the functions with the columns that stand in the calculation, and its roundings; then a free formula."""
    own = form(shown, table)
    fields = list(dict.fromkeys(name_of(node, table) for node in shown.find_all(exp.Column)))
    for candidate in (*_candidates(fields, shown), *decompile.formulas(shown, table)):
        try:
            metric = Metric(**common, **candidate)
            made = quantity(metric, table)
        except (BadInput, ValidationError):
            continue
        for rounding in _roundings(shown):
            if form(rounded(made.node, rounding, is_float=made.is_float), table) == own:
                return metric.model_copy(update={"rounding": rounding})
    raise _Unlike("The calculation is none of the form's, and no formula that it understands.")


def _candidates(fields: Sequence[str], shown: exp.Expression) -> Iterator[dict[str, object]]:
    if not fields:
        yield {"function": "count"}
    ps = [Decimal(node.expressions[0].this) * 100 for node in shown.find_all(exp.ParameterizedAgg) if len(node.expressions) == 1]
    for field in fields:
        for function in METRIC_FUNCTIONS:
            if function == "percentile":
                yield from ({"function": function, "field": field, "p": p} for p in ps)
            elif function == "sum_product":
                yield from ({"function": function, "field": field, "times": times} for times in fields)
            elif function not in NEITHER:
                yield {"function": function, "field": field}


def _roundings(shown: exp.Expression) -> list[Rounding | None]:
    """The roundings that the numbers in a calculation may mean: how many digits, or the power of ten."""
    said = {int(node.this) for node in shown.find_all(exp.Literal) if node.is_int}
    digits = [each for each in range(19) if each in said or 10**each in said]
    return [None, *(Rounding(digits=each, mode=mode) for each in digits for mode in MODES)]
