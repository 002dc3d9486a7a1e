"""Files from where they lie: a folder, a link, a bucket, SFTP. Whole or not at all, known by what changes when they do, and each failure a sentence."""

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from ingest.errors import BadInput, DiskFull, Refused, Unreachable
from ingest.pull.connectors import connector
from ingest.pull.folder import Folder, FolderConnection
from ingest.pull.https import Link, LinkConnection
from ingest.pull.patterns import checked, depth, fixed_part, matcher
from ingest.read import read_file
from ingest.settings import settings
from schemas.reading import ReadSpec
from schemas.source import Files, ListedFile, Read
from tests import file_servers
from tests.file_servers import USAGE, WebServer, body, certificate, packed, redirect, serving, status

STRANGE = ("a b.csv", "ünïcödé 用量.csv", "100%.csv", "a%20b.csv", "two\nlines.csv", "dots..csv", "q?x=1#y.csv", "semi;colon&amp.csv", "quote'\".csv", "[1] (2) {3}.csv", "back\\slash.csv", " lead.csv")


# Which files are meant.


@pytest.mark.parametrize(("path", "meant", "not_meant"), [
    ("exports/*.csv", ["exports/a.csv", "exports/A.CSV", "exports/x.y.csv"], ["exports/a.csv.gz", "exports/sub/a.csv", "a.csv", "Exports/a.csv", "exports/.a.csv"]),
    ("exports/**/*.csv", ["exports/a.csv", "exports/2026/10/a.csv"], ["exports/a.txt", "exports/.hidden/a.csv", "exports/_temporary/0/a.csv", "other/a.csv"]),
    ("**", ["a", "b/c/d.csv"], [".a", "b/.c/d", "a.part", "b/~$book.xlsx", "a.tmp", "a.crdownload", "a.csv~", "a.filepart"]),
    ("", ["a.csv"], ["b/a.csv"]),
    ("exports", ["exports", "exports/a.csv"], ["exports/b/a.csv", "exports2"]),
    ("exports/", ["exports/a.csv"], ["exports/b/a.csv"]),
    ("usage-*-final.xlsx", ["usage-2026-10-final.xlsx", "usage--final.xlsx"], ["usage-final.xlsx", "usage-a/b-final.xlsx"]),
    ("*/usage [1].csv", ["de/usage [1].csv"], ["usage [1].csv", "de/usage 1.csv"]),
    ("bu\u0308ro/*", ["bu\u0308ro/a.csv"], []),
    ("*u\u0308.csv", ["\u00fc.csv", "u\u0308.csv"], []),
])
def test_a_path_says_which_files_are_meant(path: str, meant: list[str], not_meant: list[str]):
    assert [name for name in meant if not matcher(path)(name)] == []
    assert [name for name in not_meant if matcher(path)(name)] == []


@pytest.mark.parametrize(("path", "fixed", "deep"), [("exports/*.csv", "exports/", 0), ("a/b/**/*.csv", "a/b/", None), ("*/x/*.csv", "", 2), ("exports", "", 1), ("", "", 1), ("a/b*/c.csv", "a/", 1)])
def test_only_folders_that_can_have_them_are_looked_into(path: str, fixed: str, deep: int | None):
    assert (fixed_part(path), depth(path)) == (fixed, deep)


@pytest.mark.parametrize("path", ["../x", "a/../../x", "..", "a\\..\\x", "a\0b"])
def test_no_path_leads_out(path: str):
    with pytest.raises(BadInput, match="leads out"):
        checked(path)


# What all connectors of files have.

CONNECTIONS = {
    "folder": {"path": "/srv/usage"},
    "https": {"url": "https://example.com/a.csv", "user": "me", "password": "s3cret", "headers": {"X-Key": "s3cret"}},
    "s3": {"bucket": "usage", "access_key_id": "key", "secret_access_key": "s3cret", "session_token": "s3cret"},
    "gcs": {"bucket": "usage", "service_account": "s3cret"},
    "azure": {"account": "account", "container": "usage", "account_key": "s3cret", "sas": "s3cret", "client_secret": "s3cret"},
    "sftp": {"host": "example.com", "user": "me", "password": "s3cret", "private_key": "s3cret", "passphrase": "s3cret"},
}


@pytest.mark.parametrize("name", CONNECTIONS)
def test_a_connector_of_files_can_be_shown_as_a_form(name: str):
    found = connector(name)
    connection = found.model(**CONNECTIONS[name])
    assert (found.name, found.kind, bool(found.title)) == (name, "files", True)
    assert [field for field, info in found.model.model_fields.items() if not info.title] == []
    assert "s3cret" not in repr(connection) + str(connection.model_dump()) + found.rights(connection, None)
    assert found.rights(None, None)
    assert [port for _, port in found.addresses(connection)] == {"folder": [], "sftp": [22]}.get(name, [443])


@pytest.mark.parametrize(("name", "wrong"), [
    ("folder", {"path": "exports"}), ("https", {"token": "both"}), ("https", {"headers": {"X Key": "1"}}), ("https", {"headers": {"X-Key": "1\r\nHost: x"}}), ("s3", {"bucket": "a/b"}), ("s3", {"endpoint": "ftp://x"}), ("azure", {"account": "A b"}),
    ("sftp", {"fingerprint": "MD5:00"}), ("sftp", {"password": None, "private_key": None}), ("sftp", {"nonsense": 1}), ("sftp", {"port": 0}),
])
def test_a_connection_that_cant_be_is_refused_without_its_secrets(name: str, wrong: dict[str, object]):
    with pytest.raises(ValueError) as failure:
        connector(name).model(**{**CONNECTIONS[name], **wrong})
    assert "s3cret" not in str(failure.value)


# A folder.


@pytest.fixture
def folder(home: Path, tmp_path: Path) -> Path:
    (tmp_path / "drop" / "exports").mkdir(parents=True)
    return tmp_path / "drop"


def watched(folder: Path) -> FolderConnection:
    return FolderConnection(path=folder, rest_seconds=0)


def listed(folder: Path, path: str = "exports/*.csv") -> list[ListedFile]:
    return list(Folder().list(watched(folder), Files(path=path)))


@pytest.mark.parametrize("name", STRANGE)
def test_strange_names_are_names(folder: Path, name: str):
    (folder / "exports" / name).write_bytes(USAGE)
    file, = listed(folder)
    assert file.path == f"exports/{name}"
    assert Folder().fetch(watched(folder), file, folder / "out") == file
    assert (folder / "out").read_bytes() == USAGE


def test_what_is_no_finished_file_of_the_folder_is_left_out(folder: Path, tmp_path: Path):
    exports, outside = folder / "exports", tmp_path / "outside.csv"
    outside.write_bytes(b"other people's")
    (exports / "empty.csv").touch()
    (exports / "x.csv").mkdir()
    (exports / "x.csv" / "inside.csv").write_bytes(USAGE)
    os.mkfifo(exports / "pipe.csv")
    for name, target in {"out.csv": outside, "up.csv": "../../outside.csv", "gone.csv": "nowhere", "self.csv": "self.csv", "near.csv": "empty.csv", "loop": folder, "etc": "/etc"}.items():
        (exports / name).symlink_to(target)
    for name in (".hidden.csv", "~$lock.csv", "half.csv.part"):
        (exports / name).touch()
    assert [(file.path, file.size) for file in listed(folder)] == [("exports/empty.csv", 0), ("exports/near.csv", 0)]
    assert [file.path for file in listed(folder, "exports/**/*.csv")] == ["exports/empty.csv", "exports/near.csv", "exports/x.csv/inside.csv"]
    for path, error in {"exports/out.csv": BadInput, "../outside.csv": BadInput, "exports/loop/../outside.csv": BadInput, "exports/pipe.csv": BadInput, "exports/gone.csv": Unreachable}.items():
        with pytest.raises(error):
            Folder().fetch(watched(folder), ListedFile(path=path), folder / "out")
    assert not (folder / "out").exists()


def replaced_by_the_same_size_and_time(file: Path) -> None:
    before = file.stat()
    file.with_suffix(".new").write_bytes(USAGE.replace(b"1.5", b"9.5"))
    os.utime(file.with_suffix(".new"), ns=(before.st_atime_ns, before.st_mtime_ns))
    file.with_suffix(".new").replace(file)


@pytest.mark.parametrize("change", [replaced_by_the_same_size_and_time, lambda file: file.write_bytes(USAGE * 2), lambda file: file.write_bytes(b"less")])
def test_a_file_that_changed_is_another(folder: Path, change: Callable[[Path], None]):
    file = folder / "exports" / "usage.csv"
    file.write_bytes(USAGE)
    before = listed(folder)
    assert listed(folder) == before
    change(file)
    assert listed(folder) != before


def test_the_version_that_was_fetched_is_told(folder: Path):
    (folder / "exports" / "usage.csv").write_bytes(USAGE)
    before, = listed(folder)
    (folder / "exports" / "usage.csv").write_bytes(USAGE * 2)
    assert [Folder().fetch(watched(folder), before, folder / "out")] == listed(folder)
    assert (folder / "out").read_bytes() == USAGE * 2


def test_a_folder_that_isnt_there_or_isnt_one_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / "file").touch()
    for path, error in {"nowhere": Unreachable, "file": BadInput}.items():
        with pytest.raises(error):
            listed(folder / path)
        assert [(step.name, step.ok) for step in Folder().test(watched(folder / path)).steps] == [("path", False)]
    with pytest.raises(Unreachable, match="no folder"):
        listed(folder, "gone/*.csv")
    assert [(step.name, bool(step.todo)) for step in Folder().test(watched(folder)).steps] == [("path", False), ("rights", False), ("empty", False)]
    assert Folder().test(watched(folder), Read(files=Files(path="*.csv"))).steps[-1].todo
    monkeypatch.setenv("INTAKE_PULL_FOLDERS", "/srv/usage, /srv/more")
    settings.cache_clear()
    with pytest.raises(Refused, match="pull_folders"):
        listed(folder)


def test_what_may_not_be_read_is_told_and_not_passed_over(folder: Path):
    if os.geteuid() == 0:
        pytest.skip("the superuser may read everything")
    (folder / "exports" / "shut").mkdir(mode=0)
    with pytest.raises(Refused, match="may not be read"):
        listed(folder, "**")


def test_a_folder_shows_what_is_in_it(folder: Path):
    (folder / "exports" / "usage.csv").write_bytes(USAGE)
    (folder / ".git").mkdir()
    assert [(found.name, found.what) for found in Folder().discover(watched(folder))] == [("exports/*", "folder")]
    assert [(found.name, found.what) for found in Folder().discover(watched(folder), "exports")] == [("exports/usage.csv", "file")]


# A link.


@pytest.fixture
def web(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setenv("INTAKE_PULL_ALLOW", "127.0.0.0/8")
    settings.cache_clear()
    server = WebServer({"/usage.csv": file_servers.kept_file})
    yield server
    server.close()


def get(web: WebServer, path: str, to: Path, **more: object) -> ListedFile:
    return Link(seconds=0.5).fetch(LinkConnection(url=f"{web.url}{path}", **more), ListedFile(path="usage.csv"), to)


def test_a_link_is_one_file(web: WebServer, tmp_path: Path):
    link = LinkConnection(url=f"{web.url}/usage.csv")
    file, = Link().list(link, Files(path=""))
    assert file == ListedFile(path="usage.csv", size=len(USAGE), etag='"v1"', modified="2026-10-13T06:00:00.000000Z")
    assert Link().fetch(link, file, tmp_path / "f") == file
    assert (tmp_path / "f").read_bytes() == USAGE
    assert [headers.get("if-none-match") for _, headers in web.asked] == [None, None, '"v1"']


@pytest.mark.parametrize(("path", "answer", "name"), [
    ("/export?id=7", body(Content_Disposition='attachment; filename="usage 10.csv"'), "usage 10.csv"),
    ("/export", body(Content_Disposition="attachment; filename*=UTF-8''n%C3%A4chste.csv"), "nächste.csv"),
    ("/export", body(Content_Disposition='attachment; filename="../../etc/x.csv"'), "_.._etc_x.csv"),
    ("/a%20b/c%C3%BC.csv", body(), "cü.csv"), ("/", body(), "127.0.0.1"), ("/old.csv", redirect("/usage.csv"), "old.csv"),
])
def test_a_link_says_what_its_file_is_called(web: WebServer, path: str, answer: file_servers.Answer, name: str):
    web.routes[unquote(path.partition("?")[0])] = answer
    assert [file.path for file in Link().list(LinkConnection(url=f"{web.url}{path}"), Files(path=""))] == [name]


@pytest.mark.parametrize(("answer", "sign_in"), [
    (file_servers.only_with("Authorization", "Basic bWU6cMOkc3M="), {"user": "me", "password": "päss"}),
    (file_servers.only_with("Authorization", "Bearer s3cret"), {"token": "s3cret"}),
    (file_servers.only_with("X-Api-Key", "s3cret"), {"headers": {"X-Api-Key": "s3cret"}}),
])
def test_a_link_signs_in(web: WebServer, tmp_path: Path, answer: file_servers.Answer, sign_in: dict[str, object]):
    web.routes["/usage.csv"] = answer
    get(web, "/usage.csv", tmp_path / "f", **sign_in)
    assert (tmp_path / "f").read_bytes() == USAGE
    with pytest.raises(Refused, match="sign-in") as failure:
        get(web, "/usage.csv", tmp_path / "g", token="s3cret-wr0ng")
    assert failure.value.status == 401
    assert "s3cret" not in str(failure.value) + repr(LinkConnection(url=web.url, **sign_in))


def test_what_is_packed_on_its_way_is_read_unpacked(web: WebServer, tmp_path: Path):
    web.routes["/usage.csv"] = packed()
    file, = Link().list(LinkConnection(url=f"{web.url}/usage.csv"), Files(path=""))
    assert (file.size, file.etag) == (None, '"v1"')
    get(web, "/usage.csv", tmp_path / "f")
    (tmp_path / "read").mkdir()
    assert read_file(tmp_path / "f", "usage.csv", ReadSpec(), tmp_path / "read").rows == 1


def test_a_bomb_stays_small_until_it_is_read_and_is_refused_then(web: WebServer, tmp_path: Path):
    web.routes["/usage.csv"] = body(gzip.compress(b"0" * 64 * 1024**2, 9), Content_Encoding="gzip")
    get(web, "/usage.csv", tmp_path / "f")
    assert (tmp_path / "f").stat().st_size < 100_000
    with pytest.raises(BadInput):
        read_file(tmp_path / "f", "usage.csv", ReadSpec(), tmp_path)


@pytest.mark.parametrize(("answer", "error", "match"), [
    (file_servers.cut_off, Unreachable, "cut off"), (file_servers.cut_off_in_pieces, Unreachable, "cut off"), (file_servers.silent, Unreachable, "too long"), (file_servers.endless, BadInput, "larger than"),
    (body(b"x" * 3_000_000), BadInput, "larger than"), (file_servers.changing(), Unreachable, "was changed"), (status(401), Refused, "sign-in"), (status(403), Refused, "may not be read"), (status(404), Refused, "nothing at"),
    (body(b"", 429, Retry_After="30"), Refused, "too often"), (status(500), Refused, "500"), (body(b"", 304), Refused, "304"), (body(b"", 204), Refused, "204"), (body(b"part", 206), Refused, "206"), (lambda request: request.wfile.write(b"SSH-2.0-x\r\n\r\n"), Unreachable, "cut off"),
], ids=["cut off", "cut off in pieces", "silent", "endless", "too large", "changing", "401", "403", "404", "429", "500", "304", "204", "206", "no web server"])
def test_a_file_comes_whole_or_not_at_all(web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: file_servers.Answer, error: type[Exception], match: str):
    monkeypatch.setenv("INTAKE_PULL_MAX_BYTES", "2000000")
    settings.cache_clear()
    web.routes["/usage.csv"] = answer
    (tmp_path / "to").mkdir()
    with pytest.raises(error, match=match):
        get(web, "/usage.csv?key=s3cret", tmp_path / "to" / "f")
    assert list((tmp_path / "to").iterdir()) == []


def test_a_full_disk_stops_what_has_no_end(web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INTAKE_FREE_BYTES", str(1024**6))
    monkeypatch.setattr("ingest.pull.landing.ROOM_EVERY", 1024**2)
    settings.cache_clear()
    web.routes["/usage.csv"] = file_servers.endless
    with pytest.raises(DiskFull):
        get(web, "/usage.csv", tmp_path / "f")


@pytest.mark.parametrize(("path", "answer", "steps"), [
    ("/usage.csv", None, [("name", True), ("port", True), ("tls", True), ("sign-in", True), ("path", True)]),
    ("/usage.csv", body(b""), [("name", True), ("port", True), ("tls", True), ("sign-in", True), ("path", True), ("empty", True)]),
    ("/usage.csv", status(401), [("name", True), ("port", True), ("tls", True), ("sign-in", False)]),
    ("/usage.csv", status(403), [("name", True), ("port", True), ("tls", True), ("rights", False)]),
    ("/gone.csv", None, [("name", True), ("port", True), ("tls", True), ("path", False)]),
    ("/usage.csv", redirect("http://169.254.169.254/"), [("name", True), ("port", True), ("tls", True), ("path", False)]),
])
def test_a_test_says_how_far_it_came(web: WebServer, path: str, answer: file_servers.Answer | None, steps: list[tuple[str, bool]]):
    web.routes["/usage.csv"] = answer or web.routes["/usage.csv"]
    found = Link().test(LinkConnection(url=f"{web.url}{path}"), Read(files=Files(path="*")))
    assert [(step.name, step.ok) for step in found.steps] == steps
    assert all(step.ok or step.todo for step in found.steps)


def test_a_page_to_sign_in_on_is_no_file(web: WebServer, tmp_path: Path):
    web.routes.update({"/usage.csv": redirect("/login"), "/login": body(b"<html><form>", Content_Type="text/html; charset=utf-8")})
    with pytest.raises(Refused, match="web page"):
        get(web, "/usage.csv", tmp_path / "f")


@pytest.mark.parametrize(("host", "port_of", "last"), [("no-such-name.invalid", "web", "name"), ("10.0.0.1", "web", "name"), ("127.0.0.1", "free", "port"), ("127.0.0.1", "web", "tls")])
def test_a_test_stops_where_it_cant_go_on(web: WebServer, host: str, port_of: str, last: str):
    port = web.port if port_of == "web" else file_servers.free_port()
    found = Link().test(LinkConnection(url=f"https://{host}:{port}/usage.csv"))
    assert (found.steps[-1].name, found.ok) == (last, False)
    with pytest.raises((Unreachable, BadInput)):
        Link(seconds=0.5).list(LinkConnection(url=f"https://{host}:{port}/usage.csv"), Files(path=""))


@pytest.mark.parametrize(("name", "days", "trusted", "match"), [("127.0.0.1", 365, False, "can't be trusted"), ("127.0.0.1", -1, True, "expired"), ("example.com", 365, True, "not for"), ("127.0.0.1", 365, True, None)])
def test_a_certificate_is_checked(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, days: int, trusted: bool, match: str | None):
    monkeypatch.setenv("INTAKE_PULL_ALLOW", "127.0.0.0/8")
    settings.cache_clear()
    files = certificate(tmp_path, name, days=days)
    web = WebServer({"/usage.csv": file_servers.kept_file}, serving(files))
    link = LinkConnection(url=f"{web.url}/usage.csv", ca_file=files[0] if trusted else None)
    try:
        last = Link().test(link).steps[-1]
        if match is None:
            assert (last.name, last.ok) == ("path", True)
            assert Link().fetch(link, ListedFile(path="usage.csv"), tmp_path / "f").size == len(USAGE)
        else:
            assert (last.name, last.ok) == ("tls", False) and match in last.text
            with pytest.raises(Unreachable, match=match):
                Link().list(link, Files(path=""))
    finally:
        web.close()
