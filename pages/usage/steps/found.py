"""What was found in a file, in one line: each part with its value, why, and a form to change it. A change reads the file again at once."""

from pathlib import Path

import streamlit as st

from ingest.raw import row_in_file
from pages.parts import errors, frame
from pages.parts.state import open_import
from pages.parts.text import count, number, plain, shorten
from schemas.reading import Finding, ReadReport, ReadSpec
from schemas.records import ImportRecord

SENT = ("pushing", "stopped", "pushed", "proven")
LISTED_ROWS = 200
DETECT = "Find out"
NO_QUOTES = "none"
ENCODINGS = ("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "utf-16", "cp1250", "iso-8859-2", "cp1251", "koi8-r", "cp1253", "cp1254", "cp1255", "cp1256", "cp437", "cp850", "mac_roman", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr")
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", ":": "colon", " ": "space"}
CHOSEN = {"table": "Table", "beside": "Table, from the left", "turn": "Turned"}
"""Answers that have no form of their own."""
TURNED = {"no": "no, as it stands", "months": "one row for each month", "measures": "one row for each kind of usage", "transposed": "rows and columns changed places"}
NAMED = {"workbook": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), "text": (".csv", ".tsv", ".txt", ".psv", ".tab")}
"""Endings, and what they say is in the file; nobody can say a character set or a delimiter of a workbook."""
REALLY = {"workbook": "a workbook", "text": "text with a column mark between the cells"}
LABELS = {"format": "Format", "encoding": "Character set", "delimiter": "Columns are separated by", "quote": "Quotes", "sheet": "Sheet", "header": "Column names"}


def show(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    """The line."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="found"):
        st.markdown(f"**{plain((report.format or 'File').upper())}**")
        for part in _changeable(report):
            _part(record, report, part, actor)
        for name in CHOSEN:
            if getattr(record.read_spec, name) is not None:
                _chosen(record, name, actor)
        if report.excluded:
            _left_out(record, report, actor)
        if report.repairs:
            _repaired(report)


def other_than_named(record: ImportRecord, report: ReadReport) -> str:
    """A sentence where the file is something else than its name says, which is read all the same; empty where it isn't."""
    ending = Path(record.file_name).suffix.lower()
    named = next((kind for kind, endings in NAMED.items() if ending in endings), None)
    really = "workbook" if report.sheet else "text" if report.delimiter else None
    if named is None or really in (None, named):
        return ""
    return f"The name ends in {plain(ending)}, but this is {REALLY[really]}. It was read as that: look whether the rows below are right."


def change_all(record: ImportRecord, actor: frame.Actor) -> None:
    """Every part that can be said about a file that couldn't be read."""
    for part in ("encoding", "delimiter", "sheet", "header") if record.report and record.report.sheets else ("encoding", "delimiter", "header"):
        with st.popover(f"{LABELS[part]} · Change"):
            _change(record, record.report, part, actor)


def read_again(record: ImportRecord, spec: ReadSpec, who: str) -> None:
    """Reads the file with this specification, and shows it."""
    from ingest import jobs  # dbos takes a second to import

    with errors.shown():
        jobs.queue_read(record.id, spec, who)
        open_import(record.id, "file")


def _changeable(report: ReadReport) -> list[str]:
    if report.sheets or report.sheet:
        return ["sheet", "header"]
    return ["encoding", "delimiter", "quote", "header"] if report.delimiter else ["encoding", "header"] if report.encoding else ["header"]


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


def _chosen(record: ImportRecord, name: str, actor: frame.Actor) -> None:
    """An answer to a question of reading: what it was, and a way to be asked again."""
    value = getattr(record.read_spec, name)
    said = f"{CHOSEN[name]}: **{TURNED.get(value, plain(value))}**"
    if record.state in SENT:
        st.markdown(said)
        return
    with st.popover(f"{said} · Change"):
        st.markdown("You chose this when you were asked how the file is to be read.")
        if st.button("Ask me again", key=f"reask_{name}"):
            read_again(record, record.read_spec.model_copy(update={name: None, **({"measures": ()} if name == "turn" else {})}), actor.name)


def _finding(report: ReadReport, part: str) -> Finding | None:
    return next((each for each in report.findings if each.what.startswith(part)), None)


def _value(report: ReadReport, part: str) -> str:
    if part == "header":
        return f"row {', '.join(map(str, report.header_rows))}" if report.header_rows else "none in the file"
    if part == "delimiter":
        return DELIMITERS.get(report.delimiter or "", plain(report.delimiter or "nothing"))
    if part == "quote":
        return plain(report.quote or NO_QUOTES)
    return plain(shorten(str(getattr(report, part) or "–"), 30))


def _change(record: ImportRecord, report: ReadReport | None, part: str, actor: frame.Actor) -> None:
    """The form for one part; reading starts anew with it, and the preview follows."""
    with st.form(f"change_{part}", border=False):
        chosen = _FORMS[part](record.read_spec, report)
        if record.state in ("matched", "checking", "checked"):
            st.caption("The columns are matched again after this.")
        if st.form_submit_button("Read again with this"):
            read_again(record, chosen, actor.name)


def _encoding_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    found = [each for each in (spec.encoding, report.encoding if report else None) if each]
    options = [DETECT, *dict.fromkeys([*found, *ENCODINGS])]
    chosen = st.selectbox("Character set", options, index=options.index(spec.encoding) if spec.encoding else 0, accept_new_options=True, help="Another one can be typed, such as cp1257.")
    return spec.model_copy(update={"encoding": None if chosen in (None, DETECT) else chosen})


def _delimiter_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    options = [DETECT, *dict.fromkeys([*([spec.delimiter] if spec.delimiter else []), *DELIMITERS])]
    chosen = st.selectbox(
        "Columns are separated by", options, index=options.index(spec.delimiter) if spec.delimiter else 0, format_func=lambda option: DELIMITERS.get(option, option), accept_new_options=True,
        help="Other characters can be typed, one or several.",
    )
    return spec.model_copy(update={"delimiter": None if chosen in (None, DETECT) else chosen})


def _quote_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    options = {DETECT: None, 'double quote (")': '"', "apostrophe (')": "'", NO_QUOTES: ""}
    chosen = st.radio("Around cells stand", list(options), index=list(options.values()).index(spec.quote) if spec.quote in options.values() else 0, format_func=plain)
    return spec.model_copy(update={"quote": options[chosen]})


def _sheet_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    sheets = list(report.sheets) if report and report.sheets else [report.sheet if report else None]
    chosen = st.radio("Sheet", sheets, index=sheets.index(report.sheet) if report and report.sheet in sheets else 0, format_func=lambda name: plain(name))
    return spec.model_copy(update={"sheet": chosen, "header_rows": None, "keep_rows": ()})


def _header_form(spec: ReadSpec, report: ReadReport | None) -> ReadSpec:
    rows = spec.header_rows if spec.header_rows is not None else report.header_rows if report else (1,)
    nothing = st.checkbox("The file has no column names", value=rows == ())
    first = st.number_input("Row with the column names, as your spreadsheet numbers it", min_value=1, value=rows[0] if rows else 1, step=1)
    depth = st.number_input("How many rows of names, one below the other", min_value=1, max_value=5, value=max(1, min(5, len(rows))), step=1)
    return spec.model_copy(update={"header_rows": () if nothing else tuple(range(int(first), int(first) + int(depth)))})


_FORMS = {"encoding": _encoding_form, "delimiter": _delimiter_form, "quote": _quote_form, "sheet": _sheet_form, "header": _header_form}


def _left_out(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    with st.popover(f"Left out: **{count(len(report.excluded), 'row')}** · {'Show' if record.state in SENT else 'Change'}", icon=":material/remove_circle_outline:"):
        st.markdown("Not usage, each with its reason. If one of them is usage, take it back in.")
        listed = report.excluded[:LISTED_ROWS]
        rows = {"Row": [row_in_file(each.row, report) for each in listed], "Reason": [each.reason for each in listed], "What stands there": [each.text for each in listed]}
        st.dataframe(rows, alt=f"{count(len(report.excluded), 'row')} left out, with reasons", hide_index=True)
        if len(report.excluded) > LISTED_ROWS:
            st.caption(f"The first {LISTED_ROWS} of {number(len(report.excluded))}.")
        if record.state not in SENT:
            _take_back_in(record, report, actor)


def _take_back_in(record: ImportRecord, report: ReadReport, actor: frame.Actor) -> None:
    reasons = {each.row: each.reason for each in report.excluded[:LISTED_ROWS]}
    with st.form("take_back_in", border=False):
        rows = st.multiselect("Rows to take back in", list(reasons), format_func=lambda row: f"row {row_in_file(row, report)}: {reasons[row]}")
        if st.form_submit_button("Take back in") and rows:
            read_again(record, record.read_spec.model_copy(update={"keep_rows": tuple(sorted({*record.read_spec.keep_rows, *rows}))}), actor.name)


def _repaired(report: ReadReport) -> None:
    doubtful = sum(each.doubtful for each in report.repairs)
    label = f"Repaired: **{count(len(report.repairs), 'row')}**{f', {number(doubtful)} doubtful (please look)' if doubtful else ''} · Show"
    with st.popover(label, icon=":material/help:" if doubtful else ":material/build:"):
        st.markdown("These rows were damaged. A doubtful one could be read in more than one way: compare it with your file." if doubtful else "These rows were damaged, and there is only one way to read them.")
        listed = sorted(report.repairs, key=lambda each: not each.doubtful)[:LISTED_ROWS]
        rows = {"Row": [row_in_file(each.row, report) for each in listed], "How sure": ["doubtful" if each.doubtful else "certain" for each in listed], "What was done": [each.what for each in listed]}
        st.dataframe(rows, alt=count(len(report.repairs), "repaired row"), hide_index=True)
        if len(report.repairs) > LISTED_ROWS:
            st.caption(f"The first {LISTED_ROWS} of {number(len(report.repairs))}.")
