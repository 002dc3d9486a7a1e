"""The steps Columns, Review and Send: their sentences, what stands between a person and the button, and the pages themselves."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
import streamlit
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from ingest import deciding, fixing, push, query, recipes, upload
from ingest import imports as stages
from ingest.billing import BillingClient
from ingest.errors import BadInput
from ingest.raw import ORIGINAL_ROW
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from ingest.settings import PROJECT, settings
from ingest.store import accounts, handovers, imports, uploads
from ingest.store import recipes as stored_recipes
from pages.parts import errors, tables
from pages.parts.text import limit
from pages.usage.steps import checks_tab, decisions, everywhere, recipe, same_row, sending_words, words
from pages.usage.steps.draft import NEW, Choice, Draft, NewField, from_match, period_of
from pages.usage.steps.lines import lines, match_spec
from pages.usage.steps.new_fields import field_name, new_event_type, new_lines, proposed_columns, slug_of
from pages.usage.steps.typed import count_of, total_of
from schemas.check_setting import CheckSetting
from schemas.checking import CheckResult, Comparison, IssueExample, IssueGroup, Question, QuestionOption, RowCounts
from schemas.correcting import Edit, SetCells
from schemas.deciding import SinceLastTime
from schemas.event_type import EventType, Field
from schemas.matching import ColumnProfile, FieldMatch, KeyCandidate, MatchSpec, Period, Suggestion
from schemas.pushing import EventCounts, Proof, PushSummary, Receipt
from schemas.reading import ReadSpec
from schemas.recipe import Drift
from tests.faults import served

TODAY = date(2026, 11, 23)
CALLS = EventType(name="API calls", slug="api_calls", fields=(Field(name="calls", type="Int64"), Field(name="region", type="String"), Field(name="event_id", type="String")))


def rows(read: int, accepted: int = 0, rejected: int = 0, duplicate: int = 0, excluded: int = 0) -> RowCounts:
    return RowCounts(read=read, accepted=accepted, rejected=rejected, duplicate=duplicate, excluded=excluded)


def check(counts: RowCounts, **more: object) -> CheckResult:
    return CheckResult(rows=counts, matches=(), **{"issues": (), **more})


def issue(count: int, severity: str = "error", **more: object) -> IssueGroup:
    return IssueGroup(code="not_a_number", severity=severity, column="Quantity", count=count, examples=(IssueExample(row=140, value="n/a"),), todo="Type a number.", title="not a number", **more)


def summary(**changes: object) -> PushSummary:
    base = PushSummary(
        account="Practice", account_kind="sandbox", event_type="api_calls", events=12400, customers=298, first_timestamp="2026-10-01T00:00:00+00:00", last_timestamp="2026-10-31T23:00:00+00:00",
        batches=25, seconds=20, rows=rows(12431, 12400, 19, 8, 4), held=410, held_elsewhere=310,
    )
    return base.model_copy(update=changes)


def receipt(**changes: object) -> Receipt:
    events = EventCounts(planned=12400, sent=12400, accepted=12400)
    base = Receipt(
        push_id="p", import_id="i", account="Practice", event_type="api_calls", rows=rows(12431, 12400, 19, 8, 4), events=events, batches=25, proof=Proof(found=12400, agrees=True, level="event"),
        state="finished", source_sha256="0", source_file="usage.csv", events_sha256="0", pushed_by="ada", started_at="2026-11-01T10:00:00+00:00",
    )
    return base.model_copy(update=changes)


@pytest.mark.parametrize(
    ("counts", "already_sent", "sentence"),
    [
        (rows(12431, 12400, 19, 8, 4), 8, "12,431 rows = 12,400 ready + 19 need fixing + 8 already sent + 4 left out"),
        (rows(12431, 12400, 19, 8, 4), 3, "12,431 rows = 12,400 ready + 19 need fixing + 8 already sent or repeated + 4 left out"),
        (rows(3, 2, 0, 1), 0, "3 rows = 2 ready + 1 repeated in this file"),
        (rows(2, 1, 1), 0, "2 rows = 1 ready + 1 needs fixing"),
        (rows(1, 1), 0, "1 row = 1 ready"),
        (rows(0), 0, "0 rows = 0 ready"),
    ],
)
def test_the_row_equation(counts: RowCounts, already_sent: int, sentence: str) -> None:
    assert words.equation(check(counts, already_sent=already_sent)) == sentence


def test_before_sending_asks_the_whole_question() -> None:
    assert sending_words.before_sending(summary()) == "Send 12,400 events for 298 customers, October 2026, to **Practice**?"
    assert sending_words.before_sending(summary(account="Live", account_kind="production")).endswith("to **Live (PRODUCTION)**?")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "The account already holds 410 events of this kind for these customers and this period: **310 did not come from here.**"),
        ({"held": 0, "held_elsewhere": 0}, "The account holds no usage of this kind yet for these customers and this period."),
        ({"held": 1, "held_elsewhere": 0}, "The account already holds 1 event of this kind for these customers and this period, all sent from here."),
        ({"held": 5, "held_elsewhere": None}, "The account already holds 5 events of this kind for these customers and this period; it can't say how many of them came from here."),
        ({"held": None}, "The account can't say what it already holds for these customers and this period."),
    ],
)
def test_what_the_account_already_holds(changes: dict[str, object], sentence: str) -> None:
    assert sentence in sending_words.before_sending_details(summary(**changes))


def test_before_sending_never_promises_to_take_back() -> None:
    lines_shown = " ".join(sending_words.before_sending_details(summary(unknown_customers=("acme_1",), unknown_customer_count=2)))
    assert "Of 12,431 rows, 19 need fixing and stay open, 8 were already sent or are repeated, 4 are left out." in lines_shown
    assert "2 customers are not known to the account" in lines_shown
    assert "can't be deleted afterwards" in lines_shown


@pytest.mark.parametrize(("seconds", "sentence"), [(1, "A few seconds"), (20, "About 20 seconds"), (61, "About 60 seconds"), (200, "About 3 minutes"), (7200, "About 2 hours")])
def test_duration(seconds: float, sentence: str) -> None:
    assert sending_words.duration(seconds) == sentence


def test_after_sending_both_forms() -> None:
    assert sending_words.after_sending(receipt(), 19) == "**Done and proven.** 12,400 sent, 12,400 found in the account, totals equal for every customer. 19 rows are still open."
    missing = receipt(proof=Proof(found=12380, missing=20, level="event"))
    assert sending_words.after_sending(missing, 0) == "**Not proven yet:** 12,400 sent, 12,380 found. Don't upload again."


def test_an_account_that_could_not_be_asked_is_no_missing_event() -> None:
    unasked = receipt(proof=Proof(missing=12400))
    assert sending_words.after_sending(unasked, 0) == "**Not proven yet:** 12,400 sent; the account couldn't be asked for them yet. Don't upload again."
    assert sending_words.chain(unasked)[1].endswith("12,400 stored (not read back yet)")


def test_after_sending_never_calls_a_refusal_proven() -> None:
    refused = receipt(events=EventCounts(planned=12400, sent=12400, accepted=12380, rejected=20), proof=Proof(found=12380, agrees=True, level="event"))
    assert "Done and proven" not in sending_words.after_sending(refused, 0)
    assert "20 were refused" in sending_words.after_sending(refused, 0)


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (EventCounts(planned=12400, sent=12000, accepted=12000), "**Sending is stopped.** 12,000 of 12,400 were stored and stay in the account; 400 were not sent."),
        (EventCounts(planned=12400), "**Sending is stopped.** None of 12,400 events was stored; 12,400 were not sent."),
        (
            EventCounts(planned=10, sent=8, accepted=5, rejected=1, unknown=2),
            "**Sending is stopped.** 5 of 10 were stored and stay in the account; 1 was refused;"
            " 2 got no answer, so whether they are stored isn't known; continuing settles that without storing anything twice; 2 were not sent.",
        ),
    ],
)
def test_the_effect_of_stopping_is_exact(events: EventCounts, sentence: str) -> None:
    assert sending_words.stopped(events) == sentence


def test_the_receipt_shows_where_the_chain_breaks() -> None:
    assert sending_words.chain(receipt())[1] == ":material/check: 12,400 ready = 12,400 sent = 12,400 stored = 12,400 found again"
    broken = sending_words.chain(receipt(proof=Proof(found=12380, missing=20, level="event")))[1]
    assert broken == ":material/warning: 12,400 ready = 12,400 sent = 12,400 stored ≠ 12,380 found again"


@pytest.mark.parametrize(
    ("each", "words_in_it"),
    [
        (Comparison(what="rows", expected="12431", found="12431", agrees=True, source="sender"), ("agrees", "12,431")),
        (Comparison(what="calls", expected="100.50", found="99.25", agrees=False, source="totals row"), ("**differs**", "The totals row says 100.5", "(1.25 less)")),
        (Comparison(what="calls", expected="viele", found="3", agrees=False, source="sender"), ("viele", "**differs**")),
    ],
)
def test_comparisons_in_words(each: Comparison, words_in_it: tuple[str, ...]) -> None:
    assert all(part in words.comparison(each) for part in words_in_it)


@pytest.mark.parametrize(
    ("counts", "choice", "more", "reason"),
    [
        (rows(3, 3), None, {}, ""),
        (rows(3, 2, 1), None, {}, "Choose above what happens to the 1 row that needs fixing."),
        (rows(3, 2, 1), "continue", {}, ""),
        (rows(3, 1, 2), "stop", {}, "You chose to send nothing until the 2 rows are fixed."),
        (rows(3, 0, 0, 3), None, {"already_sent": 3}, "Nothing is ready to send: all 3 rows were already sent."),
        (rows(3, 0, 3), "continue", {}, "Nothing is ready to send: all 3 rows need fixing."),
        (rows(0), None, {}, "Nothing is ready to send."),
        (rows(3, 3), None, {"questions": (Question(name="q", text="?", options=()),)}, "1 question above has no answer yet."),
        (rows(3, 3), None, {"questions": (Question(name="q", text="?", options=(), blocking=False),)}, ""),
        (rows(3, 3), None, {"issues": (issue(2, "warning", acknowledged=False),)}, "1 decision above is still open: say that you have seen it."),
        (rows(3, 3), None, {"issues": (issue(2, "warning", acknowledged=True), issue(1, "note"))}, ""),
    ],
)
def test_why_sending_has_to_wait(counts: RowCounts, choice: str | None, more: dict[str, object], reason: str) -> None:
    result = check(counts, **more)
    assert decisions.reason(result, choice, deciding.listed(result, choice)) == reason


def test_decisions_come_largest_effect_first() -> None:
    question = Question(name="date_order.timestamp", text="Is 03/04/2026 3 April or 4 March?", options=(QuestionOption(value="day_first", label="3 April"),))
    seen = issue(90, "warning", acknowledged=True)
    unknown = issue(60, "warning", acknowledged=False).model_copy(update={"code": "customer_unknown"})
    changes = SinceLastTime(against="imp_1", against_file="a.csv", new=1, changed=2, removed=1)
    found = deciding.listed(check(rows(100, 80, 5, 10, 5), issues=(issue(5), issue(40, "warning"), seen, unknown, issue(7, "note")), questions=(question,)), None, changes=changes)
    assert [(each.kind, each.rows, each.open) for each in found] == [
        ("question", 100, True), ("customers", 60, True), ("warning", 40, True), ("duplicate", 10, False), ("note", 7, False), ("rejected", 5, True), ("excluded", 5, False), ("changes", 3, True), ("warning", 90, False)]


def test_nothing_to_decide() -> None:
    assert decisions.nothing_to_decide(check(rows(12431, 12431))) == "Nothing to decide. All 12,431 rows are ready."
    assert decisions.nothing_to_decide(check(rows(12431, 12427, 0, 0, 4))) == "Nothing to decide. 12,427 rows are ready."


PROFILES = tuple(ColumnProfile(column=name, rows=3, empty=0, distinct=3, proposed_type=kind) for name, kind in (("Cust", "String"), ("When", "DateTime64"), ("Calls", "Int64"), ("Note", "String")))
SUGGESTED = (
    Suggestion(field="customer_id", column="Cust", why="known synonym", confidence="likely"),
    Suggestion(field="timestamp", column="When", why="looks like a timestamp", confidence="certain"),
    Suggestion(field="calls", column="Calls", why="exact name", confidence="certain"),
)


def doubts(draft: Draft) -> dict[str, str]:
    return {line.field: line.doubt for line in lines(CALLS, SUGGESTED, draft, PROFILES) if line.doubt}


@pytest.mark.parametrize(
    ("draft", "doubtful"),
    [
        (Draft(raw_key="r"), {"customer_id", "region"}),
        (Draft(raw_key="r", confirmed=("customer_id",)), {"region"}),
        (Draft(raw_key="r", confirmed=("customer_id", "region")), set()),
        (Draft(raw_key="r", choices={"customer_id": Choice(kind="column", value="Note"), "region": Choice(kind="constant", value="eu")}), set()),
        (Draft(raw_key="r", choices={"customer_id": Choice(kind="constant", value=" "), "region": Choice(kind="empty")}), {"customer_id"}),
        (Draft(raw_key="r", confirmed=("customer_id", "region"), choices={"calls": Choice(kind="column", value="Gone")}), {"calls"}),
    ],
)
def test_a_person_stops_only_where_something_is_doubtful(draft: Draft, doubtful: set[str]) -> None:
    assert set(doubts(draft)) == doubtful


def test_without_a_date_column_the_rows_belong_to_a_period() -> None:
    undated = tuple(profile for profile in PROFILES if profile.column != "When")
    made = lines(CALLS, [each for each in SUGGESTED if each.field != "timestamp"], Draft(raw_key="r"), undated)
    assert made[1].choice.kind == "period" and made[1].doubt
    assert period_of(Draft(raw_key="r"), TODAY) == (date(2026, 10, 1), date(2026, 10, 31))
    spec = match_spec(CALLS, made, Draft(raw_key="r"), ["Cust", "Calls", "Note"], TODAY, key=None)
    assert spec.period == Period(start="2026-10-01", end="2026-11-01", zone="UTC")
    assert spec.of("timestamp") is None


def test_the_answer_names_every_column_once() -> None:
    draft = Draft(raw_key="r", confirmed=("customer_id",), choices={"region": Choice(kind="constant", value=" eu ")}, control_count="3", control_sums={"calls": "12.50", "region": ""})
    spec = match_spec(CALLS, lines(CALLS, SUGGESTED, draft, PROFILES), draft, [profile.column for profile in PROFILES], TODAY, key=("customer_id",))
    assert [(each.field, each.column, each.constant, each.why) for each in spec.matches] == [
        ("customer_id", "Cust", None, "known synonym; confirmed"),
        ("timestamp", "When", None, "looks like a timestamp"),
        ("calls", "Calls", None, "exact name"),
        ("region", None, "eu", "the same in every row"),
    ]
    assert (spec.ignored, spec.key, spec.control_count, spec.control_sums) == (("Note",), ("customer_id",), 3, {"calls": "12.50"})


KEYS = (KeyCandidate(fields=("region",), why="usage.csv was sent under it", before=True), KeyCandidate(fields=(), why="every row counts"), KeyCandidate(fields=("customer_id", "timestamp"), why="told apart; 2 rows agree", differing=2))


@pytest.mark.parametrize(
    ("identity", "key", "chosen"),
    [("proposed", (), 0), ("all", (), 1), ("offered", ("timestamp", "customer_id"), 2), ("offered", ("calls",), "own"), ("own", ("region",), "own")],
)
def test_the_key_that_was_chosen_stands_chosen_again(identity: str, key: tuple[str, ...], chosen: int | str) -> None:
    assert same_row.chosen_of(identity, key, KEYS) == chosen


def test_keys_are_offered_in_words() -> None:
    names = ("customer_id", "timestamp", "region", "calls")
    assert [same_row.label(each, names, first=position == 0) for position, each in enumerate(KEYS)] == ["region (proposed, used before)", "All columns", "Customer + Time"]
    assert same_row.reason(KEYS[2]) == "Told apart; 2 rows agree."


def test_a_stored_match_comes_back_as_it_was() -> None:
    matches = (FieldMatch(field="customer_id", column="Cust"), FieldMatch(field="region", constant="eu"), FieldMatch(field="calls", column="Calls"))
    period = Period(start="2026-10-01", end="2026-11-01", zone="Europe/Berlin")
    match = MatchSpec(event_type=CALLS, matches=matches, ignored=("When", "Note"), key=("customer_id", "region"), period=period, answers={"decimal_mark.calls": "comma"}, control_count=3)
    draft = from_match("r", match)
    again = match_spec(CALLS, lines(CALLS, SUGGESTED, draft, PROFILES), draft, [profile.column for profile in PROFILES], TODAY, key=draft.key, before=match)
    assert again.model_copy(update={"matches": ()}) == match.model_copy(update={"matches": ()})
    assert {(each.field, each.column, each.constant) for each in again.matches} == {(each.field, each.column, each.constant) for each in match.matches}


def test_another_event_type_forgets_answers_about_the_first() -> None:
    draft = Draft(raw_key="r", event_type="a", confirmed=("customer_id",), choices={"x": Choice(kind="empty")}, control_count="3")
    assert draft.with_event_type("a") == draft
    assert draft.with_event_type(NEW) == Draft(raw_key="r", event_type=NEW, control_count="3")


def test_a_new_event_type_is_made_from_the_columns() -> None:
    proposal = EventType(name="Usage", slug="usage", fields=(Field(name="calls", type="Int64"),))
    columns = proposed_columns(proposal, SUGGESTED, PROFILES, {"Cust", "When"}, Draft(raw_key="r"))
    assert columns == {"Calls": NewField(name="calls", type="Int64"), "Note": NewField(name="note", type="String", included=False)}
    made = new_event_type(Draft(raw_key="r", name="Calls a day"), proposal, columns)
    assert (made.name, made.slug, [(field.name, field.type) for field in made.fields]) == ("Calls a day", "calls_a_day", [("calls", "Int64"), ("event_id", "String"), ("import_id", "String")])
    assert [(line.field, line.choice.value) for line in new_lines(columns)] == [("calls", "Calls")]


@pytest.mark.parametrize(
    ("draft", "slug"),
    [(Draft(raw_key="r"), "usage"), (Draft(raw_key="r", name="Usage"), "usage"), (Draft(raw_key="r", name="GB hours"), "gb_hours"), (Draft(raw_key="r", name="GB hours", slug=" gb "), "gb")],
)
def test_the_slug_follows_the_name_until_somebody_types_one(draft: Draft, slug: str) -> None:
    assert slug_of(draft, EventType(name="Usage", slug="usage")) == slug


def test_a_proposed_slug_that_is_taken_gets_a_number() -> None:
    proposal = EventType(name="Usage", slug="usage")
    assert slug_of(Draft(raw_key="r"), proposal, {"usage", "usage_2"}) == "usage_3"
    assert slug_of(Draft(raw_key="r", slug="usage"), proposal, {"usage"}) == "usage"


@pytest.mark.parametrize(
    ("draft", "columns"),
    [
        (Draft(raw_key="r", name="  "), {}),
        (Draft(raw_key="r"), {"A": NewField(name="x", type="String"), "B": NewField(name="x", type="String")}),
        (Draft(raw_key="r"), {"A": NewField(name="timestamp", type="String")}),
        (Draft(raw_key="r"), {"A": NewField(name=" ", type="String")}),
    ],
)
def test_a_new_event_type_that_cannot_be(draft: Draft, columns: dict[str, NewField]) -> None:
    with pytest.raises(BadInput):
        new_event_type(draft, EventType(name="Usage", slug="usage"), columns)


@pytest.mark.parametrize(("column", "name"), [("Customer ID", "customer_id"), ("Größe (GB)", "gr_e_gb"), ("2026", "f_2026"), ("", "column"), ("価格", "column")])
def test_field_names(column: str, name: str) -> None:
    assert field_name(column) == name


@pytest.mark.parametrize(("text", "number"), [("", None), ("12431", 12431), ("12,431", 12431), ("12.431", 12431), ("12 431", 12431)])
def test_counts_people_type(text: str, number: int | None) -> None:
    assert count_of(text) == number


@pytest.mark.parametrize(("text", "total"), [("", None), ("1234.50", "1234.50"), ("1,234.50", "1234.50"), ("1.234,50", "1234.50"), ("1 234 567", "1234567"), ("1,234,567", "1234567"), ("-3.5", "-3.5"), ("12,5", "12.5")])
def test_totals_people_type(text: str, total: str | None) -> None:
    assert total_of(text) == (None if total is None else Decimal(total))


@pytest.mark.parametrize("text", ["1,234", "1.234.5", "abc", "1e5", "1,2,3", "--1"])
def test_totals_that_could_mean_two_things(text: str) -> None:
    with pytest.raises(BadInput):
        total_of(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_a_total_typed_the_english_or_the_german_way_is_the_same(value: Decimal) -> None:
    english = f"{value:,.2f}"
    german = english.replace(",", "_").replace(".", ",").replace("_", ".")
    assert total_of(english) == value
    assert "," not in german[:-3] and total_of(german) == value


# The pages themselves, run as Streamlit runs them, over a real store, real stages and a real sandbox.

USAGE = "Customer,When,Calls,Zone\n" + "".join(f"cus_{row % 3},2026-10-{row + 1:02}T10:00:00Z,{row + 1},eu\n" for row in range(20))


class Desk:
    """A data folder with a sandbox as its account, and a person at the pages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bring(self, name: str, text: str) -> str:
        """An import of this text, read."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        record = stages.start(path, name, "ana")
        return stages.read(record.id).id

    def checked(self, text: str = USAGE, **changes: object) -> str:
        """An import of this text, matched as proposed and checked."""
        import_id = self.bring("usage.csv", text)
        event_type = stages.propose_event_type(import_id)
        with BillingClient(accounts.account()) as client:
            created = client.create_event_type(event_type)
        found = stages.suggestions(import_id, event_type)
        spec = MatchSpec(event_type=created, matches=tuple(FieldMatch(field=each.field, column=each.column) for each in found))
        stages.set_match(import_id, spec.model_copy(update=changes), accounts.account().name, "ana")
        return stages.check(import_id).id

    def open(self, import_id: str, step: str) -> AppTest:
        """The page of an import at a step."""
        at = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60).run()
        at.switch_page("pages/usage/one_import.py")
        at.query_params["id"], at.query_params["step"] = import_id, step
        return run(at)


def run(at: AppTest) -> AppTest:
    at.run()
    assert not at.exception
    assert "Something went wrong on our side" not in said(at)
    return at


def said(at: AppTest) -> str:
    kinds = (at.title, at.header, at.subheader, at.markdown, at.info, at.warning, at.error, at.success, at.caption)
    return "\n".join(str(element.value) for kind in kinds for element in kind).replace("\\", "")


def button(at: AppTest, label: str) -> object:
    return next(each for each in at.button if each.label == label)


def labelled(elements: object, start: str) -> object:
    return next(each for each in elements if each.label.startswith(start))


@pytest.fixture
def desk(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    streamlit.cache_data.clear()
    monkeypatch.setattr(query, "ask", lambda function, args=(), kwargs=None: function(*args, **(kwargs or {})))
    with served(build_app(tmp_path / "sandbox")) as url:
        monkeypatch.setenv("INTAKE_API_URL", url)
        monkeypatch.setenv("INTAKE_API_KEY", SANDBOX_KEY)
        monkeypatch.setenv("INTAKE_ORGANISATION", SANDBOX_ORGANISATION)
        settings.cache_clear()
        yield Desk(tmp_path)
    errors.close_log()


def test_columns_stop_a_person_at_each_doubt_and_only_there(desk: Desk) -> None:
    import_id = desk.bring("usage.csv", USAGE)
    at = desk.open(import_id, "columns")
    assert button(at, "Looks right").disabled
    doubtful = [each for each in at.checkbox if each.label.startswith("Yes, ")]
    assert doubtful and "Please confirm" in said(at)
    for each in doubtful:
        labelled(at.checkbox, each.label).check()
        run(at)
    assert not button(at, "Looks right").disabled and "Please confirm" not in said(at)
    button(at, "Looks right").click()
    run(at)
    record = imports.get(import_id)
    assert (record.state, record.match.of("customer_id").column, record.match.of("timestamp").column) == ("checking", "Customer", "When")
    assert [field.name for field in record.match.event_type.fields][-2:] == ["event_id", "import_id"]


def test_what_was_answered_is_there_for_a_colleague(desk: Desk) -> None:
    import_id = desk.bring("usage.csv", USAGE)
    at = desk.open(import_id, "columns")
    labelled(at.text_input, "What should it be called?").set_value("Calls a day")
    run(at)
    assert labelled(desk.open(import_id, "columns").text_input, "What should it be called?").value == "Calls a day"


@pytest.mark.parametrize(("variable", "value", "sentence"), [("INTAKE_API_URL", "http://127.0.0.1:9", "can't be reached"), ("INTAKE_API_KEY", "wrong", "key")])
def test_an_account_that_cannot_be_asked_is_a_sentence(desk: Desk, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str) -> None:
    read, checked = desk.bring("other.csv", USAGE.replace("cus", "team")), desk.checked()
    monkeypatch.setenv(variable, value)
    settings.cache_clear()
    streamlit.cache_data.clear()
    for import_id, step in ((read, "columns"), (checked, "send")):
        at = desk.open(import_id, step)
        assert sentence in said(at) and button(at, "Try again")


def test_a_column_that_is_gone_after_matching_is_a_doubt(desk: Desk) -> None:
    import_id = desk.checked()
    match = imports.get(import_id).match
    gone = match.model_copy(update={"matches": tuple(each.model_copy(update={"column": "Gone"}) if each.field == "calls" else each for each in match.matches)})
    imports.change(import_id, match=gone, state="read", check=None)
    at = desk.open(import_id, "columns")
    assert button(at, "Looks right").disabled
    assert "The column chosen for calls isn't in this file any more" in said(at)


def test_many_columns_come_a_page_at_a_time(desk: Desk) -> None:
    names = [f"c{number}" for number in range(60)]
    import_id = desk.bring("wide.csv", ",".join(["customer_id", "timestamp", *names]) + "\n" + ",".join(["cus_1", "2026-10-01T10:00:00Z", *("1" for _ in names)]) + "\n")
    at = desk.open(import_id, "columns")
    assert "60 columns" in said(at) and len(at.checkbox) < 50


def test_rejected_rows_need_a_choice_before_sending(desk: Desk) -> None:
    import_id = desk.checked(USAGE + ",2026-10-30T10:00:00Z,5,eu\n")
    at = desk.open(import_id, "review")
    assert "21 rows = 20 ready + 1 needs fixing" in said(at) and button(at, "Review sending").disabled
    labelled(at.radio, "What happens to this row?").set_value("continue")
    run(at)
    assert not button(at, "Review sending").disabled and imports.get(import_id).rejected_choice == "continue"


def test_a_warning_holds_sending_back_until_it_is_noted_and_may_wait_for_a_colleague(desk: Desk) -> None:
    import_id = desk.checked(USAGE + "cus_1,2026-10-30T10:00:00Z,-5,eu\n")
    handovers.give(import_id, "ack.negative_quantity.Calls", "Ana", "a *credit*?", "ben")
    at = desk.open(import_id, "review")
    assert button(at, "Review sending").disabled and "waiting for Ana**: a *credit*? (asked by ben, just now)" in said(at)
    assert "Effect: 1 row of 1 customer, calls -5." in said(at)
    button(at, "Noted").click()
    run(at)
    assert not button(at, "Review sending").disabled and imports.get(import_id).check.open_warnings == ()
    button(at, "Not any more").click()
    run(at)
    at = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    at.query_params["account"] = "environment"
    assert "Waiting for colleagues (1)" in said(run(at))
    button(at, "Take it back").click()
    assert "Waiting for colleagues" not in said(run(at)) and handovers.of_import(import_id) == {}


def test_control_totals_are_compared_on_review(desk: Desk) -> None:
    at = desk.open(desk.checked(control_count=20, control_sums={"calls": "211"}), "review")
    assert "agrees: " in said(at) and "**differs**" in said(at)


def test_an_open_question_holds_everything_back_until_it_is_answered(desk: Desk) -> None:
    import_id = desk.checked("Customer,When,Calls\n" + "".join(f"cus_{day},{day:02}/{day + 1:02}/2026,5\n" for day in range(1, 9)))
    record = imports.get(import_id)
    question = next(each for each in record.check.questions if each.blocking)
    at = desk.open(import_id, "review")
    assert button(at, "Review sending").disabled and "Nothing is sent until you answer." in said(at)
    answers = at.radio(key=f"answer_{import_id}_{question.name}")
    answers.set_value("day_first")
    run(at)
    at.button(key=f"answer_{import_id}_{question.name}_button").click()
    run(at)
    assert imports.get(import_id).match.answers[question.name] == "day_first"


def test_what_columns_leave_open_is_answered_there_and_not_asked_again(desk: Desk) -> None:
    import_id = desk.checked("Customer,When,Calls\n" + "".join(f"cus_{day},{day:02}/{day + 1:02}/2026,5\n" for day in range(1, 9)))
    at = desk.open(import_id, "columns")
    assert button(at, "Looks right").disabled and "1 question about the columns has no answer yet." in said(at)
    next(each for each in at.radio if "What comes first?" in each.label).set_value("day_first")
    run(at)
    button(at, "Looks right").click()
    run(at)
    assert imports.get(import_id).match.answers["date_order.timestamp"] == "day_first"
    assert not any(each.blocking for each in stages.check(import_id).check.questions)


@pytest.mark.parametrize(("kind", "ready"), [("sandbox", "Tick the box first."), ("production", "Type the account's name first.")])
def test_sending_asks_for_a_confirmation(desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str, ready: str) -> None:
    import_id = desk.checked()
    monkeypatch.setenv("INTAKE_API_KIND", kind)
    settings.cache_clear()
    at = desk.open(import_id, "send")
    assert "Send 20 events for 3 customers, October 2026, to" in said(at) and ready in said(at)
    assert button(at, "Send 20 events").disabled
    if kind == "production":
        labelled(at.text_input, "This reaches real invoices").set_value("environment")
    else:
        labelled(at.checkbox, "Yes, send these 20 events").check()
    run(at)
    assert not button(at, "Send 20 events").disabled
    button(at, "Send 20 events").click()
    run(at)
    assert imports.get(import_id).state == "pushing" and "You can close this page" in said(at)


def test_the_receipt_after_the_push(desk: Desk) -> None:
    import_id = desk.checked()
    push_id = push.begin(import_id, "ana")
    push.plan(push_id)
    with BillingClient(accounts.account()) as client:
        push.send_part(push_id, 0, client)
    push.end(push_id, "finished")
    at = desk.open(import_id, "send")
    assert "Done and proven.** 20 sent, 20 found in the account, totals equal for every customer." in said(at)
    assert "20 ready = 20 sent = 20 stored = 20 found again" in said(at)
    assert "so its columns stay as they are" in said(desk.open(import_id, "columns"))
    assert "nothing can be decided about it here any more" in said(desk.open(import_id, "review"))


def test_a_stopped_push_says_exactly_what_was_sent(desk: Desk) -> None:
    import_id = desk.checked()
    push_id = push.begin(import_id, "ana")
    push.plan(push_id)
    push.end(push_id, "stopped", "Stopped by a person.")
    at = desk.open(import_id, "send")
    assert "None of 20 events was stored; 20 were not sent." in said(at)
    button(at, "Continue sending").click()
    run(at)
    assert imports.get(import_id).state == "pushing"


TURNED = "customer_id,Jan 2026,Feb 2026,Mar 2026\ncus_1,1,2,3\ncus_2,4,n/a,6\n"


def test_a_turned_table_is_talked_about_in_the_rows_of_the_file(desk: Desk) -> None:
    path = desk.folder / "turned.csv"
    path.write_text(TURNED)
    import_id = stages.read(stages.start(path, "turned.csv", "ana").id, ReadSpec(turn="months")).id
    report = imports.get(import_id).report
    assert tables.as_in_file(stages.raw_rows(import_id), report).column("_row").to_pylist() == [2, 2, 2, 3, 3, 3]
    brought = pa.table({"_row": [3 + report.row_step], ORIGINAL_ROW: [str(3 + report.row_step)]})
    assert tables.as_in_file(brought, report).to_pylist() == [{"_row": 3, ORIGINAL_ROW: "3"}]
    there = fixing.rows_at(import_id, 3).to_pylist()
    assert [(each["customer_id"], each["month"], each["quantity"]) for each in there] == [("cus_2", "2026-01", "4"), ("cus_2", "2026-02", "n/a"), ("cus_2", "2026-03", "6")]
    bad = IssueGroup(code="not_a_number", severity="error", column="quantity", count=1, examples=(IssueExample(row=there[1]["_row"], value="n/a"),), todo="", title="Not a number")
    edit = SetCells(edits=(Edit(row=there[1]["_row"], column="quantity", value="5"),))
    assert words.group(bad, report) == "**1 row** in **quantity**: not a number (row 3: ‘n/a’)"
    assert everywhere.in_words(edit, report) == "Row 3, quantity: now “5”"


def test_corrected_rows_are_taken_over_once_and_only_by_whom_they_were_uploaded(desk: Desk) -> None:
    import_id = desk.checked(USAGE + ",2026-10-30T10:00:00Z,5,eu\n")
    fixed = stages.write_rejected(import_id, desk.folder / "fixed.csv").read_text(encoding="utf-8-sig").replace("\n,", "\ncus_1,", 1)
    (upload.spool() / "up_1").write_text(fixed)
    uploads.add("up_1", "ana", "fixed.csv", len(fixed), "0" * 64)
    with pytest.raises(BadInput, match="isn't there"):
        upload.put_right("up_1", "ben", import_id)
    assert [upload.put_right("up_1", "ana", import_id) for _ in range(2)] == [1, None]
    assert stages.check(import_id).check.rows == rows(21, 21)


@pytest.mark.parametrize(
    ("drift", "sentence"),
    [
        (Drift(), "The file has the same columns."),
        (Drift(new=("a", "b"), gone=("c",)), "New in this file, and not sent: a, b. Gone: c."),
        (Drift(new=("Quantity h",), gone=("quantity",), renamed={"quantity": "Quantity h"}), "quantity is probably called Quantity h now."),
    ],
)
def test_how_a_file_drifted_from_its_recipe(drift: Drift, sentence: str) -> None:
    assert recipe.drift_in_words(drift) == sentence


def test_two_recipes_for_other_usage_are_left_to_the_person(desk: Desk) -> None:
    first = imports.get(desk.checked())
    kept = recipes.save_from(first.id, "calls", "ana")
    again = imports.change(desk.bring("again.csv", USAGE + "\n"), account=first.account)
    assert recipe.fitting(again) == kept
    stored_recipes.save(kept.recipe.model_copy(update={"name": "storage", "event_type": "storage"}), "ana")
    assert recipe.fitting(again) is None


def test_the_same_file_again_points_at_the_receipt(desk: Desk) -> None:
    first = desk.checked()
    push_id = push.begin(first, "ana")
    push.plan(push_id)
    with BillingClient(accounts.account()) as client:
        push.send_part(push_id, 0, client)
    push.end(push_id, "finished")
    again = desk.bring("again.csv", USAGE)
    stages.set_match(again, imports.get(first).match, "environment", "ben")
    at = desk.open(stages.check(again).id, "review")
    assert "Nothing is ready to send: all 20 rows were already sent." in said(at)
    assert any(each.label.startswith("This very file was sent by ana") for each in at.get("page_link"))


@pytest.mark.parametrize(("amount", "shown"), [(5 * 1024**3, "5 GB"), (1024**4, "1 TB"), (3 * 512 * 1024**2, "1.5 GB"), (200 * 1024**2, "200 MB"), (5_000_000_000, "5.0 GB"), (999, "999 bytes")])
def test_a_limit_reads_as_it_was_meant(amount: int, shown: str):
    assert limit(amount) == shown


@pytest.mark.parametrize(("name", "setting", "sentence"), [
    ("allowed.plan", CheckSetting(values=("basic", "plus")), "**plan** is one of basic, plus; a row for which that doesn't hold needs fixing before it goes."),
    ("range.quantity", CheckSetting(min="0", severity="warning"), "**quantity** is at least 0; a row for which that doesn't hold has to be confirmed by somebody."),
    ("length.code", CheckSetting(min="2", max="4", severity="note"), "**code** has at least 2 characters and at most 4 characters; a row for which that doesn't hold is only noted."),
    ("formula", CheckSetting(formula="quantity <= seats * 24"), "It holds that “quantity <= seats * 24”; a row for which that doesn't hold needs fixing before it goes."),
    ("outlier", CheckSetting(severity="off"), "Far more than this customer usually has: isn't looked for."), ("non_negative.quantity", CheckSetting(severity="error"), "A number below zero in **quantity**: needs fixing before it goes."),
])
def test_a_check_that_was_set_is_said_in_a_sentence(name: str, setting: CheckSetting, sentence: str):
    assert checks_tab.in_words(name, setting).replace("\\", "") == sentence
