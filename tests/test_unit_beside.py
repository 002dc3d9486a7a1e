"""A unit in a column of its own: several units are a question, the answer converts row by row, and a recipe keeps it."""

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingest import imports, recipes
from ingest.engine import literal
from ingest.errors import BadInput
from ingest.store import accounts
from schemas.checking import CheckResult
from schemas.matching import FieldMatch, MatchSpec
from tests.test_dividing import match

pytestmark = pytest.mark.usefixtures("home")

MIXED = "customer,day,amount,Unit\na,2026-10-01,1.5,GB\nb,2026-10-01,500,MB\nc,2026-10-02,2,GB\n"


def uploaded(folder: Path, text: str, name: str = "usage.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return imports.read(imports.start(folder / name, name, "anna").id).id


def checked(import_id: str, answers: dict[str, str], spec: MatchSpec | None = None) -> CheckResult:
    spec = spec or match("storage")
    imports.set_match(import_id, spec.model_copy(update={"answers": {"zone.timestamp": "UTC", **answers}}), accounts.account().name, "anna")
    return imports.check(import_id).check


def amounts(import_id: str) -> list[Decimal]:
    return [value for value, in duckdb.sql(f"select quantity from read_parquet({literal(imports.check_folder(import_id) / 'events.parquet')}) order by _row").fetchall()]


def test_several_units_are_asked_about_with_the_total_and_converted_row_by_row(tmp_path):
    import_id = uploaded(tmp_path, MIXED)
    (question,) = checked(import_id, {}).questions
    assert (question.name, question.blocking, "2 in GB, 1 in MB" in question.text) == ("unit_beside.quantity", True, True)
    assert [(each.value, each.effect.partition(";")[0].partition(",")[0]) for each in question.options] == [("Unit", "in GB the column adds up to 4"), ("none", "the column adds up to 503.5")]
    assert imports.column_questions(import_id, match("storage").model_copy(update={"answers": {"zone.timestamp": "UTC"}}))[0] == question
    assert [each.name for each in checked(import_id, {"unit_beside.quantity": "Unit"}).questions] == ["unit.quantity"]
    done = checked(import_id, {"unit_beside.quantity": "Unit", "unit.quantity": "GB"})
    assert (done.questions, done.rows.rejected, amounts(import_id)) == ((), 0, [Decimal("1.5"), Decimal("0.5"), Decimal(2)])
    left = checked(import_id, {"unit_beside.quantity": "none"})
    assert (left.questions, amounts(import_id)) == ((), [Decimal("1.5"), Decimal(500), Decimal(2)])


def test_the_next_file_of_the_recipe_is_converted_and_asks_nothing(tmp_path):
    import_id = uploaded(tmp_path, MIXED)
    checked(import_id, {"unit_beside.quantity": "Unit", "unit.quantity": "GB"})
    recipe = recipes.from_yaml(recipes.to_yaml(recipes.save_from(import_id, "storage", "anna").recipe))
    following = uploaded(tmp_path, MIXED.replace("500,MB", "250,kB"), "next.csv")
    recipes.follow(following, recipe, match("storage").event_type, accounts.account().name, "anna")
    assert (imports.check(following).check.questions, amounts(following)) == ((), [Decimal("1.5"), Decimal("0.00025"), Decimal(2)])
    without = uploaded(tmp_path, MIXED.replace(",Unit", ",Einheit"), "other.csv")
    with pytest.raises(BadInput, match="'Unit', which this file hasn't"):
        recipes.follow(without, recipe, match("storage").event_type, accounts.account().name, "anna")
        imports.check(without)


@pytest.mark.parametrize(("text", "asked"), [
    (MIXED.replace("MB", "GB"), []), (MIXED.replace("MB", "h"), [("unit_beside.quantity", ["none"], True)]), (MIXED.replace("MB", "lots"), []), (MIXED.replace("500,MB", "500 MB,MB").replace("1.5,GB", "1.5 GB,GB"), [("unit.quantity", ["GB", "MB"], True)]),
    (MIXED.replace("amount,Unit", "amount,Size").replace("GB", "L").replace("MB", "M"), []),
])
def test_only_units_that_differ_beside_bare_numbers_are_asked_about(tmp_path, text, asked):
    found = checked(uploaded(tmp_path, text), {}).questions
    assert [(each.name, [option.value for option in each.options][:2], each.blocking) for each in found if each.name.startswith("unit")] == asked


def test_units_that_are_sent_along_hold_nothing_back(tmp_path):
    spec = match("storage")
    fields = (*spec.event_type.fields, spec.event_type.fields[0].model_copy(update={"name": "unit", "type": "String"}))
    spec = spec.model_copy(update={"event_type": spec.event_type.model_copy(update={"fields": fields}), "matches": (*spec.matches, FieldMatch(field="unit", column="Unit"))})
    assert [(each.name, each.blocking, each.proposed) for each in checked(uploaded(tmp_path, MIXED), {}, spec).questions] == [("unit_beside.quantity", False, "none")]
    assert checked(uploaded(tmp_path, MIXED.replace("MB", "h"), "b.csv"), {}, spec).questions == ()


@pytest.mark.parametrize(("text", "fields"), [(MIXED, ["amount"]), (MIXED.replace("MB", "h"), ["amount", "unit"]), (MIXED.replace("MB", "GB"), ["amount", "unit"])])
def test_units_that_numbers_are_converted_from_are_no_field_of_new_usage(tmp_path, text, fields):
    assert [each.name for each in imports.propose_event_type(uploaded(tmp_path, text)).usage_fields] == fields


def test_units_of_different_kinds_are_offered_to_divide_the_file(tmp_path):
    offers = imports.offers(uploaded(tmp_path, MIXED.replace("MB", "h")))
    assert [(each.column, [kind.value for kind in each.kinds]) for each in offers] == [("Unit", ["GB", "h"])]
    assert imports.offers(uploaded(tmp_path, MIXED, "b.csv")) == ()
