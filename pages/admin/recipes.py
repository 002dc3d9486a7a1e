"""Settings, recipes: every one with its versions, each to be downloaded as YAML, and new ones out of YAML."""

import streamlit as st

from ingest.errors import BadInput
from ingest.recipes import from_yaml, to_yaml
from ingest.store import recipes
from pages.parts import errors, tables
from pages.parts.text import ago, count, plain
from schemas.recipe import StoredRecipe


def show(who: str) -> None:
    """Draws the tab."""
    st.markdown("How files of one kind are read, matched, corrected and checked. A file that fits a recipe follows it by itself. Keep one on *Review* of an import that came out right.")
    known = recipes.newest()
    if not known:
        st.info("No recipes yet. The first import that comes out right can make the first one.", icon=":material/menu_book:")
    for position, each in enumerate(known):
        with st.container(border=True):
            _one(each, position)
    _add(who)


def _one(newest: StoredRecipe, position: int) -> None:
    recipe = newest.recipe
    st.markdown(f"**{plain(recipe.name)}** · version {newest.version}, by {plain(newest.who)}, {ago(newest.at)}")
    st.caption(f"{plain(recipe.event_type)}: {count(len(recipe.columns), 'column')}, {count(len(recipe.matches), 'field')}, {count(len(recipe.corrections), 'correction')}.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        versions = range(newest.version, 0, -1)
        version = st.selectbox("Version", versions, key=f"recipe_version_{position}", width=120)
        tables.download("Download as YAML", lambda: to_yaml(recipes.get(recipe.name, version).recipe).encode(), f"{recipe.name}.yaml", key=f"recipe_yaml_{position}")


def _add(who: str) -> None:
    st.header("Add a recipe", anchor=False)
    with st.form("add_recipe", border=False, clear_on_submit=False):
        file = st.file_uploader("A recipe file (YAML)", type=["yaml", "yml"], max_upload_size=1, key="recipe_file")
        text = st.text_area("Or paste its text", height=160, key="recipe_text")
        pressed = st.form_submit_button("Add")
    if pressed:
        with errors.shown():
            added = recipes.save(from_yaml(_as_text(file.getvalue()) if file else text), who)
            st.session_state["recipe_added"] = f"{plain(added.recipe.name)}, version {added.version}"
            st.rerun()
    if said := st.session_state.pop("recipe_added", None):
        st.success(f"Added: {said}.", icon=":material/check_circle:")


def _as_text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("This is no recipe: it isn't UTF-8 text.", "Use a file that was exported here.") from None
