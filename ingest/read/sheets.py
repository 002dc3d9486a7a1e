"""The border to the workbook library: what an open workbook has, and its rows. Whatever goes wrong over there becomes one sentence."""

import lzma
import os
import resource
import signal
import zipfile
import zlib
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
TOO_LONG = "A cell of this workbook holds a number shown as a length of time, of more days than there can be."
AS_NUMBER = "Give that column the number format General in Excel, save it, and upload that."
MANIFEST = "META-INF/manifest.xml"
MAX_TRIED_BYTES = 16 * 1024**2
TRIED_SECONDS = 8
TRIED_MEMORY = 1536 * 1024**2
PANIC = "PanicException"
"""What the library raises when it trips over a file; the class can't be imported, and is no Exception."""


@contextmanager
def plain_failures() -> Iterator[None]:
    """Turns every failure of the library into Unreadable, its panics too."""
    try:
        yield
    except python_calamine.PasswordError:
        raise Unreadable(PROTECTED, WITHOUT) from None
    except OverflowError:
        raise Unreadable(TOO_LONG, AS_NUMBER) from None
    except (python_calamine.CalamineError, ValueError, TypeError, OSError, MemoryError):
        raise Unreadable(DAMAGED, SAVE_AGAIN) from None
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise Unreadable(DAMAGED, SAVE_AGAIN) from None


@contextmanager
def open_workbook(source: Path) -> Iterator[CalamineWorkbook]:
    """An open workbook, whatever its file is called. Raises Unreadable where it is damaged or protected."""
    if _is_encrypted(source):
        raise Unreadable(PROTECTED, WITHOUT)
    if _is_binary(source) and not _survives(source):
        raise Unreadable(DAMAGED, SAVE_AGAIN)
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


def _is_encrypted(source: Path) -> bool:
    """Whether an OpenDocument workbook says that its parts are encrypted; the library would only find them damaged."""
    try:
        with zipfile.ZipFile(source) as archive:
            return MANIFEST in archive.namelist() and archive.getinfo(MANIFEST).file_size < MAX_TRIED_BYTES and b"encryption-data" in archive.read(MANIFEST)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        return False


def _is_binary(source: Path) -> bool:
    """Whether the library might trust lengths that it reads in this file (all kinds but xlsx); a damaged one then ends the whole process."""
    if source.stat().st_size > MAX_TRIED_BYTES:
        return False
    with source.open("rb") as stream:
        head = stream.read(8)
    return not head.startswith(b"PK") or _has_binary_part(source)


def _has_binary_part(source: Path) -> bool:
    try:
        with zipfile.ZipFile(source) as archive:
            return any(name.lower().endswith(("workbook.bin", "content.xml")) for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return True


def _survives(source: Path) -> bool:
    """Whether the library gets through a file, tried in a process of its own with little memory and time."""
    child = os.fork()
    if child == 0:
        _try(source)
    return os.waitpid(child, 0)[1] == 0


def _try(source: Path) -> None:
    """Ends this process: with 0 where the library loads everything, or refuses it in an orderly way."""
    status = 1
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(TRIED_SECONDS)
        memory = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if Path("/proc/self/statm").exists() else 0
        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (memory + TRIED_MEMORY if most == resource.RLIM_INFINITY else min(memory + TRIED_MEMORY, most), most))
        with source.open("rb") as stream:
            book = CalamineWorkbook.from_filelike(stream)
            for name in book.sheet_names:
                book.get_sheet_by_name(name)
        status = 0
    except (python_calamine.CalamineError, ValueError, OSError, OverflowError, TypeError):
        status = 0
    finally:
        os._exit(status)


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
