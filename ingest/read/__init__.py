"""Reading: the bytes of a file → raw.parquet and a report of what was found, left out and repaired.

    sniff      what the file is, by its bytes
    text       delimited text:  encoding → dialect → layout → fast (DuckDB), nearly (DuckDB but for odd rows) or record by record
    workbook   xlsx, xlsm, xlsb, xls, ods:  sheet → layout → rows
    trees      JSON, JSON lines, XML:  records → names → rows
    markup     HTML tables and SpreadsheetML 2003:  table → layout → rows
    arrow      Parquet and Arrow
    archive    gz, bz2, xz, zst, zip: unpacked within limits, then read as what is inside
    layout     shared: header, lines above the table, totals and notes below it

Detection is apart from parsing: every decision is a finding that the person sees and can overrule with a ReadSpec.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

from ingest.errors import Unreadable
from ingest.read import archive, turn
from ingest.read.arrow import read_arrow, read_parquet
from ingest.read.limits import MAX_PACKING, MAX_TRIED
from ingest.read.markup import read_html, read_spreadsheetml
from ingest.read.questions import which_sheet
from ingest.read.sniff import format_of
from ingest.read.text import read_text
from ingest.read.trees import read_json, read_json_lines, read_xml
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
    "json": read_json,
    "jsonl": read_json_lines,
    "xml": read_xml,
    "html": read_html,
    "spreadsheetml": read_spreadsheetml,
    "parquet": read_parquet,
    "arrow": read_arrow,
}
"""What `format_of` answers → who reads it. Besides it answers a kind of archive.ENDINGS: a packed file, which is unpacked first."""

ENDINGS = {
    "text": (".csv", ".tsv", ".txt", ".tab", ".psv", ".dat", ".log", ""),
    "xlsx": (".xlsx", ".xltx"), "xlsm": (".xlsm", ".xltm"), "xlsb": (".xlsb",), "xls": (".xls", ".xlt"), "ods": (".ods", ".ots"),
    "json": (".json", ".geojson"), "jsonl": (".jsonl", ".ndjson", ".json"), "xml": (".xml",), "html": (".html", ".htm", ".xhtml"), "spreadsheetml": (".xml",),
    "parquet": (".parquet", ".pq"), "arrow": (".arrow", ".feather", ".ipc"), **archive.ENDINGS,
}
KINDS = {
    "text": "text, such as CSV", "json": "JSON", "jsonl": "JSON lines, one record a line", "xml": "XML", "html": "a web page with a table", "spreadsheetml": "an Excel 2003 XML workbook",
    "parquet": "a Parquet file", "arrow": "an Arrow file", **{kind: f"a packed file ({kind})" for kind in archive.ENDINGS},
}


def read_file(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Callable[[int], None] | None = None) -> ReadReport:
    """Reads a file into `out`/raw.parquet (columns: ingest/raw.py) and says what was found. `progress` gets the rows written so far.

    Raises Unreadable with one plain sentence where there is no table to read.
    """
    with _unchanged(source):
        return turn.settled(_read(source, file_name, turn.spec_to_read(spec), out, progress, 0), spec, out)


def inner_files(source: Path) -> tuple[str, ...]:
    """The names of the files in a zip archive that holds several; none for any other file. Raises Unreadable as read_file does."""
    names = archive.members(source) if format_of(source) == "zip" else ()
    return tuple(names) if len(names) > 1 else ()


def unpack_tables(source: Path, folder: Path) -> list[tuple[str, Path]]:
    """The files inside a zip archive that may hold a table, unpacked into `folder`, with their names; none where there are fewer than two, or so many that each one can't be wanted."""
    found = []
    names = inner_files(source)
    for name in names if len(names) <= MAX_TRIED else ():
        with archive.unpacked(source, "zip", name, folder) as path:
            if _may_hold_a_table(path):
                found.append((name, path.replace(folder / str(len(found)))))
    return found if len(found) > 1 else []


def _may_hold_a_table(path: Path) -> bool:
    try:
        return bool(format_of(path))
    except Unreadable:
        return False


def read_inner(source: Path, member: str, file_name: str, spec: ReadSpec, out: Path, progress: Callable[[int], None] | None = None) -> ReadReport:
    """Reads one file inside a zip archive as a file of its own; `file_name` is what it is called."""
    with _unchanged(source), archive.unpacked(source, "zip", member, out.parent) as path:
        return read_file(path, file_name, spec, out, progress)


@contextmanager
def _unchanged(source: Path) -> Iterator[None]:
    """Raises Unreadable, whatever else went wrong, where the file is another one after the reading than before."""
    before = _identity(source)
    try:
        yield
    finally:
        if _identity(source) != before:
            raise Unreadable("This file changed while it was read.", "Wait until whatever writes it is done, and read it again.")


def _identity(source: Path) -> tuple[int, ...] | None:
    try:
        found = source.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _read(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Callable[[int], None] | None, depth: int) -> ReadReport:
    found = format_of(source)
    if found in READERS:
        report = READERS[found](source, file_name, spec, out, progress)
    elif depth >= MAX_PACKING:
        raise Unreadable(f"This file is packed more than {MAX_PACKING} times over.", "Unpack it and upload the file inside.")
    elif found == "zip":
        report = _read_zip(source, file_name, spec, out, progress, depth)
    else:
        with archive.unpacked(source, found, None, out.parent) as path:
            report = _read(path, archive.inner_name(file_name, found), spec, out, progress, depth + 1)
    return report.model_copy(update={"file": file_name, "findings": (_format_finding(found, file_name), *report.findings)})


def _read_zip(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Callable[[int], None] | None, depth: int) -> ReadReport:
    """The first file of a zip that holds a table, or the chosen one; the person is told of the others."""
    names = archive.members(source)
    if len(names) == 1:
        return _read_member(source, names[0], file_name, spec, out, progress, depth)
    if spec.sheet in names:
        return _of_many(_read_member(source, spec.sheet, file_name, spec.model_copy(update={"sheet": None}), out, progress, depth), spec.sheet, names, "you chose it")
    failures: list[str] = []
    for name in names[:MAX_TRIED]:
        try:
            report = _read_member(source, name, file_name, spec, out, progress, depth)
            return _of_many(report, name, names, "the first file in this archive that holds a table")
        except Unreadable as error:
            failures.append(f"{name}: {error.sentence}")
    raise Unreadable(f"None of the {len(names):,} files in this archive could be read.", " ".join(failures[:3]))


def _read_member(source: Path, member: str, file_name: str, spec: ReadSpec, out: Path, progress: Callable[[int], None] | None, depth: int) -> ReadReport:
    with archive.unpacked(source, "zip", member, out.parent) as path:
        return _read(path, f"{file_name}/{member}", spec, out, progress, depth + 1)


def _of_many(report: ReadReport, member: str, names: list[str], why: str) -> ReadReport:
    others = [name for name in names if name != member]
    shown = ", ".join(others[:10]) + (f" and {len(others) - 10:,} more" if len(others) > 10 else "")
    finding = Finding(what="file", value=member, why=f"{why}; there are also {shown}", confidence="likely")
    question = which_sheet(f"This archive holds {len(names):,} files; {member!r} was read. Is that the one? Upload the others as files of their own.", (member, *others[:100]))
    return report.model_copy(update={"sheets": tuple(names), "sheet": member, "findings": (finding, *report.findings), "questions": (question, *report.questions) if why != "you chose it" else report.questions})


def _format_finding(found: str, file_name: str) -> Finding:
    ending = Path(file_name).suffix.lower()
    what = KINDS.get(found, f"an Excel or OpenDocument workbook ({found})")
    if ending in ENDINGS[found] or (found == "text" and ending not in sum(ENDINGS.values(), ())):
        return Finding(what="format", value=found, why=f"the file's content is {what}")
    return Finding(what="format", value=found, why=f"the name ends in {ending or 'nothing'}, but the content is {what}; it was read as that", confidence="likely")
