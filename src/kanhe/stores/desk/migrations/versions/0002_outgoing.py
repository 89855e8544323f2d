"""What leaves the desk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "outgoing_events",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.Column("sent_ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("problem", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_events"),
    )
    op.create_index("ix_outgoing_events_unsent", "outgoing_events", ["sent_ms", "id"])
    op.create_table(
        "news",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_news"),
    )
