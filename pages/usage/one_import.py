"""One import: four steps at one address. A reload, a link or a colleague's browser lands in the same place."""

from importlib import import_module

import streamlit as st

from ingest import deciding
from ingest.errors import BadInput
from ingest.store import imports
from pages.parts import errors, frame
from pages.parts.state import STEPS, Step, open_import, remembered
from pages.parts.text import ago, plain, shorten, size
from pages.usage.steps import known as setup
from pages.usage.steps import recipe
from schemas.records import ImportRecord


def _record() -> tuple[ImportRecord | None, BadInput | None]:
    """The import in the address; none for a new one, a sentence for one that isn't there."""
    if not remembered.import_id:
        return None, None
    try:
        return imports.get(remembered.import_id), None
    except BadInput as problem:
        return None, problem


def _step(record: ImportRecord | None) -> Step:
    """The step in the address where it can be opened, else the one where the import was left."""
    wanted = remembered.step
    if wanted and STEPS.index(wanted) <= frame.furthest(record):
        return wanted
    return "send" if record and _goes_by_itself(record) else frame.left_at(record)


def _goes_by_itself(record: ImportRecord) -> bool:
    """Whether a file took its set-up from an earlier one and leaves nothing to decide: then only its summary is left to look at."""
    if record.state != "checked" or not (setup.taken(record) or recipe.followed(record)):
        return False
    return not deciding.reasons_not_to(record)


def _take_known_setup(record: ImportRecord | None, who: str) -> None:
    """A file of a kind that is known needs no answers: it is checked at once, and opens where somebody is needed."""
    if record is None or remembered.step:
        return
    kept = recipe.fitting(record)
    if kept is not None and recipe.take(record, kept, who):
        open_import(record.id)
    known = setup.earlier(record)
    if known is not None and setup.take(record, known, who):
        open_import(record.id)


def _page() -> None:
    record, problem = _record()
    actor = frame.begin(shorten(record.file_name) if record else "Add usage", record=record)
    if problem:
        errors.show(problem)
        return
    if record is not None:
        st.caption(f"{size(record.size)}, brought in by {plain(record.created_by)}, {ago(record.created_at)}")
    _take_known_setup(record, actor.name)
    step = _step(record)
    frame.step_header(record, step)
    import_module(f"pages.usage.steps.{step}").show(record, actor)


_page()
