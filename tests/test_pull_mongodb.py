"""Documents as rows: every type exact, windows by the type of the cursor."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest

bson = pytest.importorskip("bson", reason="pymongo is not installed")

from ingest.errors import BadInput, Unreachable  # noqa: E402
from ingest.pull.mongodb import MongoDB, MongoDBConnection  # noqa: E402
from schemas.source import Read, Window  # noqa: E402
from tests.mongo_server import MongoServer, mongo  # noqa: E402

SECRET = "mongo-very-secret-776"
OWN = bson.ObjectId("650000000000000000000001")
AT = datetime(2026, 10, 1, 0, 0, 0, 500_000, tzinfo=UTC)
DOCUMENTS = [
    {"_id": OWN, "n": 1, "at": AT, "amount": bson.Decimal128("12345678901234567890.1234500"), "who": {"name": "ü", "tags": [bson.Decimal128("1.10"), OWN]}, "ok": True, "raw": b"\xff\x00"},
    {"_id": bson.ObjectId("650000000000000000000002"), "n": bson.Int64(2**62), "at": AT.replace(month=11), "amount": 0.1},
    {"_id": "3", "n": 5, "at": None, "late": "x"},
    {"_id": "4", "n": 7, "at": "yesterday"},
]


def connection(port: int, **more: object) -> MongoDBConnection:
    return MongoDBConnection(host="127.0.0.1", port=port, database="d", **more)


def test_documents_come_with_every_digit(home: Path):
    with mongo(MongoServer({"usage": DOCUMENTS})) as port:
        found = MongoDB().fetch(connection(port), Read(table="usage"), Window(), home / "out")
        assert [each.name for each in MongoDB().discover(connection(port))] == ["usage"]
    first, second, *_ = pq.read_table(home / "out").drop_columns(["_file", "_sheet"]).to_pylist()
    assert {name: value for name, value in first.items() if value is not None} == {
        "_id": str(OWN), "n": "1", "at": "2026-10-01T00:00:00.500Z", "amount": "12345678901234567890.1234500", "who.name": "ü", "who.tags": f'[1.10, "{OWN}"]', "ok": "true", "raw": "ff00"}
    assert (second["n"], second["amount"], found.rows) == (str(2**62), "0.1", 4)


@pytest.mark.parametrize(("cursor", "window", "ids", "without"), [
    ("at", Window(since="2026-10-01T00:00:00.500000Z", until="2026-11-01T00:00:00.500000Z"), [str(OWN)], 2), ("at", Window(since="2026-10-01T00:00:00.500001Z"), ["650000000000000000000002"], 2),
    ("n", Window(since="5", until=str(2**62)), ["3", "4"], 0)])
def test_a_window_goes_by_the_type_of_the_cursor(home: Path, cursor: str, window: Window, ids: list[str], without: int):
    with mongo(MongoServer({"usage": DOCUMENTS})) as port:
        found = MongoDB().fetch(connection(port), Read(table="usage", cursor=cursor), window, home / "out")
    assert (pq.read_table(home / "out")["_id"].to_pylist(), found.without_cursor) == (ids, without)


def test_a_server_that_dies_leaves_no_half_file(home: Path):
    with mongo(MongoServer({"usage": DOCUMENTS}, dies=True)) as port, pytest.raises(Unreachable):
        MongoDB().fetch(connection(port), Read(table="usage"), Window(), home / "out")
    assert not list(home.glob("out*"))


def test_what_is_wrong_is_told(home: Path):
    with mongo(MongoServer({"usage": DOCUMENTS})) as port:
        assert MongoDB().test(connection(port), Read(table="usage")).ok
        with pytest.raises(BadInput, match="usage"):
            MongoDB().columns(connection(port), Read(table="gone"))
        refused = MongoDB().test(connection(port, user="reader", password=SECRET))
    assert (refused.steps[-1].name, refused.ok, SECRET in refused.model_dump_json()) == ("sign-in", False, False)
    assert MongoDB().test(connection(port)).steps[-1].name == "port"
