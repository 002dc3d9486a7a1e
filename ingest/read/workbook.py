"""Workbooks: xlsx, xlsm, xlsb, xls and ods. Which sheet, or which sheets together → layout → raw.parquet."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineSheet, CalamineWorkbook

from ingest.errors import Unreadable
from ingest.read.assemble import Outcome, Shape
from ingest.read.cells import SAFE_INTEGER, cell_text, column_texts
from ingest.read.grid import joined_end, laid_out, write_grid
from ingest.read.layout import Layout
from ingest.read.limits import HEAD_RECORDS, MAX_COLUMNS
from ingest.read.merged import Fills, filled, fills_of, merged_numbers
from ingest.read.ods_cells import look_at as look_at_ods
from ingest.read.questions import which_sheet
from ingest.read.rawfile import Cells, RawFile
from ingest.read.sheets import open_workbook, sheet_names, sheet_of, used_rows
from ingest.read.tables import table_question
from ingest.read.xls_cells import look_at as look_at_xls
from ingest.read.xlsb_cells import look_at as look_at_xlsb
from ingest.read.xlsx_cells import Look, Lost
from ingest.read.xlsx_cells import look_at as look_at_xlsx
from schemas.reading import ExcludedRow, Finding, ReadReport, ReadSpec

Progress = Callable[[int], None] | None
LOOKS: dict[str, Callable[[Path, str], Look]] = {"xlsx": look_at_xlsx, "xlsm": look_at_xlsx, "xlsb": look_at_xlsb, "xls": look_at_xls, "ods": look_at_ods}
TOGETHER = "*"
"""The name that stands for all sheets of the same shape; no sheet can be called so."""
SHEET_STEP = 10_000_000
"""Rows of the second sheet read together are numbered from here on, and so on: row 20,000,014 is row 14 of the third."""
MAX_SURVEYED = 60
MAX_SURVEYED_CELLS = 3_000_000
MAX_EMPTY_AREA = {"xls": 256 * 65_536}
USUAL_EMPTY_AREA = 8_000_000
"""How many empty cells a sheet may span before it counts as a bomb; a filled one may have 50 times as many around it."""

PADDED = re.compile(r"0{2,}(?:;.*)?")
PERCENT = re.compile(r"0%")


class _Sheet(NamedTuple):
    name: str
    sheet: CalamineSheet
    head: list[tuple[int, Cells]]
    layout: Layout
    look: Look
    fills: Fills
    left: int

    @property
    def is_certain(self) -> bool:
        """Whether it has names over numbers or dates, side by side."""
        return self.has_rows and self.layout.width > 1 and self.layout.findings[0].confidence == "certain"

    def place_of(self, column: int) -> int | None:
        """Where a column of the sheet, counted from 0, stands in the table."""
        place = column - self.left
        if self.layout.places:
            return self.layout.places.index(place) if place in self.layout.places else None
        return place if 0 <= place < self.layout.width else None

    @property
    def has_rows(self) -> bool:
        """Whether anything stands below its header."""
        return any(number >= self.layout.first_row and not _is_blank(cells) for number, cells in self.head)


def read_workbook(source: Path, file_name: str, spec: ReadSpec, out: Path, progress: Progress = None, *, format_name: str) -> ReadReport:
    """Reads one sheet of a workbook, or several of the same shape, into `out`/raw.parquet."""
    with open_workbook(source) as book:
        names, hidden = sheet_names(book)
        choice = _choose(_Loader(book, source, spec, format_name), names, hidden, spec)
        outcome = _read_sheets(choice.chosen, spec, file_name, out, progress)
    first = choice.chosen[0]
    return ReadReport(
        file=file_name, format=format_name, sheet=", ".join(each.name for each in choice.chosen), sheets=tuple(names), header_rows=first.layout.header_rows, columns=first.layout.names, rows=outcome.rows,
        excluded=outcome.excluded, findings=(choice.finding, *_hidden_finding(hidden, choice.chosen), *first.layout.findings), totals=outcome.totals, spans=outcome.spans, questions=(*choice.questions, *first.layout.questions, *table_question(outcome.second, spec.table)),
        row_step=SHEET_STEP if len(choice.chosen) > 1 else 0, warnings=tuple(dict.fromkeys((*first.layout.warnings, *(warning for each in choice.chosen for warning in _warnings(each))))))


class _Choice(NamedTuple):
    chosen: Sequence[_Sheet]
    finding: Finding
    questions: tuple[dict[str, object], ...] = ()


class _Loader(NamedTuple):
    """Loads one sheet by its name."""

    book: CalamineWorkbook
    source: Path
    spec: ReadSpec
    format_name: str

    def load(self, name: str) -> _Sheet:
        """A sheet with its layout. Raises Unreadable where it is empty, or too large to be loaded safely."""
        look = LOOKS[self.format_name](self.source, name) if self.format_name in LOOKS else Look({})
        if look.area > MAX_EMPTY_AREA.get(self.format_name, USUAL_EMPTY_AREA) + 50 * look.cells:
            raise Unreadable(f"The sheet {name!r} holds a few cells scattered over {look.area:,}, which is more than can be read safely.", "Delete what stands far away from the table, save it again, and upload that.")
        sheet = sheet_of(self.book, name)
        if sheet.start is None and not look.lost:
            raise Unreadable(f"The sheet {name!r} is empty.")
        left, width = _span(sheet, look.texts)
        if width > MAX_COLUMNS:
            raise Unreadable(f"The sheet {name!r} has {width:,} columns; {MAX_COLUMNS:,} can be read.")
        return self._laid_out(name, sheet, look, left, width)

    def _laid_out(self, name: str, sheet: CalamineSheet, look: Look, left: int, width: int) -> _Sheet:
        count = max(HEAD_RECORDS, max(self.spec.header_rows or (0,)) + 20 - (sheet.start or (0, 0))[0])
        head = list(islice(_rows(sheet, look.texts), count))
        last_row = sheet.end[0] if sheet.end else 0
        fills = fills_of(look.merged or sheet.merged_cell_ranges or (), head, left, last_row)
        if all(_is_blank(cells) for _, cells in head):
            raise Unreadable(f"The sheet {name!r} is empty.")
        head, layout = laid_out(lambda: _whole(sheet, look, fills), self.spec, width, _as_text, count)
        return _Sheet(name, sheet, head, layout, look, fills, left)


def _choose(loader: _Loader, names: list[str], hidden: list[str], spec: ReadSpec) -> _Choice:
    if spec.sheet in names:
        return _Choice([loader.load(spec.sheet)], Finding(what="sheet", value=spec.sheet, why="you chose it"))
    visible = [name for name in names if name not in hidden]
    tables, failure = _survey(loader, visible)
    if spec.sheet == TOGETHER and tables:
        return _together(_alike(tables, _best(tables)), "you chose to read them together")
    if spec.sheet is not None:
        raise Unreadable(f"This workbook has no sheet {spec.sheet!r}.", f"It has: {', '.join(names)}.")
    if not tables:
        return _from_hidden(loader, hidden, failure)
    best = _best(tables)
    alike = _alike(tables, best)
    if len(alike) > 1 and len(alike) == len(tables) == len([name for name in visible if name not in failure.empty]):
        return _together(alike, "all visible sheets have the same columns, so they were read together")
    others = [name for name in visible if name != best.name and name not in failure.empty]
    rivals = [name for name in others if not best.is_certain or next((each.is_certain for each in tables if each.name == name), True)]
    return _one(best, others, rivals, alike)


class _Failure(NamedTuple):
    """Why sheets could not be loaded; those that are merely empty."""

    errors: list[Unreadable]
    empty: set[str]

    def sentence(self, count: int) -> Unreadable:
        """What to tell the person when there is no table at all."""
        if self.errors and (count == 1 or len(self.errors) > len(self.empty)):
            return next((error for error in self.errors if not error.sentence.endswith("is empty.")), self.errors[0])
        return Unreadable("This workbook has no visible sheet with a table.", "Check that it was saved with its data.")


def _survey(loader: _Loader, names: Sequence[str]) -> tuple[list[_Sheet], _Failure]:
    """All sheets with a table, as far as looking at them is cheap."""
    found: list[_Sheet] = []
    failure = _Failure([], set())
    cells = 0
    for name in names[:MAX_SURVEYED]:
        try:
            found.append(loader.load(name))
        except Unreadable as error:
            failure.errors.append(error)
            failure.empty.update([name] if error.sentence.endswith("is empty.") else [])
            continue
        cells += found[-1].sheet.height * found[-1].sheet.width
        if cells > MAX_SURVEYED_CELLS and any(each.has_rows for each in found):
            break
    return found, failure


def _best(tables: Sequence[_Sheet]) -> _Sheet:
    """The first sheet with names over numbers or dates; one without that gives way to a later one that has it and is as long."""
    best = next((each for each in tables if each.has_rows), tables[0])
    for each in tables:
        if best.is_certain:
            break
        if each.is_certain and each.sheet.height >= best.sheet.height:
            best = each
    return best


def _alike(tables: Sequence[_Sheet], best: _Sheet) -> list[_Sheet]:
    if best.layout.width < 2 or not best.layout.header_rows:
        return [best]
    return [each for each in tables if each.layout.names == best.layout.names and each.layout.header_rows]


def _together(alike: list[_Sheet], why: str) -> _Choice:
    names = [each.name for each in alike]
    numbered = "" if len(names) == 1 else f"; rows of {names[1]!r} are numbered from {SHEET_STEP + 1:,} on" + (f", of {names[2]!r} from {2 * SHEET_STEP + 1:,} on, and so forth" if len(names) > 2 else "")
    return _Choice(alike, Finding(what="sheet", value=", ".join(names), why=why + numbered, confidence="likely"))


def _one(best: _Sheet, others: list[str], rivals: list[str], alike: list[_Sheet]) -> _Choice:
    """One sheet; the person is asked where another one might be meant as well."""
    if not others:
        return _Choice([best], Finding(what="sheet", value=best.name, why="the only visible sheet that holds anything"))
    why = f"the first visible sheet that holds a table; there are also {', '.join(others)}"
    finding = Finding(what="sheet", value=best.name, why=why, confidence="likely")
    if not rivals:
        return _Choice([best], finding)
    names = {name: f"Only {name}" for name in (best.name, *others)}
    if len(alike) > 1:
        names = {best.name: names[best.name], TOGETHER: f"{', '.join(each.name for each in alike)} together: they have the same columns", **names}
    return _Choice([best], finding, (which_sheet(f"This workbook has {len(others) + 1} visible sheets; {best.name!r} was read. Is that the one?", list(names), list(names.values())),))


def _from_hidden(loader: _Loader, hidden: list[str], failure: _Failure) -> _Choice:
    tables, _ = _survey(loader, hidden)
    if not tables:
        raise failure.sentence(len(failure.errors))
    best = _best(tables)
    return _Choice([best], Finding(what="sheet", value=best.name, why="it is hidden, but no visible sheet holds anything", confidence="possible"))


def _as_text(cells: Cells) -> list[str]:
    return [cell_text(cell) for cell in cells]


def _span(sheet: CalamineSheet, lost: Lost) -> tuple[int, int]:
    """The first column and the number of columns of what a sheet holds, with the cells the library doesn't tell of."""
    columns = [column for cells in lost.values() for column in (min(cells), max(cells))]
    if sheet.start is not None:
        columns += [sheet.start[1], sheet.end[1]]
    return min(columns), max(columns) - min(columns) + 1


def _rows(sheet: CalamineSheet, lost: Lost) -> Iterator[tuple[int, Cells]]:
    """The rows of a sheet, each with its own number; cells that got lost are put back as text, also where they stand outside of what the library took for the used part."""
    if not lost:
        yield from used_rows(sheet)
        return
    left, width = _span(sheet, lost)
    first, last, indent = (sheet.start[0], sheet.end[0], sheet.start[1] - left) if sheet.start else (0, -1, 0)
    yield from ((number, _with_lost([""] * width, lost[number], left)) for number in sorted(lost) if number <= first and sheet.start)
    for number, cells in used_rows(sheet):
        level = [*[""] * indent, *cells, *[""] * (width - indent - len(cells))]
        yield number, _with_lost(level, lost[number], left) if number in lost else level
    yield from ((number, _with_lost([""] * width, lost[number], left)) for number in sorted(lost) if number > last + 1)


def _with_lost(cells: list[object], lost: Mapping[int, str], left: int) -> list[object]:
    return [lost.get(index + left, cell) for index, cell in enumerate(cells)]


def _read_sheets(chosen: Sequence[_Sheet], spec: ReadSpec, file_name: str, out: Path, progress: Progress) -> Outcome:
    shape = Shape(_is_blank, _as_text, lambda _number, cells: joined_end(_as_text(cells), chosen[0].layout.width, " "))
    first = chosen[0]
    body = [cells for each in chosen for number, cells in each.head if number >= each.layout.first_row]
    outcomes: list[Outcome] = []
    with RawFile(out, file_name, first.name, first.layout.names, column_texts(body, first.layout.width), progress) as raw:
        for index, each in enumerate(chosen):
            step = index * SHEET_STEP
            raw.turn_to(each.name, step)
            keep = frozenset(number - step for number in spec.keep_rows if 0 < number - step <= SHEET_STEP)
            outcomes.append(_numbered_on(write_grid(partial(_whole, each.sheet, each.look, each.fills), each.head, each.layout, keep, shape, raw), each, step))
    return Outcome(sum(each.rows for each in outcomes), tuple(row for each in outcomes for row in each.excluded), tuple(row for each in outcomes for row in each.totals), second=outcomes[0].second)


def _numbered_on(outcome: Outcome, found: _Sheet, step: int) -> Outcome:
    """What became of a further sheet's rows, in the numbers they are shown with; its header is no row of the table."""
    if not step:
        return outcome
    headers = [ExcludedRow(row=row + step, reason=f"header of the sheet {found.name}") for row in found.layout.header_rows]
    excluded = sorted([*headers, *(row.model_copy(update={"row": row.row + step}) for row in outcome.excluded)], key=lambda row: row.row)
    return outcome._replace(excluded=tuple(excluded), totals=tuple(row.model_copy(update={"row": row.row + step}) for row in outcome.totals))


def _whole(sheet: CalamineSheet, look: Look, fills: Fills) -> Iterator[tuple[int, Cells]]:
    rows = _rows(sheet, look.texts)
    return filled(rows, fills) if fills else rows


def _is_blank(cells: Cells) -> bool:
    if not cells:
        return True
    first = cells[0]
    if type(first) is not str or first.strip():
        return False
    return cells.count("") == len(cells) or not any(type(cell) is not str or cell.strip() for cell in cells)


def _hidden_finding(hidden: list[str], chosen: Sequence[_Sheet]) -> tuple[Finding, ...]:
    left = [name for name in hidden if name not in {each.name for each in chosen}]
    return (Finding(what="hidden sheets", value=", ".join(left), why="hidden sheets are read only when they are chosen"),) if left else ()


def _warnings(found: _Sheet) -> tuple[str, ...]:
    hidden = (f"Rows of the sheet {found.name!r} that are hidden, perhaps by a filter, were read like the others: {found.look.hidden:,}.",) if found.look.hidden else ()
    return (*hidden, *_lost_warning(found.look.lost), *_long_number_warning(found), *_shown_warning(found), *_merged_warning(found))


def _lost_warning(lost: Lost) -> tuple[str, ...]:
    if not lost:
        return ()
    row = min(lost)
    return (f"{sum(map(len, lost.values())):,} cells hold an error or a formula without a stored value; they are shown as such. The first is in row {row}: {next(iter(lost[row].values()))}",)


def _long_number_warning(found: _Sheet) -> tuple[str, ...]:
    rows = [cells for number, cells in found.head if number >= found.layout.first_row]
    long = [name for index, name in enumerate(found.layout.names) if any(type(cells[index]) in (int, float) and abs(cells[index]) >= SAFE_INTEGER for cells in rows)]
    return tuple(f"The column {name!r} holds numbers of more than 15 digits. Excel keeps only 15, so ids may have changed before they came here; store them as text." for name in long)


def _shown_warning(found: _Sheet) -> tuple[str, ...]:
    """Numbers that a person sees otherwise than they are stored: the stored value is what is read."""
    texts = []
    for column, codes in sorted(found.look.shown.items()):
        place = found.place_of(column)
        name = None if place is None else found.layout.names[place]
        code = next((code for code in sorted(codes) if PADDED.fullmatch(code) or PERCENT.search(code)), None)
        if name and code and PADDED.fullmatch(code):
            texts.append(f"The column {name!r} shows leading zeros (format {code}) that are not stored, so they are missing here. If they belong to an id, store it as text.")
        elif name and code:
            texts.append(f"The column {name!r} is shown as percent; what is stored, and read, is the fraction (0.15 for 15 %).")
    return tuple(texts)


def _merged_warning(found: _Sheet) -> tuple[str, ...]:
    ranges = [((top, place), (bottom, last)) for (top, first), (bottom, last) in found.look.merged or found.sheet.merged_cell_ranges or () if (place := found.place_of(first)) is not None]
    count = merged_numbers(ranges, found.head, 0, found.layout.first_row)
    return (f"{count:,} merged cells hold one number for several rows; it was read in the first of them only, so that nothing is counted twice.",) if count else ()
