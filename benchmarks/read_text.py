"""Clean CSV: detection and reading into raw.parquet beside DuckDB's own COPY of the same file, each in a fresh process."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 2_000_000
REPEATS = 3
LIMIT = 2.5
SHAPES = {
    "plain": "(format csv, header true)",
    "every cell quoted": "(format csv, header true, force_quote *)",
    "semicolons": "(format csv, header true, delimiter ';')",
}


def generate(path: Path, options: str) -> None:
    """Usage rows as an export has them: customer, time, decimal, texts."""
    import duckdb

    duckdb.sql(f"""copy (select 'cust-' || (hash(i) % 5000) as customer, timestamp '2026-10-01' + interval (i % 2592000) second as "timestamp", (hash(i * 7) % 100000) / 100 as quantity,
        'eu-west-' || (i % 4) as region, 'standard' as tier from range({ROWS}) rows(i)) to '{path}' {options}""")


def duckdb_copy(path: Path) -> int:
    """DuckDB alone, all cells as text."""
    import duckdb

    return duckdb.connect().execute(f"copy (from read_csv('{path}', all_varchar=true)) to '{path.with_suffix('.parquet')}'").fetchone()[0]


def our_read(path: Path) -> int:
    """The whole reading stage: sniffing, encoding, delimiter, header, totals, Parquet."""
    from ingest.read import read_file
    from schemas.reading import ReadSpec

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        (Path(folder) / "out").mkdir()
        return read_file(path, path.name, ReadSpec(), Path(folder) / "out").rows


WAYS = {way.__name__: way for way in (duckdb_copy, our_read)}


def child(name: str, path: Path) -> None:
    """One measurement, printed as JSON; imports are not counted."""
    import ingest.read  # noqa: F401

    began, cpu = time.perf_counter(), time.process_time()
    rows = WAYS[name](path)
    assert rows == ROWS, rows
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    with Path("/proc/self/status").open(encoding="utf-8") as status:  # not ru_maxrss, which a process takes over from the one that started it
        peak = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))
    print(json.dumps({"seconds": seconds, "cpu": cpu, "mb": peak}))


def measure(name: str, path: Path) -> dict[str, float]:
    """Seconds and peak memory of one way, in a fresh process."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.read_text", name, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def compare(folder: Path, shape: str) -> float:
    """Prints the lines of one shape of file; the ratio."""
    path = folder / "usage.csv"
    generate(path, SHAPES[shape])
    runs = [{name: measure(name, path) for name in WAYS} for _ in range(REPEATS)]  # by turns, so that whatever else the machine does falls on both
    best = {name: min((run[name] for run in runs), key=lambda found: found["seconds"]) for name in WAYS}
    ratio = best["our_read"]["seconds"] / best["duckdb_copy"]["seconds"]
    for name, found in best.items():
        print(f"{shape:20}{name:14}{found['seconds']:9.2f}{found['cpu']:8.2f}{found['mb']:9.0f}" + (f"{ratio:7.2f}" if name == "our_read" else ""), flush=True)
    return ratio


def main() -> int:
    """Prints the table."""
    print(f"{ROWS:,} rows x 5 columns, best of {REPEATS}\n{'':34}{'seconds':>9}{'cpu':>8}{'peak MB':>9}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("INTAKE_HOME", folder)
        worst = max(compare(Path(folder), shape) for shape in SHAPES)
    print(f"demanded: at most {LIMIT}; found: {worst:.2f}")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(child(sys.argv[1], Path(sys.argv[2])) if len(sys.argv) > 2 else main())
