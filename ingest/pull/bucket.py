"""Buckets: Amazon S3 and what speaks its language, Google Cloud Storage, Azure Blob Storage."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from ingest.pull.bucket_connections import AzureConnection, GoogleConnection, S3Connection
from ingest.pull.bucket_errors import told
from ingest.pull.connector import Connection, needed
from ingest.pull.guard import named, server_allowed
from ingest.pull.landing import checked_size, copied, landing, moment_text
from ingest.pull.link_file import fetched_link
from ingest.pull.patterns import checked, fixed_part, is_passing, matcher
from ingest.pull.reach import steps_to, tls_context
from ingest.pull.web import PORTS
from ingest.wording import count
from schemas.source import Diagnosis, Files, Found, ListedFile, Read, Step

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PAGE = 1000
MOST_FOUND = 2000
CLIENT = {"connect_timeout": "10s", "read_timeout": "60s", "timeout": "3600s", "user_agent": "usage-intake"}
RETRIES = {"max_retries": 2, "retry_timeout": timedelta(seconds=30)}
AZURE_CLOUDS = (".blob.core.windows.net", ".blob.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn", ".blob.storage.azure.net")
SIGNED_FOR = timedelta(hours=1)


class Bucket(ABC):
    """What buckets have in common; each kind says how its store is opened and where it is."""

    kind: Literal["files"] = "files"
    libraries: tuple[str, ...] = ("obstore",)
    title: str

    @abstractmethod
    def _store(self, connection: Connection) -> "ObjectStore":
        """The store, opened with what signs in."""

    @abstractmethod
    def _address(self, connection: Connection) -> str:
        """The link of the service."""

    @abstractmethod
    def _called(self, connection: Connection) -> str:
        """What people call the bucket."""

    def _allowed(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of the service that may be reached."""
        return server_allowed(host, port)

    def addresses(self, connection: Connection) -> tuple[tuple[str, int], ...]:
        """The service; where the machine's own rights are asked for, isn't counted."""
        parts = urlsplit(self._address(connection))
        return ((parts.hostname, parts.port or PORTS[parts.scheme]),)

    def test(self, connection: Connection, read: Read | None = None) -> Diagnosis:
        """Name, port and TLS, then: can it be listed, can a file be read, is there one."""
        (host, port), = self.addresses(connection)
        steps = steps_to(host, port, self._allowed, tls_context() if self._address(connection).startswith("https") else None)
        files = read.files if read and read.files else Files(path="**")
        return Diagnosis(steps=(*steps, *self._bucket_steps(connection, files)) if steps[-1].ok else steps)

    def discover(self, connection: Connection, within: str = "") -> tuple[Found, ...]:
        """The folders and files of the bucket, or of one of its folders."""
        with self._asked(connection) as (obstore, store):
            found = obstore.list_with_delimiter(store, checked(within).rstrip("/*") or None)
        folders = [Found(name=f"{folder}/*", what="folder") for folder in found["common_prefixes"] if not is_passing(folder.rpartition("/")[2])]
        files = [Found(name=each["path"], what="file") for each in found["objects"] if _is_file(each) and not is_passing(each["path"].rpartition("/")[2])]
        return tuple((folders + files)[:MOST_FOUND])

    def list(self, connection: Connection, files: Files) -> Sequence[ListedFile]:
        """The files that match, by path."""
        with self._asked(connection) as (obstore, store):
            return sorted(_matching(obstore, store, files), key=lambda each: each.path)

    def fetch(self, connection: Connection, file: ListedFile, to: Path) -> ListedFile:
        """A file whole, of one version."""
        called = f"{file.path} in {self._called(connection)}"
        with self._asked(connection, file.path) as (obstore, store):
            found = obstore.get(store, file.path)
            checked_size(found.meta["size"], called)
            with landing(to) as handle:
                copied((bytes(chunk) for chunk in found.stream()), handle, called, found.meta["size"])
        return _listed({**found.meta, "path": file.path})

    @contextmanager
    def _asked(self, connection: Connection, path: str = "") -> Iterator[tuple[ModuleType, "ObjectStore"]]:
        """The library and the store. Every address is checked first; what fails is told in a sentence."""
        (host, port), = self.addresses(connection)
        self._allowed(host, port)
        obstore = needed("obstore", self.title, *self.libraries)
        try:
            yield obstore, self._store(connection)
        except _failures(obstore) as error:
            raise told(str(error), self._called(connection), path).error() from None

    def _bucket_steps(self, connection: Connection, files: Files) -> Iterator[Step]:
        obstore, path, called = needed("obstore", self.title, *self.libraries), "", self._called(connection)
        try:
            store = self._store(connection)
            listed = list(islice(_matching(obstore, store, files), PAGE))
            yield Step(name="sign-in", ok=True, text="The bucket is there and may be listed.")
            if path := next((each.path for each in listed if each.size), ""):
                obstore.get_range(store, path, start=0, end=1)
        except _failures(obstore) as error:
            failed = told(str(error), called, path)
            yield Step(name=failed.step, ok=False, text=failed.sentence, todo=failed.todo)
            return
        yield Step(name="rights", ok=True, text="Its files may be read." if path else "Whether its files may be read shows when there is one.")
        if listed:
            yield Step(name="empty", ok=True, text=f"{'At least ' if len(listed) == PAGE else ''}{count(len(listed), 'matching file')}.")
        else:
            yield Step(name="empty", ok=True, text=f"No file matches {files.path!r} yet.", todo="Check the path (capitals count in the names of folders), or wait for the first file.")


class S3(Bucket):
    """Amazon S3, and services that speak its language."""

    name = "s3"
    title = "Amazon S3"
    model = S3Connection

    def rights(self, connection: S3Connection | None, read: Read | None) -> str:
        """A policy with listing and reading."""
        bucket, folder = (connection.bucket if connection else "BUCKET"), fixed_part(checked(read.files.path)) if read and read.files else ""
        may_list = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}", **({"Condition": {"StringLike": {"s3:prefix": [f"{folder}*"]}}} if folder else {})}
        may_read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/{folder}*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [may_list, may_read]}, indent=2)

    def fetch(self, connection: S3Connection, file: ListedFile, to: Path) -> ListedFile:
        """A file whole, of one version. At an address that somebody wrote, it is fetched by a signed link under the guard, since the library would follow it anywhere."""
        if not connection.endpoint:
            return super().fetch(connection, file, to)
        called = self._called(connection)
        with self._asked(connection, file.path) as (obstore, store):
            link = f"{self._address(connection)}/{quote(file.path)}" if connection.public else obstore.sign(store, "GET", file.path, SIGNED_FOR)
        return fetched_link(link, file.path, to, f"{file.path} in {called}", server_allowed, lambda said: told(said, called, file.path).error())

    def _store(self, connection: S3Connection) -> "ObjectStore":
        from obstore.store import S3Store

        keys = {"access_key_id": connection.access_key_id, "secret_access_key": _clear(connection.secret_access_key), "token": _clear(connection.session_token), "expires_at": None}
        given = {"credential_provider": lambda: keys} if connection.access_key_id else {}
        return S3Store(connection.bucket, region=connection.region, endpoint=self._service(connection), skip_signature=connection.public, client_options=_client(connection.endpoint), retry_config=RETRIES, **given)

    def _service(self, connection: S3Connection) -> str:
        return connection.endpoint or f"https://s3.{connection.region}.amazonaws.com{'.cn' if connection.region.startswith('cn-') else ''}"

    def _address(self, connection: S3Connection) -> str:
        return f"{self._service(connection)}/{connection.bucket}"

    def _called(self, connection: S3Connection) -> str:
        return f"the bucket {connection.bucket}"


class GoogleCloudStorage(Bucket):
    """Google Cloud Storage."""

    name = "gcs"
    title = "Google Cloud Storage"
    model = GoogleConnection

    def __init__(self, service: str = "https://storage.googleapis.com") -> None:
        self._service = service

    def rights(self, connection: GoogleConnection | None, read: Read | None) -> str:
        """A role with listing and reading."""
        bucket = connection.bucket if connection else "BUCKET"
        return f"gcloud storage buckets add-iam-policy-binding gs://{bucket} --member=serviceAccount:NAME@PROJECT.iam.gserviceaccount.com --role=roles/storage.objectViewer"

    def _store(self, connection: GoogleConnection) -> "ObjectStore":
        from obstore.store import GCSStore

        key = {"service_account_key": _clear(connection.service_account)} if connection.service_account else {}
        return GCSStore(connection.bucket, base_url=self._service, skip_signature=connection.public, client_options=_client(self._service), retry_config=RETRIES, **key)

    def _address(self, connection: GoogleConnection) -> str:
        return self._service

    def _called(self, connection: GoogleConnection) -> str:
        return f"the bucket {connection.bucket}"


class AzureBlob(Bucket):
    """Azure Blob Storage."""

    name = "azure"
    title = "Azure Blob Storage"
    model = AzureConnection

    def rights(self, connection: AzureConnection | None, read: Read | None) -> str:
        """A signature, or a role, with listing and reading."""
        account, container = (connection.account, connection.container) if connection else ("ACCOUNT", "CONTAINER")
        return (
            f"az storage container generate-sas --account-name {account} --name {container} --permissions rl --https-only --expiry 2027-12-31 --auth-mode login --as-user\n\n"
            f"or, for an app registration, the role Storage Blob Data Reader on the container {container}.")

    def _allowed(self, host: str, port: int) -> tuple[str, ...]:
        """Anybody may name the clouds of Azure; the library follows an answer anywhere, so other addresses are for administrators to name."""
        return (server_allowed if host.endswith(AZURE_CLOUDS) else named)(host, port)

    def _store(self, connection: AzureConnection) -> "ObjectStore":
        from obstore.store import AzureStore

        ways = {"access_key": _clear(connection.account_key), "sas_token": (_clear(connection.sas) or "").lstrip("?")}
        key = {name: value for name, value in ways.items() if value}
        app = {name: value for name, value in {"tenant_id": connection.tenant_id, "client_id": connection.client_id, "client_secret": _clear(connection.client_secret)}.items() if value}
        given = {"credential_provider": lambda: {**key, "expires_at": None}} if key else app
        return AzureStore(connection.container, account_name=connection.account, endpoint=self._service(connection), skip_signature=connection.public, client_options=_client(connection.endpoint), retry_config=RETRIES, **given)

    def _service(self, connection: AzureConnection) -> str:
        return connection.endpoint or f"https://{connection.account}.blob.core.windows.net"

    def _address(self, connection: AzureConnection) -> str:
        return f"{self._service(connection)}/{connection.container}"

    def _called(self, connection: AzureConnection) -> str:
        return f"the container {connection.container}"


def _client(link: str | None) -> dict[str, object]:
    return {**CLIENT, "allow_http": bool(link and link.startswith("http://"))}


def _clear(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _is_file(each: dict) -> bool:
    """Whether an object is a file; consoles make empty ones to stand for folders."""
    return bool(each["size"]) or "." in each["path"].rpartition("/")[2]


def _listed(meta: dict) -> ListedFile:
    return ListedFile(path=meta["path"], size=meta["size"], etag=(meta["e_tag"] or "").strip('"'), modified=moment_text(meta["last_modified"].timestamp()))


def _matching(obstore: ModuleType, store: "ObjectStore", files: Files) -> Iterator[ListedFile]:
    path = checked(files.path)
    is_meant = matcher(path)
    for page in obstore.list(store, fixed_part(path).rstrip("/") or None, chunk_size=PAGE):
        yield from (_listed(each) for each in page if _is_file(each) and is_meant(each["path"]))


def _failures(obstore: ModuleType) -> tuple[type[Exception], ...]:
    """How the library fails."""
    return (obstore.exceptions.BaseError, FileNotFoundError, PermissionError, ValueError)
