"""JSON, JSON lines and XML: records that carry their own names → raw.parquet. What is nested gets a name with dots; numbers stay as they are written."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from ingest.errors import Unreadable
from ingest.read.encoding import Encoding, as_utf8, find_encoding
from ingest.read.grid import read_texts
from ingest.read.json_array import EXPORT_AGAIN, NO_JSON, Number, begins_array_of_objects, elements
from ingest.read.layout import BLANK, TextRow
from ingest.read.limits import MAX_COLUMNS, MAX_DOCUMENT_BYTES, MAX_DOCUMENT_DEPTH, MAX_LISTED_REPAIRS, MAX_RECORD_CHARS
from ingest.read.names import column_names
from ingest.read.questions import which_sheet
from ingest.read.rawfile import RawFile
from ingest.read.xml_events import Repeating, find_repeating, xml_records
from schemas.reading import ExcludedRow, Finding, ReadReport, ReadSpec

Path_ = tuple[str, ...]
Record = dict[Path_, str | None]
Progress = Callable[[int], None] | None
MAX_LISTS = 1_000_000
FIRST = 2
"""The number of the first record: the names stand in row 1 of the table a person sees."""


class _Found(NamedTuple):
    """Records with where they stood; what stood beside them."""

    records: list[object]
    where: str
    beside: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def read_json(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads a JSON document: an array, or an object with an array in it."""
    encoding = find_encoding(source, spec.encoding)
    with as_utf8(source, encoding, out.parent) as path:
        if begins_array_of_objects(path):
            report = ReadReport(file=file_name, format="json", encoding=encoding.name)
            report = _write(_elements(path), lambda: _elements(path), report, out, progress)
            finding = Finding(what="records", value="the whole file", why=f"it holds {report.rows:,} records")
            return report.model_copy(update={"findings": (encoding.finding, finding, *report.findings)})
        return _read_document(source, path, encoding, file_name, spec, out, progress)


def _elements(path: Path) -> Iterator[tuple[int, Record]]:
    return ((number, _flat(value)) for number, value in enumerate(elements(path), FIRST))


def _read_document(source: Path, path: Path, encoding: Encoding, file_name: str, spec: ReadSpec, out: Path, progress: Progress) -> ReadReport:
    if source.stat().st_size > MAX_DOCUMENT_BYTES:
        raise Unreadable(f"This JSON file is larger than {MAX_DOCUMENT_BYTES // 1024**2} MB, which is more than can be read in one piece.", "Export it as JSON lines (one record a line) or as CSV.")
    text = path.read_text(encoding="utf-8-sig")
    if text.count("[") + text.count("{") > MAX_LISTS:
        raise Unreadable(f"This JSON holds more than {MAX_LISTS:,} lists and objects, which is more than can be read in one piece.", "Export it as JSON lines (one record a line) or as CSV.")
    document = _parsed(text)
    found = _find_records(document, spec.sheet)
    report = ReadReport(file=file_name, format="json", encoding=encoding.name, findings=(encoding.finding, *_where_findings(found)), questions=_which_array(found))
    if found.records and all(isinstance(record, list) for record in found.records):
        return _read_lists(found, report, spec, out, progress)
    return _write(((number, _flat(record)) for number, record in enumerate(found.records, FIRST)), lambda: ((number, _flat(record)) for number, record in enumerate(found.records, FIRST)), report, out, progress)


def read_json_lines(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads JSON lines: one record a line, line by line, so that the file may be of any size. A damaged line costs only itself."""
    encoding = find_encoding(source, spec.encoding)
    report = ReadReport(file=file_name, format="jsonl", encoding=encoding.name, findings=(encoding.finding,))
    with as_utf8(source, encoding, out.parent) as path:
        left_out: list[ExcludedRow] = []
        report = _write(_lines(path, left_out), lambda: _lines(path, []), report, out, progress)
    return report.model_copy(update={"excluded": tuple(left_out)})


def read_xml(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads an XML document with one repeating element. Entities are refused."""
    found = find_repeating(source)
    finding = Finding(what="records", value="/".join(found.path), why=f"this element comes {found.count:,} times", confidence="certain" if found.count > 1 else "likely")
    report = ReadReport(file=file_name, format="xml", findings=(finding,))
    return _write(_numbered(source, found), lambda: _numbered(source, found), report, out, progress)


def _numbered(source: Path, found: Repeating) -> Iterator[tuple[int, Record]]:
    return ((number, record) for number, record in enumerate(xml_records(source, found.path), FIRST))


def _parsed(text: str) -> object:
    try:
        return json.loads(text, parse_float=Number, parse_int=Number, parse_constant=Number)
    except json.JSONDecodeError as error:
        raise Unreadable(f"{NO_JSON}: line {error.lineno}, character {error.colno}.", EXPORT_AGAIN) from None
    except RecursionError:
        raise Unreadable("This JSON is nested too deeply to be a table.", EXPORT_AGAIN) from None


def _lines(path: Path, left_out: list[ExcludedRow]) -> Iterator[tuple[int, Record]]:
    with path.open(encoding="utf-8-sig", newline="\n") as stream:
        number = 1
        while line := stream.readline(MAX_RECORD_CHARS):
            number += 1
            if len(line) == MAX_RECORD_CHARS:
                raise Unreadable("This file has a line of more than 16 million characters, so it is no table.", "Check the export.")
            text = line.strip().rstrip(",")
            if not text or text in "[]":
                _leave_out(left_out, number, BLANK if not text else "bracket around the records", text)
                continue
            try:
                yield number, _flat(_parsed(text))
            except Unreadable:
                _leave_out(left_out, number, "no valid JSON", text)


def _leave_out(left_out: list[ExcludedRow], number: int, reason: str, text: str) -> None:
    if len(left_out) >= MAX_LISTED_REPAIRS:
        raise Unreadable(f"More than {MAX_LISTED_REPAIRS:,} lines of this file are blank or no valid JSON.", EXPORT_AGAIN)
    left_out.append(ExcludedRow(row=number, reason=reason, text=text[:200]))


def _find_records(document: object, wanted: str | None) -> _Found:
    """The array of records: the document itself, or the longest array of objects in it (the chosen one, where one is)."""
    if isinstance(document, list):
        return _Found(document, "the whole file")
    if not isinstance(document, dict):
        raise Unreadable("This JSON holds a single value, not a table.", EXPORT_AGAIN)
    if columns := _as_columns(document):
        return columns
    arrays = dict(_arrays(document, ()))
    if wanted is not None and wanted not in arrays:
        raise Unreadable(f"This JSON has no array {wanted!r}.", f"It has: {', '.join(arrays) or 'none'}.")
    if not arrays:
        return _Found([document], "the whole file is one record")
    where = wanted or max(arrays, key=lambda name: (_likeness(arrays[name]), len(arrays[name])))
    beside = tuple(f"{key}: {_shortened(value)}" for key, value in document.items() if key != where.partition(".")[0])
    return _Found(_with_names(document, where, arrays[where]), where, beside, tuple(name for name in arrays if name != where and arrays[name] and _likeness(arrays[name])))


def _arrays(value: dict[str, object], path: Path_) -> Iterator[tuple[str, list[object]]]:
    for key, each in value.items():
        if isinstance(each, list):
            yield ".".join((*path, key)), each
        elif isinstance(each, dict) and len(path) < 4:
            yield from _arrays(each, (*path, key))


def _likeness(array: Sequence[object]) -> int:
    """How much an array is like a table: one of objects most, then one of arrays."""
    return 2 if array and all(isinstance(each, dict) for each in array[:100]) else int(bool(array) and all(isinstance(each, list) for each in array[:100]))


def _as_columns(document: dict[str, object]) -> _Found | None:
    """An object of arrays of the same length, one a column, each of plain values."""
    values = list(document.values())
    if len(values) < 2 or not all(isinstance(each, list) and each and not any(isinstance(cell, (dict, list)) for cell in each) for each in values) or len(set(map(len, values))) != 1:
        return None
    return _Found([dict(zip(document, cells, strict=True)) for cells in zip(*values, strict=True)], "one array a column")


def _with_names(document: dict[str, object], where: str, rows: list[object]) -> list[object]:
    """Rows that are arrays, under the names that stand in an array beside them."""
    names = next((document[key] for key in ("columns", "header", "headers", "fields", "names") if isinstance(document.get(key), list) and key != where), None)
    if names and rows and all(isinstance(row, list) and len(row) == len(names) for row in rows) and not any(isinstance(name, (dict, list)) for name in names):
        return [dict(zip(map(str, names), row, strict=True)) for row in rows]
    return rows


def _where_findings(found: _Found) -> tuple[Finding, ...]:
    beside = (Finding(what="beside the records", value="; ".join(found.beside)[:300], why="it stands outside of the array and is no part of the table", confidence="likely"),) if found.beside else ()
    return (Finding(what="records", value=found.where, why=f"it holds {len(found.records):,} records", confidence="likely" if found.others else "certain"), *beside)


def _which_array(found: _Found) -> tuple[dict[str, object], ...]:
    if not found.others:
        return ()
    names = (found.where, *found.others)
    return (which_sheet(f"This JSON holds {len(names)} arrays; {found.where!r} was read. Is that the one?", names, names),)


def _read_lists(found: _Found, report: ReadReport, spec: ReadSpec, out: Path, progress: Progress) -> ReadReport:
    rows = [TextRow(number, [_text(cell) or "" for cell in cells]) for number, cells in enumerate(found.records, 1)]
    if max((len(row.cells) for row in rows), default=0) > MAX_COLUMNS:
        raise Unreadable(f"This table has more than {MAX_COLUMNS:,} columns.")
    layout, outcome = read_texts(rows, spec, lambda names: RawFile(out, report.file, None, names, progress=progress))
    return report.model_copy(update={
        "header_rows": layout.header_rows, "columns": layout.names, "rows": outcome.rows, "excluded": outcome.excluded, "totals": outcome.totals, "spans": outcome.spans,
        "findings": (*report.findings, *layout.findings), "warnings": layout.warnings})


def _flat(value: object) -> Record:
    record: Record = {}
    if isinstance(value, dict):
        _flatten(value, (), record)
    else:
        record[("value",)] = _text(value)
    return record


def _flatten(value: dict[str, object], path: Path_, record: Record) -> None:
    for key, each in value.items():
        if isinstance(each, dict) and each and len(path) < MAX_DOCUMENT_DEPTH:
            _flatten(each, (*path, key), record)
        else:
            record[*path, key] = _text(each)


def _text(value: object) -> str | None:
    """A JSON value as text; arrays stay JSON."""
    if isinstance(value, Number):
        return _plain_number(value)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json(value)


def _json(value: object) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _plain_number(text: str) -> str:
    """The number without an exponent, where that stays short."""
    if "e" not in text and "E" not in text:
        return str(text)
    try:
        value = Decimal(text)
    except InvalidOperation:
        return str(text)
    return format(value, "f") if abs(value.adjusted()) < 100 else str(text)


def _shortened(value: object) -> str:
    return (_text(value) or "")[:60]


def _write(first: Iterable[tuple[int, Record]], again: Callable[[], Iterable[tuple[int, Record]]], report: ReadReport, out: Path, progress: Progress) -> ReadReport:
    """Writes records that are gone over twice: once for their names, once for their values."""
    places: dict[Path_, int] = {}
    for _, record in first:
        for path in record:
            if path not in places:
                places[path] = len(places)
        if len(places) > MAX_COLUMNS:
            raise Unreadable(f"The records of this file have more than {MAX_COLUMNS:,} different names, so they are no table.", EXPORT_AGAIN)
    if not places:
        raise Unreadable("This file holds no records.", "Check the export.")
    names = column_names([".".join(path) for path in places], len(places))
    with RawFile(out, report.file, None, names, progress=progress) as raw:
        for number, record in again():
            raw.add([(number, _cells(record, places))], lambda _number, cells: cells)
    finding = Finding(what="header", value="in the records", why="every value comes with its name")
    return report.model_copy(update={"columns": names, "rows": raw.rows, "findings": (*report.findings, finding)})


def _cells(record: Record, places: dict[Path_, int]) -> list[str | None]:
    cells: list[str | None] = [None] * len(places)
    for path, value in record.items():
        cells[places[path]] = value
    return cells
