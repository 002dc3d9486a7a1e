"""Recipes, as documents."""

from pathlib import Path

from ingest.commands.documents import Document
from ingest.errors import BadInput
from ingest.settings import settings
from ingest.store import recipes
from schemas.recipe import StoredRecipe


def list_recipes() -> list[Document]:
    """Every recipe in its newest version."""
    return [_recipe_document(each) for each in recipes.newest()]


def show_recipe(name: str, version: int | None) -> tuple[Document, str]:
    """One recipe, as a document and as YAML."""
    from ingest.recipes import to_yaml

    found = recipes.get(name, version)
    return _recipe_document(found), to_yaml(found.recipe)


def save_recipe(import_id: str, name: str) -> Document:
    """A recipe of how an import was read, matched and corrected."""
    from ingest.recipes import save_from

    return _recipe_document(save_from(import_id, name, settings().user))


def add_recipe(path: Path) -> Document:
    """A recipe out of a YAML file, as the next version of its name."""
    from ingest.recipes import from_yaml

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is no recipe: it isn't UTF-8 text.", "Use a file that was exported here.") from None
    return _recipe_document(recipes.save(from_yaml(text), settings().user))


def _recipe_document(found: StoredRecipe) -> Document:
    from ingest.recipes import as_document

    return {"name": found.recipe.name, "version": found.version, "who": found.who, "at": found.at, "event_type": found.recipe.event_type, "recipe": as_document(found.recipe)}
