"""Files with several kinds of usage: which rows are which import's."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Makes the table, and lets imports name their division."""
    op.create_table(
        "divisions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_divisions")),
    )
    op.add_column("imports", sa.Column("division", sa.String(length=40), nullable=True))


def downgrade() -> None:
    """Removes them."""
    with op.batch_alter_table("imports") as imports:
        imports.drop_column("division")
    op.drop_table("divisions")
