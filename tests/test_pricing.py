"""What customers pay, held against invoices made by hand, and what must hold for any quantity."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from streamlit.testing.v1 import AppTest

from ingest import query
from ingest.errors import BadInput
from ingest.metric import charges, price_words, pricing
from ingest.metric.price_file import from_values, from_yaml, to_yaml
from ingest.settings import PROJECT
from ingest.store import audit, metrics, prices
from pages.metrics.steps import price_draft as drafts
from pages.metrics.steps.price_draft import PriceDraft, TierLine, ValueLine
from schemas.currency import DIGITS
from schemas.metric import Metric
from schemas.price import PRICING_TYPES, PerUnit, Price, Tiered

PER_UNIT = "{pricing_type: per_unit, currency: USD, unit_amount: 0.10}"
TIERED = "{pricing_type: tiered, currency: USD, up_to: [100, 1000, null], unit_amount: [0.10, 0.08, 0.05]}"
TIERED_FEES = "{pricing_type: tiered_with_flat_fee, currency: USD, up_to: [100, 1000, null], unit_amount: [0.10, 0.08, 0.05], flat_fee: [0, 5, 10]}"
VOLUME = "{pricing_type: volume, currency: USD, up_to: [100, 1000, null], unit_amount: [0.10, 0.08, 0.05]}"
VOLUME_FEES = "{pricing_type: volume_with_flat_fee, currency: USD, up_to: [100, 1000, null], unit_amount: [0.10, 0.08, 0.05], flat_fee: [1, 5, 10]}"
PACKAGE = "{pricing_type: package, currency: USD, unit_amount: 5, package_size: 100}"
FLAT = "{pricing_type: flat_fee, currency: USD, unit_amount: 49.90}"
INCLUDED = TIERED.replace("USD", "USD, included: 50")
LEAST = PER_UNIT.replace("USD", "USD, minimum: 20, maximum: 100")
MATRIX = "{pricing_type: matrix, currency: USD, dimension: region, prices: {eu: 0.10, us: 0.20}, minimum: 1}"
ALL = (PER_UNIT, TIERED, TIERED_FEES, VOLUME, VOLUME_FEES, PACKAGE, FLAT, MATRIX)


def one(price: str, **others: str) -> Price:
    return from_values({**from_yaml(price).model_dump(mode="json"), **others}) if others else from_yaml(price)


def pay(price: Price, quantity: str | Decimal) -> Decimal:
    return pricing.charge(price, {None: Decimal(quantity)}).amount


@pytest.mark.parametrize("price, quantity, amount", [
    (PER_UNIT, "1234.5", "123.45"), (PER_UNIT, "0", "0.00"), (PER_UNIT, "-30", "-3.00"), (PER_UNIT, "1e+22", "1000000000000000000000.00"), (PER_UNIT, "0.05", "0.01"), (PER_UNIT, "-0.04", "0.00"),
    # A quantity equal to up_to lies in that tier.
    (TIERED, "0", "0.00"), (TIERED, "99", "9.90"), (TIERED, "100", "10.00"), (TIERED, "101", "10.08"), (TIERED, "1000", "82.00"), (TIERED, "1001", "82.05"), (TIERED, "2500", "157.00"),
    (VOLUME, "99", "9.90"), (VOLUME, "100", "10.00"), (VOLUME, "101", "8.08"), (VOLUME, "1000", "80.00"), (VOLUME, "1001", "50.05"), (VOLUME, "0", "0.00"),
    # Fractions of units are charged as fractions: 100 × 0.10 + 0.5 × 0.08.
    (TIERED, "100.5", "10.04"), (TIERED, "100.000000000000000001", "10.00"), (VOLUME, "100.5", "8.04"), (TIERED, "0.3", "0.03"),
    # A tier's fee is charged as soon as any unit is in it.
    (TIERED_FEES, "100", "10.00"), (TIERED_FEES, "100.01", "15.00"), (TIERED_FEES, "1000", "87.00"), (TIERED_FEES, "1001", "97.05"), (TIERED_FEES, "0", "0.00"), (TIERED_FEES, "-10", "-1.00"),
    (VOLUME_FEES, "0", "0.00"), (VOLUME_FEES, "1", "1.10"), (VOLUME_FEES, "100", "11.00"), (VOLUME_FEES, "101", "13.08"), (VOLUME_FEES, "2000", "110.00"), (VOLUME_FEES, "-10", "-1.00"),
    # A begun package is charged whole; of a credit, only whole ones.
    (PACKAGE, "0", "0.00"), (PACKAGE, "0.01", "5.00"), (PACKAGE, "100", "5.00"), (PACKAGE, "100.01", "10.00"), (PACKAGE, "950", "50.00"), (PACKAGE, "-99", "0.00"), (PACKAGE, "-250", "-10.00"),
    (FLAT, "0", "49.90"), (FLAT, "7000", "49.90"), (FLAT, "-1", "49.90"), (FLAT, "nan", "49.90"),
    # Included units come off first; the tiers count what remains.
    (INCLUDED, "50", "0.00"), (INCLUDED, "30", "0.00"), (INCLUDED, "51", "0.10"), (INCLUDED, "150", "10.00"), (INCLUDED, "151", "10.08"), (INCLUDED, "1050", "82.00"), (INCLUDED, "1051", "82.05"), (INCLUDED, "-10", "-1.00"),
    (VOLUME.replace("USD", "USD, included: 50"), "150", "10.00"), (VOLUME.replace("USD", "USD, included: 50"), "151", "8.08"), (VOLUME_FEES.replace("USD", "USD, included: 50"), "50", "0.00"),
    (PACKAGE.replace("USD", "USD, included: 100"), "100", "0.00"), (PACKAGE.replace("USD", "USD, included: 100"), "201", "10.00"),
    (LEAST, "0", "20.00"), (LEAST, "199", "20.00"), (LEAST, "200", "20.00"), (LEAST, "201", "20.10"), (LEAST, "1000", "100.00"), (LEAST, "1001", "100.00"), (LEAST, "-500", "20.00"),
    (INCLUDED.replace("USD", "USD, minimum: 15"), "50", "15.00"),
])
def test_an_invoice_made_by_hand(price: str, quantity: str, amount: str):
    assert str(pay(one(price), quantity)) == amount


@pytest.mark.parametrize("currency, mode, digits, unit_amount, quantity, amount", [
    ("USD", "half_up", None, "0.005", "1", "0.01"), ("USD", "half_even", None, "0.005", "1", "0.00"), ("USD", "half_even", None, "0.005", "3", "0.02"), ("USD", "up", None, "0.001", "1", "0.01"), ("USD", "down", None, "0.009", "1", "0.00"),
    ("USD", "half_up", None, "0.005", "-1", "-0.01"), ("USD", "half_even", None, "0.005", "-1", "0.00"), ("USD", "up", None, "0.001", "-1", "-0.01"), ("USD", "down", None, "0.009", "-1", "0.00"),
    ("USD", "half_even", None, "1.015", "1", "1.02"), ("USD", "half_even", None, "1.025", "1", "1.02"), ("USD", "half_up", None, "1.005", "1", "1.01"), ("USD", "half_even", None, "0.005000000000000001", "1", "0.01"),
    ("JPY", "half_up", None, "0.5", "1", "1"), ("JPY", "half_even", None, "0.5", "5", "2"), ("JPY", "down", None, "10.9", "1", "10"), ("JPY", "half_up", None, "1.5", "1000", "1500"),
    ("BHD", "half_up", None, "0.0005", "1", "0.001"), ("BHD", "half_even", None, "0.0005", "1", "0.000"), ("BHD", "half_up", None, "1.2345", "1", "1.235"),
    ("USD", "half_up", "4", "0.00005", "1", "0.0001"), ("USD", "half_up", "0", "0.5", "1", "1"), ("CLF", "half_up", None, "1.23455", "1", "1.2346"),
])
def test_what_is_paid_is_rounded_as_its_currency_has_digits(currency: str, mode: str, digits: str | None, unit_amount: str, quantity: str, amount: str):
    rounding = {"mode": mode, **({"digits": digits} if digits else {})}
    assert str(pay(from_values({"pricing_type": "per_unit", "currency": currency, "unit_amount": unit_amount, "rounding": rounding}), quantity)) == amount


@pytest.mark.parametrize("price, quantity, lines", [
    (TIERED, "1500", ["first 100 at 0.10 = 10.00", "next 900 at 0.08 = 72.00", "next 500 at 0.05 = 25.00"]),
    (TIERED_FEES, "100.5", ["first 100 at 0.10 = 10.00", "next 0.5 at 0.08 = 0.04", "fee of the tier 100 to 1,000: 5.00"]),
    (VOLUME_FEES, "1500.25", ["all 1,500.25 at 0.05 (tier above 1,000) = 75.0125", "fee of the tier above 1,000: 10.00"]),
    (INCLUDED, "151", ["50 included", "first 100 at 0.10 = 10.00", "next 1 at 0.08 = 0.08"]),
    (PACKAGE, "101", ["2 packages of 100 at 5.00 = 10.00"]), (PACKAGE, "1", ["1 package of 100 at 5.00 = 5.00"]), (FLAT, "3", ["fee 49.90"]),
    (LEAST, "150", ["150 at 0.10 = 15.00", "up to the minimum of 20.00: 5.00"]), (LEAST, "1500", ["1,500 at 0.10 = 150.00", "down to the maximum of 100.00: -50.00"]), (TIERED, "0", []), (TIERED, "-5", ["-5 at 0.10 = -0.50"]),
    (TIERED.replace("USD", "JPY"), "10", ["first 10 at 0.1 = 1"]),
])
def test_the_lines_of_an_invoice_in_words(price: str, quantity: str, lines: list[str]):
    assert [price_words.line(one(price), each) for each in pricing.charge(one(price), {None: Decimal(quantity)}).lines] == lines


QUANTITIES = pa.table({"customer_id": ["ada", "ada", "bo", "bo", "cy", "di"], "region": ["eu", "us", "eu", None, "us", "eu"], "quantity": ["10", "20", "30", "1", "0.5", "nan"]})


def test_a_matrix_is_one_charge_per_customer_and_what_has_no_price_is_not_in_the_total():
    found = charges.document(one(MATRIX), QUANTITIES)
    assert [(row["customer_id"], row["quantity"], row["amount"], [line["text"] for line in row["lines"]], row.get("note")) for row in found["rows"]] == [
        ("ada", "30", "5.00", ["eu: 10 at 0.10 = 1.00", "us: 20 at 0.20 = 4.00"], None),
        ("bo", "31", None, ["eu: 30 at 0.10 = 3.00", "(empty): 1, no price"], "No price for region (empty)"),
        ("cy", "0.5", "1.00", ["us: 0.5 at 0.20 = 0.10", "up to the minimum of 1.00: 0.90"], None),
        ("di", "NaN", None, [], "The quantity is no number that can be charged"),
    ]
    assert (found["currency"], found["total"], found["without_amount"]) == ("USD", "6.00", 2)
    assert pricing.charge(one(MATRIX, otherwise="1"), {"eu": Decimal(30), None: Decimal(1)}).amount == 4


def test_a_table_has_those_without_an_amount_first_then_the_largest():
    per_unit = one(PER_UNIT)
    found = charges.table(per_unit, QUANTITIES)
    assert found.table.select(["customer_id", "region", "amount"]).to_pylist()[:3] == [{"customer_id": "di", "region": "eu", "amount": None}, {"customer_id": "bo", "region": "eu", "amount": "3.00"}, {"customer_id": "ada", "region": "us", "amount": "2.00"}]
    assert (found.total, found.without, charges.lines(per_unit, QUANTITIES).num_rows) == (Decimal("6.15"), 1, 5)
    assert charges.lines(one(TIERED), QUANTITIES).to_pylist()[0] == {"customer_id": "ada", "region": "eu", "what": "first 10 at 0.10 = 1.00", "from": "0", "to": "100", "quantity": "10", "unit_amount": "0.1", "amount": "1"}
    assert charges.lines(per_unit, QUANTITIES.slice(0, 0)).num_rows == charges.table(per_unit, QUANTITIES.slice(0, 0)).table.num_rows == 0


@pytest.mark.parametrize("price, by, grouped", [
    (PER_UNIT, (), ("customer",)), (TIERED, ("day", "customer", "region"), ("customer", "region")), (TIERED, ("month", "customer"), ("customer", "month")),
    (FLAT, ("customer", "region", "month"), ("customer", "month")), (MATRIX, ("customer",), ("customer", "region")), (MATRIX, ("region", "customer", "tier"), ("customer", "tier", "region")),
])
def test_what_quantities_are_grouped_by_for_a_price(price: str, by: tuple[str, ...], grouped: tuple[str, ...]):
    assert pricing.grouping(one(price), by) == grouped


@pytest.mark.parametrize("price, data", [
    (PER_UNIT, '{"pricing_type": "per_unit", "currency": "USD", "unit_amount": 0.1}'),
    (TIERED, '{"pricing_type": "tiered", "currency": "USD", "unit_amount": [0.1, 0.08, 0.05], "up_to": [100, 1000, null]}'),
    (VOLUME_FEES, '{"pricing_type": "volume_with_flat_fee", "currency": "USD", "unit_amount": [0.1, 0.08, 0.05], "flat_fee": [1, 5, 10], "up_to": [100, 1000, null]}'),
    (PACKAGE, '{"pricing_type": "package", "currency": "USD", "unit_amount": 5, "package_size": 100}'),
    (MATRIX, '{"pricing_type": "matrix", "currency": "USD", "dimensions": [{"name": "region", "column_name": "region"}], "prices": {"eu": 0.1, "us": 0.2}}'),
    (PER_UNIT.replace("0.10", "0.123456789012345678"), '{"pricing_type": "per_unit", "currency": "USD", "unit_amount": "0.123456789012345678"}'),
])
def test_a_price_as_the_api_has_it(price: str, data: str):
    assert json.dumps(pricing.to_pricing_data(one(price))) == data


@pytest.mark.parametrize("currency, cents", [("USD", [10, 8, 5]), ("JPY", [0.1, 0.08, 0.05]), ("BHD", [100, 80, 50])])
def test_a_price_for_an_account_that_counts_in_the_smallest_unit(currency: str, cents: list):
    found = pricing.to_pricing_data(one(TIERED, currency=currency), "minor")
    assert (found["unit_amount"], found["up_to"]) == (cents, [100, 1000, None])


@pytest.mark.parametrize("text, said", [
    ("a: [", "can't be read at line 1"), ("[]", "pricing_type is missing"), ("pricing_type: stairs", "'stairs' is no pricing_type"), ("{pricing_type: per_unit, currency: USD}", "unit_amount is missing"),
    (PER_UNIT.replace("0.10", "-1"), "unit_amount must not be negative"), (PER_UNIT.replace("0.10", "cheap"), "unit_amount must be a number"), (PER_UNIT.replace("0.10", ".inf"), "must be a number"), (PER_UNIT.replace("0.10", "[1]"), "unit_amount must be a number"),
    (PER_UNIT.replace("0.10", "0.1234567890123456789"), "more than 18 digits"), (PER_UNIT.replace("USD", "XXQ"), "'XXQ' is no currency"), (PER_UNIT.replace("USD", "USD, up_to: [1]"), "up_to has no meaning here"),
    (TIERED.replace("100, 1000", "1000, 100"), "up_to must rise from tier to tier: 100 comes after 1000"), (TIERED.replace("100, 1000", "100, 100"), "must rise"), (TIERED.replace("1000, null", "1000, 2000"), "must end with null"),
    (TIERED.replace("100, 1000", "null, 1000"), "null before its end"), (TIERED.replace("100, 1000", "0, 1000"), "up_to number 1 must be more than 0"), (TIERED.replace(", 0.05", ""), "unit_amount has 2 of 3 values"), (TIERED.replace("0.08", "x"), "unit_amount number 2 must be a number"),
    (TIERED.replace("USD", "USD, flat_fee: [1, 2, 3]"), "flat_fee has no meaning for tiered"), (TIERED_FEES.replace(", 10]", "]"), "flat_fee has 2 of 3 values"), (LEAST.replace("100", "19"), "minimum (20) must not be more than maximum (19)"),
    (PACKAGE.replace("100", "0"), "package_size must be more than 0"), (FLAT.replace("USD", "USD, included: 3"), "included has no meaning here"), (MATRIX.replace("{eu: 0.10, us: 0.20}", "{}"), "prices"), (PER_UNIT.replace("USD", "USD, rounding: {mode: sideways}"), "rounding mode"),
])
def test_a_price_that_cant_be_used_is_a_sentence(text: str, said: str):
    with pytest.raises(BadInput) as refused:
        from_yaml(text)
    assert said in refused.value.sentence


def test_a_price_takes_no_floats():
    with pytest.raises(ValidationError, match="isn't exact"):
        PerUnit(currency="USD", unit_amount=0.1)


@pytest.mark.parametrize("text", [*ALL, "{pricing_type: matrix, currency: NOK, unit: '7', dimension: country, prices: {NO: 1, yes: 2.50, 010: 3, 1e3: 4}}", LEAST.replace("USD", "bhd, rounding: {mode: half_even, digits: 2}, unit: vCPU-hours")])
def test_a_price_comes_back_from_its_text_and_from_the_store(home: Path, text: str):
    price = from_yaml(text)
    assert from_yaml(to_yaml(price)) == price
    prices.save("Practice", "CPU hours", one(PER_UNIT), "anna")
    assert prices.save("Practice", "CPU hours", price, "anna") == prices.get("Practice", "CPU hours")
    assert (prices.get("Practice", "CPU hours").price, prices.get("Live", "CPU hours")) == (price, None)
    prices.remove("Practice", "CPU hours", "anna")
    assert prices.get("Practice", "CPU hours") is None
    assert [entry.action for entry in audit.entries("CPU hours")] == ["price", "price", "remove-price"]


def test_a_price_goes_with_its_metric(home: Path):
    metrics.save("Practice", Metric(name="CPU hours", event_type="compute", function="count"), "anna")
    for account in ("Practice", "Live"):
        prices.save(account, "CPU hours", one(PER_UNIT), "anna")
    metrics.remove("Practice", "CPU hours", "anna")
    assert (prices.get("Practice", "CPU hours"), prices.get("Live", "CPU hours").price) == (None, one(PER_UNIT))


def test_the_price_in_the_documentation_is_what_it_says():
    text = (PROJECT / "docs" / "metrics.md").read_text(encoding="utf-8")
    (example,) = [block for block in re.findall("```yaml\n(.*?)```", text, re.DOTALL) if "pricing_type" in block]
    assert [price_words.line(one(example), each) for each in pricing.charge(one(example), {None: Decimal(1200)}).lines] == [
        "50 included", "first 100 at 0.10 = 10.00", "next 900 at 0.08 = 72.00", "fee of the tier 100 to 1,000: 5.00", "next 150 at 0.05 = 7.50", "fee of the tier above 1,000: 10.00"]
    assert [each for each in PRICING_TYPES if f"| `{each}` |" not in text] == []


def test_every_kind_of_price_is_tried_and_has_a_sentence():
    assert {one(each).pricing_type for each in ALL} == set(PRICING_TYPES)
    assert [price_words.sentence(one(each)) for each in (INCLUDED, MATRIX)] == [
        "The units of each tier cost what it says: 0 to 100: 0.10 each; 100 to 1,000: 0.08 each; above 1,000: 0.05 each. The first 50 cost nothing.", "By region: eu 0.10, us 0.20, any other has no price. At least 1.00."]
    assert (DIGITS["USD"], DIGITS["JPY"], DIGITS["BHD"], DIGITS["CLF"]) == (2, 0, 3, 4)


@pytest.mark.parametrize("text", [*ALL, LEAST, INCLUDED, PER_UNIT.replace("USD", "JPY, unit: hour, rounding: {mode: up, digits: 4}"), MATRIX.replace("minimum", "otherwise")])
def test_the_form_shows_a_price_and_says_the_same_one(text: str):
    assert drafts.price_of(drafts.of(one(text))) == one(text)


@pytest.mark.parametrize("draft, said", [
    (PriceDraft(), "Still missing: the price."), (PriceDraft(unit_amount="0,10"), "“0,10” can't be the price. Write a number with a point"), (PriceDraft(unit_amount="1_0"), "can't be the price"), (PriceDraft(unit_amount="-1"), "the price must not be negative"),
    (PriceDraft(pricing_type="tiered"), "Still missing: where tier 1 ends."), (PriceDraft(pricing_type="volume", tiers=(TierLine(id=0, up_to="5", unit_amount="1"), TierLine(id=1))), "Still missing: the price of tier 2."),
    (drafts.with_tier(PriceDraft(pricing_type="tiered", tiers=(TierLine(id=0, up_to="0", unit_amount="1"), TierLine(id=1, unit_amount="1")))), "where tier 2 ends"), (PriceDraft(unit_amount="1", minimum="9", maximum="8"), "minimum (9) must not be more"),
    (PriceDraft(pricing_type="matrix"), "Choose the column"), (drafts.with_values(PriceDraft(pricing_type="matrix", dimension="region"), ("", "eu")), "give each of its values a price"),
    (PriceDraft(pricing_type="matrix", dimension="region", prices=(ValueLine(id=0, value="eu", amount="1"), ValueLine(id=1, value=" eu", amount="2"))), "“eu” has two prices."),
])
def test_an_unfinished_form_says_what_is_left_to_do(draft: PriceDraft, said: str):
    with pytest.raises(BadInput) as refused:
        drafts.price_of(draft)
    assert said in str(refused.value)


def prices_page() -> None:
    """The page's part over a few quantities, as Streamlit runs it."""
    import pyarrow
    import streamlit

    from pages.metrics.steps import pricing as shown
    from schemas.metric import Metric

    def quantities(by: tuple[str, ...]) -> pyarrow.Table:
        groups = {"customer": ("customer_id", ["ada", "*bo*", "cy"]), "month": ("month", ["2026-10"] * 3), "region": ("region", ["eu", "us", None])}
        return pyarrow.table({**dict(groups[each] for each in by), "quantity": ["150", "20", "0.5"]})

    shown.show(Metric(name="CPU hours", event_type="compute", function="count", group_by=("region",)), "Practice", quantities, who="anna", key=streamlit.query_params.get("key", "one"))


def test_the_page_shows_what_each_customer_pays_and_keeps_the_price(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(query, "ask", lambda function, args=(), kwargs=None, seconds=0: function(*args, **(kwargs or {})))
    metrics.save("Practice", Metric(name="CPU hours", event_type="compute", function="count"), "anna")
    at = AppTest.from_function(prices_page, default_timeout=30).run()
    assert [each.value.replace("\\", "") for each in at.info] == ["Still missing: the price.", "Amounts stand here as soon as the price is filled in."]
    next(each for each in at.text_input if each.label == "Price of each unit, in USD").set_value("0.10").run()
    assert (at.metric[0].label, at.metric[0].value, at.dataframe[0].value["amount"].tolist()) == ("Total of 3 charges", "USD 17.05", ["15.00", "2.00", "0.05"])
    assert "150 at 0.10 = 15.00" in " ".join(each.value for each in at.markdown).replace("\\", "")
    next(each for each in at.button if each.label == "Keep this price").click().run()
    assert prices.get("Practice", "CPU hours").price == one(PER_UNIT)
    assert next(each for each in at.button if each.label == "Keep this price").disabled
    next(each for each in at.selectbox if each.label == "Kind of price").set_value("matrix").run()
    next(each for each in at.button if each.label == "Add the 2 that occur").click().run()
    for place, amount in enumerate(("1", "2")):
        [each for each in at.text_input if each.label == "Price of each, in USD"][place].set_value(amount).run()
    assert (at.metric[0].value, at.error[0].value) == ("USD 190.00", "1 charge has no amount and is not in the total. The first rows say why.")
    assert not at.exception


numbers = st.decimals(0, 5000, places=3)
amounts = st.decimals(0, 20, places=4)


@st.composite
def tiered(draw: st.DrawFn, kind: str = "tiered") -> Tiered:
    """A price with one to four tiers."""
    ends = sorted(draw(st.sets(st.decimals("0.5", 3000, places=1), max_size=3)))
    return Tiered(pricing_type=kind, currency="USD", up_to=(*ends, None), unit_amount=tuple(draw(amounts) for _ in (*ends, None)), included=draw(st.sampled_from(["0", "12.5"])), rounding={"digits": 18})


few = settings(max_examples=60, deadline=None)


@few
@given(tiered(), numbers, st.decimals(0, 50, places=3))
def test_more_usage_never_costs_less_and_a_little_more_costs_a_little_more(price: Tiered, quantity: Decimal, more: Decimal):
    before, after = pay(price, quantity), pay(price, quantity + more)
    assert before <= after <= before + more * max(price.unit_amount)


@few
@given(tiered(), numbers)
def test_the_lines_add_up_to_the_amount_and_their_units_to_the_quantity(price: Tiered, quantity: Decimal):
    found = pricing.charge(price, {None: quantity})
    assert sum(line.amount for line in found.lines) == found.amount
    assert sum(line.quantity for line in found.lines if line.kind in ("units", "included")) == quantity == found.quantity


@few
@given(tiered("volume"), numbers)
def test_volume_is_the_price_per_unit_of_the_tier_that_is_reached(price: Tiered, quantity: Decimal):
    reached = next(each for end, each in zip(price.up_to, price.unit_amount, strict=True) if end is None or max(quantity - price.included, Decimal(0)) <= end)
    assert pay(price, quantity) == pay(PerUnit(currency="USD", unit_amount=reached, included=price.included, rounding=price.rounding), quantity)


@few
@given(tiered(), st.lists(numbers, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_the_customers_changes_nothing(price: Tiered, quantities: list[Decimal], shuffle: object):
    rows = [(f"customer {place}", str(each)) for place, each in enumerate(quantities)]
    mixed = shuffle.sample(rows, len(rows))
    both = [charges.document(price, pa.table({"customer_id": [name for name, _ in each], "quantity": [quantity for _, quantity in each]})) for each in (rows, mixed)]
    assert both[0]["total"] == both[1]["total"]
    assert sorted(both[0]["rows"], key=str) == sorted(both[1]["rows"], key=str)
