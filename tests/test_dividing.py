"""One file with several kinds of usage: its rows are divided among imports, each usage is in exactly one of them or asked about, and putting it together again gives the first state."""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as checked
from hypothesis import strategies as some

from ingest import fixing, imports, jobs, recipes
from ingest.engine import literal
from ingest.errors import BadInput, NotReady
from ingest.raw import row_in_file
from ingest.store import accounts, divisions
from ingest.store import imports as records
from pages.usage.steps import known
from schemas.correcting import FillDown, MapValues
from schemas.dividing import Division, EventEquation, KindCount, Share
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch, MatchSpec
from schemas.reading import ReadSpec
from schemas.recipe import Drift

USAGE = """customer,day,service,amount
acme,2026-10-01T00:00:00Z,calls,5
acme,2026-10-01T00:00:00Z,storage,1.5
globex,2026-10-02T00:00:00Z, calls ,7
globex,2026-10-02T00:00:00Z,snapshots,2
hooli,2026-10-02T00:00:00Z,storage,many
hooli,2026-10-03T00:00:00Z,,4
"""
Upload = Callable[..., str]


def match(slug: str, time: str = "day", amount: str = "amount") -> MatchSpec:
    matches = tuple(FieldMatch(field=field, column=column) for field, column in (("customer_id", "customer"), ("timestamp", time), ("quantity", amount)))
    return MatchSpec(event_type=EventType(name=slug.title(), slug=slug, fields=(Field(name="quantity", type="Decimal"),)), matches=matches)


@pytest.fixture
def upload(home: Path, tmp_path: Path) -> Upload:
    """A file of this text, read."""
    def work(text: str, spec: ReadSpec | None = None, name: str = "usage.csv") -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return imports.read(imports.start(tmp_path / name, name, "anna").id, spec).id

    return work


def divided(import_id: str, column: str | None, kinds: dict[str, Sequence[str]], left_out: Sequence[str] = (), **columns: str) -> list[str]:
    """The imports of the kinds, by the slugs of their event types, matched and checked."""
    members = [each.id for each in imports.divide(import_id, column, list(kinds.values()), "anna", left_out=left_out)]
    for each, slug in zip(members, kinds, strict=True):
        imports.set_match(each, match(slug, **columns), accounts.account().name, "anna")
        imports.check(each)
    return members


def rows_of(import_id: str) -> list[int]:
    events = imports.check_folder(import_id) / "events.parquet"
    return [row for row, in duckdb.sql(f"select _row from read_parquet({literal(events)}) order by 1").fetchall()]


def event_ids(import_id: str) -> list[str]:
    events = imports.check_folder(import_id) / "events.parquet"
    return [each for each, in duckdb.sql(f"select event_id::varchar from read_parquet({literal(events)}) order by 1").fetchall()]


def left_out(import_id: str) -> dict[int, str]:
    return {each["_row"]: each["reason"] for each in imports.left_out_rows(import_id).to_pylist()}


def test_each_row_is_one_imports_and_the_others_name_it(upload: Upload):
    calls, storage = divided(upload(USAGE), "service", {"calls": ["calls"], "storage": ["storage"]})
    assert (rows_of(calls), rows_of(storage)) == ([2, 4], [3])
    assert left_out(calls) == {3: f"Another kind of usage (storage): see import {storage}", 5: "No kind of usage yet", 6: f"Another kind of usage (storage): see import {storage}", 7: "No kind of usage yet"}
    assert left_out(storage)[2] == f"Another kind of usage (calls): see import {calls}" and "Not a number" in left_out(storage)[6]
    equation = imports.events(calls)
    assert (equation.rows, equation.usages, equation.events) == (6, 6, 3) and equation == imports.events(storage)
    assert [(each.event_type, each.usages, each.accepted, each.rejected) for each in equation.kinds] == [("calls", 2, 2, 0), ("storage", 2, 1, 1), (None, 2, None, None)]


def test_rows_of_no_kind_hold_everything_back_until_somebody_says_what_they_are(upload: Upload):
    members = divided(upload(USAGE), "service", {"calls": ["calls"], "storage": ["storage"]})
    for each in members:
        asked = {question.name: [option.value for option in question.options] for question in records.get(each).check.questions if question.blocking and question.name.startswith("kind")}
        assert asked == {"kind.": ["calls", "storage", "leave_out"], "kind.snapshots": ["calls", "storage", "leave_out"]}
    calls, storage = members
    record = records.get(calls)
    with pytest.raises(BadInput, match="no kind of usage"):
        imports.set_match(calls, record.match.model_copy(update={"answers": {"kind.snapshots": "seats"}}), record.account, "anna")
    imports.set_match(calls, record.match.model_copy(update={"answers": {"kind.snapshots": "storage", "kind.": "leave_out"}}), record.account, "anna")
    assert [records.get(each).state for each in members] == ["matched", "matched"] and records.get(calls).match.answers == {}
    assert not any(question.name.startswith("kind") for each in members for question in imports.check(each).check.questions)
    assert (rows_of(calls), rows_of(storage)) == ([2, 4], [3, 5]) and left_out(storage)[7] == "No usage, as you said (nothing)"


def test_corrections_of_one_kind_move_no_row_to_another_nor_does_another_reading(upload: Upload):
    calls, storage = divided(upload(USAGE), "service", {"calls": ["calls"], "storage": ["storage"]})
    with pytest.raises(NotReady, match="taken apart"):
        imports.read(calls, ReadSpec(header_rows=(2,)))
    fixing.correct(calls, [MapValues(column="service", values={"calls": "storage", "storage": "calls"}), FillDown(column="service")], "anna")
    imports.check(calls)
    assert (rows_of(calls), rows_of(storage)) == ([2, 4], [3]) and imports.events(calls).usages == 6


def test_columns_are_looked_at_in_the_rows_of_their_kind(upload: Upload):
    calls, storage = [each.id for each in imports.divide(upload(USAGE), "service", [["calls"], ["storage", ""]], "anna")]
    seen = {each: {profile.column: (profile.rows, profile.proposed_type) for profile in imports.columns(each)} for each in (calls, storage)}
    assert (seen[calls]["amount"], seen[storage]["amount"]) == ((2, "Decimal"), (3, "String"))
    assert imports.propose_event_type(calls).slug == "calls"


def test_putting_together_again_gives_the_first_state(upload: Upload):
    first = upload(USAGE)
    imports.set_match(first, match("calls"), accounts.account().name, "anna")
    before = imports.check(first), imports.check_folder(first)
    _, storage = divided(first, "service", {"calls": ["calls"], "storage": ["storage"]})
    assert len({path.stat().st_ino for each in (first, storage) for path in (imports.source_path(each), imports.raw_folder(each) / "raw.parquet")}) == 2, "shared, not copied"
    record = imports.put_together(storage, "anna")
    assert (record.id, record.division, records.get(storage).state) == (first, None, "discarded")
    assert (imports.check(first), imports.check_folder(first)) == before


@pytest.mark.parametrize("text, offered", [
    (USAGE, [("service", ("calls", "storage", "", "snapshots"))]),
    ("customer,day,item,unit,amount\na,2026-10-01,x,GB,1\nb,2026-10-01,y,h,2\na,2026-10-02,x,GB,3\n", [("item", ("x", "y"))]),
    ("customer,day,item,unit,amount\na,2026-10-01,x,GB,1\nb,2026-10-01,x,h,2\na,2026-10-02,y,GB,3\n", [("unit", ("GB", "h"))]),
    ("customer,day,item,unit,amount\na,2026-10-01,x,GB,1\nb,2026-10-01,x,MB,2\na,2026-10-02,y,GB,3\n", []),
    ("customer,day,calls,storage,seats\na,2026-10-01,1,2,3\nb,2026-10-01,4,5,6\n", [(None, ("calls", "storage", "seats"))]),
    ("customer,day,quantity,price\na,2026-10-01,1,2\nb,2026-10-01,4,5\n", []),
    ("customer,day,region,quantity\na,2026-10-01,eu,2\nb,2026-10-01,us,5\nb,2026-10-02,us,5\n", []),
])
def test_kinds_of_usage_are_offered_where_a_file_may_hold_several(upload: Upload, text: str, offered: list):
    assert [(each.column, each.measures or tuple(kind.value for kind in each.kinds)) for each in imports.offers(upload(text))] == offered


@pytest.mark.parametrize("column, kinds, sentence", [
    ("servce", [["calls"]], "no column 'servce'"), ("service", [["calls"], ["storage", "calls"]], "two kinds"), (None, [["October"]], "no sheet"), ("service", [], "isn't said"), ("service", [["calls"], []], "isn't said"),
])
def test_a_division_that_cannot_be_is_a_sentence(upload: Upload, column: str | None, kinds: list[list[str]], sentence: str):
    import_id = upload(USAGE)
    with pytest.raises(BadInput, match=sentence):
        imports.divide(import_id, column, kinds, "anna")
    assert records.get(import_id).division is None


MEASURES = "customer,day,calls,storage,seats\nacme,2026-10-01T00:00:00Z,5,1.5,\nglobex,2026-10-01T00:00:00Z,,2,3\nhooli,2026-10-02T00:00:00Z,,,\n"


def test_several_kinds_in_one_row_become_events_of_several_types(upload: Upload):
    members = divided(upload(MEASURES, ReadSpec(turn="measures", measures=("calls", "storage", "seats"))), "kind", {"calls": ["calls"], "storage": ["storage"]}, ["seats"], amount="quantity")
    equation = imports.events(members[0])
    assert (equation.rows, equation.per_row, equation.empty, equation.usages, equation.events) == (3, 3, 5, 4, 3)
    assert [(each.event_type, each.usages, each.accepted) for each in equation.kinds] == [("calls", 1, 1), ("storage", 2, 2), (None, 1, None)]
    report = records.get(members[1]).report
    assert [row_in_file(row, report) for row in rows_of(members[1])] == [2, 3]


def test_a_file_of_a_known_kind_is_taken_apart_as_the_one_before(upload: Upload, monkeypatch: pytest.MonkeyPatch):
    account, queued = accounts.account().name, []
    monkeypatch.setattr(jobs, "queue_check", lambda import_id, _: queued.append(import_id))
    members = divided(upload(USAGE, name="usage 2026-10.csv"), "service", {"calls": ["calls"], "storage": ["storage"]})
    following = upload(USAGE.replace("-10-", "-11-"), name="usage 2026-11.csv")
    record = records.change(following, account=account)
    before = known.earlier(record)
    assert before.id in members and known.take(record, before, "anna")
    again = imports.together(records.get(following))
    assert ([each.event_type for each in again], queued) == (["calls", "storage"], [each.id for each in again])
    assert [imports.check(each.id).check.rows.accepted for each in again] == [records.get(each).check.rows.accepted for each in members]


def workbook(path: Path, month: int, sheets: tuple[tuple[str, str], ...]) -> str:
    """A workbook with a sheet for each kind of usage, read."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path)) as book:
        for name, column in sheets:
            sheet = book.add_worksheet(name)
            for line, cells in enumerate([["customer", "day", column], *([customer, f"2026-{month:02d}-01T00:00:00Z", 5] for customer in ("acme", "globex"))]):
                sheet.write_row(line, 0, cells)
    return imports.read(imports.start(path, path.name, "anna").id).id


SHEETS = (("Calls", "minutes"), ("Storage", "gb"), ("Notes", "text"))


@pytest.fixture
def by_sheets(home: Path, tmp_path: Path) -> list[str]:
    """The imports of a workbook whose sheets decide."""
    members = [each.id for each in imports.divide(workbook(tmp_path / "usage.xlsx", 10, SHEETS), None, [["Calls"], ["Storage"]], "anna")]
    for each, slug, amount in zip(members, ("calls", "storage"), ("minutes", "gb"), strict=True):
        imports.set_match(each, match(slug, amount=amount), accounts.account().name, "anna")
    return members


def test_a_sheet_decides(by_sheets: list[str]):
    calls, storage = by_sheets
    assert [(question.name, question.text) for question in imports.check(storage).check.questions if question.name.startswith("kind")] == [("kind.Notes", "There is a sheet 'Notes', which is no kind of usage yet. What are its rows?")]
    imports.set_match(storage, match("storage", amount="gb").model_copy(update={"answers": {"kind.Notes": "leave_out"}}), accounts.account().name, "anna")
    assert [imports.check(each).check.rows.accepted for each in (calls, storage)] == [2, 2] and imports.events(calls).usages == 4
    assert imports.put_together(calls, "anna").division is None


def test_the_next_workbook_of_a_recipe_by_sheets_asks_nothing_in_whatever_order_they_stand(by_sheets: list[str], tmp_path: Path):
    calls, storage = by_sheets
    imports.set_match(calls, match("calls", amount="minutes").model_copy(update={"answers": {"kind.Notes": "leave_out"}}), accounts.account().name, "anna")
    for each in by_sheets:
        imports.check(each)
    kept = recipes.save_from(storage, "sheets", "anna")
    recipe = recipes.from_yaml(recipes.to_yaml(kept.recipe))
    types = [match(slug).event_type for slug in ("calls", "storage")]
    following = workbook(tmp_path / "next.xlsx", 11, SHEETS[::-1])
    assert [(each.recipe.name, drift) for each, drift in recipes.fitting(following)] == [("sheets", Drift())]
    recipes.follow(following, recipe, types[0], accounts.account().name, "anna", others=types[1:])
    checked = [imports.check(each.id) for each in imports.together(records.get(following))]
    assert [(each.event_type, each.check.rows.accepted, each.check.questions, each.check.month) for each in checked] == [("calls", 2, (), "2026-11"), ("storage", 2, (), "2026-11")]
    lacking = workbook(tmp_path / "lacking.xlsx", 12, SHEETS[:1])
    assert recipes.fitting(lacking) == []
    renamed = workbook(tmp_path / "renamed.xlsx", 12, (SHEETS[0], ("Storage", "gigabytes")))
    with pytest.raises(BadInput, match="gigabytes|gb"):
        recipes.follow(renamed, recipe, types[0], accounts.account().name, "anna", others=types[1:])
    record = records.get(renamed)
    assert (record.division, record.state, record.match, record.report.columns) == (None, "read", None, ("customer", "day", "minutes")), "it can be set up in another way"


def test_an_equation_that_does_not_add_up_cannot_be_made():
    with pytest.raises(ValueError, match="not conserved"):
        EventEquation(rows=3, per_row=2, empty=1, kinds=(KindCount(usages=4),))
    with pytest.raises(ValueError, match="not conserved"):
        KindCount(usages=3, accepted=1, rejected=1, duplicate=0, excluded=0)
    with pytest.raises(ValueError, match="two kinds"):
        Division(column="a", shares=(Share(import_id="x", values=("1",)), Share(import_id="y", values=("1",))))


ROWS = some.tuples(some.sampled_from(["acme", "globex", ""]), some.sampled_from(["calls", "storage", " calls", "Calls", "", "other", "\u00a0storage\u2007"]), some.sampled_from(["1", "2.5", "many", ""]))


@checked(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=some.lists(ROWS, min_size=1, max_size=10), left=some.booleans())
def test_no_row_is_lost_or_in_two_kinds(upload: Upload, rows: list[tuple[str, ...]], left: bool):
    text = "\n".join(["customer,day,service,amount", "first,2026-10-01T00:00:00Z,calls,1", *(f"{customer},2026-10-01T00:00:00Z,{service},{amount}" for customer, service, amount in rows)])
    kinds = {"calls": ["calls", "Calls"], "storage": ["storage"]}
    members = divided(upload(text, ReadSpec(header_rows=(1,))), "service", kinds, ["other"] if left else [])
    equation = imports.events(members[0])
    assert equation.rows == equation.usages == len(rows) + 1
    sent = [row for each in members for row in rows_of(each)]
    assert len(sent) == len(set(sent)) == equation.events == sum(records.get(each).check.rows.accepted for each in members)
    again = divided(upload(text, ReadSpec(header_rows=(1,)), "again.csv"), "service", kinds, ["other"] if left else [])
    assert [event_ids(each) for each in again] == [event_ids(each) for each in members]
    known = divisions.get(records.get(members[0]).division).known
    asked = any(service.strip() not in known for _, service, _ in rows)
    assert asked == any(question.name.startswith("kind.") for question in records.get(members[1]).check.questions)
