"""Databricks, by its SQL statement API. Results come through links that are good for a few minutes, however large they are."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr, model_validator

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull.connector import Connection
from ingest.pull.token import Token
from ingest.pull.warehouse import Backslashed, Result, Rows, Session, Warehouse, bounded, complete, waits
from ingest.pull.web import client
from ingest.pull.web_api import Answer, Headers, WebApi, member
from schemas.source import Read, SourceColumn

KINDS = {
    **dict.fromkeys(("BYTE", "SHORT", "INT", "LONG", "TINYINT", "SMALLINT", "BIGINT"), "integer"), "DECIMAL": "decimal", **dict.fromkeys(("FLOAT", "DOUBLE"), "float"), "TIMESTAMP": "time", "TIMESTAMP_NTZ": "naive_time",
    "DATE": "date", "BOOLEAN": "bool", "STRING": "text", "CHAR": "text", "VARCHAR": "text",
}
CASTS = {"TIMESTAMP": "cast(unix_micros({0}) as string)", "TIMESTAMP_NTZ": "replace(cast({0} as string), ' ', 'T')", "STRING": "{0}", "BINARY": "lower(hex({0}))", **dict.fromkeys(("ARRAY", "MAP", "STRUCT", "VARIANT"), "to_json({0})")}


class DatabricksConnection(Connection):
    """Which workspace and SQL warehouse, and who reads."""

    host: str = Field(title="Workspace", description="Its address.", examples=["https://dbc-a1b2345c-d6e7.cloud.databricks.com"])
    warehouse_id: str = Field(title="SQL warehouse", description="Its id, from its connection details.")
    token: SecretStr | None = Field(None, title="Token", description="A personal access token.")
    client_id: str | None = Field(None, title="Service principal", description="Its application id, in place of a token.")
    client_secret: SecretStr | None = Field(None, title="Secret of the service principal")
    catalog: str | None = Field(None, title="Catalog", examples=["main"])
    db_schema: str | None = Field(None, title="Schema", examples=["usage"])

    @model_validator(mode="after")
    def _signs_in(self) -> "DatabricksConnection":
        if (self.token is None) == (self.client_secret is None or self.client_id is None):
            raise ValueError("give either a token, or a service principal with its secret")
        return self


def _text(value: str) -> str:
    return Backslashed("`", lambda bound, kind: bound, lambda name, column: name).text(value)


class Databricks(Warehouse):
    """Tables of a Databricks workspace."""

    name = "databricks"
    title = "Databricks"
    model = DatabricksConnection
    in_micros = ("TIMESTAMP",)
    dialect = Backslashed("`", bounded({"time": "timestamp {0}", "naive_time": "timestamp_ntz {0}", "date": "date {0}"}, _text), lambda name, column: CASTS.get(column.type, "cast({0} as string)").format(name))

    def rights(self, connection: DatabricksConnection | None, read: Read | None) -> str:
        """What a service principal has to be granted."""
        catalog, schema = (connection.catalog or "main", connection.db_schema or "default") if connection else ("main", "default")
        table = read.table if read and read.table else f"{catalog}.{schema}.usage"
        return "\n".join((f"GRANT USE CATALOG ON CATALOG `{catalog}` TO `PRINCIPAL`;", f"GRANT USE SCHEMA ON SCHEMA `{catalog}`.`{schema}` TO `PRINCIPAL`;", f"GRANT SELECT ON TABLE {table} TO `PRINCIPAL`;", "-- and the permission CAN USE for the SQL warehouse"))

    def _home(self, connection: DatabricksConnection) -> str:
        return (connection.host if "://" in connection.host else f"https://{connection.host}").rstrip("/")

    @contextmanager
    def _session(self, connection: DatabricksConnection) -> Iterator[Session]:
        home = self._home(connection)
        with client(home) as web:
            api = WebApi(web, _sign_in(connection, home), _no)
            yield lambda sql: _run(api, home, connection, sql)

    def _tables(self, connection: DatabricksConnection, ask: Session, within: str) -> str:
        only = f"table_schema = {_text(within)}" if within else "table_schema <> 'information_schema'"
        place = f"`{connection.catalog}`.information_schema" if connection.catalog else "information_schema"
        return f"select table_schema, table_name, column_name, data_type from {place}.columns where {only} order by table_schema, table_name, ordinal_position limit 50000"

    def _kind(self, kind: str) -> str:
        return KINDS.get(kind.upper().partition("(")[0], "other")


def _sign_in(connection: DatabricksConnection, home: str) -> Headers:
    if connection.token:
        headers = {"authorization": f"Bearer {connection.token.get_secret_value()}"}
        return lambda fresh: headers
    return Token(f"{home}/oidc/v1/token", lambda: {"grant_type": "client_credentials", "scope": "all-apis"}, "the service principal", auth=(connection.client_id, connection.client_secret.get_secret_value()))


def _run(api: WebApi, home: str, connection: DatabricksConnection, sql: str) -> Result:
    place = {name: value for name, value in (("catalog", connection.catalog), ("schema", connection.db_schema)) if value}
    asked = {"statement": sql, "warehouse_id": connection.warehouse_id, "wait_timeout": "30s", "on_wait_timeout": "CONTINUE", "disposition": "EXTERNAL_LINKS", "format": "JSON_ARRAY", **place}
    body = api.ask("POST", f"{home}/api/2.0/sql/statements", body=asked).body
    link = f"{home}/api/2.0/sql/statements/{quote(str(member(body, 'statement_id')))}"
    for _ in waits("Databricks"):
        if member(body, "status", "state") not in ("PENDING", "RUNNING"):
            break
        body = api.ask("GET", link).body
    if member(body, "status", "state") != "SUCCEEDED":
        raise _failed(str(member(body, "status", "error", "error_code") or ""), str(member(body, "status", "error", "message") or ""))
    columns = tuple(SourceColumn(name=each["name"], type=each["type_name"]) for each in member(body, "manifest", "schema", "columns") or [])
    rows = member(body, "manifest", "total_row_count")
    return Result(columns, complete(_chunks(api, home, link, member(body, "result")), int(rows) if rows is not None else None, "Databricks"))


def _chunks(api: WebApi, home: str, statement: str, result: object) -> Iterator[Rows]:
    """The chunks, each from its own link; a new link where one ran out."""
    while result is not None:
        if (rows := member(result, "data_array")) is not None:
            yield rows
        following = member(result, "next_chunk_internal_link")
        for each in member(result, "external_links") or []:
            yield _chunk(api, statement, each)
            following = each.get("next_chunk_internal_link")
        result = api.ask("GET", f"{home}{following}").body if following else None


def _chunk(api: WebApi, statement: str, found: dict) -> Rows:
    try:
        return _external(found["external_link"])
    except Refused as error:
        if error.status not in (400, 401, 403, 404):
            raise
    renewed = api.ask("GET", f"{statement}/result/chunks/{found['chunk_index']}").body
    return _external((member(renewed, "external_links") or [{}])[0].get("external_link", ""))


def _external(link: str) -> Rows:
    """The rows behind a link, which is a key itself: no other sign-in goes with it."""
    with client(link) as web:
        rows = WebApi(web, failure=lambda answer, response: Refused("The place that Databricks keeps the result in doesn't give it.", "The next run tries again.", status=response.status_code)).ask("GET", link).body
    if not isinstance(rows, list):
        raise Unreachable("What Databricks keeps the result in is no list of rows.", "The next run tries again.")
    return rows


def _failed(code: str, message: str) -> IngestError:
    """A statement that failed. Databricks puts the class of the error in brackets before the message, of which nothing else is shown."""
    if any(each in message for each in ("TABLE_OR_VIEW_NOT_FOUND", "SCHEMA_NOT_FOUND", "NO_SUCH_CATALOG")):
        return BadInput("The table isn't there, or may not be seen.", "Check its name (catalog.schema.table), and the grants.")
    if "INSUFFICIENT_PERMISSIONS" in message or "PERMISSION_DENIED" in message:
        return Refused("The table may not be read with this sign-in.", "Grant USE CATALOG, USE SCHEMA and SELECT.", status=403)
    if code in ("BAD_REQUEST", "INVALID_PARAMETER_VALUE"):
        return BadInput("Databricks can't run the query.", "Try it in the SQL editor of Databricks, and mend it.")
    return Refused("Databricks stopped the query.", "The next run tries again.", status=503)


def _no(answer: Answer, response: httpx.Response) -> IngestError:
    """Databricks' no."""
    sentence, todo = {
        400: ("Databricks doesn't take the request.", "Check the id of the SQL warehouse, the catalog and the schema."),
        401: ("Databricks doesn't take the sign-in.", "Check the token or the secret: it may have run out."),
        403: ("The sign-in may not use the SQL warehouse.", "Give it the permission CAN USE there."),
        404: ("The SQL warehouse or the result isn't there.", "Check the id of the SQL warehouse."),
    }.get(response.status_code, (f"Databricks answered with {response.status_code}.", "The next run tries again."))
    return Refused(sentence, todo, status=response.status_code)
