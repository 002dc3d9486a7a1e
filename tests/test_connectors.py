"""What every connector to rows promises, held to by all of them with real databases: windows closed–open, nothing cut, no half file, sentences instead of tracebacks."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import duckdb
import pyarrow.parquet as pq
import pytest

from ingest.engine import identifier
from ingest.errors import BadInput, IngestError, Unreachable
from ingest.pull.connector import Connection, TableConnector
from ingest.pull.connectors import connector
from ingest.read import read_file
from schemas.reading import ReadSpec
from schemas.source import Read, Where, Window
from tests.database_servers import mariadb, postgres
from tests.week_places import Wire

pytestmark = pytest.mark.usefixtures("home")
TIMES = ("2026-10-01 10:00:00", "2026-10-01 11:00:00", "2026-10-01 11:00:00.000001", "2026-10-01 12:00:00")


@dataclass
class Place:
    """A database with a table `usage` (id, updated_at, customer, hours), and how it writes a moment."""

    connector: TableConnector
    connection: Connection
    run: Callable[[str], object]
    moment: Callable[[str], str]
    password: str = ""
    wrong: Sequence[dict[str, object]] = ()

    def changed(self, **values: object) -> Connection:
        """Another connection."""
        return type(self.connection).model_validate({**self.connection.model_dump(), **values})


def utc(text: str) -> str:
    return text.replace(" ", "T") + "Z"


def naive(text: str) -> str:
    return text


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], object]]:
    """Starts a server when it is asked for first."""
    started: dict[str, object] = {}
    with ExitStack() as stack:
        def server(name: str) -> object:
            if name not in started:
                folder = Path("/tmp") / f"intake-{name}-{tmp_path_factory.getbasetemp().name}-{id(stack)}"
                started[name] = stack.enter_context({"postgresql": postgres, "mariadb": mariadb}[name](folder))
            return started[name]
        yield server


@pytest.fixture(params=["postgresql", "mariadb", "sqlite", "duckdb"])
def place(request: pytest.FixtureRequest, servers: Callable[[str], object], tmp_path: Path) -> Place:
    made = {"postgresql": _postgresql, "mariadb": _mariadb, "sqlite": _sqlite, "duckdb": _duckdb}[request.param](servers, tmp_path)
    made.run("drop table if exists usage" if request.param != "mariadb" else "drop table if exists `usage`")
    return made


def _postgresql(servers: Callable[[str], object], tmp_path: Path) -> Place:
    server, kind = servers("postgresql"), connector("postgresql")
    return Place(kind, kind.model(**server.connection()), lambda statement: server.run("set timezone = 'UTC'", statement, database="usage"), utc, "r3ad3r", ({"port": 1}, {"password": "wr0ng"}, {"database": "nope"}, {"host": "nowhere.invalid"}, {"sslmode": "require"}))


def _mariadb(servers: Callable[[str], object], tmp_path: Path) -> Place:
    if not which("mariadbd", path="/usr/sbin:/usr/bin"):
        pytest.skip("MariaDB isn't installed here (Debian's package mariadb-server)")
    server, kind = servers("mariadb"), connector("mariadb")
    return Place(kind, kind.model(**server.connection()), lambda statement: server.run("set time_zone = '+00:00'", statement, database="usage"), utc, "r3ad3r", ({"port": 1}, {"password": "wr0ng"}, {"database": "nope"}, {"host": "nowhere.invalid"}, {"ssl": "verify"}))


def _sqlite(servers: Callable[[str], object], tmp_path: Path) -> Place:
    path, kind = tmp_path / "usage.db", connector("sqlite")

    def run(statement: str) -> None:
        with closing(sqlite3.connect(path)) as opened, opened:
            opened.execute(statement)
    return Place(kind, kind.model(path=path), run, naive, wrong=({"path": tmp_path / "nope.db"},))


def _duckdb(servers: Callable[[str], object], tmp_path: Path) -> Place:
    path, kind = tmp_path / "usage.duckdb", connector("duckdb")

    def run(statement: str) -> None:
        with duckdb.connect(path) as opened:
            opened.execute("set timezone = 'UTC'")
            opened.execute(statement)
    return Place(kind, kind.model(path=path), run, utc, wrong=({"path": tmp_path / "nope.duckdb"},))


def fill(place: Place, rows: Sequence[str]) -> None:
    moment = {"mariadb": "timestamp(6) null", "sqlite": "text"}.get(place.connector.name, "timestamptz")
    place.run(f"create table {_usage(place)} (id bigint primary key, updated_at {moment}, customer varchar(100), hours decimal(18,4))")
    if rows:
        place.run(f"insert into {_usage(place)} values {', '.join(rows)}")


def _usage(place: Place) -> str:
    return "`usage`" if place.connector.name == "mariadb" else "usage"


def usual() -> list[str]:
    return [f"({number}, '{moment}', 'cus_{number}', {number}.5)" for number, moment in enumerate(TIMES, 1)]


def cells(path: Path) -> list[dict[str, object]]:
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in pq.read_table(path).to_pylist()]


READ = Read(table="usage", cursor="updated_at", key=("id",))


def test_a_window_is_closed_below_and_open_above(place: Place, tmp_path: Path):
    fill(place, usual())
    kept = {}
    for since, until in ((None, None), (0, None), (None, 3), (1, 3), (1, 1), (3, None)):
        window = Window(since=None if since is None else place.moment(TIMES[since]), until=None if until is None else place.moment(TIMES[until]))
        found = place.connector.fetch(place.connection, READ, window, tmp_path / "rows.parquet")
        assert found.rows == place.connector.count(place.connection, READ, window).rows
        kept[since, until] = sorted(int(row["id"]) for row in cells(tmp_path / "rows.parquet"))
    assert kept == {(None, None): [1, 2, 3, 4], (0, None): [1, 2, 3, 4], (None, 3): [1, 2, 3], (1, 3): [2, 3], (1, 1): [], (3, None): [4]}


def test_the_newest_cursor_has_all_its_digits_and_brings_its_row_again(place: Place, tmp_path: Path):
    fill(place, usual()[:3])
    newest = place.connector.fetch(place.connection, READ, Window(), tmp_path / "rows.parquet").newest
    assert newest.rstrip("Z").endswith("11:00:00.000001")
    again = place.connector.fetch(place.connection, READ, Window(since=newest), tmp_path / "rows.parquet")
    assert [row["id"] for row in cells(tmp_path / "rows.parquet")] == ["3"]
    assert again.newest == newest


def test_an_integer_can_be_the_cursor(place: Place, tmp_path: Path):
    fill(place, usual())
    read = Read(table="usage", cursor="id")
    found = place.connector.fetch(place.connection, read, Window(since="3"), tmp_path / "rows.parquet")
    assert (found.rows, found.newest) == (2, "4")


def test_nothing_new_is_an_empty_file_that_can_be_read(place: Place, tmp_path: Path):
    fill(place, [])
    found = place.connector.fetch(place.connection, READ, Window(), tmp_path / "rows.parquet")
    assert (found.rows, found.newest) == (0, None)
    assert read_file(tmp_path / "rows.parquet", "usage", ReadSpec(), tmp_path).columns == ("id", "updated_at", "customer", "hours")


def test_texts_and_nulls_come_as_they_are(place: Place, tmp_path: Path):
    fill(place, ["""(1, '2026-10-01 10:00:00', 'Müller "x", ''y''\n語', 0.0001)""", "(2, '2026-10-01 10:00:00', null, null)"])
    place.connector.fetch(place.connection, READ, Window(), tmp_path / "rows.parquet")
    assert sorted((row["id"], row["customer"], row["hours"]) for row in cells(tmp_path / "rows.parquet")) == [("1", "Müller \"x\", 'y'\n語", "0.0001"), ("2", None, None)]


def test_a_preview_shows_the_newest_rows_as_they_will_be_read(place: Place, tmp_path: Path):
    fill(place, usual())
    place.connector.fetch(place.connection, READ, Window(), tmp_path / "rows.parquet")
    shown = place.connector.preview(place.connection, READ, 2).to_pylist()
    assert [row["id"] for row in shown] == ["4", "3"]
    assert all(row in cells(tmp_path / "rows.parquet") for row in shown)


def test_the_table_is_discovered_with_its_columns_and_key(place: Place):
    fill(place, usual())
    found = next(each for each in place.connector.discover(place.connection) if each.name.rpartition(".")[2] == "usage")
    assert [column.name for column in found.columns] == ["id", "updated_at", "customer", "hours"]
    assert place.connector.name == "duckdb" or found.key == ("id",)


@pytest.mark.parametrize(("where", "ids"), [
    (Where(column="customer", operator="equals", value="cus_2"), ["2"]), (Where(column="customer", operator="not_equals", value="cus_2"), ["1", "3", "4"]), (Where(column="id", operator="gte", value="3"), ["3", "4"]),
    (Where(column="customer", operator="in", values=("cus_1", "cus_4")), ["1", "4"]), (Where(column="customer", operator="contains", value="s_3"), ["3"]), (Where(column="customer", operator="contains", value="%"), []),
    (Where(column="customer", operator="is_null"), []), (Where(column="customer", operator="equals", value="x' or '1'='1"), []), (Where(column="customer", operator="equals", value="\\' or 1=1 -- "), []),
], ids=str)
def test_conditions_choose_rows_and_carry_no_statements(place: Place, tmp_path: Path, where: Where, ids: list[str]):
    fill(place, usual())
    place.connector.fetch(place.connection, READ.model_copy(update={"where": (where,)}), Window(), tmp_path / "rows.parquet")
    assert sorted(row["id"] for row in cells(tmp_path / "rows.parquet")) == ids


def test_columns_can_be_chosen_and_a_query_written(place: Place, tmp_path: Path):
    fill(place, usual())
    read = Read(sql=f"select id, customer as who, updated_at from {_usage(place)} where id > 1 -- the first is a test", cursor="updated_at", columns=("id", "who", "updated_at"))
    place.connector.fetch(place.connection, read, Window(until=place.moment(TIMES[3])), tmp_path / "rows.parquet")
    assert sorted((row["id"], row["who"]) for row in cells(tmp_path / "rows.parquet")) == [("2", "cus_2"), ("3", "cus_3")]


@pytest.mark.parametrize("sql", ["delete from usage", "select 1; drop table usage", "select * from nowhere_at_all", "select no_such_column from usage", "selec 1", "select 1) q; drop table usage; --", ""])
def test_what_is_no_query_is_refused_and_changes_nothing(place: Place, tmp_path: Path, sql: str):
    fill(place, usual())
    with pytest.raises(BadInput):
        place.connector.fetch(place.connection, Read(sql=sql.replace("usage", _usage(place))), Window(), tmp_path / "rows.parquet")
    assert list(tmp_path.glob("rows*")) == []
    assert place.connector.count(place.connection, READ, Window()).rows == 4


def test_a_good_connection_is_said_to_be_good_and_a_wrong_one_why(place: Place):
    fill(place, usual())
    good = place.connector.test(place.connection, READ)
    assert good.ok, good
    for wrong in place.wrong:
        bad = place.connector.test(place.changed(**wrong), READ)
        assert not bad.ok, wrong
        assert bad.steps[-1].text and bad.steps[-1].todo


def test_no_secret_is_in_what_is_said(place: Place, tmp_path: Path):
    fill(place, usual())
    said = [repr(place.connection), str(place.connection), place.connector.rights(place.connection, READ)]
    for wrong in ({}, *place.wrong):
        connection = place.changed(**wrong)
        said += [repr(place.connector.test(connection, READ))]
        try:
            place.connector.fetch(connection, Read(table="nope"), Window(), tmp_path / "rows.parquet")
        except IngestError as error:
            said += [str(error), repr(error)]
    assert not any(secret in text for text in said for secret in filter(None, (place.password, "wr0ng")))


def test_a_name_that_needs_quotes_is_quoted(place: Place, tmp_path: Path):
    quoted = '`odd "name; x`' if place.connector.name == "mariadb" else '"odd ""name; x"'
    table = 'odd "name; x' if place.connector.name == "mariadb" else '"odd ""name; x"'
    place.run(f"drop table if exists {quoted}")
    place.run(f"create table {quoted} (id bigint)")
    place.run(f"insert into {quoted} values (7)")
    place.connector.fetch(place.connection, Read(table=table), Window(), tmp_path / "rows.parquet")
    assert [row["id"] for row in cells(tmp_path / "rows.parquet")] == ["7"]
    place.run(f"drop table {quoted}")


EXACT = {
    "postgresql": (
        "create table usage (a numeric, b numeric(30,15), c numeric, d bigint, e timestamptz, f timestamp, g bool, h bytea, i int[], j double precision, k numeric(18,4), l date, m money, n jsonb, o uuid)",
        "insert into usage values (123456789012345678901234567890.123456789012345678901234567890, 1.123456789012345, 'NaN', 9223372036854775807, '2026-10-25 02:30:00.123456+02', '2026-03-29 02:30:00', true, '\\xff00', '{1,2}', 0.1, 'NaN', '0001-01-01', 12.5, '{\"a\": 1.10}', '123e4567-e89b-12d3-a456-426614174000')",
        ["123456789012345678901234567890.123456789012345678901234567890", "1.123456789012345", "NaN", "9223372036854775807", "2026-10-25T00:30:00.123456Z", "2026-03-29T02:30:00", "true", "ff00", "[1,2]", "0.1", "NaN", "0001-01-01", "12.50", '{"a": 1.10}', "123e4567-e89b-12d3-a456-426614174000"],
    ),
    "mariadb": (
        "create table `usage` (a decimal(65,30), b bigint unsigned, c timestamp(6) null, d datetime(6), e bit(9), f varbinary(4), g year, h time, i varchar(20) character set latin1, j double, k date)",
        "insert into `usage` values (12345678901234567890123456789012345.123456789012345678901234567890, 18446744073709551615, '2026-10-25 00:30:00.123456', '2026-03-29 02:30:00', b'100000001', x'ff00', 2026, '-100:30:00', 'Müller', 0.1, '2026-10-01')",
        ["12345678901234567890123456789012345.123456789012345678901234567890", "18446744073709551615", "2026-10-25T00:30:00.123456Z", "2026-03-29T02:30:00.000000", "257", "ff00", "2026", "-100:30:00", "Müller", "0.1", "2026-10-01"],
    ),
    "sqlite": ("create table usage (a, b, c, d, e)", "insert into usage values (9223372036854775807, 0.1, '007', x'ff00', '2026-10-01T00:00:00Z')", ["9223372036854775807", "0.1", "007", "ff00", "2026-10-01T00:00:00Z"]),
    "duckdb": (
        "create table usage (a decimal(38,18), b hugeint, c timestamptz, d timestamp_ns, e double, f blob, g bool)",
        "insert into usage values (12345678901234567890.123456789012345678, 170141183460469231731687303715884105727, '2026-10-25 02:30:00.123456+02', '2026-10-25 02:30:00.123456789', 0.1, '\\xFF\\x00', true)",
        ["12345678901234567890.123456789012345678", "170141183460469231731687303715884105727", "2026-10-25T00:30:00.123456Z", "2026-10-25T02:30:00.123456789", "0.1", "ff00", "true"],
    ),
}


def test_every_type_comes_exact(place: Place, tmp_path: Path):
    create, insert, expected = EXACT[place.connector.name]
    place.run(create)
    place.run(insert)
    found = place.connector.fetch(place.connection, Read(table="usage"), Window(), tmp_path / "rows.parquet")
    assert list(cells(tmp_path / "rows.parquet")[0].values()) == expected
    read_file(tmp_path / "rows.parquet", "usage", ReadSpec(), tmp_path)
    read = duckdb.sql(f"select {', '.join(identifier(column.name) for column in found.columns)} from read_parquet('{tmp_path / 'raw.parquet'}')").fetchall()
    assert list(read[0]) == expected


@pytest.mark.parametrize("name", ["postgresql", "mariadb"])
def test_a_server_that_dies_in_the_middle_of_a_result_leaves_nothing(servers: Callable[[str], object], tmp_path: Path, name: str):
    place = {"postgresql": _postgresql, "mariadb": _mariadb}[name](servers, tmp_path)
    place.run(f"drop table if exists {_usage(place)}")
    fill(place, [f"({number}, '{TIMES[0]}', 'acme', {number})" for number in range(20_000)])
    with closing(Wire(place.connection.port)) as wire:
        wire.left = 200_000
        with pytest.raises(Unreachable, match="broke off|any more"):
            place.connector.fetch(place.changed(port=wire.port), Read(table="usage", cursor="updated_at"), Window(), tmp_path / "rows.parquet")
    assert list(tmp_path.glob("rows*")) == []
