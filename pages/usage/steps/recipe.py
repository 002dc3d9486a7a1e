"""Recipes in the walk of one import: a file that fits one follows it at once, Review says so with how the file drifted, and a set-up that came out right is kept."""

from pathlib import Path

import pyarrow as pa
import streamlit as st

from ingest import doubts, imports, month, month_of_file, recipes
from ingest.errors import IngestError
from ingest.store import accounts, audit
from ingest.store import recipes as stored
from ingest.store.database import store
from ingest.store.setups import same_columns
from pages.parts import errors, kinds, tables
from pages.parts.state import SETTINGS_PAGE, link_import, open_import
from pages.parts.text import plain
from pages.usage.steps import everywhere, words
from pages.usage.steps.aside import aside
from schemas.event_type import EventType
from schemas.recipe import Drift, Recipe, StoredRecipe
from schemas.records import ImportRecord

FOLLOWED = "follow-recipe"


def fitting(record: ImportRecord) -> StoredRecipe | None:
    """The recipe that a new file can follow without a question; None where none fits, two speak of different usage, or something has to be looked at first."""
    if not _is_new(record) or record.report.warnings or any(each.doubtful for each in record.report.repairs):
        return None
    found = [(each, drift) for each, drift in recipes.fitting(record.id) if _has_its_month(record, each.recipe) and not _asks(record, each.recipe)]
    if not found:
        return None
    best, least = found[0][0], _size(found[0][1])
    kinds_meant = {each.event_type for each in same_columns(record.id, record.account) if month.shape(each.file_name) == month.shape(record.file_name)}
    alike = {each.recipe.event_type for each, drift in found if _size(drift) == least} == {best.recipe.event_type}
    return best if alike and kinds_meant <= {part.event_type for part in best.recipe.parts} else None


def take(record: ImportRecord, found: StoredRecipe, who: str, *, matches: dict[str, str] | None = None) -> bool:
    """Reads, corrects and matches as the recipe says, and queues the check. False where that doesn't do after all: the account doesn't know its event type, or can't be asked."""
    from ingest import jobs  # dbos takes a second to import

    try:
        account = accounts.account(record.account)
        known = kinds.event_types(account, record.id)
        types = [known.get(part.event_type) for part in found.recipe.parts]
        if None in types:
            return False
        recipes.follow(record.id, found.recipe, types[0], account.name, who, matches=matches, others=types[1:])
    except IngestError:
        return False
    with store().begin() as connection:
        audit.record(connection, who, FOLLOWED, record.id, f"{found.version} {found.recipe.name}")
    for each in imports.together(imports.read_record(record.id)):
        jobs.queue_check(each.id, who)
    return True


def followed(record: ImportRecord) -> StoredRecipe | None:
    """The recipe that an import began with."""
    notes = [each.note for each in audit.entries(record.id) if each.action == FOLLOWED]
    if not notes:
        return None
    version, _, name = notes[-1].partition(" ")
    return stored.get(name, int(version))


def say(record: ImportRecord) -> None:
    """On Review: which recipe the import follows, and how its columns drifted from it."""
    found = followed(record)
    if found is None:
        return
    drift = recipes.drift(found.recipe, record.report.columns)
    name = f"the recipe **{plain(found.recipe.name)}** (version {found.version})"
    st.info(f"Follows {name}. {drift_in_words(drift)}" if follows_still(record, found.recipe, drift) else f"Began with {name}; its columns were matched anew since.", icon=":material/menu_book:")
    _differences(found.recipe, drift)
    link_import(record.id, "Not right? Look at the columns", "columns", icon=":material/view_column:")


def _differences(recipe: Recipe, drift: Drift) -> None:
    """The recipe's columns and the file's side by side, where they aren't the same."""
    if not drift.gone and not drift.new:
        return
    fields = {match.column: words.name_of(match.field) for part in recipe.parts for match in part.matches if match.column is not None}
    likely = {new: old for old, new in drift.renamed.items()}
    rows = [
        *({"In the recipe": old, "In this file": drift.renamed.get(old, ""), "What": "probably renamed" if old in drift.renamed else "gone", "Used for": fields.get(old, "not used")} for old in drift.gone),
        *({"In the recipe": "", "In this file": new, "What": "new", "Used for": "not used"} for new in drift.new if new not in likely),
    ]
    with st.expander(f"How the columns differ from the recipe's ({len(rows)})", icon=":material/difference:"):
        tables.show(pa.Table.from_pylist(rows), "Columns that differ from the recipe's")


def follows_still(record: ImportRecord, recipe: Recipe, drift: Drift) -> bool:
    """Whether every field still comes from where the recipe says, or from the column that took its place."""
    part = next((each for each in recipe.parts if each.values == imports.values_of(record)), recipe)
    said = {each.field: (each.column and drift.renamed.get(each.column, each.column), each.constant) for each in part.matches}
    return said == {each.field: (each.column, each.constant) for each in record.match.matches} and part.key == record.match.key


def drift_in_words(drift: Drift) -> str:
    """How a file's columns differ from the recipe's, as sentences."""
    renamed = [f"{plain(old)} is probably called {plain(new)} now" for old, new in drift.renamed.items()]
    new, gone = [name for name in drift.new if name not in drift.renamed.values()], [name for name in drift.gone if name not in drift.renamed]
    parts = [f"New in this file, and not sent: {words.listed(new)}." if new else "", f"Gone: {words.listed(gone)}." if gone else "", f"{'; '.join(renamed)}." if renamed else ""]
    return " ".join(each for each in parts if each) or "The file has the same columns."


def offer_renamed(record: ImportRecord, known: dict[str, EventType], who: str) -> None:
    """On Columns: a recipe that would fit, if columns it needs are only called something else now."""
    for found, drift in _nearly(record) if _is_new(record) else []:
        if found.recipe.event_type in known:
            with st.container(border=True, key="nearly_a_recipe"):
                st.markdown(f":material/menu_book: This file looks like the recipe **{plain(found.recipe.name)}**. {drift_in_words(drift)}")
                _differences(found.recipe, drift)
                if st.button("Follow the recipe with these names", key=f"follow_{record.id}"):
                    _follow_renamed(record, found, drift, who)
            return


def keep(record: ImportRecord, who: str) -> None:
    """On Review: keeps how this import was read, matched and corrected, for the next file of its kind."""
    with st.popover("Keep this set-up for files of this kind", icon=":material/bookmark_add:"):
        aside("The next file with these columns is read, corrected and matched the same way, and opens here at once. Single cells and rows that you changed aren't kept: they are this file's own.")
        if again := recipes.kept_corrections(record.id):
            st.markdown("**These corrections are made in every later file, too:**\n" + "\n".join(f"- {everywhere.in_words(each, record.report)}" for each in again))
        known = followed(record)
        with st.form(f"keep_{record.id}", border=False):
            name = st.text_input("Name", value=known.recipe.name if known else proposed_name(record), max_chars=100)
            pressed = st.form_submit_button("Keep")
        if pressed:
            with errors.shown():
                kept = recipes.save_from(record.id, name, who)
                st.success(f"Kept as **{plain(kept.recipe.name)}**, version {kept.version}.", icon=":material/check_circle:")
                st.page_link(SETTINGS_PAGE, label="See all recipes in Settings", icon=":material/settings:")


def proposed_name(record: ImportRecord) -> str:
    """The file's name without what changes from month to month; the usage's name where nothing is left."""
    return month.shape(Path(record.file_name).stem) or record.match.event_type.name


def _is_new(record: ImportRecord) -> bool:
    return record.state == "read" and record.match is None and record.fixes is None and record.account is not None and bool(record.report and record.report.rows)


def _has_its_month(record: ImportRecord, recipe: Recipe) -> bool:
    """Whether the rows have dates, or it can be proposed which month they are of."""
    return all(month_of_file.of_recipe(record, part) for part in recipe.parts if part.has_period)


def _asks(record: ImportRecord, recipe: Recipe) -> bool:
    """Whether reading left a question that neither a person nor the recipe has an answer for."""
    waiting = doubts.unanswered(record.report, doubts.answers(record.id), record.read_spec)
    return any(not any(option["spec"] and doubts.merged(recipe.read, option["spec"]) == recipe.read for option in question["options"]) for question in waiting)


def _nearly(record: ImportRecord) -> list[tuple[StoredRecipe, Drift]]:
    """Recipes whose missing columns all have a likely new name, the least changed first."""
    columns = imports.read_record(record.id).report.columns
    found = [(each, recipes.drift(each.recipe, columns)) for each in stored.newest() if _has_its_month(record, each.recipe)]
    near = [(each, drift) for each, drift in found if (missing := recipes.needed(each.recipe) - set(columns)) and missing <= set(drift.renamed)]
    return sorted(near, key=lambda pair: _size(pair[1]))


def _follow_renamed(record: ImportRecord, found: StoredRecipe, drift: Drift, who: str) -> None:
    names = {each.field: drift.renamed[each.column] for each in found.recipe.matches if each.column in drift.renamed}
    if take(record, found, who, matches=names):
        open_import(record.id, "review")
    st.warning("This recipe doesn't do for this file after all: go on below.", icon=":material/warning:")


def _size(drift: Drift) -> int:
    return len(drift.gone) + len(drift.new)
