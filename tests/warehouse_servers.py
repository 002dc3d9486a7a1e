"""Warehouses that stand in for those in the cloud. Each takes statements in the protocol and the SQL that its maker documents, and has DuckDB answer them; sqlglot refuses what isn't that SQL."""

import json
from dataclasses import dataclass, field

import duckdb
import sqlglot

from tests.web_servers import Asked, Reply, claims

ROWS = """
    create table usage as select * from (values
        (1::bigint, timestamptz '2026-10-01 00:00:00.000001+00', timestamp '2026-10-01 00:00:00.5', 12345678901234567890123456789012345.678::decimal(38, 3), 'a''b\\ü', true, date '2026-10-01', [1, 2]),
        (2, timestamptz '2026-10-01 02:00:00+02', timestamp '2026-10-25 02:30:00', -0.001, null, false, null, null),
        (10, timestamptz '2026-10-02 00:00:00+00', null, null, 'x%_!', null, null, []),
        (9223372036854775807, null, null, 1, 'y', null, null, null)) as t(id, "at", local, amount, customer, paid, day, parts)"""
KINDS = {
    "snowflake": {"BIGINT": "fixed", "DECIMAL": "fixed", "HUGEINT": "fixed", "INTEGER": "fixed", "TIMESTAMP WITH TIME ZONE": "timestamp_tz", "TIMESTAMP": "timestamp_ntz", "BOOLEAN": "boolean", "DATE": "date", "VARCHAR": "text", "LIST": "array"},
    "bigquery": {"BIGINT": "INTEGER", "DECIMAL": "BIGNUMERIC", "INTEGER": "INTEGER", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIMESTAMP": "DATETIME", "BOOLEAN": "BOOLEAN", "DATE": "DATE", "VARCHAR": "STRING", "LIST": "REPEATED"},
    "databricks": {"BIGINT": "LONG", "DECIMAL": "DECIMAL", "INTEGER": "INT", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIMESTAMP": "TIMESTAMP_NTZ", "BOOLEAN": "BOOLEAN", "DATE": "DATE", "VARCHAR": "STRING", "LIST": "ARRAY"},
}
Part = list[list[str | None]]


@dataclass
class Cloud:
    """What all three do: statements run, some time; results come in parts of `page` rows. `running` looks find it running, `expired` requests find the sign-in run out, `lost` parts never come."""

    dialect: str
    page: int = 2
    running: int = 0
    expired_after: int | None = None
    lost: bool = False
    statements: list[str] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self.database = duckdb.connect()
        self.database.execute("set timezone = 'UTC'")
        self.database.execute(ROWS)
        self.asked, self.results = 0, {}

    def run(self, sql: str) -> str:
        """Runs a statement; the name of its result. Raises duckdb.Error or sqlglot.errors.SqlglotError."""
        self.statements.append(sql)
        cursor = self.database.execute(sqlglot.transpile(sql, read=self.dialect, write="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)[0])
        columns = [(name, KINDS[self.dialect].get(str(kind.id).upper() if "LIST" not in str(kind.id).upper() else "LIST", "other")) for name, kind in ((each[0], each[1]) for each in cursor.description)]
        rows = [[None if value is None else str(value) for value in row] for row in cursor.fetchall()]
        parts = [rows[first:first + self.page] for first in range(0, len(rows), self.page)] or [[]]
        self.results[name := f"job{len(self.results)}"] = (columns, parts[:-1] if self.lost and len(parts) > 1 else parts, len(rows))
        return name

    def signed_in(self, token: str, good: str) -> bool:
        """Whether a sign-in is good; each runs out once, in the middle."""
        self.asked += 1
        if self.expired_after is not None and self.asked > self.expired_after:
            self.expired_after = None
            return False
        return token == good


class SnowflakeServer(Cloud):
    def __call__(self, asked: Asked) -> Reply:
        token = asked.headers["authorization"].removeprefix("Bearer ")
        said = claims(token)
        if not said["iss"].startswith("MYORG-ACCOUNT1.READER.SHA256:") or said["sub"] != "MYORG-ACCOUNT1.READER" or not self.signed_in("", ""):
            return Reply({"code": "390144", "message": f"JWT token is invalid {token}"}, 401)
        if asked.method == "POST":
            try:
                name = self.run(asked.json["statement"])
            except (duckdb.Error, sqlglot.errors.SqlglotError) as error:
                return Reply({"code": "002003" if "does not exist" in str(error) else "001003", "message": str(error), "sqlState": "42S02"}, 422)
        else:
            name = asked.path.rpartition("/")[2]
        if self.running:
            self.running -= 1
            return Reply({"code": "333334", "statementHandle": name, "statementStatusUrl": f"/api/v2/statements/{name}"}, 202)
        columns, parts, rows = self.results[name]
        if "partition" in asked.query:
            return Reply({"data": parts[int(asked.query["partition"])]})
        scales = {"AMOUNT": 3, "amount": 3}
        meta = {"numRows": rows, "format": "jsonv2", "partitionInfo": [{"rowCount": len(part)} for part in parts], "rowType": [{"name": column, "type": kind, "precision": 38, "scale": scales.get(column, 0)} for column, kind in columns]}
        return Reply({"code": "090001", "statementHandle": name, "resultSetMetaData": meta, "data": parts[0]})


class BigQueryServer(Cloud):
    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/token":
            return Reply({"access_token": "good", "expires_in": 3599}) if "bigquery" in claims(asked.form["assertion"])["scope"] else Reply({"error": "invalid_scope"}, 400)
        if not self.signed_in(asked.headers.get("authorization", ""), "Bearer good"):
            return Reply({"error": {"code": 401, "errors": [{"reason": "authError"}]}}, 401)
        if asked.path.endswith("/datasets"):
            return Reply({"datasets": [{"datasetReference": {"datasetId": "main"}}]})
        if asked.path.endswith("/tables"):
            return Reply({"tables": [{"tableReference": {"tableId": "usage"}, "type": "TABLE"}]})
        if asked.method == "POST":
            assert asked.json["useLegacySql"] is False
            try:
                name = self.run(asked.json["query"])
            except (duckdb.Error, sqlglot.errors.SqlglotError) as error:
                return Reply({"error": {"errors": [{"reason": "notFound" if "does not exist" in str(error) else "invalidQuery", "message": str(error)}]}}, 404 if "does not exist" in str(error) else 400)
        else:
            name = asked.path.rpartition("/")[2]
        job = {"jobReference": {"projectId": "p", "jobId": name, "location": "EU"}}
        if self.running:
            self.running -= 1
            return Reply({**job, "jobComplete": False})
        columns, parts, rows = self.results[name]
        number = int(asked.query.get("pageToken", "0"))
        schema = {"fields": [{"name": column, "type": "INTEGER" if kind == "REPEATED" else kind, "mode": "REPEATED" if kind == "REPEATED" else "NULLABLE"} for column, kind in columns]}
        more = {"pageToken": str(number + 1)} if number + 1 < len(parts) else {}
        return Reply({**job, "jobComplete": True, "schema": schema, "totalRows": str(rows), "rows": [{"f": [{"v": cell} for cell in row]} for row in parts[number]], **more})


class DatabricksServer(Cloud):
    stale: int = 0

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/oidc/v1/token":
            return Reply({"access_token": "good", "expires_in": 3600}) if asked.headers["authorization"].startswith("Basic ") and asked.form["scope"] == "all-apis" else Reply(status=401)
        if asked.path.startswith("/store/"):
            _, _, name, number = asked.path.split("/")
            if "authorization" in asked.headers or asked.query["sig"] != f"fresh{self.stale}":
                return Reply(b"<Error>expired</Error>", 403)
            return Reply(json.dumps(self.results[name][1][int(number)]).encode())
        if not self.signed_in(asked.headers.get("authorization", ""), "Bearer good"):
            return Reply({"error_code": "UNAUTHENTICATED"}, 401)
        if asked.method == "POST":
            try:
                name = self.run(asked.json["statement"])
            except (duckdb.Error, sqlglot.errors.SqlglotError) as error:
                message = "[TABLE_OR_VIEW_NOT_FOUND] The table" if "does not exist" in str(error) else "[PARSE_SYNTAX_ERROR]"
                return Reply({"statement_id": "x", "status": {"state": "FAILED", "error": {"error_code": "BAD_REQUEST", "message": message}}})
        else:
            name = asked.path.split("/")[5]
        if "/result/chunks/" in asked.path:
            self.renewed = True
            return Reply(self._links(name, int(asked.path.rpartition("/")[2]), f"fresh{self.stale}"))
        if self.running:
            self.running -= 1
            return Reply({"statement_id": name, "status": {"state": "PENDING" if self.running else "RUNNING"}})
        columns, _, rows = self.results[name]
        manifest = {"schema": {"columns": [{"name": column, "type_name": kind} for column, kind in columns]}, "total_row_count": rows}
        return Reply({"statement_id": name, "status": {"state": "SUCCEEDED"}, "manifest": manifest, "result": self._links(name, 0, "fresh0")})

    def _links(self, name: str, number: int, signature: str) -> dict:
        more = {"next_chunk_internal_link": f"/api/2.0/sql/statements/{name}/result/chunks/{number + 1}"} if number + 1 < len(self.results[name][1]) else {}
        return {"external_links": [{"chunk_index": number, "external_link": f"{self.url}/store/{name}/{number}?sig={signature}", **more}]}
