"""What Alembic runs to migrate, over a connection that its caller has opened."""

from __future__ import annotations

from alembic import context

from predictor.store.schema import metadata


def migrate() -> None:
    """Run the migrations in the transaction of the caller."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    context.run_migrations()


# The name under which Alembic loads this file; imported as a module it does nothing.
if __name__ == "env_py":
    migrate()
