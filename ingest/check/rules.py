"""How checks are set for one kind of usage, and what that asks of each field's cells."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import duckdb

from ingest.check import formula
from ingest.check.checks import CHECKS, OF_THE_FILE, Check, Level
from ingest.check.plan import Plan
from ingest.engine import literal
from ingest.errors import BadInput
from ingest.values.text import matches
from ingest.values.zones import to_utc
from schemas.account import AccountProfile
from schemas.check_setting import CheckSetting
from schemas.event_type import NUMERIC_TYPES, ROOT_FIELDS
from schemas.matching import MatchSpec

NAMES = {name: check for check in CHECKS.values() for name in (check.called, check.code)}
PARAMETERS = tuple(name for name in CheckSetting.model_fields if name != "severity")
NOTHING = CheckSetting()


@dataclass(frozen=True)
class Rules:
    """The settings by code and field; an empty field stands for all of them."""

    settings: Mapping[tuple[str, str], CheckSetting]

    def setting(self, code: str, field: str = "") -> CheckSetting:
        """What was set for this field, else for all of them."""
        return self.settings.get((code, field)) or self.settings.get((code, "")) or NOTHING

    def severity(self, code: str, field: str = "") -> Level:
        """How severe an issue is: as it was set, else as the registry says."""
        return self.setting(code, field).severity or CHECKS[code].severity

    def on(self, code: str, field: str = "") -> bool:
        """Whether the check is to be made."""
        return self.severity(code, field) != "off"

    def of(self, code: str) -> Iterator[tuple[str, CheckSetting]]:
        """The fields that a check was set for."""
        return ((field, setting) for (name, field), setting in self.settings.items() if name == code and setting.severity != "off")


def rules_of(spec: MatchSpec) -> Rules:
    """The settings of a match. Raises BadInput for a check, field or parameter that isn't there."""
    known = {match.field for match in spec.matches} | ({"timestamp"} if spec.period else set())
    return Rules({_place(name, setting, known, spec): setting for name, setting in spec.checks.items()})


def _place(name: str, setting: CheckSetting, known: set[str], spec: MatchSpec) -> tuple[str, str]:
    called, _, field = name.partition(".")
    check = NAMES.get(called)
    if check is None:
        raise BadInput(f"There is no check {called!r}.", f"Checks: {', '.join(sorted(check.called for check in CHECKS.values()))}.")
    if field and check.concerns == "row":
        raise BadInput(f"The check {called!r} concerns rows, not the field {field!r}.", f"Set it as {called!r}.")
    if field and field not in known:
        raise BadInput(f"The check {name!r} is for the field {field!r}, which no column gives.", f"Fields: {', '.join(sorted(known))}.")
    if check.asked and check.concerns == "field" and not field:
        raise BadInput(f"It isn't said which field the check {called!r} is for.", f"Write {called}.FIELD.")
    _fits(name, check, field, setting, spec)
    return check.code, field


def _fits(name: str, check: Check, field: str, setting: CheckSetting, spec: MatchSpec) -> None:
    for parameter in PARAMETERS:
        if getattr(setting, parameter) not in (None, ()) and parameter not in check.takes:
            raise BadInput(f"The check {name!r} takes no {parameter!r}.", f"It takes {', '.join(('severity', *check.takes))}.")
    if setting.severity not in (None, "error") and (check.fixed or (check.code == "missing_value" and (not field or field in (*ROOT_FIELDS, *(spec.key or ()))))):
        raise BadInput(f"The check {name!r} can't be less than an error: such a row can't be made into an event.", "Leave its severity out.")
    if setting.severity == "error" and check.code in OF_THE_FILE:
        raise BadInput(f"The check {name!r} is about the whole file, so no row can be held back for it.", "Set it to warning, note or off.")
    if check.asked and check.takes and check.code != "not_unique" and setting.severity != "off" and not any(getattr(setting, each) for each in check.takes):
        raise BadInput(f"The check {name!r} doesn't say what to hold cells against.", f"It takes {', '.join(check.takes)}.")


# What the settings ask of cells.


def configured(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], spec: MatchSpec, profile: AccountProfile, rules: Rules) -> tuple[Plan, ...]:
    """The plans with a fact for everything that was set. A plain check without settings changes nothing."""
    by_field = {plan.field: plan for plan in plans}
    asked: list[tuple[str, str, str]] = [("timestamp", code, condition) for code, condition in _times(by_field["timestamp"], spec, profile, rules)]
    for (code, field), setting in rules.settings.items():
        if setting.severity == "off":
            continue
        if code == "missing_value" and field:
            asked.append((field, "asked_for", "true"))
        elif code == "formula_fails":
            holds, fields = formula.condition(setting.formula or "", by_field)
            asked.append((fields[0], code, f"not coalesce(try({holds}), true)"))
        elif code in CONDITIONS:
            asked.append((field, code, CONDITIONS[code](connection, by_field[field], setting)))
    return tuple(replace(plan, facts={**plan.facts, **{code: sql for field, code, sql in asked if field == plan.field}}) for plan in plans)


def _range(_: duckdb.DuckDBPyConnection, plan: Plan, setting: CheckSetting) -> str:
    sides = [f"{plan.value} {sign} {_bound(plan, text)}" for sign, text in (("<", setting.min), (">", setting.max)) if text]
    return f"({' or '.join(sides)})"


def _bound(plan: Plan, text: str) -> str:
    if plan.type in NUMERIC_TYPES:
        return number(text, f"The range of {plan.field}")
    if plan.type in ("Date32", "DateTime64"):
        return moment(text, f"The range of {plan.field}", "date" if plan.type == "Date32" else "timestamp")
    raise BadInput(f"{plan.field!r} has no range: it is neither a number nor a date.", "Use the check allowed, pattern or length.")


def number(text: str, where: str) -> str:
    """A number as SQL, digit for digit."""
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("nan")
    if not found.is_finite() or abs(found.adjusted()) > 37:
        raise BadInput(f"{where}: {text!r} is not a number.", "Write it with digits only, as in 1234.5.")
    return format(found, "f")


def moment(text: str, where: str, kind: str = "timestamp") -> str:
    """A date or time as SQL, in UTC."""
    try:
        found = date.fromisoformat(text) if kind == "date" else datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{where}: {text!r} is not a date.", "Write it as in 2026-10-01.") from None
    if isinstance(found, datetime) and found.tzinfo:
        found = found.astimezone(UTC).replace(tzinfo=None)
    return f"{kind} '{found.isoformat(sep=' ') if isinstance(found, datetime) else found.isoformat()}'"


def _allowed(_: duckdb.DuckDBPyConnection, plan: Plan, setting: CheckSetting) -> str:
    return f"{plan.source} not in ({', '.join(map(literal, setting.values))})"


def _pattern(connection: duckdb.DuckDBPyConnection, plan: Plan, setting: CheckSetting) -> str:
    try:
        connection.execute(f"select {matches(literal(''), setting.pattern or '')}").fetchone()
    except duckdb.Error:
        raise BadInput(f"The form {setting.pattern!r} for {plan.field} can't be understood.", "It is a regular expression, as in INV-[0-9]{6}.") from None
    return f"not {matches(plan.source, setting.pattern or '')}"


def _length(_: duckdb.DuckDBPyConnection, plan: Plan, setting: CheckSetting) -> str:
    for text in (setting.min, setting.max):
        if text and not re.fullmatch(r"[0-9]{1,9}", text):
            raise BadInput(f"The length {text!r} of {plan.field} is not a whole number.", "Write it with digits only.")
    sides = [f"length({plan.source}) {sign} {text}" for sign, text in (("<", setting.min), (">", setting.max)) if text]
    return f"({' or '.join(sides)})"


CONDITIONS: Mapping[str, Callable[[duckdb.DuckDBPyConnection, Plan, CheckSetting], str]] = {"out_of_range": _range, "not_allowed": _allowed, "unlike_pattern": _pattern, "wrong_length": _length}


def _times(plan: Plan, spec: MatchSpec, profile: AccountProfile, rules: Rules) -> Iterator[tuple[str, str]]:
    """What is asked of the times, where a column says them: the stated period, and the account's window."""
    if plan.column is None:
        return
    said, zone = rules.setting("outside_period"), spec.period.zone if spec.period else "UTC"
    bounds = [(sign, text) for sign, text in (("<", said.min or (spec.period.start if spec.period else None)), (">=", said.max or (spec.period.end if spec.period else None))) if text]
    if bounds:
        sides = [f"{plan.value} {sign} {moment(_start(text, zone), 'The period')}" for sign, text in bounds]
        yield "outside_period", f"({' or '.join(sides)})"
    window = [f"{plan.value} < moment_of_check() - interval {profile.oldest_days} day"] if profile.oldest_days is not None else []
    window += [f"{plan.value} > moment_of_check() + interval {profile.ahead_days} day"] if profile.ahead_days is not None else []
    if window:
        yield "outside_window", f"({' or '.join(window)})"


def _start(text: str, zone: str) -> str:
    try:
        return to_utc(datetime.fromisoformat(text), zone).isoformat() if len(text) <= 10 else text
    except ValueError:
        return text
