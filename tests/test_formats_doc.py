"""docs/formats.md says what the tests hold: each line names a test that exists, and every reader, packing and damage has a line."""

import re
from pathlib import Path

import pytest

from ingest.read import READERS
from ingest.read.archive import ENDINGS
from tests.file_damages import ALL_DAMAGES

TESTS = Path(__file__).parent
DOCUMENT = (TESTS.parent / "docs" / "formats.md").read_text(encoding="utf-8")
ROWS = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and "::" in line.rsplit("|", 2)[1]]
NAMED = re.findall(r"`(test_\w+\.py)::(test_\w+)`", DOCUMENT)


def test_there_are_lines() -> None:
    assert len(ROWS) > 25 and len(NAMED) > len(ROWS)


@pytest.mark.parametrize("file, test", sorted(set(NAMED)))
def test_every_test_that_is_named_exists(file: str, test: str) -> None:
    assert re.search(rf"^def {test}\(", (TESTS / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_line_names_a_test() -> None:
    tables = re.findall(r"^\|[^\n]*\btest \|\n\|[-|]+\|\n((?:\|[^\n]*\n)+)", DOCUMENT, re.MULTILINE)
    assert len(tables) == 3
    assert [line for table in tables for line in table.splitlines() if not re.search(r"`test_\w+\.py::test_\w+` \|$", line)] == []


@pytest.mark.parametrize("name", [*READERS, *ENDINGS])
def test_every_format_has_a_line(name: str) -> None:
    assert f"`{name}`" in DOCUMENT


@pytest.mark.parametrize("kind", ALL_DAMAGES)
def test_every_damage_has_a_line(kind: str) -> None:
    assert re.search(rf"^\|(?:[^|\n]*, )? ?{re.escape(kind)}(?:,[^|\n]*)? \|", DOCUMENT, re.MULTILINE), kind
