"""Files in SharePoint and OneDrive, by Microsoft Graph."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

import httpx
from pydantic import Field, SecretStr, model_validator

from ingest.errors import BadInput, IngestError, Refused
from ingest.pull.connector import Connection
from ingest.pull.guard import allowed
from ingest.pull.landing import changed_meanwhile, checked_size, copied, landing
from ingest.pull.link_file import in_time
from ingest.pull.patterns import checked, depth, fixed_part, matcher
from ingest.pull.reach import steps_to, tls_context
from ingest.pull.token import Token
from ingest.pull.web import PORTS, answered, checked_link, client, refusal
from ingest.pull.web_api import Answer, WebApi, member
from schemas.source import Diagnosis, Files, Found, ListedFile, Read, Step

MOST_FOLDERS = 5_000


class SharePointConnection(Connection):
    """Which site or OneDrive, and the app that reads it."""

    tenant: str = Field(title="Tenant", description="The id or the domain of your company at Microsoft.", examples=["contoso.onmicrosoft.com"], pattern=r"^[A-Za-z0-9.-]+$")
    client_id: str = Field(title="Application", description="The id of the app that was registered for reading.")
    client_secret: SecretStr = Field(title="Secret of the application")
    site: str | None = Field(None, title="Site", description="The link of the SharePoint site.", examples=["https://contoso.sharepoint.com/sites/usage"])
    user: str | None = Field(None, title="Person", description="For OneDrive, in place of a site: whose.", examples=["ann@contoso.com"])
    library: str | None = Field(None, title="Library", description="The library of the site, where it isn't the usual one.", examples=["Documents"])
    graph: str = Field("https://graph.microsoft.com", title="Address of Graph")
    sign_in: str = Field("https://login.microsoftonline.com", title="Address of the sign-in")

    @model_validator(mode="after")
    def _one_of(self) -> "SharePointConnection":
        if (self.site is None) == (self.user is None):
            raise ValueError("say either the site or the person")
        return self


@dataclass(frozen=True)
class Drive:
    """A library or a OneDrive, signed in to."""

    api: WebApi
    link: str
    token: Token

    def item(self, path: str, what: str = "") -> str:
        """The link of a file or folder, or of something of it."""
        place = f"root:/{quote(path.strip('/'))}:" if path.strip("/") else "root"
        return f"{self.link}/{place}{f'/{what}' if what else ''}".removesuffix(":")


class SharePoint:
    """Files of a library or a OneDrive."""

    name = "sharepoint"
    title = "SharePoint and OneDrive"
    kind: Literal["files"] = "files"
    model = SharePointConnection
    libraries: tuple[str, ...] = ()

    def rights(self, connection: SharePointConnection | None, read: Read | None) -> str:
        """How the app is registered."""
        return ("Register an app in Microsoft Entra, give it a client secret and the application permission Sites.Selected (for OneDrive: Files.Read.All) with an administrator's consent, "
                "then give the app the role read for just this site (POST /sites/{id}/permissions).")

    def addresses(self, connection: SharePointConnection) -> tuple[tuple[str, int], ...]:
        """Graph and the sign-in; downloads come from the site's own server."""
        links = [connection.graph, connection.sign_in, *([connection.site] if connection.site else [])]
        return tuple(dict.fromkeys((url.host, url.port or PORTS[url.scheme]) for url in map(checked_link, links)))

    def test(self, connection: SharePointConnection, read: Read | None = None) -> Diagnosis:
        """The way to Graph, the sign-in, the site, and whether there are files."""
        host, port = self.addresses(connection)[0]
        steps = steps_to(host, port, allowed, tls_context() if checked_link(connection.graph).scheme == "https" else None)
        if not steps[-1].ok:
            return Diagnosis(steps=steps)
        path = read.files.path if read and read.files else "*"
        try:
            found = self.list(connection, Files(path=path))
        except IngestError as error:
            name = {401: "sign-in", 403: "rights"}.get(getattr(error, "status", 0), "path")
            return Diagnosis(steps=(*steps, Step(name=name, ok=False, text=error.sentence, todo=error.todo)))
        there = Step(name="path", ok=True, text=f"{len(found):,} files fit {path}.") if found else Step(name="empty", ok=True, text=f"No file fits {path}.", todo="Check the folder and the names, or wait for the first file.")
        return Diagnosis(steps=(*steps, Step(name="sign-in", ok=True, text="Microsoft lets the portal in."), there))

    def discover(self, connection: SharePointConnection, within: str = "") -> tuple[Found, ...]:
        """What lies in a folder."""
        with _drive(connection) as drive:
            items = list(_children(drive, within))
        return tuple(Found(name=f"{within.strip('/')}/{each['name']}".strip("/"), what="folder" if "folder" in each else "file") for each in items)

    def list(self, connection: SharePointConnection, files: Files) -> Sequence[ListedFile]:
        """The files that fit."""
        is_meant, beginning = matcher(files.path), fixed_part(files.path)
        with _drive(connection) as drive:
            found = _walk(drive, beginning, depth(files.path))
            return sorted((each for each in found if is_meant(each.path)), key=lambda each: each.path)

    def fetch(self, connection: SharePointConnection, file: ListedFile, to: Path) -> ListedFile:
        """The file, if it is the same afterwards."""
        path = checked(file.path)
        with _drive(connection) as drive:
            found = _listed(path, drive.api.ask("GET", drive.item(path)).body)
            checked_size(found.size, path)
            with landing(to) as handle:
                _download(drive, connection, path, found, handle)
                if _listed(path, drive.api.ask("GET", drive.item(path)).body) != found:
                    raise changed_meanwhile(path)
        return found


def _download(drive: Drive, connection: SharePointConnection, path: str, found: ListedFile, handle: object) -> None:
    link = drive.item(path, "content")
    headers = {**drive.token(False), "accept-encoding": "identity"}
    with answered(link), client(connection.graph) as web, web.stream("GET", link, headers=headers) as response:
        if response.status_code != 200:
            raise refusal(response, link)
        copied(in_time(response), handle, path, found.size)


@contextmanager
def _drive(connection: SharePointConnection) -> Iterator[Drive]:
    """The library or OneDrive."""
    graph = f"{connection.graph.rstrip('/')}/v1.0"
    form = {"grant_type": "client_credentials", "client_id": connection.client_id, "client_secret": connection.client_secret.get_secret_value(), "scope": f"{connection.graph.rstrip('/')}/.default"}
    token = Token(f"{connection.sign_in.rstrip('/')}/{connection.tenant}/oauth2/v2.0/token", lambda: form, "the application")
    with client(connection.graph) as web:
        api = WebApi(web, token, _no)
        yield Drive(api, f"{graph}/drives/{quote(_drive_id(api, graph, connection))}", token)


def _drive_id(api: WebApi, graph: str, connection: SharePointConnection) -> str:
    if connection.user:
        return str(member(api.ask("GET", f"{graph}/users/{quote(connection.user)}/drive").body, "id"))
    site = urlsplit(connection.site)
    place = f"{site.hostname}:{quote(unquote(site.path.rstrip('/')))}" if site.path.strip("/") else str(site.hostname)
    found = f"{graph}/sites/{quote(str(member(api.ask('GET', f'{graph}/sites/{place}').body, 'id')))}"
    if connection.library is None:
        return str(member(api.ask("GET", f"{found}/drive").body, "id"))
    drives = {each["name"]: each["id"] for each in _all(api, f"{found}/drives")}
    if connection.library not in drives:
        raise BadInput(f"The site has no library {connection.library!r}.", f"It has: {', '.join(sorted(drives)[:20])}.")
    return drives[connection.library]


def _walk(drive: Drive, beginning: str, deep: int | None) -> Iterator[ListedFile]:
    """Files below a folder, at most `deep` folders down."""
    waiting, looked = [(beginning.strip("/"), deep)], 0
    while waiting:
        folder, left = waiting.pop()
        looked += 1
        if looked > MOST_FOLDERS:
            raise BadInput(f"There are more than {MOST_FOLDERS:,} folders below {beginning or 'the library'}.", "Name the folder that the files are in.")
        for item in _children(drive, folder):
            path = f"{folder}/{item['name']}".strip("/")
            if "folder" in item and (left is None or left > 0):
                waiting.append((path, None if left is None else left - 1))
            elif "file" in item:
                yield _listed(path, item)


def _children(drive: Drive, folder: str) -> Iterator[dict]:
    return _all(drive.api, drive.item(folder, "children"))


def _all(api: WebApi, link: str | None) -> Iterator[dict]:
    """The items of all pages."""
    seen = set()
    while link and link not in seen:
        seen.add(link)
        body = api.ask("GET", link).body
        yield from member(body, "value") or []
        link = member(body, "@odata.nextLink")


def _listed(path: str, item: object) -> ListedFile:
    """A file as Graph tells of it; its content's own mark where there is one."""
    size = member(item, "size")
    return ListedFile(path=path, size=int(size) if size is not None else None, etag=str(member(item, "cTag") or member(item, "eTag") or ""), modified=str(member(item, "lastModifiedDateTime") or ""))


def _no(answer: Answer, response: httpx.Response) -> IngestError:
    status = response.status_code
    sentence, todo = {
        401: ("Microsoft Graph doesn't take the sign-in of the application.", "Check the tenant, the application and its secret."),
        403: ("The application may not read this site or OneDrive.", "Give it the right to read, and have an administrator consent."),
        404: ("Microsoft Graph doesn't find the site, the folder or the file.", "Check the link of the site, and the folder; a site that the application may not see is not found either."),
    }.get(status, (f"Microsoft Graph answered with {status}.", "The next run tries again."))
    return Refused(sentence, todo, status=status)
