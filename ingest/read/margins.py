"""What stands around all lines of a text and is none of the table: the mark of a mail's quotation, an indent, empty cells that a spreadsheet put behind every line, marks of files that were joined."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os.path import commonprefix
from pathlib import Path
from typing import NamedTuple

from schemas.reading import Finding

HEAD, CHUNK = 64 * 1024, 1024**2
FILE_MARK = "\ufeff"
QUOTED = re.compile(r'"(?:[^"]|"")*"')
BEFORE = re.compile(r"(?:> ?)+|(?:> ?)* +")
BEHIND = re.compile(r"([;,\t|])\1*\Z")
CUTS = ",;\t|"


class Margins(NamedTuple):
    """What every line begins and ends with."""

    before: str = ""
    behind: str = ""


@contextmanager
def without_margins(path: Path, folder: Path) -> Iterator[tuple[Path, tuple[Finding, ...]]]:
    """The text itself, or a copy in `folder` without what stands around its lines, which is said; the copy is removed afterwards."""
    margins, marked = _margins(path), _has_marks_amid(path)
    if margins == Margins() and not marked:
        yield path, ()
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", prefix="bare-", dir=folder) as copy, path.open(encoding="utf-8-sig", newline="") as stream:
        for line in stream:
            copy.write(_bare(line.removeprefix(FILE_MARK), margins))
        copy.flush()
        yield Path(copy.name), tuple(_said(margins, marked=marked))


def _bare(line: str, margins: Margins) -> str:
    text = line.rstrip("\r\n")
    end = line[len(text) :]
    return ("" if margins.before and not text.strip(margins.before) else text.removeprefix(margins.before)).removesuffix(margins.behind) + end


def _said(margins: Margins, *, marked: bool) -> Iterator[Finding]:
    if margins.before or margins.behind:
        yield Finding(what="margins", value=" and ".join(repr(each) for each in margins if each), why="every line begins or ends with it, beside the delimiters of the table; it was left out", confidence="likely")
    if marked:
        yield Finding(what="joined files", value="yes", why="marks that stand at the beginning of a file stand amid this one; they were left out")


def _has_marks_amid(path: Path) -> bool:
    """Whether the mark of a file's beginning stands further down as well."""
    mark = FILE_MARK.encode()
    with path.open("rb") as stream:
        before = stream.read(len(mark))[:0]
        while chunk := stream.read(CHUNK):
            content = before + chunk
            if mark[0] in content and (b"\n" + mark in content or b"\r" + mark in content):  # a single byte is found ten times as fast
                return True
            before = content[-len(mark) :]
    return False


def _margins(path: Path) -> Margins:
    """What all of the first lines begin and end with; a line that goes on in a quoted cell counts with the one it began in."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    text = QUOTED.sub("q", head.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line for line in text.split("\n")[: None if len(head) < HEAD else -1] if line.strip(" >\t;,|")]
    return Margins(_before(lines), _behind(lines)) if len(lines) > 1 else Margins()


def _before(lines: Sequence[str]) -> str:
    found = BEFORE.match(commonprefix([*lines]))
    return found[0] if found else ""


def _behind(lines: Sequence[str]) -> str:
    """The same empty cells behind every line, where that delimiter stands nowhere else and another one cuts the lines, or all of a line stands in quotes."""
    found = BEHIND.search(commonprefix([line[::-1] for line in lines])[::-1])
    if not found or any(found[1] in line.removesuffix(found[0]) for line in lines):
        return ""
    bare = [line.removesuffix(found[0]) for line in lines]
    cut = any(all(mark in line for line in bare) for mark in CUTS if mark != found[1])
    return found[0] if cut or all(line == "q" for line in bare) else ""
