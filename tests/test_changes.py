"""What changed since last time: new, unchanged, changed and removed events, and each customer's totals before and after."""

from pathlib import Path

import duckdb
import pytest

from ingest import changes, deciding, imports, ledger, recipes
from ingest.errors import BadInput
from ingest.store import accounts, pushes
from ingest.store import imports as records
from ingest.store.database import store
from schemas.check_setting import CheckSetting
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch, MatchSpec
from schemas.records import ImportRecord

pytestmark = pytest.mark.usefixtures("home")

CALLS = EventType(name="Calls", slug="calls", fields=(Field(name="quantity", type="Decimal"), Field(name="region", type="String")))
MATCHES = tuple(FieldMatch(field=name, column=name) for name in ("customer_id", "timestamp", "quantity", "region"))
HEADER = "customer_id,timestamp,quantity,region"
BEFORE = ["a,2026-10-01T00:00:00Z,1.5,eu", "a,2026-10-02T00:00:00Z,2,eu", "b,2026-10-01T00:00:00Z,10,us", "c,2026-10-01T00:00:00Z,7,us"]
AFTER = ["a,2026-10-01T00:00:00Z,1.5,eu", "a,2026-10-02T00:00:00Z,2.25,eu", "b,2026-10-01T00:00:00Z,10,us", "d,2026-10-03T00:00:00Z,4,us"]


def imported(path: Path, rows: list[str], key: tuple[str, ...] | None = None) -> str:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    record = imports.read(imports.start(path, path.name, "anna").id)
    imports.set_match(record.id, MatchSpec(event_type=CALLS, matches=MATCHES, key=key), accounts.account().name, "anna")
    return imports.check(record.id).id


@pytest.mark.parametrize("key", [None, ("customer_id", "timestamp")])
def test_each_event_is_new_unchanged_changed_or_removed(tmp_path, key):
    earlier, now = imported(tmp_path / "a.csv", BEFORE, key), imported(tmp_path / "b.csv", AFTER, key)
    found = imports.changes(now)
    assert (found.against, found.same_period) == (earlier, True)
    assert (found.new, found.unchanged, found.changed, found.removed) == (1, 2, 1, 1)
    assert [(each.row, each.customer_id, each.fields) for each in found.examples] == [(3, "a", {"quantity": ("2", "2.25")})]
    assert [(each.row, each.customer_id, each.fields) for each in found.gone] == [(5, "c", {"quantity": "7", "region": "us"})]
    assert {each.customer_id: (each.events, each.totals["quantity"]) for each in found.customers} == {"a": ((2, 2), ("3.5", "3.75")), "c": ((1, 0), ("7", "0")), "d": ((0, 1), ("0", "4"))}
    assert (found.customers_changed, found.customers_unchanged) == (3, 1)


def test_an_import_without_an_earlier_one_has_nothing_to_be_compared_with(tmp_path):
    assert imports.changes(imported(tmp_path / "a.csv", BEFORE)) is None


def test_the_month_before_takes_the_place_of_the_same_month(tmp_path):
    earlier = imported(tmp_path / "a.csv", [row.replace("2026-10", "2026-09") for row in BEFORE])
    imported(tmp_path / "old.csv", [row.replace("2026-10", "2026-07") for row in BEFORE])
    found = imports.changes(imported(tmp_path / "b.csv", AFTER))
    assert (found.against, found.same_period, found.new, found.removed) == (earlier, False, 4, 4)


def test_customers_of_two_months_stand_side_by_side_the_largest_change_first(tmp_path):
    earlier = imported(tmp_path / "a.csv", [row.replace("2026-10", "2026-09") for row in BEFORE])
    now = imported(tmp_path / "b.csv", AFTER)
    held = changes.months(now)
    assert (held.month, held.month_before, held.before, held.beside, held.fields) == ("2026-10", "2026-09", ("a.csv",), (), ("quantity",))
    counts, table = changes.customers(now, "quantity")
    assert counts == {"gone": 1, "new": 1, "changed": 1, "the same": 1}
    assert [tuple(row.values()) for row in table.to_pylist()] == [("c", "7", "0", "-7", "gone"), ("d", "0", "4", "4", "new"), ("a", "3.5", "3.75", "0.25", "changed"), ("b", "10", "10", "0", "the same")]
    assert changes.customers(now, None, limit=1)[1].to_pylist() == [{"customer": "c", "before": "1", "after": "0", "change": "-1", "what": "gone"}]
    assert changes.customers(earlier, "quantity")[0] == {"new": 3}


def test_an_import_is_compared_with_the_one_that_is_named_and_never_with_itself(tmp_path):
    first, second, third = (imported(tmp_path / f"{name}.csv", rows) for name, rows in (("a", BEFORE), ("b", BEFORE[:3]), ("c", BEFORE)))
    assert imports.changes(third).against == second
    assert (imports.changes(third, first).unchanged, imports.changes(third, first).customers) == (4, ())
    with pytest.raises(BadInput, match="itself"):
        imports.changes(third, third)


def test_acknowledging_a_warning_checks_nothing_again_and_stays_with_the_import(tmp_path):
    import_id = imported(tmp_path / "a.csv", [*BEFORE, "e,2026-10-04T00:00:00Z,-1,us"])
    record, folder = records.get(import_id), imports.check_folder(import_id)
    assert record.check.open_warnings == ("ack.negative_quantity.quantity",)
    imports.set_match(import_id, record.match.model_copy(update={"answers": {"ack.negative_quantity.quantity": "yes"}}), record.account, "anna")
    assert imports.check(import_id).check.open_warnings == ()
    assert imports.check_folder(import_id) == folder


def test_a_recipe_keeps_how_checks_are_set_and_no_acknowledgement(tmp_path):
    import_id = imported(tmp_path / "a.csv", [*BEFORE, "e,2026-10-04T00:00:00Z,-1,us"])
    record = records.get(import_id)
    settings = {"range.quantity": CheckSetting(max="5"), "non_negative": CheckSetting(severity="note")}
    imports.set_match(import_id, record.match.model_copy(update={"checks": settings, "answers": {"ack.negative_quantity.quantity": "yes"}}), record.account, "anna")
    recipe = recipes.from_yaml(recipes.to_yaml(recipes.save_from(import_id, "calls", "anna").recipe))
    assert (recipe.checks, recipe.answers) == (settings, {})
    path = tmp_path / "next.csv"
    path.write_text("\n".join([HEADER, "f,2026-11-01T00:00:00Z,6,eu", "f,2026-11-02T00:00:00Z,-2,eu"]) + "\n")
    following = imports.start(path, path.name, "anna").id
    recipes.follow(following, recipe, CALLS, record.account, "anna")
    assert [(group.code, group.severity, group.examples[0].row) for group in imports.check(following).check.issues] == [("out_of_range", "error", 2), ("negative_quantity", "note", 3)]


# A corrected, longer re-export without key columns.


def sent(import_id: str) -> None:
    """Puts an import's events where a push leaves them."""
    record, folder = records.get(import_id), imports.check_folder(import_id)
    account = accounts.account(record.account)
    with store().begin() as connection:
        push_id = pushes.create(connection, import_id=import_id, check_key=records.pointers(import_id)[1], account=account.name, ledger_name=account.ledger_name, event_type="calls", batch_events=500, who="anna")
    target = ledger.ledger_folder(account.ledger_name, "calls")
    target.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"copy (select event_id, content, customer_id, timestamp, '{import_id}' as import_id, '{record.sha256}' as sha256 from '{folder}/events.parquet') to '{target}/{push_id}.parquet'")


def answered(import_id: str, value: str | None) -> ImportRecord:
    return imports.check(deciding.answer(import_id, "changed_rows", value, "anna").id)


def asked(record: ImportRecord) -> list[str]:
    return [each.name for each in record.check.questions if each.blocking]


def test_a_changed_row_without_a_key_waits_for_an_answer_stays_behind_or_goes_and_both_can_be_undone(tmp_path):
    sent(imported(tmp_path / "a.csv", BEFORE))
    now = imported(tmp_path / "b.csv", AFTER)
    record = records.get(now)
    question = next(each for each in record.check.questions if each.name == "changed_rows")
    assert (question.name, question.blocking, question.proposed, record.check.rows.accepted) == ("changed_rows", True, "leave_out", 2)
    assert "row 3: quantity was 2 (a.csv, row 3)" in question.text
    assert [each.effect.split(";")[0] for each in question.options] == ["the account keeps what was sent: quantity 2", "both are billed: quantity 2.25 beside the earlier quantity 2"]
    left = answered(now, "leave_out")
    assert (left.check.rows.accepted, left.check.rows.duplicate, left.check.rows.excluded, asked(left)) == (1, 2, 1, [])
    assert imports.left_out_rows(now, "excluded").to_pylist()[0]["reason"] == "changed since it was sent: quantity was 2 (a.csv, row 3)"
    assert (imports.changes(now).changed, imports.changes(now).new) == (1, 1), "what changed says so still"
    assert "changed_rows" not in recipes.save_from(now, "calls", "anna").recipe.answers, "the answer holds for this file alone"
    both = answered(now, "send")
    assert (both.check.rows.accepted, both.check.rows.excluded, asked(both)) == (2, 0, [])
    assert answered(now, None).check == record.check


@pytest.mark.parametrize(("rows", "key", "found"), [
    (AFTER, ("customer_id", "timestamp"), []), (AFTER, ("customer_id", "timestamp", "quantity"), ["changed_rows"]),
    ([*BEFORE, "a,2026-10-02T00:00:00Z,2.25,eu"], None, []),  # the sent event is still there: this is another one
    ([row.replace(",eu", ",ap").replace("1.5", "9") for row in BEFORE], None, []),  # another dimension
    ([row.replace("2026-10", "2026-11") for row in AFTER], None, []),
    (["a,2026-10-01T00:00:00Z,3,eu", "a,2026-10-02T00:00:00Z,4,eu"], None, ["changed_rows"]),
])
def test_only_a_row_in_the_place_of_a_sent_event_is_taken_for_its_correction(tmp_path, rows, key, found):
    sent(imported(tmp_path / "a.csv", BEFORE, key))
    assert asked(records.get(imported(tmp_path / "b.csv", rows, key))) == found


def test_twins_that_changed_are_paired_in_their_order(tmp_path):
    sent(imported(tmp_path / "a.csv", ["a,2026-10-01T00:00:00Z,1,eu", "a,2026-10-01T00:00:00Z,2,eu"]))
    now = imported(tmp_path / "b.csv", ["a,2026-10-01T00:00:00Z,3,eu", "a,2026-10-01T00:00:00Z,4,eu", "a,2026-10-01T00:00:00Z,5,eu"])
    left = answered(now, "leave_out")
    assert (left.check.rows.accepted, left.check.rows.excluded) == (1, 2)
    assert [each["reason"].partition(": ")[2] for each in imports.left_out_rows(now, "excluded").to_pylist()] == ["quantity was 1 (a.csv, row 2)", "quantity was 2 (a.csv, row 3)"]
    assert (imports.changes(now).changed, imports.changes(now).new) == (2, 1)
