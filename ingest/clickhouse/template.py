"""A metric's SQL as people type it: one SELECT in ClickHouse's dialect, with `{{templates}}` where the billing system puts values in."""

import re
from collections.abc import Mapping

from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from ingest.clickhouse.dialect import AsWritten
from ingest.errors import BadInput, SqlMistake

MARK = "\x02"
PIECES = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"[^"]*"|`[^`]*`|--[^\n]*|/\*.*?\*/|\{\{[^{}'\n]*\}\}""", re.DOTALL)
"""Texts, names and comments, in which braces mean nothing, and templates."""
TEMPLATE = re.compile(r"'?\{\{([^{}'\n]*)\}\}'?")
KNOWN = ("start_date", "end_date", "customer.external_id", "customer.id")
CUSTOM = re.compile(r"customer\.custom_data\.[A-Za-z_][A-Za-z0-9_]*")
LONGEST = 100_000
"""Characters of a query; nobody types more, and reading more takes long."""


def parse(text: str) -> exp.Query:
    """The one SELECT of the text; templates are exp.Placeholder. Raises SqlMistake, with the place."""
    if len(text) > LONGEST:
        raise SqlMistake(f"The SQL has {len(text):,} characters; {LONGEST:,} is the most.")
    marked = PIECES.sub(_marked, text.replace("\r\n", "\n"))
    try:
        found = [each for each in AsWritten().parse(marked) if each is not None and not isinstance(each, exp.Semicolon)]
    except ParseError as error:
        raise _mistake(error, marked) from None
    except TokenError as error:
        raise SqlMistake("The SQL has a quote, a comment or a bracket that isn't closed.", str(error).split("\n")[0][:0]) from None
    except RecursionError:
        raise SqlMistake("The SQL is nested too deeply.", "Split it with WITH.") from None
    return _one_select(found)


def _marked(piece: re.Match) -> str:
    """A text literal as long as the template, so that places stay right. A template alone in quotes is one too."""
    template = TEMPLATE.fullmatch(piece[0])
    if template is None and "{{" in piece[0] and piece[0][0] == "'":
        before = piece.string[:piece.start()]
        raise SqlMistake("A template can't stand inside a text.", "Put it outside the quotes, and join texts with concat().", before.count("\n") + 1, piece.start() - before.rfind("\n"), piece[0])
    return f"'{(MARK + template[1].strip()).ljust(len(piece[0]) - 2)}'" if template else piece[0]


def _one_select(found: list[exp.Expr]) -> exp.Query:
    if not found:
        raise SqlMistake("There is no SQL yet.", "Write a SELECT that returns a column named quantity.")
    if len(found) > 1:
        raise SqlMistake("Only one SELECT can be run.", "Delete what follows the first semicolon.", *place(found[1]))
    query = found[0]
    while isinstance(query, exp.Subquery) and not query.args.get("alias"):
        query = query.this
    if not isinstance(query, (exp.Select, exp.SetOperation)):
        raise SqlMistake("Only a SELECT can be run; nothing can be created, changed or set from here.", "", *place(query))
    for node in query.walk():
        node.comments = None
        if isinstance(node, (exp.Placeholder, exp.Parameter)):
            raise SqlMistake("A value can't be put in this way.", "Write a template, as in {{start_date}}.", *place(node))
    for literal in [each for each in query.find_all(exp.Literal) if each.is_string and MARK in each.this]:
        literal.replace(_placeholder(literal))
    return query


def _placeholder(literal: exp.Literal) -> exp.Placeholder:
    name = literal.this.strip().removeprefix(MARK)
    if name not in KNOWN and not CUSTOM.fullmatch(name):
        raise SqlMistake(f"There is no template {{{{{name}}}}}.", f"Known are {', '.join(f'{{{{{each}}}}}' for each in KNOWN)} and {{{{customer.custom_data.<key>}}}}.", *place(literal))
    node = exp.Placeholder(this=name)
    node.meta.update(literal.meta)
    return node


def _mistake(error: ParseError, marked: str) -> SqlMistake:
    first = error.errors[0] if error.errors else {}
    pointed = first.get("highlight") or ""
    said = first.get("description") or "It can't be read"
    said = "something is missing here" if "missing for" in said else said
    near = f" near {_as_typed(pointed)!r}" if pointed.strip() else ""
    column = (first.get("col") or 1) - max(len(pointed) - 1, 0)
    return SqlMistake(f"The SQL can't be read{near}: {said[0].lower()}{said[1:]}.", "", first.get("line") or 1, max(column, 1), _as_typed(pointed))


def _as_typed(pointed: str) -> str:
    return re.sub(f"'{MARK}([^']*?) *'", r"{{\1}}", pointed)


def place(node: exp.Expr) -> tuple[int, int, str]:
    """Line and column (from 1) where the node begins in the text that was typed, and its first word; 0 where that isn't known."""
    places = [each.meta for each in node.walk() if "line" in each.meta]
    parent = node.parent
    while not places and parent is not None:
        places = [each.meta for each in parent.walk() if "line" in each.meta]
        parent = parent.parent
    if not places:
        return 0, 0, ""
    first = min(places, key=lambda each: each["start"])
    return first["line"], max(first["col"] - (first["end"] - first["start"]), 1), node.name if isinstance(node.name, str) else ""


def render(expression: exp.Expr) -> str:
    """The ClickHouse text of a tree, laid out, templates as {{start_date}}."""
    marked = expression.transform(lambda node: exp.Identifier(this=f"{MARK}{node.name}{MARK}", quoted=True) if isinstance(node, exp.Placeholder) else node)
    return re.sub(f'"{MARK}([^"{MARK}]*){MARK}"', r"{{\1}}", marked.sql(dialect=AsWritten, pretty=True, comments=False))


def templates(expression: exp.Expr) -> set[str]:
    """The names of the templates in a tree."""
    return {node.name for node in expression.find_all(exp.Placeholder)}


def bind(expression: exp.Expr, values: Mapping[str, str]) -> exp.Expr:
    """The tree with texts in the place of its templates, as the billing system puts them in. Raises BadInput where a value is missing."""
    missing = sorted(templates(expression) - set(values))
    if missing:
        raise BadInput(f"There is no value for {', '.join(f'{{{{{each}}}}}' for each in missing)}.", "Say which customer to preview, or take the template out.")

    def put_in(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Placeholder):
            return node
        literal = exp.Literal.string(values[node.name])
        literal.meta.update(node.meta)
        return literal

    return expression.transform(put_in)
