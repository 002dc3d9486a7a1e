"""Which sheet of a workbook is read, or which of the same shape are read together."""

from collections.abc import Sequence
from typing import NamedTuple

from ingest.errors import Unreadable
from ingest.read.one_sheet import Loader, Sheet
from ingest.read.questions import which_sheet
from schemas.reading import Finding, ReadSpec

TOGETHER = "*"
"""The name that stands for all sheets of the same shape; no sheet can be called so."""
SHEET_STEP = 10_000_000
"""Rows of the second sheet read together are numbered from here on, and so on: row 20,000,014 is row 14 of the third."""
MAX_SURVEYED = 60
MAX_SURVEYED_CELLS = 3_000_000


class Choice(NamedTuple):
    """The sheets that are read, and why."""

    chosen: Sequence[Sheet]
    finding: Finding
    questions: tuple[dict[str, object], ...] = ()


def choose(loader: Loader, names: list[str], hidden: list[str], spec: ReadSpec) -> Choice:
    """The sheet that was chosen, else the one that holds the table, or several that hold one together. Raises Unreadable where none does."""
    if spec.sheet in names:
        return Choice([loader.load(spec.sheet)], Finding(what="sheet", value=spec.sheet, why="you chose it"))
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


def _survey(loader: Loader, names: Sequence[str]) -> tuple[list[Sheet], _Failure]:
    """All sheets with a table, as far as looking at them is cheap."""
    found: list[Sheet] = []
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


def _best(tables: Sequence[Sheet]) -> Sheet:
    """The first sheet with names over numbers or dates; one without that gives way to a later one that has it and is as long."""
    best = next((each for each in tables if each.has_rows), tables[0])
    for each in tables:
        if best.is_certain:
            break
        if each.is_certain and each.sheet.height >= best.sheet.height:
            best = each
    return best


def _alike(tables: Sequence[Sheet], best: Sheet) -> list[Sheet]:
    if best.layout.width < 2 or not best.layout.header_rows:
        return [best]
    return [each for each in tables if each.layout.names == best.layout.names and each.layout.header_rows]


def _together(alike: list[Sheet], why: str) -> Choice:
    names = [each.name for each in alike]
    numbered = "" if len(names) == 1 else f"; rows of {names[1]!r} are numbered from {SHEET_STEP + 1:,} on" + (f", of {names[2]!r} from {2 * SHEET_STEP + 1:,} on, and so forth" if len(names) > 2 else "")
    return Choice(alike, Finding(what="sheet", value=", ".join(names), why=why + numbered, confidence="likely"))


def _one(best: Sheet, others: list[str], rivals: list[str], alike: list[Sheet]) -> Choice:
    """One sheet; the person is asked where another one might be meant as well."""
    if not others:
        return Choice([best], Finding(what="sheet", value=best.name, why="the only visible sheet that holds anything"))
    why = f"the first visible sheet that holds a table; there are also {', '.join(others)}"
    finding = Finding(what="sheet", value=best.name, why=why, confidence="likely")
    if not rivals:
        return Choice([best], finding)
    names = {name: f"Only {name}" for name in (best.name, *others)}
    if len(alike) > 1:
        names = {best.name: names[best.name], TOGETHER: f"{', '.join(each.name for each in alike)} together: they have the same columns", **names}
    return Choice([best], finding, (which_sheet(f"This workbook has {len(others) + 1} visible sheets; {best.name!r} was read. Is that the one?", list(names), list(names.values())),))


def _from_hidden(loader: Loader, hidden: list[str], failure: _Failure) -> Choice:
    tables, _ = _survey(loader, hidden)
    if not tables:
        raise failure.sentence(len(failure.errors))
    best = _best(tables)
    return Choice([best], Finding(what="sheet", value=best.name, why="it is hidden, but no visible sheet holds anything", confidence="possible"))


def hidden_finding(hidden: list[str], chosen: Sequence[Sheet]) -> tuple[Finding, ...]:
    """Says which hidden sheets weren\'t read."""
    left = [name for name in hidden if name not in {each.name for each in chosen}]
    return (Finding(what="hidden sheets", value=", ".join(left), why="hidden sheets are read only when they are chosen"),) if left else ()
