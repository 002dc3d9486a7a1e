"""Names for the columns of a table: never empty, never twice, never one of ours."""

import re

from ingest.raw import OWN_COLUMNS
from ingest.read.limits import MAX_NAME_CHARS

CONTROL = re.compile(r"[\x00-\x1f\x7f\ufeff\ufffd\ud800-\udfff]+|\s+")

INVISIBLE = re.compile("[\u200b\u2060\u00ad]")
"""Marks that show nothing, which come along from web pages and word processors."""


def column_names(header: list[str], width: int) -> tuple[str, ...]:
    """One name a column: the header's text trimmed, `column_3` where there is none, ` (2)` after a name that was there already.

    Upper and lower case count as the same name, as they do for the data engine.
    """
    taken = {name.casefold() for name in OWN_COLUMNS}
    wanted = [CONTROL.sub(" ", INVISIBLE.sub("", header[index]) if index < len(header) else "").strip()[:MAX_NAME_CHARS] for index in range(width)]
    counts: dict[str, int] = {}
    return tuple(_free_name(name or f"column_{index + 1}", taken, counts) for index, name in enumerate(wanted))


def _free_name(name: str, taken: set[str], counts: dict[str, int]) -> str:
    candidate, folded = name, name.casefold()
    number = counts.get(folded, 1)
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{name} ({number})"
    counts[folded] = number
    taken.add(candidate.casefold())
    return candidate
