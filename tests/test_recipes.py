"""Recipes: the next file of the kind asks nothing; what belongs to one file stays out; a drifted file is told apart."""

from pathlib import Path

import pytest

from ingest import deciding, fixing, imports, month_of_file, recipes
from ingest.errors import BadInput
from ingest.store import accounts
from ingest.store import imports as records
from ingest.store import recipes as stored
from schemas.correcting import Condition, DropRows, Edit, Join, MapValues, SetCells, SetWhere, Test
from schemas.matching import FieldMatch, MatchSpec, Period
from schemas.reading import ReadSpec
from schemas.recipe import Drift, Recipe
from tests.test_imports import CALLS

OCTOBER = "Kunde;Zeit;Menge;Region\nacme;03.10.2026 10:00;1,5;us east\nglobex;04.10.2026 11:00;2,25;eu\n"
NOVEMBER = OCTOBER.replace(".10.2026", ".11.2026").replace("1,5", "7,125")
ANSWERS = {"date_order.timestamp": "day_first", "decimal_mark.quantity": "comma", "zone.timestamp": "Europe/Berlin", "sent_differently": "send"}
MATCH = MatchSpec(event_type=CALLS, matches=tuple(FieldMatch(field=field, column=column) for field, column in {"customer_id": "Kunde", "timestamp": "Zeit", "quantity": "Menge", "region": "Region"}.items()), key=("customer_id", "timestamp"), answers=ANSWERS)
TIDY = MapValues(column="Region", values={"us east": "us-east-1"})


def import_of(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return imports.start(path, name, "anna").id


@pytest.fixture
def october(home: Path, tmp_path: Path) -> str:
    import_id = import_of(tmp_path, "october.csv", OCTOBER)
    imports.read(import_id)
    imports.set_match(import_id, MATCH, accounts.account().name, "anna")
    return import_id


def follow(import_id: str, recipe: Recipe, **said: object) -> Drift:
    return recipes.follow(import_id, recipe, CALLS, accounts.account().name, "anna", **said)


def test_the_next_file_of_the_kind_asks_nothing(october: str, tmp_path: Path):
    fixing.correct(october, [TIDY, SetCells(edits=(Edit(row=2, column="Menge", value="1,6"),)), DropRows(where=Condition(tests=(Test(column="Kunde", operator="equals", value="test"),)), reason="A test account")], "anna")
    recipe = recipes.save_from(october, "Monthly calls", "anna").recipe
    assert [each.kind for each in recipe.corrections] == ["map_values", "drop_rows"], "single cells belong to one file"
    assert "sent_differently" not in recipe.answers
    november = import_of(tmp_path, "november.csv", NOVEMBER)
    for _ in range(2):
        assert follow(november, recipe) == Drift()
        result = imports.check(november).check
    assert (result.rows.accepted, [each.name for each in result.questions if each.blocking], {each.field: each.sum for each in result.fields}['quantity']) == (2, [], "9.375")
    assert [each.correction.kind for each in fixing.listed(november)] == ["map_values", "drop_rows"], "following twice corrects once"
    assert imports.raw_rows(november).column("Region").to_pylist() == ["us-east-1", "eu"]


def test_a_rule_that_leaves_rows_out_of_a_later_file_is_seen_by_somebody_first(october: str, tmp_path: Path):
    fixing.correct(october, [DropRows(where=Condition(tests=(Test(column="Region", operator="equals", value="us east"),)), reason="A trial")], "anna")
    assert deciding.reasons_not_to(imports.check(october)) == (), "who made the rule has seen what it does here"
    recipe = recipes.save_from(october, "Calls", "anna").recipe
    november = import_of(tmp_path, "november.csv", NOVEMBER)
    follow(november, recipe)
    record = imports.check(november)
    assert deciding.reasons_not_to(record) == ("Nobody has acknowledged this yet: 1 row is left out by a rule that was kept with the recipe: 'A trial', by Region [ack.kept_rule.A trial].",)
    record = deciding.acknowledge(november, ["ack.kept_rule.A trial"], "ben")
    assert (deciding.reasons_not_to(record), deciding.reasons_not_to(imports.check(november))) == ((), ())
    assert recipes.save_from(november, "Calls", "ben").version == 1, "the rule stays as it was, and nothing that was acknowledged is kept"


def test_a_changed_recipe_is_a_new_version_and_the_old_one_stays(october: str):
    assert [recipes.save_from(october, "Calls", "anna").version for _ in range(2)] == [1, 1]
    fixing.correct(october, [TIDY], "anna")
    assert recipes.save_from(october, " Calls ", "ben").version == 2
    assert (stored.get("Calls").recipe.corrections, stored.get("Calls", 1).recipe.corrections) == ((TIDY,), ())
    assert [(each.recipe.name, each.version) for each in stored.newest()] == [("Calls", 2)]
    with pytest.raises(BadInput, match="no recipe 'Talls'"):
        stored.get("Talls")


@pytest.mark.parametrize(("header", "gone", "new", "renamed", "refused"), [
    ("Kunde;Zeit;Menge;Region;Notiz", (), ("Notiz",), {}, None),
    ("Kunde;Zeit;Mengen;Region;Notiz", ("Menge",), ("Mengen", "Notiz"), {"Menge": "Mengen"}, "--match quantity=Mengen"),
    ("Kunde;Datum;Menge;Region;Notiz", ("Zeit",), ("Datum", "Notiz"), {}, "New in this file: 'Datum', 'Notiz'"),
])
def test_a_file_whose_columns_drifted(october: str, tmp_path: Path, header: str, gone: tuple, new: tuple, renamed: dict, refused: str | None):
    recipe = recipes.save_from(october, "Calls", "anna").recipe
    lines = NOVEMBER.splitlines()
    import_id = import_of(tmp_path, "november.csv", "\n".join([header, *(f"{line};x" for line in lines[1:])]) + "\n")
    if refused:
        with pytest.raises(BadInput, match=refused):
            follow(import_id, recipe)
        field, column = ("quantity", "Mengen") if renamed else ("timestamp", "Datum")
        assert follow(import_id, recipe, matches={field: column}) == Drift(gone=gone, new=new, renamed=renamed)
    else:
        assert follow(import_id, recipe) == Drift(gone=gone, new=new, renamed=renamed)
    assert imports.check(import_id).check.rows.accepted == 2
    assert "Notiz" in records.get(import_id).match.ignored


def test_recipes_are_suggested_for_files_they_fit(october: str, tmp_path: Path):
    recipes.save_from(october, "Calls", "anna")
    stored.save(Recipe(name="Other", event_type="other", columns=("A", "B"), matches=(FieldMatch(field="customer_id", column="A"),)), "anna")
    november = import_of(tmp_path, "november.csv", NOVEMBER)
    imports.read(november)
    assert [(each.recipe.name, drifted) for each, drifted in recipes.fitting(november)] == [("Calls", Drift())]


@pytest.mark.parametrize(("name", "said", "last", "why"), [
    ("november.csv", None, "2026-11-30", "from the file's name"), ("next.csv", None, "2026-11-30", "the month after the last file of this kind, which was for 2026-10"),
    ("november.csv", Period(start="2026-09-01", end="2026-10-01"), "2026-09-30", ""),
])
def test_a_period_that_each_file_has_anew_is_proposed_and_never_silent(october: str, tmp_path: Path, name: str, said: Period | None, last: str, why: str):
    dateless = MATCH.model_copy(update={"matches": tuple(each for each in MATCH.matches if each.field != "timestamp"), "key": None, "period": Period(start="2026-10-01", end="2026-11-01", zone="Europe/Berlin")})
    imports.set_match(october, dateless, accounts.account().name, "anna")
    recipe = recipes.save_from(october, "Totals", "anna").recipe
    following = import_of(tmp_path, name, NOVEMBER)
    if not why.startswith("from") and said is None:
        with pytest.raises(BadInput, match="needs the period"):
            follow(following, recipe)
        imports.check(october)
    follow(following, recipe, period=said)
    record = imports.check(following)
    assert (record.check.last_timestamp[:10], month_of_file.noted(record)) == (last, why)
    month_of_file.say(record, record.match.period, "anna")
    assert (record.match.period.zone, month_of_file.noted(record)) == (said.zone if said else "Europe/Berlin", "")


RECIPE = Recipe(
    name="Überall", event_type="calls", columns=("a b", "ü"), read=ReadSpec(delimiter=";", encoding="cp1252"), matches=(FieldMatch(field="customer_id", column="a b"), FieldMatch(field="region", constant="no")),
    answers={"decimal_mark.quantity": "comma"}, corrections=(TIDY, Join(columns=("a", "b"), into="c"), SetWhere(column="a", value="null", where=Condition(tests=(Test(column="b", operator="less", value="1e3"),)))),
)


def test_a_recipe_survives_its_way_through_yaml():
    text = recipes.to_yaml(RECIPE)
    assert "name: Überall" in text
    assert recipes.from_yaml(text) == RECIPE


@pytest.mark.parametrize(("text", "words"), [
    ("", "is no recipe"), ("just words", "is no recipe"), ("name: x\n\tcolumns: [", "line 2"), ("name: x\nevent_type: y\n", "columns: Field required"), ("name: ''\nevent_type: y\ncolumns: []\n", "name"),
    ("name: x\nevent_type: y\ncolumns: []\ncorrections: [{kind: sing}]\n", "corrections.0"), ("!!python/object/apply:os.system ['true']", "can't be read"),
])
def test_what_is_no_recipe_is_refused_with_the_place(text: str, words: str):
    with pytest.raises(BadInput, match=words):
        recipes.from_yaml(text)
