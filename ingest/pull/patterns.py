"""Which files are meant: `exports/*.csv`, where * stands for any letters and ** for any folders. Every kind of place reads paths by these rules."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from ingest.errors import BadInput

UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".download", ".swp", ".lock", "~")
"""How programs call a file that they are still writing."""
HIDDEN = (".", "~$", "_temporary")


def checked(path: str) -> str:
    """A path as it is used here: without a slash at its front. Raises BadInput for one that leads out of its place."""
    plain = path.strip().replace("\\", "/").lstrip("/")
    plain = plain.removeprefix("./")
    if ".." in plain.split("/") or "\0" in plain:
        raise BadInput(f"The path {path!r} leads out of the folder of this source.", "Write it from that folder on, without ..")
    return plain


def fixed_part(path: str) -> str:
    """The folders before the first star, with a slash at the end; empty for none."""
    folder, slash, _ = path.partition("*")[0].rpartition("/")
    return folder + slash


def depth(path: str) -> int | None:
    """How many folders deep below its fixed part a path can lead; None for any number."""
    return None if "**" in path else path.count("/") - fixed_part(path).count("/") + (0 if "*" in path else 1)


@lru_cache(maxsize=100)
def matcher(path: str) -> Callable[[str], bool]:
    """Whether a name is meant by a path. Capitals make no difference after its fixed part; hidden files and those still being written aren't meant. A path without a star is a file, or all files of a folder."""
    fixed = fixed_part(path)
    wanted = re.compile(_rule(path[len(fixed):]), re.IGNORECASE | re.DOTALL)

    def is_meant(name: str) -> bool:
        rest = name[len(fixed):]
        return name.startswith(fixed) and wanted.fullmatch(_composed(rest)) is not None and not any(is_passing(part) for part in rest.split("/"))

    return is_meant


def is_passing(part: str) -> bool:
    """Whether a file or folder of this name is hidden, or not finished yet."""
    return part.startswith(HIDDEN) or part.lower().endswith(UNFINISHED)


def _rule(path: str) -> str:
    """A regular expression for what follows the fixed part; where that is nothing, the files of the folder."""
    if "*" not in path:
        return f"{re.escape(_composed(path))}(/[^/]+)?" if path else "[^/]+"
    pieces = re.split(r"(\*\*/|\*\*|\*)", _composed(path))
    return "".join({"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*"}.get(piece) or re.escape(piece) for piece in pieces)


def _composed(text: str) -> str:
    """Letters with accents as one sign, as people type them; some systems store them as two."""
    return unicodedata.normalize("NFC", text)
