"""What one cell's text looks like: a number, a date, other text, nothing. Only for detection; the data stays text."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

Kind = Literal["empty", "number", "date", "text"]

NUMBER = re.compile(r"""
    \(? [+-]? \s* (?:[$€£¥]|[A-Z]{3}\s)? \s* [+-]? \s*
    (?: \d{1,3}(?:[.,'’\s\u00a0\u202f]\d{3})+ | \d+ )? (?: [.,]\d* )? (?<=[\d.,]) (?: [eE][+-]?\d+ )?
    \s* (?: % | [$€£¥] | [A-Z]{3} )? -? \)?""", re.VERBOSE)
DATE = re.compile(r"""
    (?: \d{4} [-/.] \d{1,2} (?: [-/.] \d{1,2} )? | \d{1,2} [-/.] \d{1,2} [-/.] \d{2,4}
      | \d{1,2} [\s.-]+ [^\W\d]{3,9}\.? [\s,-]+ \d{2,4} | [^\W\d]{3,9}\.? \s+ \d{1,2} ,? \s+ \d{4} )
    (?: [T\s]+ \d{1,2} : \d{2} (?: : \d{2} (?:[.,]\d+)? )? \s* (?: [aApP]\.?[mM]\.? )? \s* (?: Z | UTC | GMT | [+-]\d{2}:?\d{2} )? )?
    | \d{1,3} : \d{2} (?: : \d{2} (?:[.,]\d+)? )? (?: \s* [aApP]\.?[mM]\.? )?""", re.VERBOSE)
YEAR = re.compile(r"(?:19|20)\d\d(?:[/-]\d{2,4})?")
LETTERS, DIGITS = re.compile(r"[^\W\d_]+"), re.compile(r"\d+")
PLAIN_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
DIGIT = re.compile(r"\d")
LONGEST = 60
"""No number or date is longer."""
NOTHING = re.compile(r"#(?:DIV/0!|N/A|REF!|VALUE!|NAME\?|NUM!|NULL!)|=.*|n/?a|nan|null|none|nil|[-–—?.]+|\(null\)|\\N", re.IGNORECASE | re.DOTALL)
"""What stands for a missing value: it says nothing about its column."""


def kind_of(text: str) -> Kind:
    """The kind of one cell."""
    text = text.strip()
    if not text or NOTHING.fullmatch(text):
        return "empty"
    if len(text) > LONGEST or not DIGIT.search(text):
        return "text"
    if PLAIN_NUMBER.fullmatch(text):
        return "number"
    return "date" if DATE.fullmatch(text) else "number" if NUMBER.fullmatch(text) else "text"


def shape_of(text: str) -> str:
    """A text with every run of letters as `a` and of digits as `9`: codes of one kind have one shape."""
    return DIGITS.sub("9", LETTERS.sub("a", text.strip()[:LONGEST]))


def column_kind(cells: Iterable[str]) -> Kind:
    """The kind that at least seven in ten of a column's filled cells have, else text; `empty` for a column with none."""
    counts = Counter(kind for cell in cells if (kind := kind_of(cell)) != "empty")
    if not counts:
        return "empty"
    kind, count = counts.most_common(1)[0]
    return kind if count >= 0.7 * counts.total() else "text"
