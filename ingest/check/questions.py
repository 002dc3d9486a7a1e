"""What a column leaves open, put as questions with evidence and the effect of each answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb

from ingest.values import numbers, times, zones
from ingest.wording import count as count_of
from schemas.checking import Question, QuestionOption, SentBefore
from schemas.matching import DecimalMark, EarlierKey

ZONES = ("UTC", "Europe/London", "Europe/Berlin", "America/New_York", "America/Chicago", "America/Los_Angeles", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney")
MARKS: dict[DecimalMark, str] = {"point": "A point", "comma": "A comma"}
ORDERS: dict[times.DateOrder, str] = {"day_first": "Day first", "month_first": "Month first"}


def decimal_mark(connection: duckdb.DuckDBPyConnection, relation: str, text: str, field: str, column: str, found: numbers.NumberEvidence) -> Question:
    """Which mark is the decimal one?"""
    both = found.point and found.comma
    evidence = f"every number with a mark looks like {found.example}, which can be read in two ways"
    if both:
        evidence = f"{found.point:,} numbers are written with a decimal point and {found.comma:,} with a decimal comma"
    options = tuple(QuestionOption(value=mark, label=label, effect=_mark_effect(connection, relation, text, mark, found)) for mark, label in MARKS.items())
    text = f"In column {column!r}, {evidence}. Which mark separates the decimals?"
    return Question(name=f"decimal_mark.{field}", text=text, options=options, proposed=found.mark if both else None)


def _mark_effect(connection: duckdb.DuckDBPyConnection, relation: str, text: str, mark: DecimalMark, found: numbers.NumberEvidence) -> str:
    number = numbers.number_text("s", mark)
    total, unread = connection.execute(f"""
        select sum(try_cast(t as decimal(18,4))), count(*) filter (s is not null and t is null)
        from (select s, {number} as t from (select {text} as s from {relation}))""").fetchone()
    read = numbers.parse_number(connection, found.example, mark) if found.example else None
    parts = [f"{found.example} is {read}"] if read else []
    parts.append(f"the column adds up to {total or 0:,f}".rstrip("0").rstrip("."))
    return "; ".join(parts + ([f"{count_of(unread, 'cell')} can't be read"] if unread else []))


def date_order(connection: duckdb.DuckDBPyConnection, relation: str, text: str, field: str, column: str, found: times.TimeEvidence) -> Question:
    """Day or month first?"""
    if found.day_first and found.month_first:
        evidence = f"In column {column!r}, {found.day_first:,} dates have the day first and {found.month_first:,} the month"
    else:
        evidence = f"In column {column!r}, {found.either:,} dates such as {found.example} can be read in two ways"
    months = {order: _months(connection, relation, text, found, order) for order in ORDERS}
    moved = _change_month(connection, relation, text, found)
    options = tuple(QuestionOption(value=order, label=label, effect=_month_effect(months[order], found.cells)) for order, label in ORDERS.items())
    return Question(name=f"date_order.{field}", text=f"{evidence}. What comes first? {count_of(moved, 'row')} {'changes its' if moved == 1 else 'change their'} month, and so the bill.", options=options, proposed=_likelier(found, months))


def _likelier(found: times.TimeEvidence, months: dict[times.DateOrder, list[tuple[str, int]]]) -> times.DateOrder | None:
    if found.day_first or found.month_first:
        return found.order
    day, month = len(months["day_first"]), len(months["month_first"])
    return None if day == month else "day_first" if day < month else "month_first"


def _months(connection: duckdb.DuckDBPyConnection, relation: str, text: str, found: times.TimeEvidence, order: times.DateOrder) -> list[tuple[str, int]]:
    iso = times.iso_text("s", found.forms, order)
    moment = times.parsed("n", times.is_zoned("n", found.forms), found.forms)
    return connection.execute(f"""
        select strftime(t, '%Y-%m') as month, count(*) from (select {moment} as t from (select {iso} as n from (select {text} as s from {relation})))
        where t is not null group by 1 order by 1""").fetchall()


def _change_month(connection: duckdb.DuckDBPyConnection, relation: str, text: str, found: times.TimeEvidence) -> int:
    """How many rows fall into another month, or into none, under the other order."""
    day, month = (f"date_trunc('month', {times.parsed(name, times.is_zoned(name, found.forms), found.forms)})" for name in ("d", "m"))
    ways = ", ".join(f"{times.iso_text('s', found.forms, order)} as {name}" for order, name in (("day_first", "d"), ("month_first", "m")))
    return connection.execute(f"select count(*) filter ({day} is distinct from {month}) from (select {ways} from (select {text} as s from {relation}))").fetchone()[0]


def _month_effect(months: list[tuple[str, int]], cells: int) -> str:
    shown = [f"{count:,} in {month}" for month, count in months[:6]] + ([f"more in {len(months) - 6} other months"] if len(months) > 6 else [])
    unread = cells - sum(count for _, count in months)
    return ", ".join(shown or ["no date at all"]) + (f"; {unread:,} can't be read" if unread else "")


def time_zone(connection: duckdb.DuckDBPyConnection, local: str, field: str, column: str, naive: int, first: datetime, last: datetime) -> Question:
    """Which zone are these clocks in? Read as UTC until somebody says otherwise, so it doesn't block. `local` is a SELECT of the times as `t`.

    Every zone is some quarters of an hour off, so a quarter of an hour is looked at once, however many rows fall into it.
    """
    connection.execute(f"create or replace temp table quarters as select time_bucket(interval 15 minutes, t) as t, count(*) as n from ({local}) where t is not null group by 1")
    moved = {zone: _moved(connection, zone, first, last) for zone in ZONES}
    options = tuple(QuestionOption(value=zone, label=zone, effect=("as it is read now; " if zone == "UTC" else "") + _zone_effect(*moved[zone])) for zone in ZONES)
    most = max(sum(months.values()) for _, months in moved.values())
    bill = f" It changes the month, and so the bill, of up to {count_of(most, 'row')}." if most else " No row changes its month in the zones offered."
    text = f"{count_of(naive, 'time')} in column {column!r} without a time zone, read as UTC. Which zone is it?{bill}"
    return Question(name=f"zone.{field}", text=text, options=options, proposed="UTC", blocking=False)


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


def _rows(count: int, one: str, many: str) -> str:
    return f"1 row {one}" if count == 1 else f"{count:,} rows {many}"


def identical_rows(rows: int, row: int, first: int, sums: Mapping[str, str], pasted: tuple[int, int, int, int] | None) -> Question:
    """Are identical rows separate events? Only a person knows, and the bill hangs on it. `row` is the same as `first`; `pasted` says from where to where rows repeat which others."""
    adds = ", ".join(f"{value} to {field}" for field, value in sums.items())
    options = (
        QuestionOption(value="keep", label="Yes, every row counts", effect=f"{_rows(rows, 'is', 'are')} sent too{f', adding {adds}' if adds else ''}"),
        QuestionOption(value="once", label="No, count them once", effect=f"{_rows(rows, 'is', 'are')} left out as a duplicate"),
    )
    evidence = f"as row {row} does row {first}"
    if pasted:
        evidence = f"most of them as if a block was pasted twice: rows {pasted[0]} to {pasted[1]} are rows {pasted[2]} to {pasted[3]} again"
    text = f"{_rows(rows, 'repeats', 'repeat')} an earlier row of this file exactly, {evidence}. Is that separate usage?"
    return Question(name="identical_rows", text=text, options=options, proposed=None if pasted else "keep")


def sender(sent: SentBefore) -> str:
    """An import that sent something, as people know it: its file, its id, its day."""
    return f"{sent.file_name} ({sent.import_id}, {sent.sent_at[:10]})" if sent.file_name else f"import {sent.import_id}"


def already_sent(senders: Sequence[SentBefore]) -> Question:
    """Is usage that looks like events sent from another file new? Not sent again until somebody says so, so it doesn't block."""
    rows = sum(each.rows for each in senders)
    options = (
        QuestionOption(value="again", label="Yes, the same usage again", effect=f"{_rows(rows, 'is', 'are')} not sent a second time"),
        QuestionOption(value="new", label="No, it is new usage that looks alike", effect=f"{_rows(rows, 'is', 'are')} sent as new usage"),
    )
    named = ", ".join(sender(each) for each in senders[:3]) + (f" and {len(senders) - 3} more" if len(senders) > 3 else "")
    text = f"{_rows(rows, 'looks', 'look')} exactly like usage that was sent to this account from another file: {named}. Is it the same usage again?"
    return Question(name="already_sent", text=text, options=options, proposed="again", blocking=False)


def key_changed(earlier: EarlierKey, close: int) -> Question:
    """Is another key than before meant? It blocks where rows of this file stand beside sent ones of the same customer and time: corrections would be billed twice."""
    before = " + ".join(earlier.fields) or "all columns"
    options = (
        QuestionOption(value="stop", label="Send nothing: choose the same columns as before", effect="a corrected row is recognised as a change of the one that was sent"),
        QuestionOption(value="send", label="Send them under these columns", effect=f"{_rows(close, 'is', 'are')} sent beside events of the same customer and time" if close else "no row of this file has the customer and time of a sent one"),
    )
    text = f"Until now {before} made a row the same row ({earlier.file_name}, {earlier.import_id}, {earlier.sent_at[:10]}); for this file it is something else. " + (
        f"{_rows(close, 'has', 'have')} the customer and time of an event that was sent, and may be a correction of it. Send as new usage?" if close else "Is that meant?")
    return Question(name="key_changed", text=text, options=options, proposed="stop" if close else "send", blocking=close > 0)


def sent_differently(gone: int, waiting: int) -> Question:
    """Are these rows to be sent although the same file was sent before, read in another way?"""
    options = (
        QuestionOption(value="stop", label="Send nothing: put the columns, the key and the zone back", effect="nothing is billed twice"),
        QuestionOption(value="send", label="Send them: this is other usage", effect=f"{_rows(waiting, 'is', 'are')} sent beside the {count_of(gone, 'event')} in the account already"),
    )
    text = f"{count_of(gone, 'event of this very file was', 'events of this very file were')} sent before, when it was read in another way (other columns, key or time zone). Sending it again would bill its rows twice. Is it other usage?"
    return Question(name="sent_differently", text=text, options=options, proposed="stop")
