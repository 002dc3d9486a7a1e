"""When it is read, and what happens with what is new."""

from datetime import UTC, datetime
from zoneinfo import available_timezones

import streamlit as st

from ingest.errors import BadInput
from ingest.pull import schedule
from ingest.store import sources as stored_sources
from pages.parts import errors
from pages.parts.text import plain
from pages.sources.steps import words
from pages.sources.steps.keeping import keep
from schemas.account import Account
from schemas.pull_run import StoredSource
from schemas.source import Schedule

HOWS = {"hand": "By hand only", "every": "Every few minutes or hours", "days": "On days of the week", "monthly": "Once a month", "cron": "As a cron line says", "after": "After another source"}
EVERY = {"5m": "5 minutes", "15m": "15 minutes", "30m": "30 minutes", "1h": "hour", "3h": "3 hours", "6h": "6 hours", "12h": "12 hours", "1d": "day"}
DAYS = {"mon": "Monday", "tue": "Tuesday", "wed": "Wednesday", "thu": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday"}
MONTHLY = ("1st", "2nd", "3rd", "5th", "10th", "15th", "20th", "25th", "last day", "first working day", "last working day")


def show(stored: StoredSource, account: Account, who: str) -> None:
    """The schedule with its next five runs, and whether a person is asked."""
    source = stored.source
    how = st.radio("When is it read?", list(HOWS), index=list(HOWS).index(_how(source.schedule)), format_func=HOWS.get, key="when_how", horizontal=True)
    try:
        said = _said(how, source.schedule, source.name)
        schedule.fitting(said)
        upcoming = schedule.next_times(said, datetime.now(UTC))
        st.markdown(f":material/event_repeat: {plain(words.beginning(schedule.in_words(said)))}." + (f" Next: {plain(words.upcoming(upcoming, said.zone))}." if upcoming else ""))
    except BadInput as error:
        errors.show(error)
        return
    automatic = st.radio("What happens with what is new?", ["ask", "automatic"], index=int(source.push == "automatic"), format_func={"ask": "Somebody looks at it and sends it", "automatic": "It is sent by itself when nothing is wrong"}.get, key="when_push")
    rejected, share = source.rejected, source.rejected_share
    if automatic == "automatic":
        rejected = st.radio("And rows that need fixing?", ["continue", "wait"], index=int(source.rejected == "wait"), format_func={"continue": "The others go; these stay open and are tried again", "wait": "Everything waits for somebody"}.get, key="when_rejected")
        st.caption(f"It always waits where more than {share:.0%} of the rows need fixing, where far more rows come than usual, a column that bills is gone, or a question is open.")
    if st.button("Continue", type="primary", icon=":material/check:", key="when_ok"):
        st.session_state["when_said"] = source.name
        keep(stored, who, schedule=said.model_dump(), push=automatic, rejected=rejected, rejected_share=share)


def _how(known: Schedule) -> str:
    return next((how for how in ("every", "days", "monthly", "cron", "after") if getattr(known, how)), "hand")


def _said(how: str, known: Schedule, name: str) -> Schedule:
    if how == "hand":
        return Schedule()
    if how == "every":
        from schemas.source import span_text

        options = list(dict.fromkeys([*EVERY, *([span_text(known.every)] if known.every else [])]))
        value = st.selectbox("Every", options, index=options.index(span_text(known.every)) if known.every else 1, format_func=lambda each: EVERY.get(each, each), key="when_every")
        return Schedule(every=value)
    if how == "after":
        others = [each.source.name for each in stored_sources.listed() if each.source.name != name]
        other = st.selectbox("After which source?", others, index=others.index(known.after) if known.after in others else None, key="when_after")
        if not other:
            raise BadInput("Choose the source that goes before.")
        return Schedule(after=other)
    left, right = st.columns(2)
    zones = sorted(available_timezones())
    zone = right.selectbox("Time zone", zones, index=zones.index(known.zone if known.zone in zones else "UTC"), key="when_zone")
    if how == "cron":
        return Schedule(cron=left.text_input("Cron line", known.cron or "0 6 * * 1-5", key="when_cron", help="Minute, hour, day of the month, month, day of the week."), zone=zone)
    at = left.time_input("At", known.at or "06:00", key="when_at", step=900)
    if how == "days":
        days = st.pills("Days", list(DAYS), default=list(known.days or ("mon", "tue", "wed", "thu", "fri")), format_func=DAYS.get, selection_mode="multi", key="when_days")
        if not days:
            raise BadInput("Choose at least one day.")
        return Schedule(days=tuple(day for day in DAYS if day in days), at=f"{at:%H:%M}", zone=zone)
    options = list(dict.fromkeys([*MONTHLY, *([known.monthly] if known.monthly else [])]))
    return Schedule(monthly=st.selectbox("On which day?", options, index=options.index(known.monthly or "2nd"), key="when_monthly"), at=f"{at:%H:%M}", zone=zone)
