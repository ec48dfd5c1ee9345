"""Run by alembic: apply the scripts of versions/ on the connection that `audience_graph.schema` hands over."""

from alembic import context

if context.is_offline_mode():
    raise SystemExit("run `audience-graph migrate`: these scripts need an open connection")

context.configure(
    connection=context.config.attributes["connection"],
    transaction_per_migration=True,
    on_version_apply=context.config.attributes["on_version_apply"],
)
with context.begin_transaction():
    context.run_migrations()
