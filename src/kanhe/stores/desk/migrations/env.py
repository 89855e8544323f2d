"""Called by Alembic: runs the steps on the connection that `Desk` hands over, within its transaction."""

from __future__ import annotations

from alembic import context

from kanhe.stores.desk.schema import METADATA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=METADATA,
    transactional_ddl=False,
    render_as_batch=True,
)
context.run_migrations()
