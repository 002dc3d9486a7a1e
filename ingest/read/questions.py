"""Questions that reading asks. Each option carries the change to the ReadSpec that answers it: merged into the import's own, and the file read again."""

from collections.abc import Sequence
from typing import NamedTuple


class Option(NamedTuple):
    """One answer: `spec` holds the fields of a ReadSpec that it sets."""

    value: str
    label: str
    spec: dict[str, object]


def question(name: str, text: str, options: Sequence[Option], answer: str | None = None) -> dict[str, object]:
    """A question: the file was read by `answer`, the first option where none is named, and nothing is sent until somebody says so."""
    return {"name": name, "text": text, "answer": answer or options[0].value, "options": [option._asdict() for option in options]}


def which_sheet(text: str, names: Sequence[str], labels: Sequence[str] = ()) -> dict[str, object]:
    """Which sheet, table, array or file of an archive is to be read; the first name was."""
    return question("sheet", text, [Option(name, label, {"sheet": name}) for name, label in zip(names, labels or [f"Only {name}" for name in names], strict=True)])
