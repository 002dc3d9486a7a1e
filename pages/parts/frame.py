"""What stands around every page: who is acting, the account, the period, the steps of an import."""

from datetime import date

import streamlit as st

from ingest.settings import settings
from ingest.store import accounts, imports
from pages.parts import attention
from pages.parts.state import IMPORT_PAGE, STEPS, Step, import_address, last_month, remembered
from pages.parts.text import month, plain
from schemas.account import Account
from schemas.base import Frozen
from schemas.records import ImportRecord

STEP_NAMES: dict[Step, str] = {"file": "File", "columns": "Columns", "review": "Review", "send": "Send"}
ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect x="2" y="2" width="20" height="20" rx="5" fill="#1f5fa8"/><path d="M7 12.5l3.4 3.4L17 9" fill="none" stroke="#fff" stroke-width="2.4"/></svg>'
"""The tab's icon, in here so that nothing is fetched for it."""
STYLE = """<style>
[data-testid^=stBaseButton-primary]:not(:disabled), [data-baseweb=tag] * { color: light-dark(#ffffff, #0b1219); }
.st-key-frame:has([data-testid=stSelectbox]) > *:last-child { padding-bottom: 0.5rem; }
@media (max-width: 640px) {
  [data-testid=stMainBlockContainer] { padding-top: 4.6rem; }
  .st-key-frame { flex-flow: row wrap !important; gap: 0.4rem !important; }
  .st-key-frame > * { flex: 1 1 42% !important; width: auto !important; min-width: 0 !important; }
  .st-key-frame > *:last-child { flex-basis: 100% !important; }
  .st-key-frame [data-testid=stWidgetLabel] { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .st-key-numbers { gap: 0.4rem !important; }
  .st-key-numbers > * { flex: 1 1 42% !important; width: auto !important; min-width: 0 !important; }
  .st-key-numbers [data-testid=stMetric] { padding: 0.2rem 0.6rem !important; }
  .st-key-steps { gap: 0.2rem 0.7rem !important; }
  [data-testid=stPageLink-NavLink], [data-testid=stPageLink-NavLink] * { white-space: normal !important; height: auto; }
}
</style>"""
"""In dark colours the main button is light, so its words are dark. On a telephone account and period share a line and their labels are only read aloud."""
_REACHED: dict[str, int] = {"reading": 0, "unreadable": 0, "read": 1, "matched": 2, "checking": 2, "checked": 3, "pushing": 3, "stopped": 3, "pushed": 3, "proven": 3, "discarded": 0}
"""How far an import may be opened: the index of the furthest step."""
_UNMATCHED = ("reading", "unreadable", "read")


class Actor(Frozen):
    """Who is acting."""

    name: str


def require() -> Actor:
    """Who is acting. The first line of every page, by way of `begin`: without a configured sign-in it is the operating system's user."""
    return Actor(name=settings().user)


def begin(title: str, *, wide: bool = True, record: ImportRecord | None = None) -> Actor:
    """Starts a page: checks the rights, draws account, period and title. Who is acting. On an import's page, `record` fixes the account."""
    actor = require()
    st.set_page_config(page_title=f"{title} · Usage Intake", page_icon=ICON, layout="wide" if wide else "centered")
    remembered.keep_in_address()
    st.html(STYLE)
    attention.watch()
    _bar(record)
    st.title(plain(title), anchor=False)
    return actor


def account() -> Account:
    """The account being looked at; the default one where a remembered name is gone."""
    known = accounts.all_accounts()
    return next((each for each in known if each.name == remembered.account), known[0])


def period() -> str:
    """The month being looked at, YYYY-MM."""
    return remembered.period


def kind_in_words(which: Account) -> str:
    """An account's name with its kind, never by colour alone."""
    if which.embedded:
        return which.name
    return f"{which.name} ({'PRODUCTION' if which.kind == 'production' else 'sandbox'})"


def step_header(record: ImportRecord | None, current: Step) -> None:
    """The four steps, each saying whether it is done, and opening where that is possible."""
    reached = furthest(record)
    with st.container(horizontal=True, key="steps", vertical_alignment="center", gap="medium"):
        st.caption(f"Step {STEPS.index(current) + 1} of {len(STEPS)}", width="content")
        for position, step in enumerate(STEPS):
            _step_link(record, step, position, current, reached)


def furthest(record: ImportRecord | None) -> int:
    """The index of the furthest step that can be opened."""
    return _REACHED[record.state] if record else 0


def left_at(record: ImportRecord | None) -> Step:
    """The step where an import was left. A file that was only just read is looked at first, a check before it is sent."""
    if record is None or record.state == "read":
        return "file"
    return "review" if record.state == "checked" else STEPS[furthest(record)]


def _step_link(record: ImportRecord | None, step: Step, position: int, current: Step, reached: int) -> None:
    name = f"{position + 1} {STEP_NAMES[step]}"
    if step == current:
        st.markdown(f"**{name}** (here)", width="content")
    elif record and position <= reached:
        done = position < STEPS.index(left_at(record)) or record.state == "proven"
        st.page_link(IMPORT_PAGE, label=f"{name}{' (done)' if done else ''}", icon=":material/check_circle:" if done else None, query_params=import_address(record.id, step))
    else:
        st.caption(f"{name} (later)", width="content")


def _bar(record: ImportRecord | None) -> None:
    known = accounts.all_accounts()
    shown = _account_of(record, known) or account()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="frame"):
        _choose_account(known, shown, record)
        _choose_period(record)
        _say_kind(shown)


def _account_of(record: ImportRecord | None, known: list[Account]) -> Account | None:
    if record is None or record.account is None:
        return None
    return next((each for each in known if each.name == record.account), None)


def _choose_account(known: list[Account], shown: Account, record: ImportRecord | None) -> None:
    """The account, to be changed; an import keeps its own once its columns are matched for it."""
    if record is not None and record.account is not None and record.state not in _UNMATCHED:
        _said("Account", kind_in_words(shown))
        return
    labels = {each.name: kind_in_words(each) for each in known}
    st.session_state["frame_account"] = shown.name
    st.selectbox("Account", list(labels), format_func=labels.get, key="frame_account", width=260, on_change=_account_chosen, args=(record,))


def _said(label: str, value: str) -> None:
    """What can't be changed here, as text: a field greyed out is hard to read."""
    st.markdown(f":small[{label}]  \n**{plain(value)}**", width="content")


def _account_chosen(record: ImportRecord | None) -> None:
    name = st.session_state["frame_account"]
    remembered.account = name
    if record is not None:
        imports.change(record.id, account=name)


def _choose_period(record: ImportRecord | None) -> None:
    if record is not None and record.period:
        _said("Period", month(record.period))
        return
    st.session_state["frame_period"] = period()
    st.selectbox("Period", months(), format_func=month, key="frame_period", width=180, on_change=_period_chosen)


def _period_chosen() -> None:
    remembered.period = st.session_state["frame_period"]


def months() -> list[str]:
    """Next month back to two years ago, and whatever month the address asks for."""
    newest = date.fromisoformat(last_month() + "-01")
    months = {f"{newest.year + (newest.month - 1 - back) // 12}-{(newest.month - 1 - back) % 12 + 1:02}" for back in range(-2, 24)}
    return sorted(months | {period()}, reverse=True)


def _say_kind(shown: Account) -> None:
    if shown.kind == "production":
        st.badge("PRODUCTION: what is sent here reaches real invoices", icon=":material/warning:", color="red")
    else:
        st.badge("Practice account: nothing here reaches a real invoice" if shown.embedded else "Sandbox account: nothing here reaches a real invoice", icon=":material/school:", color="gray")
