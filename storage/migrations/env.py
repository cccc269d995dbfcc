"""How Alembic runs the steps: on the connection that `storage.records.schema` hands over, in one transaction."""

from alembic import context

from storage.records.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
