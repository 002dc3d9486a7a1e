"""PostgreSQL, and what speaks its language: Redshift, CockroachDB.

Rows come by COPY as text, which the server writes exactly: no digit of a numeric is lost, NaN stays NaN, times come in UTC. One statement in a read-only
transaction is one moment; what comes is written as it comes, so memory doesn't grow with the rows.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from pydantic import Field, SecretStr

from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull import select
from ingest.pull.connector import Connection
from ingest.pull.guard import server_allowed
from ingest.pull.pulled_file import TextFile
from ingest.pull.reach import steps_to
from ingest.pull.select import Dialect, selected, taken
from schemas.source import Diagnosis, Fetched, Found, Read, SourceColumn, Step, Window

CONNECT_SECONDS, STATEMENT_SECONDS = 10, 3600
MOST_FOUND = 2000
SAFE_RATE = 1 << 20
"""Bytes that are parsed at once."""
KINDS = {
    **dict.fromkeys(("int2", "int4", "int8", "oid", "serial"), "integer"), "numeric": "decimal", "money": "decimal", **dict.fromkeys(("float4", "float8"), "float"), "timestamptz": "time", "timestamp": "naive_time",
    "date": "date", "bool": "bool", **dict.fromkeys(("text", "varchar", "bpchar", "char", "name", "uuid"), "text"),
}
CURSORS = ("updated_at", "modified_at", "updated", "modified", "last_modified", "changed_at", "ingested_at", "inserted_at", "created_at", "created", "event_time", "timestamp", "ts")
"""Names of columns that tell what is new, the likeliest first."""
CASTS = {"time": "timestamptz", "naive_time": "timestamp", "date": "date", "integer": "numeric", "decimal": "numeric", "float": "float8"}
AS_TEXT = {"bool": "{0}::text", "bytea": "encode({0}, 'hex')", "money": "{0}::numeric::text", "xml": "{0}::text"}


class PostgreSQLConnection(Connection):
    """Where the database is, and who reads it."""

    host: str = Field(title="Host", examples=["db.example.com"])
    port: int = Field(5432, ge=1, le=65535, title="Port")
    database: str = Field(title="Database", examples=["usage"])
    user: str = Field(title="User", description="One that may only read.", examples=["usage_reader"])
    password: SecretStr | None = Field(None, title="Password")
    sslmode: Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] = Field("prefer", title="Encryption", description="verify-full is the safest: it also checks that the server is the one it says.")
    sslrootcert: Path | None = Field(None, title="Certificate", description="A file (PEM) with the certificate of the authority that signed the server's.")


class PostgreSQL:
    """A PostgreSQL database."""

    name = "postgresql"
    title = "PostgreSQL"
    kind: Literal["tables"] = "tables"
    model = PostgreSQLConnection
    libraries: tuple[str, ...] = ()

    def rights(self, connection: PostgreSQLConnection | None, read: Read | None) -> str:
        """A user that may read, and nothing else."""
        user, database = (connection.user, connection.database) if connection else ("usage_reader", "usage")
        schema, _, table = (read.table if read and read.table else "public.usage").rpartition(".")
        schema = schema or "public"
        return "\n".join((
            f"CREATE USER {DIALECT.name(user)} WITH PASSWORD '…';", f"GRANT CONNECT ON DATABASE {DIALECT.name(database)} TO {DIALECT.name(user)};",
            f"GRANT USAGE ON SCHEMA {DIALECT.name(schema)} TO {DIALECT.name(user)};", f"GRANT SELECT ON {DIALECT.name(schema)}.{DIALECT.name(table)} TO {DIALECT.name(user)};",
        ))

    def addresses(self, connection: PostgreSQLConnection) -> tuple[tuple[str, int], ...]:
        """The server."""
        return ((connection.host, connection.port),)

    def test(self, connection: PostgreSQLConnection, read: Read | None = None) -> Diagnosis:
        """Name, port, sign-in, rights, and whether there are rows."""
        steps = steps_to(connection.host, connection.port, server_allowed)
        if not all(step.ok for step in steps):
            return Diagnosis(steps=steps)
        found = list(steps)
        try:
            with _connected(connection) as opened:
                found += _signed_in(opened, connection)
                if read and (read.table or read.sql):
                    found += self._rights(opened, connection, read)
        except IngestError as error:
            found.append(Step(name=getattr(error, "step", "query"), ok=False, text=error.sentence, todo=error.todo))
        return Diagnosis(steps=tuple(found))

    def _rights(self, opened: psycopg.Connection, connection: PostgreSQLConnection, read: Read) -> Iterator[Step]:
        columns = _columns(opened, read)
        yield Step(name="rights", ok=True, text=f"{read.table or 'The query'} can be read: {len(columns)} columns.")
        if read.table and _may_write(opened, read.table):
            yield Step(name="rights", ok=True, text=f"{connection.user} may also write to {read.table}.", todo="A user that may only read is safer; nothing is written from here.")
        if not _one(opened, f"select exists({selected(DIALECT, read, columns, Window(), what='1')})"):
            yield Step(name="empty", ok=True, text="There is no row yet.", todo="Look whether this is the right table, or wait for the first rows.")
        elif read.cursor and _one(opened, f"select count(*) from {select.origin(DIALECT, read)} where {DIALECT.name(read.cursor)} is null"):
            yield Step(name="empty", ok=True, text=f"Some rows have no {read.cursor}.", todo="They are never read: what is new is told by it. Fill it, or choose another column.")

    def discover(self, connection: PostgreSQLConnection, within: str = "") -> tuple[Found, ...]:
        """Tables and views that can be read, with their columns, the key, and the column that probably tells what is new."""
        with _connected(connection) as opened, _plain_failures(connection):
            rows = opened.execute(DISCOVER, {"within": within or None, "most": MOST_FOUND}).fetchall()
        return tuple(_found(*row) for row in rows)

    def columns(self, connection: PostgreSQLConnection, read: Read) -> tuple[SourceColumn, ...]:
        """The columns of what would be read."""
        with _connected(connection) as opened:
            return taken(read, _columns(opened, read))

    def preview(self, connection: PostgreSQLConnection, read: Read, limit: int = 100) -> pa.Table:
        """The first rows; with a cursor the newest."""
        with _connected(connection) as opened, _plain_failures(connection):
            columns = taken(read, _columns(opened, read))
            newest = f" order by {DIALECT.name(read.cursor)} desc nulls last" if read.cursor else ""
            out = io.BytesIO()
            with opened.cursor().copy(f"copy ({selected(DIALECT, read, columns, Window())}{newest} limit {limit:d}) to stdout (format csv)") as copy:
                for chunk in copy:
                    out.write(chunk)
        if not out.tell():
            return pa.table({column.name: pa.array([], pa.string()) for column in columns})
        out.seek(0)
        return pa.Table.from_batches(list(_batches(out, columns)))

    def count(self, connection: PostgreSQLConnection, read: Read, window: Window) -> Fetched:
        """How many rows a window has, its newest cursor, and how many rows have none."""
        with _connected(connection) as opened, _plain_failures(connection):
            columns = _columns(opened, read)
            if not read.cursor:
                return Fetched(rows=_one(opened, selected(DIALECT, read, columns, window, what="count(*)")), columns=taken(read, columns))
            cursor = DIALECT.name(read.cursor)
            rows, newest = opened.execute(selected(DIALECT, read, columns, window, what=f"count(*), max({cursor})::text")).fetchone()
            without = _one(opened, f"select count(*) from {select.origin(DIALECT, read)} where {cursor} is null")
        return Fetched(rows=rows, newest=_written(newest, select.kind_of(columns, read.cursor)), columns=taken(read, columns), without_cursor=without)

    def fetch(self, connection: PostgreSQLConnection, read: Read, window: Window, to: Path) -> Fetched:
        """Writes the rows of a window as they are at one moment."""
        with _connected(connection) as opened, _plain_failures(connection):
            columns = taken(read, _columns(opened, read))
            newest = _newest_text(opened, read, columns, window)
            with opened.cursor().copy(f"copy ({selected(DIALECT, read, columns, window)}) to stdout (format csv)") as copy:
                rows = _write(copy, columns, to, f"{connection.database} {read.table or 'query'}")
        return Fetched(rows=rows, newest=newest or newest_in(to, read, columns, rows), columns=columns)


class Redshift(PostgreSQL):
    """Amazon Redshift, by its PostgreSQL door."""

    name = "redshift"
    title = "Amazon Redshift"


class CockroachDB(PostgreSQL):
    """CockroachDB, by its PostgreSQL door."""

    name = "cockroachdb"
    title = "CockroachDB"


def _bound(bound: str, kind: str) -> str:
    return f"'{bound.replace(chr(39), chr(39) * 2)}'::{CASTS[kind]}" if kind in CASTS else DIALECT.text(bound)


def _cast(name: str, column: SourceColumn) -> str:
    """A column as COPY writes it, unless it would be written in a way that nobody reads."""
    if column.type.endswith("[]"):
        return f"to_json({name})::text"
    return AS_TEXT.get(column.type, "{0}").format(name)


DIALECT = Dialect('"', _bound, _cast)

DISCOVER = """
    select n.nspname, c.relname, case when c.relkind in ('v', 'm') then 'view' else 'table' end, case when c.reltuples < 0 then null else c.reltuples::bigint end,
        array(select a.attname || ' ' || t.typname from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum),
        array(select a.attname from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = any(i.indkey) where i.indrelid = c.oid and i.indisprimary order by a.attnum),
        array(select distinct a.attname from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] where i.indrelid = c.oid)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'v', 'm', 'f', 'p') and not c.relispartition and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%%'
        and (%(within)s::text is null or n.nspname = %(within)s) and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    order by 1, 2 limit %(most)s"""


class SignInFailed(Refused):
    """The database said no. `step` is the step of a test that failed."""

    def __init__(self, sentence: str, todo: str, step: str) -> None:
        super().__init__(sentence, todo)
        self.step = step


@contextmanager
def _connected(connection: PostgreSQLConnection) -> Iterator[psycopg.Connection]:
    """A read-only connection whose texts are exact: UTC, ISO dates, all digits. Raises Unreachable and Refused with a sentence."""
    addresses = server_allowed(connection.host, connection.port)
    secret = connection.password.get_secret_value() if connection.password else None
    options = f"-c statement_timeout={STATEMENT_SECONDS * 1000}"
    try:
        opened = psycopg.connect(
            host=",".join([connection.host] * len(addresses)), hostaddr=",".join(addresses), port=",".join([str(connection.port)] * len(addresses)), dbname=connection.database, user=connection.user, password=secret, sslmode=connection.sslmode,
            sslrootcert=str(connection.sslrootcert) if connection.sslrootcert else None, connect_timeout=CONNECT_SECONDS, options=options, application_name="usage-intake", client_encoding="utf8", autocommit=False,
        )
    except psycopg.OperationalError as error:
        raise _refused(error, connection) from None
    with opened, _plain_failures(connection):
        opened.isolation_level, opened.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
        for setting in ("timezone = 'UTC'", "datestyle = 'ISO, YMD'", "intervalstyle = 'iso_8601'", "extra_float_digits = 1"):
            opened.execute(f"set local {setting}")
        yield opened


def _refused(error: psycopg.OperationalError, connection: PostgreSQLConnection) -> IngestError:
    """Why a connection wasn't made, without what the server said of secrets."""
    said, server = str(error).lower(), f"{connection.host}:{connection.port}"
    if error.sqlstate in ("28P01", "28000") or "password" in said or "no pg_hba.conf entry" in said or "role" in said and "does not exist" in said:
        return SignInFailed(f"{server} refused the sign-in of {connection.user!r}.", "Check the user and the password, and that this machine may sign in (pg_hba.conf).", "sign-in")
    if error.sqlstate == "3D000" or "database" in said and "does not exist" in said:
        return SignInFailed(f"There is no database {connection.database!r} on {server}.", "Check its name.", "sign-in")
    if "ssl" in said or "certificate" in said:
        what = "doesn't offer encryption" if "does not support ssl" in said else "has a certificate that can't be trusted" if "certificate" in said else "and this machine don't agree on encryption"
        return SignInFailed(f"{server} {what}.", "Choose another kind of encryption, or give the certificate of the authority that signed the server's.", "tls")
    if "too many" in said or error.sqlstate == "53300":
        return Unreachable(f"{server} has too many connections.", "Try again later.", sent=False)
    return Unreachable(f"{server} gave no answer.", "Check host and port, that the server runs, and that a firewall lets the portal through.", sent=False)


@contextmanager
def _plain_failures(connection: PostgreSQLConnection) -> Iterator[None]:
    """What goes wrong with a statement, as a sentence."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise SignInFailed(f"{connection.user!r} may not read this: {_first_line(error)}.", "Hand the statements under 'rights' to an administrator.", "rights") from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
        raise BadInput(f"There is no such table: {_first_line(error)}.", "Check its name; with its schema, as public.usage.") from None
    except psycopg.errors.QueryCanceled:
        raise Unreachable(f"The database took longer than {STATEMENT_SECONDS // 60} minutes, so it was stopped.", "Read less at once, or ask for an index on the column that tells what is new.") from None
    except (psycopg.errors.SyntaxError, psycopg.errors.UndefinedColumn, psycopg.ProgrammingError, psycopg.DataError) as error:
        raise BadInput(f"The database can't run this: {_first_line(error)}.", "Look at the query, the conditions and the columns.") from None
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise Unreachable(f"The connection to {connection.host} broke off in the middle.", "Nothing was lost; try again.") from None
    except psycopg.Error as error:
        raise BadInput(f"The database can't run this: {_first_line(error)}.", "Look at the query, the conditions and the columns.") from None


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or "no reason given").strip().rstrip(".")


def _columns(opened: psycopg.Connection, read: Read) -> tuple[SourceColumn, ...]:
    """The columns of a table or query, with their types by name. It is prepared, so that it can't be more than one statement."""
    with _plain_failures_of_names():
        cursor = opened.execute(f"select * from {select.origin(DIALECT, read)} limit 0", prepare=True)
    oids = [column.type_code for column in cursor.description or ()]
    names = dict(opened.execute("select oid::bigint, concat_ws('|', format_type(oid, null), typname, typtype) from pg_type where oid = any(%s)", [oids]).fetchall())
    return tuple(_column(column.name, names.get(column.type_code, "||")) for column in cursor.description or ())


@contextmanager
def _plain_failures_of_names() -> Iterator[None]:
    try:
        yield
    except psycopg.errors.AmbiguousColumn:
        raise BadInput("Two columns of the query have the same name.", "Give each a name of its own, with AS.") from None


def _column(name: str, described: str) -> SourceColumn:
    full, kind, sort = described.split("|")
    if full.endswith("[]"):
        return SourceColumn(name=name, type=full, kind="other")
    return SourceColumn(name=name, type=kind, kind="text" if sort == "e" else KINDS.get(kind, "other"))


def _found(schema: str, table: str, what: str, rows: int | None, columns: list[str], key: list[str], indexed: list[str]) -> Found:
    described = tuple(SourceColumn(name=name, type=kind, kind=KINDS.get(kind, "other")) for name, _, kind in (each.rpartition(" ") for each in columns))
    timely = [column.name for column in described if column.kind in ("time", "naive_time")]
    likely = sorted((name for name in timely if name.lower() in CURSORS), key=lambda name: CURSORS.index(name.lower()))
    cursor = next(iter([*likely, *(name for name in timely if name in indexed), *(key if len(key) == 1 and any(column.name == key[0] and column.kind == "integer" for column in described) else [])]), None)
    note = f"{cursor} has no index: reading what is new looks through the whole table" if cursor and cursor not in indexed and what == "table" else ""
    name = f"{schema}.{table}" if "." not in schema + table else f'"{schema}"."{table}"'
    return Found(name=name, what=what, rows=rows, columns=described, cursor=cursor, key=tuple(key), note=note)


def _signed_in(opened: psycopg.Connection, connection: PostgreSQLConnection) -> Iterator[Step]:
    if opened.pgconn.ssl_in_use:
        yield Step(name="tls", ok=True, text="The connection is encrypted.")
    elif connection.host not in ("localhost", "127.0.0.1", "::1"):
        yield Step(name="tls", ok=True, text="The connection is not encrypted.", todo="Choose 'require' or 'verify-full' where the server offers it.")
    yield Step(name="sign-in", ok=True, text=f"{connection.user} is signed in to {connection.database}.")


def _may_write(opened: psycopg.Connection, table: str) -> bool:
    name = ".".join(DIALECT.name(part) for part in select.parts_of(table))
    return bool(opened.execute("select has_table_privilege(%s, 'insert') or has_table_privilege(%s, 'update') or has_table_privilege(%s, 'delete')", [name] * 3).fetchone()[0])


def _one(opened: psycopg.Connection, statement: str) -> object:
    return opened.execute(statement).fetchone()[0]


# Text → Arrow → the file.


def _write(copy: psycopg.Copy, columns: tuple[SourceColumn, ...], to: Path, label: str) -> int:
    with TextFile(to, [column.name for column in columns], label) as file:
        stream = io.BufferedReader(_Chunks(copy), SAFE_RATE)
        if stream.peek(1):
            for batch in _batches(stream, columns):
                file.add(batch)
        return file.rows


class _Chunks(io.RawIOBase):
    """What COPY sends, as a file."""

    def __init__(self, copy: psycopg.Copy) -> None:
        super().__init__()
        self.copy, self.left = copy, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        while not self.left:
            chunk = self.copy.read()
            if not chunk:
                return 0
            self.left = memoryview(chunk)
        size = min(len(buffer), len(self.left))
        buffer[:size] = self.left[:size]
        self.left = self.left[size:]
        return size


def _batches(stream: io.BufferedIOBase, columns: tuple[SourceColumn, ...]) -> Iterator[pa.RecordBatch]:
    names = [f"c{number}" for number in range(len(columns))]
    reader = pyarrow.csv.open_csv(
        stream, read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=SAFE_RATE * 4, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True), convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, quoted_strings_can_be_null=True, null_values=[""]),
    )
    for batch in reader:
        yield pa.RecordBatch.from_arrays([_timely(cells, column.kind) for cells, column in zip(batch.columns, columns, strict=True)], [column.name for column in columns])


def _timely(cells: pa.Array, kind: str) -> pa.Array:
    """Times as ISO: with T, and Z where they are moments."""
    if kind not in ("time", "naive_time"):
        return cells
    told = pc.replace_substring(cells, " ", "T", max_replacements=1)
    return pc.replace_substring_regex(told, r"\+00$", "Z") if kind == "time" else told


def _written(newest: str | None, kind: str) -> str | None:
    return None if newest is None else _timely(pa.array([newest]), kind)[0].as_py()


def _newest_text(opened: psycopg.Connection, read: Read, columns: tuple[SourceColumn, ...], window: Window) -> str | None:
    """The largest cursor by the database's own order, where it is a text or a number that isn't a plain one; in the same moment."""
    if read.cursor is None or select.kind_of(columns, read.cursor) in ("time", "naive_time", "date", "integer"):
        return None
    kind = select.kind_of(columns, read.cursor)
    return _written(_one(opened, selected(DIALECT, read, columns, window, what=f"max({DIALECT.name(read.cursor)})::text")), kind)


def newest_in(path: Path, read: Read, columns: tuple[SourceColumn, ...], rows: int) -> str | None:
    """The largest cursor among the rows of a file, as it is written there: times and whole numbers."""
    if read.cursor is None or not rows:
        return None
    kind = "hugeint" if select.kind_of(columns, read.cursor) == "integer" else "timestamp"
    name = identifier(read.cursor)
    with engine() as connection:
        return connection.execute(f"select arg_max({name}, try_cast({name} as {kind})) from read_parquet({literal(path)})").fetchone()[0]


