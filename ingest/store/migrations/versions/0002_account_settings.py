"""What people say about an account: the day on which its invoices are made."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        "account_settings",
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("invoice_day", sa.Integer(), nullable=True),
        sa.CheckConstraint("invoice_day between 1 and 31", name=op.f("ck_account_settings_invoice_day")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_account_settings")),
    )


def downgrade() -> None:
    """Removes it."""
    op.drop_table("account_settings")
