"""Cells as text: what counts as empty, and which spaces don't count."""

from ingest.engine import literal

SPACES = " \t\r\n\u00a0\u2007\u2009\u202f\u200b\ufeff"
"""Spaces, line ends and the invisible characters that spreadsheets leave at the edges of a cell."""


def trimmed(column: str) -> str:
    """The cell without spaces at its edges, null where nothing else is in it. Most cells have none, and are told by it faster than they are trimmed."""
    return f"case when {without_edges(column)} then {column} else nullif(trim({column}, {literal(SPACES)}), '') end"


def without_edges(column: str) -> str:
    """Whether a cell surely has no space at its edges: it begins and ends with a visible ASCII character. Four times as fast as trimming it."""
    return matches(column, "[!-~](?:.*[!-~])?")


def has_edges(column: str) -> str:
    """Whether a cell has spaces at its edges."""
    return f"({column} <> trim({column}, {literal(SPACES)}))"


def matches(text: str, pattern: str) -> str:
    """Whether the whole text has this form."""
    return f"regexp_full_match({text}, {literal(pattern)})"
