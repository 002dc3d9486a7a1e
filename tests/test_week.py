"""A week of sources under a moved clock, with everything that goes wrong in a week: it ends with the account equal to the sources, row for row.

INTAKE_LONG_WEEK=1 makes it twenty sources, four runs a day and an account that misbehaves.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from shutil import which

import httpx
import obstore
import pytest
from obstore.store import S3Store

from ingest import pulling, push, sources
from ingest.billing import BillingClient
from ingest.errors import IngestError
from ingest.settings import settings
from ingest.store import accounts, clock, open_rows, pushes, runs
from ingest.store import sources as stored
from schemas.event_type import EventType, Field
from schemas.pull_run import PullRun
from tests import file_servers
from tests.clickhouse_server import clickhouse
from tests.database_servers import mariadb, postgres
from tests.file_servers import WebServer, fingerprint, ssh_key
from tests.test_push import account
from tests.week_files import AtLink, InBucket, InFolder, OnSftp
from tests.week_places import InClickHouse, InDuckDB, InMariaDB, InPostgres, InSQLite, Place, Usage

LONG = bool(os.environ.get("INTAKE_LONG_WEEK"))
MONDAY = datetime(2031, 10, 20, 0, 30, tzinfo=UTC)
"""The clocks of Berlin go back on the Sunday of this week, at 01:00 UTC."""
EVERY = timedelta(hours=6 if LONG else 24)
ROUNDS, CALM = timedelta(days=8) // EVERY, timedelta(days=2) // EVERY
"""In the calm at the end nothing is written and nothing goes wrong."""
KINDS = ("postgresql", "mariadb", "clickhouse", "sqlite", "duckdb", "s3", "sftp", "link", "folder")
NAMES = [f"{kind}-{number}" for number in (1, 2, 3) for kind in KINDS][:20 if LONG else 9]
CUSTOMERS = ("cus_acme", "cus_globex")
COMPUTE = EventType(name="Compute", slug="compute", fields=tuple(Field(name=name, type=kind) for name, kind in (("cpu_hours", "Decimal"), ("event_id", "String"), ("import_id", "String"))))
MISBEHAVES = {"seed": 7} if LONG else {}
ODD_ANSWERS = () if LONG else (None, None, "store_then_cut", None, None, "refuse_503", None, None, None, "store_then_500")


@pytest.fixture
def places(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Place]]:
    """Every place of the week, empty, and an account to send to."""
    pytest.importorskip("chdb")
    if not which("mariadbd", path="/usr/sbin:/usr/bin"):
        pytest.skip("MariaDB isn't installed here (Debian's package mariadb-server)")
    monkeypatch.setenv("INTAKE_PULL_ALLOW", "127.0.0.0/8")
    settings.cache_clear()
    with ExitStack() as stack:
        stack.enter_context(account(home, *ODD_ANSWERS, event_type=COMPUTE, **MISBEHAVES))
        make = servers(tmp_path, stack)
        made = [make[name.partition("-")[0]](name) for name in NAMES]
        for place in made:
            monkeypatch.setenv(place.secret, os.environ.get(place.secret, ""))  # gone again after the test
            if place.wire:
                stack.enter_context(closing(place.wire))
        yield made


def servers(folder: Path, stack: ExitStack) -> dict[str, Callable[[str], Place]]:
    """What makes a place of each kind. Programs begin first, and are waited for last."""
    for name in ("s3", "sftp"):
        (folder / name).mkdir()
    for name in ("user", "host"):
        ssh_key(folder / name)
    (folder / "sftp" / "data").mkdir()
    bucket, sftp = file_servers.seaweed(folder / "s3"), file_servers.rclone_sftp(folder / "sftp", folder / "host", folder / "user.pub")
    for program in (bucket, sftp):
        stack.callback(program.close)
    root = Path("/tmp") / f"intake-week-{os.getpid()}"  # the path of a socket must be short
    databases = {"postgresql": stack.enter_context(postgres(root / "p")), "mariadb": stack.enter_context(mariadb(root / "m"))}
    web, house = WebServer({}), stack.enter_context(clickhouse())
    stack.callback(web.close)
    admin = S3Store("usage", endpoint=f"http://127.0.0.1:{bucket.wait().port}", region="us-east-1", access_key_id="admin-key", secret_access_key="admin-s3cret", client_options={"allow_http": True})
    assert httpx.put(obstore.sign(admin, "PUT", "", timedelta(minutes=5))).status_code == 200
    return {
        "postgresql": partial(InPostgres, server=databases["postgresql"]), "mariadb": partial(InMariaDB, server=databases["mariadb"]), "clickhouse": partial(InClickHouse, url=house),
        "sqlite": partial(InSQLite, folder=folder), "duckdb": partial(InDuckDB, folder=folder), "folder": partial(InFolder, folder=folder), "link": partial(AtLink, server=web),
        "s3": partial(InBucket, port=bucket.port), "sftp": partial(OnSftp, port=sftp.wait().port, known=fingerprint(folder / "host.pub"), data=folder / "sftp" / "data"),
    }


# What happens in the week.


class World:
    """Writes usage and lets things go wrong, by chance, the same with every seed."""

    def __init__(self, places: Sequence[Place], seed: int) -> None:
        self.places, self.chance, self.rows, self.over = places, random.Random(seed), 0, []
        self.happened: Counter[str] = Counter()

    def usage(self, at: datetime, updated: datetime) -> Usage:
        self.rows += 1
        return Usage(self.rows, CUSTOMERS[self.rows % 2], at.replace(microsecond=0), Decimal(self.rows) / 4, updated)

    def write(self, place: Place, moment: datetime) -> None:
        """New rows, some with one cursor, some later than they should be, and now and then one that is ahead of its time."""
        before = max((row.updated for row in place.truth), default=moment - EVERY)
        early, soon = moment - EVERY + timedelta(minutes=40), moment - timedelta(minutes=5)
        cursors = [early, soon, soon] if place.truth else [soon, soon]
        if place.has_cursor and place.truth:
            cursors += [before, *([before - timedelta(hours=1)] if place.document()["lookback"] != "0" else [])]
        rows = [self.usage(updated - timedelta(seconds=self.rows % 3600), updated) for updated in cursors]
        if self.chance.random() < 0.2:
            rows.append(self.usage(moment + timedelta(hours=5, seconds=self.rows % 3600), soon))
            self.happened["ahead of its time"] += 1
        place.write(rows)

    def trouble(self, place: Place) -> int | None:
        """Something that goes wrong at a place until the end of the round. A number is the step after which the worker is killed."""
        kind = self.chance.choice(("none", "none", "cut", "lock", "kill", "note", "rename", "astray"))
        if kind == "rename" and (place.hours != "hours" or not place.is_of_one_kind) or kind == "astray" and not isinstance(place, AtLink):
            kind = "cut"
        self.happened[kind] += 1
        if kind == "kill":
            return self.chance.randrange(4)
        if kind in ("cut", "lock", "astray"):
            {"cut": partial(place.cut, self.chance.randrange(50, 3000)), "lock": place.lock, "astray": getattr(place, "astray", None)}[kind]()
            self.over.append({"cut": place.mend, "lock": place.unlock, "astray": getattr(place, "back", None)}[kind])
        elif kind == "note":
            (place.note_goes if place.note else place.note_comes)()
        elif kind == "rename":
            place.rename_hours()
        return None

    def calm(self) -> None:
        while self.over:
            self.over.pop()()


# What the worker does, and the person who looks in now and then.


def bring_on(run: PullRun, killed_after: int | None) -> None:
    """A run to where it ends or waits. A step after which the worker is killed is done again: nobody noted that it was done."""
    try:
        for number, step in enumerate((_try_again, pulling.fetch, pulling.take_in, pulling.decide)):
            step(run.id)
            if number == killed_after:
                step(run.id)
    except IngestError as error:
        pulling.fail(run.id, str(error), error.exit_code)


def _try_again(run_id: str) -> None:
    for import_id in pulling.try_rejected_again(run_id):
        push.begin(import_id, "worker")


def send_all() -> None:
    """Sends what was begun, and what waits from before."""
    for waiting in pushes.in_state("waiting", "queued", "planning", "sending", "verifying"):
        push.plan(waiting.id)
        push.remember_before(waiting.id)
        with BillingClient(accounts.account("Test"), sleep=lambda _: None) as client:
            outcomes = [push.send_part(waiting.id, part, client, sleep=lambda _: None).outcome for part in pushes.open_parts(waiting.id)]
        if "waiting" in outcomes:
            push.wait(waiting.id, "The account doesn't answer.")
        else:
            push.end(waiting.id, "finished", sleep=lambda _: None)


def settle_all(places: dict[str, Place]) -> None:
    """Ends the runs that are done. Where one waits since the column that bills has another name, somebody says which."""
    for run in runs.all_open():
        while pulling.settle(run.id) == "checking":
            pulling.take_in(run.id)
            pulling.decide(run.id)
            send_all()
        run = runs.get(run.id)
        if run.state == "waiting":
            assert "no column 'hours' any more" in run.message or "no column 'cpu_time'" in run.message, run.message
            pulling.stop(run.id, "anna")
            sources.add(sources.from_document(places[run.source].document()), "anna")


def held() -> Counter:
    with BillingClient(accounts.account("Test")) as client:
        return Counter((each["customer_id"], each["timestamp"][:19], Decimal(str(each["data"]["cpu_hours"]))) for page in client.row_pages("compute") for each in page)


def test_a_week_ends_with_the_account_equal_to_the_sources(places: list[Place], monkeypatch: pytest.MonkeyPatch):
    world, by_name = World(places, seed=3), {place.name: place for place in places}
    monkeypatch.setattr(clock, "read", lambda: MONDAY - timedelta(hours=1))
    for place in places:
        sources.add(sources.from_document(place.document()), "anna")
    for turn in range(ROUNDS + CALM):
        moment = MONDAY + turn * EVERY
        monkeypatch.setattr(clock, "read", lambda moment=moment: moment)
        killed = {}
        for number, place in enumerate(places):
            if turn < ROUNDS and (turn == 0 or (turn + number) % (2 if LONG else 4) == 0):
                killed[place.name] = world.trouble(place) if turn else None
                world.write(place, moment)
        for run in pulling.begin_due(moment):
            bring_on(run, killed.get(run.source))
        send_all()
        settle_all(by_name)
        pulling.look_around(moment)
        world.calm()
    truth = Counter(row.event for place in places for row in place.truth)
    assert (sorted((truth - held()).items()), sorted((held() - truth).items())) == ([], [])
    assert [(entry.code, entry.count) for entry in open_rows.all_open()] == []
    assert [(place.name, stored.get(place.name).failures, [alarm.kind for alarm in stored.open_alarms(place.name)]) for place in places] == [(place.name, 0, []) for place in places]
    print(world.happened, len(truth))
