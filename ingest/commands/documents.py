"""What several commands say, and look up."""



from ingest.errors import BadInput, Outside
from ingest.processes import sandbox_for
from ingest.store import accounts
from schemas.account import Account
from schemas.checking import IssueExample, IssueGroup, Question
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


def nearly_known(record: ImportRecord, account: Account) -> list[IssueGroup]:
    """A warning about customers whom the account doesn't know and whose name is nearly that of a known one; none where it can't be asked."""
    from ingest.billing import BillingClient
    from ingest.push.unknown import unknown_customers

    try:
        with sandbox_for(account), BillingClient(accounts.account(account.name)) as client:
            found = [each for each in unknown_customers(record, client) if each.meant]
    except Outside:
        return []
    column = next((match.column for match in record.match.matches if match.field == "customer_id"), None)
    meant = ", ".join(f"{each.meant!r} for {each.customer_id!r}" for each in found[:5])
    examples = tuple(IssueExample(row=each.first_row, value=each.customer_id) for each in found[:5])
    todo = f"Correct the customer where a known one is meant: did you mean {meant}?"
    rows = sum(each.rows for each in found)
    return [IssueGroup(code="customer_nearly_known", severity="warning", column=column, count=rows, examples=examples, todo=todo, title="The account doesn't know this customer, but one of nearly the same name")] if found else []


def check_document(record: ImportRecord, spec: MatchSpec, questions: tuple[Question, ...]) -> Document:
    result = record.check
    return {
        "import_id": record.id, "account": record.account, "event_type": record.event_type,
        "rows": result.rows.model_dump(),
        "matches": [{"field": each.field, "column": each.column, "constant": each.constant, "why": each.why, "confidence": each.confidence} for each in spec.matches],
        "ignored": list(spec.ignored), "key": list(result.key),
        "issues": [each.model_dump(mode="json") for each in result.issues],
        "questions": [each.model_dump(mode="json") for each in (*questions, *result.questions)],
        "comparisons": [each.model_dump(mode="json") for each in result.comparisons],
        "already_sent": result.already_sent, "sent_by": [each.model_dump(mode="json") for each in result.sent_by],
        "first_timestamp": result.first_timestamp, "last_timestamp": result.last_timestamp, "customers": result.customers,
    }
