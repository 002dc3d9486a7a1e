"""The answer to "What is this usage?" as the command line gives it, and the test every such answer must pass."""

from collections.abc import Mapping, Sequence

from ingest.errors import BadInput
from ingest.match.keys import fitting
from ingest.match.suggest import suggest
from ingest.raw import OWN_COLUMNS
from ingest.values.zones import zone
from schemas.checking import Question, QuestionOption
from schemas.event_type import ROOT_FIELDS, EventType
from schemas.matching import ColumnProfile, EarlierKey, FieldMatch, MatchSpec, Period, Suggestion
from schemas.reading import ReadReport

OWN_NAMES = ("content", *OWN_COLUMNS)
"""Columns of ours beside the fields of an event."""
CONFIRMED = "match."
"""Questions about a match are called by this and the field; the answer is the column."""


def build_spec(
    report: ReadReport, profiles: Sequence[ColumnProfile], event_type: EventType, *, chosen: Mapping[str, str] | None = None, constants: Mapping[str, str] | None = None,
    key: Sequence[str] | None = None, period: Period | None = None, answers: Mapping[str, str] | None = None, control_count: int | None = None, control_sums: Mapping[str, str] | None = None,
    earlier: EarlierKey | None = None,
) -> tuple[MatchSpec, tuple[Question, ...]]:
    """A specification from what was said and what can be told from the file. Whatever isn't certain is applied for now and asked about: nothing is sent before it is confirmed. Without a key, the earlier one holds where the file has its fields."""
    answers = dict(answers or {})
    _zones_are_known(answers, period)
    said = {**dict(chosen or {}), **{name.removeprefix(CONFIRMED): column for name, column in answers.items() if name.startswith(CONFIRMED)}}
    given = [FieldMatch(field=field, column=_known_column(column, report)) for field, column in said.items()]
    given += [FieldMatch(field=field, constant=value, why="the same in every row") for field, value in (constants or {}).items()]
    taken_fields, taken_columns = {match.field for match in given} | ({"timestamp"} if period else set()), {match.column for match in given}
    found = [each for each in suggest([profile for profile in profiles if profile.column not in taken_columns], event_type) if each.field not in taken_fields]
    matches = (*given, *(FieldMatch(field=each.field, column=each.column, why=each.why, confidence=each.confidence) for each in found))
    _roots_are_there(matches, period, report)
    used = {match.column for match in matches}
    spec = MatchSpec(
        event_type=event_type, matches=matches, ignored=tuple(column for column in report.columns if column not in used), key=_key(key, matches, event_type, period) or fitting(earlier, {match.field for match in matches} | ({"timestamp"} if period else set())) or None, period=period,
        answers={name: value for name, value in answers.items() if not name.startswith(CONFIRMED)}, control_count=control_count, control_sums=dict(control_sums or {}),
    )
    return spec, tuple(_question(each, report) for each in found if each.confidence != "certain")


def _question(found: Suggestion, report: ReadReport) -> Question:
    others = [column for column in report.columns if column != found.column][:20]
    options = (QuestionOption(value=found.column, label=f"Yes, {found.column}", effect=found.why), *(QuestionOption(value=column, label=column) for column in others))
    return Question(name=f"{CONFIRMED}{found.field}", text=f"Is the column {found.column!r} the field {found.field}? ({found.why})", options=options, proposed=found.column)


def _known_column(column: str, report: ReadReport) -> str:
    """The file's own column; differences in case and spaces at the edges don't matter where only one column is meant."""
    if column in report.columns:
        return column
    alike = [each for each in report.columns if each.strip().casefold() == column.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    raise BadInput(f"The file has no column {column!r}.", f"It has {_listed(report.columns)}.")


def _key(key: Sequence[str] | None, matches: Sequence[FieldMatch], event_type: EventType, period: Period | None) -> tuple[str, ...] | None:
    """Key columns as fields. A name may be that of a column or of a field."""
    if not key:
        return None
    by_column = {match.column: match.field for match in matches if match.column is not None}
    fields = {match.field for match in matches} | ({"timestamp"} if period else set())
    folded = {column.strip().casefold(): field for column, field in by_column.items()}
    names = [by_column.get(name) or (name if name in fields else folded.get(name.strip().casefold())) for name in key]
    for name, field in zip(key, names, strict=True):
        if field is None:
            raise BadInput(f"{name!r} can't be part of the key: no field comes from such a column.", f"Known are {_listed(tuple(by_column))}.")
    return tuple(dict.fromkeys(names))


def _roots_are_there(matches: Sequence[FieldMatch], period: Period | None, report: ReadReport) -> None:
    fields = {match.field for match in matches}
    if "customer_id" not in fields:
        raise BadInput("No column says which customer a row is for.", f"Name it with --match customer_id=COLUMN. The file has {_listed(report.columns)}.")
    if "timestamp" not in fields and period is None:
        raise BadInput("No column says when the usage was.", f"Name it with --match timestamp=COLUMN, or give the period of all rows. The file has {_listed(report.columns)}.")


def validate(spec: MatchSpec, report: ReadReport) -> None:
    """Raises BadInput for a specification that this file can't follow: what is missing or twice, and what is known."""
    for name in spec.key_columns:
        _known_column(name, report)
    _fields_are_known(spec)
    _columns_are_known(spec, report)
    _zones_are_known(spec.answers, spec.period)
    if spec.of("customer_id") is None:
        raise BadInput("It isn't said which customer the rows are for.", f"Choose the column for customer_id. The file has {_listed(report.columns)}.")
    if spec.of("timestamp") is None and spec.period is None:
        raise BadInput("It isn't said when the usage was.", f"Choose the column for timestamp, or give the period of all rows. The file has {_listed(report.columns)}.")
    if spec.period is not None and spec.period.end <= spec.period.start:
        raise BadInput(f"The period ends ({spec.period.end}) before it begins ({spec.period.start}).")


def _fields_are_known(spec: MatchSpec) -> None:
    known = (*ROOT_FIELDS, *(field.name for field in spec.event_type.usage_fields))
    matched_names = [match.field.lower() for match in spec.matches]
    twins = sorted({match.field for match in spec.matches if matched_names.count(match.field.lower()) > 1})
    if len(set(twins)) > 1:
        raise BadInput(f"The fields {_listed(twins)} differ only in capital letters, so they can't be told apart here.", "Match only one of them.")
    seen: set[str] = set()
    for match in spec.matches:
        if match.field not in known:
            raise BadInput(f"The event type {spec.event_type.slug!r} has no field {match.field!r}.", f"It has {_listed(known)}.")
        if match.field in seen:
            raise BadInput(f"The field {match.field!r} is matched twice.", "Choose one column for it.")
        if (match.column is None) == (match.constant is None):
            raise BadInput(f"The field {match.field!r} needs either a column or one value for every row.")
        if match.field.lower() in OWN_NAMES:
            raise BadInput(f"The field {match.field!r} can't be filled from a file: this name is used for a column of our own.", "Leave it open, or use an event type that calls it otherwise.")
        seen.add(match.field)
    matched = seen | ({"timestamp"} if spec.period else set())
    for name in spec.key or ():
        if name not in matched:
            raise BadInput(f"{name!r} can't make a row the same row: it isn't matched.", f"Matched are {_listed(tuple(match.field for match in spec.matches))}.")


def _columns_are_known(spec: MatchSpec, report: ReadReport) -> None:
    for match in spec.matches:
        if match.column is not None and match.column not in report.columns:
            raise BadInput(f"The file has no column {match.column!r}, from which {match.field!r} should come.", f"It has {_listed(report.columns)}.")


def _zones_are_known(answers: Mapping[str, str], period: Period | None) -> None:
    """A zone with a slip in it must not pass only because every time of this file says its zone itself."""
    for name in (*(value for question, value in answers.items() if question.startswith("zone.")), *([period.zone] if period else [])):
        zone(name)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:30])
    return shown + (f" and {len(names) - 30} more" if len(names) > 30 else "") if names else "none"
