"""Sources that are pulled, their runs, the files they had, and alarms about them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Makes the tables."""
    op.create_table(
        "sources",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("enabled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("paused_why", sa.Text(), server_default="", nullable=False),
        sa.Column("mark", sa.Text(), nullable=True),
        sa.Column("newest", sa.Text(), nullable=True),
        sa.Column("columns", sa.Text(), server_default="[]", nullable=False),
        sa.Column("seen", sa.String(length=40), nullable=True),
        sa.Column("next_at", sa.String(length=32), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("call_key", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.CheckConstraint("state in ('active', 'paused')", name=op.f("ck_sources_state")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
    )
    op.create_index("ix_sources_next_at", "sources", ["next_at"])
    op.create_table(
        "runs",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("open_of", sa.String(length=100), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=True),
        sa.Column("until", sa.Text(), nullable=True),
        sa.Column("mark", sa.Text(), nullable=True),
        sa.Column("imports", sa.Text(), server_default="[]", nullable=False),
        sa.Column("rows", sa.Text(), server_default="{}", nullable=False),
        sa.Column("sent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("proven", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("log", sa.Text(), server_default="[]", nullable=False),
        sa.Column("due_at", sa.String(length=32), nullable=True),
        sa.Column("started_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=True),
        sa.Column("read_seconds", sa.Float(), nullable=True),
        sa.Column("job", sa.String(length=80), nullable=True),
        sa.Column("exit_code", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("open_of", name="uq_runs_open_of"),
        sa.UniqueConstraint("source", "due_at", name="uq_runs_tick"),
    )
    op.create_index("ix_runs_source", "runs", ["source", "started_at"])
    op.create_table(
        "pulled_files",
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("run", sa.String(length=40), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("source", "path", name=op.f("pk_pulled_files")),
    )
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("run", sa.String(length=40), nullable=True),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("closed_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
    )
    op.create_index("ix_alarms_source", "alarms", ["source", "closed_at"])
    with op.batch_alter_table("imports") as table:
        table.add_column(sa.Column("run", sa.String(length=40), nullable=True))
    op.create_index("ix_imports_run", "imports", ["run"])


def downgrade() -> None:
    """Removes them."""
    op.drop_index("ix_imports_run", "imports")
    with op.batch_alter_table("imports") as table:
        table.drop_column("run")
    for name in ("alarms", "pulled_files", "runs", "sources"):
        op.drop_table(name)
