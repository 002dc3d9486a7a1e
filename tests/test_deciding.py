"""The one list of decisions: what is open keeps an import from being sent, what was seen doesn't; decisions wait for colleagues; strangers are mapped, created or never billed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest import deciding, fixing, imports, strangers, whole_check
from ingest.__main__ import main
from ingest.billing import BillingClient
from ingest.effects import effects
from ingest.errors import BadInput, NotReady
from ingest.push import begin, plan
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.sandbox.server import build_app
from ingest.settings import settings
from ingest.store import accounts, audit, customer_names, handovers
from ingest.store import imports as records
from schemas.correcting import Edit, SetCells
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch, MatchSpec
from schemas.records import ImportRecord
from tests.faults import served

CALLS = EventType(name="Calls", slug="calls", fields=(Field(name="quantity", type="Decimal"),))
MATCH = MatchSpec(event_type=CALLS, matches=tuple(FieldMatch(field=name, column=name) for name in ("customer_id", "timestamp", "quantity")))
ROWS = "customer_id,timestamp,quantity\ncus_1,2026-10-01T00:00:00Z,-1.50\ncus_1,2026-10-02T00:00:00Z,4\ncus_2,2026-10-02T00:00:00Z,-2\n,2026-10-03T00:00:00Z,8\n"


@pytest.fixture
def account(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An account that knows one customer."""
    with served(build_app(tmp_path / "sandbox")) as url:
        for name, value in (("URL", url), ("KEY", SANDBOX_KEY)):
            monkeypatch.setenv(f"INTAKE_API_{name}", value)
        monkeypatch.setenv("INTAKE_ORGANISATION", SANDBOX_ORGANISATION)
        settings.cache_clear()
        strangers.create(None, ["cus_1"], "ana", customer_name="Acme Tooling")
        yield accounts.account().name


def checked(folder: Path, text: str, name: str = "usage.csv") -> ImportRecord:
    """An import of this text as the worker checks it."""
    (folder / name).write_text(text, encoding="utf-8")
    record = imports.read(imports.start(folder / name, name, "ana").id)
    imports.set_match(record.id, MATCH, accounts.account().name, "ana")
    return whole_check.check(record.id)


def names(record: ImportRecord, **wanted: bool) -> list[str]:
    return sorted(each.name for each in deciding.decisions(record) if all(getattr(each, key) == value for key, value in wanted.items()))


def test_a_warning_keeps_an_import_from_being_sent_until_somebody_has_seen_it(account: str, tmp_path: Path):
    record = checked(tmp_path, ROWS)
    assert {name: (each.customers, each.totals) for name, each in effects(record.id).items()} == {"ack.negative_quantity.quantity": (2, {"quantity": "-3.5"}), "customers": (1, {"quantity": "-2"})}
    assert names(record, open=True) == ["ack.negative_quantity.quantity", "customers", "rejected"]
    imports.choose_rejected(record.id, "continue", "ana")
    with pytest.raises(NotReady, match=r"\[ack\.negative_quantity\.quantity\].*cus_2.*python -m ingest decisions"):
        begin(record.id, "ana")
    deciding.acknowledge(record.id, ["customers"], "ana")
    assert "customers" in names(deciding.acknowledge(record.id, ["customers"], "ben", seen=False), open=True)
    assert [(each.who, each.action) for each in audit.entries(record.id)][-2:] == [("ana", "acknowledge"), ("ben", "acknowledge-not")]
    with pytest.raises(BadInput, match="There is: ack.negative_quantity.quantity, customers"):
        deciding.acknowledge(record.id, ["ack.nothing"], "ana")
    for name in ("customers", "ack.negative_quantity.quantity"):
        record = deciding.acknowledge(record.id, [name], "ana")
    assert (names(record, open=True), names(record, settled=True)) == ([], ["ack.negative_quantity.quantity", "customers", "rejected"])
    assert imports.check(record.id).match.answers == record.match.answers, "checking again forgets nothing"
    assert begin(record.id, "ana")
    with pytest.raises(NotReady, match="was sent"):
        deciding.acknowledge(record.id, ["customers"], "ana", seen=False)


def test_a_warning_that_was_seen_is_asked_about_again_when_it_is_about_more_rows(account: str, tmp_path: Path):
    name = "ack.negative_quantity.quantity"
    record = deciding.acknowledge(checked(tmp_path, ROWS).id, [name], "ana")
    assert name in names(record, settled=True) and record.match.answers[name] == "2"
    fixing.correct(record.id, [SetCells(edits=(Edit(row=2, column="quantity", value="1"),))], "ana")
    assert name in names(imports.check(record.id), settled=True), "about fewer rows it stays seen"
    fixing.correct(record.id, [SetCells(edits=(Edit(row=2, column="quantity", value="-1"), Edit(row=3, column="quantity", value="-4")))], "ana")
    assert name in names(imports.check(record.id), open=True)


def test_a_decision_waits_for_a_colleague_until_it_is_taken_or_taken_back(account: str, tmp_path: Path):
    record = checked(tmp_path, ROWS)
    handovers.give(record.id, "customers", " Ana ", "Whose is this?", "ben")
    handovers.give(record.id, "rejected", "Cleo", "", "ben")
    assert [(each.colleague, each.comment, decision.kind) for each, decision in deciding.waiting(account)] == [("Ana", "Whose is this?", "customers"), ("Cleo", "", "rejected")]
    assert "waiting for Ana" in " ".join(deciding.reasons_not_to(record))
    deciding.acknowledge(record.id, ["customers"], "Ana")
    handovers.take_back(record.id, "rejected", "ben")
    assert (deciding.waiting(account), handovers.colleagues()) == ([], ["Ana", "ana"])
    assert [each.note for each in audit.entries(record.id) if "decision" in each.action] == ["customers → Ana: Whose is this?", "rejected → Cleo", "rejected"]
    with pytest.raises(BadInput):
        handovers.take_back(record.id, "rejected", "ben")


@pytest.mark.parametrize(("step", "accepted", "left"), [
    (lambda account: strangers.means(account, ["cus_2"], "cus_1", "ana"), 3, {}), (lambda account: strangers.create(account, ["cus_2"], "ana"), 3, {}), (lambda account: strangers.never_billed(account, ["cus_2"], "ana"), 2, {}),
])
def test_what_becomes_of_a_customer_whom_the_account_does_not_know(account: str, tmp_path: Path, step, accepted: int, left: dict):  # noqa: ANN001
    record = checked(tmp_path, ROWS)
    assert strangers.known_as(record.id) == {"cus_2": ""}
    assert step(account)
    again = whole_check.check(record.id)
    assert (again.check.rows.accepted, strangers.known_as(record.id), "customers" in names(again)) == (accepted, left, bool(left))


def test_a_name_of_the_account_and_one_said_before_may_be_meant(account: str, tmp_path: Path):
    customer_names.say(account, "The Toolers", "cus_1", "ana")
    record = checked(tmp_path, ROWS.replace("cus_2", "ACME Tooling GmbH").replace("cus_1", "The Tooler"))
    assert strangers.known_as(record.id) == {"ACME Tooling GmbH": "cus_1", "The Tooler": "cus_1"}


def test_rows_left_out_say_why_they_are(account: str, tmp_path: Path):
    text = ROWS.replace("\n,2026", "\n\ncus_2,2026") + "Total,,8.5\n"
    record = checked(tmp_path, text)
    assert next(each.text for each in deciding.decisions(record) if each.kind == "excluded") == "2 rows are left out: blank row (1), totals row (1)"
    strangers.never_billed(account, ["cus_2"], "ana")
    assert next(each.text for each in deciding.decisions(whole_check.check(record.id)) if each.kind == "excluded") == "4 rows are left out: A customer that is never billed (2), blank row (1), totals row (1)"


def test_a_customer_written_in_several_ways_is_one_that_is_decided_about_once(account: str, tmp_path: Path):
    written = ("WAYNE ENTERPRISES", "Wayne Enterprises", "Wayne  Enterprises.", "Wayne Enterprises", "cus_3", "CUS_3", "cus3")
    record = checked(tmp_path, "customer_id,timestamp,quantity\n" + "".join(f"{name},2026-10-{day:02}T00:00:00Z,{day}\n" for day, name in enumerate(written, start=1)))
    unknown = {each.customer_id: each for each in strangers.answer(record.id).unknown}
    assert {name: (set(each.spellings), each.rows, each.first_row) for name, each in unknown.items()} == {
        "Wayne Enterprises": ({"WAYNE ENTERPRISES", "Wayne  Enterprises."}, 4, 2), "CUS_3": ({"cus_3"}, 2, 6), "cus3": (set(), 1, 8)}
    strangers.welcome(account, [unknown["Wayne Enterprises"]], "ana")
    strangers.means(account, unknown["CUS_3"].names, "cus_1", "ana")
    again = whole_check.check(record.id)
    assert (set(strangers.known_as(record.id)), again.check.customers) == ({"cus3"}, 3)
    assert "customer_spelled_differently" not in {each.code for each in again.check.issues}


def test_a_name_for_a_customer_nobody_knows_or_one_that_is_there_is_refused(account: str):
    with pytest.raises(BadInput, match="doesn't know"):
        strangers.means(account, ["cus_2"], "cus_3", "ana")
    with pytest.raises(BadInput, match="knows 'cus_1' already"):
        strangers.create(account, ["cus_1"], "ana")


def test_a_name_that_is_said_unsettles_what_waits(account: str, tmp_path: Path):
    waiting = checked(tmp_path, ROWS)
    assert strangers.never_billed(account, ["cus_2"], "ana") == [waiting.id]
    assert (records.get(waiting.id).state, deciding.reasons_not_to(records.get(waiting.id))) == ("matched", ("This import hasn't been checked yet.",))


def test_an_account_that_gives_no_answer_holds_nothing_up(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("API_URL", "http://127.0.0.1:9"), ("API_KEY", "k"), ("ORGANISATION", "o")):
        monkeypatch.setenv(f"INTAKE_{name}", value)
    settings.cache_clear()
    record = checked(tmp_path, ROWS)
    assert (record.state, strangers.answer(record.id).asked, names(record)) == ("checked", False, ["ack.negative_quantity.quantity", "rejected"])


def test_only_customers_who_are_new_since_the_account_was_asked_are_asked_about(account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    known = BillingClient.known_customers
    monkeypatch.setattr(BillingClient, "known_customers", lambda client, ids: asked.append(sorted(ids)) or known(client, ids))
    record = checked(tmp_path, ROWS.replace("cus_2", "cus_1"))
    for row in (3, 4):
        fixing.correct(record.id, [SetCells(edits=(Edit(row=row, column="customer_id", value="cus_3" if row == 3 else "cus_1"),))], "ana")
        whole_check.check(record.id)
    assert (asked, strangers.known_as(record.id)) == ([["cus_1"], ["cus_3"], ["cus_3"]], {"cus_3": ""})


def test_more_customers_than_can_be_asked_about_are_said(account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ingest.push.unknown.ASKED", 1)
    assert strangers.answer(checked(tmp_path, ROWS).id) == strangers.Answer(asked=True, too_many=2)


def test_a_newer_edition_of_what_was_sent_is_a_decision(account: str, tmp_path: Path):
    first = checked(tmp_path, ROWS)
    imports.choose_rejected(first.id, "continue", "ana")
    deciding.acknowledge(first.id, names(first, open=True)[:2], "ana")
    plan(begin(first.id, "ana"))
    second = checked(tmp_path, ROWS.replace(",4\n", ",5\n").replace("cus_2,2026-10-02T00:00:00Z,-2\n", ""), "newer.csv")
    changes = next(each for each in deciding.decisions(second) if each.kind == "changes")
    assert (changes.name, changes.open, changes.changes.changed, changes.changes.removed, changes.changes.totals) == (f"ack.changes.{first.id}", True, 1, 1, {"quantity": ("0.5", "3.5")})
    assert changes.name not in names(deciding.acknowledge(second.id, [changes.name], "ana"), open=True)


def test_a_question_is_answered_and_asked_again_on_the_command_line(account: str, tmp_path: Path, capsys: pytest.CaptureFixture):
    record = checked(tmp_path, ROWS + "cus_1,2026-10-02T00:00:00Z,4\n")

    def decide(answer: str) -> tuple[int, list[str]]:
        code = main(["decisions", record.id, "--answer", answer, "--json"])
        return code, [each["name"] for each in json.loads(capsys.readouterr().out).get("decisions", ()) if each["open"]]

    assert [decide(each)[1] for each in ("identical_rows=once", "identical_rows=")] == [["ack.negative_quantity.quantity", "rejected", "customers"], ["identical_rows", "ack.negative_quantity.quantity", "rejected", "customers"]]
    before = records.pointers(record.id)
    assert [decide(each)[0] for each in ("nothing=1",)] == [2]
    assert (records.get(record.id).state, records.pointers(record.id)) == ("checked", before)


def test_what_reading_was_not_sure_of_holds_everything_back_and_can_be_given_away(account: str, tmp_path: Path):
    record = checked(tmp_path, ROWS)
    options = [{"value": name, "label": name, "spec": {"encoding": name}} for name in ("cp1252", "cp1250")]
    record = records.change(record.id, report=record.report.model_copy(update={"questions": ({"name": "encoding", "text": "Which letters are right?", "answer": "cp1252", "options": options},)}))
    first = deciding.decisions(record)[0]
    assert (first.name, first.kind, first.open, first.rows) == ("reading.encoding", "reading", True, 4)
    assert "This question has no answer yet: Which letters are right? [reading.encoding]" in deciding.reasons_not_to(record)
    handovers.give(record.id, deciding.named(record, "reading.encoding").name, "Cleo", "", "ana")
    assert [decision.name for _, decision in deciding.waiting(account)] == ["reading.encoding"]
    for name, value in (("reading.sheet", "x"), ("reading.encoding", "koi8-r")):
        with pytest.raises(BadInput, match="There is: reading.encoding|cp1252 or cp1250"):
            deciding.answer(record.id, name, value, "ana")
    assert deciding.answer(record.id, "reading.encoding", "cp1250", "ana").read_spec.encoding == "cp1250"
    assert "reading.encoding" not in names(whole_check.check(record.id))
