"""Numbers: which mark is the decimal one, and the narrowest exact type that holds a column."""

from dataclasses import dataclass

import duckdb

from ingest.engine import literal
from ingest.values.text import matches
from schemas.matching import DecimalMark

PLAIN = r"-?\d+(?:\.\d+)?"
"""What DuckDB casts as it stands: no thousands marks, no exponent, a decimal point."""
MINUS = "\u2212"
"""The minus sign of typesetters, which some programs write instead of a hyphen."""
SIGN = f"[+\\-{MINUS}]?"
EXPONENT = r"(?:[eE][+-]?\d{1,3})?"
APART = " '\u2019\u00a0\u2007\u2009\u202f"
"""Thousands marks that go with either decimal mark. A number has one kind of them throughout."""
OTHER: dict[DecimalMark, str] = {"point": ",", "comma": "."}
MARK: dict[DecimalMark, str] = {"point": ".", "comma": ","}
PLAIN_WITH: dict[DecimalMark, str] = {"point": PLAIN, "comma": r"-?\d+(?:,\d+)?"}
GROUPED_WITH: dict[DecimalMark, str] = {"point": r"-?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?", "comma": r"-?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?"}
NARROW, WIDE = 18, 38


@dataclass(frozen=True)
class NumberEvidence:
    """How many cells speak for each decimal mark. Ambiguous ones (`1.234`, `1,234`) are right under both."""

    cells: int
    point: int
    comma: int
    ambiguous_point: int
    ambiguous_comma: int
    example: str | None = None

    @property
    def mark(self) -> DecimalMark:
        """The reading with more evidence; a point where there is none."""
        return "comma" if self.comma > self.point else "point"

    @property
    def open(self) -> bool:
        """Whether a person has to say which it is."""
        if self.point and self.comma:
            return True
        return not self.point and not self.comma and bool(self.ambiguous_point or self.ambiguous_comma)


@dataclass(frozen=True)
class Widths:
    """Digits before and after the point that a column needs."""

    whole: int
    fraction: int


def number_pattern(mark: DecimalMark) -> str:
    """The forms a number may have under this decimal mark; thousands marks only where they belong, one kind of them in a number and none beside an exponent."""
    decimal = f"\\{MARK[mark]}"
    groups = "|".join(rf"(?:[{thousands}]\d{{3}})+" for thousands in OTHER[mark] + APART)
    grouped = rf"[1-9]\d{{0,2}}(?:{groups})" + (r"|[1-9]\d?(?:,\d{2})+,\d{3}" if mark == "point" else "")
    return rf"{SIGN}(?:(?:{grouped})(?:{decimal}\d*)?|(?:\d+(?:{decimal}\d*)?|{decimal}\d+){EXPONENT})"


def _ambiguous(mark: DecimalMark) -> str:
    return rf"{SIGN}[1-9]\d{{0,2}}\{MARK[mark]}\d{{3}}"


def number_evidence(connection: duckdb.DuckDBPyConnection, relation: str, text: str) -> NumberEvidence:
    """What the cells say about the decimal mark. `relation` is SQL, `text` an expression over it."""
    point, comma = matches("s", number_pattern("point")), matches("s", number_pattern("comma"))
    kind = f"""case when s is null then 'empty'
        when {matches("s", _ambiguous("point"))} then 'ambiguous_point' when {matches("s", PLAIN)} then case when contains(s, '.') then 'point' else 'either' end
        when {matches("s", _ambiguous("comma"))} then 'ambiguous_comma' when {point} then case when {comma} then 'either' else 'point' end when {comma} then 'comma' else 'none' end"""
    found = connection.execute(f"select {kind} as kind, count(*), min(s) from (select {text} as s from {relation}) group by 1").fetchall()
    counts, examples = {name: count for name, count, _ in found}, {name: example for name, _, example in found}
    example = min((examples[name] for name in ("ambiguous_point", "ambiguous_comma") if name in examples), default=None)
    return NumberEvidence(sum(counts.values()) - counts.get("empty", 0), *(counts.get(name, 0) for name in ("point", "comma", "ambiguous_point", "ambiguous_comma")), example)


def number_text(text: str, mark: DecimalMark, *, exponents: bool = False) -> str:
    """The number as plain digits with a point, without superfluous zeros at its end; null where it is no number. The plain forms, which nearly all cells have, go a short way.

    With `exponents`, a number that has one keeps it: a double reaches further than digits can be written out.
    """
    from_marks = MARK[mark] + "\u2212" + OTHER[mark] + APART + "+"
    plain = f"translate({text}, {literal(from_marks)}, '.-')"
    expanded = f"case when contains(lower({plain}), 'e') then {plain if exponents else without_zeros(f'({_expanded(plain)})')} else {without_zeros(plain)} end"
    pointed = text if mark == "point" else f"replace({text}, ',', '.')"
    grouped = f"replace({text}, '{OTHER[mark]}', '')" if mark == "point" else f"replace(replace({text}, '.', ''), ',', '.')"
    cases = f"when {matches(text, PLAIN_WITH[mark])} then {_shortened(text, pointed)} when {matches(text, GROUPED_WITH[mark])} then {_shortened(text, grouped)}"
    return f"case {cases} when {matches(text, number_pattern(mark))} then {expanded} end"


def number_by_its_own_mark(text: str, mark: DecimalMark, *, exponents: bool = False) -> str:
    """The number as `number_text` gives it; one that is none under this mark is read with the other (`1.234,50` beside `1234.5`)."""
    other: DecimalMark = "comma" if mark == "point" else "point"
    return f"coalesce({number_text(text, mark, exponents=exponents)}, {number_text(text, other, exponents=exponents)})"


def _shortened(text: str, number: str) -> str:
    return f"case when suffix({text}, '0') then {without_zeros(number)} else {number} end"


def without_zeros(number: str) -> str:
    """The text of a number without zeros at the end of its fraction."""
    return f"case when contains({number}, '.') then rtrim(rtrim({number}, '0'), '.') else {number} end"


def _expanded(number: str) -> str:
    """A number with an exponent written out, digit by digit: nothing is rounded. More than 60 places are no number any more."""
    def part(pattern: str, group: int) -> str:
        return f"regexp_extract({number}, {literal(pattern)}, {group})"

    form = r"^(-?)(\d*)\.?(\d*)[eE](-?\d+)$"
    sign, digits, shift = part(form, 1), f"({part(form, 2)} || {part(form, 3)})", f"(length({part(form, 2)}) + {part(form, 4)}::int)"
    return (
        f"case when abs({part(form, 4)}::int) > 60 then null when {shift} <= 0 then {sign} || '0.' || repeat('0', -{shift}) || {digits} "
        f"when {shift} >= length({digits}) then {sign} || {digits} || repeat('0', {shift} - length({digits})) "
        f"else {sign} || left({digits}, {shift}) || '.' || substr({digits}, {shift} + 1) end"
    )


def fraction_digits(number: str) -> str:
    """How many digits a plain number has after its point."""
    return f"(case when contains({number}, '.') then strlen({number}) - instr({number}, '.') else 0 end)"


def whole_digits(number: str) -> str:
    """How many digits a plain number has before its point, zeros in front not counted."""
    return f"strlen(split_part(ltrim({number}, '-0'), '.', 1))"


def widths(connection: duckdb.DuckDBPyConnection, relation: str, number: str, fraction_limit: int, whole_limit: int) -> Widths:
    """The digits that the cells within the limits need. `number` is plain text."""
    good = f"filter (f <= {fraction_limit} and w <= {whole_limit})"
    row = connection.execute(f"""
        select max(w) {good}, max(f) {good} from (select {whole_digits('t')} as w, {fraction_digits('t')} as f from (select {number} as t from {relation}))""").fetchone()
    return Widths(*(value or 0 for value in row))


def decimal_type(digits: Widths) -> str:
    """The narrowest decimal that holds them: 18 digits, else 38."""
    return f"DECIMAL({NARROW if digits.whole + digits.fraction <= NARROW else WIDE},{digits.fraction})"


def to_decimal(number: str, digits: Widths) -> str:
    """SQL for the exact decimal. Casting text to 38 digits costs 80 times more than to 18, so a wide number is put together from its two narrow halves."""
    if digits.whole + digits.fraction <= NARROW:
        return f"try_cast({number} as DECIMAL({NARROW},{digits.fraction}))"
    wide = f"DECIMAL({WIDE},{digits.fraction})"
    whole, fraction = f"ltrim(split_part({number}, '.', 1), '-')", f"split_part({number}, '.', 2)"
    halves = f"coalesce(try_cast({whole} as BIGINT), 0)::{wide} + try_cast('0.' || {fraction} as DECIMAL({NARROW},{digits.fraction}))::{wide}"
    return f"case when strlen({whole}) > {NARROW} then try_cast({number} as {wide}) when prefix({number}, '-') then -({halves}) else {halves} end"
