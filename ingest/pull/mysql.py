"""MySQL and MariaDB.

Rows come as the texts that the server writes: every column is cast in the SELECT, so that no driver cuts a digit or makes a date of zeros into nothing.
One statement in a read-only transaction is one moment; the answer is streamed, so memory doesn't grow with the rows.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Literal

import pyarrow as pa
from pydantic import Field, SecretStr

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull import select
from ingest.pull.connector import Connection, needed
from ingest.pull.guard import server_allowed
from ingest.pull.pulled_file import TextFile
from ingest.pull.reach import steps_to, tls_context
from ingest.pull.select import Dialect, selected, taken
from schemas.source import Diagnosis, Fetched, Found, Read, SourceColumn, Step, Window

CONNECT_SECONDS, READ_SECONDS = 10, 3600
MOST_FOUND, BATCH = 2000, 20_000
KINDS = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), "integer"), "decimal": "decimal", "float": "float", "double": "float", "timestamp": "time", "datetime": "naive_time", "date": "date",
    **dict.fromkeys(("char", "varchar", "text", "tinytext", "mediumtext", "longtext", "enum", "set", "uuid"), "text"),
}
CURSORS = ("updated_at", "modified_at", "updated", "modified", "changed_at", "inserted_at", "created_at", "created", "event_time", "timestamp", "ts")
BYTES = ("binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob", "geometry")


class MySQLConnection(Connection):
    """Where the database is, and who reads it."""

    host: str = Field(title="Host", examples=["db.example.com"])
    port: int = Field(3306, ge=1, le=65535, title="Port")
    database: str = Field(title="Database", examples=["usage"])
    user: str = Field(title="User", description="One that may only read.", examples=["usage_reader"])
    password: SecretStr | None = Field(None, title="Password")
    ssl: Literal["disable", "prefer", "require", "verify"] = Field("prefer", title="Encryption", description="verify also checks that the server is the one it says.")
    ssl_ca: Path | None = Field(None, title="Certificate", description="A file (PEM) with the certificate of the authority that signed the server's.")


class MySQL:
    """A MySQL database."""

    name = "mysql"
    title = "MySQL"
    kind: Literal["tables"] = "tables"
    model = MySQLConnection
    libraries: tuple[str, ...] = ()

    def rights(self, connection: MySQLConnection | None, read: Read | None) -> str:
        """A user that may read, and nothing else."""
        user, database = (connection.user, connection.database) if connection else ("usage_reader", "usage")
        schema, _, table = (read.table if read and read.table else f"{database}.usage").rpartition(".")
        return "\n".join((f"CREATE USER {DIALECT.text(user)}@'%' IDENTIFIED BY '…';", f"GRANT SELECT ON {DIALECT.name(schema or database)}.{DIALECT.name(table)} TO {DIALECT.text(user)}@'%';"))

    def addresses(self, connection: MySQLConnection) -> tuple[tuple[str, int], ...]:
        """The server."""
        return ((connection.host, connection.port),)

    def test(self, connection: MySQLConnection, read: Read | None = None) -> Diagnosis:
        """Name, port, sign-in, rights, and whether there are rows."""
        found = list(steps_to(connection.host, connection.port, server_allowed))
        if not all(step.ok for step in found):
            return Diagnosis(steps=tuple(found))
        try:
            with _connected(connection) as opened:
                found.append(Step(name="sign-in", ok=True, text=f"{connection.user} is signed in to {connection.database}."))
                if read and (read.table or read.sql):
                    found += _rights(opened, connection, read)
        except IngestError as error:
            found.append(Step(name=getattr(error, "step", "query"), ok=False, text=error.sentence, todo=error.todo))
        return Diagnosis(steps=tuple(found))

    def discover(self, connection: MySQLConnection, within: str = "") -> tuple[Found, ...]:
        """Tables and views of the database, with their columns, the key, and the column that probably tells what is new."""
        with _connected(connection) as opened:
            schema = within or connection.database
            tables = _all(opened, "select table_name, table_type, table_rows from information_schema.tables where table_schema = %s order by 1 limit %s", (schema, MOST_FOUND))
            columns = _all(opened, "select table_name, column_name, data_type, column_key from information_schema.columns where table_schema = %s order by table_name, ordinal_position", (schema,))
        return tuple(_found(name, kind, rows, [each[1:] for each in columns if each[0] == name]) for name, kind, rows in tables)

    def columns(self, connection: MySQLConnection, read: Read) -> tuple[SourceColumn, ...]:
        """The columns of what would be read."""
        with _connected(connection) as opened:
            return taken(read, _columns(opened, read))

    def preview(self, connection: MySQLConnection, read: Read, limit: int = 100) -> pa.Table:
        """The first rows; with a cursor the newest."""
        with _connected(connection) as opened:
            columns = taken(read, _columns(opened, read))
            newest = f" order by {DIALECT.name(read.cursor)} desc" if read.cursor else ""
            rows = _all(opened, f"{selected(DIALECT, read, columns, Window())}{newest} limit {limit:d}")
        return pa.Table.from_batches([_batch(rows, columns)])

    def count(self, connection: MySQLConnection, read: Read, window: Window) -> Fetched:
        """How many rows a window has, its newest cursor, and how many rows have none."""
        with _connected(connection) as opened:
            columns = _columns(opened, read)
            rows, newest = _ends(opened, read, columns, window)
            without = _all(opened, f"select count(*) from {select.origin(DIALECT, read)} where {DIALECT.name(read.cursor)} is null")[0][0] if read.cursor else 0
        return Fetched(rows=int(rows), newest=newest, columns=taken(read, columns), without_cursor=int(without))

    def fetch(self, connection: MySQLConnection, read: Read, window: Window, to: Path) -> Fetched:
        """Writes the rows of a window as they are at one moment."""
        with _connected(connection) as opened:
            columns = taken(read, _columns(opened, read))
            _, newest = _ends(opened, read, columns, window)
            with TextFile(to, [column.name for column in columns], f"{connection.database} {read.table or 'query'}") as file:
                for rows in _streamed(opened, selected(DIALECT, read, columns, window)):
                    file.add(_batch(rows, columns))
                return Fetched(rows=file.rows, newest=newest if file.rows else None, columns=columns)


class MariaDB(MySQL):
    """A MariaDB database."""

    name = "mariadb"
    title = "MariaDB"


def _bound(bound: str, kind: str) -> str:
    """Moments in UTC, as the session has them; numbers as they are."""
    if kind in ("integer", "decimal", "float"):
        return f"cast({DIALECT.text(bound)} as decimal(65, 30))" if kind != "integer" else bound if bound.lstrip("+-").isdecimal() else DIALECT.text(bound)
    return DIALECT.text(bound.replace("T", " ").rstrip("Z")) if kind in ("time", "naive_time") else DIALECT.text(bound)


def _cast(name: str, column: SourceColumn) -> str:
    """A column as the text the server writes; bytes in hexadecimal, bits as a number."""
    if column.type in BYTES:
        return f"lower(hex({name}))"
    return f"cast({name} + 0 as char)" if column.type == "bit" else f"cast({name} as char)"


DIALECT = Dialect("`", _bound, _cast, backslashes=True)


class SignInFailed(Refused):
    """The database said no. `step` is the step of a test that failed."""

    def __init__(self, sentence: str, todo: str, step: str) -> None:
        super().__init__(sentence, todo)
        self.step = step


def _driver() -> ModuleType:
    return needed("pymysql", "MySQL", "PyMySQL")


@contextmanager
def _connected(connection: MySQLConnection) -> Iterator[object]:
    """A connection in a read-only transaction of one moment, in UTC. Raises Unreachable, Refused and BadInput with a sentence."""
    pymysql = _driver()
    address = server_allowed(connection.host, connection.port)[0]
    with _plain_failures(connection, pymysql):
        opened = pymysql.connections.Connection(
            host=address, port=connection.port, user=connection.user, password=connection.password.get_secret_value() if connection.password else "", database=connection.database, charset="utf8mb4",
            connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, write_timeout=60, ssl=_tls(connection), ssl_disabled=connection.ssl == "disable", local_infile=False, autocommit=False,
        )
        try:
            with opened.cursor() as cursor:
                for statement in ("set time_zone = '+00:00'", "set sql_mode = concat(@@sql_mode, ',NO_UNSIGNED_SUBTRACTION')", "set transaction isolation level repeatable read", "start transaction with consistent snapshot, read only"):
                    cursor.execute(statement)
            yield opened
        finally:
            opened.close()


def _tls(connection: MySQLConnection) -> ssl.SSLContext | None:
    if connection.ssl in ("disable", "prefer"):
        return None
    context = tls_context(connection.ssl_ca) if connection.ssl == "verify" else ssl.create_default_context()
    if connection.ssl == "require":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@contextmanager
def _plain_failures(connection: MySQLConnection, pymysql: ModuleType) -> Iterator[None]:
    """What goes wrong, as a sentence."""
    try:
        yield
    except pymysql.err.MySQLError as error:
        raise _plain(error, connection) from None
    except (OSError, EOFError):
        raise Unreachable(f"The connection to {connection.host} broke off in the middle.", "Nothing was lost; try again.") from None


def _plain(error: Exception, connection: MySQLConnection) -> IngestError:
    code, said = (error.args + (0, ""))[:2] if error.args else (0, "")
    server = f"{connection.host}:{connection.port}"
    if code in (1045, 1698):
        return SignInFailed(f"{server} refused the sign-in of {connection.user!r}.", "Check the user and the password, and that this machine may sign in.", "sign-in")
    if code in (1044, 1049):
        return SignInFailed(f"There is no database {connection.database!r} on {server}, or {connection.user!r} may not use it.", "Check its name and the rights.", "sign-in")
    if code in (1142, 1143, 1370):
        return SignInFailed(f"{connection.user!r} may not read this.", "Hand the statements under 'rights' to an administrator.", "rights")
    if code == 1146:
        return BadInput("There is no such table.", "Check its name; with its database, as usage.events.")
    if code in (2003, 2006, 2013, 2014, 1053, 1927, 4031):
        return Unreachable(f"The connection to {server} broke off, or there was none.", "Nothing was lost; try again.")
    if code == 2026 or "ssl" in str(said).lower():
        return SignInFailed(f"{server} and this machine don't agree on encryption.", "Choose another kind of encryption, or give the certificate of the authority that signed the server's.", "tls")
    if code in (1064, 1054, 1060, 1267, 1292, 1305, 1630, 1241, 1248):
        return BadInput(f"The database can't run this: {str(said).strip()[:200]}.", "Look at the query, the conditions and the columns.")
    return Unreachable(f"{server} answered with the error {code}.", "Try again; if it stays, hand the number to whoever looks after the database.")


def _all(opened: object, statement: str, values: tuple[object, ...] | None = None) -> list[tuple]:
    with opened.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _streamed(opened: object, statement: str) -> Iterator[list[tuple]]:
    """The rows, some at a time, as the server sends them."""
    with opened.cursor(_driver().cursors.SSCursor) as cursor:
        cursor.execute(statement)
        try:
            while rows := cursor.fetchmany(BATCH):
                yield list(rows)
        except BaseException:
            opened._result.unbuffered_active = False  # closing would read on to the end of a result that nobody wants any more, or that never comes
            raise


def _columns(opened: object, read: Read) -> tuple[SourceColumn, ...]:
    """The columns of a table by the catalogue; of a query, by what it answers."""
    if read.table:
        parts = select.parts_of(read.table, DIALECT.mark)
        schema, table = (parts[-2], parts[-1]) if len(parts) > 1 else (None, parts[-1])
        rows = _all(opened, "select column_name, data_type from information_schema.columns where table_schema = coalesce(%s, database()) and table_name = %s order by ordinal_position", (schema, table))
        if not rows:
            raise BadInput(f"There is no table {read.table!r}, or it may not be read.", "Check its name; with its database, as usage.events.")
        return tuple(SourceColumn(name=name, type=kind, kind=KINDS.get(kind, "other")) for name, kind in rows)
    with opened.cursor() as cursor:
        cursor.execute(f"select * from {select.origin(DIALECT, read)} limit 0")
        return tuple(_told(each) for each in cursor.description)


def _told(described: tuple) -> SourceColumn:
    """A column of a query, by the number of its type in the protocol."""
    types = {246: "decimal", 0: "decimal", 1: "tinyint", 2: "smallint", 3: "int", 8: "bigint", 9: "mediumint", 13: "year", 4: "float", 5: "double", 7: "timestamp", 12: "datetime", 10: "date", 11: "time", 16: "bit", 253: "varchar", 254: "char", 252: "text", 245: "json"}
    kind = types.get(described[1], "text")
    return SourceColumn(name=described[0], type=kind, kind=KINDS.get(kind, "other"))


def _ends(opened: object, read: Read, columns: tuple[SourceColumn, ...], window: Window) -> tuple[int, str | None]:
    """How many rows a window has, and the newest cursor among them."""
    if not read.cursor:
        return _all(opened, selected(DIALECT, read, columns, window, what="count(*)"))[0][0], None
    kind = select.kind_of(columns, read.cursor)
    rows, newest = _all(opened, selected(DIALECT, read, columns, window, what=f"count(*), cast(max({DIALECT.name(read.cursor)}) as char)"))[0]
    return rows, _timely(newest, kind) if newest is not None else None


def _batch(rows: list[tuple], columns: tuple[SourceColumn, ...]) -> pa.RecordBatch:
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = [pa.array([_timely(cell, column.kind) if cell not in (None, "") else None for cell in values], pa.string()) for values, column in zip(cells, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, [column.name for column in columns])


def _timely(cell: object, kind: str) -> str:
    """Times as ISO: with T, and Z where they are moments."""
    text = cell if isinstance(cell, str) else cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
    if kind == "time":
        return f"{text.replace(' ', 'T', 1)}Z"
    return text.replace(" ", "T", 1) if kind == "naive_time" else text


def _rights(opened: object, connection: MySQLConnection, read: Read) -> Iterator[Step]:
    columns = _columns(opened, read)
    any_row = _all(opened, f"{selected(DIALECT, read, columns, Window(), what='1')} limit 1")
    yield Step(name="rights", ok=True, text=f"{read.table or 'The query'} can be read: {len(columns)} columns.")
    grants = " ".join(str(row[0]).upper() for row in _all(opened, "show grants"))
    if any(word in grants for word in ("ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE")):
        yield Step(name="rights", ok=True, text=f"{connection.user} may also write.", todo="A user that may only read is safer; nothing is written from here.")
    if not any_row:
        yield Step(name="empty", ok=True, text="There is no row yet.", todo="Look whether this is the right table, or wait for the first rows.")


def _found(name: str, kind: str, rows: int | None, columns: list[tuple]) -> Found:
    described = tuple(SourceColumn(name=each, type=type_, kind=KINDS.get(type_, "other")) for each, type_, _ in columns)
    key = tuple(each for each, _, role in columns if role == "PRI")
    timely = [column.name for column in described if column.kind in ("time", "naive_time")]
    likely = sorted((each for each in timely if each.lower() in CURSORS), key=lambda each: CURSORS.index(each.lower()))
    single = [key[0]] if len(key) == 1 and any(column.name == key[0] and column.kind == "integer" for column in described) else []
    return Found(name=name, what="view" if "VIEW" in kind else "table", rows=int(rows) if rows is not None else None, columns=described, cursor=next(iter([*likely, *timely, *single]), None), key=key)
