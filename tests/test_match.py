"""match: proposals with reasons; nothing below certain is taken for granted."""

import duckdb
import pytest

from ingest.errors import BadInput
from ingest.match import build_spec, key_candidates, key_warning, offers, profile_columns, propose_event_type, propose_key, raw_rows, suggest, validate
from ingest.match.names import field_names, words
from ingest.read.names import column_names
from schemas.matching import ColumnProfile, EarlierKey, FieldMatch, Period
from schemas.reading import RowSpan
from tests.raw_tables import event_type, raw_table, spec

pytestmark = pytest.mark.usefixtures("home")


def column(name, kind="String", empty=0, rows=10):
    return ColumnProfile(column=name, rows=rows, empty=empty, distinct=rows - empty, proposed_type=kind)


def columns(*names, kind="String"):
    return tuple(column(name, kind) for name in names)


@pytest.mark.parametrize(("name", "expected"), [
    ("customerId", "customer id"), ("Customer_ID", "customer id"), ("lineItem/UsageAmount", "line item usage amount"), ("  Größe (m²) ", "grosse m2"),
    ("HTTPStatus", "http status"), ("Kunden-Nr.", "kunden nr"), ("", ""), ("数量", ""),
])
def test_names_as_words(name, expected):
    assert words(name) == expected


@pytest.mark.parametrize(("headers", "expected"), [
    (("Customer ID", "Usage (GB)", "Menge/Stück"), ["customer_id_in_file", "usage", "menge_stuck"]),
    (("a b", "a-b", "A_B"), ["a_b", "a_b_2", "a_b_3"]),
    (("数量", "", "1st", "(x)"), ["field", "field_2", "field_1st", "x"]),
])
def test_field_names_are_unique_ascii(headers, expected):
    assert list(field_names(headers, ("customer_id", "timestamp")).values()) == expected


@pytest.mark.parametrize(("cells", "kind"), [
    (["1", "2", "30"], "Int64"), (["1.5", "2"], "Decimal"), (["1,5", "2"], "Decimal"), (["1.234,50"], "Decimal"), (["0012", "0100"], "String"),
    (["1234567890123456789"], "String"), (["0", "1"], "Int64"),
    (["1e-7", "2.5E+3"], "Float64"), (["2026-10-01"], "Date32"), (["01.10.2026 05:00"], "DateTime64"), (["2026-10-01T00:00:00Z"], "DateTime64"), (["yes", "no"], "Bool"), (["TRUE", "false"], "Bool"),
    (["123e4567-e89b-12d3-a456-426614174000"], "UUID"), (["abc"], "String"), ([None, "  "], "String"), (["+49 30 1234"], "String"), (["1"] * 19 + ["n/a"], "Int64"),
    (["1.2.3.4"], "String"), (["12:30"], "String"), (["1,234.50", "1.234,50", "12,75", "7"], "Decimal"),
])
def test_types_proposed_from_the_cells(tmp_path, cells, kind):
    report = raw_table(tmp_path, ("Value",), [[cell] for cell in cells])
    profile, = profile_columns(tmp_path, report)
    assert profile.proposed_type == kind
    assert profile.why
    assert (profile.rows, profile.empty) == (len(cells), sum(cell is None for cell in cells))


@pytest.mark.parametrize(("header", "cells", "kind"), [
    ("Account number", ["1001", "1002"], "String"), ("sku", ["17"], "String"), ("Price", ["5", "7"], "Decimal"), ("Betrag (€)", ["5"], "Decimal"),
    ("started_at", ["1790812800"], "DateTime64"), ("calls", ["1790812800"], "Int64"),
    ("Maßeinheit", ["1 Stunde"], "String"), ("uniqueid", ["1790812800.12"], "String"), ("Vorgangsnummer", ["4711"], "String"), ("from", ["+491701234567"], "String"), ("Einfahrt", ["01.10.26 03:55"], "DateTime64"),
    ("Dauer", ["00:03:25"], "Decimal"), ("Uhrzeit", ["14:03:25"], "String"), ("Parkzeit", ["3h 25m", "45m"], "Decimal"), ("Talking", ["5:12"], "Decimal"), ("hour", ["2026-10-01T13"], "DateTime64"),
    ("to", ["442071234567"], "String"), ("Date", ["20261001"], "Date32"), ("bytes", ["20261001"], "Int64"), ("PLZ", ["10115"], "String"),
])
def test_a_heading_has_a_say_in_the_type(tmp_path, header, cells, kind):
    profile, = profile_columns(tmp_path, raw_table(tmp_path, (header,), [[cell] for cell in cells]))
    assert profile.proposed_type == kind


def test_profiles_of_nothing_and_of_very_many_columns(tmp_path):
    assert profile_columns(tmp_path, raw_table(tmp_path, ("a",), []))[0].proposed_type == "String"
    names = tuple(f"column {number}" for number in range(300))
    assert [profile.column for profile in profile_columns(tmp_path, raw_table(tmp_path, names, [["1"] * 300] * 2))] == list(names)


@pytest.mark.parametrize("header", ["heading", "cell", "place", "n", "row", "rowid", 'a"b', "_file_number", "file row number"])
def test_a_heading_called_like_something_of_the_engine_is_profiled_like_any_other(tmp_path, header):
    report = raw_table(tmp_path, (header, "other"), [("1.5", "x"), ("", "y"), ("2.5", "y")])
    first, second = profile_columns(tmp_path, report)
    assert (first.column, first.empty, first.examples, first.proposed_type) == (header, 1, ("1.5", "2.5"), "Decimal")
    assert (second.examples, second.proposed_type) == (("x", "y"), "String")


@pytest.mark.parametrize(("header", "kind", "field", "confidence"), [
    ("customer_id", "String", "customer_id", "certain"), ("CustomerId", "String", "customer_id", "certain"), (" customer id ", "String", "customer_id", "certain"),
    ("Customer", "String", "customer_id", "likely"),
    ("Kundennummer", "String", "customer_id", "likely"), ("Kunden-Nr.", "String", "customer_id", "likely"), ("Tenant", "String", "customer_id", "likely"),
    ("account", "Int64", "customer_id", "likely"), ("cutomer_id", "String", "customer_id", "likely"),
    ("Timestamp", "DateTime64", "timestamp", "certain"), ("Datum", "Date32", "timestamp", "likely"), ("Start", "DateTime64", "timestamp", "likely"),
    ("event_time", "DateTime64", "timestamp", "likely"), ("lorem", "DateTime64", "timestamp", "possible"),
    ("Quantity", "String", "quantity", "certain"), ("quantity (GB)", "Decimal", "quantity", "certain"), ("Menge", "Decimal", "quantity", "likely"),
    ("Qty", "Int64", "quantity", "likely"), ("lineItem/Quantity", "Decimal", "quantity", "likely"),
    ("quantitty", "Decimal", "quantity", "likely"), ("usage quantity total", "Decimal", "quantity", "possible"), ("Standort", "String", "region", "likely"),
    ("lineItem/UsageAccountId", "String", "customer_id", "likely"), ("bill_payer_account_id", "String", "customer_id", "possible"), ("Abonnement-ID", "UUID", "customer_id", "likely"), ("Zählpunkt", "String", "customer_id", "likely"),
    ("JOB_RUN_STARTED_AT", "DateTime64", "timestamp", "possible"), ("Einfahrt", "DateTime64", "timestamp", "likely"), ("Begintijd", "DateTime64", "timestamp", "likely"), ("Von", "DateTime64", "timestamp", "likely"),
    ("line_item_usage_amount", "Decimal", "quantity", "possible"), ("Hours", "Decimal", "quantity", "possible"), ("gross amount", "Decimal", "quantity", None), ("Unit price", "Decimal", "quantity", None),
    ("Verbrauch kWh", "Decimal", "quantity", "likely"), ("Abteilung", "String", "customer_id", "likely"), ("Menge", "String", "quantity", None), ("Customer", "Decimal", "customer_id", None), ("date", "String", "timestamp", None),
])
def test_suggestions(header, kind, field, confidence):
    found = {each.field: each for each in suggest((column(header, kind),), event_type(quantity="Decimal", region="String"))}
    assert (found[field].confidence if field in found else None) == confidence
    assert all(each.why for each in found.values())


def test_a_column_goes_to_one_field_and_a_field_has_one_column():
    found = suggest((*columns("customer", "customer_id", "account"), column("date", "Date32"), column("timestamp", "DateTime64")), event_type(account="String"))
    assert [(each.field, each.column, each.confidence) for each in found] == [("customer_id", "customer_id", "certain"), ("timestamp", "timestamp", "certain"), ("account", "account", "certain")]


@pytest.mark.parametrize("tag", ["labels.customer", "resourceTags/user:Customer", "tags.customer_id", "Tag: Customer"])
def test_a_tag_that_names_the_customer_goes_before_the_project_and_the_account(tag):
    found = suggest(columns("project.id", "account id", tag), event_type())
    assert [(each.field, each.column, each.confidence) for each in found] == [("customer_id", tag, "likely")]


def test_an_empty_column_is_no_customer_and_no_time_and_money_is_no_quantity():
    empty = (column("user_id", empty=10), column("project_id"), column("event_time", "DateTime64", empty=10), column("day", "Date32"))
    money = column("Summe", "Decimal").model_copy(update={"examples": ("9,90 €", "1.019,70 €")})
    found = suggest((*empty, money, column("Nutzer", "Decimal").model_copy(update={"examples": ("1.5", "2,5")})), event_type(quantity="Decimal"))
    assert [(each.field, each.column) for each in found] == [("customer_id", "project_id"), ("timestamp", "day"), ("quantity", "Nutzer")]


@pytest.mark.parametrize(("headers", "measures"), [(("Monat", "Tag", "Jahr"), ()), (("calls", "storage GB"), ("calls", "storage GB")), (("Verbrauchte Menge", "Dauer"), ()), (("Zählerstand alt", "Zählerstand neu", "Verbrauch kWh"), ()), (("from", "to"), ())])
def test_numbers_side_by_side_are_usages_of_their_own_where_none_is_the_quantity(tmp_path, headers, measures):
    profiles = (column("Kunde"), *columns(*headers, kind="Int64"))
    assert [each.measures for each in offers(tmp_path, raw_table(tmp_path, ("Kunde", *headers), []), profiles)] == ([measures] if measures else [])


def test_the_same_name_twice_is_not_certain():
    found = suggest((column("Quantity (GB)", "Decimal"), column("Quantity (h)", "Decimal")), event_type(quantity="Decimal"))
    assert [(each.confidence, each.why) for each in found] == [("possible", "several columns have this name: 'Quantity (GB)' and 'Quantity (h)'")]


def test_several_columns_of_times_without_a_telling_name_are_left_to_the_person():
    assert suggest((column("x", "DateTime64"), column("y", "DateTime64")), event_type()) == ()


def test_a_proposed_event_type_leaves_out_customer_time_and_empty_columns():
    profiles = (column("Kundennummer"), column("Datum", "Date32"), column("Verbrauch (kWh)", "Decimal"), column("leer", empty=10), column("event_id"), column("数量", "Int64"))
    proposed = propose_event_type(profiles, "verbrauch_2026-10.csv")
    assert (proposed.name, proposed.slug) == ("Verbrauch", "verbrauch")
    assert [(field.name, field.type) for field in proposed.fields] == [("verbrauch", "Decimal"), ("event_id_in_file", "String"), ("field", "Int64")]


@pytest.mark.parametrize(("file_name", "slug"), [
    ("API Calls (final) 2026-10.xlsx", "api_calls"), ("usage.csv", "usage"), ("2026-10.csv", "usage_2026_10"), ("Größen.csv", "grossen"), ("数量.csv", "usage"),
    ("..\\..\\x.csv", "x"), (".csv", "csv"), ("a" * 200 + ".csv", "a" * 60), ("Oktober.2026.csv", "oktober"),
])
def test_slugs(file_name, slug):
    assert propose_event_type(columns("a"), file_name).slug == slug


def test_every_field_of_a_proposed_event_type_finds_its_column_again():
    profiles = columns("Kunde", "Menge (kWh)", "Menge (€)", "数量", "Größe", "a b", "a_b", "customer_id_in_file", "content")
    proposed = propose_event_type(profiles, "x.csv")
    found = {each.field: each for each in suggest(profiles, proposed)}
    assert set(found) >= {field.name for field in proposed.fields}
    assert len({each.column for each in found.values()}) == len(found)


NOON = "2026-10-01T12:00:00Z"
KEYED = {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity"}


@pytest.mark.parametrize(("third", "kind", "rows", "expected"), [
    ("call_id", "String", [("a", NOON, "1", "x1"), ("a", NOON, "1", "x2")], ("third",)),
    ("call_id", "String", [("a", NOON, "1", "x1"), ("a", NOON, "1", "x1")], ("third",)),
    ("call_id", "String", [("a", NOON, "1", "x1"), ("a", NOON, "2", "x1")], ()),
    ("call_id", "String", [("a", NOON, "1", "x1"), ("b", NOON, "1", "")], ("customer_id", "timestamp", "third")),
    ("Sid", "String", [("a", NOON, "1", "x1"), ("a", NOON, "2", "x2")], ("third",)),
    ("Ladevorgang-ID", "String", [("a", NOON, "1", "x1"), ("a", NOON, "2", "x2")], ("third",)),
    ("resource_id", "String", [("a", NOON, "1", "x1"), ("b", NOON, "1", "x2")], ("customer_id", "timestamp", "third")),
    ("Region", "String", [("a", NOON, "1", "eu"), ("a", NOON, "1", "us")], ("customer_id", "timestamp", "third")),
    ("Region", "String", [("a", NOON, "1", "eu"), ("a", NOON, "2", "eu")], ()),
    ("Remark", "String", [("a", NOON, "1", "eu"), ("b", NOON, "2", "eu")], ("customer_id", "timestamp")),
    ("Minutes", "Int64", [("a", NOON, "1", "5"), ("a", NOON, "2", "6")], ()),
    ("Region", "String", [], ()),
])
def test_the_proposed_key(tmp_path, third, kind, rows, expected):
    report = raw_table(tmp_path, ("Customer", "Time", "Quantity", third), rows)
    key, why = propose_key(tmp_path, report, spec({"quantity": "Decimal", "third": kind}, {**KEYED, "third": third}))
    assert key == expected and why


DIMENSIONS = ("customer_id", "timestamp", "region")
REGIONS = spec({"quantity": "Decimal", "region": "String", "call_id": "String"}, {**KEYED, "region": "Region", "call_id": "call_id"})


@pytest.mark.parametrize(("rows", "expected"), [
    ([("a", "1", "eu", "x1"), ("a", "2", "us", "x2")], [(("call_id",), 0, 0, 0), ((*DIMENSIONS, "call_id"), 0, 0, 0), ((), 0, 0, 0), (("customer_id", "timestamp"), 0, 1, 0)]),
    ([("a", "1", "eu", "x1"), ("a", "1", "eu", "x1")], [(("call_id",), 1, 0, 0), ((*DIMENSIONS, "call_id"), 1, 0, 0), ((), 1, 0, 0), (("customer_id", "timestamp"), 1, 0, 0)]),
    ([("a", "1", "", "x1"), ("a", "2", "us", "")], [((*DIMENSIONS, "call_id"), 0, 0, 0), ((), 0, 0, 0), (("call_id",), 0, 0, 1), (("customer_id", "timestamp"), 0, 1, 0)]),
    ([("a", "1", "eu", "x1"), ("a", "2", "eu", "x1"), ("a", "3", "eu", "x1")], [((), 0, 0, 0), (("call_id",), 0, 2, 0), ((*DIMENSIONS, "call_id"), 0, 2, 0), (("customer_id", "timestamp"), 0, 2, 0)]),
])
def test_every_sensible_key_is_offered_with_what_it_does_to_the_rows(tmp_path, rows, expected):
    report = raw_table(tmp_path, ("Customer", "Time", "Quantity", "Region", "call_id"), [(customer, NOON, *rest) for customer, *rest in rows])
    found = key_candidates(tmp_path, report, REGIONS)
    assert [(each.fields, each.repeated, each.differing, each.empty) for each in found] == expected
    assert all(each.why for each in found)


@pytest.mark.parametrize(("before", "first", "warned"), [(DIMENSIONS, DIMENSIONS, True), ((), (), True), (("call_id",), ("call_id",), False), (("customer_id", "gone"), ("call_id",), False)])
def test_the_key_that_such_usage_was_sent_under_is_proposed_first_and_another_one_is_warned_of(tmp_path, before, first, warned):
    report = raw_table(tmp_path, ("Customer", "Time", "Quantity", "Region", "call_id"), [("a", NOON, "1", "eu", "x1"), ("a", NOON, "2", "eu", "x2")])
    found = key_candidates(tmp_path, report, REGIONS, EarlierKey(fields=before, import_id="imp_1", file_name="september.csv", sent_at="2026-10-02T10:00:00"))
    assert found[0].fields == first
    assert ("september.csv" in found[0].why) == ("gone" not in before)
    assert ("september.csv" in key_warning(found, ("call_id",))) == warned
    assert key_warning(found, first) == ""


def test_a_column_that_is_gone_is_no_part_of_a_key(tmp_path):
    report = raw_table(tmp_path, ("Customer", "Time", "Quantity"), [("a", NOON, "1")])
    assert [each.fields for each in key_candidates(tmp_path, report, REGIONS)] == [("customer_id", "timestamp"), ()]


FILE = ("Customer", "Time", "Quantity", "Region", "Extra")
USAGE = event_type(quantity="Decimal", region="String", unused="String")
PROFILES = (column("Customer"), column("Time", "DateTime64"), column("Quantity", "Decimal"), column("Region"), column("Extra"))


@pytest.fixture
def report(tmp_path):
    return raw_table(tmp_path, FILE, [])


def test_the_command_line_asks_about_everything_that_is_not_certain(report):
    made, questions = build_spec(report, PROFILES, USAGE, chosen={}, constants={}, key=None, period=None, answers={}, control_count=None, control_sums={})
    assert [(match.field, match.column, match.confidence) for match in made.matches] == [("customer_id", "Customer", "likely"), ("timestamp", "Time", "likely"), ("quantity", "Quantity", "certain"), ("region", "Region", "certain")]
    assert [(question.name, question.proposed, question.blocking) for question in questions] == [("match.customer_id", "Customer", True), ("match.timestamp", "Time", True)]
    assert made.ignored == ("Extra",)


def test_what_was_said_is_certain(report):
    made, questions = build_spec(report, PROFILES, USAGE, chosen={"customer_id": "customer ", "timestamp": "Time"}, constants={"region": "eu"}, key=["Quantity", "customer_id"], answers={"zone.timestamp": "UTC"}, control_count=3)
    assert questions == ()
    assert made.of("customer_id") == FieldMatch(field="customer_id", column="Customer", why="you said so")
    assert (made.of("region").constant, made.key, made.answers, made.control_count) == ("eu", ("quantity", "customer_id"), {"zone.timestamp": "UTC"}, 3)
    assert "Region" in made.ignored


def test_a_question_about_a_match_can_be_answered(report):
    made, questions = build_spec(report, PROFILES, USAGE, answers={"match.customer_id": "Extra", "match.timestamp": "Time"})
    assert (made.of("customer_id").column, questions, made.answers) == ("Extra", (), {})


def test_a_period_takes_the_place_of_a_time(report):
    made, _ = build_spec(report, (PROFILES[0], *PROFILES[2:]), USAGE, period=Period(start="2026-10-01", end="2026-11-01"), key=["Customer", "timestamp"])
    assert (made.of("timestamp"), made.key) == (None, ("customer_id", "timestamp"))


@pytest.mark.parametrize(("said", "problem"), [
    ({"chosen": {"customer_id": "Nope"}}, "no column 'Nope'.*'Customer', 'Time'"), ({"key": ["Extra"]}, "'Extra' can't be part of the key"),
    ({"profiles": (column("Extra"), column("Time", "DateTime64"))}, "which customer"), ({"profiles": (column("Customer"),)}, "when the usage was"),
])
def test_what_cannot_be_said(report, said, problem):
    with pytest.raises(BadInput, match=problem):
        build_spec(report, said.pop("profiles", PROFILES), USAGE, **said)


GOOD = {"customer_id": "Customer", "timestamp": "Time"}


@pytest.mark.parametrize(("matches", "more", "problem"), [
    ({"timestamp": "Time"}, {}, "which customer.*'Customer', 'Time'"), ({"customer_id": "Customer"}, {}, "when the usage was"),
    ({**GOOD, "planet": "Extra"}, {}, "no field 'planet'.*'quantity'"), ({**GOOD, "quantity": "Gone"}, {}, "no column 'Gone', from which 'quantity'"),
    (GOOD, {"key": ("region",)}, "'region' can't make"), ({"customer_id": "Customer"}, {"period": Period(start="2026-11-01", end="2026-10-01")}, "ends"),
    ({**GOOD, "event_id": "Extra"}, {}, "no field 'event_id'"),
])
def test_a_specification_the_file_cannot_follow_is_refused(report, matches, more, problem):
    with pytest.raises(BadInput, match=problem):
        validate(spec({"quantity": "Decimal", "region": "String", "event_id": "String"}, matches, **more), report)


def test_a_field_matched_twice_or_from_nowhere_is_refused(report):
    match = spec({"quantity": "Decimal"}, GOOD)
    for bad, problem in ((FieldMatch(field="timestamp", column="Extra"), "twice"), (FieldMatch(field="quantity"), "either a column or one value"), (FieldMatch(field="quantity", column="Extra", constant="1"), "either")):
        with pytest.raises(BadInput, match=problem):
            validate(match.model_copy(update={"matches": (*match.matches, bad)}), report)


@pytest.mark.parametrize("name", ["content", "Content", "_row", "file_row_number", "FILE_ROW_NUMBER", "_file", "_sheet"])
def test_a_field_called_like_a_column_of_ours_is_refused(report, name):
    with pytest.raises(BadInput, match="column of our own"):
        validate(spec({name: "String"}, {**GOOD, name: "Extra"}), report)


def test_a_zone_that_does_not_exist_is_refused(report):
    answers, period = {"zone.timestamp": "Mars/X"}, Period(start="2026-10-01", end="2026-11-01", zone="Mars/X")
    for said in ({"answers": answers}, {"period": period}):
        with pytest.raises(BadInput, match=r"no time zone 'Mars/X'.*Europe/Berlin"):
            validate(spec({}, GOOD, **said), report)
        with pytest.raises(BadInput, match="no time zone 'Mars/X'"):
            build_spec(report, PROFILES, USAGE, **said)


def test_a_column_called_like_one_of_the_engine_gets_another_name_in_the_file_and_as_a_field():
    assert column_names(["File_Row_Number", "x"], 2) == ("File_Row_Number (2)", "x")
    made = propose_event_type((*columns("Customer", "File_Row_Number (2)", "file_row_number"),), "usage.csv")
    assert "file_row_number" not in {field.name.lower() for field in made.fields}


def test_the_columns_we_added_to_rejected_rows_are_proposed_for_nothing():
    brought = (*columns("Customer", "Problem"), column("Row in the original file", "Int64"), column("Time", "DateTime64"))
    wanted = event_type(problem="String", row="Int64")
    assert {found.field for found in suggest(brought, wanted)} == {"customer_id", "timestamp"}
    assert propose_event_type(brought, "rejected.csv").fields == ()
    assert "problem" in {found.field for found in suggest(brought[:2], wanted)}


def test_good_specifications_pass(report):
    validate(spec({"quantity": "Decimal"}, {**GOOD, "quantity": "=5"}, key=("customer_id", "quantity")), report)
    validate(spec({}, {"customer_id": "Customer"}, period=Period(start="2026-10-01", end="2026-11-01"), key=("customer_id", "timestamp")), report)


def test_raw_rows(tmp_path):
    table = raw_rows(tmp_path, raw_table(tmp_path, ("a", 'b"'), [("1", "x"), ("2", None), ("3", "z")], spans=(RowSpan(first=0, shift=5),)), offset=1, limit=1)
    assert (table.column_names, table.to_pylist()) == (["_row", "a", 'b"'], [{"_row": 6, "a": "2", 'b"': None}])
    assert duckdb.sql("select 1").fetchone() == (1,)
