"""XML, one event after the other: nothing is held but where we are. Entities are refused, since a few of them can stand for gigabytes."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from ingest.errors import Unreadable
from ingest.read.limits import MAX_CELL_CHARS, MAX_DOCUMENT_DEPTH

CHUNK = 256 * 1024
MAX_PATHS = 20_000

Names = tuple[str, ...]


class Repeating(NamedTuple):
    """The element that stands for a record: its path from the root, and how often it comes."""

    path: Names
    count: int


class Handlers(NamedTuple):
    """What to call for a start, an end and text."""

    start: Callable[[str, dict[str, str]], None]
    end: Callable[[str], None]
    text: Callable[[str], None]


def parse(source: Path, handlers: Handlers) -> Iterator[None]:
    """Goes through the document, a step a piece. Raises Unreadable where it is no XML, too deep, or defines entities."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = handlers
    parser.EntityDeclHandler = _refuse_entity
    with source.open("rb") as stream:
        try:
            while piece := stream.read(CHUNK):
                parser.Parse(piece, False)
                yield
            parser.Parse(b"", True)
            yield
        except (expat.ExpatError, ValueError, LookupError) as error:
            line = getattr(error, "lineno", 0)
            raise Unreadable(f"This XML is damaged or cut off{f' in line {line:,}' if line else ''}.", "Export it again, or as CSV.") from None


def _refuse_entity(*_: object) -> None:
    raise Unreadable("This XML defines entities, which could unpack to more than can be read safely.", "Export it again without them, or as CSV.")


def local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def find_repeating(source: Path) -> Repeating:
    """The shallowest element that comes more than once and holds values of its own."""
    counts: Counter[Names] = Counter()
    holds: set[Names] = set()
    path: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(path) >= MAX_DOCUMENT_DEPTH or len(counts) > MAX_PATHS:
            raise Unreadable("This XML is nested too deeply, or too unevenly, to be a table.", "Export it as CSV.")
        holds.add(tuple(path))
        path.append(local(name))
        counts[tuple(path)] += 1
        if attributes:
            holds.add(tuple(path))

    for _ in parse(source, Handlers(start, lambda _name: path.pop() and None, lambda _text: None)):
        pass
    return _choose(counts, holds)


def _choose(counts: Counter[Names], holds: set[Names]) -> Repeating:
    repeated = [path for path, count in counts.items() if count > 1 and len(path) > 1]
    records = [path for path in repeated if path in holds] or repeated or [path for path in counts if len(path) == 2 and path in holds] or [path for path in counts if len(path) == 1]
    if not records:
        raise Unreadable("This XML holds no records.", "Export it as CSV.")
    best = min(records, key=lambda path: (len(path), -counts[path]))
    return Repeating(best, counts[best])


def xml_records(source: Path, record: Names) -> Iterator[dict[Names, str | None]]:
    """The records, flat: a name for every value inside, with what it stands in before it; a value that comes several times becomes a JSON array."""
    reader = _Records(record)
    for _ in parse(source, Handlers(reader.start, reader.end, reader.text)):
        yield from reader.taken()


class _Records:
    def __init__(self, record: Names) -> None:
        self.record, self.path, self.texts = record, [], []
        self.values: dict[Names, list[str]] = {}
        self.size = 0
        self.done: list[dict[Names, str | None]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(local(name))
        self.texts.append([])
        inside = self._inside()
        self.size = self.size if inside else 0
        if inside:
            for key, value in attributes.items():
                self._add((*inside[1:], local(key)), value)

    def _inside(self) -> tuple[str, ...]:
        """The path from the record on; empty outside of one."""
        depth = len(self.record)
        return tuple(self.path[depth - 1 :]) if tuple(self.path[:depth]) == self.record else ()

    def end(self, _name: str) -> None:
        text = "".join(self.texts.pop()).strip()
        inside = self._inside()
        if text and inside:
            self._add(inside[1:] or ("value",), text)
        elif inside[1:] and inside[1:] not in self.values and not any(path[: len(inside) - 1] == inside[1:] for path in self.values):
            self.values[inside[1:]] = []
        self.path.pop()
        if len(inside) == 1:
            self.done.append({path: _one(values) for path, values in self.values.items()})
            self.values, self.size = {}, 0

    def text(self, text: str) -> None:
        if self.texts:
            self.texts[-1].append(text)
            self.size += len(text)
            if self.size > MAX_CELL_CHARS:
                raise Unreadable(f"This file has a record of more than {MAX_CELL_CHARS // 1024**2} million characters, so it is no table.", "Check the export.")

    def _add(self, path: Names, value: str) -> None:
        self.values.setdefault(path or ("value",), []).append(value)

    def taken(self) -> list[dict[Names, str | None]]:
        done, self.done = self.done, []
        return done


def _one(values: list[str]) -> str | None:
    return values[0] if len(values) == 1 else json.dumps(values, ensure_ascii=False) if values else None
