"""What somebody has answered in step Columns so far. It lies in the import's folder, so that a reload or a colleague goes on where it was left."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from ingest import files, month_of_file
from ingest.store import imports
from schemas.base import Frozen
from schemas.event_type import FieldType
from schemas.matching import MatchSpec
from schemas.records import ImportRecord

NEW = "*"
"""Stands for "create a new event type from this file"; no slug looks like this."""


class Choice(Frozen):
    """Where one field's values come from, as it stands on the screen."""

    kind: Literal["column", "constant", "period", "empty", "open"]
    value: str = ""


class NewField(Frozen):
    """A column as a field of the event type that is about to be created."""

    name: str
    type: FieldType
    included: bool = True


class Draft(Frozen):
    """Only what a person said; everything else is proposed afresh from the file."""

    raw_key: str
    event_type: str | None = None
    choices: dict[str, Choice] = {}
    confirmed: tuple[str, ...] = ()
    name: str | None = None
    slug: str | None = None
    columns: dict[str, NewField] = {}
    with_ids: bool = True
    first_day: str | None = None
    last_day: str | None = None
    zone: str = "UTC"
    identity: Literal["proposed", "all", "offered", "own"] = "proposed"
    key: tuple[str, ...] = ()
    """The fields that were chosen: one of the offered keys, or columns of one's own choice."""
    answers: dict[str, str] = {}
    """Answers to what columns leave open, until the match is stored, which keeps them from then on."""
    control_count: str = ""
    control_sums: dict[str, str] = {}

    def with_choice(self, field: str, choice: Choice) -> "Draft":
        """The draft after somebody chose where a field comes from."""
        answers = {name: value for name, value in self.answers.items() if name.partition(".")[2] != field}
        return self.model_copy(update={"choices": {**self.choices, field: choice}, "answers": answers})

    def with_confirmed(self, field: str, yes: bool) -> "Draft":
        """The draft after somebody confirmed a proposal, or took that back."""
        rest = tuple(name for name in self.confirmed if name != field)
        return self.model_copy(update={"confirmed": (*rest, field) if yes else rest})

    def with_event_type(self, slug: str) -> "Draft":
        """The draft after somebody chose another event type: answers about the fields of the earlier one go."""
        if slug == self.event_type:
            return self
        return self.model_copy(update={"event_type": slug, "choices": {}, "confirmed": (), "identity": "proposed", "key": (), "answers": {}, "control_sums": {}})


def load(import_id: str, raw_key: str, match: MatchSpec | None) -> Draft:
    """The draft of an import; from the stored match where nobody has begun anew. A draft for another reading of the file doesn't count."""
    path = files.import_folder(import_id) / "columns-draft.json"
    try:
        draft = Draft.model_validate_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        draft = None
    if draft is not None and draft.raw_key == raw_key:
        return draft
    return Draft(raw_key=raw_key) if match is None else from_match(raw_key, match)


def save(import_id: str, draft: Draft) -> None:
    """Keeps a draft."""
    files.write_whole(files.import_folder(import_id) / "columns-draft.json", draft.model_dump_json().encode())


def from_match(raw_key: str, match: MatchSpec) -> Draft:
    """The draft that would lead to a stored match."""
    choices = {each.field: Choice(kind="column", value=each.column) if each.column is not None else Choice(kind="constant", value=each.constant or "") for each in match.matches}
    for field in match.event_type.usage_fields:
        choices.setdefault(field.name, Choice(kind="empty"))
    draft = Draft(
        raw_key=raw_key, event_type=match.event_type.slug, choices=choices, identity="all" if match.key is None else "offered", key=match.key or (),
        control_count="" if match.control_count is None else str(match.control_count), control_sums=match.control_sums,
    )
    if match.period is None:
        return draft
    last = date.fromisoformat(match.period.end) - timedelta(days=1)
    period = {"first_day": match.period.start, "last_day": last.isoformat(), "zone": match.period.zone}
    return draft.model_copy(update=period).with_choice("timestamp", Choice(kind="period"))


def period_of(draft: Draft, today: date) -> tuple[date, date]:
    """First and last day of the rows' period; last month where nobody said otherwise."""
    end = today.replace(day=1) - timedelta(days=1)
    first = date.fromisoformat(draft.first_day) if draft.first_day else end.replace(day=1)
    last = date.fromisoformat(draft.last_day) if draft.last_day else end
    return first, last


class Place(Frozen):
    """Which draft a widget of this step changes."""

    record: ImportRecord
    raw_key: str
    who: str
    table: str = ""
    """A name for the table as it is now, with the corrections since it was read."""

    def draft(self) -> Draft:
        """The draft as it stands."""
        return load(self.record.id, self.raw_key, self.before())

    def dated(self) -> tuple[Draft, str]:
        """The draft with a period, where nobody said one the one that the file's names or the last file speak for, and why it is that; without a reason where there is none."""
        draft = self.draft()
        found = None if draft.first_day else month_of_file.proposed(self.record, draft.event_type or "", draft.zone, datetime.now(UTC).date())
        if found is None:
            return draft, ""
        last = date.fromisoformat(found.period.end) - timedelta(days=1)
        return draft.model_copy(update={"first_day": found.period.start, "last_day": last.isoformat()}), found.why

    def before(self) -> MatchSpec | None:
        """How this import was matched last time, or the one whose rows it brings back corrected (without the totals that were given for that)."""
        if self.record.match is not None or self.record.fixes is None:
            return self.record.match
        fixed = imports.get(self.record.fixes).match
        return fixed and fixed.model_copy(update={"control_count": None, "control_sums": {}})

    def keep(self, draft: Draft) -> None:
        """Stores a changed draft."""
        save(self.record.id, draft)

    def change(self, **values: object) -> None:
        """Stores the draft with some answers changed."""
        self.keep(self.draft().model_copy(update=values))

    def key(self, name: str) -> str:
        """A widget's key: another reading of the file, or other columns in it, has other widgets, since one that was shown before keeps showing what it showed."""
        table = hashlib.md5(self.table.encode(), usedforsecurity=False).hexdigest()[:12]
        return f"columns_{self.record.id}_{self.raw_key}_{table}_{name}"
