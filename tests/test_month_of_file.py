"""Which month a file without dates is about: what its name says, and nothing that it doesn't say."""

from datetime import date

import pytest

from ingest.month_of_file import month_in_name, whole_month
from schemas.matching import Period

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(("name", "month"), [
    ("usage_2026-10.csv", (2026, 10)), ("usage-202610.csv", (2026, 10)), ("2026M10.csv", (2026, 10)), ("report 10-2026.xlsx", (2026, 10)), ("2026_Oct_seats.csv", (2026, 10)), ("seats-oct26.csv", (2026, 10)),
    ("verbrauch_oktober.csv", (2026, 10)), ("Verbrauch Dezember.xlsx", (2025, 12)), ("consumi_ottobre_2026.csv", (2026, 10)), ("usage_2026-10-01_2026-10-31.csv", (2026, 10)), ("01.10.2026-31.10.2026.csv", (2026, 10)),
    ("november_2026-11.csv", (2026, 11)),
    ("export_2026-11-02.csv", None), ("2026-09_vs_2026-10.csv", None), ("calls.csv", None), ("marathon.csv", None), ("seats_Q4.csv", None), ("IT-set.csv", None), ("out.csv", None), ("invoice_120267.csv", None),
])
def test_the_month_that_a_name_says(name: str, month: tuple[int, int] | None):
    assert month_in_name(name, TODAY) == month


def test_a_month_ends_where_the_next_begins():
    assert whole_month((2026, 12), "Europe/Berlin") == Period(start="2026-12-01", end="2027-01-01", zone="Europe/Berlin")
