"""Files that a connector wrote: all text already, so they become raw.parquet as they are."""

import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ingest.errors import Unreadable
from ingest.raw import OWN_COLUMNS, PULLED, PULLED_MARK, RAW
from schemas.reading import Finding, ReadReport, RowSpan

FIRST_ROW = 2


def is_pulled(source: Path) -> bool:
    """Whether a Parquet file bears the mark, and has just the columns that raw.parquet has."""
    schema = pq.read_schema(source)
    if (schema.metadata or {}).get(PULLED.encode()) != PULLED_MARK.encode():
        return False
    own = schema.names[:2] == list(OWN_COLUMNS[:2]) and not set(map(str.lower, schema.names[2:])) & set(OWN_COLUMNS)
    return own and all(pa.types.is_string(kind) for kind in schema.types)


def take_pulled(source: Path, file_name: str, out: Path) -> ReadReport:
    """Takes such a file; rows are numbered as they stand in it, the names being row 1."""
    schema = pq.read_schema(source)
    if len(schema.names) < 3:
        raise Unreadable("What was pulled has no columns.")
    try:
        os.link(source, out / RAW)  # neither is ever changed
    except OSError:
        shutil.copyfile(source, out / RAW)
    rows = pq.read_metadata(source).num_rows
    findings = (Finding(what="header", value="in the source", why="the source names its columns"),)
    return ReadReport(file=file_name, format="pulled", columns=tuple(schema.names[2:]), rows=rows, findings=findings, spans=(RowSpan(first=0, shift=FIRST_ROW),))
