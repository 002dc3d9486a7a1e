"""Metrics: what is billed, in sentences, with the month's totals and the rows behind them; and what the account has from elsewhere."""

import streamlit as st

from ingest import month, registering
from ingest.errors import IngestError
from ingest.metric.define import sentence
from ingest.month import Listed
from ingest.store import metrics
from pages.metrics.steps import asked, place, saving
from pages.metrics.steps.data import Data, days_of
from pages.parts import errors, frame
from pages.parts.text import count, plain, shorten
from pages.parts.text import month as in_words
from pages.usage.steps.aside import aside
from pages.usage.steps.words import amount
from schemas.account import Account
from schemas.metric import ADDITIVE, AccountMetric, Metric, StoredMetric

SHOWN = 30
"""How many metrics are counted on one page."""


def _page() -> None:
    actor = frame.begin("Metrics")
    account, period = frame.account(), frame.period()
    known = metrics.listed(account.name)
    if not known:
        st.info("A metric says how events become a billed quantity. Start from 'total per customer'.", icon=":material/functions:")
    if st.button("New metric", type="primary", icon=":material/add:"):
        place.begin_anew()
        st.switch_page(place.PAGE)
    if known:
        _ours(account, known, period)
    with st.expander(f"Metrics that {plain(account.name)} has", icon=":material/cloud:", key="metrics_elsewhere", on_change="rerun") as elsewhere:
        if elsewhere.open:
            with errors.shown():
                _elsewhere(account, actor.name)


def _ours(account: Account, known: list[StoredMetric], period: str) -> None:
    of_month = [each for each in month.with_events(account.name) if each.period == period]
    st.header(f"Totals of {in_words(period)}", anchor=False)
    aside("Over the imports of the month, sent or not.")
    for each in known[:SHOWN]:
        with st.container(border=True), errors.shown():
            _one(each, [one for one in of_month if one.event_type == each.metric.event_type], period)
    if len(known) > SHOWN:
        aside(f"Only the first {SHOWN} of {count(len(known), 'metric')} are counted here.")
        for each in known[SHOWN:]:
            _link(each.metric.name, each.metric.name)


def _one(stored: StoredMetric, imports: list[Listed], period: str) -> None:
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        _link(stored.metric.name, f"**{plain(stored.metric.name)}**", imports)
        st.markdown(plain(sentence(stored.metric)))
        st.markdown(f":small[{saving.registration(stored)}]")
    with right:
        _total(stored.metric, imports, period)


def _total(metric: Metric, imports: list[Listed], period: str) -> None:
    if not imports:
        aside(f"No import of {in_words(period)} has such events.")
        return
    chosen = Data(imports=tuple(each.id for each in imports), start=days_of(period)[0].isoformat(), end=days_of(period)[1].isoformat())
    try:
        found = asked.preview(metric, chosen, ("customer",), limit=1)
    except IngestError as error:
        st.markdown(f":material/warning: {errors.sentence(error)}")
        return
    st.markdown(f"**{'–' if found.total is None else amount(found.total)}**  \n:small[{'in total' if metric.function in ADDITIVE else 'over all events'}: {count(found.groups, 'customer')}, {count(len(imports), 'import')}]")
    if found.warnings:
        st.markdown(f":material/warning: {plain(shorten(found.warnings[0], 160))}")


def _link(name: str, label: str, imports: list[Listed] | None = None) -> None:
    st.page_link(place.PAGE, label=label, icon=":material/functions:", query_params={"metric": name, **({"import": ",".join(each.id for each in imports)} if imports else {})})


def _elsewhere(account: Account, who: str) -> None:
    """What the account has: those from elsewhere, each to be taken over where that can be done, then those that were registered from here."""
    with st.spinner(f"Asking {plain(account.name)} for its metrics …", show_time=True):
        found = registering.in_account(account.name)
    if not found:
        st.markdown(f"{plain(account.name)} has no metrics yet. *Save and register* on a metric's page makes one.")
    for each in sorted(found, key=lambda each: bool(each.registered_as)):
        _theirs(each, account, who)


def _theirs(each: AccountMetric, account: Account, who: str) -> None:
    with st.container(border=True):
        st.markdown(f"**{plain(each.registered.name)}**: {plain(sentence(each.metric)) if each.metric and each.metric.sql is None else 'written in SQL.'}")
        if each.registered_as:
            st.markdown(f":material/verified: Registered from here, as {plain(each.registered_as)}.")
        elif each.note:
            st.markdown(f":material/info: It can't be previewed here. {plain(each.note)}")
        with st.container(horizontal=True):
            if each.metric and not each.registered_as and st.button("Use it here", key=f"bring_{each.registered.id}", icon=":material/download:", help="Keeps it here, so that it can be previewed, changed and registered again."):
                brought = registering.bring(account.name, each.registered.id, who)
                st.switch_page(place.PAGE, query_params={"metric": brought.metric.name})
            with st.popover("Its SQL", icon=":material/code:", key=f"sql_{each.registered.id}"):
                st.code(each.registered.cust_agg_query or each.registered.aggregation_query, language="sql", wrap_lines=True)


_page()
