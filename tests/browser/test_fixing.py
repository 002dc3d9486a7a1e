"""Putting rows right on the page: everywhere at once, one cell in a form, undone and done again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingest.settings import PROJECT
from tests.browser.running import Portal

sync_api = pytest.importorskip("playwright.sync_api")
sync_api.expect.set_options(timeout=20_000)

ROWS = "".join(f"cus_acme,2026-10-{day:02d}T00:00:00Z,{'n/a' if day % 7 == 0 else day},eu\n" for day in range(1, 29))
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
    equation = page.get_by_role("heading", level=2)
    sync_api.expect(equation).to_have_text("29 rows = 24 ready + 5 need fixing")
    page.get_by_text("Everywhere at once").click()
    page.get_by_label("This text (the whole cell").fill("n/a")
    page.get_by_label("becomes", exact=True).fill("0")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Change 4 rows and check again").click()
    sync_api.expect(equation).to_have_text("29 rows = 28 ready + 1 needs fixing")
    page.get_by_text("One cell").click()
    sync_api.expect(page.get_by_label("Row", exact=True)).to_have_value("30")
    page.get_by_label("New text").fill("cus_globex")
    page.get_by_role("button", name="Change this cell").click()
    sync_api.expect(equation).to_have_text("29 rows = 29 ready")
    page.get_by_role("button", name="Undo the last").click()
    sync_api.expect(equation).to_have_text("29 rows = 28 ready + 1 needs fixing")
    page.get_by_role("button", name="Do it again").click()
    sync_api.expect(equation).to_have_text("29 rows = 29 ready")
    page.get_by_role("button", name="Undo all").click()
    sync_api.expect(equation).to_have_text("29 rows = 24 ready + 5 need fixing")
    document = command(portal, "preview", import_id, "--by", "customer")
    assert [row["value"] for row in document["rows"]] == [24]
