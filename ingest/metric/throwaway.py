"""SQL that people typed, run in a process that is thrown away: locked DuckDB, limits of the operating system, a clock that kills. The parent reads nothing but Arrow files of a size that is capped."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.ipc

from ingest.errors import BadInput
from ingest.settings import settings

CHILD = Path(__file__).with_name("locked.py")
SECONDS = 20.0
MEMORY, BYTES = 512 * 1024**2, 1024**3
"""What DuckDB may use, and the largest file that may be written: an answer, or what doesn't fit into memory."""
PLAIN_MEMORY = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Arrow's usual allocator takes a gigabyte of addresses at once, which the limit counts."""
OUT_OF_TIME = (signal.SIGXCPU, signal.SIGKILL)
SHORTER = "Ask for less: a shorter period, fewer columns, no joins without a condition."
TOO_LONG = "This SQL took longer than {seconds:g} seconds, so it was stopped."
REASONS = {
    "not allowed": "This SQL asks for something that a metric can't have: {why}. It can only read the tables of this preview, in one SELECT.",
    "memory": "This SQL needed more memory than a preview may use, so it was stopped.",
    "size": "This SQL made a larger answer than a preview may have, so it was stopped.",
}


class SqlRefused(BadInput):
    """SQL that was stopped or isn't allowed. `at` is the number of the query."""

    def __init__(self, sentence: str, todo: str = "", *, at: int = 0) -> None:
        super().__init__(sentence, todo)
        self.at = at

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.sentence, self.todo)


def answers(queries: Sequence[tuple[str, Sequence[object]]], *, prepare: Sequence[str], tables: Sequence[str], rows: int, seconds: float = SECONDS) -> list[pa.Table]:
    """What each query (DuckDB's SQL and its parameters) answers, at most so many rows of it. `prepare` is our own SQL that makes the `tables`. Raises SqlRefused with a sentence."""
    asked = {"prepare": list(prepare), "tables": list(tables), "queries": [[sql, list(values)] for sql, values in queries], "rows": rows, "memory": MEMORY, "bytes": BYTES, "seconds": seconds}
    settings().home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="spill-", dir=settings().home) as folder:
        told = _told(json.dumps(asked), folder, seconds)
        if "refused" in told:
            raise SqlRefused(REASONS.get(told["refused"], "This SQL can't be run: {why}").format(why=_short(told["why"])), "" if told["refused"] == "not allowed" else SHORTER, at=told["at"])
        with pa.OSFile(str(Path(folder) / "answers.arrow")) as file:
            return [pa.ipc.open_stream(file).read_all() for _ in range(told["answers"])]


def _told(asked: str, folder: str, seconds: float) -> dict:
    """What the process said on its standard output."""
    try:
        done = subprocess.run([sys.executable, "-I", str(CHILD)], input=asked, cwd=folder, env=PLAIN_MEMORY, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise SqlRefused(TOO_LONG.format(seconds=seconds), SHORTER) from None
    if -done.returncode in OUT_OF_TIME:
        raise SqlRefused(TOO_LONG.format(seconds=seconds), SHORTER)
    if done.returncode:
        raise SqlRefused(REASONS["memory"], SHORTER)  # an engine that can't even say so: limits of the operating system ended it
    return json.loads(done.stdout)


def _short(why: str) -> str:
    """The first line of an engine's message."""
    return why.partition("\n")[0].rstrip(".")
