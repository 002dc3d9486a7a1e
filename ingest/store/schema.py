"""The tables of the store. State words, append-only histories, and constraints that make doing a thing twice impossible."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s", "uq": "uq_%(table_name)s_%(column_0_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s", "ix": "ix_%(table_name)s_%(column_0_name)s"})

# Accounts that a person added; the environment's and the embedded sandbox are never stored. The key is sealed (ingest/store/secrets.py).
accounts = Table(
    "accounts", metadata,
    Column("name", String(100), primary_key=True),
    Column("kind", String(20), CheckConstraint("kind in ('sandbox', 'production')", name="kind"), nullable=False),
    Column("base_url", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("sealed_key", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
)

# What people say about any account, by its name: also of those that aren't stored.
account_settings = Table(
    "account_settings", metadata,
    Column("account", String(100), primary_key=True),
    Column("invoice_day", Integer, CheckConstraint("invoice_day between 1 and 31", name="invoice_day")),
)

# A finished upload: bytes in the spool, waiting for the page that asked for them.
uploads = Table(
    "uploads", metadata,
    Column("id", String(40), primary_key=True),
    Column("owner", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("finished_at", String(32), nullable=False),
    Column("import_id", String(40)),
)

imports = Table(
    "imports", metadata,
    Column("id", String(40), primary_key=True),
    Column("file_name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("state", String(20), nullable=False),
    Column("account", Text),
    Column("event_type", Text),
    Column("period", String(7)),                      # YYYY-MM of the usage
    Column("read_spec", Text, nullable=False),        # schemas.reading.ReadSpec
    Column("report", Text),                           # schemas.reading.ReadReport
    Column("match", Text),                            # schemas.matching.MatchSpec
    Column("check", Text),                            # schemas.checking.CheckResult
    Column("raw_key", String(24)),                    # the current raw-<key> folder
    Column("check_key", String(24)),                  # the current check-<key> folder
    Column("rejected_choice", String(10), CheckConstraint("rejected_choice in ('stop', 'continue')", name="rejected_choice")),
    Column("message", Text, nullable=False, server_default=""),
    Column("fixes", String(40), ForeignKey("imports.id")),
    Column("job", String(80)),                        # the running job's id
    Column("progress", Text),
    Column("division", String(40)),                   # divisions.id, where the file holds several kinds of usage
    Column("run", String(40)),                        # runs.id, where a source brought it
    Index("ix_imports_sha256", "sha256"),
    Index("ix_imports_created_at", "created_at"),
    Index("ix_imports_run", "run"),
)

# How the rows of one file are divided among imports: one row says it for all of them, so that no two can disagree.
divisions = Table(
    "divisions", metadata,
    Column("id", String(40), primary_key=True),
    Column("division", Text, nullable=False),         # schemas.dividing.Division
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

pushes = Table(
    "pushes", metadata,
    Column("id", String(40), primary_key=True),
    Column("import_id", String(40), ForeignKey("imports.id"), nullable=False),
    Column("check_key", String(24), nullable=False),
    Column("account", Text, nullable=False),
    Column("ledger_name", Text, nullable=False),      # base URL | organisation
    Column("event_type", Text, nullable=False),       # slug
    Column("state", String(20), nullable=False),
    Column("pushed_by", Text, nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("events", BigInteger, nullable=False, server_default="0"),
    Column("batches", Integer, nullable=False, server_default="0"),
    Column("batch_events", Integer, nullable=False, server_default="500"),
    Column("fence", Integer, nullable=False, server_default="0"),   # raised by whoever takes the push over
    Column("stop_asked", Integer, nullable=False, server_default="0"),
    Column("held_before", Text),                      # what the account held before, for proof by counts
    Column("message", Text, nullable=False, server_default=""),
    Column("receipt", Text),                          # schemas.pushing.Receipt
    UniqueConstraint("import_id", "check_key", "ledger_name", name="uq_pushes_once"),
    Index("ix_pushes_ledger_name", "ledger_name"),
)

# The plan of a push, written before anything is sent; `first` and `events` say which rows of events.parquet.
batches = Table(
    "batches", metadata,
    Column("push_id", String(40), ForeignKey("pushes.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("events", Integer, nullable=False),
    Column("body_sha256", String(64), nullable=False),
    Column("idempotency_key", String(36), nullable=False, unique=True),
    Column("state", String(10), CheckConstraint("state in ('planned', 'sending', 'accepted', 'rejected', 'unknown', 'split')", name="state"), nullable=False),
    Column("part", Integer, nullable=False),
    Column("split_from", Integer),
    Column("first_sent_at", String(32)),
    Column("settled_at", String(32)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("status", Integer),
    Column("message", Text, nullable=False, server_default=""),
    Index("ix_batches_part", "push_id", "part"),
)

# Every answer or silence, never changed.
attempts = Table(
    "attempts", metadata,
    Column("id", Integer, primary_key=True),
    Column("push_id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("status", Integer),
    Column("message", Text, nullable=False, server_default=""),
    Index("ix_attempts_push", "push_id", "number"),
)

# Rejected rows that are not billed yet, one entry per import, code and column.
open_rows = Table(
    "open_rows", metadata,
    Column("id", Integer, primary_key=True),
    Column("import_id", String(40), ForeignKey("imports.id"), nullable=False),
    Column("code", String(60), nullable=False),
    Column("column", Text, nullable=False, server_default=""),
    Column("count", Integer, nullable=False),
    Column("first_row", BigInteger),
    Column("first_value", Text),
    Column("owner", Text, nullable=False),
    Column("since", String(32), nullable=False),
    Column("state", String(10), CheckConstraint("state in ('open', 'fixed', 'dismissed')", name="state"), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    UniqueConstraint("import_id", "code", "column", name="uq_open_rows_once"),
)

# What a person changed in the table that was read: a list that is replayed, in the order of `id`; an undone one can be done again.
corrections = Table(
    "corrections", metadata,
    Column("id", Integer, primary_key=True),
    Column("import_id", String(40), ForeignKey("imports.id"), nullable=False),
    Column("correction", Text, nullable=False),       # schemas.correcting.Correction
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("undone", Integer, nullable=False, server_default="0"),
    Index("ix_corrections_import", "import_id", "id"),
)

# What customers are called in files, for a whole account: the customer that is meant, or none for one that is never billed.
customer_names = Table(
    "customer_names", metadata,
    Column("account", String(100), primary_key=True),
    Column("name", String(400), primary_key=True),
    Column("customer_id", Text),
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

# What was learnt about a kind of file; a changed recipe is a new version beside the old ones.
recipes = Table(
    "recipes", metadata,
    Column("name", String(100), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("recipe", Text, nullable=False),           # schemas.recipe.Recipe
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

# Billable metrics of an account; a changed one is a new version beside the old ones.
metrics = Table(
    "metrics", metadata,
    Column("account", String(100), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("metric", Text, nullable=False),           # schemas.metric.Metric
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

# What the account has of a metric: the definition that was registered last. One of the account's aggregates is never two metrics.
registrations = Table(
    "registrations", metadata,
    Column("account", String(100), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("aggregate_id", Text, nullable=False),
    Column("metric", Text, nullable=False),           # schemas.metric.Metric
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
    UniqueConstraint("account", "aggregate_id", name="uq_registrations_aggregate"),
)

# What a metric of an account costs, for previews: the billing system's own prices are those of its contracts.
prices = Table(
    "prices", metadata,
    Column("account", String(100), primary_key=True),
    Column("metric", String(100), primary_key=True),
    Column("price", Text, nullable=False),            # schemas.price.Price
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

# Decisions about an import that wait for a colleague, by the decision's name; giving one again replaces it, the audit log keeps both.
handovers = Table(
    "handovers", metadata,
    Column("import_id", String(40), ForeignKey("imports.id"), primary_key=True),
    Column("decision", String(400), primary_key=True),
    Column("colleague", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
)

# Where usage comes from by itself. Secrets in `source` are sealed or references; `mark` moves only when everything before it is proven sent.
sources = Table(
    "sources", metadata,
    Column("name", String(100), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),           # schemas.source.Source
    Column("state", String(10), CheckConstraint("state in ('active', 'paused')", name="state"), nullable=False),
    Column("enabled", Integer, nullable=False, server_default="0"),
    Column("paused_why", Text, nullable=False, server_default=""),
    Column("mark", Text),
    Column("newest", Text),
    Column("columns", Text, nullable=False, server_default="[]"),
    Column("seen", String(40)),                       # the run whose rows the next are compared with
    Column("next_at", String(32)),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("call_key", Text),                         # sealed: what a web call is signed with
    Column("who", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Index("ix_sources_next_at", "next_at"),
)

# Runs of sources. A source has one open run at most (`open_of` is its name while the run is open), and one run for each tick of its schedule.
runs = Table(
    "runs", metadata,
    Column("id", String(40), primary_key=True),
    Column("source", String(100), nullable=False),
    Column("open_of", String(100)),
    Column("kind", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("who", Text, nullable=False),
    Column("since", Text),
    Column("until", Text),
    Column("mark", Text),
    Column("imports", Text, nullable=False, server_default="[]"),
    Column("rows", Text, nullable=False, server_default="{}"),   # schemas.pull_run.RunRows
    Column("sent", BigInteger, nullable=False, server_default="0"),
    Column("proven", BigInteger, nullable=False, server_default="0"),
    Column("message", Text, nullable=False, server_default=""),
    Column("log", Text, nullable=False, server_default="[]"),
    Column("due_at", String(32)),
    Column("started_at", String(32), nullable=False),
    Column("ended_at", String(32)),
    Column("read_seconds", Float),
    Column("job", String(80)),
    Column("exit_code", Integer, nullable=False, server_default="0"),
    UniqueConstraint("open_of", name="uq_runs_open_of"),
    UniqueConstraint("source", "due_at", name="uq_runs_tick"),
    Index("ix_runs_source", "source", "started_at"),
)

# The files of a source that are done: fetched, and everything in them proven sent or kept as open rows. `version` is ETag, size and time.
pulled_files = Table(
    "pulled_files", metadata,
    Column("source", String(100), primary_key=True),
    Column("path", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("run", String(40), nullable=False),
    Column("at", String(32), nullable=False),
)

# What somebody should know about a source, until it is over.
alarms = Table(
    "alarms", metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(100), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("text", Text, nullable=False),
    Column("run", String(40)),
    Column("at", String(32), nullable=False),
    Column("closed_at", String(32)),
    Index("ix_alarms_source", "source", "closed_at"),
)

audit = Table(
    "audit", metadata,
    Column("id", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("who", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    Index("ix_audit_subject", "subject"),
)
