"""Lines that end with another character than a text's lines do: the text with plain line ends."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HEAD, CHUNK = 64 * 1024, 1024**2
LINE_MARKS = ("\x1e", "\u2028", "\u2029", "\x85", "\x0b", "\x0c")
"""What ends the lines of a text that has no other line ends: the record separator, the line ends of Unicode, vertical tab and form feed."""
QUOTED = re.compile(r'"[^"]*"')
CUTS = re.compile(r"[,;\t|]")


@contextmanager
def with_line_ends(path: Path, folder: Path) -> Iterator[Path]:
    """The text itself, or a copy in `folder` whose lines end with a line feed; the copy is removed afterwards."""
    mark = _line_mark(path)
    if mark is None:
        yield path
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", prefix="lines-", dir=folder) as copy, path.open(encoding="utf-8-sig", newline="") as stream:
        while chunk := stream.read(CHUNK):
            copy.write(chunk.replace(mark, "\n"))
        copy.flush()
        yield Path(copy.name)


def _line_mark(path: Path) -> str | None:
    """The only thing that ends lines outside quotes, where each of them is cut by something else."""
    with path.open("rb") as stream:
        head = QUOTED.sub("", stream.read(HEAD).decode("utf-8-sig", errors="replace"))
    if "\n" in head or "\r" in head:
        return None
    return next((mark for mark in LINE_MARKS if sum(bool(CUTS.search(line)) for line in head.split(mark)) > 1), None)
