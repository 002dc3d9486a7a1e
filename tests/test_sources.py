"""Sources as files: what can be said, what is refused, and that no secret comes out again."""

import json
import re
from pathlib import Path

import pytest

from ingest import sources
from ingest.__main__ import main
from ingest.errors import BadInput
from ingest.pull import schedule
from ingest.pull.connectors import CONNECTORS, connector
from ingest.settings import PROJECT
from ingest.store import sources as stored
from schemas.source import seconds_of, span_text

FOLDER = {"name": "drop", "connector": "folder", "connection": {"path": "/srv/usage"}, "read": {"files": {"path": "*.csv"}}, "event_type": "compute", "match": {"customer_id": "customer", "timestamp": "at"}}
LINK = {"name": "link", "connector": "https", "connection": {"url": "https://example.com/usage.csv", "token": "s3cr3t-token"}, "read": {"files": {"path": "*"}}, "event_type": "compute"}


@pytest.mark.parametrize(("text", "words"), [
    ("", "no keys"), ("- a\n- b", "no keys"), ("name: [", "line"), ("name: x\nconnector: folder\nnonsense: 1", "nonsense"), ("name: x\nconnector: folder\nlookback: soon", "lookback"),
    ("name: x\nconnector: folder\nread: {table: a, sql: select 1}", "one of table, sql and files"), ("name: x\nconnector: folder\nread: {table: a, cursor: b, compare: true}", "isn't compared"),
    ("name: '../x'\nconnector: folder", "name"), ("name: x\nconnector: folder\nschedule: {every: 15m, zone: Mars/Base}", "no time zone"),
])
def test_what_is_no_source_is_said_with_its_place(text: str, words: str):
    with pytest.raises(BadInput, match=words):
        sources.from_yaml(text)


def test_dates_times_and_numbers_stay_as_they_are_written():
    found = sources.from_yaml("name: x\nconnector: folder\nconnection: {port: 5432, digits: 0123}\nread: {table: t, cursor: c, start: 2026-10-01, where: [{column: a, operator: gt, value: 5}]}\nschedule: {days: [mon], at: 06:00}")
    assert (found.read.start, found.read.where[0].value, found.schedule.at, found.connection) == ("2026-10-01", "5", "06:00", {"port": 5432, "digits": "0123"})


@pytest.mark.parametrize("form", ["yaml\n(.*?)```", r"\| `(\{.*?\})`"])
def test_the_sources_in_the_docs_are_understood(form: str):
    found = re.findall(form, (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8"), re.DOTALL)
    for text in found:
        source = sources.from_yaml(text if "name:" in text else f"name: x\nconnector: folder\nschedule: {text}")
        schedule.fitting(source.schedule)
    assert found


@pytest.mark.parametrize(("change", "words"), [
    ({"connector": "carrier-pigeon"}, "There is no connector"), ({"connection": {}}, "path"), ({"connection": {"path": "/srv/usage", "colour": "red"}}, "colour"), ({"read": {}}, "which are usage"),
    ({"event_type": None, "match": {}}, "isn't said what this usage is"), ({"schedule": {"after": "drop"}}, "after itself"), ({"schedule": {"cron": "every day"}}, "cron"),
])
def test_a_source_that_cannot_be_run_is_not_kept(home: Path, change: dict, words: str):
    with pytest.raises(BadInput, match=words):
        sources.add(sources.from_document({**FOLDER, **change}), "anna")
    assert stored.listed() == []


@pytest.mark.parametrize(("text", "seconds", "again"), [("90s", 90, "90s"), ("15m", 900, "15m"), ("1h", 3600, "1h"), ("2d", 172800, "2d"), ("0", 0, "0s"), ("120", 120, "2m"), ("1w", 604800, "1w")])
def test_spans_of_time_as_people_write_them(text: str, seconds: int, again: str):
    assert (seconds_of(text).total_seconds(), span_text(seconds_of(text))) == (seconds, again)


def test_a_secret_is_sealed_and_never_comes_out_again(home: Path, capsys: pytest.CaptureFixture[str]):
    kept = sources.add(sources.from_document(LINK), "anna")
    assert "s3cr3t" not in (home / "state.db").read_bytes().decode("latin-1")
    assert main(["source", "show", "link", "--json"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown)["source"]["connection"]["token"] == "***"
    assert "s3cr3t" not in shown + sources.to_yaml(kept.source) + repr(kept)
    assert sources.connection_of(kept.source).token.get_secret_value() == "s3cr3t-token"


def test_a_secret_that_is_left_out_of_a_changed_source_is_the_one_it_had(home: Path):
    sources.add(sources.from_document(LINK), "anna")
    changed = sources.add(sources.from_yaml(sources.to_yaml(stored.get("link").source)), "anna")
    assert sources.connection_of(changed.source).token.get_secret_value() == "s3cr3t-token"


def test_a_reference_to_a_secret_stays_one(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LINK_TOKEN", "from-outside")
    kept = sources.add(sources.from_document({**LINK, "connection": {**LINK["connection"], "token": "env:LINK_TOKEN"}}), "anna")
    assert sources.as_document(kept.source)["connection"]["token"] == "env:LINK_TOKEN"
    assert sources.connection_of(kept.source).token.get_secret_value() == "from-outside"


def test_the_same_source_again_is_the_same_version(home: Path):
    versions = [sources.add(sources.from_document({**FOLDER, "lookback": span}), "anna").version for span in ("1h", "60m", "2h")]
    assert versions == [1, 1, 2]


@pytest.mark.parametrize("name", CONNECTORS)
def test_every_connector_says_what_it_is(name: str):
    try:
        found = connector(name)
    except ModuleNotFoundError:
        pytest.skip("not written yet")
    assert (found.title, found.kind in ("tables", "files"), bool(found.model.model_fields)) == (found.title, True, True)
    assert all(field.title or field.description or len(named) > 1 for named, field in found.model.model_fields.items())


def test_commands_about_sources_that_are_not_there_say_so(home: Path, capsys: pytest.CaptureFixture[str]):
    for command in (["show"], ["run"], ["pause"], ["runs"], ["remove"]):
        assert main(["source", *command, "nope", "--json"]) == 2
        assert "no source 'nope'" in json.loads(capsys.readouterr().out)["error"]["message"]
    assert main(["source", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"sources": []}
