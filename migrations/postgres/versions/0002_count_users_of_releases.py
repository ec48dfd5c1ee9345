"""Number of users with a vector, per release: a daily run changes it, the relation version stays as it was."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE release ADD users bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    raise NotImplementedError("scripts only go forward: restore a backup instead")
