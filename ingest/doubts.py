"""What reading wasn't sure of: its questions, and what somebody answered. Nothing is sent before that."""

import json
from pathlib import Path

from ingest import files, imports
from ingest.errors import BadInput
from ingest.store import imports as records
from schemas.reading import ReadReport, ReadSpec
from schemas.records import ImportRecord

ReadingQuestion = dict[str, object]
Option = dict[str, object]
READING = "reading."
"""Decisions about them are called by this and the question's name."""


def open_ones(record: ImportRecord) -> list[ReadingQuestion]:
    """Those of an import that nobody has answered."""
    return unanswered(record.report, answers(record.id), record.read_spec) if record.report and record.report.questions else []


def unanswered(report: ReadReport, known: dict[str, str], spec: ReadSpec) -> list[ReadingQuestion]:
    """The questions of a reading that can be answered here and that nobody has answered, or whose answer isn't how the file is read (`spec`) any more."""
    return [each for each in report.questions if options(each) and not any(option["value"] == known.get(str(each["name"])) and merged(spec, option["spec"]) == spec for option in options(each))]


def options(question: ReadingQuestion) -> list[Option]:
    """The options that say how the file is read with them, the one that was taken first."""
    found = [each for each in question.get("options", ()) if isinstance(each.get("spec"), dict)]
    return sorted(found, key=lambda option: option["value"] != question.get("answer"))


def merged(spec: ReadSpec, change: dict[str, object]) -> ReadSpec:
    """How to read the file after an answer: what the answer says, and what was said before about anything else."""
    return ReadSpec.model_validate({**spec.model_dump(), **change})


def answers(import_id: str) -> dict[str, str]:
    """Question → the value of the answer, as somebody gave it for this import."""
    try:
        return json.loads(_place(import_id).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}


def keep(import_id: str, given: dict[str, str]) -> None:
    """Keeps what was answered."""
    files.write_whole(_place(import_id), json.dumps(given, ensure_ascii=False).encode())


def answer(import_id: str, name: str, value: str) -> ImportRecord:
    """Takes an answer by the name of its decision and reads the file again where that changes how. Raises BadInput where that isn't asked, or is no answer to it."""
    record = records.get(import_id)
    asked = {f"{READING}{each['name']}": each for each in (record.report.questions if record.report else ())}
    if name not in asked:
        raise BadInput(f"There is no question {name!r} about how this file is read.", f"There is: {', '.join(asked) or 'none'}.")
    known = {str(each["value"]): each for each in options(asked[name])}
    if value not in known:
        raise BadInput(f"{value!r} is no answer to {name}.", f"It can be {' or '.join(known)}.")
    keep(import_id, {**answers(import_id), name.removeprefix(READING): value})
    return imports.read(import_id, merged(record.read_spec, known[value]["spec"]))


def _place(import_id: str) -> Path:
    return files.import_folder(import_id) / "reading-answers.json"
