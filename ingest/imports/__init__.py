"""One import through its stages: what the command line, the jobs and the pages all call.

    start → read → match → check → (preview) → push

Each step takes the import's id, does its stage under the import's lock, and moves the pointer in the store. Sending lives in ingest/push.
"""

from ingest.changes import changes
from ingest.imports.arriving import pieces, start, start_or_find
from ingest.imports.checking import check, choose_rejected, discard
from ingest.imports.current import BUSY, NEVER_BILLED, check_folder, raw_folder, read_record, source_path, table_key, with_corrections
from ingest.imports.dividing import divide, events, is_divided_so, put_together, together, values_of
from ingest.imports.looking import left_out_rows, overview, preview, problem_rows, raw_rows, write_rejected
from ingest.imports.matching import called, column_questions, columns, earlier_key, key_candidates, kinds_in, offers, period_offers, propose_event_type, propose_key, set_check, set_match, suggestions
from ingest.imports.reading import read, read_as_divided, stop_reading

__all__ = [
    "BUSY", "NEVER_BILLED", "called", "changes", "check", "check_folder", "choose_rejected", "column_questions", "columns", "discard", "divide", "earlier_key", "events", "is_divided_so", "key_candidates", "kinds_in", "left_out_rows", "offers", "overview", "period_offers", "pieces", "preview", "problem_rows", "propose_event_type", "propose_key", "put_together", "raw_folder", "raw_rows", "read", "read_as_divided", "read_record", "set_check", "set_match", "source_path", "start", "start_or_find", "stop_reading", "suggestions", "table_key", "together", "values_of", "with_corrections", "write_rejected",
]
