"""The drop area: a small component that sends slices to our own route. The browser only ever tells us ids; what they stand for is looked up."""

from pathlib import Path

import streamlit as st

from ingest import query, upload
from ingest.errors import IngestError
from ingest.settings import settings
from pages.parts import errors
from pages.parts.state import link_import, open_import, remembered
from pages.parts.text import ago, limit, plain, shorten, state
from schemas.records import ImportRecord

TICKETS = 20
PUT_RIGHT_SECONDS = 300.0
"""A whole file is read and compared."""
ENDINGS = ".csv,.tsv,.txt,.psv,.tab,.dat,.log,.xlsx,.xlsm,.xlsb,.xls,.ods,.json,.jsonl,.ndjson,.xml,.html,.htm,.parquet,.arrow,.feather,.gz,.bz2,.xz,.zst,.zip"
EMPTY = "Drop a CSV or Excel file. Nothing is sent until you say so."

_HTML = f"""
<div class="area">
  <p class="say"></p>
  <button type="button" class="choose">Choose files</button>
  <input type="file" multiple accept="{ENDINGS}" aria-label="Files to upload" tabindex="-1">
  <p class="small">CSV, TSV or other text, Excel, OpenDocument, JSON, XML, Parquet, also packed (zip, gz), up to {{limit}} each. Several at once are fine.</p>
</div>
<p class="problem"></p>
<ul aria-label="Files being uploaded"></ul>
<div class="quiet" role="status" aria-live="polite"></div>
"""
_HERE = Path(__file__).parent


def _component():  # noqa: ANN202  (Streamlit doesn't name the type)
    return st.components.v2.component(
        "intake_upload_box",
        html=_HTML.replace("{limit}", limit(settings().upload_max_bytes)).replace('<p class="say"></p>', f'<p class="say">{EMPTY}</p>'),
        css=(_HERE / "upload_box.css").read_text(encoding="utf-8"),
        js=(_HERE / "upload_box.js").read_text(encoding="utf-8"),
    )


_box = _component()


def upload_rows(key: str, who: str, import_id: str) -> list[int]:
    """Lets a person drop files of corrected rows of an import that wasn't sent; for each that was taken just now, how many rows it changed."""
    return [changed for each in _finished(key, who)[0] if (changed := _put_right(each, who, import_id)) is not None]


def upload_box(key: str, who: str, *, account: str | None = None, fixes: str | None = None) -> None:
    """Lets a person drop files, starts an import of each, and goes there. `fixes` names the import whose bad rows are brought back."""
    ids, chosen = _finished(key, who)
    arrivals = [each for each in (_dealt_with(upload_id, who, account, fixes) for upload_id in ids) if each]
    if len(arrivals) == 1 and chosen == 1 and arrivals[0].import_id:
        open_import(arrivals[0].import_id)
    for arrival in arrivals:
        _list(arrival, who, account, fixes)


def _finished(key: str, who: str) -> tuple[list[str], int | None]:
    """Draws the drop area; the ids of the uploads that are done, and how many files were chosen."""
    said = _box(key=key, data={"tickets": _tickets(who), "maxBytes": settings().upload_max_bytes, "sliceBytes": settings().upload_slice_bytes}, on_finished_change=lambda: None)
    finished = said.finished or {}
    ids = [each for each in finished.get("done", []) if isinstance(each, str)]
    remembered.tickets[:] = [ticket for ticket in remembered.tickets if ticket["id"] not in ids]
    return ids, finished.get("chosen")


def _put_right(upload_id: str, who: str, import_id: str) -> int | None:
    """How many rows an upload changed; a failure is shown in its place."""
    with errors.shown(), st.spinner("Taking the corrected rows over …", show_time=True):
        return query.ask(upload.put_right, (upload_id, who, import_id), seconds=PUT_RIGHT_SECONDS)
    return None


def start_reading(import_id: str, who: str) -> None:
    """Queues the reading of a new import."""
    from ingest import jobs  # dbos takes a second to import

    jobs.queue_read(import_id, None, who)


def _dealt_with(upload_id: str, who: str, account: str | None, fixes: str | None) -> upload.Arrival | None:
    """What a finished upload became; a failure is shown in its place."""
    try:
        arrival = upload.bring_in(upload_id, who, account=account, fixes=fixes)
        if arrival.import_id and upload_id not in remembered.uploads:
            for import_id in (arrival.import_id, *arrival.also):
                start_reading(import_id, who)
            remembered.uploads[upload_id] = arrival.import_id
        return arrival
    except IngestError as error:
        errors.show(error)
        return None


def _list(arrival: upload.Arrival, who: str, account: str | None, fixes: str | None) -> None:
    name = plain(shorten(arrival.file_name))
    if arrival.import_id:
        link_import(arrival.import_id, f"Open **{name}**", icon=":material/check_circle:")
        return
    with st.container(border=True):
        st.markdown(f"**{name}** was imported before.")
        for record in arrival.known[:5]:
            _known(record, arrival.file_name, who)
        st.caption("The same file again makes the same events: those already sent are recognised and not sent twice.")
        if st.button("Import again", key=f"again_{arrival.upload_id}", icon=":material/content_copy:"):
            _import_again(arrival.upload_id, who, account, fixes)


def _known(record: ImportRecord, file_name: str, who: str) -> None:
    by = "you" if record.created_by == who else plain(record.created_by)
    called = "" if record.file_name == file_name else f" as *{plain(shorten(record.file_name))}*"
    where = f", account {plain(record.account)}" if record.account else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"By {by}{called}, {ago(record.created_at)}: **{state(record.state)}**{where}.")
        link_import(record.id, "Open that import", icon=":material/arrow_forward:")


def _import_again(upload_id: str, who: str, account: str | None, fixes: str | None) -> None:
    arrival = upload.bring_in(upload_id, who, account=account, fixes=fixes, again=True)
    for import_id in (arrival.import_id, *arrival.also):
        start_reading(import_id, who)
    remembered.uploads[upload_id] = arrival.import_id
    open_import(arrival.import_id)


def _tickets(who: str) -> list[dict[str, str]]:
    """Enough tickets for one drop; each is good for one file."""
    tickets = remembered.tickets
    while len(tickets) < TICKETS:
        upload_id, token = upload.mint(who)
        tickets.append({"id": upload_id, "token": token})
    return list(tickets)
