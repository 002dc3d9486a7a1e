"""Checking again after a correction: what an earlier check of this import found out about columns and rows that are still the same isn't found out anew.

Three steps are shortened, and come to the same as in full: how a column is read, the writing of `typed.parquet`, and what is wrong with rows that aren't in it.
Everything after them looks at all rows as ever. What an earlier check must have in common stands in `basis.json` beside it:

    the same table as it was read; its corrections are today's but for some added in one place     else nothing is taken over
    the same questions, answers and account                                                        a column that wasn't touched is read by the same plan, one of numbers that was by its forms
    the same event type, key and fields                                                            a row that wasn't touched keeps its event, or its errors
    each field's steps and errors                                                                  where they differ, other than in how numbers are read a short way, rows with errors are read
                                                                                                   anew, and a hash over all others must show the same values
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest import correct
from ingest.aside import set_aside
from ingest.check import forms
from ingest.check.identity import event_columns
from ingest.check.plan import Plan, alias, cells, each_step_once
from ingest.engine import identifier, literal
from ingest.files import CODE_VERSION
from ingest.raw import as_read
from schemas.account import AccountProfile
from schemas.base import Frozen
from schemas.correcting import Correction, DropRows, FillDown, SetCells, creates, needs
from schemas.event_type import NUMERIC_TYPES
from schemas.matching import MatchSpec
from schemas.reading import ReadReport

BASIS, KEPT, BAD, ALIKE = "basis.json", "basis", "bad.parquet", "alike.parquet"
"""What later checks build upon: a description of the check, and a folder with its rows with errors, the hashes that several rows have, and the forms of its cells."""
MOST = 4
"""Where more than one row in four was touched, all are read anew."""
VERSION = f"{CODE_VERSION['check']} {duckdb.__version__}"
"""What else the kept tables depend on: the meaning of a plan, and how the engine hashes."""


class Basis(Frozen):
    """What a check was made of."""

    raw: str
    asked: str
    """A hash of what was matched, answered and set, and of what the account keeps."""
    corrections: tuple[Correction, ...]
    plans: dict[str, Plan]
    """By field, how its column is read; without those that leave something open, which other columns may settle."""
    slug: str = ""
    key: tuple[str, ...] | None = None
    beside: tuple[str, ...] = ()
    version: str = ""
    keeps_ids: bool = True
    """Whether its events have the ids they were written with."""
    types: dict[str, str] = {}
    read: dict[str, str] = {}
    """By field, the SQL of its steps and errors."""


@dataclass(frozen=True)
class Earlier:
    """An earlier check to build upon, with the corrections before those that were added since, the added ones, and those after."""

    folder: Path
    basis: Basis
    first: Sequence[Correction]
    more: Sequence[Correction]
    later: Sequence[Correction]


def asked(spec: MatchSpec, profile: AccountProfile) -> str:
    """What the plans of columns depend on beside their cells."""
    return hashlib.sha256(f"{spec.model_dump_json()}{profile.model_dump_json()}".encode()).hexdigest()


def find(folders: Iterable[Path], raw_folder: Path, report: ReadReport, spec: MatchSpec) -> Earlier | None:
    """The check to build upon, the one with fewest corrections since; None where none will do."""
    if "above" in (answer for name, answer in spec.answers.items() if name.startswith("empty.")):
        return None  # a cell that is filled from above changes with another row's
    bases = ((folder, Basis.model_validate_json((folder / BASIS).read_bytes())) for folder in folders if (folder / BASIS).exists())
    found = [each for folder, basis in bases if (basis.raw, basis.version) == (raw_folder.name, VERSION) and (each := _since(folder, basis, report.corrections))]
    return min(found, key=lambda each: len(each.more), default=None)


def _since(folder: Path, basis: Basis, now: Sequence[Correction]) -> Earlier | None:
    """What was added since; None where it isn't only that, or where a later correction carries it to other rows."""
    before, more = basis.corrections, len(now) - len(basis.corrections)
    if more < 0:
        return None
    first = next((place for place, (one, other) in enumerate(zip(now, before, strict=False)) if one != other), len(before))
    later = now[first + more :]
    if tuple(later) != tuple(before[first:]) or any(isinstance(each, FillDown) for each in later):
        return None
    return Earlier(folder, basis, now[:first], now[first : first + more], later)


# Columns.


def same_plans(earlier: Earlier | None, spec: MatchSpec, profile: AccountProfile) -> Mapping[str, Plan]:
    """By field, the plans of columns whose cells are what they were."""
    if earlier is None or earlier.basis.asked != asked(spec, profile):
        return {}
    changed = {name for each in earlier.more for name in (*needs(each), *creates(each))}
    drops = any(isinstance(each, DropRows) for each in earlier.more)
    for each in earlier.later:
        if changed & set(needs(each)):
            changed |= {*needs(each), *creates(each)}
            drops = drops or isinstance(each, DropRows)
    return {} if drops else {field: plan for field, plan in earlier.basis.plans.items() if plan.column not in changed}


def take_forms(connection: duckdb.DuckDBPyConnection, earlier: Earlier, spec: MatchSpec, profile: AccountProfile) -> None:
    """The table `forms` of the earlier check, with what became of the touched rows."""
    if earlier.basis.asked == asked(spec, profile):
        forms.take_over(connection, earlier.folder / KEPT, "before", "after")


def keep(connection: duckdb.DuckDBPyConnection, out: Path, basis: Basis) -> None:
    """Writes what later checks build upon."""
    (out / BASIS).write_text(basis.model_dump_json(), encoding="utf-8")
    (out / KEPT).mkdir()
    connection.execute(f"copy bad to {literal(out / KEPT / BAD)} (format parquet)")
    connection.execute(f"copy alike to {literal(out / KEPT / ALIKE)} (format parquet)")
    forms.keep(connection, out / KEPT)


# Rows.


def touched_few(connection: duckdb.DuckDBPyConnection, earlier: Earlier, raw_folder: Path, report: ReadReport) -> bool:
    """Makes the tables `touched` (every row in which the added corrections change a cell), and `before` and `after`, those rows as they were and as they are. False where there are too many of them."""
    if all(isinstance(each, SetCells) for each in earlier.more):
        rows = sorted({edit.row for each in earlier.more for edit in each.edits})
        connection.execute("create table touched as select unnest(?::bigint[]) as _row", [rows])
    else:
        connection.execute(f"create table touched as {correct.touched(as_read(raw_folder, report), earlier.first, earlier.more)}")
    if connection.execute("select count(*) from touched").fetchone()[0] * MOST > report.rows:
        return False
    connection.execute(f"create table touched_as_read as {_rows_in('touched', as_read(raw_folder, report))}")
    for name, corrections in (("before", earlier.basis.corrections), ("after", report.corrections)):
        connection.execute(f"create table {name} as {_corrected('touched_as_read', 'touched', as_read(raw_folder, report), corrections)}")
    return True


def _rows_in(wanted: str, rows: str) -> str:
    """A SELECT of those rows that a table names."""
    return f"select * from ({rows}) where _row in (select _row from {wanted})"


def _corrected(some: str, wanted: str, read: str, corrections: Sequence[Correction]) -> str:
    """A SELECT of the corrected rows that the table `wanted` names and `some` has as they were read. Nothing but filling down needs other rows than these."""
    if any(isinstance(each, FillDown) for each in corrections):
        return _rows_in(wanted, correct.corrected(read, corrections))
    return correct.corrected(f"from {some}", corrections)


def write_typed(
    connection: duckdb.DuckDBPyConnection, earlier: Earlier | None, now: Basis, raw_folder: Path, report: ReadReport, plans: Sequence[Plan], errors: Mapping[str, str], target: str,
) -> int | None:
    """Writes `typed` out of an earlier check and the rows that aren't in it, and says how many rows it has; None where that won't do. The views `raw` and `checked` are there.

    The table `raw_anew` has the rows that were looked at, and the view `bad_before` what was wrong with those that weren't.
    """
    before = earlier and earlier.basis
    if not before or not before.keeps_ids or (now.slug, now.key, now.beside) != (before.slug, before.key, before.beside) or not _of_one_kind(now.types, before.types):
        return None
    differing = [plan for plan in plans if not _reads_alike(plan, now, before)]
    _note_anew(connection, earlier, raw_folder, report, all_bad=bool(differing))
    if connection.execute("select count(*) from raw_anew").fetchone()[0] * MOST > report.rows:
        connection.execute("drop table raw_anew")
        return None
    _keep(connection, earlier, now)
    if differing and not _reads_the_same(connection, differing, errors):
        connection.execute("drop table raw_anew")
        return None
    return _write(connection, plans, errors, now, target)


def _of_one_kind(now: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Whether the fields are the same in the same order, and their types but for how wide decimals are: no id depends on that."""
    return list(now) == list(before) and all(kind == before[name] or kind.startswith("DECIMAL") and before[name].startswith("DECIMAL") for name, kind in now.items())


def _reads_alike(plan: Plan, now: Basis, before: Basis) -> bool:
    """Whether a cell that is the same surely gives the same value, or the same error. Numbers are read in a short way where all cells are plain, which comes to the same."""
    was = before.plans.get(plan.field)
    if "moment_of_check" in now.read[plan.field]:
        return False
    if now.read[plan.field] == before.read[plan.field]:
        return True
    return now.asked == before.asked and was is not None and plan.type in NUMERIC_TYPES and plan.mark == was.mark and forms.suffice(plan) and forms.suffice(was)


def _note_anew(connection: duckdb.DuckDBPyConnection, earlier: Earlier, raw_folder: Path, report: ReadReport, *, all_bad: bool) -> None:
    """The table `raw_anew`: the rows that were touched, with all that had an error where those may have another one now, or none."""
    earlier.folder.touch()  # so that it isn't tidied away meanwhile
    bad = f"read_parquet({literal(earlier.folder / KEPT / BAD)})"
    connection.execute(f"create view bad_before as from {bad} where {'false' if all_bad else '_row not in (select _row from touched)'}")
    if all_bad:
        connection.execute(f"create table wanted as select _row from touched union select _row from {bad}")
        read = as_read(raw_folder, report)
        connection.execute(f"create table wanted_as_read as {_rows_in('wanted', read)}")
        connection.execute(f"create table raw_anew as {_corrected('wanted_as_read', 'wanted', read, report.corrections)}")
    else:
        connection.execute("create table raw_anew as from after")


def _keep(connection: duckdb.DuckDBPyConnection, earlier: Earlier, now: Basis) -> None:
    """The view `kept`: the rows of the earlier check that weren't touched, as they were written first, decimals as wide as they are now."""
    folder = earlier.folder
    parts = [f"select * from read_parquet({literal(folder / 'events.parquet')})"]
    if aside := set_aside(connection, folder):
        parts.append(f"select * exclude (_outcome, _reason) from ({aside})")
    replaced = [f"try_cast({identifier(name)} as {kind}) as {identifier(name)}" for name, kind in now.types.items() if kind != earlier.basis.types[name]] + (["content as event_id"] if now.key is None else [])
    shown = f" replace ({', '.join(replaced)})" if replaced else ""
    connection.execute(f"create view kept as select *{shown} from ({' union all '.join(parts)}) anti join touched using (_row)")


def _reads_the_same(connection: duckdb.DuckDBPyConnection, differing: Sequence[Plan], errors: Mapping[str, str]) -> bool:
    """Whether the rows that are kept give the very values they gave before, and no error, although some of their fields are read in another way now."""
    before, after = (", ".join(names) for names in ([identifier(plan.field) for plan in differing], [plan.value for plan in differing]))
    good = " and ".join(f"{alias('error', plan.field)} is null" for plan in differing if plan.field in errors) or "true"
    with each_step_once(connection):
        now = connection.execute(f"select count(*), sum(hash(_row, {after})) from checked where {good} and _row in (select _row from kept)").fetchone()
    return now == connection.execute(f"select count(*), sum(hash(_row, {before})) from kept").fetchone()


def _write(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], errors: Mapping[str, str], now: Basis, target: str) -> int:
    """Puts both together, in any order: rows have numbers."""
    marked = "".join(f", {code} as {alias('error', field)}" for field, code in errors.items())
    good = " and ".join(f"{alias('error', field)} is null" for field in errors) or "true"
    with each_step_once(connection):
        connection.execute(f"create table anew as select {event_columns(plans, now.slug, now.key, now.beside)}, _row from (select *{marked} from ({cells('select * from raw_anew', tuple(plans))})) where {good}")
    return connection.execute(f"copy (select * from kept union all select * from anew) to {target}").fetchone()[0]


def may_repeat(earlier: Earlier, alike: str) -> str:
    """A condition on rows of `typed`, which was written out of an earlier check: it holds for all that share the hash `alike` with another one."""
    return f"{alike} in (select h from read_parquet({literal(earlier.folder / KEPT / ALIKE)}) union all select {alike} from anew)"


def add_bad(connection: duckdb.DuckDBPyConnection) -> None:
    """Adds to `bad` what was wrong with rows that weren't looked at again. A field that has no errors any more had none in those rows."""
    there, was = ([name for name, *_ in connection.execute(f"describe {table}").fetchall()] for table in ("bad", "bad_before"))
    columns = ", ".join(identifier(name) for name in there if name in was)
    connection.execute(f"insert into bad by name select {columns} from bad_before")
