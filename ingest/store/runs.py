"""Runs of sources in the store. A source has one open run at most, and one for each tick of its schedule: the store's own constraints make it so."""

import json
import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from ingest.errors import BadInput, NotReady
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import runs
from schemas.pull_run import OPEN, LogLine, PullRun, RunKind, RunRows

_JSON = ("imports", "rows", "log")
LOG_LINES = 200


def begin(source: str, kind: RunKind, who: str, *, since: str | None = None, until: str | None = None, due_at: str | None = None) -> PullRun:
    """A new run in state `queued`. Raises NotReady where another run of the source is open, or the tick has had its run."""
    run_id = f"run_{secrets.token_hex(6)}"
    try:
        with store().begin() as connection:
            connection.execute(insert(runs).values(id=run_id, source=source, open_of=source, kind=kind, state="queued", who=who, since=since, until=until, due_at=due_at, started_at=now()))
    except IntegrityError:
        running = open_run(source)
        if running is None:
            raise NotReady(f"The run of {source!r} that was due then has been made already.") from None
        raise NotReady(f"A run of {source!r} is on its way already ({running.id}, {running.state}).", "Wait until it is done, or decide what it waits for.") from None
    return get(run_id)


def get(run_id: str) -> PullRun:
    """One run. Raises BadInput for an id that isn't there."""
    with store().connect() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
    if row is None:
        raise BadInput(f"There is no run {run_id!r}.", "`source runs NAME` lists those there are.")
    return _run(row)


def open_run(source: str) -> PullRun | None:
    """The run of a source that is on its way or waits."""
    with store().connect() as connection:
        row = connection.execute(select(runs).where(runs.c.open_of == source)).mappings().first()
    return _run(row) if row else None


def all_open() -> list[PullRun]:
    """Every run that is on its way or waits, oldest first."""
    with store().connect() as connection:
        return [_run(row) for row in connection.execute(select(runs).where(runs.c.open_of.is_not(None)).order_by(runs.c.started_at)).mappings()]


def change(run_id: str, *, say: str | None = None, **values: object) -> PullRun:
    """Sets columns of a run, with a line for its log. A state that ends it makes room for the next."""
    with store().begin() as connection:
        if say is not None:
            log = json.loads(connection.execute(select(runs.c.log).where(runs.c.id == run_id)).scalar_one())
            values["log"] = json.dumps([*log, LogLine(at=now(), text=say).model_dump()][-LOG_LINES:])
        if "state" in values:
            is_open = values["state"] in OPEN
            values |= {"open_of": runs.c.source if is_open else None, "ended_at": None if is_open else now()}
        stored = {key: value.model_dump_json() if isinstance(value, RunRows) else json.dumps(list(value)) if key == "imports" else value for key, value in values.items()}
        connection.execute(update(runs).where(runs.c.id == run_id).values(**stored))
    return get(run_id)


def of_source(source: str, *, limit: int = 50, kinds: Sequence[str] = (), states: Sequence[str] = ()) -> list[PullRun]:
    """The runs of a source, newest first."""
    wanted = [runs.c.source == source, *([runs.c.kind.in_(kinds)] if kinds else []), *([runs.c.state.in_(states)] if states else [])]
    with store().connect() as connection:
        return [_run(row) for row in connection.execute(select(runs).where(*wanted).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit)).mappings()]


def last_of_each() -> dict[str, PullRun]:
    """The newest run of every source; a trial isn't one."""
    newest = select(runs.c.source, func.max(runs.c.started_at).label("started_at")).where(runs.c.kind != "dry").group_by(runs.c.source).subquery()
    with store().connect() as connection:
        rows = connection.execute(select(runs).join(newest, (runs.c.source == newest.c.source) & (runs.c.started_at == newest.c.started_at))).mappings()
        return {row["source"]: _run(row) for row in rows}


def _run(row: Mapping[str, object]) -> PullRun:
    values = {key: json.loads(value) if key in _JSON else value for key, value in row.items() if key != "open_of"}
    return PullRun(**values)
