"""A condition that a person wrote over the fields of a row, such as `quantity <= seats * 24`: taken apart and written anew, so that none of their text becomes SQL."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from ingest.check.plan import Plan
from ingest.engine import literal
from ingest.errors import BadInput
from schemas.event_type import NUMERIC_TYPES, FieldType

Kind = Literal["number", "text", "time", "truth"]
KINDS: dict[FieldType, Kind] = {**{kind: "number" for kind in NUMERIC_TYPES}, "String": "text", "UUID": "text", "DateTime64": "time", "Date32": "time", "Bool": "truth"}
COMPARED = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
COUNTED = {"Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}
JOINED = {"And": "and", "Or": "or"}
EXAMPLE = "Write it as in quantity <= seats * 24; it knows + - * /, comparisons, and, or, not, in, between, is null."
LONGEST = 500
MOST_DIGITS = 37


def condition(text: str, plans: Mapping[str, Plan]) -> tuple[str, tuple[str, ...]]:
    """SQL over the cells that is true where the formula holds, and the fields it names, in their order. Raises BadInput for anything else than a condition."""
    import sqlglot  # costs a tenth of a second, and most checks have no formula

    try:
        tree = sqlglot.parse_one(text, read="duckdb") if text.strip() and len(text) <= LONGEST else None
    except (sqlglot.errors.SqlglotError, RecursionError):
        tree = None
    if tree is None:
        raise BadInput(f"The formula {text[:100]!r} can't be understood.", EXAMPLE)
    writer = _Writer(text, plans)
    sql, kind = writer.written(tree)
    if kind != "truth" or not writer.fields:
        raise BadInput(f"The formula {text[:100]!r} is no condition on the fields of a row.", EXAMPLE)
    return sql, tuple(writer.fields)


class _Writer:
    """Writes one formula anew. Every part has a kind, so that nothing is compared with what it can't be compared with."""

    def __init__(self, text: str, plans: Mapping[str, Plan]) -> None:
        self.text, self.plans = text, plans
        self.fields: dict[str, None] = {}

    def written(self, node) -> tuple[str, Kind]:  # noqa: ANN001 (sqlglot is imported late)
        """SQL and kind of one part."""
        name = type(node).__name__
        known = getattr(self, f"_{name.lower()}", None)
        if name in COMPARED:
            return self._compared(node.this, COMPARED[name], node.expression)
        if name in COUNTED:
            right = self._as(node.expression, "number")
            return f"({self._as(node.this, 'number')} {COUNTED[name]} {f'nullif({right}, 0)' if name == 'Div' else right})", "number"
        if name in JOINED:
            return f"({self._as(node.this, 'truth')} {JOINED[name]} {self._as(node.expression, 'truth')})", "truth"
        if known is None:
            raise BadInput(f"The formula {self.text[:100]!r} uses something that isn't known here: {node.sql()[:50]!r}.", EXAMPLE)
        return known(node)

    def _as(self, node, kind: Kind) -> str:  # noqa: ANN001
        sql, found = self.written(node)
        if found != kind:
            raise BadInput(f"In the formula {self.text[:100]!r}, {node.sql()[:50]!r} is not a {'condition' if kind == 'truth' else kind}.", EXAMPLE)
        return sql

    def _compared(self, left, sign: str, right) -> tuple[str, Kind]:  # noqa: ANN001
        first, second = self._alike(left, right)
        return f"({first} {sign} {second})", "truth"

    def _alike(self, left, right) -> tuple[str, str]:  # noqa: ANN001
        """Both sides in one kind; a text beside a time is one."""
        (first, one), (second, other) = self.written(left), self.written(right)
        if (one, other) == ("time", "text"):
            return first, self._moment(right)
        if (one, other) == ("text", "time"):
            return self._moment(left), second
        if one != other:
            raise BadInput(f"In the formula {self.text[:100]!r}, {left.sql()[:50]!r} (a {one}) is compared with {right.sql()[:50]!r} (a {other}).", EXAMPLE)
        return first, second

    def _moment(self, node) -> str:  # noqa: ANN001
        try:
            found = datetime.fromisoformat(node.name)
        except ValueError:
            raise BadInput(f"In the formula {self.text[:100]!r}, {node.sql()[:50]!r} is not a date.", "Write it as in '2026-10-01'.") from None
        found = found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
        return f"timestamp '{found.isoformat(sep=' ')}'"

    def _paren(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        return self.written(node.this)

    def _not(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        return f"(not {self._as(node.this, 'truth')})", "truth"

    def _neg(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        return f"(- {self._as(node.this, 'number')})", "number"

    def _literal(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        if node.is_string:
            return literal(node.this), "text"
        number = Decimal(node.this)
        if abs(number.adjusted()) > MOST_DIGITS:
            raise BadInput(f"In the formula {self.text[:100]!r}, {node.this[:50]} is too large or too small a number.", EXAMPLE)
        return format(number, "f"), "number"

    def _boolean(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        return "true" if node.this else "false", "truth"

    def _column(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        plan = self.plans.get(node.name)
        if plan is None or len(node.parts) != 1:
            raise BadInput(f"The formula {self.text[:100]!r} names {node.sql()[:50]!r}, which is no field here.", f"Fields: {', '.join(self.plans)}.")
        self.fields[plan.field] = None
        value = f"{plan.value}::varchar" if plan.type == "UUID" else plan.value
        return value, KINDS[plan.type]

    def _between(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        low, high = self._compared(node.this, ">=", node.args["low"])[0], self._compared(node.this, "<=", node.args["high"])[0]
        return f"({low} and {high})", "truth"

    def _in(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        if not node.expressions:
            raise BadInput(f"The formula {self.text[:100]!r} looks for something in no list.", EXAMPLE)
        return f"({' or '.join(self._compared(node.this, '=', each)[0] for each in node.expressions)})", "truth"

    def _is(self, node) -> tuple[str, Kind]:  # noqa: ANN001
        if type(node.expression).__name__ != "Null":
            raise BadInput(f"The formula {self.text[:100]!r} uses something that isn't known here: {node.sql()[:50]!r}.", EXAMPLE)
        return f"({self.written(node.this)[0]} is null)", "truth"
