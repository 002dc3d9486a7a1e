"""Files from a browser to the disk: a page mints a signed ticket, the browser sends slices, nothing is ever held in memory.

    PUT    /api/uploads/{id}?offset=N      the next raw bytes            → {"offset"}
    GET    /api/uploads/{id}               how far it is                 → {"offset"}
    POST   /api/uploads/{id}/complete      {"name", "size"}: that's all  → {"id"}
    DELETE /api/uploads/{id}               cancelled: nothing stays      → {}

Each request carries the ticket in `X-Upload-Ticket`; no cookie gives any right here. While it arrives, a file is `spool/<id>.part`; whole, it is `spool/<id>`.
The file's own name is only ever shown.
"""

import asyncio
import fcntl
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Route

from ingest import files, tickets
from ingest.errors import BadInput, DiskFull
from ingest.settings import settings
from ingest.store import imports as stored_imports
from ingest.store import uploads
from ingest.tickets import No
from schemas.base import Frozen
from schemas.records import ImportRecord
from schemas.uploading import Ticket

WRITE_BYTES = 1024**2
COMPLETE_BYTES = 16 * 1024
NAME_LENGTH = 200
_ID = re.compile(r"up_[0-9a-f]{32}")
_locks: dict[str, asyncio.Lock] = {}


class Arrival(Frozen):
    """What became of an upload: an import, or a question because these very bytes were imported before."""

    upload_id: str
    file_name: str
    import_id: str | None = None
    also: tuple[str, ...] = ()
    """The other imports, where the upload was a zip archive with several tables; named once, when they are made."""
    known: tuple[ImportRecord, ...] = ()


def mint(owner: str, *, now: float | None = None) -> tuple[str, str]:
    """A new upload's id and the signed ticket for it."""
    given = settings()
    ticket = Ticket(upload_id=f"up_{secrets.token_hex(16)}", owner=owner, max_bytes=given.upload_max_bytes, expires=int((now or time.time()) + given.ticket_seconds))
    return ticket.upload_id, tickets.signed(ticket)


def bring_in(upload_id: str, owner: str, *, account: str | None = None, again: bool = False, fixes: str | None = None) -> Arrival:
    """Makes an import of a finished upload, once, and of a zip archive one for each table in it; or names the imports of the same bytes, unless `again` says that it is on purpose."""
    from ingest import imports  # loads every stage, which an upload doesn't need

    upload = uploads.get(upload_id, owner)
    with _one_at_a_time(upload.sha256):
        upload = uploads.get(upload_id, owner)
        if upload.import_id:
            return Arrival(upload_id=upload_id, file_name=upload.file_name, import_id=upload.import_id)
        whole = spool() / upload_id
        with imports.pieces(whole, upload.file_name) as pieces:
            hashes = [upload.sha256 if path == whole else files.sha256_of(path) for path, _ in pieces]
            known = () if again else tuple(record for sha256 in hashes for record in stored_imports.same_file(sha256))
            if known:
                return Arrival(upload_id=upload_id, file_name=upload.file_name, known=known)
            made = [imports.start(path, name, owner, account=account, fixes=fixes, move=True).id for path, name in pieces]
        whole.unlink(missing_ok=True)
        uploads.became(upload_id, made[0])
    return Arrival(upload_id=upload_id, file_name=upload.file_name, import_id=made[0], also=tuple(made[1:]))


def put_right(upload_id: str, owner: str, import_id: str) -> int | None:
    """Takes a finished upload for the corrected rows of an import, once: only cells of rows that it names change. How many rows did; None where this was done before."""
    from ingest import fixing  # loads every stage, which an upload doesn't need

    with _one_at_a_time(uploads.get(upload_id, owner).sha256):
        upload = uploads.get(upload_id, owner)
        if upload.import_id:
            return None
        whole = spool() / upload_id
        changed = fixing.bring_back(import_id, whole, upload.file_name, owner)
        uploads.became(upload_id, import_id)
        whole.unlink(missing_ok=True)
    return changed


def clean_spool(older_than: float, *, now: float | None = None) -> int:
    """Removes what broken-off uploads left behind, where nothing has arrived for `older_than` seconds. How many files went."""
    latest = (now or time.time()) - older_than
    old = [path for path in spool().iterdir() if path.stat().st_mtime < latest]
    for path in old:
        path.unlink(missing_ok=True)
        if _ID.fullmatch(path.name):
            uploads.forget(path.name)
    return len(old)


def spool() -> Path:
    """Where uploads lie until they become imports."""
    folder = settings().home / "spool"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def shown_name(name: object) -> str:
    """The file's name as it is shown: without folders, control characters or great length. Never a path."""
    last = re.split(r"[\\/]", str(name or ""))[-1]
    visible = "".join(character for character in last if character.isprintable()).strip()
    if len(visible) > NAME_LENGTH:
        stem, dot, ending = visible.rpartition(".")
        visible = f"{stem[: NAME_LENGTH - 20]}…{dot}{ending[:15]}"
    return visible or "unnamed file"


async def receive(request: Request) -> dict[str, object]:
    """Appends one slice, as it arrives, at the offset where the file ends."""
    ticket = _allowed(request)
    part = _part(ticket)
    async with _lock(ticket.upload_id):
        await to_thread.run_sync(_begin_slice, request, ticket, part)
        try:
            return {"offset": await _write(request, ticket, part)}
        except ClientDisconnect:
            return {"offset": _length(part)}


async def where(request: Request) -> dict[str, object]:
    """How many bytes have arrived."""
    return {"offset": await to_thread.run_sync(_arrived, _allowed(request))}


async def complete(request: Request) -> dict[str, object]:
    """The file is whole: it gets its hash and its final place."""
    ticket = _allowed(request)
    said = await _said(request)
    async with _lock(ticket.upload_id):
        await to_thread.run_sync(_finish, ticket, said)
    _locks.pop(ticket.upload_id, None)
    return {"id": ticket.upload_id}


async def cancel(request: Request) -> dict[str, object]:
    """Nothing of a cancelled upload stays."""
    ticket = _allowed(request)
    async with _lock(ticket.upload_id):
        _part(ticket).unlink(missing_ok=True)
    _locks.pop(ticket.upload_id, None)
    return {}


routes = [
    Route("/api/uploads/{id}", tickets.answered(receive), methods=["PUT"]),
    Route("/api/uploads/{id}", tickets.answered(where), methods=["GET"]),
    Route("/api/uploads/{id}", tickets.answered(cancel), methods=["DELETE"]),
    Route("/api/uploads/{id}/complete", tickets.answered(complete), methods=["POST"]),
]


def _allowed(request: Request) -> Ticket:
    """The ticket of a request that may go on. Its own id, never the address, names the file."""
    tickets.same_origin(request, "Uploads are only taken from the portal's own pages.")
    ticket = tickets.opened(request.headers.get("x-upload-ticket", ""), Ticket, refusal="This page may not upload files. Reload the page and try again.")
    if not _ID.fullmatch(request.path_params["id"]) or request.path_params["id"] != ticket.upload_id:
        raise No(401, "This ticket is for another upload. Reload the page and try again.")
    return ticket


def _begin_slice(request: Request, ticket: Ticket, part: Path) -> None:
    """Refuses a slice that comes at the wrong place, is too long, or has no room."""
    if uploads.find(ticket.upload_id):
        raise No(409, "This upload is finished already. Choose the file again to upload it once more.")
    offset, there = request.query_params.get("offset", ""), _length(part)
    if not offset.isdecimal() or int(offset) != there:
        raise No(409, "This part of the file doesn't follow the one before.", offset=there)
    coming = request.headers.get("content-length", "0")
    if there + int(coming if coming.isdecimal() else 0) > ticket.max_bytes:
        _too_large(ticket, part)
    try:
        files.check_free_disk(int(coming) if coming.isdecimal() else 0)
    except DiskFull as error:
        _no_room(part, error)


async def _write(request: Request, ticket: Ticket, part: Path) -> int:
    """Writes the body in pieces of a megabyte, off the event loop. Where the file then ends."""
    buffer, end = bytearray(), _length(part)
    with part.open("ab", buffering=0) as stream:
        async for chunk in request.stream():
            buffer += chunk
            end += len(chunk)
            if end > ticket.max_bytes:
                _too_large(ticket, part)
            if len(buffer) >= WRITE_BYTES:
                await to_thread.run_sync(_append, stream, bytes(buffer), part)
                buffer.clear()
        await to_thread.run_sync(_append, stream, bytes(buffer), part)
    return end


def _append(stream: object, data: bytes, part: Path) -> None:
    view = memoryview(data)
    try:
        with files.full_disk_is_a_sentence():
            while view:
                view = view[stream.write(view):]
    except DiskFull as error:
        _no_room(part, error)


def _too_large(ticket: Ticket, part: Path) -> None:
    part.unlink(missing_ok=True)
    raise No(413, f"This file is larger than the {ticket.max_bytes // 1024**2:,} MB that may be uploaded. Split it, or ask for a higher limit (setting upload_max_bytes).")


def _no_room(part: Path, error: DiskFull) -> None:
    part.unlink(missing_ok=True)
    raise No(507, f"{error} Nothing of this file was kept.") from error


async def _said(request: Request) -> dict[str, object]:
    """What the browser says about the finished file."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > COMPLETE_BYTES:
            raise No(413, "This message is too long.")
    try:
        said = json.loads(bytes(body))
    except ValueError:
        raise No(400, "This message can't be understood.") from None
    if not isinstance(said, dict) or not isinstance(said.get("size"), int):
        raise No(400, "This message can't be understood.")
    return said


def _finish(ticket: Ticket, said: dict[str, object]) -> None:
    part, size = _part(ticket), _arrived(ticket)
    if size == said["size"] and uploads.find(ticket.upload_id):
        return  # the answer was lost on its way, so the browser asks again
    if size != said["size"]:
        raise No(409, "The file hasn't arrived whole yet.", offset=size)
    with part.open("ab") as stream:
        os.fsync(stream.fileno())
    sha256 = files.sha256_of(part)
    part.replace(spool() / ticket.upload_id)
    try:
        uploads.add(ticket.upload_id, ticket.owner, shown_name(said.get("name")), size, sha256)
    except BadInput as error:
        raise No(409, str(error)) from error


def _arrived(ticket: Ticket) -> int:
    """How many bytes of an upload are here, whether or not it is finished."""
    known = uploads.find(ticket.upload_id)
    return known.size if known else _length(_part(ticket))


def _part(ticket: Ticket) -> Path:
    return spool() / f"{ticket.upload_id}.part"


def _length(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _lock(upload_id: str) -> asyncio.Lock:
    return _locks.setdefault(upload_id, asyncio.Lock())


@contextmanager
def _one_at_a_time(sha256: str) -> Iterator[None]:
    """Two people with the same file: the second one sees what the first one did."""
    with (spool() / f"{sha256}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
