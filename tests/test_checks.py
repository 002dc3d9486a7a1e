"""The checks as tables of planted problems: the right row, column and code for each, and nothing else."""

from pathlib import Path

import duckdb
import pytest

from ingest import ledger
from ingest.check import check_raw
from ingest.check.checks import CHECKS
from ingest.check.rules import rules_of
from ingest.commands.checking import check_settings
from ingest.errors import BadInput
from ingest.settings import PROJECT
from schemas.account import AccountProfile
from schemas.check_setting import CheckSetting
from schemas.matching import EarlierKey, Period
from tests.raw_tables import ACCOUNT, AT, check, send, spec

pytestmark = pytest.mark.usefixtures("home")

HEADER = ("Customer", "Time", "Quantity", "Seats", "Region", "Invoice")
FIELDS = {"quantity": "Decimal", "seats": "Int64", "region": "String", "invoice": "String"}
COLUMNS = {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity", "seats": "Seats", "region": "Region", "invoice": "Invoice"}


def table(*planted: tuple[int, str, str | None]) -> list[list[str | None]]:
    """Twenty clean rows, rows 2 to 21 of the spreadsheet, with some cells planted: row, column, cell."""
    rows = [[f"cus_{place % 4}", f"2026-10-{place + 1:02d}T08:00:00Z", f"{20 + place}.5", "2", "us-east" if place % 2 else "eu-west", f"INV-{place:04d}"] for place in range(20)]
    for row, column, cell in planted:
        rows[row - 2][HEADER.index(column)] = cell
    return rows


def checked(folder: Path, rows: list[list[str | None]], checks: dict[str, dict], **more: object):
    profile = more.pop("profile", None)
    return check(folder, HEADER, rows, spec(FIELDS, COLUMNS, checks={name: CheckSetting(**setting) for name, setting in checks.items()}, **more), profile=profile)


CELLS = [
    ("required.region", {}, [(4, "Region", None)], "missing_value"),
    ("range.quantity", {"min": "20", "max": "10000"}, [(3, "Quantity", "10000.01"), (9, "Quantity", "19.9")], "out_of_range"),
    ("range.quantity", {"max": 30}, [(5, "Quantity", "30.1")] + [(row, "Quantity", "30") for row in range(6, 22)], "out_of_range"),
    ("range.seats", {"min": "1"}, [(7, "Seats", "0")], "out_of_range"),
    ("range.timestamp", {"min": "2026-10-01", "max": "2026-10-31T23:59:59"}, [(8, "Time", "2026-09-30T23:59:59Z"), (9, "Time", "2026-09-30T23:59:58Z")], "out_of_range"),
    ("non_negative", {"severity": "error"}, [(10, "Quantity", "-4")], "negative_quantity"),
    ("allowed.region", {"values": ("us-east", "eu-west")}, [(11, "Region", "us-eas"), (12, "Region", "mars")], "not_allowed"),
    ("pattern.invoice", {"pattern": "INV-[0-9]{4}"}, [(13, "Invoice", "INV-12"), (14, "Invoice", "inv-0001x")], "unlike_pattern"),
    ("length.invoice", {"min": "8", "max": "8"}, [(15, "Invoice", "INV-00012")], "wrong_length"),
    ("formula", {"formula": "quantity <= seats * 24"}, [(16, "Quantity", "48.5")], "formula_fails"),
    ("formula", {"formula": "not (region = 'eu-west' and quantity > 40) or invoice is null"}, [(20, "Quantity", "41"), (20, "Region", "eu-west")], "formula_fails"),
    ("formula", {"formula": "timestamp >= '2026-10-01' and region in ('us-east', 'eu-west') and quantity between 0 and 100"}, [(6, "Quantity", "100.5")], "formula_fails"),
]


@pytest.mark.parametrize(("name", "setting", "planted", "code"), CELLS)
@pytest.mark.parametrize("severity", [None, "warning", "note"])
def test_each_planted_cell_is_found_in_its_place_and_nothing_else(tmp_path, name, setting, planted, code, severity):
    found = checked(tmp_path, table(*planted), {name: {**setting, **({"severity": severity} if severity else {})}})
    column = {"formula_fails": {"Quantity", "Region", "Time"}}.get(code, {planted[0][1]})
    bad = {(row, cell) for row, planted_column, cell in planted if planted_column in column and (code != "out_of_range" or cell not in ("30",)) and (code != "formula_fails" or planted_column == "Quantity")}
    issues = found.issues("code", "severity", "_row", '"column"', "value", "todo")
    assert {(each[0], each[1], each[2]) for each in issues} == {(code, severity or "error", row) for row, _ in bad}
    assert {each[3] for each in issues} <= column
    assert all(each[5] for each in issues)
    if code != "formula_fails":
        assert {(each[2], each[4]) for each in issues} == bad
    assert found.result.rows.rejected == (len(bad) if severity is None else 0)


@pytest.mark.parametrize(("name", "setting", "planted", "code"), CELLS)
def test_a_check_that_is_off_says_nothing(tmp_path, name, setting, planted, code):
    if code == "missing_value":
        pytest.skip("what is required is an error, or isn't set")
    assert checked(tmp_path, table(*planted), {name: {**setting, "severity": "off"}}).codes == []


def test_a_clean_ordinary_file_has_no_issue_at_all(tmp_path):
    assert checked(tmp_path, table(), {}).result.issues == ()


def test_an_allowed_value_that_is_nearly_the_same_is_offered(tmp_path):
    found = checked(tmp_path, table((3, "Region", "us east"), (4, "Region", "EU-West "), (5, "Region", "zzz")), {"allowed.region": {"values": ("us-east", "eu-west")}})
    todos = {row: todo for code, row, todo in found.issues("code", "_row", "todo") if code == "not_allowed"}
    assert "Did you mean 'us-east' for 'us east'?" in todos[3]
    assert "Did you mean 'eu-west'" in todos[4]
    assert "Did you mean" not in todos[5]


ROWS = [
    ("unique.invoice", {}, [(9, "Invoice", "INV-0001")], "not_unique", [3, 9], "error"),
    ("unique.invoice", {"severity": "warning"}, [(9, "Invoice", "INV-0001")], "not_unique", [3, 9], "warning"),
    ("unique.region", {"fields": ("timestamp",)}, [(5, "Time", "2026-10-02T08:00:00Z")], "not_unique", [3, 5], "error"),
    ("future", {"severity": "error"}, [(6, "Time", "2027-10-05T08:00:00Z")], "timestamp_in_future", [6], "error"),
    ("period", {"min": "2026-10-01", "max": "2026-11-01"}, [(7, "Time", "2026-09-06T08:00:00Z")], "outside_period", [7], "warning"),
    ("customer_spelled_differently", {"severity": "error"}, [(8, "Customer", "CUS_2")], "customer_spelled_differently", [8], "error"),
    ("differs_only_in_quantity", {"severity": "error"}, [(9, column, cell) for column, cell in zip(HEADER, ("cus_2", "2026-10-03T08:00:00Z", "1", "2", "eu-west", "INV-0002"), strict=True)], "differs_only_in_quantity", [9], "error"),
]


@pytest.mark.parametrize(("name", "setting", "planted", "code", "rows", "severity"), ROWS)
def test_each_planted_row_is_found_in_its_place_and_nothing_else(tmp_path, name, setting, planted, code, rows, severity):
    found = checked(tmp_path, table(*planted), {name: setting})
    assert sorted((each[0], each[1], each[2]) for each in found.issues("code", "severity", "_row")) == [(code, severity, row) for row in rows]
    assert [row for row, outcome, _ in found.left_out() if outcome == "rejected"] == (rows if severity == "error" else [])
    assert found.result.rows.accepted == 20 - (len(rows) if severity == "error" else 0)


STRAY = [(3, "Time", "2026-08-31T23:59:59Z")]


@pytest.mark.parametrize(("stray", "checks", "more", "rows"), [
    (STRAY, {}, {}, [3]),
    (STRAY, {"month": {"severity": "error"}}, {}, [3]),
    (STRAY, {"month": {"severity": "off"}}, {}, []),
    (STRAY, {"required.customer_id": {}}, {"period": Period(start="2026-08-01", end="2026-11-01")}, []),
    ([*STRAY, (4, "Time", "2026-09-30T23:00:00Z")], {}, {}, []),
    ([(3, "Time", "2026-09-30T22:30:00Z")], {}, {"answers": {"zone.timestamp": "Europe/Berlin"}}, []),
    ([(3, "Time", "2026-10-31T23:30:00Z")], {}, {"answers": {"zone.timestamp": "Europe/Berlin"}}, []),
    ([(3, "Time", "2026-09-30T21:30:00Z")], {}, {"answers": {"zone.timestamp": "Europe/Berlin"}}, [3]),
    ([(3, "Time", "2026-10-01T00:30:00+02:00")], {}, {}, []),
    ([(3, "Time", "2026-10-31 20:00:00 -0530")], {}, {}, []),
    ([(3, "Time", "2026-09-30T23:30:00+02:00")], {}, {}, [3]),
])
def test_rows_outside_the_month_of_nearly_all_others_are_found(tmp_path, stray, checks, more, rows):
    found = checked(tmp_path, table(*stray), checks, **more)
    severity = checks.get("month", {}).get("severity", "warning")
    assert found.issues("code", "severity", "_row", '"column"') == [("outside_month", severity, row, "Time") for row in rows]


def test_a_column_may_be_called_as_its_field(tmp_path):
    rows = [("a", f"2026-10-{day:02}T10:00:00Z", "1") for day in range(1, 21)] + [("a", "2026-08-31T23:59:59Z", "1")]
    found = check(tmp_path, ("customer_id", "timestamp", "quantity"), rows, spec({"quantity": "Decimal"}, {"customer_id": "customer_id", "timestamp": "timestamp", "quantity": "quantity"}))
    assert found.issues("code", "_row", '"column"') == [("outside_month", 22, "timestamp")]


@pytest.mark.parametrize(("written", "checks", "meant"), [
    ({3: "US-EAST", 4: "EU West", 6: "eu_west"}, {}, {3: "us-east", 4: "eu-west", 6: "eu-west"}),
    ({3: "US-EAST"}, {"text_spelled_differently.region": {"severity": "error"}}, {3: "us-east"}),
    ({3: "US-EAST"}, {"text_spelled_differently.region": {"severity": "off"}}, {}),
    ({3: "us-east2", 4: "us-eas"}, {}, {}),
    ({3: "us-east-", 4: "_eu-west"}, {}, {}),
    ({row: "a1-12" if row % 2 else "a11-2" for row in range(2, 22)}, {}, {}),
    ({row: f"r{row // 2}" if row % 2 else f"R{row // 2}" for row in range(2, 22)}, {}, {}),
])
def test_values_written_in_another_way_than_usual_are_found(tmp_path, written, checks, meant):
    found = checked(tmp_path, table(*((row, "Region", text) for row, text in written.items())), checks)
    assert [each[:3] for each in found.issues("code", "_row", "value")] == [("text_spelled_differently", row, written[row]) for row in meant]
    assert all(f"'{written[row]}' is also written '{usual}'" in found.result.issues[0].todo for row, usual in meant.items())
    assert [each.meant for each in found.result.issues] == [{written[row]: usual for row, usual in meant.items()}] * bool(meant)


def test_a_stated_period_is_held_against_times_that_the_file_says(tmp_path):
    found = checked(tmp_path, table((5, "Time", "2026-11-01T00:00:00Z"), (6, "Time", "2026-09-30T23:59:59Z")), {}, period=Period(start="2026-10-01", end="2026-11-01"))
    assert found.issues("code", "severity", "_row", '"column"') == [("outside_period", "warning", 5, "Time"), ("outside_period", "warning", 6, "Time")]


@pytest.mark.parametrize(("profile", "rows"), [(AccountProfile(oldest_days=60), [3]), (AccountProfile(ahead_days=0), [4]), (AccountProfile(), [])])
def test_the_accounts_window_is_an_error_where_it_has_one(tmp_path, profile, rows):
    found = checked(tmp_path, table((3, "Time", "2025-10-02T08:00:00Z"), (4, "Time", "2026-11-23T23:00:00Z")), {"future": {"severity": "off"}}, profile=profile)
    assert [(each[0], each[1], each[2]) for each in found.issues("code", "severity", "_row")] == [("outside_window", "error", row) for row in rows]


# Beside the customer's own history.


def daily(customers: int = 3, days: int = 30, month: str = "2026-10", quantity: int = 100) -> list[tuple[str, str, str]]:
    return [(f"cus_{customer}", f"{month}-{day + 1:02d}T08:00:00Z", f"{quantity + (customer * 7 + day * 3) % 11}") for day in range(days) for customer in range(customers)]


def simple(folder: Path, rows: list, checks: dict | None = None, **more: object):
    return check(folder, ("Customer", "Time", "Quantity"), rows, spec({"quantity": "Decimal"}, {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity"}, checks={name: CheckSetting(**setting) for name, setting in (checks or {}).items()}), **more)


def test_a_number_far_above_the_customers_own_is_found(tmp_path):
    rows = daily()
    rows[40] = (*rows[40][:2], "10400")
    found = simple(tmp_path, rows)
    assert [(each[0], each[1], each[2], each[3]) for each in found.issues("code", "severity", "_row", '"column"')] == [("unusually_large", "warning", 42, "Quantity")]
    assert simple(tmp_path, rows, {"outlier": {"times": "200"}}).codes == []
    assert simple(tmp_path, rows, {"outlier.quantity": {"severity": "error"}}).left_out() == [(42, "rejected", CHECKS["unusually_large"].title)]


def test_a_number_is_far_above_earlier_ones_where_the_file_alone_has_too_few(tmp_path):
    first = simple(tmp_path, daily())
    rows = [("cus_0", "2026-11-01T08:00:00Z", "10400"), ("cus_1", "2026-11-01T08:00:00Z", "104")]
    assert simple(tmp_path, rows).codes == []
    out = tmp_path / "again"
    out.mkdir()
    alone = simple(tmp_path, rows)
    result = check_raw(alone.raw, alone.report, spec({"quantity": "Decimal"}, {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity"}), ACCOUNT, import_id="2", sha256="b" * 64, out=out, at=AT, history=[first.out / "events.parquet"])
    assert [(group.code, group.examples[0].row) for group in result.issues] == [("unusually_large", 2)]


@pytest.mark.parametrize(("gone", "expected"), [
    ([("cus_1", 12)], ["cus_1 has nothing on 2026-10-12"]),
    ([("cus_1", 12), ("cus_1", 13), ("cus_1", 14)], ["cus_1 has nothing on 2026-10-12 to 2026-10-14"]),
    ([("cus_2", 29), ("cus_2", 30)], ["cus_2 has nothing on 2026-10-29 to 2026-10-30"]),
    ([("cus_0", day) for day in (3, 4, 10, 11, 17, 18, 24, 25)], []),
    ([("cus_0", day) for day in range(2, 31, 2)], []),
])
def test_days_without_usage_are_found_where_there_always_was_some(tmp_path, gone, expected):
    left = {(customer, f"2026-10-{day:02d}T08:00:00Z") for customer, day in gone}
    found = simple(tmp_path, [row for row in daily() if row[:2] not in left])
    assert [value for code, value in found.issues("code", "value") if code == "days_without_usage"] == expected
    assert set(found.codes) <= {"days_without_usage"}


def test_the_day_on_which_an_export_was_cut_off_is_no_gap(tmp_path):
    rows = [row for row in daily(customers=5) if row[1] < "2026-10-30" or row[0] in ("cus_0", "cus_1")]
    assert simple(tmp_path, rows).codes == []


def test_a_customer_who_was_always_there_and_is_missing_now_is_found_in_the_ledger(tmp_path):
    send(simple(tmp_path, daily()))
    found = simple(tmp_path, [(customer, time, quantity) for customer, time, quantity in daily(days=1, month="2026-10") for time in ["2026-10-31T08:00:00Z"] if customer != "cus_1"], sha256="b" * 64)
    assert found.issues("code", "_row", "value") == [("days_without_usage", None, "cus_1 has nothing on 2026-10-31")]
    assert found.result.issues[0].examples[0].row is None


def sent_months(tmp_path: Path, months: int) -> None:
    for month in range(months):
        first = simple(tmp_path, daily(month=f"2026-0{month + 6}"), sha256=f"{month}" * 64)
        target = tmp_path / f"sent-{month}"
        target.mkdir()
        duckdb.sql(f"copy (select * replace (event_id as event_id) from '{first.out}/events.parquet') to '{target}/events.parquet' (format parquet)")
        _send_as(first, f"imp_{month}", f"{month}" * 64)


def _send_as(first, import_id: str, sha256: str) -> None:
    target = ledger.ledger_folder(ACCOUNT.ledger_name, "usage")
    target.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"copy (select event_id, content, customer_id, timestamp, '{import_id}' as import_id, '{sha256}' as sha256 from '{first.out}/events.parquet') to '{target}/{import_id}.parquet' (format parquet)")


@pytest.mark.parametrize(("days", "share", "found"), [(30, None, False), (10, None, True), (20, None, False), (20, "0.2", True)])
def test_far_fewer_rows_than_usual_are_found(tmp_path, days, share, found):
    sent_months(tmp_path, 3)
    checked = simple(tmp_path, daily(days=days, month="2026-10"), {"volume": {"share": share}, "customer_rows": {"severity": "off"}}, sha256="f" * 64)
    assert ("unusual_volume" in checked.codes) is found


def test_customers_whose_rows_changed_are_a_note(tmp_path):
    sent_months(tmp_path, 1)
    rows = [row for row in daily(month="2026-10") if row[0] != "cus_1" or row[1] < "2026-10-06"]
    found = simple(tmp_path, rows, {"gaps": {"severity": "off"}}, sha256="f" * 64, earlier=EarlierKey(fields=(), import_id="imp_0", file_name="a.csv", sent_at="2026-10-01T00:00:00"))
    assert found.issues("code", "severity", "_row", "value") == [("customer_rows_changed", "note", 3, "cus_1: 5 new rows, 30 in the last import")]


@pytest.mark.parametrize(("severity", "accepted"), [(None, 18), ("error", 6)])
def test_customers_whom_the_account_does_not_know_stand_among_the_issues_with_every_row(tmp_path, severity, accepted):
    known = simple(tmp_path, daily(days=6))
    setting = {name: CheckSetting(severity=severity) for name in ("customer_unknown", "customer_nearly_known") if severity}
    out = tmp_path / "unknown"
    out.mkdir()
    match = spec({"quantity": "Decimal"}, {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity"}, checks=setting)
    result = check_raw(known.raw, known.report, match, ACCOUNT, import_id="2", sha256="b" * 64, out=out, at=AT, unknown={"cus_0": "", "cus_2": "cus-2"})
    rows = duckdb.sql(f"select code, _row, \"column\", value, todo from '{out}/issues.parquet' order by code, _row").fetchall()
    assert [row[:4] for row in rows] == [("customer_nearly_known", 4 + 3 * day, "Customer", "cus_2") for day in range(6)] + [("customer_unknown", 2 + 3 * day, "Customer", "cus_0") for day in range(6)]
    assert "Did you mean 'cus-2' for 'cus_2'?" in rows[0][4]
    assert result.rows.accepted == accepted


# How checks are set.


@pytest.mark.parametrize(("text", "expected"), [
    ("required.region", CheckSetting()),
    ("range.quantity=min:0,max:10000", CheckSetting(min="0", max="10000")),
    ("allowed.region=values:eu|us,severity:warning", CheckSetting(values=("eu", "us"), severity="warning")),
    ("formula=formula:quantity in (1, 2),severity:note", CheckSetting(formula="quantity in (1, 2)", severity="note")),
    ('range.quantity={"min": 0, "severity": "error"}', CheckSetting(min="0", severity="error")),
    ("pattern.invoice=pattern:INV=[0-9]{4,6}", CheckSetting(pattern="INV=[0-9]{4,6}")),
])
def test_the_command_line_sets_a_check(text, expected):
    assert list(check_settings([text]).values()) == [expected]


@pytest.mark.parametrize("text", ["range.quantity=0", "range.quantity=least:0", "range.quantity={", "non_negative=severity:bad"])
def test_the_command_line_refuses_what_it_cannot_understand(text):
    with pytest.raises((BadInput, ValueError)):
        check_settings([text])


@pytest.mark.parametrize(("name", "setting", "words"), [
    ("nope", {}, "no check 'nope'"), ("range.nope", {"min": "1"}, "'nope'"), ("range", {"min": "1"}, "range.FIELD"), ("range.quantity", {}, "hold cells against"),
    ("range.quantity", {"values": ("1",)}, "takes no 'values'"), ("future.quantity", {}, "concerns rows"), ("not_a_number", {"severity": "warning"}, "can't be less"),
    ("required.customer_id", {"severity": "note"}, "can't be less"), ("volume", {"severity": "error"}, "whole file"),
])
def test_a_setting_that_makes_no_sense_is_refused_with_a_sentence(name, setting, words):
    with pytest.raises(BadInput, match="."):
        try:
            rules_of(spec(FIELDS, COLUMNS, checks={name: CheckSetting(**setting)}))
        except BadInput as error:
            assert words in str(error)
            raise


@pytest.mark.parametrize(("name", "setting"), [
    ("range.quantity", {"min": "1; drop table x"}), ("range.quantity", {"min": "NaN"}), ("range.region", {"min": "1"}), ("range.timestamp", {"min": "soon"}), ("pattern.invoice", {"pattern": "["}),
    ("length.invoice", {"min": "1 or 1=1"}), ("outlier", {"times": "0.5"}), ("unique.invoice", {"fields": ("nope",)}), ("volume", {"share": "half"}),
    *(("formula", {"formula": text}) for text in (
        "", "quantity", "quantity <=", "nope < 1", "quantity < 'a'", "region < 1", "1 < 2", "quantity < (select 1)", "quantity < read_text('/etc/passwd')", "quantity < 1; drop table typed", "x.quantity < 1",
        "quantity < 1e999", "region like 'a%'", "case when quantity < 1 then true end", "timestamp < 'soon'", "quantity::varchar = '1'", "(" * 300 + "quantity < 1" + ")" * 300,
    )),
])
def test_a_parameter_that_cannot_be_understood_is_refused(tmp_path, name, setting):
    send(simple(tmp_path, daily(days=1)))
    with pytest.raises(BadInput):
        checked(tmp_path, table(), {name: setting})


def test_what_a_formula_overflows_or_lacks_is_not_judged(tmp_path):
    found = checked(tmp_path, table((3, "Seats", None), (4, "Seats", "0")), {"formula": {"formula": "quantity / seats < 100000 and seats * 9000000000000000000 > -1"}})
    assert found.codes == []


# Acknowledging.


def test_a_warning_is_open_until_it_is_acknowledged(tmp_path):
    found = checked(tmp_path, table((3, "Quantity", "-1"), (4, "Seats", "-2")), {"non_negative.seats": {"severity": "note"}})
    result = found.result.acknowledged_by({})
    assert result.open_warnings == ("ack.negative_quantity.Quantity",)
    assert {group.column: group.acknowledged for group in result.issues} == {"Quantity": False, "Seats": None}
    seen = found.result.acknowledged_by({"ack.negative_quantity.Quantity": "yes"})
    assert (seen.open_warnings, seen.issues[0].acknowledged) == ((), True)


# The documentation.


def test_every_check_is_in_the_table_of_the_documentation():
    rows = [line.split("|") for line in (PROJECT / "docs" / "checks.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    table = {cells[1].strip().strip("`"): [cell.strip() for cell in cells[2:-1]] for cells in rows}
    assert {code: line[:3] for code, line in table.items()} == {
        check.code: [f"`{check.called}{'.FIELD' if check.asked and check.concerns == 'field' else ''}`", check.severity if not check.asked else f"{check.severity}, when set", ", ".join(f"`{each}`" for each in check.takes)] for check in CHECKS.values()}


OURS = ("value", "usual", "most", "reason", "outcome", "code", "meant", "said", "n", "h", "place", "first_row", "earlier", "file_name", "row_step", "differs", "shown")


def test_a_file_may_call_its_columns_as_we_call_our_own(tmp_path):
    """Every check that joins or sets aside rows finds the same, whatever the columns are called."""
    names = {"seats": "most", "region": "value", "invoice": "reason"}
    rows = table((3, "Quantity", "99999"), (4, "Seats", "77777"), (5, "Customer", "CUS_0"), (6, "Region", "EU west"), (8, "Time", "2024-10-01T08:00:00Z"))
    rows[8] = list(rows[7])
    more = [name for name in OURS if name not in names.values()]
    rows = [[*row, *(f"{name} {place // 5}" for name in more)] for place, row in enumerate(rows * 2)]
    fields, columns = ({names.get(name, name): kind for name, kind in each.items()} for each in (FIELDS, COLUMNS))
    match = spec({**fields, **dict.fromkeys(more, "String")}, {**columns, **{name: name for name in more}}, answers={"identical_rows": "once"})
    plain = spec({**FIELDS, **{f"{name}_2": "String" for name in more}}, {**COLUMNS, **{f"{name}_2": name for name in more}}, answers={"identical_rows": "once"})
    found, expected = (check(tmp_path / name, (*HEADER, *more), rows, each) for name, each in (("ours", match), ("plain", plain)))
    assert found.issues("code", "_row", '"column"') == expected.issues("code", "_row", '"column"')
    assert {"unusually_large", "text_spelled_differently", "customer_spelled_differently"} <= set(found.codes)
    assert found.left_out() == expected.left_out()
