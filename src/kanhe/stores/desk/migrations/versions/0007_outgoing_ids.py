"""Events of the desk by their id, for erasing."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Apply the step."""
    op.create_index("ix_outgoing_events_event_id", "outgoing_events", ["event_id"])
