"""Bounded reads for a page: previews, filters, counts. They run in the query processes, never in the portal itself."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ingest import query

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def ask(function: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
    """The function's answer, from a query process. `function` is one of ingest's own, by name; its IngestErrors come back as themselves."""
    return query.ask(function, args, kwargs)
