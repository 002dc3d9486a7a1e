"""Customers: list, create, get. Source of the rules: the documentation's "Create customer" page."""

import re
import uuid
from collections.abc import Mapping
from datetime import datetime

import duckdb

from ingest.sandbox.fields import UUID
from ingest.sandbox.filters import Column, conditions, search
from ingest.sandbox.paging import Page, order_of_query, page_of_query
from ingest.sandbox.replies import Raw, bad_request, exact, invalid, not_found, problem, read_object
from ingest.sandbox.store import Store

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\+?[0-9][0-9 ().-]{4,24}")
TEXTS = ("customer_name", "external_id", "email", "phone_number", "business_entity_id")
OTHERS = {"address": dict, "ship_to_address": dict, "tax_info": list, "custom_data": dict, "connector": dict, "communications_enabled": bool, "auto_charge_enabled": bool}
COLUMNS = {
    **{name: Column(name) for name in ("id", "external_id", "email", "phone_number", "customer_name", "business_entity_id")},
    **{name: Column(name, "boolean") for name in ("communications_enabled", "auto_charge_enabled")},
    "created_at": Column("created_at", "timestamp"),
}
SEARCHABLE = {name: COLUMNS[name] for name in ("id", "external_id", "email", "phone_number", "customer_name")} | {"custom_data": Column("json_extract(document, '$.custom_data')")}
NAME_AND_ID = "concat_ws(' ', customer_name, external_id)"
SORTABLE = ("created_at", "customer_name", "external_id", "email", "id")


def create(store: Store, body: bytes, now: datetime) -> Raw:
    """The new customer as JSON text. Refuses a taken email, external id or id (400) and anything the schema doesn't allow (422)."""
    asked = read_object(body)
    with store.writing() as writer:
        return add(store, writer, asked, now)


def add(store: Store, writer: duckdb.DuckDBPyConnection, given: dict[str, object], now: datetime) -> Raw:
    """The same in a transaction of the caller's."""
    asked = _checked(given)
    external_id = asked["external_id"]
    customer_id = external_id.lower() if external_id and UUID.fullmatch(external_id) else str(uuid.uuid4())
    document = Raw(exact({"id": customer_id, **asked, "created_at": now.isoformat()}))
    for name, column, value in (("external_id", "external_id", external_id), ("id", "id", customer_id), ("email", "lower(email)", (asked["email"] or "").lower())):
        if value and writer.execute(f"select 1 from customers where {column} = ?", [value]).fetchone():
            raise bad_request(f"A customer with this {name} exists already")
    texts = [asked[name] for name in ("customer_name", "email", "phone_number", "communications_enabled", "auto_charge_enabled", "business_entity_id")]
    values = [store.next_number(writer, "customers"), customer_id, external_id, *texts, document, now]
    writer.execute(f"insert into customers values ({', '.join('?' * len(values))})", [str(each) if isinstance(each, Raw) else each for each in values])
    return document


def listing(store: Store, query: Mapping[str, str]) -> dict[str, object]:
    """One page of the customers that the query's filters hold for, newest first unless it says otherwise."""
    asked = page_of_query(query)
    page = Page(asked.limit, asked.offset, store.newest("customers") if asked.newest is None else asked.newest)
    asked_for = [*conditions(query, COLUMNS), *search(query.get("search", ""), SEARCHABLE, "customer_name"), *search(query.get("search_name_external_id", ""), {}, NAME_AND_ID)]
    where, values = " and ".join(["seq <= ?", *(sql for sql, _ in asked_for)]), [page.newest, *(value for _, values in asked_for for value in values)]
    total = store.rows(f"select count(*) from customers where {where}", values)[0][0]
    found = store.rows(f"select document from customers where {where} order by {order_of_query(query, SORTABLE)} limit ? offset ?", [*values, page.limit, page.offset])
    return page.wrapper([Raw(row[0]) for row in found], total)


def get(store: Store, customer_id: str) -> Raw:
    """A customer by its id. Refuses an unknown one (404)."""
    found = store.rows("select document from customers where id = ?", [customer_id])
    if not found:
        raise not_found(f"Customer with id '{customer_id}' was not found")
    return Raw(found[0][0])


def _checked(asked: dict[str, object]) -> dict[str, object]:
    """The customer as it will be kept: known fields, empty texts as none, addresses marked as pending."""
    if problems := [*_wrong_types(asked)]:
        raise invalid(*problems)
    kept = {name: (asked.get(name) or "").strip() or None for name in TEXTS} | {name: asked.get(name) for name in OTHERS}
    if len(kept["external_id"] or "") > 255:
        raise invalid(problem(["body", "external_id"], "ensure this value has at most 255 characters", "value_error.any_str.max_length"))
    if kept["email"] and not EMAIL.fullmatch(kept["email"]):
        raise bad_request("This email isn't valid")
    if kept["phone_number"] and not PHONE.fullmatch(kept["phone_number"]):
        raise bad_request("This phone number isn't valid")
    pending = {name: {**kept[name], "validation_status": "pending"} for name in ("address", "ship_to_address") if kept[name]}
    switched_on = {name: True for name in ("communications_enabled", "auto_charge_enabled") if kept[name] is None}
    return kept | pending | switched_on


def _wrong_types(asked: dict[str, object]):  # noqa: ANN202
    name = asked.get("customer_name")
    if name is None or isinstance(name, str) and not name.strip():
        yield problem(["body", "customer_name"], "field required", "value_error.missing")
    for field, wanted in {**dict.fromkeys(TEXTS, str), **OTHERS}.items():
        if asked.get(field) is not None and not isinstance(asked[field], wanted):
            yield problem(["body", field], f"{wanted.__name__} type expected", f"type_error.{wanted.__name__}")
