"""What the columns of a file look like: exact counts of empty cells, and a type proposed from a bounded, evenly spread sample."""

from pathlib import Path

import duckdb
import pyarrow as pa

from ingest.engine import engine, identifier, literal
from ingest.match.names import is_an_id, is_duration, is_identifying, is_money, is_of, words
from ingest.raw import RAW, raw_query
from ingest.values import durations, forms, numbers, others, times
from ingest.values.dressed import is_dressed
from ingest.values.text import matches, trimmed
from ingest.values.times import named_date
from schemas.event_type import FieldType
from schemas.matching import ColumnProfile
from schemas.reading import ReadReport

SAMPLE, SAMPLE_CELLS = 20_000, 600_000
"""Rows looked at closely, fewer of them where there are very many columns."""
PLACE = "\x01row"
"""Where a sampled row stands. The name begins with a character that no header has."""
MOSTLY = 0.9
"""The share of cells that must have a form before a type is proposed: a few bad cells are what the check is for."""
INTEGER, LONG, ZEROS = r"[+-]?\d+", r"[+-]?\d{19,}", r"-?0\d+"
TIMELY = ("slashed_short", "dotted_short", "named_short", "named_period", "week_day", "ordinal", "month", "week", "quarter", "hour")
"""Forms of a date that could be something else: it takes a heading that speaks of time to propose one."""
CLOCKED = forms.DAYS["dotted_short"] + r",? \d{1,2}:\d{2}(?::\d{2})?"
"""Two digits of a year with a time of day behind them: nothing but a date."""
TESTS = {
    "filled": "{t} is not null",
    "integers": matches("{t}", INTEGER),
    "plus": "prefix({t}, '+')",
    "long": matches("{t}", LONG),
    "zeros": matches("{t}", ZEROS),
    "point": matches("{t}", numbers.number_pattern("point")),
    "comma": matches("{t}", numbers.number_pattern("comma")),
    "marked": matches("{t}", numbers.number_pattern("point")) + " or " + matches("{t}", numbers.number_pattern("comma")),
    "dressed": f"({is_dressed('{t}')})",
    "lengths": matches("{t}", durations.CLOCK) + " or " + matches("{t}", durations.SURE) + " and (" + matches("{t}", durations.WORDED) + " or " + matches("{t}", durations.ISO) + ")",
    "worded": "regexp_matches({t}, '^\\d+ ?[a-zA-Z]') and " + matches("{t}", durations.WORDED),
    "pairs": matches("{t}", durations.PAIR),
    "exponents": "regexp_matches({t}, '[0-9][eE][+-]?[0-9]')",
    "words": f"lower({{t}}) in {tuple(word for word in (*others.YES, *others.NO) if not word.isdigit())}",
    "uuids": matches("{t}", others.UUID_FORM),
    "dates": " or ".join(matches("{t}", times.FORMS[form]) for form in ("iso", "slashed", "dotted")) + " or " + matches("{t}", CLOCKED) + " or " + named_date("{t}"),
    "clocks": "regexp_matches({t}, '[0-9](:|[tT])[0-9][0-9]')",
    "compact": matches("{t}", times.FORMS["compact"]),
    "timely": " or ".join(matches("{t}", times.FORMS[form]) for form in TIMELY),
    "serials": matches("{t}", times.FORMS["serial"]),
    "epochs": matches("{t}", times.FORMS["epoch"]),
}


def profile_columns(raw_folder: Path, report: ReadReport) -> tuple[ColumnProfile, ...]:
    """A profile of every column of the file, in its order."""
    if not report.columns:
        return ()
    with engine() as connection:
        source = f"read_parquet({literal(raw_folder / RAW)}, file_row_number=true)"
        if report.corrections:
            source = f"(select *, row_number() over () as file_row_number from ({raw_query(raw_folder, report)}))"
        counts = ", ".join(f"count(nullif({name}, '')), approx_count_distinct({name})" for name in map(identifier, report.columns))
        rows, *counted = connection.execute(f"select count(*), {counts} from {source}").fetchone()
        seen = _forms(connection, source, report)
    return tuple(_profile(column, rows, counted[2 * place], counted[2 * place + 1], *seen.get(column, ({}, ()))) for place, column in enumerate(report.columns))


def _profile(column: str, rows: int, filled: int, distinct: int, seen: dict[str, int], examples: tuple[str, ...]) -> ColumnProfile:
    kind, why = propose_type(column, seen)
    return ColumnProfile(column=column, rows=rows, empty=rows - filled, distinct=min(distinct, filled), examples=examples, proposed_type=kind, why=why)


def _forms(connection: duckdb.DuckDBPyConnection, source: str, report: ReadReport) -> dict[str, tuple[dict[str, int], tuple[str, ...]]]:
    """For each column that has any text in the sample: how many of its cells have each of the forms in TESTS, and the first few texts. Every text is looked at once, however often it stands there."""
    step = max(1, report.rows // max(1, min(SAMPLE, SAMPLE_CELLS // len(report.columns))))
    names = ", ".join(map(identifier, report.columns))
    texts = ", ".join(f"{trimmed(identifier(column))} as {identifier(column)}" for column in report.columns)
    connection.execute(f"create table sample as select file_row_number as {identifier(PLACE)}, {texts} from {source} where file_row_number % {step} = 0")
    connection.execute(f"""
        create table texts as select heading, cell, count(*) as cells, min(place) as first
        from (select {identifier(PLACE)} as place, heading, cell from (unpivot sample on {names} into name heading value cell)) group by 1, 2""")
    tests = ", ".join(f"coalesce(sum(cells) filter ({test.replace('{t}', 'cell')}), 0)::bigint" for test in TESTS.values())
    rows = connection.execute(f"select heading, list(left(cell, 80) order by first, cell)[:3], {tests} from texts group by 1").fetchall()
    return {heading: (dict(zip(TESTS, counts, strict=True)), tuple(examples)) for heading, examples, *counts in rows}


def propose_type(column: str, seen: dict[str, int]) -> tuple[FieldType, str]:
    """The type that a column's cells fit, and why. `seen` says how many cells of the sample have each of the forms in TESTS."""
    if not seen.get("filled"):
        return "String", "the column is empty"
    total = seen["filled"]
    enough = MOSTLY * total
    if seen["uuids"] >= enough:
        return "UUID", "its cells are UUIDs"
    if seen["dates"] >= enough:
        return ("DateTime64", "its cells are dates with a time of day") if seen["clocks"] else ("Date32", "its cells are dates")
    if _is_timely(column) and max(seen["timely"], seen["serials"] if not seen["zeros"] else 0) >= enough:
        return "DateTime64", "its heading speaks of time and its cells can be dates"
    if seen["words"] >= enough:
        return "Bool", "its cells say yes or no"
    if _are_lengths(column, seen, enough):
        return "Decimal", "its cells are lengths of time"
    if is_of(column, "unit"):
        return "String", "its heading says that these are units"
    if seen["integers"] >= enough:
        return _integer_type(column, seen, enough)
    if is_an_id(column) and seen["marked"] >= enough:
        return "String", "its heading says that the digits name something"
    if seen["dressed"] and seen["dressed"] + seen["marked"] >= enough:
        return "Decimal", "its cells are numbers with a unit, a currency or a percent sign"
    if seen["marked"] >= enough:
        return ("Float64", "its cells are numbers with exponents") if seen["exponents"] > total / 2 else ("Decimal", "its cells are numbers with decimals or thousands marks")
    return "String", "its cells are text"


def _is_timely(column: str) -> bool:
    parts = words(column).split()
    return any(part.endswith(("zeit", "datum")) for part in parts) or bool(set(parts) & {"time", "timestamp", "ts", "date", "day", "datum", "zeit", "epoch", "start", "end", "at", "month", "monat", "mois", "mes", "mese", "maand", "week", "woche", "period", "quarter", "hour", "stamp", "von", "bis", "beginn", "ende", "einfahrt", "ausfahrt", "tag", "leistungsmonat", "abrechnungsmonat", "zeitpunkt", "startdatum", "enddatum", "leistungsdatum", "debut", "fin", "fecha", "inicio", "data", "inizio", "heure", "hora", "ora", "tijd", "tid"})


def _are_lengths(column: str, seen: dict[str, int], enough: float) -> bool:
    """Whether cells such as 1:05:30 are how long something took, and not the time of day at which it was."""
    if seen["lengths"] and seen["lengths"] + seen["worded"] >= enough:
        return is_duration(column) or not _is_timely(column) or seen["lengths"] > seen["clocks"]
    return is_duration(column) and seen["lengths"] + seen["pairs"] + seen["worded"] >= enough


def _integer_type(column: str, seen: dict[str, int], enough: float) -> tuple[FieldType, str]:
    timely = _is_timely(column)
    if timely and seen["compact"] >= enough:
        return "Date32", "its cells are dates written as in 20261001"
    if timely and seen["epochs"] >= enough:
        return "DateTime64", "its cells are seconds since 1970"
    if seen["zeros"]:
        return "String", "some cells begin with a zero, which a number would lose"
    if seen["plus"] >= enough:
        return "String", "its cells begin with a plus, as telephone numbers do"
    if seen["long"]:
        return "String", "some cells have more than 18 digits"
    if is_identifying(column):
        return "String", "its heading says that the digits name something"
    return ("Decimal", "its heading says that these are amounts of money") if is_money(column) else ("Int64", "its cells are whole numbers")


def raw_rows(raw_folder: Path, report: ReadReport, *, offset: int = 0, limit: int = 50) -> pa.Table:
    """Rows of the table as read: `_row`, then the file's columns."""
    columns = "".join(f", {identifier(column)}" for column in report.columns)
    with engine() as connection:
        return connection.execute(f"select _row{columns} from ({raw_query(raw_folder, report)}) limit ? offset ?", [limit, offset]).to_arrow_table()
