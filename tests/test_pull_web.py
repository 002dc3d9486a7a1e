"""Rows out of web services: every page once, every digit, and nothing where something went wrong."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ingest.errors import BadInput, IngestError, Refused, Unreachable
from ingest.pull import web_api
from ingest.pull.google_sheets import GoogleSheets, GoogleSheetsConnection
from ingest.pull.json_path import rows_at
from ingest.pull.rest import RestApi, RestConnection, Stripe, StripeConnection
from ingest.pull.sharepoint import SharePoint, SharePointConnection
from ingest.read.pulled import is_pulled
from ingest.settings import settings
from schemas.source import Files, ListedFile, Read, Where, Window
from tests.web_servers import Asked, Graph, Reply, Served, Service, Spreadsheet, first_then, google_key, served

SECRET = "sk-very-secret-774"
ROWS = [{"id": number, "at": f"2026-10-0{number}T00:00:00Z", "amount": {"value": number / 4}} for number in range(1, 6)]


@pytest.fixture(autouse=True)
def reachable(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine may be reached, and nobody waits."""
    monkeypatch.setenv("INTAKE_PULL_ALLOW", "127.0.0.0/8")
    monkeypatch.setattr(web_api, "pause", lambda seconds: None)
    settings.cache_clear()
    yield
    settings.cache_clear()


def cells(path: Path, *names: str) -> list[tuple[str | None, ...]]:
    table = pq.read_table(path)
    return list(zip(*(table[name].to_pylist() for name in names or table.column_names[2:]), strict=True))


def fetched(home: Path, service: Service, read: Read = Read(), window: Window = Window(), **connection: object) -> tuple[list[tuple[str | None, ...]], Served]:
    with served(service) as server:
        RestApi().fetch(RestConnection(url=f"{server.url}/usage", **connection), read, window, home / "out")
    assert is_pulled(home / "out")
    return cells(home / "out"), server


# Pages.


def by_number(asked: Asked) -> Reply:
    first = (int(asked.query["page"]) - 1) * 2
    return Reply({"rows": ROWS[first:first + 2]})


def by_offset(asked: Asked) -> Reply:
    first = int(asked.query["page"])
    return Reply({"rows": ROWS[first:first + 2]})


def by_cursor(asked: Asked) -> Reply:
    first = int(asked.query.get("page", "0"))
    return Reply({"rows": ROWS[first:first + 2], "next": str(first + 2) if first + 2 < 5 else None})


def by_link(asked: Asked) -> Reply:
    first = int(asked.query.get("from", "0"))
    return Reply({"rows": ROWS[first:first + 2], "next": f"/usage?from={first + 2}" if first + 2 < 5 else ""})


def by_header(asked: Asked) -> Reply:
    first = int(asked.query.get("from", "0"))
    return Reply(ROWS[first:first + 2], headers={"link": f'</usage?from={first + 2}>; rel="next", </usage>; rel="first"'} if first + 2 < 5 else {})


def by_last(asked: Asked) -> Reply:
    first = int(asked.query.get("page", "0"))
    return Reply({"rows": ROWS[first:first + 2], "has_more": first + 2 < 5})


PAGED = {"page": by_number, "offset": by_offset, "cursor": by_cursor, "next link": by_link, "link header": by_header, "last row": by_last}


@pytest.mark.parametrize("paging", PAGED)
def test_every_row_of_every_page_comes_once(home: Path, paging: str):
    rows, _ = fetched(home, PAGED[paging], paging=paging, more_path="$.has_more" if paging == "last row" else None)
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(("paging", "reply"), [("page", Reply({"rows": ROWS})), ("offset", Reply({"rows": ROWS})), ("cursor", Reply({"rows": ROWS, "next": "a"})), ("next link", Reply({"rows": ROWS, "next": "/usage?a=1"}))])
def test_pages_without_an_end_are_noticed(home: Path, paging: str, reply: Reply):
    with pytest.raises(BadInput, match="again and again|circles"):
        fetched(home, lambda asked: reply, paging=paging)
    assert not (home / "out").exists()


# What is in a row.


def test_nothing_of_a_row_is_lost(home: Path):
    body = b"""{"data": [
        {"n": 0.1000000000000000055511151231257827, "big": 123456789012345678901234567890, "x": 1E+2, "z": 1.50, "t": true, "none": null, "empty": "", "nested": {"a": {"b": "\\u00fc\\n"}}, "list": [1.10, {"k": null}], "ID": "up"},
        {"id": "low", "late": -0, "nested": {"a": "flat"}, "_file": "mine", "half": "\\ud800"}]}"""
    fetched(home, lambda asked: Reply(body))
    table = pq.read_table(home / "out").to_pylist()
    first, second = ({name: value for name, value in row.items() if value is not None and name not in ("_file", "_sheet")} for row in table)
    assert first == {"n": "0.1000000000000000055511151231257827", "big": "123456789012345678901234567890", "x": "1E+2", "z": "1.50", "t": "true", "nested.a.b": "ü\n", "list": '[1.10, {"k": null}]', "ID": "up"}
    assert {**second, "half": ""} == {"id_2": "low", "late": "-0", "nested.a": "flat", "_file_2": "mine", "half": ""}


@pytest.mark.parametrize(("path", "count"), [(None, 2), ("$.data", 2), ("$.data[*]", 2), ("data.*", 2), ("$['data'][0]", 1), ("$.data[*].parts[*]", 3), ("$.none[*]", None)])
def test_a_path_points_at_rows(path: str | None, count: int | None):
    rows = rows_at({"data": [{"parts": [1, 2]}, {"parts": [3]}]}, path)
    assert (None if rows is None else len(rows)) == count


# Windows.


@pytest.mark.parametrize(("window", "ids", "newest"), [
    (Window(), "12345", "2026-10-05T00:00:00Z"), (Window(since="2026-10-02T00:00:00.000000Z", until="2026-10-04T00:00:00.000000Z"), "23", "2026-10-03T00:00:00Z"), (Window(since="2027-01-01T00:00:00.000000Z"), "", None)])
def test_a_window_is_closed_and_open(home: Path, window: Window, ids: str, newest: str | None):
    with served(by_link) as server:
        connection = RestConnection(url=f"{server.url}/usage", paging="next link", since_parameter="since", until_parameter="until")
        read = Read(cursor="at", rows="$.rows[*]")
        found = RestApi().fetch(connection, read, window, home / "out")
        assert RestApi().count(connection, read, window) == found
    assert ("".join(row[0] for row in cells(home / "out", "id")), found.newest, found.rows) == (ids, newest, len(ids))
    assert (server.asked[0].query.get("since"), server.asked[0].query.get("until")) == (window.since, window.until)


def test_times_with_an_offset_are_compared_as_moments(home: Path):
    rows = [{"at": "2026-10-01T01:00:00+02:00"}, {"at": "2026-09-30T23:00:00.123456789Z"}, {"at": "2026-09-30T22:59:59Z"}, {"at": None}]
    with served(lambda asked: Reply(rows)) as server:
        found = RestApi().fetch(RestConnection(url=server.url), Read(cursor="at"), Window(since="2026-09-30T23:00:00.000000Z"), home / "out")
    assert (cells(home / "out"), found.newest, found.without_cursor) == ([("2026-09-30T23:00:00Z",), ("2026-09-30T23:00:00.123456789Z",)], "2026-09-30T23:00:00.123456789Z", 1)


def test_unix_times_with_fractions_are_moments(home: Path):
    with served(lambda asked: Reply(b'[{"at": 1790000000.25}, {"at": 1.79e9}]')) as server:
        found = RestApi().fetch(RestConnection(url=server.url, times="unix seconds"), Read(cursor="at"), Window(since="2026-09-21T14:13:20.100000Z"), home / "out")
    assert (found.rows, found.newest) == (1, "2026-09-21T14:13:20.250000Z")


def test_numbers_are_compared_as_numbers_and_conditions_hold(home: Path):
    with served(lambda asked: Reply([{"id": each, "of": "a'b"} for each in (9, 10, 100)])) as server:
        read = Read(cursor="id", where=(Where(column="of", operator="equals", value="a'b"), Where(column="id", operator="lt", value="100")))
        found = RestApi().fetch(RestConnection(url=server.url), read, Window(since="10"), home / "out")
    assert (cells(home / "out", "id"), found.newest) == ([("10",)], "10")


def test_a_list_without_rows_is_an_empty_file(home: Path):
    rows, server = fetched(home, lambda asked: Reply({"rows": []}), Read(cursor="at", key=("id",), rows="$.rows[*]"))
    assert (rows, pq.read_schema(home / "out").names) == ([], ["_file", "_sheet", "at", "id"])


def test_stripe_pages_by_the_last_row_and_asks_for_the_window_in_unix_time(home: Path):
    charges = [{"id": f"ch_{number}", "created": 1_790_000_000 + number, "amount": 100} for number in range(5, 0, -1)]

    def service(asked: Asked) -> Reply:
        wanted = [each for each in charges if int(asked.query.get("created[gte]", 0)) <= each["created"] < int(asked.query.get("created[lt]", 2**60))]
        first = [each["id"] for each in wanted].index(asked.query["starting_after"]) + 1 if "starting_after" in asked.query else 0
        return Reply({"object": "list", "data": wanted[first:first + 2], "has_more": first + 2 < len(wanted)})

    with served(service) as server:
        connection = StripeConnection(api_key=SECRET, url=server.url, account="acct_1")
        read = Read(table="v1/charges", cursor="created", key=("id",))
        found = Stripe().fetch(connection, read, Window(since="2026-09-21T14:13:22.000000Z", until="2026-09-21T14:13:25.000000Z"), home / "out")
        assert {column.name: column.kind for column in Stripe().columns(connection, read)}["created"] == "time"
    assert (cells(home / "out", "id", "created"), found.newest) == ([("ch_4", "2026-09-21T14:13:24.000000Z"), ("ch_3", "2026-09-21T14:13:23.000000Z"), ("ch_2", "2026-09-21T14:13:22.000000Z")], "2026-09-21T14:13:24.000000Z")
    assert server.asked[0].headers["authorization"] == f"Bearer {SECRET}" and server.asked[0].headers["stripe-account"] == "acct_1"


# Faults.


@pytest.mark.parametrize(("replies", "comes"), [
    ([Reply(status=429, headers={"retry-after": "1"})] * 2, True), ([Reply(status=503)] * 3, True), ([Reply(b"[1, 2", cut=3)], True),
    ([Reply(status=503)] * 4, Refused), ([Reply(status=429, headers={"retry-after": "3600"})], Refused), ([Reply(status=401, body={"key": SECRET})] * 2, Refused), ([Reply(status=403)], Refused),
    ([Reply(b"[1, 2", cut=3)] * 4, Unreachable), ([Reply(b"<html>")], Refused), ([Reply({"a": [], "b": []})], BadInput)])
def test_a_busy_service_is_asked_again_and_a_no_is_a_sentence(home: Path, replies: list[Reply], comes: bool | type[IngestError]):
    service = first_then(*replies)(lambda asked: Reply(ROWS))
    if comes is True:
        assert len(fetched(home, service, token=SECRET)[0]) == 5
        return
    with pytest.raises(comes) as raised:
        fetched(home, service, token=SECRET, parameters={"key": SECRET})
    assert not list(home.glob("out*")) and SECRET not in str(raised.value)


def test_a_service_that_breaks_in_the_middle_leaves_no_half_file(home: Path):
    with pytest.raises(Unreachable):
        fetched(home, lambda asked: by_link(asked) if not asked.query else Reply(b"[1", cut=1), paging="next link")
    assert not list(home.glob("out*"))


@pytest.mark.parametrize(("service", "failed"), [(lambda asked: Reply(status=401), "sign-in"), (lambda asked: Reply(status=403), "rights"), (lambda asked: Reply(status=404), "path"), (lambda asked: Reply({"x": 1}), "path"), (lambda asked: Reply(ROWS), None)])
def test_a_test_says_what_is_wrong(service: Service, failed: str | None):
    with served(service) as server:
        found = RestApi().test(RestConnection(url=server.url, user="reader", password=SECRET))
    assert next((step.name for step in found.steps if not step.ok), None) == failed
    assert SECRET not in found.model_dump_json()


# Google Sheets.


def of(**value: object) -> dict:
    return {"effectiveValue": value}


def day(number: float, kind: str = "DATE") -> dict:
    return {"effectiveValue": {"numberValue": number}, "effectiveFormat": {"numberFormat": {"type": kind}}, "formattedValue": "1/10"}


OCTOBER = [[of(stringValue=name) for name in ("customer", "at", "hours")], [of(stringValue='a "b", c'), day(46296), of(numberValue=0.1)], [of(stringValue="ü"), day(46296.5, "DATE_TIME"), {**of(numberValue=1234567.891), "formattedValue": "1,234,568"}], [{}, day(0.25, "TIME"), of(boolValue=True)]]


def sheets(url: str, **connection: object) -> GoogleSheetsConnection:
    own = {"sheets_api": url, "drive_api": url, "docs": url, "sign_in": f"{url}/token", "service_account": google_key()}
    return GoogleSheetsConnection(spreadsheet="https://docs.google.com/spreadsheets/d/1AbC-def_456/edit#gid=0", **{**own, **connection})


@pytest.mark.parametrize("drive", [True, False])
def test_a_sheet_comes_as_it_is_and_not_as_it_looks(home: Path, drive: bool):
    book = Spreadsheet({"Oct '26/a": OCTOBER, "Notes": [[of(stringValue="x")]]}, drive=drive, expired=1)
    with served(book) as server:
        file, = GoogleSheets().list(sheets(server.url), Files(path="Oct*"))
        assert GoogleSheets().fetch(sheets(server.url), file, home / "out").etag == file.etag == ("7" if drive else file.etag)
        book.version, book.sheets["Notes"] = 8, []
        assert (GoogleSheets().list(sheets(server.url), Files(path="Oct*"))[0].etag == file.etag) is not drive
    assert file.path == "Oct '26_a.csv"
    assert (home / "out").read_text() == 'customer,at,hours\n"a ""b"", c",2026-10-01,0.1\nü,2026-10-01T12:00:00,1234567.891\n,06:00:00,TRUE\n'


def packed(text: str, moment: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr(zipfile.ZipInfo("xl/workbook.xml", (2026, 1, 1, 0, 0, moment)), text)
    return out.getvalue()


def test_a_shared_spreadsheet_is_known_by_what_is_in_it(home: Path):
    book = Spreadsheet({}, workbook=packed("a", 0))
    with served(book) as server:
        connection = sheets(server.url, service_account=None)
        first, = GoogleSheets().list(connection, Files(path="*"))
        book.workbook = packed("a", 2)
        assert GoogleSheets().fetch(connection, first, home / "out").etag == first.etag
        book.workbook = packed("b", 0)
        assert GoogleSheets().list(connection, Files(path="*"))[0].etag != first.etag
        book.workbook = b""
        with pytest.raises(Refused, match="wants a sign-in"):
            GoogleSheets().list(connection, Files(path="*"))


def test_a_key_that_is_none_is_a_sentence_without_it():
    with pytest.raises(BadInput, match="private key") as raised:
        GoogleSheets().list(sheets("http://127.0.0.1:1", service_account='{"client_email": "a", "private_key": "' + SECRET + '"}'), Files(path="*"))
    assert SECRET not in str(raised.value)


# SharePoint.


def library(url: str, secret: str = "right") -> SharePointConnection:
    return SharePointConnection(tenant="contoso.com", client_id="app", client_secret=secret, site="https://contoso.sharepoint.com/sites/usage", graph=url, sign_in=url)


def test_files_of_a_library_are_found_in_its_folders_and_come_whole(home: Path):
    graph = Graph({"Exports/2026/ü %1.csv": b"a\n1\n", "Exports/b.csv": b"b\n", "Exports/c.csv": b"c\n", "Exports/d.xlsx": b"x", "other.csv": b"o"})
    with served(graph) as server:
        graph.url = server.url
        found = SharePoint().list(library(server.url), Files(path="Exports/**/*.csv"))
        assert [(each.path, each.size, each.etag) for each in found] == [("Exports/2026/ü %1.csv", 4, "1"), ("Exports/b.csv", 2, "1"), ("Exports/c.csv", 2, "1")]
        assert [each.path for each in SharePoint().list(library(server.url), Files(path="*.csv"))] == ["other.csv"]
        assert SharePoint().fetch(library(server.url), found[0], home / "out") == found[0]
        with pytest.raises(Refused, match="doesn't find"):
            SharePoint().fetch(library(server.url), ListedFile(path="gone.csv"), home / "gone")
    assert (home / "out").read_bytes() == b"a\n1\n" and not (home / "gone").exists()


def test_a_wrong_secret_is_told_without_it():
    with served(Graph({})) as server:
        found = SharePoint().test(library(server.url, SECRET))
    assert (found.steps[-1].name, found.ok) == ("sign-in", False)
    assert SECRET not in found.model_dump_json()
