"""check: every cell becomes a value or an issue, and every row is accounted for."""

import csv
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from ingest import check as checking
from ingest.check.checks import CELLS, CHECKS
from ingest.check.plan import Plan
from ingest.check.rows import harmless
from ingest.errors import BadInput
from ingest.settings import settings as process_settings
from schemas.account import AccountProfile
from schemas.matching import Period
from schemas.reading import ExcludedRow, ReadReport, RowSpan, TotalsRow
from tests.raw_tables import ACCOUNT, AT, check, check_column, check_times, spec

pytestmark = pytest.mark.usefixtures("home")

PLAIN = {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity"}
HEADER = ("Customer", "Time", "Quantity")
NOON = "2026-10-01T12:00:00Z"


# Numbers.


@pytest.mark.parametrize(("cells", "expected"), [
    (["1", "2.5", "-3.75"], ["1.00", "2.50", "-3.75"]),
    (["1,234.50", "7"], ["1234.5", "7.0"]),
    (["1.234,50", "7"], ["1234.5", "7.0"]),
    (["1.234.567", "5"], ["1234567", "5"]),
    (["1,234,567", "5"], ["1234567", "5"]),
    (["12,5", "3"], ["12.5", "3.0"]),
    (["1 234,5", "1\u00a0234,5", "1\u202f234,5"], ["1234.5"] * 3),
    (["1'234.5", "1\u2019234.5"], ["1234.5"] * 2),
    (["1 234,567", "12 345,678"], ["1234.567", "12345.678"]),
    (["1\u00a0234,567", "1\u2009234,567", "1\u202f234,567", "1\u2019234,567", "1'234,567"], ["1234.567"] * 5),
    (["1 234.567", "12'345.678"], ["1234.567", "12345.678"]),
    (["1 234 567", "1.5"], ["1234567", "1.5"]),
    (["1,234E+3", "2,5"], ["1234", "2.5"]),
    (["12,34,567.5"], ["1234567.5"]),
    ([" 5.5 ", "\t6.5", "7.5\u00a0"], ["5.5", "6.5", "7.5"]),
    (["+5.5", "\u22126.5", ".25", "7."], ["5.50", "-6.50", "0.25", "7.00"]),
    (["1.5E+3", "2e-3", "-1.25e1"], ["1500.000", "0.002", "-12.500"]),
    (["0.1234567890123456", "1"], ["0.1234567890123456", "1.0000000000000000"]),
    (["12345678901234567890.123456789012345678", "1"], ["12345678901234567890.123456789012345678", "1.000000000000000000"]),
    (["00012.50"], ["12.5"]),
    (["0.100", "1.234"], ["0.100", "1.234"]),
    (["1.2300000000000000000000", "2.5"], ["1.23", "2.50"]),
])
def test_decimals_are_read_digit_for_digit(tmp_path, cells, expected):
    checked = check_column(tmp_path, "Decimal", cells)
    assert [value for value, in checked.events("value")] == [Decimal(each) for each in expected]
    assert set(checked.codes) <= {"negative_quantity"}
    assert not [question for question in checked.result.questions if question.blocking]


@pytest.mark.parametrize(("kind", "good", "code", "cells"), [
    ("Decimal", "1.5", "not_a_number", ["abc", "12.5O", "n/a", "5 GB", "€5 GB", "5%", "1,2,3", "--5", "1_000", "0x1f", "inf", "NaN", "-", ".", "1e99", "1 234,567.5", "1 234'567"]),
    ("Decimal", "1.5", "too_many_decimals", ["0.1234567890123456789", "1.5e-20"]), ("Decimal", "1.5", "number_too_large", ["123456789012345678901", "1e30"]),
    ("Int64", "1", "not_a_whole_number", ["5.5"]), ("Int64", "1", "number_too_large", ["9223372036854775808"]), ("Int64", "1", "not_a_number", ["five"]),
    ("Float64", "1.5", "not_a_number", ["x", "nan"]), ("Float64", "1.5", "number_too_large", ["1e999"]),
    ("Bool", "yes", "not_true_or_false", ["maybe"]), ("Date32", "2026-10-01", "not_a_date", ["2026-02-30", "2026-10-01 05:00", "soon"]),
    ("UUID", "123e4567-e89b-12d3-a456-426614174000", "not_a_uuid", ["123", "123e4567-e89b-12d3-a456-42661417400g"]),
    ("DateTime64", NOON, "not_a_timestamp", ["yesterday", "0001-01-01", "infinity"]),
])
def test_a_cell_that_fails_is_one_issue_with_its_place_and_the_rest_goes_on(tmp_path, kind, good, code, cells):
    checked = check_column(tmp_path, kind, [good, *(each for cell in cells for each in (cell, good))])
    bad, rest = range(3, 3 + 2 * len(cells), 2), range(2, 3 + 2 * len(cells), 2)
    assert checked.issues("code", "severity", "_row", '"column"', "value") == [(code, "error", row, "Value", cell) for row, cell in zip(bad, cells, strict=True)]
    assert checked.left_out() == [(row, "rejected", f"{CHECKS[code].title} (Value)") for row in bad]
    assert [row for row, in checked.events("_row")] == list(rest)


@pytest.mark.parametrize(("kind", "cells", "expected"), [
    ("Int64", ["1", "-2", "5.0", "1,000", "1e3"], [1, -2, 5, 1000, 1000]),
    ("Int64", ["9223372036854775807"], [9223372036854775807]),
    ("Float64", ["1.5", "1e-7", "-2"], [1.5, 1e-7, -2.0]),
    ("Float64", ["1e300", "-1.50E+200", "1e-300", "2.50e10"], [1e300, -1.5e200, 1e-300, 2.5e10]),
    ("Float64", ["1,50e100", "0,5"], [1.5e100, 0.5]),
    ("Bool", ["yes", "No", "TRUE", "0", "ja", "nein", "x" and "vrai"], [True, False, True, False, True, False, True]),
    ("Date32", ["2026-10-01", "01.10.2026", "20261001", "2026/10/1", "2026-10-01T00:00:00Z"], [date(2026, 10, 1)] * 5),
    ("Date32", ["1950-01-01"], [date(1950, 1, 1)]),
    ("String", ["a", " b ", "c\u00a0"], ["a", "b", "c"]),
    ("UUID", ["123E4567-e89b-12d3-a456-426614174000", "{123e4567e89b12d3a456426614174000}"], ["123e4567-e89b-12d3-a456-426614174000"] * 2),
])
def test_other_types(tmp_path, kind, cells, expected):
    checked = check_column(tmp_path, kind, cells)
    assert [value for value, in checked.events("value::varchar" if kind == "UUID" else "value")] == expected


def test_empty_optional_cells_are_null_and_no_issue(tmp_path):
    fields = {f"x{place}": kind for place, kind in enumerate(["String", "Int64", "Float64", "Decimal", "Bool", "Date32", "DateTime64", "UUID"])}
    rows = [(f"c{number}", NOON, *[cell] * len(fields)) for number, cell in enumerate([None, "  ", None])]
    checked = check(tmp_path, ("Customer", "Time", *fields), rows, spec(fields, {"customer_id": "Customer", "timestamp": "Time", **{name: name for name in fields}}))
    assert (checked.codes, checked.events(*fields)) == ([], [(None,) * len(fields)] * 3)


@pytest.mark.parametrize(("cells", "sql_type"), [
    (["1.25", "99.5"], "DECIMAL(18,2)"), (["1"], "DECIMAL(18,0)"), (["123456789012345.1234"], "DECIMAL(38,4)"), ([None], "DECIMAL(18,0)"),
    (["0.123456789012345678"], "DECIMAL(18,18)"), (["1.123456789012345678"], "DECIMAL(38,18)"),
])
def test_a_decimal_is_as_narrow_as_its_column(tmp_path, cells, sql_type):
    checked = check_column(tmp_path, "Decimal", cells)
    assert {field.field: field.sql_type for field in checked.result.fields}["value"] == sql_type
    assert duckdb.sql(f"select typeof(value) from '{checked.out}/events.parquet'").fetchone()[0] == sql_type


@pytest.mark.parametrize(("cells", "answers", "values", "asked"), [
    (["1.234", "5.678"], {}, ["1.234", "5.678"], ["decimal_mark.value"]),
    (["1,234", "5,678"], {}, ["1234", "5678"], ["decimal_mark.value"]),
    (["1.234", "5.678"], {"decimal_mark.value": "comma"}, ["1234", "5678"], []),
    (["1,234", "5,678"], {"decimal_mark.value": "comma"}, ["1.234", "5.678"], []),
    (["1,234", "5,678"], {"decimal_mark.value": "point"}, ["1234", "5678"], []),
    (["1.234", "0.500"], {}, ["1.234", "0.500"], []),
    (["1.234", "1.5"], {}, ["1.234", "1.5"], []),
    (["1,234", "2,5"], {}, ["1.234", "2.5"], []),
    (["1.234", "10"], {}, ["1.234", "10"], ["decimal_mark.value"]),
])
def test_a_mark_that_can_be_read_in_two_ways_is_a_question(tmp_path, cells, answers, values, asked):
    checked = check_column(tmp_path, "Decimal", cells, answers=answers)
    assert [value for value, in checked.events("value")] == [Decimal(each) for each in values]
    assert [question.name for question in checked.result.questions if question.blocking] == asked


def test_what_the_cells_settle_is_told_so_that_a_shorter_file_asks_nothing_either(tmp_path):
    match = spec({"quantity": "Decimal", "price": "Decimal", "due": "Date32", "end": "DateTime64"}, {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity", "price": "Price", "due": "Due", "end": "End"})
    header, rows = ("Customer", "Time", "Quantity", "Price", "Due", "End"), [("a", "10/25/2026 10:00", "1,5", "1.234", "10/01/2026", "10/02/2026 11:00"), ("a", "10/26/2026 10:00", "2,5", "2.345", "11/01/2026", "10/03/2026 11:00")]
    result = check(tmp_path / "a", header, rows, match).result
    assert result.settled == {"date_order.timestamp": "month_first", "decimal_mark.quantity": "comma", "date_order.due": "month_first", "date_order.end": "month_first"}
    assert [(question.name, question.proposed, question.blocking) for question in result.questions] == [  # one question about the clock; a mark is asked, as the bill hangs on it
        ("zone.timestamp", "UTC", False), ("decimal_mark.price", "comma", True), ("date_order.due", "month_first", False), ("date_order.end", "month_first", False)]
    later = match.model_copy(update={"answers": {**result.settled, "decimal_mark.price": "comma", "zone.timestamp": "Europe/Berlin"}})
    shorter = check(tmp_path / "b", header, [("a", "11/02/2026 10:00", "1,500", "1.234", "11/02/2026", "11/02/2026 11:00")], later)
    assert (shorter.result.questions, shorter.events('"timestamp"', "quantity", "price", "due", '"end"')) == ((), [(datetime(2026, 11, 2, 9), Decimal("1.5"), Decimal(1234), date(2026, 11, 2), datetime(2026, 11, 2, 10))])


def test_the_question_about_the_mark_says_what_each_answer_means(tmp_path):
    question, = check_column(tmp_path, "Decimal", ["1.234", "5.000"]).result.questions
    assert [(option.value, option.effect) for option in question.options] == [("point", "1.234 is 1.234; the column adds up to 6.234"), ("comma", "1.234 is 1234; the column adds up to 6,234")]


def test_contradicting_marks_are_a_question_and_what_does_not_fit_is_an_issue(tmp_path):
    checked = check_column(tmp_path, "Decimal", ["1.234,5", "2.345,6", "3,456.7"])
    assert [question.proposed for question in checked.result.questions] == ["comma"]
    assert checked.issues("code", "_row") == [("not_a_number", 4)]


@pytest.mark.parametrize(("cell", "said"), [("17,5", True), ("n/a", False)])
def test_a_number_with_another_mark_than_the_answered_one_is_said_to_be_one(tmp_path, cell, said):
    group, = check_column(tmp_path, "Decimal", ["1.5", cell, cell], answers={"decimal_mark.value": "point"}).result.issues
    assert (group.code, "Numbers with a decimal comma" in group.todo) == ("not_a_number", said)


def test_an_answer_that_is_not_on_offer_is_refused(tmp_path):
    with pytest.raises(BadInput, match="point or comma"):
        check_column(tmp_path, "Decimal", ["1.5"], answers={"decimal_mark.value": "dot"})


# Times.


FORMS = {
    "the year first": {
        "2026-10-01T05:06:07Z": "2026-10-01 05:06:07", "2026-10-01 05:06:07": "2026-10-01 05:06:07", "2026-10-01T05:06:07.123Z": "2026-10-01 05:06:07.123", "2026-10-01T05:06Z": "2026-10-01 05:06:00",
        "2026-10-01T05:06:07.123000000Z": "2026-10-01 05:06:07.123", "2026-10-01": "2026-10-01 00:00:00", "2026-10-01T05:06:07+02:00": "2026-10-01 03:06:07", "2026-10-01T05:06:07-0530": "2026-10-01 10:36:07",
        "2026-10-01 05:06:07 +02:00": "2026-10-01 03:06:07", "2026-10-01 05:06:07 UTC": "2026-10-01 05:06:07", "2026-10-01T05:06:07,5Z": "2026-10-01 05:06:07.5", "2026/10/01 05:06": "2026-10-01 05:06:00",
        " 2026-10-01T05:06:07Z ": "2026-10-01 05:06:07",
    },
    "the day first": {"13.10.2026": "2026-10-13 00:00:00", "01.10.2026 05:06": "2026-10-01 05:06:00", "01.10.2026, 05:06:07": "2026-10-01 05:06:07", "31/10/2026": "2026-10-31 00:00:00"},
    "the month first": {"10/31/2026 1:05 PM": "2026-10-31 13:05:00", "10/31/2026 12:05:09 AM": "2026-10-31 00:05:09"},
    "digits alone": {"20261001": "2026-10-01 00:00:00"}, "digits with letters": {"20261001T050607Z": "2026-10-01 05:06:07"}, "all digits": {"20261001050607": "2026-10-01 05:06:07"},
    "seconds": {"1790812800": "2026-10-01 00:00:00", "1790812800.5": "2026-10-01 00:00:00.5"}, "milliseconds": {"1790812800123": "2026-10-01 00:00:00.123"},
}


@pytest.mark.parametrize("forms", FORMS)
def test_common_forms_of_a_timestamp(tmp_path, forms):
    checked = check_times(tmp_path, list(FORMS[forms]))
    assert checked.events("timestamp") == [(datetime.fromisoformat(utc),) for utc in FORMS[forms].values()]


def test_forms_may_be_mixed_in_a_column(tmp_path):
    checked = check_times(tmp_path, ["2026-10-01T05:00:00+02:00", "01.10.2026 04:00", "1790823600", "2026-10-01T03:00:00Z"])
    assert [str(moment) for moment, in checked.events("timestamp")] == ["2026-10-01 03:00:00", "2026-10-01 04:00:00", "2026-10-01 03:00:00", "2026-10-01 03:00:00"]
    assert checked.issues("code", "_row", "value") == [("timestamp_without_zone", 3, "01.10.2026 04:00")]


NO_TIMES = ["2026-10-32", "2026-02-29", "13/13/2026", "25:00", "tomorrow", "1", "2026-10", "2026-10-01T25:00:00Z", "2026-10-01 05:06:61", "26-10-01", "9999-12-31", "infinity", "epoch", "2026-10-01 13:00 PM"]
WORDS = ["epoch", "infinity", "-infinity", "now", "today", "EPOCH", "epoch     ", "2026-10-01 (BC)"]


def test_what_is_no_timestamp(tmp_path):
    checked = check_times(tmp_path, [*["2026-10-01T00:00:00Z"] * 20, *NO_TIMES])
    assert checked.issues("code", "_row", "value") == [("not_a_timestamp", row, cell) for row, cell in enumerate(NO_TIMES, start=22)]


@pytest.mark.parametrize("beside", ["2026-10-01 00:00:00", "2026-10-01T00:00:00Z", "01.10.2026"])
def test_words_that_the_engine_takes_for_times_are_none(tmp_path, beside):
    assert check_times(tmp_path, [beside, *WORDS], answers={"zone.timestamp": "Europe/Berlin"}).issues("code", "_row", "value") == [("not_a_timestamp", row, cell) for row, cell in enumerate(WORDS, start=3)]


def test_words_that_the_engine_takes_for_dates_are_none(tmp_path):
    assert check_column(tmp_path, "Date32", ["2026-10-01", *WORDS]).issues("code", "_row", "value") == [("not_a_date", row, cell) for row, cell in enumerate(WORDS, start=3)]


def test_a_cell_that_says_utc_is_utc_whatever_the_zone_of_the_others(tmp_path):
    said = [f"2026-10-01 10:00:00{space}{mark}" for space in ("", " ") for mark in ("utc", "UTC", "Utc", "gmt", "z", "Z")]
    checked = check_times(tmp_path, [*said, "2026-10-01 10:00:00"], answers={"zone.timestamp": "Europe/Berlin"})
    assert [str(moment) for moment, in checked.events("timestamp")] == ["2026-10-01 10:00:00"] * len(said) + ["2026-10-01 08:00:00"]


@pytest.mark.parametrize(("digits", "cell", "codes"), [
    (3, "2026-10-01T00:00:00.123Z", []), (3, "2026-10-01T00:00:00.1230Z", []), (3, "2026-10-01T00:00:00.1234Z", ["timestamp_too_fine"]), (3, "2026-10-01T00:00:00.123000001Z", ["timestamp_too_fine"]),
    (6, "2026-10-01T00:00:00.123456Z", []), (6, "2026-10-01T00:00:00.1234567Z", ["timestamp_too_fine"]), (0, "2026-10-01T00:00:00Z", []),
    (0, "2026-10-01T00:00:00.5Z", ["timestamp_too_fine"]), (9, "2026-10-01T00:00:00.123456789Z", ["timestamp_too_fine"]),
])
def test_a_timestamp_is_never_rounded(tmp_path, digits, cell, codes):
    assert check_times(tmp_path, [cell], profile=AccountProfile(timestamp_digits=digits)).codes == codes


@pytest.mark.parametrize(("cells", "answers", "months", "asked", "proposed"), [
    (["03/04/2026", "05/04/2026"], {}, [4, 4], ["date_order.timestamp"], "day_first"),
    (["04/03/2026", "04/05/2026"], {}, [4, 4], ["date_order.timestamp"], "month_first"),
    (["03/04/2026", "05/06/2026"], {}, [4, 6], ["date_order.timestamp"], None),
    (["03/04/2026", "13/04/2026"], {}, [4, 4], [], None),
    (["04/03/2026", "04/13/2026"], {}, [4, 4], [], None),
    (["04/04/2026", "05/05/2026"], {}, [4, 5], [], None),
    (["03/04/2026"], {"date_order.timestamp": "month_first"}, [3], [], None),
    (["03.04.2026"], {}, [4], [], None),
])
def test_day_or_month_first(tmp_path, cells, answers, months, asked, proposed):
    checked = check_times(tmp_path, cells, answers=answers)
    assert [month for month, in checked.events("month(timestamp)")] == months
    questions = [question for question in checked.result.questions if question.blocking]
    assert [question.name for question in questions] == asked
    assert [question.proposed for question in questions] == [proposed] * len(asked)


def test_the_question_about_the_order_says_how_many_rows_fall_into_which_month(tmp_path):
    question = check_times(tmp_path, ["03/04/2026", "05/04/2026", "04/04/2026"]).result.questions[0]
    assert [(option.value, option.effect) for option in question.options] == [("day_first", "3 in 2026-04"), ("month_first", "1 in 2026-03, 1 in 2026-04, 1 in 2026-05")]


def test_times_without_a_zone_are_read_as_utc_with_a_warning_and_a_question_that_does_not_block(tmp_path):
    checked = check_times(tmp_path, ["2026-10-01 00:00:00", "2026-10-02 00:00:00"])
    assert [(group.code, group.severity, group.count) for group in checked.result.issues] == [("timestamp_without_zone", "warning", 2)]
    assert [(question.name, question.proposed, question.blocking) for question in checked.result.questions] == [("zone.timestamp", "UTC", False)]
    assert checked.result.rows.accepted == 2


LOCAL = {
    "Europe/Berlin": [
        ("2026-07-01 12:00:00", "2026-07-01 10:00:00", None), ("2026-02-01 12:00:00", "2026-02-01 11:00:00", None), ("2026-03-29 01:59:59", "2026-03-29 00:59:59", None), ("2026-03-29 02:30:00", None, "time_does_not_exist"),
        ("2026-03-29 03:00:00", "2026-03-29 01:00:00", None), ("2026-10-25 02:30:00", "2026-10-25 00:30:00", "time_exists_twice"), ("2026-10-25 03:00:00", "2026-10-25 02:00:00", None), ("2026-07-01T12:00:00Z", "2026-07-01 12:00:00", None),
    ],
    "America/New_York": [("2026-11-01 01:30:00", "2026-11-01 05:30:00", "time_exists_twice")], "Australia/Lord_Howe": [("2026-04-05 01:45:00", "2026-04-04 14:45:00", "time_exists_twice")],
    "Asia/Kolkata": [("2026-10-01 00:00:00", "2026-09-30 18:30:00", None)], "UTC": [("2026-03-29 02:30:00", "2026-03-29 02:30:00", None)],
}


@pytest.mark.parametrize("zone", LOCAL)
@pytest.mark.parametrize("beside", ["2026-09-01 00:00:00", "01.09.2026 00:00"])
def test_local_times_in_a_zone_and_the_hours_that_are_missing_or_double(tmp_path, zone, beside):
    checked = check_times(tmp_path, [*(cell for cell, *_ in LOCAL[zone]), beside], answers={"zone.timestamp": zone})
    assert checked.issues("code", "_row") == [(code, row) for row, (_, _, code) in enumerate(LOCAL[zone], start=2) if code]
    assert [str(moment) for moment, row in checked.events("timestamp", "_row") if row < 2 + len(LOCAL[zone])] == [utc for _, utc, _ in LOCAL[zone] if utc]


def test_an_unknown_zone_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no time zone 'Berlin'"):
        check_times(tmp_path, ["2026-10-01 00:00"], answers={"zone.timestamp": "Berlin"})


@pytest.mark.parametrize(("zone", "digits", "expected"), [("UTC", 3, "2026-10-31 23:59:59.999"), ("UTC", 6, "2026-10-31 23:59:59.999999"), ("UTC", 0, "2026-10-31 23:59:59"), ("Europe/Berlin", 3, "2026-10-31 22:59:59.999")])
def test_rows_without_a_date_get_the_last_moment_of_their_period(tmp_path, zone, digits, expected):
    match = spec({"quantity": "Int64"}, {"customer_id": "Customer", "quantity": "Quantity"}, period=Period(start="2026-10-01", end="2026-11-01", zone=zone))
    checked = check(tmp_path, ("Customer", "Quantity"), [("a", "1"), ("b", "2")], match, profile=AccountProfile(timestamp_digits=digits))
    assert checked.events("timestamp") == [(datetime.fromisoformat(expected),)] * 2


def test_a_time_in_the_future_is_a_warning(tmp_path):
    checked = check_times(tmp_path, ["2026-10-01T00:00:00Z", "2036-10-01T00:00:00Z"])
    assert checked.issues("code", "severity", "_row") == [("timestamp_in_future", "warning", 3)]
    assert checked.result.rows.accepted == 2


# Rows.


def test_missing_required_cells_and_several_problems_in_one_row(tmp_path):
    checked = check(tmp_path, HEADER, [("", NOON, "1"), ("a", "", "2"), ("  ", "", "x"), ("a", NOON, "3")], spec({"quantity": "Int64"}, PLAIN))
    assert checked.issues("_row", "code", '"column"') == [(2, "missing_value", "Customer"), (3, "missing_value", "Time"), (4, "missing_value", "Customer"), (4, "missing_value", "Time"), (4, "not_a_number", "Quantity")]
    assert checked.result.rows.model_dump() == {"read": 4, "accepted": 1, "rejected": 3, "duplicate": 0, "excluded": 0}


def test_rows_are_numbered_as_the_spreadsheet_shows_them_and_excluded_ones_are_counted(tmp_path):
    checked = check(
        tmp_path, HEADER, [("a", NOON, "1"), ("b", NOON, "x"), ("c", NOON, "y")], spec({"quantity": "Int64"}, PLAIN),
        spans=(RowSpan(first=0, shift=4), RowSpan(first=2, shift=6)), excluded=(ExcludedRow(row=1, reason="preamble"), ExcludedRow(row=6, reason="blank")),
    )
    assert checked.issues("_row", "value") == [(5, "x"), (8, "y")]
    assert checked.left_out() == [(1, "excluded", "preamble"), (5, "rejected", "Not a number (Quantity)"), (6, "excluded", "blank"), (8, "rejected", "Not a number (Quantity)")]
    assert checked.result.rows.model_dump() == {"read": 5, "accepted": 1, "rejected": 2, "duplicate": 0, "excluded": 2}


def test_constants_and_fields_without_a_match(tmp_path):
    match = spec({"quantity": "Int64", "region": "String", "unused": "String"}, {**PLAIN, "region": "=eu-west-1"})
    checked = check(tmp_path, HEADER, [("a", NOON, "1")], match)
    assert checked.events("customer_id", "quantity", "region") == [("a", 1, "eu-west-1")]
    assert duckdb.sql(f"select * from '{checked.out}/events.parquet'").columns == ["event_id", "content", "customer_id", "timestamp", "quantity", "region", "_row"]


def test_a_constant_that_does_not_fit_is_refused(tmp_path):
    with pytest.raises(BadInput, match="'many'.*'quantity'.*not a number"):
        check(tmp_path, ("Customer", "Time"), [("a", NOON)], spec({"quantity": "Int64"}, {"customer_id": "Customer", "timestamp": "Time", "quantity": "=many"}))


def test_one_column_may_feed_two_fields(tmp_path):
    checked = check(tmp_path, HEADER, [("a", NOON, "1.5")], spec({"quantity": "Decimal", "as_text": "String"}, {**PLAIN, "as_text": "Quantity"}))
    assert checked.events("quantity", "as_text") == [(Decimal("1.5"), "1.5")]


@pytest.mark.parametrize("header", ['a"b', "a'b", "é ü", "select", "value:x", "{x}", "a;b", "%s", "_source"])
def test_odd_headers(tmp_path, header):
    checked = check(tmp_path, ("Customer", "Time", header), [("a", NOON, "1"), ("b", NOON, "x")], spec({"quantity": "Int64"}, {"customer_id": "Customer", "timestamp": "Time", "quantity": header}))
    assert checked.issues('"column"', "value") == [(header, "x")]


@pytest.mark.parametrize("step", ["source", "value", "number", "error", "raw"])
def test_a_column_called_like_a_step_of_ours_changes_no_value(tmp_path, step):
    rows = [("c1", NOON, "7,5", "999"), ("c2", NOON, "x", "888")]
    checked = check(tmp_path, (*HEADER, f"{step}:quantity"), rows, spec({"quantity": "Decimal", "other": "String"}, {**PLAIN, "other": f"{step}:quantity"}))
    assert checked.events("quantity", "other") == [(Decimal("7.5"), "999")]
    assert checked.issues("code", "_row", "value") == [("not_a_number", 3, "x")]


def test_no_rows_at_all(tmp_path):
    checked = check(tmp_path, HEADER, [], spec({"quantity": "Decimal"}, PLAIN, control_count=0))
    assert checked.result.rows.read == 0
    assert checked.result.comparisons[0].agrees


def test_spaces_at_the_edges_are_left_off_with_a_note(tmp_path):
    checked = check(tmp_path, HEADER, [(" acme", NOON, "1"), ("acme\u00a0", "2026-10-01T13:00:00Z", "2")], spec({"quantity": "Int64"}, PLAIN))
    assert checked.events("customer_id") == [("acme",)] * 2
    assert [(group.code, group.severity, group.count) for group in checked.result.issues] == [("space_removed", "note", 2)]


def test_groups_count_every_cell_and_show_a_few(tmp_path):
    checked = check_column(tmp_path, "Int64", ["x"] * 9 + ["1"])
    group, = checked.result.issues
    assert (group.code, group.column, group.count, [example.row for example in group.examples]) == ("not_a_number", "Value", 9, [2, 3, 4, 5, 6])
    assert group.todo == CHECKS["not_a_number"].todo


def test_the_same_input_gives_the_same_tables(tmp_path):
    rows = [(f"c{number % 7}", "2026-10-01 00:00" if number % 5 else "?", f"{number % 11}.5") for number in range(500)]
    first, second = (check(tmp_path / name, HEADER, rows, spec({"quantity": "Decimal"}, PLAIN)) for name in ("one", "two"))
    for name in ("events", "issues", "left_out"):
        assert duckdb.sql(f"select * from '{first.out}/{name}.parquet'").fetchall() == duckdb.sql(f"select * from '{second.out}/{name}.parquet'").fetchall()
    assert first.result == second.result


def test_the_number_of_threads_changes_nothing(tmp_path, home, monkeypatch):
    (tmp_path / "raw").mkdir()
    duckdb.sql(f"""
        copy (select 'usage.csv' as _file, null::varchar as _sheet, 'c' || (hash(i) % 900) as "Customer", strftime(timestamp '2026-10-01' + to_seconds(i // 3), '%d.%m.%Y %H:%M:%S') as "Time",
            case when i % 97 = 0 then 'x' else (hash(i + 1) % 40 / 8)::varchar end as "Quantity" from range(60000) t(i)) to '{tmp_path}/raw/raw.parquet' (row_group_size 5000)""")
    report = ReadReport(file="usage.csv", columns=HEADER, rows=60000)
    found = []
    for threads in ("1", "4"):
        monkeypatch.setenv("INTAKE_THREADS", threads)
        process_settings.cache_clear()
        out = tmp_path / threads
        out.mkdir()
        result = checking.check_raw(tmp_path / "raw", report, spec({"quantity": "Float64"}, PLAIN), ACCOUNT, import_id="1", sha256="a", out=out, at=AT)
        found.append((result, *(duckdb.sql(f"select md5(string_agg(t::varchar, '|')) from '{out}/{name}.parquet' t").fetchone() for name in ("events", "issues", "left_out"))))
    assert found[0] == found[1]


# Totals.


def test_control_totals_are_compared_with_the_file_and_with_what_is_accepted(tmp_path):
    match = spec({"quantity": "Decimal"}, PLAIN, control_count=3, control_sums={"quantity": "6.50"})
    checked = check(tmp_path, HEADER, [("a", NOON, "1.5"), ("", NOON, "2.0"), ("b", NOON, "3.0")], match)
    assert [(each.what, each.expected, each.found, each.agrees) for each in checked.result.comparisons] == [
        ("rows", "3", "3", True), ("accepted rows", "3", "2", False), ("sum of quantity", "6.5", "6.5", True), ("sum of quantity over accepted rows", "6.5", "4.5", False),
    ]


def test_a_totals_row_of_the_file_is_compared_in_the_files_own_notation(tmp_path):
    checked = check(
        tmp_path, HEADER, [("a", NOON, "1.000,50"), ("b", NOON, "2,25")], spec({"quantity": "Decimal"}, PLAIN),
        excluded=(ExcludedRow(row=4, reason="totals"),), totals=(TotalsRow(row=4, values={"Customer": "Total", "Quantity": "1.002,75"}),),
    )
    assert [(each.what, each.expected, each.found, each.agrees, each.source) for each in checked.result.comparisons] == [("sum of quantity (row 4)", "1002.75", "1002.75", True, "totals row")]


def test_a_totals_row_is_held_against_what_is_sent_too_where_rows_repeat(tmp_path):
    found = check(
        tmp_path, HEADER, [("a", NOON, "2"), ("a", NOON, "2"), ("b", NOON, "1")], spec({"quantity": "Decimal"}, PLAIN, answers={"identical_rows": "once"}),
        excluded=(ExcludedRow(row=5, reason="totals"),), totals=(TotalsRow(row=5, values={"Customer": "Total", "Quantity": "5"}),),
    ).result
    assert [(each.what, each.found, each.agrees) for each in found.comparisons] == [("sum of quantity (row 5)", "5", True), ("sum of quantity (row 5) without repeated rows", "3", False)]


@pytest.mark.parametrize(("sums", "problem"), [({"nothing": "1"}, "no number 'nothing'"), ({"quantity": "a lot"}, "not a number")])
def test_a_control_sum_that_makes_no_sense_is_refused(tmp_path, sums, problem):
    with pytest.raises(BadInput, match=problem):
        check(tmp_path, HEADER, [("a", NOON, "1")], spec({"quantity": "Decimal"}, PLAIN, control_sums=sums))


def test_sums_are_exact_beyond_what_floats_and_38_digits_hold(tmp_path):
    big = "99999999999999999999.999999999999999999"
    checked = check_column(tmp_path, "Decimal", [big] * 3 + ["0.000000000000000001"] * 3)
    assert {field.field: field.sum for field in checked.result.fields}["value"] == "300000000000000000000"


# Looking at them again.


def test_problem_rows_and_left_out_rows(tmp_path):
    checked = check(tmp_path, HEADER, [("a", NOON, "x"), ("b", NOON, "1"), ("", NOON, "y")], spec({"quantity": "Int64"}, PLAIN))
    rows = checking.problem_rows(checked.out, checked.raw, checked.report)
    assert rows.column_names == ["_row", "problem", *HEADER]
    assert rows.column("problem").to_pylist() == ["Not a number (Quantity)", "A required cell is empty (Customer); Not a number (Quantity)"]
    assert checking.problem_rows(checked.out, checked.raw, checked.report, code="missing_value").column("_row").to_pylist() == [4]
    assert checking.problem_rows(checked.out, checked.raw, checked.report, column="Quantity", offset=1).column("_row").to_pylist() == [4]
    assert checking.left_out_rows(checked.out, "rejected", limit=1).column("_row").to_pylist() == [2]
    assert checking.left_out_rows(checked.out, "duplicate").num_rows == 0


HOSTILE = [("=1+1", NOON, "x"), ("+49 30", NOON, "-5,x"), ("@sum", "", "-5"), ("-2+3", NOON, "?"), ("ok", "", "+5.5")]


def lines(path, encoding="utf-8-sig"):
    with path.open(encoding=encoding, newline="") as stream:
        return list(csv.reader(stream))


def test_rejected_rows_as_csv_are_harmless_in_a_spreadsheet(tmp_path):
    checked = check(tmp_path, HEADER, HOSTILE, spec({"quantity": "Decimal"}, PLAIN))
    path = checking.write_rejected(checked.out, checked.raw, checked.report, tmp_path / "rejected.csv")
    rows = lines(path)
    assert rows[0] == [*HEADER, "Problem", "Row in the original file"]
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+49 30", "'@sum", "'-2+3", "ok"]
    assert [row[2] for row in rows[1:]] == ["x", "'-5,x", "-5", "?", "+5.5"]
    assert [row[4] for row in rows[1:]] == ["2", "3", "4", "5", "6"]


def test_rejected_rows_as_excel_hold_texts_as_texts(tmp_path):
    checked = check(tmp_path, HEADER, [*HOSTILE, ("http://x.example", "", "007")], spec({"quantity": "Decimal"}, PLAIN))
    path = checking.write_rejected(checked.out, checked.raw, checked.report, tmp_path / "rejected.xlsx")
    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows] == ["Customer", "=1+1", "+49 30", "@sum", "-2+3", "ok", "http://x.example"]
    assert [row[2] for row in rows[1:]] == ["x", "-5,x", "-5", "?", "+5.5", "007"]
    assert rows[1][3:] == ["Not a number (Quantity)", 2.0]


ODD_IDS = ["@acme", "+49 151", "-x", "=1", "'@quoted", "''-y", "'plain", "ok", "-5", "\tx"]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_rejected_rows_that_come_back_have_the_customers_they_had(tmp_path, ending):
    match = spec({"quantity": "Int64"}, PLAIN)
    checked = check(tmp_path, HEADER, [(customer, NOON, "bad") for customer in ODD_IDS], match)
    path = checking.write_rejected(checked.out, checked.raw, checked.report, tmp_path / f"rejected.{ending}")
    written = lines(path) if ending == "csv" else CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    again = check(tmp_path / "again", written[0], [(row[0], row[1], "7", row[3], str(row[4])) for row in written[1:]], match)
    assert [customer for customer, in again.events("customer_id")] == [each.strip() for each in ODD_IDS]


def test_the_same_apostrophes_in_any_other_file_stay(tmp_path):
    checked = check(tmp_path, (*HEADER, "Problem"), [("'@acme", NOON, "1", "x")], spec({"quantity": "Int64"}, PLAIN))
    assert checked.events("customer_id") == [("'@acme",)]


def test_rows_rejected_twice_have_one_problem_and_one_number(tmp_path):
    checked = check(tmp_path, (*HEADER, "Problem", "Row in the original file"), [("'@acme", NOON, "bad", "old", "17")], spec({"quantity": "Int64"}, PLAIN))
    path = checking.write_rejected(checked.out, checked.raw, checked.report, tmp_path / "rejected.csv")
    assert lines(path) == [[*HEADER, "Problem", "Row in the original file"], ["'@acme", NOON, "bad", "Not a number (Quantity)", "2"]]


def test_rejected_rows_in_another_format_are_refused(tmp_path):
    checked = check(tmp_path, HEADER, [], spec({"quantity": "Decimal"}, PLAIN))
    with pytest.raises(BadInput, match=".pdf"):
        checking.write_rejected(checked.out, checked.raw, checked.report, tmp_path / "rejected.pdf")


def test_rejected_rows_hold_those_the_ledger_and_the_key_refused_too(tmp_path):
    match = spec({"quantity": "Int64"}, PLAIN, key=("customer_id",))
    checked = check(tmp_path, HEADER, [("a", NOON, "1"), ("a", NOON, "2"), ("b", NOON, "3")], match)
    path = checking.write_rejected(checked.out, checked.raw, checked.report, tmp_path / "rejected.csv")
    assert [row[:3] for row in lines(path)][1:] == [["a", NOON, "1"], ["a", NOON, "2"]]


def test_issues_as_csv(tmp_path):
    checked = check_column(tmp_path, "Int64", ["1", "=x"])
    path = checking.issues_csv(checked.out, tmp_path / "issues.csv")
    assert lines(path, "utf-8") == [["code", "severity", "row", "column", "value", "todo"], ["not_a_number", "error", "3", "Value", "'=x", CHECKS["not_a_number"].todo]]


@pytest.mark.parametrize(("cell", "expected"), [("=1", "'=1"), ("-5", "-5"), ("-5,50", "-5,50"), ("+1.000", "+1.000"), ("-", "'-"), ("\tx", "'\tx"), ("\rx", "'\rx"), ("-1+1", "'-1+1"), ("x=1", "x=1"), 
    (None, None), (7, 7), ("'=1", "''=1"), ("'a", "'a")])
def test_harmless(cell, expected):
    assert harmless(cell) == expected


GROUPED = [("Acme", NOON, "1.5"), ("Acme", NOON, "2"), ("Acme Total", NOON, "3.5"), ("Globex", NOON, "4"), ("total globex", NOON, "4")]


@pytest.mark.parametrize(("rows", "found"), [
    (GROUPED, 2), ([*GROUPED, ("Acme", NOON, "9"), ("Subtotal Acme", NOON, "9")], 3),
    ([*GROUPED[:2], ("Acme Total", NOON, "3"), ("Total Energies", NOON, "5.5")], 0), ([("Acme Total", NOON, "3.5"), *GROUPED[:2]], 0),
])
def test_rows_that_add_up_those_of_their_customer_are_asked_about_and_left_out(tmp_path, rows, found):
    def answered(**answers):
        return check(tmp_path, HEADER, rows, spec({"quantity": "Decimal"}, PLAIN, answers=answers)).result

    asked = [each for each in answered().questions if each.name == "customer_totals"]
    assert [(each.proposed, each.blocking, "row 4: 'Acme Total', below the rows of 'Acme'" in each.text) for each in asked] == [("leave_out", True, True)] * (found > 0)
    assert [answered(customer_totals=value).rows.excluded for value in ("leave_out", "send")] == [found, 0]
    assert not answered(customer_totals="leave_out").questions


@pytest.mark.parametrize(("rows", "found"), [
    ([*GROUPED[:2], ("Acme Total", NOON, "3"), *GROUPED[3:]], [4]), ([("Acme", NOON, "n/a"), *GROUPED[1:]], [4]), ([*GROUPED, ("Acme Total", NOON, "1")], [7]), (GROUPED, []), ([("Total Energies", NOON, "5.5"), *GROUPED[3:4]], []),
])
def test_a_customer_called_like_the_total_of_another_is_pointed_out_where_nothing_adds_up(tmp_path, rows, found):
    checked = check(tmp_path, ("Customer", "Time", "Quantity"), rows, spec({"quantity": "Decimal"}, {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity"}))
    assert [row for code, row in checked.issues("code", "_row") if code == "customer_looks_like_total"] == found
    assert [each.count for each in checked.result.issues if each.code == "customer_looks_like_total"] == [len(found)] * bool(found)


@pytest.mark.parametrize(("customer", "warned"), [("Total", True), (" Summe ", True), ("Subtotal October", True), ("Gesamt:", True), ("TotalEnergies", False), ("Total Logistics", False), ("Summer", False), ("a total", False)])
def test_a_customer_called_like_a_total_is_a_warning_and_its_row_stays(tmp_path, customer, warned):
    checked = check(tmp_path, HEADER, [("a", NOON, "1"), (customer, NOON, "1"), ("b", NOON, "2")], spec({"quantity": "Int64"}, PLAIN))
    assert [(group.severity, group.count, group.column) for group in checked.result.issues if group.code == "customer_looks_like_total"] == [("warning", 1, "Customer")] * warned
    assert checked.result.rows.accepted == 3


# The registry.


@pytest.mark.parametrize("kind", ["Int64", "Decimal", "Float64"])
@pytest.mark.parametrize(("cells", "rows"), [(["1", "-2", "3"], [3]), (["1", "\u22122", "1,000,000"], [3]), (["1", "0", "-0"], []), (["5e-1", "1e-1", "2"], [])])
def test_a_number_below_zero_is_a_warning(tmp_path, kind, cells, rows):
    checked = check_column(tmp_path, kind, cells)
    assert [(row, column, value) for code, row, column, value in checked.issues("code", "_row", '"column"', "value") if code == "negative_quantity"] == [(row, "Value", cells[row - 2]) for row in rows]


@pytest.mark.parametrize(("customers", "found"), [
    (["cus_acme", "cus_acme", "CUS_Acme", "cus acme"], [(4, "CUS_Acme")]),
    (["cus acme", "cusacme ", "cusacme", "b"], [(2, "cus acme")]),
    (["cus_1", "cus_2", "cus_10", "cus-1"], []),
    (["Acme, Inc.", "ACME Inc", "Müller & Söhne", "Mueller & Soehne", "Acme, Inc.", "Müller & Söhne"], [(3, "ACME Inc"), (5, "Mueller & Soehne")]),
    ([*["Contoso Ltd"] * 20, "Contosso Ltd", "Contoso 2 Ltd", "Conte Ltd"], [(22, "Contosso Ltd")]),
    ([*["Meier AG"] * 10, *["Maier AG"] * 9], []),
])
def test_a_customer_written_in_two_ways_is_a_warning_at_the_rarer_one(tmp_path, customers, found):
    checked = check(tmp_path, HEADER, [(customer, NOON, str(number)) for number, customer in enumerate(customers)], spec({"quantity": "Decimal"}, PLAIN))
    assert [(row, value) for code, row, value in checked.issues("code", "_row", "value") if code == "customer_spelled_differently"] == found
    assert all(repr(value) in group.todo for group in checked.result.issues if group.code == "customer_spelled_differently" for _, value in found)


def test_every_check_says_what_it_is_and_what_to_do():
    for code, check_ in CHECKS.items():
        assert code == check_.code and check_.title and not check_.title.endswith(".") and check_.todo.endswith(".")


TRIGGERS = {
    "negative_quantity": ("Decimal", ["1.5", "-2"]),
    "missing_value": ("String", ["a", None]), "too_many_decimals": ("Decimal", ["0.1234567890123456789"]), "number_too_large": ("Int64", ["99999999999999999999"]),
    "not_a_whole_number": ("Int64", ["1.5"]),
    "not_a_number": ("Decimal", ["x"]), "time_does_not_exist": ("DateTime64", ["2026-03-29 02:30:00"]),
    "timestamp_too_fine": ("DateTime64", ["2026-10-01T00:00:00.0001Z"]), "not_a_timestamp": ("DateTime64", ["x"]),
    "not_a_date": ("Date32", ["x"]), "not_true_or_false": ("Bool", ["maybe"]), "unit_removed": ("Decimal", ["5 €"]), "not_a_uuid": ("UUID", ["x"]), "timestamp_in_future": ("root", ["2036-01-01T00:00:00Z"]),
    "customer_looks_like_total": ("Total", []), "customer_is_placeholder": ("N/A", []), "spoilt_id": ("1.23457E+15", []), "spoilt_text": ("String", ["a", "#NAME?"]), "timestamp_without_zone": ("root", ["2026-10-01"]),
    "time_exists_twice": ("DateTime64", ["2026-10-25 02:30:00"]), "space_removed": ("String", [" a"]),
}


@pytest.mark.parametrize("code", [check_.code for check_ in CELLS if not check_.asked and not check_.code.startswith("outside_")])
def test_every_check_of_cells_has_a_column_that_sets_it_off(tmp_path, code):
    kind, cells = TRIGGERS[code]
    answers = {"zone.value": "Europe/Berlin"} if code.startswith("time_") else {}
    if not cells:
        checked = check(tmp_path, HEADER, [(kind, NOON, "1")], spec({"quantity": "Int64"}, PLAIN))
    elif kind == "root":
        checked = check_times(tmp_path, cells)
    elif code == "missing_value":
        checked = check_times(tmp_path, ["2026-10-01T00:00:00Z", None])
    else:
        checked = check_column(tmp_path, kind, cells, answers=answers)
    assert checked.codes == [code]


def test_checks_that_do_not_apply_to_a_column_say_so():
    bare = Plan(field="x", type="String", column="X", steps=(), sql_type="VARCHAR")
    assert [check_.code for check_ in CELLS if check_.condition(bare)] == []


# What holds for every table.

ODD = (
    "", " ", "1", "1.5", "1,5", "1.234,5", "-7", "x", "a", "b", "2026-10-01", "2026-10-01T00:00:00Z", "03/04/2026", "1e3", "true", "\u00a0", "=1", "'", '"',
    "99999999999999999999999", "2026-10-01T00:00:00.12345Z",
)
CELL = st.one_of(st.none(), st.sampled_from(ODD), st.text(max_size=6))


@given(rows=st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=25), key=st.sampled_from([None, ("customer_id",), ("customer_id", "timestamp"), ("label",)]), once=st.booleans())
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_rows_are_conserved_whatever_stands_in_them(tmp_path_factory, rows, key, once):
    folder = tmp_path_factory.mktemp("rows")
    match = spec({"quantity": "Decimal", "label": "String"}, {**PLAIN, "label": "Label"}, key=key, answers={"identical_rows": "once"} if once else {})
    checked = check(folder, (*HEADER, "Label"), rows, match)
    counts = checked.result.rows
    events = checked.events("_row", "event_id")
    gone = [row for row, *_ in checked.left_out()]
    assert counts.read == len(rows) and counts.accepted == len(events)
    assert sorted([row for row, _ in events] + gone) == list(range(2, len(rows) + 2)), "every row is in exactly one place"
    assert len({event_id for _, event_id in events}) == len(events), "no two events share an id"
    assert {row for row, in checked.issues("_row") } >= {row for row, outcome, _ in checked.left_out() if outcome == "rejected"}
