"""Reading: the bytes of a file → raw.parquet and a report of what was found, left out and repaired.

    sniff      what the file is, by its bytes
    text       delimited text:  encoding → dialect → layout → fast (DuckDB) or record by record
    workbook   xlsx, xlsm, xlsb, xls, ods:  sheet → layout → rows
    layout     shared: header, lines above the table, totals and notes below it

Detection is apart from parsing: every decision is a finding that the person sees and can overrule with a ReadSpec.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from ingest.read.sniff import format_of
from ingest.read.text import read_text
from ingest.read.workbook import read_workbook
from schemas.reading import Finding, ReadReport, ReadSpec


class Reader(Protocol):
    """Reads one family of formats into `out`/raw.parquet. Raises Unreadable with one plain sentence."""

    def __call__(self, source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Callable[[int], None] | None = None) -> ReadReport: ...


READERS: dict[str, Reader] = {
    "text": read_text,
    "xlsx": partial(read_workbook, format_name="xlsx"),
    "xlsm": partial(read_workbook, format_name="xlsm"),
    "xlsb": partial(read_workbook, format_name="xlsb"),
    "xls": partial(read_workbook, format_name="xls"),
    "ods": partial(read_workbook, format_name="ods"),
}
"""What `format_of` answers → who reads it."""

ENDINGS = {
    "text": (".csv", ".tsv", ".txt", ".tab", ".psv", ".dat", ".log", ""),
    "xlsx": (".xlsx", ".xltx"), "xlsm": (".xlsm", ".xltm"), "xlsb": (".xlsb",), "xls": (".xls", ".xlt"), "ods": (".ods", ".ots"),
}
KINDS = {"text": "text, such as CSV"}


def read_file(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Callable[[int], None] | None = None) -> ReadReport:
    """Reads a file into `out`/raw.parquet (columns: ingest/raw.py) and says what was found. `progress` gets the rows written so far.

    Raises Unreadable with one plain sentence where there is no table to read.
    """
    found = format_of(source)
    report = READERS[found](source, file_name, spec, out, progress)
    return report.model_copy(update={"findings": (_format_finding(found, file_name), *report.findings)})


def _format_finding(found: str, file_name: str) -> Finding:
    ending = Path(file_name).suffix.lower()
    what = KINDS.get(found, f"an Excel or OpenDocument workbook ({found})")
    if ending in ENDINGS[found] or (found == "text" and ending not in sum(ENDINGS.values(), ())):
        return Finding(what="format", value=found, why=f"the file's content is {what}")
    return Finding(what="format", value=found, why=f"the name ends in {ending}, but the content is {what}; it was read as that", confidence="likely")
