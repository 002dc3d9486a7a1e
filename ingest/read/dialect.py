"""Which delimiter, quote and escape a text uses: a vote over sample lines, cut in each way."""

import re
from collections import Counter
from itertools import pairwise
from math import gcd
from os.path import commonprefix
from typing import NamedTuple

from ingest.read.columns import fixed_starts
from ingest.read.cutter import FIXED, RUNS, Dialect
from ingest.read.kinds import kind_of
from ingest.read.limits import VOTING_EFFORT
from ingest.read.quoting import ESCAPES, find_escape, quote_for
from ingest.read.records import records
from schemas.reading import Confidence, Finding

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", ":": "colon", "^": "caret", "~": "tilde", "#": "number sign", " ": "space"}
PRIOR = {",": 1, ";": 1, "\t": 1, "|": 1, ":": 0.6, "^": 0.9, "~": 0.9, "#": 0.6, " ": 0.35, RUNS: 0.33, "=": 0.3, "&": 0.4, "*": 0.4}
"""Characters that stand inside cells more often than between them count less."""
ODD_PRIOR = 0.5
NAMED = {name: character for character, name in DELIMITERS.items()} | {"\\t": "\t", "bar": "|", "pipe": "|", "none": ""}
SEP_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
TIMES = re.compile(r"(?<!\d)\d{1,2}:\d{2}(?::\d{2})?(?!\d)|://")
WORDS = re.compile(r"[\w\s./@()%+&'#*!?:=-]*")
MARK = re.compile(r"[,;\t|:^~# -]+")
NEVER_DELIMITS = re.compile(r"[\w\s\"'.()\[\]{}+%/?\\-]")
NEVER_IN_TEXT = (",", ";", "\t", "|")
"""What cuts the cells of a row that stands in quotes as a whole."""
MIN_SHARE = 0.3
FIRST_OTHERWISE = 0.6
"""What a way to cut counts less that doesn't cut the first line into as many cells as the others."""
LONG_MARK = re.compile(r"[^\w\s\"'.,()\[\]]{2,3}")
SURE_SHARE = 0.8
ODD_SHARE = 0.7
"""In how many lines a character that is no usual delimiter has to stand to be tried as one."""


class Vote(NamedTuple):
    """The dialect that fits best and why."""

    dialect: Dialect
    findings: tuple[Finding, ...]


class _Score(NamedTuple):
    score: float
    width: int
    share: float
    dialect: Dialect


def find_dialect(lines: list[str], delimiter: str | None = None, quote: str | None = None) -> Vote:
    """The dialect of some lines; what the person chose is kept. Quotes are respected, so a delimiter inside quotes has no vote."""
    if delimiter is not None:
        return _vote(_chosen(lines, NAMED.get(delimiter, delimiter) or None, quote), "you chose it", "certain", lines, quote)
    if lines and (named := SEP_LINE.fullmatch(lines[0])):
        return _vote(Dialect(named[1], quote_for(lines, named[1], quote)), "the first line of the file says so", "certain", lines, quote)
    if _is_framed(lines):
        return Vote(Dialect("|", None, wrapped="|"), (_finding("|", "each row begins and ends with it, as programs draw tables", "certain"), _quote_finding(Dialect("|", None), None)))
    escapes = (None, *(escape for escape in ESCAPES if any(escape + mark in line for line in lines for mark in "\"'")))
    scores = [_score(lines, Dialect(each, quote_for(lines, each, quote), escape)) for each in _candidates(lines) for escape in escapes if escape is None or escape not in each]
    best = max(scores, key=lambda score: score.score, default=None)
    if best is None or best.score <= 0 or best.dialect.delimiter in (" ", RUNS):
        best = _by_places(lines, best)
    if best is None or best.score <= 0:
        return _wrapped(lines) or _vote(Dialect(None, quote_for(lines, None, quote)), "no character cuts the rows into the same number of cells", "likely", lines, quote)
    longer = _longer(lines, best, scores)
    return _vote(longer.dialect, *_explain(longer, best, scores), lines, quote)


def _chosen(lines: list[str], delimiter: str | None, quote: str | None) -> Dialect:
    if delimiter == FIXED:
        return Dialect(FIXED, None, None, fixed_starts(lines) or (0,))
    return Dialect(delimiter, quote_for(lines, delimiter, quote))


def _vote(dialect: Dialect, why: str, confidence: Confidence, lines: list[str], quote: str | None) -> Vote:
    dialect = dialect._replace(escape=find_escape(lines, dialect))
    return Vote(dialect, (_finding(dialect.delimiter, why, confidence), _quote_finding(dialect, quote)))


def _is_framed(lines: list[str]) -> bool:
    """Whether rows are drawn between bars, with spaces beside them, as in Markdown and in what databases print."""
    framed = [line for line in lines if line.lstrip()[:2] == "| " and line.rstrip()[-2:] == " |"]
    return len(framed) > 1 and len(framed) >= 0.6 * len(lines) and max(Counter(line.count("|") for line in framed).values()) >= SURE_SHARE * len(framed)


def _wrapped(lines: list[str]) -> Vote | None:
    """The dialect of rows that each stand in quotes as a whole, as programs write them that take a row for one cell."""
    found = list(records(lines, Dialect(None, '"'), effort=VOTING_EFFORT))
    whole = [record for record in found if record.raw[:1] == '"' and not record.repair]
    if len(found) < 2 or len(whole) < len(found) - 1:
        return None
    inner = find_dialect([f"{record.cells[0]}\n" for record in found])
    if inner.dialect.delimiter not in NEVER_IN_TEXT or inner.findings[0].confidence != "certain" or len(next(records([f"{found[-1].cells[0]}\n"], inner.dialect)).cells) < 3:
        return None
    return Vote(inner.dialect._replace(wrapped='"'), (*inner.findings, Finding(what="rows in quotes", value="yes", why="each row stands in quotes as a whole; they were taken off")))


def _candidates(lines: list[str]) -> list[str]:
    usual = [each for each in DELIMITERS if any(each in line for line in lines)]
    counts = Counter(mark for line in lines for mark in set(line.rstrip("\r\n")))
    odd = [mark for mark, count in counts.items() if mark not in DELIMITERS and count >= ODD_SHARE * len(lines) and (mark < " " or not NEVER_DELIMITS.match(mark))]
    runs = Counter(run for line in lines for run, count in Counter(LONG_MARK.findall(line)).items() if count > 1)
    long = [run for run, count in runs.items() if run in lines[0] and count >= SURE_SHARE * len(lines) and not set(run) <= set("".join(usual))]
    return [*usual, *long, *odd, *([RUNS] if any("  " in line or line.startswith(" ") for line in lines) else [])]


def _score(lines: list[str], dialect: Dialect) -> _Score:
    """How well a delimiter fits: the share of rows with the same number of cells, times how many cells look like cells."""
    if dialect.delimiter == ":":
        lines = [TIMES.sub("t", line) for line in lines]
    rows = [record.cells for record in records(lines, dialect, effort=VOTING_EFFORT) if record.raw.strip()]
    counts = Counter(len(cells) for cells in rows)
    wide = [(count, width) for width, count in counts.items() if width > 1]
    if not wide:
        return _Score(0, 1, 0, dialect)
    count, width = max(wide)
    if count == 1 and width == 2 < counts[1] + 1:  # it stands in one line only, and once
        return _Score(0, 1, 0, dialect)
    share = count / (len(rows) - 0.5 * counts.get(1, 0))
    regular = [cells for cells in rows if len(cells) == width]
    if share < MIN_SHARE or _is_decimal_comma(dialect, rows, width) or (len(rows[0]) != width and _cuts_numbers(dialect, regular)) or (dialect.delimiter in (" ", RUNS) and not _is_cut_by_spaces(dialect, lines, regular, share, width)):
        return _Score(0, width, share, dialect)
    if _lies_between_others(regular, width):
        return _Score(0, width, share, dialect)
    clean = sum(_is_clean(cell) for cells in regular for cell in cells) / (count * width)
    prior = PRIOR.get(dialect.delimiter, 1 if dialect.delimiter < " " else ODD_PRIOR)
    first = 1 if len(rows[0]) == width else FIRST_OTHERWISE
    return _Score(share * (width - 1) / width * (0.1 + clean) * prior * first, width, share, dialect)


def _lies_between_others(rows: list[list[str]], width: int) -> bool:
    """Whether about every other cell is the same mark in all rows: then that is the delimiter, or a part of it, and this one stands around the cells."""
    marks = [column[0] for column in zip(*rows, strict=True) if len(set(column)) == 1 and MARK.fullmatch(column[0])] if len(rows) > 2 < width else []
    inner = width - 2 * any(not cell for cell in (rows[0][0], rows[0][-1])) if marks else width  # quotes around all cells leave an empty one at both ends
    return len(marks) >= max(1, inner // 2) and (len(marks) > 2 or not any("-" in mark for mark in marks))


def _cuts_numbers(dialect: Dialect, rows: list[list[str]]) -> bool:
    """A comma that stands only amid digits, in rows of more than numbers, is a decimal comma."""
    if dialect.delimiter != ",":
        return False
    ends = [left[-1:].isdigit() and right[:1].isdigit() for cells in rows for left, right in pairwise(cells)]
    plain = sum(kind_of(cell) in ("number", "date", "empty") for cells in rows for cell in cells)
    return sum(ends) >= 0.95 * len(ends) and plain < 0.8 * sum(map(len, rows))


def _is_cut_by_spaces(dialect: Dialect, lines: list[str], rows: list[list[str]], share: float, width: int) -> bool:
    """Text has spaces too: only rows nearly all alike, with a number or date in them or with quotes around cells that hold spaces, are a table."""
    if share < 0.8 or len(rows) < 2 or (width == 2 and len(rows) < 4):
        return False
    body = rows[1:]
    measured = sum(any(kind_of(cell) in ("number", "date") for cell in cells) for cells in body) >= 0.6 * len(body)
    quoted = dialect.quote is not None and width > 2 and sum(dialect.quote in line for line in lines) >= 0.3 * len(lines) and any(" " in cell for cells in body for cell in cells)
    return measured or quoted


def _is_decimal_comma(dialect: Dialect, rows: list[list[str]], width: int) -> bool:
    """A single column of numbers such as 1,5 under a plain title is no table of two columns."""
    return dialect.delimiter == "," and width == 2 and len(rows[0]) == 1 and all(cell.strip().isdigit() for cells in rows[1:] for cell in cells)


def _is_clean(cell: str) -> bool:
    return bool(WORDS.fullmatch(cell)) or kind_of(cell) != "text"


def _by_places(lines: list[str], best: _Score | None) -> _Score | None:
    """Cells at fixed places, where no delimiter does as well."""
    starts = fixed_starts(lines)
    if len(starts) < 2 or (best is not None and best.score > 0 and best.share >= 0.97 and len(starts) <= best.width):
        return best
    return _Score(0.3, len(starts), 1, Dialect(FIXED, None, None, starts))


def _longer(lines: list[str], best: _Score, scores: list[_Score]) -> _Score:
    """A delimiter of several characters around one that cuts well: what always stands beside it belongs to it."""
    found = best
    for score in scores:
        mark = score.dialect.delimiter
        if score.score <= 0 or len(mark) > 1 or mark == " ":
            continue
        if _extended([_unquoted(line, best.dialect.quote) for line in lines[:3]], mark) == mark and _extended([_unquoted(line, best.dialect.quote) for line in lines[-3:]], mark) == mark:
            continue
        longer = _extended([_unquoted(record.raw, best.dialect.quote) for record in records(lines, best.dialect._replace(delimiter=mark), effort=VOTING_EFFORT)], mark)
        if longer == mark or len(longer) <= len(found.dialect.delimiter) or not set(best.dialect.delimiter) <= set(longer):
            continue
        tried = _score(lines, Dialect(longer, quote_for(lines, longer, best.dialect.quote)))
        if tried.width > 1 and tried.share >= 0.98 * best.share and (mark == best.dialect.delimiter or (tried.width - 1) * longer.count(best.dialect.delimiter) + 1 >= best.width):
            found = tried._replace(score=best.score)
    return found


def _unquoted(line: str, quote: str | None) -> str:
    mark = re.escape(quote or "")
    return re.sub(f"{mark}[^{mark}]*{mark}", "q", line.rstrip("\r\n")).partition("\n")[0] if quote and quote in line else line.rstrip("\r\n")


def _extended(lines: list[str], mark: str) -> str:
    """The character with all that stands beside it, wherever it stands."""
    runs = [match for line in lines for match in re.finditer(re.escape(mark) + "+", line)]
    length = gcd(*(len(match[0]) for match in runs)) if runs else 1
    few = 2 if mark in ",;\t" else 1
    if length > 1 and not all(line.count(mark) >= few * length for line in lines if mark in line):
        length = 1
    before = commonprefix([match.string[: match.start()][-3:][::-1] for match in runs if match.start() > 0])
    after = commonprefix([match.string[match.end() :][:3] for match in runs if match.end() < len(match.string)])
    return _marks(before)[::-1] + mark * length + _marks(after)


def _marks(text: str) -> str:
    return re.match(r"[^\w\"'.+()\[\]%€$£¥\\-]*", text)[0]


def _finding(delimiter: str | None, why: str, confidence: Confidence) -> Finding:
    return Finding(what="delimiter", value=DELIMITERS.get(delimiter, delimiter) if delimiter else "none", why=why, confidence=confidence)


def _quote_finding(dialect: Dialect, chosen: str | None) -> Finding:
    value = {'"': "double quote", "'": "apostrophe", None: "none"}.get(dialect.quote, dialect.quote)
    escape = {"\\": ", and a backslash stands before a quote inside a cell", "\0": ", and a zero byte stands before a quote inside a cell"}.get(dialect.escape, "")
    return Finding(what="quote", value=value, why="you chose it" if chosen is not None else f"cells with a delimiter inside are quoted with it, where there are any{escape}")


def _explain(found: _Score, best: _Score, scores: list[_Score]) -> tuple[str, Confidence]:
    rest = max((score.score for score in scores if score.dialect.delimiter not in (best.dialect.delimiter, *found.dialect.delimiter, RUNS, " ")), default=0)
    confidence: Confidence = "possible" if found.share < 0.6 or rest > 0.8 * found.score else "likely" if found.share < 0.95 else "certain"
    share = "every row" if found.share > 0.999 else f"{found.share:.0%} of the rows"
    return f"it cuts {share} looked at into {found.width} cells", confidence
