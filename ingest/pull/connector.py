"""What a connector is. There are two kinds; each is an object made without arguments, whose methods take the connection (an instance of its `model`).

Errors: `BadInput` where what was asked is wrong (a table that isn't there, a query with a mistake); `Unreachable` where there is no answer; `Refused` where sign-in or rights
are missing. Each says what, where, what to do, and never holds a secret. A missing library is a `BadInput` with the install command (`needed`).
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Literal, Protocol

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ingest.errors import BadInput
from schemas.source import Diagnosis, Fetched, Files, Found, ListedFile, Read, SourceColumn, Window


class Connection(BaseModel):
    """The base of every connection's model. The form is made from it: `title`, `description` and `examples` of each field; a field of type SecretStr is a secret, asked for once and never shown again."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Connector(Protocol):
    """What both kinds have."""

    name: str
    """As it stands in a source's file: `postgresql`."""
    title: str
    """As people call it: `PostgreSQL`."""
    kind: Literal["tables", "files"]
    model: type[Connection]
    libraries: tuple[str, ...]
    """What has to be installed beside the portal, by the names that pip knows."""

    def rights(self, connection: Connection | None, read: Read | None) -> str:
        """What to hand to an administrator: the statements, or the text, that give just the rights that are needed."""

    def addresses(self, connection: Connection) -> tuple[tuple[str, int], ...]:
        """Hosts and ports that have to be reached from here."""

    def test(self, connection: Connection, read: Read | None = None) -> Diagnosis:
        """Tries the connection step by step. Doesn't raise for what it is there to find out."""

    def discover(self, connection: Connection, within: str = "") -> tuple[Found, ...]:
        """What can be read; at most a few thousand. `within` is a schema, folder or the like."""


class TableConnector(Connector, Protocol):
    """Rows. Which are new is known by a cursor, or by reading all."""

    def columns(self, connection: Connection, read: Read) -> tuple[SourceColumn, ...]:
        """The columns of what would be read."""

    def preview(self, connection: Connection, read: Read, limit: int = 100) -> pa.Table:
        """The first rows (with a cursor: the newest), every cell as the text that `fetch` would write."""

    def count(self, connection: Connection, read: Read, window: Window) -> Fetched:
        """What `fetch` would find, without fetching it."""

    def fetch(self, connection: Connection, read: Read, window: Window, to: Path) -> Fetched:
        """Writes the rows of a window, of one moment, into the file `to` (pulled_file.py says how). Memory doesn't grow with the rows."""


class FileConnector(Connector, Protocol):
    """Files. Which are new is known by path, ETag, size and time."""

    def list(self, connection: Connection, files: Files) -> Sequence[ListedFile]:
        """The files that match, by path."""

    def fetch(self, connection: Connection, file: ListedFile, to: Path) -> ListedFile:
        """Fetches a file whole into `to`, and says what it was (size, etag, modified) when it was fetched. Raises Unreachable where it was cut off or changed meanwhile."""


def needed(module: str, connector: str, *libraries: str) -> ModuleType:
    """A library that only this connector needs. Raises BadInput with the command that installs it."""
    try:
        return import_module(module)
    except ImportError:
        raise BadInput(f"Reading from {connector} needs {' and '.join(libraries)}, which is not installed.", f"Install it where the portal runs: .venv/bin/python -m pip install {' '.join(libraries)}") from None
