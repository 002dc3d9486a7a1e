"""The documented list wrapper and its opaque cursors."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ingest.sandbox.replies import invalid_field

LARGEST = 10_000
"""Most results in one reply."""


@dataclass(frozen=True)
class Page:
    """Which part of a list. `newest` is the highest `seq` there was when the list was begun, so that later pages don't shift."""

    limit: int
    offset: int = 0
    newest: int | None = None

    def wrapper(self, results: list[object], total: int) -> dict[str, object]:
        """The list wrapper around this page's results."""
        following, before = self.offset + len(results), max(0, self.offset - self.limit)
        return {
            "results": results,
            "next": _cursor(replace(self, offset=following)) if following < total and results else None,
            "previous": _cursor(replace(self, offset=before)) if self.offset > 0 else None,
            "total_count": total,
        }


def page_of_query(query: Mapping[str, str]) -> Page:
    """The page a list's query asks for: `cursor`, or the older `offset`; `limit` is 10 unless given."""
    limit = _whole("query", "limit", query.get("limit", "10"), least=1, most=LARGEST)
    if cursor := query.get("cursor"):
        return replace(_page_of_cursor(cursor, "query"), limit=limit)
    return Page(limit, _whole("query", "offset", query.get("offset", "0"), least=0, most=2**53))


def page_of_body(body: Mapping[str, object], default: int, largest: int) -> Page:
    """The page a visual query asks for."""
    limit = default if body.get("limit") is None else _whole("body", "limit", body["limit"], least=1, most=largest)
    if cursor := body.get("cursor"):
        return replace(_page_of_cursor(cursor, "body"), limit=limit)
    return Page(limit, _whole("body", "offset", body.get("offset") or 0, least=0, most=2**53))


def order_of_query(query: Mapping[str, str], sortable: tuple[str, ...]) -> str:
    """The SQL of `order` (a leading minus means descending), or of `sort_key` and `sort_type`. Newest first unless given."""
    if "sort_key" in query and "order" not in query:
        column, direction = query["sort_key"], query.get("sort_type", "DESC").lower()
    else:
        order = query.get("order", "-created_at")
        column, direction = order.lstrip("-+"), "desc" if order.startswith("-") else "asc"
    if column not in sortable or direction not in ("asc", "desc"):
        raise invalid_field("query", "order", f"can be sorted by {', '.join(sortable)}, ascending or descending")
    return f"{column} {direction}, seq {direction}"


def _whole(place: str, name: str, value: object, *, least: int, most: int) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 18:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise invalid_field(place, name, f"expected a whole number from {least} to {most}", "type_error.integer")
    return value


def _cursor(page: Page) -> str:
    return base64.urlsafe_b64encode(json.dumps([page.offset, page.newest]).encode()).decode()


def _page_of_cursor(cursor: object, place: str) -> Page:
    try:
        offset, newest = json.loads(base64.urlsafe_b64decode(str(cursor)))
        if not isinstance(offset, int) or not isinstance(newest, int | None) or not 0 <= offset < 2**53:
            raise ValueError(cursor)
        return Page(1, offset, newest)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise invalid_field(place, "cursor", "this cursor isn't one of ours") from None
