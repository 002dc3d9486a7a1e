"""The portal as an ASGI app: `python -m uvicorn server:app`, one worker. Streamlit's script beside our own upload routes."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from anyio import to_thread
from starlette.middleware import Middleware
from streamlit.runtime.pages_manager import PagesManager

from ingest import calls, download, query, upload
from ingest.headers import OwnHosts, SecurityHeaders
from ingest.store.database import store
from pages.parts import errors

# Before app.py has run once, Streamlit would take pages/ for its own kind of page folder and answer the first deep link with "Page not found".
# The flag isn't public; tests/browser/test_shell.py opens every address first on a fresh process.
PagesManager.uses_pages_directory = False


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[None]:
    """Warms what the first page needs, then takes it out of the garbage collector's sight: every run of a page is much cheaper after that."""
    import altair  # noqa: F401  (what charts need, loaded before the freeze)
    import pandas  # noqa: F401  (Streamlit loads it with the first table)

    import ingest.imports  # noqa: F401  (every stage, as the pages name them)
    import ingest.jobs  # noqa: F401  (what the first press of a button that starts something would wait for)
    from pages.parts import ask, download_button, follow, frame, listing, tables, template, upload_box  # noqa: F401

    await to_thread.run_sync(store)
    await to_thread.run_sync(query.warm)
    gc.collect()
    gc.freeze()
    yield
    query.end()


app = st.App(
    Path(__file__).parent / "app.py",
    routes=[*upload.routes, *download.routes, *calls.routes],
    middleware=[Middleware(OwnHosts), Middleware(SecurityHeaders)],
    lifespan=lifespan,
    on_script_error=errors.show,
)
