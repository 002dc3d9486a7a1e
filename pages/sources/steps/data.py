"""What is read: a table, a query or files; how it is known what is new, and what tells rows apart."""

from datetime import timedelta

import pyarrow as pa
import streamlit as st

from ingest import sources as kept
from ingest.errors import IngestError
from ingest.pull.connectors import connector
from pages.parts import errors, tables
from pages.parts.ask import ask
from pages.parts.text import count, plain
from pages.sources.steps.keeping import keep
from schemas.account import Account
from schemas.pull_run import StoredSource
from schemas.source import Files, Found, Read, Source, Where

NONE = "(none: compare everything each time)"
OPERATORS = {"equals": "is", "not_equals": "is not", "gt": "is more than", "gte": "is at least", "lt": "is less than", "lte": "is at most", "contains": "contains", "is_null": "is empty", "is_not_null": "isn't empty"}
MOST_CONDITIONS = 8
SPANS = {"nothing": "0s", "1 minute": "1m", "5 minutes": "5m", "15 minutes": "15m", "1 hour": "1h", "6 hours": "6h", "1 day": "1d", "3 days": "3d", "1 week": "1w"}


def show(stored: StoredSource, account: Account, who: str) -> None:
    """The choice, and the first rows of it."""
    if connector(stored.source.connector).kind == "files":
        _files(stored, who)
    else:
        _rows(stored, who)
    if stored.source.read != Read():
        _preview(stored.source)


def _files(stored: StoredSource, who: str) -> None:
    source, found = stored.source, _found(stored.source)
    if found:
        st.markdown("There is: " + ", ".join(plain(each.name) for each in found[:12]) + (f" and {len(found) - 12:,} more" if len(found) > 12 else ""))
    with st.form("files", border=False):
        path = st.text_input("Which files?", source.read.files.path if source.read.files else _likely_path(found), key="files_path", help="* stands for any letters, ** for any folders between: exports/**/*.csv. Each new or changed file becomes an import.")
        lag = _span("Wait before a new file is read", source.safety_lag, "files_lag", "A file that is still being written isn't whole.")
        if st.form_submit_button("Show the first rows", type="primary", icon=":material/table_rows:"):
            keep(stored, who, read=source.read.model_copy(update={"files": Files(path=path)}), safety_lag=lag)


def _likely_path(found: tuple[Found, ...]) -> str:
    endings = [each.name.rpartition(".")[2] for each in found if "." in each.name]
    return f"*.{max(set(endings), key=endings.count)}" if endings else "*"


def _rows(stored: StoredSource, who: str) -> None:
    source, found = stored.source, _found(stored.source)
    by_name = {each.name: each for each in found}
    written = st.toggle("Write a query", source.read.sql is not None, key="data_sql", help="For those who know SQL: one SELECT.")
    if written:
        sql, table = st.text_area("Query", source.read.sql or "", key="data_query", height=120, placeholder="select …"), None
        chosen = Found(name="", columns=())
    else:
        names = list(by_name) or ([source.read.table] if source.read.table else [])
        table = st.selectbox("Table or view", names, index=names.index(source.read.table) if source.read.table in names else None, format_func=lambda name: _called(by_name.get(name), name), key="data_table", placeholder="Choose where usage stands", accept_new_options=True)
        sql, chosen = None, by_name.get(table or "", Found(name=""))
    if not table and not (sql or "").strip():
        return
    read = _cursor_and_key(source, chosen, table, sql)
    lookback, lag = _late(source)
    if st.button("Show the first rows", type="primary", icon=":material/table_rows:", key="data_show"):
        keep(stored, who, read=read, lookback=lookback, safety_lag=lag)


def _called(found: Found | None, name: str) -> str:
    return name if found is None or found.rows is None else f"{name} (about {found.rows:,} rows)"


def _cursor_and_key(source: Source, chosen: Found, table: str | None, sql: str | None) -> Read:
    names = [column.name for column in chosen.columns]
    left, right = st.columns(2)
    with left:
        cursors = [NONE, *names] if names else [NONE, *([source.read.cursor] if source.read.cursor else [])]
        likely = source.read.cursor or chosen.cursor
        cursor = st.selectbox("What tells what is new?", cursors, index=cursors.index(likely) if likely in cursors else 0, key=f"data_cursor_{table}", accept_new_options=True, help="A column that grows with every new or changed row, such as updated_at. Rows from there on are read each time.")
    with right:
        known = [*dict.fromkeys([*names, *source.read.key])]
        key = st.multiselect("What tells rows apart?", known, default=list(source.read.key or chosen.key), key=f"data_key_{table}", accept_new_options=True, help="Such as id. A row that is read again then isn't sent again, and two rows that look alike are two.")
    with st.expander("Only some of the rows, or of the columns", icon=":material/filter_alt:"):
        columns = st.multiselect("Columns", names, default=[name for name in source.read.columns if name in names], key=f"data_columns_{table}", help="None chosen: all of them.", placeholder="all columns")
        where = _conditions(source, names, table)
        start = st.text_input("Begin at (optional)", source.read.start or "", key="data_start", help="Older rows were billed elsewhere and are never read: a date like 2026-10-01.")
    return source.read.model_copy(update={"table": table, "sql": sql, "cursor": None if cursor == NONE else cursor, "key": tuple(key), "columns": tuple(columns), "where": where, "start": start.strip() or None})


def _conditions(source: Source, names: list[str], table: str | None) -> tuple[Where, ...]:
    """Conditions that all hold; there is room for another once the last is said."""
    found = []
    for number in range(MOST_CONDITIONS):
        known = source.read.where[number] if number < len(source.read.where) else None
        left, middle, right = st.columns(3)
        options = [*names] if known is None or known.column in names else [known.column, *names]
        column = left.selectbox("Where" if number == 0 else "and", options, index=options.index(known.column) if known else None, key=f"where_column_{table}_{number}", placeholder="any row")
        operator = middle.selectbox("is", list(OPERATORS), index=list(OPERATORS).index(known.operator) if known else 0, format_func=OPERATORS.get, key=f"where_operator_{table}_{number}", label_visibility="hidden")
        value = right.text_input("what", known.value or "" if known else "", key=f"where_value_{table}_{number}", label_visibility="hidden", disabled=operator in ("is_null", "is_not_null"))
        if not column:
            break
        found.append(Where(column=column, operator=operator, value=None if operator in ("is_null", "is_not_null") else value))
    return tuple(found)


def _late(source: Source) -> tuple[str, str]:
    left, right = st.columns(2)
    with left:
        lookback = _span("Read again the last …", source.lookback, "data_lookback", "For rows that come late, with an older time. What was sent already isn't sent again.")
    with right:
        lag = _span("Wait before reading the newest rows", source.safety_lag, "data_lag", "Where rows are still being written, those younger than this wait for the next run.")
    return lookback, lag


def _span(label: str, known: timedelta, key: str, text: str) -> str:
    from schemas.source import span_text

    said = {value: name for name, value in SPANS.items()}
    options = list(dict.fromkeys([*SPANS.values(), span_text(known)]))
    return st.selectbox(label, options, index=options.index(span_text(known)), format_func=lambda value: said.get(value, value), key=key, help=text)


def _found(source: Source) -> tuple[Found, ...]:
    """What can be read there, asked once for each connection."""
    kept_key = f"found_{source.name}_{hash(str(sorted(source.connection.items())))}"
    if kept_key not in st.session_state:
        try:
            with st.spinner("Looking what is there …", show_time=True):
                st.session_state[kept_key] = ask(kept.discover, source)
        except IngestError as error:
            errors.show(error)
            return ()
    return st.session_state[kept_key]


def sampled(source: Source) -> kept.Sample | None:
    """The first rows, asked once for each way of reading."""
    key = f"sample_{source.name}_{hash(source.read.model_dump_json() + str(sorted(source.connection.items())))}"
    if key not in st.session_state:
        try:
            with st.spinner("Reading the first rows …", show_time=True):
                st.session_state[key] = ask(kept.sample, source)
        except IngestError as error:
            errors.show(error)
            return None
    return st.session_state[key]


def _preview(source: Source) -> None:
    found = sampled(source)
    if found is None:
        return
    rows: pa.Table = found.rows
    if not rows.num_rows:
        st.info("There is no row yet. What is set up here holds for those that come.", icon=":material/inbox:")
    else:
        with st.container(key="sample"):
            st.caption(f"The first {count(rows.num_rows, 'row')}, as they will be read: exact, as text.")
            tables.show(rows.slice(0, 100), "First rows", key="sample_rows", height=260)
