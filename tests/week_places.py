"""Places that a simulated week of usage comes from: real servers, each with a source of its own that rows are written to, and faults that such places have."""

import os
import shutil
import socket
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import httpx

from tests.clickhouse_server import PASSWORD as CLICKHOUSE_PASSWORD
from tests.database_servers import MariaDB, Postgres

BERLIN = ZoneInfo("Europe/Berlin")
COLUMNS = ("id", "updated_at", "customer", "at", "hours")


@dataclass(frozen=True)
class Usage:
    """A row of usage. `updated` is what its cursor says."""

    id: int
    customer: str
    at: datetime
    hours: Decimal
    updated: datetime

    @property
    def event(self) -> tuple[str, str, Decimal]:
        """As the account holds it."""
        return self.customer, self.at.strftime("%Y-%m-%dT%H:%M:%S"), self.hours


class Wire:
    """A way to a server of this machine that can be cut: after so many bytes of the server's answers, every connection ends."""

    def __init__(self, port: int) -> None:
        self._to, self.left = port, None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError), self._listening:
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                threading.Thread(target=self._carry, args=(near, far, False), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, True), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, answers: bool) -> None:
        with suppress(OSError), one:
            while (not answers or self.left != 0) and (chunk := one.recv(1 << 16)):
                if answers and self.left is not None:
                    chunk, self.left = chunk[:self.left], max(0, self.left - len(chunk))
                other.sendall(chunk)
            other.shutdown(socket.SHUT_RDWR)


class Place:
    """Where one source's usage is. `truth` are all rows that were ever written there."""

    connector = ""
    has_cursor = True
    is_of_one_kind = True
    """Whether all that is there has the same columns at any time."""
    wire: Wire | None = None

    def __init__(self, name: str) -> None:
        self.name, self.hours, self.truth = name, "hours", []
        self.note = False
        self.secret = f"WEEK_{name.upper().replace('-', '_')}"

    def connection(self) -> dict[str, object]:
        raise NotImplementedError

    def read(self) -> dict[str, object]:
        raise NotImplementedError

    def document(self) -> dict[str, object]:
        """The source, as somebody would register it now."""
        return {
            "name": self.name, "connector": self.connector, "connection": self.connection(), "read": self.read(), "lookback": "2h", "event_type": "compute", "schedule": {"every": "1d"}, "push": "automatic", "account": "Test",
            "match": {"customer_id": "customer", "timestamp": "at", "cpu_hours": self.hours},
        }

    def write(self, rows: Sequence[Usage]) -> None:
        """Puts rows there."""
        self.truth += rows
        self.put(rows)

    def put(self, rows: Sequence[Usage]) -> None:
        raise NotImplementedError

    def cells(self, row: Usage) -> list[str]:
        """A row as this place writes it."""
        found = [str(row.id), self.cursor(row), row.customer, row.at.strftime("%Y-%m-%dT%H:%M:%SZ"), str(row.hours)]
        return [*found, "a note"] if self.note else found

    def cursor(self, row: Usage) -> str:
        return row.updated.strftime("%Y-%m-%d %H:%M:%S.%f+00")

    # Faults.

    def lock(self) -> None:
        """The password is good no longer."""
        os.environ[self.secret] = "s3cret-expired"

    def unlock(self) -> None:
        """The new one is known."""
        os.environ[self.secret] = self.password()

    def password(self) -> str:
        return "none"

    def cut(self, after: int) -> None:
        """The way there ends in the middle of an answer."""
        self.wire.left = after

    def mend(self) -> None:
        self.wire.left = None

    def note_comes(self) -> None:
        """A column that means nothing to anybody here."""
        self.note = True

    def note_goes(self) -> None:
        self.note = False

    def rename_hours(self) -> None:
        """The column that bills is called otherwise from now on."""
        self.hours = "cpu_time"


class Table(Place):
    """A table of a database that takes SQL."""

    table = ""
    types = ("bigint", "timestamptz", "varchar(100)", "timestamptz", "decimal(18,4)")

    def run(self, statement: str) -> None:
        raise NotImplementedError

    def create(self) -> "Table":
        self.run(f"create table {self.table} ({', '.join(f'{self.quoted(name)} {kind}' for name, kind in zip(COLUMNS, self.types, strict=True))}) {self.engine}")
        return self

    engine = ""

    def quoted(self, name: str) -> str:
        return f'"{name}"'

    def read(self) -> dict[str, object]:
        return {"table": self.table, "cursor": "updated_at", "key": ["id"]}

    def put(self, rows: Sequence[Usage]) -> None:
        for row in rows:
            self.run(f"insert into {self.table} values ({', '.join(repr(cell) for cell in self.cells(row))})")

    def note_comes(self) -> None:
        super().note_comes()
        self.run(f"alter table {self.table} add column note varchar(20) default 'before'")

    def note_goes(self) -> None:
        super().note_goes()
        self.run(f"alter table {self.table} drop column note")

    def rename_hours(self) -> None:
        super().rename_hours()
        self.run(f"alter table {self.table} rename column hours to cpu_time")


class InPostgres(Table):
    connector = "postgresql"

    def __init__(self, name: str, server: Postgres) -> None:
        super().__init__(name)
        self.server, self.wire, self.table, self.known = server, Wire(server.port), name.replace("-", "_"), "r3ad3r"
        self.user = f"reader_{self.table}"
        self.run(f"create user {self.user} password 'r3ad3r'")
        self.run(f"grant usage on schema public to {self.user}")
        self.create().run(f"grant select on {self.table} to {self.user}")
        self.unlock()

    def run(self, statement: str) -> None:
        self.server.run(statement, database="usage")

    def connection(self) -> dict[str, object]:
        return {"host": "127.0.0.1", "port": self.wire.port, "database": "usage", "user": self.user, "password": f"env:{self.secret}"}

    def password(self) -> str:
        return self.known

    def lock(self) -> None:
        self.known += "-new"
        self.run(f"alter user {self.user} password '{self.known}'")


class InMariaDB(Table):
    """Its cursor is the wall clock of Berlin, without a zone."""

    connector = "mariadb"
    types = ("bigint", "datetime(6)", "varchar(100)", "varchar(40)", "decimal(18,4)")

    def __init__(self, name: str, server: MariaDB) -> None:
        super().__init__(name)
        self.server, self.wire, self.table = server, Wire(server.port), name.replace("-", "_")
        self.create()
        self.unlock()

    def run(self, statement: str) -> None:
        self.server.run(statement, database="usage")

    def quoted(self, name: str) -> str:
        return f"`{name}`"

    def connection(self) -> dict[str, object]:
        return self.server.connection(port=self.wire.port, password=f"env:{self.secret}")

    def document(self) -> dict[str, object]:
        return {**super().document(), "lookback": "0"}

    def read(self) -> dict[str, object]:
        return {**super().read(), "cursor_zone": "Europe/Berlin"}

    def cursor(self, row: Usage) -> str:
        return row.updated.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S.%f")

    def password(self) -> str:
        return "r3ad3r"


class InClickHouse(Table):
    connector = "clickhouse"
    types = ("UInt64", "DateTime64(6, 'UTC')", "String", "DateTime64(3, 'UTC')", "Decimal(18, 4)")
    engine = "engine = MergeTree order by id"

    def __init__(self, name: str, url: str) -> None:
        super().__init__(name)
        self.url, self.table = url, f"usage.{name.replace('-', '_')}"
        self.wire = Wire(httpx.URL(url).port)
        self.create()
        self.unlock()

    def run(self, statement: str) -> None:
        httpx.post(self.url, params={"default_format": "TSV"}, headers={"x-clickhouse-key": CLICKHOUSE_PASSWORD}, content=statement).raise_for_status()

    def connection(self) -> dict[str, object]:
        return {"url": f"http://127.0.0.1:{self.wire.port}", "database": "usage", "user": "reader", "password": f"env:{self.secret}"}

    def cells(self, row: Usage) -> list[str]:
        return [cell.removesuffix("+00").replace("T", " ").removesuffix("Z") for cell in super().cells(row)]

    def password(self) -> str:
        return CLICKHOUSE_PASSWORD


class InFile(Table):
    """A database in one file, which can be away."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(name)
        self.table, self.path, self.away = "usage", folder / f"{name}.db", folder / f"{name}.away"
        self.create()

    def connection(self) -> dict[str, object]:
        return {"path": str(self.path)}

    @property
    def file(self) -> Path:
        """Where it is now: who writes to it can always do so."""
        return self.away if self.away.exists() else self.path

    def lock(self) -> None:
        shutil.move(self.path, self.away)

    def unlock(self) -> None:
        shutil.move(self.away, self.path)

    def cut(self, after: int) -> None:
        self.lock()

    def mend(self) -> None:
        self.unlock()


class InSQLite(InFile):
    """Its cursor is the number of the row."""

    connector = "sqlite"
    types = ("integer", "text", "text", "text", "numeric")

    def run(self, statement: str) -> None:
        with closing(sqlite3.connect(self.file)) as opened, opened:
            opened.execute(statement)

    def read(self) -> dict[str, object]:
        return {**super().read(), "cursor": "id"}


class InDuckDB(InFile):
    """Without a cursor: everything is compared."""

    connector = "duckdb"
    has_cursor = False

    def run(self, statement: str) -> None:
        with duckdb.connect(self.file) as opened:
            opened.execute("set timezone = 'UTC'")
            opened.execute(statement)

    def read(self) -> dict[str, object]:
        return {"table": self.table, "key": ["id"], "compare": True}
