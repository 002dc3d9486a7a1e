"""Totals of events, before they are sent."""

from typing import Literal, get_args

from schemas.base import Frozen

Function = Literal["sum", "count", "distinct", "min", "max", "average", "latest"]
FUNCTIONS: tuple[Function, ...] = get_args(Function)


class PreviewSpec(Frozen):
    """Which totals: grouped by `customer`, `day` and fields, one function over one field. `count` needs no field."""

    by: tuple[str, ...] = ("customer",)
    field: str | None = None
    function: Function = "count"
    limit: int = 10_000
