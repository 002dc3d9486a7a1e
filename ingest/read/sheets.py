"""The border to the workbook library: what an open workbook has, and its rows. Whatever goes wrong over there becomes one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import python_calamine
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from ingest.errors import Unreadable
from ingest.read.rawfile import Cells
from ingest.read.xls_cells import is_protected

DAMAGED = "This workbook is damaged, or of a kind that can't be read."
SAVE_AGAIN = "Open it in Excel, save it again as xlsx, and upload that."
PROTECTED = "This workbook is protected with a password."
WITHOUT = "Save it without the password and upload that."
PANIC = "PanicException"
"""What the library raises when it trips over a file; the class can't be imported, and is no Exception."""


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turns every failure of the library into Unreadable, its panics too."""
    try:
        yield
    except python_calamine.PasswordError:
        raise Unreadable(PROTECTED, WITHOUT) from None
    except (python_calamine.CalamineError, ValueError, OverflowError, TypeError, OSError, MemoryError):
        raise Unreadable(DAMAGED, SAVE_AGAIN) from None
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise Unreadable(DAMAGED, SAVE_AGAIN) from None


@contextmanager
def open_workbook(source: Path) -> Iterator[CalamineWorkbook]:
    """An open workbook, whatever its file is called. Raises Unreadable where it is damaged or protected."""
    with source.open("rb") as stream:
        try:
            with plain_failures():
                book = CalamineWorkbook.from_filelike(stream)
        except Unreadable:
            if is_protected(source):
                raise Unreadable(PROTECTED, WITHOUT) from None
            raise
        try:
            yield book
        finally:
            book.close()


def sheet_names(book: CalamineWorkbook) -> tuple[list[str], list[str]]:
    """The names of all sheets that can hold a table, and of those among them that are hidden."""
    with plain_failures():
        sheets = [meta for meta in book.sheets_metadata if meta.typ == SheetTypeEnum.WorkSheet]
    return [meta.name for meta in sheets], [meta.name for meta in sheets if meta.visible != SheetVisibleEnum.Visible]


def sheet_of(book: CalamineWorkbook, name: str) -> CalamineSheet:
    """One sheet, loaded. Raises Unreadable where it can't be."""
    with plain_failures():
        return book.get_sheet_by_name(name)


def used_rows(sheet: CalamineSheet) -> Iterator[tuple[int, Cells]]:
    """The rows of a sheet's used part, each with its own number in the sheet."""
    if sheet.start is None:
        return
    with plain_failures():
        yield from enumerate(islice(sheet.iter_rows(), sheet.start[0], None), sheet.start[0] + 1)
