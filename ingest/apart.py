"""A large file read in a process of its own: it can be followed, and stopped at any moment, whatever library is at work in it."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.errors import IngestError, NotReady, Unreadable
from ingest.settings import PROJECT
from schemas.reading import ReadReport, ReadSpec

FROM_BYTES = 8 * 1024**2
"""Smaller files are read before a process of their own would have begun."""
FRAGILE = (b"PAR1", b"ARROW1", b"FEA1")
"""How files begin whose libraries a damaged one can end together with the process they run in."""
COMMAND = "from ingest import apart; apart.main()"
LOOK_EVERY = 0.3
"""Seconds."""
HEAD = 1024**2


class Stopped(NotReady):
    """A person stopped the reading."""


def goes_apart(source: Path) -> bool:
    """Whether a file is better read in a process of its own."""
    return source.stat().st_size >= FROM_BYTES or is_fragile(source)


def is_fragile(source: Path) -> bool:
    """Whether a damaged file of this kind could take the process along that reads it."""
    with source.open("rb") as stream:
        return stream.read(6).startswith(FRAGILE)


def expected_rows(source: Path) -> int | None:
    """About how many rows a text file has, by the length of its first lines; None for other files."""
    with source.open("rb") as stream:
        head = stream.read(HEAD)
    lines = head.count(b"\n")
    return None if b"\0" in head or lines < 2 else source.stat().st_size * lines // len(head)


def read_apart(source: Path, file_name: str, spec: ReadSpec, out: Path, told: Callable[[int], None], stopped: Callable[[], bool]) -> ReadReport:
    """Reads a file into `out`/raw.parquet as read_file does. `told` hears how many rows there are so far; once `stopped` says so, everything ends and Stopped is raised."""
    with TemporaryDirectory(dir=out, prefix="reading-") as room:
        inner = Path(room) / "out"
        inner.mkdir()
        report = _followed(_Reader(), (source, file_name, spec, inner), told, stopped)
        for path in inner.iterdir():
            path.replace(out / path.name)
    return report


def _followed(reader: "_Reader", request: tuple, told: Callable[[int], None], stopped: Callable[[], bool]) -> ReadReport:
    try:
        reader.line.send(request)
        while True:
            if stopped():
                raise Stopped("The reading of this file was stopped.", "Start it again when you like.")
            if not reader.line.poll(LOOK_EVERY):
                continue
            answer = reader.line.recv()
            if isinstance(answer, ReadReport):
                return answer
            if isinstance(answer, IngestError):
                raise answer
            told(answer)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        raise Unreadable("The reading of this file broke off: it is damaged, or needs more memory than there is.", "Export it again, split it, or save it as CSV.") from None
    finally:
        reader.end()


class _Reader:
    """The process and the line to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-c", COMMAND, str(theirs.fileno())]
        with theirs:
            self.child = subprocess.Popen(command, pass_fds=[theirs.fileno()], env={**os.environ}, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.line = Connection(ours.detach())

    def end(self) -> None:
        """Kills it, if it still runs."""
        self.line.close()
        self.child.kill()
        self.child.wait()


def main() -> None:
    """The process itself: one request, any number of row counts, one answer. It ends with the one that asked."""
    from ingest.read import read_file

    line = Connection(int(sys.argv[1]))
    request = line.recv()
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()
    try:
        line.send(read_file(*request, line.send))
    except IngestError as error:
        line.send(error)


def _end_with(line: Connection) -> None:
    try:
        line.recv()
    except (EOFError, OSError):
        os._exit(1)
