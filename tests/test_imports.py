"""One import through its stages: rows are conserved, the same file gives the same ids, nothing is half-written."""

import errno
import fcntl
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest import files, imports
from ingest.engine import literal
from ingest.errors import BadInput, Broken, DiskFull, NotReady
from ingest.settings import settings
from ingest.store import accounts
from ingest.store import imports as records
from schemas.check_setting import CheckSetting
from schemas.event_type import EventType, Field
from schemas.matching import FieldMatch, MatchSpec
from schemas.reading import ReadSpec

CALLS = EventType(name="Calls", slug="calls", fields=(Field(name="quantity", type="Decimal"), Field(name="region", type="String")))
MATCH = MatchSpec(event_type=CALLS, matches=tuple(FieldMatch(field=name, column=name) for name in ("customer_id", "timestamp", "quantity", "region")))
HEADER = "customer_id,timestamp,quantity,region"


def imported(path: Path, text: str, spec: ReadSpec | None = None) -> str:
    path.write_text(text, encoding="utf-8")
    record = imports.read(imports.start(path, path.name, "anna").id, spec)
    imports.set_match(record.id, MATCH, accounts.account().name, "anna")
    return record.id


def event_ids(import_id: str) -> list[str]:
    events = imports.check_folder(import_id) / "events.parquet"
    return [row[0] for row in duckdb.sql(f"select event_id::varchar from read_parquet({literal(events)}) order by _row").fetchall()]


def test_a_file_belongs_to_the_month_of_most_of_its_events(home: Path, tmp_path: Path):
    days = ["2026-08-31", *(f"2026-09-{day:02}" for day in range(1, 6)), "2027-09-03"]
    import_id = imported(tmp_path / "september.csv", "\n".join([HEADER, *(f"cus_1,{day}T00:00:00Z,{number},eu" for number, day in enumerate(days))]) + "\n")
    assert imports.check(import_id).period == "2026-09"


def test_a_check_is_set_and_taken_back_and_one_that_can_not_be_made_changes_nothing(home: Path, tmp_path: Path):
    import_id = imported(tmp_path / "usage.csv", f"{HEADER}\ncus_1,2026-10-01T00:00:00Z,1,eu\ncus_1,2026-10-02T00:00:00Z,2,uk\n")
    imports.set_check(import_id, "allowed.region", CheckSetting(values=("eu",)), "anna")
    assert imports.check(import_id).check.rows.rejected == 1
    for name, setting in (("range.region", CheckSetting(min="1")), ("formula", CheckSetting(formula="quantity >")), ("pattern.region", CheckSetting(pattern="(")), ("allowed.nothing", CheckSetting(values=("eu",)))):
        with pytest.raises(BadInput):
            imports.set_check(import_id, name, setting, "anna")
    assert set(records.get(import_id).match.checks) == {"allowed.region"} and records.get(import_id).state == "checked"
    imports.set_check(import_id, "allowed.region", None, "anna")
    assert imports.check(import_id).check.rows.rejected == 0


CELLS = st.tuples(
    st.sampled_from(["cus_1", "cus_2", "", " cus_1"]),
    st.sampled_from(["2026-10-01T00:00:00Z", "2026-10-01 00:00:00", "2026-13-01", "", "yesterday", "2026-10-02T05:00:00.123Z"]),
    st.sampled_from(["1", "1.50", "1.5", "-3", "", "many", "NaN", "1e3", "99999999999999999999999999999999999999999"]),
    st.sampled_from(["eu", "us", "", "'=1+1", "ü"]),
)


@hypothesis_settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(CELLS, min_size=1, max_size=24))
def test_rows_are_conserved_and_the_same_file_gives_the_same_ids(home: Path, tmp_path: Path, rows: list[tuple[str, ...]]):
    text = "\n".join([HEADER, *(",".join(row) for row in rows)]) + "\n"
    first, second = (imported(tmp_path / name, text, ReadSpec(header_rows=(1,))) for name in ("a.csv", "b.csv"))
    counts = imports.check(first).check.rows
    report = records.get(first).report
    assert counts.read == report.rows + len(report.excluded) == len(rows)
    imports.check(second)
    ids = event_ids(first)
    assert len(ids) == len(set(ids)) == counts.accepted
    assert event_ids(second) == ids


def test_rows_in_another_order_have_the_same_ids(home: Path, tmp_path: Path):
    rows = ["cus_1,2026-10-01,1,eu", "cus_2,2026-10-01,2,eu", "cus_1,2026-10-01,1,eu"]
    forth = imported(tmp_path / "a.csv", "\n".join([HEADER, *rows]))
    back = imported(tmp_path / "b.csv", "\n".join([HEADER, *reversed(rows)]))
    imports.check(forth), imports.check(back)
    assert sorted(event_ids(forth)) == sorted(event_ids(back))


def test_the_same_bytes_and_answers_use_what_is_there(home: Path, tmp_path: Path):
    import_id = imported(tmp_path / "a.csv", f"{HEADER}\ncus_1,2026-10-01,1,eu\n")
    imports.check(import_id)
    folder = imports.check_folder(import_id)
    before = (folder / "events.parquet").stat().st_mtime_ns
    imports.check(import_id)
    assert (imports.check_folder(import_id), (folder / "events.parquet").stat().st_mtime_ns) == (folder, before)


def test_another_way_of_reading_starts_afresh(home: Path, tmp_path: Path):
    import_id = imported(tmp_path / "a.csv", f"title\n{HEADER}\ncus_1,2026-10-01,1,eu\n")
    imports.check(import_id)
    record = imports.read(import_id, ReadSpec(header_rows=(1,)))
    assert (record.state, record.check, record.report.header_rows) == ("read", None, (1,))


def test_a_column_that_went_missing_after_matching_is_named(home: Path, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("customer_id,timestamp,region\ncus_1,2026-10-01,eu\n")
    record = imports.read(imports.start(path, path.name, "anna").id)
    with pytest.raises(BadInput, match="quantity"):
        imports.set_match(record.id, MATCH, accounts.account().name, "anna")


@pytest.mark.parametrize("step", [lambda i: imports.check(i), lambda i: imports.columns(i), lambda i: imports.overview(i)])
def test_a_step_before_its_time_is_a_sentence(home: Path, tmp_path: Path, step):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(NotReady):
        step(imports.start(path, path.name, "anna").id)


def test_two_cannot_work_on_one_import_at_once(home: Path, tmp_path: Path):
    import_id = imported(tmp_path / "a.csv", f"{HEADER}\ncus_1,2026-10-01,1,eu\n")
    with (files.import_folder(import_id) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(NotReady, match="somebody else"):
            imports.check(import_id)


@pytest.mark.parametrize("failure, expected", [(OSError(errno.ENOSPC, "full"), DiskFull), (Broken("no"), Broken), (KeyboardInterrupt(), KeyboardInterrupt)])
def test_a_stage_that_fails_leaves_nothing(home: Path, failure: BaseException, expected: type):
    def work(folder: Path) -> None:
        (folder / "half.parquet").write_bytes(b"half")
        raise failure

    with pytest.raises(expected):
        files.make_stage("imp_x", "raw", "key", work)
    assert list(files.import_folder("imp_x").iterdir()) == []


def test_too_little_room_is_said_before_a_stage_begins(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("INTAKE_FREE_BYTES", str(10**18))
    settings.cache_clear()
    with pytest.raises(DiskFull, match="MB left"):
        files.make_stage("imp_x", "raw", "key", lambda folder: None)


def test_a_file_name_is_never_a_path(home: Path, tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,2\n")
    record = imports.start(path, "../../../etc/passwd", "anna")
    assert imports.source_path(record.id).resolve().is_relative_to(home.resolve())
    assert record.file_name == "../../../etc/passwd"


@pytest.mark.parametrize("brought, left", [((3, 4), []), ((3,), [("not_a_number", 1)])])
def test_corrected_rows_settle_what_they_bring_back_and_no_more(home: Path, tmp_path: Path, brought: tuple[int, ...], left: list):
    from ingest.push.fixes import settle_fixed
    from ingest.store import open_rows
    from ingest.store.database import store

    first = imported(tmp_path / "a.csv", f"{HEADER}\ncus_1,2026-10-01,1,eu\ncus_1,2026-10-02,many,eu\ncus_1,2026-10-03,n/a,eu\n")
    with store().begin() as connection:
        open_rows.keep_open(connection, first, imports.check(first).check.issues, "anna")
    rows = "".join(f"cus_1,2026-10-0{row - 1},{row},eu,wrong,{row}\n" for row in brought)
    path = tmp_path / "fixed.csv"
    path.write_text(f"{HEADER},Problem,Row in the original file\n{rows}")
    second = imports.read(imports.start(path, path.name, "anna", fixes=first).id)
    imports.set_match(second.id, MATCH, accounts.account().name, "anna")
    settle_fixed(imports.check(second.id))
    assert [(entry.code, entry.count) for entry in open_rows.all_open()] == left


@pytest.mark.parametrize(("numbers", "shown"), [((3, 40), 40), ((3, 3), 3), ((3, ""), 3)])
def test_corrected_rows_are_known_by_their_numbers_in_the_first_file_where_all_say_them(home: Path, tmp_path: Path, numbers: tuple, shown: int):
    first = imported(tmp_path / "a.csv", f"{HEADER}\ncus_1,2026-10-01,1,eu\ncus_1,2026-10-02,many,eu\n")
    path = tmp_path / "fixed.csv"
    path.write_text(f"{HEADER},Problem,Row in the original file\ncus_1,2026-10-02,2,eu,wrong,{numbers[0]}\ncus_1,2026-10-02,still bad,eu,wrong,{numbers[1]}\n")
    second = imports.read(imports.start(path, path.name, "anna", fixes=first).id)
    imports.set_match(second.id, MATCH, accounts.account().name, "anna")
    group, = (each for each in imports.check(second.id).check.issues if each.severity == "error")
    assert [(example.row, example.value) for example in group.examples] == [(shown, "still bad")]
    assert imports.problem_rows(second.id).column("_row").to_pylist() == [shown]


def test_a_file_with_a_column_of_our_own_name_still_shows_its_bad_rows(home: Path, tmp_path: Path):
    import_id = imported(tmp_path / "a.csv", f"{HEADER},Problem,Row in the original file\ncus_1,2026-10-01,many,eu,wrong,7\n")
    imports.check(import_id)
    table = imports.problem_rows(import_id)
    assert (table.column("_row").to_pylist(), "quantity" in table.column("problem")[0].as_py()) == ([2], True)
