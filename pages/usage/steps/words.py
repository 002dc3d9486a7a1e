"""The sentences of the steps Columns and Review, made from records alone. All are safe to show as Markdown."""

from datetime import date, datetime
from decimal import Decimal

from ingest.raw import row_in_file
from pages.parts.text import count, month, number, plain, shorten
from schemas.account import Account
from schemas.checking import CheckResult, Comparison, IssueGroup
from schemas.deciding import Decision, Effect, SinceLastTime
from schemas.event_type import FieldType
from schemas.matching import FieldMatch
from schemas.previewing import Function
from schemas.reading import ReadReport

TYPES: dict[FieldType, str] = {"String": "text", "Int64": "whole number", "Float64": "number", "Decimal": "exact number", "Bool": "yes or no", "Date32": "date", "DateTime64": "date and time", "UUID": "identifier"}
CONFIDENCES = {"certain": "certain", "likely": "likely", "possible": "a guess"}
FUNCTIONS: dict[Function, str] = {"sum": "Total", "count": "Number of events", "distinct": "Different values", "min": "Smallest", "max": "Largest", "average": "Average", "latest": "Latest"}
_FIELDS = {"customer_id": "Customer", "timestamp": "Time", "customer": "Customer", "day": "Day"}


def field(name: str) -> str:
    """A field as people call it, inside a sentence."""
    return plain(name_of(name))


def name_of(name: str) -> str:
    """A field as people call it, for lists of choices, charts and headings, which show any text as it is."""
    return _FIELDS.get(name) or name


def things(value: int, one: str, many: str) -> str:
    """`1 needs fixing`, `19 need fixing`."""
    return f"{number(value)} {one if value == 1 else many}"


def listed(names: tuple[str, ...] | list[str], most: int = 5) -> str:
    """People's own names in a row: `a, b and 3 more`."""
    shown = ", ".join(plain(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {number(len(names) - most)} more"


def quoted(values: tuple[str, ...], length: int = 40) -> str:
    """Up to three examples of a column: `‘acme’, ‘globex’`."""
    shown = [f"‘{plain(shorten(value, length))}’" for value in values if value.strip()][:3]
    return ", ".join(shown) or "empty"


def source(match: FieldMatch) -> str:
    """Where a field's values come from."""
    return f"column {plain(match.column)}" if match.column is not None else f"‘{plain(match.constant)}’ in every row"


def equation(check: CheckResult) -> str:
    """The row equation: `12,431 rows = 12,400 ready + 19 need fixing + 8 already sent + 4 left out`."""
    rows = check.rows
    parts = [f"{number(rows.accepted)} ready"]
    if rows.rejected:
        parts.append(things(rows.rejected, "needs fixing", "need fixing"))
    if rows.duplicate:
        parts.append(f"{number(rows.duplicate)} {duplicate_kind(check)}")
    if rows.excluded:
        parts.append(f"{number(rows.excluded)} left out")
    return f"{count(rows.read, 'row')} = {' + '.join(parts)}"


def duplicate_kind(check: CheckResult) -> str:
    """What the duplicates are: sent before, repeated in the file, or both."""
    if check.already_sent >= check.rows.duplicate:
        return "already sent"
    return "already sent or repeated" if check.already_sent else "repeated in this file"


def duplicates(check: CheckResult) -> str:
    """What the duplicates are and that they aren't sent."""
    rows, sent = check.rows.duplicate, check.already_sent
    if sent >= rows:
        what = things(rows, "row was already sent", "rows were already sent")
    elif not sent:
        what = things(rows, "row is repeated in this file", "rows are repeated in this file")
    else:
        what = f"{number(rows)} rows: {number(sent)} already sent, {number(rows - sent)} repeated in this file"
    return f"**{what}**. {'It is' if rows == 1 else 'They are'} not sent again."


def comparison(each: Comparison) -> str:
    """One control total against our number."""
    who = {"sender": "The sender says", "totals row": "The totals row says"}.get(each.source, "Sent were")
    where = "the account has" if each.stage == "proof" else "the file has"
    sign = ":material/check: agrees" if each.agrees else ":material/warning: **differs**"
    return f"{sign}: {plain(each.what)}. {who} {amount(each.expected)}, {where} {amount(each.found)}{'' if each.agrees else difference(each)}."


def difference(each: Comparison) -> str:
    """How far apart two totals are; nothing where they aren't numbers."""
    try:
        gap = Decimal(each.found) - Decimal(each.expected)
    except ArithmeticError:
        return ""
    return f" ({amount(str(abs(gap)))} {'more' if gap > 0 else 'less'})"


def amount(text: str) -> str:
    """An exact number given as text, with thousands separated and no trailing zeros; other text as it is."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        return plain(text)
    if not value.is_finite():
        return plain(text)
    plain_text = f"{value:,f}"
    return plain_text.rstrip("0").rstrip(".") if "." in plain_text else plain_text


def shared_rows(report: ReadReport) -> str:
    """What to know about row numbers, where several rows of ours stand in one of the file; else empty."""
    return "Row numbers are those of your file. Several of these rows stand in one row of it, or in the same row of several sheets, and so have the same number." if report.row_step else ""


def group(each: IssueGroup, report: ReadReport) -> str:
    """One kind of issue in one column: how many, what, and the first places."""
    where = f" in **{plain(each.column)}**" if each.column else ""
    what = plain(lower_first(each.title or each.code.replace("_", " ")))
    return f"**{count(each.count, 'row')}**{where}: {what}{examples(each, report)}"


def lower_first(text: str) -> str:
    """A title inside a sentence: its first letter small, unless it begins with an abbreviation."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def examples(each: IssueGroup, report: ReadReport, most: int = 3) -> str:
    """The first places of an issue, as rows of the person's own spreadsheet."""
    shown = ", ".join(f"row {number(row_in_file(example.row, report))}{'' if example.value in (None, '') else f': ‘{plain(_cut(example.value))}’'}" if example.row else plain(_cut(example.value or "")) for example in each.examples[:most])
    return f" ({'first: ' if each.count > 1 else ''}{shown})" if shown else ""


def rows_to_fix(check: CheckResult) -> str:
    """The message about rejected rows."""
    one = check.rows.rejected == 1
    them = "it" if one else "them"
    return (
        f"**{things(check.rows.rejected, 'row needs', 'rows need')} fixing and will not be billed yet.** Download {them}, fix {them} in Excel and bring {them} back."
        f" {'It stays' if one else 'They stay'} on This month until then, or until somebody dismisses {them} with a reason."
    )


def effect(each: Decision, found: Effect | None) -> str:
    """What hangs on a decision: rows, and where they can be read as numbers, customers and totals. Empty where the entry says it already."""
    if each.kind in ("question", "reading"):
        return f"Effect: all {count(each.rows, 'row')} wait for the answer." if each.open else ""
    if each.kind == "changes":
        return "Effect on the customers that change: " + "; ".join(f"{field(name)} {amount(before)} → {amount(after)}" for name, (before, after) in each.changes.totals.items()) + "." if each.changes.totals else ""
    if found is None:
        return "Effect: their amounts aren't counted until they can be read." if each.kind == "rejected" else ""
    totals = ", ".join(f"{field(name)} {amount(total)}" for name, total in found.totals.items())
    whose = "" if each.kind == "customers" else f" of {count(found.customers, 'customer')}"  # that entry says how many they are, whatever they are called
    return f"Effect: {count(each.rows, 'row')}{whose}{f', {totals}' if totals else ''}."


def since_last_time(changes: SinceLastTime) -> str:
    """What this file says otherwise than the one that was sent for the same period."""
    parts = [things(changes.changed, "event has other values now", "events have other values now") if changes.changed else "", things(changes.removed, "isn't there any more", "aren't there any more") if changes.removed else ""]
    return (
        f"**Against {plain(changes.against_file)}, which was sent for this period: {' and '.join(part for part in parts if part)}**, {number(changes.new)} new."
        " What was sent stays in the account: it isn't replaced or taken back by sending this file."
    )


def period(first: str | None, last: str | None) -> str:
    """A span of time in words: `October 2026`, or from day to day."""
    if not first or not last:
        return "no date"
    start, end = datetime.fromisoformat(first).date(), datetime.fromisoformat(last).date()
    if (start.year, start.month) == (end.year, end.month):
        return month(f"{start:%Y-%m}")
    return f"{_day(start)} to {_day(end)}"


def destination(name: str, kind: str) -> str:
    """Where events go, with the word PRODUCTION where it counts."""
    return f"**{plain(name)} (PRODUCTION)**" if kind == "production" else f"**{plain(name)}**"


def not_looked_up(customers: int) -> str:
    """What is said where the account isn't asked about the customers."""
    return f"Whether the account knows the {number(customers)} customers of this file wasn't looked up: they are too many to ask about. Usage of customers whom it doesn't know is stored, but no invoice shows it until they are there."


def account_kind(account: Account) -> str:
    """What kind of account this is, in words."""
    return "PRODUCTION" if account.kind == "production" else "practice"


def _cut(text: str, most: int = 40) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _day(value: date) -> str:
    return f"{value.day} {value:%B %Y}"
