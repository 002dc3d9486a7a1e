"""Failures as people see them: a sentence and what to do, or a number they can hand on. Never a traceback, never silence."""

import logging
import secrets
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler

import streamlit as st

from ingest import query
from ingest.errors import Broken, IngestError, Outside
from ingest.settings import settings
from pages.parts.text import plain


@contextmanager
def shown() -> Iterator[None]:
    """Shows what goes wrong inside, as a `with` block or as a decorator, and lets the page go on after it."""
    try:
        yield
    except Exception as error:  # the outermost frame of a page
        show(error)


def show(error: Exception) -> bool:
    """Shows one failure. True, so that Streamlit takes it as dealt with."""
    if isinstance(error, Broken):
        st.error(f"**Stopped, so that nothing goes wrong.** {sentence(error)}\n\nIncident {record_incident(error)}.", icon=":material/error:")
    elif isinstance(error, Outside):
        st.warning(sentence(error), icon=":material/cloud_off:")
    elif isinstance(error, IngestError):
        st.error(sentence(error), icon=":material/error:")
    else:
        st.error(f"Something went wrong on our side. Nothing was sent by this.\n\nTry again; if it stays, hand on this number: **{record_incident(error)}**. The log in the data folder has the details.", icon=":material/error:")
    return True


def sentence(error: IngestError) -> str:
    """The error's sentence and what to do, safe to show as Markdown."""
    return f"{plain(error.sentence)} {plain(error.todo)}".strip()


def record_incident(error: Exception) -> str:
    """Logs where a failure happened, without its message (it may hold a customer's data). The number to find it by."""
    number = secrets.token_hex(4)
    frames = " ← ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in reversed(traceback.extract_tb(error.__traceback__)[-12:]))
    inner = f" ← {error.where}" if isinstance(error, query.Failed) else ""
    _log().error("An unforeseen failure. action=incident number=%s kind=%s at %s%s", number, type(error).__name__, frames, inner)
    return number


def close_log() -> None:
    """Closes the log; the next incident opens it again."""
    for handler in (logger := logging.getLogger("intake.portal")).handlers[:]:
        handler.close()
        logger.removeHandler(handler)


def _log() -> logging.Logger:
    """The portal's log in INTAKE_HOME/logs: rotating, and following the data folder."""
    path = settings().home / "logs" / "portal.log"
    logger = logging.getLogger("intake.portal")
    if [getattr(handler, "baseFilename", None) for handler in logger.handlers] != [str(path)]:
        close_log()
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=2_000_000, backupCount=5, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.handlers, logger.propagate = [handler], False
    return logger
