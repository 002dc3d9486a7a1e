"""Files on their way in."""

from schemas.base import Frozen


class Ticket(Frozen):
    """The right to upload one file, once. Signed by the portal; `expires` is in seconds since 1970."""

    upload_id: str
    owner: str
    max_bytes: int
    expires: int


class Upload(Frozen):
    """A finished upload: bytes in the spool. `import_id` names what became of it."""

    id: str
    owner: str
    file_name: str
    size: int
    sha256: str
    finished_at: str
    import_id: str | None = None
