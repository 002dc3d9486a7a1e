"""Step 2a, File: the drop area, then what was found in the file, with a way to change each part of it."""

import streamlit as st

from ingest import imports
from ingest.errors import BadInput
from ingest.store.imports import pointers
from pages.parts import errors, frame, tables
from pages.parts.ask import ask
from pages.parts.follow import follow
from pages.parts.state import open_import
from pages.parts.text import count, number, plain, shorten
from pages.parts.upload_box import start_reading, upload_box
from pages.usage.steps.draft import Place, count_of
from schemas.reading import Finding, ReadReport, ReadSpec
from schemas.records import ImportRecord

SENT = ("pushing", "stopped", "pushed", "proven")
PREVIEW_ROWS = 20
LISTED_ROWS = 200
DETECT = "Find out"
ENCODINGS = ("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16", "cp1250", "cp1251", "mac_roman", "shift_jis", "gb18030")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
LABELS = {"format": "Format", "encoding": "Character set", "delimiter": "Columns are separated by", "quote": "Quotes", "sheet": "Sheet", "header": "Column names"}


def show(record: ImportRecord | None, actor: frame.Actor) -> None:
    """Draws the step."""
    if record is None:
        upload_box("add_usage", actor.name, account=frame.account().name)
    elif record.state == "reading":
        _reading(record, actor)
    elif record.state == "unreadable" or record.report is None:
        _unreadable(record, actor)
    else:
        _found(record, record.report, actor)


def _reading(record: ImportRecord, actor: frame.Actor) -> None:
    if record.job is None:
        st.warning("This file is here, but its reading was never started.", icon=":material/pause_circle:")
        if st.button("Read it now", type="primary"):
            start_reading(record.id, actor.name)
            st.rerun()
        return
    follow(record.id, ("reading",), saying="The file is being read.")


def _unreadable(record: ImportRecord, actor: frame.Actor) -> None:
    st.error(plain(record.message) or "This file can't be read.", icon=":material/error:")
    st.markdown("Nothing of it was sent. Choose another file, or say yourself how this one is to be read.")
    with st.container(horizontal=True):
        if st.button("Choose another file", type="primary", icon=":material/upload_file:"):
            imports.discard(record.id, actor.name)
            open_import(None)
        _change_all(record, actor)


def _found(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    if record.message:
        st.warning(plain(record.message), icon=":material/info:")
    _parts(record, report, actor)
    for warning in report.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    st.markdown(f"**{count(report.rows, 'row')}** in **{count(len(report.columns), 'column')}**, as they stand in your file:")
    _preview(record, report)
    _left_out(record, report, actor)
    _repaired(report)
    _totals(record, report, actor)
    _continue(record, report)


def _parts(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    """What was found, in one line; each part opens to change it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain((report.format or 'File').upper())}**")
        for part in _changeable(report):
            _part(record, report, part, actor)


def _changeable(report: ReadReport) -> list[str]:
    if report.sheets or report.sheet:
        return ["sheet", "header"]
    return ["encoding", "delimiter", "header"] if report.encoding or report.delimiter else ["header"]


def _part(record: ImportRecord, report: ReadReport, part: str, actor: frame.Actor) -> None:
    finding = _finding(report, part)
    doubt = " (please look)" if finding and finding.confidence != "certain" else ""
    if record.state in SENT:
        st.markdown(f"{LABELS[part]}: {_value(report, part)}")
        return
    with st.popover(f"{LABELS[part]}: **{_value(report, part)}**{doubt} · Change", icon=":material/help:" if doubt else None):
        if finding:
            st.caption(plain(f"{finding.why[:1].upper()}{finding.why[1:]}."))
        _change(record, report, part, actor)


def _finding(report: ReadReport, part: str) -> Finding | None:
    return next((each for each in report.findings if each.what.startswith(part)), None)


def _value(report: ReadReport, part: str) -> str:
    if part == "header":
        return f"row {', '.join(map(str, report.header_rows))}" if report.header_rows else "none in the file"
    if part == "delimiter":
        return DELIMITERS.get(report.delimiter or "", plain(report.delimiter or "nothing"))
    return plain(shorten(str(getattr(report, part) or "–"), 30))


def _change(record: ImportRecord, report: ReadReport | None, part: str, actor: frame.Actor) -> None:
    """The form for one part; reading starts anew with it, and the preview follows."""
    with st.form(f"change_{part}", border=False):
        chosen = _FORMS[part](record.read_spec, report)
        if record.state in ("matched", "checking", "checked"):
            st.caption("The columns are matched again after this.")
        if st.form_submit_button("Read again with this"):
            _read_again(record, chosen, actor)


def _encoding_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    found = [each for each in (spec.encoding, report.encoding if report else None) if each]
    options = [DETECT, *dict.fromkeys([*found, *ENCODINGS])]
    chosen = st.selectbox("Character set", options, index=options.index(spec.encoding) if spec.encoding else 0)
    return spec.model_copy(update={"encoding": None if chosen == DETECT else chosen})


def _delimiter_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    options = [DETECT, *dict.fromkeys([*([spec.delimiter] if spec.delimiter else []), *DELIMITERS])]
    chosen = st.selectbox("Columns are separated by", options, index=options.index(spec.delimiter) if spec.delimiter else 0, format_func=lambda option: DELIMITERS.get(option, option))
    return spec.model_copy(update={"delimiter": None if chosen == DETECT else chosen})


def _sheet_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    sheets = list(report.sheets) if report and report.sheets else [report.sheet if report else None]
    chosen = st.radio("Sheet", sheets, index=sheets.index(report.sheet) if report and report.sheet in sheets else 0, format_func=lambda name: plain(name))
    return spec.model_copy(update={"sheet": chosen, "header_rows": None, "keep_rows": ()})


def _header_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    rows = spec.header_rows if spec.header_rows is not None else report.header_rows if report else (1,)
    nothing = st.checkbox("The file has no column names", value=rows == ())
    first = st.number_input("Row with the column names, as your spreadsheet numbers it", min_value=1, value=rows[0] if rows else 1, step=1)
    depth = st.number_input("How many rows of names, one below the other", min_value=1, max_value=5, value=max(1, len(rows)), step=1)
    return spec.model_copy(update={"header_rows": () if nothing else tuple(range(int(first), int(first) + int(depth)))})


_FORMS = {"encoding": _encoding_form, "delimiter": _delimiter_form, "sheet": _sheet_form, "header": _header_form}


def _change_all(record: ImportRecord, actor: frame.Actor) -> None:
    for part in ("encoding", "delimiter", "header"):
        with st.popover(f"{LABELS[part]} · Change"):
            _change(record, record.report, part, actor)


def _read_again(record: ImportRecord, spec: ReadSpec, actor: frame.Actor) -> None:
    from ingest import jobs  # dbos takes a second to import

    jobs.queue_read(record.id, spec, actor.name)
    open_import(record.id, "file")


def _preview(record: ImportRecord, report: ReadReport) -> None:
    if not report.columns:
        st.info("No columns found. Choose another header row.", icon=":material/info:")
        return
    with errors.shown():
        tables.show(_first_rows(record.id, pointers(record.id)[0] or ""), "The first rows of the file", key="first_rows")
    if report.rows > PREVIEW_ROWS:
        st.caption(f"The first {PREVIEW_ROWS} of {number(report.rows)} rows. The numbers at the left are those of your own spreadsheet.")


@st.cache_data(ttl=3600, max_entries=50, show_spinner=False)
def _first_rows(import_id: str, raw_key: str):  # noqa: ANN202  (an Arrow table)
    rows = ask(imports.raw_rows, import_id, limit=PREVIEW_ROWS)
    return rows.select([name for name in rows.column_names if name not in ("_file", "_sheet")])


def _left_out(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    if not report.excluded:
        return
    with st.expander(f"{count(len(report.excluded), 'row')} left out, each with its reason", icon=":material/remove_circle_outline:"):
        st.markdown("These rows are in the file but aren't usage. If one of them is, take it back in.")
        listed = report.excluded[:LISTED_ROWS]
        rows = {"Row": [each.row for each in listed], "Reason": [each.reason for each in listed], "What stands there": [each.text for each in listed]}
        st.dataframe(rows, alt=f"{len(report.excluded)} rows that were left out, with their reasons", hide_index=True)
        if len(report.excluded) > LISTED_ROWS:
            st.caption(f"The first {LISTED_ROWS} of {number(len(report.excluded))}.")
        if record.state not in SENT:
            _take_back_in(record, report, actor)


def _take_back_in(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    reasons = {each.row: each.reason for each in report.excluded[:LISTED_ROWS]}
    with st.form("take_back_in", border=False):
        rows = st.multiselect("Rows to take back in", list(reasons), format_func=lambda row: f"row {row}: {reasons[row]}")
        if st.form_submit_button("Take back in") and rows:
            _read_again(record, record.read_spec.model_copy(update={"keep_rows": tuple(sorted({*record.read_spec.keep_rows, *rows}))}), actor)


def _repaired(report: ReadReport) -> None:
    if not report.repairs:
        return
    with st.expander(f"{count(len(report.repairs), 'row')} repaired, because there is only one way to read them", icon=":material/build:"):
        st.dataframe({"Row": [each.row for each in report.repairs[:LISTED_ROWS]], "What was done": [each.what for each in report.repairs[:LISTED_ROWS]]}, alt=f"{len(report.repairs)} repaired rows", hide_index=True)


def _totals(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    for totals in report.totals:
        cells = ", ".join(f"{plain(column)}: {plain(text)}" for column, text in totals.values.items() if text.strip())
        st.info(f"Row {totals.row} looks like a totals row ({cells}). It is left out and compared with our own sums when the file is checked.", icon=":material/functions:")
    if record.state in SENT or not report.columns:
        return
    place = Place(record=record, raw_key=pointers(record.id)[0] or "", who=actor.name)
    with st.expander("Did the sender say how many rows there are? Type it in to compare (optional)", icon=":material/calculate:"):
        st.text_input("Number of rows the sender gave", value=place.draft().control_count, key="control_count", placeholder=str(report.rows), on_change=_count_typed, args=(place,), width=260)
        _compare(place, report)
        st.caption("Totals of amounts can be given in the next step, when it is known which columns are amounts.")


def _count_typed(place: Place) -> None:
    place.change(control_count=st.session_state["control_count"] or "")


def _compare(place: Place, report: ReadReport) -> None:
    given = place.draft().control_count
    if not given.strip():
        return
    try:
        expected = count_of(given)
    except BadInput as error:
        errors.show(error)
        return
    if expected == report.rows:
        st.success(f"Agrees: {number(report.rows)} rows.", icon=":material/check_circle:")
    elif expected is not None:
        st.warning(f"Doesn't agree: the sender says {number(expected)}, the file has {number(report.rows)} ({number(abs(report.rows - expected))} {'more' if report.rows > expected else 'fewer'}).", icon=":material/difference:")


def _continue(record: ImportRecord, report: ReadReport) -> None:
    reason = "" if report.rows and report.columns else "There are no rows to go on with. Choose another header row or another file."
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Continue", type="primary", disabled=bool(reason)):
            open_import(record.id, "columns")
        if reason:
            st.markdown(f":material/info: {reason}")
