"""Reading, checking and previewing 5,000,000 rows against a bare DuckDB read and group-by of the same file, in the same run.

    python benchmarks/check_preview.py [--rows 5000000] [--repeat 3] [--json]

Every measurement is a process of its own; the baseline is the best of its runs, and so is ours. Exit 1 when a demand isn't met.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
RATIO, MEMORY_MB = 14.0, 1500

MAKE = """
import sys, duckdb
duckdb.sql('set enable_progress_bar = false')
duckdb.sql(f'''copy (
    select 'cus_' || lpad((hash(i) % 2000)::varchar, 6, '0') as customer, strftime(timestamp '2026-10-01' + interval (i * 517 // 1000) second, '%Y-%m-%dT%H:%M:%SZ') as "timestamp",
        ((hash(i + 2) % 100000000) / 10000)::decimal(18, 4) as x, ['eu-west-1', 'us-east-1', 'ap-south-1'][(hash(i + 3) % 3)::int + 1] as region, 'sku-' || (hash(i + 4) % 40) as sku
    from range({sys.argv[2]}) t(i)) to '{sys.argv[1]}' (header)''')
print('{}')
"""
BASELINE = """
import json, resource, sys, time, duckdb
duckdb.sql("set enable_progress_bar = false")
before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
begun = time.perf_counter()
duckdb.sql(f"select customer, sum(x) from read_csv('{sys.argv[1]}') group by 1").fetchall()
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"baseline": time.perf_counter() - begun, "cpu": used.ru_utime + used.ru_stime - before, "peak_mb": used.ru_maxrss / 1024}))
"""
OURS = """
import json, resource, sys, time
from pathlib import Path
from ingest import imports
from ingest.store import accounts
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch, MatchSpec
from schemas.previewing import PreviewSpec
fields = [Field(name="x", type="Decimal"), Field(name="region", type="String"), Field(name="sku", type="String")]
matches = [FieldMatch(field=f, column=c) for f, c in {"customer_id": "customer", "timestamp": "timestamp", "x": "x", "region": "region", "sku": "sku"}.items()]
spec = MatchSpec(event_type=EventType(name="Big", slug="big", fields=fields), matches=matches)
account = accounts.account(None).name
seconds = {}
before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
def timed(name, work):
    begun = time.perf_counter()
    result = work()
    seconds[name] = time.perf_counter() - begun
    return result
found = timed("start", lambda: imports.start(Path(sys.argv[1]), "big.csv", "benchmark"))
found = timed("read", lambda: imports.read(found.id))
timed("match", lambda: imports.set_match(found.id, spec, account, "benchmark"))
found = timed("check", lambda: imports.check(found.id))
totals = timed("preview", lambda: imports.preview(found.id, PreviewSpec(by=("customer",), field="x", function="sum")))
assert found.check.rows.accepted == found.check.rows.read == int(sys.argv[2]), found.check.rows
assert totals.num_rows == 2000
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({**seconds, "cpu": used.ru_utime + used.ru_stime - before, "peak_mb": used.ru_maxrss / 1024}))
"""


def measured(script: str, *args: str, home: str = "") -> dict[str, float]:
    """What a script, run in a process of its own, printed."""
    environment = {**os.environ, "INTAKE_HOME": home, "PYTHONPATH": str(PROJECT)} if home else dict(os.environ)
    done = subprocess.run([sys.executable, "-c", script, *args], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def best(runs: list[dict[str, float]]) -> dict[str, float]:
    """The fastest run, with the least processor time and the highest peak of all."""
    fastest = min(runs, key=lambda run: sum(steps_of(run).values()))
    return {**fastest, "cpu": min(run["cpu"] for run in runs), "peak_mb": max(run["peak_mb"] for run in runs)}


def steps_of(run: dict[str, float]) -> dict[str, float]:
    """The seconds of each step."""
    return {name: seconds for name, seconds in run.items() if name not in ("cpu", "peak_mb")}


def run(rows: int, repeat: int) -> dict[str, object]:
    """All measurements, and whether the demands are met."""
    with tempfile.TemporaryDirectory(prefix="intake-benchmark-") as folder:
        path = Path(folder) / "big.csv"
        measured(MAKE, str(path), str(rows))
        size = path.stat().st_size / 1e6
        pairs = [(measured(BASELINE, str(path)), measured(OURS, str(path), str(rows), home=f"{folder}/home-{turn}")) for turn in range(repeat)]
        baseline, ours = best([pair[0] for pair in pairs]), best([pair[1] for pair in pairs])
    steps = steps_of(ours)
    ratio = sum(steps.values()) / baseline["baseline"]
    met = ratio <= RATIO and ours["peak_mb"] <= MEMORY_MB
    return {"rows": rows, "megabytes": round(size), "baseline": baseline["baseline"], "steps": steps, "total": sum(steps.values()), "ratio": ratio, "cpu": ours["cpu"], "cpu_ratio": ours["cpu"] / baseline["cpu"], "peak_mb": ours["peak_mb"], "met": met}


def table(result: dict[str, object]) -> str:
    """The measurements as a table."""
    lines = [f"{result['rows']:,} rows, {result['megabytes']} MB", f"{'step':<22}{'seconds':>9}{'ratio':>8}", f"{'bare read + group-by':<22}{result['baseline']:>9.2f}{1:>8.1f}"]
    lines += [f"{name:<22}{seconds:>9.2f}{seconds / result['baseline']:>8.1f}" for name, seconds in result["steps"].items()]
    lines += [f"{'all of it':<22}{result['total']:>9.2f}{result['ratio']:>8.1f}   at most {RATIO:.0f}"]
    lines += [f"{'processor time':<22}{result['cpu']:>9.2f}{result['cpu_ratio']:>8.1f}   tells more on a busy machine", f"{'peak memory, MB':<22}{result['peak_mb']:>9.0f}{'':>8}   at most {MEMORY_MB}"]
    return "\n".join(lines)


def main() -> int:
    """Runs it and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    result = run(args.rows, args.repeat)
    print(json.dumps(result) if args.json else table(result))
    return 0 if result["met"] else 1


if __name__ == "__main__":
    sys.exit(main())
