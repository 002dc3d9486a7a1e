"""What several commands say, and look up."""


from ingest import deciding, whole_check
from ingest.errors import BadInput
from ingest.processes import sandbox_for
from ingest.store import accounts
from schemas.account import Account
from schemas.checking import Question
from schemas.deciding import Decision
from schemas.event_type import EventType
from schemas.matching import MatchSpec
from schemas.records import ImportRecord

Document = dict[str, object]


def shown(name: str) -> str:
    """A file's name as text: it may hold bytes that are none."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def event_type_of(account: Account, slug: str) -> EventType:
    from ingest.billing import BillingClient

    with sandbox_for(account), BillingClient(accounts.account(account.name)) as client:
        found = client.event_type(slug)
        if found is None:
            known = ", ".join(each.slug for each in client.event_types()) or "none yet"
            raise BadInput(f"The account {account.name!r} has no event type {slug!r}.", f"It has: {known}. Create one with: python -m ingest event-type create.")
    return found


def with_customers(record: ImportRecord, account: Account) -> ImportRecord:
    """A checked import, together with what the account and what was sent before say about it."""
    with sandbox_for(account):
        return whole_check.look_around(record)


def check_document(record: ImportRecord, spec: MatchSpec, questions: tuple[Question, ...]) -> Document:
    result = record.check
    return {
        "import_id": record.id, "account": record.account, "event_type": record.event_type,
        "rows": result.rows.model_dump(),
        "matches": [{"field": each.field, "column": each.column, "constant": each.constant, "why": each.why, "confidence": each.confidence} for each in spec.matches],
        "ignored": list(spec.ignored), "key": list(result.key),
        "issues": [each.model_dump(mode="json") for each in result.issues],
        "open_warnings": list(result.open_warnings),
        "decisions": [decision_document(each) for each in deciding.decisions(record)],
        "checks": {name: setting.model_dump(mode="json", exclude_defaults=True) for name, setting in spec.checks.items()},
        "questions": [each.model_dump(mode="json") for each in (*questions, *result.questions)],
        "comparisons": [each.model_dump(mode="json") for each in result.comparisons],
        "already_sent": result.already_sent, "sent_by": [each.model_dump(mode="json") for each in result.sent_by],
        "first_timestamp": result.first_timestamp, "last_timestamp": result.last_timestamp, "customers": result.customers,
    }


def decision_document(each: Decision) -> Document:
    """One entry of the list of decisions."""
    return {"name": each.name, "kind": each.kind, "rows": each.rows, "open": each.open, "settled": each.settled, "text": each.text, "given_to": each.handover and each.handover.model_dump(mode="json", exclude={"import_id", "decision"})}
