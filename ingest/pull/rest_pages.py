"""From one page of a web service to the next."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import httpx

from ingest.errors import BadInput, Refused
from ingest.pull.flat import cell, flattened
from ingest.pull.json_path import found_at, rows_at
from ingest.pull.web import shown
from ingest.pull.web_api import Answer, WebApi

if TYPE_CHECKING:
    from ingest.pull.rest import RestConnection

MOST_PAGES = 100_000
ENDLESS = "What it calls the next page may be an earlier one: look up how it pages."


def pages(api: WebApi, connection: "RestConnection", link: str, rows_path: str | None, parameters: Mapping[str, str]) -> Iterator[list[object]]:
    """The rows of every page. Raises BadInput where there are no rows where they should be, or where it goes round in circles."""
    turn = _first(connection)
    before, seen = None, set()
    for number in range(MOST_PAGES):
        try:
            answer = _asked(api, connection, link, {**parameters, **turn})
        except Refused as error:
            if error.status == 404 and number and connection.paging == "page":
                return  # beyond the last page
            raise
        rows = rows_at(answer.body, rows_path)
        if rows is None:
            raise BadInput(f"The answer of {shown(link)} has no rows{f' at {rows_path}' if rows_path else ' that can be found without being told where'}.", _hint(answer.body))
        if rows and rows == before and connection.paging in ("page", "offset"):
            raise BadInput(f"{shown(link)} gives the same page again and again.", ENDLESS)
        yield rows
        before, following = rows, _next(connection, answer, link, rows, turn)
        if following is None:
            return
        link, turn = following
        if (mark := (link, *sorted(turn.items()))) in seen:
            raise BadInput(f"{shown(link)} leads round in circles.", ENDLESS)
        seen.add(mark)
        if connection.paging in ("next link", "link header"):
            parameters = {}  # the link has them
    raise BadInput(f"{shown(link)} has more than {MOST_PAGES:,} pages.", "Ask for larger pages, or read a smaller part of it.")


def _asked(api: WebApi, connection: "RestConnection", link: str, parameters: Mapping[str, str]) -> Answer:
    if connection.method == "GET":
        return api.ask("GET", link, params=parameters)
    return api.ask("POST", link, body={**connection.body, **parameters})


def _first(connection: "RestConnection") -> dict[str, str]:
    size = {connection.size_parameter: str(connection.page_size)} if connection.size_parameter else {}
    if connection.paging in ("page", "offset"):
        return {**size, connection.page_parameter: str(connection.first_page if connection.paging == "page" else 0)}
    return size


def _next(connection: "RestConnection", answer: Answer, link: str, rows: list[object], turn: dict[str, str]) -> tuple[str, dict[str, str]] | None:
    """The link and the parameters of the next page; None after the last. A page that is short isn't the last one: some services give fewer than they are asked for."""
    if connection.paging == "none" or connection.more_path and _text(answer.body, connection.more_path) in (None, "false", "0"):
        return None
    if connection.paging in ("page", "offset"):
        step = 1 if connection.paging == "page" else len(rows)
        return (link, {**turn, connection.page_parameter: str(int(turn[connection.page_parameter]) + step)}) if rows else None
    if connection.paging == "last row":
        last = dict(flattened(rows[-1])).get(connection.next_path or "id") if rows else None
        return (link, {**turn, connection.page_parameter: last}) if last else None
    if connection.paging == "link header":
        following = httpx.Response(200, headers=answer.headers).links.get("next", {}).get("url")
    else:
        following = _text(answer.body, connection.next_path or "$.next")
    if not following or following == "false":
        return None
    return (link, {**turn, connection.page_parameter: following}) if connection.paging == "cursor" else (str(httpx.URL(link).join(following)), {})


def _text(body: object, path: str) -> str | None:
    found = found_at(body, path)
    return cell(found[0]) if found else None


def _hint(body: object) -> str:
    names = ", ".join(list(body)[:20]) if isinstance(body, dict) else ""
    return f"It has: {names}. Write the path to the rows, like $.data[*]." if names else "Write the path to the rows, like $.data[*]."
