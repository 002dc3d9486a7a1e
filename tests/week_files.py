"""Places of the simulated week whose usage comes in files: a folder, SFTP, a bucket, a link."""

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path

import obstore
from obstore.store import S3Store

from tests.file_servers import WebServer, body, redirect, status
from tests.week_places import COLUMNS, Place, Usage, Wire


class Files(Place):
    """CSV files: with every writing a new one comes, and the one before grows."""

    has_cursor = False
    is_of_one_kind = False

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.files: list[list[Usage]] = []
        self.unlock()

    def read(self) -> dict[str, object]:
        return {"files": {"path": "exports/*.csv"}}

    def put(self, rows: Sequence[Usage]) -> None:
        self.files.append([])
        for place, row in enumerate(rows):
            self.files[-1 - place % min(2, len(self.files))].append(row)
        for number in range(max(0, len(self.files) - 2), len(self.files)):
            self.put_file(f"exports/usage-{number:03}.csv", self.text(self.files[number]))

    def text(self, rows: Sequence[Usage]) -> bytes:
        out = io.StringIO()
        csv.writer(out).writerows([[*COLUMNS[2:4], self.hours, *(["note"] if self.note else [])], *(self.cells(row)[2:] for row in rows)])
        return out.getvalue().encode()

    def put_file(self, name: str, content: bytes) -> None:
        raise NotImplementedError


class InFolder(Files):
    connector = "folder"

    def __init__(self, name: str, folder: Path) -> None:
        self.folder = folder / name
        (self.folder / "exports").mkdir(parents=True)
        super().__init__(name)

    def connection(self) -> dict[str, object]:
        return {"path": str(self.folder), "rest_seconds": 0}

    def put_file(self, name: str, content: bytes) -> None:
        folder = self.folder if self.folder.exists() else self.folder.with_suffix(".away")
        (folder / name).write_bytes(content)

    def lock(self) -> None:
        shutil.move(self.folder, self.folder.with_suffix(".away"))

    def unlock(self) -> None:
        if not self.folder.exists():
            shutil.move(self.folder.with_suffix(".away"), self.folder)

    def cut(self, after: int) -> None:
        self.lock()

    def mend(self) -> None:
        self.unlock()


class OnSftp(Files):
    connector = "sftp"

    def __init__(self, name: str, port: int, known: str, data: Path) -> None:
        super().__init__(name)
        self.wire, self.known, self.folder = Wire(port), known, data / name
        (self.folder / "exports").mkdir(parents=True)

    def connection(self) -> dict[str, object]:
        return {"host": "127.0.0.1", "port": self.wire.port, "user": "me", "password": f"env:{self.secret}", "fingerprint": self.known, "rest_seconds": 0, "folder": self.name}

    def put_file(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def password(self) -> str:
        return "s3cret"


class InBucket(Files):
    connector = "s3"

    def __init__(self, name: str, port: int) -> None:
        super().__init__(name)
        self.wire = Wire(port)
        self.admin = S3Store("usage", endpoint=f"http://127.0.0.1:{port}", region="us-east-1", access_key_id="admin-key", secret_access_key="admin-s3cret", client_options={"allow_http": True})

    def connection(self) -> dict[str, object]:
        return {"bucket": "usage", "endpoint": f"http://127.0.0.1:{self.wire.port}", "access_key_id": "reader-key", "secret_access_key": f"env:{self.secret}"}

    def read(self) -> dict[str, object]:
        return {"files": {"path": f"{self.name}/exports/*.csv"}}

    def put_file(self, name: str, content: bytes) -> None:
        obstore.put(self.admin, f"{self.name}/{name}", content)

    def password(self) -> str:
        return "reader-s3cret"


class AtLink(Files):
    """One file at a link, with everything since the week began."""

    connector = "https"
    is_of_one_kind = True

    def __init__(self, name: str, server: WebServer) -> None:
        self.server, self.path, self.version = server, f"/{name}.csv", 0
        super().__init__(name)
        self.wire = Wire(server.port)
        self.put([])

    def connection(self) -> dict[str, object]:
        return {"url": f"http://127.0.0.1:{self.wire.port}{self.path}", "token": f"env:{self.secret}"}

    def read(self) -> dict[str, object]:
        return {}

    def put(self, rows: Sequence[Usage]) -> None:
        self.version += 1
        content = body(self.text(self.truth), ETag=f'"{self.version}"')
        self.server.routes[self.path] = lambda request: (content if request.headers.get("Authorization") == f"Bearer {self.password()}" else status(401))(request)

    def password(self) -> str:
        return "t0ken"

    def astray(self) -> None:
        """The link leads to where keys of clouds are."""
        self.server.routes[self.path] = redirect("http://169.254.169.254/latest/meta-data/")

    def back(self) -> None:
        self.put([])
