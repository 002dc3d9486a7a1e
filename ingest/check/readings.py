"""What a column leaves open, put as questions with evidence and the effect of each answer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from ingest.values import numbers, times, zones
from ingest.values.dressed import Dress, parse_number
from ingest.values.durations import PAIR, PAIRS, LengthEvidence, PairOrder, with_unit
from ingest.values.forms import PERIODS, SHORT, TimeReading, iso_text
from ingest.values.text import matches
from ingest.wording import count as count_of
from schemas.checking import Question, QuestionOption
from schemas.matching import DecimalMark

ZONES = ("UTC", "Europe/London", "Europe/Berlin", "America/New_York", "America/Chicago", "America/Los_Angeles", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney")
MARKS: dict[DecimalMark, str] = {"point": "A point", "comma": "A comma"}
EACH = "each"
"""The answer that numbers stand in one column with either mark, and each is read by its own."""
SLIPS = 20
"""Where so many cells are written in one way for each that is written in another, those are slips."""
NONE = "none"
"""The answer that cells with a unit need fixing."""
EMPTY = {"zero": "Zero", "unknown": "Not known: the row needs fixing", "above": "The same as above", "nothing": "Nothing: the event goes without it"}
PERCENT = {"number": "50: the sign is left off", "fraction": "0.5: a hundredth of it"}
ORDERS: dict[times.DateOrder, str] = {"day_first": "Day first", "month_first": "Month first"}


def decimal_mark(connection: duckdb.DuckDBPyConnection, relation: str, text: str, field: str, column: str, found: numbers.NumberEvidence) -> Question:
    """Which mark is the decimal one?"""
    both = found.point and found.comma
    evidence = f"every number with a mark looks like {found.example}, which can be read in two ways"
    if both:
        evidence = f"{found.point:,} numbers are written with a decimal point and {found.comma:,} with a decimal comma"
    options = tuple(QuestionOption(value=mark, label=label, effect=_mark_effect(connection, relation, text, found, {mark: numbers.number_text("s", mark)})) for mark, label in MARKS.items())
    if both:
        either = found.ambiguous_point + found.ambiguous_comma
        allow_both = f"; {count_of(either, 'number')} such as {found.example} {'allows' if either == 1 else 'allow'} both and {'is' if either == 1 else 'are'} read with a {found.mark}" if either else ""
        effect = _mark_effect(connection, relation, text, found, {found.mark: numbers.number_by_its_own_mark("s", found.mark)}) + allow_both
        options += (QuestionOption(value=EACH, label="Either: each number by its own mark", effect=effect),)
    text = f"In column {column!r}, {evidence}. Which mark separates the decimals?"
    return Question(name=f"decimal_mark.{field}", text=text, options=options, proposed=found.mark if both else None, blocking=not _slips(found.point, found.comma, found.ambiguous_point + found.ambiguous_comma))


def _slips(one: int, other: int, either: int) -> bool:
    """Whether the few that are written otherwise need fixing whatever is answered, and no cell hangs on the answer."""
    return not either and max(one, other) >= SLIPS * min(one, other) > 0


def _mark_effect(connection: duckdb.DuckDBPyConnection, relation: str, text: str, found: numbers.NumberEvidence, way: Mapping[DecimalMark, str]) -> str:
    """What the column comes to when it is read in a way: the mark of cells that allow both, and SQL for the number of `s`."""
    (mark, number), = way.items()
    total, unread = connection.execute(f"""
        select sum(try_cast(t as decimal(18,4))), count(*) filter (s is not null and t is null)
        from (select s, {number} as t from (select {text} as s from {relation}))""").fetchone()
    read = parse_number(connection, found.example, mark) if found.example else None
    parts = [f"{found.example} is {read}"] if read else []
    parts.append(f"the column adds up to {total or 0:,f}".rstrip("0").rstrip("."))
    return "; ".join(parts + ([f"{count_of(unread, 'cell')} can't be read"] if unread else []))


def date_order(connection: duckdb.DuckDBPyConnection, relation: str, text: str, field: str, column: str, found: times.TimeEvidence, reading: TimeReading) -> Question:
    """Day or month first?"""
    if found.day_first and found.month_first:
        evidence = f"In column {column!r}, {found.day_first:,} dates have the day first and {found.month_first:,} the month"
    else:
        evidence = f"In column {column!r}, {found.either:,} dates such as {found.example} can be read in two ways"
    ways = {order: replace(reading, order=order) for order in ORDERS}
    months = {order: _months(connection, relation, text, way) for order, way in ways.items()}
    moved = _change_month(connection, relation, text, *ways.values())
    options = tuple(QuestionOption(value=order, label=label, effect=_month_effect(months[order], found.cells)) for order, label in ORDERS.items())
    return Question(name=f"date_order.{field}", text=f"{evidence}. What comes first? {_moves(moved)}", options=options, proposed=_likelier(found, months), blocking=not _slips(found.day_first, found.month_first, found.either))


def _moves(moved: int) -> str:
    return f"{count_of(moved, 'row')} {'changes its' if moved == 1 else 'change their'} month, and so the bill."


def _likelier(found: times.TimeEvidence, months: dict[times.DateOrder, list[tuple[str, int]]]) -> times.DateOrder | None:
    if found.day_first or found.month_first:
        return found.order
    day, month = len(months["day_first"]), len(months["month_first"])
    return None if day == month else "day_first" if day < month else "month_first"


@dataclass(frozen=True)
class Choice:
    """Something that forms of dates leave open beside the order: which forms, what may be answered (the likely one first), and the question in words."""

    name: str
    forms: tuple[str, ...]
    options: Mapping[str, str]
    text: str


CHOICES = (
    Choice("century", SHORT, {"2000": "20.. (this century)", "1900": "19.. (the last century)"}, "In column {column!r}, {cells} such as {example} {has} a year of two digits. Which century is meant?"),
    Choice("serial", ("serial",), {"1900": "Days since 1900, as Excel counts", "1904": "Days since 1904, as Excel for the Mac once did"}, "In column {column!r}, {cells} such as {example} {is_} days as a spreadsheet counts them. From when?"),
    Choice("epoch", ("hour",), {"date_and_hour": "Year, month, day and hour", "seconds": "Seconds since 1970"}, "In column {column!r}, {cells} such as {example} can be a date with its hour, or seconds since 1970. Which is it?"),
    Choice("period", PERIODS, {"end": "The end of the period", "start": "The beginning of the period"}, "In column {column!r}, {cells} such as {example} {says} a period, not a moment. When in it was the usage?"),
)


def choice(connection: duckdb.DuckDBPyConnection, relation: str, text: str, field: str, column: str, found: times.TimeEvidence, reading: TimeReading, asked: Choice) -> Question:
    """What one of the choices is, with the months that rows fall into. It blocks where a row changes its month."""
    ways = {value: replace(reading, **{asked.name: value}) for value in asked.options}
    options = tuple(QuestionOption(value=value, label=label, effect=_month_effect(_months(connection, relation, text, ways[value]), found.cells)) for value, label in asked.options.items())
    moved = _change_month(connection, relation, text, *ways.values())
    cells = found.having(*asked.forms)
    verbs = {"has": "has", "is_": "is", "says": "names"} if cells == 1 else {"has": "have", "is_": "are", "says": "name"}
    wording = asked.text.format(column=column, cells=count_of(cells, "cell"), example=found.example_of(*asked.forms), **verbs)
    return Question(name=f"{asked.name}.{field}", text=f"{wording} {_moves(moved) if moved else 'No row changes its month.'}", options=options, proposed=next(iter(asked.options)), blocking=moved > 0)


FRACTION = {"cut": "Leave the further digits off", "fix": "Such times need fixing"}


def fraction(field: str, column: str, fine: int, kept: int) -> Question:
    """What becomes of digits of a second that the account doesn't keep, where most times have them? No row changes its month by it."""
    effects = {"cut": "every event stays in its second", "fix": f"{count_of(fine, 'row')} {'needs' if fine == 1 else 'need'} fixing and won't be sent"}
    options = tuple(QuestionOption(value=value, label=label, effect=effects[value]) for value, label in FRACTION.items())
    text = f"{count_of(fine, 'time')} in column {column!r} {'has' if fine == 1 else 'have'} more digits of a second than the account keeps ({kept}). What becomes of the further ones?"
    return Question(name=f"fraction.{field}", text=text, options=options, proposed="cut", blocking=False)


def _moment(reading: TimeReading, name: str) -> str:
    return times.plausible(times.parsed(name, times.is_zoned(name, reading.forms), reading.forms))


def _months(connection: duckdb.DuckDBPyConnection, relation: str, text: str, reading: TimeReading) -> list[tuple[str, int]]:
    return connection.execute(f"""
        select strftime(t, '%Y-%m') as month, count(*) from (select {_moment(reading, 'n')} as t from (select {iso_text('s', reading)} as n from (select {text} as s from {relation})))
        where t is not null group by 1 order by 1""").fetchall()


def _change_month(connection: duckdb.DuckDBPyConnection, relation: str, text: str, one: TimeReading, other: TimeReading) -> int:
    """How many rows fall into another month, or into none, under the other reading."""
    return connection.execute(f"""
        select count(*) filter (date_trunc('month', {_moment(one, 'a')}) is distinct from date_trunc('month', {_moment(other, 'b')}))
        from (select {iso_text('s', one)} as a, {iso_text('s', other)} as b from (select {text} as s from {relation}))""").fetchone()[0]


def _month_effect(months: list[tuple[str, int]], cells: int) -> str:
    shown = [f"{count:,} in {month}" for month, count in months[:6]] + ([f"more in {len(months) - 6} other months"] if len(months) > 6 else [])
    unread = cells - sum(count for _, count in months)
    return ", ".join(shown or ["no date at all"]) + (f"; {unread:,} can't be read" if unread else "")


def time_zone(connection: duckdb.DuckDBPyConnection, local: str, field: str, column: str, naive: int, first: datetime, last: datetime) -> Question:
    """Which zone are these clocks in? Read as UTC until somebody says otherwise. It blocks where a clock shows and the month of a row hangs on it; days and months alone are taken as they stand. `local` is a SELECT of the times as `t`.

    Every zone is some quarters of an hour off, so a quarter of an hour is looked at once, however many rows fall into it.
    """
    connection.execute(f"create or replace temp table quarters as select time_bucket(interval 15 minutes, t) as t, count(*) as n from ({local}) where t is not null group by 1")
    moved = {zone: _moved(connection, zone, first, last) for zone in ZONES}
    options = tuple(QuestionOption(value=zone, label=zone, effect=("as it is read now; " if zone == "UTC" else "") + _zone_effect(*moved[zone])) for zone in ZONES)
    most = max(sum(months.values()) for _, months in moved.values())
    bill = f" It changes the month, and so the bill, of up to {count_of(most, 'row')}." if most else " No row changes its month in the zones offered."
    text = f"{count_of(naive, 'time')} in column {column!r} without a time zone, read as UTC. Which zone is it?{bill}"
    clock = most and connection.execute(f"select count(*) filter (t <> date_trunc('day', t) and strftime(t, '%H:%M:%S') <> '23:59:59') from ({local})").fetchone()[0]
    return Question(name=f"zone.{field}", text=text, options=options, proposed="UTC", blocking=bool(clock) and field == "timestamp")


def _moved(connection: duckdb.DuckDBPyConnection, zone: str, first: datetime, last: datetime) -> tuple[int, dict[str, int]]:
    """How many rows fall on another day than the one they show, and how many of them into which other month."""
    utc = zones.local_time("t", zone, first, last).utc
    rows = connection.execute(f"""
        select strftime(utc, '%Y-%m') as month, sum(n) filter (utc::date <> t::date)::bigint, sum(n) filter (date_trunc('month', utc) <> date_trunc('month', t))::bigint
        from (select t, n, {utc} as utc from quarters) group by 1 order by 1""").fetchall()
    return sum(days or 0 for _, days, _ in rows), {month: moved for month, _, moved in rows if moved}


def _zone_effect(days: int, months: dict[str, int]) -> str:
    if not days:
        return "every row stays on the day it shows"
    where = ", ".join(f"{count:,} in {month}" for month, count in list(months.items())[:3])
    return f"{count_of(days, 'row')} on another day than shown" + (f", {sum(months.values()):,} of them in another month ({where})" if months else "")


def empty_cells(connection: duckdb.DuckDBPyConnection, raw: str, text: str, number: str, field: str, column: str, empty: int, cells: int) -> Question:
    """What does an empty cell mean? Only a person knows. `text` is the cell without edges, `number` its plain number in terms of `s`."""
    row, added = connection.execute(f"""
        select min(_row) filter (s is null), sum(try_cast({number.replace('{s}', 'above')} as decimal(38,6))) filter (s is null)
        from (select _row, s, last_value(s ignore nulls) over (order by _row rows between unbounded preceding and current row) as above from (select _row, {text} as s from {raw}))""").fetchone()
    effects = {
        "nothing": "the events go without this number", "zero": "they are sent as 0", "unknown": f"{count_of(empty, 'row')} {'needs' if empty == 1 else 'need'} fixing and won't be sent",
        "above": f"each takes the number above it, which adds {plain_text(added or 0)} to the total",
    }
    options = tuple(QuestionOption(value=value, label=label, effect=effects[value]) for value, label in EMPTY.items())
    text = f"In column {column!r}, {count_of(empty, 'cell')} of {empty + cells:,} {'is' if empty == 1 else 'are'} empty (first: row {row}). What does an empty cell mean?"
    return Question(name=f"empty.{field}", text=text, options=options, proposed="nothing")


def plain_text(number: object) -> str:
    """An amount for people, without zeros at its end."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def unit(field: str, column: str, found: Dress, totals: Mapping[str, str], proposed: str | None, lengths: LengthEvidence | None = None) -> Question:
    """Into which unit do the numbers go? It blocks where cells have several, or are lengths of time; where all have one, that one is taken off unless somebody says otherwise."""
    ways = ", ".join(f"{count:,} {'without a unit' if not each else 'in ' + each}" for each, count in found.units)
    single = len(found.units) == 1
    text = f"Every number of column {column!r} has the unit {found.usual}. It is taken off; which unit are the numbers to be in?" if single else f"The numbers of column {column!r} don't have one unit: {ways}. Which unit are they to be in?"
    if single and lengths:
        text = f"The cells of column {column!r} are lengths of time such as {lengths.example}, read as seconds. Which unit are the numbers to be in?"
    bare = dict(found.units).get("", 0)
    labels = {NONE: "Only the numbers without a unit"}
    options = tuple(QuestionOption(value=each, label=labels.get(each, each), effect=total + (f"; {count_of(bare, 'number')} without a unit taken as {each}" if bare and each != NONE else "")) for each, total in totals.items())
    return Question(name=f"unit.{field}", text=text, options=options, proposed=proposed, blocking=not (single or proposed == NONE) or (single and lengths is not None))


def pair_order(connection: duckdb.DuckDBPyConnection, relation: str, text: str, field: str, column: str, found: LengthEvidence, proposed: PairOrder | None) -> Question:
    """Is 5:12 five hours, or five minutes?"""
    options = tuple(QuestionOption(value=order, label=label, effect=_length_effect(connection, relation, text, order)) for order, label in PAIRS.items())
    cells = count_of(found.pairs, "cell")
    text = f"In column {column!r}, {cells} such as {found.example} can be hours and minutes, or minutes and seconds. Which is it?"
    return Question(name=f"duration.{field}", text=text, options=options, proposed=proposed)


def _length_effect(connection: duckdb.DuckDBPyConnection, relation: str, text: str, order: PairOrder) -> str:
    seconds = rf"try_cast(regexp_extract({with_unit(text, order)}, '^(-?\d+) s$', 1) as hugeint)"
    return f"they add up to {connection.execute(f'select sum({seconds}) from {relation} where {matches(text, PAIR)}').fetchone()[0] or 0:,} seconds"


def percent(field: str, column: str, found: Dress, totals: Mapping[str, str]) -> Question:
    """Is 50% the number 50, or a half?"""
    example = dict(found.examples)["%"]
    count = dict(found.units)["%"]
    options = tuple(QuestionOption(value=value, label=label, effect=totals[value]) for value, label in PERCENT.items())
    return Question(name=f"percent.{field}", text=f"In column {column!r}, {count_of(count, 'number')} such as {example} {'has' if count == 1 else 'have'} a percent sign. Is 50% sent as 50, or as 0.5?", options=options)
