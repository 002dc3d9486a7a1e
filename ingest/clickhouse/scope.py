"""Names: which columns an expression can see, and what they are called in DuckDB."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from sqlglot import exp

from ingest.clickhouse.aggregates import filled
from ingest.clickhouse.types import Type
from ingest.clickhouse.values import Value, mistake


@dataclass(frozen=True)
class Column:
    """A column of a relation: its name in ClickHouse, and what DuckDB calls and keeps it."""

    name: str
    kept_as: str
    type: Type
    truth: bool = False
    kept: tuple[int, int] | None = None


@dataclass(frozen=True)
class Relation:
    """A table or a SELECT, translated."""

    sql: exp.Expr
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Source:
    """A relation in FROM, under its alias. `fills` says that a join may find no row of it: ClickHouse then fills in zeros."""

    alias: str
    columns: Mapping[str, Column]
    fills: bool = False

    def value(self, name: str) -> Value:
        column = self.columns[name]
        sql = exp.column(column.kept_as, table=self.alias, quoted=True)
        return Value(filled(sql, column.type) if self.fills else sql, column.type, truth=column.truth, kept=column.kept)


@dataclass
class Scope:
    """What one SELECT sees: its sources, its own aliases, and how a SELECT inside it is translated."""

    sources: list[Source]
    aliases: dict[str, exp.Expr]
    subquery: Callable[[exp.Expr], Relation]
    inside_aggregate: bool = False
    busy: set[str] = field(default_factory=set)

    def within(self) -> "Scope":
        """The same, inside an aggregate."""
        return replace(self, inside_aggregate=True)

    def alias(self, name: str) -> exp.Expr | None:
        """The expression of an alias; within itself it means the column."""
        return None if name in self.busy else self.aliases.get(name)

    def guarded(self, name: str, node: exp.Expr, build: Callable[[], Value]) -> Value:
        self.busy.add(name)
        try:
            return build()
        finally:
            self.busy.discard(name)

    def column(self, parts: tuple[str, ...], node: exp.Expr) -> Value:
        """The column of a dotted name. Raises SqlMistake for an unknown or a doubtful one."""
        full = ".".join(parts)
        found = [(source, full) for source in self.sources if full in source.columns]
        rest = ".".join(parts[1:])
        found = [(source, rest) for source in self.sources if source.alias == parts[0] and rest in source.columns] or found
        if not found:
            raise self._unknown(full, node)
        if len(found) > 1:
            raise mistake(node, f"{full} is a column of {' and of '.join(source.alias for source, _ in found)}.", f"Write {found[0][0].alias}.{full}.")
        return found[0][0].value(found[0][1])

    def _unknown(self, name: str, node: exp.Expr) -> Exception:
        known = [each for source in self.sources for each in source.columns]
        close = get_close_matches(name, known, 1)
        todo = f"Did you mean {close[0]}?" if close else f"Known are {', '.join(known)}." if known else ""
        return mistake(node, f"There is no column {name}.", todo)
