"""The pages, run as Streamlit runs them, over a real store."""

from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from ingest import attempt, doubts, files, query
from ingest import imports as stages
from ingest.settings import PROJECT
from ingest.store import accounts, imports, open_rows
from ingest.store.database import store
from pages.parts import errors, tables
from pages.parts.text import STATES, ago, plain, shorten, size
from pages.usage.steps import first_rows
from schemas.account import Account
from schemas.checking import CheckResult, IssueExample, IssueGroup, RowCounts
from schemas.reading import ExcludedRow, Finding, ReadReport, ReadSpec, Repair, TotalsRow

NOT_OURS = "Something went wrong on our side"
HOSTILE = "![x](http://evil.example/x.png) <script>alert(1)</script> **b** $x$ :red[y].csv"
PAGES = {
    "this month": "pages/usage/this_month.py",
    "imports": "pages/usage/imports.py",
    "import": "pages/usage/one_import.py",
    "sources": "pages/sources/sources.py",
    "metrics": "pages/metrics/metrics.py",
    "settings": "pages/admin/settings.py",
}
REPORT = ReadReport(
    file="usage.csv", format="csv", encoding="utf-8", delimiter=",", header_rows=(2,), columns=("customer", "qty"), rows=3,
    excluded=(ExcludedRow(row=1, reason="title above the header", text="Usage"), ExcludedRow(row=6, reason="totals row", text="Total 6")),
    repairs=(Repair(row=4, what="a missing cell at the end"),), findings=(Finding(what="encoding", value="utf-8", why="every byte fits"), Finding(what="delimiter", value="comma", why="most lines agree", confidence="likely")),
    totals=(TotalsRow(row=6, values={"customer": "Total", "qty": "6"}),), warnings=("Two columns had the same name.",),
)
GROUP = IssueGroup(code="not_a_number", severity="error", column="qty", count=7, examples=(IssueExample(row=140, value="n/a"),), todo="Type a number.")
CHECK = CheckResult(rows=RowCounts(read=5, accepted=2, rejected=1, duplicate=0, excluded=2), matches=(), issues=(GROUP,))


@pytest.fixture(autouse=True)
def _nothing_stays_open(home: Path, monkeypatch: pytest.MonkeyPatch):
    """What pages ask is answered here; that it is answered in a process of its own is tested where the questions are."""
    monkeypatch.setattr(query, "ask", lambda function, args=(), kwargs=None, seconds=0: function(*args, **(kwargs or {})))
    yield
    errors.close_log()


def app(page: str = "this month", **address: str) -> AppTest:
    at = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=30)
    for name, value in address.items():
        at.query_params[name] = value
    at.run()
    if page != "this month":
        at.switch_page(PAGES[page])
        for name, value in address.items():
            at.query_params[name] = value
        at.run()
    assert not at.exception
    return at


def words(at: AppTest) -> str:
    kinds = (at.title, at.markdown, at.info, at.warning, at.error, at.success, at.caption, at.text, at.header)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def have(file_name: str = "usage.csv", state: str = "read", **values: object) -> str:
    import_id = imports.add(file_name, file_name, 10, "ana", account="Practice")
    files.import_folder(import_id).mkdir(parents=True)
    imports.change(import_id, state=state, **values)
    return import_id


def an_open_row() -> str:
    import_id = have("september.csv", "proven", period="2026-09", event_type="api-calls", check=CHECK)
    with store().begin() as connection:
        open_rows.keep_open(connection, import_id, (GROUP,), "ana")
    return import_id


@pytest.mark.parametrize(("page", "sentence"), [
    ("this month", "yet. Drop a file here, connect a source, or try a sample."),
    ("imports", "Your imports will be listed here, each with its receipt."),
    ("sources", "Let usage come by itself from a database, a folder or an online sheet."),
    ("metrics", "A metric says how events become a billed quantity. Start from 'total per customer'."),
    ("settings", "Using the practice account. Nothing here reaches a real invoice."),
    ("import", "Step 1 of 4"),
])
def test_an_empty_page_says_what_it_is_for(home: Path, page: str, sentence: str):
    assert sentence in words(app(page))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_account_and_period(home: Path, page: str):
    at = app(page, period="2026-10")
    assert at.selectbox(key="frame_account").value == "Practice"
    assert at.selectbox(key="frame_period").value == "2026-10"


@pytest.mark.parametrize("page", PAGES)
def test_production_is_said_in_words(home: Path, page: str):
    accounts.add(Account(name="Real", kind="production", base_url="https://api.example", organisation="o", api_key=SecretStr("k")), "ana")
    at = app(page, account="Real")
    assert any("PRODUCTION" in element.value for element in at.markdown)
    assert at.selectbox(key="frame_account").options[0] == "Real (PRODUCTION)"


@pytest.mark.parametrize(("given", "shown"), [("2026-07", "2026-07"), ("2019-01", None), ("nonsense", None), ("2026-13", None)])
def test_the_period_in_the_address(home: Path, given: str, shown: str | None):
    value = app(period=given).selectbox(key="frame_period").value
    assert value == shown if shown else value.startswith("20")


def test_an_account_that_is_gone_falls_back(home: Path):
    assert app(account="Gone").selectbox(key="frame_account").value == "Practice"


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_words_in_the_list(home: Path, state: str):
    have("file.csv", state)
    at = app("imports")
    assert (STATES[state][0] in words(at)) == (state != "discarded")
    assert NOT_OURS not in words(at)


@pytest.mark.parametrize("state", [state for state in STATES if state != "discarded"])
def test_this_month_with_an_import_in_any_state(home: Path, state: str):
    have("file.csv", state, period="2026-10", event_type="api-calls", check=CHECK, report=REPORT)
    assert NOT_OURS not in words(app(period="2026-10"))


def test_people_s_strings_are_shown_as_they_are(home: Path):
    have(HOSTILE, "unreadable", message=HOSTILE, period="2026-10")
    for page in ("this month", "imports"):
        said = words(app(page, period="2026-10"))
        assert "![x](http" not in said
        assert "<script>" not in said
    at = app("import", id=have(HOSTILE, "unreadable", message=HOSTILE))
    assert "![x](http" not in words(at)


def test_an_import_that_is_not_there_gets_a_sentence(home: Path):
    assert "There is no import" in words(app("import", id="imp_nothing"))


def test_an_unreadable_file_says_why_and_what_to_do(home: Path):
    at = app("import", id=have("secret.xlsx", "unreadable", message="This workbook is protected with a password. Save it without one."))
    assert "protected with a password" in words(at)
    assert [button.label for button in at.button if button.label == "Choose another file"]


def test_the_file_step_says_what_was_found(home: Path):
    at = app("import", id=have("usage.csv", "read", report=REPORT))
    said = words(at)
    assert "**5 rows read = 3 in the table + 2 left out**, in **2 columns**" in said
    assert "Two columns had the same name" in said
    assert "Row 6 looks like a totals row" in said
    assert {popover.proto.popover.label for popover in at.get("popover")} >= {"Left out: **2 rows** · Change", "Repaired: **1 row** · Show"}


def test_the_preview_says_what_every_row_is():
    report = REPORT.model_copy(update={"repairs": (Repair(row=4, what="a missing cell"), Repair(row=5, what="too few cells", doubtful=True)), "excluded": (*REPORT.excluded, ExcludedRow(row=9, reason="blank row"))})
    rows = pa.table({"_row": [3, 4, 5], "customer": ["acme", "beta", "gamma"], "qty": ["1", "2", None]})
    assert [(number, said, cells[0]) for number, _, said, cells in first_rows.laid_out(report, rows)] == [
        (1, "left out: title above the header", "Usage"), (2, "column names", "customer"), (3, "", "acme"), (4, "repaired: a missing cell", "beta"), (5, "doubtful: too few cells", "gamma"),
        (6, "left out: totals row", "Total 6"), (9, "left out: blank row", None),
    ]


QUESTION = {
    "name": "encoding", "text": "Which letters are right?", "answer": "cp1252",
    "options": [{"value": "cp1250", "label": "cp1250: Łódź", "spec": {"encoding": "cp1250"}}, {"value": "cp1252", "label": "cp1252: £ódŸ", "spec": {"encoding": "cp1252"}}],
}
EMPTY_ANSWER = {"name": "table", "text": "Which table?", "answer": "first", "options": [{"value": "first", "label": "the first", "spec": {}}, {"value": "second", "label": "the second", "spec": {"header_rows": [9]}}]}


@pytest.mark.parametrize(("questions", "given", "waiting"), [
    ((), {}, []),
    ((QUESTION, EMPTY_ANSWER), {}, ["encoding", "table"]),
    ((QUESTION, EMPTY_ANSWER), {"encoding": "cp1250"}, ["table"]),
    ((QUESTION, EMPTY_ANSWER), {"encoding": "cp1252", "table": "second"}, ["encoding", "table"]),
    ((QUESTION,), {"encoding": "koi8-r"}, ["encoding"]),
    (({**QUESTION, "options": [{"value": "a", "label": "A"}]},), {}, []),
])
def test_a_question_waits_until_one_of_its_answers_is_given(questions: tuple, given: dict, waiting: list[str]):
    assert [each["name"] for each in doubts.unanswered(REPORT.model_copy(update={"questions": questions}), given, ReadSpec(encoding="cp1250"))] == waiting


def test_an_answer_is_added_to_what_was_said_before():
    said = ReadSpec(delimiter=";", keep_rows=(9,))
    assert doubts.merged(said, {"encoding": "cp1250", "header_rows": [2]}) == ReadSpec(delimiter=";", keep_rows=(9,), encoding="cp1250", header_rows=(2,))


def test_both_readings_stand_side_by_side_and_an_answer_stays(home: Path):
    text = "Kunde,Stadt\nacme,Bonn\nbeta,Łódź\n".encode("cp1250")
    (home / "usage.csv").parent.mkdir(parents=True, exist_ok=True)
    (home / "usage.csv").write_bytes(text)
    import_id = stages.start(home / "usage.csv", "usage.csv", "ana", account="Practice").id
    report = stages.read(import_id, ReadSpec(encoding="cp1252")).report
    imports.change(import_id, report=report.model_copy(update={"questions": (QUESTION, EMPTY_ANSWER)}), read_spec=ReadSpec(encoding="cp1252"))
    first, second = attempt.attempts(import_id, [ReadSpec(encoding="cp1252"), ReadSpec(encoding="cp1250")])
    assert (first.table.column("Stadt").to_pylist(), second.table.column("Stadt").to_pylist()) == (["£ódŸ"], ["Łódź"])
    at = app("import", id=import_id)
    assert "Which letters are right" in words(at) and "1 of 2 questions" in words(at)
    assert [button.key.rpartition("_")[2] for button in at.button if button.label == "This is right"] == ["cp1252", "cp1250"]
    doubts.keep(import_id, {"encoding": "cp1252"})
    at.run()
    next(button for button in at.button if button.label == "This is right").click().run()
    assert doubts.answers(import_id) == {"encoding": "cp1252", "table": "first"}
    assert "This is right" not in {button.label for button in at.button}


def test_a_file_without_rows_cannot_go_on_and_says_why(home: Path):
    at = app("import", id=have("usage.csv", "read", report=ReadReport(file="usage.csv", format="csv", columns=("a",), rows=0)))
    button = next(each for each in at.button if each.label == "Continue")
    assert button.disabled
    assert "There are no rows to go on with" in words(at)


@pytest.mark.parametrize(("typed", "said"), [("3", "Agrees: 3 rows in the table."), ("1,000", "Doesn't agree: the sender says 1,000, the table has 3 (997 fewer)."), ("lots", "isn't a number"), ("", "")])
def test_the_sender_s_count_is_compared_at_once(home: Path, typed: str, said: str):
    at = app("import", id=have("usage.csv", "read", report=REPORT))
    at.text_input(key="control_count").set_value(typed).run()
    assert said.replace("'", "") in words(at).replace("\\", "").replace("'", "")


def test_rows_to_fix_stay_on_the_home_page_of_any_month(home: Path):
    an_open_row()
    said = words(app(period="2026-11"))
    assert "7 rows need fixing and will not be billed yet" in said
    assert "first: row 140: n/a" in said


def test_dismissing_needs_a_reason(home: Path):
    an_open_row()
    at = app()
    entry = open_rows.all_open()[0]
    press(at, "Settle")
    press(at, "Dismiss")
    assert "Say why" in words(at)
    assert len(open_rows.all_open()) == 1
    at.text_input(key=f"reason_{entry.id}").set_value("credited by hand")
    press(at, "Dismiss")
    assert open_rows.all_open() == []


def test_rows_to_fix_can_be_given_to_a_colleague(home: Path):
    an_open_row()
    imports.add("another.csv", "0", 1, "ben")
    at = app()
    press(at, "Settle")
    at.selectbox(key=f"owner_{open_rows.all_open()[0].id}").set_value("ben")
    press(at, "Give")
    assert open_rows.all_open()[0].owner == "ben"


def press(at: AppTest, label: str) -> None:
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception


@pytest.mark.parametrize(("filled", "said"), [
    ({"Name": "Real"}, "Still missing"),
    ({"Name": "Real", "Address of the API": "http://api.example", "Organisation": "o", "API key": "k"}, "must begin with https"),
    ({"Name": "Practice", "Address of the API": "https://api.example", "Organisation": "o", "API key": "k"}, "There is already an account"),
    ({"Name": "Real", "Address of the API": "https://api.example/", "Organisation": "o", "API key": "very secret"}, "was added"),
])
def test_adding_an_account(home: Path, filled: dict[str, str], said: str):
    at = app("settings")
    for label, value in filled.items():
        next(each for each in at.text_input if each.label == label).set_value(value)
    press(at, "Save")
    assert said in words(at)
    assert "very secret" not in words(at)
    assert (said == "was added") == ("Real" in {each.name for each in accounts.all_accounts()})


def test_the_day_of_the_invoices_is_kept_and_shown_where_it_matters(home: Path):
    at = app("settings")
    at.selectbox(key="invoice_day_Practice").set_value(31)
    press(at, "Save this day")
    assert "Saved." in words(at) and NOT_OURS not in words(at)
    assert accounts.settings_of("Practice").invoice_day == 31
    assert "Invoices for December 2035 are made on **31 January 2036**" in words(app("this month", period="2035-12"))
    assert "Invoices for January 2023 were made on **28 February 2023**" in words(app("this month", period="2023-01"))


def test_removing_an_account(home: Path):
    accounts.add(Account(name="Real", kind="production", base_url="https://api.example", organisation="o", api_key=SecretStr("k")), "ana")
    at = app("settings")
    press(at, "Remove this account")
    assert [each.name for each in accounts.all_accounts()] == ["Practice"]


def test_an_account_that_does_not_answer_gets_a_sentence(home: Path):
    at = app("settings")
    press(at, "Test the connection")
    assert at.warning and NOT_OURS not in words(at)


@pytest.mark.parametrize(("text", "shown"), [
    ("a*b_c", r"a\*b\_c"),
    ("![i](http://x)", r"\!\[i\]\(http:gray[\:]//x\)"),
    ("WWW.x.com a@b.com", r"WWW:gray[\.]x\.com a:gray[\@]b\.com"),
    ("two\nlines", "two lines"),
    ("rtl\u202Egpj.csv", r"rtlgpj\.csv"),
    ("$1 and $2", r"\$1 and \$2"),
    ("<b>", r"\<b\>"),
])
def test_plain(text: str, shown: str):
    assert plain(text) == shown


@pytest.mark.parametrize(("amount", "shown"), [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 KB"), (999_960, "1.0 MB"), (5 * 1024**3, "5.4 GB"), (10**13, "10.0 TB")])
def test_size(amount: int, shown: str):
    assert size(amount) == shown


@pytest.mark.parametrize(("moment", "shown"), [
    ("2026-10-10T11:59:30+00:00", "just now"),
    ("2026-10-10T11:58:00+00:00", "2 minutes ago"),
    ("2026-10-10T11:00:00+00:00", "1 hour ago"),
    ("2026-10-09T10:00:00+00:00", "yesterday"),
    ("2026-10-05T12:00:00+00:00", "5 days ago"),
    ("2026-08-05T12:00:00+00:00", "5 August 2026"),
])
def test_ago(moment: str, shown: str):
    from datetime import UTC, datetime

    assert ago(moment, datetime(2026, 10, 10, 12, tzinfo=UTC)) == shown


def test_a_long_name_keeps_its_ending():
    assert shorten("x" * 100 + ".xlsx", 30).endswith(".xlsx")


@pytest.mark.parametrize(("cell", "written"), [
    ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
    ("+1+1", "'+1+1"),
    ("@SUM(A1)", "'@SUM(A1)"),
    ("\tx", "'\tx"),
    ("-cmd", "'-cmd"),
    ("-5", "-5"),
    ("-1,234.50", "-1,234.50"),
    ("+4.5e3", "+4.5e3"),
    ("acme", "acme"),
    (None, None),
])
def test_files_are_safe_in_a_spreadsheet(cell: str | None, written: str | None):
    import pyarrow as pa

    assert tables.harmless(pa.table({"c": pa.array([cell], pa.string())})).column("c").to_pylist() == [written]


def test_column_names_are_safe_too():
    import pyarrow as pa

    assert tables.harmless(pa.table({"=1+1": [1]})).column_names == ["'=1+1"]
