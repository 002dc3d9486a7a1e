"""What the columns of a checked import hold: every cell counts once, and the rows behind each number are those."""

import json
from pathlib import Path

import pytest

from ingest import fixing, imports, overview
from ingest.__main__ import main
from ingest.errors import BadInput, NotReady
from schemas.correcting import Condition, DropRows, Edit, FillDown, SetCells, Test
from tests.test_imports import HEADER, imported

ROWS = ("cus_1,2026-10-01T00:00:00Z,1.5,eu", ",2026-10-02T00:00:00Z,2,eu", "cus_2,2026-10-03T00:00:00Z,many,  ", "cus_2,2026-10-04T00:00:00Z,4,us", "cus_3,2026-10-05T00:00:00Z,x,us")
CORRECTED = [SetCells(edits=(Edit(row=4, column="quantity", value="3"), Edit(row=6, column="quantity", value="y"))), FillDown(column="customer_id")]


@pytest.fixture
def import_id(home: Path, tmp_path: Path) -> str:
    import_id = imported(tmp_path / "usage.csv", "\n".join([HEADER, *ROWS]) + "\n")
    imports.check(import_id)
    return import_id


def states(import_id: str) -> dict[str, tuple[int, int, int, int, int]]:
    return {each.column: (each.valid, each.corrected, each.invalid, each.empty, each.distinct) for each in overview.overview(import_id)}


def test_every_cell_counts_once(import_id: str):
    assert states(import_id) == {"customer_id": (4, 0, 1, 0, 3), "timestamp": (5, 0, 0, 0, 5), "quantity": (3, 0, 2, 0, 5), "region": (4, 0, 0, 1, 2)}
    fixing.correct(import_id, CORRECTED, "anna")
    with pytest.raises(NotReady):
        overview.overview(import_id)
    imports.check(import_id)
    assert states(import_id)["customer_id"] == (4, 1, 0, 0, 3)
    assert states(import_id)["quantity"] == (3, 1, 1, 0, 5), "a corrected cell that is still wrong is invalid"
    fixing.correct(import_id, [DropRows(where=Condition(tests=(Test(column="region", operator="equals", value="us"),)), reason="r")], "anna")
    imports.check(import_id)
    assert {sum(found[:4]) for found in states(import_id).values()} == {3}


BEHIND = (
    ("quantity", {"state": "invalid"}, [6]), ("quantity", {"state": "corrected"}, [4]), ("quantity", {"state": "valid"}, [2, 3, 5]), ("region", {"state": "empty"}, [4]),
    ("region", {"value": "us"}, [5, 6]), ("customer_id", {"state": "corrected"}, [3]), ("region", {"value": "us", "limit": 1, "offset": 1}, [6]),
)


def test_the_rows_behind_a_number(import_id: str):
    fixing.correct(import_id, CORRECTED, "anna")
    imports.check(import_id)
    assert [overview.rows(import_id, column, **chosen).column("_row").to_pylist() for column, chosen, _ in BEHIND] == [rows for _, _, rows in BEHIND]


def test_what_stands_in_a_column(import_id: str):
    quantity, time, region = (overview.values(import_id, name) for name in ("quantity", "timestamp", "region"))
    assert (quantity.kind, quantity.smallest, quantity.largest, sum(each.count for each in quantity.histogram)) == ("number", "1.5", "4.0", 2)
    assert (time.kind, [each.count for each in time.histogram], time.histogram[0].start) == ("time", [1, 1], "2026-10-01 00:00:00")
    assert (region.kind, [(each.value, each.count) for each in region.frequent], region.examples, region.histogram) == ("text", [("eu", 2), ("us", 2)], ("eu", "eu", "us"), ())


def test_a_column_that_is_not_sent_and_holds_numbers_has_their_range(home: Path, tmp_path: Path):
    import_id = imported(tmp_path / "usage.csv", f"{HEADER},seats,remark\n{ROWS[0]},7,\n{ROWS[3]},30,\n")
    imports.check(import_id)
    seats, remark = overview.values(import_id, "seats"), overview.values(import_id, "remark")
    assert (seats.kind, float(seats.smallest), float(seats.largest)) == ("number", 7, 30)
    assert (remark.kind, remark.smallest, remark.frequent, remark.examples) == ("text", None, (), ())
    assert states(import_id)["remark"] == (0, 0, 0, 2, 0)


def test_a_column_or_state_that_is_not_there_is_a_sentence(import_id: str, capsys: pytest.CaptureFixture):
    with pytest.raises(BadInput, match="no column 'Region'"):
        overview.values(import_id, "Region")
    with pytest.raises(BadInput, match="No cell is 'fine'"):
        overview.rows(import_id, "region", state="fine")
    assert main(["overview", import_id, "--column", "Region"]) == 2


def test_the_command_says_what_the_columns_hold(import_id: str, capsys: pytest.CaptureFixture):
    assert main(["overview", import_id, "--column", "quantity", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["column"] for each in document["columns"]] == ["customer_id", "timestamp", "quantity", "region"]
    assert document["values"]["kind"] == "number"
    assert main(["overview", import_id]) == 0
    assert "quantity → quantity: 3 valid, 0 corrected, 2 invalid, 0 empty; 5 different" in capsys.readouterr().out
