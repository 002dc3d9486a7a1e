"""The limits of reading, in one place."""

MAX_RECORD_CHARS = 16 * 1024**2
"""The longest record of a text file."""
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
MAX_INFLATED_BYTES = 4 * 1024**3
"""What a workbook's zip may unpack to."""
MAX_INFLATION = 250
"""How much larger than its file a workbook may unpack, once it is larger than INFLATION_MATTERS_FROM."""
INFLATION_MATTERS_FROM = 256 * 1024**2
MAX_COLUMNS = 16_384
MAX_NAME_CHARS = 200
MAX_SPANS = 10_000
"""How often the distance between a record's number and its row number may change."""
MAX_ALIGNED_ROWS = 20_000
"""Rows of another width that are looked at closely; later ones are only filled up or joined."""
MAX_LISTED_REPAIRS = 10_000
MAX_LISTED_END_BLANKS = 100
"""Blank rows after the last row of the table that are listed one by one; more become one entry."""

HEAD_RECORDS = 500
"""Records at the beginning that detection looks at."""
HEAD_CHARS = 512 * 1024
HEAD_LINES = 20_000
TAIL_BYTES = 64 * 1024
TAIL_RECORDS = 12
"""Filled records at the end among which totals and footnotes are looked for."""
FAST_FROM_BYTES = 2 * 1024**2
"""From this size on a clean text file is read by DuckDB; smaller ones are cheap either way."""

MAX_DOCUMENT_BYTES = 64 * 1024**2
"""The largest file that is read in one piece (a JSON document, an HTML page)."""
MAX_DOCUMENT_DEPTH = 100
MAX_CELL_CHARS = 16 * 1024**2
MAX_PACKED_ROWS = 500_000_000
MAX_UNPACKED_BYTES = 20 * 1024**3
"""What a packed file may unpack to on the disk."""
PACKED_MATTERS_FROM = 64 * 1024**2
"""From this size on a packed file may not unpack to more than MAX_INFLATION times its own."""
MAX_MEMBERS = 10_000
MAX_PACKING = 3
"""How deep files may be packed in one another."""
MAX_TRIED = 50
"""How many files of an archive are tried until one holds a table."""
