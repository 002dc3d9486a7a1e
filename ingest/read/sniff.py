"""What a file is, by its first bytes and never by its name."""

import codecs
import json
import lzma
import re
import zipfile
import zlib
from pathlib import Path

from ingest.errors import Unreadable
from ingest.read.limits import INFLATION_MATTERS_FROM, MAX_INFLATED_BYTES, MAX_INFLATION

FormatName = str
HEAD = 64 * 1024
BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
WORD_DOCUMENT = "WordDocument".encode("utf-16-le")
WORKBOOKS = ("Workbook".encode("utf-16-le"), "Book".encode("utf-16-le"))

KNOWN = (
    (b"PAR1", "parquet"), (b"ARROW1", "arrow"), (b"FEA1", "arrow"), (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"),
)
FOREIGN = (
    (b"%PDF", "a PDF document"), (b"\x89PNG", "a picture"), (b"\xff\xd8\xff", "a picture"), (b"GIF8", "a picture"), (b"7z\xbc\xaf", "a 7z archive"), (b"Rar!", "a RAR archive"),
    (b"SQLite format 3", "a database"), (b"{\\rtf", "a text document"), (b"\x7fELF", "a program"), (b"MZ\x90", "a program"), (b"PK\x05\x06", "an empty zip archive"), (b"Obj\x01", "an Avro file"), (b"ORC", "an ORC file"),
)
TAR_AT = 257
HTML = re.compile(r"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html|head|body|table|thead|tbody|tr|meta|title|style|div|center|font|span|p|h[1-6]|br|script)\b", re.IGNORECASE | re.DOTALL)
XML = re.compile(r"\s*(?:<\?xml|<!--|<!DOCTYPE\s|<[A-Za-z_][\w.-]*(?::[\w.-]+)?(?:\s+[\w:.-]+\s*=\s*[\"'][^<>]*)?/?>\s*(?:<|[^<>\n]*</))")
SPREADSHEETML = "urn:schemas-microsoft-com:office:spreadsheet"
JSON = re.compile(r'\s*(?:\{\s*"[^"\n]*"\s*:|\[\s*(?:\{\s*["}]|\[))')
JSON_CHARS = 1024**2
CONTROL = bytes(range(9)) + bytes(range(14, 27)) + b"\x7f"
"""Bytes that text hardly ever holds; those between are tab, line ends, and separators of fields and records."""


def format_of(path: Path) -> FormatName:
    """The format of a file: `text` or one of the workbook formats. Raises Unreadable for what is neither."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe") and path.stat().st_size <= HEAD:
        raise Unreadable("This file is empty.")
    if head.startswith(ZIP):
        return _zip_format(path)
    if head.startswith(OLE):
        return _ole_format(path)
    if is_bare_xls(head):
        return "xls"
    if known := next((name for start, name in KNOWN if head.startswith(start)), None):
        return known
    if head[TAR_AT : TAR_AT + 5] == b"ustar":
        raise Unreadable("This is a tar archive, not a table.", "Unpack it and upload the files inside, or pack them as a zip.")
    for start, what in FOREIGN:
        if head.startswith(start):
            raise Unreadable(f"This is {what}, not a table.", "Export it as CSV or Excel and upload that.")
    _refuse_binary(head)
    return _marked_up(head, path) or "text"


def is_bare_xls(head: bytes) -> bool:
    """Whether this is an old Excel sheet without the container around it (BIFF 2 to 4: its first record's number and length)."""
    return head[:2] in (b"\x09\x00", b"\x09\x02", b"\x09\x04", b"\x09\x08") and head[3:4] == b"\x00" and head[2:3] in (b"\x04", b"\x06", b"\x08", b"\x10")


def _zip_format(path: Path) -> FormatName:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            mimetype = archive.read("mimetype")[:100] if any(entry.filename == "mimetype" and entry.file_size < 1000 for entry in entries) else b""
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        raise Unreadable("This workbook is damaged: its end is missing or its contents don't fit together.", "Open it in Excel, save it again, and upload that.") from None
    names = {entry.filename.replace("\\", "/").lower() for entry in entries}
    parts = {name.rpartition("/")[2] for name in names} if "_rels/.rels" in names else set()
    if "xl/workbook.bin" in names or "workbook.bin" in parts:
        found = "xlsb"
    elif any(name.startswith("xl/") for name in names) or "workbook.xml" in parts:
        found = "xlsm" if "xl/vbaproject.bin" in names else "xlsx"
    elif b"opendocument.spreadsheet" in mimetype or "content.xml" in names:
        found = "ods"
    elif "word/document.xml" in names or "ppt/presentation.xml" in names or b"opendocument" in mimetype:
        raise Unreadable("This is a text document or a presentation, not a table.", "Export the table as CSV or Excel and upload that.")
    else:
        return "zip"
    _refuse_bomb(sum(entry.file_size for entry in entries), path.stat().st_size)
    return found


def _refuse_bomb(inflated: int, size: int) -> None:
    if inflated > MAX_INFLATED_BYTES or (inflated > INFLATION_MATTERS_FROM and inflated > MAX_INFLATION * size):
        raise Unreadable(f"This workbook would unpack to {inflated // 1024**2:,} MB, which is more than can be read safely.", "Save the sheet as CSV and upload that.")


def _ole_format(path: Path) -> FormatName:
    with path.open("rb") as stream:
        content = stream.read(64 * 1024**2)
    if any(name in content for name in WORKBOOKS):
        return "xls"
    if ENCRYPTED in content:
        raise Unreadable("This workbook is protected with a password.", "Save it without the password and upload that.")
    if WORD_DOCUMENT in content:
        raise Unreadable("This is a Word document, not a table.", "Export the table as CSV or Excel and upload that.")
    return "xls"


def _marked_up(head: bytes, path: Path) -> FormatName | None:
    """HTML, XML or JSON, by how the text begins; None for other text."""
    text = _decoded(head)
    start = text[:4096].lstrip()
    if start.startswith("<"):
        if SPREADSHEETML in text[:8192] and "Workbook" in text[:8192]:
            return "spreadsheetml"
        return "html" if HTML.match(start) else "xml" if XML.match(start) else None
    return _json_kind(text, path) if start[:1] in ("{", "[") else None


def _decoded(head: bytes) -> str:
    for mark, name in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return head[len(mark):].decode(name, errors="ignore")
    return head.decode(looks_wide(head) or "utf-8", errors="replace")


def _json_kind(text: str, path: Path) -> FormatName | None:
    """`jsonl` where the first line is a record by itself and another follows, `json` where the text begins or parses as JSON."""
    lines = [line.strip() for line in text.split("\n", 50)[:50]]
    filled = [line for line in lines if line]
    if filled[0][:1] == "{" and _is_json(filled[0]) and len(filled) > 1:
        return "jsonl"
    if JSON.match(text):
        return "json"
    return "json" if path.stat().st_size <= len(text.encode()) + 4 and len(text) < JSON_CHARS and _is_json(text) else None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_binary(head: bytes) -> None:
    if head.startswith(BOMS) or looks_wide(head):
        return
    strange = len(head) - len(head.translate(None, CONTROL)) - _delimiting(head)
    if strange > 0.02 * len(head) and strange > 1:
        raise Unreadable("This is no text: it is a binary file, whatever its name says.", "Export the table as CSV or Excel and upload that.")


def _delimiting(head: bytes) -> int:
    """How often the most frequent control character stands, where it may be what cuts the cells: never a zero byte, about as often in every line."""
    mark = max(CONTROL[1:], key=head.count)
    counts = [line.count(mark) for line in head.splitlines()[:50] if line.strip()]
    return head.count(mark) if sum(counts) and sum(map(bool, counts)) >= 0.6 * len(counts) else 0


def looks_wide(head: bytes) -> str | None:
    """The UTF-16 or UTF-32 that a text without a mark at its beginning seems to be in, by where its zero bytes lie; else None."""
    if len(head) < 8:
        return None
    if len(head) % 4 == 0 or len(head) == HEAD:
        zeros = [head[place::4].count(0) / (len(head) // 4) for place in range(4)]
        if zeros[1] > 0.9 and zeros[2] > 0.9 and zeros[3] > 0.9 and zeros[0] < 0.1:
            return "utf-32-le"
        if zeros[0] > 0.9 and zeros[1] > 0.9 and zeros[2] > 0.9 and zeros[3] < 0.1:
            return "utf-32-be"
    even, odd = head[0::2].count(0) / (len(head) // 2), head[1::2].count(0) / (len(head) // 2)
    if odd > 0.4 and even < 0.05:
        return "utf-16-le"
    if even > 0.4 and odd < 0.05:
        return "utf-16-be"
    return None
