"""2,000,000 rows of nine columns from PostgreSQL into a pulled file, against DuckDB's own `COPY (FROM postgres_query(…))` in the same run; and an increment by its cursor.

    python -m benchmarks.pull [--rows 2000000] [--repeat 3] [--json]

Every measurement is a process of its own. Exit 1 when a demand isn't met.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tests.database_servers import Postgres, postgres

PROJECT = Path(__file__).resolve().parent.parent
RATIO, MEMORY_MB, INCREMENT_SECONDS, NEW_ROWS = 1.5, 400, 2.0, 40_000

USED = """
import json, os, resource, sys, time
def told(begun, before, rows):
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"seconds": time.perf_counter() - begun, "cpu": used.ru_utime + used.ru_stime - before, "peak_mb": used.ru_maxrss / 1024, "rows": rows}))
"""
BASELINE = USED + """
import duckdb
connection = duckdb.connect(config={"allow_unsigned_extensions": "false"})
connection.execute("set enable_progress_bar = false")
connection.execute(f"load '{sys.argv[2]}'")
connection.execute(f"attach '{sys.argv[1]}' as pg (type postgres, read_only)")
before, begun = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), time.perf_counter()
rows = connection.execute(f"copy (from postgres_query('pg', 'select * from public.usage')) to '{sys.argv[3]}' (format parquet)").fetchone()[0]
told(begun, before, rows)
"""
OURS = USED + """
from pathlib import Path
from ingest.pull.postgresql import PostgreSQL, PostgreSQLConnection
from schemas.source import Read, Window
connection = PostgreSQLConnection(**json.loads(sys.argv[1]))
before, begun = sum(resource.getrusage(resource.RUSAGE_SELF)[:2]), time.perf_counter()
found = PostgreSQL().fetch(connection, Read(table="public.usage", cursor="updated_at", key=("id",)), Window(since=sys.argv[3] or None, until="2030-01-01T00:00:00Z"), Path(sys.argv[2]))
told(begun, before, found.rows)
"""


def fill(server: Postgres, rows: int) -> str:
    """The table, and the cursor from which the last rows are new."""
    server.run(
        "create table usage (id bigint primary key, updated_at timestamptz not null, customer text, region text, sku text, cpu_hours numeric(18,4), requests bigint, ok boolean, day date)",
        f"""insert into usage select i, timestamptz '2026-10-01' + i * interval '1 second', 'cus_' || i % 2000, (array['eu-west-1', 'us-east-1', 'ap-south-1'])[1 + i % 3], 'sku-' || i % 40,
            ((i::bigint * 7919) % 100000000)::numeric / 10000, i % 100000, i % 7 <> 0, date '2026-10-01' + (i % 31)::int from generate_series(1, {rows}) i""",
        "create index on usage (updated_at)", "analyze usage", database="usage")
    return server.run(f"select to_char(max(updated_at) at time zone 'UTC' - interval '{NEW_ROWS - 1} seconds', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from usage", database="usage")[0][0]


def measured(script: str, home: Path, *args: str) -> dict[str, float]:
    """What a script, run in a process of its own, printed."""
    environment = {"PATH": "/usr/bin:/bin", "INTAKE_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", script, *args], env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def best(runs: list[dict[str, float]]) -> dict[str, float]:
    """The fastest run, with the highest peak of all."""
    return {**min(runs, key=lambda run: run["seconds"]), "cpu": min(run["cpu"] for run in runs), "peak_mb": max(run["peak_mb"] for run in runs)}


def main() -> int:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    extension = str(next((Path(find_spec("duckdb_extension_postgres_scanner").origin).parent / "extensions").rglob("*.duckdb_extension")))
    with tempfile.TemporaryDirectory() as name, postgres(Path("/tmp") / f"pull-bench-{Path(name).name}") as server:
        folder = Path(name)
        newest = fill(server, options.rows)
        address, said = f"host=127.0.0.1 port={server.port} dbname=usage user=reader password=r3ad3r", json.dumps(server.connection())
        pairs = [(measured(BASELINE, folder, address, extension, str(folder / "base.parquet")), measured(OURS, folder, said, str(folder / "ours.parquet"), "")) for _ in range(options.repeat)]
        found = {"postgres_query to parquet (baseline)": best([base for base, _ in pairs]), "our pull, exact text": best([ours for _, ours in pairs]), f"{NEW_ROWS:,} new rows": best([measured(OURS, folder, said, str(folder / "new.parquet"), newest) for _ in range(options.repeat)])}
    base, ours, new = found.values()
    assert (base["rows"], ours["rows"], new["rows"]) == (options.rows, options.rows, NEW_ROWS), found
    if options.json:
        print(json.dumps(found))
    else:
        print(f"{options.rows:,} rows x 9 columns\n{'':38}{'seconds':>9}{'cpu':>7}{'peak MB':>9}{'ratio':>7}")
        for what, run in found.items():
            print(f"{what:38}{run['seconds']:9.2f}{run['cpu']:7.2f}{run['peak_mb']:9.0f}{run['seconds'] / base['seconds']:7.2f}")
        print(f"demanded: at most {RATIO} times and {MEMORY_MB} MB; new rows in under {INCREMENT_SECONDS} s")
    return int(ours["seconds"] > RATIO * base["seconds"] or ours["peak_mb"] > MEMORY_MB or new["seconds"] > INCREMENT_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
