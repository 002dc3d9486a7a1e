"""Corrections as SQL: each is one more SELECT around the table as it was read, so that undoing one is leaving it out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby

from ingest.engine import identifier, literal
from ingest.values.dressed import BARE, scaled
from ingest.values.numbers import number_text, without_zeros
from ingest.values.text import SPACES, matches, trimmed
from schemas.correcting import Condition, Convert, Correction, DropRows, Edit, FillDown, Join, MapValues, ReplacePattern, SetCells, SetWhere, Split, Test, Tidy, WithUnit, creates, needs

DROPPED = "\x01dropped"
"""Why a row is left out; a column beside the file's own, whose names never begin like this."""
_DROPPED = identifier(DROPPED)
CHOSEN = 500
"""Up to so many edits are told apart by a CASE, which costs a large table less than a join that has to keep its order."""


def corrected(read: str, corrections: Sequence[Correction]) -> str:
    """A SELECT over the rows of `read` after all corrections, without the rows they drop."""
    return f"select * exclude ({_DROPPED}) from ({_replayed(read, corrections)}) where {_DROPPED} is null" if corrections else read


def dropped(read: str, corrections: Sequence[Correction]) -> str:
    """A SELECT of the rows that corrections leave out: `_row` and `reason`."""
    if not any(isinstance(each, DropRows) for each in corrections):
        return "select null::bigint as _row, null::varchar as reason where false"
    return f"select _row, {_DROPPED} as reason from ({_replayed(read, corrections)}) where {_DROPPED} is not null"


def touched(read: str, first: Sequence[Correction], more: Sequence[Correction]) -> str:
    """A SELECT of the rows, `_row`, in which `more` changes a cell or leaves the row out, after `first`: each cell that may change travels along as it was."""
    new = {name for each in more for name in creates(each)}
    came = {name: identifier(f"\x01was:{name}") for each in more for name in needs(each) if name not in new}
    copies = "".join(f", {identifier(name)} as {copy}" for name, copy in came.items())
    changed = " or ".join([f"{_DROPPED} is not null", *(f"{identifier(name)} is distinct from {copy}" for name, copy in came.items())])
    return f"select _row from ({_replayed(f'select *{copies} from ({corrected(read, first)})', more)}) where {changed}"


def columns_after(columns: Sequence[str], corrections: Iterable[Correction]) -> tuple[str, ...]:
    """The table's columns with those that corrections add."""
    return (*columns, *(name for correction in corrections for name in creates(correction)))


def fitting(columns: Sequence[str], corrections: Iterable[Correction]) -> tuple[Correction, ...]:
    """The corrections that this table has the columns for. Reading a file in another way can take some away."""
    there, kept = set(columns), []
    for correction in corrections:
        if there.issuperset(needs(correction)) and there.isdisjoint(creates(correction)):
            kept.append(correction)
            there |= set(creates(correction))
    return tuple(kept)


def condition_sql(condition: Condition) -> str:
    """SQL for "the condition speaks for this row". Nothing asked means every row."""
    tests = [_test(test) for test in condition.tests]
    if condition.rows:
        tests.append(f"_row in ({', '.join(str(int(row)) for row in condition.rows)})")
    return " and ".join(f"coalesce({test}, false)" for test in tests) or "true"


def _replayed(read: str, corrections: Sequence[Correction]) -> str:
    query = f"select *, null::varchar as {_DROPPED} from ({read})"
    for kind, run in groupby(corrections, key=type):
        if kind is SetCells:
            query = _set_cells(query, [edit for correction in run for edit in correction.edits])
        else:
            for correction in run:
                query = f"select {_STEPS[kind](correction)} from ({query})"
    return query


def _set_cells(query: str, edits: Iterable[Edit]) -> str:
    """All edits that follow one another are one step, the later edit of a cell standing for the earlier."""
    latest = {(edit.row, edit.column): edit.value for edit in edits}
    return _by_choosing(query, latest) if len(latest) <= CHOSEN else _by_joining(query, latest)


def _by_choosing(query: str, latest: Mapping[tuple[int, str], str]) -> str:
    replaced = []
    for column in sorted({column for _, column in latest}):
        cells = sorted((row, value) for (row, name), value in latest.items() if name == column)
        replaced.append(f"coalesce({_choice(cells)}, {identifier(column)}) as {identifier(column)}")
    return f"select * replace ({', '.join(replaced)}) from ({query})"


def _choice(cells: Sequence[tuple[int, str]]) -> str:
    """A balanced CASE, so that a row passes few of its tests."""
    if len(cells) == 1:
        return f"case when _row = {int(cells[0][0])} then {literal(cells[0][1])} end"
    middle = len(cells) // 2
    return f"case when _row < {int(cells[middle][0])} then {_choice(cells[:middle])} else {_choice(cells[middle:])} end"


def _by_joining(query: str, latest: Mapping[tuple[int, str], str]) -> str:
    """The rows are put in order again, which a join doesn't promise."""
    columns = sorted({column for _, column in latest})
    new, place = [identifier(f"\x01new:{column}") for column in columns], identifier("\x01row")
    values = ", ".join(f"({int(row)}, {', '.join(_text_or_null(latest, row, column) for column in columns)})" for row in sorted({row for row, _ in latest}))
    replaced = ", ".join(f"coalesce({name}, {identifier(column)}) as {identifier(column)}" for name, column in zip(new, columns, strict=True))
    edits = f"(values {values}) edits({place}, {', '.join(new)})"
    return f"select * exclude ({', '.join([place, *new])}) replace ({replaced}) from ({query}) left join {edits} on _row = {place} order by _row"


def _text_or_null(latest: Mapping[tuple[int, str], str], row: int, column: str) -> str:
    return literal(latest[row, column]) if (row, column) in latest else "null"


def _replaced(column: str, sql: str) -> str:
    return f"* replace ({sql} as {identifier(column)})"


def _map_values(correction: MapValues) -> str:
    name = identifier(correction.column)
    pairs = [(literal(old.strip()), literal(new)) for old, new in correction.values.items()]
    olds, news = (", ".join(side) for side in zip(*pairs, strict=True)) if pairs else ("", "")
    place = f"list_position([{olds}]::varchar[], coalesce({trimmed(name)}, ''))"
    return _replaced(correction.column, f"coalesce(list_extract([{news}]::varchar[], {place}), {name})")


def _fill_down(correction: FillDown) -> str:
    text = trimmed(identifier(correction.column))
    return _replaced(correction.column, f"coalesce({text}, last_value({text} ignore nulls) over (order by _row rows between unbounded preceding and current row))")


def _tidy(correction: Tidy) -> str:
    name = identifier(correction.column)
    single = f"regexp_replace({trimmed(name)}, '[\\s\\x{{00A0}}\\x{{2007}}\\x{{202F}}]+', ' ', 'g')"
    return _replaced(correction.column, {"trim": single, "upper": f"upper({name})", "lower": f"lower({name})"}[correction.manner])


def _replace_pattern(correction: ReplacePattern) -> str:
    return _replaced(correction.column, f"regexp_replace({identifier(correction.column)}, {literal(correction.pattern)}, {literal(correction.replacement)}, 'g')")


def _split(correction: Split) -> str:
    pieces, last = f"string_split({identifier(correction.column)}, {literal(correction.separator)})", len(correction.into)
    firsts = [f"trim({pieces}[{place}]) as {identifier(name)}" for place, name in enumerate(correction.into[:-1], start=1)]
    rest = f"trim(array_to_string({pieces}[{last}:], {literal(correction.separator)})) as {identifier(correction.into[-1])}"
    return ", ".join(["*", *firsts, rest])


def _join(correction: Join) -> str:
    return f"*, concat_ws({literal(correction.separator)}, {', '.join(trimmed(identifier(column)) for column in correction.columns)}) as {identifier(correction.into)}"


def _set_where(correction: SetWhere) -> str:
    return _replaced(correction.column, f"case when {condition_sql(correction.where)} then {literal(correction.value)} else {identifier(correction.column)} end")


def _convert(correction: Convert) -> str:
    name = identifier(correction.column)
    product = _named_once(number_text(trimmed(name), correction.mark), without_zeros(scaled("found", Fraction(correction.factor))))
    written = product if correction.mark == "point" else f"replace({product}, '.', ',')"
    return _replaced(correction.column, f"case when {trimmed(name)} is not null then coalesce({written}, {name} || ' (not converted)') end")


def _named_once(sql: str, using: str) -> str:
    """An expression over `found`, which is written and worked out once, however often it is named: each time inside the other the text would grow many times."""
    return f"list_transform([{sql}], lambda found: {using})[1]"


def _with_unit(correction: WithUnit) -> str:
    number, unit = trimmed(identifier(correction.column)), trimmed(identifier(correction.unit))
    return _replaced(correction.column, f"case when {unit} is not null and {matches(number, BARE)} then {number} || ' ' || {unit} else {identifier(correction.column)} end")


def _drop_rows(correction: DropRows) -> str:
    return f"* replace (case when {_DROPPED} is null and {condition_sql(correction.where)} then {literal(correction.reason)} else {_DROPPED} end as {_DROPPED})"


_STEPS: dict[type, Callable[..., str]] = {
    MapValues: _map_values, FillDown: _fill_down, Tidy: _tidy, ReplacePattern: _replace_pattern, Split: _split, Join: _join, SetWhere: _set_where, Convert: _convert, WithUnit: _with_unit, DropRows: _drop_rows,
}

_NUMBERS = {"less": "<", "less_or_equal": "<=", "greater": ">", "greater_or_equal": ">="}


def _test(test: Test) -> str:
    text = f"coalesce({trimmed(identifier(test.column))}, '')"
    value = literal(test.value.strip(SPACES))
    if test.operator in _NUMBERS:
        return f"try_cast({number_text(text, test.mark)} as decimal(38,18)) {_NUMBERS[test.operator]} try_cast({number_text(value, test.mark)} as decimal(38,18))"
    if test.operator in ("one_of", "none_of"):
        listed = f"list_contains([{', '.join(literal(each.strip(SPACES)) for each in test.values)}]::varchar[], {text})"
        return listed if test.operator == "one_of" else f"not {listed}"
    return {
        "equals": f"{text} = {value}", "not_equals": f"{text} <> {value}", "contains": f"contains({text}, {value})", "begins_with": f"prefix({text}, {value})", "ends_with": f"suffix({text}, {value})",
        "matches": f"regexp_matches({text}, {literal(test.value)})", "is_empty": f"{text} = ''", "is_not_empty": f"{text} <> ''",
    }[test.operator]
