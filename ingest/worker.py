"""The worker: whoever holds the lock of the data folder runs its jobs, begins what is due, and looks after what waits. A command that gets the lock becomes the worker for its own job."""

import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from ingest import alarms, janitor, pulling
from ingest.errors import IngestError
from ingest.jobs import LOOK_AGAIN, LOOK_NO_LONGER, executor, forget_finished, queue_begun, queue_push, queue_run, queue_verify, status
from ingest.settings import settings
from ingest.store import clock, pushes, runs
from ingest.store import imports as import_rows
from schemas.pull_run import PullRun

RETRY_WAITING = timedelta(minutes=1)
LOOK_EVERY, TIDY_EVERY, TICK_EVERY, WATCH_EVERY = 10.0, 3600.0, 1.0, 60.0
"""Seconds."""
ENDED = ("done", "failed", "stopped", "waiting")
"""Where a run goes no further by itself."""

log = logging.getLogger("intake.worker")


def run_worker(ready: Callable[[], None] = lambda: None, stopped: Callable[[], bool] = lambda: False) -> None:
    """Runs jobs until told to stop; waits first while another worker of this data folder is at work."""
    with worker_lock(wait=True), executor():
        ready()
        import pandas  # noqa: F401  (the engine looks for it with the first list it is given, which a person would wait for)

        tidied = look = ticked = watched = 0.0
        while not stopped():
            if time.monotonic() - ticked > TICK_EVERY:
                _begin_due_runs()
                _settle_runs()
                alarms.bring(clock.moment())
                ticked = time.monotonic()
            if time.monotonic() - watched > WATCH_EVERY:
                pulling.look_around(clock.moment())
                watched = time.monotonic()
            if time.monotonic() - look > LOOK_EVERY:
                _look_after_pushes()
                look = time.monotonic()
            if time.monotonic() - tidied > TIDY_EVERY:
                _tidy()
                tidied = time.monotonic()
            time.sleep(0.2)


def do_push(push_id: str, who: str, *, every: float = 0.2, told: Callable[[], None] = lambda: None) -> None:
    """Brings a push to where it ends or waits: follows the worker that does it, and does it here where none runs, or none runs any more. `told` is called now and then."""
    queue_push(push_id, who)
    job = import_rows.get(pushes.get(push_id).import_id).job
    while _is_open(job):
        with worker_lock(wait=False) as mine:
            if mine:
                with executor():
                    _follow(job, every, told)
        told()
        time.sleep(every)


def do_run(run_id: str, *, every: float = 0.1, told: Callable[[PullRun], None] = lambda run: None) -> PullRun:
    """Brings a run to where it ends or waits for a person: follows the worker that does it, and does it here where none runs."""
    while (run := runs.get(run_id)).state not in ENDED:
        with worker_lock(wait=False) as mine:
            if mine:
                with executor():
                    _follow_run(run_id, every, told)
                alarms.deliver(datetime.now(UTC))  # no other worker may come for a long time
        told(run)
        time.sleep(every)
    return run


def _follow(job: str, every: float, told: Callable[[], None]) -> None:
    while _is_open(job):
        told()
        time.sleep(every)


def _follow_run(run_id: str, every: float, told: Callable[[PullRun], None]) -> None:
    began = time.monotonic()
    while (run := runs.get(run_id)).state not in ENDED:
        _settle_runs()
        if time.monotonic() - began > LOOK_EVERY:
            _look_after_pushes()
            began = time.monotonic()
        told(run)
        time.sleep(every)


def _is_open(job: str) -> bool:
    return status(job).state in ("queued", "running")


@contextmanager
def worker_lock(*, wait: bool) -> Iterator[bool]:
    """The right to run jobs for this data folder; answers whether it was got."""
    settings().home.mkdir(parents=True, exist_ok=True)
    with (settings().home / "worker.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def _look_after_pushes() -> None:
    """Pushes that wait for the account, or whose job is gone, are tried again; those not proven yet are looked for again."""
    for waiting in pushes.in_state("waiting", "queued", "planning", "sending", "verifying"):
        job = import_rows.get(waiting.import_id).job
        if not job or not job.startswith(f"push-{waiting.id}") or _older(job, RETRY_WAITING):
            queue_push(waiting.id, "worker")
    for ended in pushes.in_state("finished", "stopped"):
        proof = ended.receipt.proof if ended.receipt else None
        if proof and not proof.agrees and ended.receipt.events.accepted and _age(proof.checked_at) > LOOK_AGAIN and _age(ended.ended_at) < LOOK_NO_LONGER:
            queue_verify(ended.id, "worker")


def _begin_due_runs() -> None:
    for run in pulling.begin_due(clock.moment()):
        queue_begun(run)


def _settle_runs() -> None:
    """Runs whose imports are sent and proven end; those that were to be queued and weren't, since their process died, are."""
    for run in runs.all_open():
        if run.job is None:
            queue_begun(run)
        elif run.state in ("waiting", "pushing"):
            state = pulling.settle(run.id)
            if state == "checking":
                queue_begun(run, "decide")
            if state == "done" and run.kind != "backfill":
                _run_after(run)


def _run_after(run: PullRun) -> None:
    for name in pulling.after(run.source):
        try:
            queue_run(name, "after", f"source {run.source}")
        except IngestError as error:
            log.info("A source that comes after another one wasn't run. action=after-skipped source=%s kind=%s", name, type(error).__name__)


def _tidy() -> None:
    """Removes what nobody needs any more, finished jobs of long ago among it."""
    jobs = forget_finished()
    log.info("Tidied up. action=tidied things=%d jobs=%d", janitor.tidy(), jobs)


def _older(job: str, than: timedelta) -> bool:
    return datetime.now(UTC) - datetime.fromtimestamp(int(job.rsplit("-", 1)[1]) / 1e9, UTC) > than


def _age(moment: str) -> timedelta:
    return clock.moment() - datetime.fromisoformat(moment)
