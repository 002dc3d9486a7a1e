"""A thin slice of `python -m benchmarks.damage`: clean tables, damaged in every known way at some places, come back, and what doesn't is told."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.clean_tables import TABLES
from tests.file_damages import ALL_DAMAGES
from tests.scoring import result

TABLE = {table.name: table for table in TABLES}
LOOKED_AT = ("sales", "usage", "german")
LOWER = {"header: delimiter too few": 0.88, "cut off": 0.985, "line break in a cell": 0.985, "delimiter too few": 0.985, "one quote lost": 0.985}
"""Damage after which a cell or a name can't be told from its neighbour."""


@pytest.mark.parametrize("kind", ALL_DAMAGES)
def test_a_damaged_table_comes_back(home: Path, tmp_path: Path, kind: str) -> None:
    files = [(name, file) for name in LOOKED_AT for file in _some(list(ALL_DAMAGES[kind](TABLE[name])))]
    found = [(name, file.where, result(kind, file, tmp_path)) for name, file in files]
    assert not [(name, where, each.what) for name, where, each in found if each.silent]
    assert sum(each.score for *_, each in found) >= LOWER.get(kind, 0.99) * len(found), [each for each in found if each[2].score < 1][:3]


def _some(files: list) -> list:
    return files if len(files) < 3 else [files[len(files) // 3], files[len(files) * 4 // 5]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large, HealthCheck.too_slow])
@given(name=some.sampled_from(["sales", "usage", "german", "all quoted"]), kind=some.sampled_from([kind for kind in ALL_DAMAGES if "header" not in kind and kind not in ("second table", "two rows in a line", "tables put together")]), place=some.integers(0, 2000))
def test_damage_in_one_place_costs_no_other_row(home: Path, tmp_path: Path, name: str, kind: str, place: int) -> None:
    files = list(ALL_DAMAGES[kind](TABLE[name]))
    if files:
        found = result(kind, files[place % len(files)], tmp_path)
        assert not found.silent and not found.spread, found.what
