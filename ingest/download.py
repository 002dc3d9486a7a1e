"""Files from the disk to a browser: a page mints a signed ticket for what may be made, the browser asks for it, and fetches the finished file once.

    POST /api/downloads                 makes the file in a process of its own  → {"address", "size"}
    GET  /api/downloads/{id}?ticket=…   the file, from the disk, once           → its bytes

The first carries the ticket in `X-Download-Ticket`; its answer holds the ticket of the second. Nothing is ever held in memory. While it waits, a file is
`spool/<id>`; what nobody fetches is removed like a broken upload.
"""

import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

from ingest import files, query, tickets
from ingest.errors import DiskFull, IngestError, Outside
from ingest.settings import settings
from ingest.tickets import No
from ingest.upload import spool
from schemas.downloading import Made, Wanted

MAKE_SECONDS = 600.0
FETCH_SECONDS = 600
NOT_OURS = "This page may not download files. Reload the page and try again."
GONE = "This file was fetched already, or has waited for too long. Go back to the page and download it again."
_ID = re.compile(r"down_[0-9a-f]{32}")
MEDIA = {
    "csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "zip": "application/zip", "parquet": "application/vnd.apache.parquet",
}


def rejected(path: Path, import_id: str) -> None:
    """The rejected rows of an import, as CSV or Excel."""
    from ingest import imports  # loads every stage, which only a process that makes files needs

    imports.write_rejected(import_id, path)


def evidence(path: Path, push_id: str) -> None:
    """Everything an auditor needs about a push."""
    from ingest import push

    push.evidence(push_id, path)


def events(path: Path, import_id: str) -> None:
    """The events of an import, as CSV."""
    from ingest import imports, push

    push.write_readable(imports.check_folder(import_id) / "events.parquet", path)


def template(path: Path, account: str, slug: str) -> None:
    """A workbook to fill in for an event type of an account."""
    from ingest.templates import write_template_of

    write_template_of(account, slug, path)


KINDS: dict[str, Callable[..., None]] = {"rejected": rejected, "evidence": evidence, "events": events, "template": template}
"""What can be downloaded: each is given the path to write to (its ending says the format), then the ticket's arguments."""


def mint(what: str, *args: str, file_name: str) -> str:
    """A signed ticket for having a file made. A page gives it to those who may see what is in it."""
    if what not in KINDS:
        raise KeyError(f"{what!r} can't be downloaded; there are {', '.join(KINDS)}")
    return tickets.signed(Wanted(what=what, args=args, file_name=file_name, expires=int(time.time()) + settings().ticket_seconds))


async def make(request: Request) -> dict[str, object]:
    """Makes the file, and says where it is to be fetched."""
    tickets.same_origin(request, "Files are only given to the portal's own pages.")
    wanted = tickets.opened(request.headers.get("x-download-ticket", ""), Wanted, refusal=NOT_OURS)
    made = Made(download_id=f"down_{secrets.token_hex(16)}", file_name=wanted.file_name, expires=int(time.time()) + FETCH_SECONDS)
    size = await to_thread.run_sync(_make, wanted, made)
    return {"address": f"/api/downloads/{made.download_id}?ticket={quote(tickets.signed(made))}", "size": size}


async def fetch(request: Request) -> FileResponse:
    """The finished file, which is gone afterwards."""
    tickets.same_origin(request, "Files are only given to the portal's own pages.")
    made = tickets.opened(request.query_params.get("ticket", ""), Made, refusal=NOT_OURS)
    if not _ID.fullmatch(made.download_id) or request.path_params["id"] != made.download_id:
        raise No(401, NOT_OURS)
    taken = await to_thread.run_sync(_take, made)
    return FileResponse(taken, media_type=_media(made.file_name), filename=made.file_name, headers={"Cache-Control": "no-store"}, background=BackgroundTask(taken.unlink, missing_ok=True))


routes = [
    Route("/api/downloads", tickets.answered(make), methods=["POST"]),
    Route("/api/downloads/{id}", tickets.answered(fetch), methods=["GET"]),
]


def _make(wanted: Wanted, made: Made) -> int:
    """How large the file is. What can't be made is refused with the error's sentence."""
    whole = spool() / made.download_id
    path = whole.with_name(f"{whole.name}.{_ending(wanted.file_name)}")
    try:
        files.check_free_disk()
        query.make(KINDS[wanted.what], (path, *wanted.args), seconds=MAKE_SECONDS)
        path.replace(whole)
    except query.TooSlow as error:
        raise No(503, "This file took too long to make, or others were being made. Try again in a moment.") from error
    except IngestError as error:
        raise No(507 if isinstance(error, DiskFull) else 503 if isinstance(error, Outside) else 409, str(error)) from error
    finally:
        path.unlink(missing_ok=True)
    return whole.stat().st_size


def _take(made: Made) -> Path:
    """The file under a name that nobody else can take."""
    whole = spool() / made.download_id
    try:
        return whole.replace(whole.with_name(f"{whole.name}.taken"))
    except FileNotFoundError:
        raise No(410, GONE) from None


def _ending(file_name: str) -> str:
    return file_name.rpartition(".")[2]


def _media(file_name: str) -> str:
    return MEDIA.get(_ending(file_name), "application/octet-stream")
