"""Checking again after a correction: what an earlier check of this import found out about columns and rows that are still the same isn't found out anew.

Two steps are shortened, and come to the same as in full: how a column that no correction touched is read, and the writing of `typed.parquet`. Everything
after them looks at all rows as ever. What an earlier check must have in common stands in `basis.json` beside it:

    the same table as it was read; its corrections are today's but for some added in one place     else nothing is taken over
    the same questions, answers and account                                                        a column that wasn't touched is read by the same plan
    the same event type, key and fields                                                            a row that wasn't touched keeps its event
    each field's steps and errors                                                                  where they differ, a hash over all those rows must show the same values
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest import correct
from ingest.check.identity import event_columns
from ingest.check.plan import Plan, alias, cells
from ingest.engine import identifier, literal
from ingest.raw import as_read
from schemas.account import AccountProfile
from schemas.base import Frozen
from schemas.correcting import Correction, DropRows, FillDown, SetCells, creates, needs
from schemas.matching import MatchSpec
from schemas.reading import ReadReport

BASIS = "basis.json"
MOST = 4
"""Where more than one row in four was touched or had an error, all are read anew."""


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
    found = [each for folder, basis in bases if basis.raw == raw_folder.name and (each := _since(folder, basis, report.corrections))]
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


# Rows.


def write_typed(
    connection: duckdb.DuckDBPyConnection, earlier: Earlier | None, now: Basis, raw_folder: Path, report: ReadReport, plans: Sequence[Plan], errors: Mapping[str, str], target: str,
) -> int | None:
    """Writes `typed` out of an earlier check and the rows that aren't in it, and says how many rows it has; None where that won't do. The views `raw` and `checked` are there."""
    before = earlier and earlier.basis
    if not before or not before.keeps_ids or (now.slug, now.key) != (before.slug, before.key) or not _of_one_kind(now.types, before.types):
        return None
    _note_touched(connection, raw_folder, report, earlier)
    if not _keep(connection, earlier, now, report):
        return None
    differing = [plan for plan in plans if now.read[plan.field] != before.read[plan.field] or "moment_of_check" in now.read[plan.field]]
    if differing and not _reads_the_same(connection, differing, errors):
        return None
    return _write(connection, plans, errors, now, target)


def _of_one_kind(now: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Whether the fields are the same, and their types but for how wide decimals are: no id depends on that."""
    return now.keys() == before.keys() and all(kind == before[name] or kind.startswith("DECIMAL") and before[name].startswith("DECIMAL") for name, kind in now.items())


def _note_touched(connection: duckdb.DuckDBPyConnection, raw_folder: Path, report: ReadReport, earlier: Earlier) -> None:
    """The table `touched`: every row in which the added corrections change a cell."""
    if all(isinstance(each, SetCells) for each in earlier.more):
        rows = sorted({edit.row for each in earlier.more for edit in each.edits})
        connection.execute("create table touched as select unnest(?::bigint[]) as _row", [rows])
    else:
        connection.execute(f"create table touched as {correct.touched(as_read(raw_folder, report), earlier.first, earlier.more)}")


def _keep(connection: duckdb.DuckDBPyConnection, earlier: Earlier, now: Basis, report: ReadReport) -> bool:
    """The view `kept`: the rows of the earlier check that weren't touched, as they were written first, decimals as wide as they are now. False where there are too few."""
    folder = earlier.folder
    folder.touch()  # so that it isn't tidied away meanwhile
    parts = [f"select * from read_parquet({literal(folder / 'events.parquet')})"]
    if (folder / "set_aside.parquet").exists():
        parts.append(f"select * exclude (outcome, reason) from read_parquet({literal(folder / 'set_aside.parquet')})")
    replaced = [f"try_cast({identifier(name)} as {kind}) as {identifier(name)}" for name, kind in now.types.items() if kind != earlier.basis.types[name]] + (["content as event_id"] if now.key is None else [])
    shown = f" replace ({', '.join(replaced)})" if replaced else ""
    connection.execute(f"create view kept as select *{shown} from ({' union all '.join(parts)}) where _row not in (select _row from touched)")
    return (report.rows - connection.execute("select count(*) from kept").fetchone()[0]) * MOST <= report.rows


def _reads_the_same(connection: duckdb.DuckDBPyConnection, differing: Sequence[Plan], errors: Mapping[str, str]) -> bool:
    """Whether the rows that are kept give the very values they gave before, and no error, although some of their fields are read in another way now."""
    before, after = (", ".join(names) for names in ([identifier(plan.field) for plan in differing], [plan.value for plan in differing]))
    good = " and ".join(f"{alias('error', plan.field)} is null" for plan in differing if plan.field in errors) or "true"
    now = connection.execute(f"select count(*), sum(hash(_row, {after})) from checked where {good} and _row in (select _row from kept)").fetchone()
    return now == connection.execute(f"select count(*), sum(hash(_row, {before})) from kept").fetchone()


def _write(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], errors: Mapping[str, str], now: Basis, target: str) -> int:
    """Puts both together; the table `raw_anew` has the rows that weren't kept."""
    marked = "".join(f", {code} as {alias('error', field)}" for field, code in errors.items())
    good = " and ".join(f"{alias('error', field)} is null" for field in errors) or "true"
    connection.execute("create table raw_anew as select * from raw where _row not in (select _row from kept)")
    anew = f"select {event_columns(plans, now.slug, now.key)}, _row from (select *{marked} from ({cells('select * from raw_anew', tuple(plans))})) where {good}"
    return connection.execute(f"copy (select * from kept union all {anew} order by _row) to {target}").fetchone()[0]
