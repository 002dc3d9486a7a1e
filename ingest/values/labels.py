"""Labels of totals rows, as they stand where a name would."""

import re

MONTHS = r"jan\w*|feb\w*|m[aä]r\w*|apr\w*|ma[iy]|jun\w*|jul\w*|aug\w*|sep\w*|o[ck]t\w*|nov\w*|de[cz]\w*"
TOTAL_WORDS = re.compile(r"""
    (?: (?: (?:grand|overall|column|sub|monthly|month|report)[\s-]* )? (?: totals? | sums? ) | total\s+g[eé]n[eé]ral | totaa?le? | totales
    | summe | gesamt(?:summe|betrag|verbrauch|menge|ergebnis)? | insgesamt | zusammen | suma | soma | somme | итого | всего | 合計 | 合计 | 总计 | 總計 | Σ ) (?!\w)""", re.VERBOSE | re.IGNORECASE)
TOTAL_TAIL = re.compile(rf"(?:[\s:.,;()/–—-]|\d|{MONTHS}|all|of|for|the|usage|amount|costs?|hours|units|events|rows|customers|period|month|eur|usd|gbp|€|\$|net|gross|netto|brutto)*", re.IGNORECASE)
OF_WHAT = re.compile(r"\s*:\s\s*[^\W\d]\w*(?:\s\w+)?\s*")
"""What a total is of, behind a colon."""
TOTALS_START = r"(?i)^\s*(?:grand|overall|column|sub|monthly|month|report|total|sum|gesamt|insgesamt|zusammen|sum|som|итого|всего|合|总|總|Σ|totaal|totale)"
"""How the label of a totals row begins, for a quick look; `says_total` decides."""

GROUP_TOTAL = r"(?:sub-?)?(?:totals?|summe|sum|gesamt|total for)\s+(.+)|(.+?)\s+(?:sub-?)?(?:total|summe|gesamt|ergebnis)"
"""The label of a group's total, with the group's name: `Total IT`, `IT Total`. In small letters."""

PLACEHOLDERS = (
    "n/a", "n.a.", "n. a.", "-", "--", "---", "?", "??", ".", "null", "none", "nil", "nan", "undefined", "unknown", "unbekannt", "tbd", "tba", "(blank)", "(leer)", "(none)", "(null)", "<null>", "[null]",
    "not set", "unset", "unassigned", "not assigned", "nicht zugeordnet", "nicht zugewiesen", "keine angabe", "k.a.", "k. a.", "kein", "keine", "ohne", "inconnu", "aucun", "desconocido", "ninguno", "sconosciuto", "nessuno", "onbekend", "geen", "ukendt", "okänd", "ukjent", "brak",
)
"""What stands in a cell in place of a name, in small letters."""


def says_total(cell: str) -> bool:
    """Whether a cell is the label of a totals row."""
    match = TOTAL_WORDS.match(cell)
    return bool(match and (TOTAL_TAIL.fullmatch(cell, match.end()) or OF_WHAT.fullmatch(cell, match.end())))
