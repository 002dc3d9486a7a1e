"""The price of a metric, and what each customer would pay for the quantities previewed."""

import json
from collections.abc import Callable
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from ingest.errors import BadInput
from ingest.metric import charges, price_words, pricing
from ingest.metric.price_file import to_yaml
from ingest.store import accounts, metrics, prices
from pages.metrics.steps import price_draft as drafts
from pages.metrics.steps import price_form
from pages.metrics.steps.price_form import Kept
from pages.parts import errors, tables
from pages.parts.ask import ask
from pages.parts.text import ago, count, plain
from pages.usage.steps.aside import aside
from schemas.metric import Metric
from schemas.price import Price, StoredPrice

MOST = 100_000
"""How many quantities are priced at most: the limit to preview them with."""
VALUES = 20
"""How many values of a dimension are offered at once."""
PAGE = 20
Quantities = Callable[[tuple[str, ...]], pa.Table]


def show(metric: Metric, account: str, quantities: Quantities, *, who: str, key: str) -> None:
    """Draws the price of a metric of an account, and what it makes of the quantities.

    `quantities(by)` previews the metric with `limit=MOST`, grouped by `by` (of "customer", "month" and fields): a table with those columns and `quantity` as text. It may raise IngestErrors. `key` names what is built, so that its draft isn't another's.
    """
    stored = prices.get(account, metric.name)
    kept = Kept(key, drafts.of(stored.price) if stored else _blank(metric))
    left, right = st.columns([5, 6], gap="large")
    with left:
        price = _price(price_form.show(kept, metric.group_by, lambda dimension: _occurring(quantities, dimension)))
        _keeping(metric, account, price, stored, kept, who)
        if price:
            _elsewhere(price, account, kept)
    with right, errors.shown():
        st.header("What customers would pay", anchor=False)
        aside("A preview: the invoice is made by the billing system, from the contract's prices. Customers without usage aren't listed; a fee or a minimum may be charged to them, too.")
        if price:
            _result(price, _grouped(metric, price, quantities, kept), quantities, kept)
        else:
            st.info("Amounts stand here as soon as the price is filled in.", icon=":material/receipt_long:")


def _blank(metric: Metric) -> drafts.PriceDraft:
    return drafts.PriceDraft(dimension=next(iter(metric.group_by), None))


def _price(draft: drafts.PriceDraft) -> Price | None:
    """The price that the form says, in plain words; None, and what is left to do, while it isn't finished."""
    try:
        price = drafts.price_of(draft)
    except BadInput as error:
        st.info(errors.sentence(error), icon=":material/edit:")
        return None
    st.markdown(f"**{price.currency}.** {plain(price_words.sentence(price))}")
    return price


def _keeping(metric: Metric, account: str, price: Price | None, stored: StoredPrice | None, kept: Kept, who: str) -> None:
    """Keeps the price with the metric, or forgets it."""
    same = stored is not None and stored.price == price
    is_saved = any(each.metric.name == metric.name for each in metrics.listed(account))
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Keep this price", icon=":material/save:", disabled=price is None or same or not is_saved, key=kept.key("save")):
            prices.save(account, metric.name, price, who)
            kept.replace(drafts.of(price))
            st.rerun()
        if stored and st.button("Remove the price", type="tertiary", icon=":material/delete:", key=kept.key("remove")):
            prices.remove(account, metric.name, who)
            kept.replace(_blank(metric))
            st.rerun()
        if not is_saved:
            aside("Save the metric first: the price is kept with it.")
        elif stored:
            aside(f"{'Kept' if same else 'Another price is kept'}, by {plain(stored.who)}, {ago(stored.at)}.")


def _grouped(metric: Metric, price: Price, quantities: Quantities, kept: Kept) -> tuple[str, ...]:
    """By what charges are made: as the metric is billed and each month by itself, unless somebody says otherwise."""
    options = [name for name in ("month", *metric.group_by) if name in pricing.grouping(price, ("month", *metric.group_by)) and name != getattr(price, "dimension", None)]
    has_months = metric.sql is None and quantities(("month",)).num_rows > 1
    usual = [name for name in options if has_months or name != "month"]
    chosen = st.multiselect("Charged by itself for each customer and", options, default=usual, key=kept.key(f"by_{'_'.join(options)}_{has_months}"), placeholder="nothing more: one charge for the whole period", help="Tiers, included units, minimum and fees begin anew for each of them.")
    return pricing.grouping(price, chosen)


def _result(price: Price, by: tuple[str, ...], quantities: Quantities, kept: Kept) -> None:
    table = quantities(by)
    if not table.num_rows:
        st.info("There are no quantities in this period, so nobody would pay anything.", icon=":material/info:")
        return
    found = _charged(price, table)
    _total(price, found, table.num_rows)
    shown = _searched(found.table, kept)
    pages = max(1, -(-shown.num_rows // PAGE))
    page = min(st.session_state.get(kept.key("page")) or 1, pages)
    here = shown.slice((page - 1) * PAGE, PAGE)
    st.dataframe(_readable(price, here), hide_index=True, alt=f"What customers would pay: {here.num_rows} rows", key=kept.key("amounts"), placeholder="no amount", column_config={name: st.column_config.Column(_heading(price, name), alignment="right" if name in ("quantity", "amount") else "left") for name in here.column_names})
    if pages > 1:
        st.pagination(pages, key=kept.key("page"))
    if here.num_rows:
        _invoice(price, here, table, kept)
    with st.container(horizontal=True):
        tables.download("Amounts", lambda: tables.csv_bytes(found.table), "amounts.csv", key=kept.key("csv"))
        tables.download("All lines", lambda: tables.csv_bytes(ask(charges.lines, price, table)), "invoice-lines.csv", key=kept.key("csv_lines"))


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


@st.cache_data(max_entries=20, show_spinner="Applying the price …", hash_funcs={pa.Table: _bytes})
def _charged(price: Price, quantities: pa.Table) -> charges.Charged:
    """What customers pay: calculated once for the same price and quantities."""
    return ask(charges.table, price, quantities)


def _total(price: Price, found: charges.Charged, rows: int) -> None:
    charged = found.table.num_rows - found.without
    st.metric(f"Total of {count(charged, 'charge')}", f"{price.currency} {price_words.number(found.total, price.digits)}")
    if found.without:
        st.error(f"{count(found.without, 'charge has', 'charges have')} no amount and {'is' if found.without == 1 else 'are'} not in the total. The first rows say why.", icon=":material/error:")
    if rows >= MOST:
        st.warning(f"Only the first {MOST:,} quantities are priced here, so this isn't the whole total.", icon=":material/warning:")


def _searched(table: pa.Table, kept: Kept) -> pa.Table:
    if table.num_rows <= PAGE:
        return table
    wanted = st.text_input("Find a customer", key=kept.key("find")).strip()
    return table.filter(pc.match_substring(table.column("customer_id"), wanted, ignore_case=True)) if wanted else table


def _readable(price: Price, table: pa.Table) -> pa.Table:
    """Numbers with their marks, and no column of notes where there are none."""
    quantity = [price_words.number(value) if (value := Decimal(each)).is_finite() else each for each in table.column("quantity").to_pylist()]
    amount = [None if each is None else price_words.number(Decimal(each), price.digits) for each in table.column("amount").to_pylist()]
    table = table.set_column(table.column_names.index("quantity"), "quantity", pa.array(quantity, pa.string())).set_column(table.column_names.index("amount"), "amount", pa.array(amount, pa.string()))
    for name in (each for each in table.column_names if each not in ("customer_id", "quantity", "amount", "note")):
        table = table.set_column(table.column_names.index(name), name, pa.array([each or "(empty)" for each in table.column(name).to_pylist()], pa.string()))
    return table if any(table.column("note").to_pylist()) else table.drop_columns(["note"])


def _heading(price: Price, name: str) -> str:
    return {"customer_id": "Customer", "quantity": f"Quantity ({price.unit})" if price.unit else "Quantity", "amount": f"Amount ({price.currency})", "note": "Remark", "month": "Month"}.get(name, name)


def _invoice(price: Price, here: pa.Table, quantities: pa.Table, kept: Kept) -> None:
    """The lines of one charge, as the invoice would have them."""
    groups = [name for name in here.column_names if name not in ("quantity", "amount", "note")]
    options = [tuple(row[name] for name in groups) for row in here.to_pylist()]
    chosen = st.selectbox("Lines of", options, format_func=lambda parts: " · ".join(part or "(empty)" for part in parts), key=kept.key("chosen"))
    mine = quantities
    for name, value in zip(groups, chosen or options[0], strict=True):
        mine = mine.filter(pc.equal(pc.fill_null(mine.column(name).cast(pa.string()), ""), value))
    for _groups, charge in charges.charges(price, mine):
        st.markdown("\n".join(f"- {plain(price_words.line(price, line))}" for line in charge.lines) or "- nothing was used")
        exact = sum((line.amount or Decimal(0) for line in charge.lines), Decimal(0))
        rounded = f", rounded from {price_words.number(exact)}" if charge.amount is not None and exact != charge.amount else ""
        st.markdown(f"**{price.currency} {price_words.number(charge.amount, price.digits)}**{rounded}" if charge.amount is not None else f"**No amount.** {plain(charge.note)}")


def _occurring(quantities: Quantities, dimension: str) -> list[str]:
    """The values of a dimension, those of most customers first; none where they can't be counted."""
    with errors.shown():
        counted = quantities(("customer", dimension)).column(dimension).cast(pa.string()).value_counts()
        return [each["values"] for each in sorted(counted.to_pylist(), key=lambda each: -each["counts"]) if each["values"]][:VALUES]
    return []


def _elsewhere(price: Price, account: str, kept: Kept) -> None:
    """The price to take along: for a contract in the billing system, and for the command line."""
    with st.expander("Take this price along", key=kept.key("elsewhere")):
        st.markdown("For a contract, as the billing system's API has it (`pricing_data`). Included units, minimum, maximum and rounding have no published name there, and are left out.")
        st.code(json.dumps(pricing.to_pricing_data(price, accounts.account(account).profile.amount_units), indent=2), language=None)
        st.markdown("For `python -m ingest preview … --price FILE`:")
        st.code(to_yaml(price), language=None)
