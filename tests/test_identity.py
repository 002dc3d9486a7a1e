"""Identity: the same fact gets the same id, in any file, and nothing is sent twice or lost because of it."""

import hashlib
import uuid

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.check.identity import IDENTITY_VERSION
from schemas.matching import EarlierKey
from tests.raw_tables import check, send, spec

pytestmark = pytest.mark.usefixtures("home")

HEADER = ("Customer", "Time", "Quantity", "Region")
FIELDS = {"quantity": "Decimal", "region": "String"}
COLUMNS = {"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity", "region": "Region"}
NOON, ONE = "2026-10-01T12:00:00Z", "2026-10-01T13:00:00Z"
A, B = "a" * 64, "b" * 64


def checked(folder, rows, *, sha256=A, fields=None, columns=None, earlier=None, **more):
    return check(folder, HEADER, rows, spec(fields or FIELDS, columns or COLUMNS, **more), sha256=sha256, earlier=earlier)


def ids(found):
    return [str(each) for each, in found.events("event_id")]


def test_the_text_of_an_identity_never_changes(tmp_path):
    """Ids that were sent once live in the ledger for ever: if this test fails, version 1 was broken."""
    text = "1;5:usage;customer_id=4:acme;quantity=1234.5;timestamp=1790856000000000"
    assert IDENTITY_VERSION == 1
    assert ids(checked(tmp_path, [("acme", NOON, "1234.50", "")])) == [str(uuid.UUID(hashlib.md5(text.encode()).hexdigest()))]


def test_every_type_in_its_canonical_form(tmp_path):
    kinds = {"b": "Bool", "d": "Date32", "f": "Float64", "i": "Int64", "m": "Decimal", "s": "String", "t": "DateTime64", "u": "UUID"}
    cells = {"b": "yes", "d": "01.10.2026", "f": "1.50", "i": "007", "m": "-0.100", "s": "é;=", "t": "2026-10-01T00:00:00.5Z", "u": "123E4567-E89B-12D3-A456-426614174000"}
    found = check(tmp_path, ("Customer", "Time", *cells), [("c", NOON, *cells.values())], spec(kinds, {"customer_id": "Customer", "timestamp": "Time", **{name: name for name in cells}}))
    text = "1;5:usage;b=true;customer_id=1:c;d=2026-10-01;f=1.5;i=7;m=-0.1;s=4:é;=;t=1790812800500000;timestamp=1790856000000000;u=123e4567-e89b-12d3-a456-426614174000"
    assert ids(found) == [str(uuid.UUID(hashlib.md5(text.encode()).hexdigest()))]


@pytest.mark.parametrize(("row", "same"), [
    (("acme", "2026-10-01 14:00:00+02:00", "1.5", "eu"), True),
    (("acme", "2026-10-01 12:00", "1.50", "eu"), True),
    ((" acme ", "01.10.2026 12:00:00", "1,5", "eu"), True),
    (("acme", NOON, "0001.5000", "eu"), True),
    (("acme", NOON, "1.5", "eu "), True),
    (("Acme", NOON, "1.5", "eu"), False),
    (("acme", "2026-10-01T12:00:00.001Z", "1.5", "eu"), False),
    (("acme", NOON, "1.51", "eu"), False),
    (("acme", NOON, "1.5", ""), False),
    (("acme", NOON, "", "eu"), False),
])
def test_one_fact_written_differently_is_one_event(tmp_path, row, same):
    base = ids(checked(tmp_path, [("acme", NOON, "1.5", "eu")]))
    assert (ids(checked(tmp_path, [row])) == base) is same


def test_a_wide_and_a_narrow_column_give_the_same_id(tmp_path):
    first = ids(checked(tmp_path, [("a", NOON, "1.5", "x")]))
    assert ids(checked(tmp_path, [("a", NOON, "1.5", "x"), ("b", NOON, "12345678901234567890.123456789", "x")]))[:1] == first


def test_the_place_of_a_boundary_between_fields_matters(tmp_path):
    fields, columns = {"a": "String", "b": "String"}, {"customer_id": "Customer", "timestamp": "Time", "a": "Quantity", "b": "Region"}
    rows = [("c", NOON, "x;b=1:y", "z"), ("c", NOON, "x", "y;b=1:z"), ("c", NOON, "~", ""), ("c", NOON, "", "~")]
    assert len(set(ids(checked(tmp_path, rows, fields=fields, columns=columns)))) == 4


def test_an_unmatched_optional_field_is_left_out_of_the_identity(tmp_path):
    columns = {name: column for name, column in COLUMNS.items() if name != "region"}
    assert ids(checked(tmp_path, [("a", NOON, "1", "x")], columns=columns)) == ids(checked(tmp_path, [("a", NOON, "1", "x")], columns=columns, fields={"quantity": "Decimal"}))


def test_another_event_type_is_another_event(tmp_path):
    match = spec(FIELDS, COLUMNS)
    other = match.model_copy(update={"event_type": match.event_type.model_copy(update={"slug": "other"})})
    row = [("a", NOON, "1", "x")]
    assert ids(check(tmp_path, HEADER, row, match)) != ids(check(tmp_path, HEADER, row, other))


def test_a_longer_export_keeps_the_ids_of_its_unchanged_rows(tmp_path):
    rows = [("a", NOON, "1", "x"), ("b", NOON, "2", "x")]
    assert ids(checked(tmp_path, [*rows, ("c", NOON, "3.25", "y")]))[:2] == ids(checked(tmp_path, rows))


def test_ids_are_parquet_uuids(tmp_path):
    found = checked(tmp_path, [("a", NOON, "1", "x")])
    assert duckdb.sql(f"select typeof(event_id), typeof(content), event_id = content from '{found.out}/events.parquet'").fetchall() == [("UUID", "UUID", True)]


# Identical rows.


def test_identical_rows_stay_separate_events_with_a_question(tmp_path):
    found = checked(tmp_path, [("a", NOON, "1", "x")] * 3 + [("b", NOON, "1", "x")])
    assert len(set(ids(found))) == 4
    assert found.issues("code", "severity", "_row", "value") == [("identical_rows", "warning", 3, "the same as row 2"), ("identical_rows", "warning", 4, "the same as row 2")]
    assert [(question.name, question.proposed, question.blocking) for question in found.result.questions] == [("identical_rows", "keep", True)]
    assert "row 3 does row 2" in found.result.questions[0].text
    assert [option.effect for option in found.result.questions[0].options] == ["2 rows are sent too, adding 2 to quantity", "2 rows are left out as a duplicate"]
    assert checked(tmp_path, [("a", NOON, "1", "x")] * 3, answers={"identical_rows": "keep"}).result.questions == ()
    assert len({content for content, in found.events("content")}) == 2


@pytest.mark.parametrize(("rows", "proposed"), [([*range(12), *range(12)], None), ([*range(200), *range(12)], "keep"), ([*range(12), 3, 3, 3], "keep")])
def test_a_block_that_was_pasted_twice_is_pointed_out_and_nothing_is_proposed(tmp_path, rows, proposed):
    question, = checked(tmp_path, [("a", NOON, str(row), "x") for row in rows]).result.questions
    assert (question.name, question.proposed, question.blocking) == ("identical_rows", proposed, True)
    assert ("rows 14 to 25 are rows 2 to 13 again" in question.text) == (proposed is None)


def test_identical_rows_can_be_counted_once(tmp_path):
    found = checked(tmp_path, [("a", NOON, "1", "x")] * 3, answers={"identical_rows": "once"})
    assert found.left_out() == [(3, "duplicate", "repeated in this file"), (4, "duplicate", "repeated in this file")]
    assert (found.result.rows.duplicate, found.result.already_sent, found.result.questions) == (2, 0, ())


def test_occurrences_get_the_same_ids_wherever_the_rows_stand(tmp_path):
    twins = ids(checked(tmp_path, [("a", NOON, "1", "x")] * 2))
    assert ids(checked(tmp_path, [("b", NOON, "1", "x"), ("a", NOON, "1", "x"), ("c", NOON, "1", "x"), ("a", NOON, "1.0", "x")]))[1::2] == twins


def test_rows_that_differ_only_in_a_quantity_are_a_warning(tmp_path):
    found = checked(tmp_path, [("a", NOON, "1", "x"), ("a", NOON, "2", "x"), ("a", NOON, "2", "y"), ("a", ONE, "2", "x")])
    assert found.issues("code", "severity", "_row", "value") == [("differs_only_in_quantity", "warning", 3, "like row 2")]
    assert found.result.rows.accepted == 4


# A key.


def test_with_a_key_a_changed_quantity_keeps_its_id_and_changes_its_content(tmp_path):
    key = ("customer_id", "timestamp", "region")
    before, after = checked(tmp_path, [("a", NOON, "1", "x")], key=key), checked(tmp_path, [("a", NOON, "2", "x")], key=key)
    assert ids(before) == ids(after)
    assert before.events("content") != after.events("content")


def test_rows_of_one_key_with_the_same_content_count_once_and_with_other_content_not_at_all(tmp_path):
    rows = [("a", NOON, "1", "x"), ("a", NOON, "1.0", "x"), ("b", NOON, "1", "x"), ("b", NOON, "2", "x"), ("b", NOON, "1", "x"), ("c", NOON, "1", "x")]
    found = checked(tmp_path, rows, key=("customer_id",))
    assert found.left_out() == [(3, "duplicate", "repeated in this file"), *((row, "rejected", "Rows with the same key but other content") for row in (4, 5, 6))]
    assert found.issues("code", "_row", "value") == [("same_key_other_content", 4, None), ("same_key_other_content", 5, "the same key as row 4"), ("same_key_other_content", 6, "the same key as row 4")]
    assert found.result.rows.model_dump() == {"read": 6, "accepted": 2, "rejected": 3, "duplicate": 1, "excluded": 0}


def test_an_empty_key_cell_is_a_missing_value(tmp_path):
    assert checked(tmp_path, [("a", NOON, "1", "")], key=("region",)).issues("code", '"column"') == [("missing_value", "Region")]


def test_beside_customer_and_time_an_empty_dimension_is_as_good_as_any_other(tmp_path):
    rows = [("a", NOON, "1", ""), ("a", NOON, "1", "x"), ("b", NOON, "1", "")]
    found = checked(tmp_path, rows, key=("customer_id", "timestamp", "region"))
    assert (found.result.rows.accepted, len(set(ids(found))), found.codes) == (3, 3, [])


EARLIER = EarlierKey(fields=("customer_id", "timestamp", "region"), import_id="imp_1", file_name="september.csv", sent_at="2026-10-02T10:00:00")


@pytest.mark.parametrize(("rows", "answers", "expected"), [
    ([("a", NOON, "2", "x")], {}, [("key_changed", True)]),
    ([("a", NOON, "2", "x")], {"key_changed": "send"}, []),
    ([("b", NOON, "2", "x")], {}, [("key_changed", False)]),
    ([("a", NOON, "1", "x")], {}, [("already_sent", False), ("key_changed", False)]),
])
def test_another_key_than_before_blocks_where_a_correction_could_be_billed_beside_the_sent_row(tmp_path, rows, answers, expected):
    send(checked(tmp_path, [("a", NOON, "1", "x")], key=EARLIER.fields), A)
    found = checked(tmp_path, rows, sha256=B, answers=answers, earlier=EARLIER)
    assert [(question.name, question.blocking) for question in found.result.questions] == expected
    assert not [each for each in checked(tmp_path, rows, sha256=B, key=EARLIER.fields, earlier=EARLIER).result.questions if each.name == "key_changed"]


def test_naming_every_field_as_the_key_is_the_same_as_naming_none(tmp_path):
    rows = [("a", NOON, "1", "x")] * 2
    every = checked(tmp_path, rows, key=("region", "customer_id", "quantity", "timestamp"))
    assert ids(every) == ids(checked(tmp_path, rows))
    assert every.result.rows.accepted == 2


# The ledger.


def test_what_was_sent_from_the_same_file_is_not_sent_again_and_raises_no_question(tmp_path):
    rows = [("a", NOON, "1", "x")] * 2 + [("b", NOON, "2", "x")]
    send(checked(tmp_path, rows))
    again = checked(tmp_path, rows)
    assert [reason for _, _, reason in again.left_out()] == ["already sent"] * 3
    assert (again.result.already_sent, again.result.rows.accepted) == (3, 0)
    assert again.result.questions == (), "nothing hangs on an answer"


def test_what_was_sent_in_part_goes_on_with_the_rest(tmp_path):
    send(checked(tmp_path, [("a", NOON, "1", "x")]))
    assert [row for row, in checked(tmp_path, [("a", NOON, "1", "x"), ("b", NOON, "1", "x")]).events("_row")] == [3]


def test_what_another_file_brought_is_a_question_and_not_sent_until_somebody_says_it_is_new(tmp_path):
    rows = [("a", NOON, "1", "x"), ("b", NOON, "1", "x")]
    first = checked(tmp_path, rows[:1], sha256=A)
    send(first, A)
    proposed = checked(tmp_path, rows, sha256=B)
    assert [(question.name, question.proposed, question.blocking) for question in proposed.result.questions] == [("already_sent", "again", False)]
    assert proposed.left_out() == [(2, "duplicate", "already sent by import 1")]
    assert [(each.import_id, each.rows) for each in proposed.result.sent_by] == [("1", 1)]
    new = checked(tmp_path, rows, sha256=B, answers={"already_sent": "new"})
    assert (new.result.rows.accepted, new.result.questions) == (2, ())
    assert not set(ids(new)) & set(ids(first))
    send(new, B)
    assert checked(tmp_path, rows, sha256=B, answers={"already_sent": "new"}).left_out() == [(2, "duplicate", "already sent"), (3, "duplicate", "already sent")], "the same answer doesn't send it a third time"


def test_an_id_that_was_sent_with_other_content_is_an_error(tmp_path):
    send(checked(tmp_path, [("a", NOON, "1", "x")], key=("customer_id",)))
    found = checked(tmp_path, [("a", NOON, "2", "x"), ("b", NOON, "2", "x")], key=("customer_id",), sha256=B)
    assert found.issues("code", "severity", "_row") == [("already_sent_other_content", "error", 2)]
    assert found.left_out() == [(2, "rejected", "Sent before with other content")]
    assert (found.result.rows.accepted, found.result.already_sent) == (1, 0)


def test_the_ledger_of_another_event_type_or_account_does_not_count(tmp_path):
    send(checked(tmp_path, [("a", NOON, "1", "x")]), slug="other")
    assert checked(tmp_path, [("a", NOON, "1", "x")]).result.rows.accepted == 1


def test_a_check_knows_which_state_of_the_ledger_it_saw(tmp_path):
    before = checked(tmp_path, [("a", NOON, "1", "x")])
    send(before)
    after = checked(tmp_path, [("a", NOON, "1", "x")])
    assert before.result.ledger_version == "" != after.result.ledger_version


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([NOON, ONE]), st.sampled_from(["1", "1.0", "2"]), st.sampled_from(["x", ""])), min_size=1, max_size=12)


@given(rows=ROWS, order=st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_order_of_rows_does_not_change_the_set_of_ids(tmp_path_factory, rows, order):
    folder = tmp_path_factory.mktemp("order")
    shuffled = list(rows)
    order.shuffle(shuffled)
    first, second = ids(checked(folder, rows)), ids(checked(folder, shuffled))
    assert set(first) == set(second) and len(set(first)) == len(rows)


# Columns of a source that tell its rows apart and aren't sent.


def numbered(folder, rows, *, space="usage-db", sha256=A):
    return checked(folder, rows, sha256=sha256, fields={"quantity": "Decimal"}, columns={"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity"}, key_columns=("Region",), key_space=space)


def test_the_text_of_a_numbered_identity_never_changes(tmp_path):
    text = "1;5:usage;source=8:usage-db;column=6:Region=2:17"
    assert ids(numbered(tmp_path, [("acme", NOON, "1", "17")])) == [str(uuid.UUID(hashlib.md5(text.encode()).hexdigest()))]


def test_rows_of_one_content_and_two_numbers_are_two_events(tmp_path):
    send(numbered(tmp_path / "a", [("acme", NOON, "1", "17")]))
    found = numbered(tmp_path / "b", [("acme", NOON, "1", "17"), ("acme", NOON, "1", "18")], sha256=B)
    assert (found.result.rows.accepted, found.result.rows.duplicate, found.result.rows.rejected) == (1, 1, 0)


def test_a_number_that_was_sent_with_other_content_is_an_error_and_in_another_source_new(tmp_path):
    send(numbered(tmp_path / "a", [("acme", NOON, "1", "17")]))
    assert numbered(tmp_path / "b", [("acme", NOON, "2", "17")], sha256=B).result.rows.rejected == 1
    assert numbered(tmp_path / "c", [("acme", NOON, "2", "17")], sha256=B, space="other-db").result.rows.accepted == 1


def test_what_was_uploaded_without_a_number_is_not_sent_again_with_one(tmp_path):
    send(checked(tmp_path / "a", [("acme", NOON, "1", "")], fields={"quantity": "Decimal"}, columns={"customer_id": "Customer", "timestamp": "Time", "quantity": "Quantity"}))
    assert numbered(tmp_path / "b", [("acme", NOON, "1", "17")], sha256=B).result.rows.duplicate == 1
