"""Every test gets a data folder of its own."""

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.settings import settings
from ingest.store.database import open_store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is up to date and empty; copying it is quicker than making one for every test."""
    path = tmp_path_factory.mktemp("store") / "state.db"
    open_store(f"sqlite:///{path}", path.parent).dispose()
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Iterator[Path]:
    """A fresh data folder, and settings that know it."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copyfile(empty_store, folder / "state.db")
    for name in ("INTAKE_API_URL", "INTAKE_API_KEY", "INTAKE_ORGANISATION", "INTAKE_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("INTAKE_HOME", str(folder))
    monkeypatch.setenv("INTAKE_THREADS", "1")  # tables of a few rows: every further thread only waits
    settings.cache_clear()
    yield folder
    settings.cache_clear()


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A test is never named after its bytes: packed ones hold the time of packing, and two workers would collect different names."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_finish() -> None:
    """Takes what is loaded out of the garbage collector's sight, as the portal does: Streamlit collects after every run of a page."""
    gc.collect()
    gc.freeze()
