"""Workbooks: xlsx, xlsm, xlsb, xls and ods. Which sheet, or which sheets together → layout → raw.parquet."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ingest.read.assemble import Outcome, Shape
from ingest.read.cells import column_texts
from ingest.read.grid import joined_end, write_grid
from ingest.read.one_sheet import Loader, Sheet, as_text, is_blank
from ingest.read.rawfile import RawFile
from ingest.read.sheet_warnings import repairs_of, warnings_of
from ingest.read.sheets import open_workbook, sheet_names
from ingest.read.tables import table_question
from ingest.read.which_sheets import SHEET_STEP, choose, hidden_finding
from schemas.reading import ExcludedRow, ReadReport, ReadSpec

Progress = Callable[[int], None] | None


def read_workbook(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None, *, format_name: str) -> ReadReport:
    """Reads one sheet of a workbook, or several of the same shape, into `out`/raw.parquet."""
    with open_workbook(source) as book:
        names, hidden = sheet_names(book)
        choice = choose(Loader(book, source, spec, format_name), names, hidden, spec)
        outcome = _read_sheets(choice.chosen, spec, file_name, out, progress)
    first = choice.chosen[0]
    return ReadReport(
        file=file_name, format=format_name, sheet=", ".join(each.name for each in choice.chosen), sheets=tuple(names), header_rows=first.layout.header_rows, columns=first.layout.names, rows=outcome.rows,
        excluded=outcome.excluded, findings=(choice.finding, *hidden_finding(hidden, choice.chosen), *first.layout.findings), totals=outcome.totals, spans=outcome.spans, questions=(*choice.questions, *first.layout.questions, *table_question(outcome.second, spec.table)),
        repairs=tuple(repair for index, each in enumerate(choice.chosen) for repair in repairs_of(each, index * SHEET_STEP)), row_step=SHEET_STEP if len(choice.chosen) > 1 else 0, warnings=tuple(dict.fromkeys((*first.layout.warnings, *(warning for each in choice.chosen for warning in warnings_of(each))))))


def _read_sheets(chosen: Sequence[Sheet], spec: ReadSpec, file_name: str, out: Path, progress: Progress) -> Outcome:
    shape = Shape(is_blank, as_text, lambda _number, cells: joined_end(as_text(cells), chosen[0].layout.width, " "))
    first = chosen[0]
    body = [cells for each in chosen for number, cells in each.head if number >= each.layout.first_row]
    outcomes: list[Outcome] = []
    with RawFile(out, file_name, first.name, first.layout.names, column_texts(body, first.layout.width), progress) as raw:
        for index, each in enumerate(chosen):
            step = index * SHEET_STEP
            raw.turn_to(each.name, step)
            keep = frozenset(number - step for number in spec.keep_rows if 0 < number - step <= SHEET_STEP)
            outcomes.append(_numbered_on(write_grid(each.rows, each.head, each.layout, keep, shape, raw), each, step))
    return Outcome(sum(each.rows for each in outcomes), tuple(row for each in outcomes for row in each.excluded), tuple(row for each in outcomes for row in each.totals), second=outcomes[0].second)


def _numbered_on(outcome: Outcome, found: Sheet, step: int) -> Outcome:
    """What became of a further sheet's rows, in the numbers they are shown with; its header is no row of the table."""
    if not step:
        return outcome
    headers = [ExcludedRow(row=row + step, reason=f"header of the sheet {found.name}") for row in found.layout.header_rows]
    excluded = sorted([*headers, *(row.model_copy(update={"row": row.row + step}) for row in outcome.excluded)], key=lambda row: row.row)
    return outcome._replace(excluded=tuple(excluded), totals=tuple(row.model_copy(update={"row": row.row + step}) for row in outcome.totals))
