"""BigQuery, by its REST API with a service account."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr

from ingest.errors import BadInput, IngestError, Refused
from ingest.pull.connector import Connection
from ingest.pull.flat import written
from ingest.pull.token import google_token
from ingest.pull.warehouse import Backslashed, Result, Rows, Session, Warehouse, bounded, complete, waits
from ingest.pull.web import client
from ingest.pull.web_api import Answer, WebApi, member
from schemas.source import Found, Read, SourceColumn

SCOPE = "https://www.googleapis.com/auth/bigquery.readonly https://www.googleapis.com/auth/bigquery"
PAGE_ROWS = "50000"
BUSY_REASONS = ("rateLimitExceeded", "backendError", "internalError", "jobRateLimitExceeded")
KINDS = {
    **dict.fromkeys(("INTEGER", "INT64"), "integer"), **dict.fromkeys(("NUMERIC", "BIGNUMERIC"), "decimal"), **dict.fromkeys(("FLOAT", "FLOAT64"), "float"), "TIMESTAMP": "time", "DATETIME": "naive_time",
    "DATE": "date", **dict.fromkeys(("BOOLEAN", "BOOL"), "bool"), "STRING": "text",
}
JSON = "if({0} is null, null, to_json_string({0}))"
CASTS = {
    "TIMESTAMP": "format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', {0}, 'UTC')", "DATETIME": "format_datetime('%Y-%m-%dT%H:%M:%E6S', {0})", "BYTES": "to_hex({0})", "GEOGRAPHY": "st_astext({0})", "STRING": "{0}",
    **dict.fromkeys(("RECORD", "STRUCT", "JSON", "REPEATED", "RANGE"), JSON),
}


class BigQueryConnection(Connection):
    """Which project, and who reads."""

    project: str = Field(title="Project", description="The one that pays for the queries.", examples=["my-project-123456"], pattern=r"^[A-Za-z0-9.:-]+$")
    service_account: SecretStr = Field(title="Key of a service account", description="The JSON file that Google gives.")
    location: str | None = Field(None, title="Location", description="Where the data lies, such as EU.", examples=["EU"])
    most_bytes: int | None = Field(None, ge=1, title="Largest query", description="A query that would read more bytes than this isn't run: BigQuery costs by what it reads.")
    url: str = Field("https://bigquery.googleapis.com", title="Address")
    sign_in: str = Field("https://oauth2.googleapis.com/token", title="Address of the sign-in")


def _text(value: str) -> str:
    return Backslashed("`", lambda bound, kind: bound, lambda name, column: name).text(value)


class BigQuery(Warehouse):
    """Tables of BigQuery."""

    name = "bigquery"
    title = "BigQuery"
    model = BigQueryConnection
    dialect = Backslashed("`", bounded({"time": "timestamp {0}", "naive_time": "datetime {0}", "date": "date {0}", "decimal": "bignumeric {0}"}, _text), lambda name, column: CASTS.get(column.type, "cast({0} as string)").format(name))

    def rights(self, connection: BigQueryConnection | None, read: Read | None) -> str:
        """The roles of the service account."""
        project = connection.project if connection else "PROJECT"
        table = read.table if read and read.table else "DATASET.TABLE"
        return (f"gcloud projects add-iam-policy-binding {project} --member=serviceAccount:ADDRESS --role=roles/bigquery.jobUser\n"
                f"GRANT `roles/bigquery.dataViewer` ON TABLE `{table}` TO 'serviceAccount:ADDRESS';")

    def discover(self, connection: BigQueryConnection, within: str = "") -> tuple[Found, ...]:
        """Tables and views of all datasets, or of one."""
        with self._service(connection) as api:
            base = f"{connection.url.rstrip('/')}/bigquery/v2/projects/{quote(connection.project)}/datasets"
            datasets = [within] if within else [each["datasetReference"]["datasetId"] for each in _pages(api, base, "datasets")]
            tables = [(dataset, each) for dataset in datasets for each in _pages(api, f"{base}/{quote(dataset)}/tables", "tables")]
        return tuple(Found(name=f"{dataset}.{each['tableReference']['tableId']}", what="view" if "VIEW" in each.get("type", "") else "table") for dataset, each in tables[:2000])

    def _home(self, connection: BigQueryConnection) -> str:
        return connection.url

    @contextmanager
    def _service(self, connection: BigQueryConnection) -> Iterator[WebApi]:
        token = google_token(connection.service_account, SCOPE, connection.sign_in)
        with client(connection.url) as web:
            yield WebApi(web, token, _no)

    @contextmanager
    def _session(self, connection: BigQueryConnection) -> Iterator[Session]:
        with self._service(connection) as api:
            yield lambda sql: _run(api, connection, sql)

    def _kind(self, kind: str) -> str:
        return KINDS.get(kind, "other")


def _run(api: WebApi, connection: BigQueryConnection, sql: str) -> Result:
    base = f"{connection.url.rstrip('/')}/bigquery/v2/projects/{quote(connection.project)}/queries"
    place = {"location": connection.location} if connection.location else {}
    limit = {"maximumBytesBilled": str(connection.most_bytes)} if connection.most_bytes else {}
    body = api.ask("POST", base, body={"query": sql, "useLegacySql": False, "timeoutMs": 10_000, "maxResults": int(PAGE_ROWS), "formatOptions": {"useInt64Timestamp": True}, **place, **limit}).body
    job = member(body, "jobReference")
    link, where = f"{base}/{quote(str(member(job, 'jobId')))}", {"location": str(member(job, "location") or connection.location or "US")}
    for _ in waits("BigQuery"):
        if member(body, "jobComplete") is True:
            break
        body = api.ask("GET", link, params={**where, "timeoutMs": "10000", "maxResults": PAGE_ROWS}).body
    columns = tuple(SourceColumn(name=each["name"], type="REPEATED" if each.get("mode") == "REPEATED" else each["type"]) for each in member(body, "schema", "fields") or [])

    def parts() -> Iterator[Rows]:
        page = body
        while True:
            yield [[_cell(cell["v"]) for cell in row["f"]] for row in member(page, "rows") or []]
            if not member(page, "pageToken"):
                return
            page = api.ask("GET", link, params={**where, "pageToken": str(member(page, "pageToken")), "maxResults": PAGE_ROWS}).body

    rows = member(body, "totalRows")
    return Result(columns, complete(parts(), int(rows) if rows is not None else None, "BigQuery"))


def _cell(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else written(value)


def _pages(api: WebApi, link: str, what: str) -> Iterator[dict]:
    token = ""
    while True:
        body = api.ask("GET", link, params={"maxResults": "1000", **({"pageToken": token} if token else {})}).body
        yield from member(body, what) or []
        token = str(member(body, "nextPageToken") or "")
        if not token:
            return


def _no(answer: Answer, response: httpx.Response) -> IngestError:
    """BigQuery's no, by the word that it gives."""
    errors = member(answer.body, "error", "errors")
    reason, status = (errors[0].get("reason", "") if isinstance(errors, list) and errors and isinstance(errors[0], dict) else ""), response.status_code
    if status == 401:
        return Refused("BigQuery doesn't take the sign-in.", "Check the key of the service account.", status=401)
    if reason == "notFound":
        return BadInput("The table or the dataset isn't there.", "Check its name (dataset.table), the project and the location.")
    if reason in BUSY_REASONS or status == 429:
        return Refused("BigQuery is asked too often, or is busy.", "The next run tries again.", status=429)
    if reason == "bytesBilledLimitExceeded":
        return BadInput("The query would read more than the connection allows.", "Read fewer columns or a table that is partitioned by the cursor, or raise the limit.")
    if status == 403:
        return Refused("The service account may not read this, or may not run queries.", "Give it the roles BigQuery Job User in the project, and BigQuery Data Viewer for the table.", status=403)
    if status == 400:
        return BadInput("BigQuery can't run the query.", "Try it in BigQuery, and mend it.")
    return Refused(f"BigQuery answered with {status}.", "The next run tries again.", status=status)
