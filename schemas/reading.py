"""What reading a file is asked to do, and what it found."""

from typing import Literal

from schemas.base import Frozen
from schemas.correcting import Correction

Confidence = Literal["certain", "likely", "possible"]


class ReadSpec(Frozen):
    """How to read one file. None means: detect. Rows are the numbers a spreadsheet shows, starting at 1."""

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    sheet: str | None = None
    header_rows: tuple[int, ...] | None = None
    """The rows that hold the column names; an empty tuple says that the file has none."""
    keep_rows: tuple[int, ...] = ()
    """Left-out rows (a totals row, say) that the person takes back in."""
    table: int | None = None
    """Which of several tables, one below the other, each with a header of its own; the first is 1. None: the first, and the others are asked about."""
    beside: int | None = None
    """Which of several tables side by side with empty columns between them; the leftmost is 1."""
    turn: Literal["no", "months", "measures", "transposed"] | None = None
    """`months`: a table with a column for each month becomes one with a row for each; `measures`: the same for the columns that `measures` names;
    `transposed`: rows and columns change places; `no`: as it stands, and not asked about."""
    measures: tuple[str, ...] = ()
    """Columns that each hold a usage of its own kind, so that a row is several usages."""


class ExcludedRow(Frozen):
    """A row of the file that is no row of the table: blank, preamble, totals, footnote. `text` shows what stood there."""

    row: int
    reason: str
    text: str = ""


class Repair(Frozen):
    """A row that was damaged. `doubtful`: it has more than one reading, so the person should look at it."""

    row: int
    what: str
    doubtful: bool = False


class Finding(Frozen):
    """One thing that detection decided, and why: shown above the preview with a way to change it."""

    what: str
    value: str
    why: str
    confidence: Confidence = "certain"


class TotalsRow(Frozen):
    """A totals row found in the file: the row's text per column, to be compared with our own sums."""

    row: int
    values: dict[str, str]


class RowSpan(Frozen):
    """From the record `first` of raw.parquet (counted from 0) on, row = record + shift, until the next span begins."""

    first: int
    shift: int


class Turned(Frozen):
    """What became of a table whose rows hold several usages, one beside the other. Each cell is a usage or empty."""

    rows: int
    """Rows of the file's own table."""
    columns: tuple[str, ...]
    empty: int
    bare: int = 0
    """Rows in which all of the columns are empty."""

    @property
    def usages(self) -> int:
        """How many usages there must be."""
        return self.rows * len(self.columns) - self.empty


class ReadReport(Frozen):
    """What was read. The command line prints these fields as they are; `rows` counts the table's own rows, without excluded ones.

    Each of `questions` is {"name", "text", "answer", "options": [{"value", "label", "spec"}]}: `answer` is the value of the option that the file was read by,
    `spec` the fields of ReadSpec that an option sets. To give another answer, merge its `spec` into the import's ReadSpec and read again; once answered, it isn't asked any more.
    """

    file: str
    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()
    header_rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    rows: int = 0
    excluded: tuple[ExcludedRow, ...] = ()
    repairs: tuple[Repair, ...] = ()
    questions: tuple[dict[str, object], ...] = ()
    error: str | None = None
    findings: tuple[Finding, ...] = ()
    totals: tuple[TotalsRow, ...] = ()
    spans: tuple[RowSpan, ...] = ()
    row_step: int = 0
    """Where several rows stand in one row of the file, or in the same row of several sheets: their numbers are so much apart (see ingest.raw.row_in_file)."""
    turned: Turned | None = None
    """Where several usages stood in a row of the file: then `rows` counts usages."""
    keeps_original_rows: bool = False
    """Whether these are rejected rows brought back: then their numbers are those of the first file, which stand in a column of their own."""
    warnings: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    """What a person changed since; reading itself leaves it empty. `columns` then has the ones that corrections add, too."""
