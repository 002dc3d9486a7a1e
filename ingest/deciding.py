"""The one list of decisions about an import, largest effect first, and the reasons not to send it that follow from them."""

from collections.abc import Collection, Mapping

from ingest import doubts, imports, since
from ingest.doubts import READING
from ingest.errors import BadInput, NotReady
from ingest.raw import row_in_file
from ingest.store import audit, handovers
from ingest.store import imports as records
from ingest.store.database import store
from ingest.wording import count
from schemas.checking import CheckResult, IssueGroup, Question, was_seen
from schemas.deciding import CHANGED_ROWS, Decision, Handover, SinceLastTime
from schemas.matching import ACKNOWLEDGED
from schemas.reading import ReadReport
from schemas.records import ImportRecord

CUSTOMERS = ("customer_unknown", "customer_nearly_known")
ASKED = {"timestamp_without_zone": "zone", "identical_rows": "identical_rows"}
"""Warnings that a question of this kind says already; its answer settles them."""
SENT = ("pushing", "stopped", "pushed", "proven")
REASONS = 4
"""So many reasons why rows are left out are named."""


def decisions(record: ImportRecord) -> tuple[Decision, ...]:
    """Everything that is open, was decided, or is good to know about a checked import: largest effect first, what is settled last."""
    if record.check is None or record.match is None:
        return ()
    given = handovers.of_import(record.id)
    return (*_reading(record, given), *listed(record.check, record.rejected_choice, answers=record.match.answers, report=record.report, changes=since.kept(record.id), given=given))


def listed(
    check: CheckResult, choice: str | None, *, answers: Mapping[str, str] | None = None, report: ReadReport | None = None, changes: SinceLastTime | None = None, given: Mapping[str, Handover] | None = None,
) -> tuple[Decision, ...]:
    """The same out of what was found and said. `choice` is what happens to rows that need fixing."""
    answers = answers or {}
    found = [
        *(_question(question, check) for question in check.questions), *_rejected(check, choice, report), *_customers(check, report),
        *_changes(changes, answers, check), *_kept_rules(check, answers), *_remarks(check, answers, report), *_left_out(check),
    ]
    named = [each.model_copy(update={"handover": given.get(each.name)}) for each in found] if given else found
    return tuple(sorted(named, key=lambda each: (each.settled, -each.rows, not each.open)))


def reasons_not_to(record: ImportRecord) -> tuple[str, ...]:
    """Why an import can't be sent yet, as sentences; empty when it can."""
    if record.check is None or record.match is None:
        return ("This import hasn't been checked yet.",)
    reasons = [_reason(each) for each in decisions(record) if each.open]
    if record.check.rows.rejected and record.rejected_choice == "stop":
        reasons.append(f"{count(record.check.rows.rejected, 'row needs', 'rows need')} fixing, and nothing is to be sent until they are fixed.")
    if record.check.rows.accepted == 0:
        reasons.append("No row is ready to be sent.")
    reasons += [f"It isn't certain that {match.field} comes from column {match.column!r} ({match.why}). Confirm it first." for match in record.match.matches if match.confidence != "certain"]
    return tuple(reasons)


def refuse_what_is_open(record: ImportRecord) -> None:
    """Raises NotReady, naming what is open and how it is decided, where an import can't be sent yet."""
    reasons = reasons_not_to(record)
    if reasons:
        raise NotReady(" ".join(reasons), f"Decide on the page, step Review, or list and acknowledge with: python -m ingest decisions {record.id}" if record.check else "")


def acknowledge(import_id: str, names: Collection[str], who: str, *, seen: bool = True) -> ImportRecord:
    """Notes that somebody saw these warnings about so many rows, by the names of their decisions or answers, or that nobody did; no row has to be checked again for it. Raises BadInput for one that isn't there."""
    record = records.get(import_id)
    if record.state in SENT:
        raise NotReady("This import was sent; nothing can be decided about it any more.")
    found = decisions(record)
    known = {name: each for each in found for name in (each.name, *each.acknowledgements) if each.acknowledgements}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"There is nothing called {unknown[0]!r} to acknowledge.", f"There is: {', '.join(dict.fromkeys(each.name for each in known.values())) or 'nothing'}.")
    answers = [answer for name in names for answer in (known[name].acknowledgements if name == known[name].name else (name,))]
    rows = {group.acknowledgement: str(group.count) for each in found for group in each.groups} | {each.name: str(each.rows) for each in found if not each.groups}
    given = {**{name: value for name, value in record.match.answers.items() if name not in answers}, **({answer: rows[answer] for answer in answers} if seen else {})}
    with store().begin() as connection:
        audit.record(connection, who, "acknowledge" if seen else "acknowledge-not", import_id, ", ".join(answers)[:2000])
    return records.change(import_id, match=record.match.model_copy(update={"answers": given}), check=record.check.acknowledged_by(given))


def answer(import_id: str, name: str, value: str | None, who: str) -> ImportRecord:
    """Stores the answer to a question, or takes one back (None); the import has to be checked again. Raises BadInput where that was never asked."""
    record = records.get(import_id)
    if name.startswith(READING) and value is not None:
        return doubts.answer(import_id, name, value)
    if record.match is None or record.account is None:
        raise NotReady("The columns aren't matched yet.", "Say what this usage is first.")
    given = {key: said for key, said in record.match.answers.items() if key != name}
    known = [*(question.name for question in (record.check.questions if record.check else ())), *(key for key in record.match.answers if not key.startswith(ACKNOWLEDGED))]
    if name not in known:
        raise BadInput(f"There is no question {name!r} about this import.", f"There are: {', '.join(known) or 'none'}.")
    return imports.set_match(import_id, record.match.model_copy(update={"answers": {**given, **({} if value is None else {name: value})}}), record.account, who)


def named(record: ImportRecord, name: str) -> Decision:
    """The decision of this name. Raises BadInput where there is none."""
    found = decisions(record)
    for each in found:
        if each.name == name:
            return each
    raise BadInput(f"There is no decision {name!r} about this import.", f"There are: {', '.join(each.name for each in found) or 'none'}.")


def waiting(account: str) -> list[tuple[Handover, Decision]]:
    """What colleagues were asked to decide and is still open, oldest first."""
    given = handovers.in_states(("matched", "checking", "checked"), account)
    open_ones = {each.import_id: {one.name: one for one in decisions(records.get(each.import_id)) if not one.settled} for each in given}
    return [(each, open_ones[each.import_id][each.decision]) for each in given if each.decision in open_ones[each.import_id]]


# The entries.


def _reading(record: ImportRecord, given: Mapping[str, Handover]) -> list[Decision]:
    """What reading wasn't sure of: every row hangs on it, so it stands first."""
    found = [(f"{READING}{each['name']}", str(each["text"])) for each in doubts.open_ones(record)]
    return [Decision(name=name, kind="reading", rows=record.report.rows, text=text, open=True, handover=given.get(name)) for name, text in found]


def _question(question: Question, check: CheckResult) -> Decision:
    return Decision(name=question.name, kind="question", rows=check.rows.read, text=question.text, open=question.blocking, question=question)


def _rejected(check: CheckResult, choice: str | None, report: ReadReport | None) -> list[Decision]:
    rejected = check.rows.rejected
    if not rejected:
        return []
    wrong = tuple(sorted((group for group in check.issues if group.severity == "error"), key=lambda group: -group.count))
    said = {"continue": "; the other rows go without them", "stop": "; nothing is sent until they are fixed"}.get(choice or "", "")
    what = "; ".join(sentence(group, report) for group in wrong)
    return [Decision(name="rejected", kind="rejected", rows=rejected, text=f"{count(rejected, 'row needs', 'rows need')} fixing: {what}{said}", open=choice is None, settled=choice == "continue", groups=wrong)]


def _customers(check: CheckResult, report: ReadReport | None) -> list[Decision]:
    """Whom the account doesn't know, as one entry."""
    groups = tuple(group for group in check.issues if group.code in CUSTOMERS and group.severity == "warning")
    if not groups:
        return []
    waits = any(not group.acknowledged for group in groups)
    return [Decision(name="customers", kind="customers", rows=sum(group.count for group in groups), text="; ".join(sentence(group, report) for group in groups), open=waits, settled=not waits, groups=groups)]


def _changes(changes: SinceLastTime | None, answers: Mapping[str, str], check: CheckResult) -> list[Decision]:
    """Where a file takes something back that was sent for the period before. Changed rows that are asked about, or were, aren't decided on twice."""
    asked = CHANGED_ROWS in answers or any(question.name == CHANGED_ROWS for question in check.questions)
    if changes is None or not (changes.changed and not asked or changes.removed):
        return []
    name = f"{ACKNOWLEDGED}changes.{changes.against}"
    seen = was_seen(answers.get(name), changes.changed + changes.removed)
    text = f"Against {changes.against_file}, which was sent for this period: {count(changes.changed, 'event is', 'events are')} otherwise now, {changes.removed:,} gone, {changes.new:,} new"
    return [Decision(name=name, kind="changes", rows=changes.changed + changes.removed, text=text, open=not seen, settled=seen, changes=changes)]


def _kept_rules(check: CheckResult, answers: Mapping[str, str]) -> list[Decision]:
    """Rows that a recipe's rule left out of this file: what it was made for may have become real usage since."""
    found = []
    for each in check.kept_rules:
        name = f"{ACKNOWLEDGED}kept_rule.{each.rule.reason}"
        seen = was_seen(answers.get(name), each.rows)
        columns = ", ".join(dict.fromkeys(test.column for test in each.rule.where.tests))
        text = f"{count(each.rows, 'row is', 'rows are')} left out by a rule that was kept with the recipe: {each.rule.reason!r}{f', by {columns}' if columns else ''}"
        found.append(Decision(name=name, kind="kept_rule", rows=each.rows, text=text, open=not seen, settled=seen, rule=each.rule))
    return found


def _remarks(check: CheckResult, answers: Mapping[str, str], report: ReadReport | None) -> list[Decision]:
    asked = {question.name.partition(".")[0] for question in check.questions}
    answered = {name.partition(".")[0] for name in answers}
    found = []
    for group in check.issues:
        kind = ASKED.get(group.code)
        if group.severity == "error" or kind in asked | answered or group.code in CUSTOMERS and group.severity == "warning":
            continue
        settled = bool(group.acknowledged)
        found.append(Decision(name=group.acknowledgement, kind="warning" if group.severity == "warning" else "note", rows=group.count, text=sentence(group, report), open=group.severity == "warning" and not settled, settled=settled, groups=(group,)))
    return found


def _left_out(check: CheckResult) -> list[Decision]:
    rows = check.rows
    duplicate = Decision(name="duplicate", kind="duplicate", rows=rows.duplicate, text=f"{count(rows.duplicate, 'row was', 'rows were')} already sent or {'is' if rows.duplicate == 1 else 'are'} repeated, and {'isn' if rows.duplicate == 1 else 'aren'}'t sent again")
    excluded = Decision(name="excluded", kind="excluded", rows=rows.excluded, text=f"{count(rows.excluded, 'row is', 'rows are')} left out{why_left_out(check)}")
    return [each for each in (duplicate, excluded) if each.rows]


def why_left_out(check: CheckResult) -> str:
    """The reasons why rows are left out, behind a colon, the most frequent ones by name; nothing for a check that kept none."""
    named = [f"{reason} ({rows:,})" for reason, rows in list(check.reasons.items())[:REASONS]]
    others = sum(list(check.reasons.values())[REASONS:])
    return f": {', '.join(named + [f'other reasons ({others:,})'] * bool(others))}" if named else ""


def sentence(group: IssueGroup, report: ReadReport | None = None) -> str:
    """One kind of issue in one column, without any markup: how many rows, what, and the first place."""
    where = f" in {group.column}" if group.column else ""
    first = next((each for each in group.examples if each.row), None)
    place = f" (first: row {row_in_file(first.row, report) if report else first.row}{f': {first.value[:40]!r}' if first.value else ''})" if first else ""
    return f"{count(group.count, 'row')}{where}: {(group.title or group.code)[:1].lower()}{(group.title or group.code)[1:]}{place}"


def _reason(each: Decision) -> str:
    if each.kind in ("question", "reading"):
        return f"This question has no answer yet: {each.text}{f' [{each.name}]' if each.kind == 'reading' else ''}"
    if each.kind == "rejected":
        return f"{count(each.rows, 'row needs', 'rows need')} fixing, and nobody has said whether to go on without them."
    waits = f" (waiting for {each.handover.colleague})" if each.handover else ""
    return f"Nobody has acknowledged this yet{waits}: {each.text} [{each.name}]."

