"""Alarms reach whoever wants them: by mail over a real SMTP server, and as signed JSON; what can't be delivered waits, and is given up after three days."""

import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ingest import alarms, sources
from ingest.pulling import told
from ingest.settings import settings
from ingest.store import sources as stored
from schemas.pull_run import Alarm
from schemas.source import Source
from tests.file_servers import free_port

SOURCE = Source(name="usage-db", connector="folder", connection={"path": "/srv/usage"}, read={"files": {"path": "*.csv"}}, event_type="compute")
FAILED = Alarm(id=7, source="usage-db", kind="failed", text="10.0.0.5 doesn't answer.", at="2026-10-05T12:00:00+00:00", run="run_1")


def set_to(monkeypatch: pytest.MonkeyPatch, **given: str) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"INTAKE_{name.upper()}", value)
    settings.cache_clear()


def waiting(home: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted((home / "outbox").glob("*.json"))]


def deliver(after: timedelta = timedelta(0)) -> int:
    return alarms.deliver(datetime.now(UTC) + after)


# Mail.


class Mails:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.signed_in: list[tuple[bytes, bytes]] = []
        self.refuses = ""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return self.refuses or "250 OK"

    def sign_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword) -> AuthResult:
        self.signed_in.append((given.login, given.password))
        return AuthResult(success=given.password == b"p@ss:word", handled=given.password == b"p@ss:word")


@pytest.fixture
def mails() -> Iterator[Mails]:
    taken = Mails()
    server = Controller(taken, hostname="127.0.0.1", port=free_port(), authenticator=taken.sign_in, auth_require_tls=False)
    server.start()
    taken.port = server.port
    yield taken
    server.stop()


def test_everybody_who_wants_it_gets_a_mail(home: Path, mails: Mails, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MAIL_SERVER", f"smtp://anna:p%40ss%3Aword@127.0.0.1:{mails.port}")
    set_to(monkeypatch, alarm_email="anna@example.com, ben@example.com", alarm_from="Usage <usage@example.com>", smtp_url="env:MAIL_SERVER")
    alarms.tell(FAILED, SOURCE)
    assert (deliver(), waiting(home)) == (0, [])
    assert [to for to, _ in mails.mails] == [["anna@example.com"], ["ben@example.com"]]
    mail = mails.mails[0][1]
    assert (mail["Subject"], mail["From"], mail.get_content_type()) == ("usage-db: A run failed", "Usage <usage@example.com>", "text/plain")
    assert "10.0.0.5 doesn't answer." in mail.get_content() and "run_1" in mail.get_content()
    assert mails.signed_in[0] == (b"anna", b"p@ss:word")
    assert deliver() == 0 and len(mails.mails) == 2


@pytest.mark.parametrize("kind", alarms.SAID)
def test_every_kind_has_words_and_only_counts_go_out(home: Path, kind: str):
    said = alarms._said(FAILED.model_copy(update={"kind": kind, "text": "3 rows of Globex"}), SOURCE)
    assert (len(said["text"]) > 10, "Globex" in said["text"]) == (True, kind in alarms.IN_COUNTS)


def test_a_recovery_is_told_too(home: Path, mails: Mails, monkeypatch: pytest.MonkeyPatch):
    set_to(monkeypatch, alarm_email="anna@example.com", smtp_url=f"smtp://127.0.0.1:{mails.port}")
    sources.add(SOURCE, "anna")
    told.tell(SOURCE, "failed", "It failed.")
    told.tell(SOURCE, "failed", "It failed again.")
    told.all_well(SOURCE, ("failed",), "run_2")
    told.all_well(SOURCE, ("failed",), "run_3")
    assert deliver() == 0
    assert [mail["Subject"] for _, mail in mails.mails] == ["usage-db: A run failed", "usage-db: It works again"]


@pytest.mark.parametrize(("url", "refuses", "reason"), [
    ("smtp://anna:wrong@127.0.0.1:{port}", "", "SMTPAuthenticationError"), ("smtp://127.0.0.1:{port}", "451 later", "SMTPDataError"), ("", "", "doesn't say through which server"),
    ("smtps://127.0.0.1:{port}", "", ssl.SSLError.__name__), ("smtp://127.0.0.1:{free}", "", "ConnectionRefusedError"), ("env:NOT_THERE", "", "no variable NOT_THERE"),
])
def test_a_mail_that_cannot_go_waits_and_its_password_is_never_said(home: Path, mails: Mails, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, url: str, refuses: str, reason: str):
    mails.refuses = refuses
    set_to(monkeypatch, alarm_email="anna@example.com", smtp_url=url.format(port=mails.port, free=free_port()))
    alarms.tell(FAILED, SOURCE)
    assert (deliver(), waiting(home)[0]["attempts"]) == (1, 1)
    assert reason in caplog.text and "wrong" not in caplog.text


def test_a_password_is_not_given_to_a_far_server_without_tls(home: Path, mails: Mails, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    connect = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda address, *more, **named: connect(("127.0.0.1", address[1]), *more, **named))
    set_to(monkeypatch, alarm_email="anna@example.com", smtp_url=f"smtp://anna:p%40ss%3Aword@mail.example.com:{mails.port}")
    alarms.tell(FAILED, SOURCE)
    assert (deliver(), mails.signed_in) == (1, [])
    assert "offers no TLS" in caplog.text


# The webhook.


class Hook:
    """An address that takes alarms; `answers` are its next answers, 200 where there are none."""

    def __init__(self) -> None:
        self.port, self.taken, self.answers, self.go_on = free_port(), [], [], threading.Event()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alarms?key=hidden"

    def start(self) -> None:
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.taken.append((dict(self.headers.items()), self.rfile.read(int(self.headers["Content-Length"]))))
                answer = hook.answers.pop(0) if hook.answers else 200
                if answer == "slow":
                    hook.go_on.wait(10)
                self.send_response(200 if answer == "slow" else answer)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self) -> None:
        self.go_on.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()


@pytest.fixture
def hook(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    here = Hook()
    set_to(monkeypatch, alarm_webhook=here.url, alarm_secret="a shared secret")
    yield here
    here.stop()


def test_a_webhook_gets_signed_json(home: Path, hook: Hook):
    hook.start()
    alarms.tell(FAILED, SOURCE)
    assert deliver() == 0
    headers, body = hook.taken[0]
    said = json.loads(body)
    assert {name: said[name] for name in ("id", "kind", "source", "run")} == {"id": "alarm-7-failed", "kind": "failed", "source": "usage-db", "run": "run_1"}
    moment, proof = (part.partition("=")[2] for part in headers["x-intake-signature"].split(","))
    assert proof == hmac.new(b"a shared secret", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("fault", [500, 404, 302, "slow", "down"])
def test_what_a_webhook_does_not_take_is_brought_later(home: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: object):
    monkeypatch.setattr(alarms, "SECONDS", 0.2)
    if fault != "down":
        hook.answers.append(fault)
        hook.start()
    alarms.tell(FAILED, SOURCE)
    assert [deliver(), deliver(timedelta(seconds=30))] == [1, 1]
    assert len(hook.taken) == (fault != "down")
    if fault == "down":
        hook.start()
    assert (deliver(timedelta(minutes=2)), waiting(home)) == (0, [])
    assert len({body for _, body in hook.taken}) == 1
    assert "hidden" not in caplog.text


def test_it_is_tried_less_and_less_often_and_given_up_after_three_days(home: Path, hook: Hook, caplog: pytest.LogCaptureFixture):
    alarms.tell(FAILED, SOURCE)
    at, pauses = datetime.now(UTC), []
    while alarms.deliver(at):
        pauses.append(datetime.fromisoformat(waiting(home)[0]["next_at"]) - at)
        at += pauses[-1]
    assert pauses[:5] == list(alarms.AGAIN) and sum(pauses, timedelta(0)) >= alarms.GIVEN_UP
    assert len(pauses) < 40 and "action=alarm-given-up" in caplog.text


def test_a_receiver_that_is_down_is_asked_once_for_all_and_holds_no_other_up(home: Path, hook: Hook, mails: Mails, monkeypatch: pytest.MonkeyPatch):
    hook.answers = [500, 500, 500]
    hook.start()
    set_to(monkeypatch, alarm_email="anna@example.com", smtp_url=f"smtp://127.0.0.1:{mails.port}")
    for _ in range(3):
        alarms.tell(FAILED, SOURCE)
    assert (deliver(), len(hook.taken), len(mails.mails)) == (3, 1, 3)


# The outbox.


def test_telling_never_fails_and_asks_nobody(home: Path, hook: Hook, caplog: pytest.LogCaptureFixture):
    (home / "outbox").write_text("not a folder")
    alarms.tell(FAILED, SOURCE)
    assert "action=alarm-lost" in caplog.text and hook.taken == []


def test_who_wants_nothing_gets_nothing(home: Path):
    alarms.tell(FAILED, SOURCE)
    assert waiting(home) == []


def test_a_spoilt_file_is_put_away_and_the_others_go(home: Path, hook: Hook):
    hook.start()
    (home / "outbox").mkdir()
    (home / "outbox" / "0.json").write_text("{")
    alarms.tell(FAILED, SOURCE)
    assert (deliver(), len(hook.taken)) == (0, 1)


def test_the_worker_is_not_held_up_by_a_slow_receiver(home: Path, hook: Hook):
    hook.answers = ["slow"]
    hook.start()
    alarms.tell(FAILED, SOURCE)
    for _ in range(5):
        alarms.bring(datetime.now(UTC))
    assert len(waiting(home)) == 1
    hook.go_on.set()
    for thread in [each for each in threading.enumerate() if each.name == "alarms"]:
        thread.join(5)
    assert (len(hook.taken), waiting(home)) == (1, [])


def test_alarms_of_a_source_are_raised_once(home: Path):
    sources.add(SOURCE, "anna")
    for _ in range(2):
        told.tell(SOURCE, "failed", "It failed.")
    assert len(stored.open_alarms("usage-db")) == 1
