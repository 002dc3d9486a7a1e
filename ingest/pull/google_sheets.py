"""Google Sheets. With a service account every sheet is a file of its own, with numbers and dates as they are and not as they look; a spreadsheet that is shared by link comes as a workbook."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull.connector import Connection
from ingest.pull.guard import allowed
from ingest.pull.landing import changed_meanwhile, copied, landing
from ingest.pull.link_file import in_time
from ingest.pull.patterns import matcher
from ingest.pull.reach import steps_to, tls_context
from ingest.pull.token import google_token
from ingest.pull.web import PORTS, answered, checked_link, client, refusal
from ingest.pull.web_api import Answer, Number, WebApi, member
from schemas.source import Diagnosis, Files, Found, ListedFile, Read, Step

SCOPES = "https://www.googleapis.com/auth/spreadsheets.readonly https://www.googleapis.com/auth/drive.metadata.readonly"
ROWS = 5_000
"""So many rows of a sheet are asked for at once."""
FIELDS = "sheets.data.rowData.values(effectiveValue,effectiveFormat.numberFormat.type,formattedValue)"
DAY_ONE = datetime(1899, 12, 30)
BAD_LETTERS = re.compile(r"[/\\\x00-\x1f]")


class GoogleSheetsConnection(Connection):
    """Which spreadsheet, and who reads it."""

    spreadsheet: str = Field(title="Spreadsheet", description="Its link, as the browser shows it.", examples=["https://docs.google.com/spreadsheets/d/…/edit"])
    service_account: SecretStr | None = Field(None, title="Key of a service account", description="The JSON file that Google gives. Without one, the spreadsheet has to be shared with everybody who has the link.")
    sheets_api: str = Field("https://sheets.googleapis.com", title="Address of Sheets")
    drive_api: str = Field("https://www.googleapis.com", title="Address of Drive")
    docs: str = Field("https://docs.google.com", title="Address of Docs")
    sign_in: str = Field("https://oauth2.googleapis.com/token", title="Address of the sign-in")


@dataclass(frozen=True)
class Google:
    """The two services that are asked."""

    sheets: WebApi
    drive: WebApi


class GoogleSheets:
    """The sheets of one spreadsheet."""

    name = "google_sheets"
    title = "Google Sheets"
    kind: Literal["files"] = "files"
    model = GoogleSheetsConnection
    libraries: tuple[str, ...] = ()

    def rights(self, connection: GoogleSheetsConnection | None, read: Read | None) -> str:
        """How a spreadsheet is shared."""
        return "In Google Cloud, switch on the Google Sheets API and the Google Drive API, make a service account with a key (JSON), and share the spreadsheet with its address as a viewer. It needs no role in the project."

    def addresses(self, connection: GoogleSheetsConnection) -> tuple[tuple[str, int], ...]:
        """Google's servers."""
        links = (connection.sheets_api, connection.drive_api, connection.sign_in) if connection.service_account else (connection.docs,)
        return tuple(dict.fromkeys((url.host, url.port or PORTS[url.scheme]) for url in map(checked_link, links)))

    def test(self, connection: GoogleSheetsConnection, read: Read | None = None) -> Diagnosis:
        """The way to Google, the sign-in, and which sheets there are."""
        (host, port), *_ = self.addresses(connection)
        steps = steps_to(host, port, allowed, tls_context() if port == PORTS["https"] else None)
        if not steps[-1].ok:
            return Diagnosis(steps=steps)
        try:
            found = self.list(connection, read.files if read and read.files else Files(path="**"))
        except IngestError as error:
            name = {401: "sign-in", 403: "rights"}.get(getattr(error, "status", 0), "path")
            return Diagnosis(steps=(*steps, Step(name=name, ok=False, text=error.sentence, todo=error.todo)))
        there = Step(name="path", ok=True, text=f"There is {', '.join(each.path for each in found[:10])}.") if found else Step(name="empty", ok=True, text="No sheet has such a name.", todo="Look at the names at the bottom of the spreadsheet.")
        return Diagnosis(steps=(*steps, Step(name="sign-in", ok=True, text="Google lets the portal in."), there))

    def discover(self, connection: GoogleSheetsConnection, within: str = "") -> tuple[Found, ...]:
        """The sheets."""
        return tuple(Found(name=each.path, what="sheet") for each in self.list(connection, Files(path="**")))

    def list(self, connection: GoogleSheetsConnection, files: Files) -> Sequence[ListedFile]:
        """The sheets whose name fits, as `Name.csv`; the stars need not know the ending. A spreadsheet shared by link is one workbook, known by what is in it."""
        if connection.service_account is None:
            return (ListedFile(path=f"{_id(connection)}.xlsx", etag=_fingerprint(self._workbook(connection))),)
        with _signed_in(connection) as api:
            version, modified = _version(api, connection)
            names = [sheet["title"] for sheet in _sheets(api, connection) if sheet.get("sheetType", "GRID") == "GRID"]
            fits = matcher(files.path or "**")
            meant = [name for name in names if fits(_file_name(name)) or fits(name)]
            return tuple(ListedFile(path=_file_name(name), etag=version or _text_mark(_csv(api, connection, name)), modified=modified) for name in meant)

    def fetch(self, connection: GoogleSheetsConnection, file: ListedFile, to: Path) -> ListedFile:
        """One sheet as CSV, or the whole workbook. Raises Unreachable where somebody wrote into it meanwhile."""
        if connection.service_account is None:
            content = self._workbook(connection)
            return _landed(content, file.model_copy(update={"etag": _fingerprint(content)}), to)
        with _signed_in(connection) as api:
            name = next((sheet["title"] for sheet in _sheets(api, connection) if _file_name(sheet["title"]) == file.path), None)
            if name is None:
                raise BadInput(f"The spreadsheet has no sheet {file.path.removesuffix('.csv')!r} any more.", "Look at the names at the bottom of the spreadsheet.")
            version, modified = _version(api, connection)
            content = _csv(api, connection, name)
            if version != _version(api, connection)[0]:
                raise changed_meanwhile(f"The sheet {name}")
        return _landed(content, file.model_copy(update={"etag": version or _text_mark(content), "modified": modified}), to)

    def _workbook(self, connection: GoogleSheetsConnection) -> bytes:
        """The spreadsheet as a workbook, without a sign-in."""
        link = f"{connection.docs.rstrip('/')}/spreadsheets/d/{_id(connection)}/export?format=xlsx"
        content = io.BytesIO()
        with answered(link), client(link) as web, web.stream("GET", link, headers={"accept-encoding": "identity"}) as response:
            if response.status_code != 200:
                raise refusal(response, link)
            if response.headers.get("content-type", "").startswith("text/html"):
                raise Refused("Google wants a sign-in for this spreadsheet.", "Share it with everybody who has the link, as viewers, or give the key of a service account.", status=403)
            copied(in_time(response), content, "The spreadsheet")
        if not zipfile.is_zipfile(content):
            raise Unreachable("What Google gave is no workbook, or only a part of one.", "Nothing was taken; the next run tries again.")
        return content.getvalue()


@contextmanager
def _signed_in(connection: GoogleSheetsConnection) -> Iterator[Google]:
    token = google_token(connection.service_account, SCOPES, connection.sign_in)
    with client(connection.sheets_api) as web, client(connection.drive_api) as drive_web:
        yield Google(*(WebApi(each, token, lambda answer, response: _no(answer, response.status_code, token.who)) for each in (web, drive_web)))


def _no(answer: Answer, status: int, who: str) -> IngestError:
    """Google's no, by the word that it gives."""
    said = str(answer.body)
    if "SERVICE_DISABLED" in said or "accessNotConfigured" in said:
        return Refused("The project of the service account hasn't switched on the Google API that is asked.", "Switch on the Google Sheets API and the Google Drive API there.", status=403)
    if status == 403:
        return Refused(f"{who} may not read the spreadsheet.", f"Share it with {who} as a viewer.", status=403)
    if status == 404:
        return Refused(f"There is no such spreadsheet, or {who} doesn't know it.", f"Check the link, and share the spreadsheet with {who} as a viewer.", status=404)
    return Refused(f"Google answered with {status}.", "The next run tries again." if status >= 429 else "Check the link of the spreadsheet.", status=status)


def _id(connection: GoogleSheetsConnection) -> str:
    """The id in a link, or what was given where it is one."""
    match = re.search(r"/d/([A-Za-z0-9_-]+)", connection.spreadsheet) or re.fullmatch(r"([A-Za-z0-9_-]{10,})", connection.spreadsheet.strip())
    if not match:
        raise BadInput("This is no link of a spreadsheet.", "Copy it from the browser: https://docs.google.com/spreadsheets/d/…/edit.")
    return match[1]


def _sheets(api: Google, connection: GoogleSheetsConnection) -> list[dict]:
    link = f"{connection.sheets_api.rstrip('/')}/v4/spreadsheets/{_id(connection)}"
    body = api.sheets.ask("GET", link, params={"fields": "properties.title,sheets.properties(title,sheetType,gridProperties)"}).body
    return [sheet["properties"] for sheet in member(body, "sheets") or []]


def _version(api: Google, connection: GoogleSheetsConnection) -> tuple[str, str]:
    """The version and the time of the last change as Drive has them; empty where Drive may not be asked."""
    link = f"{connection.drive_api.rstrip('/')}/drive/v3/files/{_id(connection)}"
    try:
        body = api.drive.ask("GET", link, params={"fields": "version,modifiedTime", "supportsAllDrives": "true"}).body
    except Refused as error:
        if error.status not in (403, 404):
            raise
        return "", ""
    return str(member(body, "version") or ""), str(member(body, "modifiedTime") or "")


def _csv(api: Google, connection: GoogleSheetsConnection, name: str) -> bytes:
    """A sheet as CSV, with exact numbers and ISO dates."""
    rows = next((int(each.get("gridProperties", {}).get("rowCount", 0)) for each in _sheets(api, connection) if each["title"] == name), 0)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    link = f"{connection.sheets_api.rstrip('/')}/v4/spreadsheets/{_id(connection)}"
    for first in range(1, rows + 1, ROWS):
        part = f"'{name.replace(chr(39), chr(39) * 2)}'!{first}:{min(rows, first + ROWS - 1)}"
        body = api.sheets.ask("GET", link, params={"ranges": part, "includeGridData": "true", "fields": FIELDS}).body
        for sheet in member(body, "sheets") or []:
            for row in sheet.get("data", [{}])[0].get("rowData", []):
                writer.writerow([_cell(value) for value in row.get("values", [])])
    return out.getvalue().rstrip("\n").encode() + b"\n" if out.tell() else b""


def _cell(value: dict) -> str:
    """A cell as it is, not as it looks; a day as ISO."""
    effective = value.get("effectiveValue", {})
    if "numberValue" in effective:
        return _moment(effective["numberValue"], member(value, "effectiveFormat", "numberFormat", "type"))
    if "boolValue" in effective:
        return "TRUE" if effective["boolValue"] else "FALSE"
    return effective.get("stringValue", value.get("formattedValue", ""))


def _moment(number: Number, kind: object) -> str:
    if kind not in ("DATE", "DATE_TIME", "TIME"):
        return str(number)
    try:
        moment = DAY_ONE + timedelta(milliseconds=round(float(number) * 86_400_000))
    except OverflowError:
        return str(number)
    text = moment.isoformat(sep="T", timespec="milliseconds" if moment.microsecond else "seconds")
    return {"DATE": text[:10] if text.endswith("T00:00:00") else text, "TIME": text[11:] if moment.date() == DAY_ONE.date() else text}.get(kind, text)


def _file_name(sheet: str) -> str:
    return f"{BAD_LETTERS.sub('_', sheet)}.csv"


def _text_mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _fingerprint(workbook: bytes) -> str:
    """A mark of what is in a workbook: one that is packed anew is the same still."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as packed:
        return _text_mark(repr(sorted((each.filename, each.CRC) for each in packed.infolist() if each.filename.startswith("xl/"))).encode())


def _landed(content: bytes, file: ListedFile, to: Path) -> ListedFile:
    with landing(to) as handle:
        handle.write(content)
    return file.model_copy(update={"size": len(content)})
