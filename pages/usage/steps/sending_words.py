"""The sentences of the step Send: before it, when it was stopped, and on the receipt. All are safe to show as Markdown."""

from datetime import datetime

from pages.parts.text import count, number, plain
from pages.usage.steps.words import destination, listed, not_looked_up, period, things
from schemas.checking import RowCounts
from schemas.pushing import EventCounts, MetricProof, Proof, PushSummary, Receipt

_TRIES = {"event": "Every event was looked up by its own id.", "counts": "Counts and sums per customer and day were compared, before and after sending; single events couldn't be looked up.", "none": "Nothing could be read back yet."}


def duration(seconds: float) -> str:
    """How long something will take, roughly."""
    if seconds < 3:
        return "A few seconds"
    if seconds < 90:
        return f"About {max(5, round(seconds / 5) * 5)} seconds"
    if seconds < 5400:
        return f"About {count(round(seconds / 60), 'minute')}"
    return f"About {count(round(seconds / 3600), 'hour')}"


def before_sending(summary: PushSummary) -> str:
    """The first sentence of the message before sending: the question itself."""
    return f"Send {count(summary.events, 'event')} for {count(summary.customers, 'customer')}, {period(summary.first_timestamp, summary.last_timestamp)}, to {destination(summary.account, summary.account_kind)}?"


def before_sending_details(summary: PushSummary) -> list[str]:
    """The other sentences of the message before sending, one a line."""
    lines = [f"{duration(summary.seconds)}, in {count(summary.batches, 'batch', 'batches')}. You can close the page meanwhile.", other_rows(summary.rows), held(summary)]
    if summary.unknown_customer_count:
        lines.append(f"{things(summary.unknown_customer_count, 'customer is', 'customers are')} not known to the account: {listed(summary.unknown_customers)}.")
    if summary.customers_not_looked_up:
        lines.append(not_looked_up(summary.customers_not_looked_up))
    lines.append("Events can't be deleted afterwards, and this portal can't take them back.")
    return [line for line in lines if line]


def other_rows(rows: RowCounts) -> str:
    """What happens to the rows that are not sent."""
    parts = []
    if rows.rejected:
        parts.append(f"{things(rows.rejected, 'needs fixing and stays', 'need fixing and stay')} open")
    if rows.duplicate:
        parts.append(f"{things(rows.duplicate, 'was', 'were')} already sent or {'is' if rows.duplicate == 1 else 'are'} repeated")
    if rows.excluded:
        parts.append(f"{things(rows.excluded, 'is', 'are')} left out")
    return f"Of {count(rows.read, 'row')}, {', '.join(parts)}." if parts else f"All {count(rows.read, 'row')} of the file are sent." if rows.read != 1 else "The one row of the file is sent."


def held(summary: PushSummary) -> str:
    """What the account already holds for these customers and this period."""
    if summary.held is None:
        return "The account can't say what it already holds for these customers and this period."
    if summary.held == 0:
        return "The account holds no usage of this kind yet for these customers and this period."
    holds = f"The account already holds {count(summary.held, 'event')} of this kind for these customers and this period"
    if summary.held_elsewhere is None:
        return f"{holds}; it can't say how many of them came from here."
    if summary.held_elsewhere == 0:
        return f"{holds}, all sent from here."
    return f"{holds}: **{number(summary.held_elsewhere)} did not come from here.**"


def after_sending(receipt: Receipt, open_rows: int, next_check: datetime | None = None) -> str:
    """The message after sending: proven, or exactly what is missing and when it is looked for again."""
    events, proof = receipt.events, receipt.proof
    stays = f" {things(open_rows, 'row is', 'rows are')} still open." if open_rows else ""
    refused = f" {things(events.rejected, 'was', 'were')} refused." if events.rejected else ""
    if proof.agrees and not events.rejected and not events.unknown:
        totals = "" if receipt.events.planned == 0 else ", totals equal for every customer"
        return f"**Done and proven.** {number(events.accepted)} sent, {number(proof.found)} found in the account{totals}.{stays}"
    if proof.agrees:
        return f"**Done, but not everything was stored.** {number(events.sent)} sent, {number(proof.found)} found in the account.{refused}{stays}"
    again = f" We are checking. Next check {next_check:%H:%M} UTC." if next_check else ""
    found = f", {number(proof.found)} found" if proof.level != "none" else "; the account couldn't be asked for them yet"
    return f"**Not proven yet:** {number(events.sent)} sent{found}. Don't upload again.{again}{refused}{stays}"


def stopped(events: EventCounts) -> str:
    """The exact effect of stopping."""
    rest = events.planned - events.accepted - events.rejected - events.unknown
    parts = [f"{number(events.accepted)} of {number(events.planned)} {'was' if events.planned == 1 else 'were'} stored and {'stays' if events.accepted == 1 else 'stay'} in the account" if events.accepted else f"None of {count(events.planned, 'event')} was stored"]
    if events.rejected:
        parts.append(things(events.rejected, "was refused", "were refused"))
    if events.unknown:
        parts.append(f"{number(events.unknown)} got no answer, so whether they are stored isn't known; continuing settles that without storing anything twice")
    parts.append(things(rest, "was not sent", "were not sent"))
    return f"**Sending is stopped.** {'; '.join(parts)}."


def chain(receipt: Receipt) -> list[str]:
    """The two equations of a receipt, as lines."""
    rows, events = receipt.rows, receipt.events
    first = f"{count(rows.read, 'row')} read = {number(rows.accepted)} ready + {things(rows.rejected, 'needs', 'need')} fixing + {number(rows.duplicate)} already sent or repeated + {number(rows.excluded)} left out"
    numbers = [rows.accepted, events.sent, events.accepted, receipt.proof.found]
    read_back = receipt.proof.level != "none" or not events.accepted
    found = f"{_sign(numbers, 2)} {number(receipt.proof.found)} found again" if read_back else "(not read back yet)"
    second = f"{number(rows.accepted)} ready {_sign(numbers, 0)} {number(events.sent)} sent {_sign(numbers, 1)} {number(events.accepted)} stored {found}"
    return [f":material/check: {first}", f"{':material/check:' if len(set(numbers)) == 1 else ':material/warning:'} {second}"]


def proof_level(proof: Proof) -> str:
    """How it was proven."""
    return _TRIES[proof.level]


def metric(made: MetricProof) -> str:
    """`CPU hours: 298 of 298 customers agree, 2026-10-01 to 2026-10-31.`, and what was compared."""
    name = f"{plain(made.name)}: " if made.name else ""
    if not made.customers:
        return f":material/help: {name}{plain(made.note or 'nothing to compare.')}"
    icon = ":material/check:" if made.agrees else ":material/warning:"
    return f"{icon} {name}{number(made.agree)} of {count(made.customers, 'customer')} agree{'s' if made.customers == 1 else ''}, {plain(made.first)} to {plain(made.last)}. {plain(made.note)}"


def _sign(numbers: list[int], position: int) -> str:
    return "=" if numbers[position] == numbers[position + 1] else "≠"
