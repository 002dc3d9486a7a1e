"""Sources and their runs, as documents."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from ingest import sources
from ingest.commands.documents import Document
from ingest.errors import BadInput
from ingest.processes import sandbox_for
from ingest.pull import schedule
from ingest.pull.connectors import connector
from ingest.settings import settings
from ingest.store import accounts, runs
from ingest.store import sources as stored
from schemas.pull_run import PullRun, StoredSource
from schemas.source import Source


def done(options: argparse.Namespace) -> Document:
    """Does what `source` was asked for, and says what came of it."""
    return _COMMANDS[options.what](options)


def exit_code(what: str, document: Document) -> int:
    """0 done; 1 done and some rows need fixing, or a connection doesn't work; 2 and 3 for a run that failed."""
    if what == "test":
        return 0 if document["ok"] else 1
    if what not in ("run", "backfill"):
        return 0
    if document["state"] == "failed":
        return document["exit_code"]
    return 1 if document["rows"]["rejected"] else 0


def _add(options: argparse.Namespace) -> Document:
    found = sources.add(_from_file(options), settings().user, enable=not options.wait)
    return _where(found)


def _show(options: argparse.Namespace) -> Document:
    found = stored.get(options.name)
    return {"source": sources.as_document(found.source), "yaml": sources.to_yaml(found.source), **_where(found)}


def _list(options: argparse.Namespace) -> Document:
    return {"sources": [_where(each) for each in stored.listed()]}


def _test(options: argparse.Namespace) -> Document:
    source = _asked(options)
    found = sources.test(source)
    return {"name": source.name, "ok": found.ok, "steps": [each.model_dump(mode="json") for each in found.steps], "rights": connector(source.connector).rights(sources.connection_of(source), source.read)}


def _discover(options: argparse.Namespace) -> Document:
    source = _asked(options)
    return {"name": source.name, "found": [each.model_dump(mode="json") for each in sources.discover(source, options.within)]}


def _preview(options: argparse.Namespace) -> Document:
    source = _asked(options)
    table = sources.preview(source, options.limit)
    return {"name": source.name, "columns": table.column_names, "rows": table.to_pylist()}


def _run(options: argparse.Namespace) -> Document:
    return _followed(options.name, "dry" if options.dry_run else "by hand")


def _backfill(options: argparse.Namespace) -> Document:
    if not options.dry_run:
        return _followed(options.name, "backfill", options.start, options.end)
    return sources.counted(stored.get(options.name).source, options.start, options.end)


def _followed(name: str, kind: str, since: str | None = None, until: str | None = None) -> Document:
    from ingest import jobs, worker

    with sandbox_for(accounts.account(stored.get(name).source.account)):
        run = worker.do_run(jobs.queue_run(name, kind, settings().user, since=since, until=until).id)
    return run_document(run)


def _pause(options: argparse.Namespace) -> Document:
    return _where(sources.enable(options.name, settings().user, on=False))


def _resume(options: argparse.Namespace) -> Document:
    return _where(sources.enable(options.name, settings().user))


def _runs(options: argparse.Namespace) -> Document:
    stored.get(options.name)
    return {"source": options.name, "runs": [run_document(each) for each in runs.of_source(options.name, limit=options.limit)]}


def _give_up(options: argparse.Namespace) -> Document:
    from ingest import pulling

    waiting = runs.open_run(options.name)
    if waiting is None:
        raise BadInput(f"No run of {options.name!r} waits for anybody.")
    return run_document(pulling.stop(waiting.id, settings().user))


def _remove(options: argparse.Namespace) -> Document:
    stored.remove(options.name, settings().user)
    return {"removed": options.name}


def _alarms(options: argparse.Namespace) -> Document:
    return {"alarms": [each.model_dump(mode="json") for each in stored.open_alarms()]}


def _call_key(options: argparse.Namespace) -> Document:
    from ingest import calls

    stored.get(options.name)
    return {"name": options.name, "path": f"/call/{options.name}", "key": calls.new_key(options.name)}


_COMMANDS = {
    "add": _add, "show": _show, "list": _list, "test": _test, "discover": _discover, "preview": _preview, "run": _run, "backfill": _backfill, "pause": _pause, "resume": _resume,
    "runs": _runs, "give-up": _give_up, "remove": _remove, "alarms": _alarms, "call-key": _call_key,
}


def run_document(run: PullRun) -> Document:
    """A run: its window, where its rows went, and whether all of it is proven."""
    waits = run.state in ("waiting", "failed", "stopped")
    return {
        "run_id": run.id, "source": run.source, "kind": run.kind, "state": run.state, "message": run.message, "window": {"from": run.since, "to": run.until}, "rows": run.rows.model_dump(),
        "import_id": run.imports[0] if run.imports else None, "imports": list(run.imports), "pushed": run.sent > 0, "sent": run.sent,
        "proof": {"found": run.proven, "agrees": run.state == "done" and run.proven == run.sent and not waits}, "due_at": run.due_at, "started_at": run.started_at, "ended_at": run.ended_at,
        "read_seconds": run.read_seconds, "exit_code": run.exit_code, "log": [line.model_dump() for line in run.log],
    }


def _where(found: StoredSource) -> Document:
    """Where a source stands."""
    last = next(iter(runs.of_source(found.source.name, limit=1)), None)
    return {
        "name": found.source.name, "connector": found.source.connector, "version": found.version, "state": found.state if found.enabled or found.state == "paused" else "waiting", "paused_why": found.paused_why,
        "mark": found.mark, "schedule": schedule.in_words(found.source.schedule), "next_at": found.next_at, "next_runs": [each.isoformat() for each in schedule.next_times(found.source.schedule, datetime.now(UTC))] if found.enabled else [],
        "failures": found.failures, "push": found.source.push, "account": accounts.account(found.source.account).name, "last_run": run_document(last) if last else None,
        "alarms": [each.model_dump(mode="json") for each in stored.open_alarms(found.source.name)],
    }


def _asked(options: argparse.Namespace) -> Source:
    """The source that is named, or the one in the file, which needn't be kept yet."""
    if options.file:
        return _from_file(options)
    if not options.name:
        raise BadInput("It isn't said which source.", "Add its name, or --file FILE.yaml.")
    return stored.get(options.name).source


def _from_file(options: argparse.Namespace) -> Source:
    path = Path(options.file)
    if not path.is_file():
        raise BadInput(f"There is no file {path.name!r}.", "Check its name and folder.")
    try:
        return sources.from_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise BadInput(f"{path.name!r} is no text in UTF-8.", "Save it as UTF-8.") from None
