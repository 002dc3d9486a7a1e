"""Cells that a spreadsheet spoilt on the way: its errors in place of a value, and long numbers it cut down to a few digits."""

import duckdb

from ingest.values.text import matches

ERRORS = r"(?i:#(?:N/?A|NV|N/V|REF!?|BEZUG!|VALUE!|WERT!|VALOR!|VALEUR!|NAME\?|NOM\?|DIV/0!|NUM!|ZAHL!|NOMBRE!|NULL!|NUL!|SPILL!|CALC!))|#{3,}"
CUT = r"\d(?:[.,]\d{1,14})?E\+\d{2}"
"""As `1.23457E+15` was a number of sixteen digits."""


def looks_spoilt(text: str) -> str:
    """A quick look: what is spoilt has this."""
    return f"contains({text}, '#') or contains({text}, 'E+')"


def is_spoilt(connection: duckdb.DuckDBPyConnection, relation: str, text: str) -> bool:
    """Whether any cell of the column is spoilt."""
    return connection.execute(f"select count(*) > 0 from {relation} where {spoilt(text)}").fetchone()[0]


def spoilt(text: str) -> str:
    """SQL for whether a cell is spoilt."""
    return f"({looks_spoilt(text)}) and ({matches(text, ERRORS)} or {matches(text, CUT)})"
