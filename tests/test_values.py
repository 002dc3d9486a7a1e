"""values: what a cell means, in every way it may be written; and what is none of it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import BadInput
from ingest.values.dressed import parse_number, parts, scaled, undressed
from ingest.values.forms import TimeReading, iso_text
from ingest.values.months import MONTHS, month_of
from ingest.values.numbers import number_text
from ingest.values.times import is_zoned, named_date, parsed, time_evidence
from ingest.values.units import SPELLINGS, UNITS, exact, factor, targets
from ingest.values.zones import said_zone
from schemas.account import AccountProfile
from tests.raw_tables import check_column, check_times

pytestmark = pytest.mark.usefixtures("home")
UTC_ZONE = {"zone.timestamp": "UTC"}


def values(checked, name="value"):
    return [value for value, in checked.events(f'"{name}"')]


def asked(checked):
    return [(question.name, question.blocking) for question in checked.result.questions]


def effects(checked):
    question, = checked.result.questions
    return [(option.value, option.effect) for option in question.options]


# Amounts.


@pytest.mark.parametrize(("cells", "expected"), [
    (["EUR 1.234,50", "12 €", "-€5", "€ -6,25"], ["1234.5", "12", "-5", "-6.25"]),
    (["$1,234.50", "$5", "-$2.25", "($3)"], ["1234.5", "5", "-2.25", "-3"]),
    (["CHF 1'234.50", "2’000.25 CHF"], ["1234.5", "2000.25"]), (["₹12,34,567.50"], ["1234567.5"]), (["1\u2009234,50 zł", "kr 5,5"][:1], ["1234.5"]),
    (["(1,234.50)", "5-", "5.5\u2212", "7"], ["-1234.5", "-5", "-5.5", "7"]), (["R$ 1.000,25", "R$ 7"], ["1000.25", "7"]),
])
def test_currencies_and_the_signs_of_bookkeepers_are_taken_off(tmp_path, cells, expected):
    checked = check_column(tmp_path, "Decimal", cells)
    assert values(checked) == [Decimal(each) for each in expected]
    assert asked(checked) == []


NO_NUMBERS = [
    "5 GB €", "€5 GB", "(5", "5)", "-(5)", "(5)-", "-5-", "12,-", "5 - 10", "10-20", "1.2.3", "12.5O", "5/7", "+49 30 1234567", "030/123456", "AB-12", "12A", "5 bananas", "GB", "€", "%", "()", "-", "1 2", "€ €5", "12..5",
]


def test_what_is_no_number_whatever_stands_beside_it(tmp_path):
    checked = check_column(tmp_path, "Decimal", [*["€1.5"] * 40, *NO_NUMBERS])
    assert [issue for issue in checked.issues("value", "code", "_row") if issue[1] != "unit_removed"] == [(cell, "not_a_number", row) for row, cell in enumerate(NO_NUMBERS, start=42)]


@pytest.mark.parametrize(("cells", "answer", "expected", "question"), [
    (["12 GB", "3.5GB", "1 gb"], None, ["12", "3.5", "1"], [("unit.value", False)]),
    (["12 GB", "3.5GB"], "MB", ["12000", "3500"], []),
    (["12 GB", "512 MB", "1 GiB"], None, ["12", "0.512", "1.073741824"], [("unit.value", True)]),
    (["12 GB", "512 MB", "1 GiB"], "KiB", ["11718750", "500000", "1048576"], []),
    (["2h", "30 min", "15 Sek."], "s", ["7200", "1800", "15"], []),
    (["2 Std", "30 Minuten"], "min", ["120", "30"], []),
    (["5 GB", "7"], "GB", ["5", "7"], []),
    (["3 requests", "4 requests"], None, ["3", "4"], []),
    (["0.000000001 TB"], "B", ["1000"], []),
])
def test_units_are_taken_off_or_converted_digit_for_digit(tmp_path, cells, answer, expected, question):
    checked = check_column(tmp_path, "Decimal", cells, answers={"unit.value": answer} if answer else {})
    assert values(checked) == [Decimal(each) for each in expected]
    assert asked(checked) == question


def test_what_was_taken_off_is_said(tmp_path):
    checked = check_column(tmp_path, "Decimal", ["5 €", "7", "(3)", "x €"])
    assert [(group.code, group.severity, group.count) for group in checked.result.issues if group.code == "unit_removed"] == [("unit_removed", "note", 2)]


@pytest.mark.parametrize(("cells", "answer", "bad"), [
    (["1.5", "5 GB", "1.5"], None, [3]), (["1.5", "5 GB", "1.5"], "none", [3]), (["5 €", "6 €", "5 $"], None, [4]), (["5 kg", "6 kg", "5 GB"], None, [4]), (["5 Mb", "6 MB", "7 MB"], None, [2]),
])
def test_what_can_not_be_converted_needs_fixing(tmp_path, cells, answer, bad):
    checked = check_column(tmp_path, "Decimal", cells, answers={"unit.value": answer} if answer else {})
    assert [issue for issue in checked.issues("code", "_row") if issue[0] != "unit_removed"] == [("not_a_number", row) for row in bad]
    assert asked(checked) == ([] if answer else [("unit.value", True)])


def test_slips_of_one_cell_among_many_need_fixing_and_hold_nothing_else_back(tmp_path):
    many = [f"{number}.25" for number in range(40)]
    for name, slip, question in (("a", "5 GB", "unit.value"), ("b", "1,5", "decimal_mark.value")):
        checked = check_column(tmp_path / name, "Decimal", [*many, slip])
        assert ([issue for issue in checked.issues("code", "_row") if issue[0] != "unit_removed"], asked(checked)) == ([("not_a_number", 42)], [(question, False)])
    assert asked(check_column(tmp_path / "c", "Decimal", [*many, "1,5", "1,234"])) == [("decimal_mark.value", True)]  # the last hangs on the answer


@pytest.mark.parametrize(("kind", "cells", "answer", "expected", "bad"), [
    ("Decimal", ["1234.5", "7.25", "1.234,50"], "each", ["1234.5", "7.25", "1234.5"], []), ("Decimal", ["1234.5", "7.25", "1.234,50"], "point", ["1234.5", "7.25"], [4]),
    ("Decimal", ["1.234,50", "0,5", "1234.5", "1.234"], "each", ["1234.5", "0.5", "1234.5", "1234"], []), ("Decimal", ["2.5 €", "EUR 1.234,50", "3.75"], "each", ["2.5", "1234.5", "3.75"], []),
    ("Float64", ["2.5", "1,5", "many"], "each", [2.5, 1.5], [4]), ("Decimal", ["2.5", "3.5"], "each", ["2.5", "3.5"], []),
])
def test_numbers_with_either_mark_in_one_column_are_read_each_by_its_own(tmp_path, kind, cells, answer, expected, bad):
    checked = check_column(tmp_path, kind, cells, answers={"decimal_mark.value": answer})
    assert values(checked) == [Decimal(each) if kind == "Decimal" else each for each in expected]
    assert [row for code, row in checked.issues("code", "_row") if code != "unit_removed"] == bad


def test_what_either_mark_in_one_column_would_come_to_is_said_first(tmp_path):
    (question,) = check_column(tmp_path, "Decimal", ["1234.5", "7.25", "1.234,50", "1,234"]).result.questions
    assert [(each.value, each.effect.partition("; ")[2]) for each in question.options] == [
        ("point", "the column adds up to 2,475.75; 1 cell can't be read"), ("comma", "the column adds up to 1,235.734; 2 cells can't be read"),
        ("each", "the column adds up to 3,710.25; 1 number such as 1,234 allows both and is read with a point"),
    ]


def test_the_question_about_the_unit_says_the_total_under_each_answer(tmp_path):
    assert effects(check_column(tmp_path, "Decimal", ["1 h", "30 min"])) == [("min", "the column adds up to 90"), ("h", "the column adds up to 1.5")]


@pytest.mark.parametrize(("answer", "expected"), [(None, ["50", "12.5"]), ("number", ["50", "12.5"]), ("fraction", ["0.5", "0.125"])])
def test_a_percent_sign_is_asked_about_once(tmp_path, answer, expected):
    checked = check_column(tmp_path, "Decimal", ["50%", "12.5 %"], answers={"percent.value": answer} if answer else {})
    assert values(checked) == [Decimal(each) for each in expected]
    assert asked(checked) == ([] if answer else [("percent.value", True)])


@pytest.mark.parametrize(("answer", "expected", "missing"), [(None, [5, None, 6, None], []), ("nothing", [5, None, 6, None], []), ("zero", [5, 0, 6, 0], []), ("above", [5, 5, 6, 6], []), ("unknown", [5, 6], [3, 5])])
@pytest.mark.parametrize(("kind", "cells"), [("Int64", ["5", None, "6", None]), ("Decimal", ["5", " ", "6,0", None])])
def test_what_an_empty_cell_means(tmp_path, kind, cells, answer, expected, missing):
    checked = check_column(tmp_path, kind, cells, answers={"empty.value": answer} if answer else {})
    assert values(checked) == expected
    assert checked.issues("code", "_row") == [("missing_value", row) for row in missing]
    assert asked(checked) == ([] if answer else [("empty.value", True)])


def test_the_question_about_empty_cells_says_what_each_answer_does(tmp_path):
    assert effects(check_column(tmp_path, "Decimal", ["5.5", None, "6", None])) == [
        ("zero", "they are sent as 0"), ("unknown", "2 rows need fixing and won't be sent"), ("above", "each takes the number above it, which adds 11.5 to the total"), ("nothing", "the events go without this number"),
    ]


@pytest.mark.parametrize(("fine", "answer", "asks", "wrong"), [(9, None, True, 0), (9, "cut", False, 0), (9, "fix", False, 9), (4, None, False, 4), (4, "cut", False, 0)])
def test_more_digits_of_a_second_than_the_account_keeps_are_slips_or_how_the_file_is_written(tmp_path, fine, answer, asks, wrong):
    cells = [f"2026-09-30T23:59:59.{'9999999' if place < fine else '12'}{'Z' if place % 2 else '+00:00'}" for place in range(12)]
    checked = check_times(tmp_path, cells, answers={"fraction.timestamp": answer} if answer else {})
    assert asked(checked) == ([("fraction.timestamp", False)] if asks else [])
    assert checked.codes == ["timestamp_too_fine"] * wrong
    assert {str(moment) for moment, in checked.events("timestamp")} == {"2026-09-30 23:59:59.120000"} | ({"2026-09-30 23:59:59.999000"} if not wrong else set())


@pytest.mark.parametrize(("text", "number"), [("1.002,75 €", "1002.75"), ("(5,5)", "-5.5"), ("EUR 7", "7"), ("12 GB", None), ("7%", None), ("a lot", None)])
def test_totals_may_have_a_currency(text, number):
    with duckdb.connect() as connection:
        assert parse_number(connection, text, "comma") == number


@pytest.mark.parametrize(("question", "value"), [("unit", "furlong"), ("percent", "half"), ("empty", "maybe")])
def test_an_answer_that_is_not_on_offer_is_refused(tmp_path, question, value):
    with pytest.raises(BadInput, match=f"no answer to {question}.value"):
        check_column(tmp_path, "Decimal", ["5 GB", "7%", None], answers={f"{question}.value": value})


WRITTEN = [
    lambda number: f"{number:,f}", lambda number: f"{number:,f}".replace(",", "'"), lambda number: f"{number:,f}".replace(",", "\u2009"), lambda number: f"${number:,f}".replace("$-", "-$"),
    lambda number: f"{number:f} GB", lambda number: f"({-number:,f})" if number < 0 else f"{number:f}", lambda number: f"{-number:f}-" if number < 0 else f"USD {number:f}",
]


@settings(max_examples=8, deadline=None)
@given(st.lists(st.decimals(min_value=-10**15, max_value=10**15, places=4), min_size=1, max_size=30))
def test_a_number_reads_back_digit_for_digit_however_it_is_written(numbers):
    texts = [(number, write(number)) for number in numbers for write in WRITTEN]
    with duckdb.connect() as connection:
        found = connection.execute(f"select {number_text('n', 'point')} from (select {undressed('s', 'p')} as n from (select s, {parts('s')} as p from (select unnest(?::varchar[]) as s)))", [[text for _, text in texts]]).fetchall()
    assert [(text, Decimal(read)) for (_, text), (read,) in zip(texts, found, strict=True)] == [(text, number) for number, text in texts]


@settings(max_examples=15, deadline=None)
@given(st.decimals(min_value=0, max_value=10**10, places=5), st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_a_conversion_is_exact(number, unit, target):
    times = factor(unit, target)
    if times is not None:
        read = duckdb.execute(f"select {scaled('s', times)} from (select ? as s)", [f"{number:f}"]).fetchone()[0]
        assert Decimal(read) * times.denominator == number * times.numerator


def test_no_unit_is_written_like_another():
    assert all(SPELLINGS[name] == name for name in UNITS if name in SPELLINGS)
    assert targets(["h", "min"]) == ["min", "ns", "µs", "ms", "s"]
    assert not exact("s", "h")  # a third of an hour can't be written down


@pytest.mark.parametrize(("cells", "answers", "expected", "questions"), [
    (["00:03:25", "1:05:30,5", "100:00:00", "-0:00:10", "1.02:03:04"], {}, ["205", "3930.5", "360000", "-10", "93784"], [("unit.value", True)]),
    (["3h 25m", "45m", "2 Std. 5 Min.", "1 day 2 hours", "PT1H30M"], {}, ["12300", "2700", "7500", "93600", "5400"], [("unit.value", True)]),
    (["3h 25m", "45m", "10h 10m"], {"unit.value": "min"}, ["205", "45", "610"], []), (["1:30:00", "0:45:00"], {"unit.value": "h"}, ["1.5", "0.75"], []),
    (["5:12", "1:02:03"], {"unit.value": "s"}, ["312", "3723"], [("duration.value", True)]), (["5:12", "61:00"], {"unit.value": "min", "duration.value": "hours_minutes"}, ["312", "3660"], []),
])
def test_lengths_of_time_are_numbers_of_seconds_and_what_is_open_is_asked(tmp_path, cells, answers, expected, questions):
    checked = check_column(tmp_path, "Decimal", cells, answers=answers)
    assert values(checked) == [Decimal(each) for each in expected]
    assert asked(checked) == questions


def test_a_length_of_time_among_numbers_or_without_an_end_in_the_unit_needs_fixing(tmp_path):
    assert check_column(tmp_path / "a", "Decimal", ["1.5", "10:30", "2.5", "1:00:00", "4"]).issues("code", "_row") == [("not_a_number", 3), ("not_a_number", 5)]
    found = check_column(tmp_path / "b", "Decimal", ["0:30:00", "0:10:00"], answers={"unit.value": "h"})
    assert [issue for issue in found.issues("code", "_row") if issue[0] != "unit_removed"] == [("not_a_number", 3)]


# Moments.


MOMENTS = [
    ("1. Oktober 2026", "2026-10-01"), ("1 Oct 2026 13:45", "2026-10-01 13:45"), ("Oct 1, 2026 1:45 PM", "2026-10-01 13:45"), ("October 1st, 2026", "2026-10-01"), ("1er octobre 2026", "2026-10-01"),
    ("1 de octubre de 2026", "2026-10-01"), ("Thu, 01 Oct 2026 13:45:00 +0200", "2026-10-01 11:45"), ("01/Oct/2026:13:45:00 +0200", "2026-10-01 11:45"), ("01-OCT-2026", "2026-10-01"),
    ("2026-Oct-01", "2026-10-01"), ("1 października 2026", "2026-10-01"), ("1. lokakuuta 2026", "2026-10-01"), ("1 OTT. 2026", "2026-10-01"), ("2026-10-01T13h45", "2026-10-01 13:45"), ("01.10.2026 13:45 Uhr", "2026-10-01 13:45"),
    ("10/31/2026 1:05:00 PM +00:00", "2026-10-31 13:05"), ("10/31/2026 1 pm", "2026-10-31 13:00"), ("2026-10-01T13:45:00+02", "2026-10-01 11:45"), ("20261001T134500.5+0200", "2026-10-01 11:45:00.5"), ("202610011345", "2026-10-01 13:45"),
    ("2026-10-01 13:45:00 CEST", "2026-10-01 11:45"), ("01.10.2026 13:45 MESZ", "2026-10-01 11:45"), ("Oct 1, 2026 1:45 PM PDT", "2026-10-01 20:45"), ("2026-10-01 13:45 IST", "2026-10-01 13:45"),
    ("2026-10-01T13", "2026-10-01 13:00"), ("2026-10-01T13Z", "2026-10-01 13:00"), ("1.10.2026 13 Uhr", "2026-10-01 13:00"), ("2026-10-01 13:45:00 UTC+02:00", "2026-10-01 11:45"), ("2026-10-01 13:45 GMT+2", "2026-10-01 11:45"),
    ("2026-W40-3", "2026-09-30"), ("2026W403", "2026-09-30"), ("2026-274", "2026-10-01"), ("1790812800123000000", "2026-10-01 00:00:00.123"), ("1790812800123000", "2026-10-01 00:00:00.123"),
]


def test_more_forms_of_a_moment(tmp_path):
    checked = check_times(tmp_path, [cell for cell, _ in MOMENTS], answers=UTC_ZONE)
    assert list(zip([cell for cell, _ in MOMENTS], values(checked, "timestamp"), strict=True)) == [(cell, datetime.fromisoformat(utc)) for cell, utc in MOMENTS]


@pytest.mark.parametrize(("cell", "answers", "moment", "question"), [
    ("46296", {}, "2026-10-01", [("serial.timestamp", True)]), ("46296.5729166667", {}, "2026-10-01 13:45", [("serial.timestamp", True)]), ("46296,5", {}, "2026-10-01 12:00", [("serial.timestamp", True)]), ("44834.5", {"serial.timestamp": "1904"}, "2026-10-01 12:00", []),
    ("01.10.26", {}, "2026-10-01", [("century.timestamp", True)]), ("10/13/26 5:00 am", {"century.timestamp": "2000"}, "2026-10-13 05:00", []), ("01-Oct-99", {"century.timestamp": "1900"}, "1999-10-01", []),
    ("2026100113", {}, "2026-10-01 13:00", [("epoch.timestamp", True)]), ("2026100113", {"epoch.timestamp": "seconds"}, "2034-03-16 05:35:13", []),
    ("2026-10", {}, "2026-10-31 23:59:59.999", [("period.timestamp", False)]), ("10/2026", {"period.timestamp": "start"}, "2026-10-01", []), ("Okt. 2026", {}, "2026-10-31 23:59:59.999", [("period.timestamp", False)]),
    ("2026-W40", {}, "2026-10-04 23:59:59.999", [("period.timestamp", True)]), ("2026-Q4", {"period.timestamp": "end"}, "2026-12-31 23:59:59.999", []),
])
def test_moments_with_two_meanings_are_asked_about(tmp_path, cell, answers, moment, question):
    checked = check_times(tmp_path, [cell], answers={**UTC_ZONE, **answers})
    assert values(checked, "timestamp") == [datetime.fromisoformat(moment)]
    assert asked(checked) == question


NO_MOMENTS = [
    "2026-10", "Oct 2026", "1.2.3", "10.1.2", "+49 30 12345", "5-10", "2026-10-01/2026-10-02", "v2026", "Smarch 1 2026", "Building 5 May 2026", "2026-367", "2026-W60", "2026-W40-9", "2026-13", "12345", "99999999", "31 Feb 2026",
]


def test_what_is_no_moment_among_others(tmp_path):
    checked = check_times(tmp_path, [*["2026-10-01T00:00:00Z"] * 20, *NO_MOMENTS], answers=UTC_ZONE)
    assert checked.issues("value", "code", "_row") == [(cell, "not_a_timestamp", row) for row, cell in enumerate(NO_MOMENTS, start=22)]


def test_a_clock_near_the_end_of_a_month_has_to_have_its_zone_said(tmp_path):
    assert asked(check_times(tmp_path, ["2026-10-31 23:30:00"])) == [("zone.timestamp", True)]
    assert asked(check_times(tmp_path, ["2026-10-15 12:30:00"])) == [("zone.timestamp", False)]


@pytest.mark.parametrize(("heading", "zone"), [
    ("Start (UTC)", "UTC"), ("usage_date_utc", "UTC"), ("timestampUTC", "UTC"), ("Zeit [Europe/Berlin]", "Europe/Berlin"), ("Time (UTC+01:00)", None), ("GMT+2", None), ("Butcher", None), ("Utrecht/Time", None),
])
def test_a_heading_may_name_the_zone(heading, zone):
    assert said_zone(heading) == zone


def test_names_of_months_may_have_capitals_and_a_dot():
    assert [month_of(word) for word in ("OKTOBER", "Okt.", "MÄRZ", "août", "Paź", "lokakuuta", "Ágúst", "May", "Mayor")] == [10, 10, 3, 8, 10, 10, 8, 5, None]


def test_no_name_of_a_month_means_another_one_elsewhere():
    assert [(language, word) for language, words in MONTHS.items() for word, month in words.items() if month_of(word) != month] == []


def read(texts, profile=None):
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute("create table t as select unnest(?::varchar[]) as s", [texts])
        found = time_evidence(connection, "t", "s")
        reading = TimeReading(forms=found.forms, words=found.words, zones=found.zones, order=found.order)
        return [moment for moment, in connection.execute(f"select {parsed('i', is_zoned('i', reading.forms), reading.forms)} from (select {iso_text('s', reading)} as i from t)").fetchall()]


WAYS = ["%Y-%m-%dT%H:%M:%S.%f+00:00", "%Y-%m-%d %H:%M:%S.%fZ", "%d.%m.%Y %H:%M:%S.%f", "%d %B %Y %H:%M:%S.%f", "%b %d, %Y %I:%M:%S.%f %p", "%a, %d %b %Y %H:%M:%S.%f +0000", "%Y%m%dT%H%M%S.%fZ", "%Y/%m/%d %H:%M:%S.%f"]


@settings(max_examples=4, deadline=None)
@given(st.lists(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2099, 1, 1)), min_size=1, max_size=20))
def test_a_moment_reads_back_to_the_microsecond_however_it_is_written(moments):
    texts = [(moment, moment.strftime(way)) for moment in moments for way in WAYS]
    texts += [(moment, f"{(moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)}") for moment in moments if moment.year > 2001]
    assert list(zip([text for _, text in texts], read([text for _, text in texts]), strict=True)) == [(text, moment) for moment, text in texts]


NO_DATES = ["AB-123", "1.2.3", "2.0.14", "+49 30 1234567", "10-20", "SKU 4711", "12 GB", "May", "1 Foo 2026", "Mark 5 2026"]


def test_what_is_no_date_is_not_taken_for_one():
    assert read(NO_DATES) == [None] * len(NO_DATES)
    assert duckdb.execute(f"select s from (select unnest(?::varchar[]) as s) where {named_date('s')}", [NO_DATES]).fetchall() == []


# Yes and no.


@pytest.mark.parametrize(("cells", "expected"), [
    (["x", None, "X"], [True, False, True]), (["✓", None], [True, False]), (["tak", "NIE", None], [True, False, None]), (["J", "n", "Oui", "non", "sì", "no"], [True, False, True, False, True, False]),
    (["wahr", "falsch", "vrai", "faux", "on", "off", "waar", "nej"], [True, False, True, False, True, False, True, False]),
])
def test_yes_and_no(tmp_path, cells, expected):
    assert values(check_column(tmp_path, "Bool", cells)) == expected


def test_a_cross_among_words_is_neither(tmp_path):
    assert check_column(tmp_path, "Bool", ["yes", "x"]).issues("code", "_row") == [("not_true_or_false", 3)]


def test_the_last_moment_of_a_period_is_one_that_the_account_keeps(tmp_path):
    checked = check_times(tmp_path, ["2026-10"], answers=UTC_ZONE, profile=AccountProfile(timestamp_digits=0))
    assert values(checked, "timestamp") == [datetime(2026, 10, 31, 23, 59, 59)]
