"""Event types ("raw metrics"): create, list, get, by slug."""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime

from ingest.sandbox.fields import kind
from ingest.sandbox.filters import Column, conditions, search
from ingest.sandbox.paging import Page, order_of_query, page_of_query
from ingest.sandbox.replies import Raw, bad_request, exact, invalid, not_found, problem, read_object
from ingest.sandbox.store import Metric, Store

SLUG = re.compile(r"[A-Za-z0-9_-]{1,200}")
COLUMNS = {"id": Column("id"), "name": Column("name"), "api_slug": Column("slug"), "created_at": Column("created_at", "timestamp")}


def create(store: Store, body: bytes, now: datetime) -> Raw:
    """The new event type as JSON text. Refuses a slug that is taken (400) and anything the schema doesn't allow (422)."""
    asked = read_object(body)
    name, slug = _text(asked, "name").strip(), _text(asked, "api_slug")
    if not SLUG.fullmatch(slug):
        raise invalid(problem(["body", "api_slug"], "letters, digits, underscores and dashes only", "value_error.str.regex"))
    timestamp_type, fields = _dataschema(asked.get("dataschema"))
    extras = _extras(asked)
    with store.writing() as writer:
        if writer.execute("select 1 from metrics where slug = ?", [slug]).fetchone():
            raise bad_request(f"A usage event with the slug '{slug}' exists already")
        metric = Metric(store.next_number(writer, "metrics"), str(uuid.uuid4()), slug, timestamp_type, fields)
        document = Raw(exact({
            "id": metric.id, "name": name, "api_slug": slug, "dataschema": {"customer_id": "String", "timestamp": timestamp_type, "data": fields},
            **extras, "usage_upload_enabled": True, "created_at": now.isoformat(),
        }))
        store.add_metric(writer, metric, name, document, now)
    store.know(metric)
    return document


def listing(store: Store, query: Mapping[str, str]) -> dict[str, object]:
    """One page of the event types, newest first unless the query says otherwise."""
    asked = page_of_query(query)
    page = Page(asked.limit, asked.offset, store.newest("metrics") if asked.newest is None else asked.newest)
    order = order_of_query({name: {"api_slug": "slug", "-api_slug": "-slug"}.get(value, value) for name, value in query.items()}, ("created_at", "name", "slug", "id"))
    asked_for = [*conditions(query, COLUMNS), *search(query.get("search", ""), COLUMNS, "concat_ws(' ', name, slug)")]
    where, values = " and ".join(["seq <= ?", *(sql for sql, _ in asked_for)]), [page.newest, *(value for _, values in asked_for for value in values)]
    total = store.rows(f"select count(*) from metrics where {where}", values)[0][0]
    found = store.rows(f"select document from metrics where {where} order by {order} limit ? offset ?", [*values, page.limit, page.offset])
    return page.wrapper([Raw(row[0]) for row in found], total)


def by_id(store: Store, metric_id: str) -> Metric:
    """The event type of that id. Refuses an unknown one (404)."""
    metric = store.metric_by_id(metric_id)
    if metric is None:
        raise not_found(f"Usage event with id '{metric_id}' was not found")
    return metric


def document(store: Store, metric: Metric | None) -> Raw:
    """An event type as JSON text; `null` for none, which is how an unknown slug is answered."""
    return Raw(store.rows("select document from metrics where seq = ?", [metric.seq])[0][0]) if metric else Raw("null")


def _text(asked: dict[str, object], name: str) -> str:
    value = asked.get(name)
    if value is None:
        raise invalid(problem(["body", name], "field required", "value_error.missing"))
    if not isinstance(value, str) or not value.strip():
        raise invalid(problem(["body", name], "a text that isn't empty is expected", "type_error.str"))
    return value


def _dataschema(schema: object) -> tuple[str, dict[str, str]]:
    """The type of the root timestamp, and the data fields with their types."""
    if schema is None:
        raise invalid(problem(["body", "dataschema"], "field required", "value_error.missing"))
    if not isinstance(schema, dict):
        raise invalid(problem(["body", "dataschema"], "value is not a valid dict", "type_error.dict"))
    if not schema.keys() & {"customer_id", "timestamp", "data"}:
        schema = {"customer_id": "String", "timestamp": "DateTime64", "data": schema}  # the older, flat form
    if unknown := schema.keys() - {"customer_id", "timestamp", "data"}:
        raise invalid(*[problem(["body", "dataschema", name], "extra fields belong into data", "value_error.extra") for name in sorted(unknown)])
    customer, moment = _type(schema, "customer_id"), _type(schema, "timestamp")
    if customer != "String" or not moment.startswith("DateTime64"):
        raise invalid(problem(["body", "dataschema"], "customer_id is a String and timestamp a DateTime64", "value_error"))
    data = schema.get("data", {})
    if not isinstance(data, dict) or set(data) & {"customer_id", "timestamp"} or not all(name.strip() for name in data):
        raise invalid(problem(["body", "dataschema", "data"], "a name and a type for each field; customer_id and timestamp are there anyway", "value_error"))
    return moment, {name: _type(data, name, "data") for name in data}


def _type(schema: dict[str, object], name: str, *path: str) -> str:
    loc = ["body", "dataschema", *path, name]
    if name not in schema:
        raise invalid(problem(loc, "field required", "value_error.missing"))
    try:
        return kind(schema[name]).name
    except (ValueError, AttributeError, TypeError) as error:
        raise invalid(problem(loc, str(error) if isinstance(error, ValueError) else "str type expected", "value_error")) from None


def _extras(asked: dict[str, object]) -> dict[str, object]:
    """The three fields that the official client fills in, with its values where they are absent."""
    given = {"column_order": asked.get("column_order") or ["timestamp"], "connector": asked.get("connector") or "push_to_zenskar", "api_type": asked.get("api_type") or "PUSH"}
    if given["column_order"] != ["timestamp"]:
        raise bad_request('column_order must be ["timestamp"]')
    if not isinstance(given["connector"], str) or given["api_type"] not in ("PUSH", "PULL"):
        raise invalid(problem(["body", "api_type"], "connector is a text, api_type PUSH or PULL", "value_error.const"))
    return given
