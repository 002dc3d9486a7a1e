"""The limits of reading, in one place. Those that keep the machine safe are settings of the installation (docs/settings.md), as they are when reading is first needed."""

from ingest.settings import settings

_GIVEN = settings()

MAX_RECORD_CHARS = _GIVEN.read_max_record_chars
MAX_CELL_CHARS = _GIVEN.read_max_cell_chars
MAX_COLUMNS = _GIVEN.read_max_columns
MAX_DOCUMENT_BYTES = _GIVEN.read_max_document_bytes
MAX_DOCUMENT_DEPTH = _GIVEN.read_max_document_depth
MAX_INFLATED_BYTES = _GIVEN.read_max_inflated_bytes
MAX_UNPACKED_BYTES = _GIVEN.read_max_unpacked_bytes
MAX_INFLATION = _GIVEN.read_max_inflation
INFLATION_MATTERS_FROM = _GIVEN.read_inflation_from_bytes
MAX_PACKED_ROWS = _GIVEN.read_max_packed_rows
MAX_MEMBERS = _GIVEN.read_max_members
MAX_PACKING = _GIVEN.read_max_packing

MAX_JOINED_LINES = 1_000
"""How many lines a quoted cell may run over before its opening quote counts as a stray one."""
JOIN_EFFORT = 6_000_000
"""How many characters may be looked at in vain, in all, for the end of quoted cells and for the reading of damaged ones; from then on only the next JOINED_WHEN_TIRED lines are."""
JOINED_WHEN_TIRED = 3
VOTING_EFFORT = 300_000
"""The same, for each way to cut that is tried."""
MAX_MENDED_LINES = 20
MAX_QUOTES_TRIED = 40
"""How many quotes of one damaged line are tried as ordinary characters."""
MAX_LENIENT_CHARS = 20_000
"""How long a line with stray quotes may be to be looked at more closely: that takes the square of its length."""
MAX_NAME_CHARS = 200
MAX_ALIGNED_ROWS = 20_000
"""Rows of another width that are looked at closely; later ones are only filled up or joined."""
MAX_LISTED_REPAIRS = 10_000
MAX_LISTED_BLANKS = 20_000
MAX_LISTED_END_BLANKS = 100
"""Blank rows after the last row of the table that are listed one by one; more become one entry."""

HEAD_RECORDS = 500
"""Records at the beginning that detection looks at."""
HEAD_CHARS = 512 * 1024
HEAD_LINES = 20_000
TAIL_BYTES = 64 * 1024
TAIL_RECORDS = 50
"""Filled records at the end among which totals and footnotes are looked for."""
FAST_FROM_BYTES = 2 * 1024**2
"""From this size on a clean text file is read by DuckDB; smaller ones are cheap either way."""

MAX_TRIED = 50
"""How many files of an archive are tried until one holds a table."""
