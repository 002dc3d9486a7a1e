"""ClickHouse, by its HTTP interface. Every column is made text by the server; rows come line by line, so memory doesn't grow with them."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import httpx
from pydantic import Field, SecretStr

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull.connector import Connection
from ingest.pull.guard import server_allowed
from ingest.pull.warehouse import Backslashed, Result, Rows, Session, Warehouse, bounded
from ingest.pull.web import answered, client
from schemas.source import Read, SourceColumn

PART, SECONDS = 20_000, 3600
FORMAT = "JSONCompactEachRowWithNamesAndTypes"
WRAPPED = re.compile(r"^(?:Nullable|LowCardinality)\((.*)\)$")
NO = {
    516: ("sign-in", "ClickHouse refuses the sign-in.", "Check the user and the password."), 192: ("sign-in", "ClickHouse doesn't know the user.", "Check the user."), 193: ("sign-in", "ClickHouse refuses the password.", "Check the password."),
    194: ("sign-in", "ClickHouse wants a password.", "Give the password."), 81: ("sign-in", "There is no such database.", "Check its name."), 497: ("rights", "The user may not read this.", "Grant SELECT on it."), 164: ("rights", "The user may only read, and the query does more.", "Write one SELECT."),
}


class ClickHouseConnection(Connection):
    """Where the server is, and who reads it."""

    url: str = Field(title="Address", description="Of its HTTP interface.", examples=["https://abc123.eu-west-1.aws.clickhouse.cloud:8443"])
    database: str = Field("default", title="Database")
    user: str = Field("default", title="User", description="One that may only read.")
    password: SecretStr | None = Field(None, title="Password")


def _cast(name: str, column: SourceColumn) -> str:
    kind = _plain(column.type)
    if kind.startswith("DateTime"):
        return f"concat(replaceOne(toString(toTimeZone({name}, 'UTC')), ' ', 'T'), 'Z')"
    if kind.startswith(("Array", "Map", "Tuple", "Nested", "JSON", "Object", "Variant")):
        return f"toJSONString({name})"
    return f"toValidUTF8({name})" if kind == "String" else f"toString({name})"


def _text(value: str) -> str:
    return Backslashed("`", lambda bound, kind: bound, lambda name, column: name).text(value)


class ClickHouse(Warehouse):
    """Tables of a ClickHouse server."""

    name = "clickhouse"
    title = "ClickHouse"
    model = ClickHouseConnection
    reachable = staticmethod(server_allowed)
    dialect = Backslashed("`", bounded({"time": "parseDateTime64BestEffort({0}, 9, 'UTC')", "date": "toDate32({0})"}, _text), _cast)

    def rights(self, connection: ClickHouseConnection | None, read: Read | None) -> str:
        """A user that may read, and nothing else."""
        user, database = (connection.user, connection.database) if connection else ("usage_reader", "default")
        table = read.table if read and read.table else f"{database}.usage"
        return f"CREATE USER {user} IDENTIFIED BY '…' SETTINGS readonly = 2;\nGRANT SELECT ON {table} TO {user};"

    def _home(self, connection: ClickHouseConnection) -> str:
        return connection.url.rstrip("/")

    @contextmanager
    def _session(self, connection: ClickHouseConnection) -> Iterator[Session]:
        headers = {"x-clickhouse-user": connection.user, **({"x-clickhouse-key": connection.password.get_secret_value()} if connection.password else {})}
        with client(self._home(connection), headers=headers, addresses=server_allowed, seconds=SECONDS) as web:
            yield lambda sql: _run(web, self._home(connection), connection.database, sql)

    def _tables(self, connection: ClickHouseConnection, ask: Session, within: str) -> str:
        only = f"database = {_text(within)}" if within else "database not in ('system', 'information_schema', 'INFORMATION_SCHEMA')"
        return f"select database, table, name, type from system.columns where {only} order by database, table, position limit 50000"

    def _kind(self, kind: str) -> str:
        plain = _plain(kind)
        families = (("DateTime", "time"), ("Date", "date"), ("Decimal", "decimal"), ("Float", "float"), ("BFloat", "float"), ("UInt", "integer"), ("Int", "integer"), ("Bool", "bool"), ("String", "text"), ("FixedString", "text"), ("Enum", "text"), ("UUID", "text"))
        return next((found for start, found in families if plain.startswith(start)), "other")


def _plain(kind: str) -> str:
    """A type without what is wrapped around it."""
    while wrapped := WRAPPED.match(kind):
        kind = wrapped[1]
    return kind


def _run(web: httpx.Client, home: str, database: str, sql: str) -> Result:
    """Runs one SELECT, which can't be more: the server is told to change nothing."""
    lines = _lines(web, home, {"database": database, "default_format": FORMAT, "readonly": "2", "prefer_column_name_to_alias": "1", "output_format_json_quote_64bit_integers": "1", "output_format_json_quote_decimals": "1", "output_format_json_quote_denormals": "1"}, sql)
    names, types = (_row(line) for line in islice(lines, 2))
    return Result(tuple(SourceColumn(name=name, type=kind) for name, kind in zip(names, types, strict=True)), _parts(lines))


def _lines(web: httpx.Client, home: str, settings: dict[str, str], sql: str) -> Iterator[str]:
    with answered(home), web.stream("POST", f"{home}/", params=settings, content=sql.encode()) as response:
        if response.status_code != 200:
            raise _no(response.read().decode("utf-8", "replace"), int(response.headers.get("x-clickhouse-exception-code") or 0), response.status_code)
        yield from response.iter_lines()


def _parts(lines: Iterator[str]) -> Iterator[Rows]:
    while part := [_row(line) for line in islice(lines, PART)]:
        yield part


def _row(line: str) -> list[str | None]:
    """A row. Raises Unreachable where the server broke off: it then says so in the middle of what it sends."""
    try:
        found = json.loads(line, parse_float=str, parse_int=str)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Unreachable("ClickHouse broke off in the middle.", "Nothing was taken; the next run tries again.")
    return [cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in found]


def _no(said: str, code: int, status: int) -> IngestError:
    """ClickHouse's no, by its number; of its own words only the first sentence, which names what it stumbled over."""
    code = code or int(next(iter(re.findall(r"Code: (\d+)", said)), 0))
    if code in NO:
        _, sentence, todo = NO[code]
        return Refused(sentence, todo, status=401 if NO[code][0] == "sign-in" else 403)
    if code in (60, 47, 62, 46, 36, 43, 53, 6, 41, 179, 215):
        told = re.sub(r"^Code: \d+\. DB::Exception: ", "", said).split("\n")[0].split(". (")[0][:200]
        return BadInput(f"ClickHouse can't run this: {told.rstrip('.')}.", "Look at the query, the conditions and the columns.")
    return Refused(f"ClickHouse answered with the error {code or status}.", "The next run tries again.", status=503 if status >= 500 else status)
