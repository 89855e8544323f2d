"""Drafts of policy packs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "policy_drafts",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("files", sa.LargeBinary, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.Column("updated_ms", sa.Integer, nullable=False),
        sa.Column("proposed", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_policy_drafts"),
    )
    op.create_index(
        "ix_policy_drafts_proposed_updated_ms", "policy_drafts", ["proposed", "updated_ms"]
    )
