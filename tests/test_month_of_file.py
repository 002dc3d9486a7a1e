"""Which month a file without dates is about: what its name says, and nothing that it doesn't say."""

from datetime import date

import pytest

from ingest.month_of_file import month_in_name, proposed, whole_month
from schemas.matching import Period, ProposedPeriod
from schemas.reading import ExcludedRow, ReadReport
from schemas.records import ImportRecord

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


@pytest.mark.parametrize("file, sheet, above, why", [
    ("usage 2026-09.xlsx", "Oct 2026", "August 2026", "from the file's name"), ("usage.xlsx", "Sept. 2026", "August 2026", "from the sheet's name"), ("usage.xlsx", "Sheet1", "Usage report September 2026", "from a line above the table"),
])
def test_the_month_of_a_file_may_stand_in_its_sheet_or_above_its_table(home, file: str, sheet: str, above: str, why: str):
    report = ReadReport(file=file, sheet=sheet, header_rows=(3,), excluded=(ExcludedRow(row=1, reason="title", text=above), ExcludedRow(row=9, reason="footnote", text="July 2026")))
    record = ImportRecord(id="imp_1", file_name=file, sha256="0" * 64, size=1, created_by="anna", created_at="2026-10-01T00:00:00+00:00", state="read", account="practice", report=report)
    assert proposed(record, "calls", "UTC", TODAY) == ProposedPeriod(period=Period(start="2026-09-01", end="2026-10-01"), why=why)
