"""Sources in the store: what they are, and where each stands."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import delete, insert, select, update

from ingest.errors import BadInput
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import alarms, pulled_files, runs, sources
from schemas.pull_run import Alarm, AlarmKind, StoredSource
from schemas.source import ListedFile, Source


def save(source: Source, who: str) -> StoredSource:
    """Stores a source, or its next version; where it stands stays as it is. The same source again is the version that is there."""
    with store().begin() as connection:
        row = connection.execute(select(sources).where(sources.c.name == source.name)).mappings().first()
        text = source.model_dump_json()
        if row is None:
            connection.execute(insert(sources).values(name=source.name, version=1, source=text, state="active", who=who, at=now()))
            audit.record(connection, who, "source-add", source.name)
        elif row["source"] != text:
            connection.execute(update(sources).where(sources.c.name == source.name).values(version=row["version"] + 1, source=text, who=who, at=now()))
            audit.record(connection, who, "source-change", source.name, f"version {row['version'] + 1}")
    return get(source.name)


def get(name: str) -> StoredSource:
    """A source by its name. Raises BadInput with the known names for one that isn't there."""
    with store().connect() as connection:
        row = connection.execute(select(sources).where(sources.c.name == name)).mappings().first()
    if row is None:
        raise BadInput(f"There is no source {name!r}.", f"There are: {', '.join(each.source.name for each in listed()) or 'none yet'}.")
    return _stored(row)


def exists(name: str) -> bool:
    """Whether there is a source of this name."""
    with store().connect() as connection:
        return connection.execute(select(sources.c.name).where(sources.c.name == name)).first() is not None


def listed() -> list[StoredSource]:
    """Every source, by name."""
    with store().connect() as connection:
        return [_stored(row) for row in connection.execute(select(sources).order_by(sources.c.name)).mappings()]


def due(moment: str) -> list[StoredSource]:
    """The sources that are on and whose next run is due, longest first."""
    wanted = sources.c.state == "active", sources.c.enabled == 1, sources.c.next_at <= moment
    with store().connect() as connection:
        return [_stored(row) for row in connection.execute(select(sources).where(*wanted).order_by(sources.c.next_at)).mappings()]


def change(name: str, **values: object) -> StoredSource:
    """Sets columns of where a source stands."""
    stored = {key: json.dumps(value) if key == "columns" else value for key, value in values.items()}
    with store().begin() as connection:
        connection.execute(update(sources).where(sources.c.name == name).values(**stored))
    return get(name)


def set_state(name: str, state: str, who: str, why: str = "") -> StoredSource:
    """Pauses a source, with the reason, or lets it go on."""
    get(name)
    with store().begin() as connection:
        connection.execute(update(sources).where(sources.c.name == name).values(state=state, paused_why=why if state == "paused" else "", **({"failures": 0} if state == "active" else {})))
        audit.record(connection, who, f"source-{state}", name, why)
    return get(name)


def remove(name: str, who: str) -> None:
    """Forgets a source, its runs and alarms; its imports and what was sent stay."""
    get(name)
    with store().begin() as connection:
        for table in (pulled_files, alarms, runs):
            connection.execute(delete(table).where(table.c.source == name))
        connection.execute(delete(sources).where(sources.c.name == name))
        audit.record(connection, who, "source-remove", name)


def seen(name: str) -> str | None:
    """The run whose rows the next are compared with."""
    with store().connect() as connection:
        return connection.execute(select(sources.c.seen).where(sources.c.name == name)).scalar()


def call_key(name: str) -> str | None:
    """The sealed key that web calls of this source are signed with; None where none was made."""
    with store().connect() as connection:
        return connection.execute(select(sources.c.call_key).where(sources.c.name == name)).scalar()


# Files that are done.


def version_of(file: ListedFile) -> str:
    """What tells one state of a file from another."""
    return f"{file.etag}|{file.size}|{file.modified}"


def files_done(name: str) -> dict[str, str]:
    """The version of each path that is done."""
    with store().connect() as connection:
        return dict(connection.execute(select(pulled_files.c.path, pulled_files.c.version).where(pulled_files.c.source == name)).all())


def mark_files(name: str, files: Sequence[tuple[str, str]], run: str) -> None:
    """Notes that these files (path and version) are done."""
    if not files:
        return
    with store().begin() as connection:
        for start in range(0, len(files), 500):
            some = files[start:start + 500]
            connection.execute(delete(pulled_files).where(pulled_files.c.source == name, pulled_files.c.path.in_([path for path, _ in some])))
            connection.execute(insert(pulled_files), [{"source": name, "path": path, "version": version, "run": run, "at": now()} for path, version in some])


# Alarms.


def raise_alarm(name: str, kind: AlarmKind, text: str, run: str | None = None) -> Alarm | None:
    """Raises an alarm; None where one of its kind is open already."""
    with store().begin() as connection:
        if connection.execute(select(alarms.c.id).where(alarms.c.source == name, alarms.c.kind == kind, alarms.c.closed_at.is_(None))).first():
            return None
        key = connection.execute(insert(alarms).values(source=name, kind=kind, text=text, run=run, at=now())).inserted_primary_key[0]
        return _alarm(connection.execute(select(alarms).where(alarms.c.id == key)).mappings().one())


def close_alarms(name: str, kinds: Sequence[str] | None = None) -> list[Alarm]:
    """Closes the open alarms of a source, of these kinds or all; which."""
    wanted = alarms.c.source == name, alarms.c.closed_at.is_(None), *([alarms.c.kind.in_(kinds)] if kinds else [])
    with store().begin() as connection:
        found = [_alarm(row) for row in connection.execute(select(alarms).where(*wanted)).mappings()]
        connection.execute(update(alarms).where(*wanted).values(closed_at=now()))
    return found


def open_alarms(name: str | None = None) -> list[Alarm]:
    """The alarms that are open, of one source or all, newest first."""
    wanted = alarms.c.closed_at.is_(None), *([alarms.c.source == name] if name else [])
    with store().connect() as connection:
        return [_alarm(row) for row in connection.execute(select(alarms).where(*wanted).order_by(alarms.c.id.desc())).mappings()]


def _alarm(row: Mapping[str, object]) -> Alarm:
    return Alarm(**row)


def _stored(row: Mapping[str, object]) -> StoredSource:
    kept = ("version", "state", "paused_why", "mark", "newest", "next_at", "failures", "who", "at")
    return StoredSource(source=Source.model_validate_json(row["source"]), enabled=bool(row["enabled"]), columns=tuple(json.loads(row["columns"])), **{name: row[name] for name in kept})
