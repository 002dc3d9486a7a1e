"""Texts as ClickHouse has them: bytes, whose plain functions know only the letters of ASCII; those ending in UTF8 know all."""

from collections.abc import Callable

from sqlglot import exp

from ingest.clickhouse.convert import string_of
from ingest.clickhouse.dialect import duck, number, text
from ingest.clickhouse.types import STRING, UINT8, UINT64, Type
from ingest.clickhouse.values import Call, Value, null_value, truth_value

UPPER, LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"


def _of_texts(template: str, result: Type, count: int = 1, truth: bool = False) -> Callable[[Call], Value]:
    """A function of texts :x, :y, :z."""
    def build(call: Call) -> Value:
        call.count(count)
        if any(each.type.is_null for each in call.args):
            return null_value()
        if any(each.type.name != "String" for each in call.args):
            raise call.wrong("a text" if count == 1 else f"{count} texts")
        found = duck(template, **dict(zip("xyz", (each.sql for each in call.args), strict=False)))
        return Value(found, result.or_null(any(each.nullable for each in call.args)), truth=truth)
    return build


def _concat(call: Call) -> Value:
    if not call.args:
        raise call.wrong("at least one value")
    if any(each.type.is_null for each in call.args):
        return null_value()
    values = [string_of(each, call.node) for each in call.args]
    found = values[0].sql
    for each in values[1:]:
        found = duck(":a || :b", a=found, b=each.sql)
    return Value(found, STRING.or_null(any(each.nullable for each in values)))


def _pattern(call: Call) -> str:
    call.count(2)
    if call.args[0].type.name != "String":
        raise call.wrong("a text and a pattern in quotes")
    return call.text(1)


def _like(operator: str, negated: bool) -> Callable[[Call], Value]:
    """LIKE, where a backslash takes the meaning from % and _."""
    def build(call: Call) -> Value:
        pattern = _pattern(call)
        found = exp.Escape(this=(exp.ILike if operator == "ilike" else exp.Like)(this=call.args[0].sql, expression=text(pattern)), expression=text("\\"))
        return truth_value(exp.Not(this=exp.Paren(this=found)) if negated else found, call.args[0])
    return build


def _match(call: Call) -> Value:
    pattern = _pattern(call)
    return truth_value(duck("regexp_matches(:x, :p, 's')", x=call.args[0].sql, p=text(pattern)), call.args[0])


def _substring(bytes_only: bool) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(2, 3)
        value = call.args[0]
        if value.type.is_null:
            return null_value()
        if value.type.name != "String":
            raise call.wrong("a text")
        start = call.whole(1)
        if start == 0:
            raise call.mistake(f"{call.name} counts from 1.")
        length = call.whole(2) if len(call.args) == 3 else None
        if length is not None and length < 0:
            raise call.mistake(f"{call.name} with a length below 0 can't be previewed here.")
        plain = duck("substring(:x, :s)", x=value.sql, s=number(start)) if length is None else duck("substring(:x, :s, :n)", x=value.sql, s=number(start), n=number(length))
        return Value(_ascii_only(value.sql, plain, 0 if start < 0 else start - 1 + (length or 0)) if bytes_only else plain, STRING.or_null(value.nullable))
    return build


def _ascii_only(given: exp.Expr, plain: exp.Expr, first: int) -> exp.Expr:
    """Cutting bytes can cut a letter in two, which no text here can hold; `first` letters matter, all where it is 0."""
    part = duck("left(:x, :n)", x=given, n=number(first)) if first else given
    return duck("case when strlen(:part) = length(:part) then :plain when :x is not null then error('substring() cuts bytes, and here it would cut letters in two: use substringUTF8().') end", x=given, part=part, plain=plain)


def _position(call: Call) -> Value:
    call.count(2)
    if any(each.type.name != "String" for each in call.args):
        raise call.wrong("two texts")
    found = duck("case when instr(:x, :y) = 0 then 0 else strlen(left(:x, instr(:x, :y) - 1)) + 1 end", x=call.args[0].sql, y=call.args[1].sql)
    return Value(duck("case when :x is not null and :y is not null then :found end", x=call.args[0].sql, y=call.args[1].sql, found=found), UINT64.or_null(any(each.nullable for each in call.args)))


def _side(name: str) -> Callable[[Call], Value]:
    def build(call: Call) -> Value:
        call.count(2)
        count = call.whole(1)
        if call.args[0].type.name != "String" or count < 0:
            raise call.wrong("a text and a number of letters")
        plain = duck(f"{name}(:x, :n)", x=call.args[0].sql, n=number(count))
        return Value(_ascii_only(call.args[0].sql, plain, count if name == "left" else 0), STRING.or_null(call.args[0].nullable))
    return build


TEXTS = {
    "lower": _of_texts(f"translate(:x, '{UPPER}', '{LOWER}')", STRING), "upper": _of_texts(f"translate(:x, '{LOWER}', '{UPPER}')", STRING),
    "lowerUTF8": _of_texts("lower(:x)", STRING), "upperUTF8": _of_texts("upper(replace(:x, 'ß', 'SS'))", STRING),
    "length": _of_texts("strlen(:x)", UINT64), "lengthUTF8": _of_texts("length(:x)", UINT64),
    "trimBoth": _of_texts("trim(:x)", STRING), "trimLeft": _of_texts("ltrim(:x)", STRING), "trimRight": _of_texts("rtrim(:x)", STRING),
    "empty": _of_texts(":x = ''", UINT8, truth=True), "notEmpty": _of_texts(":x <> ''", UINT8, truth=True),
    "startsWith": _of_texts("starts_with(:x, :y)", UINT8, 2, True), "endsWith": _of_texts("ends_with(:x, :y)", UINT8, 2, True),
    "replaceAll": _of_texts("replace(:x, :y, :z)", STRING, 3), "concat": _concat, "substring": _substring(True), "substringUTF8": _substring(False), "position": _position,
    "left": _side("left"), "right": _side("right"), "like": _like("like", False), "notLike": _like("like", True), "ilike": _like("ilike", False), "notILike": _like("ilike", True), "match": _match,
}
