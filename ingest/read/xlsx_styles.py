"""How the numbers of an xlsx sheet are shown: the format of each style, and which numbers can't be what they are shown as."""

import re
import zipfile
from collections.abc import Collection, Iterator
from html import unescape

from ingest.read.cells import number_text

MAX_STYLES = 16 * 1024**2
NUMBER_FORMAT = re.compile(r"<(?:\w+:)?numFmt\s[^>]*>")
CELL_FORMATS = re.compile(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
CELL_FORMAT = re.compile(r"<(?:\w+:)?xf\s[^>]*>")
STYLED = re.compile(rb"""<(?:\w+:)?c\s(?=[^>]*?\br="([A-Z]{1,3})\d+")(?=[^>]*?\bs="(\d+)")[^>]*[^/]>(?!</)""")
BUILT_IN = {"9": "0%", "10": "0.00%", **{str(number): "d.m.yy h:mm" for number in (*range(14, 23), *range(27, 37), 45, 47, *range(50, 59))}}
NEGATIVE = re.compile(rb">(-[^<]+)</(?:\w+:)?v>")
PLACE, STYLE = re.compile(rb'\br="([A-Z]{1,3})(\d+)"'), re.compile(rb'\bs="(\d+)"')
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
WORDS = re.compile(r'"[^"]*"|\\.|_.|\[[^\]]*\]|General|Standard', re.IGNORECASE)
"""What says nothing of how a number is shown, or stands for a number of any kind."""
OF_TIME = re.compile(r"[dmyhs]", re.IGNORECASE)


def format_codes(archive: zipfile.ZipFile) -> list[str]:
    """The number format of each style; empty for those that need no word."""
    part = next((name for name in archive.namelist() if name.replace("\\", "/").lower().endswith("/styles.xml")), None)
    if part is None or archive.getinfo(part).file_size > MAX_STYLES:
        return []
    styles = archive.read(part).decode("utf-8", errors="replace")
    own = {attribute(tag, "numFmtId"): unescape(attribute(tag, "formatCode") or "") for tag in NUMBER_FORMAT.findall(styles)}
    formats = CELL_FORMATS.search(styles)
    ids = [attribute(tag, "numFmtId") or "0" for tag in CELL_FORMAT.findall(formats[0] if formats else "")]
    return [own.get(each) or BUILT_IN.get(each, "") for each in ids]


def shows_dates(code: str) -> bool:
    """Whether a number format shows a point in time, as no negative number is one; hours that go beyond 24 may be negative."""
    return not ELAPSED.search(code) and bool(OF_TIME.search(WORDS.sub("", code)))


def shown(first: bytes, codes: list[str]) -> dict[bytes, set[str]]:
    """Column → how its numbers are shown, as far as the first rows tell."""
    found: dict[bytes, set[str]] = {}
    for column, style in set(STYLED.findall(first)) if codes else ():
        found.setdefault(column, set()).add(codes[int(style)] if int(style) < len(codes) else "")
    return found


def undated(piece: bytes, dated: Collection[int]) -> Iterator[tuple[int, bytes, str]]:
    """Row, column and text of negative numbers that are shown as dates or times, for which the library has none."""
    for match in NEGATIVE.finditer(piece):
        begin = max(piece.rfind(b"<c ", 0, match.start()), piece.rfind(b":c ", 0, match.start()))
        attributes = piece[max(begin, 0) : piece.find(b">", max(begin, 0))]
        place, style = PLACE.search(attributes), STYLE.search(attributes)
        if place and style and int(style[1]) in dated and b' t="s' not in attributes:
            yield int(place[2]), place[1], number_text(float(match[1]))


def attribute(tag: str, name: str) -> str | None:
    """One attribute of a tag."""
    match = re.search(rf"""\s{name}\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag)
    return (match[1] if match[1] is not None else match[2]) if match else None
