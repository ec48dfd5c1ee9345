"""Why a release was published, and what the gates said of it against the one that was current."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE publication ADD reason text, ADD gates jsonb")


def downgrade() -> None:
    raise NotImplementedError("scripts only go forward: restore a backup instead")
