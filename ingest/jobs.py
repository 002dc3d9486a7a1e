"""Durable jobs: the only home of DBOS. A job is a few steps; each step can be run again and then goes on with what isn't done.

One executor per data folder: whoever holds the lock on `worker.lock` (ingest/worker.py) runs DBOS under a fixed executor id, so that a restart takes up the
jobs of the process that died, and two processes never run the same job. Everybody else only queues.
"""

import logging
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer

from ingest import imports, pulling, push, whole_check
from ingest.billing import BillingClient
from ingest.errors import IngestError, LeaseLost, places
from ingest.settings import settings
from ingest.store import accounts, pushes, runs
from ingest.store import imports as import_rows
from schemas.account import Account
from schemas.jobs import JobStatus
from schemas.pull_run import PullRun, RunKind
from schemas.reading import ReadSpec

EXECUTOR = "home"
VERSION = "1"
"""Raised when the steps of a job change, so that a running one isn't continued by other steps."""
APPLICATION = "usage-intake"
FILES, SENDING, PULLING = "files", "sending", "pulling"
"""Queues: two files are read or checked at a time, two sources are pulled at a time; pushes go one after the other."""
LOOK_AGAIN = timedelta(minutes=5)
LOOK_NO_LONGER = timedelta(hours=24)
KEEP_JOBS = timedelta(days=30)

log = logging.getLogger("intake.jobs")


@DBOS.workflow(name="read")
def read_job(import_id: str, spec: str | None) -> str:
    """Reads a file; the import's state tells how it went."""
    return _file_step("read", import_id, spec)


@DBOS.workflow(name="check")
def check_job(import_id: str) -> str:
    """Checks an import; its state tells how it went."""
    return _file_step("check", import_id, None)


@DBOS.step()
def _file_step(what: str, import_id: str, spec: str | None) -> str:
    try:
        record = imports.read(import_id, ReadSpec.model_validate_json(spec) if spec else None, stoppable=True) if what == "read" else whole_check.check(import_id)
        return record.state
    except IngestError as error:
        log.warning("A file could not be worked on. action=%s-failed import=%s kind=%s", what, import_id, type(error).__name__)
        return _failed(what, import_id, str(error))
    except Exception as error:  # the outermost place of a job: the import is left as it was
        return _failed(what, import_id, _incident(what, import_id, error))


def _failed(what: str, import_id: str, message: str) -> str:
    return import_rows.change(import_id, state="unreadable" if what == "read" else "matched", message=message).state


def _incident(what: str, subject: str, error: Exception) -> str:
    """Logs where it happened, for those who mend it; the person gets its number."""
    incident = secrets.token_hex(4)
    log.error("A job failed. action=%s-failed subject=%s incident=%s %s", what, subject, incident, places(error))
    return f"Something went wrong that we didn't expect (incident {incident}). Nothing was lost; the log has the details."


@DBOS.workflow(name="push")
def push_job(push_id: str) -> str:
    """Sends a push to its end, or until it has to wait or is asked to stop. The push's own state tells how it went."""
    try:
        _plan(push_id)
        for part in _open_parts(push_id):
            sent = _send_part(push_id, part)
            if sent["outcome"] == "waiting":
                return _wait(push_id, sent["message"])
            if sent["outcome"] == "stopped":
                return _ended(push_id, "stopped", "Stopped by a person.")
        return _ended(push_id, "finished", "")
    except LeaseLost:
        return "lost"
    except IngestError as error:
        return _wait(push_id, str(error))
    except Exception as error:  # the outermost place of a job: nothing is lost, the push waits and is tried again
        return _wait(push_id, _incident("push", push_id, error))


@DBOS.workflow(name="verify")
def verify_job(push_id: str) -> str:
    """Looks for the events of a push that ended once more."""
    state = _verify_again(push_id)
    _compare_metrics(push_id)
    return state


def _ended(push_id: str, how: str, message: str) -> str:
    state = _end(push_id, how, message)
    _compare_metrics(push_id)
    return state


@DBOS.step()
def _plan(push_id: str) -> int:
    push_record = pushes.get(push_id)
    try:
        parts = push.plan(push_id)
        push.remember_before(push_id)
        return parts
    except IngestError as error:
        if not pushes.get(push_id).batches:
            pushes.forget(push_id)
            import_rows.change(push_record.import_id, state="checked", message=str(error))
        raise


@DBOS.step()
def _open_parts(push_id: str) -> list[int]:
    return pushes.open_parts(push_id)


@DBOS.step()
def _send_part(push_id: str, part: int) -> dict[str, str]:
    record = pushes.get(push_id)
    return push.send_part(push_id, part, _billing(accounts.same_account(record.account, record.ledger_name))).model_dump()


@DBOS.step()
def _wait(push_id: str, message: str) -> str:
    push.wait(push_id, message)  # a push that was forgotten, since nothing of it could be sent, isn't there any more
    return "waiting"


@DBOS.step()
def _end(push_id: str, how: str, message: str) -> str:
    return push.end(push_id, how, message).state


@DBOS.step()
def _verify_again(push_id: str) -> str:
    return "proven" if push.verify_again(push_id).proof.agrees else "not proven"


@DBOS.step()
def _compare_metrics(push_id: str) -> None:
    """Puts on the receipt whether metrics come to the same in the account. Nothing that goes wrong here changes what was sent and proven."""
    from ingest import metric_proof  # reading SQL takes a while to import, which pages that queue a job shouldn't wait for

    try:
        metric_proof.compare(push_id)
    except IngestError as error:
        metric_proof.note_failure(push_id, f"Not compared: {error}")
    except Exception as error:  # the outermost place of this step
        metric_proof.note_failure(push_id, _incident("compare-metrics", push_id, error))


@DBOS.workflow(name="pull")
def pull_job(run_id: str) -> str:
    """Reads what is new in a source, takes it in, and sends it or asks a person. The run's own state tells how it went."""
    return _pull(run_id, ("try again", "fetch", "take in", "decide"))


@DBOS.workflow(name="decide")
def decide_job(run_id: str) -> str:
    """Checks what a run brought once more, after something else was sent, and decides anew."""
    return _pull(run_id, ("take in", "decide"))


def _pull(run_id: str, steps: tuple[str, ...]) -> str:
    for step in steps:
        if _pull_step(step, run_id) == "failed":
            return "failed"
    return "done"


@DBOS.step()
def _pull_step(step: str, run_id: str) -> str:
    """One step of a run; it can be done again, and goes on with what isn't done."""
    try:
        if step == "try again":
            _queue_pushes(pulling.try_rejected_again(run_id))
        elif step == "fetch":
            pulling.fetch(run_id)
        elif step == "take in":
            pulling.take_in(run_id)
        else:
            for push_id in pulling.decide(run_id):
                queue_push(push_id, "worker")
        return "done"
    except IngestError as error:
        return pulling.fail(run_id, str(error), error.exit_code).state
    except Exception as error:  # the outermost place of a job: nothing was sent, and the mark is where it was
        return pulling.fail(run_id, _incident("pull", run_id, error)).state


def _queue_pushes(import_ids: Iterable[str]) -> None:
    for import_id in import_ids:
        try:
            queue_push(push.begin(import_id, "worker"), "worker")
        except IngestError as error:  # it waits for a person, who sees it on the import's page
            log.info("Rows that are fit now weren't sent. action=again-not-sent import=%s kind=%s", import_id, type(error).__name__)


def queue_read(import_id: str, spec: ReadSpec | None, who: str) -> None:
    """Queues the reading of a file; the import is in state `reading` until it is done. Raises NotReady where it can't be read in another way now."""
    if spec:
        imports.read_as_divided(import_rows.get(import_id), spec)
    _queue_for(import_id, "reading", FILES, "read", import_id, spec.model_dump_json() if spec else None)


def queue_check(import_id: str, who: str) -> None:
    """Queues the check of an import, and of the other kinds of usage in its file that wait for one; each is in state `checking` until it is done."""
    beside = [each.id for each in imports.together(import_rows.get(import_id)) if each.id != import_id and each.state == "matched"]
    for each in (import_id, *beside):
        _queue_for(each, "checking", FILES, "check", each)


def queue_push(push_id: str, who: str) -> None:
    """Queues a push, unless a job for it is on its way."""
    record = pushes.get(push_id)
    job = import_rows.get(record.import_id).job
    if job and job.startswith(f"push-{push_id}") and status(job).state in ("queued", "running"):
        return
    _queue_for(record.import_id, "pushing", SENDING, "push", push_id)


def queue_verify(push_id: str, who: str) -> None:
    """Queues another look at the account for a push that ended."""
    _enqueue(SENDING, "verify", f"verify-{push_id}-{time.time_ns()}", push_id)


def queue_run(source: str, kind: RunKind, who: str, *, since: str | None = None, until: str | None = None) -> PullRun:
    """Begins a run of a source and queues it. Raises NotReady where one is on its way or waits."""
    return queue_begun(pulling.begin(source, kind, who, since=since, until=until))


def queue_begun(run: PullRun, workflow: str = "pull") -> PullRun:
    job = f"{workflow}-{run.id}-{time.time_ns()}"
    runs.change(run.id, job=job)
    _enqueue(PULLING, workflow, job, run.id)
    return runs.get(run.id)


def status(job_id: str) -> JobStatus:
    """Where a job is."""
    found = _client().list_workflows(workflow_ids=[job_id])
    if not found:
        return JobStatus(id=job_id, state="none")
    words = {"ENQUEUED": "queued", "DELAYED": "queued", "PENDING": "running", "SUCCESS": "done"}
    return JobStatus(id=job_id, state=words.get(found[0].status, "failed"), message="" if found[0].error is None else str(found[0].error))


def forget_finished() -> int:
    """Forgets jobs that ended long ago; how many. Where the executor runs."""
    long_ago = (datetime.now(UTC) - KEEP_JOBS).isoformat()
    old = DBOS.list_workflows(status=["SUCCESS", "ERROR", "CANCELLED"], end_time=long_ago, load_input=False, load_output=False)
    DBOS.delete_workflows([each.workflow_id for each in old])
    return len(old)


def _queue_for(import_id: str, state: str, queue: str, workflow: str, subject: str, *arguments: str | None) -> None:
    job = f"{workflow}-{subject}-{time.time_ns()}"
    import_rows.change(import_id, state=state, job=job, message="")
    _enqueue(queue, workflow, job, subject, *arguments)


def _enqueue(queue: str, workflow: str, job: str, *arguments: str | None) -> None:
    _client().enqueue({"queue_name": queue, "workflow_name": workflow, "workflow_id": job, "app_version": VERSION}, *arguments)


_billing_clients: dict[Account, BillingClient] = {}
"""One client per account for as long as the executor runs, so that its connections outlive a part."""


def _billing(account: Account) -> BillingClient:
    if account not in _billing_clients:
        _billing_clients[account] = BillingClient(account)
    return _billing_clients[account]


def _url() -> str:
    """Where DBOS keeps its jobs: beside our store."""
    if settings().database_url:
        return settings().database_url
    return f"sqlite:///{settings().home / 'dbos.db'}"


def _prepare() -> str:
    """The address of the job store, in WAL mode before first use, since DBOS leaves that off and readers would stall writers."""
    url = _url()
    path = settings().home / "dbos.db"
    if url.startswith("sqlite") and not path.exists():
        settings().home.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(path, timeout=30) as connection:
            connection.execute("pragma journal_mode = wal")
        DBOS.migrate(url)
    return url


def _client() -> DBOSClient:
    return _client_of(_prepare())


@lru_cache(maxsize=2)
def _client_of(url: str) -> DBOSClient:
    return DBOSClient(system_database_url=url, serializer=DBOSPortableJSONSerializer(), application_name=APPLICATION)


@contextmanager
def executor() -> Iterator[None]:
    config: DBOSConfig = {
        "name": APPLICATION, "system_database_url": _prepare(), "executor_id": EXECUTOR, "application_version": VERSION, "serializer": DBOSPortableJSONSerializer(),
        "log_level": "ERROR", "notification_listener_polling_interval_sec": 0.2,
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(FILES, worker_concurrency=2, polling_interval_sec=0.2)
    DBOS.register_queue(SENDING, worker_concurrency=1, polling_interval_sec=0.2)
    DBOS.register_queue(PULLING, worker_concurrency=2, polling_interval_sec=0.2)
    try:
        yield
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=5)
        for client in _billing_clients.values():
            client.close()
        _billing_clients.clear()
