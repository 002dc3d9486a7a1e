"""Putting rows right on the page, undone and done again, or brought back in a file; and what was learnt kept as a recipe that the next file follows."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.settings import PROJECT
from tests.browser.running import Portal

sync_api = pytest.importorskip("playwright.sync_api")
sync_api.expect.set_options(timeout=20_000)

ROWS = "".join(f"cus_acme,2026-10-{day:02d}T00:00:00Z,{'n/a' if day % 7 == 0 else day},eu\n" for day in range(1, 29))
EQUATION = re.compile("^[0-9,]+ rows? = ")
FILE = f"customer_id,timestamp,quantity,region\n{ROWS},2026-10-01T12:00:00Z,3,eu\n"


def command(portal: Portal, *arguments: str) -> dict:
    answer = subprocess.run([sys.executable, "-m", "ingest", *arguments, "--json"], cwd=PROJECT, env=portal.environment, capture_output=True, text=True, check=False)
    return json.loads(answer.stdout)


def test_rows_are_put_right_on_the_page(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    path = tmp_path / "calls.csv"
    path.write_text(FILE)
    command(portal, "event-type", "create", "--name", "Calls", "--slug", "calls", "--field", "quantity:Decimal", "--field", "region:String")
    import_id = command(portal, "check", str(path), "--event-type", "calls")["import_id"]
    page.goto(f"{portal.url}/import?id={import_id}&step=review")
    equation = page.get_by_role("heading", name=EQUATION)
    sync_api.expect(equation).to_have_text("29 rows = 24 ready + 5 need fixing")
    page.get_by_role("tab", name="Columns").click()
    page.get_by_text("Click a part of a bar").wait_for()
    page.get_by_role("button", name="Fix them here").click()
    sync_api.expect(page.locator("[class*=st-key-fix_here]")).to_be_focused()
    page.get_by_role("tab", name="Columns").click()
    sync_api.expect(page.get_by_role("combobox", name="Show the rows whose cell is")).to_have_value("✗ Invalid (4)")
    page.get_by_role("tab", name="What changed").click()
    page.get_by_text("This is the first file of its kind in this account").wait_for()
    page.get_by_role("tab", name="Rows to fix").click()
    page.get_by_text("Everywhere at once").click()
    page.get_by_label("This text (the whole cell").fill("n/a")
    page.get_by_label("becomes", exact=True).fill("0")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Change 4 rows and check again").click()
    sync_api.expect(equation).to_have_text("29 rows = 28 ready + 1 needs fixing")
    page.get_by_text("One cell").click()
    sync_api.expect(page.get_by_label("Row", exact=True)).to_have_value("30")
    page.get_by_role("button", name="Change this cell").click()
    page.get_by_text("Nothing was typed.").wait_for()
    page.get_by_label("New text").fill("cus_globex")
    page.get_by_role("button", name="Change this cell").click()
    sync_api.expect(equation).to_have_text("29 rows = 29 ready")
    page.get_by_role("button", name="Undo the last").click()
    sync_api.expect(equation).to_have_text("29 rows = 28 ready + 1 needs fixing")
    page.get_by_role("button", name="Do it again").click()
    sync_api.expect(equation).to_have_text("29 rows = 29 ready")
    page.get_by_role("button", name="Undo all").click()
    sync_api.expect(equation).to_have_text("29 rows = 24 ready + 5 need fixing")
    page.get_by_text("Everywhere at once").click()
    page.get_by_role("combobox", name="What", exact=True).click()
    page.get_by_role("option", name="Leave rows out").click()
    page.get_by_label("Their numbers in your file").fill("30, 8")
    page.keyboard.press("Tab")
    page.get_by_label("Reason").fill("a correction follows")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Change 2 rows and check again").click()
    sync_api.expect(equation).to_have_text("29 rows = 24 ready + 3 need fixing + 2 left out")
    document = command(portal, "preview", import_id, "--by", "customer")
    assert [row["value"] for row in document["rows"]] == [24]


def minutes(month: int, quantity: str = "quantity", bad: str = "n/a") -> str:
    return f"customer_id,timestamp,{quantity},note\n" + "".join(f"cus_acme,2026-{month:02d}-{day:02d}T00:00:00Z,{bad if day == 7 else day},x{day}\n" for day in range(1, 11))


def drop(page: "sync_api.Page", path: Path, text: str) -> None:
    path.write_text(text)
    page.locator("input[type=file]").set_input_files(path)


def test_corrected_rows_come_back_and_the_next_file_follows_the_recipe(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    path = tmp_path / "minutes 2026-09.csv"
    path.write_text(minutes(9))
    command(portal, "event-type", "create", "--name", "Minutes", "--slug", "minutes", "--field", "quantity:Decimal")
    import_id = command(portal, "check", str(path), "--event-type", "minutes")["import_id"]
    page.goto(f"{portal.url}/import?id={import_id}&step=review")
    equation = page.get_by_role("heading", name=EQUATION)
    sync_api.expect(equation).to_have_text("10 rows = 9 ready + 1 needs fixing")

    with page.expect_download() as download:
        page.get_by_role("button", name="Rows to fix, as CSV").first.click()
    rows = download.value.path().read_text(encoding="utf-8-sig")
    assert [row["Row in the original file"] for row in csv.DictReader(io.StringIO(rows))] == ["8"]
    page.get_by_text("Bring the corrected rows back").click()
    drop(page, tmp_path / "fixed.csv", rows.replace("n/a", "70"))
    sync_api.expect(equation).to_have_text("10 rows = 10 ready")
    sync_api.expect(page.get_by_text("Row 8, quantity: now “70”")).to_be_visible()
    page.get_by_role("button", name="Undo the last").click()
    sync_api.expect(equation).to_have_text("10 rows = 9 ready + 1 needs fixing")

    page.get_by_role("button", name="Keep this set-up for files of this kind").click()
    sync_api.expect(page.get_by_label("Name", exact=True)).to_have_value("minutes")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_text("Kept as minutes, version 1.").wait_for()

    page.goto(f"{portal.url}/import")
    drop(page, tmp_path / "minutes 2026-10.csv", minutes(10, bad="7").replace("note", "remark"))
    sync_api.expect(page.get_by_text("Follows the recipe minutes (version 1). New in this file, and not sent: remark. Gone: note.")).to_be_visible()
    page.get_by_role("heading", name="Send 10 events for 1 customer, October 2026, to Practice?").wait_for()

    page.goto(f"{portal.url}/import")
    drop(page, tmp_path / "minutes 2026-11.csv", minutes(11, quantity="Quantity h", bad="7"))
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("This file looks like the recipe minutes. quantity is probably called Quantity h now.").wait_for()


def test_links_between_the_steps_change_the_address(portal: Portal, page: "sync_api.Page", tmp_path: Path):
    path = tmp_path / "linked.csv"
    path.write_text(FILE.replace("cus_acme", "cus_hooli"))
    import_id = command(portal, "check", str(path), "--event-type", "calls")["import_id"]
    here = f"{portal.url}/import?id={import_id}"
    page.goto(here)
    page.get_by_role("link", name="2 Columns").click()
    page.get_by_text("2 Columns (here)").wait_for()
    sync_api.expect(page).to_have_url(f"{here}&step=columns")
    page.get_by_text("All columns", exact=True).click()
    page.wait_for_timeout(1500)
    sync_api.expect(page.get_by_text("2 Columns (here)")).to_be_visible()
    page.reload()
    page.get_by_text("2 Columns (here)").wait_for()
    page.go_back()
    page.get_by_text("3 Review (here)").wait_for()
