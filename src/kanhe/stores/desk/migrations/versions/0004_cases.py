"""Alerts, cases, what people do to them, and their saved searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply the step."""
    _cases()
    _alerts()
    _history()


def _cases() -> None:
    """The cases themselves."""
    op.create_table(
        "cases",
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("is_active", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("priority_minor", sa.Integer, nullable=False),
        sa.Column("loss_minor", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.Integer, nullable=False),
        sa.Column("alerts", sa.Integer, nullable=False),
        sa.Column("complaints", sa.Integer, nullable=False, server_default="0"),
        sa.Column("accounts", sa.Integer, nullable=False),
        sa.Column("opened_ms", sa.Integer, nullable=False),
        sa.Column("changed_ms", sa.Integer, nullable=False),
        sa.Column("due_ms", sa.Integer, nullable=False),
        sa.Column("since_ms", sa.Integer, nullable=False),
        sa.Column("warned", sa.Integer, nullable=False, server_default="0"),
        sa.Column("owner", sa.Text, nullable=False, server_default=""),
        sa.Column("holder", sa.Text, nullable=False, server_default=""),
        sa.Column("held_until_ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("wake_ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("level", sa.Integer, nullable=False, server_default="0"),
        sa.Column("escalated_by", sa.Text, nullable=False, server_default=""),
        sa.Column("resolved_by", sa.Text, nullable=False, server_default=""),
        sa.Column("resolved_ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("times_resolved", sa.Integer, nullable=False, server_default="0"),
        sa.Column("verdict", sa.Text, nullable=False, server_default=""),
        sa.Column("reason", sa.Text, nullable=False, server_default=""),
        sa.Column("reviewed_by", sa.Text, nullable=False, server_default=""),
        sa.Column("merged_into", sa.Integer, nullable=False, server_default="0"),
        sa.Column("about_kind", sa.Text, nullable=False, server_default=""),
        sa.Column("about", sa.Text, nullable=False, server_default=""),
        sa.Column("title_en", sa.Text, nullable=False, server_default=""),
        sa.Column("title_zh", sa.Text, nullable=False, server_default=""),
        sa.Column("event_type", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("number", name="pk_cases"),
    )
    op.create_index("ix_cases_due", "cases", ["is_active", "due_ms", "number"])
    op.create_index(
        "ix_cases_facets", "cases", ["is_active", "tenant", "severity", "state", "queue", "owner"]
    )
    op.create_index("ix_cases_opened", "cases", ["is_active", "opened_ms", "number"])
    op.create_index("ix_cases_owner", "cases", ["owner", "is_active", "number"])
    op.create_index("ix_cases_priority", "cases", ["is_active", "priority_minor", "number"])
    op.create_index("ix_cases_state", "cases", ["state", "wake_ms"])
    op.create_index("ix_cases_tenant_due", "cases", ["tenant", "is_active", "due_ms", "number"])
    op.create_index(
        "ix_cases_tenant_priority", "cases", ["tenant", "is_active", "priority_minor", "number"]
    )


def _alerts() -> None:
    """Alerts, and whom and what they name."""
    op.create_table(
        "alerts",
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("case_number", sa.Integer, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("received_ms", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("score", sa.Integer, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("amount_minor", sa.Integer, nullable=True),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("base_minor", sa.Integer, nullable=False),
        sa.Column("loss_minor", sa.Integer, nullable=False),
        sa.Column("rules", sa.Text, nullable=False),
        sa.Column("reason_en", sa.Text, nullable=False),
        sa.Column("reason_zh", sa.Text, nullable=False),
        sa.Column("entities", sa.Text, nullable=False),
        sa.Column("subject_event", sa.Text, nullable=False),
        sa.Column("is_forgotten", sa.Integer, nullable=False, server_default="0"),
        sa.ForeignKeyConstraint(
            ["case_number"], ["cases.number"], name="fk_alerts_case_number_cases"
        ),
        sa.PrimaryKeyConstraint("seq", name="pk_alerts"),
    )
    op.create_index("ix_alerts_case", "alerts", ["case_number", "seq"])
    op.create_index("ix_alerts_event", "alerts", ["tenant", "event_id"])
    op.create_table(
        "case_entities",
        sa.Column("case_number", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("is_active", sa.Integer, nullable=False),
        sa.Column("alerts", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_number"], ["cases.number"], name="fk_case_entities_case_number_cases"
        ),
        sa.PrimaryKeyConstraint("case_number", "kind", "value", name="pk_case_entities"),
    )
    op.create_index(
        "ix_case_entities_value",
        "case_entities",
        ["kind", "value", "is_active", "tenant", "case_number"],
    )
    op.create_table(
        "case_rules",
        sa.Column("case_number", sa.Integer, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("is_active", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_number"], ["cases.number"], name="fk_case_rules_case_number_cases"
        ),
        sa.PrimaryKeyConstraint("case_number", "rule", name="pk_case_rules"),
    )
    op.create_index("ix_case_rules_rule", "case_rules", ["rule", "is_active", "case_number"])
    op.create_table(
        "case_links",
        sa.Column("one", sa.Integer, nullable=False),
        sa.Column("other", sa.Integer, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["other"], ["cases.number"], name="fk_case_links_other_cases"),
        sa.ForeignKeyConstraint(["one"], ["cases.number"], name="fk_case_links_one_cases"),
        sa.PrimaryKeyConstraint("one", "other", name="pk_case_links"),
    )
    op.create_index("ix_case_links_other", "case_links", ["other"])


def _history() -> None:
    """What people do, write and add, and their saved searches."""
    op.create_table(
        "case_steps",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_number", sa.Integer, nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False, server_default="{}"),
        sa.ForeignKeyConstraint(
            ["case_number"], ["cases.number"], name="fk_case_steps_case_number_cases"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_case_steps"),
    )
    op.create_index("ix_case_steps_case", "case_steps", ["case_number", "id"])
    op.create_index("ix_case_steps_staff", "case_steps", ["staff", "at_ms"])
    op.create_table(
        "case_notes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_number", sa.Integer, nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("mentions", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_number"], ["cases.number"], name="fk_case_notes_case_number_cases"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_case_notes"),
    )
    op.create_index("ix_case_notes_case", "case_notes", ["case_number", "id"])
    op.create_table(
        "case_evidence",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("case_number", sa.Integer, nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["case_number"], ["cases.number"], name="fk_case_evidence_case_number_cases"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_case_evidence"),
    )
    op.create_index("ix_case_evidence_case", "case_evidence", ["case_number", "id"])
    op.create_index("ix_case_evidence_digest", "case_evidence", ["digest"])
    op.create_table(
        "case_undo",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("at_ms", sa.Integer, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("undone_ms", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_case_undo"),
    )
    op.create_index("ix_case_undo_staff", "case_undo", ["staff", "id"])
    op.create_table(
        "queue_views",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
        sa.Column("is_shared", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_queue_views"),
    )
    op.create_index("uq_queue_views_name", "queue_views", ["staff", "name"], unique=True)
