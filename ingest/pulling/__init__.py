"""A run of a source, from what is new to the proof, in steps that can each be done again:

    begin → fetch (connector → files) → take in (each file an import: read, match, check) → decide (send, or ask a person) → settle

State lives in the store: a run is open until everything it read is proven sent, or stays as open rows; only then does the source's mark move.
A run that fails or is stopped leaves the mark where it was: the next one reads the same window again, and what was sent already counts as such.
"""

from ingest.pulling.beginning import after, begin, begin_due, plan_next
from ingest.pulling.fetching import fetch
from ingest.pulling.sending import decide
from ingest.pulling.settling import fail, settle, stop
from ingest.pulling.taking_in import take_in, try_rejected_again
from ingest.pulling.watching import look_around

__all__ = ["after", "begin", "begin_due", "decide", "fail", "fetch", "look_around", "plan_next", "settle", "stop", "take_in", "try_rejected_again"]
