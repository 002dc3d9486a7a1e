"""Reading a workbook of 500,000 rows × 5 columns, against python-calamine's own reading of it: `python -m benchmarks.read_xlsx`.

Each figure comes from a process of its own. Exit 1 when our reading takes more than 3 times calamine's.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

ROWS = int(os.environ.get("ROWS", "500000"))
LIMIT = 3.0
REPEATS = 3


def generate(path: Path) -> None:
    """Customer, time, quantity, two dimensions: written with constant memory."""
    import xlsxwriter

    book = xlsxwriter.Workbook(str(path), {"constant_memory": True})
    sheet, moment = book.add_worksheet("Usage"), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    start = datetime(2026, 10, 1)
    sheet.write_row(0, 0, ("customer_id", "timestamp", "quantity", "region", "tier"))
    for row in range(1, ROWS + 1):
        sheet.write_string(row, 0, f"cus_{row % 5000}")
        sheet.write_datetime(row, 1, start + timedelta(seconds=row * 5), moment)
        sheet.write_number(row, 2, row * 7919 % 1000003 / 100)
        sheet.write_string(row, 3, ("eu-west-1", "us-east-1", "ap-south-1")[row % 3])
        sheet.write_string(row, 4, ("standard", "pro")[row % 2])
    book.close()


def calamine_to_python(path: Path) -> int:
    """The library alone, all rows at once."""
    import python_calamine

    return len(python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()) - 1


def calamine_iter_rows(path: Path) -> int:
    """The library alone, row by row."""
    import python_calamine

    return sum(1 for _ in python_calamine.CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows()) - 1


def our_read(path: Path) -> int:
    """The whole reading stage: sniffing, sheet, header, lost cells, text, Parquet."""
    from ingest.read import read_file
    from schemas.reading import ReadSpec

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        (Path(folder) / "out").mkdir()
        return read_file(path, path.name, ReadSpec(), Path(folder) / "out").rows


WAYS = {way.__name__: way for way in (calamine_to_python, calamine_iter_rows, our_read)}


def measure(name: str, path: Path) -> dict[str, float]:
    """Seconds and peak memory of one way, in a fresh process; imports are not counted."""
    done = subprocess.run([sys.executable, "-m", "benchmarks.read_xlsx", name, str(path)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def child(name: str, path: Path) -> None:
    """One measurement, printed as JSON."""
    import python_calamine  # noqa: F401

    import ingest.read  # noqa: F401

    began, cpu = time.perf_counter(), time.process_time()
    rows = WAYS[name](path)
    assert rows == ROWS, rows
    print(json.dumps({"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def main() -> int:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("INTAKE_HOME", folder)
        path = Path(folder) / "usage.xlsx"
        generate(path)
        best = {name: min((measure(name, path) for _ in range(REPEATS)), key=lambda found: found["seconds"]) for name in WAYS}
    baseline = min(best[name]["seconds"] for name in WAYS if name != "our_read")
    print(f"{ROWS:,} rows x 5 columns, best of {REPEATS}\n{'':24}{'seconds':>9}{'cpu':>8}{'peak MB':>9}{'ratio':>7}")
    for name, found in best.items():
        print(f"{name:24}{found['seconds']:9.2f}{found['cpu']:8.2f}{found['mb']:9.0f}{found['seconds'] / baseline:7.2f}")
    ratio = best["our_read"]["seconds"] / baseline
    print(f"demanded: at most {LIMIT}; found: {ratio:.2f}")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(child(sys.argv[1], Path(sys.argv[2])) if len(sys.argv) > 2 else main())
