"""Which encoding a text file is in, and the same text in UTF-8."""

import codecs
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from charset_normalizer import from_bytes

from ingest.errors import Unreadable
from ingest.read.likeness import Reading, is_strange, readings
from ingest.read.questions import Option, question
from ingest.read.sniff import HEAD, looks_wide
from schemas.reading import Confidence, Finding

CHUNK = 8 * 1024**2
SAMPLE = 256 * 1024
FEW = 1_500
WELL, NEAR = -16.0, 4.0
"""How likely each character beyond ASCII has to be in a language, at least; how near another encoding has to come to be asked about (both logarithms)."""
FEW_LETTERS = 3
MAX_RIVALS = 4
SHOWN_CELLS = 3
CELL_END = re.compile("[,;\t|\r\n]")
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
SWITCHED = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$B", "iso2022_jp_2"), (b"\x1b$@", "iso2022_jp_2"))
"""Marks with which a text of seven bits switches to another alphabet."""
LIKELY = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "iso8859_2", "koi8_r", "cp850", "mac_roman", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"]
WESTERN = re.compile("[ÄÖÜäöüßàâáãåæçéèêëîïíìñôóòõøùûúÀÂÁÃÅÆÇÉÈÊËÎÏÍÑÔÓØÙÛÚ€£§°–—“”„’‘…²³µ«»ªº¿¡®©·×½¼ \u00a0]")
"""What Western European text holds beyond ASCII when it is read as Windows-1252."""
INSIDE_WORD = re.compile("[a-z](?:[ÄÖÜÀÂÁÃÅÆÇÉÈÊËÎÏÍÑÔÓØÙÛÚ]|[„“”‘…²³µ«»ªº¿¡©®½¼§°][a-z])")
"""A capital after a small letter, or a mark between two: letters of another encoding."""
COMMON = re.compile("[äöüßéèàçñ]")
OLD_WESTERN = ("cp850", "mac_roman")
RUN = re.compile("[^\x00-\x7f]{3,}")


class Encoding(NamedTuple):
    """An encoding by its Python name, and how it was found. `damaged` says that some bytes don't fit it."""

    name: str
    why: str
    confidence: Confidence = "certain"
    damaged: bool = False
    rivals: tuple[Reading, ...] = ()
    """Where others are about as likely: what a few lines give in this encoding and in those."""

    @property
    def questions(self) -> tuple[dict[str, object], ...]:
        """Which of the encodings it is, with cells that differ."""
        if not self.rivals:
            return ()
        cells = [CELL_END.split(rival.text) for rival in self.rivals]
        differing = [parts for parts in zip(*cells, strict=False) if len(set(parts)) > 1][:SHOWN_CELLS]
        options = [Option(rival.encoding, f"{rival.encoding}: {', '.join(parts[index].strip() for parts in differing)}", {"encoding": rival.encoding}) for index, rival in enumerate(self.rivals)]
        return (question("encoding", "Letters beyond plain English can be read in more than one way. Which of these is right?", options),)

    @property
    def finding(self) -> Finding:
        """What to show the person."""
        return Finding(what="encoding", value=self.name, why=self.why, confidence=self.confidence)

    @property
    def skip(self) -> int:
        """Bytes before the first character, where the file is UTF-8 already."""
        return len(codecs.BOM_UTF8) if self.name == "utf-8-sig" else 0

    @property
    def is_utf8(self) -> bool:
        """Whether the file can be used as it is."""
        return self.name in ("utf-8", "utf-8-sig", "ascii") and not self.damaged


def find_encoding(path: Path, chosen: str | None = None) -> Encoding:
    """The file's encoding: the person's choice, else by mark, by zero bytes, by strict UTF-8, by likeness. Reads the whole file once, in pieces."""
    if chosen:
        return _chosen(path, chosen)
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    for mark, name in BOMS:
        if head.startswith(mark):
            return Encoding(name, "the file begins with a mark that says so", damaged=not _fits(path, name))
    if wide := looks_wide(head):
        return Encoding(wide, "every second byte is zero, as it is in this encoding", "likely", damaged=not _fits(path, wide))
    if switched := next((name for mark, name in SWITCHED if mark in head and _fits(path, name)), None):
        return Encoding(switched, "it switches between alphabets as this encoding does")
    if _fits(path, "utf-8"):
        return _by_chance(path) or Encoding("utf-8", "all of the file is valid UTF-8")
    found = _by_likeness(_odd_lines(path))
    return found._replace(damaged=not _fits(path, found.name))


def _chosen(path: Path, name: str) -> Encoding:
    try:
        codecs.lookup(name).incrementaldecoder  # noqa: B018 - a codec that isn't for text has none
        " ".encode(name)
    except (LookupError, TypeError, AttributeError):
        raise Unreadable(f"There is no encoding called {name!r}.", "Choose one such as utf-8, utf-16, cp1252, cp1250 or shift_jis.") from None
    with path.open("rb") as stream:
        marked = stream.read(3) == codecs.BOM_UTF8
    name = "utf-8-sig" if marked and codecs.lookup(name).name == "utf-8" else name.lower()
    return Encoding(name, "you chose it", damaged=not _fits(path, name))


def _fits(path: Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                if not (name == "utf-8" and chunk.isascii() and not decoder.getstate()[0]):
                    decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except (UnicodeError, ValueError):
        return False
    return True


def _odd_lines(path: Path) -> bytes:
    """Lines that hold more than ASCII, up to a sample's length: the only ones that tell encodings apart."""
    found, size = [], 0
    with path.open("rb") as stream:
        while size < SAMPLE and (line := stream.readline(SAMPLE)):
            if not line.isascii():
                found.append(line)
                size += len(line)
    return b"".join(found)


def _by_likeness(sample: bytes) -> Encoding:
    text = sample.decode("utf-8", errors="replace")
    bad, good = text.count("\ufffd"), sum(char > "\x7f" for char in text) - text.count("\ufffd")
    if good >= 4 * bad:
        return Encoding("utf-8", "nearly all of the file is valid UTF-8; the bytes that aren't are shown as \ufffd", "likely")
    if found := _by_letters(sample):
        return found
    if _reads_well(sample, "cp1252"):
        return Encoding("cp1252", "it isn't UTF-8, and read as Windows-1252 it gives Western European letters", "likely")
    if old := max((name for name in OLD_WESTERN if _reads_well(sample, name)), key=lambda name: len(COMMON.findall(sample.decode(name))), default=None):
        return Encoding(old, "it isn't UTF-8, and read in this older encoding it gives Western European letters", "possible")
    best = from_bytes(sample, cp_isolation=LIKELY, threshold=0.4).best()
    if best is not None and best.encoding not in ("ascii", "utf_8"):
        return Encoding(best.encoding, "it isn't UTF-8, and the letters look most like text in this encoding", "possible")
    return Encoding("cp1252", "it isn't UTF-8; Windows-1252 is the most common other encoding", "possible")


def _by_letters(sample: bytes) -> Encoding | None:
    """The encoding whose letters are those of a language, with its rivals where others are about as likely."""
    few = sample[:FEW] if len(sample) <= FEW else sample[: sample.rfind(b"\n", 0, FEW) + 1] or sample[:FEW]
    found = [reading for reading in readings(few) if _decodes(sample, reading.encoding)]
    if not found or found[0].score < WELL * sum(char > "\x7f" for char in found[0].text):
        return None
    best = found[0]
    rivals = tuple(reading for reading in found[:MAX_RIVALS] if reading.score > best.score - NEAR)
    sure = "possible" if len(rivals) > 1 else "likely"
    return Encoding(best.encoding, "it isn't UTF-8, and read in this encoding its letters are those of a language", sure, rivals=rivals if len(rivals) > 1 else ())


def _by_chance(path: Path) -> Encoding | None:
    """Another encoding for a file with a letter or two beyond ASCII that happen to be valid UTF-8, but give no letter of any language."""
    if path.stat().st_size > SAMPLE:
        return None
    sample = _odd_lines(path)
    text = sample.decode("utf-8", errors="replace")
    if not 0 < sum(char > "\x7f" for char in text) <= FEW_LETTERS or not is_strange(text):
        return None
    found = _by_letters(sample)
    return found and found._replace(confidence="possible", rivals=(*(found.rivals or readings(sample)[:1]), Reading(found.rivals[-1].score if found.rivals else 0.0, "utf-8", text)))


def _decodes(sample: bytes, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)()
    try:
        decoder.decode(sample)
    except (UnicodeError, ValueError):
        return False
    return True


def _reads_well(sample: bytes, name: str) -> bool:
    """Whether a sample gives Western European text in an encoding: its letters, not in long runs, and nothing odd inside a word."""
    text = sample.decode(name, errors="replace")
    odd = [char for char in text if char > "\x7f"]
    return sum(bool(WESTERN.match(char)) for char in odd) >= 0.95 * len(odd) and not RUN.search(text) and not INSIDE_WORD.search(text)


@contextmanager
def as_utf8(path: Path, encoding: Encoding, folder: Path) -> Iterator[Path]:
    """The file in UTF-8: itself, or a copy in `folder` that is removed afterwards. Bytes that fit nothing become U+FFFD."""
    if encoding.is_utf8:
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="utf8-", dir=folder) as copy:
        decoder = codecs.getincrementaldecoder(encoding.name)(errors="replace")
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                copy.write(decoder.decode(chunk).encode("utf-8", errors="replace"))
        copy.write(decoder.decode(b"", final=True).encode("utf-8", errors="replace"))
        copy.flush()
        yield Path(copy.name)
