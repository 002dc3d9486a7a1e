"""What changed since last time: new, unchanged, changed and removed events, and each customer's totals before and after."""

from pathlib import Path

import pytest

from ingest import changes, imports, recipes
from ingest.errors import BadInput
from ingest.store import accounts
from ingest.store import imports as records
from schemas.check_setting import CheckSetting
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch, MatchSpec

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
