"""Files from real servers: SFTP (rclone), S3 (SeaweedFS), an emulator of Google's storage, and stand-ins for what those can't do. All are started first and waited for when they are needed."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.store import S3Store

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull.bucket import S3, AzureBlob, GoogleCloudStorage
from ingest.pull.bucket_connections import AzureConnection, GoogleConnection, S3Connection
from ingest.pull.connector import Connection, FileConnector
from ingest.pull.sftp import SFTP, SftpConnection
from ingest.settings import settings
from schemas.source import Files, ListedFile, Read
from tests import file_servers
from tests.file_servers import USAGE, Azure, Program, WebServer, body, fingerprint, free_port, redirect, s3_listing, ssh_key
from tests.sftp_stand_in import SftpStandIn

NAMES = ("100%.csv", "a b.csv", "a%20b.csv", "empty.csv", "q?x=1#y.csv", "sub/c.csv", "ünïcödé 用量.csv")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module", autouse=True)
def programs(folder: Path) -> Iterator[dict[str, Program]]:
    """All servers, on their way."""
    for name in ("s3", "sftp", "gcs"):
        (folder / name).mkdir()
    filled(folder / "sftp" / "data" / "exports")
    filled(folder / "gcs" / "data" / "usage" / "exports")
    for name in ("user", "host"):
        ssh_key(folder / name)
    started = {"s3": file_servers.seaweed(folder / "s3"), "sftp": file_servers.rclone_sftp(folder / "sftp", folder / "host", folder / "user.pub"), "gcs": file_servers.fake_gcs(folder / "gcs")}
    yield started
    for each in started.values():
        each.close()


def filled(exports: Path) -> None:
    for name in NAMES:
        (exports / name).parent.mkdir(parents=True, exist_ok=True)
        (exports / name).write_bytes(b"" if name == "empty.csv" else USAGE)
    (exports / "x.csv").mkdir()
    (exports / ".hidden.csv").touch()


def all_come(connector: FileConnector, connection: Connection, to: Path) -> list[str]:
    """The paths of all files, each fetched as it was listed."""
    listed = connector.list(connection, Files(path="exports/**/*.csv"))
    for each in listed:
        assert connector.fetch(connection, each, to / "fetched") == each
        assert (to / "fetched").read_bytes() == (b"" if each.path.endswith("empty.csv") else USAGE)
    assert [each.path for each in connector.list(connection, Files(path="exports/*.csv"))] == [each.path for each in listed if "/sub/" not in each.path]
    return [each.path for each in listed]


def how_far(connector: FileConnector, connection: Connection, path: str = "exports/*.csv") -> list[str]:
    """The steps of a test; the last with a minus where it failed, a question mark where it warns. No step tells a secret."""
    steps = connector.test(connection, Read(files=Files(path=path))).steps
    assert not any("s3cret" in step.text + step.todo for step in steps)
    assert all(step.todo for step in steps if not step.ok)
    return [f"{'' if step.ok else '-'}{step.name}{'?' if step.ok and step.todo else ''}" for step in steps]


EXPORTS = [f"exports/{name}" for name in NAMES]

# SFTP.


@pytest.fixture
def sftp(home: Path, programs: dict[str, Program], folder: Path):
    port = programs["sftp"].wait().port
    known = fingerprint(folder / "host.pub")

    def connection(**changes: object) -> SftpConnection:
        return SftpConnection(**{"host": "127.0.0.1", "port": port, "user": "me", "password": "s3cret", "fingerprint": known, "rest_seconds": 0, **changes})

    return connection


def test_sftp_brings_every_file(sftp, tmp_path: Path):
    assert all_come(SFTP(), sftp(), tmp_path) == EXPORTS
    assert [file.path for file in SFTP().list(sftp(folder="exports"), Files(path="*.csv"))] == [name for name in NAMES if "/" not in name]
    assert [(found.name, found.what) for found in SFTP().discover(sftp())] == [("exports/*", "folder")]


@pytest.mark.parametrize(("changes", "steps"), [
    ({}, ["name", "port", "tls", "sign-in", "rights", "empty"]),
    ({"password": None, "private_key": "user"}, ["name", "port", "tls", "sign-in", "rights", "empty"]),
    ({"fingerprint": None}, ["name", "port", "-tls"]),
    ({"fingerprint": f"SHA256:{'A' * 43}"}, ["name", "port", "-tls"]),
    ({"password": "s3cret-wrong"}, ["name", "port", "tls", "-sign-in"]),
    ({"password": None, "private_key": "host"}, ["name", "port", "tls", "-sign-in"]),
    ({"password": None, "private_key": "no key, s3cret"}, ["name", "port", "tls", "-sign-in"]),
    ({"folder": "/nowhere"}, ["name", "port", "tls", "sign-in", "-path"]),
    ({"host": "no-such-name.invalid"}, ["-name"]), ({"host": "169.254.169.254"}, ["-name"]), ({"port": "free"}, ["name", "-port"]), ({"port": "web"}, ["name", "port", "-tls"]),
], ids=["all well", "key", "unknown server", "other server", "wrong password", "wrong key", "no key", "no folder", "no name", "keys of clouds", "nobody there", "no SFTP"])
def test_sftp_says_how_far_it_came(sftp, folder: Path, changes: dict[str, object], steps: list[str]):
    web = WebServer({})
    try:
        if changes.get("private_key") in ("user", "host"):
            changes = {**changes, "private_key": (folder / str(changes["private_key"])).read_text()}
        ports = {"free": free_port(), "web": web.port}
        connection = sftp(**{**changes, **({"port": ports[changes["port"]]} if "port" in changes else {})})
        assert how_far(SFTP(seconds=10), connection) == steps
        if steps[-1].startswith("-"):
            with pytest.raises(IngestError) as failure:
                SFTP(seconds=10).list(connection, Files(path="exports/*.csv"))
            assert "s3cret" not in str(failure.value) + repr(connection)
    finally:
        web.close()


def test_a_file_of_sftp_that_is_gone_is_told(sftp, tmp_path: Path):
    (tmp_path / "to").mkdir()
    with pytest.raises(Unreachable, match="isn't on the server"):
        SFTP().fetch(sftp(), ListedFile(path="exports/gone.csv"), tmp_path / "to" / "f")
    with pytest.raises(BadInput, match="leads out"):
        SFTP().list(sftp(), Files(path="../*.csv"))
    assert list((tmp_path / "to").iterdir()) == []


def test_a_server_of_sftp_that_dies_leaves_no_half_file(home: Path, folder: Path, tmp_path: Path):
    """The server is ended when the first bytes have come."""
    (tmp_path / "data").mkdir()
    with (tmp_path / "data" / "big.csv").open("wb") as big:
        big.truncate(64 * 1024**2)
    server = file_servers.rclone_sftp(tmp_path, folder / "host", folder / "user.pub").wait()

    class Ending(SFTP):
        def list(self, connection: SftpConnection, files: Files) -> list[ListedFile]:
            found = super().list(connection, files)
            server.close()
            return found

    connection = SftpConnection(host="127.0.0.1", port=server.port, user="me", password="s3cret", fingerprint=fingerprint(folder / "host.pub"), rest_seconds=0)
    (tmp_path / "to").mkdir()
    file, = Ending().list(connection, Files(path="*.csv"))
    with pytest.raises(Unreachable):
        SFTP(seconds=10).fetch(connection, file, tmp_path / "to" / "f")
    assert list((tmp_path / "to").iterdir()) == []


def test_sftp_takes_no_half_file_and_no_folder_for_a_file(home: Path, tmp_path: Path):
    server = SftpStandIn()
    try:
        connection = SftpConnection(host="127.0.0.1", port=server.port, user="me", password="s3cret", fingerprint=server.key.fingerprint, rest_seconds=0)
        assert [file.path for file in SFTP(seconds=10).list(connection, Files(path="*.csv"))] == ["denied.csv", "ends.csv", "grows.csv", "link.csv", "plain.csv"]
        (tmp_path / "to").mkdir()
        for name, (error, match) in {"denied.csv": (Refused, "may not be read"), "ends.csv": (Unreachable, "hung up|cut off"), "grows.csv": (Unreachable, "was changed")}.items():
            with pytest.raises(error, match=match):
                SFTP(seconds=10).fetch(connection, ListedFile(path=name), tmp_path / "to" / "f")
            assert list((tmp_path / "to").iterdir()) == []
        assert SFTP(seconds=10).fetch(connection, ListedFile(path="link.csv"), tmp_path / "to" / "f").size == (tmp_path / "to" / "f").stat().st_size
        assert how_far(SFTP(seconds=10), connection, "denied.csv") == ["name", "port", "tls", "sign-in", "-rights"]
        assert how_far(SFTP(seconds=10), connection, "shut/*") == ["name", "port", "tls", "sign-in", "-rights"]
    finally:
        server.close()


# Google and Azure.


def test_google_brings_every_file(home: Path, programs: dict[str, Program], tmp_path: Path):
    google = GoogleCloudStorage(f"http://127.0.0.1:{programs['gcs'].wait().port}")
    bucket = GoogleConnection(bucket="usage", public=True)
    assert all_come(google, bucket, tmp_path) == EXPORTS
    assert how_far(google, bucket) == ["name", "port", "sign-in", "rights", "empty"]
    assert how_far(google, GoogleConnection(bucket="usage", service_account='{"private_key": "s3cret"')) == ["name", "port", "-sign-in"]
    assert [found.name for found in google.discover(bucket)] == ["exports/*"]
    with pytest.raises(Unreachable, match="any more"):
        google.fetch(bucket, ListedFile(path="exports/gone.csv"), tmp_path / "f")


def test_azure_brings_every_file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    azure = Azure({f"exports/{name}": b"" if name == "empty.csv" else USAGE for name in NAMES})
    try:
        container = AzureConnection(account="account", container="usage", sas="?sv=2024-11-04&sig=s3cret", endpoint=f"{azure.url}/account")
        with pytest.raises(BadInput, match="must not be reached"):
            AzureBlob().list(container, Files(path="**"))
        monkeypatch.setenv("INTAKE_PULL_ALLOW", "127.0.0.0/8")
        settings.cache_clear()
        assert all_come(AzureBlob(), container, tmp_path) == EXPORTS
        assert how_far(AzureBlob(), container) == ["name", "port", "sign-in", "rights", "empty"]
        assert how_far(AzureBlob(), container.model_copy(update={"container": "gone"})) == ["name", "port", "-path"]
        assert how_far(AzureBlob(), AzureConnection(account="account", container="usage", sas="sv=1&sig=s3cret-wrong", endpoint=f"{azure.url}/account")) == ["name", "port", "-sign-in"]
        assert how_far(AzureBlob(), AzureConnection(account="account", container="usage", account_key="s3cret, no key", endpoint=f"{azure.url}/account")) == ["name", "port", "-sign-in"]
    finally:
        azure.close()


# S3, as a server could answer.


@pytest.fixture
def stand_in(home: Path) -> Iterator[WebServer]:
    server = WebServer({})
    yield server
    server.close()


def at(server: WebServer) -> S3Connection:
    return S3Connection(bucket="usage", endpoint=server.url, access_key_id="key", secret_access_key="s3cret")


def test_a_bucket_is_listed_page_by_page(stand_in: WebServer):
    stand_in.routes["/usage"] = s3_listing([[f"exports/{page}-{each:03}.csv" for each in range(1000)] for page in range(10)])
    listed = S3().list(at(stand_in), Files(path="exports/*-99*.csv"))
    assert (len(listed), len(stand_in.asked)) == (100, 10)
    assert len(S3().list(at(stand_in), Files(path="exports/**"))) == 10_000


def test_what_the_environment_says_isnt_mixed_with_keys_that_were_given(stand_in: WebServer, monkeypatch: pytest.MonkeyPatch):
    for name, value in {"AWS_SESSION_TOKEN": "machine", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_SKIP_SIGNATURE": "true"}.items():
        monkeypatch.setenv(name, value)
    stand_in.routes["/usage"] = s3_listing([["a.csv"]])
    assert len(S3().list(at(stand_in), Files(path="*"))) == 1
    headers, = (headers for _, headers in stand_in.asked)
    assert "Credential=key/" in headers["authorization"] and "machine" not in str(headers)


@pytest.mark.parametrize("name", ["exports/two\nlines.csv", "exports//a.csv", "exports/../a.csv"])
def test_a_name_that_cant_be_used_is_told_not_passed_over(stand_in: WebServer, name: str):
    stand_in.routes["/usage"] = s3_listing([["exports/a.csv", name]])
    with pytest.raises(BadInput, match="name can't be used"):
        S3().list(at(stand_in), Files(path="exports/*.csv"))


@pytest.mark.parametrize(("answer", "error", "match"), [
    (file_servers.cut_off, Unreachable, "cut off"), (redirect("http://169.254.169.254/latest/meta-data/"), BadInput, "must not be reached"), (redirect("file:///etc/passwd"), BadInput, "link"),
    (body(b"<Error><Code>ExpiredToken</Code></Error>", 400), Refused, "has expired"), (body(b"<Error><Code>AccessDenied</Code>s3cret</Error>", 403), Refused, "may not be read"), (body(b"", 503), Unreachable, "trouble"),
    (body(b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>", 400), BadInput, "eu-west-1"), (body(b"<Error><Code>NoSuchKey</Code></Error>", 404), Unreachable, "any more"), (body(b"x" * 5000), BadInput, "larger"),
], ids=["cut off", "keys of clouds", "file:", "expired", "denied", "trouble", "region", "gone", "too large"])
def test_an_object_comes_whole_or_not_at_all(stand_in: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: file_servers.Answer, error: type[Exception], match: str):
    monkeypatch.setenv("INTAKE_PULL_MAX_BYTES", "4000")
    settings.cache_clear()
    stand_in.routes["/usage/a.csv"] = answer
    (tmp_path / "to").mkdir()
    with pytest.raises(error, match=match) as failure:
        S3().fetch(at(stand_in), ListedFile(path="a.csv"), tmp_path / "to" / "f")
    assert "s3cret" not in str(failure.value)
    assert list((tmp_path / "to").iterdir()) == []


def test_what_the_library_fetches_comes_whole_or_not_at_all(stand_in: WebServer, tmp_path: Path):
    """The stand-in takes the place of Google's own address."""
    google, bucket = GoogleCloudStorage(stand_in.url), GoogleConnection(bucket="usage", public=True)
    stand_in.routes.update({"/usage/a.csv": file_servers.cut_off, "/usage": body(b"<Error><Code>NoSuchBucket</Code></Error>", 404)})
    (tmp_path / "to").mkdir()
    with pytest.raises(Unreachable):
        google.fetch(bucket, ListedFile(path="a.csv"), tmp_path / "to" / "f")
    assert list((tmp_path / "to").iterdir()) == []
    assert how_far(google, bucket) == ["name", "port", "-path"]


# S3, a real server.


@pytest.fixture(scope="module")
def bucket(programs: dict[str, Program]) -> str:
    """The address of the server, once the bucket is filled."""
    endpoint = f"http://127.0.0.1:{programs['s3'].wait().port}"
    admin = S3Store("usage", endpoint=endpoint, region="us-east-1", access_key_id="admin-key", secret_access_key="admin-s3cret", client_options={"allow_http": True})
    assert httpx.put(obstore.sign(admin, "PUT", "", timedelta(minutes=5))).status_code == 200
    for name in NAMES:
        obstore.put(admin, f"exports/{name}", b"" if name == "empty.csv" else USAGE)
    return endpoint


def s3_user(name: str, endpoint: str, **changes: object) -> S3Connection:
    return S3Connection(**{"bucket": "usage", "endpoint": endpoint, "access_key_id": f"{name}-key", "secret_access_key": f"{name}-s3cret", **changes})


def test_s3_brings_every_file_and_each_version(home: Path, bucket: str, tmp_path: Path):
    reader = s3_user("reader", bucket)
    assert all_come(S3(), reader, tmp_path) == EXPORTS
    assert [found.name for found in S3().discover(reader, "exports")][0] == "exports/sub/*"
    before, = S3().list(reader, Files(path="exports/a b.csv"))
    admin = S3()._store(s3_user("admin", bucket))
    obstore.put(admin, "exports/a b.csv", USAGE.replace(b"1.5", b"9.5"))
    after = S3().fetch(reader, before, tmp_path / "f")
    assert (after.size, b"9.5" in (tmp_path / "f").read_bytes()) == (before.size, True)
    assert [after] == S3().list(reader, Files(path="exports/a b.csv")) and after.etag != before.etag
    obstore.put(admin, "exports/a b.csv", USAGE)


@pytest.mark.parametrize(("user", "changes", "path", "steps"), [
    ("reader", {}, "exports/*.csv", ["name", "port", "sign-in", "rights", "empty"]), ("reader", {}, "else/*", ["name", "port", "sign-in", "rights", "empty?"]),
    ("lister", {}, "exports/*.csv", ["name", "port", "sign-in", "-rights"]), ("getter", {}, "exports/*.csv", ["name", "port", "-rights"]),
    ("reader", {"secret_access_key": "s3cret-wrong"}, "**", ["name", "port", "-sign-in"]), ("nobody", {}, "**", ["name", "port", "-sign-in"]), ("admin", {"bucket": "nothere"}, "**", ["name", "port", "-path"]), ("reader", {"bucket": "other"}, "**", ["name", "port", "-rights"]),
])
def test_s3_says_how_far_it_came(home: Path, bucket: str, user: str, changes: dict[str, object], path: str, steps: list[str]):
    connection = s3_user(user, bucket, **changes)
    assert how_far(S3(), connection, path) == steps
    assert "s3cret" not in repr(connection)
    if steps[-1] == "-sign-in":
        with pytest.raises(Refused):
            S3().fetch(connection, ListedFile(path="exports/a b.csv"), Path("never"))


def test_the_rights_of_the_machine_are_told_to_no_other_provider(bucket: str):
    with pytest.raises(ValueError, match="say how to sign in"):
        S3Connection(bucket="usage", endpoint=bucket)
