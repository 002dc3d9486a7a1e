"""Snowflake, by its SQL API with a key pair."""

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from pydantic import Field, SecretStr

from ingest.engine import identifier
from ingest.errors import BadInput, IngestError, Refused
from ingest.pull.connector import Connection
from ingest.pull.jwt import fingerprint, private_key, signed
from ingest.pull.select import Dialect
from ingest.pull.warehouse import Result, Rows, Session, Warehouse, bounded, complete, waits
from ingest.pull.web import client
from ingest.pull.web_api import Answer, WebApi, member
from schemas.source import Read, SourceColumn

TOKEN_SECONDS = 3000
KINDS = {"real": "float", "text": "text", "date": "date", "boolean": "bool", "timestamp_tz": "time", "timestamp_ltz": "time", "timestamp_ntz": "naive_time"}
LONG_NAMES = {"number": "fixed", "float": "real", "varchar": "text"}
MOMENT = "to_varchar(convert_timezone('UTC', {0}), 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9') || 'Z'"
CASTS = {
    "timestamp_tz": MOMENT, "timestamp_ltz": MOMENT, "timestamp_ntz": "to_varchar({0}::timestamp_ntz, 'YYYY-MM-DD\"T\"HH24:MI:SS.FF9')", "date": "to_varchar({0}::date, 'YYYY-MM-DD')", "time": "to_varchar({0}, 'HH24:MI:SS.FF9')",
    "variant": "to_json({0})", "object": "to_json({0})", "array": "to_json({0})", "binary": "lower(to_varchar({0}, 'HEX'))", "text": "{0}", "real": "{0}",
}


class SnowflakeConnection(Connection):
    """Which account, and who reads."""

    account: str = Field(title="Account", description="As in its address, before .snowflakecomputing.com.", examples=["myorg-account1"], pattern=r"^[A-Za-z0-9._-]+$")
    user: str = Field(title="User", examples=["USAGE_READER"])
    private_key: SecretStr = Field(title="Private key", description="The PEM text of the key whose public half the user has in Snowflake.")
    key_password: SecretStr | None = Field(None, title="Password of the key")
    warehouse: str = Field(title="Warehouse", examples=["REPORTING"])
    database: str = Field(title="Database", examples=["USAGE"])
    db_schema: str = Field("PUBLIC", title="Schema")
    role: str | None = Field(None, title="Role", examples=["USAGE_READER"])
    url: str | None = Field(None, title="Address", description="Where it isn't https://ACCOUNT.snowflakecomputing.com.")


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _cast(name: str, column: SourceColumn) -> str:
    return CASTS.get(column.type.split("(")[0], "to_varchar({0})").format(name)


class Snowflake(Warehouse):
    """A database in Snowflake."""

    name = "snowflake"
    title = "Snowflake"
    model = SnowflakeConnection
    dialect = Dialect('"', bounded({"time": "{0}::timestamp_tz", "naive_time": "{0}::timestamp_ntz", "date": "{0}::date"}, _quoted), _cast, backslashes=True)

    def rights(self, connection: SnowflakeConnection | None, read: Read | None) -> str:
        """A role that may read, and a user with a key."""
        user, warehouse, database, schema = (connection.user, connection.warehouse, connection.database, connection.db_schema) if connection else ("USAGE_READER", "REPORTING", "USAGE", "PUBLIC")
        role = identifier(connection.role if connection and connection.role else "USAGE_READER")
        place = f"{identifier(database)}.{identifier(schema)}"
        table = identifier(read.table.rpartition(".")[2]) if read and read.table else '"USAGE"'
        return "\n".join((
            f"CREATE ROLE {role};", f"GRANT USAGE ON WAREHOUSE {identifier(warehouse)} TO ROLE {role};", f"GRANT USAGE ON DATABASE {identifier(database)} TO ROLE {role};", f"GRANT USAGE ON SCHEMA {place} TO ROLE {role};",
            f"GRANT SELECT ON TABLE {place}.{table} TO ROLE {role};", f"CREATE USER {identifier(user)} TYPE = SERVICE DEFAULT_ROLE = {role} RSA_PUBLIC_KEY = '…';", f"GRANT ROLE {role} TO USER {identifier(user)};",
        ))

    def _home(self, connection: SnowflakeConnection) -> str:
        return (connection.url or f"https://{connection.account}.snowflakecomputing.com").rstrip("/")

    @contextmanager
    def _session(self, connection: SnowflakeConnection) -> Iterator[Session]:
        key = private_key(connection.private_key.get_secret_value(), connection.key_password.get_secret_value() if connection.key_password else None)
        with client(self._home(connection)) as web:
            api = WebApi(web, KeyPair(connection, key), _no)
            yield lambda sql: _run(api, self._home(connection), connection, sql)

    def _tables(self, connection: SnowflakeConnection, ask: Session, within: str) -> str:
        only = f"table_schema = {_quoted(within)}" if within else "table_schema <> 'INFORMATION_SCHEMA'"
        return f"select table_schema, table_name, column_name, data_type from information_schema.columns where {only} order by table_schema, table_name, ordinal_position limit 50000"

    def _kind(self, kind: str) -> str:
        name, _, size = kind.lower().partition("(")
        name = LONG_NAMES.get(name, name)
        if name == "fixed":
            return "integer" if not size or size.rstrip(")").endswith(",0") else "decimal"
        return KINDS.get(name, "other")


@dataclass
class KeyPair:
    """The sign-in: a claim for an hour, signed anew before it runs out."""

    connection: SnowflakeConnection
    key: RSAPrivateKey
    _headers: Mapping[str, str] = field(default_factory=dict)
    _until: float = 0

    def __call__(self, fresh: bool) -> Mapping[str, str]:
        """The headers."""
        if fresh or time.monotonic() > self._until:
            account = self.connection.account if ".global" in self.connection.account.lower() else self.connection.account.partition(".")[0]
            account = account.partition("-")[0] if ".global" in account.lower() else account
            subject, now = f"{account.upper()}.{self.connection.user.upper()}", int(time.time())
            token = signed({"iss": f"{subject}.{fingerprint(self.key)}", "sub": subject, "iat": now, "exp": now + 3540}, self.key)
            self._headers = {"authorization": f"Bearer {token}", "x-snowflake-authorization-token-type": "KEYPAIR_JWT"}
            self._until = time.monotonic() + TOKEN_SECONDS
        return self._headers


def _run(api: WebApi, home: str, connection: SnowflakeConnection, sql: str) -> Result:
    place = {"warehouse": connection.warehouse, "database": connection.database, "schema": connection.db_schema, **({"role": connection.role} if connection.role else {})}
    answer = api.ask("POST", f"{home}/api/v2/statements", params={"requestId": str(uuid.uuid4())}, body={"statement": sql, "timeout": 3600, "parameters": {"TIMEZONE": "UTC", "QUERY_TAG": "usage-intake"}, **place})
    link = f"{home}/api/v2/statements/{member(answer.body, 'statementHandle')}"
    for _ in waits("Snowflake"):
        if answer.status != 202:
            break
        answer = api.ask("GET", link)
    meta = member(answer.body, "resultSetMetaData")
    columns = tuple(SourceColumn(name=each["name"], type=_type(each)) for each in member(meta, "rowType") or [])

    def parts() -> Iterator[Rows]:
        yield member(answer.body, "data") or []
        for number in range(1, len(member(meta, "partitionInfo") or [])):
            yield member(api.ask("GET", link, params={"partition": str(number)}).body, "data") or []

    rows = member(meta, "numRows")
    return Result(columns, complete(parts(), int(rows) if rows is not None else None, "Snowflake"))


def _type(column: dict) -> str:
    return f"fixed({column.get('precision') or 38},{column.get('scale') or 0})" if column["type"].lower() == "fixed" else column["type"].lower()


def _no(answer: Answer, response: httpx.Response) -> IngestError:
    """Snowflake's no, by the number of its error."""
    status, code = response.status_code, str(member(answer.body, "code") or "")
    if status == 401 or code.startswith(("39014", "3903")):
        return Refused("Snowflake doesn't take the sign-in.", "Check the account, the user, and that the user has the public half of this key; and the clock of this machine.", status=401)
    if code in ("003001", "002043", "002003"):
        return BadInput("The table isn't there, or the role may not read it.", "Check its name, which is mostly in capitals, and grant the role the right to read it.")
    if status == 403:
        return Refused("The role may not do this in Snowflake.", "Grant it the rights that are named here, and let this machine through Snowflake's network policy.", status=403)
    if code in ("000606", "090105", "390201"):
        return Refused("The warehouse or the database can't be used.", "Check their names, and grant the role the right to use them.", status=403)
    if status == 422:
        return BadInput(f"Snowflake can't run the query (error {code if code.isdecimal() else 'unknown'}).", "Try it in Snowflake, and mend it.")
    return Refused(f"Snowflake answered with {status}.", "The next run tries again.", status=status)
