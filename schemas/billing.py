"""What is asked of the billing system when events are read back."""

from decimal import Decimal
from typing import Literal, get_args

from schemas.base import Frozen

Operator = Literal["equals", "not_equals", "in", "contains", "gt", "gte", "lt", "lte", "is_null"]
OPERATORS: tuple[Operator, ...] = get_args(Operator)

Operation = Literal["COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)


class Filter(Frozen):
    """One condition on stored events. `column` is customer_id, timestamp or `data.<field>`; `in` takes several values."""

    column: str
    operator: Operator
    value: str | bool | int | Decimal | tuple[str, ...] | None = None
