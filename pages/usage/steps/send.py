"""Step 2d, Send: what will happen and a confirmation; then progress that outlives the page; then the receipt."""

import streamlit as st

from ingest import month, push
from ingest.errors import BadInput, IngestError
from ingest.processes import worker_runs
from ingest.store import accounts, pushes
from ingest.store.imports import last_sent, pointers
from pages.parts import errors, frame
from pages.parts.ask import ask
from pages.parts.attention import announce
from pages.parts.state import link_account, link_import, open_import, remembered
from pages.parts.text import count, number, plain
from pages.usage.steps import known, period_line, receipt, recipe, sending_words, strangers
from pages.usage.steps.aside import aside
from schemas.pushing import PushProgress, PushSummary
from schemas.records import ImportRecord

MOVING = ("queued", "planning", "sending", "verifying")
SECONDS = 1.0
PATIENCE = 2.0
"""Seconds without any movement, after which the page says what is being waited for."""


def show(record: ImportRecord, actor: frame.Actor) -> None:
    """Draws the step."""
    latest = push.latest(record.id)
    if latest is not None and record.state in ("pushing", "stopped", "pushed", "proven"):
        _of_push(record, latest, actor.name)
    elif record.check is None:
        st.info("First the rows have to be checked.", icon=":material/pending:")
        link_import(record.id, "Go to Review", "review", icon=":material/arrow_back:")
    else:
        _before(record, actor.name)


def _before(record: ImportRecord, who: str) -> None:
    """The summary, the confirmation and the button."""
    if record.message:
        st.warning(f"Nothing was sent. {plain(record.message)}", icon=":material/info:")
        if st.button("Check this import again", key=f"check_again_{record.id}", icon=":material/refresh:"):
            strangers.queue_check(record.id, who)
            open_import(record.id, "review")
        _link_sender(record)
    known.say(record)
    recipe.say(record)
    period_line.show(record, who, editable=True)
    summary = _summary_or_sentence(record)
    if summary is None:
        return
    with st.container(border=True, key="before_sending"):
        st.header(sending_words.before_sending(summary) if not summary.reasons_not_to else "Not ready to send", anchor=False)
        st.markdown("\n".join(f"- {line}" for line in sending_words.before_sending_details(summary)))
        if record.rejected_choice == "continue" and record.check.rows.rejected:
            link_import(record.id, "See the rows that need fixing", "review", icon=":material/arrow_back:")
    confirmed = _confirmed(record, summary)
    _send_button(record, summary, who, confirmed)


def _link_sender(record: ImportRecord) -> None:
    """A link to the import that sent such usage last, where it is the one that the message names."""
    for last in last_sent(accounts.account(record.account).ledger_name, record.event_type or "", but=record.id):
        if last.file_name in record.message:
            link_import(last.import_id, f"Look at {plain(last.file_name)}", "send", icon=":material/receipt_long:")


@st.cache_data(ttl=30, max_entries=100, show_spinner="Asking the account what it already holds, and waiting for its answer …", show_time=True)
def what_will_happen(import_id: str, check_key: str, choice: str) -> PushSummary:
    """The summary, asked once for half a minute: ticking the box doesn't ask the account again. Raises Outside errors."""
    return ask(push.summary, import_id)


def _summary_or_sentence(record: ImportRecord) -> PushSummary | None:
    try:
        return what_will_happen(record.id, pointers(record.id)[1] or "", record.rejected_choice or "")
    except IngestError as error:
        errors.show(error)
        aside("Nothing was sent. Before sending, the portal has to know what the account already holds.")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Try again", key="summary_again", icon=":material/refresh:", type="primary")
            link_account()
        return None


def _confirmed(record: ImportRecord, summary: PushSummary) -> bool:
    """Whether the person confirmed: a tick, and for production the account's name typed as well."""
    if summary.reasons_not_to:
        return False
    if summary.account_kind == "production":
        typed = st.text_input(f"This reaches real invoices. Type the account's name, {plain(summary.account)}, to confirm", key=f"confirm_name_{record.id}", autocomplete="off")
        return (typed or "").strip() == summary.account
    return st.checkbox(f"Yes, send {'this' if summary.events == 1 else 'these'} {count(summary.events, 'event')} to {plain(summary.account)}", key=f"confirm_{record.id}")


def _send_button(record: ImportRecord, summary: PushSummary, who: str, confirmed: bool) -> None:
    reason = " ".join(plain(each) for each in summary.reasons_not_to) or ("" if confirmed else "Type the account's name first." if summary.account_kind == "production" else "Tick the box first.")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(f"Send {count(summary.events, 'event')}", type="primary", disabled=bool(reason), key="send")
        if reason:
            st.markdown(f":material/info: {reason}")
    if pressed:
        with errors.shown():
            with st.spinner("Preparing to send …", show_time=True):
                _queue(push.begin(record.id, who), who)
            st.rerun()


def _of_push(record: ImportRecord, latest: PushProgress, who: str) -> None:
    if latest.state in MOVING:
        _progress(latest.push_id, who)
    elif latest.state == "waiting":
        _waiting(latest, who)
    elif latest.state == "stopped":
        _stopped(record, latest, who)
    else:
        receipt.show(record, push.receipt(latest.push_id), who)


@st.fragment(run_every=SECONDS)
def _progress(push_id: str, who: str) -> None:
    """How far it is, once a second; the whole page runs again when the push comes to rest."""
    now = _progress_or_none(push_id)
    if now is None or now.state not in MOVING:
        st.rerun()
    failure = month.stage(now.import_id).failure
    if failure:
        _failed(now, failure, who)
        return
    st.header(_headline(now), anchor=False)
    done = now.events.accepted + now.events.rejected
    share = done / now.events.planned if now.events.planned else 0.0
    st.progress(min(share, 1.0), text=_so_far(now))
    announce(f"{_headline(now)} {int(share * 10) * 10} percent")
    _say_what_is_awaited(now)
    st.markdown("You can close this page; sending goes on. This address shows how far it is, to you and to colleagues.")
    _stop_button(now, who)


def _say_what_is_awaited(now: PushProgress) -> None:
    """A sentence when nothing has moved for a while: an account that hangs looks like one that works, else. So does one that refuses."""
    seconds = remembered.standing_since(now.push_id, (now.state, now.events, now.batches_settled))
    if seconds < PATIENCE:
        return
    refused = pushes.batches_of(now.push_id, states=("split",)) if now.batches_settled < now.batches else []
    if refused:
        st.warning(
            f"**{plain(now.account)} refuses some of it.** {plain(refused[-1].message)} Refused batches are halved until the refused rows stand alone; before each try the account is asked whether it"
            " stored anything, so this takes a while. Stop sending if it is the columns that have to be matched differently.", icon=":material/error:",
        )
        return
    if not worker_runs():
        st.warning("Nothing is working on it: the worker isn't running. Start everything again with: make run", icon=":material/power_off:")
    elif now.state == "queued":
        st.info("Another push is on its way; this one is next.", icon=":material/hourglass_top:")
    else:
        st.info(f"Waiting for {plain(now.account)} to answer, for {count(int(seconds), 'second')} now. What gets no answer is tried again by itself, what is refused is looked up there first, and nothing is sent twice.", icon=":material/hourglass_top:")


def _progress_or_none(push_id: str) -> PushProgress | None:
    """None for a push that never began: the account or the file had changed meanwhile, and the import says so."""
    try:
        return push.progress(push_id)
    except BadInput:
        return None


def _failed(now: PushProgress, failure: str, who: str) -> None:
    st.error(f"**Sending was interrupted.** {plain(failure)}", icon=":material/error:")
    st.markdown(f"{_so_far(now)} Nothing is sent twice when it goes on.")
    if st.button("Try again", type="primary", key="try_again_failed", icon=":material/refresh:"):
        with errors.shown():
            _queue(now.push_id, who)
            st.rerun()


def _headline(now: PushProgress) -> str:
    names = {"queued": "Waiting for its turn …", "planning": "Preparing the batches …", "sending": f"Sending {count(now.events.planned, 'event')} …", "verifying": "Everything is sent; looking it up in the account …"}
    return names[now.state]


def _so_far(now: PushProgress) -> str:
    if not now.events.planned:
        return "Nothing sent yet."
    refused = f", {number(now.events.rejected)} refused" if now.events.rejected else ""
    return f"{number(now.events.accepted)} of {number(now.events.planned)} stored{refused}; {number(now.batches_settled)} of {count(now.batches, 'batch', 'batches')}."


def _stop_button(now: PushProgress, who: str) -> None:
    if now.state == "verifying":
        return
    if pushes.stop_asked(now.push_id):
        st.info("Stopping: the batches that are on their way are waited for, then you are told exactly what was stored.", icon=":material/hourglass_top:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Stop sending", key="stop_sending", icon=":material/stop_circle:"):
            with errors.shown():
                push.stop(now.push_id, who)
                st.toast("Stopping after the batches that are on their way.")
        aside("What was sent stays in the account; the rest isn't sent. You can continue later.")


def _waiting(latest: PushProgress, who: str) -> None:
    st.warning(f"**Sending waits.** {plain(latest.message) or 'The account could not be reached.'}", icon=":material/cloud_off:")
    st.markdown(f"{_so_far(latest)} It is tried again by itself every minute, and nothing is sent twice.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Try again", type="primary", key="try_again", icon=":material/refresh:"):
            _continue(latest.push_id, who)
        if st.button("Stop sending", key="stop_waiting", icon=":material/stop_circle:"):
            with errors.shown():
                push.stop(latest.push_id, who)
                st.rerun()
        link_account()


def _stopped(record: ImportRecord, latest: PushProgress, who: str) -> None:
    st.warning(sending_words.stopped(latest.events), icon=":material/pause_circle:")
    rest = latest.events.planned - latest.events.accepted - latest.events.rejected
    if st.button("Continue sending", type="primary", key="continue_sending", icon=":material/play_circle:", disabled=not rest):
        _continue(latest.push_id, who)
    if not latest.events.accepted and not latest.events.unknown:
        aside("Nothing of this file is in the account. If its columns have to be matched differently, bring the file in again: the portal recognises it and asks.")
    if latest.receipt:
        receipt.details(record, latest.receipt)


def _continue(push_id: str, who: str) -> None:
    with errors.shown():
        push.resume(push_id, who)
        _queue(push_id, who)
        st.rerun()


def _queue(push_id: str, who: str) -> None:
    from ingest import jobs  # dbos takes a second to import

    jobs.queue_push(push_id, who)
