"""Rows out of warehouses: exact, of one statement, all of them or none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.errors import BadInput, IngestError, Unreachable
from ingest.pull import web_api
from ingest.pull.bigquery import BigQuery, BigQueryConnection
from ingest.pull.connector import Connection
from ingest.pull.databricks import Databricks, DatabricksConnection
from ingest.pull.snowflake import Snowflake, SnowflakeConnection
from ingest.pull.warehouse import Warehouse
from ingest.read.pulled import is_pulled
from ingest.settings import settings
from schemas.source import Read, Where, Window
from tests.warehouse_servers import BigQueryServer, Cloud, DatabricksServer, SnowflakeServer
from tests.web_servers import google_key, private_pem, served

SECRET = "dose-very-secret-775"
NAMES = ("snowflake", "bigquery", "databricks")


@pytest.fixture(autouse=True)
def reachable(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine may be reached, and nobody waits."""
    monkeypatch.setenv("INTAKE_PULL_ALLOW", "127.0.0.0/8")
    monkeypatch.setattr(web_api, "pause", lambda seconds: None)
    settings.cache_clear()
    yield
    settings.cache_clear()


@contextmanager
def running(name: str, **faults: object) -> Iterator[tuple[Warehouse, Connection, Cloud]]:
    found, server = {"snowflake": (Snowflake(), SnowflakeServer), "bigquery": (BigQuery(), BigQueryServer), "databricks": (Databricks(), DatabricksServer)}[name]
    cloud = server(name, **faults)
    with served(cloud) as service:
        cloud.url = service.url
        yield found, connection_to(name, service.url), cloud


def connection_to(name: str, url: str) -> Connection:
    if name == "snowflake":
        return SnowflakeConnection(account="myorg-account1", user="reader", private_key=private_pem(), warehouse="W", database="D", url=url)
    if name == "bigquery":
        return BigQueryConnection(project="p", service_account=google_key(), url=url, sign_in=f"{url}/token")
    return DatabricksConnection(host=url, warehouse_id="w", client_id="app", client_secret=SECRET)


def read(**more: object) -> Read:
    return Read(**{"table": "main.usage", "cursor": "at", "key": ("id",), **more})


def ids(path: Path) -> list[str]:
    return sorted(pq.read_table(path)["id"].to_pylist())


@pytest.mark.parametrize("name", NAMES)
def test_every_type_arrives_exact(home: Path, name: str):
    with running(name) as (found, connection, _):
        fetched = found.fetch(connection, read(), Window(), home / "out")
        assert {column.name: column.kind for column in fetched.columns} == {"id": "integer", "at": "time", "local": "naive_time", "amount": "decimal", "customer": "text", "paid": "bool", "day": "date", "parts": "other"}
        assert found.count(connection, read(), Window()) == fetched.model_copy(update={"without_cursor": 1})
        assert found.preview(connection, read(cursor="id"), 2)["id"].to_pylist() == ["9223372036854775807", "10"]
        assert found.discover(connection)[0].name.lower() == "main.usage"
    assert is_pulled(home / "out")
    first, second, third, last = sorted(pq.read_table(home / "out").drop_columns(["_file", "_sheet"]).to_pylist(), key=lambda row: int(row["id"]))
    digits = "000" if name == "snowflake" else ""
    assert first == {"id": "1", "at": f"2026-10-01T00:00:00.000001{digits}Z", "local": first["local"], "amount": "12345678901234567890123456789012345.678", "customer": "a'b\\ü", "paid": first["paid"], "day": "2026-10-01", "parts": first["parts"]}
    assert first["local"].rstrip("0") == "2026-10-01T00:00:00.5" and first["paid"].lower() == "true"
    assert (second["amount"], second["customer"], second["day"], third["amount"], last["at"], last["id"]) == ("-0.001", None, None, None, None, "9223372036854775807")
    assert (fetched.rows, fetched.newest) == (4, f"2026-10-02T00:00:00.000000{digits}Z")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("more", "window", "expected"), [
    ({}, Window(since="2026-10-01T00:00:00.000000Z", until="2026-10-02T00:00:00.000000Z"), ["1", "2"]),
    ({}, Window(since="2026-10-01T00:00:00.000001Z"), ["1", "10"]),
    ({"cursor": "local"}, Window(since="2026-10-25T02:30:00.000000"), ["2"]),
    ({"cursor": "id"}, Window(since="2", until="10"), ["2"]),
    ({"cursor": None, "where": (Where(column="customer", operator="equals", value="a'b\\ü"),)}, Window(), ["1"]),
    ({"cursor": None, "where": (Where(column="customer", operator="contains", value="%_!"),)}, Window(), ["10"]),
    ({"cursor": None, "table": None, "sql": "select * from main.usage where id < 3"}, Window(), ["1", "2"])])
def test_a_window_and_conditions_choose_rows(home: Path, name: str, more: dict, window: Window, expected: list[str]):
    with running(name) as (found, connection, _):
        assert found.fetch(connection, read(**more), window, home / "out").rows == len(expected)
    assert ids(home / "out") == sorted(expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_that_takes_long_and_a_sign_in_that_runs_out_cost_nothing(home: Path, name: str):
    with running(name, running=3, expired_after=5) as (found, connection, cloud):
        assert found.fetch(connection, read(), Window(), home / "out").rows == 4
    assert (cloud.running, cloud.expired_after) == (0, None)


@pytest.mark.parametrize("name", NAMES)
def test_parts_that_never_come_leave_no_half_file(home: Path, name: str):
    with running(name, lost=True) as (found, connection, _), pytest.raises(Unreachable, match="2 of 4 rows"):
        found.fetch(connection, read(), Window(), home / "out")
    assert not list(home.glob("out*"))


def test_a_link_that_ran_out_is_asked_for_again(home: Path):
    with running("databricks") as (found, connection, cloud):
        cloud.stale = 1
        assert found.fetch(connection, read(), Window(), home / "out").rows == 4
    assert cloud.renewed


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("more", "kind"), [({"table": "main.gone"}, BadInput), ({"table": None, "sql": "select nonsense from from"}, BadInput), ({"table": None, "sql": "select 1; drop table usage"}, BadInput), ({"cursor": "gone"}, BadInput)])
def test_a_mistake_is_a_sentence(home: Path, name: str, more: dict, kind: type[IngestError]):
    with running(name) as (found, connection, _), pytest.raises(kind) as raised:
        found.fetch(connection, read(**more), Window(), home / "out")
    assert "Catalog Error" not in str(raised.value)
    assert not list(home.glob("out*"))


@pytest.mark.parametrize("name", NAMES)
def test_a_test_tells_good_from_bad(name: str):
    with running(name) as (found, connection, cloud):
        assert found.test(connection, read()).ok
        cloud.signed_in = lambda token, good: False
        refused = found.test(connection, read())
    closed = found.test(connection)
    assert (refused.steps[-1].name, refused.ok, closed.steps[-1].name, closed.ok) == ("sign-in", False, "port", False)
    assert not any(secret in refused.model_dump_json() for secret in (SECRET, "PRIVATE", "Bearer", "eyJ"))


def test_secrets_of_a_connection_are_not_shown():
    assert not any(secret in repr(connection_to(name, "http://x")) for name in NAMES for secret in (SECRET, "PRIVATE"))
