"""Run by alembic with the connection that ``core.store.migrations`` hands over."""

from alembic import context
from sqlmodel import SQLModel

import core.tables  # noqa: F401  (registers every table)

connection = context.config.attributes["connection"]
sqlite = connection.dialect.name == "sqlite"
if sqlite:
    # Rebuilding a table drops it; with foreign keys on that would cascade into its children.
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.commit()

context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
connection.commit()
if sqlite:
    connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    connection.commit()
