"""Twenty invoices, worked out by hand with pen and paper: what each line comes to, and what the customer pays."""

from decimal import Decimal

import pytest

from ingest.metric import pricing
from ingest.metric.price_file import from_yaml

TIERS = "up_to: [100, 1000, null], unit_amount: [0.10, 0.08, 0.05]"
FEES = f"{TIERS}, flat_fee: [0, 5, 10]"
INVOICES = [
    # price, quantity, its lines, what is paid
    ("per_unit, currency: USD, unit_amount: 0.10", "1234.5", ["123.45"], "123.45"),
    ("per_unit, currency: USD, unit_amount: 0.035", "0.7", ["0.0245"], "0.02"),
    ("per_unit, currency: USD, unit_amount: 0.005", "1", ["0.005"], "0.01"),  # a half goes away from zero
    ("per_unit, currency: USD, unit_amount: 0.005, rounding: {mode: half_even}", "1", ["0.005"], "0.00"),  # to the even digit
    ("per_unit, currency: USD, unit_amount: 0.005, rounding: {mode: half_even}", "3", ["0.015"], "0.02"),
    ("per_unit, currency: USD, unit_amount: 0.01, rounding: {mode: up}", "100.1", ["1.001"], "1.01"),
    ("per_unit, currency: USD, unit_amount: 0.01, rounding: {mode: down}", "199.9", ["1.999"], "1.99"),
    ("per_unit, currency: JPY, unit_amount: 1.5", "333", ["499.5"], "500"),  # a yen has no hundredths
    ("per_unit, currency: BHD, unit_amount: 0.0125", "1.1", ["0.01375"], "0.014"),  # a dinar has thousandths
    (f"tiered, currency: USD, {TIERS}", "2500", ["10", "72", "75"], "157.00"),  # 100 × 0.10, 900 × 0.08, 1500 × 0.05
    (f"tiered, currency: EUR, {TIERS}, included: 50", "150", ["0", "10"], "10.00"),  # 100 are left, and tiers count what is left
    (f"tiered_with_flat_fee, currency: USD, {FEES}", "1000.5", ["10", "72", "5", "0.025", "10"], "97.03"),  # the fee of the second tier and of the third
    (f"volume, currency: USD, {TIERS}", "1000", ["80"], "80.00"),  # exactly up to 1000: still the second tier
    (f"volume, currency: USD, {TIERS}", "1000.01", ["50.0005"], "50.00"),
    (f"volume_with_flat_fee, currency: USD, {FEES}", "150", ["12", "5"], "17.00"),
    ("package, currency: USD, unit_amount: 8, package_size: 100", "250", ["24"], "24.00"),  # two packages and a begun one
    ("package, currency: USD, unit_amount: 8, package_size: 100, included: 50", "250", ["0", "16"], "16.00"),
    ("flat_fee, currency: CHF, unit_amount: 49.90", "7", ["49.90"], "49.90"),
    ("per_unit, currency: USD, unit_amount: 0.10, minimum: 20", "30", ["3", "17"], "20.00"),  # 3, and 17 up to the minimum
    ("per_unit, currency: KRW, unit_amount: 12.5, included: 10, maximum: 1000", "101", ["0", "1137.5", "-137.5"], "1000"),
]


@pytest.mark.parametrize(("price", "quantity", "lines", "paid"), INVOICES, ids=range(1, len(INVOICES) + 1))
def test_an_invoice_worked_out_by_hand(price: str, quantity: str, lines: list[str], paid: str):
    made = pricing.charge(from_yaml(f"{{pricing_type: {price}}}"), {None: Decimal(quantity)})
    assert [line.amount for line in made.lines] == [Decimal(each) for each in lines]
    assert str(made.amount) == paid
