"""The billing API over HTTP: the one place that sends a request to it."""

import json
import re
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import httpx

from ingest.billing.failures import CHECK_ADDRESS, refused, unreachable
from ingest.billing.shapes import aggregate_body, estimate_of, event_type_of, metric_body, operation_of, preview_body, registered_of
from ingest.errors import BadInput, Refused, Unreachable
from schemas.account import Account
from schemas.billing import Filter
from schemas.event_type import EventType
from schemas.metric import AggregateBody, Estimate, Registered

VERSION, EVENTS_VERSION = "20230501", "20240301"
"""`apiversion`: the second for creating event types, sending events and reading them back, as the official client does."""
PAGE = 1000
SMALL_PAGE = 100
"""What lists are asked for, and what they are asked for where that is refused: the documentation names no limit."""
PREVIEW_PAGE = 10_000
PAUSES = (0.5, 1.0, 2.0)
"""Seconds before a read is tried again."""
LONGEST_PAUSE = 30.0
PASSING = frozenset({429, 500, 502, 503, 504})
SINGLY = 20
"""Up to so many customers are asked for one by one; beyond that the whole list is read."""
THIS_MACHINE = re.compile(r"https?://(127(\.\d{1,3}){3}|localhost|\[::1\])(:\d+)?(/|$)")


@cache
def _trusted(from_environment: bool) -> ssl.SSLContext:
    """The authorities whose certificates are trusted; reading them takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=from_environment)


class BillingClient:
    """One account's billing API. Threads may share it. Reads are tried again a few times; `send` never is, since only its caller knows whether it may be."""

    def __init__(self, account: Account, *, transport: httpx.BaseTransport | None = None, timeout: float = 30, sleep: Callable[[float], None] = time.sleep, now: Callable[[], float] = time.time) -> None:
        connections = account.profile.connections
        self._account = account
        self._sleep = sleep
        self._now = now
        self.host = _host(account.shown_url)
        from_environment = not THIS_MACHINE.match(account.base_url)  # a company's proxy must not be asked for this machine
        self.called = f"{account.name} ({self.host})"  # in sentences: people know the name, whoever looks after the network the host
        with self._translated():
            self._http = httpx.Client(
                base_url=account.base_url.rstrip("/"), headers=_headers(account), timeout=httpx.Timeout(timeout, connect=min(timeout, 10)), transport=transport, follow_redirects=False,
                limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
                trust_env=from_environment, verify=_trusted(from_environment),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"BillingClient({self._account.name!r}, {self.host!r})"

    def close(self) -> None:
        """Hangs up."""
        self._http.close()

    def event_types(self) -> list[EventType]:
        """Every event type of the account."""
        return [event_type_of(each) for each in self._list("/rawmetric") if each.get("api_slug")]

    def event_type(self, slug: str) -> EventType | None:
        """The event type of that slug, or None: the API answers `null`, not 404, but may come to do that."""
        try:
            metric = self._read("GET", f"/rawmetric/slug/{quote(slug, safe='')}")
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return event_type_of(metric) if metric else None

    def create_event_type(self, event_type: EventType) -> EventType:
        """The event type as the account made it. Raises Refused (400) for a slug that is taken."""
        reply = self._json(self._request("POST", "/rawmetric", content=metric_body(event_type), version=EVENTS_VERSION))
        if isinstance(reply, dict) and reply.get("api_slug") and reply.get("dataschema"):
            return event_type_of(reply)
        return self.event_type(event_type.slug) or event_type  # what a create answers isn't documented

    def send(self, slug: str, body: bytes, idempotency_key: str) -> int:
        """The status (2xx) of one POST of events. Raises Unreachable where the outcome is unknown, Refused where the answer was no. The reply's body means nothing."""
        return self._request("POST", f"/usage/{quote(slug, safe='')}", content=body, version=EVENTS_VERSION, headers={"Idempotency-Key": idempotency_key}).status_code

    def rows(self, slug: str, filters: Iterable[Filter] = (), *, limit: int, offset: int = 0, order_by: str | None = None) -> list[dict[str, object]]:
        """Stored events, `{"customer_id", "timestamp", "data"}`, numbers exact. `order_by` is a column; a minus before it means descending."""
        return _results(self._preview(preview_body(slug, filters, limit=limit, offset=offset, order_by=order_by)))

    def page(self, slug: str, filters: Iterable[Filter] = (), *, limit: int, offset: int = 0, order_by: str | None = None) -> bytes:
        """The same as the API wrote it, for those who read JSON in bulk."""
        return self._read_response("POST", "/aggregate/visualquery/preview", content=preview_body(slug, filters, limit=limit, offset=offset, order_by=order_by), version=EVENTS_VERSION).content

    def row_pages(self, slug: str, filters: Iterable[Filter] = (), *, order_by: str | None = None, limit: int = PREVIEW_PAGE) -> Iterator[list[dict[str, object]]]:
        """All stored events that the filters hold for, page by page."""
        filters, offset, more = tuple(filters), 0, True
        while more:
            document = self._preview(preview_body(slug, filters, limit=limit, offset=offset, order_by=order_by))
            page = _results(document)
            if page:
                yield page
            offset += len(page)
            more = _is_more(document, offset, limit)

    def aggregate(self, slug: str, operation: str, column: str, *, group_by: Sequence[str] = (), filters: Iterable[Filter] = ()) -> list[dict[str, object]]:
        """Totals: one `{<group>: …, "value": …}` a group, numbers exact; a single `{"value": …}` without groups."""
        asked, filters, totals, more = operation_of(operation, column, group_by), tuple(filters), [], True
        while more:
            document = self._preview(preview_body(slug, filters, limit=PREVIEW_PAGE, offset=len(totals), operation=asked))
            totals += _results(document)
            more = _is_more(document, len(totals), PREVIEW_PAGE)
        return totals

    def aggregates(self) -> list[Registered]:
        """Every billable metric of the account, newest first; asked for as the official client does."""
        return [registered_of(each) for each in self._list("/aggregates", parent_aggregate_id__isnull="true", aggregate_type__isnull="true") if each.get("id")]

    def aggregate_by_id(self, aggregate_id: str) -> Registered | None:
        """The billable metric of that id; None for an unknown one."""
        try:
            return registered_of(_object(self._read("GET", f"/aggregates/{quote(aggregate_id, safe='')}")))
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def create_aggregate(self, metric: AggregateBody) -> Registered:
        """The metric as the account made it. Never tried again by itself: whether a cut request made one is for the caller to find out."""
        made = registered_of(_object(self._json(self._request("POST", "/aggregates", content=aggregate_body(metric)))))
        if not made.id:
            raise Refused(f"{self.called} took the metric but didn't say its id.", CHECK_ADDRESS, status=200)
        return made

    def update_aggregate(self, aggregate_id: str, metric: AggregateBody) -> None:
        """Changes a metric. Raises Refused (404) for an unknown id."""
        self._request("PATCH", f"/aggregates/{quote(aggregate_id, safe='')}", content=aggregate_body(metric))

    def estimate(self, aggregate_id: str, customer_id: str, start: str, end: str) -> Estimate:
        """What the account counts for one customer from one day to another, both counted in. Raises Refused (404) for a customer it doesn't know."""
        params = {"aggregate_id": aggregate_id, "customer_id": customer_id, "start_date": start, "end_date": end}
        try:
            return estimate_of(self._read("GET", "/aggregates/estimates", params=params))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Refused(f"{self.called} answered with an estimate that can't be read.", CHECK_ADDRESS, status=200) from None

    def customers(self) -> Iterator[dict[str, object]]:
        """Every customer of the account."""
        return self._list("/customers")

    def known_customers(self, ids: Iterable[str]) -> set[str]:
        """Which of these are a customer's id or external id."""
        return set(self.customer_ids(ids))

    def customer_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The account's own ids of those among these that are a customer's id or external id."""
        wanted, known = set(names), {}
        for customer in self._customers_called(wanted) if len(wanted) <= SINGLY else self.customers():
            known |= dict.fromkeys(_names(customer) & wanted, str(customer.get("id") or customer.get("external_id")))
            if len(known) == len(wanted):
                break
        return known

    def create_customer(self, customer_name: str, *, external_id: str | None = None, **fields: object) -> dict[str, object]:
        """The customer as the account made it. Raises Refused (400) for an email or id that is taken."""
        body = {"customer_name": customer_name, **({"external_id": external_id} if external_id else {}), **fields}
        return _object(self._json(self._request("POST", "/customer", content=json.dumps(body).encode())))

    def _customers_called(self, names: Iterable[str]) -> Iterator[dict[str, object]]:
        """Asks for one after the other. What comes back has to be looked at, since an API that doesn't know a filter leaves it out."""
        for name in names:
            found = ([each for each in _results(self._read("GET", "/customers", params={key: name, "limit": "10"})) if name in _names(each)] for key in ("external_id", "id"))
            yield from next(filter(None, found), [])

    def _list(self, path: str, **filters: str) -> Iterator[dict[str, object]]:
        """Every result of a list, following its cursors."""
        size, cursor, seen = PAGE, None, set()
        while True:
            params = {**filters, "limit": str(size), **({"cursor": cursor} if cursor else {})}
            try:
                page = self._read("GET", path, params=params)
            except Refused as error:
                if error.status not in (400, 422) or size == SMALL_PAGE:
                    raise
                size = SMALL_PAGE
                continue
            yield from _results(page)
            cursor = page.get("next")
            if not cursor or not page["results"] or cursor in seen:
                return
            seen.add(cursor)

    def _preview(self, body: bytes) -> object:
        return self._read("POST", "/aggregate/visualquery/preview", content=body, version=EVENTS_VERSION)

    def _read(self, method: str, path: str, *, params: dict[str, str] | None = None, content: bytes | None = None, version: str = VERSION) -> object:
        """The document a read answers with."""
        return self._json(self._read_response(method, path, params=params, content=content, version=version))

    def _read_response(self, method: str, path: str, *, params: dict[str, str] | None = None, content: bytes | None = None, version: str = VERSION) -> httpx.Response:
        """A request that changes nothing, so that it may be tried again."""
        for pause in PAUSES:
            try:
                return self._request(method, path, params=params, content=content, version=version)
            except Unreachable:
                self._sleep(pause)
            except Refused as error:
                if error.status not in PASSING:
                    raise
                self._sleep(min(max(pause, error.retry_after or 0), LONGEST_PAUSE))
        return self._request(method, path, params=params, content=content, version=version)

    def _request(self, method: str, path: str, *, params: dict[str, str] | None = None, content: bytes | None = None, version: str = VERSION, headers: dict[str, str] | None = None) -> httpx.Response:
        """A 2xx reply. Raises Unreachable or Refused."""
        kind = {"content-type": "application/json"} if content is not None else {}
        with self._translated():
            response = self._http.request(method, path, params=params, content=content, headers={"apiversion": version, **kind, **(headers or {})})
        if not response.is_success:
            raise refused(response, self.called, self._account.api_key.get_secret_value(), self._now())
        return response

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, httpx.StreamError) as error:
            raise unreachable(error, self.called) from None

    def _json(self, response: httpx.Response) -> object:
        """The document of a reply, numbers with a point as exact decimals."""
        try:
            return json.loads(response.content, parse_float=Decimal)
        except (ValueError, RecursionError):
            raise Refused(f"{self.called} answered with something that isn't JSON.", CHECK_ADDRESS, status=response.status_code) from None


def _headers(account: Account) -> dict[str, str]:
    """Raises BadInput for a key or organisation that can't be a header; the key itself is in no message."""
    key = account.api_key.get_secret_value()
    for name, value in (("API key", key), ("organisation id", account.organisation)):
        if not value or not value.isascii() or not value.isprintable() or value != value.strip():
            raise BadInput(f"The {name} of the account {account.name!r} is empty or has characters that it can't have.", "Copy it again from the billing system's settings.")
    return {"x-api-key": key, "organisation": account.organisation, "accept": "application/json", "user-agent": "usage-intake"}


def _host(url: str) -> str:
    """What messages call the other side: host and port."""
    try:
        parts = urlsplit(url)
        return parts.netloc if parts.hostname else url
    except ValueError:
        return url


def _results(page: object) -> list[dict[str, object]]:
    found = page.get("results") if isinstance(page, dict) else None
    if not isinstance(found, list):
        raise Refused("The billing system's answer has no list of results.", CHECK_ADDRESS, status=200)
    return found


def _is_more(page: object, taken: int, limit: int) -> bool:
    """Whether more follows: a full page, or fewer than the account's own count, since it may give fewer at once than it was asked for."""
    count, total = len(_results(page)), page.get("total_count")
    return count == limit or (count > 0 and isinstance(total, int) and taken < total)


def _object(document: object) -> dict[str, object]:
    return document if isinstance(document, dict) else {}


def _names(customer: dict[str, object]) -> set[str]:
    return {str(customer[key]) for key in ("id", "external_id") if customer.get(key)}
