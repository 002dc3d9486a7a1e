"""The small part of JSON paths that points at rows: names, numbers and stars."""

import re

from ingest.errors import BadInput

STEP = re.compile(r"""\.?\[\s*(?:(\d+)|(\*)|'([^']*)'|"([^"]*)")\s*\]|\.?(\*)|\.?([^.\[\]*'"$]+)""")


def found_at(body: object, path: str) -> list[object]:
    """Everything that a path points at, such as `$.data[*]`. Raises BadInput for a path that can't be read."""
    found = [body]
    for step in steps(path):
        found = [each for value in found for each in _step(value, step)]
    return found


def rows_at(body: object, path: str | None) -> list[object] | None:
    """The rows: what the path points at, a list there being its items. Without a path, the answer itself or the one list in it. None where nothing is there."""
    if path is None:
        lists = [value for value in body.values() if isinstance(value, list)] if isinstance(body, dict) else []
        found = [body] if isinstance(body, list) else lists if len(lists) == 1 else []
    else:
        found = found_at(body, path)
        if re.search(r"\*\s*\]?\s*$", path):
            return found if found or found_at(body, re.sub(r"\.?\[?\s*\*\s*\]?\s*$", "", path)) else None
    return [row for each in found if each is not None for row in (each if isinstance(each, list) else [each])] if found else None


def steps(path: str) -> list[str | int | None]:
    """The names (text), places (numbers) and stars (None) of a path."""
    rest, wanted = path.strip().removeprefix("$"), []
    while rest:
        match = STEP.match(rest)
        if not match:
            raise BadInput(f"The path {path!r} can't be read.", "Write it like $.data[*], or $.result.items[*].")
        number, star, single, double, plain_star, plain = match.groups()
        wanted.append(int(number) if number else None if star or plain_star else next(each for each in (single, double, plain) if each is not None))
        rest = rest[match.end():]
    return wanted


def _step(value: object, step: str | int | None) -> list[object]:
    if step is None:
        return value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    if isinstance(step, int):
        return value[step:step + 1] if isinstance(value, list) else []
    return [value[step]] if isinstance(value, dict) and step in value else []
