"""The two dialects as they are written: functions keep their names, so that nothing is taken for something it isn't."""

from functools import lru_cache

from sqlglot import exp, parser
from sqlglot.dialects.clickhouse import ClickHouse
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parsers.clickhouse import ClickHouseParser
from sqlglot.tokens import Token, TokenType


class AsWritten(ClickHouse):
    """ClickHouse, every function an exp.Anonymous by its own name; one with parameters an exp.ParameterizedAgg."""

    class Parser(ClickHouseParser):
        """ClickHouse's grammar without anybody's idea of what a function means."""

        FUNCTIONS = {}
        FUNCTION_PARSERS = {"CAST": ClickHouseParser.FUNCTION_PARSERS["CAST"], "EXTRACT": ClickHouseParser.FUNCTION_PARSERS["EXTRACT"]}

        def _parse_function(self, functions: dict | None = None, anonymous: bool = False, optional_parens: bool = True, any_token: bool = False) -> exp.Expr | None:
            return parser.Parser._parse_function(self, functions, anonymous, optional_parens, any_token)

        def _parse_as_command(self, start: Token) -> exp.Command:
            self.raise_error("only a SELECT can be run", start)  # anything else would be taken as it is

        def _parse_command(self) -> exp.Command:
            self.raise_error("only a SELECT can be run", self._prev)  # and not written to a log, as sqlglot would

        def _parse_window(self, this: exp.Expr | None, alias: bool = False) -> exp.Expr | None:
            if isinstance(this, exp.Anonymous) and self._curr and self._curr.token_type == TokenType.L_PAREN:
                self._advance()
                values = self._parse_csv(self._parse_lambda)
                self._match_r_paren()
                place = this.meta
                this = exp.ParameterizedAgg(this=this.name, expressions=this.expressions, params=values)
                this.meta.update(place)
            return super()._parse_window(this, alias)

    class Generator(ClickHouse.Generator):
        """ClickHouse's, and DIV as the function that it is: a way over floats would lose digits."""

        TRANSFORMS = {**ClickHouse.Generator.TRANSFORMS, exp.IntDiv: lambda self, node: f"intDiv({self.sql(node, 'this')}, {self.sql(node, 'expression')})"}


class Shifted(exp.Expression, exp.Func):
    """A moment moved between UTC and a zone. Its text is long, so that it is written out only at the very end."""

    arg_types = {"this": True, "written": True}


MOMENT = "\x02"
"""Where the moment stands in the text of a Shifted."""
NAMED_FROM = 200
"""How long a moment's own text may be to be written out each time."""


class DuckDBAsWritten(DuckDB):
    """DuckDB, every function by its own name."""

    class Parser(DuckDB.Parser):
        """DuckDB's grammar without anybody's idea of what a function means."""

        FUNCTIONS = {}
        FUNCTION_PARSERS = {"CAST": DuckDB.Parser.FUNCTION_PARSERS["CAST"]}
        NO_PAREN_FUNCTION_PARSERS = {"CASE": DuckDB.Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]}

        def _parse_expression(self) -> exp.Expr | None:
            return parser.Parser._parse_expression(self)  # DuckDB's own takes `:name` for an alias in front

    class Generator(DuckDB.Generator):
        """DuckDB's, and moments moved between zones."""

        TRANSFORMS = {**DuckDB.Generator.TRANSFORMS, Shifted: lambda self, node: _shifted(self.sql(node, "this"), node.args["written"])}


def _shifted(moment: str, written: str) -> str:
    """The moment moved. It stands a hundred times in the text, so one that is long itself stands there by a name."""
    if len(moment) <= NAMED_FROM:
        return written.replace(MOMENT, f"({moment})")
    return f"list_extract(list_transform(list_value({moment}), lambda moment: {written.replace(MOMENT, 'moment')}), 1)"


@lru_cache(maxsize=1000)
def _template(text: str) -> exp.Expr:
    return DuckDBAsWritten().parse(f"SELECT {text}")[0].expressions[0]


ATOMS = (exp.Column, exp.Literal, exp.Anonymous, exp.Cast, exp.Paren, exp.Null, exp.Boolean, exp.Case, exp.Window, exp.Subquery, exp.Filter, exp.DataType, exp.Star, Shifted)


def enclosed(node: exp.Expr) -> exp.Expr:
    """The node, in parentheses where it could fall apart inside another."""
    return node if isinstance(node, ATOMS) else exp.Paren(this=node)


def duck(template: str, **values: exp.Expr) -> exp.Expr:
    """A DuckDB expression: the template (constant text, never a person's), with nodes in the place of its `:names`."""
    tree = _template(template).copy()
    if isinstance(tree, exp.Placeholder):
        return values[tree.name]
    for place in list(tree.find_all(exp.Placeholder)):
        place.replace(enclosed(values[place.name].copy()))
    return tree


def number(value: int) -> exp.Expr:
    return exp.Literal.number(value) if value >= 0 else exp.Paren(this=exp.Neg(this=exp.Literal.number(-value)))


def text(value: str) -> exp.Expr:
    return exp.Literal.string(value)


def cast(node: exp.Expr, duckdb_type: str) -> exp.Expr:
    return exp.Cast(this=node.copy(), to=_type(duckdb_type).copy())


@lru_cache(maxsize=200)
def _type(name: str) -> exp.Expr:
    return _template(f"cast(null as {name})").args["to"]


def function(name: str, *values: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=[each.copy() for each in values])
