"""Billable metrics, as documents: kept for an account, previewed over an import, registered in the account."""

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ingest.clickhouse.tables import Table
from ingest.commands.documents import Document, event_type_of
from ingest.errors import BadInput
from ingest.processes import sandbox_for
from ingest.settings import settings
from ingest.store import accounts, imports, metrics
from schemas.account import Account
from schemas.metric import Metric, MetricPreview, MetricPreviewSpec, StoredMetric

FILES = (".yaml", ".yml")
QUANTITY = "quantity"


def create_metric(account_name: str | None, path: Path) -> Document:
    """A metric out of a YAML file, kept for an account once it fits the account's event type."""
    from ingest.clickhouse import table_of
    from ingest.metric.define import warnings
    from ingest.metric.run import check

    account, metric = accounts.account(account_name), read_metric(path)
    table = table_of(event_type_of(account, metric.event_type), account.profile)
    check(metric, table)
    return {**_document(metrics.save(account.name, metric, settings().user)), "warnings": list(warnings(metric, table))}


def read_metric(path: Path) -> Metric:
    """A metric out of a YAML file."""
    from ingest.metric.metric_file import from_yaml

    try:
        return from_yaml(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is no metric: it isn't UTF-8 text.", "docs/metrics.md shows how a metric is written.") from None


def list_metrics(account_name: str | None) -> list[Document]:
    """The metrics kept for an account."""
    return [_document(each) for each in metrics.listed(accounts.account(account_name).name)]


def show_metric(account_name: str | None, name: str) -> tuple[Document, str]:
    """One metric, as a document and as YAML."""
    from ingest.metric.metric_file import to_yaml

    found = metrics.get(accounts.account(account_name).name, name)
    return _document(found), to_yaml(found.metric)


def sql_of(account_name: str | None, name: str, dialect: str, *, start: str | None, end: str | None, customer: str | None) -> Document:
    """A metric's SQL: `aggregation_query` (all customers; `sql` is the same) and `cust_agg_query` (one), as they are registered, or as a preview runs them in DuckDB.

    Templates are filled in where it is said with what; DuckDB's SQL needs days, so these are those of this month where none are said.
    """
    from ingest.clickhouse import table_of
    from ingest.metric.define import registered, sentence

    account = accounts.account(account_name)
    metric = metrics.get(account.name, name).metric
    table = table_of(event_type_of(account, metric.event_type), account.profile)
    if dialect == "duckdb":
        first, last = _this_month()
        start, end = start or first, end or last
    said = {template: value for template, value in {"start_date": start, "end_date": end, "customer.external_id": customer, "customer.id": customer}.items() if value is not None}
    across, one = (_filled(text, table, dialect, said) for text in registered(metric, table))
    return {"name": metric.name, "dialect": dialect, "from": start, "to": end, "sentence": sentence(metric), "sql": across, "aggregation_query": across, "cust_agg_query": one}


def _this_month() -> tuple[str, str]:
    today = datetime.now(UTC).date()
    return str(today.replace(day=1)), str(today.replace(day=monthrange(today.year, today.month)[1]))


def _filled(text: str, table: Table, dialect: str, said: Mapping[str, str]) -> str:
    """A query with values for its templates; those without one stay as they are."""
    from ingest.clickhouse import bind, parse, render, templates, translate
    from ingest.clickhouse.dialect import DuckDBAsWritten

    tree = parse(text)
    marks = {name: f"{{{{{name}}}}}" for name in templates(tree)}
    bound = bind(tree, {**marks, **said})
    if dialect == "duckdb":
        return DuckDBAsWritten().parse(translate(bound, [table]).sql)[0].sql(dialect=DuckDBAsWritten, pretty=True)
    made = render(bound)
    for mark in marks.values():
        made = made.replace(f"'{mark}'", mark)
    return made


def register_metric(account_name: str | None, name: str, *, take_over: bool) -> Document:
    """Makes a metric known to its account, or brings what the account has of it up to date."""
    from ingest.registering import register

    account = accounts.account(account_name)
    with sandbox_for(account):
        return _document(register(account.name, name, settings().user, take_over=take_over))


def remove_metric(account_name: str | None, name: str) -> Document:
    """Forgets a metric here, with its price; `aggregate_id` is what the account still has of it."""
    account = accounts.account(account_name)
    aggregate_id = metrics.get(account.name, name).aggregate_id
    metrics.remove(account.name, name, settings().user)
    return {"name": name, "account": account.name, "removed": True, "aggregate_id": aggregate_id}


def preview_metric(import_id: str, metric_name: str, *, start: str | None, end: str | None, zone: str | None, by: Sequence[str] | None, merged: str, limit: int, price: str | None = None) -> Document:
    """What a metric (its name, or a YAML file) makes of an import, alone or with what the account holds, which is read back first; with a price, what each customer would pay."""
    from ingest.commands.prices import price_of, priced
    from ingest.imports import metrics as previews

    account = _account_of(import_id)
    metric = read_metric(Path(metric_name)) if metric_name.endswith(FILES) else metrics.get(account.name, metric_name).metric
    to_pay = None if price is None else price_of(account.name, metric.name, price)
    first, last = previews.period_of((import_id,)) if start is None or end is None else ("", "")
    spec = MetricPreviewSpec(start=start or first, end=end or last, zone=zone, by=tuple(by) if by is not None else ("customer", *metric.group_by), account_events=merged, limit=limit)
    if merged != "none" or metric.sql:
        with sandbox_for(account):
            held = previews.read_account((import_id,), metric, spec)
    found = previews.preview_metric((import_id,), metric, spec)
    return {
        "import_id": import_id, "metric": metric.name, "from": spec.start, "to": spec.end, "zone": zone or metric.zone, "by": list(spec.by), "rows": list(_rows(found)), "total": found.total,
        "groups": found.groups, "capped": found.capped, "account_events": {"counted": merged, **({"events": held.events, "read_at": held.read_at} if merged != "none" else {})}, "notes": list(found.notes), "warnings": list(found.warnings),
        **({"price": priced(import_id, metric, spec, to_pay)} if to_pay else {}),
    }


def _account_of(import_id: str) -> Account:
    record = imports.get(import_id)
    return accounts.account(record.account)


def _rows(found: MetricPreview) -> Iterator[Document]:
    """The lines; quantities as exact text, what splits them as JSON has it."""
    kinds = dict(found.columns)
    for row in found.table.to_pylist():
        yield {name: value if name == QUANTITY else _json(value, kinds[name]) for name, value in row.items()}


def _json(text: str | None, kind: str) -> object:
    """What splits quantities, as JSON has it: whole numbers and truth values as such, all else as text."""
    bare = kind.removeprefix("Nullable(").rstrip(")")
    return text if text is None else text == "true" if bare == "Bool" else int(text) if bare == "Int64" else text


def _document(stored: StoredMetric) -> Document:
    from ingest.metric.define import sentence
    from ingest.metric.metric_file import as_document

    state = "no" if stored.registered is None else "yes" if stored.registered == stored.metric else "an earlier version"
    return {
        "name": stored.metric.name, "account": stored.account, "event_type": stored.metric.event_type, "version": stored.version, "who": stored.who, "at": stored.at, "sentence": sentence(stored.metric),
        "registered": state, "aggregate_id": stored.aggregate_id, "metric": as_document(stored.metric),
    }
