"""Text files: bytes → encoding → dialect → layout → raw.parquet."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ingest.errors import Unreadable
from ingest.read.assemble import Outcome, Shape, assemble
from ingest.read.dialect import SEP_LINE, find_dialect
from ingest.read.encoding import Encoding, as_utf8, find_encoding
from ingest.read.fast import read_fast
from ingest.read.layout import Layout, TextRow, find_layout
from ingest.read.limits import FAST_FROM_BYTES, HEAD_CHARS, HEAD_LINES, HEAD_RECORDS, MAX_LISTED_REPAIRS
from ingest.read.rawfile import Cells, RawFile
from ingest.read.records import Dialect, Record, lines_of, records
from schemas.reading import Finding, ReadReport, ReadSpec, Repair

VOTING_LINES = 200
VOTING_CHARS = 100_000

Progress = Callable[[int], None] | None


def read_text(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads a delimited text file into `out`/raw.parquet."""
    if spec.sheet is not None:
        raise Unreadable(f"There is no sheet {spec.sheet!r}: this is a text file, which has no sheets.")
    encoding = find_encoding(source, spec.encoding)
    with as_utf8(source, encoding, out.parent) as path:
        return _read_utf8(path, encoding, file_name, spec, out, progress)


def _read_utf8(path: Path, encoding: Encoding, file_name: str, spec: ReadSpec, out: Path, progress: Progress) -> ReadReport:
    lines, whole = _head_lines(path, max(HEAD_RECORDS, max(spec.header_rows or (0,)) + 20))
    if not lines:
        raise Unreadable("This file is empty.")
    vote = find_dialect(_voting(lines), spec.delimiter, spec.quote)
    head = list(records(lines, vote.dialect))
    head = head if whole or len(head) < 2 else head[:-1]
    layout = find_layout([TextRow(number, record.cells) for number, record in enumerate(head, 1)], spec.header_rows, 1 if SEP_LINE.fullmatch(lines[0]) else None)
    fitter = _Fitter(layout, vote.dialect)
    outcome = None
    if path.stat().st_size >= FAST_FROM_BYTES and not spec.keep_rows and not encoding.damaged:
        outcome = read_fast(path, head, vote.dialect, layout, out, file_name, progress)
    outcome = outcome or _read_slow(path, vote.dialect, layout, fitter, frozenset(spec.keep_rows), file_name, out, progress)
    return _report(file_name, encoding, vote.dialect, (encoding.finding, *vote.findings, *layout.findings), layout, outcome, fitter)


def _head_lines(path: Path, count: int) -> tuple[list[str], bool]:
    """The first lines, blank ones not counted, and whether they are all there are."""
    found, size, filled = [], 0, 0
    with path.open(encoding="utf-8-sig", newline="") as stream:
        for line in lines_of(stream):
            if filled >= count or (size > HEAD_CHARS and filled >= 20) or len(found) >= HEAD_LINES:
                return found, False
            found.append(line)
            size += len(line)
            filled += not line.isspace()
    return found, True


def _voting(lines: list[str]) -> list[str]:
    size, found = 0, []
    for line in [line for line in lines if not line.isspace()][:VOTING_LINES]:
        size += len(line)
        found.append(line)
        if size > VOTING_CHARS and len(found) >= 5:
            break
    return found


def _read_slow(path: Path, dialect: Dialect, layout: Layout, fitter: "_Fitter", keep: frozenset[int], file_name: str, out: Path, progress: Progress) -> Outcome:
    """Every record looked at, one by one: damage in one never costs another."""
    shape = Shape(_is_blank, list, fitter.fit)
    with path.open(encoding="utf-8-sig", newline="") as stream, RawFile(out, file_name, None, layout.names, progress=progress) as raw:
        rows = _numbered(records(lines_of(stream), dialect, layout.usual), fitter)
        return assemble(rows, layout, keep, shape, raw)


def _is_blank(cells: Cells) -> bool:
    return not cells[0].strip() and not any(map(str.strip, cells))


def _numbered(found: Iterable[Record], fitter: "_Fitter") -> Iterator[tuple[int, Sequence[str]]]:
    for number, (cells, raw, repair) in enumerate(found, 1):
        if repair:
            fitter.note(number, repair)
        if "\0" in raw or "\ufffd" in raw:
            cells = fitter.clean(number, cells)
        yield number, cells


class _Fitter:
    """Gives every row the table's width, and keeps a list of what that took."""

    def __init__(self, layout: Layout, dialect: Dialect) -> None:
        self.width, self.usual, self.first_row = layout.width, layout.usual, layout.first_row
        self.delimiter = dialect.delimiter or ""
        self.repairs: list[Repair] = []
        self.unlisted = 0

    def note(self, number: int, what: str) -> None:
        if len(self.repairs) < MAX_LISTED_REPAIRS:
            self.repairs.append(Repair(row=number, what=what))
        else:
            self.unlisted += 1

    def clean(self, number: int, cells: list[str]) -> list[str]:
        """Cells without zero bytes, which no text has; bytes that fitted nothing are pointed out."""
        if any("\ufffd" in cell for cell in cells):
            self.note(number, "Some bytes don't fit the file's encoding; they are shown as \ufffd.")
        if any("\0" in cell for cell in cells):
            self.note(number, "Zero bytes inside cells were left out.")
            cells = [cell.replace("\0", "") for cell in cells]
        return cells

    def fit(self, number: int, cells: Sequence[str]) -> Sequence[str]:
        return self._short(number, cells) if len(cells) < self.width else self._long(number, cells)

    def _short(self, number: int, cells: Sequence[str]) -> Sequence[str]:
        if len(cells) != self.usual:
            self.note(number, f"The row has {len(cells)} of {self.width} cells; the rest were left empty.")
        return [*cells, *[""] * (self.width - len(cells))]

    def _long(self, number: int, cells: Sequence[str]) -> Sequence[str]:
        surplus = cells[self.width :]
        if not any(map(str.strip, surplus)):
            if len(cells) != self.usual:
                self.note(number, f"The row has {len(surplus)} empty cells too many; they were left out.")
            return cells[: self.width]
        self.note(number, f"The row has {len(cells)} cells where the table has {self.width}; the surplus was joined to the last column. Check which cell holds a delimiter.")
        return [*cells[: self.width - 1], self.delimiter.join(cells[self.width - 1 :])]


def _report(file_name: str, encoding: Encoding, dialect: Dialect, findings: tuple[Finding, ...], layout: Layout, outcome: Outcome, fitter: _Fitter) -> ReadReport:
    unlisted = (f"{fitter.unlisted:,} more repaired rows are not listed.",) if fitter.unlisted else ()
    damaged = ("Some bytes don't fit the file's encoding; choose another encoding if letters look wrong.",) if encoding.damaged else ()
    return ReadReport(
        file=file_name, format="tsv" if dialect.delimiter == "\t" else "csv", encoding=encoding.name, delimiter=dialect.delimiter, quote=dialect.quote,
        header_rows=layout.header_rows, columns=layout.names, rows=outcome.rows, excluded=outcome.excluded, repairs=tuple(fitter.repairs),
        findings=findings, totals=outcome.totals, spans=outcome.spans, warnings=(*layout.warnings, *damaged, *unlisted))
