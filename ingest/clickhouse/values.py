"""A translated value, and a call of a function with its translated arguments."""

from dataclasses import dataclass, field, replace

from sqlglot import exp

from ingest.clickhouse.dialect import cast, duck
from ingest.clickhouse.template import place
from ingest.clickhouse.types import DIGITS_OF_INTEGER, INTEGERS, NOTHING, UINT8, WIDEST, Type
from ingest.errors import SqlMistake


def mistake(node: exp.Expr, sentence: str, todo: str = "") -> SqlMistake:
    """The mistake, with the place of the node."""
    return SqlMistake(sentence, todo, *place(node))


@dataclass(frozen=True)
class Value:
    """What an expression became: DuckDB's expression and ClickHouse's type.

    `truth` says that a UInt8 is kept as a BOOLEAN. `kept` is the widest decimal (digits, scale) it can be in DuckDB. `constant` is the text of a literal. `parts` are a tuple's values.
    `day_of` is the moment, and its zone, of which this is the day.
    """

    sql: exp.Expr
    type: Type
    truth: bool = False
    kept: tuple[int, int] | None = None
    constant: str | None = None
    parts: tuple["Value", ...] = ()
    day_of: tuple[exp.Expr, str | None] | None = None

    @property
    def nullable(self) -> bool:
        return self.type.nullable

    @property
    def width(self) -> tuple[int, int]:
        """Digits and scale of the decimal or integer as it is kept."""
        if self.kept:
            return self.kept
        if self.type.is_decimal:
            return min(self.type.digits, WIDEST), self.type.scale
        if self.constant is not None:
            return len(self.constant.lstrip("-")), 0
        return DIGITS_OF_INTEGER[INTEGERS.get(self.type.name, (True, 8))[1]], 0

    def typed_as(self, sql: exp.Expr) -> "Value":
        """Another value of the same type."""
        return replace(self, sql=sql, constant=None)

    def typed(self, kind: Type) -> "Value":
        """The same value under another type."""
        return replace(self, type=kind)


def null_value() -> Value:
    return Value(exp.Null(), NOTHING)


def truth_value(sql: exp.Expr, *givers: Value) -> Value:
    """A condition's UInt8, nullable where a giver is."""
    return Value(sql, UINT8.or_null(any(each.nullable for each in givers)), truth=True)


def as_number(value: Value) -> exp.Expr:
    """The value as DuckDB's number: conditions and Bool become 1 and 0."""
    return cast(value.sql, "UTINYINT") if value.truth or value.type.name == "Bool" else value.sql


def as_truth(value: Value, node: exp.Expr) -> exp.Expr:
    """The value as a condition: a number that isn't 0, and no decimal."""
    if value.type.is_decimal or not (value.type.is_number or value.type.is_null):
        raise mistake(node, f"A condition is needed here, and this is {value.type}.", "Compare it with something.")
    return as_bool(value, node)


def as_bool(value: Value, node: exp.Expr) -> exp.Expr:
    """The value as a Bool: whether it is a number that isn't 0."""
    if value.truth or value.type.name == "Bool":
        return value.sql
    if value.type.is_null:
        return cast(exp.Null(), "BOOLEAN")
    if not value.type.is_number:
        raise mistake(node, f"{value.type} can't become a Bool.", "Compare it with something.")
    return duck(":x <> 0", x=value.sql)


def as_float(value: Value) -> exp.Expr:
    """The value as a DOUBLE, decimals rounded as ClickHouse rounds them."""
    if value.type.is_decimal:
        return decimal_as_float(value)
    return value.sql if value.type.name == "Float64" else cast(as_number(value), "DOUBLE")


def decimal_as_float(value: Value) -> exp.Expr:
    """ClickHouse divides the integer it keeps by a power of ten, both as Float64."""
    scale = value.type.scale
    return duck("cast(:raw as double) / :power", raw=raw(value, scale), power=exp.cast(exp.Literal.string(f"1e{scale}"), "double"))


def raw(value: Value, scale: int) -> exp.Expr:
    """The decimal as the whole number of its smallest units, at `scale`: a HUGEINT."""
    power = exp.Literal.number(10**scale)
    if scale == 0:
        return cast(value.sql, "HUGEINT")
    factor = cast(power, f"DECIMAL({max(scale + 1, 19)}, 0)") if scale < WIDEST else power
    if value.width[0] + max(scale + 1, 19) <= WIDEST:
        return duck("cast(:x * :p as hugeint)", x=value.sql, p=factor)
    return duck("cast(trunc(:x) as hugeint) * :power + cast((:x - trunc(:x)) * :p as hugeint)", x=value.sql, p=factor, power=cast(power, "HUGEINT"))


@dataclass(frozen=True)
class Call:
    """A function's call: its translated arguments, and where it stands."""

    name: str
    args: tuple[Value, ...]
    node: exp.Expr
    params: tuple[Value, ...] = ()
    condition: exp.Expr | None = None
    """What an aggregate's `-If` or FILTER keeps."""
    window: exp.Window | None = None
    """The translated OVER, still around nothing."""
    distinct: bool = False
    order: tuple[exp.Expr, ...] = field(default=())

    def mistake(self, sentence: str, todo: str = "") -> SqlMistake:
        return mistake(self.node, sentence, todo)

    def wrong(self, wanted: str) -> SqlMistake:
        """The arguments don't fit."""
        given = ", ".join(str(each.type) for each in self.args) or "nothing"
        return self.mistake(f"{self.name} takes {wanted}, and was given {given}.")

    def count(self, least: int, most: int | None = None) -> None:
        """Holds the number of arguments. Raises SqlMistake."""
        most = least if most is None else most
        if not least <= len(self.args) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise self.mistake(f"{self.name} takes {wanted} argument{'s' if wanted != '1' else ''}, and was given {len(self.args)}.")

    def text(self, index: int) -> str:
        """A constant text among the arguments. Raises SqlMistake for anything else."""
        value = self.args[index]
        if value.type.name != "String" or value.constant is None:
            raise self.mistake(f"Argument {index + 1} of {self.name} must be a text in quotes.")
        return value.constant

    def whole(self, index: int) -> int:
        """A constant whole number among the arguments. Raises SqlMistake for anything else."""
        value = self.args[index]
        if not value.type.is_integer or value.constant is None:
            raise self.mistake(f"Argument {index + 1} of {self.name} must be a whole number.")
        return int(value.constant)

    def reduced(self, aggregate: exp.Expr) -> exp.Expr:
        """The aggregate, with what it is limited to and over which rows."""
        limited = exp.Filter(this=aggregate, expression=exp.Where(this=self.condition)) if self.condition is not None else aggregate
        if self.window is None:
            return limited
        over = self.window.copy()
        over.set("this", limited)
        return over
