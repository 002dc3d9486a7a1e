"""Sources: made from a file or a form, kept with their secrets sealed, tried before they are used. Running them is ingest/pulling."""

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import yaml
from pydantic import ValidationError

from ingest import match as matching
from ingest import source_secrets
from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput
from ingest.pull import schedule
from ingest.pull.connector import Connection
from ingest.pull.connectors import ONE_FILE, connector
from ingest.pull.pulled_file import from_query
from ingest.pulling.beginning import plan_next
from ingest.raw import RAW
from ingest.read import read_file
from ingest.settings import settings
from ingest.store import sources as stored
from schemas.matching import ColumnProfile
from schemas.pull_run import StoredSource
from schemas.reading import ReadSpec
from schemas.source import Diagnosis, Files, Found, Source

PREVIEWED = 100


class AsWritten(yaml.SafeLoader):
    """YAML in which a date or a time of day stays a text: 06:00 isn't 360."""

    yaml_implicit_resolvers = {first: [(tag, form) for tag, form in known if not tag.endswith((":timestamp", ":int"))] for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()}


AsWritten.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"), [*"-+0123456789"])


def from_yaml(text: str) -> Source:
    """A source out of its text. Raises BadInput with the place where it can't be understood."""
    try:
        given = yaml.load(text, AsWritten)  # noqa: S506  (a safe loader)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        raise BadInput(f"This is no source: the text can't be read{f' at line {place.line + 1}' if place else ''}.", "docs/sources.md shows what a source looks like.") from error
    if not isinstance(given, dict):
        raise BadInput("This is no source: the text has no keys.", "docs/sources.md shows what a source looks like.")
    return from_document(given)


def from_document(given: Mapping[str, object]) -> Source:
    """A source out of plain values. Raises BadInput with the first thing that is wrong."""
    try:
        return Source.model_validate(given)
    except ValidationError as error:
        raise BadInput(f"This is no source: {_first(error)}.", "docs/sources.md shows what a source looks like.") from None


def to_yaml(source: Source) -> str:
    """A source as text that people can read and keep: references to secrets stay, secrets don't."""
    return yaml.safe_dump(as_document(source), sort_keys=False, allow_unicode=True, width=120)


def as_document(source: Source) -> dict[str, object]:
    """A source as plain values, without secrets and without what says nothing."""
    found = source.model_dump(mode="json", exclude_defaults=True)
    return {**found, "connection": source_secrets.without_secrets(source.connection, secret_fields(source.connector))}


def add(source: Source, who: str, *, enable: bool = True) -> StoredSource:
    """Keeps a source, or its next version, its secrets sealed. One with a schedule is read from now on, unless it is to wait."""
    source = _complete(source)
    known = stored.get(source.name) if stored.exists(source.name) else None
    sealed = _sealed(source, known.source if known else None)
    checked_connection(sealed)
    stored.save(sealed, who)
    stored.change(source.name, enabled=int(enable or bool(known and known.enabled)))
    return plan_next(source.name)


def enable(name: str, who: str, *, on: bool = True) -> StoredSource:
    """Lets the schedule of a source begin, or pauses it. Raises BadInput where it isn't set up to its end."""
    if on:
        refuse_incomplete(stored.get(name).source)
    stored.change(name, enabled=1)
    stored.set_state(name, "active" if on else "paused", who, "" if on else f"Paused by {who}.")
    return plan_next(name)


def connection_of(source: Source) -> Connection:
    """The connection with its secrets in clear: for a connector, and nobody else."""
    return _connection(source, {name: _resolved(source, name, value) for name, value in source.connection.items()})


def checked_connection(source: Source) -> None:
    """Raises BadInput where the connection can't be understood. Secrets aren't looked up for it."""
    _connection(source, dict(source.connection))


def secret_fields(name: str) -> tuple[str, ...]:
    """The fields of a connector's connection that are secrets."""
    return tuple(field for field, info in connector(name).model.model_fields.items() if "SecretStr" in str(info.annotation))


def test(source: Source) -> Diagnosis:
    """Tries the connection of a source, step by step."""
    return connector(source.connector).test(connection_of(source), source.read)


def discover(source: Source, within: str = "") -> tuple[Found, ...]:
    """What can be read there."""
    return connector(source.connector).discover(connection_of(source), within)


def preview(source: Source, limit: int = PREVIEWED) -> pa.Table:
    """The first rows of what would be read, as text; of files, those of the newest one."""
    found, connection = connector(source.connector), connection_of(source)
    if found.kind == "tables":
        return found.preview(connection, source.read, limit)
    listed = found.list(connection, source.read.files) if source.read.files else ()
    if not listed:
        raise BadInput("There is no file of this name there yet.", "Look at the path, or wait until the first file has come.")
    newest = max(listed, key=lambda file: (file.modified, file.path))
    settings().home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="spill-", dir=settings().home) as folder:
        found.fetch(connection, newest, Path(folder) / "file")
        report = read_file(Path(folder) / "file", newest.path.rpartition("/")[2], ReadSpec(), Path(folder))
        return _first_rows(Path(folder), report.columns, limit)


class Sample(NamedTuple):
    """The first rows of a source, and what each column looks like."""

    rows: pa.Table
    profiles: tuple[ColumnProfile, ...]


def sample(source: Source) -> Sample:
    """What a person needs to see to say which column is which."""
    rows = preview(source)
    with tempfile.TemporaryDirectory(prefix="spill-", dir=settings().home) as folder:
        with engine() as connection:
            connection.register("sampled", rows)
            from_query(connection, "select * from sampled", Path(folder) / "rows.parquet", source.name)
        report = read_file(Path(folder) / "rows.parquet", source.name, ReadSpec(), Path(folder))
        return Sample(rows, matching.profile_columns(Path(folder), report))


def keep_draft(source: Source, who: str) -> StoredSource:
    """Keeps a source that isn't set up to its end: nothing reads it before it is."""
    known = stored.get(source.name) if stored.exists(source.name) else None
    sealed = _sealed(source, known.source if known else None)
    checked_connection(sealed)
    return stored.save(sealed, who)


def refuse_incomplete(source: Source) -> None:
    """Raises BadInput with what has to be said before a source can be read."""
    _complete(source)


def _first_rows(folder: Path, columns: tuple[str, ...], limit: int) -> pa.Table:
    with engine() as connection:
        return connection.execute(f"select {', '.join(map(identifier, columns))} from read_parquet({literal(folder / RAW)}) limit {limit:d}").to_arrow_table()


def _complete(source: Source) -> Source:
    """A source that can be run: the schedule and what is read fit, and the columns that tell rows apart are read, too."""
    found = connector(source.connector)
    schedule.fitting(source.schedule)
    read = source.read
    if source.connector in ONE_FILE and read.files is None:
        read = read.model_copy(update={"files": Files(path="*")})
    if found.kind == "files" and read.files is None:
        raise BadInput(f"{found.title} has files, and it isn't said which are usage.", "Add read: {files: {path: …}}.")
    if not source.event_type and not source.recipe:
        raise BadInput("It isn't said what this usage is.", "Add event_type: SLUG and match:, or recipe: NAME.")
    if source.schedule.after == source.name:
        raise BadInput("A source can't come after itself.", "Name another source, or leave after out.")
    needed = (*read.key, *([read.cursor] if read.cursor else []), *source.match.values())
    columns = tuple(dict.fromkeys((*read.columns, *needed))) if read.columns else ()
    return source.model_copy(update={"read": read.model_copy(update={"columns": columns})})


def _sealed(source: Source, known: Source | None) -> Source:
    """The source with its secrets sealed; those that were left out as `***` are the ones it had."""
    names = secret_fields(source.connector)
    kept = {name: known.connection[name] for name in names if known and name in known.connection and source.connection.get(name) in ("***", None, "")}
    return source.model_copy(update={"connection": source_secrets.store_away({**source.connection, **kept}, names, f"source:{source.name}")})


def _resolved(source: Source, name: str, value: object) -> object:
    """What a secret stands for; of other fields, what a reference does."""
    is_looked_up = name in secret_fields(source.connector) or isinstance(value, str) and value.startswith(source_secrets.REFERENCES)
    return source_secrets.resolve_each(value, f"source:{source.name}:{name}") if is_looked_up else value


def _connection(source: Source, values: dict[str, object]) -> Connection:
    try:
        return connector(source.connector).model.model_validate(values)
    except ValidationError as error:
        raise BadInput(f"The connection of {source.name!r} can't be used: {_first(error)}.", f"docs/connectors.md lists what {connector(source.connector).title} takes.") from None


def _first(error: ValidationError) -> str:
    """The first mistake, without the value: it may be a secret."""
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg'].removeprefix('Value error, ')}"




def counted(source: Source, since: str | None, until: str | None) -> dict[str, object]:
    """How many rows a back-fill of these days would read; nothing is read for it."""
    from ingest.pulling.window import asked_window, cursor_kind

    found, connection = connector(source.connector), connection_of(source)
    if found.kind != "tables" or not source.read.cursor:
        raise BadInput(f"The source {source.name!r} has no cursor, so it can't be read from one day to another.", "Run it as it is: everything is read each time, and only what is new is sent.")
    window = asked_window(source, cursor_kind(source, found.columns(connection, source.read)), since, until)
    counted_rows = found.count(connection, source.read, window)
    return {"run_id": None, "state": "done", "kind": "dry", "message": f"{counted_rows.rows:,} rows would be read.", "window": {"from": window.since, "to": window.until}, "rows": {"read": counted_rows.rows, "rejected": 0}, "without_cursor": counted_rows.without_cursor, "exit_code": 0}
