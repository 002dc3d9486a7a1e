"""Recipes in the store: every version stays."""

from sqlalchemy import func, insert, select

from ingest.errors import BadInput
from ingest.store import audit
from ingest.store.clock import now
from ingest.store.database import store
from ingest.store.schema import recipes
from schemas.recipe import Recipe, StoredRecipe


def save(recipe: Recipe, who: str) -> StoredRecipe:
    """Stores a recipe as the next version of its name; the same recipe again is the version that is there."""
    with store().begin() as connection:
        last = connection.execute(select(recipes).where(recipes.c.name == recipe.name).order_by(recipes.c.version.desc()).limit(1)).mappings().first()
        if last and Recipe.model_validate_json(last["recipe"]) == recipe:
            return _stored(last)
        made = {"name": recipe.name, "version": last["version"] + 1 if last else 1, "recipe": recipe.model_dump_json(), "who": who, "at": now()}
        connection.execute(insert(recipes).values(**made))
        audit.record(connection, who, "recipe", recipe.name, f"version {made['version']}")
    return _stored(made)


def get(name: str, version: int | None = None) -> StoredRecipe:
    """A recipe, by default its newest version. Raises BadInput for a name or version that isn't there."""
    wanted = select(recipes).where(recipes.c.name == name).order_by(recipes.c.version.desc()).limit(1)
    with store().connect() as connection:
        row = connection.execute(wanted.where(recipes.c.version == version) if version else wanted).mappings().first()
    if row is None:
        known = ", ".join(each.recipe.name for each in newest()) or "none yet"
        raise BadInput(f"There is no recipe {name!r}{f' in version {version}' if version else ''}.", f"There are: {known}.")
    return _stored(row)


def newest() -> list[StoredRecipe]:
    """Every recipe in its newest version, by name."""
    last = select(recipes.c.name, func.max(recipes.c.version).label("version")).group_by(recipes.c.name).subquery()
    query = select(recipes).join(last, (recipes.c.name == last.c.name) & (recipes.c.version == last.c.version)).order_by(recipes.c.name)
    with store().connect() as connection:
        return [_stored(row) for row in connection.execute(query).mappings()]


def _stored(row) -> StoredRecipe:  # noqa: ANN001
    return StoredRecipe(recipe=Recipe.model_validate_json(row["recipe"]), version=row["version"], who=row["who"], at=row["at"])
