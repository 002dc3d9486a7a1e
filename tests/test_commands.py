"""The command line as a contract: documents, exit codes, and what happens again after a crash or a success."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from ingest.__main__ import _parser, main
from ingest.errors import BadInput
from ingest.settings import PROJECT, settings
from ingest.store import accounts, imports

SAMPLES = PROJECT / "docs" / "samples"


@pytest.fixture(scope="module")
def module_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a running sandbox, shared by the tests of this file; no environment account."""
    patch = pytest.MonkeyPatch()
    home = tmp_path_factory.mktemp("commands")
    patch.setenv("INTAKE_HOME", str(home))
    for name in ("INTAKE_API_URL", "INTAKE_API_KEY", "INTAKE_ORGANISATION", "INTAKE_DATABASE_URL"):
        patch.delenv(name, raising=False)
    settings.cache_clear()
    process = subprocess.Popen([sys.executable, "-m", "ingest", "sandbox", "--port", "0", "--json"], cwd=PROJECT, env={**os.environ}, stdout=subprocess.PIPE, text=True)
    address = json.loads(process.stdout.readline())
    assert set(address) == {"url", "organisation", "api_key"}
    yield home
    process.terminate()
    process.wait()
    process.stdout.close()
    patch.undo()
    settings.cache_clear()


@pytest.fixture
def run(module_home: Path, capsys: pytest.CaptureFixture[str]):
    """Runs a command with --json: its exit code and its one document."""

    def command(*arguments: object) -> tuple[int, dict]:
        code = main([*(str(each) for each in arguments), "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out)

    yield command
    logging.getLogger("dbos").handlers.clear()  # they write on this test's standard error


def apart(*arguments: object) -> tuple[int, dict]:
    """The same in a process of its own, as a command is in life."""
    done = subprocess.run([sys.executable, "-m", "ingest", *(str(each) for each in arguments), "--json"], cwd=PROJECT, env={**os.environ}, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, json.loads(done.stdout)


def event_type(run, slug: str, *fields: str) -> None:
    code, _ = run("event-type", "create", "--name", slug.replace("_", " "), "--slug", slug, *(part for field in fields for part in ("--field", field)))
    assert code == 0


def usage(tmp_path: Path, text: str, name: str = "usage.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_read_answers_for_every_file_and_writes_the_tables(run, tmp_path: Path):
    good, bad = usage(tmp_path, "a;b\n1;x\n2;\n", "good.csv"), usage(tmp_path, "", "bad.csv")
    code, document = run("read", good, bad, tmp_path / "gone.csv", "--out-dir", tmp_path / "out")
    first, second, third = document["files"]
    assert code == 2
    assert (first["delimiter"], first["encoding"], first["header_rows"], first["columns"], first["rows"], first["error"]) == (";", "utf-8", [1], ["a", "b"], 2, None)
    assert set(first) >= {"file", "format", "encoding", "delimiter", "quote", "sheet", "sheets", "header_rows", "columns", "rows", "excluded", "repairs", "questions", "error"}
    assert (tmp_path / "out" / "good.csv.csv").read_text() == "a,b\n1,x\n2,\n"
    assert second["error"] and third["error"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.csv.csv"]


def test_event_types_are_listed_as_they_were_created(run):
    event_type(run, "listed", "quantity:Decimal", "ok:Bool")
    _, document = run("event-type", "list")
    found = next(each for each in document["event_types"] if each["slug"] == "listed")
    assert [(field["name"], field["type"]) for field in found["fields"]] == [("quantity", "Decimal"), ("ok", "Bool"), ("event_id", "String"), ("import_id", "String")]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("event-type", "create", "--name", "x", "--slug", "x", "--field", "a:Number"), "Decimal"),
        (("event-type", "create", "--name", "x", "--slug", "x", "--field", "a:String", "--field", "a:Int64"), "unique"),
        (("event-type", "create", "--name", "x", "--slug", "x", "--field", "customer_id:String"), "customer_id"),
        (("event-type", "list", "--account", "Nope"), "Practice"),
        (("read", SAMPLES / "api_calls.csv", "--out-dir", "/proc/nowhere"), "/proc/nowhere"),
        (("check", SAMPLES / "api_calls.csv", "--event-type", "listed", "--period", "0000-01"), "0000-01"),
        (("check", "nowhere.csv", "--event-type", "listed"), "nowhere.csv"),
        (("check", SAMPLES / "api_calls.csv", "--event-type", "nope"), "nope"),
        (("check", SAMPLES / "api_calls.csv", "--event-type", "listed", "--match", "quantity"), "="),
        (("check", SAMPLES / "api_calls.csv", "--event-type", "listed", "--match", "quantity=Nope"), "Nope"),
        (("preview", "imp_nope"), "imp_nope"),
        (("push", "imp_nope", "--yes"), "imp_nope"),
    ],
)
def test_bad_usage_is_a_sentence_and_exit_2(run, arguments: tuple, words: str):
    if "listed" not in {each["slug"] for each in run("event-type", "list")[1]["event_types"]}:
        event_type(run, "listed", "quantity:Decimal")
    code, document = run(*arguments)
    error = document["error"]
    assert code == 2
    assert words in f"{error['message']} {error['todo']}"


def test_a_file_name_that_is_no_text_is_still_one_document(run, tmp_path: Path):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_text("a,b\n1,2\n")
    code, document = run("read", path)
    assert (code, document["files"][0]["rows"]) == (0, 1)


PROBLEMS = "customer_id,timestamp,quantity,region\ncus_1,2026-10-01T00:00:00Z,1.50,eu\ncus_2,2026-10-01T00:00:00Z,many,eu\n,2026-10-02T00:00:00Z,3,us\ncus_1,2026-10-03T00:00:00Z,2.25,us\n"


def test_from_a_file_to_a_proof(run, tmp_path: Path):
    event_type(run, "walk", "quantity:Decimal", "region:String")
    path = usage(tmp_path, PROBLEMS)
    code, checked = run("check", path, "--event-type", "walk", "--out-dir", tmp_path / "out")
    assert (code, checked["rows"]) == (1, {"read": 4, "accepted": 2, "rejected": 2, "duplicate": 0, "excluded": 0})
    assert {(issue["code"], issue["severity"], issue["column"], issue["count"]) for issue in checked["issues"]} == {("not_a_number", "error", "quantity", 1), ("missing_value", "error", "customer_id", 1)}
    assert {(example["row"], example["value"]) for issue in checked["issues"] for example in issue["examples"]} == {(3, "many"), (4, None)}
    assert (tmp_path / "out" / "issues.csv").read_text().splitlines()[0] == "code,severity,row,column,value,todo"
    assert duckdb.sql(f"select count(*) from '{tmp_path / 'out' / 'events.parquet'}'").fetchone() == (2,)

    assert run("check", path, "--event-type", "walk")[1]["import_id"] == checked["import_id"], "the same bytes are the same import"

    _, totals = run("preview", checked["import_id"], "--by", "customer", "--field", "quantity", "--function", "sum")
    assert totals["rows"] == [{"customer": "cus_1", "value": "3.75"}]

    code, refused = run("push", checked["import_id"], "--yes", "--rejected", "stop")
    assert (code, "2 rows need fixing" in refused["error"]["message"]) == (2, True)

    code, pushed = apart("push", checked["import_id"], "--yes")
    assert (code, pushed["events"], pushed["batches"]) == (1, {"planned": 2, "sent": 2, "accepted": 2, "rejected": 0, "unknown": 0}, 1)
    assert {key: pushed["proof"][key] for key in ("found", "missing", "extra", "agrees")} == {"found": 2, "missing": 0, "extra": 0, "agrees": True}

    assert run("push", checked["import_id"], "--yes")[1] == pushed, "the same receipt"
    assert run("check", path, "--event-type", "walk")[1]["rows"] == {"read": 4, "accepted": 0, "rejected": 2, "duplicate": 2, "excluded": 0}
    assert run("push", checked["import_id"], "--yes")[1]["push_id"] == pushed["push_id"]
    assert imports.get(checked["import_id"]).state == "proven"


def test_a_longer_export_sends_only_what_is_new(run, tmp_path: Path):
    event_type(run, "longer", "quantity:Decimal")
    first = "customer_id,timestamp,quantity\ncus_1,2026-10-01,1\ncus_2,2026-10-02,2\n"
    _, checked = run("check", usage(tmp_path, first), "--event-type", "longer")
    run("push", checked["import_id"], "--yes")
    _, again = run("check", usage(tmp_path, first + "cus_3,2026-10-03,3\n", "longer.csv"), "--event-type", "longer")
    assert (again["rows"]["accepted"], again["rows"]["duplicate"]) == (1, 2)
    assert "already_sent" in [question["name"] for question in again["questions"]]
    code, pushed = run("push", again["import_id"], "--yes")
    assert (code, pushed["events"]["accepted"], pushed["proof"]["agrees"]) == (0, 1, True)


def test_with_a_key_a_corrected_quantity_is_not_a_second_event(run, tmp_path: Path):
    """Lesson 7: the same id with other content is reported, never silently kept or replaced."""
    event_type(run, "keyed", "quantity:Decimal", "call:String")
    head = "call,customer_id,timestamp,quantity\n"
    _, checked = run("check", usage(tmp_path, head + "c1,cus_1,2026-10-01,1\nc2,cus_1,2026-10-01,2\n"), "--event-type", "keyed", "--key", "call")
    run("push", checked["import_id"], "--yes")
    code, again = run("check", usage(tmp_path, head + "c1,cus_1,2026-10-01,1\nc2,cus_1,2026-10-01,5\n", "corrected.csv"), "--event-type", "keyed", "--key", "call")
    assert (code, again["rows"]["accepted"], again["rows"]["duplicate"], again["rows"]["rejected"]) == (1, 0, 1, 1)
    assert [issue["code"] for issue in again["issues"] if issue["severity"] == "error"] == ["already_sent_other_content"]


@pytest.mark.parametrize("again", [("--zone", "Europe/Berlin"), ("--match", "note=region")])
def test_the_same_file_read_in_another_way_is_not_billed_twice(run, tmp_path: Path, again: tuple[str, ...]):
    slug = f"twice_{again[0].strip('-')}"
    event_type(run, slug, "quantity:Decimal", "note:String")
    path = usage(tmp_path, f"customer_id,timestamp,quantity,region\ncus_1,2026-10-01 10:00:00,1,{slug}\ncus_2,2026-10-01 10:00:00,2,{slug}\n")
    _, checked = run("check", path, "--event-type", slug)
    run("push", checked["import_id"], "--yes")
    _, changed = run("check", path, "--event-type", slug, *again)
    assert [each["name"] for each in changed["questions"] if each["blocking"]] == ["sent_differently"]
    assert run("push", changed["import_id"], "--yes")[0] == 2


def test_another_key_does_not_make_other_events_of_rows_that_were_sent(run, tmp_path: Path):
    event_type(run, "rekeyed", "quantity:Decimal", "empty:String")
    path = usage(tmp_path, "customer_id,timestamp,quantity,row\ncus_1,2026-10-01,1,re\ncus_2,2026-10-02,2,keyed\n")
    _, checked = run("check", path, "--event-type", "rekeyed")
    run("push", checked["import_id"], "--yes")
    _, keyed = run("check", path, "--event-type", "rekeyed", "--key", "customer_id", "--key", "timestamp")
    assert (keyed["rows"]["accepted"], keyed["rows"]["duplicate"]) == (0, 2)
    longer = usage(tmp_path, "customer_id,timestamp,quantity,empty\ncus_1,2026-10-01,1,\ncus_2,2026-10-02,2,\ncus_3,2026-10-03,3,\n", "longer.csv")
    assert run("check", longer, "--event-type", "rekeyed")[1]["rows"]["accepted"] == 1


def test_a_likely_column_is_used_but_never_sent_without_a_word(run, tmp_path: Path):
    event_type(run, "likely", "quantity:Decimal")
    path = usage(tmp_path, "Kunde,timestamp,quantity\ncus_1,2026-10-01,1\n")
    code, checked = run("check", path, "--event-type", "likely")
    assert (code, checked["rows"]["accepted"]) == (0, 1)
    assert [(each["column"], each["confidence"]) for each in checked["matches"] if each["field"] == "customer_id"] == [("Kunde", "likely")]
    assert [question["name"] for question in checked["questions"] if question["blocking"]] == ["match.customer_id"]
    assert run("push", checked["import_id"], "--yes")[0] == 2
    _, confirmed = run("check", path, "--event-type", "likely", "--match", "customer_id=Kunde")
    assert run("push", confirmed["import_id"], "--yes")[0] == 0


def test_yes_agrees_to_the_rows_as_they_are_read_and_to_no_guess(run, tmp_path: Path):
    event_type(run, "naive", "quantity:Decimal")
    rows = "cus_1,2026-10-01 00:30:00,1\ncus_1,2026-10-31 23:30:00,\ncus_1,2026-10-31 23:30:00,\n"
    _, checked = run("check", usage(tmp_path, f"customer_id,timestamp,quantity\n{rows}"), "--event-type", "naive")
    assert {question["name"] for question in checked["questions"] if question["blocking"]} == {"zone.timestamp", "empty.quantity", "identical_rows"}
    code, pushed = run("push", checked["import_id"], "--yes")
    assert (code, pushed["events"]["accepted"], pushed["proof"]["agrees"]) == (0, 3, True)
    assert imports.get(checked["import_id"]).match.answers == {"zone.timestamp": "UTC", "empty.quantity": "nothing", "identical_rows": "keep"}
    _, guess = run("check", usage(tmp_path, "customer_id,timestamp,quantity\ncus_1,03/04/2026,1\n", "guess.csv"), "--event-type", "naive")
    assert run("push", guess["import_id"], "--yes")[0] == 2


def test_monthly_totals_get_the_end_of_their_month(run, tmp_path: Path):
    event_type(run, "monthly", "hours:Decimal")
    path = usage(tmp_path, "customer_id,hours\ncus_1,320\n")
    _, checked = run("check", path, "--event-type", "monthly", "--period", "2026-10", "--zone", "Europe/Berlin")
    assert checked["first_timestamp"] == "2026-10-31T22:59:59.999000+00:00"


def test_a_day_and_its_time_are_joined_with_a_flag_and_never_without(run, tmp_path: Path):
    event_type(run, "spoken", "quantity:Decimal")
    path = usage(tmp_path, "customer_id,Date,Start time,quantity\ncus_1,2026-10-01,14:03:22,1.5\ncus_2,2026-10-02,09:30:00,2\n")
    _, before = run("check", path, "--event-type", "spoken", "--match", "timestamp=Date", "--zone", "UTC")
    assert (before["first_timestamp"], [each["corrections"][0]["into"] for each in before["offers"]]) == ("2026-10-01T00:00:00+00:00", ["timestamp"])
    _, joined = run("check", path, "--event-type", "spoken", "--take-offers", "--zone", "UTC")
    assert (joined["import_id"], joined["first_timestamp"], joined["offers"]) == (before["import_id"], "2026-10-01T14:03:22+00:00", [])


def test_control_totals_are_compared_at_every_step(run, tmp_path: Path):
    event_type(run, "controlled", "quantity:Decimal")
    path = usage(tmp_path, "customer_id,timestamp,quantity\ncus_1,2026-10-01,1.5\ncus_2,2026-10-01,2.5\n")
    _, checked = run("check", path, "--event-type", "controlled", "--control-count", "2", "--control-sum", "quantity=4")
    assert checked["comparisons"] and all(each["agrees"] for each in checked["comparisons"])
    _, pushed = run("push", checked["import_id"], "--yes")
    assert [each["agrees"] for each in pushed["proof"]["comparisons"] if each["source"] == "sender"] == [True, True]
    _, wrong = run("check", path, "--event-type", "controlled", "--control-sum", "quantity=5")
    assert False in [each["agrees"] for each in wrong["comparisons"]]


def test_nobody_confirming_sends_nothing(run, tmp_path: Path):
    event_type(run, "asked", "quantity:Decimal")
    _, checked = run("check", usage(tmp_path, "customer_id,timestamp,quantity\ncus_1,2026-10-01,1\n"), "--event-type", "asked")
    code, document = run("push", checked["import_id"])
    assert (code, "--yes" in document["error"]["todo"]) == (2, True)


def test_an_account_that_is_down_is_exit_3_and_the_push_goes_on_later(run, module_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INTAKE_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("INTAKE_API_KEY", "k")
    monkeypatch.setenv("INTAKE_ORGANISATION", "o")
    settings.cache_clear()
    code, document = run("event-type", "list")
    settings.cache_clear()
    assert (code, document["error"]["kind"]) == (3, "Unreachable")


def test_without_a_sandbox_running_a_command_starts_one(home: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["event-type", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"event_types": []}
    assert not (home / "sandbox" / "address.json").exists()
    with closing(duckdb.connect(home / "sandbox" / "sandbox.duckdb", read_only=True)) as kept:
        assert kept.execute("select count(*) from customers").fetchone() == (6,)  # those of the samples


def test_every_command_and_flag_is_documented():
    text = (PROJECT / "docs" / "command-line.md").read_text(encoding="utf-8")
    commands = next(action for action in _parser()._actions if hasattr(action, "choices") and action.choices)
    for name, command in commands.choices.items():
        assert re.search(rf"^## .*\b{name}\b", text, re.MULTILINE), f"{name} isn't documented"
        for kind in [command, *(each for action in command._actions if isinstance(action.choices, dict) for each in action.choices.values())]:
            for flag in (option for action in kind._actions for option in action.option_strings if option.startswith("--") and option not in ("--help", "--json")):
                assert flag in text, f"{name} {flag} isn't documented"


def test_every_setting_is_documented():
    text = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
    from ingest.settings import Settings

    assert [name for name in Settings.model_fields if f"`{name}`" not in text] == []


def test_unknown_accounts_are_bad_input(home: Path):
    with pytest.raises(BadInput):
        accounts.account("nope")


def test_several_kinds_of_usage_in_one_file_are_sent_each_and_asked_about_once(run, tmp_path: Path):
    for slug in ("calls", "storage"):
        assert run("event-type", "create", "--name", slug, "--slug", slug, "--field", "quantity:Decimal")[0] == 0
    header, october = "customer_id,timestamp,service,quantity", "acme,2026-10-01T00:00:00Z,calls,5\nacme,2026-10-01T00:00:00Z,storage,1.5\nglobex,2026-10-02T00:00:00Z,Tax,2"
    path = tmp_path / "services.csv"
    path.write_text(f"{header}\n{october}\n")
    said = ("check", path, "--by", "service", "--kind", "calls=calls", "--kind", "storage=storage")
    code, document = run(*said)
    assert (code, document["event_type"], [each["event_type"] for each in document["kinds"]]) == (0, "calls", ["calls", "storage"])
    assert [(each["event_type"], each["usages"], each["accepted"]) for each in document["events"]["kinds"]] == [("calls", 1, 1), ("storage", 1, 1), (None, 1, None)]
    assert {question["name"] for each in document["kinds"] for question in each["questions"]} == {"kind.Tax"}
    assert any(question["blocking"] for question in document["questions"]), "nothing is sent while rows are of no kind"
    code, document = run(*said, "--answer", "kind.Tax=leave_out")
    assert [each["questions"] for each in document["kinds"]] == [[], []] and document["events"]["events"] == 2
    assert run("push", document["kinds"][1]["import_id"], "--yes")[1]["events"]["accepted"] == 1
    assert run("recipe", "save", document["import_id"], "services")[0] == 0
    shown = run("recipe", "show", "services")[1]
    assert (shown["recipe"]["by"], shown["recipe"]["values"], shown["recipe"]["others"][0]["values"], shown["recipe"]["left_out"]) == ("service", ["calls"], ["storage"], ["Tax"])
    (tmp_path / "services-11.csv").write_text(f"{header}\n{october.replace('2026-10', '2026-11')}\nhooli,2026-11-03T00:00:00Z,storage,7\n")
    code, document = run("check", tmp_path / "services-11.csv", "--recipe", "services")
    assert (code, [each["rows"]["accepted"] for each in document["kinds"]], [each["questions"] for each in document["kinds"]]) == (0, [1, 2], [[], []])
    (tmp_path / "wide.csv").write_text("customer_id,timestamp,calls,storage\nacme,2026-10-05T00:00:00Z,5,\nglobex,2026-10-05T00:00:00Z,6,many\n")
    code, document = run("check", tmp_path / "wide.csv", "--measure", "calls", "--measure", "storage", "--kind", "calls=calls", "--kind", "storage=storage")
    assert (code, document["events"]["rows"], document["events"]["per_row"], document["events"]["empty"], document["events"]["usages"], document["events"]["events"]) == (1, 2, 2, 1, 3, 2)
    (tmp_path / "hours 2026-10.csv").write_text("customer_id,quantity\nacme,320\n")
    code, document = run("check", tmp_path / "hours 2026-10.csv", "--event-type", "calls", "--zone", "Europe/Berlin")
    assert (code, document["last_timestamp"], [(question["name"], question["proposed"]) for question in document["questions"]]) == (0, "2026-10-31T22:59:59.999000+00:00", [("period", "2026-10")])
