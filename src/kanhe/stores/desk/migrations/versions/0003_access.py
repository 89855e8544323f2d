"""Accounts of staff, their sessions, and what stands between two requests of a sign-in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply the step."""
    _accounts()
    _doors()


def _accounts() -> None:
    op.create_table(
        "staff",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("mail", sa.Text, nullable=False),
        sa.Column("mail_folded", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.Column("disabled_ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("signed_in_ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("password", sa.Text, nullable=False, server_default=""),
        sa.Column("password_ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("totp", sa.LargeBinary, nullable=False, server_default=""),
        sa.Column("totp_step", sa.Integer, nullable=False, server_default="0"),
        sa.Column("recovery_salt", sa.LargeBinary, nullable=False, server_default=""),
        sa.Column("handle", sa.LargeBinary, nullable=False),
        sa.Column("language", sa.Text, nullable=False, server_default=""),
        sa.Column("theme", sa.Text, nullable=False, server_default="system"),
        sa.Column("time_zone", sa.Text, nullable=False, server_default="UTC"),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("mail_folded", name="uq_staff_mail_folded"),
    )
    op.create_index("ix_staff_tenant", "staff", ["tenant"])
    op.create_table(
        "staff_roles",
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("staff", "role", name="pk_staff_roles"),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name="fk_staff_roles_staff_staff"),
    )
    op.create_table(
        "roles",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("changed_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_roles"),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("credential_id", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("counter", sa.Integer, nullable=False),
        sa.Column("backed_up", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.Column("used_ms", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name="fk_passkeys_staff_staff"),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
    )
    op.create_index("ix_passkeys_staff", "passkeys", ["staff"])
    op.create_table(
        "recovery_codes",
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("used_ms", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("staff", "hash", name="pk_recovery_codes"),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name="fk_recovery_codes_staff_staff"),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("mail", sa.Text, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name="fk_identities_staff_staff"),
    )
    op.create_index("ix_identities_staff", "identities", ["staff"])


def _doors() -> None:
    op.create_table(
        "sessions",
        sa.Column("handle", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("second_factor", sa.Integer, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.Column("seen_ms", sa.Integer, nullable=False),
        sa.Column("factor_ms", sa.Integer, nullable=False),
        sa.Column("ended_ms", sa.Integer, nullable=False, server_default="0"),
        sa.Column("ip", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("handle", name="pk_sessions"),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name="fk_sessions_staff_staff"),
        sa.UniqueConstraint("token_hash", name="uq_sessions_token_hash"),
    )
    op.create_index("ix_sessions_staff", "sessions", ["staff", "ended_ms"])
    op.create_table(
        "known_devices",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("staff", sa.Text, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.Column("seen_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", "staff", name="pk_known_devices"),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name="fk_known_devices_staff_staff"),
    )
    op.create_index("ix_known_devices_staff", "known_devices", ["staff"])
    op.create_table(
        "links",
        sa.Column("token_hash", sa.LargeBinary, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("staff", sa.Text, nullable=True),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("created_ms", sa.Integer, nullable=False),
        sa.Column("expires_ms", sa.Integer, nullable=False),
        sa.Column("used_ms", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_links"),
        sa.ForeignKeyConstraint(["staff"], ["staff.id"], name="fk_links_staff_staff"),
    )
    op.create_index("ix_links_staff", "links", ["staff"])
    op.create_table(
        "failures",
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_ms", sa.Integer, nullable=False),
        sa.Column("forget_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_failures"),
    )
    op.create_index("ix_failures_forget", "failures", ["forget_ms"])
    op.create_table(
        "spent",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("until_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_spent"),
    )
    op.create_index("ix_spent_until", "spent", ["until_ms"])
    op.create_table(
        "reveals",
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("until_ms", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("session", "subject", name="pk_reveals"),
        sa.ForeignKeyConstraint(
            ["session"], ["sessions.handle"], name="fk_reveals_session_sessions"
        ),
    )
