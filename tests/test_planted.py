"""Planted problems: each is found in its place and by its code, nothing else is, and once they are put right every total is the truth to the last digit."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas.check_setting import CheckSetting
from schemas.matching import Period
from tests.raw_tables import check, spec

pytestmark = pytest.mark.usefixtures("home")

HEADER = ("Kunde", "Zeit", "Menge", "Region", "Beleg")
FIELDS = {"quantity": "Decimal", "region": "String", "invoice": "String"}
COLUMNS = {"customer_id": "Kunde", "timestamp": "Zeit", "quantity": "Menge", "region": "Region", "invoice": "Beleg"}
CUSTOMERS = ("Acme GmbH", "Müller & Söhne", "Contoso Ltd")
ROWS = 66
PLANTS = {
    "no customer": (0, " ", "missing_value"), "#N/A": (0, "#N/A", "spoilt_id"), "long number": (0, "1,23457E+15", "spoilt_id"), "none": (0, "n/a", "customer_is_placeholder"),
    "capitals": (0, "ACME GMBH", "customer_spelled_differently"), "accents": (0, "Mueller & Soehne", "customer_spelled_differently"), "total": (0, "Summe", "customer_looks_like_total"),
    "no time": (1, "", "missing_value"), "31 February": (1, "31.02.2026 10:00", "not_a_timestamp"), "words": (1, "gestern", "not_a_timestamp"), "another period": (1, "05.08.2026 10:00", "outside_period"),
    "the 25th hour": (1, "25.10.2026 25:30", "not_a_timestamp"), "the doubled hour": (1, "25.10.2026 02:30", "time_exists_twice"),
    "text": (2, "zwölf", "not_a_number"), "letter O": (2, "1O,5", "not_a_number"), "two marks": (2, "1.2,3,4", "not_a_number"), "a time": (2, "10:30", "not_a_number"), "negative": (2, "-7,5", "negative_quantity"),
    "too fine": (2, "0,1234567890123456789", "too_many_decimals"), "too large": (2, "1E+25", "number_too_large"), "region": (3, "euu", "not_allowed"),
    "no key": (4, "", "missing_value"), "key cut": (4, "2,00001E+11", "spoilt_id"),
}
"""What is planted: the column, the cell, and the code it has to be found by."""
MATCH = spec(
    FIELDS, COLUMNS, key=("invoice",), answers={"zone.timestamp": "Europe/Berlin", "decimal_mark.quantity": "comma"}, period=Period(start="2026-10-01", end="2026-11-01", zone="Europe/Berlin"),
    checks={"allowed.region": CheckSetting(values=("eu", "us")), "outlier": CheckSetting(severity="off"), "gaps": CheckSetting(severity="off")},
)

NUMBERS = st.one_of(
    st.decimals(min_value=0, max_value=10**18, places=18, allow_nan=False), st.decimals(min_value=0, max_value=100, places=2, allow_nan=False), st.integers(0, 10**19).map(Decimal),
)


def german(number: Decimal, way: int) -> str:
    """A number as a German file may have it: plain, with thousands marks, or with an exponent."""
    plain = f"{number:f}"
    whole, _, fraction = plain.partition(".")
    if way == 1 and "." in plain:
        return f"{whole}{fraction},0E-{len(fraction)}".lstrip("0") if whole.strip("0") else plain.replace(".", ",")
    grouped = f"{int(whole):,}".replace(",", ".") if way == 2 else whole
    return f"{grouped},{fraction}" if fraction else grouped


def table(numbers: list[Decimal], ways: list[int]) -> list[list[str]]:
    return [[CUSTOMERS[place % 3], f"{place % 24 + 1:02}.10.2026 {place % 20:02}:15", german(numbers[place % len(numbers)], ways[place % len(ways)]), "eu", f"R-{1000 + place}"] for place in range(ROWS)]


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=6), ways=st.lists(st.integers(0, 2), min_size=1, max_size=4), places=st.dictionaries(st.sampled_from(sorted(PLANTS)), st.integers(3, ROWS - 4), min_size=1))
@example(numbers=[Decimal("99999999999999999999.123456789012345678"), Decimal("0.000000000000000001")], ways=[0, 1, 2], places={name: 3 + 2 * place for place, name in enumerate(sorted(PLANTS))})
def test_every_planted_problem_is_found_and_nothing_else_and_the_totals_are_the_truth_once_it_is_put_right(tmp_path_factory, numbers, ways, places):
    folder, clean = tmp_path_factory.mktemp("planted"), table(numbers, ways)
    rows, planted = [list(row) for row in clean], {}
    for name, place in places.items():
        column, cell, code = PLANTS[name]
        if place not in planted:
            rows[place][column], planted[place] = cell, (code, place + 2, HEADER[column])
    found = check(folder / "before", HEADER, rows, MATCH)
    assert sorted(found.issues("code", "_row", '"column"')) == sorted(planted.values())
    assert sum(count for name, count in found.result.rows.model_dump().items() if name != "read") == found.result.rows.read == ROWS
    right = check(folder / "after", HEADER, clean, MATCH)
    with localcontext(prec=80):
        truth = sum((numbers[place % len(numbers)] for place in range(ROWS)), Decimal(0))
    assert (right.issues("code"), [Decimal(field.sum) for field in right.result.fields if field.field == "quantity"]) == ([], [truth])
