"""Text files: bytes → encoding → dialect → layout → raw.parquet."""

from collections.abc import Callable, Iterator
from os import SEEK_END
from pathlib import Path

from ingest.errors import Unreadable
from ingest.read.assemble import Outcome, Shape, assemble_all
from ingest.read.cutter import Dialect, Record
from ingest.read.dialect import SEP_LINE, Vote, find_dialect
from ingest.read.encoding import Encoding, as_utf8, find_encoding
from ingest.read.fast import read_fast
from ingest.read.grid import read_rows
from ingest.read.heading import note_header, with_mended_header
from ingest.read.inside import Inside
from ingest.read.layout import Layout, NoRows, TextRow, find_layout, usual_width
from ingest.read.limits import FAST_FROM_BYTES, HEAD_CHARS, HEAD_LINES, HEAD_RECORDS
from ingest.read.line_ends import with_line_ends
from ingest.read.margins import without_margins
from ingest.read.mend import Mender, other_dialects
from ingest.read.nearly import Rules, read_nearly_regular
from ingest.read.ragged import Fitter
from ingest.read.rawfile import Cells, RawFile
from ingest.read.records import Others, lines_of, not_too_wide, records
from ingest.read.tables import empty_columns, has_several, table_question
from schemas.reading import Finding, ReadReport, ReadSpec

VOTING_LINES = 200
VOTING_CHARS = 200_000

Progress = Callable[[int], None] | None


def read_text(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None) -> ReadReport:
    """Reads a delimited text file into `out`/raw.parquet."""
    if spec.sheet is not None:
        raise Unreadable(f"There is no sheet {spec.sheet!r}: this is a text file, which has no sheets.")
    encoding = find_encoding(source, spec.encoding)
    with as_utf8(source, encoding, out.parent) as utf8, with_line_ends(utf8, out.parent) as ended, without_margins(ended, out.parent) as (path, margins):
        filled: set[int] = set()
        while True:
            try:
                report = _read_utf8(path, encoding, file_name, spec, out, progress, frozenset(filled))
                return report.model_copy(update={"findings": (*report.findings, *margins)})
            except _NotEmpty as found:
                filled |= {found.column}


class _NotEmpty(Exception):
    """A column that was empty at the beginning holds something further down; the file is read again with it."""

    def __init__(self, column: int) -> None:
        super().__init__()
        self.column = column


def _read_utf8(path: Path, encoding: Encoding, file_name: str, spec: ReadSpec, out: Path, progress: Progress, filled: frozenset[int]) -> ReadReport:
    lines, whole = _head_lines(path, max(HEAD_RECORDS, max(spec.header_rows or (0,)) + 20))
    if not lines:
        raise Unreadable("This file is empty.")
    vote = find_dialect(_voting(lines), spec.delimiter, spec.quote)
    head = _head(lines, vote.dialect)
    head = head if whole or len(head) < 2 else head[:-1]
    if (spec.table or 1) > 1 or spec.beside or has_several([TextRow(number, record.cells) for number, record in enumerate(head, 1)]):
        return _read_one_of_several(path, vote, encoding, file_name, spec, out, progress)
    kept = _Kept(head, filled)
    rows = [TextRow(number, kept.of(record.cells)) for number, record in enumerate(head, 1)]
    layout = find_layout(rows, spec.header_rows, 1 if SEP_LINE.fullmatch(lines[0]) else None)

    def rules() -> Rules:
        fitter = Fitter(layout, vote.dialect, [row.cells for row in rows[layout.first_row - 1 :]])
        note_header(head, rows, layout, fitter)
        return Rules(vote.dialect, layout, fitter, Inside(layout, rows, frozenset(spec.keep_rows)), Shape(_is_blank, list, fitter.fit))

    used, outcome = rules(), None
    if path.stat().st_size >= FAST_FROM_BYTES and not spec.keep_rows and not encoding.damaged and not vote.dialect.wrapped and not _may_be_cut_otherwise(head[: layout.first_row - 1], layout.width):
        outcome = read_fast(path, head, vote.dialect, layout, out, file_name, progress) if _ends_whole(path) else None
        if outcome is None and not kept.width:
            outcome = read_nearly_regular(path, head, used, out, file_name, progress)
        used = used if outcome else rules()
    try:
        outcome = outcome or _read_slow(path, used, kept, frozenset(spec.keep_rows), file_name, out, progress)
    except NoRows:
        return _read_one_of_several(path, vote, encoding, file_name, spec, out, progress)
    return _report(file_name, encoding, vote.dialect, (encoding.finding, *vote.findings, *layout.findings, *kept.findings), layout, outcome, used.fitter, (*encoding.questions, *layout.questions, *table_question(outcome.second, spec.table)))


def _read_one_of_several(path: Path, vote: Vote, encoding: Encoding, file_name: str, spec: ReadSpec, out: Path, progress: Progress) -> ReadReport:
    """One of several tables below or beside each other, or one of which hardly more than names is left, read as a grid: its rows have no width of their own to be mended by."""
    def cells() -> Iterator[tuple[int, list[str]]]:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from ((number, record.cells) for number, record in enumerate(records(lines_of(stream), vote.dialect), 1))

    width = max(len(row) for _, row in cells())
    layout, outcome = read_rows(cells, width, spec, lambda names: RawFile(out, file_name, None, names, progress=progress))
    questions = (*encoding.questions, *layout.questions, *table_question(outcome.second, spec.table))
    return _report(file_name, encoding, vote.dialect, (encoding.finding, *vote.findings, *layout.findings), layout, outcome, Fitter(layout, vote.dialect, ()), questions)


class _Kept:
    """The columns of a text in which something stands; `width` is 0 where all are kept."""

    def __init__(self, head: list[Record], filled: frozenset[int]) -> None:
        usual = usual_width(TextRow(0, record.cells) for record in head)
        rows = [TextRow(number, record.cells) for number, record in enumerate(head, 1) if len(record.cells) == usual]
        empty = sorted(empty_columns(rows, usual) - filled) if usual > 2 and len(rows) > 1 else []
        last = max((index for index in range(usual) if index not in empty), default=0)
        self.empty = tuple(index for index in empty if index < last)
        self.width = usual if self.empty else 0
        self.left = next((place for place, index in enumerate((*self.empty, -1)) if index != place), 0)
        self.places = [index for index in range(usual) if index not in self.empty]

    def of(self, cells: list[str]) -> list[str]:
        """A row without the empty columns. Raises _NotEmpty where one of them isn't."""
        if not self.width:
            return cells
        if len(cells) != self.width:
            return cells[self.left :] or [""] if self.left and not any(map(str.strip, cells[: self.left])) else cells
        own = [cells[index] for index in self.places]
        odd = [index for index in self.empty if cells[index].strip()]
        if odd and any(map(str.strip, own)):
            raise _NotEmpty(odd[0])
        return [cells[index] for index in odd] or own

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Which columns were left out."""
        numbers = ", ".join(f"column {index + 1}" for index in self.empty)
        return (Finding(what="empty columns", value=numbers, why="nothing stands in them, so they were left out"),) if self.empty else ()


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


def _head(lines: list[str], dialect: Dialect) -> list[Record]:
    """The first records; where one is damaged, read again with the number of cells that most have."""
    found = list(not_too_wide(records(lines, dialect)))
    width = usual_width(TextRow(0, record.cells) for record in found)
    return with_mended_header(list(records(lines, dialect, width)) if any(record.repair for record in found) else found, dialect, width)


def _voting(lines: list[str]) -> list[str]:
    size, found = 0, []
    for line in [line for line in lines if not line.isspace()][:VOTING_LINES]:
        size += len(line)
        found.append(line[:VOTING_CHARS])
        if size > VOTING_CHARS and len(found) >= 5:
            break
    return found


def _read_slow(path: Path, rules: Rules, kept: _Kept, keep: frozenset[int], file_name: str, out: Path, progress: Progress) -> Outcome:
    """Every record looked at, one by one: damage in one never costs another."""
    layout, dialect, fitter = rules.layout, rules.dialect, rules.fitter
    others = Others(other_dialects(dialect), lambda cells: fitter.belongs(kept.of(cells)))
    with path.open(encoding="utf-8-sig", newline="") as stream, RawFile(out, file_name, None, layout.names, progress=progress) as raw:
        rows = Mender(fitter, layout, dialect).rows(not_too_wide(records(lines_of(stream), dialect, kept.width or layout.usual, others)), kept.of)
        return assemble_all(rows, rules.inside, layout, keep, rules.shape, raw)


def _may_be_cut_otherwise(above: list[Record], width: int) -> bool:
    """Whether a quoted cell over several lines above the table may be none, once its width is known."""
    return any(len(record.cells) != width and "\n" in record.raw.rstrip() for record in above)


def _ends_whole(path: Path) -> bool:
    """Whether the last row ends with a line end: one that doesn't may be cut off, which has to be looked at."""
    with path.open("rb") as stream:
        stream.seek(-1, SEEK_END)
        return stream.read(1) in (b"\n", b"\r")


def _is_blank(cells: Cells) -> bool:
    return not cells[0].strip() and not any(map(str.strip, cells))


def _report(file_name: str, encoding: Encoding, dialect: Dialect, findings: tuple[Finding, ...], layout: Layout, outcome: Outcome, fitter: Fitter, questions: tuple[dict[str, object], ...]) -> ReadReport:
    unlisted = (f"{fitter.unlisted:,} more repaired rows are not listed.",) if fitter.unlisted else ()
    damaged = ("Some bytes don't fit the file's encoding; choose another encoding if letters look wrong.",) if encoding.damaged else ()
    return ReadReport(
        file=file_name, format="tsv" if dialect.delimiter == "\t" else "csv", encoding=encoding.name, delimiter=dialect.delimiter, quote=dialect.quote,
        header_rows=layout.header_rows, columns=layout.names, rows=outcome.rows, excluded=outcome.excluded, repairs=tuple(sorted(fitter.repairs, key=lambda repair: repair.row)),
        questions=questions, findings=findings, totals=outcome.totals, spans=outcome.spans, row_step=fitter.row_step, warnings=(*layout.warnings, *outcome.warnings, *damaged, *unlisted))
