"""Opening the store: SQLite in the data folder, or PostgreSQL; migrated by whoever comes first."""

import fcntl
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, inspect, text

from ingest.settings import settings

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "0008"
"""The newest migration; a test holds it to the files."""


def store() -> Engine:
    """The store of this installation, migrated. One engine per process and address."""
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    return open_store(settings().database_url or f"sqlite:///{home / 'state.db'}", home)


@lru_cache(maxsize=8)
def open_store(url: str, home: Path) -> Engine:
    """An engine on `url` whose tables are up to date."""
    engine = sqlite_engine(url) if url.startswith("sqlite") else create_engine(url, pool_pre_ping=True, hide_parameters=True)
    if _version(engine) != HEAD:
        _migrate(engine, home)
    return engine


def sqlite_engine(url: str) -> Engine:
    """An engine on SQLite in WAL mode that waits for other writers and syncs every commit."""
    engine = create_engine(url, connect_args={"timeout": 30}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _pragmas(connection, _record) -> None:  # noqa: ANN001
        connection.execute("pragma busy_timeout = 30000")
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")

    return engine


def _version(engine: Engine) -> str | None:
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        return connection.execute(text("select version_num from alembic_version")).scalar()


def _migrate(engine: Engine, home: Path) -> None:
    from alembic import command
    from alembic.config import Config

    with (home / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _version(engine) == HEAD:
            return
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
