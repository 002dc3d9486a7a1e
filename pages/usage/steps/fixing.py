"""Fixing rows here: over the cells of a grid, one cell in a form, or everywhere at once with the effect shown first. Every change is listed and can be undone."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from ingest import fixing, imports
from ingest.raw import ORIGINAL_ROW, PROBLEM, row_in_file
from pages.parts import attention, errors, tables
from pages.parts.ask import ask
from pages.parts.text import ago, count, plain
from pages.usage.steps import everywhere
from pages.usage.steps.aside import aside
from schemas.checking import IssueGroup
from schemas.correcting import Correction, Edit, MapValues, SetCells
from schemas.reading import ReadReport
from schemas.records import ImportRecord

WAYS = ("Type over cells", "One cell", "Everywhere at once")
GRID_ROWS = 50
OURS = ("_row", "problem", PROBLEM, ORIGINAL_ROW)
"""Columns of the grid that aren't usage: nobody types over them."""


def show(record: ImportRecord, who: str, group: IssueGroup | None, total: int) -> None:
    """The ways to put rows right, over those with a problem where there are any. `total` says how many; `group` is the problem that was chosen."""
    with st.container(key=f"fix_here_{record.id}"):
        st.subheader("Fix here" if total else "Change rows", anchor=False)
    if asked := st.session_state.get(f"fix_asked_{record.id}"):
        attention.lead_to(f"fix_here_{record.id}", f"fix {record.id} {asked}")
    aside("Your file stays as it came: what you change is kept as a list that can be undone, and the rows are checked again at once.")
    record = imports.read_record(record.id)  # with the columns that corrections added
    ways = WAYS if total else tuple(reversed(WAYS[1:]))
    way = st.segmented_control("How", ways, default=ways[0], required=True, persist_state="page", key=f"fix_way_{record.id}_{bool(total)}", label_visibility="collapsed")
    if way == WAYS[0]:
        _grid(record, who, group, total)
        return
    (_one_cell if way == WAYS[1] else _everywhere)(record, who, group or _likely(record.check.issues))


def offer_meant(record: ImportRecord, group: IssueGroup, who: str) -> None:
    """A button that writes what is meant into the cells for which that is known."""
    if not group.meant or group.column is None:
        return
    (old, new), more = next(iter(group.meant.items())), len(group.meant) - 1
    label = f"Write ‘{plain(old)}’ as ‘{plain(new)}’" + (f", and {count(more, 'other text')} as {'it is' if more == 1 else 'they are'} meant" if more else "")
    if st.button(label, key=f"meant_{record.id}_{group.acknowledgement}", icon=":material/spellcheck:", help="A correction that you can undo: the texts stand above"):
        with errors.shown():
            correct(record, [MapValues(column=group.column, values=group.meant)], who)
            st.rerun()


def lead_here(record: ImportRecord) -> None:
    """A button that opens the tab with these ways and leads there."""
    st.button("Fix them here", key=f"fix_them_{record.id}", icon=":material/arrow_downward:", on_click=_lead, args=(record.id,))


def _lead(import_id: str) -> None:
    st.session_state[f"review_tabs_{import_id}"] = "Rows to fix"
    st.session_state[f"fix_asked_{import_id}"] = st.session_state.get(f"fix_asked_{import_id}", 0) + 1


def _likely(issues: tuple[IssueGroup, ...]) -> IssueGroup | None:
    """The problem that a person most likely wants to put right: an error before a warning, then the most frequent."""
    return max((each for each in issues if each.severity != "note"), key=lambda each: (each.severity == "error", each.count), default=None)


def corrections(record: ImportRecord, who: str, *, editable: bool) -> None:
    """What was changed so far, newest first, with undo and redo."""
    listed = fixing.listed(record.id)
    if not listed:
        return
    done = [each for each in listed if not each.undone]
    with st.container(border=True, key=f"corrections_{record.id}"):
        st.markdown(f"**{count(len(done), 'correction')}**" + (f", {len(listed) - len(done)} undone" if len(done) < len(listed) else ""))
        if editable:
            with st.container(horizontal=True):
                _turn("Undo the last", lambda: fixing.undo(record.id, who), record, who, disabled=not done)
                _turn("Do it again", lambda: fixing.redo(record.id, who), record, who, disabled=len(done) == len(listed))
                _turn("Undo all", lambda: fixing.undo(record.id, who, everything=True), record, who, disabled=not done)
            attention.lead_to(f"corrections_{record.id}", f"{record.id} {len(done)} {len(listed)}", after_press=True)
        with st.expander("Show what was changed", expanded=len(listed) <= 5):
            st.markdown("\n".join(f"- {'~~' if each.undone else ''}{everywhere.in_words(each.correction, record.report)}{'~~ (undone)' if each.undone else ''}, {plain(each.who)}, {ago(each.at)}" for each in reversed(listed)))


def correct(record: ImportRecord, added: list[Correction], who: str) -> None:
    """Adds corrections and has the rows checked again."""
    fixing.correct(record.id, added, who)
    check_again(record, who)


def check_again(record: ImportRecord, who: str) -> None:
    """Queues the check of the corrected rows."""
    from ingest import jobs  # dbos takes a second to import

    jobs.queue_check(record.id, who)


def _turn(label: str, turn: Callable[[], object], record: ImportRecord, who: str, *, disabled: bool) -> None:
    if st.button(label, key=f"{label}_{record.id}", disabled=disabled):
        with errors.shown():
            turn()
            check_again(record, who)
            st.rerun()


def _grid(record: ImportRecord, who: str, group: IssueGroup | None, total: int) -> None:
    pages = max(1, -(-total // GRID_ROWS))
    page = min(st.session_state.get(f"fix_page_{record.id}") or 1, pages)
    code, column = (group.code, group.column) if group else (None, None)
    rows = ask(imports.problem_rows, record.id, code=code, column=column, offset=(page - 1) * GRID_ROWS, limit=GRID_ROWS)
    key = f"grid_{record.id}_{record.check.rows.rejected}_{code}_{column}_{page}"
    config = {"_row": st.column_config.NumberColumn("Row", format="%d", pinned=True, width="small"), "problem": st.column_config.TextColumn("What is wrong", width="medium")}
    st.data_editor(tables.as_in_file(rows, record.report), key=key, num_rows="fixed", disabled=list(OURS), hide_index=True, column_config=config, placeholder="(empty)")
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{(page - 1) * GRID_ROWS + 1:,} to {min(page * GRID_ROWS, total):,} of {total:,}")
            st.pagination(pages, key=f"fix_page_{record.id}")
    edits = _edits(rows, st.session_state[key]["edited_rows"])
    if st.button(f"Save {count(len(edits), 'change')} and check again" if edits else "Save and check again", disabled=not edits, key=f"save_grid_{record.id}"):
        with errors.shown():
            correct(record, [SetCells(edits=edits)], who)
            st.rerun()


def _edits(rows: pa.Table, edited: dict[int, dict[str, object]]) -> tuple[Edit, ...]:
    numbers = rows.column("_row").to_pylist()
    return tuple(Edit(row=numbers[int(place)], column=column, value="" if value is None else str(value)) for place, cells in edited.items() for column, value in cells.items())


def _one_cell(record: ImportRecord, who: str, group: IssueGroup | None) -> None:
    columns = list(record.report.columns)
    place = columns.index(group.column) if group and group.column in columns else 0
    first = next((each.row for each in group.examples if each.row), 2) if group else 2
    with st.container(horizontal=True, vertical_alignment="bottom"):
        row = st.number_input("Row", min_value=1, value=row_in_file(first, record.report), step=1, key=f"one_row_{record.id}_{first}")
        column = st.selectbox("Column", columns, index=place, key=f"one_column_{record.id}_{place}")
    ours = _which(record, int(row), first)
    with st.form(f"one_cell_{record.id}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        value = st.text_input("New text", key=f"one_value_{record.id}_{first}_{place}")  # what was typed for one cell doesn't stand there for the next
        empties = st.checkbox("Empty the cell", key=f"one_empty_{record.id}_{first}_{place}")
        sent = st.form_submit_button("Change this cell")
    if sent and not value and not empties:
        st.warning("Nothing was typed. Type the new text, or tick *Empty the cell*.", icon=":material/warning:")
    elif sent and value and empties:
        st.warning("There is a new text, and *Empty the cell* is ticked: which of them is meant? Nothing was changed.", icon=":material/warning:")
    elif sent and ours is not None:
        with errors.shown():
            correct(record, [SetCells(edits=(Edit(row=ours, column=column, value=value),))], who)
            st.rerun()


def _which(record: ImportRecord, row: int, likely: int) -> int | None:
    """Our number of the row meant, asked for where several stand in that row of the file; what stands there is shown. None where nothing does."""
    found = ask(fixing.rows_at, record.id, row)
    numbers = found.column("_row").to_pylist()
    if not numbers:
        st.info(f"Row {row} isn't in the table: it is a heading, was left out, or is beyond its end.", icon=":material/info:")
        return None
    chosen = numbers[0]
    if len(numbers) > 1:
        said = {each["_row"]: " · ".join(str(text) for name, text in each.items() if name != "_row" and text) for each in found.to_pylist()}
        chosen = st.selectbox(f"Row {row} of your file holds {count(len(numbers), 'row')}. Which one?", numbers, index=numbers.index(likely) if likely in numbers else 0, format_func=said.get, key=f"one_which_{record.id}_{row}")
    shown = found.filter(pc.equal(found.column("_row"), chosen)).drop_columns(["_sheet"])
    tables.show(tables.as_in_file(shown, record.report), "The row as it is now", key=f"one_now_{record.id}")
    return chosen


def _everywhere(record: ImportRecord, who: str, group: IssueGroup | None) -> None:
    correction = everywhere.chosen(record, group)
    if correction is None:
        aside("Fill in the fields above to see what would change.")
        return
    with errors.shown():
        rows, examples = ask(fixing.effect, record.id, correction)
        _effect(rows, examples, record.report)
        if st.button(f"Change {count(rows, 'row')} and check again" if rows else "Nothing would change", disabled=not rows, key=f"bulk_do_{record.id}"):
            correct(record, [correction], who)
            st.rerun()


def _effect(rows: int, examples: list[dict[str, object]], report: ReadReport) -> None:
    if not rows:
        return
    st.markdown(f"**{count(rows, 'row')} would change.** {'For example:' if rows > len(examples) else ''}")
    columns = list(dict.fromkeys(name for each in examples for name in (each["after"] or each["before"])))[:6]
    shown = [{"_row": row_in_file(each["row"], report), **{name: _change(each, name) for name in columns}} for each in examples]
    tables.show(pa.Table.from_pylist(shown), "Rows that would change, before and after")


def _change(example: dict[str, object], name: str) -> str:
    before = example["before"].get(name) or "(empty)"
    if example["after"] is None:
        return f"{before} → left out"
    return f"{before} → {example['after'][name] or '(empty)'}" if name in example["after"] else ""
