"""Billable metrics ("aggregates"): create, list, get, change, delete. Source: the documentation's pages on them; queries are held to what it says of the SQL builder."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from ingest.sandbox.counting import refuse_query, table_of
from ingest.sandbox.fields import UUID
from ingest.sandbox.filters import Column, conditions
from ingest.sandbox.paging import Page, order_of_query, page_of_query
from ingest.sandbox.replies import exact, invalid, not_found, problem, read_json, read_object
from ingest.sandbox.store import Store

KEYS = {"name": str, "dataschema": str, "aggregation_query": str, "cust_agg_query": str, "visual_query_builder": dict, "datasource": str}
QUERIES = ("aggregation_query", "cust_agg_query")
NOTHING = Column("cast(null as varchar)")
COLUMNS = {**{name: Column(name) for name in ("id", "name", "datasource")}, "created_at": Column("created_at", "timestamp"), "parent_aggregate_id": NOTHING, "aggregate_type": NOTHING}
SORTABLE = ("created_at", "name", "datasource", "id")

Document = dict[str, object]


def create(store: Store, body: bytes, now: datetime) -> Document:
    """The new aggregate. Refuses a missing key, a wrong type and a query that can't be run (422)."""
    asked = _checked(store, read_object(body), required=tuple(KEYS))
    document = {"id": str(uuid.uuid4()), **asked, "version": 1, "created_at": now.isoformat()}
    with store.writing() as writer:
        values = [store.next_number(writer, "aggregates"), document["id"], asked["name"], asked["datasource"], str(exact(document)), now]
        writer.execute("insert into aggregates values (?, ?, ?, ?, ?, ?)", values)
    return _without(document, "created_at")


def change(store: Store, aggregate_id: str, body: bytes) -> Document:
    """The aggregate with the keys that are given, as the next version."""
    asked = _checked(store, read_object(body), required=())
    with store.writing() as writer:
        found = writer.execute("select document from aggregates where id = ?", [aggregate_id]).fetchone()
        if found is None:
            raise _unknown(aggregate_id)
        known = read_json(found[0].encode())
        document = {**known, **asked, "version": known["version"] + 1}
        writer.execute("update aggregates set name = ?, datasource = ?, document = ? where id = ?", [document["name"], document["datasource"], str(exact(document)), aggregate_id])
    return document


def delete(store: Store, aggregate_id: str) -> Document:
    """Forgets an aggregate, and says what it was."""
    document = get(store, aggregate_id)
    with store.writing() as writer:
        writer.execute("delete from aggregates where id = ?", [aggregate_id])
    return document


def get(store: Store, aggregate_id: str) -> Document:
    """An aggregate by its id. Refuses an unknown one (404)."""
    found = store.rows("select document from aggregates where id = ?", [aggregate_id])
    if not found:
        raise _unknown(aggregate_id)
    return read_json(found[0][0].encode())


def listing(store: Store, query: Mapping[str, str]) -> Document:
    """One page of the aggregates that the query's filters hold for, newest first unless it says otherwise."""
    asked = page_of_query(query)
    page = Page(asked.limit, asked.offset, store.newest("aggregates") if asked.newest is None else asked.newest)
    asked_for = [*conditions(query, COLUMNS)]
    where, values = " and ".join(["seq <= ?", *(sql for sql, _ in asked_for)]), [page.newest, *(value for _, values in asked_for for value in values)]
    total = store.rows(f"select count(*) from aggregates where {where}", values)[0][0]
    found = store.rows(f"select document from aggregates where {where} order by {order_of_query(query, SORTABLE)} limit ? offset ?", [*values, page.limit, page.offset])
    return page.wrapper([_without(read_json(row[0].encode()), "version") for row in found], total)


def tables(store: Store) -> Document:
    """Every table that a query may read, with the types of its columns."""
    found = [table_of(each) for each in store.metrics()]
    return {"tables": [{"table_name": each.name, "columns": [{"name": name, "type": kind} for name, kind in each.columns.items()]} for each in found]}


def _checked(store: Store, asked: Document, *, required: tuple[str, ...]) -> Document:
    """The known keys that are given, each of its type."""
    problems = [problem(["body", name], "field required", "value_error.missing") for name in required if name not in asked]
    kept = {name: asked[name] for name in KEYS if name in asked}
    problems += [wrong for name, value in kept.items() if (wrong := _wrong(name, value))]
    if problems:
        raise invalid(*problems)
    for name in QUERIES:
        if name in kept:
            refuse_query(store, name, kept[name])
    return kept


def _wrong(name: str, value: object) -> Document | None:
    where, wanted = ["body", name], KEYS[name]
    if value is None:
        return problem(where, "none is not an allowed value", "type_error.none.not_allowed")
    if not isinstance(value, wanted):
        return problem(where, f"{wanted.__name__} type expected", f"type_error.{wanted.__name__}")
    if name == "name" and not value.strip():
        return problem(where, "ensure this value has at least 1 characters", "value_error.any_str.min_length")
    if name == "datasource" and not UUID.fullmatch(value):
        return problem(where, "value is not a valid uuid", "type_error.uuid")
    return None


def _unknown(aggregate_id: str) -> Exception:
    return not_found(f"Aggregate with id '{aggregate_id}' was not found")


def _without(document: Document, name: str) -> Document:
    """The documentation shows `version` where one is created and `created_at` in lists."""
    return {key: value for key, value in document.items() if key != name}
