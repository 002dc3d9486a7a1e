"""The sample files read as their notes say."""

import runpy
from pathlib import Path

import duckdb
import pytest

from ingest.raw import raw_query
from ingest.read import read_file
from ingest.sandbox.samples import SAMPLE_CUSTOMERS
from ingest.settings import PROJECT
from schemas.reading import ReadReport, ReadSpec

SAMPLES = PROJECT / "docs" / "samples"
FILES = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in (".csv", ".xlsx"))


@pytest.fixture
def read_sample(home: Path, tmp_path: Path):
    """Reads one sample: its report, and a function that answers SQL over its rows, called `raw`."""

    def work(name: str):
        report = read_file(SAMPLES / name, name, ReadSpec(), tmp_path)
        connection = duckdb.connect()
        connection.execute(f"create view raw as {raw_query(tmp_path, report)}")
        return report, lambda sql: connection.execute(sql).fetchall()

    return work


@pytest.mark.parametrize("name, encoding, delimiter, rows, columns, header, left_out", [
    ("api_calls.csv", "utf-8", ",", 186, 5, (1,), 0),
    ("call_records.csv", "utf-8", ",", 140, 8, (1,), 0),
    ("cloud_cost.csv", "utf-8", ",", 96, 32, (1,), 0),
    ("compute_hours.csv", "utf-8", ",", 88, 5, (1,), 0),
    ("problems.csv", "utf-8", ",", 33, 4, (1,), 0),
    ("storage_october.xlsx", None, None, 42, 5, (4,), 4),
    ("verbrauch_oktober.csv", "cp1252", ";", 66, 7, (1,), 0),
])
def test_what_is_found(read_sample, name: str, encoding: str | None, delimiter: str | None, rows: int, columns: int, header: tuple, left_out: int) -> None:
    report: ReadReport = read_sample(name)[0]
    assert (report.encoding, report.delimiter, report.rows, len(report.columns), report.header_rows, len(report.excluded)) == (encoding, delimiter, rows, columns, header, left_out)
    assert not report.repairs and not report.warnings and not report.questions


def test_the_table_above_is_complete() -> None:
    marks = [mark.args[1] for mark in test_what_is_found.pytestmark if mark.name == "parametrize"][0]
    assert [mark[0] for mark in marks] == FILES


def test_every_sample_is_explained() -> None:
    notes = (SAMPLES / "README.md").read_text(encoding="utf-8")
    assert [name for name in FILES if f"`{name}`" not in notes] == []


@pytest.mark.parametrize("name, column", [
    ("api_calls.csv", "customer_id"), ("call_records.csv", "customer"), ("cloud_cost.csv", "x_CustomerId"), ("compute_hours.csv", "customer_id"), ("storage_october.xlsx", "Customer"), ("verbrauch_oktober.csv", "Kundennummer"),
])
def test_customers_are_the_same_everywhere(read_sample, name: str, column: str) -> None:
    found = {row[0] for row in read_sample(name)[1](f'select distinct "{column}" from raw')}
    assert found <= set(SAMPLE_CUSTOMERS) and len(found) >= 5


def test_one_customer_is_unknown_on_purpose_and_the_names_are_those_of_the_workbook(read_sample) -> None:
    found = {row[0] for row in read_sample("problems.csv")[1]("select distinct customer_id from raw where customer_id is not null")}
    assert found - set(SAMPLE_CUSTOMERS) == {"cus_acmee"}
    script = runpy.run_path(str(SAMPLES / "make_xlsx.py"))
    assert {customer: name for customer, (name, _) in script["CUSTOMERS"].items()} == SAMPLE_CUSTOMERS


def test_the_totals_row_agrees_with_the_rows(read_sample) -> None:
    report, ask = read_sample("storage_october.xlsx")
    (stored, requests), = ask('select sum("GB stored"::decimal(18, 3)), sum("Requests"::bigint) from raw')
    assert report.totals[0].values == {"Customer": "Total", "GB stored": str(stored), "Requests": str(requests)}


def test_the_german_export_keeps_its_letters(read_sample) -> None:
    report, ask = read_sample("verbrauch_oktober.csv")
    assert "Betrag (€)" in report.columns
    assert ask("""select "Firma", "Verbrauch (kWh)" from raw where _row = 3""") == [("Globex Müller & Söhne", "210,41")]


@pytest.mark.parametrize("row, column, value", [
    (6, "gb_transferred", "12.5O"), (11, "customer_id", None), (15, "timestamp", "2026-10-32T08:15:00Z"), (19, "gb_transferred", "-4.20"), (28, "gb_transferred", "n/a"), (32, "customer_id", "cus_acmee"),
])
def test_the_planted_problems_stand_where_the_notes_say(read_sample, row: int, column: str, value: str | None) -> None:
    assert read_sample("problems.csv")[1](f"select {column} from raw where _row = {row}") == [(value,)]


def test_the_planted_twin_rows(read_sample) -> None:
    ask = read_sample("problems.csv")[1]
    assert ask("select * exclude _row from raw where _row = 21") == ask("select * exclude _row from raw where _row = 22")


def test_the_workbook_is_what_its_script_writes(tmp_path: Path) -> None:
    script = runpy.run_path(str(SAMPLES / "make_xlsx.py"))
    script["write"](tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == (SAMPLES / "storage_october.xlsx").read_bytes()
