"""Imports in the store."""

import secrets
from collections.abc import Mapping, Sequence

from pydantic import BaseModel
from sqlalchemy import Row, case, func, insert, or_, select, update

from ingest.errors import BadInput
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import imports, pushes
from schemas.checking import CheckResult
from schemas.matching import MatchSpec
from schemas.reading import ReadReport, ReadSpec
from schemas.records import ImportRecord

_JSON = {"read_spec": ReadSpec, "report": ReadReport, "match": MatchSpec, "check": CheckResult}
SENT = ("stopped", "pushed", "proven")
"""States of an import whose events were sent, at least some of them."""
_HIDDEN = ("raw_key", "check_key")


def add(file_name: str, sha256: str, size: int, who: str, *, account: str | None = None, fixes: str | None = None, run: str | None = None) -> str:
    """A new import's id; the import is in state `reading`."""
    import_id = f"imp_{secrets.token_hex(6)}"
    with store().begin() as connection:
        connection.execute(insert(imports).values(id=import_id, file_name=file_name, sha256=sha256, size=size, created_by=who, created_at=now(), state="reading", account=account, fixes=fixes, run=run, read_spec=ReadSpec().model_dump_json()))
        audit.record(connection, who, "import", import_id, file_name)
    return import_id


def get(import_id: str) -> ImportRecord:
    """One import. Raises BadInput for an id that isn't there."""
    return _record(_row(import_id))


def pointers(import_id: str) -> tuple[str | None, str | None]:
    """The keys of the current raw and check folders."""
    row = _row(import_id)
    return row["raw_key"], row["check_key"]


def change(import_id: str, **values: object) -> ImportRecord:
    """Sets columns of an import; models become JSON. The import as it then is."""
    stored = {key: value.model_dump_json() if isinstance(value, BaseModel) else value for key, value in values.items()}
    with store().begin() as connection:
        connection.execute(update(imports).where(imports.c.id == import_id).values(**stored))
    return get(import_id)


def of_run(run: str) -> list[ImportRecord]:
    """The imports that a run of a source brought, in the order they came."""
    with store().connect() as connection:
        return [_record(row) for row in connection.execute(select(imports).where(imports.c.run == run, imports.c.state != "discarded").order_by(imports.c.created_at, imports.c.id)).mappings()]


def check_again(account: str) -> list[str]:
    """Imports of an account that wait to be sent count as unchecked: what holds for all of them has changed. Their ids."""
    waiting = imports.c.account == account, imports.c.state == "checked", imports.c.match.is_not(None)
    with store().begin() as connection:
        found = list(connection.execute(select(imports.c.id).where(*waiting)).scalars())
        connection.execute(update(imports).where(imports.c.id.in_(found)).values(state="matched", check=None, check_key=None))
    return found


def same_file(sha256: str) -> list[ImportRecord]:
    """Imports of the very same bytes, newest first, without discarded ones."""
    query = select(imports).where(imports.c.sha256 == sha256, imports.c.state != "discarded").order_by(imports.c.created_at.desc())
    with store().connect() as connection:
        return [_record(row) for row in connection.execute(query).mappings()]


def last_sent(ledger_name: str, slug: str, *, but: str, most: int = 1) -> list[Row]:
    """The imports whose events of a type were sent to an account last, other than this one, newest first: `import_id`, `file_name`, `check_key`, `sent_at`. Before an import of a source, those of this source count."""
    columns = pushes.c.import_id, imports.c.file_name, pushes.c.check_key, pushes.c.started_at.label("sent_at")
    of_this_kind = pushes.c.ledger_name == ledger_name, pushes.c.event_type == slug, pushes.c.import_id != but, pushes.c.events > 0
    brought_by = select(imports.c.created_by).where(imports.c.id == but).scalar_subquery()
    of_this_source = or_(brought_by.is_(None), brought_by.not_like("source %"), imports.c.created_by == brought_by)
    query = select(*columns).join(imports, imports.c.id == pushes.c.import_id).where(*of_this_kind, of_this_source).order_by(pushes.c.started_at.desc()).limit(most)
    with store().connect() as connection:
        return list(connection.execute(query))


def last_of(who: str, slug: str) -> ImportRecord | None:
    """The newest import of somebody (a source, too) whose events of a type were sent."""
    wanted = imports.c.created_by == who, imports.c.event_type == slug, imports.c.state.in_(SENT)
    with store().connect() as connection:
        row = connection.execute(select(imports).where(*wanted).order_by(imports.c.created_at.desc(), imports.c.id.desc()).limit(1)).mappings().first()
    return _record(row) if row else None


def before(record: ImportRecord, periods: Sequence[str]) -> str | None:
    """The import of the same event type and account, of one of these periods (the first one that has any), that was checked and made before this one: the newest that was sent, else the newest."""
    alike = imports.c.event_type == record.event_type, imports.c.account == record.account, imports.c.id != record.id, imports.c.created_at <= record.created_at, imports.c.check_key.is_not(None), imports.c.state != "discarded"
    with store().connect() as connection:
        for period in periods:
            newest_sent = case((imports.c.state.in_(SENT), 0), else_=1), imports.c.created_at.desc()
            found = connection.execute(select(imports.c.id).where(*alike, imports.c.period == period).order_by(*newest_sent).limit(1)).scalar()
            if found:
                return found
    return None


def like(record: ImportRecord, *, limit: int = 20) -> list[ImportRecord]:
    """The other imports of the same event type and account that were checked, newest first."""
    alike = imports.c.event_type == record.event_type, imports.c.account == record.account, imports.c.id != record.id, imports.c.check_key.is_not(None), imports.c.state != "discarded"
    with store().connect() as connection:
        return [_record(row) for row in connection.execute(select(imports).where(*alike).order_by(imports.c.created_at.desc()).limit(limit)).mappings()]


def of_period(record: ImportRecord, period: str, states: Sequence[str]) -> list[tuple[str, str, str]]:
    """Id, file name and check key of the other imports of the same event type and account that are of this period and in one of these states, oldest first."""
    alike = imports.c.event_type == record.event_type, imports.c.account == record.account, imports.c.id != record.id, imports.c.check_key.is_not(None)
    query = select(imports.c.id, imports.c.file_name, imports.c.check_key).where(*alike, imports.c.period == period, imports.c.state.in_(tuple(states))).order_by(imports.c.created_at)
    with store().connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def sent_files(import_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Name and time of the first push of these imports: `file_name` and `sent_at` by import id."""
    query = select(imports.c.id, imports.c.file_name, func.min(pushes.c.started_at)).join(pushes, pushes.c.import_id == imports.c.id).where(imports.c.id.in_(import_ids)).group_by(imports.c.id, imports.c.file_name)
    with store().connect() as connection:
        return {import_id: {"file_name": file_name, "sent_at": sent_at} for import_id, file_name, sent_at in connection.execute(query)}


def sent_checks(import_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Each of these imports with the keys of its checks whose events were sent."""
    query = select(pushes.c.import_id, pushes.c.check_key).where(pushes.c.import_id.in_(import_ids)).distinct().order_by(pushes.c.import_id, pushes.c.check_key)
    with store().connect() as connection:
        return [tuple(row) for row in connection.execute(query)]


def search(text: str = "", *, state: str | None = None, limit: int = 50, offset: int = 0) -> tuple[list[ImportRecord], int]:
    """Imports whose file, person, event type, account, period or id contains the text, newest first, and how many there are in all."""
    pattern = f"%{text.replace('%', '').strip()}%"
    columns = (imports.c.file_name, imports.c.created_by, imports.c.event_type, imports.c.account, imports.c.period, imports.c.id)
    where = [imports.c.state != "discarded", or_(*(column.ilike(pattern) for column in columns))]
    if state:
        where.append(imports.c.state == state)
    with store().connect() as connection:
        total = connection.execute(select(func.count()).select_from(imports).where(*where)).scalar_one()
        rows = connection.execute(select(imports).where(*where).order_by(imports.c.created_at.desc()).limit(limit).offset(offset)).mappings()
        return [_record(row) for row in rows], total


def stages_in_use() -> set[tuple[str, str]]:
    """Import and stage folder (`<stage>-<key>`) of everything that is current or was sent."""
    with store().connect() as connection:
        current = connection.execute(select(imports.c.id, imports.c.raw_key, imports.c.check_key)).all()
        sent = connection.execute(select(pushes.c.import_id, pushes.c.check_key)).all()
    return {(each, f"check-{key}") for each, key in sent} | {(each, name) for each, raw, check in current for name in (f"raw-{raw}", f"check-{check}")}


def _row(import_id: str) -> Mapping[str, object]:
    with store().connect() as connection:
        row = connection.execute(select(imports).where(imports.c.id == import_id)).mappings().first()
    if row is None:
        raise BadInput(f"There is no import {import_id!r}.", "The Imports page lists those there are.")
    return row


def _record(row: Mapping[str, object]) -> ImportRecord:
    values = {key: value for key, value in row.items() if key not in _HIDDEN}
    parsed = {key: model.model_validate_json(values[key]) if values[key] else None for key, model in _JSON.items()}
    progress = float(values["progress"]) if values["progress"] is not None else None
    return ImportRecord(**{**values, **parsed, "progress": progress})
