"""Files from a browser: tickets, slices, limits, and what a cut or hostile upload leaves behind (nothing)."""

import errno
import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from ingest import files, upload
from ingest.errors import BadInput
from ingest.headers import HEADERS, OwnHosts, SecurityHeaders
from ingest.settings import settings
from ingest.store import imports as stored_imports
from ingest.store import uploads

BYTES = b"customer,quantity\nacme,3\n"


@contextmanager
def serving(app: ASGIApp) -> Iterator[httpx.Client]:
    """A real server in this process, and a client of its own origin."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            with httpx.Client(base_url=address, headers={"Origin": address}, trust_env=False, timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def browser(home: Path) -> Iterator[httpx.Client]:
    """Something that can send requests to the upload routes."""
    with serving(Starlette(routes=upload.routes)) as client:
        yield client


def put(browser: httpx.Client, ticket: tuple[str, str], data: bytes = BYTES, offset: int = 0, **headers: str):
    return browser.put(f"/api/uploads/{ticket[0]}?offset={offset}", content=data, headers={"X-Upload-Ticket": ticket[1], **headers})


def complete(browser: httpx.Client, ticket: tuple[str, str], size: int = len(BYTES), name: str = "usage.csv"):
    return browser.post(f"/api/uploads/{ticket[0]}/complete", json={"name": name, "size": size}, headers={"X-Upload-Ticket": ticket[1]})


def left() -> list[str]:
    return sorted(path.name for path in upload.spool().iterdir())


def test_a_file_arrives_whole(browser: httpx.Client):
    ticket = upload.mint("ana")
    assert put(browser, ticket).json() == {"offset": len(BYTES)}
    assert complete(browser, ticket).json() == {"id": ticket[0]}
    assert left() == [ticket[0]]
    stored = uploads.get(ticket[0], "ana")
    assert (stored.file_name, stored.size, stored.sha256) == ("usage.csv", len(BYTES), hashlib.sha256(BYTES).hexdigest())


def test_a_file_arrives_in_slices_and_goes_on_after_a_break(browser: httpx.Client):
    ticket = upload.mint("ana")
    put(browser, ticket, BYTES[:10])
    assert put(browser, ticket, BYTES[:10], offset=0).json()["offset"] == 10
    assert put(browser, ticket, BYTES[12:], offset=12).status_code == 409
    assert browser.get(f"/api/uploads/{ticket[0]}", headers={"X-Upload-Ticket": ticket[1]}).json() == {"offset": 10}
    put(browser, ticket, BYTES[10:], offset=10)
    assert complete(browser, ticket).status_code == 200
    assert (upload.spool() / ticket[0]).read_bytes() == BYTES


def test_an_empty_file_arrives(browser: httpx.Client):
    ticket = upload.mint("ana")
    assert complete(browser, ticket, size=0).status_code == 200
    assert uploads.get(ticket[0], "ana").size == 0


@pytest.mark.parametrize(("token", "why"), [
    ("", "none"),
    ("nonsense", "no signature"),
    ("e30=.00", "foreign signature"),
    ("e30=.é", "not even ASCII"),
])
def test_no_ticket_no_upload(browser: httpx.Client, token: str, why: str):
    ticket = upload.mint("ana")
    answer = browser.put(f"/api/uploads/{ticket[0]}?offset=0", content=BYTES, headers={"X-Upload-Ticket": token.encode("latin-1")})
    assert (answer.status_code, left()) == (401, []), why


def test_a_ticket_cannot_be_changed(browser: httpx.Client):
    _, token = upload.mint("ana")
    body, _, signature = token.partition(".")
    other = upload.mint("eve")[1].partition(".")[0]
    for forged in (f"{other}.{signature}", f"{body}.{signature[:-1]}0", f"{body}A.{signature}"):
        if forged != token:
            assert browser.get("/api/uploads/up_" + "0" * 32, headers={"X-Upload-Ticket": forged}).status_code == 401


def test_a_ticket_is_for_its_own_upload_only(browser: httpx.Client):
    mine, other = upload.mint("ana"), upload.mint("ana")
    assert put(browser, (other[0], mine[1])).status_code == 401
    assert left() == []


def test_a_ticket_grows_old(browser: httpx.Client, home: Path):
    ticket = upload.mint("ana", now=1.0)
    answer = put(browser, ticket)
    assert answer.status_code == 401
    assert "Reload" in answer.json()["sentence"]


def test_a_ticket_is_good_for_one_file(browser: httpx.Client):
    ticket = upload.mint("ana")
    put(browser, ticket)
    complete(browser, ticket)
    assert put(browser, ticket, b"other bytes").status_code == 409
    assert put(browser, ticket, b"more", offset=len(BYTES)).status_code == 409
    assert complete(browser, ticket, size=3).status_code == 409
    assert (upload.spool() / ticket[0]).read_bytes() == BYTES


def test_the_last_answer_may_get_lost(browser: httpx.Client):
    ticket = upload.mint("ana")
    put(browser, ticket)
    assert [complete(browser, ticket).status_code for _ in range(2)] == [200, 200]
    assert browser.get(f"/api/uploads/{ticket[0]}", headers={"X-Upload-Ticket": ticket[1]}).json() == {"offset": len(BYTES)}


def test_tickets_survive_a_restart(browser: httpx.Client):
    ticket = upload.mint("ana")
    settings.cache_clear()
    assert put(browser, ticket).status_code == 200
    assert (settings().home / "ticket.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
def test_other_sites_cannot_upload(browser: httpx.Client, headers: dict[str, str]):
    assert put(browser, upload.mint("ana"), **headers).status_code == 403
    assert left() == []


@pytest.mark.parametrize("path", ["..%2F..%2Fetc%2Fpasswd", "..", "up_1", "up_" + "g" * 32, "state.db", "%00", "up_" + "0" * 32 + "%2F..%2Fx"])
def test_an_id_is_never_a_path(browser: httpx.Client, path: str):
    before = sorted(each.name for each in settings().home.rglob("*"))
    answer = browser.put(f"/api/uploads/{path}?offset=0", content=BYTES, headers={"X-Upload-Ticket": upload.mint("ana")[1]})
    assert answer.status_code in (401, 404, 405)
    after = sorted(each.name for each in settings().home.rglob("*"))
    assert set(after) - set(before) <= {"ticket.key", "spool"}


@pytest.mark.parametrize(("name", "shown"), [
    ("usage.csv", "usage.csv"),
    ("../../etc/passwd", "passwd"),
    ("C:\\Users\\ana\\October.xlsx", "October.xlsx"),
    ("a\x00b\r\n.csv", "ab.csv"),
    ("invoice\u202Evsc.exe", "invoicevsc.exe"),
    ("", "unnamed file"),
    (None, "unnamed file"),
    ("..", ".."),
    ("x" * 5000 + ".csv", "x" * 180 + "….csv"),
])
def test_a_file_name_is_only_shown(browser: httpx.Client, name: str, shown: str):
    ticket = upload.mint("ana")
    put(browser, ticket)
    assert complete(browser, ticket, name=name).status_code == 200
    assert uploads.get(ticket[0], "ana").file_name == shown
    assert left() == [ticket[0]]


@pytest.mark.parametrize("length_is_said", [True, False])
def test_a_file_too_large_leaves_nothing(browser: httpx.Client, monkeypatch: pytest.MonkeyPatch, length_is_said: bool):
    monkeypatch.setenv("INTAKE_UPLOAD_MAX_BYTES", "20")
    settings.cache_clear()
    ticket = upload.mint("ana")
    body = BYTES if length_is_said else iter([BYTES[:10], BYTES[10:]])
    answer = put(browser, ticket, body)
    assert answer.status_code == 413
    assert "larger than" in answer.json()["sentence"]
    assert left() == []


def test_a_file_too_large_in_its_second_slice_leaves_nothing(browser: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INTAKE_UPLOAD_MAX_BYTES", "20")
    settings.cache_clear()
    ticket = upload.mint("ana")
    assert put(browser, ticket, BYTES[:15]).status_code == 200
    assert put(browser, ticket, BYTES[15:], offset=15).status_code == 413
    assert left() == []


def test_a_disk_that_is_nearly_full_is_said_before_anything_is_written(browser: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INTAKE_FREE_BYTES", str(10**18))
    settings.cache_clear()
    answer = put(browser, upload.mint("ana"))
    assert answer.status_code == 507
    assert "Free some room" in answer.json()["sentence"]
    assert left() == []


def test_a_disk_that_fills_up_while_writing_leaves_nothing(browser: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    class Full:
        def write(self, _data: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    ticket = upload.mint("ana")
    put(browser, ticket, BYTES[:10])
    part = upload.spool() / f"{ticket[0]}.part"
    assert part.exists()
    with pytest.raises(upload.No) as no:
        upload._append(Full(), BYTES, part)
    assert no.value.status == 507
    assert left() == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"size": "10"}', b'{"name": "x"}'])
def test_a_message_that_makes_no_sense_is_refused(browser: httpx.Client, body: bytes):
    ticket = upload.mint("ana")
    answer = browser.post(f"/api/uploads/{ticket[0]}/complete", content=body, headers={"X-Upload-Ticket": ticket[1]})
    assert answer.status_code == 400


def test_a_message_too_long_is_refused(browser: httpx.Client):
    ticket = upload.mint("ana")
    assert browser.post(f"/api/uploads/{ticket[0]}/complete", content=b"x" * 20_000, headers={"X-Upload-Ticket": ticket[1]}).status_code == 413


def test_a_file_that_is_not_whole_is_not_taken(browser: httpx.Client):
    ticket = upload.mint("ana")
    put(browser, ticket, BYTES[:10])
    answer = complete(browser, ticket)
    assert (answer.status_code, answer.json()["offset"]) == (409, 10)
    assert left() == [f"{ticket[0]}.part"]


def test_a_cancelled_upload_leaves_nothing_and_its_ticket_can_be_used(browser: httpx.Client):
    ticket = upload.mint("ana")
    put(browser, ticket, BYTES[:10])
    assert browser.delete(f"/api/uploads/{ticket[0]}", headers={"X-Upload-Ticket": ticket[1]}).status_code == 200
    assert left() == []
    assert put(browser, ticket).status_code == 200


def test_the_janitor_removes_what_broke_off_long_ago(browser: httpx.Client):
    old, finished, fresh = upload.mint("ana"), upload.mint("ana"), upload.mint("ana")
    put(browser, old)
    put(browser, finished)
    complete(browser, finished)
    now = (upload.spool() / finished[0]).stat().st_mtime
    assert upload.clean_spool(3600, now=now + 3000) == 0
    put(browser, fresh)
    assert upload.clean_spool(3600, now=now + 3700) == 3
    assert left() == []
    with pytest.raises(BadInput):
        uploads.get(finished[0], "ana")


def test_an_upload_belongs_to_whoever_made_it(browser: httpx.Client):
    ticket = upload.mint("ana")
    put(browser, ticket)
    complete(browser, ticket)
    with pytest.raises(BadInput):
        upload.bring_in(ticket[0], "eve")


def arrive(browser: httpx.Client, who: str, data: bytes = BYTES) -> str:
    ticket = upload.mint(who)
    put(browser, ticket, data)
    complete(browser, ticket, size=len(data))
    return ticket[0]


def test_an_upload_becomes_one_import(browser: httpx.Client):
    upload_id = arrive(browser, "ana")
    first, second = (upload.bring_in(upload_id, "ana") for _ in range(2))
    assert first.import_id == second.import_id
    source = files.import_folder(first.import_id) / "source" / hashlib.sha256(BYTES).hexdigest()
    assert source.read_bytes() == BYTES
    assert [name for name in left() if not name.endswith(".lock")] == []


def test_the_second_person_with_the_same_file_is_told(browser: httpx.Client):
    first = upload.bring_in(arrive(browser, "ana"), "ana")
    second_id = arrive(browser, "ben")
    second = upload.bring_in(second_id, "ben")
    assert (second.import_id, [record.id for record in second.known]) == (None, [first.import_id])
    assert second.known[0].created_by == "ana"
    on_purpose = upload.bring_in(second_id, "ben", again=True)
    assert on_purpose.import_id not in (None, first.import_id)


def zipped(members: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


@pytest.mark.parametrize("members, made", [
    ({"jan.csv": "a,b\n1,2\n", "feb.csv": "a,b\n3,4\n", "logo.gif": "GIF89a"}, ["a.zip/jan.csv", "a.zip/feb.csv"]),
    ({"jan.csv": "a,b\n1,2\n", "logo.gif": "GIF89a"}, ["a.zip"]),
    ({"../jan.csv": "a,b\n1,2\n", "feb.csv": "a,b\n3,4\n"}, ["a.zip"]),
], ids=["two tables", "one table", "a name that climbs out"])
def test_each_table_of_an_archive_becomes_an_import(browser: httpx.Client, members: dict[str, str], made: list[str]):
    ticket, data = upload.mint("ana"), zipped(members)
    put(browser, ticket, data)
    complete(browser, ticket, size=len(data), name="a.zip")
    arrival = upload.bring_in(ticket[0], "ana")
    ids = [arrival.import_id, *arrival.also]
    assert [stored_imports.get(each).file_name for each in ids] == made
    if len(made) > 1:
        assert [(files.import_folder(each) / "source" / stored_imports.get(each).sha256).read_text() for each in ids] == list(members.values())[:2]
    assert [name for name in left() if not name.endswith(".lock")] == []


def test_every_answer_carries_the_security_headers():
    with serving(SecurityHeaders(Starlette())) as client:
        answer = client.get("/nowhere")
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize(("host", "bound_to", "status"), [
    ("127.0.0.1:8501", "127.0.0.1", 404),
    ("localhost", "127.0.0.1", 404),
    ("[::1]:8501", "127.0.0.1", 404),
    ("evil.example", "127.0.0.1", 421),
    ("127.0.0.1.evil.example", "127.0.0.1", 421),
    ("portal.company.example", "0.0.0.0", 404),
])
def test_the_portal_answers_to_its_own_names(home: Path, monkeypatch: pytest.MonkeyPatch, host: str, bound_to: str, status: int):
    monkeypatch.setenv("INTAKE_PORTAL_HOST", bound_to)
    settings.cache_clear()
    with serving(OwnHosts(Starlette())) as client:
        assert client.get("/nowhere", headers={"host": host}).status_code == status
