"""The evidence of a push: one archive with everything an auditor needs, and that opens without this program."""

import codecs
import csv
import io
import shutil
import zipfile
from pathlib import Path
from typing import IO

import duckdb

from ingest.engine import engine, identifier, literal
from ingest.files import full_disk_is_a_sentence
from ingest.push.bodies import EVENTS
from ingest.push.outcome import receipt
from ingest.push.plan import as_pushed, events_folder
from ingest.store import pushes
from schemas.pushing import Receipt

TABLES = (EVENTS, "issues.parquet", "left_out.parquet")
ROW = "row in the file"
QUICKLY = 1
"""How hard to press: harder takes three times as long and saves little."""

README = """Evidence for the push {push_id}

File brought in    {source_file}
Sent to            account {account}, event type {event_type}
Sent by            {pushed_by}, from {started_at} to {ended_at}
Events             {planned} planned, {accepted} stored by the account, {rejected} refused, {unknown} with no clear answer
Read back          {proof}

What each file is. Files ending in .csv open in any spreadsheet program.

events.csv           Every event of this push, one a line, with its row in the file that was brought in. Times are UTC.
                     event_id says which usage it is, content what it says: the same usage with another quantity keeps the first and not the second.
issues.csv           Everything that was noted about a cell or a row: what, where, and what to do.
left_out.csv         Every row that is no event of this push, and why: it needs fixing, was already sent, repeats another row, or is no usage.
batches.csv          The requests that were planned, with the key under which each was sent and how it ended. "first" is the place of its first
                     event in events.csv, counted from 0; a batch that was split has its halves further down.
attempts.csv         Every request that was made and what came back.
receipt.json         The receipt: the counts, the proof, and the fingerprints named below.
specification.json   How the columns were matched, and every answer that was given.
events.parquet       The events in the form that was sent. This file is the original; events.csv is made from it for reading.
issues.parquet, left_out.parquet   The originals of the two tables above.

Numbers in events.csv have every digit they have in the original and none more. In the first three tables a text that a spreadsheet would run as
a formula has an apostrophe before it. A spreadsheet may show long numbers rounded and opens no more than 1,048,576 lines: for more, use a database program.

To check that nothing was changed: the SHA-256 of events.parquet must be
    {events_sha256}
and that of the file that was brought in
    {source_sha256}
"""


def evidence(push_id: str, path: Path) -> Path:
    """Everything an auditor needs to check a push without this program, in one archive. Tables go through files beside `path`, never through the memory."""
    push, made = pushes.get(push_id), receipt(push_id)
    folder = events_folder(push)
    with full_disk_is_a_sentence(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=QUICKLY) as archive:
        archive.writestr("README.txt", _readme(made).replace("\n", "\r\n"))
        archive.writestr("receipt.json", made.model_dump_json(indent=2))
        archive.writestr("specification.json", as_pushed(push).match.model_dump_json(indent=2))
        _add_tables(archive, folder, path)
        archive.writestr("batches.csv", _csv([batch.model_dump() for batch in pushes.batches_of(push_id)]))
        archive.writestr("attempts.csv", _csv(pushes.attempt_rows(push_id)))
        for name in TABLES:
            archive.write(folder / name, name, zipfile.ZIP_STORED)
    return path


def _readme(made: Receipt) -> str:
    proof = f"{made.proof.found:,} found, {made.proof.missing:,} missing, {made.proof.extra:,} too many: {'proven' if made.proof.agrees else 'not proven'}. {made.proof.note}".strip()
    counts = {name: f"{count:,}" for name, count in made.events.model_dump().items()}
    return README.format(**{**made.model_dump(), **counts, "proof": proof, "ended_at": made.ended_at or "now"})


def write_readable(table: Path, path: Path) -> Path:
    """A Parquet table of events as CSV for people, with the mark by which Excel knows that it is UTF-8."""
    bare = path.with_name(f"{path.name}.bare")
    try:
        with engine() as connection, full_disk_is_a_sentence():
            _copy_readable(connection, table, bare)
            with path.open("wb") as out:
                _marked(bare, out)
    finally:
        bare.unlink(missing_ok=True)
    return path


def _add_tables(archive: zipfile.ZipFile, folder: Path, path: Path) -> None:
    with engine() as connection:
        for name in TABLES:
            table = path.with_name(f"{path.name}.{name}.csv")
            try:
                _copy_readable(connection, folder / name, table)
                with archive.open(f"{Path(name).stem}.csv", "w", force_zip64=True) as out:
                    _marked(table, out)
            finally:
                table.unlink(missing_ok=True)


def _copy_readable(connection: duckdb.DuckDBPyConnection, table: Path, path: Path) -> None:
    connection.execute(f"copy (select {_readable(connection, table)} from read_parquet({literal(table)}){' order by _row' if table.name == EVENTS else ''}) to {literal(path)} (format csv, header true)")


def _marked(table: Path, out: IO[bytes]) -> None:
    """Writes a text with the mark by which Excel knows that it is UTF-8."""
    with table.open("rb") as text:
        out.write(codecs.BOM_UTF8)
        shutil.copyfileobj(text, out, 1024**2)


def _readable(connection: duckdb.DuckDBPyConnection, table: Path) -> str:
    """The columns of a Parquet file as text for people."""
    described = connection.execute(f"describe select * from read_parquet({literal(table)})").fetchall()
    return ", ".join(f"{_as_text(identifier(name), kind)} as {identifier(ROW if name == '_row' else name)}" for name, kind, *_ in described)


def _as_text(column: str, kind: str) -> str:
    if kind == "VARCHAR":
        return f"case when regexp_matches({column}, '^''*[=+\\-@\\t\\r]') and not regexp_full_match({column}, '[+-]?[0-9][0-9.,]*') then '''' || {column} else {column} end"
    if kind.startswith("DECIMAL"):
        return _without_zeros(f"cast({column} as varchar)")
    if kind == "DOUBLE":
        return f"case when contains(cast({column} as varchar), 'e') then {_written_out(f'cast({column} as varchar)')} else {_without_zeros(f'cast({column} as varchar)')} end"
    return column


def _without_zeros(number: str) -> str:
    """A number without the zeros that only fill it up after the point."""
    return f"case when contains({number}, '.') then rtrim(rtrim({number}, '0'), '.') else {number} end"


def _written_out(number: str) -> str:
    """The digits of a number such as 1.5e-07, without its exponent. DuckDB writes one only where the point lies outside the digits."""
    mantissa, exponent = f"split_part({number}, 'e', 1)", f"cast(split_part({number}, 'e', 2) as integer)"
    digits = f"replace(ltrim({mantissa}, '-'), '.', '')"
    sign = f"case when starts_with({mantissa}, '-') then '-' else '' end"
    return f"{sign} || case when {exponent} < 0 then '0.' || repeat('0', -{exponent} - 1) || {digits} else rpad({digits}, {exponent} + 1, '0') end"


def _csv(rows: list[dict[str, object]]) -> bytes:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
