"""Previewing a metric over 10,000,000 events against a bare DuckDB group-by over the same Parquet file, and the page that builds one over 1,000,000.

    python -m benchmarks.preview_metric [--rows 10000000] [--page-rows 1000000] [--repeat 3]

Every preview is a process of its own, as the baseline is; of each the best run counts. The page is run as the server runs it, with its questions in the query processes. Exit 1 when a demand isn't met.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.check_preview import measured
from schemas.event_type import EventType, Field

RATIO, SECONDS = 2.0, 1.0
CHANGES = 5

MAKE = """
import sys, duckdb
duckdb.sql('set enable_progress_bar = false')
duckdb.sql(f'''copy (
    select md5(i::varchar)::uuid as event_id, 'cus_' || lpad((hash(i) % 2000)::varchar, 6, '0') as customer_id, timestamp '2026-10-01' + to_microseconds((i * {31 * 86_400_000_000 // int(sys.argv[2])})::bigint) as "timestamp",
        ((hash(i + 2) % 100000000) / 10000)::decimal(18, 4) as quantity, ['eu-west-1', 'us-east-1', 'ap-south-1'][(hash(i + 3) % 3)::int + 1] as region, i as _row
    from range({sys.argv[2]}) t(i)) to '{sys.argv[1]}' (format parquet)''')
print('{}')
"""
BASELINE = """
import json, resource, sys, time, duckdb
duckdb.sql("set enable_progress_bar = false")
began = time.perf_counter()
rows = duckdb.sql(f"select customer_id, timestamp::date as day, sum(quantity) as quantity from '{sys.argv[1]}' group by all").to_arrow_table()
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": time.perf_counter() - began, "rows": rows.num_rows, "peak_mb": used.ru_maxrss / 1024}))
"""
OURS = """
import json, resource, sys, time
from pathlib import Path
from ingest.metric.events import Events
from ingest.metric.run import preview
from schemas.account import AccountProfile
from schemas.event_type import EventType, Field
from schemas.metric import Metric, MetricPreviewSpec
kind = EventType(name="Big", slug="big", fields=[Field(name="quantity", type="Decimal"), Field(name="region", type="String")])
events = Events(kind, AccountProfile(), (("imp_1", Path(sys.argv[1]).parent),))
spec = MetricPreviewSpec(start="2026-10-01", end="2026-10-31", zone=sys.argv[2], by=("customer", "day"), limit=1_000_000)
began = time.perf_counter()
found = preview(events, Metric(name="Sum", event_type="big", function="sum", field="quantity"), spec)
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": time.perf_counter() - began, "rows": found.table.num_rows, "peak_mb": used.ru_maxrss / 1024}))
"""


def previews(rows: int, repeat: int) -> dict[str, dict[str, float]]:
    """The best run of the baseline, and of the preview in UTC and in Berlin's days."""
    with tempfile.TemporaryDirectory(prefix="intake-benchmark-") as folder:
        path = Path(folder) / "events.parquet"
        measured(MAKE, str(path), str(rows))
        scripts = {"bare": (BASELINE, str(path)), "UTC": (OURS, str(path), "UTC"), "Europe/Berlin": (OURS, str(path), "Europe/Berlin")}
        runs = [{name: measured(*script, home=f"{folder}/home") for name, script in scripts.items()} for _ in range(repeat)]
    return {name: min((run[name] for run in runs), key=lambda each: each["seconds"]) for name in scripts}


def built(rows: int) -> tuple[float, float]:
    """Seconds until the builder is open over so many checked events, in a portal where it was open before over others; and of a change of its filter: the middle of some, none of which was asked before."""
    from streamlit.testing.v1 import AppTest

    from ingest import query

    at = AppTest.from_file(str(Path(__file__).parent.parent / "app.py"), default_timeout=120).run()
    kind = _kind()
    query.warm()
    at.query_params["import"] = _checked(kind, rows // 1000)
    at.switch_page("pages/metrics/one_metric.py").run()
    at.switch_page("pages/metrics/metrics.py").run()
    at.query_params["import"] = _checked(kind, rows)
    opened = _timed(lambda: at.switch_page("pages/metrics/one_metric.py").run())
    at = at.button(key=next(each.key for each in at.button if each.label == "Add a condition")).click().run()
    at.selectbox(key=next(each.key for each in at.selectbox if each.key and "_field_" in each.key)).set_value("x").run()
    at.selectbox(key=next(each.key for each in at.selectbox if each.key and "_operator_" in each.key)).set_value("gt").run()
    value = next(each.key for each in (*at.text_input, *at.number_input) if each.key and "_value_" in each.key)
    times = [_timed(lambda limit=limit: at.text_input(key=value).set_value(str(limit)).run()) for limit in range(1, CHANGES + 1)]
    assert not at.exception and not at.error, at.error
    return opened, statistics.median(times)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _kind() -> EventType:
    """A kind of usage that the account has."""
    from ingest.billing import BillingClient
    from ingest.store import accounts

    with BillingClient(accounts.account(None)) as client:
        return client.create_event_type(EventType(name="Big", slug="big", fields=[Field(name="x", type="Decimal"), Field(name="region", type="String")]))


def _checked(kind: EventType, rows: int) -> str:
    """An import with so many accepted events."""
    from ingest import imports
    from ingest.settings import settings
    from ingest.store import accounts
    from schemas.matching import FieldMatch, MatchSpec

    home = settings().home
    lines = (f"cus_{number % 2000},2026-10-{number % 31 + 1:02}T10:00:00Z,{number % 997}.5,{('eu', 'us', 'ap')[number % 3]}" for number in range(rows))
    path = home / "big.csv"
    path.write_text("\n".join(["customer,timestamp,x,region", *lines]), encoding="utf-8")
    matches = [FieldMatch(field=field, column=column) for field, column in {"customer_id": "customer", "timestamp": "timestamp", "x": "x", "region": "region"}.items()]
    found = imports.start(path, "big.csv", "benchmark")
    imports.read(found.id)
    imports.set_match(found.id, MatchSpec(event_type=kind, matches=matches), accounts.account(None).name, "benchmark")
    imports.check(found.id)
    return found.id


def page(rows: int) -> tuple[float, float]:
    """The builder over a data folder of its own."""
    from ingest import query
    from ingest.processes import sandbox_for
    from ingest.settings import settings
    from ingest.store import accounts

    with tempfile.TemporaryDirectory(prefix="intake-benchmark-") as home:
        os.environ["INTAKE_HOME"] = home
        settings.cache_clear()
        try:
            with sandbox_for(accounts.account(None)):
                return built(rows)
        finally:
            query.end()


def main() -> int:
    """Runs it and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--page-rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = previews(args.rows, args.repeat)
    opened, changed = page(args.page_rows)
    bare = found["bare"]["seconds"]
    ratios = {name: each["seconds"] / bare for name, each in found.items()}
    met = max(ratios.values()) <= RATIO and max(opened, changed) <= SECONDS
    if args.json:
        print(json.dumps({"rows": args.rows, "seconds": {name: each["seconds"] for name, each in found.items()}, "ratios": ratios, "page_rows": args.page_rows, "opened": opened, "changed": changed, "met": met}))
        return 0 if met else 1
    print(f"A sum by customer and day over {args.rows:,} events\n{'':44}{'seconds':>9}{'ratio':>8}{'peak MB':>9}")
    for name, each in found.items():
        words = "bare DuckDB group-by (baseline)" if name == "bare" else f"preview, days in {name}"
        print(f"{words:<44}{each['seconds']:>9.2f}{ratios[name]:>8.1f}{each['peak_mb']:>9.0f}{'' if name == 'bare' else f'   at most {RATIO:g}'}")
    print(f"The builder over {args.page_rows:,} events\n{'it opens':<44}{opened:>9.2f}{'':17}   at most {SECONDS:g} s\n{'a filter changes':<44}{changed:>9.2f}{'':17}   at most {SECONDS:g} s")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
