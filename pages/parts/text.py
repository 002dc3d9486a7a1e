"""What the pages say: people's own strings made harmless, numbers and times as people read them, the words for states."""

import re
import unicodedata
from datetime import UTC, date, datetime

from schemas.records import ImportState

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:^=@&\"'])")

_LINKED = re.compile(r"(?<=http)\\:|(?<=https)\\:|(?<=www)\\\.|\\@", re.IGNORECASE)
"""Where Markdown would see an address even behind backslashes: coloured as a piece of its own it is none, and it can still be copied."""

STATES: dict[ImportState, tuple[str, str]] = {
    "reading": ("being read", ":material/hourglass_top:"),
    "unreadable": ("can't be read", ":material/error:"),
    "read": ("columns to confirm", ":material/help:"),
    "matched": ("to be checked", ":material/pending:"),
    "checking": ("being checked", ":material/hourglass_top:"),
    "checked": ("ready for your review", ":material/rule:"),
    "pushing": ("being sent", ":material/upload:"),
    "stopped": ("sending stopped", ":material/pause_circle:"),
    "pushed": ("sent, not proven yet", ":material/pending:"),
    "proven": ("sent and proven", ":material/verified:"),
    "discarded": ("discarded", ":material/delete:"),
}
"""What each state is called on the screen, and its icon; the icon never stands alone."""

OUTCOMES = {"accepted": "ready", "rejected": "need fixing", "duplicate": "already sent or repeated in this file", "excluded": "left out"}


def plain(text: object) -> str:
    """A string people wrote, so that Markdown shows it as it is: nothing is formatted, linked or loaded, and it stays on one line."""
    visible = "".join(" " if character in "\r\n\t" else character for character in str(text) if unicodedata.category(character) not in ("Cc", "Cf") or character in "\r\n\t")
    return _LINKED.sub(lambda found: f":gray[{found[0]}]", _MARKDOWN.sub(r"\\\1", visible))


def shorten(text: str, length: int = 60) -> str:
    """The text, cut in the middle where it is too long, so that a file's ending stays."""
    return text if len(text) <= length else f"{text[: length * 2 // 3]}…{text[-length // 3 + 1 :]}"


def number(value: int | float | None) -> str:
    """12,431; a dash for nothing."""
    return "–" if value is None else f"{value:,}"


def count(value: int, one: str, many: str | None = None) -> str:
    """`1 row`, `12,431 rows`."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def size(amount: int) -> str:
    """Bytes as people read them: 12.3 MB."""
    if amount < 1000:
        return count(amount, "byte")
    for unit in ("KB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def limit(amount: int) -> str:
    """A limit as it was meant: 5 GB for five times 1024 to the third."""
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB")):
        if amount >= 1024**power and amount % 1024 ** (power - 1) == 0:
            return f"{amount / 1024**power:.1f}".removesuffix(".0") + f" {unit}"
    return size(amount)


def ago(moment: str, now: datetime | None = None) -> str:
    """How long ago an ISO time was: `3 minutes ago`, `yesterday`, then the date."""
    then = datetime.fromisoformat(moment)
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{count(int(seconds // 60), 'minute')} ago"
    if seconds < 86400:
        return f"{count(int(seconds // 3600), 'hour')} ago"
    if seconds < 2 * 86400:
        return "yesterday"
    return day(moment) if seconds > 14 * 86400 else f"{int(seconds // 86400)} days ago"


def day(moment: str) -> str:
    """The date of an ISO time: 3 October 2026."""
    return _date(date.fromisoformat(moment[:10]))


def moment(moment: str) -> str:
    """An ISO time, to the minute: 3 October 2026, 14:05 UTC."""
    then = datetime.fromisoformat(moment)
    return f"{_date(then.date())}, {then:%H:%M} UTC"


def month(period: str) -> str:
    """A period YYYY-MM in words: October 2026."""
    return f"{date.fromisoformat(period + '-01'):%B %Y}"


def spoken(slug: str) -> str:
    """A slug as people say it: `compute_hours` is Compute hours."""
    return slug.replace("_", " ").replace("-", " ").strip().capitalize() or slug


def state(name: ImportState) -> str:
    """An import's state in words."""
    return STATES[name][0]


def _date(value: date) -> str:
    return f"{value.day} {value:%B %Y}"
