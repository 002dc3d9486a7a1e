"""match: which column is which field. Everything is proposed with its reason; only what is certain is applied without asking."""

from ingest.match.aggregated import offers as period_offers
from ingest.match.keys import fitting, key_candidates, key_warning, propose_key
from ingest.match.kinds import kinds_in, offers
from ingest.match.moments import joins
from ingest.match.profile import profile_columns, raw_rows
from ingest.match.propose import propose_event_type
from ingest.match.specify import build_spec, validate
from ingest.match.suggest import suggest

__all__ = ["build_spec", "fitting", "joins", "key_candidates", "key_warning", "kinds_in", "offers", "period_offers", "profile_columns", "propose_event_type", "propose_key", "raw_rows", "suggest", "validate"]
