"""Corrections that speak of a whole column or of many rows: a form for each kind, and every correction in words."""

import re
from collections.abc import Callable

import streamlit as st

from ingest import fixing
from ingest.raw import row_in_file
from pages.parts import errors
from pages.parts.ask import ask
from pages.parts.text import number, plain
from schemas.checking import IssueGroup
from schemas.correcting import Condition, Convert, Correction, DropRows, FillDown, Join, MapValues, Operator, ReplacePattern, SetCells, SetWhere, Split, Test, Tidy, WithUnit
from schemas.reading import ReadReport
from schemas.records import ImportRecord

OPERATORS: dict[Operator, str] = {
    "equals": "is exactly", "not_equals": "is not", "contains": "contains", "begins_with": "begins with", "ends_with": "ends with", "is_empty": "is empty", "is_not_empty": "is not empty",
    "less": "is less than", "less_or_equal": "is at most", "greater": "is more than", "greater_or_equal": "is at least", "matches": "matches the pattern", "one_of": "is one of",
}
BY = ("By their row numbers", "By what a column says")
NUMERIC: tuple[Operator, ...] = ("less", "less_or_equal", "greater", "greater_or_equal")
MOST_ROWS = 50
MANNERS = {"trim": "Spaces made single, none at the edges", "upper": "All letters capital", "lower": "All letters small"}


def chosen(record: ImportRecord, group: IssueGroup | None) -> Correction | None:
    """The form of one kind of correction; what its fields say, or None while something is missing."""
    kind = st.selectbox("What", list(_FORMS), key=f"bulk_kind_{record.id}")
    columns = list(record.report.columns)
    return _FORMS[kind](record, columns, columns.index(group.column) if group and group.column in columns else 0)


def _column(record: ImportRecord, columns: list[str], place: int, label: str = "Column") -> str:
    return st.selectbox(label, columns, index=place, key=f"bulk_{label}_{record.id}_{columns[place]}")  # where another problem is chosen, its column stands there


def _map(record: ImportRecord, columns: list[str], place: int) -> Correction | None:
    column = _column(record, columns, place)
    with st.container(horizontal=True):
        old, new = st.text_input("This text (the whole cell; empty for empty cells)", key=f"bulk_old_{record.id}"), st.text_input("becomes", key=f"bulk_new_{record.id}")
    return MapValues(column=column, values={old: new}) if old != new else None


def _fill(record: ImportRecord, columns: list[str], place: int) -> Correction:
    return FillDown(column=_column(record, columns, place))


def _tidy(record: ImportRecord, columns: list[str], place: int) -> Correction:
    return Tidy(column=_column(record, columns, place), manner=st.selectbox("How", list(MANNERS), format_func=MANNERS.get, key=f"bulk_manner_{record.id}"))


def _pattern(record: ImportRecord, columns: list[str], place: int) -> Correction | None:
    column = _column(record, columns, place)
    st.caption(r"For texts that follow a pattern, such as *12 GB*, *7 GB*: the pattern ` GB$` (a space and GB at the end) that becomes nothing leaves *12*, *7*. `[0-9]+` is any number, `.*` is anything. What would change is shown below first.")
    with st.container(horizontal=True):
        pattern, new = st.text_input("What this pattern (a regular expression) finds", key=f"bulk_pattern_{record.id}"), st.text_input("becomes", key=f"bulk_replacement_{record.id}", help=r"\1 is what the first pair of brackets found")
    return ReplacePattern(column=column, pattern=pattern, replacement=new) if pattern else None


def _split(record: ImportRecord, columns: list[str], place: int) -> Correction | None:
    column = _column(record, columns, place)
    separator = st.text_input("Cut at", key=f"bulk_separator_{record.id}")
    names = tuple(name.strip() for name in st.text_input("Names of the new columns, separated by commas", key=f"bulk_into_{record.id}").split(",") if name.strip())
    return Split(column=column, separator=separator, into=names) if separator and len(names) > 1 else None


def _join(record: ImportRecord, columns: list[str], _place: int) -> Correction | None:
    chosen = st.multiselect("Columns", columns, key=f"bulk_columns_{record.id}")
    separator, name = st.text_input("Put between them", key=f"bulk_between_{record.id}"), st.text_input("Name of the new column", key=f"bulk_name_{record.id}").strip()
    return Join(columns=tuple(chosen), separator=separator, into=name) if len(chosen) > 1 and name else None


def _set_where(record: ImportRecord, columns: list[str], place: int) -> Correction | None:
    column, value = _column(record, columns, place), st.text_input("gets the text", key=f"bulk_value_{record.id}")
    where = _condition(record, columns, place)
    return SetWhere(column=column, value=value, where=where) if where else None


def _convert(record: ImportRecord, columns: list[str], place: int) -> Correction | None:
    column, factor = _column(record, columns, place), st.text_input("Multiply by", placeholder="1024", key=f"bulk_factor_{record.id}").strip()
    if not factor.replace(".", "", 1).isdecimal():
        return None
    with errors.shown():
        return Convert(column=column, factor=factor, mark=ask(fixing.decimal_mark, record.id, column))


def _drop(record: ImportRecord, columns: list[str], place: int) -> Correction | None:
    way = st.radio("Which rows", BY, horizontal=True, key=f"bulk_by_{record.id}")
    where = _rows(record) if way == BY[0] else _condition(record, columns, place)
    reason = st.text_input("Reason (shown wherever these rows are counted)", key=f"bulk_reason_{record.id}").strip()
    return DropRows(where=where, reason=reason) if where and reason else None


def _rows(record: ImportRecord) -> Condition | None:
    """Rows by the numbers of the person's own spreadsheet; None where none is given, or one isn't in the table."""
    texts = [each for each in re.split(r"[\s,;]+", st.text_input("Their numbers in your file, separated by commas", key=f"bulk_rows_{record.id}").strip()) if each]
    found = {text: ask(fixing.rows_at, record.id, int(text)).column("_row").to_pylist() if re.fullmatch("[0-9]{1,9}", text) else [] for text in texts[:MOST_ROWS]}
    if len(texts) > MOST_ROWS:
        st.info(f"At most {MOST_ROWS} rows at once.", icon=":material/info:")
        return None
    if missing := [text for text, ours in found.items() if not ours]:
        st.info(f"Not in the table: {plain(', '.join(missing))}. A heading, left out already, or beyond its end.", icon=":material/info:")
        return None
    return Condition(rows=tuple(row for ours in found.values() for row in ours)) if found else None


def _condition(record: ImportRecord, columns: list[str], place: int) -> Condition | None:
    with st.container(horizontal=True):
        column = _column(record, columns, place, "where column")
        operator = st.selectbox("whose text", list(OPERATORS), format_func=OPERATORS.get, key=f"bulk_operator_{record.id}")
        value = st.text_input("compared with", key=f"bulk_compared_{record.id}", disabled=operator in ("is_empty", "is_not_empty"))
    if operator not in ("is_empty", "is_not_empty") and not value:
        return None
    values = tuple(each.strip() for each in value.split(",")) if operator == "one_of" else ()
    mark = ask(fixing.decimal_mark, record.id, column) if operator in NUMERIC else "point"
    return Condition(tests=(Test(column=column, operator=operator, value="" if values else value, values=values, mark=mark),))


_FORMS: dict[str, Callable[[ImportRecord, list[str], int], Correction | None]] = {
    "Replace a text": _map, "Fill empty cells from above": _fill, "Tidy spaces and letters": _tidy, "Replace by a pattern": _pattern, "Split a column": _split, "Join columns": _join,
    "Set a text where something holds": _set_where, "Multiply (convert a unit)": _convert, "Leave rows out": _drop,
}


# In words.


def in_words(correction: Correction, report: ReadReport) -> str:
    """One correction as a sentence, as Markdown."""
    return _cells_in_words(correction, report) if isinstance(correction, SetCells) else _WORDS[type(correction)](correction)


def _cells_in_words(correction: SetCells, report: ReadReport) -> str:
    first = correction.edits[0]
    return f"Row {row_in_file(first.row, report)}, {plain(first.column)}: now {_text(first.value)}" + (f", and {number(len(correction.edits) - 1)} more" if len(correction.edits) > 1 else "")


def _condition_in_words(where: Condition) -> str:
    parts = [f"{plain(test.column)} {OPERATORS[test.operator]} {'' if test.operator.endswith('empty') else _text(', '.join(test.values) or test.value)}".strip() for test in where.tests]
    return " and ".join([*parts, *([f"the row is one of {number(len(where.rows))}"] if where.rows else [])]) or "always"


def _text(text: str) -> str:
    return f"“{plain(text)}”" if text else "empty"


_WORDS: dict[type, Callable[..., str]] = {
    MapValues: lambda each: f"{plain(each.column)}: " + ", ".join(f"{_text(old)} becomes {_text(new)}" for old, new in list(each.values.items())[:5]) + ("…" if len(each.values) > 5 else ""),
    FillDown: lambda each: f"{plain(each.column)}: empty cells filled from above",
    Tidy: lambda each: f"{plain(each.column)}: {MANNERS[each.manner][0].lower()}{MANNERS[each.manner][1:]}",
    ReplacePattern: lambda each: f"{plain(each.column)}: the pattern {_text(each.pattern)} becomes {_text(each.replacement)}",
    Split: lambda each: f"{plain(each.column)} cut at {_text(each.separator)} into {plain(', '.join(each.into))}",
    Join: lambda each: f"{plain(each.into)} joined from {plain(', '.join(each.columns))}",
    SetWhere: lambda each: f"{plain(each.column)}: {_text(each.value)} where {_condition_in_words(each.where)}",
    Convert: lambda each: f"{plain(each.column)} multiplied by {plain(each.factor)}",
    WithUnit: lambda each: f"{plain(each.column)} with the unit of {plain(each.unit)}",
    DropRows: lambda each: f"Rows left out where {_condition_in_words(each.where)}: {plain(each.reason)}",
}
