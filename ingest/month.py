"""What the home page and the lists need from the store: few columns, counted in SQL, never the large documents."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from sqlalchemy import ColumnElement, Integer, Row, and_, case, cast, func, or_, select, type_coerce
from sqlalchemy.types import JSON

from ingest import files
from ingest.engine import engine
from ingest.errors import BadInput
from ingest.store.database import store
from ingest.store.schema import imports
from ingest.values.months import month_names
from schemas.base import Frozen
from schemas.records import ImportState

WAITING: tuple[ImportState, ...] = ("unreadable", "read", "matched", "checked", "stopped")
"""States in which an import goes no further without a person."""
WORKING: tuple[ImportState, ...] = ("reading", "checking", "pushing")
SENT: tuple[ImportState, ...] = ("pushing", "stopped", "pushed", "proven")
_HAS_EVENTS: tuple[ImportState, ...] = ("checked", *SENT)
_MONTHS = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(sorted((name for name in month_names() if len(name) > 2), key=len, reverse=True))})(?![^\W\d_])", re.IGNORECASE)
_EDITION = re.compile(r"(?<=[\w#])(?:[\d\s_\W]*[\s_\W](?:corrected|correction|fixed|final|revised|updated?|new|copy|rev|ver|v|korrigiert|korrektur|berichtigt|neu|kopie|endgültig|corrigée?|corregido|gecorrigeerd))+(?=[\d\s_\W]*(?:\.\w+)*$)")
"""What follows the name of a newer edition of a file: `usage corrected.csv`, `usage_v2.csv`."""
REMEMBERED_MONTHS = 3


class Stage(Frozen):
    """How far an import's job is, for a page that follows it."""

    state: ImportState
    progress: float | None = None
    message: str = ""
    working: bool = False
    """Whether a job is queued or running, whatever the state says."""
    failure: str = ""
    """The sentence of a job that failed."""


class Listed(Frozen):
    """One import, as lists show it."""

    id: str
    file_name: str
    created_by: str
    created_at: str
    state: ImportState
    account: str | None = None
    event_type: str | None = None
    period: str | None = None
    message: str = ""
    rows: int | None = None
    accepted: int | None = None
    rejected: int | None = None
    duplicate: int | None = None
    excluded: int | None = None


class Expected(Frozen):
    """A file of earlier months, and what came in its place this month."""

    event_type: str
    last_file: str
    last_period: str
    arrived: Listed | None = None


class Quiet(Frozen):
    """A customer with usage last month and none this month yet."""

    customer_id: str
    event_types: tuple[str, ...]
    events: int


class Month(Frozen):
    """Everything of one month on one account, as the home page shows it."""

    period: str
    imports: tuple[Listed, ...]
    expected: tuple[Expected, ...]
    waiting_elsewhere: int = 0
    """Imports of this account that wait for a person and belong to other months."""

    def in_states(self, states: Iterable[ImportState]) -> tuple[Listed, ...]:
        """The month's imports in one of these states."""
        wanted = set(states)
        return tuple(each for each in self.imports if each.state in wanted)

    @property
    def missing(self) -> tuple[Expected, ...]:
        """What earlier months had and this one hasn't."""
        return tuple(each for each in self.expected if each.arrived is None)

    @property
    def arrived(self) -> tuple[Expected, ...]:
        """What was expected and is there."""
        return tuple(each for each in self.expected if each.arrived is not None)


def stage(import_id: str) -> Stage:
    """Where an import is right now."""
    query = select(imports.c.state, imports.c.progress, imports.c.message, imports.c.job).where(imports.c.id == import_id)
    with store().connect() as connection:
        row = connection.execute(query).mappings().first()
    if row is None:
        raise BadInput(f"There is no import {import_id!r}.", "The Imports page lists those there are.")
    progress = float(row["progress"]) if row["progress"] is not None else None
    return Stage(state=row["state"], progress=progress, message=row["message"], **_job(row))


def listed(text: str = "", *, states: Iterable[ImportState] = (), limit: int = 50, offset: int = 0) -> tuple[list[Listed], int]:
    """Imports whose file, person, event type, account, period or id contains the text, newest first, and how many there are in all. Dismissed ones only where they are asked for."""
    where = [imports.c.state != "discarded"] if "discarded" not in (states := tuple(states)) else []
    if text.strip():
        searched = (imports.c.file_name, imports.c.created_by, imports.c.event_type, imports.c.account, imports.c.period, imports.c.id)
        where.append(or_(*(column.icontains(text.strip(), autoescape=True) for column in searched)))
    if states:
        where.append(imports.c.state.in_(states))
    query = select(*_light(), *_counts()).where(*where).order_by(imports.c.created_at.desc(), imports.c.id).limit(limit).offset(offset)
    with store().connect() as connection:
        total = connection.execute(select(func.count()).select_from(imports).where(*where)).scalar_one()
        return [_listed(row) for row in connection.execute(query)], total


def month(period: str, account: str) -> Month:
    """What came, and what earlier months let expect, for one account. Imports whose period or account isn't known yet belong to every month until they are sent."""
    mine = or_(imports.c.account == account, imports.c.account.is_(None))
    undated = and_(imports.c.period.is_(None), imports.c.state.in_(("reading", "unreadable", "read", "matched", "checking")))
    now = select(*_light(), *_counts()).where(imports.c.state != "discarded", mine, or_(imports.c.period == period, undated)).order_by(imports.c.created_at.desc(), imports.c.id)
    earlier = select(imports.c.file_name, imports.c.event_type, imports.c.period).where(
        imports.c.account == account, imports.c.state.in_(SENT), imports.c.period < period, imports.c.period >= earlier_period(period, REMEMBERED_MONTHS)
    ).order_by(imports.c.period.desc(), imports.c.created_at.desc())
    elsewhere = select(func.count()).select_from(imports).where(mine, imports.c.period != period, imports.c.state.in_(WAITING))
    with store().connect() as connection:
        here = tuple(_listed(row) for row in connection.execute(now))
        before = connection.execute(earlier).all()
        waiting_elsewhere = connection.execute(elsewhere).scalar_one()
    return Month(period=period, imports=here, expected=_expected(period, before, here), waiting_elsewhere=waiting_elsewhere)


def last_sent(account: str) -> Listed | None:
    """The import that came last of those that were sent, whatever its month."""
    wanted = select(*_light(), *_counts()).where(imports.c.account == account, imports.c.state.in_(SENT)).order_by(imports.c.created_at.desc(), imports.c.id).limit(1)
    with store().connect() as connection:
        row = connection.execute(wanted).first()
    return None if row is None else _listed(row)


def with_events(account: str, event_type: str | None = None, *, limit: int = 100) -> list[Listed]:
    """The account's imports whose check left events, sent or not, newest first; of one event type where it is given."""
    kind = [imports.c.event_type == event_type] if event_type else []
    wanted = select(*_light(), *_counts()).where(imports.c.account == account, imports.c.check_key.is_not(None), imports.c.state.in_(_HAS_EVENTS), *kind)
    with store().connect() as connection:
        found = [_listed(row) for row in connection.execute(wanted.order_by(imports.c.created_at.desc(), imports.c.id).limit(limit))]
    return [each for each in found if each.accepted]


def earlier_period(period: str, months: int = 1) -> str:
    """The period so many months before, YYYY-MM."""
    first = date.fromisoformat(f"{period}-01")
    index = first.year * 12 + first.month - 1 - months
    return f"{index // 12}-{index % 12 + 1:02}"


def shape(file_name: str) -> str:
    """A file's name without what changes from one delivery to the next: digits, months' names, and what says that it is a newer edition."""
    stem = _EDITION.sub("", _MONTHS.sub("#", file_name.lower()))
    return re.sub(r"[#\d\W_]+", " ", stem).strip()


def quiet_customers(period: str, account: str) -> list[Quiet]:
    """Customers of the month before without usage this month, most events first; nobody while nothing has come. For the query process: it reads event files."""
    this_month = _customers(period, account, _HAS_EVENTS)
    if not this_month:
        return []
    last_month = _customers(earlier_period(period), account, SENT)
    seen = {customer for _, customers in this_month for customer in customers}
    gone: dict[str, tuple[set[str], int]] = {}
    for event_type, customers in last_month:
        for customer, events in customers.items():
            if customer not in seen:
                types, total = gone.get(customer, (set(), 0))
                gone[customer] = (types | {event_type}, total + events)
    quiet = [Quiet(customer_id=customer, event_types=tuple(sorted(types)), events=events) for customer, (types, events) in gone.items()]
    return sorted(quiet, key=lambda each: (-each.events, each.customer_id))


def how_many() -> int:
    """How many imports there are at all, dismissed ones among them."""
    with store().connect() as connection:
        return connection.execute(select(func.count()).select_from(imports)).scalar_one()


def _expected(period: str, before: Iterable[Row], here: tuple[Listed, ...]) -> tuple[Expected, ...]:
    """One entry for each kind of file that came last month, or in two of the last three; paired with what came this month."""
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in before:
        kinds.setdefault((row.event_type or "", shape(row.file_name)), []).append(row)
    last = earlier_period(period)
    usual = {kind: rows for kind, rows in kinds.items() if rows[0].period == last or len({row.period for row in rows}) >= 2}
    pairs = _pairs(usual, [each for each in here if each.state != "unreadable"])
    return tuple(Expected(event_type=kind[0], last_file=rows[0].file_name, last_period=rows[0].period, arrived=pairs.get(kind)) for kind, rows in sorted(usual.items()))


def _pairs(kinds: Iterable[tuple[str, str]], here: list[Listed]) -> dict[tuple[str, str], Listed]:
    """What came in the place of each kind of file: one with the same name apart from the month, else one of the same event type; none twice."""
    by_name: dict[str, list[Listed]] = {}
    by_type: dict[str | None, list[Listed]] = {}
    for each in here:
        by_name.setdefault(shape(each.file_name), []).append(each)
        by_type.setdefault(each.event_type, []).append(each)
    pairs: dict[tuple[str, str], Listed] = {}
    taken: set[str] = set()
    for by, position in ((by_name, 1), (by_type, 0)):
        for kind in kinds:
            fitting = (each for each in by.get(kind[position], ()) if each.id not in taken and each.event_type in (kind[0], None))
            if kind not in pairs and (found := next(fitting, None)):
                pairs[kind] = found
                taken.add(found.id)
    return pairs


def _customers(period: str, account: str, states: Iterable[ImportState]) -> list[tuple[str, dict[str, int]]]:
    """Per import of a month: its event type, and its customers with their number of events."""
    query = select(imports.c.id, imports.c.check_key, imports.c.event_type).where(imports.c.period == period, imports.c.account == account, imports.c.state.in_(tuple(states)), imports.c.check_key.is_not(None))
    with store().connect() as connection:
        rows = connection.execute(query).all()
    counted = customers_of([(row.id, row.check_key) for row in rows])
    return [(row.event_type or "", counted[row.id]) for row in rows]


def customers_of(checks: list[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Events per customer of some checks (import id, key of the check), counted once and then kept beside them: what was checked never changes."""
    kept = {import_id: _kept(import_id, key) for import_id, key in checks}
    known = {import_id: json.loads(path.read_text(encoding="utf-8")) for import_id, path in kept.items() if path.exists()}
    events = {import_id: files.stage_folder(import_id, "check", key) / "events.parquet" for import_id, key in checks if import_id not in known}
    fresh = _count_customers({import_id: path for import_id, path in events.items() if path.exists()})
    for import_id, counted in fresh.items():
        files.write_whole(kept[import_id], json.dumps(counted).encode())
    return {import_id: known.get(import_id) or fresh.get(import_id) or {} for import_id, _ in checks}


def _kept(import_id: str, check_key: str) -> Path:
    return files.import_folder(import_id) / f"customers-{check_key}.json"


def _count_customers(events: Mapping[str, Path]) -> dict[str, dict[str, int]]:
    counted: dict[str, dict[str, int]] = {import_id: {} for import_id in events}
    if not events:
        return counted
    whose = {str(path): import_id for import_id, path in events.items()}
    with engine() as duck:
        query = "select filename, customer_id, count(*) from read_parquet(?, filename=true, union_by_name=true) group by all"
        for path, customer, amount in duck.execute(query, [list(whose)]).fetchall():
            counted[whose[path]][customer] = amount
    return counted


def _light() -> tuple[ColumnElement, ...]:
    columns = imports.c
    return columns.id, columns.file_name, columns.created_by, columns.created_at, columns.state, columns.account, columns.event_type, columns.period, columns.message


def _counts() -> tuple[ColumnElement, ...]:
    """The row equation out of the check; where there is no check yet, what reading found."""
    names = ("read", "accepted", "rejected", "duplicate", "excluded")
    checked = {name: _number(imports.c.check, "rows", name) for name in names}
    unchecked = imports.c.check.is_(None)
    left_out = _length(imports.c.report, "excluded")
    read = case((unchecked, _number(imports.c.report, "rows") + left_out), else_=checked["read"])
    excluded = case((unchecked, left_out), else_=checked["excluded"])
    return read.label("rows"), *(checked[name].label(name) for name in names[1:-1]), excluded.label("excluded")


def _number(document: ColumnElement, *path: str) -> ColumnElement:
    """A number inside a JSON text, in SQLite's way or PostgreSQL's."""
    if store().dialect.name == "sqlite":
        return func.json_extract(document, "$." + ".".join(path))
    return cast(type_coerce(cast(document, JSON), JSON)[path].as_string(), Integer)


def _length(document: ColumnElement, name: str) -> ColumnElement:
    """How many entries a list inside a JSON text has, in SQLite's way or PostgreSQL's."""
    if store().dialect.name == "sqlite":
        return func.json_array_length(document, f"$.{name}")
    return func.json_array_length(type_coerce(cast(document, JSON), JSON)[name])


def _listed(row: Row) -> Listed:
    return Listed(**row._mapping)


def _job(row: Mapping[str, object]) -> dict[str, object]:
    """What became of the job the import names, while the import's state says that something is going on."""
    if not row["job"] or row["state"] not in WORKING:
        return {}
    from ingest import jobs  # dbos takes a second to import

    status = jobs.status(str(row["job"]))
    return {"working": status.state in ("queued", "running"), "failure": (status.message or "This job was broken off.") if status.state == "failed" else ""}
