"""Putting rows right in a large file: `python -m benchmarks.fixing [--rows 5000000] [--browser-rows 1000000] [--json]`.

Asked for, with 20 checks and 1 % bad rows: reading and the first check take at most 20 times what a bare DuckDB read and group-by of the same file takes, in less than 2 GB of memory,
and a check after a bulk correction at most half of the first one. With 1,000,000 rows, 100,000 of them to fix, in a browser: any click on
Review answers within 2 s; a changed cell shows the new counts within 3 s. Each table is printed with the load of the machine, and processor time beside the clock's.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from benchmarks.check_preview import BASELINE, measured

TIMES, MEMORY_MB, CHECKS, HALF, CLICK, CELL = 20.0, 2048, 20, 0.5, 2.0, 3.0
MAKE = """copy (
    select $customer as customer, strftime(timestamp '2026-10-01' + interval (i * 2592000 // $rows) second, '%Y-%m-%dT%H:%M:%SZ') as "timestamp",
        case when i % $bad = 7 then 'n/a' else (((hash(i + 2) % 100000000) / 10000)::decimal(18, 4))::varchar end as x, ['eu-west-1', 'us-east-1', 'ap-south-1'][(hash(i + 3) % 3)::int + 1] as region, 'sku-' || (hash(i + 4) % 40) as sku
    from range($rows) t(i)) to '$path' (header)"""
MANY = "'cus_' || lpad((hash(i) % 2000)::varchar, 6, '0')"
KNOWN = "['cus_acme', 'cus_globex', 'cus_initech', 'cus_hooli', 'cus_stark', 'cus_umbrella'][(hash(i) % 6)::int + 1]"
"""Whom the practice account knows, so that a check asks for nobody else."""
ELSEWHERE = frozenset({
    "not_a_whole_number", "not_a_date", "not_true_or_false", "not_a_uuid", "same_key_other_content", "already_sent_other_content", "customer_nearly_known", "customer_unknown", "unusual_volume",
    "customer_rows_changed", "outside_window", "outside_period",
})
"""Checks that have nothing to look at here: of types that no column has, of what was sent before, of what only the account or a person says."""
Measured = dict[str, tuple[float, float]]


def make(path: Path, rows: int, bad: int, customer: str) -> Path:
    """A file of so many rows, of which one in `bad` has no number; `customer` is SQL for whose it is."""
    duckdb.execute("set enable_progress_bar = false")
    duckdb.execute(MAKE.replace("$rows", str(rows)).replace("$bad", str(bad)).replace("$path", str(path)).replace("$customer", customer))
    return path


def imported(path: Path, found: Measured, *, checks: bool) -> str:
    """The file, read and matched; with checks set on its fields, or with those that are always made."""
    from ingest import imports
    from ingest.store import accounts
    from schemas.check_setting import CheckSetting
    from schemas.event_type import EventType, Field
    from schemas.matching import FieldMatch, MatchSpec

    asked = {
        "range.x": CheckSetting(min="0", max="10000"), "allowed.region": CheckSetting(values=("eu-west-1", "us-east-1", "ap-south-1")), "pattern.sku": CheckSetting(pattern="sku-[0-9]+"), "length.sku": CheckSetting(min="5", max="6"),
        "required.region": CheckSetting(), "required.sku": CheckSetting(), "required.x": CheckSetting(), "formula": CheckSetting(formula="x >= 0"),
    }
    types = {"x": "Decimal", "region": "String", "sku": "String"}
    event_type = EventType(name="Big", slug="big", fields=tuple(Field(name=name, type=kind) for name, kind in types.items()))
    matches = tuple(FieldMatch(field=field, column=column) for field, column in {"customer_id": "customer", "timestamp": "timestamp", **{name: name for name in types}}.items())
    record = timed(found, "read", lambda: imports.read(imports.start(path, path.name, "benchmark", move=True).id))
    imports.set_match(record.id, MatchSpec(event_type=event_type, matches=matches, checks=asked if checks else {}), accounts.account(None).name, "benchmark")
    return record.id


def how_many_checks(set_: Iterable[str]) -> int:
    """How many checks look at such a file: those that are always made, and those that were set."""
    from ingest.check.checks import CHECKS as REGISTRY

    named = {name.partition(".")[0] for name in set_}
    return sum(code not in ELSEWHERE and (not check.asked or check.called in named) for code, check in REGISTRY.items())


def timed(found: Measured, what: str, work: Callable[[], object]) -> object:
    """What the work gave; its seconds by the clock and of the processor are noted."""
    begun, used = time.perf_counter(), _cpu()
    answer = work()
    found[what] = time.perf_counter() - begun, _cpu() - used
    return answer


def _cpu() -> float:
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


def stages(rows: int) -> Measured:
    """The use cases: checks after corrections, what pages ask for. The memory is that of all of them."""
    from ingest import fixing, imports, overview
    from ingest.store import imports as records
    from schemas.correcting import Edit, MapValues, SetCells

    path, bulk = Path(os.environ["INTAKE_HOME"]) / "big.csv", MapValues(column="x", values={"n/a": "0"})
    making = multiprocessing.get_context("spawn").Process(target=make, args=(path, rows, 100, MANY))
    making.start()
    making.join()
    bare = measured(BASELINE.replace("sum(x)", "sum(try_cast(x as double))"), str(path))
    found: Measured = {"bare read and group-by": (bare["baseline"], bare["cpu"])}
    import_id = imported(path, found, checks=True)
    first = timed(found, "first check", lambda: imports.check(import_id)).check.rows
    timed(found, "rows to fix, the last page", lambda: imports.problem_rows(import_id, offset=first.rejected - 50, limit=50))
    timed(found, "what a bulk correction would change", lambda: fixing.effect(import_id, bulk))
    timed(found, "columns", lambda: overview.overview(import_id))
    timed(found, "columns again", lambda: overview.overview(import_id))
    fixing.correct(import_id, [SetCells(edits=(Edit(row=9, column="x", value="5"),))], "benchmark")
    cell = timed(found, "check after one cell", lambda: imports.check(import_id)).check.rows
    fixing.correct(import_id, [bulk], "benchmark")
    after = timed(found, "check after a bulk correction", lambda: imports.check(import_id)).check.rows
    found["peak memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 0.0
    found["checks"] = how_many_checks(records.get(import_id).match.checks), 0.0
    assert (cell.accepted, after.accepted) == (first.accepted + 1, rows), (first, cell, after)
    return found


# In a browser.


@contextmanager
def portal(home: Path) -> Iterator[str]:
    """The address of a running portal with its worker and sandbox."""
    from tests.browser.running import Portal

    here = Portal(home)
    try:
        for name in ("sandbox", "worker", "portal"):
            here.start(name)
        yield here.url
    finally:
        here.stop_all()


def clicks(home: Path, import_id: str) -> Measured:
    """Seconds from a click to what it shows, for each thing that a person does with 100,000 rows to fix."""
    from playwright.sync_api import Page, expect, sync_playwright

    from tests.browser.running import CHROMIUM

    found: Measured = {}

    def click(what: str, press: Callable[[], object], shown: Callable[[], object]) -> None:
        begun = time.perf_counter()
        press()
        shown()
        found[what] = time.perf_counter() - begun, 0.0

    def grid_again(page: Page) -> None:
        page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
        expect(page.locator("[data-testid=stApp]")).to_have_attribute("data-test-script-state", "notRunning")

    expect.set_options(timeout=120_000)
    with portal(home) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(120_000)
        equation = page.get_by_role("heading", level=2)
        page.goto(f"{url}/import?id={import_id}&step=review")
        grid_again(page)
        click("open the page again", lambda: page.reload(), lambda: grid_again(page))
        click("next page of rows", lambda: page.get_by_role("button", name="Next page").click(), lambda: (page.get_by_text("51 to 100 of").wait_for(), grid_again(page)))
        for way, sign in (("One cell", "New text"), ("Everywhere at once", "This text (the whole cell")):
            click(way, lambda way=way: page.get_by_text(way).click(), lambda sign=sign: page.get_by_label(sign).wait_for())
        page.get_by_label("This text (the whole cell").fill("n/a")
        page.get_by_label("becomes", exact=True).fill("0")
        click("what it would change", lambda: page.keyboard.press("Tab"), lambda: page.get_by_text("rows would change").wait_for())
        for tab, sign in (("Customers", "customers with rows"), ("What changed", "first file of its kind"), ("Columns", "Click a part of a bar"), ("Rows to fix", "Fix here")):
            click(f"tab {tab}", lambda tab=tab: page.get_by_role("tab", name=tab).click(), lambda sign=sign: page.get_by_text(sign).first.wait_for())
        page.get_by_text("One cell").click()
        page.get_by_label("New text").fill("5")
        before = equation.first.inner_text()
        click("a changed cell, to the new counts", lambda: page.get_by_role("button", name="Change this cell").click(), lambda: equation.filter(has_text=_one_more(before)).wait_for())  # looked for in the page itself: `expect` looks once a second
        browser.close()
    return found


def _one_more(equation: str) -> str:
    """What the equation says once a row more is ready."""
    return f"= {int(equation.split('=')[1].split()[0].replace(',', '')) + 1:,} ready"


def child(what: str, rows: int) -> Measured:
    """Measured in a process of its own, over a data folder of its own."""
    with tempfile.TemporaryDirectory(prefix="intake-benchmark-") as folder:
        home = Path(folder) / "home"
        done = subprocess.run([sys.executable, "-m", "benchmarks.fixing", "--part", what, "--rows", str(rows)], env={**os.environ, "INTAKE_HOME": str(home)}, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        return {name: tuple(each) for name, each in json.loads(done.stdout).items()}


def part(what: str, rows: int) -> Measured:
    """One of the two, here."""
    home = Path(os.environ["INTAKE_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    if what == "stages":
        return stages(rows)
    from ingest import imports

    import_id = imported(make(home / "big.csv", rows, 10, KNOWN), {}, checks=False)
    imports.check(import_id)
    return clicks(home, import_id)


def demands(found: dict[str, Measured]) -> list[tuple[str, float, float]]:
    """What was asked for: the sentence, the number found, the most it may be."""
    used, shown = found["stages"], found["browser"]
    bare, read, bulk, first = (used[name] for name in ("bare read and group-by", "read", "check after a bulk correction", "first check"))
    slowest = max((seconds, what) for what, (seconds, _) in shown.items() if "counts" not in what)
    return [
        *((f"{what} of the bare one, by {by}", both / bare[place], TIMES) for place, by in enumerate(("the clock", "processor time")) for what, both in (("reading and the first check", read[place] + first[place]), ("the first check alone", first[place]))),
        ("peak memory, MB", used["peak memory, MB"][0], MEMORY_MB), (f"checks that are missing to {CHECKS}", CHECKS - used["checks"][0], 0), ("check after a bulk correction, of the first one", bulk[0] / first[0], HALF), ("the same by processor time", bulk[1] / first[1], HALF), (f"slowest click ({slowest[1]})", slowest[0], CLICK),
        ("a changed cell, to the new counts", shown["a changed cell, to the new counts"][0], CELL),
    ]


def main() -> int:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--browser-rows", type=int, default=1_000_000)
    parser.add_argument("--part", choices=("stages", "browser"), help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.part:
        print(json.dumps(part(options.part, options.rows)))
        return 0
    found = {"stages": child("stages", options.rows), "browser": child("browser", options.browser_rows)}
    asked = demands(found)
    if options.json:
        print(json.dumps({**found, "demands": asked, "load": os.getloadavg()}))
    else:
        for name, rows in (("stages", options.rows), ("browser", options.browser_rows)):
            print(f"{name}, {rows:,} rows\n{'':45}{'seconds':>9}{'processor':>11}")
            print("\n".join(f"{what:45}{seconds:>9.2f}{used or '':>11.4}" for what, (seconds, used) in found[name].items()))
        print("\n".join(f"{what}: {number:.2f}, at most {most}" for what, number, most in asked))
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 0 if all(number <= most for _, number, most in asked) else 1


if __name__ == "__main__":
    sys.exit(main())
