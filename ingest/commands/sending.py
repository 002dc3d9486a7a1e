"""A push, as a document."""

from collections.abc import Callable

from ingest import deciding, imports
from ingest.commands.documents import Document, with_customers
from ingest.errors import NotReady
from ingest.processes import sandbox_for
from ingest.settings import settings
from ingest.store import accounts
from ingest.wording import count
from schemas.account import Account
from schemas.records import ImportRecord

AGREED = ("identical_rows", "zone", "empty")
"""Questions whose proposal is how the rows are read already: every row counts, UTC, an empty cell says nothing."""


def push_import(import_id: str, *, account: str | None, yes: bool, rejected: str | None, ask: Callable[[str], bool], say: Callable[[str], None]) -> Document:
    """Sends an import and proves it. A push that was cut off goes on; one that is done answers with its receipt."""
    from ingest import push, worker
    from ingest.store import imports as import_rows
    from ingest.store import pushes

    record = _checked_again(import_rows.get(import_id))
    if account and account != record.account:
        record = _for_account(record, accounts.account(account))
    target = accounts.account(record.account)
    known = [each for each in pushes.of_import(import_id) if each.ledger_name == target.ledger_name]
    unfinished = known[0] if known and known[0].state != "finished" else None
    if known and not unfinished and _nothing_new(record, known[0].check_key):
        return _push_document(push.progress(known[0].id), record)
    with sandbox_for(target):
        push_id = _confirmed_resume(unfinished.id, yes, ask) if unfinished else _confirmed_push(record, yes, rejected, ask, say)
        worker.do_push(push_id, settings().user, told=_Telling(push_id, say).now)
        if not any(each.id == push_id for each in pushes.of_import(import_id)):
            raise NotReady(import_rows.get(import_id).message)
        return _push_document(push.progress(push_id), import_rows.get(import_id))


def _checked_again(record: ImportRecord) -> ImportRecord:
    """The import; checked, where what holds for the whole account has changed since."""
    return with_customers(imports.check(record.id), accounts.account(record.account)) if record.state == "matched" and record.match and record.account else record


def _for_account(record: ImportRecord, target: Account) -> ImportRecord:
    if record.match is None:
        raise NotReady("The columns of this import aren't matched yet.", "Run check first.")
    imports.set_match(record.id, record.match, target.name, settings().user)
    return with_customers(imports.check(record.id), target)


def _nothing_new(record: ImportRecord, pushed_check: str) -> bool:
    from ingest.store import imports as import_rows

    return import_rows.pointers(record.id)[1] == pushed_check or record.check is None or record.check.rows.accepted == 0


def _confirmed_resume(push_id: str, yes: bool, ask: Callable[[str], bool]) -> str:
    from ingest import push

    if not yes and not ask("This push was cut off. Go on with it?"):
        raise NotReady("Nothing more was sent.")
    if push.progress(push_id).state == "stopped":
        push.resume(push_id, settings().user)
    return push_id


def _as_proposed(record: ImportRecord, say: Callable[[str], None]) -> ImportRecord:
    """What --yes agrees to: that the rows are sent as they are read now. Each such answer is said aloud and remembered in the match; to a question where a guess could be wrong it agrees never."""
    agreed = [each for each in record.check.questions if each.blocking and each.proposed and each.name.partition(".")[0] in AGREED] if record.check else []
    if not agreed:
        return record
    for question in agreed:
        chosen = next(option for option in question.options if option.value == question.proposed)
        say(f"{question.text} --yes says: {chosen.label}{f' ({chosen.effect})' if chosen.effect else ''}. To change it: check --answer {question.name}={'|'.join([option.value for option in question.options if option != chosen][:3])}.")
    answers = {**record.match.answers, **{question.name: question.proposed for question in agreed}}
    imports.set_match(record.id, record.match.model_copy(update={"answers": answers}), record.account, settings().user)
    return imports.check(record.id)


def _seen(record: ImportRecord, say: Callable[[str], None]) -> ImportRecord:
    """With --yes every warning counts as seen; each is said aloud."""
    waits = [each for each in deciding.decisions(record) if each.open and each.acknowledgements]
    for each in waits:
        say(f"--yes acknowledges: {each.text}.")
    return deciding.acknowledge(record.id, [each.name for each in waits], settings().user) if waits else record


def _confirmed_push(record: ImportRecord, yes: bool, rejected: str | None, ask: Callable[[str], bool], say: Callable[[str], None]) -> str:
    from ingest import push

    record = _seen(_as_proposed(record, say), say) if yes else record
    choice = rejected or ("continue" if yes else record.rejected_choice)
    if choice and record.check and record.check.rows.rejected:
        record = imports.choose_rejected(record.id, choice, settings().user)
    deciding.refuse_what_is_open(record)
    if not yes and not ask(_summary_line(record)):
        raise NotReady("Nothing was sent.")
    return push.begin(record.id, settings().user)


def _summary_line(record: ImportRecord) -> str:
    from ingest import push

    if record.check is None:
        raise NotReady("This import hasn't been checked yet.")
    summary = push.summary(record.id)
    held = "" if summary.held is None else f" The account already holds {summary.held:,} of this kind for these customers and this period, {summary.held_elsewhere:,} of which did not come from here."
    return f"Send {count(summary.events, 'event')} for {count(summary.customers, 'customer')}, {summary.first_timestamp} to {summary.last_timestamp}, to {summary.account}? About {count(max(1, round(summary.seconds)), 'second')}.{held} Events can't be deleted afterwards."


class _Telling:
    """Says now and then how far a push is."""

    def __init__(self, push_id: str, say: Callable[[str], None]) -> None:
        self.push_id, self.say, self.last = push_id, say, -1

    def now(self) -> None:
        from ingest.store import pushes

        events, _, _ = pushes.counts(self.push_id)
        tenth = events.accepted * 10 // events.planned if events.planned else -1
        if tenth > self.last:
            self.last = tenth
            self.say(f"{events.accepted:,} of {count(events.planned, 'event')} {'is' if events.accepted == 1 else 'are'} stored.")


def _push_document(progress, record: ImportRecord) -> Document:  # noqa: ANN001
    receipt = progress.receipt
    proof = receipt.proof.model_dump(mode="json") if receipt else {"found": 0, "missing": progress.events.accepted, "extra": 0, "agrees": False, "note": progress.message}
    proof["metrics"] = [each.model_dump(mode="json") for each in receipt.metrics] if receipt else []
    return {
        "push_id": progress.push_id, "import_id": progress.import_id, "account": progress.account, "state": progress.state, "message": progress.message,
        "rows": (receipt.rows if receipt else record.check.rows).model_dump(), "events": progress.events.model_dump(), "batches": progress.batches, "proof": proof,
    }
