"""When a source is due: every kind of schedule, by the clocks of places that change them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import BadInput
from ingest.pull.schedule import WEEK, due, fitting, in_words, next_time, next_times
from schemas.source import Schedule

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(**given: object) -> Schedule:
    return Schedule.model_validate(given)


@pytest.mark.parametrize(("given", "after", "expected"), [
    ({"every": "15m"}, "2026-10-01T10:07", ["2026-10-01T10:15", "2026-10-01T10:30"]),
    ({"every": "15m"}, "2026-10-01T10:15", ["2026-10-01T10:30", "2026-10-01T10:45"]),
    ({"every": "6h", "zone": "Europe/Berlin"}, "2026-10-01T10:07", ["2026-10-01T12:00", "2026-10-01T18:00"]),
    ({"every": "1d", "zone": "Europe/Berlin"}, "2026-10-24T10:00", ["2026-10-24T22:00", "2026-10-25T23:00"]),
    ({"every": "1w", "zone": "UTC", "at": "06:00"}, "2026-10-01T10:00", ["2026-10-05T06:00", "2026-10-12T06:00"]),
    ({"days": ["thu", "mon"], "at": "06:00", "zone": "Europe/Berlin"}, "2026-10-22T04:00", ["2026-10-26T05:00", "2026-10-29T05:00"]),
    ({"days": ["sun"], "at": "02:30", "zone": "Europe/Berlin"}, "2026-03-28T12:00", ["2026-03-29T01:00", "2026-04-05T00:30"]),  # missing: the first moment after the gap
    ({"days": ["sun"], "at": "02:30", "zone": "Europe/Berlin"}, "2026-10-24T12:00", ["2026-10-25T00:30", "2026-11-01T01:30"]),  # double: the first of the two
    ({"days": ["sun"], "at": "02:10", "zone": "Australia/Lord_Howe"}, "2026-10-03T12:00", ["2026-10-03T15:30", "2026-10-10T15:10"]),  # a gap of half an hour
    ({"days": ["fri"], "at": "10:00", "zone": "Pacific/Apia"}, "2011-12-29T12:00", ["2011-12-30T10:00", "2012-01-05T20:00"]),  # a whole day that was skipped
    ({"monthly": "2nd", "at": "06:00"}, "2026-10-02T06:00", ["2026-11-02T06:00", "2026-12-02T06:00"]),
    ({"monthly": "31st", "at": "06:00"}, "2026-01-31T06:00", ["2026-02-28T06:00", "2026-03-31T06:00", "2026-04-30T06:00"]),
    ({"monthly": "last day", "at": "18:00"}, "2028-01-31T18:00", ["2028-02-29T18:00", "2028-03-31T18:00"]),
    ({"monthly": "first working day", "at": "06:00"}, "2026-07-15T00:00", ["2026-08-03T06:00", "2026-09-01T06:00"]),
    ({"monthly": "last working day", "at": "18:00", "zone": "Europe/Berlin"}, "2026-10-01T00:00", ["2026-10-30T17:00", "2026-11-30T17:00"]),
    ({"monthly": "3rd working day", "at": "06:00"}, "2026-10-31T00:00", ["2026-11-04T06:00"]),
    ({"cron": "0 6 * * 1-5", "zone": "Europe/Berlin"}, "2026-10-23T10:00", ["2026-10-26T05:00", "2026-10-27T05:00"]),
    ({"cron": "30 2 * * *", "zone": "Europe/Berlin"}, "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
    ({"cron": "*/20 2 * * *", "zone": "Europe/Berlin"}, "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:00"]),  # three that are missing are one
    ({"cron": "30 2 * * *", "zone": "Europe/Berlin"}, "2026-10-25T00:45", ["2026-10-26T01:30"]),  # asked between the two 02:30
    ({"cron": "0 */6 * * *", "zone": "Australia/Lord_Howe"}, "2026-10-03T13:30", ["2026-10-03T19:00", "2026-10-04T01:00"]),
    ({"cron": "0 0 29 2 *"}, "2026-10-01T00:00", ["2028-02-29T00:00"]),
    ({}, "2026-10-01T00:00", []),
    ({"after": "other"}, "2026-10-01T00:00", []),
])
def test_the_next_times(given, after, expected):
    found = next_times(schedule(**given), utc(after), max(len(expected), 1))
    assert [each.isoformat() for each in found] == [utc(each).isoformat() for each in expected]


@pytest.mark.parametrize(("given", "last_due", "now", "expected"), [
    ({"every": "15m"}, "2026-10-01T10:00", "2026-10-01T10:00:07", ("2026-10-01T10:00", "2026-10-01T10:15")),
    ({"every": "15m"}, "2026-10-01T10:00", "2026-10-01T15:01", ("2026-10-01T15:00", "2026-10-01T15:15")),  # twenty were missed, one is made up for
    ({"days": WEEK, "at": "06:00"}, "2026-10-01T06:00", "2026-10-01T17:00", ("2026-10-01T06:00", "2026-10-02T06:00")),
    ({"days": WEEK, "at": "06:00", "grace": "1h"}, "2026-10-01T06:00", "2026-10-01T17:00", (None, "2026-10-02T06:00")),
    ({"days": WEEK, "at": "06:00", "grace": 0}, "2026-10-01T06:00", "2026-10-01T06:00:20", ("2026-10-01T06:00", "2026-10-02T06:00")),
    ({"monthly": "1st", "at": "06:00", "grace": "30d"}, "2026-07-01T06:00", "2026-10-09T17:00", ("2026-10-01T06:00", "2026-11-01T06:00")),
    ({"every": "10s", "grace": "30d"}, "2026-07-01T06:00", "2026-10-09T17:00:05", ("2026-10-09T17:00", "2026-10-09T17:00:10")),
    ({"every": "15m"}, "2026-10-01T10:15", "2026-10-01T10:00", (None, "2026-10-01T10:15")),  # not yet
    ({}, "2026-10-01T10:15", "2026-10-01T11:00", (None, None)),
])
def test_what_was_missed_is_made_up_for_once(given, last_due, now, expected):
    assert due(schedule(**given), utc(last_due), utc(now)) == tuple(each and utc(each) for each in expected)


@pytest.mark.parametrize(("given", "expected"), [
    ({"every": "15m"}, "every 15 minutes"),
    ({"every": "1h"}, "every hour"),
    ({"every": "1d", "zone": "Europe/Berlin"}, "every day at 00:00, Berlin time"),
    ({"days": ["thu", "mon"], "at": "06:00", "zone": "Europe/Berlin"}, "Mondays and Thursdays at 06:00, Berlin time"),
    ({"days": ["mon", "tue", "wed", "thu", "fri"], "at": "06:00"}, "Mondays to Fridays at 06:00, UTC"),
    ({"days": WEEK, "at": "06:00", "zone": "America/New_York"}, "every day at 06:00, New York time"),
    ({"days": ["sat"], "at": "06:00"}, "Saturdays at 06:00, UTC"),
    ({"monthly": "last working day", "at": "18:00", "zone": "Europe/Berlin"}, "on the last working day of the month at 18:00, Berlin time"),
    ({"monthly": "Last Day", "at": "18:00"}, "on the last day of the month at 18:00, UTC"),
    ({"monthly": "22", "at": "18:00"}, "on the 22nd of the month at 18:00, UTC"),
    ({"monthly": "11th", "at": "18:00"}, "on the 11th of the month at 18:00, UTC"),
    ({"cron": "0 6 * * 1-5", "zone": "Europe/Berlin"}, "at 06:00 on Monday through Friday, Berlin time"),
    ({"after": "usage-db"}, "after usage-db"),
    ({}, "by hand"),
])
def test_a_schedule_in_words(given, expected):
    fitting(schedule(**given))
    assert in_words(schedule(**given)) == expected


@pytest.mark.parametrize(("given", "said"), [
    ({"every": "15m", "cron": "0 6 * * *"}, "every and cron"),
    ({"every": "0"}, "that often"),
    ({"every": "15m", "at": "06:00"}, "not on which days"),
    ({"at": "06:00"}, "not on which days"),
    ({"days": ["mon"]}, "not at what time"),
    ({"monthly": "2nd"}, "not at what time"),
    ({"monthly": "32nd", "at": "06:00"}, "No day of the month"),
    ({"monthly": "0", "at": "06:00"}, "No day of the month"),
    ({"monthly": "2nd, 06:00", "at": "06:00"}, "goes into at"),
    ({"cron": "0 6 * *"}, "five fields"),
    ({"cron": ""}, "five fields"),
    ({"cron": "@daily"}, "five fields"),
    ({"cron": "0 0 6 * * *"}, "five fields"),
    ({"cron": "0 25 * * *"}, "hour isn't right"),
    ({"cron": "61 2 * * *"}, "minute isn't right"),
    ({"cron": "0 0 * * FOO"}, "day of week isn't right"),
    ({"cron": "0 0 30 2 *"}, "day of month isn't right"),
])
def test_a_schedule_that_cant_be_followed(given, said):
    with pytest.raises(BadInput) as raised:
        fitting(schedule(**given))
    assert said in str(raised.value)


HOURS = st.integers(0, 23)
MINUTES = st.sampled_from([0, 10, 30, 59])


@settings(max_examples=40, deadline=None)
@given(zone=st.sampled_from(ZONES), days=st.sets(st.sampled_from(WEEK), min_size=1), hour=st.one_of(st.integers(1, 3), HOURS), minute=MINUTES, cron=st.booleans())
def test_a_year_has_each_asked_day_once(zone, days, hour, minute, cron):
    at = f"{hour:02}:{minute:02}"
    asked = schedule(cron=f"{minute} {hour} * * {','.join(days)}", zone=zone) if cron else schedule(days=sorted(days), at=at, zone=zone)
    here = ZoneInfo(zone)
    ticks = year_of(asked, here)
    assert all(one < other for one, other in pairwise(ticks))
    local = [each.astimezone(here) for each in ticks]
    every_day = [datetime(2026, 1, 1) + timedelta(days=day) for day in range(365)]
    assert [each.date() for each in local] == [day.date() for day in every_day if WEEK[day.weekday()] in days]
    for each in local:
        missing = each.replace(hour=hour, minute=minute)
        assert f"{each:%H:%M}" == at or missing.astimezone(UTC).astimezone(here).replace(tzinfo=None) != missing.replace(tzinfo=None)
        assert each.fold == 0


@settings(max_examples=20, deadline=None)
@given(zone=st.sampled_from(ZONES), minutes=st.sampled_from([180, 360, 720, 50, 420]), start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)))
def test_spans_are_even_through_every_clock_change(zone, minutes, start):
    asked, moment = schedule(every=f"{minutes}m", zone=zone), start.replace(tzinfo=UTC)
    ticks = next_times(asked, moment, 50)
    assert {other - one for one, other in pairwise(ticks)} == {timedelta(minutes=minutes)}
    assert moment < ticks[0] <= moment + timedelta(minutes=minutes)


@settings(max_examples=30, deadline=None)
@given(zone=st.sampled_from(ZONES), start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), kind=st.sampled_from([{"cron": "*/20 1-3 * * *"}, {"monthly": "last working day", "at": "02:30"}, {"every": "1d"}]))
def test_no_tick_lies_between_a_moment_and_its_next(zone, start, kind):
    asked, moment = schedule(**kind, zone=zone), start.replace(tzinfo=UTC)
    following = next_time(asked, moment)
    assert next_time(asked, moment + (following - moment) / 2) == following
    assert next_time(asked, following - timedelta(microseconds=1)) == following


def year_of(asked: Schedule, here: ZoneInfo) -> list[datetime]:
    tick, ticks = next_time(asked, datetime(2025, 12, 31, 23, 59, 59, tzinfo=here)), []
    while tick.astimezone(here).year == 2026:
        ticks.append(tick)
        tick = next_time(asked, tick)
    return ticks
