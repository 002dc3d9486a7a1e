"""Usage that was added up before it came: what cells say about months is offered as corrections, and comes to the end of each month."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ingest import fixing, imports, recipes
from ingest.engine import literal
from ingest.store import accounts
from schemas.correcting import ReplacePattern
from tests.test_dividing import match

YEAR = datetime.now(UTC).year


def uploaded(tmp_path: Path, text: str, name: str = "usage.csv") -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return imports.read(imports.start(tmp_path / name, name, "anna").id).id


@pytest.mark.parametrize("text, name, time, amount, events", [
    ("customer,used\nacme,October 2026: 320 hours\nglobex,Sept. 2026: 7.5 hours", "usage.csv", "month", "quantity", [("acme", "2026-10-31", "320"), ("globex", "2026-09-30", "7.5")]),
    ("customer;used\nacme;Oktober: 320 Std.\nglobex;März: 7 Std.", "Stunden 2025-12.csv", "month", "quantity", [("acme", "2025-10-31", "320"), ("globex", "2025-03-31", "7")]),
    ("customer,used,month\nacme,2026-10 = 5,x\nglobex,2026-11 = 6,y", "usage.csv", "month_2", "quantity", [("acme", "2026-10-31", "5"), ("globex", "2026-11-30", "6")]),
    ("customer,Jahr,Monat,amount\nacme,2026,9,5\nglobex,2026,10,6", "usage.csv", "period", "amount", [("acme", "2026-09-30", "5"), ("globex", "2026-10-31", "6")]),
    ("customer,month,year,amount\nacme,September,2026,5\nglobex,Oct,2026,6", "usage.csv", "period", "amount", [("acme", "2026-09-30", "5"), ("globex", "2026-10-31", "6")]),
    ("customer,month,amount\nacme,September,5\nglobex,Oct,6", "usage 2024-10.csv", "month", "amount", [("acme", "2024-09-30", "5"), ("globex", "2024-10-31", "6")]),
])
def test_months_that_are_no_dates_yet_are_made_ones_when_somebody_says_so(home: Path, tmp_path: Path, text: str, name: str, time: str, amount: str, events: list[tuple[str, ...]]):
    import_id = uploaded(tmp_path, text, name)
    offer, = imports.period_offers(import_id)
    fixing.correct(import_id, offer.corrections, "anna")
    assert imports.period_offers(import_id) == ()
    assert {profile.column: profile.proposed_type for profile in imports.columns(import_id)}[time] == "DateTime64"
    assert {each.field: each.column for each in imports.suggestions(import_id, match("calls").event_type)}["timestamp"] == time
    imports.set_match(import_id, match("calls", time=time, amount=amount).model_copy(update={"answers": {"zone.timestamp": "UTC", "period.timestamp": "end", "unit.quantity": "h"}}), accounts.account().name, "anna")
    assert imports.check(import_id).check.rows.rejected == 0
    found = duckdb.sql(f"""select customer_id, "timestamp"::date::varchar, quantity from read_parquet({literal(imports.check_folder(import_id) / 'events.parquet')}) order by _row""").fetchall()
    assert [(customer, day, f"{amount.normalize():f}") for customer, day, amount in found] == events


@pytest.mark.parametrize("text", ["customer,day,amount\nacme,2026-10-01,5\n", "customer,month,amount\nacme,2026-10,5\n", "customer,Datum,Monat,Jahr,amount\nacme,05.10.2026,10,2026,5\n", "customer,note,amount\nacme,Berlin: 3 rooms,5\n", "customer,note,amount\nacme,May: 3 rooms,5\nglobex,none,6\n"])
def test_nothing_is_offered_for_what_is_a_date_or_speaks_of_no_month(home: Path, tmp_path: Path, text: str):
    assert imports.period_offers(uploaded(tmp_path, text)) == ()


def test_a_year_that_was_taken_belongs_to_its_file(home: Path, tmp_path: Path):
    offer, = imports.period_offers(uploaded(tmp_path, "customer,month,amount\nacme,September,5\nglobex,Oct,6\n"))
    assert offer.corrections == (ReplacePattern(column="month", pattern=r"^\s*(\p{L}{3,})\.?\s*$", replacement=rf"\1 {YEAR}", of_this_file=True),)


# The day in one column, the time in another.

JOINED = "select customer_id, \"timestamp\"::varchar from read_parquet({}) order by _row"


@pytest.mark.parametrize(("text", "joined", "first"), [
    ("customer,Date,Start time,amount\na,2026-10-01,14:03:22,5\nb,2026-10-02,09:30:00,6\n", {("Date", "Start time"): "timestamp"}, "2026-10-01 14:03:22"),
    ("customer;Datum;Uhrzeit;amount\na;01.10.2026;14:03;5\nb;31.10.2026;9:30;6\n", {("Datum", "Uhrzeit"): "timestamp"}, "2026-10-01 14:03:00"),
    ("customer,Call date,Call time (UTC),amount\na,10/01/2026,2:05 PM,5\nb,10/31/2026,11:00 AM,6\n", {("Call date", "Call time (UTC)"): "timestamp (UTC)"}, "2026-10-01 14:05:00"),
    ("customer,End date,Start date,Start time,End time,amount\na,2026-10-02,2026-10-01,23:00,01:00,5\n", {("Start date", "Start time"): "timestamp", ("End date", "End time"): "End date and End time"}, "2026-10-01 23:00:00"),
])
def test_a_day_beside_its_time_is_offered_to_be_joined(home: Path, tmp_path: Path, text: str, joined: dict, first: str):
    import_id = uploaded(tmp_path, text)
    offers = imports.period_offers(import_id)
    assert {each.corrections[0].columns: each.corrections[0].into for each in offers} == joined
    for each in offers:
        fixing.correct(import_id, each.corrections, "anna")
    assert imports.period_offers(import_id) == ()
    time = next(iter(joined.values()))
    assert {each.name for each in imports.propose_event_type(import_id).usage_fields} <= {"amount", "end_date_and_end_time"}
    assert {each.field: each.column for each in imports.suggestions(import_id, match("calls").event_type)}["timestamp"] == time
    spec = match("calls", time=time)
    imports.set_match(import_id, spec.model_copy(update={"answers": {"zone.timestamp": "UTC", "date_order.timestamp": "month_first" if "/" in text else "day_first"}}), accounts.account().name, "anna")
    assert imports.check(import_id).check.rows.rejected == 0
    assert duckdb.sql(JOINED.format(literal(imports.check_folder(import_id) / "events.parquet"))).fetchall()[0] == ("a", first)


def test_the_offer_shows_what_stands_there_and_what_is_missing(home: Path, tmp_path: Path):
    offer, = imports.period_offers(uploaded(tmp_path, "customer,Date,Time,amount\na,2026-10-01,14:03,5\nb,2026-10-02,,6\n"))
    assert "(2026-10-01 14:03)? In 1 row there is no time of day" in offer.text


@pytest.mark.parametrize("text", [
    "customer,Date,Duration,amount\na,2026-10-01,14:03:22,5\n", "customer,Timestamp,Date,Start time\na,2026-10-01T14:03:22Z,2026-10-01,14:03:22\n", "customer,Date,Time,amount\na,2026-10-01,25:03,5\n", "customer,Time,amount\na,14:03,5\n",
    "customer,Date,Usage,amount\na,2026-10-01,01:03:22,5\n",
])
def test_no_time_is_joined_that_is_a_length_or_stands_beside_a_moment(home: Path, tmp_path: Path, text: str):
    assert imports.period_offers(uploaded(tmp_path, text)) == ()


def test_the_next_file_of_a_recipe_joins_by_itself(home: Path, tmp_path: Path):
    text = "customer,Date,Start time,amount\na,2026-10-01,14:03:22,5\nb,2026-10-02,09:30:00,6\n"
    import_id = uploaded(tmp_path, text)
    fixing.correct(import_id, imports.period_offers(import_id)[0].corrections, "anna")
    spec = match("calls", time="timestamp").model_copy(update={"answers": {"zone.timestamp": "Europe/Berlin"}})
    imports.set_match(import_id, spec, accounts.account().name, "anna")
    imports.check(import_id)
    recipe = recipes.from_yaml(recipes.to_yaml(recipes.save_from(import_id, "calls", "anna").recipe))
    (tmp_path / "next.csv").write_text(text.replace("-10-", "-11-"))
    following = imports.start(tmp_path / "next.csv", "next.csv", "anna").id
    recipes.follow(following, recipe, spec.event_type, accounts.account().name, "anna")
    checked = imports.check(following).check
    assert (checked.rows.accepted, checked.questions, checked.first_timestamp) == (2, (), "2026-11-01T13:03:22+00:00")
    assert imports.period_offers(following) == ()
