"""Columns of dates and times: how each is read, and what it leaves open."""

from dataclasses import replace
from datetime import datetime

from ingest.check import readings
from ingest.check.column import Column, Probe
from ingest.check.plan import Plan, cells
from ingest.values import times, zones
from ingest.values.forms import DateOrder, TimeReading, iso_text
from ingest.values.text import trimmed
from schemas.checking import Question

SLIPS = 5
"""So few times with too many digits of a second are slips, and not how the file is written."""


def read_timestamp(column: Column) -> Plan:
    name = column.answers.get(f"zone.{column.field.name}") or zones.said_zone(column.header) or column.answers.get("zone.timestamp")
    order = column.answer("date_order", ("day_first", "month_first"))
    found = column.found
    kept = min(column.profile.timestamp_digits, 6)
    if found["cells"] and found["cells"] == found["read"] and _in_years(found["first"], found["last"]):
        if found["zulu"] == found["cells"] and _keeps_all(found, 20, kept):
            return column.plan([("source", column.text), ("value", f"try_cast({column.step('source')} as timestamp)")], "TIMESTAMP", {**column.filled_everywhere, **_future(column)})
        if not found["zulu"] and _keeps_all(found, 19, kept):
            return _local_timestamp(column, name, [("source", column.text), ("local", f"try_cast({column.step('source')} as timestamp)")], column.filled_everywhere, found["first"], found["last"])
    return _written_timestamp(column, name, order, kept)


def _keeps_all(found: Probe, without_fraction: int, kept: int) -> bool:
    """Whether no time can have more digits of a second than are kept."""
    return found["longest"] <= without_fraction or (kept == 3 and found["longest"] <= without_fraction + 4 and not found["below_milliseconds"])


def _in_years(first: datetime, last: datetime) -> bool:
    """Whether both are within the plausible years; infinity comes as the first or last moment that Python knows."""
    return first.year >= times.FIRST_YEAR and last.year < times.LAST_YEAR


def _future(column: Column) -> dict[str, str]:
    return {"timestamp_in_future": f"{column.step('value')} > moment_of_check()"} if column.field.name == "timestamp" else {}


def _local_timestamp(column: Column, name: str | None, steps: list[tuple[str, str]], facts: dict[str, str], first: datetime, last: datetime) -> Plan:
    """A column whose times all leave the zone open."""
    local = column.step("local")
    reading = zones.local_time(local, name or "UTC", first, last)
    facts = {**facts, **_future(column), **_zone_facts(reading, "true")}
    value = f"case when not {reading.missing} then {reading.utc} end" if reading.missing else reading.utc
    asked, notes = (), {}
    if name is None:
        facts["timestamp_without_zone"] = f"{local} is not null"
        asked, notes = (_zone_question(column, steps, "true", column.found["cells"], first, last),), {"timestamp_without_zone": column.found["cells"]}
    return column.plan([*steps, ("value", value)], "TIMESTAMP", facts, questions=asked, notes=notes)


def _zone_question(column: Column, steps: list[tuple[str, str]], naive: str, count: int, first: datetime, last: datetime) -> Question:
    local = f"select {column.step('local')} as t from ({cells(f'select {column.text} from {column.relation}', (column.plan(steps, 'TIMESTAMP', {}),))}) where {naive}"
    return readings.time_zone(column.connection, local, column.field.name, column.header, count, first, last)


def _zone_facts(reading: zones.LocalTime, naive: str) -> dict[str, str]:
    known = {"time_does_not_exist": reading.missing, "time_exists_twice": reading.twice}
    return {name: f"{naive} and {condition}" for name, condition in known.items() if condition}


def _written_timestamp(column: Column, name: str | None, order: str | None, kept: int) -> Plan:
    source, iso, zoned, local, value = (column.step(step) for step in ("source", "iso", "zoned", "local", "value"))
    tidy = column.tidy()
    evidence = times.time_evidence(column.connection, column.relation, tidy)
    end = " 23:59:59" + (f".{'9' * kept}" if kept else "")
    reading, asked = _reading(column, evidence, order, end)
    steps = [
        ("source", tidy), ("iso", iso_text(source, reading)), ("zoned", times.is_zoned(iso, reading.forms)),
        ("local", times.plausible(times.parsed(iso, zoned, reading.forms))),
    ]
    fine = times.too_fine(local, iso, kept)
    naive, first, last, finer, filled = _seen(column, steps, fine)
    facts = {"not_a_timestamp": f"{source} is not null and {value} is null", "timestamp_too_fine": fine, **_future(column)}
    said = column.answer("fraction", tuple(readings.FRACTION))
    mostly = finer > max(SLIPS, filled / 2)
    if said == "cut" or not said and mostly:
        steps[-1] = ("local", times.cut_off(steps[-1][1], kept))
        del facts["timestamp_too_fine"]
    asked += (readings.fraction(column.field.name, column.header, finer, kept),) if mostly and not said else ()
    if not naive:
        return column.plan([*steps, ("value", local)], "TIMESTAMP", facts, questions=asked, shown=_shown(evidence))
    clocks = zones.local_time(local, name or "UTC", first, last)
    facts |= _zone_facts(clocks, f"{local} is not null and not {zoned}")
    shifted = f"case when {zoned} then {local} {f'when {clocks.missing} then null' if clocks.missing else ''} else {clocks.utc} end"
    notes: dict[str, int] = {}
    if name is None:
        facts["timestamp_without_zone"], notes = f"{local} is not null and not {zoned}", {"timestamp_without_zone": naive}
        asked += (_zone_question(column, steps, f"not {zoned}", naive, first, last),) if column.match.column is not None else ()
    return column.plan([*steps, ("value", shifted)], "TIMESTAMP", facts, questions=asked, notes=notes, shown=_shown(evidence))


def _shown(evidence: times.TimeEvidence) -> dict[str, str]:
    return {"date_order": evidence.order} if bool(evidence.day_first) != bool(evidence.month_first) else {}


def _seen(column: Column, steps: list[tuple[str, str]], fine: str) -> tuple[int, datetime | None, datetime | None, int, int]:
    """How many times leave the zone open, the first and last of them; how many are too fine, and how many there are."""
    plan = column.plan(steps, "TIMESTAMP", {})
    local, zoned = column.step("local"), column.step("zoned")
    naive = f"filter (not {zoned})"
    return column.connection.execute(f"select count({local}) {naive}, min({local}) {naive}, max({local}) {naive}, count(*) filter ({fine}), count({local}) from ({cells(f'select * from {column.relation}', (plan,))})").fetchone()


def _reading(column: Column, evidence: times.TimeEvidence, order: DateOrder | None, end_of_day: str) -> tuple[TimeReading, tuple[Question, ...]]:
    """How the cells are read, with what was answered or is likely, and the questions that have no answer yet."""
    reading = TimeReading(forms=evidence.forms, words=evidence.words, zones=evidence.zones, end_of_day=end_of_day, order=order or evidence.order)
    open_choices = []
    for choice in readings.CHOICES:
        answer = column.answer(choice.name, tuple(choice.options))
        reading = replace(reading, **{choice.name: answer or next(iter(choice.options))})
        open_choices += [choice] if not answer and evidence.having(*choice.forms) else []
    if column.match.column is None:
        return reading, ()
    common = column.connection, column.relation, trimmed(column.text), column.field.name, column.header, evidence
    asked: tuple[Question, ...] = ()
    if not order and evidence.open:
        asked = (readings.date_order(*common, reading),)
        reading = replace(reading, order=asked[0].proposed or evidence.order)
    return reading, asked + tuple(readings.choice(*common, reading, each) for each in open_choices)


def read_date(column: Column) -> Plan:
    order, found = column.answer("date_order", ("day_first", "month_first")), column.found
    if found["cells"] and found["cells"] == found["plain"] and found["first"].year >= 1900 and found["last"].year < 2300:
        return column.plan([("source", column.text), ("value", f"try_cast({column.step('source')} as date)")], "DATE", column.filled_everywhere)
    source, iso, local, value = (column.step(step) for step in ("source", "iso", "local", "value"))
    tidy = column.tidy()
    evidence = times.time_evidence(column.connection, column.relation, tidy).without("epoch", "hour")
    reading, asked = _reading(column, evidence, order, "")
    forms = reading.forms
    steps = [
        ("source", tidy), ("iso", iso_text(source, reading)),
        ("local", times.parsed(iso, times.is_zoned(iso, forms), forms)), ("value", f"case when {local}::time = time '00:00:00' and year({local}) between 1900 and 2299 then {local}::date end"),
    ]
    return column.plan(steps, "DATE", {"not_a_date": f"{source} is not null and {value} is null"}, questions=asked, shown=_shown(evidence))
