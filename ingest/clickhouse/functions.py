"""Every function that is known, by its own name; and the other names that ClickHouse has for some."""

from collections.abc import Callable
from difflib import get_close_matches

from ingest.clickhouse.aggregates import AGGREGATES, REFUSED
from ingest.clickhouse.conditions import CONDITIONS
from ingest.clickhouse.convert import CONVERSIONS
from ingest.clickhouse.numbers import NUMBERS
from ingest.clickhouse.shifts import SHIFTS
from ingest.clickhouse.texts import TEXTS
from ingest.clickhouse.times import TIMES
from ingest.clickhouse.values import Call, Value
from ingest.clickhouse.windows import WINDOWS

FUNCTIONS: dict[str, Callable[[Call], Value]] = {**CONDITIONS, **CONVERSIONS, **NUMBERS, **SHIFTS, **TEXTS, **TIMES, **WINDOWS}
CASELESS = {
    "not", "isNull", "coalesce", "ifNull", "nullIf", "if", "greatest", "least", "abs", "sign", "round", "floor", "ceil", "trunc", "sqrt", "exp", "log", "log2", "log10", "pow", "DATE", "dateDiff", "lower", "upper",
    "length", "concat", "substring", "position", "left", "right", "count", "sum", "avg", "min", "max", "row_number", "lag", "lead", "rank", "dense_rank", "first_value", "last_value", "rand", "now", "any",
}
"""Functions that ClickHouse takes in small and capital letters."""
CASELESS_ALIASES = {
    "char_length": "lengthUTF8", "character_length": "lengthUTF8", "date_format": "formatDateTime", "date_trunc": "dateTrunc", "datetrunc": "dateTrunc", "day": "toDayOfMonth", "dayofmonth": "toDayOfMonth", "dayofweek": "toDayOfWeek",
    "dayofyear": "toDayOfYear", "hour": "toHour", "minute": "toMinute", "month": "toMonth", "octet_length": "length", "quarter": "toQuarter", "regexp_matches": "match", "second": "toSecond", "year": "toYear",
    "ceiling": "ceil", "lcase": "lower", "ucase": "upper", "ln": "log", "max_by": "argMax", "min_by": "argMin", "mid": "substring", "substr": "substring", "mod": "modulo", "power": "pow", "replace": "replaceAll", "truncate": "trunc",
    "any_value": "any", "trim": "trimBoth",
}
ALIASES = {"date_diff": "dateDiff", "DATE_DIFF": "dateDiff", "timestampDiff": "dateDiff", "timestamp_diff": "dateDiff", "ltrim": "trimLeft", "rtrim": "trimRight", "medianExact": "quantileExact", "medianExactLow": "quantileExactLow", "medianExactHigh": "quantileExactHigh"}
SMALL = {name.lower(): name for name in CASELESS}
COMBINATORS = ("If", "Distinct", "OrNull")
"""What an aggregate's name can end in: the last argument says which rows count; each value counts once; an empty set is null."""


def known(name: str) -> str | None:
    """The function's own name, in whichever of its spellings it is written; None for one that isn't known."""
    small = name.lower()
    found = ALIASES.get(name) or CASELESS_ALIASES.get(small) or SMALL.get(small) or name
    return found if found in FUNCTIONS or found in AGGREGATES else None


def known_aggregate(name: str) -> tuple[str, frozenset[str]] | None:
    """The aggregate's own name and its combinators (`sumIf`); None for any other function."""
    if name in FUNCTIONS and name not in AGGREGATES:
        return None
    given: set[str] = set()
    while known(name) is None:
        ending = next((each for each in COMBINATORS if name.endswith(each) and each not in given), None)
        if ending is None:
            return None
        given.add(ending)
        name = name.removesuffix(ending)
    found = known(name)
    return (found, frozenset(given)) if found in AGGREGATES else None


def nearest(name: str) -> str:
    """What somebody may have meant by a function that isn't known, as a sentence."""
    names = [each for each in (*FUNCTIONS, *AGGREGATES, *(f"{each}If" for each in AGGREGATES)) if each not in REFUSED]
    small = {each.lower(): each for each in names}
    if name.lower() in small and small[name.lower()] != name:
        return f"Write {small[name.lower()]}: ClickHouse minds capital letters."
    close = [small[each] for each in get_close_matches(name.lower(), small, 3)]
    return f"Near it are {', '.join(close)}." if close else "Known are those that the documentation lists, as sum, count, round, if or toDate."
