"""SELECTs: tables, joins, groups, orders and unions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from ingest.clickhouse.convert import as_type
from ingest.clickhouse.dialect import duck, number
from ingest.clickhouse.expressions import ordered, value_of
from ingest.clickhouse.scope import Column, Relation, Scope, Source
from ingest.clickhouse.tables import Table
from ingest.clickhouse.types import common, read_type
from ingest.clickhouse.values import Value, as_truth, mistake

KNOWN_CLAUSES = {"expressions", "from_", "joins", "where", "group", "having", "order", "limit", "offset", "distinct", "with_", "kind", "hint"}
CLAUSES = {
    "settings": "SETTINGS can't be set from here.", "format": "FORMAT can't be set from here.", "into": "A result can't be written anywhere from here.", "laterals": "ARRAY JOIN can't be previewed here.",
    "prewhere": "PREWHERE can't be previewed here: use WHERE.", "qualify": "QUALIFY can't be previewed here: put the SELECT into another one with WHERE.", "windows": "Named windows can't be previewed here: write them out after OVER.",
    "sample": "SAMPLE can't be previewed here: a bill counts every event.",
}


@dataclass
class Selects:
    """Translates one query and the queries in it. `known` are the tables, and the WITHs seen so far."""

    tables: Mapping[str, Table]
    known: dict[str, Relation] = field(default_factory=dict)
    depth: int = 0

    def relation(self, query: exp.Expr) -> Relation:
        """A query's translation, its columns called c1, c2 and so on."""
        inner = Selects(self.tables, dict(self.known), self.depth + 1)
        if inner.depth > 20:
            raise mistake(query, "The SELECTs are nested too deeply.", "Twenty is the most.")
        return inner.translated(query)

    def translated(self, query: exp.Expr) -> Relation:
        if isinstance(query, exp.Subquery):
            _only(query, {"this", "alias", "with_"}, "a SELECT in brackets")
            return self.translated(query.this)
        if isinstance(query, exp.SetOperation):
            return self._union(query)
        if not isinstance(query, exp.Select):
            raise mistake(query, "A SELECT is needed here.")
        return self._select(query)

    def _with(self, query: exp.Expr) -> dict[str, exp.Expr]:
        """Learns the WITHs of a query; returns those that name a value."""
        given = query.args.get("with_")
        if given is None:
            return {}
        if given.args.get("recursive"):
            raise mistake(given, "WITH RECURSIVE can't be previewed here.")
        values = {}
        for each in given.expressions:
            if each.args.get("scalar"):
                values[each.alias] = each.this
            elif each.args["alias"].columns:
                raise mistake(each, "A WITH can't rename its columns here.", "Name them in its SELECT with AS.")
            else:
                self.known[each.alias] = self.relation(each.this)
        return values

    def _union(self, query: exp.SetOperation) -> Relation:
        """All SELECTs of a chain of UNION ALL, side by side: a long chain is no deep one."""
        sides = [self.relation(each) for each in self._sides(query)]
        if len({len(side.columns) for side in sides}) > 1:
            raise mistake(query, "The SELECTs of a UNION ALL must have as many columns as each other.")
        columns, values = [], [[] for _ in sides]
        for index, same in enumerate(zip(*(side.columns for side in sides), strict=True), 1):
            kind = common([each.type for each in same])
            if kind is None:
                raise mistake(query, f"Column {index} is {' and '.join(dict.fromkeys(str(each.type) for each in same))} in the SELECTs.", "Convert one of them.")
            for side, column in zip(values, same, strict=True):
                side.append(as_type(_of(column), kind, query))
            kept = (38, max(side[-1].width[1] for side in values)) if kind.is_decimal else None
            columns.append(Column(same[0].name, f"c{index}", kind, all(side[-1].truth for side in values), kept))
        made = [exp.select(*(exp.alias_(each.sql, f"c{index}", quoted=True) for index, each in enumerate(side, 1))).from_(_aliased(relation.sql, "side")) for side, relation in zip(values, sides, strict=True)]
        return Relation(exp.union(*made, distinct=False), tuple(columns))

    def _sides(self, query: exp.SetOperation) -> list[exp.Expr]:
        found: list[exp.Expr] = []
        chain: exp.Expr = query
        while isinstance(chain, exp.SetOperation):
            if type(chain) is not exp.Union or chain.args.get("distinct"):
                raise mistake(chain, "Only UNION ALL puts SELECTs together here.", "Use SELECT DISTINCT over a UNION ALL.")
            for clause in ("order", "limit", "offset", "settings", "format", "by_name"):
                if chain.args.get(clause):
                    raise mistake(chain, f"{clause.upper()} after UNION ALL belongs to the last SELECT only in ClickHouse.", "Put the union in brackets: SELECT * FROM (… UNION ALL …).")
            self._with(chain)
            found.insert(0, chain.expression)
            chain = chain.this
        return [chain, *found]

    def _select(self, query: exp.Select) -> Relation:
        for clause, given in query.args.items():
            if given and clause not in KNOWN_CLAUSES:
                raise mistake(given if isinstance(given, exp.Expr) else query, CLAUSES.get(clause, f"{clause.strip('_').upper()} can't be previewed here."))
        named = self._with(query)
        made = exp.Select()
        sources = self._from(query, made)
        aliases = named | {each.alias: each.this for each in query.expressions if isinstance(each, exp.Alias)}
        scope = Scope(sources, aliases, self.relation)
        items = [pair for each in query.expressions for pair in _items(each, scope)]
        if not items:
            raise mistake(query, "The SELECT names no column.", "Write what to count, as in SELECT count() AS quantity.")
        self._filters(query, made, scope, items)
        for index, (_, value) in enumerate(items, 1):
            made.select(exp.alias_(_plain(value, query), f"c{index}", quoted=True), copy=False)
        if query.args.get("distinct"):
            if query.args["distinct"].args.get("on"):
                raise mistake(query, "DISTINCT ON can't be previewed here.")
            made.set("distinct", exp.Distinct())
        return Relation(made, tuple(Column(name, f"c{index}", value.type, value.truth, value.kept) for index, (name, value) in enumerate(items, 1)))

    def _from(self, query: exp.Select, made: exp.Select) -> list[Source]:
        given = query.args.get("from_")
        if given is None:
            return []
        sql, first = self._source(given.this, False)
        made.from_(sql, copy=False)
        sources = [first]
        for join in query.args.get("joins") or []:
            sources.append(self._join(join, made, sources))
        return sources

    def _source(self, node: exp.Expr, fills: bool) -> tuple[exp.Expr, Source]:
        if isinstance(node, exp.Subquery):
            _only(node, {"this", "alias"}, "a SELECT in brackets")
            relation, name = self.relation(node.this), node.alias or "inner"
            return _aliased(relation.sql, name), _source_of(name, relation, fills)
        if not isinstance(node, exp.Table):
            raise mistake(node, "Only tables and SELECTs can be read here.")
        _only(node, {"this", "alias"}, "a table")
        if not isinstance(node.this, exp.Identifier):
            raise mistake(node, "Table functions can't be used from here: only the tables of events can be read.", self._tables())
        name = node.alias or node.name
        if node.name in self.known:
            relation = self.known[node.name]
            return _aliased(relation.sql.copy(), name), _source_of(name, relation, fills)
        table = self.tables.get(node.name)
        if table is None:
            raise mistake(node, f"There is no table {node.name}.", self._tables())
        columns = {each: Column(each, each, read_type(kind), kept=_kept(table.kept.get(each))) for each, kind in table.columns.items()}
        sql = exp.Table(this=exp.to_identifier(table.name, quoted=True), alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        return sql, Source(name, columns, fills)

    def _tables(self) -> str:
        return f"Known are {', '.join([*self.tables, *self.known])}."

    def _join(self, join: exp.Join, made: exp.Select, sources: list[Source]) -> Source:
        side, kind = (join.side or "").upper(), (join.kind or "").upper()
        if side not in ("", "LEFT") or kind not in ("", "INNER", "CROSS", "OUTER", "ALL") or join.method or join.args.get("global_"):
            raise mistake(join, f"{' '.join(each for each in (join.method, side, kind) if each)} JOIN can't be previewed here.", "Use JOIN or LEFT JOIN.")
        sql, source = self._source(join.this, fills=side == "LEFT")
        if any(each.alias == source.alias for each in sources):
            raise mistake(join, f"Two tables are called {source.alias}.", "Give one another name with AS.")
        if join.args.get("using"):
            raise mistake(join, "USING can't be previewed here.", "Write ON a.column = b.column.")
        condition = join.args.get("on")
        if condition is None and (side or kind != "CROSS"):
            raise mistake(join, "A JOIN needs ON.")
        plain = Source(source.alias, source.columns)
        on = as_truth(value_of(condition, Scope([*sources, plain], {}, self.relation)), join) if condition is not None else None
        made.join(exp.Join(this=sql, side=side or None, kind="CROSS" if on is None else None, on=on), copy=False)
        return source

    def _filters(self, query: exp.Select, made: exp.Select, scope: Scope, items: list[tuple[str, Value]]) -> None:
        if query.args.get("where"):
            made.where(as_truth(value_of(query.args["where"].this, scope.within()), query.args["where"]), copy=False)
        if query.args.get("group"):
            self._group(query.args["group"], made, scope, items)
        if query.args.get("having"):
            made.having(as_truth(value_of(query.args["having"].this, scope), query.args["having"]), copy=False)
        if query.args.get("order"):
            made.set("order", exp.Order(expressions=[key for each in query.args["order"].expressions for key in _order_keys(each, scope, items)]))
        for clause in ("limit", "offset"):
            if query.args.get(clause):
                made.set(clause, _bound(query.args[clause]))

    def _group(self, group: exp.Group, made: exp.Select, scope: Scope, items: list[tuple[str, Value]]) -> None:
        _only(group, {"expressions", "all"}, "GROUP BY")
        if group.args.get("all"):
            raise mistake(group, "GROUP BY ALL can't be previewed here.", "Name the columns.")
        keys = []
        for each in group.expressions:
            position = _position(each, items)
            value = items[position][1] if position is not None else value_of(each, scope.within())
            keys.append(value.sql.copy() if not isinstance(value.sql, exp.Literal) else duck("cast(:x as varchar)", x=value.sql))
            if value.type.is_float:
                keys.append(duck("signbit(:x)", x=value.sql))
        made.set("group", exp.Group(expressions=keys))


def _only(node: exp.Expr, known: set[str], what: str) -> None:
    extra = [key for key, given in node.args.items() if given and key not in known]
    if extra:
        names = {"db": "Only the tables of events can be read, without a database before the name.", "sample": CLAUSES["sample"], "final": "FINAL can't be previewed here."}
        raise mistake(node, names.get(extra[0], f"{what[0].upper()}{what[1:]} can't have {extra[0].strip('_').upper()} here."))


def _of(column: Column) -> Value:
    return Value(exp.column(column.kept_as, quoted=True), column.type, truth=column.truth, kept=column.kept)


def _aliased(sql: exp.Expr, name: str) -> exp.Subquery:
    return exp.Subquery(this=sql, alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))


def _source_of(name: str, relation: Relation, fills: bool) -> Source:
    return Source(name, {each.name: each for each in relation.columns}, fills)


def _kept(given: str | None) -> tuple[int, int] | None:
    """Digits and scale of DECIMAL(18,6)."""
    if not given or not given.upper().startswith("DECIMAL("):
        return None
    digits, scale = given[8:].rstrip(")").split(",")
    return int(digits), int(scale)


def _items(node: exp.Expr, scope: Scope) -> list[tuple[str, Value]]:
    if isinstance(node, exp.Star):
        if node.args.get("except_") or node.args.get("replace") or node.args.get("rename"):
            raise mistake(node, "* with EXCEPT or REPLACE can't be previewed here.", "Name the columns.")
        return [(name, source.value(name)) for source in scope.sources for name in source.columns]
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        if not any(source.alias == node.table for source in scope.sources):
            raise mistake(node, f"There is no table {node.table}.")
        return [(name, source.value(name)) for source in scope.sources if source.alias == node.table for name in source.columns]
    if isinstance(node, exp.Alias):
        return [(node.alias, scope.guarded(node.alias, node, lambda: value_of(node.this, scope)))]
    name = ".".join(part.name for part in node.parts) if isinstance(node, exp.Column) else node.sql(dialect="clickhouse", comments=False)
    return [(name, value_of(node, scope))]


def _plain(value: Value, node: exp.Expr) -> exp.Expr:
    if value.parts:
        raise mistake(node, "A tuple can't be a column of the result.", "Name its values as columns.")
    return value.sql.copy()


def _position(node: exp.Expr, items: list[tuple[str, Value]]) -> int | None:
    if not (isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit()):
        return None
    if not 1 <= int(node.this) <= len(items):
        raise mistake(node, f"There is no column number {node.this}.")
    return int(node.this) - 1


def _order_keys(node: exp.Ordered, scope: Scope, items: list[tuple[str, Value]]) -> list[exp.Expr]:
    position = _position(node.this, items)
    if position is None:
        return ordered(node, scope)
    value = items[position][1]
    first = bool(node.args.get("nulls_first"))
    keys = [exp.Ordered(this=number(position + 1), desc=bool(node.args.get("desc")), nulls_first=first)]
    if value.type.is_float:
        keys.insert(0, exp.Ordered(this=duck("coalesce(isnan(:x), :null)", x=value.sql, null=exp.Boolean(this=not first)), desc=first, nulls_first=False))
    return keys


def _bound(node: exp.Expr) -> exp.Expr:
    given = node.expression
    if node.args.get("expressions") or node.args.get("limit_options") or not (isinstance(given, exp.Literal) and not given.is_string and given.this.isdigit()):
        raise mistake(node, "LIMIT and OFFSET take a whole number here.", "LIMIT … BY can't be previewed.")
    return type(node)(expression=given.copy())
