"""The command `read`: files as tables, without an import. Whatever happens in one file, the others are read."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import duckdb

from ingest import apart
from ingest.engine import engine, identifier, literal
from ingest.errors import BadInput, IngestError
from ingest.raw import RAW
from schemas.reading import ReadReport, ReadSpec

Document = dict[str, object]
Say = Callable[[str], None]
SHOWN = ("file", "format", "encoding", "delimiter", "quote", "sheet", "sheets", "header_rows", "columns", "rows", "excluded", "repairs", "questions", "error")
MAX_NAME_BYTES = 240


class Input(NamedTuple):
    """One table to be: a file, or a file inside a zip archive that holds several."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        """The file's own name; one inside an archive has the archive's before it."""
        return shown(f"{self.path.name}/{self.member}" if self.member else self.path.name)

    @property
    def shown(self) -> str:
        """The name as it was given."""
        return shown(f"{self.path}/{self.member}" if self.member else str(self.path))


def shown(name: str) -> str:
    """A file's name as text: it may hold bytes that are none."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def read_files(paths: list[Path], spec: ReadSpec, *, out_dir: Path | None, say: Say = lambda _sentence: None) -> list[Document]:
    """A report for every file, in their order, for every file inside a zip archive its own; with `out_dir` also each table as CSV, its path in `table`. `say` hears how far a large file is."""
    if out_dir:
        out_dir.mkdir(parents=True, exist_ok=True)
    inputs = [each for path in paths for each in _inputs(path, spec.sheet)]
    with engine() if out_dir else nullcontext() as connection:  # opening it for every file would take longer than reading a small one
        if out_dir is None:
            return [_read_one(each, spec, say, None, None) for each in inputs]
        return [_read_one(each, spec, say, out_dir / name, connection) for each, name in zip(inputs, _table_names(inputs), strict=True)]


def _inputs(path: Path, sheet: str | None) -> Iterator[Input]:
    from ingest.read import inner_files

    try:
        members = inner_files(path)
    except (IngestError, OSError):
        members = ()  # whatever is wrong is said when the file is read
    yield from [Input(path, member) for member in members if sheet in (None, member) or sheet not in members] or [Input(path)]


def _table_names(inputs: list[Input]) -> Iterator[str]:
    """What each table is called in the folder: after its file; a second one of the same name gets a number, so that none is written over another."""
    taken: set[str] = set()
    for each in inputs:
        stem = (f"{each.path.name}.{each.member}" if each.member else each.path.name).replace("/", "_").replace("\\", "_")
        stem = os.fsdecode(os.fsencode(stem)[:MAX_NAME_BYTES])
        names = (f"{stem}.csv" if not number else f"{stem}-{number + 1}.csv" for number in range(len(inputs)))
        name = next(name for name in names if name.casefold() not in taken)
        taken.add(name.casefold())
        yield name


def _read_one(each: Input, spec: ReadSpec, say: Say, target: Path | None, connection: duckdb.DuckDBPyConnection | None) -> Document:
    from ingest.read.layout import NoRows

    with tempfile.TemporaryDirectory(prefix="intake-read-") as room:
        folder = Path(room) / "out"
        folder.mkdir()
        try:
            report = _report(each, spec, folder, say)
            if target:
                _write_table(folder, report, target, connection)
        except NoRows as error:
            report = ReadReport(file=each.name, error=str(error), columns=error.columns)
            if target:
                connection.execute(f"copy (select {', '.join(f'null as {identifier(name)}' for name in error.columns)} where false) to {literal(target)} (format csv, header true)")
        except IngestError as error:
            report = ReadReport(file=each.name, error=str(error))
        except OSError as error:
            report = ReadReport(file=each.name, error=f"This file can't be opened: {error.strerror or error}.")
        except Exception as error:  # the outermost place of one file: the others are read all the same
            report = ReadReport(file=each.name, error=f"Something went wrong that we didn't expect ({type(error).__name__}), so this file was not read. Save it as CSV and try again.")
    return _document(each, report, target)


def _report(each: Input, spec: ReadSpec, folder: Path, say: Say) -> ReadReport:
    from ingest.read import read_file, read_inner

    if not each.path.is_file():
        raise BadInput(f"There is no file {str(each.path)!r}.")
    if each.member:
        return read_inner(each.path, each.member, each.name, spec.model_copy(update={"sheet": None}) if spec.sheet == each.member else spec, folder)
    telling = _telling(each, say)
    if apart.is_fragile(each.path):
        return apart.read_apart(each.path, each.name, spec, folder, telling or (lambda _rows: None), lambda: False)
    return read_file(each.path, each.name, spec, folder, telling)


def _telling(each: Input, say: Say) -> Callable[[int], None] | None:
    """What tells rows and percent of a large file, a tenth at a time; of one without countable lines the rows, a million at a time."""
    if each.path.stat().st_size < apart.FROM_BYTES:
        return None
    expected, told = apart.expected_rows(each.path), [0]

    def tell(rows: int) -> None:
        step = min(9, rows * 10 // expected) if expected else rows // 1_000_000
        if step > told[-1]:
            told.append(step)
            say(f"{each.name}: {rows:,} rows" + (f", about {step * 10} percent" if expected else ""))

    return tell


def _document(each: Input, report: ReadReport, target: Path | None) -> Document:
    document = report.model_dump(mode="json", include=set(SHOWN))
    document["excluded"] = [{"row": row.row, "reason": row.reason} for row in report.excluded]
    table = {"table": shown(str(target)) if target.exists() else None} if target else {}
    return {name: document[name] for name in SHOWN} | {"file": each.shown, "findings": [finding.model_dump() for finding in report.findings], "warnings": list(report.warnings)} | table


def _write_table(folder: Path, report: ReadReport, target: Path, connection: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(identifier(column) for column in report.columns)
    part = target.with_name(target.name + ".part")
    connection.execute(f"copy (select {columns} from read_parquet({literal(folder / RAW)})) to {literal(part)} (format csv, header true, delimiter ',', quote '\"')")
    part.replace(target)
