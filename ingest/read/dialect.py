"""Which delimiter and quote a text uses: a vote over sample lines, cut in each way."""

import re
from collections import Counter
from typing import NamedTuple

from ingest.read.kinds import kind_of
from ingest.read.records import Dialect, records
from schemas.reading import Confidence, Finding

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", ":": "colon", "^": "caret", "~": "tilde"}
PRIOR = {":": 0.6, "^": 0.9, "~": 0.9}
"""Characters that stand inside cells more often than between them."""
NAMED = {name: character for character, name in DELIMITERS.items()} | {"\\t": "\t", "bar": "|", "pipe": "|"}
SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
TIMES = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?|://")
WORDS = re.compile(r"[\w\s./@()%+&'#*!?-]*")
MIN_SHARE = 0.3


class Vote(NamedTuple):
    """The dialect that fits best and why."""

    dialect: Dialect
    findings: tuple[Finding, ...]


class _Score(NamedTuple):
    score: float
    width: int
    share: float


def find_dialect(lines: list[str], delimiter: str | None = None, quote: str | None = None) -> Vote:
    """The dialect of some lines; what the person chose is kept. Quotes are respected, so a delimiter inside quotes has no vote."""
    quotes = [_quote(quote)] if quote is not None else [_find_quote(lines, delimiter)]
    if delimiter is not None:
        chosen = Dialect(NAMED.get(delimiter, delimiter) or None, quotes[0])
        return Vote(chosen, (_finding(chosen.delimiter, "you chose it", "certain"), _quote_finding(quotes[0], quote)))
    if lines and (named := SEP_LINE.fullmatch(lines[0])):
        return Vote(Dialect(named[1], quotes[0]), (_finding(named[1], "the first line of the file says so", "certain"), _quote_finding(quotes[0], quote)))
    scores = {candidate: _score(lines, Dialect(candidate, quotes[0])) for candidate in DELIMITERS if any(candidate in line for line in lines)}
    best = max(scores, key=lambda candidate: scores[candidate].score, default=None)
    if best is None or scores[best].score <= 0:
        return Vote(Dialect(None, quotes[0]), (_finding(None, "no character cuts the rows into the same number of cells", "likely"), _quote_finding(quotes[0], quote)))
    return Vote(Dialect(best, quotes[0]), (_explain(best, scores), _quote_finding(quotes[0], quote)))


def _score(lines: list[str], dialect: Dialect) -> _Score:
    """How well a delimiter fits: the share of rows with the same number of cells, times how many cells look like cells."""
    if dialect.delimiter == ":":
        lines = [TIMES.sub("t", line) for line in lines]
    rows = [record.cells for record in records(lines, dialect) if record.raw.strip()]
    counts = Counter(len(cells) for cells in rows)
    wide = [(count, width) for width, count in counts.items() if width > 1]
    if not wide:
        return _Score(0, 1, 0)
    count, width = max(wide)
    share = count / (len(rows) - 0.5 * counts.get(1, 0))
    regular = [cells for cells in rows if len(cells) == width]
    if share < MIN_SHARE or _is_decimal_comma(dialect, rows, width):
        return _Score(0, width, share)
    clean = sum(_is_clean(cell) for cells in regular for cell in cells) / (count * width)
    return _Score(share * (width - 1) / width * (0.1 + clean) * PRIOR.get(dialect.delimiter, 1), width, share)


def _is_decimal_comma(dialect: Dialect, rows: list[list[str]], width: int) -> bool:
    """A single column of numbers such as 1,5 under a plain title is no table of two columns."""
    return dialect.delimiter == "," and width == 2 and len(rows[0]) == 1 and all(cell.strip().isdigit() for cells in rows[1:] for cell in cells)


def _is_clean(cell: str) -> bool:
    return kind_of(cell) != "text" or bool(WORDS.fullmatch(cell))


def _quote(chosen: str) -> str | None:
    return None if chosen.lower() in ("", "none") else chosen[0]


def _find_quote(lines: list[str], delimiter: str | None) -> str | None:
    """The apostrophe only where it stands around cells and the double quote doesn't."""
    marks = re.escape(delimiter) if delimiter else ",;\t|:^~"
    around = {quote: sum(len(re.findall(rf"(?:^|[{marks}]){quote}[^{quote}]*{quote}(?=[{marks}]|\s*$)", line)) for line in lines) for quote in "\"'"}
    return "'" if around["'"] > 1 and not around['"'] else '"'


def _finding(delimiter: str | None, why: str, confidence: Confidence) -> Finding:
    return Finding(what="delimiter", value=DELIMITERS.get(delimiter, delimiter) if delimiter else "none", why=why, confidence=confidence)


def _quote_finding(quote: str | None, chosen: str | None) -> Finding:
    value = {'"': "double quote", "'": "apostrophe", None: "none"}.get(quote, quote)
    return Finding(what="quote", value=value, why="you chose it" if chosen is not None else "cells with a delimiter inside are quoted with it, where there are any")


def _explain(best: str, scores: dict[str, _Score]) -> Finding:
    found = scores[best]
    rest = max((score.score for candidate, score in scores.items() if candidate != best), default=0)
    confidence: Confidence = "possible" if found.share < 0.6 or rest > 0.8 * found.score else "likely" if found.share < 0.95 else "certain"
    share = "every row" if found.share > 0.999 else f"{found.share:.0%} of the rows"
    return _finding(best, f"it cuts {share} looked at into {found.width} cells", confidence)

