"""ClickHouse: the real engine behind its HTTP interface, and what that may answer when something is wrong."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.errors import BadInput, Unreachable
from ingest.pull.connectors import connector
from schemas.source import Read, Where, Window
from tests.clickhouse_server import PASSWORD, clickhouse
from tests.web_servers import Reply, served

pytestmark = pytest.mark.usefixtures("home")
READ = Read(table="usage.events", cursor="updated_at", key=("id",))
CLICKHOUSE = connector("clickhouse")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    pytest.importorskip("chdb")
    with clickhouse() as address:
        yield address


def connection(url: str, password: str = PASSWORD) -> object:
    return CLICKHOUSE.model(url=url, database="usage", user="reader", password=password)


def cells(path: Path) -> list[list[object]]:
    return [[value for name, value in row.items() if not name.startswith("_")] for row in pq.read_table(path).to_pylist()]


def test_every_type_comes_exact(url: str, tmp_path: Path):
    found = CLICKHOUSE.fetch(connection(url), READ, Window(until="2026-11-01T00:00:00.000000Z"), tmp_path / "rows.parquet")
    assert (found.rows, found.newest) == (2, "2026-10-25T00:30:00.123456Z")
    assert cells(tmp_path / "rows.parquet") == [
        ["1", "2026-10-01T10:00:00.000000Z", 'Müller "x"', "0", "0", "1.5", None, "[]", "false", "nan", "123e4567-e89b-12d3-a456-426614174000", "2026-10-01"],
        ["18446744073709551615", "2026-10-25T00:30:00.123456Z", "acme", "1234567890123456789012345678901234567890.123456789012345678901234567891", "-170141183460469231731687303715884105728", None, "x", '["a","b"]', "true", "0.1",
         "123e4567-e89b-12d3-a456-426614174000", "1960-01-01"],
    ]


@pytest.mark.parametrize(("window", "rows"), [(Window(since="2026-10-25T00:30:00.123456Z"), 1), (Window(until="2026-10-25T00:30:00.123456Z"), 1), (Window(since="2026-10-25T00:30:00.123457Z"), 0)], ids=str)
def test_a_window_is_closed_below_and_open_above(url: str, tmp_path: Path, window: Window, rows: int):
    assert CLICKHOUSE.fetch(connection(url), READ, window, tmp_path / "rows.parquet").rows == rows
    assert CLICKHOUSE.count(connection(url), READ, window).rows == rows


def test_conditions_previews_and_discovery(url: str, tmp_path: Path):
    read = READ.model_copy(update={"where": (Where(column="customer", operator="contains", value='r "x'), Where(column="id", operator="lt", value="5"))})
    assert CLICKHOUSE.fetch(connection(url), read, Window(), tmp_path / "rows.parquet").rows == 1
    assert CLICKHOUSE.preview(connection(url), READ, 1).column("id").to_pylist() == ["18446744073709551615"]
    found, = CLICKHOUSE.discover(connection(url))
    assert (found.name, found.cursor, len(found.columns)) == ("usage.events", "updated_at", 12)


def test_a_test_says_what_is_wrong(url: str):
    assert CLICKHOUSE.test(connection(url), READ).ok
    assert [(step.name, step.ok) for step in CLICKHOUSE.test(connection(url, "wr0ng"), READ).steps[-1:]] == [("sign-in", False)]
    assert "wr0ng" not in repr(CLICKHOUSE.test(connection(url, "wr0ng"), READ))
    assert CLICKHOUSE.test(connection(url), Read(table="nowhere")).steps[-1].name == "query"


@pytest.mark.parametrize("sql", ["select 1; drop table usage.events", "insert into usage.events select 1", "select no_such_column from usage.events"])
def test_what_is_no_query_is_refused(url: str, tmp_path: Path, sql: str):
    with pytest.raises(BadInput):
        CLICKHOUSE.fetch(connection(url), Read(sql=sql), Window(), tmp_path / "rows.parquet")
    assert list(tmp_path.glob("rows*")) == []


def test_an_answer_that_breaks_off_is_no_answer(tmp_path: Path):
    header = b'["id"]\n["UInt64"]\n'
    for reply in (Reply(header + b'["1"]\nCode: 241. DB::Exception: memory limit exceeded'), Reply(header + b'["1"]\n["2"]\n', cut=4)):
        with served(lambda asked, reply=reply: Reply(header) if b"limit 0" in asked.body else reply) as broken, pytest.raises(Unreachable):
            CLICKHOUSE.fetch(connection(broken.url), Read(table="events"), Window(), tmp_path / "rows.parquet")
    assert list(tmp_path.glob("rows*")) == []
