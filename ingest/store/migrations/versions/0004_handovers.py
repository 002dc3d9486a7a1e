"""Decisions that were given to a colleague."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "handovers",
        sa.Column("import_id", sa.String(length=40), nullable=False),
        sa.Column("decision", sa.String(length=400), nullable=False),
        sa.Column("colleague", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_handovers_import_id")),
        sa.PrimaryKeyConstraint("import_id", "decision", name=op.f("pk_handovers")),
    )


def downgrade() -> None:
    """Removes it."""
    op.drop_table("handovers")
