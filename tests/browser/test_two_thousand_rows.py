"""A file of 2,000 rows with more than ten kinds of planted problems, taken to a clean import on the page as somebody would who was never told how, every click counted; the next month's file then asks nothing."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from ingest.billing import BillingClient
from ingest.sandbox.identity import SANDBOX_KEY, SANDBOX_ORGANISATION
from ingest.settings import PROJECT
from schemas.account import Account
from tests.browser.running import Portal

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect

HEADER = ("Customer", "Date", "Data transferred", "Region", "Plan", "Invoice no")
CUSTOMERS, REGIONS, PLANS = ("ACME", "Globex", "Hooli", "Initech", "Stark", "Umbrella"), ("eu-west-1", "us-east-1", "ap-south-1"), ("basic", "plus", "enterprise")
ROWS, REPEATED = 2_000, 5
NOW_ACME = {12: "ACME Inc.", 312: "ACME Inc.", 912: "ACME Inc.", 1212: "Acme, Inc"}
LEFT_OUT = None
PLANTED: tuple[tuple[int, dict[int, str], dict[int, str] | None], ...] = (
    (0, NOW_ACME, dict.fromkeys(NOW_ACME, "ACME")),
    (0, {25: "Wayne Enterprises", 26: "Wayne Enterprises", 27: "WAYNE ENTERPRISES"}, dict.fromkeys((25, 26, 27), "Wayne Enterprises")),
    (0, {40: "QA test tenant", 41: "QA test tenant"}, LEFT_OUT),
    (0, dict.fromkeys((100, 101, 700), ""), LEFT_OUT),
    (1, {140: "", 820: "yesterday"}, LEFT_OUT),
    (1, {800: "07/10/26 11:00", 801: "07/10/26 12:00"}, {800: "07/10/2026 11:00", 801: "07/10/2026 12:00"}),
    (1, {500: "05/09/2026 10:00", 501: "06/09/2026 10:00"}, LEFT_OUT),
    (2, dict.fromkeys(range(200, 340, 20), "n/a"), dict.fromkeys(range(200, 340, 20), "0")),
    (2, {350: "twelve"}, {350: "12"}),
    (2, {400: "-12,500", 401: "-3,250"}, {400: "-12,500", 401: "-3,250"}),
    (3, {600: "EU-West-1", 603: "eu west 1", 607: "us_east_1"}, {600: "eu-west-1", 603: "eu-west-1", 607: "us-east-1"}),
    (4, {610: "enterprize", 613: "bsic"}, {610: "enterprise", 613: "basic"}),
)
"""What is planted: the column, the cell by its row, and what is right there; rows without that are left out on purpose. Beside it there are repeated rows and a row of totals."""
CLICKS, FIELDS = 30, 5
"""So many clicks, and so many fields filled in, are enough until nothing is left to decide."""


def usage(month: int) -> list[list[str]]:
    """Rows without a problem, but with dates and numbers that can be read in two ways."""
    minutes = [row * 7 % (12 * 1440) for row in range(ROWS)]
    return [
        [CUSTOMERS[row % 6], f"{at // 1440 + 1:02}/{month}/2026 {at % 1440 // 60:02}:{at % 60:02}", f"{row * 37 % 90 + 10},{row * 13 % 900 + 100}", REGIONS[row % 3], PLANS[row // 3 % 3], f"R-{month}{row:04}"]
        for row, at in enumerate(minutes)
    ]


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def messy() -> str:
    rows = usage(10)
    total = sum(number(row[2]) for row in rows)
    for column, cells, _ in PLANTED:
        for row, cell in cells.items():
            rows[row][column] = cell
    return written([*rows, *rows[1500 : 1500 + REPEATED], ["TOTAL", "", f"{total}".replace(".", ","), "", "", ""]])


def written(rows: list[list[str]]) -> str:
    return "".join(";".join(f'"{cell}"' if "," in cell else cell for cell in row) + "\n" for row in [HEADER, *rows])


def truth() -> dict[str, Decimal]:
    """What each customer has once everything is put right."""
    rows = usage(10)
    for column, cells, right in PLANTED:
        for row in cells:
            rows[row] = [right[row] if place == column else cell for place, cell in enumerate(rows[row])] if right and rows[row] else []
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in filter(None, rows):
        totals[row[0]] += number(row[2])
    return dict(totals)


def command(portal: Portal, *arguments: str) -> dict:
    answer = subprocess.run([sys.executable, "-m", "ingest", *arguments, "--json"], cwd=PROJECT, env=portal.environment, capture_output=True, text=True, check=False)
    return json.loads(answer.stdout)


class Person:
    """Somebody at the page, whose clicks and filled-in fields are counted."""

    def __init__(self, page: "sync_api.Page", portal: Portal) -> None:
        self.page, self.url, self.clicks, self.typed = page, portal.url, 0, 0

    def settled(self) -> None:
        self.page.wait_for_timeout(150)
        self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()

    def click(self, target: "sync_api.Locator") -> None:
        target.click()
        self.clicks += 1
        self.settled()

    def press(self, name: str | re.Pattern[str]) -> None:
        self.click(self.page.get_by_role("button", name=name, exact=isinstance(name, str)).first)

    def tick(self, text: str) -> None:
        self.click(self.page.locator("label").filter(has_text=re.compile(f"^{re.escape(text)}")).first)

    def choose(self, label: str, option: str) -> None:
        box = self.page.get_by_role("combobox", name=re.compile(label)).last
        box.scroll_into_view_if_needed()  # a list closes again when the page scrolls under it
        self.settled()
        self.click(box)
        self.click(self.page.get_by_role("option", name=option, exact=True))

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_role("textbox", name=label).fill(text)
        self.page.keyboard.press("Tab")
        self.typed += 1
        self.settled()

    def drop(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        self.page.goto(f"{self.url}/import")
        self.page.locator("input[type=file]").set_input_files(path)
        self.clicks += 1

    def sees(self, equation: str) -> None:
        expect(self.page.get_by_role("heading", name=re.compile("rows? = "))).to_have_text(equation, timeout=30_000)
        self.settled()


def match_columns(person: Person) -> None:
    person.press("Continue")
    person.page.get_by_text("What is this usage?").wait_for()
    person.settled()
    for said in ("Yes, Customer is", "Yes, Date is", "Day first:", "20.. (this century)", "A comma:"):
        person.tick(said)
    person.click(person.page.get_by_role("combobox", name="Time zone"))
    person.page.keyboard.type("Berlin")
    person.click(person.page.get_by_role("option").first)
    person.press("Looks right")


def decide_about_customers(person: Person) -> None:
    expect(person.page.get_by_text("‘ACME Inc.’ (also written ‘Acme, Inc’): is ACME meant?")).to_be_visible()
    person.press("Yes, it is ACME")
    person.page.get_by_text("The account doesn't know 2 customers").wait_for()
    person.tick("It is new: create it in the account")
    person.press("Create Wayne Enterprises")
    person.page.get_by_text("The account doesn't know 1 customer").wait_for()
    person.tick("Its usage is never billed")
    person.press("Never bill QA test tenant")
    person.sees("2,006 rows = 1,985 ready + 13 need fixing + 5 repeated in this file + 3 left out")


def put_texts_right(person: Person) -> None:
    person.press(re.compile("^Write ‘EU-West-1’ as ‘eu-west-1’, and 2 other texts"))
    person.page.get_by_text("a text written in two ways").wait_for(state="detached")
    person.click(person.page.get_by_role("tab", name="Checks"))
    person.choose("Of which field", "plan")
    expect(person.page.get_by_role("textbox", name="Allowed values, one in each line")).to_have_value("basic\nenterprise\nplus")
    person.press("Check all rows for it")
    person.sees("2,006 rows = 1,983 ready + 15 need fixing + 5 repeated in this file + 3 left out")
    person.press(re.compile("^Write ‘bsic’ as ‘basic’, and 1 other text as it is meant"))
    person.sees("2,006 rows = 1,985 ready + 13 need fixing + 5 repeated in this file + 3 left out")


def fix_rows(person: Person) -> None:
    person.press("Fix them here")
    person.click(person.page.get_by_text("Everywhere at once", exact=True))
    person.fill("This text (the whole cell; empty for empty cells)", "n/a")
    person.fill("becomes", "0")
    person.press("Change 7 rows and check again")
    person.sees("2,006 rows = 1,992 ready + 6 need fixing + 5 repeated in this file + 3 left out")
    person.choose("^What$", "Leave rows out")
    person.fill("Their numbers in your file, separated by commas", "102, 103, 142, 502, 503, 702, 822")
    person.fill("Reason (shown wherever these rows are counted)", "the sender is asked")
    person.press("Change 7 rows and check again")
    person.sees("2,006 rows = 1,990 ready + 1 needs fixing + 5 repeated in this file + 10 left out")
    person.click(person.page.get_by_text("One cell", exact=True))
    expect(person.page.get_by_role("spinbutton", name="Row")).to_have_value("352")
    person.fill("New text", "12")
    person.press("Change this cell")
    person.sees("2,006 rows = 1,991 ready + 5 repeated in this file + 10 left out")


def test_a_messy_file_becomes_a_clean_import_and_the_next_one_asks_nothing(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    account = Account(name="practice", kind="sandbox", base_url=f"http://127.0.0.1:{portal.sandbox_port}", organisation=SANDBOX_ORGANISATION, api_key=SecretStr(SANDBOX_KEY))
    with BillingClient(account) as client:
        for customer in CUSTOMERS:
            client.create_customer(customer, external_id=customer)
    person = Person(page, portal)
    person.drop(tmp_path / "transfer 2026-10.csv", messy())
    match_columns(person)
    person.sees("2,006 rows = 1,987 ready + 13 need fixing + 5 repeated in this file + 1 left out")
    import_id = re.search(r"id=(imp_\w+)", page.url)[1]
    decide_about_customers(person)
    put_texts_right(person)
    fix_rows(person)
    person.press("Noted")
    expect(page.get_by_role("button", name="Review sending")).to_be_enabled()
    found = command(portal, "preview", import_id, "--by", "customer", "--field", "data_transferred")
    assert {row["customer"]: Decimal(row["value"]) for row in found["rows"]} == truth()
    assert (person.clicks, person.typed) == (CLICKS, FIELDS)

    person.press(re.compile("^Keep this set-up"))
    person.press("Keep")
    page.get_by_text("Kept as transfer, version 1.").wait_for()
    person.drop(tmp_path / "transfer 2026-11.csv", written(usage(11)))
    page.get_by_text("Send 2,000 events for 6 customers, 31 October 2026 to 10 November 2026, to Practice?").wait_for()
