"""What the portal remembers between two runs of a page, in one typed place: the address for what a link must carry, the session for the rest.

Whatever matters is in the store; this only says what the person is looking at.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Literal, NoReturn

import streamlit as st

Step = Literal["file", "columns", "review", "send"]
STEPS: tuple[Step, ...] = ("file", "columns", "review", "send")
IMPORT_PAGE = "pages/usage/one_import.py"
THIS_MONTH_PAGE = "pages/usage/this_month.py"
IMPORTS_PAGE = "pages/usage/imports.py"
SETTINGS_PAGE = "pages/admin/settings.py"


class Remembered:
    """Values of this browser tab. Each has a default, so that a first visit and a reload are no special case."""

    @property
    def account(self) -> str | None:
        """The name of the account being looked at; None for the default one."""
        return st.query_params.get("account") or st.session_state.get("account")

    @account.setter
    def account(self, name: str | None) -> None:
        _remember("account", name)

    @property
    def period(self) -> str:
        """The month being looked at, YYYY-MM: the last whole month, where nothing else was chosen."""
        chosen = st.query_params.get("period") or st.session_state.get("period")
        return chosen if chosen and re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", chosen) else last_month()

    @period.setter
    def period(self, period: str | None) -> None:
        _remember("period", period)

    @property
    def import_id(self) -> str | None:
        """The import in the address."""
        return st.query_params.get("id")

    @property
    def step(self) -> Step | None:
        """The step in the address, where it is one."""
        step = st.query_params.get("step")
        return step if step in STEPS else None

    @property
    def tickets(self) -> list[dict[str, str]]:
        """Upload tickets this tab was given and hasn't used."""
        return st.session_state.setdefault("tickets", [])

    @property
    def uploads(self) -> dict[str, str]:
        """Uploads of this tab whose reading was queued: id → the import it became."""
        return st.session_state.setdefault("uploads", {})

    @property
    def settling(self) -> int | None:
        """The entry of open rows whose form is open."""
        return st.session_state.get("settling")

    @settling.setter
    def settling(self, entry_id: int | None) -> None:
        st.session_state["settling"] = entry_id

    @property
    def dismissing(self) -> str | None:
        """The import whose dismissal is being typed."""
        return st.session_state.get("dismissing")

    @dismissing.setter
    def dismissing(self, import_id: str | None) -> None:
        st.session_state["dismissing"] = import_id

    def standing_since(self, what: str, how_far: object) -> float:
        """For how many seconds this tab has seen something stand where it stands."""
        seen = st.session_state.get(f"standing_{what}")
        if seen is None or seen[0] != how_far:
            seen = st.session_state[f"standing_{what}"] = (how_far, time.monotonic())
        return time.monotonic() - seen[1]

    def keep_in_address(self) -> None:
        """Puts what was chosen into the address again: going to another page empties it, and a link to another step of the page that is open leaves it as it was."""
        for name in ("account", "period"):
            if name in st.query_params:
                st.session_state[name] = st.query_params[name]
            elif st.session_state.get(name):
                st.query_params[name] = st.session_state[name]
        said = {name: value for name, value in st.query_params.to_dict().items() if name in ("id", "step", "account", "period")}  # what belongs to a widget, as a search, can't be set
        if said:
            st.query_params.update(said)  # said again: the browser changes its address where that differs, and only there


remembered = Remembered()


def open_import(import_id: str | None, step: Step | None = None) -> NoReturn:
    """Goes to an import, where it was left or at a step; without an id, to the empty drop area. Not for use inside a callback."""
    st.switch_page(IMPORT_PAGE, query_params=import_address(import_id, step))


def import_address(import_id: str | None, step: Step | None = None) -> dict[str, str]:
    """The query parameters of an import's page, for st.page_link."""
    return {key: value for key, value in (("id", import_id), ("step", step)) if value}


def link_import(import_id: str, label: str, step: Step | None = None, *, icon: str | None = None) -> None:
    """A link to an import. The label is Markdown: escape what people wrote."""
    st.page_link(IMPORT_PAGE, label=label, icon=icon, query_params=import_address(import_id, step))


def link_account() -> None:
    """A link to where an account is looked after, for when it can't be reached or refuses."""
    st.page_link(SETTINGS_PAGE, label="Look at the account", icon=":material/settings:")


def last_month(today: datetime | None = None) -> str:
    """The last whole month: that is what is brought in now."""
    first = (today or datetime.now(UTC)).replace(day=1)
    return f"{first - timedelta(days=1):%Y-%m}"


def _remember(name: str, value: str | None) -> None:
    if value is None:
        st.session_state.pop(name, None)
        st.query_params.pop(name, None)
    else:
        st.session_state[name] = value
        st.query_params[name] = value
