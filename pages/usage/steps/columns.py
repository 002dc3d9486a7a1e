"""Step 2b, Columns: what is this usage, and which column is what. Everything is proposed; a person stops only where something is doubtful."""

from datetime import UTC, date, datetime

import streamlit as st

from ingest import imports, match
from ingest.errors import BadInput, IngestError, Outside
from ingest.store import accounts
from ingest.store.imports import pointers
from pages.parts import errors, frame, kinds
from pages.parts.ask import ask
from pages.parts.state import link_account, open_import
from pages.parts.text import count, plain
from pages.usage.steps import aggregated, fields, identity, left_open, new_type, recipe, same_row, several
from pages.usage.steps.aside import aside
from pages.usage.steps.draft import NEW, Place
from pages.usage.steps.lines import Line, lines, match_spec, used_columns
from pages.usage.steps.new_fields import new_event_type, new_lines, proposed_columns
from pages.usage.steps.words import destination, listed
from schemas.account import Account
from schemas.checking import Question
from schemas.correcting import joined
from schemas.event_type import EventType
from schemas.matching import ColumnProfile, KeyCandidate, MatchSpec, Suggestion
from schemas.records import ImportRecord

SENT = ("pushing", "stopped", "pushed", "proven")
SURE = {"certain": 1.0, "likely": 0.65, "possible": 0.0}
"""What a suggestion counts for where it is asked which kind of usage a file is."""
FITS = 0.6
"""From here on a known kind of usage is proposed before a new one."""


def show(record: ImportRecord, actor: frame.Actor) -> None:
    """Draws the step."""
    if record.report is None or not record.report.columns:
        _no_columns(record)
    elif record.state in SENT:
        _already_sent(record)
    else:
        record = imports.read_record(record.id)  # with the columns that corrections added
        _form(Place(record=record, raw_key=pointers(record.id)[0] or "", who=actor.name, table=imports.table_key(record.id, record.report)))


def _form(place: Place) -> None:
    account = accounts.account(place.record.account or frame.account().name)
    known = _event_types_or_sentence(place, account)
    if known is None:
        return
    recipe.offer_renamed(place.record, known, place.who)
    profiles = _profiles(place.record.id, place.table)
    several.show(place, profiles)
    aggregated.show(place)
    proposal = _proposal(place.record.id, place.table, imports.called(place.record), joined(place.record.report.corrections))
    candidates = _candidates(place, known)
    chosen = _what_is_this(place, known, candidates)
    if chosen == NEW:
        made, event_type, problem = _new(place, account, known, proposal, profiles)
    else:
        made, event_type, problem = _existing(place, known[chosen], profiles)
    unused = [column for column in place.record.report.columns if column not in used_columns(made)]
    if unused:
        aside(f"Not sent: {listed(unused, 12)}. {'This column has' if len(unused) == 1 else 'These columns have'} no place in this kind of usage.")
    key, standing, waiting = _rest(place, account, made, event_type, profiles) if event_type else (None, {}, "")
    _button(place, account, made, event_type, key, standing, problem or waiting, creates=chosen == NEW)


def _existing(place: Place, event_type: EventType, profiles: tuple[ColumnProfile, ...]) -> tuple[tuple[Line, ...], EventType, str]:
    suggested = _suggestions(place.record.id, place.table, event_type)
    made = lines(event_type, suggested, place.draft(), profiles)
    fields.show(place, made, profiles, {each.field for each in suggested if each.confidence == "certain"})
    return made, event_type, ""


def _new(place: Place, account: Account, known: dict[str, EventType], proposal: EventType, profiles: tuple[ColumnProfile, ...]) -> tuple[tuple[Line, ...], EventType | None, str]:
    suggested = _suggestions(place.record.id, place.table, proposal)
    aside(f"It will be created in {destination(account.name, account.kind)} when you press *Looks right*. An event type can't be removed again.")
    new_type.name(place, proposal)
    roots = lines(EventType(name=proposal.name, slug=proposal.slug), suggested, place.draft(), profiles)
    fields.show(place, roots, profiles, set())
    columns = proposed_columns(proposal, suggested, profiles, used_columns(roots), place.draft())
    new_type.columns(place, columns, profiles)
    new_type.advanced(place, proposal, columns, known)
    try:
        event_type = new_event_type(place.draft(), proposal, columns, known)
        return (*roots, *new_lines(columns)), event_type, _taken(event_type, known)
    except BadInput as error:
        return (*roots, *new_lines(columns)), None, errors.sentence(error)


def _taken(event_type: EventType, known: dict[str, EventType]) -> str:
    """Why this event type can't be created: its slug is taken. Empty where it isn't."""
    if event_type.slug not in known:
        return ""
    return f"The account has a kind of usage with this short name already: {plain(known[event_type.slug].name)}. Choose that one above, or give this one another name."


def _rest(place: Place, account: Account, made: tuple[Line, ...], event_type: EventType, profiles: tuple[ColumnProfile, ...]) -> tuple[tuple[str, ...] | None, dict[str, str], str]:
    """Everything below the fields: the key, the answers that stand chosen, and why the button has to wait."""
    identity.period(place, made)
    spec = _spec_so_far(place, made, event_type)
    standing, waiting = left_open.show(place, _left_open(place, account, spec), spec.answers) if spec else ({}, "")
    key = same_row.key(place, made, _keys(place, account, spec) if spec else (), {profile.column: profile.empty for profile in profiles})
    identity.control_totals(place, made)
    return key, standing, waiting


def _what_is_this(place: Place, known: dict[str, EventType], candidates: list[str]) -> str:
    st.header("What is this usage?", anchor=False)
    draft = place.draft()
    chosen = draft.event_type if draft.event_type in candidates else candidates[0]
    names = [event_type.name for event_type in known.values()]

    def label(slug: str) -> str:
        if slug == NEW:
            return "A new kind of usage, made from this file"
        return known[slug].name if names.count(known[slug].name) == 1 else f"{known[slug].name} ({slug})"

    key = place.key("event_type")
    st.selectbox("Kind of usage", candidates, index=candidates.index(chosen), format_func=label, key=key, on_change=_type_chosen, args=(place, key), help="An event type of this account, or a new one.")
    return chosen


def _type_chosen(place: Place, key: str) -> None:
    place.keep(place.draft().with_event_type(st.session_state[key]))


def _button(place: Place, account: Account, made: tuple[Line, ...], event_type: EventType | None, key: tuple[str, ...] | None, standing: dict[str, str], problem: str, *, creates: bool) -> None:
    reason = _doubts(made) or problem or identity.problem(place)
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button("Looks right", type="primary", disabled=bool(reason), key=place.key("looks_right"))
        if reason:
            st.markdown(f":material/info: {reason}")
    if pressed and event_type is not None:
        with errors.shown():
            place.change(answers={**place.draft().answers, **standing})
            _accept(place, account, made, event_type, key, creates=creates)
        if _accepted(place):
            open_import(place.record.id, "review")


def _accept(place: Place, account: Account, made: tuple[Line, ...], event_type: EventType, key: tuple[str, ...] | None, *, creates: bool) -> None:
    """Creates the event type where it is new, stores the match, queues the check."""
    from ingest import jobs  # dbos takes a second to import

    if creates:
        with st.spinner(f"Creating it in {plain(account.name)}, and waiting for its answer …", show_time=True):
            event_type = _create(account, event_type)
        place.change(event_type=event_type.slug)
    spec = _spec(place, made, event_type, key)
    imports.set_match(place.record.id, spec, account.name, place.who)
    jobs.queue_check(place.record.id, place.who)
    place.change(event_type=event_type.slug, answers={})
    st.session_state[place.key("accepted")] = True


def _accepted(place: Place) -> bool:
    return bool(st.session_state.pop(place.key("accepted"), False))


def _create(account: Account, event_type: EventType) -> EventType:
    from ingest.billing import BillingClient

    with BillingClient(account) as client:
        created = client.create_event_type(event_type)
    kinds.forget()
    return created


def _spec(place: Place, made: tuple[Line, ...], event_type: EventType, key: tuple[str, ...] | None) -> MatchSpec:
    return match_spec(event_type, made, place.dated()[0], place.record.report.columns, _today(), key=key, before=place.before())


def _doubts(made: tuple[Line, ...]) -> str:
    """Why the button waits: the one doubt, or how many there are."""
    doubts = [line.doubt for line in made if line.doubt]
    if not doubts:
        return ""
    return plain(doubts[0]) if len(doubts) == 1 else f"{count(len(doubts), 'answer')} still needed above. First: {plain(doubts[0])}"


def _no_columns(record: ImportRecord) -> None:
    st.info("No columns found. Choose another header row.", icon=":material/table_rows:")
    if st.button("Choose another header row", type="primary", key="columns_other_header"):
        open_import(record.id, "file")


def _already_sent(record: ImportRecord) -> None:
    st.info("This import was sent, so its columns stay as they are. This is how they were matched.", icon=":material/lock:")
    fields.summary(record.match)


def _event_types_or_sentence(place: Place, account: Account) -> dict[str, EventType] | None:
    """The account's event types by slug; what is known already where the account can't be asked; None where nothing is."""
    try:
        return kinds.event_types(account, place.record.id)
    except Outside as error:
        errors.show(error)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Try again", key=place.key("again"), icon=":material/refresh:")
            link_account()
        before = place.before()
        return {before.event_type.slug: before.event_type} if before else None


@st.cache_data(ttl=3600, max_entries=100, show_spinner="Looking at the columns …")
def _profiles(import_id: str, table: str) -> tuple[ColumnProfile, ...]:
    return ask(imports.columns, import_id)


@st.cache_data(ttl=3600, max_entries=100, show_spinner=False)
def _proposal(import_id: str, table: str, file_name: str, apart: tuple[str, ...]) -> EventType:
    return match.propose_event_type(_profiles(import_id, table), file_name, apart)


@st.cache_data(ttl=3600, max_entries=500, show_spinner=False)
def _suggestions(import_id: str, table: str, event_type: EventType) -> tuple[Suggestion, ...]:
    return ask(match.suggest, _profiles(import_id, table), event_type)  # not imports.suggestions: that would look at every column again


def _spec_so_far(place: Place, made: tuple[Line, ...], event_type: EventType) -> MatchSpec | None:
    """The match as it stands on the screen; None where it can't be told yet."""
    if any(line.choice.kind == "open" for line in made):
        return None
    bare = place.dated()[0].model_copy(update={"control_count": "", "control_sums": {}})
    try:
        return match_spec(event_type, made, bare, place.record.report.columns, _today(), key=None, before=place.before())
    except IngestError:
        return None


def _keys(place: Place, account: Account, spec: MatchSpec) -> tuple[KeyCandidate, ...]:
    earlier = imports.earlier_key(place.record.id, spec.event_type.slug, account.name)
    try:
        return _key_candidates(place.record.id, place.table, spec.model_copy(update={"answers": {}}).model_dump_json(), account.name, earlier and earlier.model_dump_json())
    except IngestError:
        return ()


@st.cache_data(ttl=3600, max_entries=200, show_spinner="Looking for what makes a row the same row …")
def _key_candidates(import_id: str, table: str, spec: str, account: str, earlier: str | None) -> tuple[KeyCandidate, ...]:
    return ask(imports.key_candidates, import_id, MatchSpec.model_validate_json(spec), account)


def _left_open(place: Place, account: Account, spec: MatchSpec) -> tuple[Question, ...]:
    """What the columns leave open, answered or not: some is only asked once something else has its answer."""
    specs = dict.fromkeys((spec.model_copy(update={"answers": {}}).model_dump_json(), spec.model_dump_json()))
    try:
        asked = [question for each in specs for question in _column_questions(place.record.id, place.table, each, account.name)]
    except IngestError:
        return ()
    return tuple({question.name: question for question in asked}.values())


@st.cache_data(ttl=3600, max_entries=200, show_spinner="Looking for what the columns leave open …")
def _column_questions(import_id: str, table: str, spec: str, account: str) -> tuple[Question, ...]:
    return ask(imports.column_questions, import_id, MatchSpec.model_validate_json(spec), account)


def _candidates(place: Place, known: dict[str, EventType]) -> list[str]:
    """The event types to choose from, the likeliest first; "a new one" comes first where none fits."""
    fits = {slug: _fit(place, event_type) for slug, event_type in known.items()}
    said = {value.casefold() for value in imports.values_of(place.record)}
    ordered = sorted(known, key=lambda slug: (not said & {slug.casefold(), known[slug].name.casefold()}, -fits[slug], known[slug].name.lower()))
    before = place.before()
    if before and before.event_type.slug in known:
        ordered.sort(key=lambda slug: slug != before.event_type.slug)
        return [*ordered, NEW]
    return [*ordered, NEW] if ordered and fits[ordered[0]] >= FITS else [NEW, *ordered]


def _fit(place: Place, event_type: EventType) -> float:
    """How much of an event type this file fills, by its own columns: 1 is all of it, a field that is only likely counts less."""
    wanted = {field.name for field in event_type.usage_fields}
    found = [SURE[each.confidence] for each in _suggestions(place.record.id, place.table, event_type) if each.field in wanted]
    return sum(found) / len(wanted) if wanted else 0.0


def _today() -> date:
    return datetime.now(UTC).date()
