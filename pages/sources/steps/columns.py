"""Which kind of usage it is, and which column is which field."""

import streamlit as st

from ingest import match as matching
from ingest.billing import BillingClient
from ingest.store import accounts, recipes
from pages.parts import errors, kinds
from pages.parts.text import plain, spoken
from pages.sources.steps.data import sampled
from pages.sources.steps.keeping import keep
from schemas.account import Account
from schemas.event_type import OUR_FIELDS, ROOT_FIELDS, EventType, Field
from schemas.matching import ColumnProfile
from schemas.pull_run import StoredSource
from schemas.source import Source

NEW, RECIPE = "\x00new", "\x00recipe:"
NOTHING = "(nothing)"
SAID = {"customer_id": "Customer", "timestamp": "Time"}


def show(stored: StoredSource, account: Account, who: str) -> None:
    """The choice, prefilled with what the columns look like."""
    found = sampled(stored.source)
    if found is None or not found.rows.column_names:
        return
    types = kinds.event_types(account)
    options = [*types, NEW, *(f"{RECIPE}{each.recipe.name}" for each in recipes.newest())]
    known = f"{RECIPE}{stored.source.recipe}" if stored.source.recipe else stored.source.event_type
    chosen = st.selectbox("What is this usage?", options, index=options.index(known) if known in options else _fitting(types, found.profiles, options), format_func=lambda slug: _called(slug, types), key=f"columns_kind_{known}")
    if chosen == NEW:
        _new(stored, account, found.profiles, who)
    elif chosen.startswith(RECIPE):
        st.markdown("Its rows are read, matched and checked as this saved set-up says.")
        if st.button("Looks right", type="primary", icon=":material/check:", key="columns_ok"):
            keep(stored, who, recipe=chosen.removeprefix(RECIPE), event_type=None, match={}, account=account.name)
    else:
        _fields(stored, account, types[chosen], found.profiles, who)


def _called(slug: str, types: dict[str, EventType]) -> str:
    if slug == NEW:
        return "A new kind of usage, made from these columns"
    return f"As the saved set-up {slug.removeprefix(RECIPE)}" if slug.startswith(RECIPE) else types[slug].name or spoken(slug)


def _fitting(types: dict[str, EventType], profiles: tuple[ColumnProfile, ...], options: list[str]) -> int:
    """The kind for which most fields are found, else a new one."""
    scores = {slug: sum(each.field not in ROOT_FIELDS for each in matching.suggest(profiles, kind)) for slug, kind in types.items()}
    best = max(scores, key=scores.get, default=None)
    return options.index(best) if best and scores[best] else options.index(NEW)


def _new(stored: StoredSource, account: Account, profiles: tuple[ColumnProfile, ...], who: str) -> None:
    proposal = matching.propose_event_type(profiles, stored.source.name)
    by_field = {field.name: field for field in proposal.fields}
    columns = {each.field: each.column for each in matching.suggest(profiles, proposal) if each.column}
    roots = _likely_roots(stored.source, columns, profiles)
    beside = {*stored.source.read.key, stored.source.read.cursor, *roots.values()}
    with st.form("new_kind", border=False):
        name = st.text_input("What should it be called?", proposal.name, max_chars=100)
        names = [profile.column for profile in profiles]
        root_columns = {root: st.selectbox(f"{SAID[root]}: which column?", names, index=names.index(roots[root]) if root in roots else None, key=f"new_{root}", placeholder="Choose a column") for root in ROOT_FIELDS}
        chosen = st.multiselect("Which other columns are part of it?", list(by_field), default=[field for field in by_field if columns.get(field) not in beside], format_func=lambda field: f"{field} ({by_field[field].type})")
        pressed = st.form_submit_button("Create it", type="primary", icon=":material/add:")
    if pressed and (None in root_columns.values() or len({*root_columns.values()}) < len(ROOT_FIELDS)):
        st.warning("Say which column is the customer, and which the time.", icon=":material/edit:")
    elif pressed:
        fields = [field for field in chosen if columns.get(field) not in root_columns.values()]
        made = EventType(name=name, slug=matching.propose_event_type((), name).slug, fields=(*(by_field[field] for field in fields), *(Field(name=each, type="String") for each in OUR_FIELDS)))
        with errors.shown(), BillingClient(accounts.account(account.name)) as client:
            client.create_event_type(made)
            kinds.forget()
            keep(stored, who, event_type=made.slug, recipe=None, account=account.name, match={**root_columns, **{field: columns[field] for field in fields if field in columns}})


def _likely_roots(source: Source, columns: dict[str, str], profiles: tuple[ColumnProfile, ...]) -> dict[str, str]:
    """The columns that are probably the customer and the time; of several times the first that isn't only the cursor."""
    times = sorted((profile.column for profile in profiles if profile.proposed_type in ("DateTime64", "Date32")), key=lambda column: column == source.read.cursor)
    found = {root: columns[root] for root in ROOT_FIELDS if root in columns}
    return {**({"timestamp": times[0]} if times else {}), **found}


def _fields(stored: StoredSource, account: Account, kind: EventType, profiles: tuple[ColumnProfile, ...], who: str) -> None:
    source = stored.source
    suggested = {each.field: each for each in matching.suggest(profiles, kind)}
    examples = {profile.column: ", ".join(profile.examples[:3]) for profile in profiles}
    said: dict[str, str] = {}
    with st.form("fields", border=False):
        for field in (*ROOT_FIELDS, *(each.name for each in kind.usage_fields)):
            options = [NOTHING, *(profile.column for profile in profiles)]
            proposed = source.match.get(field) if source.event_type == kind.slug else None
            proposed = proposed or (suggested[field].column if field in suggested else NOTHING)
            left, right = st.columns([2, 3], vertical_alignment="bottom")
            label = SAID.get(field, spoken(field))
            column = left.selectbox(label, options, index=options.index(proposed) if proposed in options else 0, key=f"field_{kind.slug}_{field}")
            why = suggested[field].why if field in suggested and suggested[field].column == proposed else ""
            right.markdown(f":small[{plain(why)}{': ' if why and examples.get(proposed) else ''}{plain(examples.get(proposed, ''))}]")
            if column != NOTHING:
                said[field] = column
        pressed = st.form_submit_button("Looks right", type="primary", icon=":material/check:")
    if pressed and not set(ROOT_FIELDS) <= set(said):
        st.warning("Say which column is the customer, and which the time.", icon=":material/edit:")
    elif pressed and len(set(said.values())) < len(said):
        st.warning("One column was chosen for two fields. Choose each only once.", icon=":material/edit:")
    elif pressed:
        keep(stored, who, event_type=kind.slug, match=said, recipe=None, account=account.name)
