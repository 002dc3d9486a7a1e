"""Alarms, brought to whoever wants to hear: by mail, and to an address of the company's own.

A run only lays them into the outbox, one file for each receiver; the worker brings them, and tries again what couldn't be delivered. A receiver may get an alarm twice (its `id` tells), but never none.
"""

import json
import logging
import secrets
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from ingest.errors import BadInput, IngestError
from ingest.settings import settings
from ingest.source_secrets import masked, resolve
from schemas.base import Frozen
from schemas.pull_run import Alarm, AlarmKind
from schemas.source import Source

log = logging.getLogger("intake.alarms")

SECONDS = 5
AGAIN = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=3))
"""How long after each failure it is tried again; the last one stays."""
GIVEN_UP = timedelta(days=3)
WEBHOOK = "webhook"
SAID: dict[AlarmKind, str] = {
    "failed": "A run failed. What was sent before stays, and the next run reads the same rows again.", "late": "A run waits for a person, or didn't begin when it was due.",
    "silent": "Nothing new has come for longer than is usual.", "volume": "Far more or far fewer rows came than usual.", "rejected": "Some rows need fixing and aren't billed yet.",
    "drift": "What came doesn't fit what the source was set up for, so nothing of it was sent.", "removed": "Rows that were sent are in the source no more.",
    "paused": "The source was paused, and isn't read any more until somebody lets it go on.", "recovered": "It works again.",
}
IN_COUNTS = ("failed", "silent", "volume", "rejected", "removed", "paused")
"""Kinds whose own text may go out: the others may quote names that stand in the data."""


class Letter(Frozen):
    """What waits in the outbox for one receiver: an address for mail, or `webhook`."""

    to: str
    said: dict[str, str | None]
    since: datetime
    attempts: int = 0
    next_at: datetime


def tell(alarm: Alarm, source: Source) -> None:
    """Lays an alarm out for everybody who wants it. Never raises into a run, and waits for nobody."""
    log.warning("An alarm. action=alarm source=%s kind=%s", source.name, alarm.kind)
    moment = datetime.now(UTC)
    for to in _receivers():
        try:
            _write(_outbox() / f"{time.time_ns()}-{secrets.token_hex(4)}.json", Letter(to=to, said=_said(alarm, source), since=moment, next_at=moment))
        except OSError as error:
            log.error("An alarm couldn't be kept for its receiver. action=alarm-lost source=%s kind=%s reason=%s", source.name, alarm.kind, type(error).__name__)


def bring(moment: datetime) -> None:
    """Brings what waits, in a thread of its own, so that a slow receiver holds nothing up. Does nothing while one is at it."""
    if any(_outbox().glob("*.json")) and _bringing.acquire(blocking=False):
        threading.Thread(target=_bring_and_release, args=(moment,), name="alarms", daemon=True).start()


def deliver(moment: datetime) -> int:
    """Brings what is due, the oldest first; how many are left. A receiver who couldn't be reached isn't tried with the next one at once."""
    unreached: set[str] = set()
    for path in sorted(_outbox().glob("*.json")):
        try:
            letter = Letter.model_validate_json(path.read_bytes())
        except (OSError, ValueError):
            log.error("A file in the outbox can't be read. action=alarm-unreadable file=%s", path.name)
            path.unlink(missing_ok=True)
            continue
        if letter.next_at <= moment and letter.to not in unreached and not _deliver(path, letter, moment):
            unreached.add(letter.to)
    return len(list(_outbox().glob("*.json")))


_bringing = threading.Lock()


def _bring_and_release(moment: datetime) -> None:
    try:
        deliver(moment)
    except OSError as error:
        log.error("The outbox can't be written. action=outbox-broken reason=%s", type(error).__name__)
    finally:
        _bringing.release()


def _deliver(path: Path, letter: Letter, moment: datetime) -> bool:
    """Whether one letter is there: then it is gone, else later again, and given up after some days."""
    about = (letter.said["source"], letter.said["kind"], "webhook" if letter.to == WEBHOOK else "mail", letter.attempts + 1)
    try:
        _send_to(letter.to)(letter)
    except (OSError, ValueError, httpx.HTTPError, IngestError) as error:
        reason = masked(str(error)) if isinstance(error, IngestError) else type(error).__name__  # what a server answers may quote anything
        if moment - letter.since >= GIVEN_UP:
            log.error("An alarm is given up: it couldn't be delivered for three days. action=alarm-given-up source=%s kind=%s to=%s attempts=%d reason=%s", *about, reason)
            path.unlink(missing_ok=True)
            return False
        log.warning("An alarm couldn't be delivered and waits. action=alarm-waits source=%s kind=%s to=%s attempts=%d reason=%s", *about, reason)
        _write(path, letter.model_copy(update={"attempts": letter.attempts + 1, "next_at": moment + AGAIN[min(letter.attempts, len(AGAIN) - 1)]}))
        return False
    path.unlink(missing_ok=True)
    log.info("An alarm was delivered. action=alarm-delivered source=%s kind=%s to=%s attempts=%d", *about)
    return True


def _receivers() -> list[str]:
    given = settings()
    return [*dict.fromkeys(each.strip() for each in given.alarm_email.split(",") if each.strip()), *([WEBHOOK] if given.alarm_webhook else [])]


def _send_to(to: str) -> Callable[[Letter], None]:
    return _post if to == WEBHOOK else _mail


def _said(alarm: Alarm, source: Source) -> dict[str, str | None]:
    """An alarm as it goes out: counts, and no customer's data."""
    text = f"{SAID[alarm.kind]} {alarm.text if alarm.kind in IN_COUNTS else ''}".strip()
    return {"id": f"alarm-{alarm.id}-{alarm.kind}", "kind": alarm.kind, "source": source.name, "text": masked(text), "at": datetime.now(UTC).isoformat(timespec="seconds"), "run": alarm.run}


def _mail(letter: Letter) -> None:
    mail = EmailMessage()
    mail["Subject"] = f"{letter.said['source']}: {SAID[letter.said['kind']].partition('.')[0].partition(',')[0]}"
    mail["From"], mail["To"] = settings().alarm_from, letter.to
    mail["Message-ID"] = f"<{letter.said['id']}.{letter.since:%Y%m%dT%H%M%S%f}@{settings().alarm_from.rpartition('@')[2].rstrip('>') or 'localhost'}>"
    mail["Date"], mail["Auto-Submitted"] = letter.since, "auto-generated"
    run = f"\nIt is about the run {letter.said['run']}." if letter.said["run"] else ""
    mail.set_content(f"{letter.said['text']}\n\nThe source is called {letter.said['source']}; look at it in Usage Intake, under Sources.{run}\n\nNoticed at {letter.said['at']}.\n")
    with _server() as server:
        server.send_message(mail)


def _server() -> smtplib.SMTP:
    """The server that takes mails, signed in. A password goes over a sealed line, or stays on this machine."""
    url = urlsplit(resolve(settings().smtp_url.get_secret_value(), "setting:smtp_url"))
    if url.scheme not in ("smtp", "smtps") or not url.hostname:
        raise BadInput("Alarms are to go out by mail, and smtp_url doesn't say through which server.", "Write it like smtp://user:password@mail.example.com:587.")
    tls = ssl.create_default_context()
    server = smtplib.SMTP_SSL(url.hostname, url.port or 465, timeout=SECONDS, context=tls) if url.scheme == "smtps" else smtplib.SMTP(url.hostname, url.port or 25, timeout=SECONDS)
    try:
        server.ehlo()
        is_sealed = url.scheme == "smtps" or server.has_extn("starttls") and bool(server.starttls(context=tls))
        if url.username:
            if not is_sealed and url.hostname not in ("localhost", "127.0.0.1", "::1"):
                raise BadInput(f"{url.hostname} offers no TLS, so the password of smtp_url isn't given to it.", "Use smtps://, or a server that offers TLS.")
            server.login(unquote(url.username), unquote(url.password or ""))
    except (OSError, IngestError):
        server.close()
        raise
    return server


def _post(letter: Letter) -> None:
    from ingest.calls import signature  # brings a web server's parts along, which nothing else here needs

    body = json.dumps(letter.said).encode()
    headers = {"content-type": "application/json", "user-agent": "usage-intake"}
    if key := settings().alarm_secret.get_secret_value():
        headers["x-intake-signature"] = signature(resolve(key, "setting:alarm_secret"), body, int(time.time()))
    with closing(httpx.Client(timeout=SECONDS)) as client, client.stream("POST", resolve(settings().alarm_webhook, "setting:alarm_webhook"), content=body, headers=headers) as answer:
        answer.raise_for_status()


def _outbox() -> Path:
    return settings().home / "outbox"


def _write(path: Path, letter: Letter) -> None:
    """Whole or not at all; only the owner may read it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(letter.model_dump_json(), encoding="utf-8")
    part.replace(path)
