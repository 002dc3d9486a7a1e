"""What a billable metric comes to for one customer, and the events behind it. How several dimensions are written, and what logs are, the documentation doesn't say."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation

from ingest.sandbox.counting import QUANTITY, Counted, Counting
from ingest.sandbox.fields import DATE
from ingest.sandbox.paging import page_of_query
from ingest.sandbox.query import Condition, newest_rows
from ingest.sandbox.replies import bad_request, invalid_field, not_found, read_json
from ingest.sandbox.store import Store

Document = dict[str, object]
CUSTOM = "custom_data."
TRUTHS = {"true": True, "1": True, "false": False, "0": False}


def estimate(store: Store, counting: Counting, aggregate: Document, query: Mapping[str, str], organisation: str, now: datetime, until: datetime) -> object:
    """The documented object, or an array of it. Refuses an unknown customer (404) and days that are none (422)."""
    customer = _customer(store, asked(query, "customer_id"))
    start, end = day(query, "start_date"), day(query, "end_date")
    if end < start:
        raise invalid_field("query", "end_date", "end_date lies before start_date")
    single = TRUTHS.get(query.get("get_single", "true").lower())
    if single is None:
        raise invalid_field("query", "get_single", "value could not be parsed to a boolean", "type_error.bool")
    counted = counting.run(aggregate["cust_agg_query"], lambda name: _value(name, customer, start, end), until)
    document = {
        "id": str(uuid.uuid4()), "organisation_id": organisation, "aggregate_id": aggregate["id"], "customer_id": customer["id"], "start_date": start.isoformat(), "end_date": end.isoformat(),
        "value": {"fields": _fields(counted)}, "created_at": now.isoformat(), "updated_at": now.isoformat(), "deleted_at": None,
    }
    return document if single else [document]


def logs(store: Store, aggregate: Document, query: Mapping[str, str], until: datetime) -> Document:
    """The newest events of the tables that an aggregate names: of one customer, and of some days or a month ("Apr 2023"), where the query says so."""
    page = page_of_query({"limit": query.get("query_limit", "100")})
    read = [each for each in store.metrics() if f"raw_metric_{each.slug}" in str(aggregate["cust_agg_query"])]
    found = [newest_rows(store, each, until, [*_narrowed(store, query)], page.limit) for each in read]
    return page.wrapper([row for each in found for row in each["results"]][:page.limit], sum(each["total_count"] for each in found))


def _narrowed(store: Store, query: Mapping[str, str]) -> Iterator[Condition]:
    if query.get("customer_id"):
        customer = _customer(store, query["customer_id"])
        yield Condition("customer_id in (?, ?)", [customer["id"], customer["external_id"]])
    if query.get("month"):
        yield Condition("strftime(\"timestamp\", '%b %Y') = ?", [query["month"]])
    if query.get("start_date"):
        yield Condition('"timestamp" >= ?', [day(query, "start_date")])
    if query.get("end_date"):
        yield Condition('"timestamp" < ?', [day(query, "end_date") + timedelta(days=1)])


def asked(query: Mapping[str, str], name: str) -> str:
    """A value that the query must have. Refuses (422) where it hasn't."""
    if not query.get(name):
        raise invalid_field("query", name, "field required", "value_error.missing")
    return query[name]


def day(query: Mapping[str, str], name: str) -> date:
    """A day that the query must have."""
    try:
        if not DATE.fullmatch(asked(query, name)):
            raise ValueError(query[name])
        return date.fromisoformat(query[name])
    except ValueError:
        raise invalid_field("query", name, "invalid date format", "value_error.date") from None


def _customer(store: Store, name: str) -> Document:
    found = store.rows("select document from customers where id = ? or external_id = ? order by id = ? desc limit 1", [name, name, name])
    if not found:
        raise not_found(f"Customer with id '{name}' was not found")
    return read_json(found[0][0].encode())


def _value(name: str, customer: Document, start: date, end: date) -> str:
    """What is put in place of a template. Refuses (400) where the customer has no such value."""
    if name in ("start_date", "end_date"):
        return (start if name == "start_date" else end).isoformat()
    key = name.removeprefix("customer.")
    known = customer.get("custom_data") or {} if key.startswith(CUSTOM) else customer
    value = known.get(key.removeprefix(CUSTOM))
    if key == "external_id" and value is None:
        return ""  # nobody's usage
    if value is None or isinstance(value, dict | list):
        raise bad_request(f"The customer has no {key} to put in place of {{{{{name}}}}}")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fields(counted: Counted) -> list[Document]:
    """One entry a row: its quantity, and its dimension where it has one, a list of them where it has several."""
    names = [name for name, _ in counted.columns]
    dimensions = [name for name in names if name not in (QUANTITY, "customer_id")]
    fields = []
    for row in counted.rows:
        values = {name: _json(text, kind) for (name, kind), text in zip(counted.columns, row, strict=True)}
        beside = [values[name] for name in dimensions]
        fields.append({QUANTITY: values[QUANTITY], **({"dimension": beside[0] if len(beside) == 1 else beside} if beside else {})})
    return fields


def _json(text: str | None, kind: str) -> object:
    """A value of the result as JSON has it; null for NaN, which JSON can't say."""
    if text is None or not any(name in kind for name in ("Int", "Float", "Decimal", "Bool")):
        return text
    if "Bool" in kind:
        return text == "true"
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
