"""The endpoints of the sandbox and who may use them. Source: the billing system's public documentation."""

import asyncio
import hmac
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import duckdb
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ingest.sandbox import aggregates, catalogue, customers, estimates, query
from ingest.sandbox.counting import Counting
from ingest.sandbox.replies import ExactJSON, Raw, Refusal, invalid, problem, read_object
from ingest.sandbox.store import Store, window_start
from ingest.sandbox.switches import Switches
from ingest.sandbox.usage import Usage

Clock = Callable[[], datetime]


class Sandbox:
    """What each endpoint does; one method a route. All but reading a body happens off the event loop."""

    def __init__(self, store: Store, switches: Switches, clock: Clock) -> None:
        self.store = store
        self.switches = switches
        self.clock = clock
        self.usage = Usage(store, switches)
        self.counting = Counting(store, switches)

    async def post_usage(self, request: Request) -> Response:
        body = await self._body(request)
        status, reply = await run_in_threadpool(self.usage.post, request.path_params["slug"], body, request.headers.get("idempotency-key"), self.clock())
        return ExactJSON(Raw(reply), status)

    async def create_metric(self, request: Request) -> Response:
        return ExactJSON(await run_in_threadpool(catalogue.create, self.store, await self._body(request), self.clock()))

    async def create_customer(self, request: Request) -> Response:
        return ExactJSON(await run_in_threadpool(customers.create, self.store, await self._body(request), self.clock()))

    async def preview(self, request: Request) -> Response:
        asked = read_object(await self._body(request))
        return await run_in_threadpool(lambda: ExactJSON(query.preview(self.store, asked, self._readable_until())))

    def list_metrics(self, request: Request) -> Response:
        return ExactJSON(catalogue.listing(self.store, request.query_params))

    def get_metric(self, request: Request) -> Response:
        return ExactJSON(catalogue.document(self.store, catalogue.by_id(self.store, request.path_params["id"])))

    def get_metric_by_slug(self, request: Request) -> Response:
        return ExactJSON(catalogue.document(self.store, self.store.metric(request.path_params["slug"])))

    def logs(self, request: Request) -> Response:
        return ExactJSON(query.newest_rows(self.store, catalogue.by_id(self.store, request.path_params["id"]), self._readable_until()))

    def list_customers(self, request: Request) -> Response:
        return ExactJSON(customers.listing(self.store, request.query_params))

    def get_customer(self, request: Request) -> Response:
        return ExactJSON(customers.get(self.store, request.path_params["id"]))

    async def create_aggregate(self, request: Request) -> Response:
        return ExactJSON(await run_in_threadpool(aggregates.create, self.store, await self._body(request), self.clock()))

    async def change_aggregate(self, request: Request) -> Response:
        return ExactJSON(await run_in_threadpool(aggregates.change, self.store, request.path_params["id"], await self._body(request)))

    def delete_aggregate(self, request: Request) -> Response:
        return ExactJSON(aggregates.delete(self.store, request.path_params["id"]))

    def get_aggregate(self, request: Request) -> Response:
        return ExactJSON(aggregates.get(self.store, request.path_params["id"]))

    def list_aggregates(self, request: Request) -> Response:
        return ExactJSON(aggregates.listing(self.store, request.query_params))

    def aggregate_tables(self, _request: Request) -> Response:
        return ExactJSON(aggregates.tables(self.store))

    def aggregate_estimate(self, request: Request) -> Response:
        aggregate = aggregates.get(self.store, estimates.asked(request.query_params, "aggregate_id"))
        return ExactJSON(estimates.estimate(self.store, self.counting, aggregate, request.query_params, self.switches.organisation, self.clock(), self._readable_until()))

    def aggregate_logs(self, request: Request) -> Response:
        aggregate = aggregates.get(self.store, request.path_params["id"])
        return ExactJSON(estimates.logs(self.store, aggregate, request.query_params, self._readable_until()))

    def _readable_until(self) -> datetime:
        return query.readable_until(self.clock(), self.switches.storing_lag_seconds)

    async def _body(self, request: Request) -> bytes:
        """The body, read no further than the limit."""
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > self.switches.max_body_bytes:
                raise Refusal(413, {"detail": f"The body is larger than {self.switches.max_body_bytes} bytes"})
            parts.append(part)
        return b"".join(parts)


class Door:
    """Lets in who has the key and names the organisation. Source: 401 and 403 as documented; the 403 body is the gateway's."""

    def __init__(self, app: Any, switches: Switches) -> None:  # noqa: ANN401
        self.app = app
        self.switches = switches

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401
        answer = self.app
        if scope["type"] == "http":
            await asyncio.sleep(self.switches.latency_seconds)
            answer = self._refusal(Request(scope)) or self.app
        await answer(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        organisation = request.headers.get("organisation") or request.query_params.get("organisation", "")
        if not organisation or not _same(_key(request), self.switches.api_key):
            return ExactJSON({"detail": "Unauthorized"}, 401)
        if not _same(organisation.lower(), self.switches.organisation.lower()):
            return ExactJSON({"Message": "User is not authorized to access this resource with an explicit deny"}, 403)
        return None


def _key(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return request.headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def make_app(store: Store, switches: Switches, clock: Clock) -> Starlette:
    """The application over an open store, which it closes when it is shut down."""
    sandbox = Sandbox(store, switches, clock)

    @asynccontextmanager
    async def lifespan(_app: Starlette):  # noqa: ANN202
        store.forget_replies(window_start(clock(), switches.idempotency_hours))
        yield
        store.close()

    app = Starlette(routes=_routes(sandbox), lifespan=lifespan, middleware=[Middleware(Door, switches)], exception_handlers=HANDLERS)
    app.router.redirect_slashes = False
    app.state.store = store
    return app


def _routes(sandbox: Sandbox) -> list[Route]:
    return [
        Route("/rawmetric", sandbox.list_metrics, methods=["GET"]),
        Route("/rawmetric", sandbox.create_metric, methods=["POST"]),
        Route("/rawmetric/slug/{slug}", sandbox.get_metric_by_slug, methods=["GET"]),
        Route("/rawmetric/{id}", sandbox.get_metric, methods=["GET"]),
        Route("/rawmetric/{id}/logs", sandbox.logs, methods=["GET"]),
        Route("/usage/{slug}", sandbox.post_usage, methods=["POST"]),
        Route("/aggregate/visualquery/preview", sandbox.preview, methods=["POST"]),
        Route("/aggregates", sandbox.list_aggregates, methods=["GET"]),
        Route("/aggregates", sandbox.create_aggregate, methods=["POST"]),
        Route("/aggregates/tables/schema", sandbox.aggregate_tables, methods=["GET"]),
        Route("/aggregates/estimates", sandbox.aggregate_estimate, methods=["GET"]),
        Route("/aggregates/logs/{id}", sandbox.aggregate_logs, methods=["GET"]),
        Route("/aggregates/{id}", sandbox.get_aggregate, methods=["GET"]),
        Route("/aggregates/{id}", sandbox.change_aggregate, methods=["PATCH"]),
        Route("/aggregates/{id}", sandbox.delete_aggregate, methods=["DELETE"]),
        *[Route(path, sandbox.list_customers, methods=["GET"]) for path in ("/customer", "/customers")],
        *[Route(path, sandbox.create_customer, methods=["POST"]) for path in ("/customer", "/customers")],
        Route("/customers/{id}", sandbox.get_customer, methods=["GET"]),
    ]


def _refused(_request: Request, error: Refusal) -> Response:
    return ExactJSON(error.document, error.status)


def _not_here(_request: Request, error: HTTPException) -> Response:
    return ExactJSON({"detail": error.detail}, error.status_code, headers=error.headers)


def _unusable(_request: Request, _error: Exception) -> Response:
    refusal = invalid(problem(["body"], "a value in this request can't be read", "value_error"))
    return ExactJSON(refusal.document, refusal.status)


def _no_disk(_request: Request, _error: Exception) -> Response:
    return ExactJSON({"detail": "The sandbox can't use its disk; free some room and start it again"}, 503)


def _failed(_request: Request, _error: Exception) -> Response:
    return ExactJSON({"detail": "Internal Server Error"}, 500)


HANDLERS = {Refusal: _refused, HTTPException: _not_here, RecursionError: _unusable, duckdb.ConversionException: _unusable, duckdb.IOException: _no_disk, duckdb.FatalException: _no_disk, Exception: _failed}
