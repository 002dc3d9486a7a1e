"""Rounding as SQL, the same on every number: ClickHouse's own round() goes half up on decimals, and half to even on floats."""

from sqlglot import exp

from ingest.metric.nodes import call, either, number
from schemas.metric import Rounding


def rounded(node: exp.Expression, rule: Rounding | None, *, is_float: bool) -> exp.Expression:
    """The quantity rounded by the rule (None: as it is)."""
    if rule is None:
        return node
    digits = number(rule.digits)
    if rule.mode == "half_even":
        return call("roundBankers", node, digits)
    if rule.mode == "down":
        return call("trunc", node, digits)
    if rule.mode == "up":
        below_zero = exp.LT(this=node, expression=number(0))
        return either(below_zero, call("floor", node.copy(), digits), call("ceil", node.copy(), digits.copy()))
    return _half_up(node, 10**rule.digits) if is_float else call("round", node, digits)


def _half_up(node: exp.Expression, factor: int) -> exp.Expression:
    """Away from zero, step by step: every database that keeps to IEEE 754 comes to the same bits."""
    lifted = exp.Add(this=exp.Mul(this=call("abs", node), expression=number(factor)), expression=exp.Literal.number("0.5"))
    return exp.Mul(this=call("sign", node.copy()), expression=exp.Paren(this=exp.Div(this=call("floor", lifted), expression=number(factor))))
