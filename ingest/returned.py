"""Rows that a person brings back corrected: known from then on by their numbers in the file they were rejected from, which is the one people talk about."""

from pathlib import Path

import pyarrow.parquet as pq

from ingest.engine import engine, identifier, literal
from ingest.raw import ORIGINAL_ROW, RAW, is_brought_back, row_labelled
from schemas.reading import ReadReport


def number_as_in_the_first_file(raw_folder: Path, report: ReadReport, row_step: int) -> bool:
    """Numbers the rows of raw.parquet so, `row_step` being that of the first file, and says whether it did: not where a row doesn't say its number, or two say the same one."""
    if not is_brought_back(report.columns):
        return False
    source, numbered = raw_folder / RAW, raw_folder / f"{RAW}.numbered"
    original = row_labelled(identifier(ORIGINAL_ROW), row_step)
    rows = f"* replace ({original} as _row)" if "_row" in pq.read_schema(source).names else f"*, {original} as _row"
    with engine() as connection:
        told = connection.execute(f"select count(*) = count(distinct {original}) from read_parquet({literal(source)})").fetchone()[0]
        if told:
            connection.execute(f"copy (select {rows} from read_parquet({literal(source)})) to {literal(numbered)} (format parquet)")
            numbered.replace(source)
    return told
