"""The receipt of a push: what happened, the proof, and the evidence to keep."""

from datetime import UTC, datetime

import pyarrow as pa
import streamlit as st

from ingest import push
from ingest.store import open_rows, pushes
from pages.parts import errors, tables
from pages.parts.state import THIS_MONTH_PAGE
from pages.parts.text import count, moment, plain
from pages.usage.steps import downloads, sending_words, words
from pages.usage.steps.aside import aside
from schemas.pushing import MetricProof, Proof, Receipt
from schemas.records import ImportRecord

SECONDS = 3.0
REASONS = 3


def show(record: ImportRecord, made: Receipt, who: str) -> None:
    """A finished push: the message, the receipt, and the way back."""
    message = sending_words.after_sending(made, _still_open(made), _next_check(made))
    if made.proof.agrees and not made.events.rejected:
        st.success(message, icon=":material/verified:")
    else:
        st.warning(message, icon=":material/pending:")
        _refused(made)
        _check_again(made, who)
        _watch(made.push_id, made.proof.checked_at or "")
    if st.button("Back to this month", type="primary", key="back_to_month"):
        st.switch_page(THIS_MONTH_PAGE)
    details(record, made)


def _refused(made: Receipt) -> None:
    """Why the account refused events, in its own words, and where they wait."""
    why = dict.fromkeys(each.message for each in pushes.batches_of(made.push_id, states=("rejected",))) if made.events.rejected else ()
    for message in list(why)[:REASONS]:
        st.markdown(f":material/block: {plain(message)}")
    if why:
        st.markdown("They wait on *This month*, under *Rows to fix*: bring the file in again once it, or the match of its columns, is right. What was stored is recognised and not sent twice.")


def details(record: ImportRecord, made: Receipt) -> None:
    """The receipt itself."""
    with st.container(border=True, key="receipt"):
        st.header("Receipt", anchor=False)
        st.markdown("  \n".join(sending_words.chain(made)))
        _proof(made.proof)
        _metrics(made.metrics)
        ended = f", ended {moment(made.ended_at)}" if made.ended_at else ""
        st.markdown(f"Sent by {plain(made.pushed_by)} to {plain(made.account)}, from {plain(made.source_file)}; {count(made.batches, 'batch', 'batches')}; begun {moment(made.started_at)}{ended}.")
        if made.message:
            st.markdown(plain(made.message))
        downloads.evidence(made.push_id)
        with st.expander("Advanced"):
            aside("In the evidence and on the command line: ready = accepted, needs fixing = rejected, already sent or repeated = duplicate, left out = excluded, stored = acknowledged by the account.")
            st.json(made.model_dump(include={"push_id", "import_id", "event_type", "source_sha256", "events_sha256", "key", "identity_version"}))


def _proof(proof: Proof) -> None:
    checked = f" Last looked at {moment(proof.checked_at)}." if proof.checked_at else ""
    if proof.level != "none" or not proof.note:
        st.markdown(f"{sending_words.proof_level(proof)}{checked}")
    if proof.note and not proof.agrees:
        st.markdown(plain(proof.note))
    if proof.comparisons:
        st.markdown("  \n".join(words.comparison(each) for each in proof.comparisons))
    if proof.level != "none" and (proof.missing or proof.extra):
        st.markdown(f":material/warning: {count(proof.missing, 'event')} missing, {count(proof.extra, 'event')} too many.")
    if proof.differences:
        table = pa.table({"Customer": [each.customer_id for each in proof.differences], "Sent": [each.sent for each in proof.differences], "Found": [each.found for each in proof.differences]})
        tables.show(table, "Customers for whom the account shows something else than was sent")


def _metrics(compared: tuple[MetricProof, ...]) -> None:
    """Whether the account's billable metrics come to the numbers that they come to here."""
    if not compared:
        return
    st.markdown("  \n".join(["Billable metrics, in the account and here:", *map(sending_words.metric, compared)]))
    for each in compared:
        if each.differences:
            table = pa.table({
                "Customer": [one.customer_id for one in each.differences], "Value": [", ".join(value or "" for value in one.dimension) for one in each.differences],
                "Here": [one.ours for one in each.differences], "In the account": [one.theirs for one in each.differences],
            })
            tables.show(table, f"Customers for whom {each.name} is something else in the account")


def _still_open(made: Receipt) -> int:
    """How many of the file's rows are still open; a row with two problems counts once where that can be told."""
    problems = sum(each.count for each in open_rows.all_open() if each.import_id == made.import_id)
    return min(problems, made.rows.rejected + made.events.rejected)


def _next_check(made: Receipt) -> datetime | None:
    """When the worker looks at the account again by itself; None where it has given up."""
    from ingest import jobs  # dbos takes a second to import

    if made.proof.agrees or not made.events.accepted or not made.proof.checked_at or not made.ended_at:
        return None
    now, due = datetime.now(UTC), datetime.fromisoformat(made.proof.checked_at) + jobs.LOOK_AGAIN
    return max(due, now) if now - datetime.fromisoformat(made.ended_at) < jobs.LOOK_NO_LONGER else None


def _check_again(made: Receipt, who: str) -> None:
    if st.button("Check again now", key="verify_again", icon=":material/refresh:"):
        with errors.shown():
            _queue_verify(made.push_id, who)
            st.toast("The account is being asked again. This page shows the result when it is there.")


@st.fragment(run_every=SECONDS)
def _watch(push_id: str, checked_at: str) -> None:
    """Runs the page again when somebody has looked at the account since."""
    if (push.receipt(push_id).proof.checked_at or "") != checked_at:
        st.rerun()


def _queue_verify(push_id: str, who: str) -> None:
    from ingest import jobs  # dbos takes a second to import

    jobs.queue_verify(push_id, who)
