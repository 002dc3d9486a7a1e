"""Keeping a metric: saved here, registered in the account, as a file."""

import streamlit as st

from ingest import registering
from ingest.errors import BadInput, IngestError, NameTaken
from ingest.metric.metric_file import from_yaml, to_yaml
from ingest.store import metrics
from pages.metrics.steps import asked, shown
from pages.metrics.steps import draft as drafts
from pages.metrics.steps import place as places
from pages.metrics.steps.place import Place
from pages.parts import errors, tables
from pages.parts.text import ago, plain
from pages.usage.steps.aside import aside
from schemas.metric import Metric, StoredMetric

SAID, TAKEN = "metric_said", "metric_taken"
"""Where the session keeps what was done, and which metric of the account waits for an answer."""


def state(place: Place) -> None:
    """One line: whether it is kept here, and whether the account has it."""
    said = st.session_state.pop(SAID, None)
    if isinstance(said, IngestError):
        st.info("Saved here, but not registered.", icon=":material/save:")
        errors.show(said)
    elif said:
        st.success(said, icon=":material/check_circle:")
    if place.stored is None:
        st.markdown(":material/edit: New, not saved yet.")
        return
    st.markdown(f"{registration(place.stored)} · saved by {plain(place.stored.who)}, {ago(place.stored.at)}")


def registration(stored: StoredMetric) -> str:
    """Whether the account has the metric, in words with an icon."""
    if stored.aggregate_id is None:
        return f":material/radio_button_unchecked: Not registered in {plain(stored.account)}"
    if stored.registered != stored.metric:
        return f":material/published_with_changes: **Changed since it was registered** in {plain(stored.account)}"
    return f":material/verified: Registered in {plain(stored.account)}"


def buttons(place: Place) -> None:
    """Save, register, and the file."""
    metric, problems = drafts.metric_of(place.draft, place.kind)
    reason = problems[0] if problems else _mistake(place, metric) or _taken(place, metric)
    saved = place.stored is not None and metric == place.stored.metric
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        save = st.button("Save", type="primary", disabled=bool(reason) or saved, key=place.key("save"), icon=":material/save:")
        register = st.button("Save and register", disabled=bool(reason) or (saved and place.stored.registered == metric), key=place.key("register"), icon=":material/cloud_upload:", help=f"Creates or changes the billable metric in {place.account.name}.")
        _as_file(place, metric)
        _from_file(place)
        if place.stored:
            _removing(place)
    if reason:
        st.markdown(f":material/info: {plain(reason)}")
    elif saved:
        aside("Nothing has changed since it was saved.")
    if metric is None or reason:
        return
    with errors.shown():
        if save:
            _save(place, metric)
        _register(place, metric, pressed=register)


def _mistake(place: Place, metric: Metric | None) -> str:
    """Why it can't be kept: what it says doesn't fit the events."""
    try:
        asked.explained(place, metric)
        return ""
    except BadInput as error:
        return "The query has a mistake: see SQL." if metric.sql is not None else error.sentence


def _taken(place: Place, metric: Metric) -> str:
    """Why the name can't be used: another metric has it."""
    mine = place.stored.metric.name if place.stored else None
    names = {each.metric.name.lower() for each in metrics.listed(place.account.name) if each.metric.name != mine}
    return f"There is a metric named {metric.name!r} already: give this one another name." if metric.name.lower() in names else ""


def _save(place: Place, metric: Metric, said: str = "Saved.") -> None:
    metrics.save(place.account.name, metric, place.who)
    _kept(place, metric, said)


def _kept(place: Place, metric: Metric, said: str | IngestError) -> None:
    """Shows the whole page again, of the metric that is stored now."""
    st.session_state[SAID] = said
    places.now_about((place.account.name, metric.name))
    st.query_params["metric"] = metric.name
    st.rerun()


def _register(place: Place, metric: Metric, *, pressed: bool) -> None:
    """Registers; in a production account, and in the place of a metric that isn't ours, only after another question."""
    asking = place.key("asking")
    if pressed and place.account.kind == "production":
        st.session_state[asking] = True
    elif pressed:
        _do_register(place, metric)
    if st.session_state.get(asking):
        _asked(place, metric, asking, f"Register “{plain(metric.name)}” in {plain(place.account.name)}, a PRODUCTION account?", "Contracts that use this metric are billed by it from then on.", "Register in PRODUCTION")
    elif st.session_state.get(TAKEN) == (place.account.name, metric.name):
        said = f"{plain(place.account.name)}{', a PRODUCTION account,' if place.account.kind == 'production' else ''} has a metric called “{plain(metric.name)}” that was made elsewhere. Replace its SQL by yours?"
        _asked(place, metric, TAKEN, said, "Contracts that use it are billed by yours from then on. Or give yours another name.", "Take it over", take_over=True)


def _asked(place: Place, metric: Metric, asking: str, question: str, effect: str, answer: str, *, take_over: bool = False) -> None:
    """A question with its two answers; `asking` is where it stands in the session."""
    with st.container(border=True):
        st.markdown(f"**{question}** {effect}")
        sure = st.checkbox("Yes, replace what the account has", key=place.key("sure")) if take_over else True
        with st.container(horizontal=True):
            if st.button(answer, type="primary", disabled=not sure, key=place.key("register_yes")):
                del st.session_state[asking]
                _do_register(place, metric, take_over=take_over)
            st.button("Don't register", key=place.key("register_no"), on_click=lambda: st.session_state.pop(asking, None))


def _do_register(place: Place, metric: Metric, *, take_over: bool = False) -> None:
    """Saves and registers. What goes wrong with the account is shown with the metric, which is saved all the same."""
    metrics.save(place.account.name, metric, place.who)
    said: str | IngestError = f"Saved, and registered in {plain(place.account.name)}."
    try:
        with st.spinner(f"Registering it in {plain(place.account.name)}, and waiting for its answer …", show_time=True):
            registering.register(place.account.name, metric.name, place.who, take_over=take_over)
    except NameTaken:
        st.session_state[TAKEN], said = (place.account.name, metric.name), "Saved here. It isn't registered yet: see the question below."
    except IngestError as error:
        said = error
    _kept(place, metric, said)


def _as_file(place: Place, metric: Metric | None) -> None:
    if metric is not None:
        tables.download("YAML", lambda: to_yaml(metric).encode(), f"{shown.file_name(metric.name)}.yaml", key=place.key("yaml"))


def _from_file(place: Place) -> None:
    """A metric out of a file takes the place of what is in the form."""
    with st.popover("From a file", icon=":material/upload_file:", key=place.key("from_file")):
        file = st.file_uploader("A metric as a YAML file", type=["yaml", "yml"], max_upload_size=1, key=place.key("file"))
        text = st.text_area("Or its text", height=140, max_chars=20_000, key=place.key("file_text"))
        if st.button("Put it into the form", key=place.key("file_take"), disabled=not (file or text)):
            with errors.shown():
                _take(place, from_yaml(file.getvalue().decode("utf-8-sig", errors="replace") if file else text))
                st.rerun(scope="fragment")


def _removing(place: Place) -> None:
    """Forgets the metric, after it was said what stays."""
    with st.popover("Remove", icon=":material/delete:", key=place.key("removing")):
        stays = f" {plain(place.account.name)} keeps it, and goes on billing by it: end that there." if place.stored.aggregate_id else ""
        st.markdown(f"“{plain(place.stored.metric.name)}” is forgotten here, with its earlier versions and its price.{stays}")
        if st.button("Remove this metric", key=place.key("remove")):
            metrics.remove(place.account.name, place.stored.metric.name, place.who)
            places.begin_anew()
            st.switch_page(places.LIST_PAGE)


def _take(place: Place, metric: Metric) -> None:
    if metric.event_type not in place.types:
        raise BadInput(f"This metric counts events of {metric.event_type!r}, which {place.account.name} doesn't have.", f"It has {', '.join(place.types)}.")
    place.replace(drafts.of(metric))
