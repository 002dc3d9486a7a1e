"""The evidence of a push: it opens without this program, and its numbers are those that were sent."""

import codecs
import csv
import hashlib
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import push
from ingest.push.evidence import _as_text
from tests.made import checked_import
from tests.test_push import account, send


def as_text(values: list[object], kind: str) -> list[str | None]:
    """Values of one type as the tables show them."""
    with duckdb.connect() as connection:
        connection.execute(f"create table t (n integer, x {kind})")
        connection.executemany("insert into t values (?, ?)", list(enumerate(values)))
        return [row[0] for row in connection.execute(f"select {_as_text('x', kind)} from t order by n").fetchall()]


def test_the_evidence_can_be_checked_without_this_program(home: Path, tmp_path: Path):
    with account(home):
        receipt = send(checked_import(60, account="Test"))
        path = push.evidence(receipt.push_id, tmp_path / "evidence.zip")
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["evidence.zip"]
    with zipfile.ZipFile(path) as archive:
        names, explained = archive.namelist(), archive.read("README.txt").decode()
        assert [name for name in names if name not in explained and name != "README.txt"] == []
        assert sorted(names) == sorted({"README.txt", "receipt.json", "specification.json", "batches.csv", "attempts.csv", *(f"{table}.{ending}" for table in ("events", "issues", "left_out") for ending in ("csv", "parquet"))})
        assert json.loads(archive.read("receipt.json"))["events_sha256"] == receipt.events_sha256 == hashlib.sha256(archive.read("events.parquet")).hexdigest()
        assert receipt.events_sha256 in explained and "60 planned, 60 stored" in explained and "60 found, 0 missing, 0 too many: proven" in explained
        assert len(archive.read("batches.csv").splitlines()) == 1 + receipt.batches
        assert [name for name in names if name.endswith(".csv") and not archive.read(name).startswith(codecs.BOM_UTF8)] == []  # Excel knows by it how to read umlauts
        rows = list(csv.DictReader(io.StringIO(archive.read("events.csv").decode("utf-8-sig"))))
    assert len(rows) == 60
    assert {name: rows[7][name] for name in ("customer_id", "timestamp", "quantity", "region", "row in the file")} == {"customer_id": "cus_7", "timestamp": "2026-10-01 00:00:00.049", "quantity": "0.07", "region": "eu-1", "row in the file": "9"}


@pytest.mark.parametrize("kind, value, text", [
    ("DECIMAL(38,18)", Decimal("1.500000000000000000"), "1.5"), ("DECIMAL(38,18)", Decimal("0.000000000000000001"), "0.000000000000000001"), ("DECIMAL(18,2)", Decimal("-0.10"), "-0.1"), ("DECIMAL(18,0)", Decimal(1200), "1200"),
    ("DECIMAL(38,0)", Decimal(10**37), "1" + "0" * 37), ("DECIMAL(18,2)", Decimal("0.00"), "0"), ("BIGINT", 2**63 - 1, 2**63 - 1), ("DECIMAL(18,2)", None, None), ("DOUBLE", None, None),
    ("DOUBLE", 0.1, "0.1"), ("DOUBLE", 3.0, "3"), ("DOUBLE", 1e-7, "0.0000001"), ("DOUBLE", -1.25e-5, "-0.0000125"), ("DOUBLE", 1e22, "1" + "0" * 22), ("DOUBLE", 1.5e300, "15" + "0" * 299), ("DOUBLE", 0.1 + 0.2, "0.30000000000000004"),
    ("VARCHAR", "=1+1", "'=1+1"), ("VARCHAR", "'=1", "''=1"), ("VARCHAR", "-5.50", "-5.50"), ("VARCHAR", "-x", "'-x"), ("VARCHAR", "+491234", "+491234"), ("VARCHAR", "a=b", "a=b"), ("VARCHAR", "", ""),
])
def test_values_for_people(kind: str, value: object, text: object):
    assert as_text([value], kind) == [text]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_a_double_is_written_out_with_exactly_its_digits(values: list[float]):
    for value, text in zip(values, as_text(values, "DOUBLE"), strict=True):
        assert Decimal(text) == Decimal(repr(value)) and "e" not in text
