"""The SQL of a metric: what the form says, to look at; or a query of one's own, with mistakes shown at their place."""

from collections.abc import Mapping

import streamlit as st

from ingest.errors import IngestError, SqlMistake
from pages.metrics.steps import asked, wording
from pages.metrics.steps import draft as drafts
from pages.metrics.steps.data import Data
from pages.metrics.steps.place import Place
from pages.parts import errors
from pages.parts.text import plain
from pages.usage.steps.aside import aside
from schemas.metric import Metric

TEMPLATES: Mapping[str, str] = {
    "{{start_date}}": "the first day of the period",
    "{{end_date}}": "its last day, which counts in",
    "{{customer.external_id}}": "the customer's external id",
    "{{customer.custom_data.x}}": "what the account knows of the customer under x",
}
HEIGHT = 340
LONG = 200
STYLE = "<style>[class*=_sql_editor] textarea { font-family: ui-monospace, monospace; font-size: 0.85rem; white-space: pre; overflow-x: auto; }</style>"


def show(place: Place, chosen: Data | None) -> None:
    """Draws the tab; the query doesn't depend on what is counted."""
    if place.draft.sql is None:
        _of_form(place)
    else:
        _editor(place)


def form_is_off(place: Place) -> None:
    """What stands in the form's place while a query counts."""
    st.info("This metric is written in SQL. The form can show it where it is a query that the form could have made.", icon=":material/code:")
    _back(place, "form")


def _of_form(place: Place) -> None:
    metric, problems = drafts.metric_of(place.draft, place.kind)
    if metric is None:
        st.info(plain(problems[-1]), icon=":material/edit:")
        return
    explained = asked.explained(place, metric)
    aside("This is what the account runs for one customer. It is made from the form.")
    st.code(explained.cust_agg_query, language="sql", wrap_lines=True)
    st.button("Write it as SQL instead", icon=":material/edit_note:", key=place.key("to_sql"), on_click=_to_sql, args=(place, explained.cust_agg_query))
    with st.expander("Advanced"):
        aside("For all customers at once:")
        st.code(explained.aggregation_query, language="sql", wrap_lines=True)
        aside("What the preview runs, in DuckDB's dialect:")
        st.code(explained.duckdb, language="sql", wrap_lines=True)


def _to_sql(place: Place, text: str) -> None:
    place.replace(place.draft.model_copy(update={"sql": text, "group_by": ()}))


def _editor(place: Place) -> None:
    st.html(STYLE)
    aside(f"ClickHouse's dialect. Events are the table `raw_metric_{plain(place.kind.slug)}`; the answer needs a column named `quantity`. Press Ctrl and Enter to see what it makes.")
    with st.container(key=place.key("sql_editor")):
        text = st.text_area("Query", value=place.draft.sql, height=HEIGHT, max_chars=20_000, key=place.key("sql"))
    place.keep(place.draft.model_copy(update={"sql": text}))
    _mistake(place, text)
    _words(place)
    _back(place, "sql")


def _mistake(place: Place, text: str) -> None:
    """What is wrong with the query, at its line and column."""
    metric, _ = drafts.metric_of(place.draft, place.kind)
    if metric is None:
        return
    try:
        asked.explained(place, metric)
    except SqlMistake as mistake:
        if marked := marked_line(text, mistake.line, mistake.column):
            st.code(marked, language=None, wrap_lines=False)
        st.error(plain(mistake.sentence), icon=":material/error:")
        if mistake.todo:
            st.markdown(plain(mistake.todo)) if len(mistake.todo) < LONG else _long(mistake.todo)
    except IngestError as error:
        errors.show(error)


def _long(todo: str) -> None:
    """What to do where that is a long list."""
    with st.expander("What can be written instead"):
        st.markdown(plain(todo))


def marked_line(text: str, line: int | None, column: int | None, around: int = 24) -> str:
    """The line of a mistake with its number, and below it a mark under the column; long lines are cut around it. Empty where no place is known."""
    lines = text.split("\n")
    if not line or not column or line > len(lines):
        return ""
    first = max(0, column - 1 - around)
    shown = lines[line - 1][first : column - 1 + around].replace("\t", " ")
    cut = "…" if first else ""
    return f"line {line}, column {column}:\n{cut}{shown}\n{' ' * (len(cut) + column - 1 - first)}^"


def _words(place: Place) -> None:
    """The templates, each to be put at the end of the query by a press; and the columns."""
    with st.expander("Templates and columns"):
        for template, meaning in TEMPLATES.items():
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button(f"Add {plain(template)}", key=place.key(f"add_{template}"), on_click=_append, args=(place, template), type="tertiary", icon=":material/add:")
                aside(meaning)
        columns = ", ".join(f"`{name if name in ('customer_id', 'timestamp') else f'data.{name}'}` ({kind})" for name, kind in wording.types(place.kind).items())
        st.markdown(f"Columns: {columns}")


def _append(place: Place, template: str) -> None:
    text = st.session_state.get(place.key("sql"), place.draft.sql or "")
    place.replace(place.draft.model_copy(update={"sql": f"{text.rstrip()} {template}"}))


def _back(place: Place, where: str) -> None:
    """The way back to the form, or why there is none."""
    metric, _ = drafts.metric_of(place.draft, place.kind)
    reason = "The form can't show this query: it isn't one of those that the form makes. It can be previewed, saved and registered as it is."
    try:
        found = asked.explained(place, metric).in_steps if metric else None
    except IngestError:
        found, reason = None, "The form can show the query again when its mistake is mended."
    st.button("Back to the form", icon=":material/arrow_back:", key=place.key(f"back_{where}"), disabled=found is None, on_click=_to_form, args=(place, found))
    if found is None:
        aside(reason)


def _to_form(place: Place, found: Metric) -> None:
    draft = place.draft
    place.replace(drafts.of(found).model_copy(update={"name": draft.name}))
