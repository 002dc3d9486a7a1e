"""Dismissing an import: only with a reason, only where nothing was sent, and not for ever."""

from pathlib import Path

import pytest

from ingest import dismissing, month
from ingest.errors import BadInput
from ingest.store import imports
from schemas.checking import CheckResult, RowCounts
from schemas.event_type import EventType
from schemas.matching import MatchSpec
from schemas.reading import ReadReport

READ = {"report": ReadReport(file="a.csv", rows=1)}
MATCHED = {**READ, "match": MatchSpec(event_type=EventType(name="Calls", slug="calls"), matches=())}
CHECKED = {**MATCHED, "check": CheckResult(rows=RowCounts(read=1, accepted=1, rejected=0, duplicate=0, excluded=0), matches=(), issues=())}


def names(**where: object) -> list[str]:
    return [each.file_name for each in month.listed(**where)[0]]


@pytest.mark.parametrize(("state", "values"), [("unreadable", {"message": "No table."}), ("read", READ), ("matched", MATCHED), ("checked", CHECKED)])
def test_a_dismissed_import_comes_back_where_it_was_left(home: Path, state: str, values: dict):
    import_id = imports.add("a.csv", "0", 1, "ana")
    imports.change(import_id, state=state, **values)
    dismissing.dismiss(import_id, " a new export comes ", "ben")
    assert (names(), names(states=("discarded",)), dismissing.why(import_id)[::2]) == ([], ["a.csv"], ("ben", "a new export comes"))
    assert dismissing.bring_back(import_id, "ana").state == state
    assert names() == ["a.csv"]


def test_without_a_reason_it_stays(home: Path):
    import_id = imports.add("a.csv", "0", 1, "ana")
    with pytest.raises(BadInput):
        dismissing.dismiss(import_id, "  ", "ben")
    assert names() == ["a.csv"]
