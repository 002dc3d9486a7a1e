"""Functions that look at the rows around one, and need OVER."""

from collections.abc import Callable

from sqlglot import exp

from ingest.clickhouse.aggregates import zero_of
from ingest.clickhouse.convert import as_type
from ingest.clickhouse.dialect import function, number
from ingest.clickhouse.types import UINT64
from ingest.clickhouse.values import Call, Value, as_number


def _ranking(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(0)
        _over(call)
        return Value(call.reduced(function(name)), UINT64)
    return build


def _over(call: Call) -> None:
    if call.window is None:
        raise call.mistake(f"{call.name} needs OVER (...).", f"Write {call.name}(...) OVER (PARTITION BY customer_id ORDER BY timestamp).")


def _neighbour(name: str, in_frame: bool) -> Callable[[Call], Value]:
    """lag and lead; those in the frame look no further than it, which is done where the frame holds the whole side."""
    def build(call: Call) -> Value:
        call.count(1, 3)
        _over(call)
        value = call.args[0]
        steps = call.whole(1) if len(call.args) > 1 else 1
        default = as_type(call.args[2], value.type, call.node).sql if len(call.args) > 2 else exp.Null() if value.nullable else zero_of(value.type)
        over = call.window.copy()
        if in_frame and name == "lead" and not _reaches_the_end(over):
            raise call.mistake("leadInFrame sees only the rows of its frame.", "Write ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING in OVER, or use lead.")
        if in_frame and name == "lag" and not _reaches_the_beginning(over):
            raise call.mistake("lagInFrame sees only the rows of its frame.", "Let the frame begin with UNBOUNDED PRECEDING, or use lag.")
        over.set("spec", None)
        over.set("this", function(name, as_number(value) if value.truth else value.sql, number(steps), default))
        return Value(over, value.type, kept=value.kept)
    return build


def _reaches_the_end(over: exp.Window) -> bool:
    spec = over.args.get("spec")
    return spec is None and not over.args.get("order") or spec is not None and spec.args.get("end") == "UNBOUNDED"


def _reaches_the_beginning(over: exp.Window) -> bool:
    spec = over.args.get("spec")
    return spec is None or spec.args.get("start") == "UNBOUNDED"


def _at_an_end(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(1)
        value = call.args[0]
        _over(call)
        if value.nullable:
            raise call.mistake(f"{call.name} of values that can be empty can't be previewed here.", "coalesce() them first.")
        return Value(call.reduced(function(name, as_number(value) if value.truth else value.sql)), value.type, kept=value.kept)
    return build


WINDOWS = {
    "row_number": _ranking("row_number"), "rank": _ranking("rank"), "dense_rank": _ranking("dense_rank"), "lag": _neighbour("lag", False), "lead": _neighbour("lead", False),
    "lagInFrame": _neighbour("lag", True), "leadInFrame": _neighbour("lead", True), "first_value": _at_an_end("first_value"), "last_value": _at_an_end("last_value"),
}
